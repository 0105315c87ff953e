//! What an operator sees: counters, INFO, and the lines of CLIENT LIST.

pub mod client_line;
pub mod histogram;
pub mod info;
pub mod latency;
pub mod latency_report;
pub mod monitors;
pub mod slow_log;
pub mod stats;
pub mod tally;
