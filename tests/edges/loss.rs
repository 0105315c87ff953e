//! Without a hub: not there yet, ended, silent, in a loop, or a replica; and subscribers that are too slow.

use fanfare::Server;
use nix::sys::signal::Signal;

use super::hub::{Hub, edge, is_up, redis_server};
use crate::common::client::Client;
use crate::common::{field, info, soon, start_with, until_info};

#[tokio::test]
async fn without_a_connection_publishes_fail_and_subscriptions_wait() {
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let url = format!("redis://{address}");
    let settings = [("upstream", &url[..]), ("upstream-timeout", "1")];
    let server = start_with(&settings).await;
    let mut client = Client::connect(&server, 3).await;
    let down = "NOUPSTREAM no connection to the upstream";
    client.error("PUBLISH c x", down).await;
    client.error("PUBSUB CHANNELS", down).await;
    // An error would be ignored by clients that subscribe again by themselves.
    let mut waits = Client::connect(&server, 3).await;
    waits.line("SUBSCRIBE a b").await;
    waits.closed().await;
    until_info(&mut client, "upstream_waiting_clients", "0").await;
    // One that comes in time is waited for.
    client.ask("CONFIG SET upstream-timeout 100", "+OK").await;
    // What waits counts as the client's memory.
    let mut many = Client::connect(&server, 3).await;
    let names: Vec<String> = (0..10_000).map(|name| name.to_string()).collect();
    let request = format!("SUBSCRIBE {}", names.join(" "));
    many.line(&request).await;
    until_info(&mut client, "upstream_waiting_clients", "1").await;
    client.line("CLIENT LIST").await;
    let list = client.text().await;
    let memory = list.lines().map(|line| field(line, "tot-mem").parse());
    let most = memory.map(|memory| memory.expect("a number")).max();
    assert!(most > Some(10_000 * 256), "{list}");
    drop(many);
    until_info(&mut client, "upstream_waiting_clients", "0").await;
    client.line("SUBSCRIBE a b").await;
    let port = address.port();
    let hub = Server::builder().port(port).start().await.expect("a hub");
    assert_eq!(client.push().await[1], "a");
    assert_eq!(client.push().await[1], "b");
    let mut direct = Client::connect(&hub, 3).await;
    direct.ask("PUBLISH b x", ":1").await;
    assert_eq!(client.push().await[1..], ["b", "x"]);
}

