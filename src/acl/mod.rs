//! Access control (Redis's ACL): users, what they may do, and a log of what was denied.
//!
//! Layer `acl`. It may use `catalog`, `client` and what lies below.
//!
//! ```text
//!   categories ┐
//!   redis_only ┴▶ commands ─▶ selector ─▶ user ─▶ Acl: all users, the log
//!                             rules ───────┘  ▲
//!                             request ────────┤
//!                             file ───────────┘
//! ```
//!
//! Everything below [`Acl`] is a plain value. All connections of a server share its [`Acl`]. A
//! connection keeps the `Arc` of its user, and the generation in which it looked the user up. While
//! that generation is the current one, a command costs a single atomic load. A change of any user
//! begins a new generation, and each connection looks up its user again before its next command.
//!
//! `command::access` enforces the rules. `command::acl` is the ACL command.
//!
//! Lock order: the users' lock and the log's lock are taken last, and no lock is taken under them.
//! There is one exception. A client's user name is set under the users' lock, so that a command
//! that deletes a user finds all of that user's clients.

mod commands;
pub(crate) mod configured;
pub(crate) mod denied;
pub(crate) mod file;
pub(crate) mod log;
mod redis_only;
pub(crate) use redis_only::REDIS_ONLY;
pub(crate) mod request;
pub(crate) mod rules;
mod selector;
#[cfg(test)]
mod tests;
pub(crate) mod user;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use thiserror::Error;

use crate::client::Client;
use crate::config::Config;
pub use configured::BadLine;
use denied::Denied;
pub use file::FileErrors;
use log::Log;
use rules::RuleError;
pub(crate) use selector::Selector;
use user::{DEFAULT_USER, PasswordHash, User};

