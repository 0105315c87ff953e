//! Appends, writes, reads and drops in random order. What the peer receives must be what was
//! appended, without the messages that were counted as dropped.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;

use bytes::BytesMut;
use proptest::prelude::*;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

use super::*;
use crate::client::backlog::{Backlog, BacklogBytes};
use crate::client::outbox::{Append, Delivery, Flush, Outbox, Written};
use crate::client::socket::Socket;
use crate::config::{OutputLimit, OutputLimits};

const LIMIT: usize = 20_000;
/// Marker, number and length, before the filling.
const HEADER: usize = 17;

#[derive(Clone, Debug)]
enum Step {
    /// Pushes messages of these sizes; one of them may be long.
    Push(Vec<usize>),
    PushLong(usize),
    Reply(usize),
    Hold,
    Release,
    Flush,
    Read(usize),
    Writable,
    Protocol(Protocol),
    Policy(OverflowPolicy),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => prop::collection::vec(0..300_usize, 1..5).prop_map(Step::Push),
        3 => (SHARED_BODY..LIMIT + 2000).prop_map(Step::PushLong),
        3 => (0..2000_usize).prop_map(Step::Reply),
        1 => Just(Step::Hold),
        2 => Just(Step::Release),
        5 => Just(Step::Flush),
        3 => (1..30_000_usize).prop_map(Step::Read),
        4 => Just(Step::Writable),
        1 => prop_oneof![Just(Protocol::Resp2), Just(Protocol::Resp3)].prop_map(Step::Protocol),
    ];
    prop::collection::vec(step, 1..400)
}

fn dropping() -> impl Strategy<Value = OverflowPolicy> {
    prop_oneof![
        Just(OverflowPolicy::DropOldest),
        Just(OverflowPolicy::DropNewest)
    ]
}

/// Steps that also change the policy.
fn steps_and_changes() -> impl Strategy<Value = Vec<Step>> {
    let change = prop_oneof![dropping(), Just(OverflowPolicy::Disconnect)];
    let places = prop::collection::vec((any::<prop::sample::Index>(), change), 0..8);
    (steps(), places).prop_map(|(mut steps, places)| {
        for (place, policy) in places {
            let place = place.index(steps.len());
            steps.insert(place, Step::Policy(policy));
        }
        steps
    })
}

struct Model {
    outbox: Outbox,
    socket: Socket,
    peer: UnixStream,
    totals: Arc<DropTotals>,
    backlog: Backlog,
    backlog_bytes: BacklogBytes,
    policy: OverflowPolicy,
    /// What was appended and not refused, in the expected order.
    appended: VecDeque<Vec<u8>>,
    held: Option<Vec<Vec<u8>>>,
    received: Vec<u8>,
    protocol: Protocol,
    number: usize,
    pushed: usize,
    refused: usize,
}

impl Model {
    async fn new(policy: OverflowPolicy) -> Model {
        let (ours, peer) = UnixStream::pair().unwrap();
        // So that the socket is soon full, in the middle of a message.
        socket2::SockRef::from(&ours)
            .set_send_buffer_size(4096)
            .unwrap();
        let socket = Socket::from(ours);
        std::future::poll_fn(|context| socket.poll_write_ready(context))
            .await
            .unwrap();
        let model = Model {
            outbox: Outbox::default(),
            socket,
            peer,
            totals: Arc::default(),
            backlog: Backlog::default(),
            backlog_bytes: BacklogBytes::default(),
            policy,
            appended: VecDeque::new(),
            held: None,
            received: Vec::new(),
            protocol: Protocol::Resp2,
            number: 0,
            pushed: 0,
            refused: 0,
        };
        model.choose();
        model
    }

    fn choose(&self) {
        let rule = OverflowRule {
            policy: self.policy,
            limit: LIMIT as u64,
        };
        self.outbox.choose_overflow(None, || rule, &self.totals);
    }

    fn item(&mut self, marker: u8, filling: usize) -> Vec<u8> {
        self.number += 1;
        let mut item = format!("{}{:08}{:08}", marker as char, self.number, filling).into_bytes();
        item.resize(HEADER + filling, b'.');
        item
    }

