//! Handles what the hub sends, frame by frame, and delivers its messages.
//!
//! Layer `server`. It may use all layers but `embed`.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, BytesMut};

use crate::client::{Client, Namespace};
use crate::observe::log_throttle::LogThrottle;
use crate::pubsub::counts::{Kind, PublishCounts};
use crate::pubsub::fanout::Fanout;
use crate::state::{ServerState, WRITES_PER_TURN};
use crate::upstream::frame::{Frame, FrameReader};
use crate::upstream::{Desk, Loss, PROBES, Upstream};

/// Messages are written to the subscribers after so many appends at the latest.
const MOST_APPENDS: usize = 16 * 1024;
/// A buffer is not kept that had to hold more than this.
const LARGE: usize = 256 * 1024;

/// What the hub sends, on its way to the subscribers.
pub(super) struct Stream<'a> {
    state: &'a ServerState,
    upstream: &'a Upstream,
    /// Bytes that were read and not parsed.
    pub input: BytesMut,
    reader: FrameReader,
    fanout: Fanout,
    /// The messages since the server's counters were last updated.
    counts: PublishCounts,
    /// A buffer for a pattern's messages.
    frame: BytesMut,
    /// For the log.
    refused_names: LogThrottle,
}

impl<'a> Stream<'a> {
    /// With what was read before.
    pub(super) fn new(
        state: &'a ServerState,
        upstream: &'a Upstream,
        input: BytesMut,
    ) -> Stream<'a> {
        Stream {
            state,
            upstream,
            input,
            reader: FrameReader::default(),
            fanout: Fanout::default(),
            counts: PublishCounts::default(),
            frame: BytesMut::new(),
            refused_names: LogThrottle::default(),
        }
    }

    /// Handles the frames that have arrived as a whole.
    pub(super) async fn take_frames(&mut self) -> Result<(), Loss> {
        let input = std::mem::take(&mut self.input);
        let mut at = 0;
        let result = loop {
            let limits = self.state.config().client_output_buffer_limit;
            self.fanout.begin_batch(limits, Instant::now());
            let result = self.take_some(&input, &mut at);
            self.deliver();
            if let Some(limit) = self.state.config().client_memory_limit() {
                self.state.memory_trigger.add(self.fanout.appended(), limit);
            }
            self.state.stats.messages.take(&mut self.counts);
            self.flush().await;
            match result {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(loss) => break Err(loss),
            }
        };
        self.input = input;
        self.input.advance(at);
        if self.input.is_empty() && at > LARGE {
            // Large messages have made it large.
            self.input = BytesMut::new();
        }
        result
    }

    /// Handles frames until so much was appended that it should be written. Returns whether there may
    /// be more.
    fn take_some(&mut self, input: &[u8], at: &mut usize) -> Result<bool, Loss> {
        while let Some(parsed) = self.reader.next(&input[*at..])? {
            for push in &parsed.pushes {
                self.take(push)?;
            }
            self.take(&parsed.frame)?;
            *at += parsed.length;
            if self.fanout.appends() >= MOST_APPENDS || self.fanout.is_due() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn take(&mut self, frame: &Frame<'_>) -> Result<(), Loss> {
        let Frame::Push(elements) = frame else {
            self.deliver();
            let reply = |desk: &mut Desk| {
                let time = desk.reply(frame, &self.state.registry);
                (time, desk.take_cut_off())
            };
            let (time, cut_off) = self.upstream.with_desk(reply);
            if let Some(time) = time? {
                let micros = time.as_micros() as u64;
                self.upstream.stats.round_trip_micros.set(micros);
            }
            self.close(&cut_off);
            return Ok(());
        };
        match elements[..] {
            [
                Frame::Bulk(b"message"),
                Frame::Bulk(name),
                Frame::Bulk(payload),
            ] => {
                if name == self.upstream.probe {
                    self.deliver();
                    self.upstream.with_desk(|desk| desk.probe_came_back());
                } else {
                    self.message(Namespace::Channel, name, payload);
                }
            }
            [
                Frame::Bulk(b"smessage"),
                Frame::Bulk(name),
                Frame::Bulk(payload),
            ] => {
                self.message(Namespace::Shard, name, payload);
            }
            [
                Frame::Bulk(b"pmessage"),
                Frame::Bulk(pattern),
                Frame::Bulk(name),
                Frame::Bulk(payload),
            ] => {
                // No client has asked for the probes of edges.
                if !name.starts_with(PROBES) {
                    self.pattern_message(pattern, name, payload);
                }
            }
            [Frame::Bulk(kind), Frame::Bulk(name), Frame::Integer(_)] => {
                self.confirmation(kind, name)?;
            }
            _ => return Err(Loss::Unexpected(frame.kind().to_owned())),
        }
        Ok(())
    }

    /// Closes subscribers that would get nothing any more.
    fn close(&mut self, subscribers: &[Arc<Client>]) {
        for client in subscribers {
            self.state.disconnect(client);
        }
        if !subscribers.is_empty()
            && let Some(names) = self.refused_names.note()
        {
            tracing::warn!(
                names,
                "closed the subscribers of names that the upstream refuses"
            );
        }
    }

    fn message(&mut self, namespace: Namespace, channel: &[u8], payload: &[u8]) {
        let run = &self.fanout.single;
        if !run.is_empty() && !run.can_add(namespace, channel, payload) {
            self.deliver();
        }
        self.fanout.single.add(namespace, channel, payload.into());
    }

    /// Delivers the messages that were gathered.
    fn deliver(&mut self) {
        let Fanout { single, pending } = &mut self.fanout;
        if single.is_empty() {
            return;
        }
        let (counts, mut unwanted) = (&mut self.counts, 0);
        let kind = single.namespace().into();
        self.state.registry.deliver(single, pending, |reached| {
            counts.add(kind, reached);
            unwanted += u64::from(reached == 0);
        });
        self.upstream.stats.received.add(single.len() as u64);
        self.upstream.stats.unwanted.add(unwanted);
        single.clear();
    }

    fn pattern_message(&mut self, pattern: &[u8], channel: &[u8], payload: &[u8]) {
        self.deliver();
        let Fanout { single, pending } = &mut self.fanout;
        single.add(Namespace::Channel, channel, payload.into());
        let registry = &self.state.registry;
        let reached = registry.deliver_to_pattern(pattern, single, &mut self.frame, pending);
        single.clear();
        self.counts.add(Kind::Channel, reached);
        self.upstream.stats.received.add(1);
        self.upstream.stats.unwanted.add(u64::from(reached == 0));
    }

    fn confirmation(&mut self, kind: &[u8], name: &[u8]) -> Result<(), Loss> {
        self.deliver();
        let (subscribed, namespace) = match kind {
            b"subscribe" => (true, Namespace::Channel),
            b"psubscribe" => (true, Namespace::Pattern),
            b"ssubscribe" => (true, Namespace::Shard),
            b"unsubscribe" => (false, Namespace::Channel),
            b"punsubscribe" => (false, Namespace::Pattern),
            b"sunsubscribe" => (false, Namespace::Shard),
            _ => return Err(Loss::Unexpected("an unknown push".to_owned())),
        };
        let (registry, limits) = (&self.state.registry, self.fanout.limits());
        let clients = self
            .upstream
            .with_desk(|desk| desk.confirmation(subscribed, namespace, name, registry, limits))?;
        for client in clients {
            // It has been sent a confirmation. If it is dead, its own task ends it.
            self.state.flush(&client);
        }
        Ok(())
    }

    /// Writes to the subscribers.
    async fn flush(&mut self) {
        loop {
            let touched = std::iter::from_fn(|| self.fanout.next_touched());
            self.state.flush_some(touched.take(WRITES_PER_TURN));
            if !self.fanout.has_touched() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}
