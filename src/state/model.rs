//! Tests the delivery of an element to a blocked client, all ways in which such a client can end,
//! and CLIENT PAUSE under thousands of schedules of their threads, as `pubsub::model` does for the
//! outboxes: `RUSTFLAGS="--cfg shuttle" cargo test --lib model`.
//!
//! The server's state is the real one, and so is the keyspace. A client has a scripted socket that
//! takes everything, and a task that does what a connection's task does. If a client is never
//! answered, or is not told that a pause has ended, that is a deadlock, which shuttle finds.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use shuttle::{future, thread};

use super::ServerState;
use super::pause::Scope;
use super::placement::Placement;
use super::tls::Tls;
use crate::acl::Acl;
use crate::acl::user::User;
use crate::client::{Closing, Output};
use crate::config::Config;
use crate::pubsub::fanout::Fanout;
use crate::pubsub::model::{Peer, explore_some, join};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::blocked::{BlockedOp, Waiter};
use crate::store::keys::{Keys, SlotId};
use crate::store::list::{End, List};
use crate::store::value::Stored;

const KEY: &[u8] = b"q";
const ELEMENT: &[u8] = b"element";
const ANSWER: &str = "*2\r\n$1\r\nq\r\n$7\r\nelement\r\n";
const IN_VAIN: &str = "*-1\r\n";
const UNBLOCKED: &str = "-UNBLOCKED\r\n";

/// The number of schedules of each kind. Each gets a new server.
const SCHEDULES: usize = 1_000;

fn explore(model: impl Fn() + Send + Sync + Copy + 'static) {
    explore_some(model, SCHEDULES);
}

fn server() -> Arc<ServerState> {
    let acl = Acl::new(vec![User::unrestricted_default()]);
    let (config, tls) = (Config::default(), Tls::default());
    let state = ServerState::new(config, acl, tls, None, None, Placement::default());
    Arc::new(state)
}

fn connect(state: &ServerState, id: u64) -> Peer {
    let peer = Peer::new(id);
    peer.socket.make_room(usize::MAX);
    state.clients.insert(Arc::clone(&peer.client));
    peer
}

/// The operation of a BLPOP.
#[derive(Debug)]
struct TakeFirst;

impl BlockedOp for TakeFirst {
    fn waits_for(&self) -> &'static str {
        List::NAME
    }

    fn answer(
        &self,
        keys: &mut Keys<'_>,
        slot: SlotId,
        key: &[u8],
        out: &mut ReplyWriter<'_>,
    ) -> Result<bool, CommandError> {
        let element = keys.get::<List>(slot)?.peek(End::Head);
        out.array(2);
        out.bulk(key);
        out.bulk(element.unwrap_or_default());
        Ok(true)
    }

    fn take(&self, keys: &mut Keys<'_>, slot: SlotId, _key: &[u8]) {
        keys.change(slot, |list: &mut List| list.pop(End::Head));
        keys.drop_if_empty(slot);
    }

    fn timed_out(&self) -> Reply {
        Reply::NullArray
    }
}

/// BLPOP for a client that is not closed yet: the client waits, since no key has an element.
fn wait(state: &ServerState, peer: &Peer) {
    let mut keyspace = state.keyspace.lock();
    if peer.client.closing() != Closing::Closed {
        keyspace.blocked.add(Waiter {
            client: Arc::clone(&peer.client),
            db: 0,
            keys: vec![KEY.into()],
            op: Arc::new(TakeFirst),
            wants_reply: true,
        });
    }
}

/// WATCH for a client that is not closed yet.
fn watch(state: &ServerState, peer: &Peer) {
    let config = state.config();
    let mut keyspace = state.keyspace.lock();
    if peer.client.closing() != Closing::Closed {
        keyspace.keys(0, &config).watch(&peer.client, KEY);
        let bytes = &peer.client.watched_memory;
        bytes.fetch_add(1, crate::sync::atomic::Ordering::Relaxed);
    }
}

/// What a connection's task does after its command has made it wait.
fn wait_loop(state: &Arc<ServerState>, peer: &Peer) {
    let next = || future::block_on(poll_fn(|context| peer.client.poll_output(context)));
    while next() == Output::Writable {
        peer.client.unblock();
        state.flush(&peer.client);
    }
    let first = state.close(&peer.client);
    future::block_on(state.take_out(&peer.client));
    if first {
        state.hang_up(&peer.client);
    }
}

type Act = fn(&Arc<ServerState>, &Peer);

/// RPUSH, as a batch of its own.
fn push(state: &Arc<ServerState>, _peer: &Peer) {
    let config = state.config();
    let mut fanout = Fanout::default();
    fanout.begin_batch(config.client_output_buffer_limit, Instant::now());
    {
        let mut keyspace = state.keyspace.lock();
        let mut list = List::new();
        list.push(End::Tail, ELEMENT);
        keyspace.keys(0, &config).put(KEY, list, false);
        let errors = keyspace.serve_waiters(&config, &mut fanout);
        assert!(errors.is_empty());
    }
    while let Some(client) = fanout.next_touched() {
        state.flush(&client);
    }
}

fn time_out(state: &Arc<ServerState>, peer: &Peer) {
    future::block_on(state.time_out(&peer.client));
}

/// CLIENT UNBLOCK with an error.
fn unblock(state: &Arc<ServerState>, peer: &Peer) {
    let waiter = state.keyspace.lock().blocked.remove(peer.client.id);
    if let Some(waiter) = waiter {
        let mut reply = waiter.error(&CommandError::text("UNBLOCKED"));
        let limits = state.config().client_output_buffer_limit;
        let _ = waiter.client.outbox.send(&mut reply, &limits);
        state.flush(&waiter.client);
    }
}

