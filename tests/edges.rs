//! Edges: fanfare with `upstream`, on a fanfare and on a redis-server as the hub.
//!
//! The tests that need redis-server are ignored by default; `.ci/run` runs them.

#[path = "tls/certificates.rs"]
#[allow(dead_code)]
mod certificates;
mod common;
mod edges {
    pub mod hub;
    pub mod loss;
    pub mod settings;
    pub mod subscriptions;
}

use common::client::Client;
use common::info;
use edges::hub::{Hub, edge, is_up};
use edges::loss::a_hub_that_refuses_transactions_is_of_no_use;
use edges::subscriptions::*;

/// Runs a test on a redis-server and on a fanfare as the hub.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod on_fanfare {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::Hub::fanfare().await).await;
            }
        )*}
        mod on_redis {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs redis-server on PATH; .ci/run runs it"]
            async fn $name() {
                super::$name(super::Hub::redis().await).await;
            }
        )*}
    };
}

on_both! {
    messages_go_everywhere_and_receivers_are_counted
    patterns_overlap_and_nothing_comes_twice
    shard_channels_are_apart
    a_confirmed_subscription_misses_nothing
    all_subscribers_see_one_order
    a_publisher_gets_its_replies_in_order
    a_transaction_of_publishes_is_one
    names_and_payloads_are_any_bytes
    questions_are_answered_by_the_hub
    a_tree_of_edges_is_one_server
    a_refused_channel_is_refused_alone
    a_kept_subscriber_is_closed_if_its_channel_is_refused
    idle_names_are_given_up
    subscriptions_come_and_go_under_load
    clients_cannot_disturb_the_probe
    the_hubs_output_limit_is_a_loss
    a_hub_that_refuses_transactions_is_of_no_use
}

async fn messages_go_everywhere_and_receivers_are_counted(hub: Hub) {
    let (one, two) = (hub.edge(&[]).await, hub.edge(&[]).await);
    let mut direct = hub.client(3).await;
    let mut publisher = Client::connect(&one, 3).await;
    publisher.ask("PUBLISH c nobody", ":0").await;

    let mut here = Client::connect(&one, 3).await;
    let mut also_here = Client::connect(&one, 2).await;
    let mut there = Client::connect(&two, 3).await;
    for client in [&mut here, &mut also_here, &mut there] {
        client.subscribe("SUBSCRIBE", &["c"]).await;
    }
    // The two here, and the other edge, which counts once.
    publisher.ask("PUBLISH c hello", ":3").await;
    // Each edge counts once.
    direct.ask("PUBLISH c direct", ":2").await;
    let mut elsewhere = hub.client(3).await;
    elsewhere.subscribe("SUBSCRIBE", &["c"]).await;
    publisher.ask("PUBLISH c again", ":4").await;
    for client in [&mut here, &mut also_here, &mut there] {
        for payload in ["hello", "direct", "again"] {
            assert_eq!(client.push().await[1..], ["c", payload]);
        }
        client.barrier().await;
    }
    assert_eq!(elsewhere.push().await[2], "again");
}

async fn patterns_overlap_and_nothing_comes_twice(hub: Hub) {
    let edge = hub.edge(&[]).await;
    let mut client = Client::connect(&edge, 3).await;
    client.subscribe("SUBSCRIBE", &["news"]).await;
    client.subscribe("PSUBSCRIBE", &["n*", "*s"]).await;
    let mut other = Client::connect(&edge, 3).await;
    other.subscribe("PSUBSCRIBE", &["n*"]).await;
    let mut publisher = Client::connect(&edge, 3).await;
    publisher.ask("PUBLISH news x", ":4").await;
    assert_eq!(client.push().await[..], ["message", "news", "x"]);
    let mut patterns = Vec::new();
    for _ in 0..2 {
        let push = client.push().await;
        assert_eq!(push[2..], ["news", "x"]);
        patterns.push(push[1].clone());
    }
    patterns.sort();
    assert_eq!(patterns, ["*s", "n*"]);
    assert_eq!(other.push().await[..], ["pmessage", "n*", "news", "x"]);
    client.barrier().await;
    other.barrier().await;
}

async fn shard_channels_are_apart(hub: Hub) {
    let edge = hub.edge(&[]).await;
    let mut client = Client::connect(&edge, 3).await;
    client.subscribe("SSUBSCRIBE", &["s"]).await;
    let mut publisher = Client::connect(&edge, 3).await;
    publisher.ask("PUBLISH s x", ":0").await;
    publisher.ask("SPUBLISH s y", ":1").await;
    assert_eq!(client.push().await[..], ["smessage", "s", "y"]);
    client
        .ask("SUNSUBSCRIBE s", ">3 $12 sunsubscribe $1 s :0")
        .await;
    publisher.ask("SPUBLISH s z", ":0").await;
}