    fn push(&mut self, fillings: &[usize], long: bool) {
        let items: Vec<_> = fillings.iter().map(|size| self.item(b'*', *size)).collect();
        let all = items.concat();
        let mut starts = vec![0];
        for item in &items[1..] {
            let last = starts[starts.len() - 1];
            starts.push(last + items[starts.len() - 1].len() as u32);
            assert!(!item.is_empty());
        }
        let head = if long { HEADER } else { all.len() };
        let body = long.then(|| Bytes::copy_from_slice(&all[head..]));
        let frames = Frames {
            bytes: &all[..head],
            starts: &starts,
            body: body.as_ref(),
        };
        let backlog = Some((&self.backlog, &self.backlog_bytes));
        let mut delivery = Delivery::new(frames, Instant::now(), backlog);
        let append = self.outbox.push(&mut delivery, &UNLIMITED);
        assert!(append.was_taken());
        let refused = delivery.into_refused();
        self.pushed += items.len();
        for (index, mut item) in items.into_iter().enumerate() {
            item[0] = self.protocol.push_marker();
            if refused.get(index).is_some_and(|outboxes| *outboxes > 0) {
                assert_ne!(self.policy, OverflowPolicy::Disconnect);
                self.refused += 1;
            } else if let Some(held) = &mut self.held {
                held.push(item);
            } else {
                self.appended.push_back(item);
            }
        }
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Push(fillings) => self.push(fillings, false),
            Step::PushLong(filling) => self.push(&[*filling], true),
            Step::Reply(filling) => {
                let item = self.item(b'+', *filling);
                let append = self
                    .outbox
                    .send(&mut BytesMut::from(&item[..]).into(), &UNLIMITED);
                assert!(append.was_taken());
                self.appended.push_back(item);
            }
            Step::Hold => {
                self.outbox.hold_messages();
                self.held.get_or_insert_default();
            }
            Step::Release => {
                self.outbox.release_messages();
                self.appended.extend(self.held.take().unwrap_or_default());
            }
            Step::Flush => {
                let _ = self.outbox.flush(&self.socket, &mut Written::default());
            }
            Step::Read(most) => self.read(*most).await,
            Step::Writable => {
                tokio::task::yield_now().await;
                let ready = std::future::poll_fn(|context| {
                    Poll::Ready(self.socket.poll_write_ready(context).is_ready())
                });
                if ready.await {
                    self.outbox.unblock();
                    let _ = self.outbox.flush(&self.socket, &mut Written::default());
                }
            }
            Step::Protocol(protocol) => {
                self.protocol = *protocol;
                self.outbox.set_protocol(*protocol);
            }
            Step::Policy(policy) => {
                self.policy = *policy;
                self.choose();
            }
        }
    }

    async fn read(&mut self, most: usize) {
        tokio::task::yield_now().await;
        let mut buffer = vec![0; most];
        if let Ok(bytes) = self.peer.try_read(&mut buffer) {
            self.received.extend_from_slice(&buffer[..bytes]);
        }
    }

    fn check_bound(&self) {
        let mut state = self.outbox.state.lock();
        let pending = state.pending;
        let drop_queue = state.drop_queue().unwrap();
        assert!(drop_queue.cost <= LIMIT, "{} of {LIMIT}", drop_queue.cost);
        assert!(drop_queue.bytes <= drop_queue.cost);
        assert!(pending >= drop_queue.bytes);
        let in_flight: usize = drop_queue
            .in_flight
            .iter()
            .map(|span| cost(span.length))
            .sum();
        assert_eq!(drop_queue.in_flight_cost, in_flight);
    }

    async fn finish(mut self) {
        self.step(&Step::Release).await;
        while !self.outbox.is_drained() {
            self.step(&Step::Flush).await;
            self.step(&Step::Read(1 << 20)).await;
            self.step(&Step::Writable).await;
        }
        loop {
            let before = self.received.len();
            self.step(&Step::Read(1 << 20)).await;
            if self.received.len() == before {
                break;
            }
        }
        let dropped = self.outbox.dropped();
        let (mut missing, mut bytes) = (0, 0);
        let mut rest = &self.received[..];
        for item in &self.appended {
            if let Some(behind) = rest.strip_prefix(&item[..]) {
                rest = behind;
                continue;
            }
            assert_ne!(item[0], b'+', "a reply is missing");
            missing += 1;
            bytes += item.len() as u64;
        }
        assert!(rest.is_empty(), "something came that did not belong there");
        assert_eq!(dropped.messages, missing + self.refused as u64);
        assert!(dropped.bytes >= bytes);
        assert!(dropped.messages <= self.pushed as u64);
        let totals = DropTotals::POLICIES.map(|policy| self.totals.by(policy));
        let sum = |figure: fn(&Dropped) -> u64| totals.iter().map(figure).sum::<u64>();
        assert_eq!(sum(|total| total.messages), dropped.messages);
        assert_eq!(sum(|total| total.bytes), dropped.bytes);
        let mut state = self.outbox.state.lock();
        let drop_queue = state.drop_queue().unwrap();
        assert_eq!(
            (drop_queue.cost, drop_queue.bytes, drop_queue.in_flight_cost),
            (0, 0, 0)
        );
    }
}

