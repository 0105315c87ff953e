//! The registry of subscriptions. It publishes messages to subscribers.
//!
//! Layer `pubsub`. It may use `client` and what lies below.
//!
//! ```text
//!   channels  name    → subscribers     SUBSCRIBE, PUBLISH
//!   shards    name    → subscribers     SSUBSCRIBE, SPUBLISH
//!   patterns  pattern → subscribers     PSUBSCRIBE, matched by PUBLISH
//! ```
//!
//! Invariants:
//! - A client is among a name's subscribers exactly while the name is in the client's own
//!   [`Subscriptions`]. Both change under the lock of the client's subscriptions.
//! - A name without subscribers is not kept.
//! - The confirmation of a SUBSCRIBE is appended under the guard of the name's entry, so no message
//!   of the name precedes it. The confirmation of an UNSUBSCRIBE is appended under the guard too,
//!   so no message follows it.
//! - A channel's messages are published one after the other ([`Registry::publish`]): a publisher
//!   appends to the outboxes of all receivers before the next one begins, so all subscribers see
//!   the same order. The channel-order locks ensure this. They are striped by the channel's hash,
//!   so that publishers to other channels run in parallel.
//!
//! Lock order: channel order (more than one of its locks only under the keyspace's lock) → a
//! client's subscriptions → the guard of one name's entry or the lock of the pattern index → an
//! outbox. No code awaits or looks up another name under a guard. Closures keep the guards inside
//! this file.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;

use bytes::BytesMut;
use crossbeam_utils::CachePadded;
use tokio::sync::Notify;

use super::busiest::{Busiest, Counts};
use super::fanout::{Fanout, PendingFlush};
use super::message::{Messages, Payload, SubscriptionChange, put_confirmation};
use super::patterns::PatternIndex;
use super::subscribers::{SHRINK_FROM, Subscribers};
use crate::client::backlog::BacklogBytes;
use crate::client::{Client, ClientId, Name, Namespace, REGISTRY_PLACE, Subscriptions};
use crate::config::OutputLimits;
use crate::glob;
use crate::hash::HashState;
use crate::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::sync::{DashMap, Mutex, MutexGuard, RwLock};

/// The number of channel-order locks. A model has few, as it creates them anew for each schedule.
const ORDER_LOCKS: usize = if cfg!(shuttle) { 2 } else { 256 };

/// A client that would get a message, and the pattern that matches; `None` if it is subscribed to the
/// channel itself.
pub(crate) type Receiver = (Arc<Client>, Option<Name>);

type Names = DashMap<Name, Subscribers, HashState>;

// What clients are counted for each place of such a table.
const _: () = assert!(size_of::<(Name, Subscribers)>() < REGISTRY_PLACE);

/// A pattern and its subscribers.
#[derive(Debug)]
struct PatternEntry {
    pattern: Name,
    subscribers: Subscribers,
}

/// All subscriptions of a server.
#[derive(Debug)]
pub(crate) struct Registry {
    channels: Names,
    shards: Names,
    patterns: RwLock<PatternIndex<PatternEntry>>,
    /// The size of `patterns`, so that a publisher need not lock an empty index.
    pattern_count: AtomicUsize,
    /// The busiest channels.
    pub busiest: Busiest,
    /// The channel-order locks.
    order: Box<[CachePadded<Mutex<()>>]>,
    /// The number of clients with at least one subscription.
    subscribed_clients: AtomicUsize,
    /// Bytes of the messages that slow subscribers of a name share.
    backlog_bytes: BacklogBytes,
    /// Notified after every change, for [`Registry::wait_for_receivers`].
    changed: Notify,
    /// The names that have lost their last subscriber since [`Registry::take_emptied`], if somebody
    /// wants to know.
    emptied: Option<Mutex<Emptied>>,
}

/// Names of all namespaces.
type Emptied = HashSet<(Namespace, Name), HashState>;

/// Guards on all channel-order locks. While they are held, no other publisher's messages come
/// between those of the holder (EXEC). The default value holds none.
///
/// The holder must have the keyspace's lock. Otherwise two threads that take the locks could
/// deadlock.
#[derive(Debug, Default)]
pub(crate) struct ChannelOrder<'a> {
    all: Vec<MutexGuard<'a, ()>>,
}

impl ChannelOrder<'_> {
    /// The value that holds no guard.
    pub(crate) const NONE: &'static ChannelOrder<'static> = &ChannelOrder { all: Vec::new() };

    /// Whether it holds the guards.
    pub(crate) fn are_held(&self) -> bool {
        !self.all.is_empty()
    }
}

