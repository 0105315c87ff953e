//! Chaos: clients that come, hang and die as no client should, by the hundred, while others publish
//! and subscribe. Those who stay lose nothing, and when it is over nothing is left: see `arena`.
//!
//! Each test runs a few rounds. `FANFARE_CHAOS_SECONDS=60 cargo test --release --test chaos --
//! --test-threads 1 --nocapture` lets each go on for a minute and prints what it did;
//! `FANFARE_CHAOS_SEED` takes the seed that a failure prints.

#![cfg(feature = "cli")]

#[path = "chaos/arena.rs"]
mod arena;
mod common;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use fastrand::Rng;
use redis_protocol::resp3::types::Resp3Frame;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use arena::{Arena, STEADY, chaos};
use common::client::{Client, Frame, parts};
use common::{field, wire};

/// Clients at the same time.
const CROWD: usize = 24;

/// A crowd of clients, each with random numbers of its own.
async fn crowd<F>(
    arena: &Arc<Arena>,
    random: &mut Rng,
    mut client: impl FnMut(Arc<Arena>, Rng) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut clients = JoinSet::new();
    for _ in 0..CROWD {
        clients.spawn(client(Arc::clone(arena), random.fork()));
    }
    while let Some(ended) = clients.join_next().await {
        ended.expect("no panic");
    }
}

/// Subscribers and callers that are dropped, reset or killed in the middle of what they are sent.
#[tokio::test]
async fn connections_killed_at_random() {
    chaos("killed", &[], 200, 4, |arena, mut random| async move {
        crowd(&arena, &mut random, |arena, mut random| async move {
            let mut victim = arena.dial(random.bool(), random.bool()).await;
            victim.hello(random.u8(2..=3)).await;
            let noise = format!("noise:{}", random.u8(..));
            // What is published comes between the confirmations.
            victim.command(&["SUBSCRIBE", STEADY, &noise]).await;
            if random.bool() {
                victim.command(&["PSUBSCRIBE", "ste*"]).await;
            }
            for _ in 0..random.usize(..30) {
                victim.push().await;
            }
            match random.u8(..3) {
                0 => {
                    arena.kill(victim.id).await;
                    victim.rest().await;
                }
                1 => {
                    // Its last words, which nobody waits for.
                    let words = wire::request(&["PUBLISH", &noise, "bye"]);
                    let _ = victim.try_send(words.repeat(random.usize(..50))).await;
                }
                _ => {}
            }
        })
        .await;
    })
    .await;
}

/// Peers that say no more and go on reading, and peers that stop in the middle of a request.
#[tokio::test]
async fn half_open_and_half_closed() {
    chaos("half", &[], 200, 4, |arena, mut random| async move {
        crowd(&arena, &mut random, |arena, mut random| async move {
            let mut client = arena.dial(random.bool(), false).await;
            let subscribe = wire::request(&["SUBSCRIBE", STEADY, "half"]);
            let echo = wire::request(&["ECHO", "some argument"]);
            match random.u8(..4) {
                // What was asked is answered before the end.
                0 => {
                    client.send(echo.repeat(10)).await;
                    client.end_sending().await;
                    client.expect(wire::bulk(b"some argument").repeat(10)).await;
                    client.closed().await;
                }
                1 => {
                    client.send(&subscribe).await;
                    client.end_sending().await;
                    client.rest().await;
                }
                2 => {
                    let some = random.usize(1..echo.len());
                    client.send(&echo[..some]).await;
                    client.end_sending().await;
                    assert_eq!(client.rest().await, b"");
                }
                _ => {
                    client.send(&subscribe).await;
                    client.send(&echo[..random.usize(1..echo.len())]).await;
                    // Nobody hears of it again.
                }
            }
        })
        .await;
    })
    .await;
}

/// Requests that come byte by byte, or in other pieces, are what they would be at once.
#[tokio::test]
async fn a_byte_at_a_time() {
    chaos("bytes", &[], 200, 2, |arena, mut random| async move {
        crowd(&arena, &mut random, |arena, mut random| async move {
            let mut client = arena.dial(false, false).await;
            let channel = format!("bytes:{}", random.u64(..));
            let bytes = [
                wire::request(&["SUBSCRIBE", &channel]),
                wire::request(&["PING", "a\r\nb"]),
                b"PING inline\r\n".to_vec(),
                wire::request(&["UNSUBSCRIBE", &channel]),
                wire::request(&["PUBLISH", &channel, "nobody"]),
                wire::request(&["ECHO", ""]),
            ]
            .concat();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let most = rest.len().min(if random.bool() { 1 } else { 9 });
                let (now, later) = rest.split_at(random.usize(1..=most));
                client.send(now).await;
                tokio::task::yield_now().await;
                rest = later;
            }
            let name = wire::bulk(channel.as_bytes());
            let name = std::str::from_utf8(&name).expect("text");
            client
                .expect(format!(
                    "*3\r\n$9\r\nsubscribe\r\n{name}:1\r\n\
                     *2\r\n$4\r\npong\r\n$4\r\na\r\nb\r\n\
                     *2\r\n$4\r\npong\r\n$6\r\ninline\r\n\
                     *3\r\n$11\r\nunsubscribe\r\n{name}:0\r\n\
                     :0\r\n$0\r\n\r\n"
                ))
                .await;
        })
        .await;
    })
    .await;
}

