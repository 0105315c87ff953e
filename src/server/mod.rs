//! The server around the connections: the tasks that run beside them, and what starts and ends
//! them.
//!
//! Layer `server`: it may use all that lies below, and only `embed` and the binary use it.

pub mod eviction;
pub mod expiry;
pub mod housekeeping;
pub mod listener;
pub mod shutdown;
pub mod supervise;
pub mod workers;