const UNLIMITED: OutputLimits = {
    let none = OutputLimit {
        hard: 0,
        soft: 0,
        soft_seconds: 0,
    };
    OutputLimits {
        normal: none,
        replica: none,
        pubsub: none,
    }
};

fn run(policy: OverflowPolicy, steps: &[Step]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut model = Model::new(policy).await;
        for step in steps {
            model.step(step).await;
            model.check_bound();
        }
        model.finish().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_comes_out_is_what_went_in_but_for_the_drops(policy in dropping(), steps in steps()) {
        run(policy, &steps);
    }

    #[test]
    fn the_policy_may_change_at_any_time(
        policy in dropping(),
        steps in steps_and_changes(),
    ) {
        run(policy, &steps);
    }
}

/// Fills the socket with a long reply.
async fn stuck(policy: OverflowPolicy) -> Model {
    let mut model = Model::new(policy).await;
    model.step(&Step::Reply(2_000_000)).await;
    model.step(&Step::Flush).await;
    model
}

#[tokio::test]
async fn drop_oldest_keeps_the_newest_and_drop_newest_the_oldest() {
    for (policy, kept) in [
        (OverflowPolicy::DropOldest, 1000 - LIMIT / 149..1000),
        (OverflowPolicy::DropNewest, 0..LIMIT / 149),
    ] {
        let mut model = stuck(policy).await;
        for _ in 0..1000 {
            model.step(&Step::Push(vec![100])).await;
            model.check_bound();
        }
        assert_eq!(cost(HEADER + 100), 149);
        // Behind the reply.
        if policy == OverflowPolicy::DropOldest {
            model.appended.drain(1..1 + kept.start);
        }
        assert_eq!(model.appended.len(), 1 + kept.len());
        let dropped = model.outbox.dropped();
        assert_eq!(dropped.messages as usize, 1000 - kept.len());
        assert_eq!(dropped.bytes as usize, (1000 - kept.len()) * (HEADER + 100));
        // Under both policies, all listed messages are there.
        model.refused = 1000 - kept.len();
        model.finish().await;
    }
}

#[tokio::test]
async fn a_message_larger_than_the_limit_is_dropped_itself() {
    for policy in [OverflowPolicy::DropOldest, OverflowPolicy::DropNewest] {
        let mut model = stuck(policy).await;
        model.step(&Step::Push(vec![50])).await;
        model.step(&Step::PushLong(LIMIT)).await;
        model.step(&Step::Push(vec![50])).await;
        assert_eq!((model.refused, model.outbox.dropped().messages), (1, 1));
        model.finish().await;
    }
}

/// Very small messages take little more memory than the limit: the room in the two buffers at the
/// ends.
#[tokio::test]
async fn tiny_messages_and_large_ones_stay_within_the_memory() {
    for filling in [0, 200, SHARED_BODY + 1, 5000] {
        let mut model = Model::new(OverflowPolicy::DropOldest).await;
        let (_, _, before) = model.outbox.usage();
        for _ in 0..5000 {
            model.push(&[filling], filling > SHARED_BODY);
        }
        let (_, _, memory) = model.outbox.usage();
        assert!(
            memory - before < LIMIT + 64 * 1024,
            "{memory} for {filling}"
        );
        model.finish().await;
    }
}

#[tokio::test]
async fn messages_are_none_of_the_output_limits_but_replies_are() {
    let hard = OutputLimit {
        hard: 3000,
        ..UNLIMITED.pubsub
    };
    let limits = OutputLimits {
        normal: hard,
        ..UNLIMITED
    };
    let outbox = Outbox::default();
    let rule = OverflowRule {
        policy: OverflowPolicy::DropOldest,
        limit: 1 << 20,
    };
    outbox.choose_overflow(None, || rule, &Arc::default());
    let (backlog, backlog_bytes) = (Backlog::default(), BacklogBytes::default());
    let frames = Frames {
        bytes: &[b'*'; 1000],
        starts: &[0],
        body: None,
    };
    for _ in 0..100 {
        let backlog = Some((&backlog, &backlog_bytes));
        let mut delivery = Delivery::new(frames, Instant::now(), backlog);
        assert!(outbox.push(&mut delivery, &limits).was_taken());
    }
    let reply = |length| outbox.send(&mut BytesMut::from(&vec![b'+'; length][..]).into(), &limits);
    assert!(reply(2999).was_taken());
    assert_eq!(reply(1), Append::Broke);
    assert_eq!(outbox.pending(), 0);
}

