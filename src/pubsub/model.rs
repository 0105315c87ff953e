//! Model tests of the outboxes' wake protocol and of the registry. shuttle runs them through
//! thousands of thread schedules (<https://docs.rs/shuttle>): `RUSTFLAGS="--cfg shuttle" cargo test
//! --lib model`. A lost wake-up shows as a deadlock, which shuttle reports with its schedule.
//!
//! Layer `pubsub`, for tests only.
//!
//! A client has a [`Scripted`] socket, and a task that handles output as a connection's task does.
//! Publishers publish and flush as a connection's batch does. A peer reads in steps.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use shuttle::{future, thread};

use super::fanout::Fanout;
use super::registry::{ChannelOrder, Registry, Subscriber};
use crate::client::outbox::{DropTotals, OverflowChoice, Written};
use crate::client::socket::Socket;
use crate::client::socket::scripted::Scripted;
use crate::client::{Addresses, Client, Namespace, Output};
use crate::config::{OutputLimits, OverflowPolicy, OverflowRule};

const CHANNEL: &[u8] = b"c";
/// The length in bytes of a message with a payload of two bytes.
const MESSAGE: usize = "*3$7message$1c$2a0".len() + 7 * 2;
/// The number of random schedules of a model, and of schedules with few thread switches.
const SCHEDULES: usize = 3_000;
/// The number of forced thread switches in a schedule of the second sort.
const DEPTH: usize = 3;

fn explore(model: impl Fn() + Send + Sync + Copy + 'static) {
    explore_some(model, SCHEDULES);
}

/// Runs a model through `schedules` schedules of each sort.
pub(crate) fn explore_some(model: impl Fn() + Send + Sync + Copy + 'static, schedules: usize) {
    shuttle::check_random(model, schedules);
    shuttle::check_pct(model, schedules, DEPTH);
}

/// No limits.
fn limits() -> OutputLimits {
    OutputLimits::default()
}

/// A client and its socket.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) client: Arc<Client>,
    pub(crate) socket: Arc<Scripted>,
}

impl Peer {
    pub(crate) fn new(id: u64) -> Peer {
        let socket = Arc::new(Scripted::new());
        let write = Socket::Scripted(Arc::clone(&socket));
        let addresses = Addresses::unix(Arc::default());
        let client = Arc::new(Client::new(id, addresses, write));
        Peer { client, socket }
    }

    /// As [`new`](Self::new), of this worker.
    fn of_worker(id: u64, worker: u8) -> Peer {
        let mut peer = Peer::new(id);
        let client = Arc::get_mut(&mut peer.client);
        client.expect("nobody else has it").worker = worker;
        peer
    }

    fn subscriber<'a>(&'a self, limits: &'a OutputLimits) -> Subscriber<'a> {
        Subscriber {
            client: &self.client,
            limits,
        }
    }

    fn subscribe(&self, registry: &Registry, namespace: Namespace, name: &[u8]) {
        registry.subscribe(self.subscriber(&limits()), namespace, name);
        self.flush(registry);
    }

    /// Does what `ServerState::flush` does.
    fn flush(&self, registry: &Registry) {
        flush(registry, &self.client);
    }

    /// Runs the client's own task until the connection is closed or drained.
    fn spawn_task(&self, registry: &Arc<Registry>) -> thread::JoinHandle<()> {
        let (peer, registry) = (self.clone(), Arc::clone(registry));
        thread::spawn(move || {
            let next = || future::block_on(poll_fn(|context| peer.client.poll_output(context)));
            while next() == Output::Writable {
                peer.client.unblock();
                peer.flush(&registry);
            }
            disconnect(&registry, &peer.client);
        })
    }

    /// The peer reads some bytes at a time, and at the end everything.
    fn read(&self, steps: &'static [usize]) -> thread::JoinHandle<()> {
        let socket = Arc::clone(&self.socket);
        thread::spawn(move || {
            for step in steps {
                socket.make_room(*step);
                thread::yield_now();
            }
            socket.make_room(usize::MAX);
        })
    }

    /// The frames that the peer has read.
    fn messages(&self) -> Vec<Vec<String>> {
        let (taken, ended) = self.socket.taken();
        assert!(ended, "the last writer ends the connection");
        let mut rest = std::str::from_utf8(&taken).unwrap();
        let mut messages = Vec::new();
        while !rest.is_empty() {
            let line = |rest: &mut &str| {
                let (line, after) = rest.split_once("\r\n").expect("a whole line");
                let line = line.to_owned();
                *rest = after;
                line
            };
            let head = line(&mut rest);
            let Some(parts) = head.strip_prefix('*') else {
                messages.push(vec![head]);
                continue;
            };
            let part = |_| {
                let head = line(&mut rest);
                if head.starts_with('$') {
                    line(&mut rest)
                } else {
                    head
                }
            };
            messages.push((0..parts.parse().unwrap()).map(part).collect());
        }
        messages
    }
}

