//! Which names the hub is asked for: a state machine without I/O, clock or locks of its own.
//!
//! Layer `upstream`. It may use `pubsub` and what lies below.
//!
//! ```text
//!             want            the hub confirms           no subscriber is left
//!   absent ────────▶ Subscribing ────────▶ Confirmed ─────────────────────▶ Lingering
//!     ▲                  ▲                     ▲                             │    │
//!     │ the hub confirms │ want                └──────── use: a subscriber ──┘    │ LINGER later
//!     └────────────── Leaving ◀───────────────────────────────────────────────────┘
//! ```
//!
//! A name is a channel, a pattern or a shard channel. Its state changes when a client asks for it,
//! when the connection's stream brings a confirmation, and when time passes. What is to be sent to
//! the hub comes out of [`Interests::next_request`], in order.
//!
//! Invariants:
//! - A name is `Confirmed` or `Lingering` only after the hub's confirmation has arrived and before
//!   its unsubscription is asked for. So a client that is subscribed meanwhile misses nothing.
//! - A name that is being asked for is not given up before it is confirmed. So at most one
//!   SUBSCRIBE of a name is unanswered, and a confirmation belongs to it.
//! - Without a connection there are only names in `Subscribing` that a client waits for or is
//!   subscribed to. They are asked for when there is one.
//! - `at_hub` says whether the hub sends the name's messages, as of the current place in the
//!   stream. It lags behind the phase: in `Leaving` it stays until the hub confirms.
//! - A name that an unfinished SUBSCRIBE names is not given up, and stays `Confirmed` once it is. So
//!   a client is subscribed to all of its names at one place in the stream, or to none.
//! - A name waits in `lingering` at most once, however often its subscribers come and go, and all
//!   that wait there take at most [`MOST_LINGERING`] bytes.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::client::{ClientId, Namespace};
use crate::hash::HashState;
use crate::pubsub::patterns::PatternIndex;

/// A name without subscribers is kept for so long: clients that reconnect find it confirmed. In a model
/// it is given up at once.
pub(super) const LINGER: Duration = Duration::from_secs(if cfg!(shuttle) { 0 } else { 5 });
/// Names that linger take at most so many bytes. Past it the oldest are given up at once.
pub(super) const MOST_LINGERING: usize = 16 * 1024 * 1024;
/// What a name takes beside its bytes.
pub(super) const OVERHEAD: usize = 256;
/// The most names in one request to the hub.
pub(super) const MOST_NAMES: usize = 512;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Subscribing,
    Confirmed,
    /// Without subscribers since.
    Lingering(Instant),
    Leaving,
    /// The hub has refused it. Other clients name it that do not wait for it yet.
    Refused,
}

/// What is known of a name that is not absent.
#[derive(Debug)]
struct Interest {
    phase: Phase,
    /// Whether the hub sends its messages.
    at_hub: bool,
    /// The unfinished SUBSCRIBE commands of clients that name it.
    holds: u32,
    /// The clients whose SUBSCRIBE goes on once it is confirmed, in the order of their arrival.
    waiters: Vec<ClientId>,
    /// Whether it stands in the queue of lingering names.
    is_queued: bool,
}

/// What the hub is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Subscribe,
    Unsubscribe,
}

/// One request to the hub.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub verb: Verb,
    pub namespace: Namespace,
    pub names: Vec<Bytes>,
}

/// The names that the hub is asked for, and their states.
#[derive(Debug, Default)]
pub(super) struct Interests {
    /// Whether there is a connection. Without one, nothing is asked for.
    is_up: bool,
    names: [HashMap<Bytes, Interest, HashState>; 3],
    /// The patterns whose messages the hub sends.
    patterns: PatternIndex<()>,
    /// Names that had no subscriber left, by time.
    lingering: VecDeque<(Instant, Namespace, Bytes)>,
    /// Bytes that those take.
    lingering_bytes: usize,
    /// What is still to be asked for.
    wanted: VecDeque<(Verb, Namespace, Bytes)>,
}

impl Interests {
    /// A client's SUBSCRIBE begins that names it. The hub is asked for a name that is absent or
    /// being left.
    pub(super) fn hold(&mut self, namespace: Namespace, name: &Bytes) {
        let interest = self.want(namespace, name);
        interest.holds += 1;
        if let Phase::Lingering(_) = interest.phase {
            interest.phase = Phase::Confirmed;
        }
    }

