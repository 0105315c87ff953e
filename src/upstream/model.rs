//! Model tests of interests. shuttle runs them through thousands of thread schedules: `RUSTFLAGS="--cfg
//! shuttle" cargo test --lib model`.
//!
//! Layer `upstream`, for tests only.
//!
//! ```text
//!   clients ──▶ desk ──▶ hub: a set of names, and messages from elsewhere
//!      ▲                  │ the stream
//!      └─── registry ◀── edge: confirmations and messages, in order
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shuttle::sync::Mutex;
use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use shuttle::{future, thread};

use super::Upstream;
use super::frame::{Frame, FrameReader};
use crate::client::Namespace;
use crate::client::outbox::Written;
use crate::config::OutputLimits;
use crate::pubsub::fanout::Fanout;
use crate::pubsub::model::{Peer, explore_some, join};
use crate::pubsub::registry::{Registry, Subscriber};

const C: Namespace = Namespace::Channel;
const NAME: &[u8] = b"c";
const CLIENTS: usize = 2;
const ROUNDS: usize = 2;
const SCHEDULES: usize = 1_000;

/// What the hub sends, in order.
enum Sent {
    Confirmation { subscribed: bool },
    Message(String),
}

struct World {
    upstream: Upstream,
    registry: Registry,
    limits: OutputLimits,
    /// Messages that are published at the hub.
    published: Mutex<VecDeque<String>>,
    stream: Mutex<VecDeque<Sent>>,
    clients_done: AtomicUsize,
    edge_done: AtomicBool,
}

impl World {
    /// Carries out requests and publishes messages, one at a time.
    fn hub(&self) {
        let mut is_subscribed = false;
        while !self.edge_done.load(SeqCst) {
            let output = self.upstream.with_desk(|desk| desk.take_output());
            let mut requests = output.as_deref().unwrap_or_default();
            while let Some(parsed) = FrameReader::default().next(requests).unwrap() {
                requests = &requests[parsed.length..];
                let Frame::List(words) = &parsed.frame else {
                    panic!("{parsed:?} is no request");
                };
                assert_eq!(words[1..], [Frame::Bulk(NAME)]);
                let subscribed = words[0] == Frame::Bulk(b"SUBSCRIBE");
                assert_ne!(is_subscribed, subscribed, "it was asked for twice");
                is_subscribed = subscribed;
                let sent = Sent::Confirmation { subscribed };
                self.stream.lock().unwrap().push_back(sent);
            }
            if let Some(message) = self.published.lock().unwrap().pop_front()
                && is_subscribed
            {
                let sent = Sent::Message(message);
                self.stream.lock().unwrap().push_back(sent);
            }
            thread::yield_now();
        }
        assert!(!is_subscribed, "the name is left in the end");
    }

    /// Handles the stream as the connection's task does.
    fn edge(&self) {
        loop {
            let sent = self.stream.lock().unwrap().pop_front();
            match sent {
                Some(Sent::Confirmation { subscribed }) => {
                    let confirmation = self.upstream.with_desk(|desk| {
                        desk.confirmation(subscribed, C, NAME, &self.registry, &self.limits)
                    });
                    confirmation.unwrap();
                }
                Some(Sent::Message(message)) => {
                    let mut fanout = Fanout::default();
                    fanout.begin_batch(self.limits, Instant::now());
                    fanout.single.add(C, NAME, message.as_bytes().into());
                    let Fanout { single, pending } = &mut fanout;
                    self.registry.deliver(single, pending, |_| ());
                    single.clear();
                    while let Some(client) = fanout.next_touched() {
                        assert!(client.flush(&mut Written::default()));
                    }
                }
                None => {}
            }
            self.upstream.with_desk(|desk| desk.tick(&self.registry));
            let names = self.upstream.with_desk(|desk| desk.names(C));
            if self.clients_done.load(SeqCst) == CLIENTS && names == 0 {
                return self.edge_done.store(true, SeqCst);
            }
            thread::yield_now();
        }
    }

    /// Subscribes, has a message published elsewhere, waits for it, and unsubscribes.
    fn client(&self, id: u64) {
        let peer = Peer::new(id);
        peer.socket.make_room(usize::MAX);
        let subscriber = Subscriber {
            client: &peer.client,
            limits: &self.limits,
        };
        for round in 0..ROUNDS {
            let names = vec![NAME.into()];
            let bounds = (Duration::from_secs(1000), u64::MAX);
            let answered = self
                .upstream
                .subscribe(&self.registry, subscriber, C, names, bounds);
            if let Some(answered) = answered {
                let answer = future::block_on(answered).expect("an answer");
                assert!(answer.errors.is_empty());
            }
            assert!(peer.client.flush(&mut Written::default()));
            let message = format!("message {round} for {id}");
            self.published.lock().unwrap().push_back(message.clone());
            // If it is missed, this never ends, which shuttle reports.
            while !String::from_utf8_lossy(&peer.socket.taken().0).contains(&message) {
                thread::yield_now();
            }
            self.registry.unsubscribe(subscriber, C, NAME);
        }
        self.clients_done.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_confirmed_subscription_misses_nothing_and_the_hub_is_left_in_the_end() {
    let model = || {
        let world = Arc::new(World {
            upstream: Upstream::new("run"),
            registry: Registry::with_emptied(),
            limits: OutputLimits::default(),
            published: Mutex::default(),
            stream: Mutex::default(),
            clients_done: AtomicUsize::new(0),
            edge_done: AtomicBool::new(false),
        });
        world.upstream.with_desk(|desk| desk.connected());
        let run = |work: fn(&World, u64), id: u64| {
            let world = Arc::clone(&world);
            thread::spawn(move || work(&world, id))
        };
        let mut threads = vec![
            run(|world, _| world.hub(), 0),
            run(|world, _| world.edge(), 0),
        ];
        threads.extend((0..CLIENTS).map(|id| run(World::client, id as u64 + 1)));
        join(threads);
    };
    explore_some(model, SCHEDULES);
}