fn flush(registry: &Registry, client: &Client) {
    if !client.flush(&mut Written::default()) {
        disconnect(registry, client);
    }
}

/// Does what `ServerState::disconnect` does with the outbox and the registry.
fn disconnect(registry: &Registry, client: &Client) {
    if client.close() {
        client.outbox.seal();
        while registry.disconnect(client, 1) {}
        client.hang_up(&mut Written::default());
    }
}

/// Appends one message to the outboxes of its receivers. Returns their number.
fn append(registry: &Registry, channel: &[u8], payload: &str, fanout: &mut Fanout) -> usize {
    fanout.begin_batch(limits(), Instant::now());
    let payload = payload.as_bytes();
    registry.publish(
        Namespace::Channel,
        channel,
        payload.into(),
        &ChannelOrder::default(),
        fanout,
    )
}

fn flush_all(registry: &Registry, fanout: &mut Fanout) {
    while let Some(client) = fanout.next_touched() {
        flush(registry, &client);
    }
}

/// Publishes one message as a batch of its own. Returns the number of receivers.
fn publish(registry: &Registry, channel: &[u8], payload: &str) -> usize {
    let mut fanout = Fanout::default();
    let receivers = append(registry, channel, payload, &mut fanout);
    flush_all(registry, &mut fanout);
    receivers
}

fn publisher(
    registry: &Arc<Registry>,
    name: &'static str,
    messages: usize,
) -> thread::JoinHandle<()> {
    let registry = Arc::clone(registry);
    thread::spawn(move || {
        for number in 0..messages {
            publish(&registry, CHANNEL, &format!("{name}{number}"));
        }
    })
}

