//! Who is subscribed to what, and the fan-out of a message to them.
//!
//! ```text
//!   channels  name    → subscribers     SUBSCRIBE, PUBLISH
//!   shards    name    → subscribers     SSUBSCRIBE, SPUBLISH
//!   patterns  pattern → subscribers     PSUBSCRIBE, seen by PUBLISH
//! ```
//!
//! Invariants:
//! - A client is among a name's subscribers exactly while the name is in the client's own
//!   [`Subscriptions`]. Both change under the client's
//!   subscription lock, and a name without subscribers is not kept.
//! - The confirmation of a SUBSCRIBE is appended under the guard of the name's entry, so no message
//!   of the name stands before it; that of an UNSUBSCRIBE likewise, so none stands after it.
//! - A channel's publishers take turns ([`Registry::publish`]): one appends to the outboxes of all
//!   receivers before the next begins, so that all subscribers see one order. The locks that say
//!   whose turn it is are striped by the channel's hash; publishers of other channels run in parallel.
//!
//! Lock order: channel order (more than one lock only under the keyspace's) → a client's
//! subscriptions → the
//! guard of one name's entry or the pattern index's lock → an outbox. Nothing is awaited and no other
//! name is looked up under a guard; closures keep the guards inside this file.

use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use crossbeam_utils::CachePadded;
use tokio::sync::Notify;

use super::fanout::{Fanout, PendingFlush};
use super::message::{Change, Messages, Payload, put_confirmation};
use super::patterns::PatternIndex;
use super::subscribers::{SHRINK_FROM, Subscribers};
use crate::client::{Client, ClientId, Namespace, REGISTRY_PLACE, Subscriptions};
use crate::config::OutputLimits;
use crate::glob;
use crate::hash::HashState;
use crate::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::sync::{DashMap, Mutex, MutexGuard, RwLock};

/// The order of channels is kept by this many locks. Few for a model, which makes them anew for each schedule.
const ORDER_LOCKS: usize = if cfg!(shuttle) { 2 } else { 256 };

type Names = DashMap<Bytes, Subscribers, HashState>;

// What clients are counted for each place of such a table.
const _: () = assert!(size_of::<(Bytes, Subscribers)>() < REGISTRY_PLACE);

/// A pattern and who subscribed to it.
#[derive(Debug)]
struct PatternEntry {
    pattern: Bytes,
    subscribers: Subscribers,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Registry {
    channels: Names,
    shards: Names,
    patterns: RwLock<PatternIndex<PatternEntry>>,
    /// The size of `patterns`, so that a publisher need not lock an empty index.
    pattern_count: AtomicUsize,
    order: Box<[CachePadded<Mutex<()>>]>,
    /// Clients with at least one subscription of any kind.
    subscribed_clients: AtomicUsize,
    /// Rung after every change, for those who wait for subscribers.
    changed: Notify,
}

/// Guards on all channel-order locks. While they are held, no other publisher's messages come between
/// those of the holder (EXEC). By default none is held.
///
/// Only one thread at a time may hold them, or two could wait for each other: whoever does holds
/// the keyspace's lock.
#[derive(Debug, Default)]
pub(crate) struct ChannelOrder<'a> {
    all: Vec<MutexGuard<'a, ()>>,
}

impl ChannelOrder<'_> {
    fn are_held(&self) -> bool {
        !self.all.is_empty()
    }
}

/// Who subscribes or unsubscribes, and the limits of its outbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subscriber<'a> {
    /// The client.
    pub client: &'a Arc<Client>,
    /// `client-output-buffer-limit`.
    pub limits: &'a OutputLimits,
}

impl Subscriber<'_> {
    /// Appends a confirmation to the client's outbox. Whoever serves its connection flushes it at
    /// the end of the batch.
    fn confirm(&self, now: &Subscriptions, kind: Namespace, change: Change, name: Option<&[u8]>) {
        let mut frame = BytesMut::with_capacity(64);
        let protocol = self.client.protocol();
        put_confirmation(
            &mut frame,
            protocol,
            kind,
            change,
            name,
            now.confirmed(kind),
        );
        let _ = self.client.outbox.send(&mut frame, self.limits);
    }
}

