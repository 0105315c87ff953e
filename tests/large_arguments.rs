//! Large arguments and values: they take their size once, and are refused where there is no memory.

mod common;

use common::client::{Client, Frame};
use common::process::{Process, command};
use common::{both, info, soon, until_info};

/// The most memory that a process ever had, in bytes.
fn peak(server: &Process) -> usize {
    let path = format!("/proc/{}/status", server.id());
    let status = std::fs::read_to_string(path).expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.expect("VmHWM").trim().trim_end_matches(" kB");
    kilobytes.parse::<usize>().expect("a number") * 1024
}

const MB: usize = 1024 * 1024;

/// A large argument is received where it stays: as a value, in a transaction, or as a message.
#[tokio::test]
async fn a_large_argument_takes_its_size_once() {
    for words in [
        vec!["SET", "k"],
        vec!["SETEX", "k", "1000"],
        vec!["MSET", "k"],
        vec!["APPEND", "k"],
        vec!["GETSET", "k"],
        vec!["SETNX", "k"],
        vec!["PUBLISH", "c"],
        vec!["MULTI", "SET", "k"],
    ] {
        // The slow log has every command, cut.
        let server = Process::start(&["--slowlog-log-slower-than", "1"]).await;
        let mut client = server.client(2).await;
        let before = peak(&server);
        let (multi, words) = match words.as_slice() {
            ["MULTI", words @ ..] => (true, words),
            words => (false, words),
        };
        let value = "x".repeat(100 * MB);
        if multi {
            client.ask("MULTI", "+OK").await;
        }
        client.command(&[words, &[&value]].concat()).await;
        client.frame().await;
        if multi {
            client.line("EXEC").await;
            client.frame().await;
        }
        let grown = peak(&server) - before;
        assert!(grown < 115 * MB, "{words:?}: {} MB", grown / MB);
        if words[0] != "PUBLISH" {
            client.ask("STRLEN k", &format!(":{}", value.len())).await;
            client.ask("GETRANGE k 0 2", "$3 xxx").await;
            client.ask("OBJECT ENCODING k", "$3 raw").await;
            client
                .ask("APPEND k yz", &format!(":{}", value.len() + 2))
                .await;
            client.ask("GETRANGE k -3 -1", "$3 xyz").await;
            client.ask("DEL k", ":1").await;
        }
    }
}

/// A large value is as any other: what was stored and is changed or copied is not changed elsewhere.
#[tokio::test]
async fn large_values_are_values() {
    both(async |_, client| {
        let value = "x".repeat(300_000);
        client
            .script(&[("MSET a 1 c 1 d 1", "+OK"), ("DEL a c d", ":3")])
            .await;
        let empty = info(client, "used_memory_dataset").await;
        client.command(&["SET", "a", &value]).await;
        client.sees("+OK").await;
        client
            .script(&[
                ("COPY a b", ":1"),
                ("SETRANGE a 0 y", ":300000"),
                ("GETRANGE a 0 1", "$2 yx"),
                ("GETRANGE b 0 1", "$2 xx"),
                ("INCR b", "-ERR value is not an integer or out of range"),
                ("RENAME b c", "+OK"),
                ("APPEND c z", ":300001"),
            ])
            .await;
        client.command(&["GET", "c"]).await;
        assert_eq!(client.text().await, format!("{value}z"));
        // Inside a transaction, where the queued command has it too.
        client.ask("MULTI", "+OK").await;
        client.command(&["SET", "d", &value]).await;
        client.sees("+QUEUED").await;
        client
            .script(&[
                ("APPEND d z", "+QUEUED"),
                ("EXEC", "*2 +OK :300001"),
                ("DEL a c d", ":3"),
            ])
            .await;
        assert_eq!(info(client, "used_memory_dataset").await, empty);
    })
    .await;
}

/// A request that a pause holds back keeps its large argument.
#[tokio::test]
async fn a_large_argument_waits_for_the_end_of_a_pause() {
    both(async |server, client| {
        let mut other = Client::connect(server, client.protocol).await;
        client.ask("CLIENT PAUSE 100000 WRITE", "+OK").await;
        let value = "x".repeat(300_000);
        other.command(&["SET", "a", &value]).await;
        until_info(client, "blocked_clients", "1").await;
        other.line("GET a").await;
        client.ask("CLIENT UNPAUSE", "+OK").await;
        other.sees("+OK").await;
        assert_eq!(other.text().await, value);
    })
    .await;
}

/// The binary with at most so much address space.
fn with_address_space(bytes: usize) -> tokio::process::Command {
    let server = command(&[]);
    let mut shell = tokio::process::Command::new("sh");
    let script = format!("ulimit -v {} && exec \"$0\" --port 0", bytes / 1024);
    shell
        .args(["-c", &script])
        .arg(server.as_std().get_program())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true);
    shell
}

/// Where the system gives no memory, a command is refused and the server goes on.
#[tokio::test]
async fn memory_that_the_system_does_not_have_is_refused() {
    let server = Process::spawn(with_address_space(1500 * MB), 1).await;
    let mut client = server.client(2).await;
    let refused = "-OOM the system has no memory for this command";
    for key in ["a", "b", "c", "d", "e"] {
        client.line(&format!("SETRANGE {key} 400000000 x")).await;
        let reply = client.frame().await;
        if matches!(reply, Frame::SimpleError { .. }) {
            break;
        }
    }
    client
        .script(&[
            ("SETRANGE z 400000000 x", refused),
            ("EXISTS z", ":0"),
            ("SET z 1", "+OK"),
            ("SETRANGE z 400000000 x", refused),
            ("GET z", "$1 1"),
        ])
        .await;
    // An argument: the rest of the connection cannot be understood.
    let mut sender = server.client(2).await;
    let mut bytes = b"*3\r\n$3\r\nSET\r\n$1\r\nl\r\n$400000000\r\n".to_vec();
    bytes.resize(20 * MB, b'x');
    sender.send(&bytes).await;
    sender
        .expect("-OOM out of memory for an argument of 400000000 bytes\r\n")
        .await;
    sender.closed().await;
    client.ask("FLUSHALL", "+OK").await;
    // Large values are freed beside.
    soon("there is memory again", async {
        while client
            .reply("SETRANGE z 400000000 x")
            .await
            .starts_with(b"-")
        {}
    })
    .await;
    // Values and replies are copied only where there is memory for the copy.
    for line in ["COPY z y", "GET z", "GETRANGE z 0 -1", "MGET z z"] {
        for _ in 0..3 {
            client.line(line).await;
            if matches!(client.frame().await, Frame::SimpleError { .. }) {
                break;
            }
        }
        client.ask("STRLEN z", ":400000001").await;
    }
}
