//! Clients that wait for an element: who is served and when, and what ends a wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::task::JoinSet;

use super::{NO_FLOAT, WRONG_TYPE, wait, waiter};
use crate::common::client::{Client, Frame};
use crate::common::wire::request;
use crate::common::{both, field, info, soon, start, start_with, until_info};

#[tokio::test]
async fn who_came_first_is_served_first() {
    both(async |server, client| {
        let mut waiters = Vec::new();
        for line in [
            "BLPOP k 0",
            "BRPOP other k 0",
            "BLMPOP 0 1 k LEFT",
            "BLPOP k 0",
        ] {
            waiters.push(waiter(server, client, line).await);
        }
        client.ask("RPUSH k a b c d e", ":5").await;
        let replies = [
            "*2 $1 k $1 a",
            "*2 $1 k $1 e",
            "*2 $1 k *1 $1 b",
            "*2 $1 k $1 c",
        ];
        for (waiter, reply) in waiters.iter_mut().zip(replies) {
            waiter.sees(reply).await;
        }
        client.ask("LRANGE k 0 -1", "*1 $1 d").await;
        client.ask("DEL k", ":1").await;
        // Who was served comes last the next time; who waits longer for one of its keys, first.
        let [first, second, third, _] = &mut waiters[..] else {
            panic!("four");
        };
        wait(second, client, "BLPOP j k 0").await;
        wait(first, client, "BLPOP k 0").await;
        wait(third, client, "BLPOP k j 0").await;
        // A list that is pushed at the head gives its head.
        client.ask("LPUSH k a b", ":2").await;
        second.sees("*2 $1 k $1 b").await;
        first.sees("*2 $1 k $1 a").await;
        wait(second, client, "BLPOP j 0").await;
        client.ask("LPUSH j a b c", ":3").await;
        third.sees("*2 $1 j $1 c").await;
        second.sees("*2 $1 j $1 b").await;
        client.ask("LRANGE j 0 -1", "*1 $1 a").await;
    })
    .await;
}

/// A list that serves somebody may make another one, which does too.
#[tokio::test]
async fn moves_onto_keys_that_are_waited_for_go_on() {
    both(async |server, client| {
        let mut pop = waiter(server, client, "BLPOP c 0").await;
        let mut back = waiter(server, client, "BLMOVE b c RIGHT LEFT 0").await;
        let mut on = waiter(server, client, "BLMOVE a b LEFT RIGHT 0").await;
        client.ask("RPUSH a x", ":1").await;
        on.sees("$1 x").await;
        back.sees("$1 x").await;
        pop.sees("*2 $1 c $1 x").await;
        client.ask("DBSIZE", ":0").await;
        // Around in a circle: it ends with the last who waits.
        wait(&mut on, client, "BLMOVE a b LEFT RIGHT 0").await;
        wait(&mut back, client, "BRPOPLPUSH b a 0").await;
        wait(&mut pop, client, "BLMOVE a b LEFT RIGHT 0").await;
        client.ask("LPUSH a x", ":1").await;
        for waiter in [&mut on, &mut back, &mut pop] {
            waiter.sees("$1 x").await;
        }
        client.ask("LRANGE b 0 -1", "*1 $1 x").await;
        // What is there already moves on, too.
        wait(&mut pop, client, "BLPOP c 0").await;
        client.ask("LMOVE b c LEFT LEFT", "$1 x").await;
        pop.sees("*2 $1 c $1 x").await;
    })
    .await;
}

