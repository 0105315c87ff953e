//! The locks, atomics and wakers that outboxes, the registry, the keyspace and CLIENT PAUSE use.
//!
//! Layer `sync`, one of the lowest. It uses no other layer.
//!
//! With `--cfg shuttle` these names refer to shuttle's types instead. Then `pubsub/model.rs` and
//! `state/model.rs` run that code through thousands of thread schedules.

#[cfg(not(shuttle))]
pub(crate) use {
    atomic_waker::AtomicWaker,
    dashmap::DashMap,
    parking_lot::{Mutex, MutexGuard, RwLock},
    std::sync::atomic,
};

/// Takes a lock, unless another has it for as long as this.
#[cfg(not(shuttle))]
pub(crate) fn lock_within<T>(
    mutex: &Mutex<T>,
    patience: std::time::Duration,
) -> Option<MutexGuard<'_, T>> {
    mutex.try_lock_for(patience)
}

/// Releases a lock to the threads that wait for it, and takes it again after them.
#[cfg(not(shuttle))]
pub(crate) fn bump<T>(guard: &mut MutexGuard<'_, T>) {
    MutexGuard::bump(guard);
}

/// Releases a lock while `then` runs, and takes it again after the threads that wait for it.
#[cfg(not(shuttle))]
pub(crate) fn unlocked<T>(guard: &mut MutexGuard<'_, T>, then: impl FnOnce()) {
    MutexGuard::unlocked_fair(guard, then);
}

#[cfg(shuttle)]
pub(crate) use scheduled::*;

#[cfg(shuttle)]
mod scheduled;
