use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

use super::*;
use crate::client::backlog::{Backlog, BacklogBytes};
use crate::client::frames::Frames;

use crate::config::OutputLimit;

const UNLIMITED: OutputLimits = OutputLimits {
    normal: NO_LIMIT,
    replica: NO_LIMIT,
    pubsub: NO_LIMIT,
};
const NO_LIMIT: OutputLimit = OutputLimit {
    hard: 0,
    soft: 0,
    soft_seconds: 0,
};

/// A socket to write to, and its other end.
struct Pair {
    socket: Socket,
    peer: UnixStream,
}

impl Pair {
    async fn new() -> Pair {
        let (ours, peer) = UnixStream::pair().unwrap();
        let socket = Socket::from(ours);
        // The runtime must have seen the socket before a write is tried.
        std::future::poll_fn(|context| socket.poll_write_ready(context))
            .await
            .unwrap();
        Pair { socket, peer }
    }

    async fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.peer.read_exact(&mut bytes).await.unwrap();
        bytes
    }
}

fn copied(bytes: &[u8]) -> Frames<'_> {
    with_body(bytes, None)
}

fn with_body<'a>(bytes: &'a [u8], body: Option<&'a Bytes>) -> Frames<'a> {
    Frames {
        bytes,
        starts: &[0],
        body,
    }
}

fn push(outbox: &Outbox, frames: Frames<'_>, limits: &OutputLimits) -> Append {
    push_at(outbox, frames, Instant::now(), limits)
}

/// Pushes messages that were published at this moment.
fn push_at(
    outbox: &Outbox,
    frames: Frames<'_>,
    published: Instant,
    limits: &OutputLimits,
) -> Append {
    let (backlog, bytes) = (Backlog::default(), BacklogBytes::default());
    let mut delivery = Delivery::new(frames, published, Some((&backlog, &bytes)));
    outbox.push(&mut delivery, limits)
}

fn flush(outbox: &Outbox, pair: &Pair) -> Flush {
    outbox.flush(&pair.socket, &mut Written::default())
}

#[tokio::test]
async fn bytes_leave_in_the_order_of_appending() {
    let mut pair = Pair::new().await;
    let outbox = Outbox::default();
    let body = Bytes::from(vec![b'b'; 3000]);
    let shared = with_body(b"*head", Some(&body));
    assert_eq!(push(&outbox, copied(b"*one"), &UNLIMITED), Append::Flush);
    assert_eq!(push(&outbox, shared, &UNLIMITED), Append::Nothing);
    outbox.set_protocol(Protocol::Resp3);
    assert_eq!(push(&outbox, copied(b"*two"), &UNLIMITED), Append::Nothing);
    let mut replies = Replies::from(BytesMut::from(&b"+OK"[..]));
    assert_eq!(outbox.send(&mut replies, &UNLIMITED), Append::Nothing);
    assert!(replies.is_empty());
    let expected = [b"*one*head", &body[..], b">two+OK"].concat();
    assert_eq!(outbox.pending(), expected.len());

    let mut written = Written::default();
    assert_eq!(outbox.flush(&pair.socket, &mut written), Flush::Done);
    assert_eq!(written.bytes, expected.len() as u64);
    assert!(outbox.is_drained());
    assert_eq!(pair.read(expected.len()).await, expected);
    assert_eq!(push(&outbox, copied(b"*"), &UNLIMITED), Append::Flush);
}

