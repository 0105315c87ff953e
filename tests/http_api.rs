//! `/api/…` of the HTTP port: its JSON, its limits, its errors, and who may ask.
#![cfg(feature = "http")]

mod common;

use std::net::SocketAddr;

use common::client::Client;
use common::{soon, start_with, until_info};
use fanfare::Server;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// All routes, with the parameters that they need, and the command that shows the same.
const ROUTES: &[(&str, &str)] = &[
    ("/api/overview", "info"),
    ("/api/clients", "client|list"),
    ("/api/closed", "client|closed"),
    ("/api/channels", "pubsub|top"),
    ("/api/receivers?channel=c", "pubsub|receivers"),
    ("/api/queues", "queue|list"),
    ("/api/groups", "queue|groups"),
    ("/api/slowlog", "slowlog|get"),
];

async fn start(settings: &[(&str, &str)]) -> (Server, SocketAddr) {
    let all: Vec<_> = [("http-port", "auto")]
        .iter()
        .chain(settings)
        .copied()
        .collect();
    let server = start_with(&all).await;
    let address = server.http_addr().expect("an HTTP port");
    (server, address)
}

/// The status and the JSON that a GET is answered, with this header if it is not empty.
async fn get(address: SocketAddr, path: &str, header: &str) -> (u16, Value) {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{header}\r\n");
    let work = async {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let sent = stream.write_all(request.as_bytes()).await;
        sent.expect("the server takes the request");
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer).await;
        read.expect("the server answers");
        answer
    };
    let answer = soon("answer", work).await;
    let answer = String::from_utf8(answer).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status");
    let json = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    (status.parse().expect("a number"), json)
}

async fn ok(address: SocketAddr, path: &str) -> Value {
    let (status, json) = get(address, path, "").await;
    assert_eq!(status, 200, "{path}: {json}");
    json
}

#[tokio::test]
async fn the_overview_has_the_figures_of_info() {
    let (server, address) = start(&[("maxmemory", "100mb")]).await;
    let mut client = Client::connect(&server, 2).await;
    client.subscribe("SUBSCRIBE", &["a", "b"]).await;
    let mut other = Client::connect(&server, 2).await;
    other.ask("SET k v EX 1000", "+OK").await;
    other.ask("GET k", "$1 v").await;
    other.ask("GET none", "_").await;
    other.ask("PUBLISH a x", ":1").await;
    other.ask("PUBLISH none x", ":0").await;
    let json = ok(address, "/api/overview").await;
    let is = |part: &str, name: &str, value: Value| {
        assert_eq!(json[part][name], value, "{part}.{name}: {json}");
    };
    is("server", "state", "ready".into());
    is(
        "server",
        "tcp_port",
        server.addr().expect("a port").port().into(),
    );
    is("clients", "subscribed", 1.into());
    is("clients", "lagging", 0.into());
    is("memory", "max_bytes", (100 << 20).into());
    for (name, value) in [
        ("keys", 1),
        ("expiring", 1),
        ("hits", 1),
        ("misses", 1),
        ("evicted", 0),
    ] {
        is("keyspace", name, value.into());
    }
    for (name, value) in [
        ("channels", 2),
        ("patterns", 0),
        ("published", 2),
        ("delivered", 1),
        ("unreceived", 1),
        ("dropped", 0),
        ("dropped_bytes", 0),
    ] {
        is("pubsub", name, value.into());
    }
    // The asker is a client too.
    assert_eq!(json["clients"]["connected"], 3);
    for (part, name) in [
        ("memory", "used_bytes"),
        ("memory", "resident_bytes"),
        ("network", "input_bytes"),
        ("network", "output_bytes"),
        ("commands", "processed"),
        ("server", "time_unix_ms"),
        ("clients", "max"),
    ] {
        assert!(json[part][name].as_u64() > Some(0), "{part}.{name}: {json}");
    }
    assert!(json["cpu"]["user_seconds"].is_f64(), "{json}");
}

