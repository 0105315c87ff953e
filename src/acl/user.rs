//! A user: its passwords, and what it may do (its selectors).
//!
//! Layer `acl`. It may use `client` and what lies below.
//!
//! Users are values. A change creates a new value with the same [`identity`](User::identity), which
//! replaces the old one.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::request::{Denial, Request};
use super::rules::RuleError;
use super::selector::{Selector, allows_channel};
pub(crate) use crate::client::DEFAULT_USER;
use crate::client::{Namespace, Subscriptions};
use crate::resp::hex::hex;
use crate::resp::inline::split_words;

/// A password's SHA-256. The password itself is not kept.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash([u8; 32]);

impl PasswordHash {
    /// The hash of a password.
    pub(crate) fn of(password: &[u8]) -> PasswordHash {
        PasswordHash(Sha256::digest(password).into())
    }

    /// Reads 64 hexadecimal digits, which must be in lower case.
    fn parse(digits: &[u8]) -> Result<PasswordHash, RuleError> {
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(RuleError::BadHash),
        };
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() {
            return Err(RuleError::BadHash);
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Ok(PasswordHash(hash))
    }

    /// As 64 hexadecimal digits.
    pub(crate) fn hex(&self) -> String {
        hex(&self.0)
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

/// A user: name, passwords and selectors.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// Its name.
    pub name: Bytes,
    /// Different for each user, also for one that is created after another of the same name was
    /// deleted.
    pub identity: u64,
    enabled: bool,
    /// Any password is accepted.
    no_password: bool,
    /// Whether RESTORE should validate payloads. fanfare has no RESTORE and only keeps the flag.
    sanitize_payload: bool,
    passwords: Vec<PasswordHash>,
    /// The rules outside of parentheses.
    root: Selector,
    /// The selectors in parentheses.
    selectors: Vec<Selector>,
}

impl User {
    /// A user that may do nothing, except for the channels that `acl-pubsub-default` allows.
    pub(crate) fn new(name: Bytes, all_channels: bool) -> User {
        User {
            name,
            identity: 0,
            enabled: false,
            no_password: false,
            sanitize_payload: true,
            passwords: Vec::new(),
            root: Selector::new(all_channels),
            selectors: Vec::new(),
        }
    }

    /// The default user before any rule is applied: it may do everything, and needs no password.
    pub(crate) fn unrestricted_default() -> User {
        let mut user = User::new(Bytes::from_static(DEFAULT_USER), true);
        for rule in ["on", "nopass", "~*", "&*", "+@all"] {
            let applied = user.apply(rule.as_bytes(), true);
            debug_assert_eq!(applied, Ok(()), "{rule}");
        }
        user
    }

    /// Applies one rule. `all_channels` says whether a selector that the rule creates or resets
    /// allows all channels.
    pub(crate) fn apply(&mut self, rule: &[u8], all_channels: bool) -> Result<(), RuleError> {
        match rule.to_ascii_lowercase().as_slice() {
            b"" => {}
            b"on" => self.enabled = true,
            b"off" => self.enabled = false,
            b"skip-sanitize-payload" => self.sanitize_payload = false,
            b"sanitize-payload" => self.sanitize_payload = true,
            b"nopass" => self.set_password(None),
            b"resetpass" => self.forget_passwords(),
            b"clearselectors" => self.selectors = Vec::new(),
            b"reset" => self.reset(all_channels),
            _ => return self.apply_other(rule, all_channels),
        }
        Ok(())
    }

    fn apply_other(&mut self, rule: &[u8], all_channels: bool) -> Result<(), RuleError> {
        match rule {
            [b'>', password @ ..] => self.add_password(PasswordHash::of(password)),
            [b'#', hash @ ..] => self.add_password(PasswordHash::parse(hash)?),
            [b'<', password @ ..] => self.remove_password(&PasswordHash::of(password))?,
            [b'!', hash @ ..] => self.remove_password(&PasswordHash::parse(hash)?)?,
            [b'(', rules @ .., b')'] => {
                let mut selector = Selector::new(all_channels);
                // Redis reads rules with an unbalanced quote as no rules.
                for rule in split_words(rules).unwrap_or_default() {
                    selector.apply(&rule)?;
                }
                self.selectors.push(selector);
            }
            rule => self.root.apply(rule)?,
        }
        Ok(())
    }

    fn add_password(&mut self, hash: PasswordHash) {
        if !self.passwords.contains(&hash) {
            self.passwords.push(hash);
        }
        self.no_password = false;
    }

    fn remove_password(&mut self, hash: &PasswordHash) -> Result<(), RuleError> {
        let index = self.passwords.iter().position(|own| own == hash);
        self.passwords
            .remove(index.ok_or(RuleError::NoSuchPassword)?);
        Ok(())
    }

