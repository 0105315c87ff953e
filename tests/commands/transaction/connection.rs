//! What a transaction is to its own connection: its replies and its messages, and its end.

use crate::common::client::{Client, Frame};
use crate::common::wire::{in_protocol, lines, request};
use crate::common::{both, eventually, field, until_info};
use redis_protocol::resp3::types::Resp3Frame;

#[tokio::test]
async fn the_transaction_shows_until_its_end() {
    both(async |_, client| {
        client
            .script(&[("MULTI", "+OK"), ("CLIENT INFO", "+QUEUED")])
            .await;
        client.ask("PING", "+QUEUED").await;
        client.line("EXEC").await;
        let Frame::Array { data, .. } = client.frame().await else {
            panic!("no array");
        };
        let during = data[0].as_str().expect("a line");
        client.line("CLIENT INFO").await;
        let after = client.text().await;
        let shown = |line| ["flags", "multi", "cmd"].map(|name| field(line, name));
        assert_eq!(shown(during), ["x", "2", "exec"]);
        assert_eq!(shown(&after), ["N", "-1", "client|info"]);
    })
    .await;
}

#[tokio::test]
async fn an_exec_answers_before_its_messages() {
    both(async |server, client| {
        let mut other = Client::connect(server, client.protocol).await;
        other.subscribe("PSUBSCRIBE", &["*"]).await;
        let confirmations = ">3 $9 subscribe $1 c :1 >3 $9 subscribe $1 d :2";
        client
            .script(&[("MULTI", "+OK"), ("PUBLISH c early", "+QUEUED")])
            .await;
        client
            .script(&[("SUBSCRIBE c d", "+QUEUED"), ("PUBLISH c one", "+QUEUED")])
            .await;
        client
            .script(&[("PUBLISH d two", "+QUEUED"), ("PING", "+QUEUED")])
            .await;
        // Confirmations are what SUBSCRIBE answers: they stay where they belong.
        let pong = if client.protocol == 2 {
            "*2 $4 pong $0 "
        } else {
            "+PONG"
        };
        client
            .ask("EXEC", &format!("*5 :1 {confirmations} :2 :2 {pong}"))
            .await;
        client
            .sees(">3 $7 message $1 c $3 one >3 $7 message $1 d $3 two")
            .await;
        for (channel, payload) in [("c", "early"), ("c", "one"), ("d", "two")] {
            assert_eq!(other.push().await[2..], [channel, payload]);
        }
        if client.protocol == 2 {
            return;
        }
        // One that had subscribed before, and leaves in between.
        client
            .script(&[("MULTI", "+OK"), ("PUBLISH c three", "+QUEUED")])
            .await;
        client
            .script(&[("UNSUBSCRIBE c", "+QUEUED"), ("PUBLISH c four", "+QUEUED")])
            .await;
        client
            .script(&[("PUBLISH d five", "+QUEUED"), ("SPUBLISH d six", "+QUEUED")])
            .await;
        client
            .ask("EXEC", "*5 :2 >3 $11 unsubscribe $1 c :1 :1 :2 :0")
            .await;
        client
            .sees(">3 $7 message $1 c $5 three >3 $7 message $1 d $4 five")
            .await;
        client.barrier().await;
        for payload in ["three", "four", "five"] {
            assert_eq!(other.push().await[3], payload);
        }
        // Large ones, which are not copied, keep their place as well.
        let large = "x".repeat(100_000);
        client
            .script(&[("MULTI", "+OK"), ("PUBLISH d eight", "+QUEUED")])
            .await;
        client.command(&["PUBLISH", "d", &large]).await;
        client.script(&[("PUBLISH d nine", "+QUEUED")]).await;
        client.ask("EXEC", "+QUEUED *3 :2 :2 :2").await;
        for payload in ["eight", &large, "nine"] {
            assert!(client.push().await[2] == payload);
            assert!(other.push().await[3] == payload);
        }
        // A message of somebody else comes behind what is there.
        assert_eq!(server.publish("d", "seven"), 2);
        client.sees(">3 $7 message $1 d $5 seven").await;
    })
    .await;
}

/// However long its reply is, the messages come after it.
#[tokio::test]
async fn a_long_exec_answers_before_its_messages() {
    both(async |server, client| {
        const RANGES: usize = 40;
        let element = "x".repeat(1000);
        let push = [&["RPUSH", "l"], &[element.as_str(); 200][..]].concat();
        client.command(&push).await;
        client.sees(":200").await;
        let mut other = Client::connect(server, client.protocol).await;
        other.subscribe("SUBSCRIBE", &["c"]).await;
        // In RESP3 it hears itself.
        let hears = client.protocol == 3;
        let begin = if hears {
            "SUBSCRIBE c"
        } else {
            "UNSUBSCRIBE c"
        };
        client.script(&[("MULTI", "+OK"), (begin, "+QUEUED")]).await;
        for _ in 0..RANGES {
            client
                .script(&[("PUBLISH c m", "+QUEUED"), ("LRANGE l 0 -1", "+QUEUED")])
                .await;
        }
        client.ask("EXEC", &format!("*{}", 1 + 2 * RANGES)).await;
        let (confirmation, receivers) = if hears {
            (">3 $9 subscribe $1 c :1", ":2")
        } else {
            (">3 $11 unsubscribe $1 c :0", ":1")
        };
        client.sees(confirmation).await;
        let range = format!("*200{}", format!(" $1000 {element}").repeat(200));
        for _ in 0..RANGES {
            client.sees(receivers).await;
            client.sees(&range).await;
        }
        let message = ">3 $7 message $1 c $1 m";
        for _ in 0..RANGES {
            other.sees(message).await;
            if hears {
                client.sees(message).await;
            }
        }
        client.barrier().await;
        other.barrier().await;
    })
    .await;
}