/// CLIENT KILL, or another way to end a connection from outside.
fn kill(state: &Arc<ServerState>, peer: &Peer) {
    state.disconnect(&peer.client);
}

fn spawn(state: &Arc<ServerState>, peer: &Peer, act: Act) -> thread::JoinHandle<()> {
    let (state, peer) = (Arc::clone(state), peer.clone());
    thread::spawn(move || act(&state, &peer))
}

fn output(peer: &Peer) -> String {
    let (taken, ended) = peer.socket.taken();
    assert!(ended, "whoever writes last ends the connection");
    String::from_utf8(taken).unwrap()
}

fn elements_left(state: &ServerState) -> usize {
    let config = state.config();
    let mut keyspace = state.keyspace.lock();
    let mut keys = keyspace.keys(0, &config);
    let slot = keys.peek(KEY);
    slot.map_or(0, |slot| keys.get::<List>(slot).unwrap().len())
}

fn assert_nobody_waits(state: &ServerState) {
    let keyspace = state.keyspace.lock();
    assert!(keyspace.blocked.is_empty() && keyspace.watched.is_empty());
    keyspace.assert_sound();
    assert_eq!(state.clients.count(), 0);
}

/// A client waits and is pushed to, and another act happens to it at the same time. A second client
/// waits behind it and stays. The element goes to one of the two.
fn hand_over(acts: &[Act], survives: bool) {
    let state = server();
    let (one, other) = (connect(&state, 1), connect(&state, 2));
    wait(&state, &one);
    wait(&state, &other);
    let tasks = [
        spawn(&state, &one, wait_loop),
        spawn(&state, &other, wait_loop),
    ];
    join(acts.iter().map(|&act| spawn(&state, &one, act)));
    for peer in [&one, &other] {
        peer.client.drain();
    }
    join(tasks);
    let (one, other) = (output(&one), output(&other));
    let answers = ["", ANSWER, IN_VAIN, UNBLOCKED];
    assert!(answers.contains(&&*one), "{one}");
    assert!(!survives || !one.is_empty(), "nobody answered");
    let (first, second) = (ANSWER, "");
    let delivered = if one == ANSWER {
        [first, second]
    } else {
        [&*one, first]
    };
    assert_eq!([&*one, &*other], delivered);
    assert_eq!(elements_left(&state), 0);
    assert_nobody_waits(&state);
}

#[test]
fn an_element_is_neither_lost_nor_delivered_twice() {
    explore(|| hand_over(&[push, time_out, unblock], true));
    explore(|| hand_over(&[push, kill, time_out], false));
    explore(|| hand_over(&[push, kill, unblock], false));
}

/// If no other client waits, an element that is not delivered stays.
#[test]
fn an_element_for_nobody_stays() {
    explore(|| {
        let state = server();
        let one = connect(&state, 1);
        wait(&state, &one);
        let task = spawn(&state, &one, wait_loop);
        join([push as Act, kill, kill].map(|act| spawn(&state, &one, act)));
        join([task]);
        let delivered = output(&one) == ANSWER;
        assert_eq!(usize::from(delivered) + elements_left(&state), 1);
        assert_nobody_waits(&state);
    });
}

/// A client's own task makes it wait or watch while another thread ends its connection and a third
/// one has the keyspace.
#[test]
fn who_begins_to_wait_while_it_is_disconnected_is_forgotten() {
    let begins = |command: fn(&ServerState, &Peer)| {
        let state = server();
        let one = connect(&state, 1);
        let task = {
            let (state, one) = (Arc::clone(&state), one.clone());
            thread::spawn(move || {
                command(&state, &one);
                wait_loop(&state, &one);
            })
        };
        let holds: Act = |state, _| drop(state.keyspace.lock());
        join([spawn(&state, &one, kill), spawn(&state, &one, holds), task]);
        assert_nobody_waits(&state);
    };
    explore(move || begins(wait));
    explore(move || begins(watch));
}

/// What a connection does whose command is held back by a pause, until the command is carried out
/// or the connection ends. See `conn::blocked`.
fn postponed(state: &Arc<ServerState>, peer: &Peer) {
    while state.pause.holds_back(|| true).is_some() {
        peer.client.set_postponed(true);
        state.pause.add_postponed();
        let ended = future::block_on(poll_fn(|context| {
            if peer.client.poll_output(context).is_ready() {
                return Poll::Ready(true);
            }
            if state.pause.is_on() {
                return Poll::Pending;
            }
            Poll::Ready(false)
        }));
        peer.client.set_postponed(false);
        state.pause.remove_postponed();
        if ended {
            break;
        }
    }
}

fn pause(state: &Arc<ServerState>, _peer: &Peer) {
    let until = tokio::time::Instant::now() + Duration::from_secs(3600);
    state.pause.begin(until, Scope::All);
}

fn pause_and_end(state: &Arc<ServerState>, peer: &Peer) {
    pause(state, peer);
    state.end_pause();
}

#[test]
fn the_end_of_a_pause_wakes_everybody() {
    let pauses = |acts: &[Act]| {
        let state = server();
        let (one, other) = (connect(&state, 1), connect(&state, 2));
        pause(&state, &one);
        let tasks = [
            spawn(&state, &one, postponed),
            spawn(&state, &other, postponed),
        ];
        join(acts.iter().map(|&act| spawn(&state, &one, act)));
        join(tasks);
        assert_eq!(state.pause.postponed(), 0);
    };
    let end: Act = |state, _| state.end_pause();
    explore(move || pauses(&[end]));
    explore(move || pauses(&[pause_and_end, pause_and_end]));
    explore(move || pauses(&[end, kill]));
}