    fn forget_passwords(&mut self) {
        self.no_password = false;
        self.passwords = Vec::new();
    }

    /// Makes this the only password. With `None`, no password is needed (`requirepass`).
    pub(crate) fn set_password(&mut self, password: Option<PasswordHash>) {
        self.forget_passwords();
        self.no_password = password.is_none();
        self.passwords.extend(password);
    }

    fn reset(&mut self, all_channels: bool) {
        self.forget_passwords();
        self.root.set_keys(false);
        self.root.set_channels(all_channels);
        self.root.deny_commands();
        self.enabled = false;
        self.sanitize_payload = true;
        self.selectors = Vec::new();
    }

    /// Whether a connection may be this user without authentication.
    pub(crate) fn is_open(&self) -> bool {
        self.enabled && self.no_password
    }

    /// Whether it accepts any password when it is enabled.
    pub(crate) fn needs_no_password(&self) -> bool {
        self.no_password
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Whether this password authenticates the user. All passwords are compared, each in constant
    /// time.
    pub(crate) fn admits(&self, password: &PasswordHash) -> bool {
        let among = self.passwords.iter().fold(Choice::from(0), |found, own| {
            found | own.0.ct_eq(&password.0)
        });
        self.enabled && (self.no_password | bool::from(among))
    }

    /// Its selectors, the root first.
    fn all_selectors(&self) -> impl Iterator<Item = &Selector> {
        std::iter::once(&self.root).chain(&self.selectors)
    }

    /// Whether it may do everything, so that requests need no test.
    pub(crate) fn is_unrestricted(&self) -> bool {
        self.all_selectors().any(Selector::is_unrestricted)
    }

    /// Whether one of its selectors allows the request. If none does, the error is as in Redis: the
    /// command if no selector allows it, or else the last key or channel that one of them denied.
    pub(crate) fn permit(&self, request: &Request<'_>) -> Result<(), Denial> {
        let mut denial = Denial::COMMAND;
        for selector in self.all_selectors() {
            match selector.permit(request) {
                Ok(()) => return Ok(()),
                Err(other) => denial = denial.max(other),
            }
        }
        Err(denial)
    }

    /// Whether a selector that allows the request also allows reading all keys (SORT's BY and GET).
    pub(crate) fn reads_all_keys(&self, request: &Request<'_>) -> bool {
        self.all_selectors()
            .any(|selector| selector.permit(request).is_ok() && selector.reads_all_keys())
    }

    /// The channel patterns of all its selectors; `None` if it may use all channels.
    fn channels(&self) -> Option<Vec<Vec<u8>>> {
        if self.all_selectors().any(Selector::allows_all_channels) {
            return None;
        }
        let globs = self.all_selectors().flat_map(Selector::channels);
        Some(globs.cloned().collect())
    }

    /// Whether it may have lost access to channels since `before`. Patterns are compared as text.
    pub(crate) fn narrows_channels_of(&self, before: &User) -> bool {
        match (self.channels(), before.channels()) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(now), Some(before)) => before.iter().any(|glob| !now.contains(glob)),
        }
    }

    /// Whether it may keep all of these subscriptions.
    pub(crate) fn may_have(&self, subscriptions: &Subscriptions) -> bool {
        self.channels().is_none_or(|globs| {
            [Namespace::Channel, Namespace::Pattern, Namespace::Shard]
                .into_iter()
                .all(|namespace| {
                    let names = subscriptions.names(namespace);
                    names
                        .iter()
                        .all(|name| allows_channel(&globs, namespace, name))
                })
        })
    }

    /// The flags that ACL GETUSER shows.
    pub(crate) fn flags(&self) -> Vec<&'static str> {
        let mut flags = vec![if self.enabled { "on" } else { "off" }];
        flags.extend(self.no_password.then_some("nopass"));
        flags.push(if self.sanitize_payload {
            "sanitize-payload"
        } else {
            "skip-sanitize-payload"
        });
        flags
    }

    /// The hashes of its passwords.
    pub(crate) fn passwords(&self) -> &[PasswordHash] {
        &self.passwords
    }

    /// The selector of the rules without parentheses.
    pub(crate) fn root(&self) -> &Selector {
        &self.root
    }

    /// The selectors in parentheses.
    pub(crate) fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    /// The user as a line of a file.
    pub(crate) fn describe(&self) -> Vec<u8> {
        let mut words = vec![b"user".to_vec(), self.name.to_vec()];
        words.extend(self.flags().iter().map(|flag| flag.as_bytes().to_vec()));
        let hashes = self.passwords.iter();
        words.extend(hashes.map(|hash| format!("#{}", hash.hex()).into_bytes()));
        words.push(self.root.describe());
        words.extend(self.selectors.iter().map(Selector::describe_in_parentheses));
        words.join(&b' ')
    }
}