/// Waiters are served after an EXEC as a whole, by what is there then.
#[tokio::test]
async fn transactions_serve_when_they_are_through() {
    both(async |server, client| {
        let mut waiter = waiter(server, client, "BLPOP a b 0").await;
        let queued = ("LPUSH a x", "+QUEUED");
        client
            .script(&[("MULTI", "+OK"), queued, ("DEL a", "+QUEUED")])
            .await;
        client.ask("EXEC", "*2 :1 :1").await;
        client.script(&[("SET a x", "+OK"), ("MULTI", "+OK")]).await;
        client
            .script(&[("DEL a", "+QUEUED"), queued, ("LPUSH a y", "+QUEUED")])
            .await;
        client.ask("LLEN a", "+QUEUED").await;
        client.ask("EXEC", "*4 :1 :1 :2 :2").await;
        waiter.sees("*2 $1 a $1 y").await;
        // The key that was pushed to first.
        client.ask("DEL a", ":1").await;
        wait(&mut waiter, client, "BLPOP a b 0").await;
        client
            .script(&[("MULTI", "+OK"), ("RPUSH b 1", "+QUEUED"), queued])
            .await;
        client.ask("EXEC", "*2 :1 :1").await;
        waiter.sees("*2 $1 b $1 1").await;
        client.ask("LRANGE a 0 -1", "*1 $1 x").await;
    })
    .await;
}

/// In an EXEC nobody waits: it is as if the time were over at once.
#[tokio::test]
async fn transactions_do_not_wait() {
    both(async |_, client| {
        client
            .script(&[("RPUSH l 1", ":1"), ("SET s x", "+OK"), ("MULTI", "+OK")])
            .await;
        for line in [
            "BLPOP none 0",
            "BRPOP none 0",
            "BLMPOP 0 1 none LEFT",
            "BLMOVE none m LEFT LEFT 0",
            "BRPOPLPUSH none m 0",
            "BLMOVE none s LEFT LEFT 0",
            "BLPOP l 0",
            "BLPOP none a",
            "BLPOP s 0",
        ] {
            client.ask(line, "+QUEUED").await;
        }
        client
            .ask("EXEC", "*9 *-1 *-1 *-1 _ _ _ *2 $1 l $1 1")
            .await;
        client
            .reads(format!("{NO_FLOAT}\r\n{WRONG_TYPE}\r\n"))
            .await;
        client.barrier().await;
    })
    .await;
}

/// A list may come to be in other ways than by a push; what is no list serves nobody.
#[tokio::test]
async fn any_new_list_serves() {
    both(async |server, client| {
        let mut waiter = waiter(server, client, "BLPOP k 0").await;
        client
            .script(&[("SET k x", "+OK"), ("APPEND k x", ":2"), ("DEL k", ":1")])
            .await;
        // The key of another database is another key.
        client
            .script(&[
                ("SELECT 1", "+OK"),
                ("RPUSH k 1", ":1"),
                ("SELECT 0", "+OK"),
            ])
            .await;
        let ways: [(&[(&str, &str)], u8); 5] = [
            (&[("RPUSH o 2", ":1"), ("RENAME o k", "+OK")], 2),
            (&[("RPUSH p 3", ":1"), ("COPY p k", ":1")], 3),
            (
                &[("SELECT 1", "+OK"), ("MOVE k 0", ":1"), ("SELECT 0", "+OK")],
                1,
            ),
            (&[("RPUSH q 5", ":1"), ("SORT q STORE k", ":1")], 5),
            (
                &[
                    ("SELECT 1", "+OK"),
                    ("RPUSH k 4", ":1"),
                    ("SWAPDB 0 1", "+OK"),
                ],
                4,
            ),
        ];
        for (way, element) in ways {
            client.script(way).await;
            waiter.sees(&format!("*2 $1 k $1 {element}")).await;
            wait(&mut waiter, client, "BLPOP k 0").await;
        }
    })
    .await;
}

