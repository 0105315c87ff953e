//! An open loop: one sender sends by the clock, whether or not the server keeps up, and every
//! receiver gets every message.
//!
//! A message's latency is the time from when it was due, not from when it was sent, until the last
//! receiver has it: a server that stalls is charged for all messages that were due meanwhile.
//!
//! Invariants:
//! - Message n is due n+1 periods after the start.
//! - Fewer messages are on their way than the cycle has: a server that falls so far behind has
//!   failed, and no message can be lost or repeated unseen.

use std::net::TcpStream;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;

use crate::expected::{Expected, Integers};
use crate::net::Net;
use crate::results::{Figure, Metric};
use crate::rival::{Cpu, Server};
use crate::stream::{self, Slowest};
use crate::wire;

/// Messages that differ from each other.
pub const CYCLE: usize = 4096;
/// The part of the messages that is sent before the measurement.
const WARM_UP: f64 = 0.1;
/// Latencies are kept to so many digits.
const DIGITS: u8 = 3;

/// Who sends what to whom, and when.
pub struct OpenLoop {
    /// Peer 0 sends, all others receive.
    pub streams: Vec<TcpStream>,
    /// Request n, of [`CYCLE`].
    pub requests: Vec<Vec<u8>>,
    /// What the sender gets for each.
    pub replies: RangeInclusive<u64>,
    /// What a receiver gets for request n.
    pub messages: Vec<Vec<u8>>,
    /// What a receiver sends to get a message, and again when it has it.
    pub again: Option<Vec<u8>>,
    /// Messages a second.
    pub rate: u32,
    /// How long it goes on after the warm-up.
    pub time: Duration,
}

/// What came of it.
pub struct Outcome {
    /// Of the last receiver, in nanoseconds.
    pub latencies: Histogram<u64>,
    /// The server's processor time after the warm-up.
    pub cpu: Cpu,
    /// Messages after the warm-up.
    pub messages: u64,
    /// Messages with those of the warm-up.
    pub sent: usize,
}

impl OpenLoop {
    /// Messages of `payload` bytes to a channel that `audience` clients have subscribed to, whether
    /// or not their streams are among these.
    pub fn publish(
        streams: Vec<TcpStream>,
        channel: &[u8],
        payload: usize,
        audience: u64,
        rate: u32,
        time: Duration,
    ) -> OpenLoop {
        let payloads = (0..CYCLE).map(|number| stream::payload(0, number, payload));
        let (requests, messages) = payloads
            .map(|payload| {
                let request = wire::request(&[b"PUBLISH", channel, &payload]);
                (request, wire::message(channel, &payload))
            })
            .unzip();
        OpenLoop {
            streams,
            requests,
            replies: audience..=audience,
            messages,
            again: None,
            rate,
            time,
        }
    }

    /// Sends everything, and waits until all of it has arrived.
    pub fn run(self, server: &Server) -> Result<Outcome> {
        let period = Duration::from_secs(1) / self.rate;
        let messages = (self.time.as_secs_f64() * f64::from(self.rate)).ceil() as u64;
        let warm_up = (messages as f64 * WARM_UP) as u64;
        let mut replies = Integers::new(self.replies);
        let mut receivers = vec![Expected::new(self.messages.into()); self.streams.len() - 1];
        let mut slowest = Slowest::new(receivers.len(), CYCLE as u64 - 1);
        let mut latencies = Histogram::new(DIGITS)?;
        let mut begin = None;
        let mut sent = 0;

        let mut net = Net::new(self.streams)?;
        if let Some(again) = &self.again {
            for number in 0..receivers.len() {
                net.peer(number + 1).send(again)?;
            }
        }
        net.tick_each(period)?;
        let start = Instant::now();
        let due = |message: u64| start + period.mul_f64(message as f64 + 1.0);
        while slowest.least() < warm_up + messages || replies.whole() < sent {
            let ticks = net.turn(|peer, number, bytes| {
                if number == 0 {
                    return replies.take(bytes).map(drop);
                }
                let receiver = &mut receivers[number - 1];
                let from = receiver.whole();
                let complete = receiver.take(bytes)?;
                ensure!(receiver.whole() <= sent, "more messages than were sent");
                if let Some(again) = &self.again {
                    for _ in 0..complete {
                        peer.send(again)?;
                    }
                }
                let arrived = slowest.least();
                slowest.advance(from, receiver.whole());
                if arrived == slowest.least() {
                    return Ok(());
                }
                let now = Instant::now();
                for message in arrived.max(warm_up)..slowest.least() {
                    let latency = now.saturating_duration_since(due(message));
                    latencies.record(latency.as_nanos() as u64)?;
                }
                Ok(())
            })?;
            for _ in 0..ticks.min(warm_up + messages - sent) {
                ensure!(
                    sent - slowest.least() < CYCLE as u64 - 1,
                    "cannot keep up: {CYCLE} messages behind"
                );
                if sent == warm_up {
                    begin = Some(server.cpu()?);
                }
                net.peer(0).send(&self.requests[sent as usize % CYCLE])?;
                sent += 1;
            }
        }
        Ok(Outcome {
            latencies,
            cpu: server.cpu()? - begin.unwrap_or_default(),
            messages,
            sent: sent as usize,
        })
    }
}

impl Outcome {
    /// The percentiles.
    pub fn latencies(&self) -> [Figure; 3] {
        [
            (Metric::P50, 0.5),
            (Metric::P99, 0.99),
            (Metric::P999, 0.999),
        ]
        .map(|(metric, quantile)| self.latency(metric, quantile))
    }

    /// The latency that a part of the messages stay within, as a figure of this name.
    pub fn latency(&self, metric: Metric, quantile: f64) -> Figure {
        Figure {
            metric,
            value: self.latencies.value_at_quantile(quantile) as f64 / 1e3,
        }
    }
}
