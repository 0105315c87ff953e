//! What the log says of clients at the default level: always by the same fields, and never so much
//! that a client could fill it.

mod common;

use common::client::Client;
use common::process::{Ended, Process};
use common::{soon, until_info};
use serde_json::Value;

/// The lines of a log in JSON.
fn lines(ended: &Ended) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    ended.stderr.lines().map(line).collect()
}

/// The line that says this.
fn told<'a>(lines: &'a [Value], message: &str) -> &'a Value {
    let found = lines.iter().find(|line| line["message"] == message);
    found.unwrap_or_else(|| panic!("{message:?} is not in {lines:#?}"))
}

#[tokio::test]
async fn every_line_about_a_client_has_the_same_fields() {
    let server = Process::start(&[
        "--log-format",
        "json",
        "--client-query-buffer-limit",
        "1mb",
        "--client-output-buffer-limit",
        "normal 64kb 0 0",
        "--enable-debug-command",
        "yes",
        "--maxclients",
        "8",
    ])
    .await;
    let address = server.tcp.expect("TCP");
    let mut admin = server.client(2).await;
    admin.ask("CLIENT SETNAME boss", "+OK").await;
    admin.ask("ACL SETUSER ann on >p ~* &* +@all", "+OK").await;
    let login = async |name: &str| {
        let mut client = server.client(2).await;
        client.ask("AUTH ann p", "+OK").await;
        client.ask(&format!("CLIENT SETNAME {name}"), "+OK").await;
        client
    };
    let mut browser = login("browser").await;
    browser.line("POST / HTTP/1.1").await;
    browser.closed().await;
    let mut babbler = login("babbler").await;
    babbler.send(b"*x\r\n").await;
    babbler.rest().await;
    let mut hoarder = login("hoarder").await;
    let _ = hoarder
        .try_send([b"*1\r\n$3000000\r\n", &[b'x'; 2 << 20][..]].concat())
        .await;
    hoarder.rest().await;
    let mut glutton = login("glutton").await;
    glutton.send("COMMAND DOCS\r\n".repeat(4)).await;
    glutton.rest().await;
    let mut victim = login("victim").await;
    admin
        .ask(&format!("CLIENT KILL ID {}", victim.id), ":1")
        .await;
    victim.closed().await;
    let mut panics = login("panics").await;
    panics.line("DEBUG PANIC").await;
    panics.closed().await;
    let mut fired = login("fired").await;
    admin.ask("ACL DELUSER ann", ":1").await;
    fired.closed().await;
    admin
        .ask("CONFIG SET timeout 100 requirepass sesame", "+OK")
        .await;
    admin.command(&["CONFIG", "SET", "requirepass", ""]).await;
    admin.sees("+OK").await;
    until_info(&mut admin, "connected_clients", "1").await;
    let mut crowd = Vec::new();
    for _ in 0..7 {
        crowd.push(server.client(2).await);
    }
    let refused = Client::raw(address).await.rest().await;
    assert_eq!(refused, b"-ERR max number of clients reached\r\n");
    admin.line("SHUTDOWN").await;
    let ended = soon("the end", server.end()).await;
    assert!(!ended.stderr.contains("sesame"), "{}", ended.stderr);
    let lines = lines(&ended);

    for (message, name, level) in [
        (
            "possible attack: an HTTP request was sent to fanfare; connection closed",
            "browser",
            "WARN",
        ),
        (
            "client closed: it sent what is no request",
            "babbler",
            "INFO",
        ),
        (
            "client closed: more is kept for it than client-query-buffer-limit",
            "hoarder",
            "WARN",
        ),
        (
            "client closed: it broke client-output-buffer-limit",
            "glutton",
            "WARN",
        ),
        ("client closed by CLIENT KILL", "victim", "INFO"),
        ("connection closed: its task panicked", "panics", "ERROR"),
        (
            "client closed: its user is gone, or may no longer have its channels",
            "fired",
            "INFO",
        ),
    ] {
        let line = told(&lines, message);
        assert_eq!(line["name"], name, "{line}");
        assert_eq!(line["user"], "ann", "{line}");
        assert_eq!(line["level"], level, "{line}");
        assert_eq!(line["times"], 1, "{line}");
    }
    let panicked = told(&lines, "connection closed: its task panicked");
    assert_eq!(panicked["reason"], "DEBUG PANIC");
    assert_eq!(told(&lines, "panic")["reason"], "DEBUG PANIC");
    let killed = told(&lines, "client closed by CLIENT KILL");
    assert_eq!(
        (&killed["id"], &killed["addr"]),
        (&victim.id.into(), &victim.address.clone().into())
    );
    assert_eq!(
        (&killed["by"], &killed["by_user"]),
        (&admin.id.into(), &"default".into())
    );
    for (message, name, value) in [
        ("changed by CONFIG SET", "timeout", "100"),
        ("changed by CONFIG SET", "requirepass", "(redacted)"),
    ] {
        let is_it = |line: &&Value| line["message"] == message && line["setting"] == name;
        let line = lines.iter().find(is_it).expect("the change");
        assert_eq!(
            (&line["value"], &line["name"]),
            (&value.into(), &"boss".into())
        );
    }
    let changed = |by: &str| {
        lines
            .iter()
            .find(|line| line["by"] == by)
            .expect("the change")
    };
    for by in ["ACL SETUSER", "ACL DELUSER"] {
        let line = changed(by);
        assert_eq!(
            (&line["changed"], &line["name"]),
            (&"ann".into(), &"boss".into())
        );
        assert_eq!(line["message"], "users changed");
    }
    told(&lines, "SHUTDOWN received");
    let refused = told(&lines, "connection refused: maxclients is reached");
    assert!(refused["addr"].is_string(), "{refused}");

    // Whatever else it says of a client.
    for line in &lines {
        assert!(line.get("client").is_none(), "{line}");
        if line.get("id").is_some() {
            assert!(line["id"].is_number(), "{line}");
            for name in ["addr", "name", "user"] {
                assert!(line[name].is_string(), "{name} in {line}");
            }
        }
    }
}