    /// Whether a client may be subscribed to the name now. If so, the caller does it before it lets
    /// go of the machine. If not, the client waits: [`confirmed`](Self::confirmed) returns it.
    pub(super) fn use_or_wait(
        &mut self,
        namespace: Namespace,
        name: &Bytes,
        waiter: ClientId,
    ) -> bool {
        let interest = self.want(namespace, name);
        let ready = matches!(interest.phase, Phase::Confirmed | Phase::Lingering(_));
        if ready {
            interest.phase = Phase::Confirmed;
        } else {
            interest.waiters.push(waiter);
        }
        ready
    }

    /// As [`use_or_wait`](Self::use_or_wait), for names that may all be ready: nothing changes
    /// unless they are.
    pub(super) fn use_all(&mut self, namespace: Namespace, names: &[Bytes]) -> bool {
        let table = &mut self.names[namespace as usize];
        let is_ready = |name: &Bytes| {
            let phase = table.get(name).map(|interest| interest.phase);
            matches!(phase, Some(Phase::Confirmed | Phase::Lingering(_)))
        };
        let ready = names.iter().all(is_ready);
        if ready {
            for name in names {
                if let Some(interest) = table.get_mut(name) {
                    interest.phase = Phase::Confirmed;
                }
            }
        }
        ready
    }

    fn want(&mut self, namespace: Namespace, name: &Bytes) -> &mut Interest {
        let Interests {
            names,
            wanted,
            is_up,
            ..
        } = self;
        let interest = names[namespace as usize]
            .entry(name.clone())
            .or_insert_with(|| Interest {
                phase: Phase::Leaving,
                at_hub: false,
                holds: 0,
                waiters: Vec::new(),
                is_queued: false,
            });
        if matches!(interest.phase, Phase::Leaving | Phase::Refused) {
            interest.phase = Phase::Subscribing;
            if *is_up {
                wanted.push_back((Verb::Subscribe, namespace, name.clone()));
            }
        }
        interest
    }

    /// A client's SUBSCRIBE is done with the name: the client is subscribed to it, or has given up.
    /// The caller then calls [`idle`](Self::idle) if the name has no subscriber.
    pub(super) fn release(&mut self, namespace: Namespace, name: &[u8], waiter: ClientId) {
        let table = &mut self.names[namespace as usize];
        if let Some(interest) = table.get_mut(name) {
            interest.holds = interest.holds.saturating_sub(1);
            interest.waiters.retain(|&other| other != waiter);
            if interest.holds == 0 && interest.phase == Phase::Refused {
                table.remove(name);
            }
        }
    }

    /// The name has no subscriber. It lingers, unless a SUBSCRIBE names it or the hub has not
    /// confirmed it.
    pub(super) fn idle(&mut self, namespace: Namespace, name: &[u8], now: Instant) {
        let table = &mut self.names[namespace as usize];
        let Some((name, _)) = table.get_key_value(name) else {
            return;
        };
        let name = name.clone();
        let Some(interest) = table.get_mut(&name) else {
            return;
        };
        if interest.holds > 0 {
            return;
        }
        if !self.is_up {
            table.remove(&name);
            return;
        }
        if interest.phase != Phase::Confirmed {
            return;
        }
        interest.phase = Phase::Lingering(now);
        if !std::mem::replace(&mut interest.is_queued, true) {
            self.queue(now, namespace, name);
        }
        while self.lingering_bytes > MOST_LINGERING {
            self.end_lingering(|_| true);
        }
    }

    fn queue(&mut self, since: Instant, namespace: Namespace, name: Bytes) {
        self.lingering_bytes += name.len() + OVERHEAD;
        self.lingering.push_back((since, namespace, name));
    }

    /// Takes the first name out of the queue. If it lingers, it is given up, or is queued again if it
    /// has not lingered for long enough.
    fn end_lingering(&mut self, is_long_enough: impl Fn(Instant) -> bool) {
        let Some((_, namespace, name)) = self.lingering.pop_front() else {
            return;
        };
        self.lingering_bytes -= name.len() + OVERHEAD;
        let Some(interest) = self.names[namespace as usize].get_mut(&name) else {
            return;
        };
        interest.is_queued = false;
        match interest.phase {
            Phase::Lingering(since) if is_long_enough(since) => {
                interest.phase = Phase::Leaving;
                self.wanted.push_back((Verb::Unsubscribe, namespace, name));
            }
            Phase::Lingering(since) => {
                // It was used meanwhile.
                interest.is_queued = true;
                self.queue(since, namespace, name);
            }
            _ => {}
        }
    }

