//! A selector: commands, keys and channels that are allowed together. A request needs one selector
//! of its user that allows all of it.
//!
//! Layer `acl`. It may use `catalog`, `client` and `glob`.

use super::commands::CommandSet;
use super::request::{Denial, Reason, Request};
use super::rules::{RuleError, has_blanks};
use crate::catalog::spec::Flag;
use crate::catalog::spec::key::KeyFlags;
use crate::client::Namespace;
use crate::glob;

/// A set of allowed commands, keys and channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    commands: CommandSet,
    all_keys: bool,
    keys: Vec<KeyPattern>,
    all_channels: bool,
    channels: Vec<Vec<u8>>,
}

/// A pattern for keys, and whether the matching keys may be read and written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyPattern {
    read: bool,
    write: bool,
    glob: Vec<u8>,
}

impl KeyPattern {
    /// Parses `~x`, `%R~x`, `%W~x`, `%RW~x`. As in Redis, the `~` may be missing if nothing follows
    /// it.
    fn parse(rule: &[u8]) -> Result<KeyPattern, RuleError> {
        let (mut read, mut write, mut glob) = (false, false, &rule[1..]);
        if rule[0] == b'~' {
            (read, write) = (true, true);
        }
        while rule[0] == b'%'
            && let [letter, rest @ ..] = glob
        {
            glob = rest;
            match letter.to_ascii_uppercase() {
                b'R' if !read => read = true,
                b'W' if !write => write = true,
                b'~' if read || write => break,
                _ => return Err(RuleError::Syntax),
            }
        }
        if !(read || write) || has_blanks(glob) {
            return Err(RuleError::Syntax);
        }
        let glob = glob.to_vec();
        Ok(KeyPattern { read, write, glob })
    }

    fn describe(&self) -> Vec<u8> {
        let prefix: &[u8] = match (self.read, self.write) {
            (true, false) => b"%R~",
            (false, true) => b"%W~",
            _ => b"~",
        };
        [prefix, &self.glob].concat()
    }

    /// The pattern as a rule that parses back into this pattern. A pattern `*` must not become
    /// `~*`, which means all keys and allows no further pattern. (Redis writes `~*`, and then
    /// cannot read its own file.)
    fn rule(&self) -> Vec<u8> {
        if self.read && self.write && self.glob == b"*" {
            return b"%RW~*".to_vec();
        }
        self.describe()
    }

    fn covers(&self, access: Access) -> bool {
        (self.read || !access.read) && (self.write || !access.write)
    }
}

/// What a command does with a key.
#[derive(Clone, Copy, Debug)]
struct Access {
    read: bool,
    write: bool,
}

impl Access {
    fn of(flags: KeyFlags) -> Access {
        Access {
            read: flags.contains(&"access"),
            write: ["insert", "delete", "update"]
                .iter()
                .any(|flag| flags.contains(flag)),
        }
    }
}

impl Selector {
    /// A selector that allows nothing, or nothing but all channels if `acl-pubsub-default` says so.
    pub(crate) fn new(all_channels: bool) -> Selector {
        Selector {
            commands: CommandSet::none(),
            all_keys: false,
            keys: Vec::new(),
            all_channels,
            channels: Vec::new(),
        }
    }

    /// Applies one rule.
    pub(crate) fn apply(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        match rule.to_ascii_lowercase().as_slice() {
            b"allkeys" | b"~*" => self.set_keys(true),
            b"resetkeys" => self.set_keys(false),
            b"allchannels" | b"&*" => self.set_channels(true),
            b"resetchannels" => self.set_channels(false),
            b"allcommands" | b"+@all" => self.commands.allow_all(),
            b"nocommands" | b"-@all" => self.commands.deny_all(),
            _ => return self.apply_other(rule),
        }
        Ok(())
    }

    fn apply_other(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        match rule {
            [b'~' | b'%', ..] => self.add_keys(rule),
            [b'&', channels @ ..] => self.add_channels(channels),
            [sign @ (b'+' | b'-'), b'@', category @ ..] => {
                self.commands.apply_category(*sign == b'+', category)
            }
            [sign @ (b'+' | b'-'), command @ ..] => self.commands.apply(*sign == b'+', command),
            _ => Err(RuleError::Syntax),
        }
    }

    /// `allkeys`, `resetkeys`
    pub(crate) fn set_keys(&mut self, all: bool) {
        self.all_keys = all;
        self.keys = Vec::new();
    }

    /// `allchannels`, `resetchannels`
    pub(crate) fn set_channels(&mut self, all: bool) {
        self.all_channels = all;
        self.channels = Vec::new();
    }

    /// `nocommands`
    pub(crate) fn deny_commands(&mut self) {
        self.commands.deny_all();
    }

    fn add_keys(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        if self.all_keys {
            return Err(RuleError::AfterAllKeys);
        }
        let added = KeyPattern::parse(rule)?;
        match self.keys.iter_mut().find(|own| own.glob == added.glob) {
            Some(own) => {
                own.read |= added.read;
                own.write |= added.write;
            }
            None => self.keys.push(added),
        }
        Ok(())
    }

