//! TLS: who comes in, that what goes through arrives whole and in order, and that certificates are
//! renewed without a restart.

#![cfg(feature = "cli")]

#[path = "tls/certificates.rs"]
mod certificates;
mod common;

use std::io;
use std::net::{SocketAddr, UdpSocket};

use fanfare::{Bound, Server, StartError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use certificates::{Authority, Dialer};
use common::client::Client;
use common::process::{Process, command};
use common::{eventually, info, soon, start_with, until_info};

/// The settings of a server with a certificate, that asks for none.
fn settings(authority: &Authority) -> Vec<(&'static str, String)> {
    authority.issue("server");
    vec![
        ("tls-port", "auto".to_owned()),
        ("tls-cert-file", authority.setting("server.pem")),
        ("tls-key-file", authority.setting("server.key")),
        ("tls-ca-cert-file", authority.setting("ca.pem")),
        ("tls-auth-clients", "no".to_owned()),
    ]
}

/// A server under TLS alone; the last of several values of a setting counts.
async fn start(authority: &Authority, more: &[(&str, &str)]) -> Server {
    let settings = settings(authority);
    let ours = settings.iter().map(|(name, value)| (*name, &value[..]));
    start_with(&ours.chain(more.iter().copied()).collect::<Vec<_>>()).await
}

fn address(server: &Server) -> SocketAddr {
    server.tls_addr().expect("a port for TLS")
}

async fn connect(server: &Server, dialer: &Dialer, protocol: u8) -> Client {
    let stream = soon("the handshake", dialer.dial(address(server))).await;
    let mut client = Client::under(stream.expect("keys"));
    client.hello(protocol).await;
    client
}

/// Whether a client comes in. One that is refused its certificate learns it by its first read.
async fn comes_in(server: &Server, dialer: &Dialer) -> bool {
    let said = async {
        let mut stream = dialer.dial(address(server)).await?;
        stream.write_all(b"PING\r\n").await?;
        let mut reply = [0; 7];
        stream.read_exact(&mut reply).await?;
        io::Result::Ok(reply)
    };
    matches!(soon("an answer", said).await, Ok(reply) if &reply == b"+PONG\r\n")
}

#[tokio::test]
async fn every_version_speaks_both_protocols() {
    let authority = Authority::new();
    let server = start(&authority, &[]).await;
    assert_eq!(server.addr(), None, "port 0 beside a tls-port is none");
    assert_eq!(server.bound(), [Bound::Tls(address(&server))]);
    assert_eq!(server.url(), format!("rediss://{}", address(&server)));
    for version in rustls::ALL_VERSIONS {
        let dialer = authority.client_of(None, &[version]);
        for protocol in [2, 3] {
            let mut client = connect(&server, &dialer, protocol).await;
            client.ask("PING", "+PONG").await;
            let port = address(&server).port().to_string();
            assert_eq!(info(&mut client, "tcp_port").await, port);
            client.subscribe("SUBSCRIBE", &["news"]).await;
            assert_eq!(server.publish("news", "hello"), 1);
            assert_eq!(client.push().await[2], "hello");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn both_kinds_of_port_stand_side_by_side() {
    let authority = Authority::new();
    let mut arguments = vec!["--port".to_owned(), free_port().to_string()];
    for (name, value) in settings(&authority) {
        arguments.extend([format!("--{name}"), value]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let process = Process::spawn(command(&arguments), 2).await;
    let plain = process.tcp.expect("a plain port");
    let secure = process.tls.expect("a port for TLS");
    Client::to(plain, 2).await.ask("PING", "+PONG").await;
    let stream = authority.client(None).dial(secure).await;
    let mut client = Client::under(stream.expect("keys"));
    client.ask("PING", "+PONG").await;
    let port = plain.port().to_string();
    assert_eq!(info(&mut client, "tcp_port").await, port);
    process.terminate().await;
}

/// A port that was free just now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A payload that no other number has at any place of it.
fn payload(number: usize, length: usize) -> Vec<u8> {
    let mut payload = format!("{number:08}").repeat(length / 8 + 1).into_bytes();
    payload.truncate(length.max(8));
    payload
}

#[tokio::test]
async fn megabytes_arrive_whole_and_in_order_whenever_they_are_read() {
    const MESSAGES: usize = 600;
    let authority = Authority::new();
    let more = [("client-output-buffer-limit", "pubsub 0 0 0")];
    let server = start(&authority, &more).await;
    let dialer = authority.client(None);
    let length = |number: usize| [8, 100, 16_384, 16_385, 40_000][number % 5];
    for version in rustls::ALL_VERSIONS {
        let dialer = authority.client_of(None, &[version]);
        let mut slow = connect(&server, &dialer, 3).await;
        slow.subscribe("SUBSCRIBE", &["news"]).await;
        // It reads nothing until all is published, far more than any socket's buffer.
        let mut publisher = connect(&server, &dialer, 2).await;
        for number in 0..MESSAGES {
            let payload = payload(number, length(number));
            publisher
                .command(&[&b"PUBLISH"[..], b"news", &payload])
                .await;
        }
        for _ in 0..MESSAGES {
            publisher.expect(":1\r\n").await;
        }
        for number in 0..MESSAGES {
            let push = slow.push().await;
            assert!(push[2] == payload(number, length(number)), "{number}");
        }
        slow.barrier().await;
    }
    // And the other way: one request, and one reply, of many records.
    let mut client = connect(&server, &dialer, 2).await;
    let large = payload(7, 5_000_000);
    client.command(&[&b"SET"[..], b"k", &large]).await;
    client.expect("+OK\r\n").await;
    client.line("GET k").await;
    client
        .expect([b"$5000000\r\n", &large[..], b"\r\n"].concat())
        .await;
    server.stop().await;
}

#[tokio::test]
async fn what_is_dropped_is_dropped_whole() {
    const MESSAGES: usize = 3_000;
    let authority = Authority::new();
    for policy in ["drop-oldest", "drop-newest"] {
        let more = [
            ("pubsub-overflow-policy", policy),
            ("pubsub-overflow-limit", "200kb"),
        ];
        let server = start(&authority, &more).await;
        let dialer = authority.client(None);
        let mut slow = connect(&server, &dialer, 2).await;
        slow.subscribe("SUBSCRIBE", &["news"]).await;
        let length = |number: usize| [20, 3_000, 9_000][number % 3];
        let mut read = Vec::new();
        // It reads a message now and then, so that there is always something on its way.
        for number in 0..MESSAGES {
            server.publish("news", payload(number, length(number)));
            if number % 10 == 0 {
                read.push(slow.push().await);
            }
        }
        slow.command(&["PING", "end"]).await;
        loop {
            let push = slow.push().await;
            if push[0] == "pong" {
                break;
            }
            read.push(push);
        }
        let mut last = None;
        for push in &read {
            let number: usize = std::str::from_utf8(&push[2][..8])
                .expect("text")
                .parse()
                .expect("a number");
            assert!(push[2] == payload(number, length(number)), "{policy}");
            assert!(last < Some(number), "{policy}: {number} after {last:?}");
            last = Some(number);
        }
        let mut client = connect(&server, &dialer, 2).await;
        let dropped = info(&mut client, "pubsub_dropped_messages").await;
        let dropped: usize = dropped.parse().expect("a number");
        assert!(dropped > 0, "{policy}: nothing was dropped");
        assert_eq!(read.len() + dropped, MESSAGES, "{policy}");
        server.stop().await;
    }
}

#[tokio::test]
async fn clients_show_certificates_as_the_settings_want_them() {
    let (ours, others) = (Authority::new(), Authority::new());
    ours.issue("client");
    others.issue("client");
    let without = ours.client(None);
    let with = ours.client(Some((&ours, "client")));
    let foreign = ours.client(Some((&others, "client")));
    for (setting, expected) in [
        ("yes", [false, true, false]),
        ("optional", [true, true, false]),
        ("no", [true, true, true]),
    ] {
        let server = start(&ours, &[("tls-auth-clients", setting)]).await;
        for (dialer, expected) in [&without, &with, &foreign].into_iter().zip(expected) {
            assert_eq!(comes_in(&server, dialer).await, expected, "{setting}");
        }
        let mut client = connect(&server, &with, 2).await;
        let refused = expected.iter().filter(|comes_in| !**comes_in).count();
        until_info(&mut client, "tls_handshake_failures", &refused.to_string()).await;
        until_info(&mut client, "connected_clients", "1").await;
        // It can be changed, for those who come from then on.
        client.ask("CONFIG SET tls-auth-clients no", "+OK").await;
        assert!(comes_in(&server, &without).await);
        client.ask("CONFIG SET tls-auth-clients yes", "+OK").await;
        assert!(!comes_in(&server, &without).await);
        server.stop().await;
    }
}

#[tokio::test]
async fn only_the_versions_that_are_set_are_spoken() {
    let authority = Authority::new();
    let server = start(&authority, &[("tls-protocols", "TLSv1.3")]).await;
    let old = authority.client_of(None, &[&rustls::version::TLS12]);
    let new = authority.client(None);
    assert!(!comes_in(&server, &old).await);
    let mut client = connect(&server, &new, 2).await;
    client
        .error(
            "CONFIG SET tls-protocols TLSv1.1",
            "ERR CONFIG SET failed (possibly related to argument 'tls-protocols') - Invalid \
             tls-protocols specified. Use a combination of 'TLSv1.2' and 'TLSv1.3'.",
        )
        .await;
    client.ask("CONFIG SET tls-protocols tlsv1.2", "+OK").await;
    client
        .ask(
            "CONFIG GET tls-protocols",
            "*2 $13 tls-protocols $7 TLSv1.2",
        )
        .await;
    assert!(comes_in(&server, &old).await);
    server.stop().await;
}

#[tokio::test]
async fn who_speaks_no_tls_is_closed_and_counted() {
    let authority = Authority::new();
    let server = start(&authority, &[]).await;
    let mut observer = connect(&server, &authority.client(None), 2).await;
    for (count, bytes) in [
        &b"PING\r\n"[..],
        b"*1\r\n$4\r\nPING\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        // A record with a hello that is none, and one that is longer than any may be.
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
        b"\x16\x03\x01\xff\xff",
        &[0; 100_000],
    ]
    .into_iter()
    .enumerate()
    {
        let mut stream = TcpStream::connect(address(&server)).await.expect("it");
        let _ = stream.write_all(bytes).await;
        let mut alert = Vec::new();
        let _ = soon("the end", stream.read_to_end(&mut alert)).await;
        // What is said is an alert, if anything.
        assert!(matches!(alert.first(), None | Some(21)), "{alert:?}");
        let failures = (count + 1).to_string();
        until_info(&mut observer, "tls_handshake_failures", &failures).await;
    }
    // Neither has who leaves, in the middle of it or before.
    for begin in [&b""[..], b"\x16\x03\x01\x02"] {
        let mut stream = TcpStream::connect(address(&server)).await.expect("it");
        stream.write_all(begin).await.expect("it takes bytes");
    }
    until_info(&mut observer, "tls_handshake_failures", "8").await;
    until_info(&mut observer, "connected_clients", "1").await;
    server.stop().await;
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut() {
    let authority = Authority::new();
    let more = [("tls-handshake-timeout", "1"), ("maxclients", "2")];
    let server = start(&authority, &more).await;
    let dialer = authority.client(None);
    let mut observer = connect(&server, &dialer, 2).await;
    let mut silent = TcpStream::connect(address(&server)).await.expect("it");
    eventually("it counts", || server.client_count() == 2).await;
    // There is nobody it could be told to yet.
    assert!(dialer.dial(address(&server)).await.is_err());
    let mut said = Vec::new();
    let _ = soon("the end", silent.read_to_end(&mut said)).await;
    until_info(&mut observer, "tls_handshake_failures", "1").await;
    assert_eq!(info(&mut observer, "rejected_connections").await, "1");
    eventually("it counts no more", || server.client_count() == 1).await;
    assert!(comes_in(&server, &dialer).await);
    server.stop().await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_handshakes() {
    let authority = Authority::new();
    let more = [("tls-handshake-timeout", "0"), ("shutdown-timeout", "3600")];
    let server = start(&authority, &more).await;
    let mut silent = TcpStream::connect(address(&server)).await.expect("it");
    eventually("it counts", || server.client_count() == 1).await;
    soon("the stop", server.stop()).await;
    let mut said = Vec::new();
    let _ = soon("the end", silent.read_to_end(&mut said)).await;
}

#[tokio::test]
async fn a_shutdown_delivers_what_was_published() {
    const MESSAGES: usize = 400;
    let authority = Authority::new();
    let more = [("client-output-buffer-limit", "pubsub 0 0 0")];
    let server = start(&authority, &more).await;
    let mut slow = connect(&server, &authority.client(None), 2).await;
    slow.subscribe("SUBSCRIBE", &["news"]).await;
    for number in 0..MESSAGES {
        assert_eq!(server.publish("news", payload(number, 20_000)), 1);
    }
    let reads = async {
        for number in 0..MESSAGES {
            assert!(slow.push().await[2] == payload(number, 20_000), "{number}");
        }
        slow.closed().await;
    };
    tokio::join!(server.stop(), reads);
}

#[tokio::test]
async fn what_is_left_behind_is_cleaned_up() {
    let authority = Authority::new();
    let server = start(&authority, &[]).await;
    let dialer = authority.client(None);
    let mut polite = connect(&server, &dialer, 2).await;
    polite.subscribe("SUBSCRIBE", &["a"]).await;
    let mut rude = connect(&server, &dialer, 2).await;
    rude.subscribe("SUBSCRIBE", &["b"]).await;
    assert_eq!((server.channel_count(), server.client_count()), (2, 2));
    // One says that it leaves, the other's connection is gone.
    polite.end_sending().await;
    polite.closed().await;
    drop(rude);
    eventually("both are gone", || {
        (server.channel_count(), server.client_count()) == (0, 0)
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn records_may_come_in_pieces() {
    let authority = Authority::new();
    let server = start(&authority, &[]).await;
    let (ours, mut theirs) = tokio::io::duplex(3);
    let mut tcp = TcpStream::connect(address(&server)).await.expect("it");
    tcp.set_nodelay(true).expect("nodelay");
    let between = tokio::spawn(async move {
        let _ = tokio::io::copy_bidirectional_with_sizes(&mut theirs, &mut tcp, 1, 5).await;
    });
    let stream = soon("the handshake", authority.client(None).over(ours)).await;
    let mut client = Client::under(stream.expect("keys"));
    client.send("PING\r\nECHO a\r\nECHO b\r\n").await;
    client.expect("+PONG\r\n$1\r\na\r\n$1\r\nb\r\n").await;
    let large = payload(1, 40_000);
    client.command(&[&b"ECHO"[..], &large]).await;
    client
        .expect([b"$40000\r\n", &large[..], b"\r\n"].concat())
        .await;
    drop(client);
    soon("the end", between).await.expect("no panic");
    eventually("it is gone", || server.client_count() == 0).await;
    server.stop().await;
}

#[tokio::test]
async fn certificates_are_renewed_without_a_restart() {
    let authority = Authority::new();
    let server = start(&authority, &[]).await;
    let dialer = authority.client(None);
    let shown = async || {
        let stream = soon("the handshake", dialer.dial(address(&server))).await;
        let stream = stream.expect("keys");
        let certificates = stream.get_ref().1.peer_certificates().expect("some");
        certificates[0].clone().into_owned()
    };
    let first = authority.certificate("server");
    let mut before = connect(&server, &dialer, 2).await;
    assert_eq!(shown().await, first);

    // The same path, as renewals have it; until it is set, nothing is read.
    authority.issue("server");
    let second = authority.certificate("server");
    assert_eq!(shown().await, first);
    let path = authority.setting("server.pem");
    let set = format!("CONFIG SET tls-cert-file {path}");
    before.ask(&set, "+OK").await;
    assert_eq!(shown().await, second);

    // Both at once, elsewhere.
    authority.issue("other");
    let (other, key) = (
        authority.setting("other.pem"),
        authority.setting("other.key"),
    );
    before
        .ask(
            &format!("CONFIG SET tls-cert-file {other} tls-key-file {key}"),
            "+OK",
        )
        .await;
    let third = authority.certificate("other");
    assert_eq!(shown().await, third);

    // All or nothing: a key of another certificate, no certificate, no file, no file named.
    std::fs::write(authority.path("empty"), "").expect("a file");
    let empty = authority.setting("empty");
    for (name, value) in [
        ("tls-cert-file", &path),
        ("tls-cert-file", &empty),
        ("tls-key-file", &empty),
        ("TLS-cert-FILE", &authority.setting("nowhere")),
        ("tls-key-file", &String::new()),
    ] {
        before
            .command(&["CONFIG", "SET", "maxclients", "77", name, value])
            .await;
        before
            .expect(format!(
                "-ERR CONFIG SET failed (possibly related to argument '{}') - Unable to update \
                 TLS configuration. Check server logs.\r\n",
                name.to_ascii_lowercase()
            ))
            .await;
        assert_eq!(shown().await, third);
    }
    before
        .ask("CONFIG GET maxclients", "*2 $10 maxclients $5 10000")
        .await;
    before
        .ask(
            "CONFIG GET tls-cert-file",
            &format!("*2 $13 tls-cert-file ${} {other}", other.len()),
        )
        .await;
    server.stop().await;
}

#[tokio::test]
async fn a_start_without_what_it_takes_says_what_is_missing() {
    let authority = Authority::new();
    authority.issue("other");
    std::fs::write(authority.path("empty"), "").expect("a file");
    let path = |name: &str| authority.setting(name);
    let (empty, nowhere) = (path("empty"), path("nowhere"));
    for (name, value, expected) in [
        (
            "tls-cert-file",
            "",
            "'tls-cert-file' is not set, which TLS needs".to_owned(),
        ),
        (
            "tls-key-file",
            "",
            "'tls-key-file' is not set, which TLS needs".to_owned(),
        ),
        (
            "tls-cert-file",
            &empty,
            format!("no certificate in tls-cert-file '{empty}'"),
        ),
        (
            "tls-key-file",
            &empty,
            format!("no private key that is not encrypted in tls-key-file '{empty}'"),
        ),
        (
            "tls-cert-file",
            &nowhere,
            format!("can't read tls-cert-file '{nowhere}': "),
        ),
        (
            "tls-key-file",
            &path("other.key"),
            "can't use 'tls-cert-file' and 'tls-key-file': ".to_owned(),
        ),
        (
            "tls-auth-clients",
            "yes",
            "'tls-ca-cert-file' is not set, which 'tls-auth-clients' needs unless it is 'no'"
                .to_owned(),
        ),
    ] {
        let mut builder = Server::builder().set("tls-ca-cert-file", "");
        for (name, value) in settings(&authority) {
            if name != "tls-ca-cert-file" {
                builder = builder.set(name, value);
            }
        }
        let started = builder.set(name, value).start().await;
        let error = started.expect_err("it does not start");
        assert!(matches!(error, StartError::Tls(_)), "{error:?}");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
    // Where there is no TLS, nobody looks.
    let server = start_with(&[("tls-cert-file", &nowhere)]).await;
    let mut client = Client::connect(&server, 2).await;
    let set = format!("CONFIG SET tls-key-file {nowhere}");
    client.ask(&set, "+OK").await;
    server.stop().await;
}

/// An address of this machine that others could reach, if it has one. Nothing is sent.
fn outer_address() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.254:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[tokio::test]
async fn protected_mode_is_told_under_tls() {
    let Some(outer) = outer_address() else {
        // The decision itself is tested beside it.
        return;
    };
    let authority = Authority::new();
    let server = start(&authority, &[("bind", "0.0.0.0")]).await;
    let dialer = authority.client(None);
    let port = address(&server).port();
    let stream = dialer.dial((outer, port).into()).await.expect("keys");
    let mut client = Client::under(stream);
    // What it has sent meanwhile is in nobody's way.
    client.try_send("PING\r\n").await.expect("it takes bytes");
    let told = String::from_utf8(client.rest().await).expect("text");
    assert!(
        told.starts_with("-DENIED fanfare is running in protected mode"),
        "{told}"
    );
    assert!(told.ends_with("from its own machine.\r\n"), "{told}");
    let inner: SocketAddr = ([127, 0, 0, 1], port).into();
    let mut admin = Client::under(dialer.dial(inner).await.expect("keys"));
    assert_eq!(info(&mut admin, "rejected_connections").await, "1");
    admin.ask("CONFIG SET protected-mode no", "+OK").await;
    let stream = dialer.dial((outer, port).into()).await.expect("keys");
    Client::under(stream).ask("PING", "+PONG").await;
    server.stop().await;
}