#[tokio::test]
async fn a_choice_of_its_own_outlives_the_servers() {
    let outbox = Outbox::default();
    let server = |policy| {
        move || OverflowRule {
            policy,
            limit: 1000,
        }
    };
    let totals = Arc::default();
    let rule = || {
        let mut state = outbox.state.lock();
        state.drop_queue().map(|drop_queue| drop_queue.rule)
    };
    let oldest = OverflowPolicy::DropOldest;
    // A policy that does not drop needs no queue.
    outbox.choose_overflow(None, server(OverflowPolicy::Disconnect), &totals);
    assert_eq!(rule(), None);
    let own = OverflowChoice {
        policy: Some(oldest),
        limit: None,
    };
    outbox.choose_overflow(Some(own), server(OverflowPolicy::Disconnect), &totals);
    assert_eq!(rule().unwrap(), server(oldest)());
    outbox.choose_overflow(None, server(OverflowPolicy::DropNewest), &totals);
    assert_eq!(rule().unwrap(), server(oldest)());
    let default = OverflowChoice::default();
    outbox.choose_overflow(Some(default), server(OverflowPolicy::DropNewest), &totals);
    assert_eq!(rule().unwrap(), server(OverflowPolicy::DropNewest)());
    outbox.choose_overflow(None, server(OverflowPolicy::Disconnect), &totals);
    assert_eq!(rule().unwrap(), server(OverflowPolicy::Disconnect)());
}

#[tokio::test]
async fn the_log_is_told_once_in_a_while_and_all_at_the_end() {
    let mut model = stuck(OverflowPolicy::DropNewest).await;
    let now = Instant::now();
    assert_eq!(model.outbox.drop_report(now, true), None);
    model.push(&[LIMIT], true);
    let told = |report: Option<DropReport>| report.map(|report| report.since.messages);
    assert_eq!(told(model.outbox.drop_report(now, false)), Some(1));
    assert_eq!(
        told(model.outbox.drop_report(now + 2 * LINE_EVERY, false)),
        None
    );
    model.push(&[LIMIT], true);
    model.push(&[LIMIT], true);
    let early = now + LINE_EVERY / 2;
    assert_eq!(told(model.outbox.drop_report(early, false)), None);
    assert_eq!(
        told(model.outbox.drop_report(now + LINE_EVERY, false)),
        Some(2)
    );
    model.push(&[LIMIT], true);
    assert_eq!(
        told(model.outbox.drop_report(now + LINE_EVERY, true)),
        Some(1)
    );
    assert_eq!(told(model.outbox.drop_report(now + LINE_EVERY, true)), None);
    // The counters include all drops.
    assert_eq!(model.outbox.dropped().messages, 4);
    assert_eq!(
        model.outbox.flush(&model.socket, &mut Written::default()),
        Flush::Done
    );
}

/// Publishers cause drops while the connection's own task writes and replies are appended. Each
/// reply comes after the messages that its sender appended before it, and before those after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drops_while_others_are_in_flight_change_no_order() {
    const ITEMS: usize = 100_000;
    for (policy, limit) in [
        (OverflowPolicy::DropOldest, 3000),
        (OverflowPolicy::DropNewest, 3000),
    ] {
        let Model {
            outbox,
            socket,
            mut peer,
            totals,
            backlog,
            backlog_bytes,
            ..
        } = Model::new(policy).await;
        let rule = OverflowRule { policy, limit };
        outbox.choose_overflow(None, || rule, &totals);
        let done = std::sync::atomic::AtomicBool::new(false);
        let mut received = std::thread::scope(|scope| {
            let append = || {
                for number in 0..ITEMS {
                    if number % 10 == 9 {
                        let mut reply = BytesMut::from(&format!("+{number:09}")[..]).into();
                        assert!(outbox.send(&mut reply, &UNLIMITED).was_taken());
                    } else {
                        let frame = format!("*{number:09}");
                        let frames = Frames {
                            bytes: frame.as_bytes(),
                            starts: &[0],
                            body: None,
                        };
                        let backlog = Some((&backlog, &backlog_bytes));
                        let mut delivery = Delivery::new(frames, Instant::now(), backlog);
                        assert!(outbox.push(&mut delivery, &UNLIMITED).was_taken());
                    }
                    if number % 100 == 0 {
                        let _ = outbox.flush(&socket, &mut Written::default());
                    }
                }
                done.store(true, Relaxed);
            };
            let write = || {
                while !done.load(Relaxed) || !outbox.is_drained() {
                    outbox.unblock();
                    let _ = outbox.flush(&socket, &mut Written::default());
                    std::thread::yield_now();
                }
            };
            let read = || {
                let mut received = Vec::new();
                let mut buffer = vec![0; 200];
                while !done.load(Relaxed) || !outbox.is_drained() {
                    if let Ok(bytes) = peer.try_read(&mut buffer) {
                        received.extend_from_slice(&buffer[..bytes]);
                    }
                    std::thread::yield_now();
                }
                received
            };
            scope.spawn(append);
            scope.spawn(write);
            scope.spawn(read).join().unwrap()
        });
        drop(socket);
        peer.read_to_end(&mut received).await.unwrap();
        let numbers: Vec<usize> = received
            .chunks(10)
            .map(|item| std::str::from_utf8(&item[1..]).unwrap().parse().unwrap())
            .collect();
        assert!(numbers.is_sorted_by(|one, next| one < next));
        let replies = received.chunks(10).filter(|item| item[0] == b'+').count();
        assert_eq!(replies, ITEMS / 10);
        let dropped = outbox.dropped();
        assert!(dropped.messages > 100);
        assert_eq!(numbers.len() + dropped.messages as usize, ITEMS);
        assert_eq!(dropped.bytes, dropped.messages * 10);
    }
}

