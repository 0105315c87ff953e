//! The server's counters since it started or since CONFIG RESETSTAT.
//!
//! Connections add to them once a read batch (see [`BatchStats`](super::batch_stats::BatchStats)), not once a
//! command, so that many threads do not fight over them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use super::histogram::Latencies;
use crate::client::outbox::DropTotals;

/// At most so many codes of errors are counted apart, as in Redis 7.2;
pub(crate) const MAX_CODES: usize = 128;
/// and others under this one.
pub(crate) const OTHER_CODES: &str = "ERR";

/// A counter.
pub(crate) type Counter = AtomicU64;

/// What was done by one command (INFO commandstats).
#[derive(Debug, Default)]
pub(crate) struct CommandStats {
    /// Runs, failed ones included.
    pub calls: Counter,
    /// Time spent in them, in nanoseconds.
    pub nanoseconds: Counter,
    /// Refused before running: arity, missing AUTH, subscribed mode.
    pub rejected: Counter,
    /// Runs that ended in an error.
    pub failed: Counter,
    /// How long they took, if that is tracked.
    pub latencies: Latencies,
}

/// How fast some counters grow, sampled once a second.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    /// Commands a second.
    pub commands: Rate,
    /// Bytes received a second.
    pub input_bytes: Rate,
    /// Bytes sent a second.
    pub output_bytes: Rate,
}

/// How fast one counter grows.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    before: Counter,
    per_second: Counter,
}

impl Rate {
    /// Takes the counter's value, `seconds` after the last time.
    fn sample(&self, counter: &Counter, seconds: f64) {
        let now = counter.load(Relaxed);
        // It may have been reset in between.
        let grown = now.saturating_sub(self.before.swap(now, Relaxed));
        self.per_second
            .store((grown as f64 / seconds) as u64, Relaxed);
    }

    /// The growth a second, as last sampled.
    pub(crate) fn per_second(&self) -> u64 {
        self.per_second.load(Relaxed)
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Stats {
    /// Connections accepted.
    pub connections: Counter,
    /// Connections refused because of `maxclients`.
    pub rejected_connections: Counter,
    /// Connections that could not be accepted, for want of open files or the like.
    pub accept_failures: Counter,
    /// TLS connections that ended before there were keys.
    pub tls_handshake_failures: Counter,
    /// Commands run.
    pub commands: Counter,
    /// Bytes received.
    pub input_bytes: Counter,
    /// Bytes handed to the kernel for clients.
    pub output_bytes: Counter,
    /// Reads that brought something.
    pub reads: Counter,
    /// Messages published.
    pub published: Counter,
    /// Messages appended to subscribers' outboxes.
    pub delivered: Counter,
    /// Messages dropped instead of delivered. Shared with the outboxes that may drop some.
    pub dropped: Arc<DropTotals>,
    /// Clients cut off by `client-output-buffer-limit`.
    pub output_limit_disconnections: Counter,
    /// Clients cut off by `maxmemory-clients`.
    pub evicted_clients: Counter,
    /// Clients cut off by `client-query-buffer-limit`.
    pub query_limit_disconnections: Counter,
    /// Connections closed as their task panicked.
    pub connection_panics: Counter,
    /// Panics of the server's own tasks.
    pub task_panics: Counter,
    /// Error replies.
    pub errors: Counter,
    /// Error replies by code, of which there are few.
    pub errors_by_code: Mutex<BTreeMap<String, u64>>,
    /// What the last second brought.
    pub rates: Rates,
    /// By command id.
    pub by_command: Box<[CommandStats]>,
}

impl Stats {
    /// All zero, for so many commands.
    pub(crate) fn new(commands: usize) -> Stats {
        Stats {
            connections: Counter::new(0),
            rejected_connections: Counter::new(0),
            accept_failures: Counter::new(0),
            tls_handshake_failures: Counter::new(0),
            commands: Counter::new(0),
            input_bytes: Counter::new(0),
            output_bytes: Counter::new(0),
            reads: Counter::new(0),
            published: Counter::new(0),
            delivered: Counter::new(0),
            dropped: Arc::default(),
            output_limit_disconnections: Counter::new(0),
            evicted_clients: Counter::new(0),
            query_limit_disconnections: Counter::new(0),
            connection_panics: Counter::new(0),
            task_panics: Counter::new(0),
            errors: Counter::new(0),
            errors_by_code: Mutex::new(BTreeMap::new()),
            rates: Rates::default(),
            by_command: (0..commands).map(|_| CommandStats::default()).collect(),
        }
    }

    /// Counts a read that brought so many bytes.
    pub(crate) fn read(&self, bytes: usize) {
        self.reads.fetch_add(1, Relaxed);
        self.input_bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// Samples the rates, `seconds` after the last time.
    pub(crate) fn sample(&self, seconds: f64) {
        self.rates.commands.sample(&self.commands, seconds);
        self.rates.input_bytes.sample(&self.input_bytes, seconds);
        self.rates.output_bytes.sample(&self.output_bytes, seconds);
    }

    /// Counts error replies of one code. Clients can make codes up (DEBUG ERROR): beyond
    /// [`MAX_CODES`] the rest is one.
    pub(crate) fn count_errors(&self, code: &str, count: u64) {
        self.errors.fetch_add(count, Relaxed);
        let mut by_code = self.errors_by_code.lock();
        let is_one_too_many = by_code.len() >= MAX_CODES && !by_code.contains_key(code);
        let code = if is_one_too_many { OTHER_CODES } else { code };
        *by_code.entry(code.to_owned()).or_default() += count;
    }

    /// CONFIG RESETSTAT.
    pub(crate) fn reset(&self) {
        let counters = [
            &self.connections,
            &self.rejected_connections,
            &self.accept_failures,
            &self.tls_handshake_failures,
            &self.commands,
            &self.input_bytes,
            &self.output_bytes,
            &self.reads,
            &self.published,
            &self.delivered,
            &self.dropped.messages,
            &self.dropped.bytes,
            &self.output_limit_disconnections,
            &self.evicted_clients,
            &self.query_limit_disconnections,
            &self.connection_panics,
            &self.task_panics,
            &self.errors,
        ];
        let by_command = self.by_command.iter().flat_map(|command| {
            [
                &command.calls,
                &command.nanoseconds,
                &command.rejected,
                &command.failed,
            ]
        });
        for counter in counters.into_iter().chain(by_command) {
            counter.store(0, Relaxed);
        }
        for command in &self.by_command {
            command.latencies.reset();
        }
        self.errors_by_code.lock().clear();
    }
}
