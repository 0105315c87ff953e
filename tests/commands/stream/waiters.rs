//! Clients that wait for entries: who gets them, and what ends a wait. Where Redis 7.2 differs from 7.0, it is 7.2.

use super::{FIVE, WRONG_TYPE, add, streams};
use crate::commands::blocking::waiter;
use crate::common::client::Client;
use crate::common::{both, info, until_info};

const NO_GROUP: &str =
    "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option";

/// Reads an error's whole text.
async fn fails(client: &mut Client, text: &str) {
    client.expect(format!("{text}\r\n")).await;
}

#[tokio::test]
async fn one_entry_answers_all_readers_and_stays() {
    both(async |server, client| {
        let mut readers = Vec::new();
        for line in [
            "XREAD BLOCK 0 STREAMS s $",
            "XREAD BLOCK 0 STREAMS t s 0 0-0",
            "XREAD COUNT 1 BLOCK 100000 STREAMS s 0",
        ] {
            readers.push(waiter(server, client, line).await);
        }
        add(client, "s", &FIVE[..1]).await;
        for reader in &mut readers {
            reader.sees(&streams(client, &[("s", &FIVE[..1])])).await;
        }
        client.ask("XLEN s", ":1").await;
        // `$` is what it was when the command came.
        let mut late = waiter(server, client, "XREAD BLOCK 0 STREAMS s $").await;
        client.ask("XDEL s 1-1", ":1").await;
        add(client, "s", &FIVE[1..2]).await;
        late.sees(&streams(client, &[("s", &FIVE[1..2])])).await;
    })
    .await;
}

#[tokio::test]
async fn a_transaction_is_read_as_a_whole() {
    both(async |server, client| {
        let mut both_streams = waiter(server, client, "XREAD BLOCK 0 STREAMS s t $ $").await;
        let mut twice = waiter(server, client, "XREAD BLOCK 0 STREAMS s s $ 1-1").await;
        let queued = "+QUEUED";
        client
            .script(&[
                ("MULTI", "+OK"),
                ("XADD t 1-1 f x", queued),
                ("XADD s 1-1 f a", queued),
                ("XADD s 1-2 f b", queued),
                ("EXEC", "*3 $3 1-1 $3 1-1 $3 1-2"),
            ])
            .await;
        let all = streams(client, &[("s", &FIVE[..2]), ("t", &[("1-1", "x")])]);
        both_streams.sees(&all).await;
        let all = streams(client, &[("s", &FIVE[..2]), ("s", &FIVE[1..2])]);
        twice.sees(&all).await;
        // What is gone before the end was never there.
        let mut reader = waiter(server, client, "XREAD BLOCK 0 STREAMS s $").await;
        client
            .script(&[
                ("MULTI", "+OK"),
                ("XADD s 2-0 f x", queued),
                ("XDEL s 2-0", queued),
                ("EXEC", "*2 $3 2-0 :1"),
            ])
            .await;
        assert_eq!(info(client, "blocked_clients").await, "1");
        add(client, "s", &FIVE[2..3]).await;
        reader.sees(&streams(client, &[("s", &FIVE[2..3])])).await;
    })
    .await;
}

#[tokio::test]
async fn readers_wait_on_without_a_stream() {
    both(async |server, client| {
        add(client, "s", &FIVE[..2]).await;
        let mut reader = waiter(server, client, "XREAD BLOCK 0 STREAMS s 1-1000").await;
        client
            .script(&[
                ("DEL s", ":1"),
                ("SET s x", "+OK"),
                ("DEL s", ":1"),
                ("RPUSH s x", ":1"),
                ("DEL s", ":1"),
                ("XADD s 1-5 f v", "$3 1-5"),
                ("FLUSHALL", "+OK"),
            ])
            .await;
        add(client, "t", &FIVE[2..3]).await;
        assert_eq!(info(client, "blocked_clients").await, "1");
        client.ask("RENAME t s", "+OK").await;
        reader.sees(&streams(client, &[("s", &FIVE[2..3])])).await;
    })
    .await;
}

#[tokio::test]
async fn one_consumer_of_each_group_gets_an_entry() {
    both(async |server, client| {
        client.ask("XGROUP CREATE s g $ MKSTREAM", "+OK").await;
        client.ask("XGROUP CREATE s h $", "+OK").await;
        let mut consumers = Vec::new();
        for (group, consumer) in [("g", "a"), ("g", "b"), ("h", "c"), ("h", "d")] {
            let line = format!("XREADGROUP GROUP {group} {consumer} BLOCK 0 STREAMS s >");
            consumers.push(waiter(server, client, &line).await);
        }
        for (index, served) in [[0, 2], [1, 3]].into_iter().enumerate() {
            let new = &FIVE[index..=index];
            add(client, "s", new).await;
            for consumer in served {
                consumers[consumer]
                    .sees(&streams(client, &[("s", new)]))
                    .await;
            }
        }
        client
            .script(&[
                (
                    "XPENDING s g",
                    "*4 :2 $3 1-1 $3 1-2 *2 *2 $1 a $1 1 *2 $1 b $1 1",
                ),
                (
                    "XPENDING s h",
                    "*4 :2 $3 1-1 $3 1-2 *2 *2 $1 c $1 1 *2 $1 d $1 1",
                ),
            ])
            .await;
        // The first takes all there is, unless it asks for fewer.
        let one = "XREADGROUP GROUP g a COUNT 1 BLOCK 0 STREAMS s >";
        let mut first = waiter(server, client, one).await;
        let all = "XREADGROUP GROUP g b NOACK BLOCK 0 STREAMS s >";
        let mut second = waiter(server, client, all).await;
        client.ask("MULTI", "+OK").await;
        for (id, value) in &FIVE[2..] {
            client
                .ask(&format!("XADD s {id} f {value}"), "+QUEUED")
                .await;
        }
        client.ask("EXEC", "*3 $3 2-1 $3 3-0 $3 3-5").await;
        first.sees(&streams(client, &[("s", &FIVE[2..3])])).await;
        second.sees(&streams(client, &[("s", &FIVE[3..])])).await;
        let pending = "*4 :3 $3 1-1 $3 2-1 *2 *2 $1 a $1 2 *2 $1 b $1 1";
        client.ask("XPENDING s g", pending).await;
    })
    .await;
}

