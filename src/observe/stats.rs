//! The server's counters since its start or since CONFIG RESETSTAT.
//!
//! Layer `observe`. It uses `client` and `pubsub`.
//!
//! Connections add to them once per read batch instead of once per command (see
//! [`BatchStats`](super::batch_stats::BatchStats)), which avoids contention between threads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

use super::delivery_times::{DeliveryTimes, Sent};
use super::histogram::Latencies;
use crate::client::outbox::DropTotals;
use crate::pubsub::counts::PublishTotals;

/// At most so many codes of errors are counted apart, as in Redis 7.2;
pub(crate) const MAX_CODES: usize = 128;
/// and others under this one.
pub(crate) const OTHER_CODES: &str = "ERR";

/// A counter.
pub(crate) type Counter = AtomicU64;

/// The counters of one command (INFO commandstats).
#[derive(Debug, Default)]
pub(crate) struct CommandStats {
    /// How often it ran, failed runs included.
    pub calls: Counter,
    /// The time spent in all runs, in nanoseconds.
    pub nanoseconds: Counter,
    /// How often it was rejected before it ran: wrong arity, missing AUTH, subscribed mode.
    pub rejected: Counter,
    /// How many runs ended with an error.
    pub failed: Counter,
    /// How long the runs took, if `latency-tracking` is on.
    pub latencies: Latencies,
}

/// The growth rates of some counters, sampled once per second.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    /// Commands per second.
    pub commands: Rate,
    /// Bytes received per second.
    pub input_bytes: Rate,
    /// Bytes sent per second.
    pub output_bytes: Rate,
}

/// The growth rate of one counter.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    before: Counter,
    per_second: Counter,
}

impl Rate {
    /// Samples the counter, `seconds` after the last time.
    fn sample(&self, counter: &Counter, seconds: f64) {
        let now = counter.load(Relaxed);
        // The counter may have been reset in between.
        let grown = now.saturating_sub(self.before.swap(now, Relaxed));
        self.per_second
            .store((grown as f64 / seconds) as u64, Relaxed);
    }

    /// The growth per second at the last sample.
    pub(crate) fn per_second(&self) -> u64 {
        self.per_second.load(Relaxed)
    }
}

/// A server's counters.
#[derive(Debug)]
pub(crate) struct Stats {
    /// Connections accepted.
    pub connections: Counter,
    /// Connections refused because of `maxclients`.
    pub rejected_connections: Counter,
    /// Connections that could not be accepted, for example because no file descriptor was free.
    pub accept_failures: Counter,
    /// TLS connections that ended before the handshake was complete.
    pub tls_handshake_failures: Counter,
    /// Commands run.
    pub commands: Counter,
    /// Bytes received.
    pub input_bytes: Counter,
    /// Bytes handed to the kernel for clients.
    pub output_bytes: Counter,
    /// Reads that returned data.
    pub reads: Counter,
    /// Messages published, and how many receivers they had.
    pub messages: PublishTotals,
    /// How long messages took to their receivers.
    pub deliveries: DeliveryTimes,
    /// Messages that were dropped instead of delivered. Shared with the outboxes that may drop
    /// messages.
    pub dropped: Arc<DropTotals>,
    /// Clients disconnected because of `client-output-buffer-limit`.
    pub output_limit_disconnections: Counter,
    /// Clients disconnected because of `maxmemory-clients`.
    pub evicted_clients: Counter,
    /// Clients disconnected because of `client-query-buffer-limit`.
    pub query_limit_disconnections: Counter,
    /// Connections closed because their task panicked.
    pub connection_panics: Counter,
    /// Panics of the server's own tasks.
    pub task_panics: Counter,
    /// Error replies.
    pub errors: Counter,
    /// Error replies by error code. There are few codes.
    pub errors_by_code: Mutex<BTreeMap<String, u64>>,
    /// Growth rates over the last second.
    pub rates: Rates,
    /// The counters of each command, by command id.
    pub by_command: Box<[CommandStats]>,
}

impl Stats {
    /// Counters that are zero, for `commands` commands.
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
            messages: PublishTotals::default(),
            deliveries: DeliveryTimes::default(),
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

    /// Counts a read that returned `bytes` bytes.
    pub(crate) fn read(&self, bytes: usize) {
        self.reads.fetch_add(1, Relaxed);
        self.input_bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// Counts bytes that were handed to the kernel, and the timed messages among them.
    pub(crate) fn written(&self, bytes: u64, sent: &Sent) {
        if bytes > 0 {
            self.output_bytes.fetch_add(bytes, Relaxed);
        }
        self.deliveries.add(sent);
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
            &self.output_limit_disconnections,
            &self.evicted_clients,
            &self.query_limit_disconnections,
            &self.connection_panics,
            &self.task_panics,
            &self.errors,
        ];
        self.messages.reset();
        self.deliveries.reset();
        self.dropped.reset();
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
