use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

use super::*;
use crate::conn::socket::{ReadSocket, split_unix};

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

/// A socket to write to, its unused read half, and its other end.
struct Pair {
    socket: WriteSocket,
    _read: ReadSocket,
    peer: UnixStream,
}

impl Pair {
    async fn new() -> Pair {
        let (ours, peer) = UnixStream::pair().unwrap();
        let (read, socket) = split_unix(ours);
        // The runtime must have seen the socket before a write is tried.
        std::future::poll_fn(|context| socket.poll_write_ready(context))
            .await
            .unwrap();
        Pair {
            socket,
            _read: read,
            peer,
        }
    }

    async fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.peer.read_exact(&mut bytes).await.unwrap();
        bytes
    }
}

fn copied(head: &[u8]) -> PushFrame<'_> {
    PushFrame { head, body: None }
}

fn flush(outbox: &Outbox, pair: &Pair) -> Flush {
    outbox.flush(&pair.socket, &mut 0)
}

#[tokio::test]
async fn bytes_leave_in_the_order_of_appending() {
    let mut pair = Pair::new().await;
    let outbox = Outbox::default();
    let body = Bytes::from(vec![b'b'; 3000]);
    let shared = PushFrame {
        head: b"*head",
        body: Some(&body),
    };
    assert_eq!(outbox.push(copied(b"*one"), &UNLIMITED), Append::Flush);
    assert_eq!(outbox.push(shared, &UNLIMITED), Append::Nothing);
    outbox.set_protocol(Protocol::Resp3);
    assert_eq!(outbox.push(copied(b"*two"), &UNLIMITED), Append::Nothing);
    let mut replies = BytesMut::from(&b"+OK"[..]);
    assert_eq!(outbox.send(&mut replies, &UNLIMITED), Append::Nothing);
    assert!(replies.is_empty());
    let expected = [b"*one*head", &body[..], b">two+OK"].concat();
    assert_eq!(outbox.pending(), expected.len());

    let mut written = 0;
    assert_eq!(outbox.flush(&pair.socket, &mut written), Flush::Done);
    assert_eq!(written, expected.len() as u64);
    assert!(outbox.is_drained());
    assert_eq!(pair.read(expected.len()).await, expected);
    assert_eq!(outbox.push(copied(b"*"), &UNLIMITED), Append::Flush);
}

#[tokio::test]
async fn held_messages_follow_the_replies_and_keep_their_order() {
    let mut pair = Pair::new().await;
    let outbox = Outbox::default();
    let body = Bytes::from(vec![b'b'; 3000]);
    let shared = PushFrame {
        head: b"*two",
        body: Some(&body),
    };
    let _ = outbox.push(copied(b"*before"), &UNLIMITED);
    outbox.hold_messages();
    assert_eq!(outbox.push(copied(b"*one"), &UNLIMITED), Append::Nothing);
    assert_eq!(outbox.push(shared, &UNLIMITED), Append::Nothing);
    let mut replies = BytesMut::from(&b"+OK"[..]);
    let _ = outbox.send(&mut replies, &UNLIMITED);
    let expected = [b"*before+OK*one*two", &body[..], b"*after"].concat();
    assert_eq!(outbox.pending(), expected.len() - b"*after".len());
    assert_eq!(flush(&outbox, &pair), Flush::Done);
    assert!(!outbox.is_drained());
    outbox.release_messages();
    let _ = outbox.push(copied(b"*after"), &UNLIMITED);
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
    assert_eq!(outbox.push(copied(&[b'*'; 9]), &limits), Append::Nothing);
    assert_eq!(outbox.push(copied(b"*"), &limits), Append::Broke);
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
        let frame = PushFrame {
            head: head.as_bytes(),
            body: Some(&body),
        };
        let _ = outbox.push(frame, &UNLIMITED);
    }
    assert_eq!(flush(&outbox, &pair), Flush::HandOver);
    assert_eq!(outbox.status(), Status::Blocked);
    assert!(outbox.pending() < expected.len());
    // Others only append while it is blocked.
    assert_eq!(outbox.push(copied(b"*end"), &UNLIMITED), Append::Nothing);
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
                let _ = outbox.flush(&pair.socket, &mut 0);
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
        let _ = outbox.push(copied(&[b'*'; 100]), &UNLIMITED);
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
    let _ = outbox.push(copied(&[b'*'; 50]), &limits);
    assert_eq!(outbox.status(), Status::Settled);
    outbox.set_pubsub(true);
    // The appender must come by, so that the client is disconnected.
    assert_eq!(outbox.push(copied(b"*"), &limits), Append::Broke);
    assert_eq!(outbox.status(), Status::Dead);
    assert_eq!(outbox.broken_limit(), Some(BrokenLimit::Hard(51)));
    assert_eq!(outbox.pending(), 0);
    assert_eq!(outbox.push(copied(b"*"), &limits), Append::Refused);
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
    let _ = outbox.push(copied(&[b'*'; 10]), &soft(3600));
    assert!(!outbox.check_limits(&soft(3600)));
    // Zero seconds have certainly passed by the next look.
    std::thread::yield_now();
    while !outbox.check_limits(&soft(0)) {}
    assert_eq!(outbox.broken_limit(), Some(BrokenLimit::Soft(10)));
}