/// A key that holds something else when it becomes a list serves as well: whatever makes a key a list
/// wakes its waiters.
#[tokio::test]
async fn a_key_that_changes_its_type_serves() {
    both(async |server, client| {
        let mut waiter = waiter(server, client, "BLPOP k 0").await;
        client
            .script(&[("SELECT 1", "+OK"), ("SET k x", "+OK"), ("SELECT 0", "+OK")])
            .await;
        let ways: [&[(&str, &str)]; 9] = [
            &[("SORT f STORE k", ":1")],
            &[("SORT f BY nosort GET # STORE k", ":1")],
            &[("RENAME f k", "+OK")],
            &[("COPY f k REPLACE", ":1")],
            &[("DEL k", ":1"), ("RENAMENX f k", ":1")],
            &[("DEL k", ":1"), ("LMOVE f k LEFT RIGHT", "$1 1")],
            &[
                ("SELECT 1", "+OK"),
                ("DEL k", ":1"),
                ("RPUSH k 1", ":1"),
                ("SELECT 0", "+OK"),
                ("SWAPDB 0 1", "+OK"),
            ],
            &[
                ("MULTI", "+OK"),
                ("SORT f STORE k", "+QUEUED"),
                ("EXEC", "*1 :1"),
            ],
            &[
                ("MULTI", "+OK"),
                ("DEL k", "+QUEUED"),
                ("LPUSH k 1", "+QUEUED"),
                ("EXEC", "*2 :1 :1"),
            ],
        ];
        for way in ways {
            client.ask("SET k x", "+OK").await;
            client.line("DEL f").await;
            client.integer().await;
            client.ask("RPUSH f 1", ":1").await;
            client.script(way).await;
            waiter.sees("*2 $1 k $1 1").await;
            wait(&mut waiter, client, "BLPOP k 0").await;
        }
        // MOVE takes only a key that is not there.
        client
            .script(&[
                ("SET k x", "+OK"),
                ("DEL k", ":1"),
                ("SELECT 1", "+OK"),
                ("DEL k", ":1"),
                ("RPUSH k 1", ":1"),
                ("MOVE k 0", ":1"),
                ("SELECT 0", "+OK"),
            ])
            .await;
        waiter.sees("*2 $1 k $1 1").await;
    })
    .await;
}

#[tokio::test]
async fn client_unblock_ends_a_wait() {
    both(async |server, client| {
        let mut waiter = waiter(server, client, "BLPOP k j 0").await;
        let unblock = format!("CLIENT UNBLOCK {}", waiter.id);
        client.ask(&unblock, ":1").await;
        waiter.sees("*-1").await;
        client.ask(&unblock, ":0").await;
        wait(&mut waiter, client, "BLMOVE k j LEFT LEFT 0").await;
        client.ask(&format!("{unblock} timeout"), ":1").await;
        waiter.sees("*-1").await;
        wait(&mut waiter, client, "BLMPOP 0 1 k LEFT").await;
        client.ask(&format!("{unblock} ERROR"), ":1").await;
        let error = "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n";
        waiter.reads(error).await;
        // A push before it in the same EXEC has not served yet.
        wait(&mut waiter, client, "BLPOP k 0").await;
        client
            .script(&[("MULTI", "+OK"), ("RPUSH k a", "+QUEUED")])
            .await;
        client.ask(&unblock, "+QUEUED").await;
        client.ask(&unblock, "+QUEUED").await;
        client.ask("EXEC", "*3 :1 :1 :0").await;
        waiter.sees("*-1").await;
        client.ask("LRANGE k 0 -1", "*1 $1 a").await;
        // It waits for nothing any more.
        waiter.ask("BLPOP k 0", "*2 $1 k $1 a").await;
        client.ask("RPUSH j a", ":1").await;
        waiter.barrier().await;
        let reason = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
        client.error(&format!("{unblock} nosuch"), reason).await;
        assert_eq!(info(client, "blocked_clients").await, "0");
    })
    .await;
}

