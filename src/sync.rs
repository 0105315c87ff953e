//! What the outboxes and the registry are synchronized by. With `--cfg shuttle` they are built on
//! shuttle's stand-ins instead, under which `pubsub/model.rs` runs them through thousands of
//! schedules; see there.

#[cfg(not(shuttle))]
pub(crate) use {
    atomic_waker::AtomicWaker,
    dashmap::DashMap,
    parking_lot::{Mutex, MutexGuard, RwLock},
    std::sync::atomic,
};

#[cfg(shuttle)]
pub use scheduled::*;

#[cfg(shuttle)]
mod scheduled;