/// Connections that send garbage, or the beginning of something, and are reset.
#[tokio::test]
async fn floods_of_resets() {
    chaos("resets", &[], 200, 10, |arena, mut random| async move {
        crowd(&arena, &mut random, |arena, mut random| async move {
            for _ in 0..4 {
                let mut client = arena.dial(true, false).await;
                let bytes = match random.u8(..5) {
                    0 => Vec::new(),
                    1 => (0..random.usize(1..2000)).map(|_| random.u8(..)).collect(),
                    2 => b"*1000000\r\n$1000000\r\nx".to_vec(),
                    3 => wire::request(&["SUBSCRIBE", STEADY, "reset"]),
                    _ => wire::request(&["BLPOP", "nothing", "0"]),
                };
                // It may have been answered with the end already.
                let _ = client.try_send(bytes).await;
            }
        })
        .await;
    })
    .await;
}

/// Subscribers that never read, under each policy: what waits for them is bounded, and only they are
/// cut off or miss messages.
async fn never_reading(policy: &'static str, counter: &'static str) {
    let settings = [
        "--pubsub-overflow-policy",
        policy,
        "--pubsub-overflow-limit",
        "64kb",
        "--client-output-buffer-limit",
        "pubsub 4mb 0 0",
    ];
    chaos(
        policy,
        &settings,
        8_000,
        1,
        |arena, mut random| async move {
            let before = arena.info(counter).await;
            let mut silent = Vec::new();
            for _ in 0..CROWD / 3 {
                let mut client = arena.dial(random.bool(), true).await;
                client.hello(2).await;
                client.subscribe("SUBSCRIBE", &[STEADY]).await;
                silent.push(client);
            }
            // What is published fills their sockets first. Those who drop are to drop some.
            let enough = if policy == "disconnect" {
                silent.len() as u64
            } else {
                1_000
            };
            while arena.info(counter).await < before + enough {
                // What waits for one of them is bounded, whatever comes.
                let mut probe = arena.probe.lock().await;
                probe.line("CLIENT LIST TYPE pubsub").await;
                for line in probe.text().await.lines() {
                    let waits: usize = field(line, "omem").parse().expect("a number");
                    assert!(waits < 5_000_000, "{line}");
                }
            }
        },
    )
    .await;
}

#[tokio::test]
async fn who_never_reads_is_disconnected() {
    never_reading("disconnect", "client_output_buffer_limit_disconnections").await;
}

#[tokio::test]
async fn who_never_reads_misses_the_oldest() {
    never_reading("drop-oldest", "pubsub_dropped_messages").await;
}

#[tokio::test]
async fn who_never_reads_misses_the_newest() {
    never_reading("drop-newest", "pubsub_dropped_messages").await;
}

/// As fast as the machine goes.
#[tokio::test]
async fn connects_and_disconnects() {
    chaos("connects", &[], 200, 5, |arena, mut random| async move {
        crowd(&arena, &mut random, |arena, mut random| async move {
            for _ in 0..10 {
                let mut client = arena.dial(random.bool(), false).await;
                if random.bool() {
                    client.ask("PING", "+PONG").await;
                }
            }
        })
        .await;
    })
    .await;
}

/// Subscriptions of every kind come and go, and connections end in the middle.
#[tokio::test]
async fn storms_of_subscriptions() {
    chaos(
        "subscriptions",
        &[],
        200,
        3,
        |arena, mut random| async move {
            crowd(&arena, &mut random, |arena, mut random| async move {
                let mut client = arena.dial(random.bool(), false).await;
                client.hello(3).await;
                let verbs = ["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"];
                let mut held: [HashSet<u8>; 3] = Default::default();
                for _ in 0..random.usize(1..8) {
                    let mut requests = Vec::new();
                    for _ in 0..random.usize(1..40) {
                        let (kind, name) = (random.usize(..3), random.u8(..12));
                        let word = format!("storm:{name}");
                        if random.bool() {
                            requests.extend(wire::request(&[verbs[kind], &word]));
                            held[kind].insert(name);
                        } else {
                            let verb = verbs[kind].replace("SUB", "UNSUB");
                            requests.extend(wire::request(&[&verb, &word]));
                            held[kind].remove(&name);
                        }
                        if random.u8(..10) == 0 {
                            requests.extend(wire::request(&[
                                "PUBLISH",
                                &word,
                                "to whom it concerns",
                            ]));
                        }
                    }
                    client.send(requests).await;
                    if random.u8(..6) == 0 {
                        return;
                    }
                }
                // What it has in the end is what the server has.
                let client_id = client.id;
                client.command(&["ECHO", "the end"]).await;
                while client.frame().await.as_str() != Some("the end") {}
                let mut probe = arena.probe.lock().await;
                probe.line(&format!("CLIENT LIST ID {client_id}")).await;
                let line = probe.text().await;
                for (kind, name) in ["sub", "psub", "ssub"].into_iter().enumerate() {
                    assert_eq!(field(&line, name), held[kind].len().to_string(), "{line}");
                }
            })
            .await;
        },
    )
    .await;
}

