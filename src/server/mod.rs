//! The server around the connections: its shared state, its listeners, its way out.

pub mod clients;
pub mod descriptors;
pub mod eviction;
pub mod housekeeping;
pub mod listener;
pub mod pause;
pub mod shutdown;
pub mod state;
pub mod supervise;
pub mod workers;