    /// Gives up the names that have lingered for [`LINGER`] by `now`.
    pub(super) fn expire(&mut self, now: Instant) {
        let is_long_enough = |since| now.saturating_duration_since(since) >= LINGER;
        while let Some(&(since, ..)) = self.lingering.front()
            && is_long_enough(since)
        {
            self.end_lingering(is_long_enough);
        }
    }

    /// The next request for the hub: consecutive names of one kind.
    pub(super) fn next_request(&mut self) -> Option<Request> {
        let (verb, namespace, _) = *self.wanted.front()?;
        let mut names = Vec::new();
        while names.len() < MOST_NAMES
            && let Some((next, of, _)) = self.wanted.front()
            && (*next, *of) == (verb, namespace)
            && let Some((_, _, name)) = self.wanted.pop_front()
        {
            names.push(name);
        }
        Some(Request {
            verb,
            namespace,
            names,
        })
    }

    /// The hub has confirmed a SUBSCRIBE. Returns the clients that wait for the name; `None`: nobody
    /// has asked for it.
    pub(super) fn confirmed(&mut self, namespace: Namespace, name: &[u8]) -> Option<Vec<ClientId>> {
        let interest = self.names[namespace as usize].get_mut(name)?;
        if interest.phase != Phase::Subscribing {
            return None;
        }
        interest.phase = Phase::Confirmed;
        interest.at_hub = true;
        if namespace == Namespace::Pattern {
            self.patterns.get_or_insert_with(name, || ());
        }
        Some(std::mem::take(&mut interest.waiters))
    }

    /// The hub has confirmed an UNSUBSCRIBE. Returns `false` if nobody has asked for it.
    #[must_use]
    pub(super) fn left(&mut self, namespace: Namespace, name: &[u8]) -> bool {
        let table = &mut self.names[namespace as usize];
        let Some(interest) = table.get_mut(name) else {
            return false;
        };
        if namespace == Namespace::Pattern {
            self.patterns.remove(name);
        }
        let expected = std::mem::replace(&mut interest.at_hub, false);
        if interest.phase == Phase::Leaving {
            table.remove(name);
        }
        expected
    }

    /// The hub has refused a SUBSCRIBE of this name. Returns the clients that wait for it.
    pub(super) fn refused(&mut self, namespace: Namespace, name: &[u8]) -> Vec<ClientId> {
        let table = &mut self.names[namespace as usize];
        let Some(interest) = table.get_mut(name) else {
            return Vec::new();
        };
        interest.phase = Phase::Refused;
        let waiters = std::mem::take(&mut interest.waiters);
        if interest.holds == 0 {
            table.remove(name);
        }
        waiters
    }

    /// There is a connection: all names are asked for.
    pub(super) fn connected(&mut self) {
        self.is_up = true;
        for namespace in Namespace::ALL {
            let names = self.names[namespace as usize].keys();
            let requests = names.map(|name| (Verb::Subscribe, namespace, name.clone()));
            self.wanted.extend(requests);
        }
    }

    /// The connection is lost: the hub has no name any more. Those for which `is_used` says that
    /// they have subscribers to be kept, and those that clients wait for, stay.
    pub(super) fn lost(&mut self, is_used: impl Fn(Namespace, &[u8]) -> bool) {
        self.is_up = false;
        self.wanted.clear();
        self.lingering.clear();
        self.lingering_bytes = 0;
        self.patterns = PatternIndex::new();
        for namespace in Namespace::ALL {
            self.names[namespace as usize].retain(|name, interest| {
                interest.phase = Phase::Subscribing;
                interest.at_hub = false;
                interest.is_queued = false;
                interest.holds > 0 || is_used(namespace, name)
            });
        }
    }

    /// How many copies of a message to this channel the hub sends here.
    pub(super) fn copies(&self, namespace: Namespace, channel: &[u8]) -> usize {
        let own = self.names[namespace as usize].get(channel);
        let mut copies = usize::from(own.is_some_and(|interest| interest.at_hub));
        if namespace == Namespace::Channel {
            self.patterns.for_each_match(channel, |()| copies += 1);
        }
        copies
    }

    /// Whether the hub sends the messages of this channel itself here.
    pub(super) fn is_at_hub(&self, namespace: Namespace, name: &[u8]) -> bool {
        let own = self.names[namespace as usize].get(name);
        own.is_some_and(|interest| interest.at_hub)
    }

    /// The number of names of this kind.
    pub(super) fn len(&self, namespace: Namespace) -> usize {
        self.names[namespace as usize].len()
    }
}

#[cfg(test)]
mod tests;
