//! What an operator sees: counters, INFO, and the lines of CLIENT LIST.

pub mod batch_stats;
pub mod histogram;
pub mod latency;
pub mod latency_report;
pub mod log_throttle;
pub mod monitors;
pub mod slow_log;
pub mod stats;