impl Registry {
    /// An empty registry.
    pub(crate) fn new() -> Registry {
        Registry {
            channels: Names::default(),
            shards: Names::default(),
            patterns: RwLock::new(PatternIndex::new()),
            pattern_count: AtomicUsize::new(0),
            order: (0..ORDER_LOCKS).map(|_| CachePadded::default()).collect(),
            subscribed_clients: AtomicUsize::new(0),
            changed: Notify::new(),
        }
    }

    /// Appends one message to the outboxes of its receivers, as
    /// [`publish_run`](Self::publish_run) does.
    pub(crate) fn publish(
        &self,
        kind: Namespace,
        channel: &[u8],
        payload: Payload<'_>,
        held: &ChannelOrder<'_>,
        fanout: &mut Fanout,
    ) -> usize {
        let mut receivers = 0;
        fanout.messages.add(kind, channel, payload);
        self.publish_run(held, fanout, |to| receivers = to);
        fanout.messages.clear();
        receivers
    }

    /// Publishes the messages that `fanout` has gathered: appends each to the outbox of every
    /// subscriber of the channel, then to those of every matching pattern's, which is Redis's order
    /// for a client that is both. Says for each how many matching subscriptions it went to: what
    /// PUBLISH answers; one that an outbox refused as it is full did not go there. `held` are locks that the caller has already; `fanout` remembers whom to flush. The caller then
    /// forgets the messages.
    pub(crate) fn publish_run(
        &self,
        held: &ChannelOrder<'_>,
        fanout: &mut Fanout,
        mut went_to: impl FnMut(usize),
    ) {
        let Fanout { messages, pending } = fanout;
        let _turn = (!held.are_held()).then(|| self.order_of(messages.channel()).lock());
        if self.may_match(messages) {
            let mut frame = BytesMut::new();
            for index in 0..messages.len() {
                went_to(self.publish_to_patterns_too(messages, index, &mut frame, pending));
            }
        } else {
            let (mut receivers, mut refused) = (0, Vec::new());
            if let Some(subscribers) = self.names(messages.kind()).get(messages.channel()) {
                receivers = subscribers.len();
                refused = pending.deliver(messages.all(), &subscribers);
            }
            let refused = refused.into_iter().chain(std::iter::repeat(0));
            for refused in refused.take(messages.len()) {
                went_to(receivers - refused);
            }
        }
    }

    /// Whether a pattern matches the messages' channel. For a single message to find out is no less
    /// work than to publish it.
    fn may_match(&self, messages: &Messages) -> bool {
        if messages.kind() != Namespace::Channel || self.pattern_count.load(Relaxed) == 0 {
            return false;
        }
        let mut matches = messages.len() == 1;
        if !matches {
            let patterns = self.patterns.read();
            patterns.for_each_match(messages.channel(), |_| matches = true);
        }
        matches
    }

    fn publish_to_patterns_too(
        &self,
        messages: &Messages,
        index: usize,
        frame: &mut BytesMut,
        pending: &mut PendingFlush,
    ) -> usize {
        let mut receivers = 0;
        if let Some(subscribers) = self.channels.get(messages.channel()) {
            let refused = pending.deliver(messages.one(index), &subscribers);
            receivers = subscribers.len() - refused.first().unwrap_or(&0);
        }
        let patterns = self.patterns.read();
        patterns.for_each_match(messages.channel(), |entry| {
            let frames = messages.for_pattern(index, &entry.pattern, frame);
            let refused = pending.deliver(frames, &entry.subscribers);
            receivers += entry.subscribers.len() - refused.first().unwrap_or(&0);
        });
        receivers
    }