#[tokio::test]
async fn held_messages_follow_the_replies_and_keep_their_order() {
    let mut pair = Pair::new().await;
    let outbox = Outbox::default();
    let body = Bytes::from(vec![b'b'; 3000]);
    let shared = with_body(b"*two", Some(&body));
    let _ = push(&outbox, copied(b"*before"), &UNLIMITED);
    outbox.hold_messages();
    assert_eq!(push(&outbox, copied(b"*one"), &UNLIMITED), Append::Nothing);
    assert_eq!(push(&outbox, shared, &UNLIMITED), Append::Nothing);
    let mut replies = Replies::from(BytesMut::from(&b"+OK"[..]));
    let _ = outbox.send(&mut replies, &UNLIMITED);
    let expected = [b"*before+OK*one*two", &body[..], b"*after"].concat();
    assert_eq!(outbox.pending(), expected.len() - b"*after".len());
    assert_eq!(flush(&outbox, &pair), Flush::Done);
    assert!(!outbox.is_drained());
    outbox.release_messages();
    let _ = push(&outbox, copied(b"*after"), &UNLIMITED);
    assert_eq!(flush(&outbox, &pair), Flush::Done);
    assert!(outbox.is_drained());
    assert_eq!(pair.read(expected.len()).await, expected);
}

#[tokio::test]
async fn held_messages_are_within_the_limits() {
    let outbox = Outbox::default();
    let limits = OutputLimits {
        normal: OutputLimit {
            hard: 10,
            ..NO_LIMIT
        },
        ..UNLIMITED
    };
    outbox.hold_messages();
    assert_eq!(push(&outbox, copied(&[b'*'; 9]), &limits), Append::Nothing);
    assert_eq!(push(&outbox, copied(b"*"), &limits), Append::Broke);
    assert_eq!((outbox.status(), outbox.pending()), (Status::Dead, 0));
    outbox.release_messages();
    assert_eq!(outbox.pending(), 0);
}

#[tokio::test]
async fn a_backlog_is_written_by_the_connections_own_task() {
    let mut pair = Pair::new().await;
    let outbox = Outbox::default();
    // More than any socket buffer takes, in copied and shared pieces.
    let body = Bytes::from(vec![b'x'; 100_000]);
    let mut expected = Vec::new();
    for number in 0..100 {
        let head = format!("*{number};");
        expected.extend_from_slice(head.as_bytes());
        expected.extend_from_slice(&body);
        let frame = with_body(head.as_bytes(), Some(&body));
        let _ = push(&outbox, frame, &UNLIMITED);
    }
    assert_eq!(flush(&outbox, &pair), Flush::HandOver);
    assert_eq!(outbox.status(), Status::Blocked);
    assert!(outbox.pending() < expected.len());
    // Other threads only append while it is blocked.
    assert_eq!(push(&outbox, copied(b"*end"), &UNLIMITED), Append::Nothing);
    assert_eq!(flush(&outbox, &pair), Flush::Done);
    expected.extend_from_slice(b"*end");

    let length = expected.len();
    let (received, ()) = tokio::join!(
        async {
            let mut bytes = vec![0; length];
            pair.peer.read_exact(&mut bytes).await.unwrap();
            bytes
        },
        async {
            while !outbox.is_drained() {
                let ready = std::future::poll_fn(|context| pair.socket.poll_write_ready(context));
                ready.await.unwrap();
                outbox.unblock();
                let _ = outbox.flush(&pair.socket, &mut Written::default());
                tokio::task::yield_now().await;
            }
        }
    );
    assert!(received == expected, "the stream differs");
    assert_eq!(outbox.status(), Status::Settled);
}

#[tokio::test]
async fn small_frames_of_a_backlog_are_gathered_in_chunks() {
    let outbox = Outbox::default();
    for _ in 0..10_000 {
        let _ = push(&outbox, copied(&[b'*'; 100]), &UNLIMITED);
    }
    let (_, chunks, memory) = outbox.usage();
    assert!((20..60).contains(&chunks), "{chunks} chunks");
    assert!(memory < 1_200_000, "{memory} bytes for a million");
}