/// A client that subscribes or unsubscribes, and the limits of its outbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subscriber<'a> {
    /// The client.
    pub client: &'a Arc<Client>,
    /// `client-output-buffer-limit`.
    pub limits: &'a OutputLimits,
}

impl Subscriber<'_> {
    /// Appends a confirmation to the client's outbox. The client's connection flushes it at the end
    /// of the batch.
    fn confirm(
        &self,
        now: &Subscriptions,
        namespace: Namespace,
        change: SubscriptionChange,
        name: Option<&[u8]>,
    ) {
        let mut frame = BytesMut::with_capacity(64);
        let protocol = self.client.protocol();
        put_confirmation(
            &mut frame,
            protocol,
            namespace,
            change,
            name,
            now.confirmed(namespace),
        );
        let _ = self.client.outbox.send(&mut frame.into(), self.limits);
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
            busiest: Busiest::default(),
            order: (0..ORDER_LOCKS).map(|_| CachePadded::default()).collect(),
            subscribed_clients: AtomicUsize::new(0),
            backlog_bytes: BacklogBytes::default(),
            changed: Notify::new(),
            emptied: None,
        }
    }

    /// An empty registry that remembers the names which lose their last subscriber.
    pub(crate) fn with_emptied() -> Registry {
        Registry {
            emptied: Some(Mutex::default()),
            ..Registry::new()
        }
    }

    /// The names that have lost their last subscriber since the last call. They may have others by
    /// now.
    pub(crate) fn take_emptied(&self) -> Emptied {
        let emptied = self.emptied.as_ref();
        emptied.map_or_else(Emptied::default, |names| std::mem::take(&mut *names.lock()))
    }

    fn note_emptied(&self, namespace: Namespace, name: Name) {
        if let Some(emptied) = &self.emptied {
            emptied.lock().insert((namespace, name));
        }
    }

    /// Delivers messages that a hub has put in order: to the subscribers of this channel, without
    /// those of patterns. Calls `reached` for each with the number of subscriptions that it reached.
    pub(crate) fn deliver(
        &self,
        messages: &Messages,
        pending: &mut PendingFlush,
        mut reached: impl FnMut(usize),
    ) {
        let names = self.names(messages.namespace());
        let (mut receivers, mut refused) = (0, Vec::new());
        if let Some(subscribers) = names.get(messages.channel()) {
            receivers = subscribers.len();
            refused = pending.deliver(messages.all(), &subscribers, &self.backlog_bytes);
        }
        let mut total = 0;
        let refused = refused.into_iter().chain(std::iter::repeat(0));
        for refused in refused.take(messages.len()) {
            total += receivers - refused;
            reached(receivers - refused);
        }
        self.count_busiest(HashState::hash(messages.channel()), messages, total);
    }

    /// As [`deliver`](Self::deliver), for one message to the subscribers of exactly this pattern.
    /// Returns how many subscriptions it reached.
    pub(crate) fn deliver_to_pattern(
        &self,
        pattern: &[u8],
        message: &Messages,
        frame: &mut BytesMut,
        pending: &mut PendingFlush,
    ) -> usize {
        let patterns = self.patterns.read();
        let Some(entry) = patterns.get(pattern) else {
            return 0;
        };
        let frames = message.for_pattern(0, &entry.pattern, frame);
        let refused = pending.deliver(frames, &entry.subscribers, &self.backlog_bytes);
        let reached = entry.subscribers.len() - refused.first().unwrap_or(&0);
        self.count_busiest(HashState::hash(message.channel()), message, reached);
        reached
    }

    /// Whether the name itself has subscribers.
    pub(crate) fn has_subscribers(&self, namespace: Namespace, name: &[u8]) -> bool {
        match namespace {
            Namespace::Pattern => self.patterns.read().get(name).is_some(),
            _ => self.names(namespace).get(name).is_some(),
        }
    }

    /// Publishes one message, as [`publish_run`](Self::publish_run) does. Returns how many
    /// subscriptions it reached.
    pub(crate) fn publish(
        &self,
        namespace: Namespace,
        channel: &[u8],
        payload: Payload<'_>,
        held: &ChannelOrder<'_>,
        fanout: &mut Fanout,
    ) -> usize {
        let mut receivers = 0;
        let Fanout { single, pending } = fanout;
        single.add(namespace, channel, payload);
        self.publish_run(single, held, pending, |to| receivers = to);
        single.clear();
        receivers
    }

    /// Publishes messages to one channel. Appends each message to the outboxes of the channel's
    /// subscribers and then to those of the subscribers of matching patterns, which is Redis's
    /// order for a client that is both.
    ///
    /// Calls `reached` for each message with the number of subscriptions that it reached, which is
    /// PUBLISH's reply. A subscription whose outbox is full or closed and has refused the message
    /// does not count. `held` are channel-order locks that the caller already has. The clients to
    /// flush are added to `pending`.
    pub(crate) fn publish_run(
        &self,
        messages: &Messages,
        held: &ChannelOrder<'_>,
        pending: &mut PendingFlush,
        mut reached: impl FnMut(usize),
    ) {
        let hash = HashState::hash(messages.channel());
        let _order = (!held.are_held()).then(|| self.order_lock(hash).lock());
        let mut total = 0;
        let mut reached = |receivers| {
            total += receivers;
            reached(receivers);
        };
        if self.may_match(messages) {
            let mut frame = BytesMut::new();
            for index in 0..messages.len() {
                reached(self.publish_one(messages, index, &mut frame, pending));
            }
        } else {
            let (mut receivers, mut refused) = (0, Vec::new());
            if let Some(subscribers) = self.names(messages.namespace()).get(messages.channel()) {
                receivers = subscribers.len();
                refused = pending.deliver(messages.all(), &subscribers, &self.backlog_bytes);
            }
            let refused = refused.into_iter().chain(std::iter::repeat(0));
            for refused in refused.take(messages.len()) {
                reached(receivers - refused);
            }
        }
        self.count_busiest(hash, messages, total);
    }

    /// Counts messages among those of the busiest channels.
    fn count_busiest(&self, hash: u64, messages: &Messages, receivers: usize) {
        if self.busiest.is_on() {
            let counts = Counts {
                messages: messages.len() as u64,
                bytes: messages.payload_bytes() as u64,
                receivers: receivers as u64,
            };
            self.busiest.add(hash, messages.channel(), &counts);
        }
    }

    /// Whether a pattern may match the messages' channel. A single message is not looked up: the
    /// lookup costs as much as publishing the message to the patterns.
    fn may_match(&self, messages: &Messages) -> bool {
        if messages.namespace() != Namespace::Channel || self.pattern_count.load(Relaxed) == 0 {
            return false;
        }
        let mut matches = messages.len() == 1;
        if !matches {
            let patterns = self.patterns.read();
            patterns.for_each_match(messages.channel(), |_| matches = true);
        }
        matches
    }

    /// Publishes one message of a run to the channel's subscribers and to those of matching
    /// patterns. Returns how many subscriptions it reached.
    fn publish_one(
        &self,
        messages: &Messages,
        index: usize,
        frame: &mut BytesMut,
        pending: &mut PendingFlush,
    ) -> usize {
        let mut receivers = 0;
        if let Some(subscribers) = self.channels.get(messages.channel()) {
            let refused = pending.deliver(messages.one(index), &subscribers, &self.backlog_bytes);
            receivers = subscribers.len() - refused.first().unwrap_or(&0);
        }
        let patterns = self.patterns.read();
        patterns.for_each_match(messages.channel(), |entry| {
            let frames = messages.for_pattern(index, &entry.pattern, frame);
            let refused = pending.deliver(frames, &entry.subscribers, &self.backlog_bytes);
            receivers += entry.subscribers.len() - refused.first().unwrap_or(&0);
        });
        receivers
    }

    /// Subscribes to `name` and appends the confirmation. Does nothing if the client was
    /// disconnected in the meantime.
    pub(crate) fn subscribe(&self, subscriber: Subscriber<'_>, namespace: Namespace, name: &[u8]) {
        let client = subscriber.client;
        let mut subscriptions = client.subscriptions.lock();
        if subscriptions.is_closed() {
            return;
        }
        if subscriptions.contains(namespace, name) {
            subscriber.confirm(
                &subscriptions,
                namespace,
                SubscriptionChange::Subscribed,
                Some(name),
            );
            return;
        }
        self.with_subscribers(namespace, name, |name, subscribers| {
            subscribers.insert(client);
            subscriptions.insert(namespace, Arc::clone(name));
            subscriber.confirm(
                &subscriptions,
                namespace,
                SubscriptionChange::Subscribed,
                Some(name),
            );
        });
        self.update_counts(client, &subscriptions);
    }

    /// Unsubscribes from `name`, if the client is subscribed, and appends the confirmation in any
    /// case.
    pub(crate) fn unsubscribe(
        &self,
        subscriber: Subscriber<'_>,
        namespace: Namespace,
        name: &[u8],
    ) {
        let client = subscriber.client;
        let mut subscriptions = client.subscriptions.lock();
        let taken = subscriptions.take(namespace, name);
        let confirm = || {
            subscriber.confirm(
                &subscriptions,
                namespace,
                SubscriptionChange::Unsubscribed,
                Some(name),
            )
        };
        match taken {
            Some(_) => self.remove(namespace, name, client.id, confirm),
            None => confirm(),
        }
        self.update_counts(client, &subscriptions);
    }

    /// Unsubscribes from all names of `namespace` and appends a confirmation for each, or one with
    /// a null name if there are none.
    pub(crate) fn unsubscribe_all(&self, subscriber: Subscriber<'_>, namespace: Namespace) {
        let names = subscriber.client.subscriptions.lock().names(namespace);
        for name in &names {
            self.unsubscribe(subscriber, namespace, name);
        }
        if names.is_empty() {
            let subscriptions = subscriber.client.subscriptions.lock();
            subscriber.confirm(
                &subscriptions,
                namespace,
                SubscriptionChange::Unsubscribed,
                None,
            );
        }
    }

    /// Drops all subscriptions of `client` without confirmations (RESET).
    pub(crate) fn drop_all(&self, client: &Client) {
        for namespace in Namespace::ALL {
            let names = client.subscriptions.lock().names(namespace);
            for name in names {
                // The lock is taken for each name, so that other threads can read them in between.
                let mut subscriptions = client.subscriptions.lock();
                if subscriptions.take(namespace, &name).is_some() {
                    self.remove(namespace, &name, client.id, || ());
                }
            }
        }
        self.update_counts(client, &client.subscriptions.lock());
    }

    /// Drops up to `most` subscriptions of a disconnected client, which gets no new ones. The
    /// number is bounded because the lock of the client's subscriptions is held meanwhile. Returns
    /// whether some are left.
    pub(crate) fn disconnect(&self, client: &Client, most: usize) -> bool {
        let mut subscriptions = client.subscriptions.lock();
        subscriptions.close();
        for _ in 0..most {
            let Some((namespace, name)) = subscriptions.next_leaving() else {
                break;
            };
            self.remove(namespace, &name, client.id, || ());
        }
        self.update_counts(client, &subscriptions);
        subscriptions.total() > 0
    }

    /// The channels that have subscribers and match the glob `pattern` (`None`: all).
    pub(crate) fn active(&self, namespace: Namespace, pattern: Option<&[u8]>) -> Vec<Name> {
        self.names(namespace)
            .iter()
            .map(|entry| Arc::clone(entry.key()))
            .filter(|name| pattern.is_none_or(|pattern| glob::matches(pattern, name)))
            .collect()
    }

    /// The subscribers of the name itself.
    pub(crate) fn clients_of(&self, namespace: Namespace, name: &[u8]) -> Vec<Arc<Client>> {
        let of = |subscribers: &Subscribers| subscribers.clients().to_vec();
        match namespace {
            Namespace::Pattern => {
                let patterns = self.patterns.read();
                let entry = patterns.get(name);
                entry.map_or_else(Vec::new, |entry| of(&entry.subscribers))
            }
            _ => {
                let subscribers = self.names(namespace).get(name);
                subscribers.map_or_else(Vec::new, |subscribers| of(&subscribers))
            }
        }
    }

    /// The number of subscribers of the channel itself, without those of patterns.
    pub(crate) fn subscribers(&self, namespace: Namespace, channel: &[u8]) -> usize {
        self.names(namespace)
            .get(channel)
            .map_or(0, |subscribers| subscribers.len())
    }

    /// The number of channels with subscribers.
    pub(crate) fn active_count(&self, namespace: Namespace) -> usize {
        self.names(namespace).len()
    }

    /// The number of distinct patterns.
    pub(crate) fn pattern_count(&self) -> usize {
        self.pattern_count.load(Relaxed)
    }

    /// The number of clients with at least one subscription.
    pub(crate) fn subscribed_clients(&self) -> usize {
        self.subscribed_clients.load(Relaxed)
    }

    /// Bytes of the messages that slow subscribers share.
    pub(crate) fn backlog_bytes(&self) -> usize {
        self.backlog_bytes.load(Relaxed)
    }

    /// How many subscriptions a PUBLISH to `channel` would reach now: those to the channel and
    /// those to matching patterns.
    pub(crate) fn receivers(&self, channel: &[u8]) -> usize {
        let mut receivers = self.subscribers(Namespace::Channel, channel);
        self.patterns
            .read()
            .for_each_match(channel, |entry| receivers += entry.subscribers.len());
        receivers
    }

    /// As [`receivers`](Self::receivers), with at most `most` of the subscribers: those of the
    /// channel first, then those of patterns, each with its pattern. The locks are held for as long
    /// as it takes to count and to copy `most` pointers.
    pub(crate) fn list_receivers(&self, channel: &[u8], most: usize) -> (usize, Vec<Receiver>) {
        let (mut total, mut found) = (0, Vec::new());
        let mut add = |subscribers: &Subscribers, pattern: Option<&Name>| {
            total += subscribers.len();
            let room = most - found.len();
            let some = subscribers.clients().iter().take(room);
            found.extend(some.map(|client| (Arc::clone(client), pattern.cloned())));
        };
        if let Some(subscribers) = self.channels.get(channel) {
            add(&subscribers, None);
        }
        self.patterns.read().for_each_match(channel, |entry| {
            add(&entry.subscribers, Some(&entry.pattern))
        });
        (total, found)
    }

    /// As [`receivers`](Self::receivers), for any namespace that messages are sent to.
    pub(crate) fn receivers_in(&self, namespace: Namespace, channel: &[u8]) -> usize {
        match namespace {
            Namespace::Shard => self.subscribers(Namespace::Shard, channel),
            Namespace::Channel | Namespace::Pattern => self.receivers(channel),
        }
    }

    /// Waits until a PUBLISH to `channel` would reach at least `count` subscriptions.
    pub(crate) async fn wait_for_receivers(&self, channel: &[u8], count: usize) {
        loop {
            let mut changed = pin!(self.changed.notified());
            // Changes after this line wake the task.
            changed.as_mut().enable();
            if self.receivers(channel) >= count {
                return;
            }
            changed.await;
        }
    }

    /// Frees memory of tables that are mostly empty. The pattern index does so by itself.
    pub(crate) fn shrink(&self) {
        for names in [&self.channels, &self.shards] {
            if names.capacity() > SHRINK_FROM && names.len() < names.capacity() / 4 {
                names.shrink_to_fit();
            }
        }
    }

    /// Runs `change` on the subscribers of `name`, under the guard of its entry. A new name is
    /// added first. `change` gets the stored name, so that it can share the allocation.
    fn with_subscribers(
        &self,
        namespace: Namespace,
        name: &[u8],
        change: impl FnOnce(&Name, &mut Subscribers),
    ) {
        if namespace == Namespace::Pattern {
            let mut patterns = self.patterns.write();
            let entry = patterns.get_or_insert_with(name, || PatternEntry {
                pattern: name.into(),
                subscribers: Subscribers::default(),
            });
            change(&entry.pattern, &mut entry.subscribers);
            self.pattern_count.store(patterns.len(), Relaxed);
        } else {
            let mut entry = self.names(namespace).entry(name.into()).or_default();
            let (name, subscribers) = entry.pair_mut();
            change(name, subscribers);
        }
    }

    /// Removes a client from the subscribers of `name`, and the name if the client was its last
    /// subscriber. Runs `then` under the guard of the name's entry.
    fn remove(&self, namespace: Namespace, name: &[u8], client: ClientId, then: impl FnOnce()) {
        if namespace == Namespace::Pattern {
            let mut patterns = self.patterns.write();
            if let Some(entry) = patterns.get_mut(name) {
                entry.subscribers.remove(client);
                if entry.subscribers.is_empty()
                    && let Some(entry) = patterns.remove(name)
                {
                    self.note_emptied(namespace, entry.pattern);
                }
            }
            self.pattern_count.store(patterns.len(), Relaxed);
            then();
        } else {
            let removed = self.names(namespace).remove_if_mut(name, |_, subscribers| {
                subscribers.remove(client);
                then();
                subscribers.is_empty()
            });
            if let Some((name, _)) = removed {
                self.note_emptied(namespace, name);
            }
        }
    }

    /// Updates the counts of subscriptions and of subscribed clients, and notifies the tasks that
    /// wait for a change.
    fn update_counts(&self, client: &Client, subscriptions: &Subscriptions) {
        let total = subscriptions.total();
        // More do not fit into memory.
        let count = u32::try_from(total).unwrap_or(u32::MAX);
        let before = client.subscription_count.swap(count, Relaxed);
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

    /// The channel-order lock of a channel with this hash.
    fn order_lock(&self, hash: u64) -> &Mutex<()> {
        &self.order[hash as usize % ORDER_LOCKS]
    }

    /// Takes all channel-order locks. The caller must have the keyspace's lock ([`ChannelOrder`]).
    pub(crate) fn hold_order(&self) -> ChannelOrder<'_> {
        ChannelOrder {
            all: self.order.iter().map(|lock| lock.lock()).collect(),
        }
    }

    fn names(&self, namespace: Namespace) -> &Names {
        match namespace {
            Namespace::Shard => &self.shards,
            Namespace::Channel | Namespace::Pattern => &self.channels,
        }
    }
}
