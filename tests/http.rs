//! The HTTP port: who is let in, what a request may ask for, and that nobody can use it to hurt others.

#![cfg(feature = "http")]

#[path = "tls/certificates.rs"]
mod certificates;
mod common;

use certificates::Authority;
use common::client::Client;
use common::http::{Answer, Http, address};
use common::{eventually, field, info, soon, start_with, until_info};
use fanfare::{Bound, Server};
use serde_json::json;

const KB: usize = 1024;

async fn start(settings: &[(&str, &str)]) -> Server {
    start_with(&[&[("http-port", "auto")], settings].concat()).await
}

async fn ask(server: &Server, head: &str, body: impl AsRef<[u8]>) -> Answer {
    Http::connect(server).await.ask(head, body).await
}

#[tokio::test]
async fn the_port_is_off_unless_it_is_asked_for() {
    let server = start_with(&[]).await;
    assert_eq!(server.http_addr(), None);
    let server = start(&[]).await;
    assert!(server.bound().contains(&Bound::Http(address(&server))));
    assert_ne!(server.http_addr(), server.addr());
}

#[tokio::test]
async fn probes_need_no_user() {
    let server = start(&[("requirepass", "sesame")]).await;
    let mut http = Http::connect(&server).await;
    for path in ["/health", "/health/live", "/health/ready"] {
        let answer = http.ask(&format!("GET {path}"), "").await;
        assert_eq!(answer.status, 200, "{path}");
        let expected = json!({"live": true, "ready": true, "draining": false});
        assert_eq!(answer.json(), expected, "{path}");
    }
    http.send("HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert_eq!(http.head().await.status, 200);
    http.send("HEAD /subscribe/c HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    let head = http.head().await;
    assert_eq!(
        (head.status, &head.headers["allow"][..]),
        (405, "GET, POST")
    );
    let nowhere = http.ask("GET /health/other", "").await;
    assert_eq!(nowhere.status, 404);
    assert_eq!(nowhere.error(), "ERR there is no '/health/other'");
    let wrong = http.ask("POST /health", "").await;
    assert_eq!(wrong.status, 405);
    assert_eq!(wrong.headers["allow"], "GET, HEAD");
}

#[tokio::test]
async fn any_bytes_are_published_to_any_channel() {
    let server = start(&[]).await;
    let mut subscriber = Client::connect(&server, 3).await;
    subscriber.command(&["SUBSCRIBE", "a b/\u{e9}%"]).await;
    subscriber.push().await;
    let every_byte: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let mut http = Http::connect(&server).await;
    for payload in [&b""[..], b"hello", &every_byte] {
        let answer = http.ask("POST /publish/a%20b/%c3%a9%25", payload).await;
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({"receivers": 1}))
        );
        let message = subscriber.push().await;
        assert!(message[2] == payload, "{} bytes", message[2].len());
    }
    let nobody = http.ask("POST /publish/other", "x").await;
    assert_eq!(nobody.json(), json!({"receivers": 0}));
    // A request before its answer was read: both are answered, in order.
    http.request("POST /publish/other", "x").await;
    http.request("GET /health", "").await;
    assert_eq!(http.answer().await.json(), json!({"receivers": 0}));
    assert_eq!(http.answer().await.json()["live"], true);
}

#[tokio::test]
async fn a_body_has_a_length_and_a_limit() {
    let server = start(&[("proto-max-bulk-len", "1mb")]).await;
    let chunked =
        "POST /publish/c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut http = Http::connect(&server).await;
    http.send(chunked).await;
    assert_eq!(http.answer().await.status, 411);
    // Neither of them waits for the body.
    for target in ["/publish/c", "/", "/pipeline"] {
        let mut http = Http::connect(&server).await;
        let head =
            format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n");
        http.send(head).await;
        let answer = http.answer().await;
        assert_eq!(answer.status, 413, "{target}");
        assert_eq!(answer.error(), "ERR the body is longer than 1048576 bytes");
    }
    let long = vec![b'x'; 1024 * KB];
    assert_eq!(ask(&server, "POST /publish/c", long).await.status, 200);
    // One that is longer than was known.
    let mut http = Http::connect(&server).await;
    http.send(chunked.replace("/publish/c", "/")).await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(64 * KB));
    for _ in 0..17 {
        http.send(&chunk).await;
    }
    assert_eq!(http.answer().await.status, 413);
}