pub(crate) fn join(threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// The payloads of messages, in order.
fn payloads(messages: &[Vec<String>]) -> Vec<&str> {
    let is_message = |message: &&Vec<String>| message[0] == "message" || message[0] == "pmessage";
    let found = messages.iter().filter(is_message);
    found.map(|message| &message.last().unwrap()[..]).collect()
}

/// Asserts that each publisher's messages are in order. Some may be missing.
fn assert_in_order(payloads: &[&str]) {
    let mut last: HashMap<&str, &str> = HashMap::new();
    for payload in payloads {
        let before = last.insert(&payload[..1], payload);
        assert!(before < Some(payload), "{payloads:?}");
    }
}

fn assert_empty(registry: &Registry) {
    for namespace in [Namespace::Channel, Namespace::Shard] {
        assert_eq!(registry.active_count(namespace), 0);
    }
    assert_eq!(registry.pattern_count(), 0);
    assert_eq!(registry.subscribed_clients(), 0);
}

#[test]
fn every_accepted_message_is_sent() {
    explore(|| {
        let registry = Arc::new(Registry::new());
        let peer = Peer::new(1);
        peer.subscribe(&registry, Namespace::Channel, CHANNEL);
        let task = peer.spawn_task(&registry);
        let reads = peer.read(&[20, 1, 70]);
        join([
            publisher(&registry, "a", 2),
            publisher(&registry, "b", 2),
            reads,
        ]);
        // From here on only the client's task and the peer may still act.
        while peer.socket.taken().0.len() < "*3$9subscribe$1c:1".len() + 6 * 2 + 4 * MESSAGE {
            thread::yield_now();
        }
        peer.client.drain();
        join([task]);
        let messages = peer.messages();
        assert_eq!(messages[0][0], "subscribe");
        let payloads = payloads(&messages);
        assert_in_order(&payloads);
        assert_eq!(payloads.len(), 4, "{payloads:?}");
        assert_empty(&registry);
    });
}

/// Publishes one message as a batch of its own, whose list two workers share. With `comes`, the one that
/// is asked does come.
fn publish_shared(registry: &Arc<Registry>, payload: &str, own: usize, comes: bool) {
    let mut fanout = Fanout::default();
    append(registry, CHANNEL, payload, &mut fanout);
    let (list, asked) = fanout.pending.share(2, own, 1);
    let helpers = asked.into_iter().filter(|_| comes).map(|worker| {
        let (registry, list) = (Arc::clone(registry), Arc::clone(&list));
        thread::spawn(move || {
            while !(list.is_empty(worker) && list.withdraw(worker)) {
                if let Some(client) = list.next(worker) {
                    flush(&registry, &client);
                }
            }
        })
    });
    let helpers: Vec<_> = helpers.collect();
    flush_all(registry, &mut fanout);
    assert!(!fanout.has_touched());
    // More is published in the same cycle, while the helper may be about to end.
    append(registry, CHANNEL, &format!("{payload}+"), &mut fanout);
    let (list, asked) = fanout.pending.share(2, own, 1);
    for worker in asked.into_iter().filter(|_| comes) {
        while let Some(client) = list.next(worker) {
            flush(registry, &client);
        }
        assert!(list.withdraw(worker));
    }
    flush_all(registry, &mut fanout);
    join(helpers);
}

/// Two publishers on two workers share their lists, and one of those who are asked may never come.
#[test]
fn every_message_of_a_shared_list_is_sent_in_order() {
    let model = |comes: bool| {
        let registry = Arc::new(Registry::new());
        let peers = [Peer::of_worker(1, 0), Peer::of_worker(2, 1)];
        let mut tasks = Vec::new();
        for peer in &peers {
            peer.subscribe(&registry, Namespace::Channel, CHANNEL);
            tasks.push(peer.spawn_task(&registry));
            peer.socket.make_room(usize::MAX);
        }
        let publishers = [("a", 0), ("b", 1)].map(|(name, own)| {
            let registry = Arc::clone(&registry);
            thread::spawn(move || publish_shared(&registry, name, own, comes))
        });
        join(publishers);
        let expected = "*3$9subscribe$1c:1".len() + 6 * 2 + 2 * (MESSAGE - 1) + 2 * MESSAGE;
        for peer in &peers {
            while peer.socket.taken().0.len() < expected {
                thread::yield_now();
            }
            peer.client.drain();
        }
        join(tasks);
        let [first, second] = peers.map(|peer| {
            let messages = peer.messages();
            let payloads: Vec<_> = payloads(&messages).into_iter().map(str::to_owned).collect();
            payloads
        });
        assert_eq!((&first, first.len()), (&second, 4));
        for (one, later) in [("a", "a+"), ("b", "b+")] {
            let place = |payload| first.iter().position(|other| other == payload);
            assert!(place(one) < place(later), "{first:?}");
        }
        assert_empty(&registry);
    };
    explore(move || model(true));
    explore(move || model(false));
}

#[test]
fn replies_stay_whole_and_precede_own_messages() {
    explore(|| {
        let registry = Arc::new(Registry::new());
        let peer = Peer::new(1);
        peer.subscribe(&registry, Namespace::Channel, CHANNEL);
        let task = peer.spawn_task(&registry);
        let reads = peer.read(&[10, 50]);
        let own = {
            let (peer, registry) = (peer.clone(), Arc::clone(&registry));
            thread::spawn(move || {
                for number in 0..2 {
                    // A client that publishes to itself.
                    peer.client.outbox.hold_messages();
                    publish(&registry, CHANNEL, &format!("o{number}"));
                    let mut reply = BytesMut::from(&b":1\r\n"[..]).into();
                    let _ = peer.client.outbox.send(&mut reply, &limits());
                    peer.client.outbox.release_messages();
                    peer.flush(&registry);
                }
            })
        };
        join([publisher(&registry, "a", 2), own, reads]);
        peer.client.drain();
        join([task]);
        let messages = peer.messages();
        let payloads = payloads(&messages);
        assert_in_order(&payloads);
        assert_eq!(payloads.len(), 4, "{payloads:?}");
        let place = |last: &str| {
            let is = |message: &Vec<String>| message.last().unwrap() == last;
            messages.iter().position(is).unwrap()
        };
        // The first reply precedes the first own message.
        assert!(place(":1") < place("o0"), "{messages:?}");
        assert_empty(&registry);
    });
}

fn dropping(policy: OverflowPolicy) {
    let registry = Arc::new(Registry::new());
    let peer = Peer::new(1);
    let totals = Arc::new(DropTotals::default());
    let choice = OverflowChoice {
        policy: Some(policy),
        // Room for two messages with their overhead, but not for a third.
        limit: Some(180),
    };
    let server = OverflowRule::default;
    peer.client
        .outbox
        .choose_overflow(Some(choice), server, &totals);
    peer.subscribe(&registry, Namespace::Channel, CHANNEL);
    let task = peer.spawn_task(&registry);
    let reads = peer.read(&[40, 3, 30]);
    join([
        publisher(&registry, "a", 3),
        publisher(&registry, "b", 2),
        reads,
    ]);
    peer.client.drain();
    join([task]);
    let messages = peer.messages();
    let payloads = payloads(&messages);
    assert_in_order(&payloads);
    let dropped = totals.by(policy).messages;
    assert_eq!(payloads.len() + dropped as usize, 5, "{payloads:?}");
}

#[test]
fn messages_are_dropped_whole_and_counted() {
    explore(|| dropping(OverflowPolicy::DropOldest));
    explore(|| dropping(OverflowPolicy::DropNewest));
}

#[test]
fn a_shutdown_ends_the_task_once_all_is_written() {
    explore(|| {
        let registry = Arc::new(Registry::new());
        let peer = Peer::new(1);
        peer.subscribe(&registry, Namespace::Channel, CHANNEL);
        let task = peer.spawn_task(&registry);
        let reads = peer.read(&[30, 40]);
        let mut fanout = Fanout::default();
        append(&registry, CHANNEL, "a0", &mut fanout);
        append(&registry, CHANNEL, "a1", &mut fanout);
        // The messages are accepted. They are written before, while or after the client is drained.
        let flushes = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || flush_all(&registry, &mut fanout))
        };
        peer.client.drain();
        join([flushes, reads, task]);
        assert_eq!(payloads(&peer.messages()), ["a0", "a1"]);
        assert_empty(&registry);
    });
}

