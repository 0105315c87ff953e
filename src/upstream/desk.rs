//! Where the clients and the connection to the hub meet: what is to be sent, who waits for which
//! reply, and who waits to be subscribed.
//!
//! Layer `upstream`. It may use `pubsub` and what lies below.
//!
//! A client's thread leaves something here and waits. The task that has the connection takes the
//! output and brings every reply and confirmation, in the order of the stream. All of it happens
//! under one lock, which is not held while messages are delivered, and never across an await.
//!
//! Invariants:
//! - The hub answers requests in the order in which they were sent, and `expected` has one entry for
//!   each that it has not answered. So a reply or a confirmation belongs to the first entry;
//!   anything else means that the connection is of no use.
//! - A client is subscribed here in the registry only under the lock, while the name is confirmed.
//! - A client is answered once, or its wait ends because the sender is dropped.
//!
//! Lock order: the desk, and then what the registry takes.

mod names;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::sync::oneshot;

use super::frame::Frame;
use super::interest::{Interests, OVERHEAD, Request};
use super::loss::{Loss, is_master};
use super::run::{Replies, put_publish};
use super::{Answer, Query, Run};
use crate::client::{Client, ClientId, Namespace};
use crate::hash::HashState;
use crate::pubsub::registry::Registry;
use crate::resp::error::CommandError;
use names::Waiting;

/// A command needs the hub, and there is no connection.
const DOWN: CommandError = CommandError::text("NOUPSTREAM no connection to the upstream");
/// The connection was lost before the reply.
const UNKNOWN: CommandError = CommandError::text(
    "NOUPSTREAM the connection to the upstream was lost: the command may have been carried out or not",
);
/// Too much waits for the hub.
const FULL: CommandError = CommandError::text(
    "NOUPSTREAM too much waits for the upstream (upstream-output-limit): try again later",
);

/// The command ROLE.
const ROLE: &[u8] = b"*1\r\n$4\r\nROLE\r\n";
/// Output of more bytes is sent from where it lies; less is gathered.
const COPIED: usize = 16 * 1024;

/// What the hub has still to answer.
#[derive(Debug)]
enum Expected {
    Run(Replies, oneshot::Sender<Answer>),
    Query(Query, oneshot::Sender<Answer>),
    /// Confirmations, and how many of them have come.
    Names(Request, usize),
    Probe,
    /// The reply to ROLE.
    Role,
}

#[derive(Debug)]
struct Entry {
    what: Expected,
    /// When it was left here.
    since: Instant,
    /// Bytes of memory that the request and its entry take.
    bytes: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    is_up: bool,
    interests: Interests,
    waiting: HashMap<ClientId, Waiting, HashState>,
    expected: VecDeque<Entry>,
    /// Bytes that requests which are not answered take.
    unanswered: usize,
    /// What is to be sent: pieces, and the buffer behind them.
    pieces: VecDeque<Bytes>,
    output: BytesMut,
    /// The probes of this connection, and how many of them have come back as a message.
    probes: (u64, u64),
    /// Requests for names that the hub has confirmed, and the time that they have waited together.
    confirmations: (u64, Duration),
    /// Clients that are subscribed here to a name which the hub refuses.
    cut_off: Vec<Arc<Client>>,
}

impl Desk {
    /// Leaves a client's publishes. Returns how many were refused at once.
    pub(super) fn publish(&mut self, run: Run, sender: oneshot::Sender<Answer>, limit: u64) -> u64 {
        let (request, mut replies) = run.into_request();
        let Some(refused) = self.refusal(limit) else {
            self.send(request, Expected::Run(replies, sender));
            return 0;
        };
        let count = replies.unanswered() as u64;
        replies.fail_all(&refused);
        // The client may be gone.
        let _ = sender.send(replies.into_answer());
        count
    }

    /// Leaves a question.
    pub(super) fn ask(&mut self, query: Query, sender: oneshot::Sender<Answer>, limit: u64) {
        if let Some(refused) = self.refusal(limit) {
            let _ = sender.send(Answer::error(refused));
            return;
        }
        let mut request = BytesMut::new();
        query.put(&mut request);
        self.send(request.freeze(), Expected::Query(query, sender));
    }

    /// Why nothing more can be sent, if it can't.
    fn refusal(&self, limit: u64) -> Option<CommandError> {
        match (self.is_up, self.unanswered as u64 >= limit) {
            (false, _) => Some(DOWN),
            (true, true) => Some(FULL),
            (true, false) => None,
        }
    }

