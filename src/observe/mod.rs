//! What an operator can observe: counters, latencies, the slow log, MONITOR.
//!
//! Layer `observe`. It may use `pubsub`, `catalog` and what lies below, but neither `store` nor
//! `acl`.
//!
//! ```text
//!   stats           the server's counters
//!   batch_stats     a read batch's counters, added to them once
//!   delivery_times  how long messages took to their receivers
//!   histogram       how long each command took, for LATENCY HISTOGRAM and INFO
//!   latency         the latency monitor's samples
//!   latency_report  the texts of LATENCY DOCTOR and LATENCY GRAPH
//!   slow_log        SLOWLOG
//!   monitors        MONITOR
//!   log_throttle    rate-limits lines of the log
//! ```

pub(crate) mod batch_stats;
pub(crate) mod delivery_times;
pub(crate) mod histogram;
pub(crate) mod latency;
pub(crate) mod latency_report;
pub(crate) mod log_throttle;
pub(crate) mod monitors;
pub(crate) mod slow_log;
pub(crate) mod stats;
