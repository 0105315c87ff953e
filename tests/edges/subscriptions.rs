//! Subscriptions of an edge: what a confirmation promises, and what the hub is asked for.

use redis_protocol::resp3::types::Resp3Frame;

use super::hub::{Hub, edge};
use crate::common::client::{Client, Frame};
use crate::common::{info, soon, until_info};

/// Confirmed means received, 10,000 times: what is published straight to the hub after the confirmation
/// arrives.
pub async fn a_confirmed_subscription_misses_nothing(hub: Hub) {
    const CLIENTS: usize = 10;
    const ROUNDS: usize = 1_000;
    let edge = hub.edge(&[]).await;
    let mut tasks = Vec::new();
    for id in 0..CLIENTS {
        let mut client = Client::connect(&edge, 3).await;
        let mut direct = hub.client(3).await;
        tasks.push(tokio::spawn(async move {
            client.subscribe("SUBSCRIBE", &["filler"]).await;
            for round in 0..ROUNDS {
                // Each name is new to the edge in one round, and known in the next.
                let name = format!("c{id}:{}", round / 2);
                client.subscribe("SUBSCRIBE", &[&name]).await;
                direct.ask(&format!("PUBLISH {name} {round}"), ":1").await;
                let push = client.push().await;
                assert_eq!(push[1..], [name.clone(), round.to_string()]);
                let left = format!(">3 $11 unsubscribe ${} {name} :1", name.len());
                client.ask(&format!("UNSUBSCRIBE {name}"), &left).await;
            }
        }));
    }
    for task in tasks {
        task.await.expect("a client");
    }
}

/// A SUBSCRIBE with a name that the hub refuses is refused as a whole; that of others, which the edge asks for
/// together with it, is not.
pub async fn a_refused_channel_is_refused_alone(hub: Hub) {
    let mut admin = hub.client(3).await;
    let rule = "ACL SETUSER edge on >secret +@all ~* resetchannels &ok* &fanfare:probe:*";
    admin.ask(rule, "+OK").await;
    let url = hub.url().replace("://", "://edge:secret@");
    let edge = edge(&url, &[]).await;
    let mut client = Client::connect(&edge, 3).await;
    client.line("SUBSCRIBE ok1 no ok2").await;
    let refused = client.frame().await;
    assert!(format!("{refused:?}").contains("NOPERM"), "{refused:?}");
    let mut publisher = Client::connect(&edge, 3).await;
    publisher.ask("PUBLISH ok1 x", ":0").await;
    client.barrier().await;
    // Nothing is left behind at the hub.
    until_info(&mut publisher, "upstream_channels", "0").await;
    client.subscribe("SUBSCRIBE", &["ok2"]).await;
    publisher.line("PUBLISH no x").await;
    let refused = publisher.frame().await;
    assert!(format!("{refused:?}").contains("NOPERM"), "{refused:?}");
    publisher.ask("PUBLISH ok2 x", ":1").await;
    assert_eq!(client.push().await[1..], ["ok2", "x"]);
}

/// A subscriber that was kept when the hub was lost, and whose channel the hub refuses afterwards, would get
/// nothing any more: it is closed.
pub async fn a_kept_subscriber_is_closed_if_its_channel_is_refused(hub: Hub) {
    let mut admin = hub.client(3).await;
    let rule = "ACL SETUSER edge on >secret +@all ~* resetchannels &a &b &fanfare:probe:*";
    admin.ask(rule, "+OK").await;
    let url = hub.url().replace("://", "://edge:secret@");
    let edge = edge(&url, &[("upstream-loss-policy", "keep")]).await;
    let mut refused = Client::connect(&edge, 3).await;
    refused.subscribe("SUBSCRIBE", &["a"]).await;
    let mut kept = Client::connect(&edge, 3).await;
    kept.subscribe("SUBSCRIBE", &["b"]).await;
    // The hub closes the connection of a user that has a subscription too many.
    let rule = "ACL SETUSER edge resetchannels &b &fanfare:probe:*";
    admin.ask(rule, "+OK").await;
    refused.closed().await;
    let mut publisher = Client::connect(&edge, 3).await;
    publisher.ask("PUBLISH b x", ":1").await;
    assert_eq!(kept.push().await[1..], ["b", "x"]);
}

pub async fn idle_names_are_given_up(hub: Hub) {
    let edge = hub.edge(&[]).await;
    let mut direct = hub.client(3).await;
    let mut client = Client::connect(&edge, 3).await;
    client.subscribe("SUBSCRIBE", &["c"]).await;
    let mut other = Client::connect(&edge, 3).await;
    other.subscribe("PSUBSCRIBE", &["p*"]).await;
    drop(other);
    client
        .ask("UNSUBSCRIBE c", ">3 $11 unsubscribe $1 c :0")
        .await;
    for field in ["upstream_channels", "upstream_patterns"] {
        until_info(&mut client, field, "0").await;
    }
    direct.ask("PUBLISH c x", ":0").await;
    direct.ask("PUBSUB NUMPAT", ":0").await;
    client.subscribe("SUBSCRIBE", &["c"]).await;
    direct.ask("PUBLISH c y", ":1").await;
    assert_eq!(client.push().await[2], "y");
}

/// Many clients subscribe and unsubscribe to the same channels while messages pour in: whoever is
/// confirmed gets what is published afterwards.
pub async fn subscriptions_come_and_go_under_load(hub: Hub) {
    const CLIENTS: usize = 6;
    const ROUNDS: usize = 60;
    const CHANNELS: usize = 5;
    let edge = hub.edge(&[]).await;
    let mut noise = hub.client(3).await;
    let noise = tokio::spawn(async move {
        loop {
            for channel in 0..CHANNELS {
                noise.line(&format!("PUBLISH c{channel} noise")).await;
            }
            for _ in 0..CHANNELS {
                noise.integer().await;
            }
            tokio::task::yield_now().await;
        }
    });
    let mut tasks = Vec::new();
    for id in 0..CLIENTS {
        let mut client = Client::connect(&edge, 3).await;
        let mut direct = hub.client(3).await;
        tasks.push(tokio::spawn(async move {
            for round in 0..ROUNDS {
                let channel = format!("c{}", (id + round) % CHANNELS);
                let verb = ["SUBSCRIBE", "PSUBSCRIBE"][round % 2];
                client.subscribe(verb, &[&channel]).await;
                let payload = format!("{id}:{round}");
                direct.line(&format!("PUBLISH {channel} {payload}")).await;
                assert!(direct.integer().await > 0);
                while client
                    .push()
                    .await
                    .last()
                    .is_none_or(|last| *last != payload)
                {}
                let verb = ["UNSUBSCRIBE", "PUNSUBSCRIBE"][round % 2];
                client.command(&[verb, &channel]).await;
                let word = verb.to_ascii_lowercase();
                soon("unsubscribed", async {
                    while let Frame::Push { data, .. } = client.frame().await {
                        if data[0].as_str() == Some(word.as_str()) {
                            break;
                        }
                    }
                })
                .await;
            }
            client.barrier().await;
        }));
    }
    for task in tasks {
        task.await.expect("a client");
    }
    noise.abort();
    let mut observer = Client::connect(&edge, 3).await;
    assert_eq!(info(&mut observer, "upstream_losses").await, "0");
}