#[derive(Clone, Debug)]
enum Turn {
    Push,
    Reply,
    Begin,
    /// The kernel takes this many bytes of what is in flight, and then is full.
    End(usize),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        6 => Just(Turn::Push),
        2 => Just(Turn::Reply),
        2 => Just(Turn::Begin),
        2 => (0..120_usize).prop_map(Turn::End),
    ];
    prop::collection::vec(turn, 1..300)
}

proptest! {
    /// As above, but others append between the beginning and the end of a write.
    #[test]
    fn whatever_happens_while_some_are_in_flight(policy in dropping(), turns in turns()) {
        const FRAME: usize = 10;
        let limit = 12 * cost(FRAME);
        let mut drop_queue = DropQueue::new(Arc::default());
        drop_queue.set_rule(OverflowRule { policy, limit: limit as u64 });
        // What is being written, if anything, and the queue that must be written first.
        let (mut writing, mut queue) = (None::<Queue>, Queue::default());
        let mut out = Vec::new();
        let write = |queue: &mut Queue, bytes: usize, out: &mut Vec<u8>| {
            let mut gone = queue.split_to(bytes.min(queue.len()));
            let taken = gone.len();
            while let Some(Chunk::Bytes(bytes)) = gone.chunks.pop_front() {
                out.extend_from_slice(&bytes);
            }
            out.extend_from_slice(&gone.tail);
            taken
        };
        let mut replies = 0;
        for (number, turn) in turns.iter().chain(&[Turn::End(0)]).enumerate() {
            match turn {
                Turn::Push => {
                    let bytes = format!("*{number:09}");
                    let frames = Frames { bytes: bytes.as_bytes(), starts: &[0], body: None };
                    drop_queue.push(&frames, Protocol::Resp2, false, |_| ());
                }
                Turn::Reply => {
                    drop_queue.reply(&mut BytesMut::from(&format!("+{number:09}")[..]).into());
                    replies += 1;
                }
                Turn::Begin if writing.is_none() => {
                    if queue.is_empty() {
                        queue = drop_queue.next_run();
                    }
                    writing = Some(std::mem::take(&mut queue));
                }
                Turn::End(bytes) => if let Some(mut rest) = writing.take() {
                    let taken = write(&mut rest, *bytes, &mut out);
                    drop_queue.wrote(taken);
                    queue = drop_queue.take_back(rest, 0);
                },
                Turn::Begin => {}
            }
            prop_assert!(drop_queue.cost <= limit);
        }
        loop {
            let taken = write(&mut queue, usize::MAX, &mut out);
            drop_queue.wrote(taken);
            queue = drop_queue.next_run();
            if queue.is_empty() {
                break;
            }
        }
        prop_assert!(out.chunks(FRAME).is_sorted_by(|one, next| one[1..] < next[1..]));
        let came = |marker| out.chunks(FRAME).filter(|item| item[0] == marker).count();
        let pushed = turns.iter().filter(|turn| matches!(turn, Turn::Push)).count();
        prop_assert_eq!(came(b'+'), replies);
        prop_assert_eq!(came(b'*') + drop_queue.dropped.messages as usize, pushed);
        prop_assert_eq!((drop_queue.cost, drop_queue.bytes, drop_queue.in_flight_cost), (0, 0, 0));
    }
}