#[tokio::test]
async fn the_hard_limit_of_the_clients_class_kills_at_once() {
    let pair = Pair::new().await;
    let hard = |hard| OutputLimit { hard, ..NO_LIMIT };
    let limits = OutputLimits {
        normal: hard(100),
        pubsub: hard(10),
        ..UNLIMITED
    };
    let outbox = Outbox::default();
    let _ = push(&outbox, copied(&[b'*'; 50]), &limits);
    assert_eq!(outbox.status(), Status::Settled);
    outbox.set_pubsub(true);
    // The appender must flush, so that the client is disconnected.
    assert_eq!(push(&outbox, copied(b"*"), &limits), Append::Broke);
    assert_eq!(outbox.status(), Status::Dead);
    assert_eq!(outbox.broken_limit(), Some(BrokenLimit::Hard(51)));
    assert_eq!(outbox.pending(), 0);
    assert_eq!(push(&outbox, copied(b"*"), &limits), Append::Refused);
    assert_eq!(flush(&outbox, &pair), Flush::Dead);
}

#[tokio::test]
async fn the_soft_limit_kills_once_it_has_lasted() {
    let soft = |soft_seconds| OutputLimits {
        normal: OutputLimit {
            hard: 0,
            soft: 10,
            soft_seconds,
        },
        ..UNLIMITED
    };
    let outbox = Outbox::default();
    let _ = push(&outbox, copied(&[b'*'; 10]), &soft(3600));
    assert!(!outbox.enforce_limits(&soft(3600)));
    // At least zero seconds have passed by the next look.
    std::thread::yield_now();
    while !outbox.enforce_limits(&soft(0)) {}
    assert_eq!(outbox.broken_limit(), Some(BrokenLimit::Soft(10)));
}

#[tokio::test]
async fn a_sealed_outbox_writes_what_it_has_and_takes_nothing() {
    let mut pair = Pair::new().await;
    let outbox = Outbox::default();
    let _ = push(&outbox, copied(b"*last"), &UNLIMITED);
    outbox.seal();
    assert_eq!(push(&outbox, copied(b"*late"), &UNLIMITED), Append::Refused);
    assert_eq!(flush(&outbox, &pair), Flush::Done);
    assert!(outbox.is_drained());
    assert_eq!(pair.read(5).await, b"*last");
}

#[tokio::test]
async fn an_ended_outbox_writes_what_it_has_and_dies() {
    let mut pair = Pair::new().await;
    let outbox = Outbox::default();
    let _ = push(&outbox, copied(b"*last"), &UNLIMITED);
    outbox.end();
    assert_eq!(push(&outbox, copied(b"*late"), &UNLIMITED), Append::Refused);
    assert_eq!(outbox.status(), Status::Settled);
    assert_eq!(flush(&outbox, &pair), Flush::Dead);
    assert_eq!(pair.read(5).await, b"*last");

    // What a full socket does not take is lost.
    let outbox = Outbox::default();
    let body = Bytes::from(vec![b'x'; 10_000_000]);
    let frame = with_body(b"*", Some(&body));
    let _ = push(&outbox, frame, &UNLIMITED);
    assert_eq!(flush(&outbox, &pair), Flush::HandOver);
    outbox.end();
    assert_eq!(flush(&outbox, &pair), Flush::Dead);
    assert_eq!(outbox.pending(), 0);
}

/// A thread that is writing when the outbox ends also writes what was appended since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer_of_an_ended_outbox_writes_all_of_it() {
    for round in 0..2000 {
        let mut pair = Pair::new().await;
        let outbox = Outbox::default();
        let _ = push(&outbox, copied(b"*one"), &UNLIMITED);
        let (first, second) = std::thread::scope(|scope| {
            let writer = scope.spawn(|| flush(&outbox, &pair));
            if round % 2 == 0 {
                std::thread::yield_now();
            }
            let _ = push(&outbox, copied(b"*two"), &UNLIMITED);
            outbox.end();
            let ended = flush(&outbox, &pair);
            (writer.join().unwrap(), ended)
        });
        assert!([first, second].contains(&Flush::Dead), "round {round}");
        assert_eq!(outbox.status(), Status::Dead, "round {round}");
        assert_eq!(pair.read(8).await, b"*one*two", "round {round}");
    }
}