    /// The connection is established.
    pub(crate) fn connected(&mut self) {
        self.is_up = true;
        self.probes = (0, 0);
        self.interests.connected();
        self.request_names();
    }

    /// The connection is lost. `keeps` says whether subscribers are kept. Returns how many publishes
    /// were not answered by the hub.
    pub(crate) fn lost(&mut self, registry: &Registry, keeps: bool) -> u64 {
        self.is_up = false;
        self.pieces.clear();
        self.output = BytesMut::new();
        self.unanswered = 0;
        let mut failed = 0;
        for entry in std::mem::take(&mut self.expected) {
            let (answer, sender) = match entry.what {
                Expected::Run(mut replies, sender) => {
                    failed += replies.unanswered() as u64;
                    replies.fail_all(&UNKNOWN);
                    (replies.into_answer(), sender)
                }
                Expected::Query(_, sender) => (Answer::error(DOWN), sender),
                Expected::Names(..) | Expected::Probe | Expected::Role => continue,
            };
            let _ = sender.send(answer);
        }
        self.interests
            .lost(|namespace, name| keeps && registry.has_subscribers(namespace, name));
        failed
    }

    /// Does what time brings: names without subscribers are given up, and clients that have waited
    /// too long are closed: many clients subscribe again by themselves when they have reconnected, and
    /// ignore an error then.
    pub(crate) fn tick(&mut self, registry: &Registry) {
        let now = Instant::now();
        for (namespace, name) in registry.take_emptied() {
            self.note_if_idle(registry, namespace, &name);
        }
        self.interests.expire(now);
        let is_over = |waiting: &Waiting| waiting.until <= now || waiting.sender.is_closed();
        let over = self.waiting.iter().filter(|(_, waiting)| is_over(waiting));
        let over: Vec<ClientId> = over.map(|(&id, _)| id).collect();
        for id in over {
            if let Some(waiting) = self.waiting.remove(&id) {
                self.give_up(waiting, registry, None);
            }
        }
        self.request_names();
    }

    /// Whether the hub has been silent since `last_read`, and has owed an answer, for `patience`.
    pub(crate) fn is_silent(&self, last_read: Instant, patience: Duration) -> bool {
        let first = self.expected.front();
        first.is_some_and(|entry| entry.since.max(last_read).elapsed() > patience)
    }

    /// Publishes a message to the probe channel and asks for the hub's role, unless the hub still owes
    /// an answer to the last time. Returns whether it did.
    pub(crate) fn probe(&mut self, channel: &[u8]) -> bool {
        let free = !self.expects(|what| matches!(what, Expected::Probe));
        if free {
            self.probes.0 += 1;
            let mut request = BytesMut::new();
            put_publish(&mut request, Namespace::Channel, channel, b"probe");
            self.send(request.freeze(), Expected::Probe);
            self.send(Bytes::from_static(ROLE), Expected::Role);
        }
        free
    }

    /// A message to the probe channel has come. Others may publish there too.
    pub(crate) fn probe_came_back(&mut self) {
        let (sent, back) = &mut self.probes;
        *back = (*back + 1).min(*sent);
    }

    /// At the end: whether the hub has answered all clients, and a probe after that has come back. It is
    /// sent once it can be, and noted in `is_probed`.
    pub(crate) fn settle(&mut self, channel: &[u8], is_probed: &mut bool) -> bool {
        if !self.is_up {
            return true;
        }
        if *is_probed {
            let (sent, back) = self.probes;
            return sent == back && !self.expects(|what| matches!(what, Expected::Probe));
        }
        let is_client = |what: &Expected| matches!(what, Expected::Run(..) | Expected::Query(..));
        *is_probed = !self.expects(is_client) && self.probe(channel);
        false
    }

    fn expects(&self, which: impl Fn(&Expected) -> bool) -> bool {
        self.expected.iter().any(|entry| which(&entry.what))
    }

    /// Takes what is to be sent next.
    pub(crate) fn take_output(&mut self) -> Option<Bytes> {
        if self.pieces.is_empty() && !self.output.is_empty() {
            return Some(self.output.split().freeze());
        }
        self.pieces.pop_front()
    }

