//! The server around the connections: the tasks that run beside them, and what starts and ends
//! them.
//!
//! Layer `server`: it may use all that lies below, and only `embed` and the binary use it.

pub(crate) mod eviction;
pub(crate) mod expiry;
pub(crate) mod housekeeping;
pub(crate) mod listener;
pub(crate) mod shutdown;
pub(crate) mod supervise;
pub(crate) mod workers;
