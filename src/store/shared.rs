//! The keyspace behind its lock, and its figures, which are read without it.
//!
//! Layer `store`. The lock is the one of [`store`](crate::store), and comes before all others.
//!
//! - Whoever lets go of the lock first publishes the [`Figures`]: so INFO shows what every command
//!   did that was answered before, and waits for nobody who has the lock.
//! - Whoever lets go of the lock then frees what was thrown away under it
//!   ([`garbage`](super::garbage)).
//! - Whoever panics while it has the lock leaves the keyspace marked. The next one to take it gets it
//!   repaired ([`Keyspace::repair`]), so that nobody sees what a change that broke off has left.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::keyspace::{Figures, Keyspace};
use crate::sync::{Mutex, MutexGuard, bump, lock_within, unlocked};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct SharedKeyspace {
    keyspace: Mutex<Keyspace>,
    /// As they were when the lock was last let go. Nothing else is done under this lock.
    figures: parking_lot::Mutex<Figures>,
}

impl SharedKeyspace {
    /// Takes the lock, and waits as long as another has it.
    pub(crate) fn lock(&self) -> KeyspaceGuard<'_> {
        self.guard(self.keyspace.lock())
    }

    /// Takes the lock, and waits as long as another has it; but gives up once there is a reason to.
    pub(crate) fn lock_unless<E>(
        &self,
        reason: impl Fn() -> Option<E>,
    ) -> Result<KeyspaceGuard<'_>, E> {
        /// How often to look for a reason.
        const PATIENCE: Duration = Duration::from_millis(10);
        if let Some(space) = self.try_lock() {
            return Ok(space);
        }
        loop {
            if let Some(reason) = reason() {
                return Err(reason);
            }
            if let Some(space) = lock_within(&self.keyspace, PATIENCE) {
                return Ok(self.guard(space));
            }
        }
    }

    /// Takes the lock, unless another has it.
    pub(crate) fn try_lock(&self) -> Option<KeyspaceGuard<'_>> {
        self.keyspace.try_lock().map(|space| self.guard(space))
    }

    /// The figures, without the lock.
    pub(crate) fn figures(&self) -> Figures {
        self.figures.lock().clone()
    }

    fn guard<'a>(&'a self, space: MutexGuard<'a, Keyspace>) -> KeyspaceGuard<'a> {
        let mut guard = KeyspaceGuard {
            space: Some(space),
            shared: self,
            panicking: std::thread::panicking(),
        };
        if guard.is_broken() {
            guard.repair();
        }
        guard
    }
}

/// The keyspace, for who has its lock.
#[derive(Debug)]
pub(crate) struct KeyspaceGuard<'a> {
    /// There until it is dropped.
    space: Option<MutexGuard<'a, Keyspace>>,
    shared: &'a SharedKeyspace,
    /// Whether the thread panicked before it took the lock.
    panicking: bool,
}

impl KeyspaceGuard<'_> {
    /// Publishes the figures as they are now.
    pub(crate) fn publish(&self) {
        self.copy_figures(&mut self.shared.figures.lock());
    }

    /// Lets others have the keyspace, if they wait for it.
    pub(crate) fn let_others_in(&mut self) {
        self.publish();
        let garbage = std::mem::take(&mut self.garbage);
        if let Some(space) = &mut self.space {
            if garbage.is_empty() {
                bump(space);
            } else {
                unlocked(space, || garbage.free());
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
        self.space
            .as_ref()
            .expect("it is there until it is dropped")
    }
}

impl DerefMut for KeyspaceGuard<'_> {
    fn deref_mut(&mut self) -> &mut Keyspace {
        self.space
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
        // The lock is let go before that is freed.
        self.space = None;
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
        let (config, mut space) = (Config::default(), shared.lock());
        let value = StringValue::new(value);
        space.keys(0, &config).put(key, value, false);
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

    /// A change that breaks off: what is counted is counted anew, no list is empty, and what has
    /// become of the keys is what they hold.
    #[test]
    fn a_panic_in_the_middle_of_a_change_is_repaired() {
        let shared = SharedKeyspace::default();
        set(&shared, b"long", &[b'x'; 100_000]);
        set(&shared, b"other", b"value");
        {
            let (config, mut space) = (Config::default(), shared.lock());
            let mut list = List::new();
            list.push(End::Tail, b"element");
            space.keys(0, &config).put(b"list", list, false);
        }
        let before = shared.figures();
        let breaks = AssertUnwindSafe(|| {
            let mut space = shared.lock();
            space.break_off_a_change(0, b"list", |value| {
                List::of_mut(value).expect("a list").pop(End::Head);
            });
        });
        assert!(catch_unwind(breaks).is_err());
        let breaks = AssertUnwindSafe(|| {
            let mut space = shared.lock();
            space.break_off_a_change(0, b"long", |value| {
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

    /// A lock that is taken and let go on the way out of a panic has changed nothing half-way.
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