    fn add_channels(&mut self, glob: &[u8]) -> Result<(), RuleError> {
        if self.all_channels {
            return Err(RuleError::AfterAllChannels);
        }
        if has_blanks(glob) {
            return Err(RuleError::Syntax);
        }
        if !self.channels.iter().any(|own| own == glob) {
            self.channels.push(glob.to_vec());
        }
        Ok(())
    }

    /// Whether it allows every request.
    pub(crate) fn is_unrestricted(&self) -> bool {
        self.commands.is_all() && self.all_keys && self.all_channels
    }

    /// Whether it allows all channels.
    pub(crate) fn allows_all_channels(&self) -> bool {
        self.all_channels
    }

    /// The allowed channel patterns, if not all channels are allowed.
    pub(crate) fn channels(&self) -> &[Vec<u8>] {
        &self.channels
    }

    /// Whether it allows the whole request. If not, the first part that it denies.
    pub(crate) fn permit(&self, request: &Request<'_>) -> Result<(), Denial> {
        let command = request.command();
        if !command.has(Flag::NoAuth) && !self.commands.allows(command, request.first_arg()) {
            return Err(Denial::COMMAND);
        }
        if !self.all_keys {
            for key in request.keys() {
                if !self.allows_key(request.arg(key.position), Access::of(key.flags)) {
                    return Err(Denial::new(Reason::Key, key.position));
                }
            }
        }
        if !self.all_channels
            && let Some((namespace, indexes)) = request.channels()
        {
            for index in indexes {
                if !allows_channel(&self.channels, namespace, request.arg(index)) {
                    return Err(Denial::new(Reason::Channel, index));
                }
            }
        }
        Ok(())
    }

    /// Whether it allows reading all keys, including those that a request does not name.
    pub(crate) fn reads_all_keys(&self) -> bool {
        self.all_keys || self.keys.iter().any(|own| own.read && own.glob == b"*")
    }

    fn allows_key(&self, key: &[u8], access: Access) -> bool {
        let mut covering = self.keys.iter().filter(|own| own.covers(access));
        covering.any(|own| glob::matches(&own.glob, key))
    }

    /// Its rules about commands.
    pub(crate) fn describe_commands(&self) -> Vec<u8> {
        self.commands.describe()
    }

    /// Its rules about keys.
    pub(crate) fn describe_keys(&self) -> Vec<u8> {
        if self.all_keys {
            return b"~*".to_vec();
        }
        let rules: Vec<_> = self.keys.iter().map(KeyPattern::describe).collect();
        rules.join(&b' ')
    }

    /// Its rules about channels.
    pub(crate) fn describe_channels(&self) -> Vec<u8> {
        if self.all_channels {
            return b"&*".to_vec();
        }
        let rule = |glob: &Vec<u8>| [b"&", glob.as_slice()].concat();
        let rules: Vec<_> = self.channels.iter().map(rule).collect();
        rules.join(&b' ')
    }

    /// All its rules, as the file and ACL LIST show them.
    /// [`describe_in_parentheses`](Self::describe_in_parentheses) adds the parentheses.
    pub(crate) fn describe(&self) -> Vec<u8> {
        let mut rules = Vec::new();
        if self.all_keys {
            rules.push(self.describe_keys());
        }
        rules.extend(self.keys.iter().map(KeyPattern::rule));
        if !self.all_channels {
            rules.push(b"resetchannels".to_vec());
        }
        if self.all_channels || !self.channels.is_empty() {
            rules.push(self.describe_channels());
        }
        rules.push(self.describe_commands());
        rules.join(&b' ')
    }

    /// All its rules in parentheses. In there, a rule is a word as in an inline command. A rule
    /// that contains a quote, or a parenthesis that could be read as the end, is quoted. (Redis
    /// does not quote it, and reads back another selector or none.)
    pub(crate) fn describe_in_parentheses(&self) -> Vec<u8> {
        let described = self.describe();
        let words = described.split(|&byte| byte == b' ').map(|word| {
            if !word.iter().any(|byte| b"\"')".contains(byte)) {
                return word.to_vec();
            }
            let mut quoted = vec![b'"'];
            for &byte in word {
                quoted.extend(matches!(byte, b'"' | b'\\').then_some(b'\\'));
                quoted.push(byte);
            }
            quoted.push(b'"');
            quoted
        });
        let words: Vec<_> = words.collect();
        [b"(", &*words.join(&b' '), b")"].concat()
    }
}

/// Whether one of the globs allows this channel. A pattern to subscribe to must be equal to one of
/// the globs, as in Redis, which does not test whether one glob covers another.
pub(super) fn allows_channel(globs: &[Vec<u8>], namespace: Namespace, name: &[u8]) -> bool {
    globs.iter().any(|glob| match namespace {
        Namespace::Pattern => glob == name,
        Namespace::Channel | Namespace::Shard => glob::matches(glob, name),
    })
}