#[tokio::test]
async fn what_is_kept_of_a_body_counts_as_the_clients() {
    let server = start(&[]).await;
    let mut operator = Client::connect(&server, 2).await;
    let body = json!(["ECHO", "x".repeat(2048 * KB)]).to_string();
    let (first, rest) = body.split_at(1024 * KB);
    let mut http = Http::connect(&server).await;
    http.send(format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{first}",
        body.len()
    ))
    .await;
    let mut held = async || {
        operator.line("CLIENT LIST").await;
        let list = operator.text().await;
        let line = list.lines().find(|line| line.contains("lib-name=http"));
        let line = line.expect("a line").to_owned();
        field(&line, "tot-mem").parse::<usize>().expect("a number")
    };
    soon("it is kept", async {
        while held().await < 1024 * KB {
            tokio::task::yield_now().await;
        }
    })
    .await;
    http.send(rest).await;
    let echoed = http.answer().await.json();
    assert_eq!(echoed["result"].as_str().map(str::len), Some(2048 * KB));
    soon("it is freed", async {
        while held().await >= 100 * KB {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn users_are_those_of_the_acl() {
    let server = start(&[
        ("requirepass", "sesame"),
        ("user", "ann on >secret ~* &news +publish"),
    ])
    .await;
    let mut http = Http::connect(&server).await;
    let publish = "POST /publish/news";
    let refused = http.ask(publish, "x").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.error(), "NOAUTH Authentication required.");
    assert!(refused.headers["www-authenticate"].starts_with("Basic "));
    // Basic default:sesame, ann:secret.
    for login in [
        "Basic ZGVmYXVsdDpzZXNhbWU=",
        "Bearer sesame",
        "Bearer default:sesame",
        "Basic YW5uOnNlY3JldA==",
        "Bearer ann:secret",
    ] {
        let answer = http
            .ask(&format!("{publish}\nAuthorization: {login}"), "x")
            .await;
        assert_eq!(answer.status, 200, "{login}");
        // The next request on the connection is nobody's again.
        assert_eq!(http.ask(publish, "x").await.status, 401, "after {login}");
    }
    for wrong in ["Bearer wrong", "Bearer ann:wrong", "Basic YW5uOg=="] {
        let mut http = Http::connect(&server).await;
        let answer = http
            .ask(&format!("{publish}\nAuthorization: {wrong}"), "x")
            .await;
        assert_eq!(answer.status, 401, "{wrong}");
        assert!(answer.error().starts_with("WRONGPASS "), "{wrong}");
    }
    let bad = http
        .ask(&format!("{publish}\nAuthorization: Digest x"), "x")
        .await;
    assert_eq!(bad.status, 400);
    let as_ann = |head: &str| format!("{head}\nAuthorization: Bearer ann:secret");
    let elsewhere = http.ask(&as_ann("POST /publish/other"), "x").await;
    assert_eq!(elsewhere.status, 403);
    assert_eq!(
        elsewhere.error(),
        "NOPERM No permissions to access a channel"
    );
    let get = http.ask(&as_ann("POST /"), r#"["GET","k"]"#).await;
    assert_eq!(get.status, 403);
    assert_eq!(
        get.error(),
        "NOPERM User ann has no permissions to run the 'get' command"
    );
    let subscribe = http.ask(&as_ann("GET /subscribe/news"), "").await;
    assert_eq!(subscribe.status, 403);
    let mut operator = Client::raw(server.addr().expect("TCP")).await;
    operator.ask("AUTH sesame", "+OK").await;
    for (count, expected) in [
        ("acl_access_denied_auth", "3"),
        ("acl_access_denied_channel", "1"),
        ("acl_access_denied_cmd", "2"),
    ] {
        assert_eq!(info(&mut operator, count).await, expected, "{count}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_and_unknown_names_are_refused() {
    let server = start(&[]).await;
    let raw = async |headers: &str| {
        let mut http = Http::connect(&server).await;
        let request = format!("POST /publish/c HTTP/1.1\r\n{headers}Content-Length: 1\r\n\r\nx");
        http.send(request).await;
        http.answer().await
    };
    let own = address(&server);
    let same = format!("Host: {own}\r\nOrigin: http://{own}\r\n");
    assert_eq!(raw(&same).await.status, 200);
    let evil = raw("Host: evil.example\r\n").await;
    assert_eq!(evil.status, 403);
    assert!(evil.error().contains("http-hosts"), "{}", evil.error());
    let other = "Host: localhost\r\nOrigin: https://app.example\r\n";
    let refused = raw(other).await;
    assert_eq!(refused.status, 403);
    assert!(refused.error().contains("http-cors-origins"));
    assert!(!refused.headers.contains_key("access-control-allow-origin"));
    assert_eq!(
        raw("Host: localhost\r\nSec-Fetch-Site: cross-site\r\n")
            .await
            .status,
        403
    );
    let mut operator = Client::connect(&server, 2).await;
    operator
        .script(&[
            ("CONFIG SET http-hosts evil.example", "+OK"),
            ("CONFIG SET http-cors-origins https://app.example", "+OK"),
        ])
        .await;
    assert_eq!(raw("Host: evil.example\r\n").await.status, 200);
    let allowed = raw(other).await;
    assert_eq!(allowed.status, 200);
    assert_eq!(
        allowed.headers["access-control-allow-origin"],
        "https://app.example"
    );
    assert_eq!(allowed.headers["vary"], "origin");
    // A browser asks first.
    let preflight =
        "OPTIONS /publish/c\nOrigin: https://app.example\nAccess-Control-Request-Method: POST";
    let answer = ask(&server, preflight, "").await;
    assert_eq!(answer.status, 204);
    assert_eq!(
        answer.headers["access-control-allow-origin"],
        "https://app.example"
    );
    assert!(answer.headers["access-control-allow-methods"].contains("POST"));
    let preflight = preflight.replace("app.", "other.");
    assert_eq!(ask(&server, &preflight, "").await.status, 403);
}

#[tokio::test]
async fn protected_mode_refuses_other_machines() {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").expect("a socket");
    // Nothing is sent.
    let outer = socket
        .connect("192.0.2.254:9")
        .and_then(|()| socket.local_addr());
    let Some(outer) = outer.ok().filter(|outer| !outer.ip().is_loopback()) else {
        // Nobody else can reach this machine, nor can the test seem to be another one.
        return;
    };
    let server = start(&[("http-bind", "0.0.0.0")]).await;
    let outer = std::net::SocketAddr::new(outer.ip(), address(&server).port());
    let connect = async || {
        let stream = tokio::net::TcpStream::connect(outer).await;
        Http::over(stream.expect("a connection"))
    };
    let refused = connect().await.ask("POST /publish/c", "x").await;
    assert_eq!(refused.status, 403);
    assert!(
        refused
            .error()
            .starts_with("DENIED fanfare is running in protected mode")
    );
    // Probes of an orchestrator come from elsewhere.
    assert_eq!(connect().await.ask("GET /health", "").await.status, 200);
    assert_eq!(ask(&server, "POST /publish/c", "x").await.status, 200);
    let mut operator = Client::connect(&server, 2).await;
    operator.ask("CONFIG SET protected-mode no", "+OK").await;
    assert_eq!(
        connect().await.ask("POST /publish/c", "x").await.status,
        200
    );
}

#[tokio::test]
async fn commands_are_carried_out_as_any_clients() {
    let server = start(&[("slowlog-log-slower-than", "0")]).await;
    let mut operator = Client::connect(&server, 2).await;
    let mut monitor = Client::connect(&server, 2).await;
    monitor.ask("MONITOR", "+OK").await;
    let mut http = Http::connect(&server).await;
    let command = async |http: &mut Http, body: &str| {
        let answer = http.ask("POST /", body).await;
        (answer.status, answer.json())
    };
    let ok = |value| (200, json!({ "result": value }));
    assert_eq!(
        command(&mut http, r#"["SET","k","v\u00e9\""]"#).await,
        ok(json!("OK"))
    );
    assert_eq!(
        command(&mut http, r#"["GET","k"]"#).await,
        ok(json!("v\u{e9}\""))
    );
    assert_eq!(
        command(&mut http, r#"["INCRBY","n",7]"#).await,
        ok(json!(7))
    );
    assert_eq!(
        command(&mut http, r#"["MGET","n","none"]"#).await,
        ok(json!(["7", null]))
    );
    // Each request has a session of its own.
    assert_eq!(command(&mut http, r#"["SELECT",1]"#).await, ok(json!("OK")));
    assert_eq!(command(&mut http, r#"["GET","n"]"#).await, ok(json!("7")));
    for (body, error) in [
        (
            r#"["LPUSH","k","x"]"#,
            "WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            r#"["NOTHING"]"#,
            "ERR unknown command 'NOTHING', with args beginning with: ",
        ),
        (
            r#"["BLPOP","k",0]"#,
            "ERR 'blpop' may block, which it can't over HTTP",
        ),
    ] {
        assert_eq!(
            command(&mut http, body).await,
            (400, json!({ "error": error }))
        );
    }
    for body in ["", "{}", "[", "[[]]", "[null]", &"[".repeat(100_000)] {
        let (status, answer) = command(&mut http, body).await;
        assert_eq!(status, 400);
        let error = answer["error"].as_str().expect("a text");
        assert!(error.starts_with("ERR the body can't be read: "), "{error}");
    }
    let base64 = http
        .ask("POST /\nUpstash-Encoding: base64", r#"["GET","n"]"#)
        .await;
    assert_eq!(base64.json(), json!({"result": "Nw=="}));
    // It is seen, listed and counted.
    let mut seen = String::new();
    while !seen.ends_with("\"MGET\" \"n\" \"none\"") {
        seen = monitor.text().await;
    }
    operator.line("CLIENT LIST").await;
    let list = operator.text().await;
    let line = list
        .lines()
        .find(|line| line.contains("lib-name=http"))
        .expect("a line");
    assert_eq!(field(line, "cmd"), "get");
    assert_ne!(field(line, "fd"), "0");
    assert!(
        info(&mut operator, "cmdstat_mget")
            .await
            .starts_with("calls=1,")
    );
    let id = field(line, "id").to_owned();
    operator.ask(&format!("CLIENT KILL ID {id}"), ":1").await;
    assert_eq!(http.end().await, "");
}

#[tokio::test]
async fn pipelines_and_transactions_answer_for_each_command() {
    let server = start(&[]).await;
    let mut http = Http::connect(&server).await;
    let commands = r#"[["SET","k","v"],["LPUSH","k","x"],["GET","k"],["ECHO",""]]"#;
    let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
    let expected = json!([{"result": "OK"}, {"error": wrong}, {"result": "v"}, {"result": ""}]);
    for target in ["/pipeline", "/multi-exec"] {
        let answer = http.ask(&format!("POST {target}"), commands).await;
        assert_eq!(
            (answer.status, answer.json()),
            (200, expected.clone()),
            "{target}"
        );
        let nothing = http.ask(&format!("POST {target}"), "[]").await;
        assert_eq!(
            (nothing.status, nothing.json()),
            (200, json!([])),
            "{target}"
        );
    }
    let refused = r#"[["SET","k","w"],["MONITOR"],["GET","k"]]"#;
    let answer = http.ask("POST /pipeline", refused).await.json();
    assert_eq!(
        (&answer[0], &answer[2]),
        (&json!({"result": "OK"}), &json!({"result": "w"}))
    );
    assert!(
        answer[1]["error"]
            .as_str()
            .expect("a text")
            .contains("'monitor'")
    );
    for (body, error) in [
        (refused, "'monitor' can't be used over HTTP"),
        (
            r#"[["SET","k","x"],["SET","k"]]"#,
            "wrong number of arguments for 'set' command",
        ),
    ] {
        let answer = http.ask("POST /multi-exec", body).await;
        assert_eq!(answer.status, 400);
        assert!(answer.error().contains(error), "{}", answer.error());
    }
    // Nothing of them was done, nor is the transaction still open.
    let left = http.ask("POST /", r#"["GET","k"]"#).await;
    assert_eq!(left.json(), json!({"result": "w"}));
}

#[tokio::test]
async fn long_replies_arrive_whole() {
    let server = start(&[]).await;
    let mut http = Http::connect(&server).await;
    let element = "\u{e9}\"".repeat(30_000);
    let push = json!(["RPUSH", "k", element, "b"]).to_string();
    for length in 1..=30 {
        let answer = http.ask("POST /", &push).await;
        assert_eq!(answer.json(), json!({"result": 2 * length}));
    }
    let all = http.ask("POST /", r#"["LRANGE","k",0,-1]"#).await.json();
    let all = all["result"].as_array().expect("an array");
    assert_eq!(all.len(), 60);
    assert!(
        all.chunks(2)
            .all(|pair| pair[0] == element.as_str() && pair[1] == "b")
    );
    let many = format!("[{}]", [r#"["LRANGE","k",0,-1]"#; 5].join(","));
    let answer = http.ask("POST /pipeline", many).await.json();
    let replies = answer.as_array().expect("an array");
    assert!(
        replies
            .iter()
            .all(|reply| reply["result"].as_array().map(Vec::len) == Some(60))
    );
}

#[tokio::test]
async fn slow_requests_end() {
    let server = start(&[("http-timeout", "1")]).await;
    let mut operator = Client::connect(&server, 2).await;
    for start in [
        "",
        "GET /health HT",
        "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    ] {
        let mut http = Http::connect(&server).await;
        http.send(start).await;
        assert!(!http.end().await.starts_with(b"HTTP/1.1 200"), "{start:?}");
    }
    for target in ["/publish/c", "/"] {
        let mut http = Http::connect(&server).await;
        let head =
            format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx");
        http.send(head).await;
        assert_eq!(http.answer().await.status, 408, "{target}");
        http.end().await;
    }
    // Also one that is idle after a request.
    let mut http = Http::connect(&server).await;
    assert_eq!(http.ask("GET /health", "").await.status, 200);
    http.end().await;
    until_info(&mut operator, "connected_clients", "1").await;
}

#[tokio::test]
async fn what_a_head_may_hold_is_bounded() {
    let server = start(&[]).await;
    let long = format!(
        "GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "x".repeat(10 * KB)
    );
    let large = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(100 * KB)
    );
    let many = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
        "X: y\r\n".repeat(1000)
    );
    for (request, statuses) in [(long, [400, 414]), (large, [431, 431]), (many, [431, 431])] {
        let mut http = Http::connect(&server).await;
        // It may be refused before it is sent whole.
        http.send(&request[..request.len().min(40 * KB)]).await;
        let status = http.head().await.status;
        assert!(statuses.contains(&status), "{status}");
    }
}

#[tokio::test]
async fn what_is_no_http_ends_the_connection_and_nothing_else() {
    let server = start(&[]).await;
    let mut operator = Client::connect(&server, 2).await;
    for bytes in [
        &b"\0\x01\x02\xff\xfe"[..],
        b"PING\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET http://[::1/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /subscribe/c?format=xml HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        let stream = tokio::net::TcpStream::connect(address(&server)).await.expect("a connection");
        let mut http = Http::over(stream);
        http.send(bytes).await;
        let begin = soon("an answer or the end", http.status_or_end()).await;
        assert!(begin.is_none_or(|status| (400..500).contains(&status)), "{begin:?}");
    }
    until_info(&mut operator, "connected_clients", "1").await;
    assert_eq!(info(&mut operator, "fanfare_connection_panics").await, "0");
    assert_eq!(ask(&server, "GET /health", "").await.status, 200);
}

#[tokio::test]
async fn connections_count_as_clients() {
    let server = start(&[("maxclients", "2")]).await;
    let mut operator = Client::connect(&server, 2).await;
    let mut http = Http::connect(&server).await;
    assert_eq!(http.ask("GET /health", "").await.status, 200);
    let mut third = Http::connect(&server).await;
    let answer = third.answer().await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.error(), "ERR max number of clients reached");
    assert_eq!(info(&mut operator, "rejected_connections").await, "1");
    drop(http);
    eventually("the connection is gone", || server.client_count() == 1).await;
    assert_eq!(ask(&server, "GET /health", "").await.status, 200);
}

#[tokio::test]
async fn it_speaks_tls_with_the_servers_certificate() {
    let authority = Authority::new();
    authority.issue("server");
    let files = ["server.pem", "server.key", "ca.pem"].map(|file| authority.setting(file));
    let server = start(&[
        ("http-tls", "yes"),
        ("tls-auth-clients", "no"),
        ("tls-cert-file", &files[0]),
        ("tls-key-file", &files[1]),
        ("tls-ca-cert-file", &files[2]),
    ])
    .await;
    assert!(server.bound().contains(&Bound::Https(address(&server))));
    let dialer = authority.client(None);
    let stream = soon("the handshake", dialer.dial(address(&server))).await;
    let mut http = Http::over(stream.expect("keys"));
    assert_eq!(http.ask("GET /health", "").await.status, 200);
    let payload = vec![b'x'; 1_000_000];
    assert_eq!(http.ask("POST /publish/c", &payload).await.status, 200);
    let echo = json!(["ECHO", "y".repeat(1_000_000)]).to_string();
    assert_eq!(http.ask("POST /", echo).await.body.len(), 1_000_000 + 13);
    // One that does not speak TLS.
    let mut plain = Http::connect(&server).await;
    plain.send("GET /health HTTP/1.1\r\n\r\n").await;
    plain.end().await;
    let mut operator = Client::connect(&server, 2).await;
    until_info(&mut operator, "tls_handshake_failures", "1").await;
}