/// What a client sends while it waits is carried out when it waits no more, in order.
#[tokio::test]
async fn requests_behind_a_wait_wait_too() {
    both(async |server, client| {
        let mut waiter = Client::connect(server, client.protocol).await;
        let lines = [
            "BLPOP k 0",
            "SET x 1",
            "BLPOP none 0.001",
            "BRPOP k 0",
            "GET x",
            "BLPOP k 0",
        ];
        let requests = lines.map(|line| request(&line.split(' ').collect::<Vec<_>>()));
        waiter.send(requests.concat()).await;
        until_info(client, "blocked_clients", "1").await;
        // More of it, in pieces, while it waits.
        waiter.send("*2\r\n$3\r\nGET\r\n$1").await;
        client.ask("GET x", "_").await;
        client.ask("RPUSH k a", ":1").await;
        waiter.sees("*2 $1 k $1 a +OK *-1").await;
        client.ask("RPUSH k b c d", ":3").await;
        waiter.sees("*2 $1 k $1 d $1 1 *2 $1 k $1 b").await;
        waiter.send("\r\nx\r\n").await;
        waiter.sees("$1 1").await;
        client.ask("LRANGE k 0 -1", "*1 $1 c").await;
        // A large one, a part of which comes while it waits.
        let large = "x".repeat(300_000);
        let set = request(&["SET", "x", &large]);
        client.ask("DEL k", ":1").await;
        wait(&mut waiter, client, "BLPOP k 0").await;
        waiter.send(&set[..200_000]).await;
        client.ask("RPUSH k a", ":1").await;
        waiter.sees("*2 $1 k $1 a").await;
        waiter.send(&set[200_000..]).await;
        waiter.sees("+OK").await;
        client.line("GET x").await;
        assert!(client.text().await == large);
        // What is no request ends the connection, after what came before it.
        wait(&mut waiter, client, "BLPOP k 0").await;
        waiter.send("PING\r\n*1\r\n:1\r\n").await;
        client.ask("RPUSH k a", ":1").await;
        waiter.sees("*2 $1 k $1 a +PONG").await;
        waiter
            .reads("-ERR Protocol error: expected '$', got ':'\r\n")
            .await;
        waiter.closed().await;
    })
    .await;
}

/// What a waiter sends is held for it, but not without bounds.
#[tokio::test]
async fn a_waiter_that_sends_too_much_is_cut_off() {
    both(async |server, client| {
        client
            .ask("CONFIG SET client-query-buffer-limit 1mb", "+OK")
            .await;
        let mut waiter = waiter(server, client, "BLPOP k 0").await;
        let pings = request(&["PING"]).repeat(10_000);
        for _ in 0..1000 {
            if waiter.try_send(&pings).await.is_err() {
                break;
            }
        }
        until_info(client, "client_query_buffer_limit_disconnections", "1").await;
        until_info(client, "blocked_clients", "0").await;
        client
            .script(&[("RPUSH k a", ":1"), ("LLEN k", ":1")])
            .await;
    })
    .await;
}

/// A reply that breaks the limit of the waiter's outbox ends the waiter, but the element stays.
#[tokio::test]
async fn an_element_that_a_waiter_cannot_take_is_not_lost() {
    both(async |server, client| {
        let limits = ["client-output-buffer-limit", "normal 1mb 0 0"];
        client
            .command(&[&["CONFIG", "SET"], &limits[..]].concat())
            .await;
        client.sees("+OK").await;
        let mut first = waiter(server, client, "BLPOP k 0").await;
        let mut second = waiter(server, client, "BLPOP k 0").await;
        let mut third = waiter(server, client, "BLMOVE k j LEFT LEFT 0").await;
        let large = "x".repeat(2 * 1024 * 1024);
        client.command(&["RPUSH", "k", &large, "a", "b"]).await;
        client.sees(":3").await;
        for waiter in [&mut first, &mut second, &mut third] {
            waiter.closed().await;
        }
        until_info(client, "blocked_clients", "0").await;
        client.ask("EXISTS j", ":0").await;
        client
            .script(&[("RPOP k", "$1 b"), ("RPOP k", "$1 a")])
            .await;
        client.ask("LLEN k", ":1").await;
    })
    .await;
}

#[tokio::test]
async fn who_waits_is_shown() {
    both(async |server, client| {
        let mut waiter = waiter(server, client, "BLPOP k 0").await;
        let list = format!("CLIENT LIST ID {}", waiter.id);
        client.line(&list).await;
        let line = client.text().await;
        assert_eq!((field(&line, "flags"), field(&line, "cmd")), ("b", "blpop"));
        client.ask("RPUSH k a", ":1").await;
        waiter.sees("*2 $1 k $1 a").await;
        client.line(&list).await;
        assert_eq!(field(&client.text().await, "flags"), "N");
        assert_eq!(info(client, "blocked_clients").await, "0");
    })
    .await;
}