#[tokio::test]
async fn a_peer_that_is_gone_is_noticed_by_the_flush() {
    let Pair { socket, peer } = Pair::new().await;
    drop(peer);
    let outbox = Outbox::default();
    let _ = push(&outbox, copied(b"*"), &UNLIMITED);
    assert_eq!(outbox.flush(&socket, &mut Written::default()), Flush::Dead);
    assert_eq!(outbox.status(), Status::Dead);
}

/// Fills the socket, and returns what was appended.
fn block(outbox: &Outbox, pair: &Pair) -> Vec<u8> {
    let body = Bytes::from(vec![b'x'; 10_000_000]);
    let _ = push(outbox, with_body(b"*", Some(&body)), &UNLIMITED);
    assert_eq!(flush(outbox, pair), Flush::HandOver);
    [b"*", &body[..]].concat()
}

/// Reads everything while the outbox's own task writes it.
async fn drain(outbox: &Outbox, pair: &mut Pair, length: usize) -> Vec<u8> {
    let Pair { socket, peer, .. } = pair;
    let mut bytes = vec![0; length];
    let write = async {
        while !outbox.is_drained() {
            let ready = std::future::poll_fn(|context| socket.poll_write_ready(context));
            ready.await.unwrap();
            outbox.unblock();
            let _ = outbox.flush(socket, &mut Written::default());
        }
    };
    let (read, ()) = tokio::join!(peer.read_exact(&mut bytes), write);
    read.unwrap();
    bytes
}

#[tokio::test]
async fn stuck_subscribers_share_one_backlog() {
    const MESSAGES: usize = 3000;
    let (backlog, backlog_bytes) = (Backlog::default(), BacklogBytes::default());
    let mut stuck = Vec::new();
    for index in 0..3 {
        let (outbox, pair) = (Outbox::default(), Pair::new().await);
        let expected = block(&outbox, &pair);
        if index == 2 {
            outbox.set_protocol(Protocol::Resp3);
        }
        stuck.push((outbox, pair, expected));
    }
    let large = Bytes::from(vec![b'y'; 50_000]);
    for number in 0..MESSAGES {
        let small = format!("*{number:060}");
        let body = (number % 1000 == 999).then_some(&large);
        let frames = with_body(small.as_bytes(), body);
        let shared = Some((&backlog, &backlog_bytes));
        let mut delivery = Delivery::new(frames, Instant::now(), shared);
        for (index, (outbox, _, expected)) in stuck.iter_mut().enumerate() {
            assert_eq!(outbox.push(&mut delivery, &UNLIMITED), Append::Nothing);
            let start = expected.len();
            expected.extend_from_slice(small.as_bytes());
            if index == 2 {
                expected[start] = b'>';
            }
            expected.extend_from_slice(body.map_or(&[][..], |body| body));
            if number == 1500 {
                // A reply of its own in between.
                let mut reply = Replies::from(BytesMut::from(&b"+OK"[..]));
                let _ = outbox.send(&mut reply, &UNLIMITED);
                expected.extend_from_slice(b"+OK");
            }
        }
    }
    // One copy for each protocol version.
    let once = MESSAGES * 61 + 3 * large.len();
    assert_eq!(backlog_bytes.load(Relaxed), 2 * once);
    for (outbox, mut pair, expected) in stuck {
        // Each outbox keeps only the ranges.
        let (_, chunks, _) = outbox.usage();
        assert!(chunks < 100, "{chunks}");
        let received = drain(&outbox, &mut pair, expected.len()).await;
        assert!(received == expected);
    }
    assert_eq!(backlog_bytes.load(Relaxed), 0);
}