    /// A reply has come. Returns the time since its request if it was a probe's.
    pub(crate) fn reply(
        &mut self,
        frame: &Frame<'_>,
        registry: &Registry,
    ) -> Result<Option<Duration>, Loss> {
        let unexpected = || Loss::Unexpected(frame.kind().to_owned());
        let interests = &self.interests;
        let entry = self.expected.front_mut().ok_or_else(unexpected)?;
        match &mut entry.what {
            Expected::Run(replies, _) => {
                // What follows is not carried out as one. No further transaction is to meet that.
                if let Frame::Error(text) = frame
                    && replies.begins()
                {
                    return Err(Loss::refused(text));
                }
                let adjust = |namespace, channel: &[u8], number: i64| {
                    let copies = interests.copies(namespace, channel) as i64;
                    (number - copies).max(0) + registry.receivers_in(namespace, channel) as i64
                };
                if !replies.take(frame, adjust).ok_or_else(unexpected)? {
                    return Ok(None);
                }
            }
            Expected::Query(query, _) => {
                let adjust = |namespace, channel: &[u8], number: i64| {
                    let own = i64::from(interests.is_at_hub(namespace, channel));
                    (number - own).max(0) + registry.subscribers(namespace, channel) as i64
                };
                let answer = query.answer(frame, adjust).ok_or_else(unexpected)?;
                if let Some(Entry {
                    what: Expected::Query(_, sender),
                    ..
                }) = self.answered()
                {
                    let _ = sender.send(answer);
                }
                return Ok(None);
            }
            Expected::Names(..) => {
                let Frame::Error(text) = frame else {
                    return Err(unexpected());
                };
                return self.names_were_refused(text, registry).map(|()| None);
            }
            Expected::Probe => match frame {
                Frame::Integer(1..) => {}
                Frame::Integer(_) => return Err(Loss::Probe),
                // The hub is an edge itself, and its own hub is slow. Nothing was lost.
                Frame::Error(text) if *text == FULL.wire_text() => {
                    self.probes.0 -= 1;
                    self.answered();
                    return Ok(None);
                }
                Frame::Error(text) => return Err(Loss::refused(text)),
                _ => return Err(unexpected()),
            },
            Expected::Role => {
                if !is_master(frame) {
                    return Err(Loss::Replica);
                }
            }
        }
        match self.answered() {
            Some(Entry {
                what: Expected::Run(replies, sender),
                ..
            }) => {
                let _ = sender.send(replies.into_answer());
            }
            // The message of the probe before must have come by now.
            Some(
                entry @ Entry {
                    what: Expected::Probe,
                    ..
                },
            ) => {
                let (sent, back) = self.probes;
                if back + 1 < sent {
                    return Err(Loss::Probe);
                }
                return Ok(Some(entry.since.elapsed()));
            }
            _ => {}
        }
        Ok(None)
    }

    fn send(&mut self, request: Bytes, what: Expected) {
        let kept = match &what {
            Expected::Run(replies, _) => replies.memory(),
            Expected::Names(request, _) => request.names.len() * OVERHEAD,
            _ => 0,
        };
        let bytes = request.len() + kept;
        self.unanswered += bytes;
        self.expected.push_back(Entry {
            what,
            since: Instant::now(),
            bytes,
        });
        if request.len() <= COPIED {
            self.output.extend_from_slice(&request);
        } else {
            if !self.output.is_empty() {
                self.pieces.push_back(self.output.split().freeze());
            }
            self.pieces.push_back(request);
        }
    }

    /// Takes the first entry, which is answered.
    fn answered(&mut self) -> Option<Entry> {
        let entry = self.expected.pop_front()?;
        self.unanswered -= entry.bytes;
        Some(entry)
    }

    /// Takes the clients that are subscribed here to a name which the hub refuses, to be closed: they
    /// were kept when the connection was lost, and the hub's rules have changed since.
    pub(crate) fn take_cut_off(&mut self) -> Vec<Arc<Client>> {
        std::mem::take(&mut self.cut_off)
    }

    /// Bytes that requests take which the hub has not answered.
    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// The names of this kind that the hub was asked for.
    pub(crate) fn names(&self, namespace: Namespace) -> usize {
        self.interests.len(namespace)
    }

    /// Requests for names that the hub has confirmed, and the time that they have waited together.
    pub(crate) fn confirmations(&self) -> (u64, Duration) {
        self.confirmations
    }

    /// The clients that wait to be subscribed.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