/// A consumer of a group that goes away is told, with the error that the command gives now.
#[tokio::test]
async fn consumers_learn_that_their_group_is_gone() {
    both(async |server, client| {
        for (line, reply, error) in [
            ("XGROUP DESTROY s g", ":1", NO_GROUP),
            ("DEL s", ":1", NO_GROUP),
            ("UNLINK s", ":1", NO_GROUP),
            ("FLUSHALL", "+OK", NO_GROUP),
            ("RENAME s other", "+OK", NO_GROUP),
            ("EXPIRE s -1", ":1", NO_GROUP),
            ("SET s x", "+OK", WRONG_TYPE),
            ("RENAME list s", "+OK", WRONG_TYPE),
            ("COPY other s REPLACE", ":1", NO_GROUP),
        ] {
            client.line("DEL s list other").await;
            client.integer().await;
            client
                .script(&[
                    ("XGROUP CREATE s g $ MKSTREAM", "+OK"),
                    ("XGROUP CREATE s h $", "+OK"),
                    ("RPUSH list x", ":1"),
                    ("XADD other 1-1 f v", "$3 1-1"),
                ])
                .await;
            let of_group = "XREADGROUP GROUP g c BLOCK 0 STREAMS s >";
            let mut consumer = waiter(server, client, of_group).await;
            let mut silent = waiter(server, client, "XREAD BLOCK 0 STREAMS none $").await;
            client.ask(line, reply).await;
            fails(&mut consumer, error).await;
            silent.line("QUIT").await;
            until_info(client, "blocked_clients", "1").await;
            drop(silent);
            until_info(client, "blocked_clients", "0").await;
        }
        assert!(info(client, "errorstat_NOGROUP").await.contains("count="));
    })
    .await;
}

#[tokio::test]
async fn a_wait_for_entries_ends_like_any_other() {
    both(async |server, client| {
        client.ask("XGROUP CREATE s g $ MKSTREAM", "+OK").await;
        for line in [
            "XREAD BLOCK 0 STREAMS s $",
            "XREADGROUP GROUP g c BLOCK 0 STREAMS s >",
        ] {
            let mut waits = waiter(server, client, line).await;
            client
                .ask(&format!("CLIENT UNBLOCK {}", waits.id), ":1")
                .await;
            waits.sees("*-1").await;
            let mut waits = waiter(server, client, line).await;
            client
                .ask(&format!("CLIENT UNBLOCK {} ERROR", waits.id), ":1")
                .await;
            fails(&mut waits, "-UNBLOCKED client unblocked via CLIENT UNBLOCK").await;
            // In a transaction nobody waits.
            client
                .script(&[("MULTI", "+OK"), (line, "+QUEUED"), ("EXEC", "*1 *-1")])
                .await;
        }
        client.ask("XREAD BLOCK 1 STREAMS s $", "*-1").await;
        client
            .ask("XREADGROUP GROUP g c BLOCK 1 STREAMS s >", "*-1")
            .await;
    })
    .await;
}

/// Of many waiters of two groups, one of each is served, in the order in which they came; who reads
/// without a group comes between them.
#[tokio::test]
async fn groups_are_served_beside_each_other() {
    both(async |server, client| {
        client.ask("XGROUP CREATE s g $ MKSTREAM", "+OK").await;
        client.ask("XGROUP CREATE s h $", "+OK").await;
        let mut waiters = Vec::new();
        for number in 0..12 {
            let line = match number % 4 {
                0 => "XREADGROUP GROUP g c BLOCK 0 STREAMS s >",
                1 => "XREAD BLOCK 0 STREAMS s $",
                2 => "XREADGROUP GROUP g c COUNT 1 BLOCK 0 STREAMS s >",
                _ => "XREADGROUP GROUP h c BLOCK 0 STREAMS s >",
            };
            waiters.push((number, waiter(server, client, line).await));
        }
        for (round, new) in FIVE.iter().take(3).enumerate() {
            add(client, "s", &[*new]).await;
            let expected = streams(client, &[("s", &[*new])]);
            // The readers are all served by the first entry.
            let mut served = vec![[0, 2, 4][round], [3, 7, 11][round]];
            if round == 0 {
                served.extend([1, 5, 9]);
            }
            for number in served {
                let place = waiters.iter().position(|(own, _)| *own == number);
                let (_, mut waiter) = waiters.remove(place.expect("it waits"));
                waiter.sees(&expected).await;
            }
            let left = waiters.len().to_string();
            assert_eq!(info(client, "blocked_clients").await, left);
        }
    })
    .await;
}