#[test]
fn a_disconnect_by_another_thread_ends_the_task_and_leaves_nothing() {
    explore(|| {
        let registry = Arc::new(Registry::new());
        let peer = Peer::new(1);
        peer.subscribe(&registry, Namespace::Channel, CHANNEL);
        let task = peer.spawn_task(&registry);
        let reads = peer.read(&[20, 30]);
        let killer = {
            let (peer, registry) = (peer.clone(), Arc::clone(&registry));
            thread::spawn(move || disconnect(&registry, &peer.client))
        };
        let late = {
            let (peer, registry) = (peer.clone(), Arc::clone(&registry));
            thread::spawn(move || peer.subscribe(&registry, Namespace::Channel, b"late"))
        };
        join([publisher(&registry, "a", 2), reads, killer, late, task]);
        let (taken, ended) = peer.socket.taken();
        assert!(ended);
        // The output may be cut off anywhere. Up to there it is unchanged.
        let text = std::str::from_utf8(&taken).unwrap();
        let first = "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n";
        assert!(text.starts_with(first) || first.starts_with(text), "{text}");
        assert_empty(&registry);
    });
}

#[test]
fn messages_come_only_between_the_confirmations() {
    explore(|| {
        let registry = Arc::new(Registry::new());
        let (stays, comes) = (Peer::new(1), Peer::new(2));
        for peer in [&stays, &comes] {
            peer.socket.make_room(usize::MAX);
        }
        stays.subscribe(&registry, Namespace::Pattern, b"c*");
        let tasks = [stays.spawn_task(&registry), comes.spawn_task(&registry)];
        let other = {
            let (comes, registry) = (comes.clone(), Arc::clone(&registry));
            thread::spawn(move || {
                for _ in 0..2 {
                    comes.subscribe(&registry, Namespace::Channel, CHANNEL);
                    registry.unsubscribe(comes.subscriber(&limits()), Namespace::Channel, CHANNEL);
                    comes.flush(&registry);
                }
            })
        };
        join([
            publisher(&registry, "a", 2),
            publisher(&registry, "b", 2),
            other,
        ]);
        // Only the client that stays is left.
        assert_eq!(registry.active_count(Namespace::Channel), 0);
        assert_eq!(publish(&registry, CHANNEL, "z0"), 1);
        for peer in [&stays, &comes] {
            peer.client.drain();
        }
        join(tasks);
        let stayed = stays.messages();
        let all = payloads(&stayed);
        assert_in_order(&all);
        assert_eq!(all.len(), 5, "{all:?}");
        let came = comes.messages();
        let mut subscribed = false;
        for message in &came {
            match &message[0][..] {
                "subscribe" => subscribed = true,
                "unsubscribe" => subscribed = false,
                _ => assert!(subscribed, "{came:?}"),
            }
        }
        // All subscribers see the same order.
        let mut rest = all.iter();
        for payload in payloads(&came) {
            assert!(rest.any(|other| *other == payload), "{all:?} {came:?}");
        }
        assert_empty(&registry);
    });
}

#[test]
fn a_subscriber_gets_all_from_its_confirmation_on() {
    explore(|| {
        let registry = Arc::new(Registry::new());
        let (one, other) = (Peer::new(1), Peer::new(2));
        for peer in [&one, &other] {
            peer.socket.make_room(usize::MAX);
        }
        let tasks = [one.spawn_task(&registry), other.spawn_task(&registry)];
        // One client subscribes while the last subscriber leaves.
        other.subscribe(&registry, Namespace::Channel, CHANNEL);
        let leaves = {
            let (other, registry) = (other.clone(), Arc::clone(&registry));
            thread::spawn(move || disconnect(&registry, &other.client))
        };
        let comes = {
            let (one, registry) = (one.clone(), Arc::clone(&registry));
            thread::spawn(move || {
                one.subscribe(&registry, Namespace::Channel, CHANNEL);
                assert!(publish(&registry, CHANNEL, "o0") >= 1);
                assert!(publish(&registry, CHANNEL, "o1") >= 1);
            })
        };
        join([leaves, comes]);
        one.client.drain();
        join(tasks);
        assert_eq!(payloads(&one.messages()), ["o0", "o1"]);
        assert_empty(&registry);
    });
}
