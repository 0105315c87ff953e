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
const OVERHEAD: usize = 256;
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
        self.want(namespace, name).holds += 1;
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
        if interest.phase == Phase::Leaving {
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
        if let Some(interest) = self.names[namespace as usize].get_mut(name) {
            interest.holds = interest.holds.saturating_sub(1);
            interest.waiters.retain(|&other| other != waiter);
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
        let interest = self.names[namespace as usize].remove(name);
        interest.map_or_else(Vec::new, |interest| interest.waiters)
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
mod tests {
    use super::*;

    const C: Namespace = Namespace::Channel;

    fn name(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    fn request(verb: Verb, names: &[&'static str]) -> Option<Request> {
        Some(Request {
            verb,
            namespace: C,
            names: names.iter().map(|text| name(text)).collect(),
        })
    }

    /// A machine with a connection.
    fn connected() -> Interests {
        let mut interests = Interests::default();
        interests.connected();
        interests
    }

    /// A machine in which the client 1 has got the channel `a`.
    fn confirmed() -> Interests {
        let mut interests = connected();
        interests.hold(C, &name("a"));
        assert!(!interests.use_or_wait(C, &name("a"), 1));
        assert_eq!(interests.next_request(), request(Verb::Subscribe, &["a"]));
        assert_eq!(interests.copies(C, b"a"), 0);
        assert_eq!(interests.confirmed(C, b"a"), Some(vec![1]));
        assert!(interests.use_or_wait(C, &name("a"), 1));
        interests.release(C, b"a", 1);
        assert_eq!(interests.copies(C, b"a"), 1);
        interests
    }

    #[test]
    fn a_name_is_asked_for_once_and_used_once_it_is_confirmed() {
        let mut interests = connected();
        for client in 1..=3 {
            interests.hold(C, &name("a"));
            assert!(!interests.use_or_wait(C, &name("a"), client));
        }
        assert!(!interests.use_all(C, &[name("a")]));
        assert_eq!(interests.next_request(), request(Verb::Subscribe, &["a"]));
        assert_eq!(interests.next_request(), None);
        assert_eq!(interests.confirmed(C, b"a"), Some(vec![1, 2, 3]));
        assert!(interests.use_all(C, &[name("a"), name("a")]));
        assert!(!interests.use_all(C, &[name("a"), name("b")]));
    }

    #[test]
    fn a_confirmation_that_nobody_has_asked_for_is_seen() {
        let mut interests = confirmed();
        assert_eq!(interests.confirmed(C, b"a"), None);
        assert_eq!(interests.confirmed(C, b"b"), None);
        assert!(!interests.left(C, b"b"));
    }

    #[test]
    fn a_name_lingers_before_it_is_given_up() {
        let mut interests = confirmed();
        let now = Instant::now();
        interests.idle(C, b"a", now);
        interests.expire(now + LINGER / 2);
        assert_eq!(interests.next_request(), None);
        interests.expire(now + LINGER);
        assert_eq!(interests.next_request(), request(Verb::Unsubscribe, &["a"]));
        // The hub still sends its messages.
        assert_eq!(interests.copies(C, b"a"), 1);
        assert!(interests.left(C, b"a"));
        assert_eq!((interests.copies(C, b"a"), interests.len(C)), (0, 0));
    }

    #[test]
    fn a_lingering_name_is_confirmed_at_once_and_lingers_anew() {
        let mut interests = confirmed();
        let now = Instant::now();
        for round in 0..100 {
            interests.idle(C, b"a", now + LINGER * round / 1000);
            assert!(interests.use_all(C, &[name("a")]));
        }
        assert_eq!(interests.lingering.len(), 1, "it is queued once");
        let last = now + LINGER / 2;
        interests.idle(C, b"a", last);
        interests.expire(now + LINGER);
        assert_eq!(interests.next_request(), None, "it was used meanwhile");
        interests.expire(last + LINGER);
        assert_eq!(interests.next_request(), request(Verb::Unsubscribe, &["a"]));
    }

    #[test]
    fn names_that_linger_take_bounded_memory() {
        let mut interests = connected();
        let now = Instant::now();
        let long = vec![b'x'; MOST_LINGERING / 4];
        let mut left = 0;
        for number in 0..10_u8 {
            let name = Bytes::from([&[number], &long[..]].concat());
            interests.hold(C, &name);
            while let Some(request) = interests.next_request() {
                left += usize::from(request.verb == Verb::Unsubscribe);
            }
            assert!(interests.confirmed(C, &name).is_some());
            interests.release(C, &name, 1);
            interests.idle(C, &name, now);
            assert!(interests.lingering_bytes <= MOST_LINGERING);
        }
        assert_eq!(interests.lingering.len(), 3);
        assert!(interests.next_request().is_some());
        assert_eq!(left + 1, 7);
    }

    #[test]
    fn a_used_name_is_not_given_up() {
        let mut interests = confirmed();
        let now = Instant::now();
        interests.idle(C, b"a", now);
        assert!(interests.use_all(C, &[name("a")]));
        interests.expire(now + LINGER);
        assert_eq!(interests.next_request(), None);
        assert!(interests.lingering.is_empty());
        // A SUBSCRIBE that waits for another name holds it.
        interests.hold(C, &name("a"));
        interests.idle(C, b"a", now);
        interests.expire(now + LINGER);
        assert_eq!(interests.next_request(), None);
    }

    #[test]
    fn a_name_that_is_wanted_while_it_is_left_is_asked_for_again() {
        let mut interests = confirmed();
        let now = Instant::now();
        interests.idle(C, b"a", now);
        interests.expire(now + LINGER);
        interests.hold(C, &name("a"));
        assert!(!interests.use_or_wait(C, &name("a"), 2));
        assert_eq!(interests.next_request(), request(Verb::Unsubscribe, &["a"]));
        assert_eq!(interests.next_request(), request(Verb::Subscribe, &["a"]));
        assert_eq!(interests.copies(C, b"a"), 1);
        assert!(interests.left(C, b"a"));
        assert_eq!(interests.copies(C, b"a"), 0);
        assert_eq!(interests.confirmed(C, b"a"), Some(vec![2]));
        assert_eq!(interests.copies(C, b"a"), 1);
    }

    #[test]
    fn a_name_that_nobody_waits_for_any_more_is_confirmed_before_it_is_given_up() {
        let mut interests = connected();
        interests.hold(C, &name("a"));
        assert!(!interests.use_or_wait(C, &name("a"), 1));
        interests.release(C, b"a", 1);
        let now = Instant::now();
        interests.idle(C, b"a", now);
        interests.expire(now + LINGER);
        assert_eq!(interests.next_request(), request(Verb::Subscribe, &["a"]));
        assert_eq!(interests.next_request(), None);
        assert_eq!(interests.confirmed(C, b"a"), Some(vec![]));
        interests.idle(C, b"a", now);
        interests.expire(now + LINGER);
        assert_eq!(interests.next_request(), request(Verb::Unsubscribe, &["a"]));
    }

    #[test]
    fn a_refused_name_is_absent() {
        let mut interests = connected();
        interests.hold(C, &name("a"));
        assert!(!interests.use_or_wait(C, &name("a"), 7));
        assert_eq!(interests.refused(C, b"a"), [7]);
        interests.release(C, b"a", 7);
        assert_eq!(interests.len(C), 0);
    }

    #[test]
    fn without_a_connection_a_name_that_nobody_waits_for_is_absent() {
        let mut interests = Interests::default();
        for _ in 0..10 {
            interests.hold(C, &name("a"));
            assert!(!interests.use_or_wait(C, &name("a"), 1));
            interests.release(C, b"a", 1);
            interests.idle(C, b"a", Instant::now());
        }
        assert_eq!((interests.len(C), interests.wanted.len()), (0, 0));
        interests.hold(C, &name("b"));
        interests.connected();
        assert_eq!(interests.next_request(), request(Verb::Subscribe, &["b"]));
    }

    #[test]
    fn names_in_use_are_asked_for_again_after_a_loss() {
        let mut interests = confirmed();
        interests.hold(C, &name("waiting"));
        assert!(!interests.use_or_wait(C, &name("waiting"), 2));
        assert!(interests.next_request().is_some());
        interests.lost(|_, name| name == b"a");
        assert_eq!(interests.next_request(), None);
        interests.connected();
        let request = interests.next_request().unwrap();
        let mut names = request.names;
        names.sort();
        assert_eq!(names, ["a", "waiting"]);
        assert_eq!(interests.copies(C, b"a"), 0);
        assert!(!interests.use_all(C, &[name("a")]));
        assert_eq!(interests.confirmed(C, b"waiting"), Some(vec![2]));
        interests.lost(|_, _| false);
        // The client that has got it has released nothing yet.
        assert_eq!(interests.len(C), 1);
    }

    #[test]
    fn a_request_has_at_most_so_many_names_of_one_kind() {
        let mut interests = connected();
        for number in 0..MOST_NAMES + 1 {
            interests.hold(C, &Bytes::from(number.to_string()));
        }
        interests.hold(Namespace::Pattern, &name("p*"));
        let next = |interests: &mut Interests| {
            let request = interests.next_request()?;
            Some((request.namespace, request.names.len()))
        };
        assert_eq!(next(&mut interests), Some((C, MOST_NAMES)));
        assert_eq!(next(&mut interests), Some((C, 1)));
        assert_eq!(next(&mut interests), Some((Namespace::Pattern, 1)));
        assert_eq!(next(&mut interests), None);
    }

    #[test]
    fn copies_count_the_channel_and_each_pattern() {
        let mut interests = confirmed();
        for pattern in ["a*", "*", "b*"] {
            interests.hold(Namespace::Pattern, &name(pattern));
            assert!(
                interests
                    .confirmed(Namespace::Pattern, pattern.as_bytes())
                    .is_some()
            );
        }
        assert_eq!(interests.copies(C, b"a"), 3);
        assert_eq!(interests.copies(Namespace::Shard, b"a"), 0);
        assert!(interests.left(Namespace::Pattern, b"*"));
        assert_eq!(interests.copies(C, b"a"), 2);
    }
}