#[tokio::test]
async fn the_message_that_has_waited_longest_is_timed() {
    let mut pair = Pair::new().await;
    let outbox = Outbox::default();
    let at = |seconds| Instant::now() - Duration::from_secs(seconds);
    let [first, second, third, last] = [4, 3, 2, 1].map(at);
    let sent = |outbox: &Outbox, pair: &Pair| {
        let mut written = Written::default();
        let flush = outbox.flush(&pair.socket, &mut written);
        (flush, written.sent)
    };
    let _ = outbox.send(&mut BytesMut::from("+OK").into(), &UNLIMITED);
    assert_eq!(sent(&outbox, &pair), (Flush::Done, None));
    let _ = push_at(&outbox, copied(b"*one"), first, &UNLIMITED);
    let _ = push_at(&outbox, copied(b"*two"), second, &UNLIMITED);
    assert_eq!(sent(&outbox, &pair), (Flush::Done, Some(first)));

    // One that does not fit into the socket is timed when all of it is written.
    let large = Bytes::from(vec![b'x'; 3_000_000]);
    let _ = push_at(&outbox, with_body(b"*", Some(&large)), third, &UNLIMITED);
    assert_eq!(sent(&outbox, &pair), (Flush::HandOver, None));
    let _ = push_at(&outbox, copied(b"*three"), last, &UNLIMITED);
    let mut times = Vec::new();
    let write = async {
        while !outbox.is_drained() {
            let ready =
                |context: &mut std::task::Context<'_>| pair.socket.poll_write_ready(context);
            std::future::poll_fn(ready).await.unwrap();
            outbox.unblock();
            let mut written = Written::default();
            let _ = outbox.flush(&pair.socket, &mut written);
            times.extend(written.sent);
        }
    };
    let mut received = vec![0; 3_000_018];
    let (read, ()) = tokio::join!(pair.peer.read_exact(&mut received), write);
    read.unwrap();
    // The last one was appended while another was timed.
    assert_eq!(times, [third]);

    // What is never written is never timed.
    let _ = push_at(&outbox, copied(b"*lost"), first, &UNLIMITED);
    outbox.kill();
    assert_eq!(
        push_at(&outbox, copied(b"*"), last, &UNLIMITED),
        Append::Refused
    );
    assert_eq!(sent(&outbox, &pair), (Flush::Dead, None));
}

#[tokio::test]
async fn several_frames_are_marked_each_for_their_protocol() {
    let mut pair = Pair::new().await;
    let outbox = Outbox::default();
    outbox.set_protocol(Protocol::Resp3);
    let frames = Frames {
        bytes: b"*one*two*three",
        starts: &[0, 4, 8],
        body: None,
    };
    let _ = push(&outbox, frames, &UNLIMITED);
    assert_eq!(flush(&outbox, &pair), Flush::Done);
    assert_eq!(pair.read(14).await, b">one>two>three");
}

/// The caller that was asked to flush first may be late.
#[tokio::test]
async fn who_appends_much_to_an_announced_outbox_flushes_it_too() {
    let outbox = Outbox::default();
    let frame = vec![b'*'; MAX_ANNOUNCED as usize / 4];
    let appends: Vec<_> = (0..9)
        .map(|_| push(&outbox, copied(&frame), &UNLIMITED))
        .collect();
    let asked = |number: &usize| appends[*number] == Append::Flush;
    assert_eq!((0..9).filter(asked).collect::<Vec<_>>(), [0, 4, 8]);
}

/// The sum of written bytes overflows, which debug builds detect, so the writer panics in the
/// middle.
#[cfg(debug_assertions)]
#[tokio::test]
async fn a_write_that_panics_leaves_a_dead_outbox() {
    let pair = Pair::new().await;
    let outbox = Outbox::default();
    assert_eq!(push(&outbox, copied(b"*one"), &UNLIMITED), Append::Flush);
    let mut written = Written {
        bytes: u64::MAX,
        sent: None,
    };
    let write = || outbox.flush(&pair.socket, &mut written);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(write));
    assert!(panicked.is_err(), "{panicked:?}");
    assert!(!outbox.is_being_written());
    assert_eq!(outbox.status(), Status::Dead);
    assert_eq!(push(&outbox, copied(b"*two"), &UNLIMITED), Append::Refused);
    assert_eq!(flush(&outbox, &pair), Flush::Dead);
}