/// One that comes again and again, as somebody who scans for open servers does, gets a line or two.
#[tokio::test]
async fn no_client_fills_the_log() {
    const TIMES: u64 = 300;
    let arguments = ["--log-format", "json", "--maxclients", "2"];
    let server = Process::start(&arguments).await;
    let address = server.tcp.expect("TCP");
    let mut admin = server.client(2).await;
    for line in ["POST / HTTP/1.1", "Host: here", "*1\r\n$x"] {
        for _ in 0..TIMES {
            let mut client = Client::raw(address).await;
            client.send(format!("{line}\r\n")).await;
            client.rest().await;
            until_info(&mut admin, "connected_clients", "1").await;
        }
    }
    let mut other = server.client(2).await;
    for _ in 0..TIMES {
        Client::raw(address).await.rest().await;
    }
    for number in 0..TIMES {
        admin
            .ask(&format!("CONFIG SET timeout {number}"), "+OK")
            .await;
        admin.ask(&format!("ACL SETUSER u{number}"), "+OK").await;
    }
    other.ask("PING", "+PONG").await;
    let ended = server.terminate().await;
    // However slow the machine: a kind has one line, or 32, in ten seconds, and no test takes hours.
    let lines = lines(&ended);
    assert!(lines.len() < 2 * TIMES as usize, "{} lines", lines.len());
    for message in [
        "possible attack: an HTTP request was sent to fanfare; connection closed",
        "client closed: it sent what is no request",
        "connection refused: maxclients is reached",
        "changed by CONFIG SET",
        "users changed",
    ] {
        assert_eq!(told(&lines, message)["times"], 1);
    }
}