    /// Subscribes to `name` and appends the confirmation. Nothing happens to a client that was
    /// disconnected meanwhile.
    pub(crate) fn subscribe(&self, subscriber: Subscriber<'_>, kind: Namespace, name: &[u8]) {
        let client = subscriber.client;
        let mut subscriptions = client.subscriptions.lock();
        if subscriptions.is_closed() {
            return;
        }
        if subscriptions.contains(kind, name) {
            subscriber.confirm(&subscriptions, kind, Change::Subscribed, Some(name));
            return;
        }
        self.with_subscribers(kind, name, |name, subscribers| {
            subscribers.insert(client);
            subscriptions.insert(kind, name.clone());
            subscriber.confirm(&subscriptions, kind, Change::Subscribed, Some(name));
        });
        self.note_total(client, &subscriptions);
    }

    /// Unsubscribes from `name`, if subscribed, and appends the confirmation.
    pub(crate) fn unsubscribe(&self, subscriber: Subscriber<'_>, kind: Namespace, name: &[u8]) {
        let client = subscriber.client;
        let mut subscriptions = client.subscriptions.lock();
        let taken = subscriptions.take(kind, name);
        let confirm = || subscriber.confirm(&subscriptions, kind, Change::Unsubscribed, Some(name));
        match taken {
            Some(_) => self.remove(kind, name, client.id, confirm),
            None => confirm(),
        }
        self.note_total(client, &subscriptions);
    }

    /// Unsubscribes from all names of `kind`, with a confirmation each, or one with a null name if
    /// there are none.
    pub(crate) fn unsubscribe_all(&self, subscriber: Subscriber<'_>, kind: Namespace) {
        let names = subscriber.client.subscriptions.lock().names(kind);
        for name in &names {
            self.unsubscribe(subscriber, kind, name);
        }
        if names.is_empty() {
            let subscriptions = subscriber.client.subscriptions.lock();
            subscriber.confirm(&subscriptions, kind, Change::Unsubscribed, None);
        }
    }

    /// Drops all subscriptions of `client` without a word (RESET).
    pub(crate) fn forget(&self, client: &Client) {
        let mut subscriptions = client.subscriptions.lock();
        for kind in Namespace::ALL {
            for name in subscriptions.names(kind) {
                subscriptions.take(kind, &name);
                self.remove(kind, &name, client.id, || ());
            }
        }
        self.note_total(client, &subscriptions);
    }

    /// Drops all subscriptions of a client that is gone, for good.
    pub(crate) fn disconnect(&self, client: &Client) {
        let mut subscriptions = client.subscriptions.lock();
        let all = subscriptions.close();
        for (kind, names) in Namespace::ALL.into_iter().zip(all) {
            for name in names {
                self.remove(kind, &name, client.id, || ());
            }
        }
        self.note_total(client, &subscriptions);
    }

    /// Channels with subscribers that match the glob `pattern`, or all.
    pub(crate) fn active(&self, kind: Namespace, pattern: Option<&[u8]>) -> Vec<Bytes> {
        self.names(kind)
            .iter()
            .map(|entry| entry.key().clone())
            .filter(|name| pattern.is_none_or(|pattern| glob::matches(pattern, name)))
            .collect()
    }

    /// The number of subscribers of the channel itself.
    pub(crate) fn subscribers(&self, kind: Namespace, channel: &[u8]) -> usize {
        self.names(kind)
            .get(channel)
            .map_or(0, |subscribers| subscribers.len())
    }

    /// The number of channels with subscribers.
    pub(crate) fn active_count(&self, kind: Namespace) -> usize {
        self.names(kind).len()
    }

    /// The number of distinct patterns.
    pub(crate) fn pattern_count(&self) -> usize {
        self.pattern_count.load(Relaxed)
    }

    /// The number of clients with any subscription.
    pub(crate) fn subscribed_clients(&self) -> usize {
        self.subscribed_clients.load(Relaxed)
    }

