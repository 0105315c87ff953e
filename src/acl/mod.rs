//! Access control: users, what they may do, and what was denied to whom. Redis's ACL.
//!
//! ```text
//!   categories ┐
//!   foreign    ┴▶ commands ─▶ selector ─▶ user ─▶ Acl: all users, the log
//!                             rules ───────┘  ▲
//!                             request ────────┤
//!                             file ───────────┘
//! ```
//!
//! Everything below [`Acl`] is a plain value. [`Acl`] is what the connections of a server share: a
//! connection has the `Arc` of its user, and the generation in which it was looked up. As long as
//! that is the generation in force, a command costs the one load that says so; a change of any user
//! makes a new generation, and each connection looks its user up again before its next command.
//!
//! `command::access` enforces it, `command::acl` is the command.
//!
//! Lock order: the users' lock and the log's are taken last and hold nothing else, but that a client
//! is given its user's name under the users' lock: who deletes a user so finds all of its clients.

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

/// Why a server has no users to start with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UsersError {
    /// A `user` line of the settings is wrong.
    #[error(transparent)]
    Line(#[from] BadLine),
    /// The file of users (`aclfile`) cannot be read, or has errors in it: Redis's words for them, on
    /// one line.
    #[error("can't load users: {0}")]
    File(#[from] FileErrors),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Acl {
    users: Mutex<Users>,
    /// Another one after each change. Written under the users' lock.
    generation: AtomicU64,
    /// Whether a connection must say who it is. Likewise.
    requires_auth: AtomicBool,
    /// What was denied.
    pub log: Mutex<Log>,
    /// How often.
    pub denied: Denied,
}

/// All users. The default user is always there.
#[derive(Debug, Default)]
struct Users {
    by_name: BTreeMap<Bytes, Arc<User>>,
    last_identity: u64,
}

impl Users {
    /// Puts a user in its place, with the identity of the one who had it.
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
    /// As it was.
    pub before: Arc<User>,
    /// As it is.
    pub after: Arc<User>,
}

impl Acl {
    /// With the users of the settings, or of the file that they name.
    ///
    /// # Errors
    /// A line of the settings, or a file, that makes no users.
    pub(crate) fn at_start(config: &Config) -> Result<Acl, UsersError> {
        let users = match &config.aclfile {
            None => configured::configured(config)?,
            Some(path) => file::load(path, config.acl_pubsub_default.is_all())?,
        };
        Ok(Acl::new(users))
    }

    /// With these users, one of which is the default user.
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

    /// Which generation of users is in force.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether a connection must say who it is before it may do anything, as the default user is not
    /// open to everybody.
    pub(crate) fn requires_auth(&self) -> bool {
        self.requires_auth.load(Ordering::Relaxed)
    }

    /// Whether the default user has no password, and none is needed to be that user.
    pub(crate) fn is_default_without_password(&self) -> bool {
        self.users.lock().default_user().needs_no_password()
    }

    /// The user of this name.
    pub(crate) fn get(&self, name: &[u8]) -> Option<Arc<User>> {
        self.users.lock().by_name.get(name).cloned()
    }

    /// The default user, and the generation in which it is so.
    pub(crate) fn default_user(&self) -> (Arc<User>, u64) {
        let users = self.users.lock();
        (Arc::clone(users.default_user()), self.generation())
    }

    /// What a user has become, and the generation in which it is so. `None`: it was deleted, whoever
    /// has its name now.
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

    /// Lets a client be a user, if the password is right.
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

    /// Makes a user, or changes one: all of the rules, or the first that is wrong and no change.
    /// What was changed, if it was there before.
    pub(crate) fn set_user(
        &self,
        name: &[u8],
        rules: &[Vec<u8>],
        all_channels: bool,
    ) -> Result<Option<Changed>, (usize, RuleError)> {
        loop {
            // Without the lock, as a rule may have a password, which is hashed.
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
                // Somebody else has changed the same user meanwhile.
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

    /// Deletes users, but not the default one. The names of those that were there.
    pub(crate) fn delete<'a>(&self, names: impl Iterator<Item = &'a [u8]>) -> Vec<Bytes> {
        let mut users = self.users.lock();
        let names = names.filter(|name| *name != DEFAULT_USER);
        let deleted = names.filter_map(|name| users.by_name.remove(name));
        let deleted: Vec<Bytes> = deleted.map(|user| user.name.clone()).collect();
        self.changed(&users);
        deleted
    }

    /// Replaces all users by those of a file, or changes nothing. Which users are gone, and which
    /// others were there before.
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

    /// The users' lock must be held.
    fn changed(&self, users: &Users) {
        let requires_auth = !users.default_user().is_open();
        self.requires_auth.store(requires_auth, Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}