#[tokio::test]
async fn a_killed_waiter_takes_nothing() {
    both(async |server, client| {
        let mut killed = waiter(server, client, "BLPOP k 0").await;
        let mut next = waiter(server, client, "BLPOP k 0").await;
        client
            .ask(&format!("CLIENT KILL ID {}", killed.id), ":1")
            .await;
        client.ask("RPUSH k a", ":1").await;
        next.sees("*2 $1 k $1 a").await;
        killed.closed().await;
        // Nor if it is killed between the push and the end of the EXEC.
        wait(&mut next, client, "BLMOVE k j LEFT LEFT 0").await;
        client
            .script(&[("MULTI", "+OK"), ("RPUSH k a", "+QUEUED")])
            .await;
        client
            .ask(&format!("CLIENT KILL ID {}", next.id), "+QUEUED")
            .await;
        client.ask("EXEC", "*2 :1 :1").await;
        next.closed().await;
        client.ask("LRANGE k 0 -1", "*1 $1 a").await;
        assert_eq!(info(client, "blocked_clients").await, "0");
        // One that was served before it is killed has its element.
        let mut served = waiter(server, client, "BLPOP j 0").await;
        client
            .script(&[("RPUSH j a", ":1"), ("LLEN j", ":0")])
            .await;
        client
            .ask(&format!("CLIENT KILL ID {}", served.id), ":1")
            .await;
        served.sees("*2 $1 j $1 a").await;
        served.closed().await;
    })
    .await;
}

#[tokio::test]
async fn who_wants_no_reply_gets_none() {
    both(async |server, client| {
        let mut waiter = Client::connect(server, client.protocol).await;
        waiter.line("CLIENT REPLY OFF").await;
        wait(&mut waiter, client, "BLPOP k 0").await;
        waiter.line("BLPOP none 0.001").await;
        waiter.line("CLIENT REPLY ON").await;
        client.ask("RPUSH k a b", ":2").await;
        waiter.sees("+OK").await;
        client.ask("LPOP k", "$1 b").await;
        waiter.line("CLIENT REPLY SKIP").await;
        wait(&mut waiter, client, "BLPOP k 0").await;
        waiter.line("PING").await;
        client.ask("RPUSH k a", ":1").await;
        waiter.sees("+PONG").await;
        waiter.line("CLIENT REPLY SKIP").await;
        wait(&mut waiter, client, "BLPOP k 0").await;
        client
            .ask(&format!("CLIENT UNBLOCK {} ERROR", waiter.id), ":1")
            .await;
        waiter.barrier().await;
        client.ask("EXISTS k", ":0").await;
    })
    .await;
}

#[tokio::test]
async fn a_subscriber_that_waits_gets_its_messages() {
    both(async |server, client| {
        let mut waiter = Client::connect(server, client.protocol).await;
        waiter.subscribe("SUBSCRIBE", &["c"]).await;
        if client.protocol == 2 {
            let error = "ERR Can't execute 'blpop': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING \
                         / QUIT / RESET are allowed in this context";
            waiter.error("BLPOP k 0", error).await;
            return;
        }
        wait(&mut waiter, client, "BLPOP k 0").await;
        client.ask("PUBLISH c one", ":1").await;
        waiter.sees(">3 $7 message $1 c $3 one").await;
        client
            .script(&[("MULTI", "+OK"), ("PUBLISH c two", "+QUEUED")])
            .await;
        client
            .script(&[("RPUSH k a", "+QUEUED"), ("PUBLISH c three", "+QUEUED")])
            .await;
        client.ask("EXEC", "*3 :1 :1 :1").await;
        waiter
            .sees(">3 $7 message $1 c $3 two >3 $7 message $1 c $5 three")
            .await;
        waiter.sees("*2 $1 k $1 a").await;
    })
    .await;
}

/// Who waits is not idle. One sweep that has closed an idle client has looked at all others.
#[tokio::test]
async fn an_idle_timeout_spares_waiters() {
    let server = start_with(&[("timeout", "1")]).await;
    let mut client = Client::connect(&server, 3).await;
    let mut waiter = waiter(&server, &mut client, "BLPOP k 0").await;
    let mut idle = Client::connect(&server, 2).await;
    idle.closed().await;
    let mut client = Client::connect(&server, 3).await;
    client.ask("RPUSH k a", ":1").await;
    waiter.sees("*2 $1 k $1 a").await;
}