/// Waiters that die while elements are pushed. An element goes to one of them, or stays; it is lost
/// only with a connection that died when it was handed one, as in Redis, and moved ones never are.
#[tokio::test]
async fn blocking_pops_killed() {
    chaos("pops", &[], 200, 2, |arena, mut random| async move {
        const PUSHED: usize = 300;
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let killed = arena.counts.kills.load(Relaxed);
        let mut deaths = 0;
        let mut poppers = JoinSet::new();
        for _ in 0..CROWD {
            let dies = random.bool();
            deaths += u64::from(dies);
            let (arena, seen, random) = (Arc::clone(&arena), Arc::clone(&seen), random.fork());
            poppers.spawn(async move { pop(&arena, &seen, dies, random).await });
        }
        let mut pusher = Client::to(arena.address, 2).await;
        for number in 0..PUSHED {
            let queue = ["q1", "q2", "q3"][random.usize(..3)];
            let element = number.to_string();
            pusher.command(&["RPUSH", queue, &element]).await;
            pusher.integer().await;
        }
        // All that are left come to an end.
        let end: Vec<&str> = ["RPUSH", "end"].into_iter().chain([""; CROWD]).collect();
        pusher.command(&end).await;
        pusher.integer().await;
        while let Some(ended) = poppers.join_next().await {
            ended.expect("no panic");
        }
        let mut found: BTreeSet<String> = BTreeSet::new();
        let mut note = |element: String| {
            assert!(found.insert(element.clone()), "{element} was there twice");
        };
        let mut seen = std::mem::take(&mut *seen.lock().await);
        for list in ["q1", "q2", "q3", "moved"] {
            pusher.line(&format!("LRANGE {list} 0 -1")).await;
            let elements = parts(pusher.frame().await).expect("elements");
            let text = |element: &bytes::Bytes| String::from_utf8(element.to_vec()).expect("text");
            seen.extend(elements.iter().map(text));
        }
        seen.into_iter().for_each(&mut note);
        let lost = (PUSHED - found.len()) as u64;
        assert!(lost <= deaths, "{lost} elements lost by {deaths} deaths");
        assert!(arena.counts.kills.load(Relaxed) >= killed);
        pusher.line("DEL q1 q2 q3 moved end").await;
        pusher.integer().await;
    })
    .await;
}

/// Pops until the end is pushed, or until it dies.
async fn pop(arena: &Arena, seen: &Mutex<Vec<String>>, dies: bool, mut random: Rng) {
    let mut client = arena.dial(random.bool(), false).await;
    client.hello(2).await;
    let moves = random.u8(..3) == 0;
    let pops = if dies { random.usize(..20) } else { usize::MAX };
    let queues = ["q1", "q2", "q3"];
    for _ in 0..pops {
        if moves {
            // One that moves is told of no end.
            let queue = queues[random.usize(..3)];
            client
                .command(&["BLMOVE", queue, "moved", "LEFT", "RIGHT", "0.05"])
                .await;
            if matches!(client.frame().await, Frame::Null) {
                client.line("LLEN end").await;
                if client.integer().await > 0 {
                    return;
                }
            }
            continue;
        }
        let verb = if random.bool() { "BLPOP" } else { "BRPOP" };
        client.command(&[verb, "q1", "q2", "q3", "end", "0"]).await;
        let popped = parts(client.frame().await).expect("an element");
        if popped[0] == "end" {
            return;
        }
        let element = String::from_utf8(popped[1].to_vec()).expect("text");
        seen.lock().await.push(element);
    }
    // It dies while it waits, or is handed something.
    let verb = if moves { "BLMOVE" } else { "BLPOP" };
    let rest: &[&str] = if moves {
        &["q1", "moved", "LEFT", "RIGHT", "0"]
    } else {
        &["q1", "q2", "q3", "0"]
    };
    client.command(&[&[verb], rest].concat()).await;
    if random.bool() {
        arena.kill(client.id).await;
        let _ = client.rest().await;
    }
}