#[tokio::test]
async fn a_loop_is_refused() {
    let hub = start_with(&[("port", "0")]).await;
    let port = hub.addr().expect("an address").port();
    let edge = edge(&hub.url(), &[("upstream-timeout", "1")]).await;
    let edge_url = edge.url();
    hub.stop().await;
    // The hub comes back as an edge of its own edge.
    let builder = Server::builder().port(port).set("upstream", edge_url);
    let builder = builder.set("upstream-timeout", "1");
    let hub = builder.start().await.expect("it starts");
    let mut at_hub = Client::connect(&hub, 3).await;
    let mut at_edge = Client::connect(&edge, 3).await;
    soon("both have tried", async {
        for client in [&mut at_hub, &mut at_edge] {
            while info(client, "upstream_refusals").await == "0" {
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
    // At most one of them is connected, so nothing goes in circles.
    let up = [
        info(&mut at_hub, "upstream_up").await,
        info(&mut at_edge, "upstream_up").await,
    ];
    assert_ne!(up, ["1", "1"]);
}

/// A fanfare that drops messages for subscribers that fall behind closes an edge instead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_drops_messages_closes_an_edge() {
    let hub = start_with(&[
        ("pubsub-overflow-policy", "drop-oldest"),
        ("pubsub-overflow-limit", "1mb"),
        ("client-output-buffer-limit", "pubsub 1mb 0 0"),
    ])
    .await;
    let edge = edge(&hub.url(), &[]).await;
    let mut subscriber = Client::connect(&edge, 3).await;
    subscriber.subscribe("SUBSCRIBE", &["c"]).await;
    let mut direct = Client::connect(&hub, 3).await;
    let payload = vec![b'x'; 64 << 20];
    direct.command(&[&b"PUBLISH"[..], b"c", &payload]).await;
    direct.integer().await;
    subscriber.closed().await;
    let mut observer = Client::connect(&edge, 3).await;
    until_info(&mut observer, "upstream_losses", "1").await;
}

/// An edge below has subscribers and a policy of its own. So it is told of the loss, whatever the policy of
/// the edge above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_keeps_its_subscribers_closes_the_edges_below() {
    let hub = Hub::fanfare().await;
    let middle = hub.edge(&[("upstream-loss-policy", "keep")]).await;
    let below = edge(&middle.url(), &[]).await;
    let mut kept = Client::connect(&middle, 3).await;
    kept.subscribe("SUBSCRIBE", &["c"]).await;
    let mut closed = Client::connect(&below, 3).await;
    closed.subscribe("SUBSCRIBE", &["c"]).await;
    let mut admin = hub.client(3).await;
    admin.ask("CLIENT KILL TYPE pubsub", ":1").await;
    closed.closed().await;
    is_up(&middle).await;
    is_up(&below).await;
    let mut publisher = Client::connect(&below, 3).await;
    publisher.ask("PUBLISH c x", ":1").await;
    assert_eq!(kept.push().await[1..], ["c", "x"]);
    assert_eq!(info(&mut publisher, "upstream_losses").await, "1");
}

/// Without MULTI the publishes of a transaction would be carried out one by one.
pub async fn a_hub_that_refuses_transactions_is_of_no_use(hub: Hub) {
    let mut admin = hub.client(3).await;
    let rule = "ACL SETUSER edge on >secret +@all allchannels";
    admin.ask(rule, "+OK").await;
    let url = hub.url().replace("://", "://edge:secret@");
    let edge = edge(&url, &[]).await;
    admin.ask("ACL SETUSER edge -multi", "+OK").await;
    let mut client = Client::connect(&edge, 3).await;
    for line in ["MULTI", "PUBLISH c 1", "PUBLISH c 2"] {
        client.line(line).await;
    }
    client.sees("+OK +QUEUED +QUEUED").await;
    client.line("EXEC").await;
    let answer = format!("{:?}", client.frame().await);
    assert!(answer.contains("carried out or not"), "{answer}");
    assert_eq!(info(&mut client, "upstream_losses_refused").await, "1");
    soon("it is refused", async {
        while info(&mut client, "upstream_refusals").await == "0" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let reason = info(&mut client, "upstream_last_refusal").await;
    assert!(
        reason.contains("it refused: NOPERM") && reason.contains("multi"),
        "{reason}"
    );
    admin.ask("ACL SETUSER edge +multi", "+OK").await;
    is_up(&edge).await;
}

/// `disconnect`: a lost hub closes subscribers, and leaves others alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
async fn a_killed_hub_closes_subscribers() {
    let mut hub = Hub::redis().await;
    let edge = hub.edge(&[]).await;
    let mut publisher = Client::connect(&edge, 3).await;
    let mut subscriber = Client::connect(&edge, 3).await;
    subscriber.subscribe("SUBSCRIBE", &["c"]).await;
    hub.signal(Signal::SIGKILL);
    subscriber.closed().await;
    let down = "NOUPSTREAM no connection to the upstream";
    publisher.error("PUBLISH c x", down).await;
    if let Hub::Redis(child, directory) = &mut hub {
        child.wait().expect("it has ended");
        *child = redis_server(directory.path());
    }
    let mut subscriber = Client::connect(&edge, 3).await;
    subscriber.subscribe("SUBSCRIBE", &["c"]).await;
    publisher.ask("PUBLISH c y", ":1").await;
    assert_eq!(subscriber.push().await[2], "y");
    assert_eq!(info(&mut publisher, "upstream_losses").await, "1");
    assert_eq!(info(&mut publisher, "upstream_losses_closed").await, "1");
}

/// `keep`: subscribers stay, and get messages again once the hub is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
async fn a_killed_hub_keeps_subscribers_if_asked_to() {
    let mut hub = Hub::redis().await;
    let edge = hub.edge(&[("upstream-loss-policy", "keep")]).await;
    let mut publisher = Client::connect(&edge, 3).await;
    let mut subscriber = Client::connect(&edge, 3).await;
    subscriber.subscribe("SUBSCRIBE", &["c"]).await;
    subscriber.subscribe("PSUBSCRIBE", &["*"]).await;
    hub.signal(Signal::SIGKILL);
    until_info(&mut publisher, "upstream_up", "0").await;
    if let Hub::Redis(child, directory) = &mut hub {
        child.wait().expect("it has ended");
        *child = redis_server(directory.path());
    }
    is_up(&edge).await;
    // The names come first in the connection's order.
    publisher.ask("PUBLISH c y", ":2").await;
    assert_eq!(subscriber.push().await[..], ["message", "c", "y"]);
    assert_eq!(subscriber.push().await[..], ["pmessage", "*", "c", "y"]);
    assert_ne!(info(&mut publisher, "upstream_gap_millis").await, "0");
    publisher.line("CLIENT LIST TYPE pubsub").await;
    assert_eq!(field(&publisher.text().await, "gaps"), "1");
}

/// A hub that becomes a replica is left: what is published there would not reach everybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
async fn a_hub_that_becomes_a_replica_is_left() {
    let hub = Hub::redis().await;
    let edge = hub.edge(&[]).await;
    let mut subscriber = Client::connect(&edge, 3).await;
    subscriber.subscribe("SUBSCRIBE", &["c"]).await;
    let mut admin = hub.client(3).await;
    admin.ask("REPLICAOF 127.0.0.1 1", "+OK").await;
    subscriber.closed().await;
    let mut observer = Client::connect(&edge, 3).await;
    observer
        .error("PUBLISH c x", "NOUPSTREAM no connection to the upstream")
        .await;
    assert_eq!(info(&mut observer, "upstream_losses_replica").await, "1");
    admin.ask("REPLICAOF NO ONE", "+OK").await;
    is_up(&edge).await;
    observer.ask("PUBLISH c x", ":0").await;
}

/// Messages that come faster than a subscriber reads break its own limit, and nothing else: the edge
/// holds no more than that limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
async fn a_flood_ends_a_subscriber_that_does_not_read() {
    let hub = Hub::redis().await;
    let limit = "pubsub 1mb 0 0";
    let edge = hub.edge(&[("client-output-buffer-limit", limit)]).await;
    let mut lazy = Client::connect(&edge, 3).await;
    lazy.subscribe("SUBSCRIBE", &["flood"]).await;
    let mut reader = Client::connect(&edge, 3).await;
    reader.subscribe("SUBSCRIBE", &["end"]).await;
    let mut direct = hub.client(3).await;
    let payload = vec![b'x'; 64 * 1024];
    let mut observer = Client::connect(&edge, 3).await;
    soon("the lazy subscriber is closed", async {
        while info(&mut observer, "client_output_buffer_limit_disconnections").await == "0" {
            direct.command(&[&b"PUBLISH"[..], b"flood", &payload]).await;
            direct.integer().await;
        }
    })
    .await;
    direct.ask("PUBLISH end x", ":1").await;
    assert_eq!(reader.push().await[1..], ["end", "x"]);
    assert_eq!(info(&mut observer, "upstream_losses").await, "0");
}

/// A hub that is silent is given up; what was on the way is answered, and the memory is bounded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
async fn a_stopped_hub_is_given_up() {
    let hub = Hub::redis().await;
    let settings = [("upstream-timeout", "2"), ("upstream-output-limit", "1mb")];
    let edge = hub.edge(&settings).await;
    let mut subscriber = Client::connect(&edge, 3).await;
    subscriber.subscribe("SUBSCRIBE", &["c"]).await;
    hub.signal(Signal::SIGSTOP);
    let payload = vec![b'x'; 1 << 20];
    let mut waits = Client::connect(&edge, 3).await;
    waits.command(&[&b"PUBLISH"[..], b"c", &payload]).await;
    let mut observer = Client::connect(&edge, 3).await;
    soon("it is on the way", async {
        while info(&mut observer, "upstream_unanswered_bytes").await.len() < 7 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let full =
        "NOUPSTREAM too much waits for the upstream (upstream-output-limit): try again later";
    for line in ["PUBLISH c x", "SUBSCRIBE new", "PUBSUB NUMPAT"] {
        observer.error(line, full).await;
    }
    let unknown = "NOUPSTREAM the connection to the upstream was lost: the command may have been \
                   carried out or not";
    waits.expect(format!("-{unknown}\r\n")).await;
    subscriber.closed().await;
    assert_eq!(info(&mut observer, "upstream_losses_silent").await, "1");
    hub.signal(Signal::SIGCONT);
    is_up(&edge).await;
}
