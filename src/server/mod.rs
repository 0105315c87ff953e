//! The server's own tasks, beside those of the connections: listeners, active expiry, eviction of
//! clients, housekeeping and shutdown; also the worker threads and the supervision of tasks.
//!
//! Layer `server`. It may use `conn` and what lies below. Only `embed` and the binary use it.

pub(crate) mod bind;
mod busy_poll;
pub(crate) mod edge;
pub(crate) mod eviction;
pub(crate) mod expiry;
pub(crate) mod housekeeping;
pub(crate) mod listener;
pub(crate) mod shutdown;
pub(crate) mod supervise;
mod window;
pub(crate) mod workers;