#[tokio::test]
async fn clients_are_listed_sorted_and_limited() {
    let (server, address) = start(&[]).await;
    let mut named = Client::connect(&server, 3).await;
    named.ask("CLIENT SETNAME reader", "+OK").await;
    named.ask("SELECT 3", "+OK").await;
    named.line("SUBSCRIBE a b").await;
    named.push().await;
    named.push().await;
    let mut slow = Client::connect(&server, 2).await;
    slow.subscribe("PSUBSCRIBE", &["big*"]).await;
    let mut publisher = Client::connect(&server, 2).await;
    publisher
        .command(&[b"PUBLISH", &b"big"[..], &vec![b'x'; 16 << 20]])
        .await;
    assert_eq!(publisher.integer().await, 1);
    let ids = |json: &Value| -> Vec<u64> {
        let rows = json["clients"].as_array().expect("rows");
        rows.iter()
            .map(|row| row["id"].as_u64().expect("an id"))
            .collect()
    };
    let waiting = ok(address, "/api/clients?limit=1").await;
    assert_eq!(waiting["total"], 4);
    assert_eq!(ids(&waiting), [slow.id]);
    assert!(waiting["clients"][0]["waiting_bytes"].as_u64() > Some(1 << 20));
    let age = ok(address, "/api/clients?sort=age").await;
    assert_eq!(ids(&age)[..3], [named.id, slow.id, publisher.id]);
    let row = &age["clients"][0];
    let expected = json!({
        "id": named.id,
        "addr": named.address,
        "name": "reader",
        "user": "default",
        "db": 3,
        "age_seconds": row["age_seconds"].as_u64().expect("seconds"),
        "idle_seconds": row["idle_seconds"].as_u64().expect("seconds"),
        "channels": 2,
        "patterns": 0,
        "shard_channels": 0,
        "blocked": false,
        "waiting_bytes": 0,
        "dropped": 0,
        "last_command": "subscribe",
        "library": "",
        "protocol": 3,
    });
    assert_eq!(*row, expected);
    let latest = ok(address, "/api/clients?sort=id&limit=2").await;
    assert_eq!(ids(&latest)[1], publisher.id);
    publisher
        .ask(&format!("CLIENT KILL ID {}", named.id), ":1")
        .await;
    let closed = ok(address, "/api/closed").await;
    let rows = closed["clients"].as_array().expect("rows");
    let row = rows
        .iter()
        .find(|row| row["id"] == named.id)
        .expect("a row");
    assert_eq!(row["reason"], "killed");
    assert_eq!(
        (&row["name"], &row["user"]),
        (&"reader".into(), &"default".into())
    );
    assert!(row["age_seconds"].is_u64() && row["closed_seconds_ago"].is_u64());
    // Each request was a connection of its own, which has ended.
    assert!(rows.len() > 2);
    let one = ok(address, "/api/closed?limit=1").await;
    assert_eq!(ids(&one).len(), 1);
}

#[tokio::test]
async fn channels_and_receivers_are_told() {
    let (server, address) = start(&[]).await;
    let mut subscriber = Client::connect(&server, 2).await;
    subscriber.subscribe("SUBSCRIBE", &["wide"]).await;
    subscriber.subscribe("PSUBSCRIBE", &["w*"]).await;
    let mut publisher = Client::connect(&server, 2).await;
    publisher.ask("PUBLISH wide abc", ":2").await;
    publisher
        .command(&[&b"PUBLISH"[..], b"\xff", b"0123456789"])
        .await;
    assert_eq!(publisher.integer().await, 0);
    let wide = json!({"channel": "wide", "messages": 1, "bytes": 3, "receivers": 2});
    let binary = json!({
        "channel": {"base64": "/w=="}, "messages": 1, "bytes": 10, "receivers": 0,
    });
    let top = ok(address, "/api/channels?by=bytes&window=60").await;
    let expected = json!({"enabled": true, "window_seconds": 60, "channels": [binary, wide]});
    assert_eq!(top, expected);
    let top = ok(address, "/api/channels?by=receivers&limit=1").await;
    assert_eq!(top["channels"], json!([wide]));
    assert_eq!(top["window_seconds"], 10);
    let row = |by: &str, pattern: Value| {
        let (id, addr) = (subscriber.id, &subscriber.address);
        json!({"id": id, "name": "", "addr": addr, "by": by, "pattern": pattern})
    };
    let both = [row("channel", Value::Null), row("pattern", "w*".into())];
    let receivers = ok(address, "/api/receivers?channel=w%69de").await;
    let expected = json!({"channel": "wide", "total": 2, "receivers": both});
    assert_eq!(receivers, expected);
    let one = ok(address, "/api/receivers?channel=wide&limit=1").await;
    assert_eq!(
        (&one["total"], &one["receivers"]),
        (&json!(2), &json!(both[..1]))
    );
    publisher.ask("CONFIG SET pubsub-top no", "+OK").await;
    let off = ok(address, "/api/channels").await;
    let expected = json!({"enabled": false, "window_seconds": 10, "channels": []});
    assert_eq!(off, expected);
}

