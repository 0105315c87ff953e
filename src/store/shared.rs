//! The keyspace behind its one lock.
//!
//! Layer `store`. Whoever lets the lock go frees what was thrown away under it
//! ([`garbage`](super::garbage)), after it is gone.

use std::ops::{Deref, DerefMut};

use parking_lot::{Mutex, MutexGuard};

use super::keyspace::Keyspace;

/// The keyspace that all connections of a server share.
#[derive(Debug, Default)]
pub(crate) struct SharedKeyspace {
    keyspace: Mutex<Keyspace>,
}

impl SharedKeyspace {
    /// Takes the lock.
    pub(crate) fn lock(&self) -> KeyspaceGuard<'_> {
        KeyspaceGuard {
            guard: Some(self.keyspace.lock()),
        }
    }
}

/// The keyspace, as long as its lock is held.
#[derive(Debug)]
pub(crate) struct KeyspaceGuard<'a> {
    /// There until it is dropped.
    guard: Option<MutexGuard<'a, Keyspace>>,
}

impl KeyspaceGuard<'_> {
    /// Lets others have the lock, if they wait for it.
    pub(crate) fn bump(&mut self) {
        if let Some(guard) = &mut self.guard {
            let garbage = std::mem::take(&mut guard.garbage);
            if garbage.is_empty() {
                MutexGuard::bump(guard);
            } else {
                MutexGuard::unlocked_fair(guard, || garbage.free());
            }
        }
    }
}

impl Deref for KeyspaceGuard<'_> {
    type Target = Keyspace;

    fn deref(&self) -> &Keyspace {
        self.guard
            .as_ref()
            .expect("it is there until it is dropped")
    }
}

impl DerefMut for KeyspaceGuard<'_> {
    fn deref_mut(&mut self) -> &mut Keyspace {
        self.guard
            .as_mut()
            .expect("it is there until it is dropped")
    }
}

impl Drop for KeyspaceGuard<'_> {
    fn drop(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            let garbage = std::mem::take(&mut guard.garbage);
            drop(guard);
            garbage.free();
        }
    }
}