    /// How many subscriptions a PUBLISH to `channel` would reach now: the channel's own and those
    /// of matching patterns.
    pub(crate) fn receivers(&self, channel: &[u8]) -> usize {
        let mut receivers = self.subscribers(Namespace::Channel, channel);
        self.patterns
            .read()
            .for_each_match(channel, |entry| receivers += entry.subscribers.len());
        receivers
    }

    /// Waits until a PUBLISH to `channel` would reach at least `count` subscriptions.
    pub(crate) async fn wait_for_receivers(&self, channel: &[u8], count: usize) {
        loop {
            let mut changed = pin!(self.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            if self.receivers(channel) >= count {
                return;
            }
            changed.await;
        }
    }

    /// Gives back the memory of tables that have become much emptier than they were. The pattern
    /// index does so by itself.
    pub(crate) fn shrink(&self) {
        for names in [&self.channels, &self.shards] {
            if names.capacity() > SHRINK_FROM && names.len() < names.capacity() / 4 {
                names.shrink_to_fit();
            }
        }
    }

    /// Runs `change` on the subscribers of `name`, which is added if it is new, under its guard. It
    /// is given the name as stored, to share.
    fn with_subscribers(
        &self,
        kind: Namespace,
        name: &[u8],
        change: impl FnOnce(&Bytes, &mut Subscribers),
    ) {
        if kind == Namespace::Pattern {
            let mut patterns = self.patterns.write();
            let entry = patterns.get_or_insert_with(name, || PatternEntry {
                pattern: Bytes::copy_from_slice(name),
                subscribers: Subscribers::default(),
            });
            change(&entry.pattern, &mut entry.subscribers);
            self.pattern_count.store(patterns.len(), Relaxed);
        } else {
            let mut entry = self
                .names(kind)
                .entry(Bytes::copy_from_slice(name))
                .or_default();
            let (name, subscribers) = entry.pair_mut();
            change(name, subscribers);
        }
    }

    /// Takes a client from the subscribers of `name`, drops the name if it was the last, and runs
    /// `then` under the guard.
    fn remove(&self, kind: Namespace, name: &[u8], client: ClientId, then: impl FnOnce()) {
        if kind == Namespace::Pattern {
            let mut patterns = self.patterns.write();
            if let Some(entry) = patterns.get_mut(name) {
                entry.subscribers.remove(client);
                if entry.subscribers.is_empty() {
                    patterns.remove(name);
                }
            }
            self.pattern_count.store(patterns.len(), Relaxed);
            then();
        } else {
            let last = self.names(kind).remove_if_mut(name, |_, subscribers| {
                subscribers.remove(client);
                then();
                subscribers.is_empty()
            });
            drop(last);
        }
    }

    /// Keeps the counts of subscriptions and subscribed clients, and tells those who wait.
    fn note_total(&self, client: &Client, subscriptions: &Subscriptions) {
        let total = subscriptions.total();
        let before = client.subscription_count.swap(total, Relaxed);
        if (before == 0) != (total == 0) {
            client.outbox.set_pubsub(total > 0 || client.is_monitor());
            if total > 0 {
                self.subscribed_clients.fetch_add(1, Relaxed);
            } else {
                self.subscribed_clients.fetch_sub(1, Relaxed);
            }
        }
        self.changed.notify_waiters();
    }

    fn order_of(&self, channel: &[u8]) -> &Mutex<()> {
        &self.order[HashState::hash(channel) as usize % ORDER_LOCKS]
    }

    /// Takes all channel-order locks. See [`ChannelOrder`] for who may.
    pub(crate) fn hold_order(&self) -> ChannelOrder<'_> {
        ChannelOrder {
            all: self.order.iter().map(|lock| lock.lock()).collect(),
        }
    }

    fn names(&self, kind: Namespace) -> &Names {
        match kind {
            Namespace::Shard => &self.shards,
            Namespace::Channel | Namespace::Pattern => &self.channels,
        }
    }
}