#[tokio::test]
async fn queues_groups_and_slow_commands_are_told() {
    let (server, address) = start(&[("slowlog-log-slower-than", "0")]).await;
    let mut client = Client::connect(&server, 2).await;
    client.ask("CLIENT SETNAME boss", "+OK").await;
    client.ask("RPUSH q a b c", ":3").await;
    client.ask("LPOP q", "$1 a").await;
    client.ask("XADD s 1-1 f v", "$3 1-1").await;
    client.ask("XGROUP CREATE s g 0", "+OK").await;
    let mut waiter = Client::connect(&server, 2).await;
    waiter.line("BLPOP empty 0").await;
    until_info(&mut client, "blocked_clients", "1").await;
    let queues = ok(address, "/api/queues").await;
    let rows = queues["queues"].as_array().expect("rows");
    let oldest = rows[0]["oldest_seconds"].as_u64().expect("an age");
    let row = |key: &str, figures: [u64; 4], oldest: Value| {
        let [length, pushed, popped, waiting] = figures;
        json!({
            "db": 0, "key": key, "length": length, "pushed": pushed, "popped": popped,
            "waiting_clients": waiting, "oldest_seconds": oldest,
        })
    };
    let expected = [
        row("q", [2, 3, 1, 0], oldest.into()),
        row("empty", [0, 0, 0, 1], Value::Null),
    ];
    assert_eq!(*rows, expected);
    let one = ok(address, "/api/queues?limit=1").await;
    assert_eq!(one["queues"].as_array().map(Vec::len), Some(1));
    let groups = ok(address, "/api/groups").await;
    let expected = json!({"groups": [
        {"db": 0, "key": "s", "group": "g", "consumers": 0, "pending": 0, "lag": 1},
    ]});
    assert_eq!(groups, expected);
    let slow = ok(address, "/api/slowlog?limit=10000").await;
    let rows = slow["entries"].as_array().expect("rows");
    let push = rows
        .iter()
        .find(|row| row["args"][0] == "RPUSH")
        .expect("a row");
    assert_eq!(push["args"], json!(["RPUSH", "q", "a", "b", "c"]));
    assert_eq!(
        (&push["name"], &push["addr"]),
        (&json!("boss"), &json!(client.address))
    );
    for name in ["id", "time_unix", "duration_us"] {
        assert!(push[name].is_u64(), "{push}");
    }
    let none = ok(address, "/api/slowlog?limit=0").await;
    assert_eq!(none, json!({"entries": []}));
}

#[tokio::test]
async fn a_bad_parameter_is_named() {
    let (_server, address) = start(&[]).await;
    for (path, error) in [
        ("/api/receivers", "ERR channel is missing"),
        (
            "/api/clients?sort=size",
            "ERR sort should be waiting, age or id",
        ),
        (
            "/api/channels?by=size",
            "ERR by should be messages, bytes or receivers",
        ),
        (
            "/api/channels?window=11",
            "ERR window should be 10, 60 or 600",
        ),
    ] {
        let (status, json) = get(address, path, "").await;
        assert_eq!((status, &json), (400, &json!({"error": error})), "{path}");
    }
    for (path, _) in &ROUTES[1..] {
        let sign = if path.contains('?') { '&' } else { '?' };
        for limit in ["-1", "10001", "x", ""] {
            let (status, json) = get(address, &format!("{path}{sign}limit={limit}"), "").await;
            let error = "ERR limit should be between 0 and 10000";
            assert_eq!(
                (status, &json),
                (400, &json!({"error": error})),
                "{path} {limit}"
            );
        }
    }
    assert_eq!(get(address, "/api/none", "").await.0, 404);
}

/// Each route needs the command that shows the same, and no other.
#[tokio::test]
async fn rights_are_those_of_the_commands() {
    let (server, address) = start(&[("requirepass", "secret")]).await;
    let mut admin = Client::raw(server.addr().expect("an address")).await;
    admin.ask("AUTH secret", "+OK").await;
    for (path, command) in ROUTES {
        let (status, json) = get(address, path, "").await;
        assert_eq!(status, 401, "{path}: {json}");
        let user = format!("ACL SETUSER u reset on >pass -@all +{command}");
        admin.ask(&user, "+OK").await;
        for (other, _) in ROUTES {
            let (status, json) = get(address, other, "Authorization: Bearer u:pass\r\n").await;
            if other == path {
                assert_eq!(status, 200, "{other} with {command}: {json}");
            } else {
                assert_eq!(status, 403, "{other} with {command}: {json}");
                let text = json["error"].as_str().expect("a text");
                assert!(text.starts_with("NOPERM "), "{text}");
            }
        }
    }
}
