//! A closed loop from one publisher to one subscriber that has very many subscriptions, each
//! message matching one of them.

use std::time::Duration;

use anyhow::Result;

use crate::pipeline::{Batch, Pipeline};
use crate::results::Figure;
use crate::rival::{Rival, Server};
use crate::stream;
use crate::subscribe;
use crate::wire;

/// Requests in a batch.
pub const BATCH: usize = 16;
/// Bytes of a payload.
const PAYLOAD: usize = 64;
/// Messages that differ from each other, at least.
const CYCLE: usize = 1024;

/// And at most: this process has all of them in memory. Of more subscriptions, some get none.
const MOST: usize = 100_000;

/// What one of the others has subscribed to. redis-server 7.0 compares each new pattern with all
/// that the connection has, which takes minutes for a hundred thousand on one.
const EACH: usize = 1_000;

/// Who has subscribed, and what is published.
pub struct Relay<'a> {
    /// What the subscriber has subscribed to.
    pub subscriptions: Vec<Vec<u8>>,
    /// What others have subscribed to, which no message matches.
    pub others: Vec<Vec<u8>>,
    /// Whether these are patterns, and not channels.
    pub patterns: bool,
    /// Whither message n goes: to the subscription of this number, by this channel.
    pub route: &'a dyn Fn(usize) -> (usize, Vec<u8>),
}

impl Relay<'_> {
    /// Starts the server and measures a publish, for so long.
    pub fn measure(&self, rival: &Rival, time: Duration) -> Result<Vec<Figure>> {
        let server = Server::start(rival)?;
        let kind = if self.patterns {
            "psubscribe"
        } else {
            "subscribe"
        };
        let mut idle = Vec::new();
        for names in self.others.chunks(EACH) {
            let mut stream = wire::connect(server.addr())?;
            subscribe::confirmed(&mut stream, kind, names)?;
            idle.push(stream);
        }
        let mut listener = wire::connect(server.addr())?;
        subscribe::confirmed(&mut listener, kind, &self.subscriptions)?;
        let mut batches = Vec::new();
        let messages = self.subscriptions.len().clamp(CYCLE, MOST);
        for first in (0..messages).step_by(BATCH) {
            let mut batch = Batch::default();
            for number in first..first + BATCH {
                let (subscription, channel) = (self.route)(number);
                let payload = stream::payload(0, number, PAYLOAD);
                let words: [&[u8]; 3] = [b"PUBLISH", &channel, &payload];
                batch.requests.extend(wire::request(&words));
                batch.replies.extend(b":1\r\n");
                batch.heard.extend(if self.patterns {
                    let pattern = &self.subscriptions[subscription];
                    wire::request(&[b"pmessage", pattern, &channel, &payload])
                } else {
                    wire::message(&channel, &payload)
                });
            }
            batches.push(batch);
        }
        let mut pipeline = Pipeline::new(BATCH as u64);
        pipeline.speaker_and_listener(wire::connect(server.addr())?, listener, batches);
        pipeline.run(&server, time)
    }
}