#[tokio::test]
async fn a_server_that_stops_ends_all_waits() {
    for how in ["stop", "shutdown", "drop"] {
        let server = start_with(&[("shutdown-timeout", "1000000")]).await;
        let mut client = Client::connect(&server, 3).await;
        let mut served = waiter(&server, &mut client, "BLPOP k 0").await;
        let mut waiters = Vec::new();
        for line in ["BLPOP k 0", "BLPOP k 1000000", "BLMOVE k j LEFT LEFT 0"] {
            waiters.push(waiter(&server, &mut client, line).await);
            // What is behind is not carried out any more.
            waiters.last_mut().expect("a waiter").line("PING").await;
        }
        client.ask("RPUSH k a", ":1").await;
        match how {
            "stop" => soon("stop", server.stop()).await,
            "shutdown" => {
                client.line("SHUTDOWN").await;
                soon("the request", server.shutdown_requested()).await;
                soon("stop", server.stop()).await;
            }
            _ => drop(server),
        }
        served.sees("*2 $1 k $1 a").await;
        served.closed().await;
        for waiter in &mut waiters {
            waiter.closed().await;
        }
    }
}

/// Whoever serves a waiter wakes it only if it has sent something since. What comes at the very
/// moment of the element is carried out all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_sent_while_an_element_comes_is_carried_out() {
    let server = start().await;
    let mut consumer = Client::connect(&server, 2).await;
    let mut producer = Client::connect(&server, 2).await;
    for _ in 0..3000 {
        consumer.line("BLPOP q 0").await;
        tokio::join!(producer.line("RPUSH q a"), consumer.line("ECHO b"));
        producer.integer().await;
        consumer.sees("*2 $1 q $1 a").await;
        consumer.sees("$1 b").await;
    }
}

/// Of an element, the end of the time and CLIENT UNBLOCK, which come at the same moment, a waiter is
/// answered with one: no element is lost, and no request is answered twice or never.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_wait_ends_once() {
    const CONSUMERS: usize = 6;
    const ELEMENTS: usize = 1500;
    let server = start().await;
    let received = Arc::new(AtomicUsize::new(0));
    let consumers = Arc::new(AtomicUsize::new(CONSUMERS));
    let mut tasks = JoinSet::new();
    let mut ids = Vec::new();
    for number in 0..CONSUMERS {
        let mut consumer = Client::connect(&server, 2 + (number % 2) as u8).await;
        ids.push(consumer.id);
        let (received, left) = (Arc::clone(&received), Arc::clone(&consumers));
        tasks.spawn(async move {
            let line = ["BLPOP q 0.001", "BLMPOP 0 1 q LEFT", "BRPOP q 0.002"][number % 3];
            let mut elements = Vec::new();
            while received.load(Relaxed) < ELEMENTS {
                consumer.line(line).await;
                match consumer.frame().await {
                    Frame::Null => {}
                    Frame::Array { mut data, .. } => {
                        elements.push(format!("{:?}", data.pop()));
                        received.fetch_add(1, Relaxed);
                    }
                    other => panic!("{other:?} for an element"),
                }
            }
            consumer.barrier().await;
            left.fetch_sub(1, Relaxed);
            elements
        });
    }
    let mut unblocker = Client::connect(&server, 2).await;
    let left = Arc::clone(&consumers);
    tasks.spawn(async move {
        while left.load(Relaxed) > 0 {
            for id in &ids {
                unblocker.line(&format!("CLIENT UNBLOCK {id}")).await;
                assert!(unblocker.integer().await <= 1);
            }
        }
        Vec::new()
    });
    let mut producer = Client::connect(&server, 3).await;
    for number in 0..ELEMENTS {
        producer.line(&format!("RPUSH q {number}")).await;
        producer.integer().await;
        tokio::task::yield_now().await;
    }
    let mut elements = Vec::new();
    while let Some(taken) = soon("the consumers", tasks.join_next()).await {
        elements.extend(taken.expect("no panic"));
    }
    assert_eq!(elements.len(), ELEMENTS);
    elements.sort_unstable();
    elements.dedup();
    assert_eq!(elements.len(), ELEMENTS, "an element came twice");
    producer.ask("EXISTS q", ":0").await;
}