#[tokio::test]
async fn clients_are_killed_from_an_exec() {
    both(async |server, client| {
        let mut subscriber = Client::connect(server, client.protocol).await;
        subscriber.subscribe("SUBSCRIBE", &["c"]).await;
        let mut inside = Client::connect(server, client.protocol).await;
        inside
            .script(&[("WATCH v", "+OK"), ("MULTI", "+OK"), ("SET v 1", "+QUEUED")])
            .await;
        client
            .script(&[("MULTI", "+OK"), ("PUBLISH c one", "+QUEUED")])
            .await;
        for id in [subscriber.id, inside.id, 99] {
            client.ask(&format!("CLIENT KILL ID {id}"), "+QUEUED").await;
        }
        client
            .script(&[("PUBLISH c two", "+QUEUED"), ("SET v 2", "+QUEUED")])
            .await;
        client.ask("EXEC", "*6 :1 :1 :1 :0 :0 +OK").await;
        // What it was sent before it was killed may come.
        let one = in_protocol(client.protocol, &lines(">3 $7 message $1 c $3 one"));
        assert_eq!(subscriber.rest().await, one);
        inside.closed().await;
        // Itself: the reply comes whole, and nothing after it is carried out.
        client
            .script(&[("MULTI", "+OK"), ("SET a 1", "+QUEUED")])
            .await;
        client
            .ask(
                &format!("CLIENT KILL ID {} SKIPME no", client.id),
                "+QUEUED",
            )
            .await;
        client.ask("SET b 1", "+QUEUED").await;
        client.send(request(&["EXEC"])).await;
        client.line("SET c 1").await;
        client.sees("*3 +OK :1 +OK").await;
        client.closed().await;
        let mut client = Client::connect(server, client.protocol).await;
        client
            .script(&[("GET v", "$1 2"), ("EXISTS a b c", ":2")])
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_transaction_ends_with_its_connection() {
    both(async |server, client| {
        for end in ["QUIT", "RESET", "HANG UP", "KILL"] {
            let mut inside = Client::connect(server, client.protocol).await;
            inside
                .script(&[("WATCH w", "+OK"), ("MULTI", "+OK"), ("SET k 1", "+QUEUED")])
                .await;
            match end {
                "QUIT" => {
                    inside.ask("QUIT", "+OK").await;
                    inside.closed().await;
                }
                "RESET" => {
                    client.ask("SET w 1", "+OK").await;
                    inside.ask("RESET", "+RESET").await;
                    inside.protocol = 2;
                    // Neither the commands nor the watching are left.
                    inside
                        .script(&[("EXEC", "-ERR EXEC without MULTI"), ("MULTI", "+OK")])
                        .await;
                    inside.ask("EXEC", "*0").await;
                }
                "KILL" => {
                    client
                        .ask(&format!("CLIENT KILL ID {}", inside.id), ":1")
                        .await
                }
                _ => {}
            }
            drop(inside);
            eventually("it is gone", || server.client_count() == 1).await;
            client
                .script(&[("EXISTS k", ":0"), ("SET w 2", "+OK")])
                .await;
        }
    })
    .await;
}

#[tokio::test]
async fn queued_commands_count_as_the_clients_input() {
    both(async |server, client| {
        client
            .ask("CONFIG SET client-query-buffer-limit 1mb", "+OK")
            .await;
        let set = request(&["SET", "k", &"x".repeat(100_000)]);
        let mut modest = Client::connect(server, client.protocol).await;
        for _ in 0..3 {
            modest.ask("MULTI", "+OK").await;
            for _ in 0..9 {
                modest.send(&set).await;
                modest.sees("+QUEUED").await;
            }
            modest
                .ask("EXEC", "*9 +OK +OK +OK +OK +OK +OK +OK +OK +OK")
                .await;
        }
        let mut greedy = Client::connect(server, client.protocol).await;
        greedy.ask("MULTI", "+OK").await;
        for _ in 0..10 {
            greedy.send(&set).await;
            greedy.sees("+QUEUED").await;
        }
        greedy.send(&set).await;
        greedy.rest().await;
        until_info(client, "client_query_buffer_limit_disconnections", "1").await;
        modest.barrier().await;
        // Of small commands, what is kept beside their bytes counts, too.
        let mut greedy = Client::connect(server, client.protocol).await;
        greedy.ask("MULTI", "+OK").await;
        let pings = request(&["PING"]).repeat(1000);
        for _ in 0..1000 {
            if greedy.try_send(&pings).await.is_err() {
                break;
            }
        }
        until_info(client, "client_query_buffer_limit_disconnections", "2").await;
    })
    .await;
}