/// Publishers on different edges and on the hub, and one sequence for every subscriber.
async fn all_subscribers_see_one_order(hub: Hub) {
    const MESSAGES: usize = 300;
    let edges = [
        hub.edge(&[]).await,
        hub.edge(&[]).await,
        hub.edge(&[]).await,
    ];
    let mut subscribers = vec![hub.client(3).await];
    let mut publishers = vec![hub.client(3).await];
    for edge in &edges {
        subscribers.push(Client::connect(edge, 3).await);
        subscribers.push(Client::connect(edge, 2).await);
        publishers.push(Client::connect(edge, 3).await);
    }
    for subscriber in &mut subscribers {
        subscriber.subscribe("SUBSCRIBE", &["c"]).await;
    }
    let count = publishers.len() * MESSAGES;
    let mut tasks = Vec::new();
    for (number, mut publisher) in publishers.into_iter().enumerate() {
        tasks.push(tokio::spawn(async move {
            for start in (0..MESSAGES).step_by(10) {
                for message in start..start + 10 {
                    publisher
                        .line(&format!("PUBLISH c {number}:{message}"))
                        .await;
                }
                for _ in 0..10 {
                    publisher.integer().await;
                }
            }
        }));
    }
    let mut sequences = Vec::new();
    for mut subscriber in subscribers {
        let mut sequence = Vec::new();
        for _ in 0..count {
            sequence.push(subscriber.push().await[2].clone());
        }
        sequences.push(sequence);
    }
    for task in tasks {
        task.await.expect("a publisher");
    }
    assert!(sequences.iter().all(|other| *other == sequences[0]));
}

async fn a_publisher_gets_its_replies_in_order(hub: Hub) {
    let edge = hub.edge(&[]).await;
    let mut client = Client::connect(&edge, 3).await;
    client.subscribe("SUBSCRIBE", &["own"]).await;
    client
        .send(
            b"PING 1\r\nPUBLISH own a\r\nPUBLISH other b\r\nPUBLISH\r\nPING 2\r\nPUBLISH own c\r\n",
        )
        .await;
    // The client is its own subscriber: the replies of a run come before its messages.
    client.sees("$1 1 :1 :0").await;
    let mut rest = Vec::new();
    while rest.len() < 5 {
        rest.push(client.frame().await);
    }
    let shown: Vec<String> = rest.iter().map(|frame| format!("{frame:?}")).collect();
    let place = |text: &str| shown.iter().position(|frame| frame.contains(text));
    assert!(
        place("wrong number of arguments") < place("b\"2\""),
        "{shown:?}"
    );
    assert!(place("b\"a\"") < place("b\"c\""), "{shown:?}");

    let mut silent = Client::connect(&edge, 3).await;
    silent
        .send(b"CLIENT REPLY SKIP\r\nPUBLISH own d\r\nPUBLISH own e\r\n* x\r\n")
        .await;
    silent
        .expect(b":1\r\n-ERR Protocol error: invalid multibulk length\r\n")
        .await;
    silent.closed().await;
    assert_eq!(client.push().await[2], "d");
    assert_eq!(client.push().await[2], "e");
}

async fn a_transaction_of_publishes_is_one(hub: Hub) {
    let edge = hub.edge(&[]).await;
    let mut client = Client::connect(&edge, 3).await;
    client.subscribe("SUBSCRIBE", &["a", "b"]).await;
    let exec = "EXEC";
    for line in [
        "MULTI",
        "PUBLISH a 1",
        "PING",
        "PUBLISH b 2",
        "PUBLISH none 3",
    ] {
        client.line(line).await;
    }
    client.sees("+OK +QUEUED +QUEUED +QUEUED +QUEUED").await;
    client.ask(exec, "*4 :1 +PONG :1 :0").await;
    assert_eq!(client.push().await[1..], ["a", "1"]);
    assert_eq!(client.push().await[1..], ["b", "2"]);
    for line in ["MULTI", "SUBSCRIBE x", "PUBSUB NUMPAT"] {
        client.line(line).await;
    }
    client.sees("+OK +QUEUED +QUEUED").await;
    client.line(exec).await;
    let error = "-ERR this command isn't allowed in a transaction behind an upstream\r\n";
    client.expect(format!("*2\r\n{error}{error}")).await;
    client.barrier().await;
}

/// Sets the hub's output limit for subscribers, the edges among them.
async fn limit_output(hub: &Hub, limit: &str) {
    let mut admin = hub.client(3).await;
    admin
        .command(&["CONFIG", "SET", "client-output-buffer-limit", limit])
        .await;
    admin.sees("+OK").await;
}

async fn names_and_payloads_are_any_bytes(hub: Hub) {
    let unlimited = "pubsub 0 0 0";
    limit_output(&hub, unlimited).await;
    let settings = [("client-output-buffer-limit", unlimited)];
    let edge = hub.edge(&settings).await;
    let mut client = Client::connect(&edge, 3).await;
    let name: Vec<u8> = (0..=255).collect();
    client.command(&[&b"SUBSCRIBE"[..], &name]).await;
    assert_eq!(client.push().await[1], name);
    let mut publisher = Client::connect(&edge, 3).await;
    for length in [0, 1, 1024, 1025, 100_000, 64 << 20] {
        let payload: Vec<u8> = (0..length).map(|place| (place % 251) as u8).collect();
        publisher.command(&[&b"PUBLISH"[..], &name, &payload]).await;
        assert_eq!(publisher.integer().await, 1);
        let push = client.push().await;
        assert!(push[1] == name && push[2] == payload, "{length} bytes");
    }
}

