//! What the outboxes, the registry, the keyspace and CLIENT PAUSE are synchronized by. With
//! `--cfg shuttle` they are built on shuttle's stand-ins instead, under which `pubsub/model.rs` and
//! `state/model.rs` run them through thousands of schedules; see there.

#[cfg(not(shuttle))]
pub(crate) use {
    atomic_waker::AtomicWaker,
    dashmap::DashMap,
    parking_lot::{Mutex, MutexGuard, RwLock},
    std::sync::atomic,
};

/// Lets others have a lock that they wait for, and takes it again behind them.
#[cfg(not(shuttle))]
pub(crate) fn bump<T>(guard: &mut MutexGuard<'_, T>) {
    MutexGuard::bump(guard);
}

/// Lets go of a lock while something is done, and takes it again behind others.
#[cfg(not(shuttle))]
pub(crate) fn unlocked<T>(guard: &mut MutexGuard<'_, T>, then: impl FnOnce()) {
    MutexGuard::unlocked_fair(guard, then);
}

#[cfg(shuttle)]
pub(crate) use scheduled::*;

#[cfg(shuttle)]
mod scheduled;
