//! What an operator sees: counters, INFO, and the lines of CLIENT LIST.

pub mod client_line;
pub mod info;
pub mod stats;
pub mod tally;