async fn questions_are_answered_by_the_hub(hub: Hub) {
    let (one, two) = (hub.edge(&[]).await, hub.edge(&[]).await);
    let mut client = Client::connect(&one, 3).await;
    let mut there = Client::connect(&two, 3).await;
    client.subscribe("SUBSCRIBE", &["a"]).await;
    client.subscribe("PSUBSCRIBE", &["a*", "b*"]).await;
    there.subscribe("SUBSCRIBE", &["a"]).await;
    there.subscribe("PSUBSCRIBE", &["a*"]).await;
    there.subscribe("SSUBSCRIBE", &["s"]).await;
    client.ask("PUBSUB CHANNELS", "*1 $1 a").await;
    client.ask("PUBSUB CHANNELS x*", "*0").await;
    client.ask("PUBSUB SHARDCHANNELS", "*1 $1 s").await;
    client.ask("PUBSUB NUMPAT", ":2").await;
    client.ask("PUBSUB NUMSUB a b", "*4 $1 a :2 $1 b :0").await;
    client.ask("PUBSUB SHARDNUMSUB s", "*2 $1 s :1").await;
}

async fn a_tree_of_edges_is_one_server(hub: Hub) {
    let middle = hub.edge(&[]).await;
    let leaf = edge(&middle.url(), &[]).await;
    let mut client = Client::connect(&leaf, 3).await;
    client.subscribe("SUBSCRIBE", &["c"]).await;
    client.subscribe("PSUBSCRIBE", &["c*"]).await;
    let mut direct = hub.client(3).await;
    direct.ask("PUBLISH c 1", ":2").await;
    let mut publisher = Client::connect(&leaf, 3).await;
    publisher.ask("PUBLISH c 2", ":2").await;
    let mut publisher = Client::connect(&middle, 3).await;
    publisher.ask("PUBLISH c 3", ":2").await;
    for payload in ["1", "2", "3"] {
        assert_eq!(client.push().await[1..], ["c", payload]);
        assert_eq!(client.push().await[1..], ["c*", "c", payload]);
    }
    let chain = info(&mut publisher, "upstream_chain").await;
    assert_eq!(chain.split(',').count(), 1);
    let mut publisher = Client::connect(&leaf, 3).await;
    assert!(
        info(&mut publisher, "upstream_chain")
            .await
            .ends_with(&chain)
    );
}

async fn clients_cannot_disturb_the_probe(hub: Hub) {
    let edge = hub.edge(&[]).await;
    let mut client = Client::connect(&edge, 3).await;
    let probe = format!("fanfare:probe:{}", info(&mut client, "run_id").await);
    client
        .error(
            &format!("SUBSCRIBE a {probe}"),
            "ERR this channel is for the server's own probes of its upstream",
        )
        .await;
    client
        .error(
            &format!("PUBLISH {probe} x"),
            "ERR the upstreams form a loop: a probe has come back to the server that has sent it",
        )
        .await;
    // A pattern shows them at the hub, and not at an edge.
    client.subscribe("PSUBSCRIBE", &["fanfare:*"]).await;
    let mut direct = hub.client(3).await;
    direct.subscribe("PSUBSCRIBE", &["fanfare:*"]).await;
    for _ in 0..2 {
        assert_eq!(direct.push().await[2], probe);
    }
    let mut publisher = hub.client(3).await;
    publisher.ask("PUBLISH fanfare:x y", ":2").await;
    assert_eq!(client.push().await[2], "fanfare:x");
    let mut observer = Client::connect(&edge, 3).await;
    assert_eq!(info(&mut observer, "upstream_losses").await, "0");
}

/// A hub that closes the connection because an edge is too slow for its limit is lost like any other.
async fn the_hubs_output_limit_is_a_loss(hub: Hub) {
    limit_output(&hub, "pubsub 1mb 0 0").await;
    let edge = hub.edge(&[]).await;
    let mut subscriber = Client::connect(&edge, 3).await;
    subscriber.subscribe("SUBSCRIBE", &["c"]).await;
    let mut publisher = Client::connect(&edge, 3).await;
    let payload = vec![b'x'; 16 << 20];
    publisher.command(&[&b"PUBLISH"[..], b"c", &payload]).await;
    let reply = format!("{:?}", publisher.frame().await);
    assert!(
        reply.contains("may have been carried out or not"),
        "{reply}"
    );
    subscriber.closed().await;
    is_up(&edge).await;
    publisher.ask("PUBLISH c x", ":0").await;
}