#[tokio::test]
async fn a_sealed_outbox_writes_what_it_has_and_takes_nothing() {
    let mut pair = Pair::new().await;
    let outbox = Outbox::default();
    let _ = outbox.push(copied(b"*last"), &UNLIMITED);
    outbox.seal();
    assert_eq!(outbox.push(copied(b"*late"), &UNLIMITED), Append::Refused);
    assert_eq!(flush(&outbox, &pair), Flush::Done);
    assert!(outbox.is_drained());
    assert_eq!(pair.read(5).await, b"*last");
}

#[tokio::test]
async fn an_ended_outbox_writes_what_it_has_and_dies() {
    let mut pair = Pair::new().await;
    let outbox = Outbox::default();
    let _ = outbox.push(copied(b"*last"), &UNLIMITED);
    outbox.end();
    assert_eq!(outbox.push(copied(b"*late"), &UNLIMITED), Append::Refused);
    assert_eq!(outbox.status(), Status::Settled);
    assert_eq!(flush(&outbox, &pair), Flush::Dead);
    assert_eq!(pair.read(5).await, b"*last");

    // What a full socket does not take is given up.
    let outbox = Outbox::default();
    let body = Bytes::from(vec![b'x'; 10_000_000]);
    let frame = PushFrame {
        head: b"*",
        body: Some(&body),
    };
    let _ = outbox.push(frame, &UNLIMITED);
    assert_eq!(flush(&outbox, &pair), Flush::HandOver);
    outbox.end();
    assert_eq!(flush(&outbox, &pair), Flush::Dead);
    assert_eq!(outbox.pending(), 0);
}

/// Whoever is writing when the end comes writes what was appended since, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer_of_an_ended_outbox_writes_all_of_it() {
    for round in 0..2000 {
        let mut pair = Pair::new().await;
        let outbox = Outbox::default();
        let _ = outbox.push(copied(b"*one"), &UNLIMITED);
        let (first, second) = std::thread::scope(|scope| {
            let writer = scope.spawn(|| flush(&outbox, &pair));
            if round % 2 == 0 {
                std::thread::yield_now();
            }
            let _ = outbox.push(copied(b"*two"), &UNLIMITED);
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
    let Pair {
        socket,
        peer,
        _read,
    } = Pair::new().await;
    drop(peer);
    let outbox = Outbox::default();
    let _ = outbox.push(copied(b"*"), &UNLIMITED);
    assert_eq!(outbox.flush(&socket, &mut 0), Flush::Dead);
    assert_eq!(outbox.status(), Status::Dead);
}
