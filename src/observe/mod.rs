//! What an operator sees: counters, INFO, and the lines of CLIENT LIST.

pub(crate) mod batch_stats;
pub(crate) mod histogram;
pub(crate) mod latency;
pub(crate) mod latency_report;
pub(crate) mod log_throttle;
pub(crate) mod monitors;
pub(crate) mod slow_log;
pub(crate) mod stats;