/// Why a server cannot start with the users that its settings define.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UsersError {
    /// A `user` line of the settings is wrong.
    #[error(transparent)]
    Line(#[from] BadLine),
    /// The file of users (`aclfile`) cannot be read, or contains errors. The text is Redis's, on
    /// one line.
    #[error("can't load users: {0}")]
    File(#[from] FileErrors),
}

/// All users of a server, the log of denials and their counters.
#[derive(Debug)]
pub(crate) struct Acl {
    users: Mutex<Users>,
    /// Increases with every change. Written under the users' lock.
    generation: AtomicU64,
    /// Whether a connection must authenticate. Written under the users' lock.
    requires_auth: AtomicBool,
    /// The log of denials.
    pub log: Mutex<Log>,
    /// How often users were denied something.
    pub denied: Denied,
}

/// All users. The default user always exists.
#[derive(Debug, Default)]
struct Users {
    by_name: BTreeMap<Bytes, Arc<User>>,
    last_identity: u64,
}

impl Users {
    /// Adds a user, or replaces the user of the same name and takes over its identity.
    fn put(&mut self, mut user: User) -> Arc<User> {
        user.identity = match self.by_name.get(&user.name) {
            Some(before) => before.identity,
            None => {
                self.last_identity += 1;
                self.last_identity
            }
        };
        let user = Arc::new(user);
        self.by_name.insert(user.name.clone(), Arc::clone(&user));
        user
    }

    fn default_user(&self) -> &Arc<User> {
        &self.by_name[DEFAULT_USER]
    }
}

/// A user before and after a change.
#[derive(Debug)]
pub(crate) struct Changed {
    /// The user before the change.
    pub before: Arc<User>,
    /// The user after the change.
    pub after: Arc<User>,
}

impl Acl {
    /// Reads the users of the settings, or of the file that they name.
    ///
    /// # Errors
    /// A line of the settings or the file is wrong.
    pub(crate) fn at_start(config: &Config) -> Result<Acl, UsersError> {
        let users = match &config.aclfile {
            None => configured::configured(config)?,
            Some(path) => file::load(path, config.acl_pubsub_default.is_all())?,
        };
        Ok(Acl::new(users))
    }

    /// An `Acl` with these users. One of them must be the default user.
    pub(crate) fn new(users: Vec<User>) -> Acl {
        let mut all = Users::default();
        for user in users {
            all.put(user);
        }
        let requires_auth = !all.default_user().is_open();
        Acl {
            users: Mutex::new(all),
            generation: AtomicU64::new(0),
            requires_auth: AtomicBool::new(requires_auth),
            log: Mutex::default(),
            denied: Denied::default(),
        }
    }

    /// The current generation of users.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether a connection must authenticate before it may do anything else, because the default
    /// user is not open to everybody.
    pub(crate) fn requires_auth(&self) -> bool {
        self.requires_auth.load(Ordering::Relaxed)
    }

    /// Whether the default user needs no password.
    pub(crate) fn is_default_without_password(&self) -> bool {
        self.users.lock().default_user().needs_no_password()
    }

    /// The user of this name.
    pub(crate) fn get(&self, name: &[u8]) -> Option<Arc<User>> {
        self.users.lock().by_name.get(name).cloned()
    }

    /// The default user, and the generation in which it was looked up.
    pub(crate) fn default_user(&self) -> (Arc<User>, u64) {
        let users = self.users.lock();
        (Arc::clone(users.default_user()), self.generation())
    }

    /// The current value of a user, and the generation in which it was looked up. `None` if the
    /// user was deleted, even if another user has its name now.
    pub(crate) fn current(&self, user: &User) -> Option<(Arc<User>, u64)> {
        let users = self.users.lock();
        let now = users.by_name.get(&user.name);
        let same = now.filter(|now| now.identity == user.identity)?;
        Some((Arc::clone(same), self.generation()))
    }

    /// All users, by name.
    pub(crate) fn all(&self) -> Vec<Arc<User>> {
        self.users.lock().by_name.values().cloned().collect()
    }

    /// Makes a client this user, if the password is right.
    pub(crate) fn authenticate(
        &self,
        client: &Client,
        name: &[u8],
        password: &[u8],
    ) -> Option<Arc<User>> {
        let password = PasswordHash::of(password);
        let users = self.users.lock();
        let user = users.by_name.get(name)?;
        if !user.admits(&password) {
            return None;
        }
        client.set_user(user.name.clone());
        Some(Arc::clone(user))
    }

    /// Creates or changes a user. If a rule is wrong, nothing is changed, and the error is its
    /// index and the reason. Returns the change if the user existed before.
    pub(crate) fn set_user(
        &self,
        name: &[u8],
        rules: &[Vec<u8>],
        all_channels: bool,
    ) -> Result<Option<Changed>, (usize, RuleError)> {
        loop {
            // The lock is not held while the rules are applied, because hashing a password is slow.
            let before = self.get(name);
            let mut user = match &before {
                Some(before) => User::clone(before),
                None => User::new(Bytes::copy_from_slice(name), all_channels),
            };
            for (index, rule) in rules.iter().enumerate() {
                user.apply(rule, all_channels)
                    .map_err(|error| (index, error))?;
            }
            let mut users = self.users.lock();
            let now = users.by_name.get(name);
            if now.map(Arc::as_ptr) != before.as_ref().map(Arc::as_ptr) {
                // Another client has changed this user in the meantime.
                continue;
            }
            let after = users.put(user);
            self.changed(&users);
            return Ok(before.map(|before| Changed { before, after }));
        }
    }

    /// Gives the default user this password, or none (`requirepass`).
    pub(crate) fn set_default_password(&self, password: Option<PasswordHash>) {
        let mut users = self.users.lock();
        let mut user = User::clone(users.default_user());
        user.set_password(password);
        users.put(user);
        self.changed(&users);
    }

    /// Deletes users, except the default one. Returns the names of those that existed.
    pub(crate) fn delete<'a>(&self, names: impl Iterator<Item = &'a [u8]>) -> Vec<Bytes> {
        let mut users = self.users.lock();
        let names = names.filter(|name| *name != DEFAULT_USER);
        let deleted = names.filter_map(|name| users.by_name.remove(name));
        let deleted: Vec<Bytes> = deleted.map(|user| user.name.clone()).collect();
        self.changed(&users);
        deleted
    }

    /// Replaces all users by those of a file, or changes nothing if the file is wrong. Returns the
    /// users that are gone, and those that existed before and have changed.
    pub(crate) fn load(
        &self,
        path: &Path,
        all_channels: bool,
    ) -> Result<(Vec<Bytes>, Vec<Changed>), FileErrors> {
        let loaded = file::load(path, all_channels)?;
        let mut users = self.users.lock();
        let mut before = users.by_name.clone();
        let mut changed = Vec::new();
        for user in loaded {
            let before = before.remove(&user.name);
            let after = users.put(user);
            changed.extend(before.map(|before| Changed { before, after }));
        }
        let gone: Vec<Bytes> = before.into_keys().collect();
        for name in &gone {
            users.by_name.remove(name);
        }
        self.changed(&users);
        Ok((gone, changed))
    }

    /// Begins a new generation. The caller must hold the users' lock.
    fn changed(&self, users: &Users) {
        let requires_auth = !users.default_user().is_open();
        self.requires_auth.store(requires_auth, Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}
