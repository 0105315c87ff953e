//! The keyspace behind its lock, and its figures, which are read without the lock.
//!
//! Layer `store`. It uses nothing else. The lock comes before all other locks (see
//! [`store`](crate::store)).
//!
//! - The thread that releases the lock first publishes the [`Figures`]. So INFO includes every
//!   command that was answered before, and does not wait for the lock.
//! - After it has released the lock, the thread frees the garbage that was collected under it
//!   ([`garbage`](super::garbage)).
//! - A thread that panics while it has the lock leaves the keyspace marked as broken. The next
//!   thread that takes the lock repairs it ([`Keyspace::repair`]), so that nobody sees the result
//!   of an incomplete change.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::keyspace::{Figures, Keyspace};
use crate::sync::{Mutex, MutexGuard, bump, lock_within, unlocked};

/// The keyspace, its lock and its figures.
#[derive(Debug, Default)]
pub(crate) struct SharedKeyspace {
    keyspace: Mutex<Keyspace>,
    /// The figures as of the last release of the lock. Nothing else is done under this lock.
    figures: parking_lot::Mutex<Figures>,
}

impl SharedKeyspace {
    /// Takes the lock. Blocks the thread while another one has it.
    pub(crate) fn lock(&self) -> KeyspaceGuard<'_> {
        self.guard(self.keyspace.lock())
    }

    /// Takes the lock, and waits for it, but gives up once `reason` returns an error.
    pub(crate) fn lock_unless<E>(
        &self,
        reason: impl Fn() -> Option<E>,
    ) -> Result<KeyspaceGuard<'_>, E> {
        /// How often `reason` is asked.
        const PATIENCE: Duration = Duration::from_millis(10);
        if let Some(keyspace) = self.try_lock() {
            return Ok(keyspace);
        }
        loop {
            if let Some(reason) = reason() {
                return Err(reason);
            }
            if let Some(keyspace) = lock_within(&self.keyspace, PATIENCE) {
                return Ok(self.guard(keyspace));
            }
        }
    }

    /// Takes the lock, if it is free.
    pub(crate) fn try_lock(&self) -> Option<KeyspaceGuard<'_>> {
        self.keyspace
            .try_lock()
            .map(|keyspace| self.guard(keyspace))
    }

    /// The figures, without the lock.
    pub(crate) fn figures(&self) -> Figures {
        self.figures.lock().clone()
    }

    fn guard<'a>(&'a self, keyspace: MutexGuard<'a, Keyspace>) -> KeyspaceGuard<'a> {
        let mut guard = KeyspaceGuard {
            keyspace: Some(keyspace),
            shared: self,
            panicking: std::thread::panicking(),
        };
        if guard.is_broken() {
            guard.repair();
        }
        guard
    }
}

/// Access to the keyspace while the lock is held.
#[derive(Debug)]
pub(crate) struct KeyspaceGuard<'a> {
    /// `Some` until it is dropped.
    keyspace: Option<MutexGuard<'a, Keyspace>>,
    shared: &'a SharedKeyspace,
    /// Whether the thread was already panicking when it took the lock.
    panicking: bool,
}

impl KeyspaceGuard<'_> {
    /// Publishes the current figures.
    pub(crate) fn publish(&self) {
        self.copy_figures(&mut self.shared.figures.lock());
    }

    /// Releases the lock for a moment, if other threads wait for it or there is garbage to free.
    pub(crate) fn let_others_in(&mut self) {
        self.publish();
        let garbage = std::mem::take(&mut self.garbage);
        if let Some(keyspace) = &mut self.keyspace {
            if garbage.is_empty() {
                bump(keyspace);
            } else {
                unlocked(keyspace, || garbage.free());
            }
        }
        if self.is_broken() {
            self.repair();
        }
    }
}

impl Deref for KeyspaceGuard<'_> {
    type Target = Keyspace;

    fn deref(&self) -> &Keyspace {
        self.keyspace
            .as_ref()
            .expect("it is there until it is dropped")
    }
}

impl DerefMut for KeyspaceGuard<'_> {
    fn deref_mut(&mut self) -> &mut Keyspace {
        self.keyspace
            .as_mut()
            .expect("it is there until it is dropped")
    }
}

impl Drop for KeyspaceGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.panicking {
            self.mark_broken();
        } else {
            self.publish();
        }
        let garbage = std::mem::take(&mut self.garbage);
        // The lock is released before the garbage is freed.
        self.keyspace = None;
        garbage.free();
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::config::Config;
    use crate::store::list::{End, List};
    use crate::store::string_value::StringValue;
    use crate::store::value::Stored;

    fn set(shared: &SharedKeyspace, key: &[u8], value: &[u8]) {
        let (config, mut keyspace) = (Config::default(), shared.lock());
        let value = StringValue::new(value);
        keyspace.keys(0, &config).put(key, value, false);
    }

    #[test]
    fn figures_follow_every_hold_and_need_no_lock() {
        let shared = SharedKeyspace::default();
        set(&shared, b"one", b"value");
        let one = shared.figures();
        let _held = shared.lock();
        assert!(shared.try_lock().is_none());
        assert_eq!(shared.figures(), one);
        assert_eq!(
            (one.databases.as_slice(), one.blocked),
            (&[(0, 1, 0)][..], 0)
        );
        drop(_held);
        set(&shared, b"two", b"value");
        let two = shared.figures();
        assert_eq!(two.databases, [(0, 2, 0)]);
        assert!(two.used > one.used);
        assert_eq!(two.used, shared.lock().used());
    }

    /// After an incomplete change, the sums are computed anew, no list is empty, and the keys are
    /// usable.
    #[test]
    fn a_panic_in_the_middle_of_a_change_is_repaired() {
        let shared = SharedKeyspace::default();
        set(&shared, b"long", &[b'x'; 100_000]);
        set(&shared, b"other", b"value");
        {
            let (config, mut keyspace) = (Config::default(), shared.lock());
            let mut list = List::new();
            list.push(End::Tail, b"element");
            keyspace.keys(0, &config).put(b"list", list, false);
        }
        let before = shared.figures();
        let breaks = AssertUnwindSafe(|| {
            let mut keyspace = shared.lock();
            keyspace.break_off_a_change(0, b"list", |value| {
                List::of_mut(value).expect("a list").pop(End::Head);
            });
        });
        assert!(catch_unwind(breaks).is_err());
        let breaks = AssertUnwindSafe(|| {
            let mut keyspace = shared.lock();
            keyspace.break_off_a_change(0, b"long", |value| {
                *value = StringValue::new(b"short").into();
            });
        });
        assert!(catch_unwind(breaks).is_err());
        shared.lock().assert_sound();
        let after = shared.figures();
        assert_eq!(after.databases, [(0, 2, 0)]);
        assert!(after.used + 90_000 < before.used);
        shared.lock().assert_empties();
    }

    /// A lock that is taken and released while a panic unwinds has left no incomplete change.
    #[test]
    fn a_hold_during_a_panic_is_no_broken_one() {
        struct Looks<'a>(&'a SharedKeyspace);
        impl Drop for Looks<'_> {
            fn drop(&mut self) {
                set(self.0, b"key", b"value");
            }
        }
        let shared = SharedKeyspace::default();
        let panics = AssertUnwindSafe(|| {
            let _looks = Looks(&shared);
            panic!("a deliberate panic");
        });
        assert!(catch_unwind(panics).is_err());
        assert!(!shared.lock().is_broken());
        assert_eq!(shared.figures().databases, [(0, 1, 0)]);
    }
}
