//! Large arguments and values: they take their size once, and are refused where there is no memory.

mod common;

use common::client::{Client, Frame};
use common::process::{Process, command};
use common::{both, info, soon, until_info};

/// The most memory that a process ever had, in bytes. The system adds it up from counters of each
/// processor, and may tell a little less the next time.
fn peak(server: &Process) -> usize {
    status(server, "VmHWM:")
}

/// A line of what the system says of a process, in bytes.
fn status(server: &Process, name: &str) -> usize {
    let path = format!("/proc/{}/status", server.id());
    let status = std::fs::read_to_string(path).expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.expect(name).trim().trim_end_matches(" kB");
    kilobytes.parse::<usize>().expect("a number") * 1024
}

const MB: usize = 1024 * 1024;

/// Asks until this is the reply.
async fn until(client: &mut Client, line: &str, reply: &str) {
    let reply = format!("{reply}\r\n");
    soon(line, async {
        while client.reply(line).await != reply.as_bytes() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
}

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
        let grown = peak(&server).saturating_sub(before);
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

/// Between large values there are no gaps that take memory, whatever their sizes.
#[tokio::test]
async fn large_values_lie_close_together() {
    for size in [MB, 700 * 1024] {
        let server = Process::start(&[]).await;
        let mut client = server.client(2).await;
        let before = status(&server, "VmRSS:");
        let value = "x".repeat(size);
        for number in 0..100 {
            client.command(&["SET", &number.to_string(), &value]).await;
            client.sees("+OK").await;
        }
        let grown = status(&server, "VmRSS:").saturating_sub(before);
        assert!(grown < 115 * size, "{size}: {} MB", grown / MB);
    }
}

/// A reply shares the large value that it tells, however often it is asked for and however slowly it is
/// read.
#[tokio::test]
async fn replies_share_a_large_value() {
    for words in [
        &["GET", "k"][..],
        &["GETRANGE", "k", "0", "-1"],
        &["MGET", "k"],
    ] {
        let server = Process::start(&[]).await;
        let mut client = server.client(2).await;
        let mut other = server.client(2).await;
        let value = "x".repeat(20 * MB);
        client.command(&["SET", "k", &value]).await;
        client.sees("+OK").await;
        let before = peak(&server);
        // The last of them is carried out when the others wait to be read.
        for _ in 0..20 {
            client.command(words).await;
        }
        client.line("SET done 1").await;
        until(&mut other, "EXISTS done", ":1").await;
        for _ in 0..20 {
            let frame = client.frame().await;
            let text = match &frame {
                Frame::Array { data, .. } => &data[0],
                frame => frame,
            };
            let Frame::BlobString { data, .. } = text else {
                panic!("no string: {text:?}");
            };
            assert_eq!(data.len(), value.len());
        }
        client.sees("+OK").await;
        let grown = peak(&server).saturating_sub(before);
        assert!(grown < 8 * MB, "{words:?}: {} MB", grown / MB);
    }
}

/// As does one that tells the argument itself.
#[tokio::test]
async fn an_echo_takes_its_size_once() {
    let server = Process::start(&[]).await;
    let mut client = server.client(2).await;
    let before = peak(&server);
    let value = "x".repeat(100 * MB);
    for word in ["ECHO", "PING"] {
        client.command(&[word, &value]).await;
        assert_eq!(client.text().await, value);
    }
    let grown = peak(&server).saturating_sub(before);
    assert!(grown < 115 * MB, "{} MB", grown / MB);
}

/// A long reply of many small pieces takes its size, and not twice that.
#[tokio::test]
async fn a_long_reply_takes_its_size_once() {
    let server = Process::start(&[]).await;
    let mut client = server.client(2).await;
    let element = "x".repeat(1000);
    let elements: Vec<&str> = vec![&element; 1000];
    for _ in 0..60 {
        client
            .command(&[&["RPUSH", "l"], &elements[..]].concat())
            .await;
        client.integer().await;
    }
    let before = peak(&server);
    client.ask("LRANGE l 60000 -1", "*0").await;
    client.line("LRANGE l 0 -1").await;
    let Frame::Array { data, .. } = client.frame().await else {
        panic!("no array");
    };
    assert_eq!(data.len(), 60_000);
    let grown = peak(&server).saturating_sub(before);
    assert!(grown < 75 * MB, "{} MB", grown / MB);
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

/// Fills the server with values of this size until one is refused, which `line` writes the beginning of.
async fn fill(client: &mut Client, words: &[&str], size: usize) {
    let value = "x".repeat(size);
    for number in 0..100 {
        let name = number.to_string();
        let words: Vec<&str> = words
            .iter()
            .map(|word| if *word == "N" { &name } else { *word })
            .collect();
        client.command(&[&words[..], &[&value]].concat()).await;
        if let Frame::SimpleError { data, .. } = client.frame().await {
            assert_eq!(data, REFUSED);
            return;
        }
    }
    panic!("{words:?}: nothing was refused");
}

const REFUSED: &str = "OOM the system has no memory for this command";

/// What a command would copy, and what it would answer, is refused where there is no memory for it. What
/// was refused has changed nothing.
#[tokio::test]
async fn copies_and_replies_that_there_is_no_memory_for_are_refused() {
    let refused = format!("-{REFUSED}");
    // Room for five of the large values beside the binary, which takes address space too, and what is left
    // of it when memory is asked for.
    let server = Process::spawn(with_address_space(752 * MB), 1).await;
    let mut client = server.client(2).await;
    for words in [
        &["RPUSH", "k"][..],
        &["HSET", "k", "N"],
        &["SADD", "N"],
        &["ZADD", "N", "1"],
    ] {
        fill(&mut client, words, 50 * MB).await;
        client.ask("PING", "+PONG").await;
        client.ask("FLUSHALL", "+OK").await;
        until(&mut client, "SETRANGE free 300000000 x", ":300000001").await;
        client.ask("DEL free", ":1").await;
    }
    // Replies: what is read fails, what would be taken stays.
    let value = "x".repeat(50 * MB);
    for number in 1..=5 {
        client.command(&["RPUSH", "l", &value]).await;
        client.sees(&format!(":{number}")).await;
    }
    client
        .script(&[
            ("LRANGE l 0 -1", &refused),
            ("SORT l BY none", &refused),
            ("SORT l STORE m", &refused),
            ("LPOP l 5", &refused),
            ("RPOP l 5", &refused),
            ("LMPOP 1 l LEFT COUNT 5", &refused),
            ("BLMPOP 0 1 l LEFT COUNT 5", &refused),
            ("COPY l m", &refused),
            ("LLEN l", ":5"),
            ("EXISTS m", ":0"),
            ("MULTI", "+OK"),
            ("LRANGE l 0 -1", "+QUEUED"),
            ("LPOP l 5", "+QUEUED"),
            ("LLEN l", "+QUEUED"),
        ])
        .await;
    client.line("EXEC").await;
    client
        .expect(format!("*3\r\n{refused}\r\n{refused}\r\n:5\r\n"))
        .await;
    client.ask("DEL l", ":1").await;
    // A number is enough to ask for much.
    for line in [
        "SETRANGE a 400000000 x",
        "SETBIT b 3200000000 1",
        "BITFIELD c SET u8 3200000000 1",
        "BITOP OR d a b",
        "BITOP NOT e a",
        "APPEND f x",
        "GETSET f y",
        "SUNIONSTORE g a2",
    ] {
        client.line(line).await;
        client.frame().await;
        client.ask("PING", "+PONG").await;
    }
}

/// What waits to be read by a client that does not read is bounded by memory, too.
#[tokio::test]
async fn replies_that_nobody_reads_end_with_an_error() {
    let server = Process::spawn(with_address_space(1500 * MB), 1).await;
    let mut client = server.client(2).await;
    let mut other = server.client(2).await;
    let element = "x".repeat(10 * MB);
    for _ in 0..10 {
        client.command(&["RPUSH", "l", &element]).await;
        client.integer().await;
    }
    for _ in 0..20 {
        client.line("LRANGE l 0 -1").await;
    }
    client.line("SET done 1").await;
    until(&mut other, "EXISTS done", ":1").await;
    let mut refused = 0;
    for _ in 0..20 {
        refused += usize::from(matches!(client.frame().await, Frame::SimpleError { .. }));
    }
    assert!((1..20).contains(&refused), "{refused}");
    client.sees("+OK").await;
    client.ask("LLEN l", ":10").await;
}

/// A request that is longer than memory ends its connection, and a long transaction is refused.
#[tokio::test]
async fn requests_longer_than_memory_end() {
    let server = Process::spawn(with_address_space(1000 * MB), 1).await;
    let mut client = server.client(2).await;
    let mut sender = server.client(2).await;
    // Small arguments, which are not received apart.
    let argument = format!("$30000\r\n{}\r\n", "x".repeat(30_000));
    sender.send(b"*1000000\r\n$5\r\nRPUSH\r\n").await;
    let mut sent = 0;
    while sent < 1500 * MB && sender.try_send(&argument).await.is_ok() {
        sent += argument.len();
    }
    assert!(sent < 1500 * MB);
    client.ask("PING", "+PONG").await;
    let output = server.terminate().await.stderr;
    let why = "client closed: the system has no memory for its request or reply";
    assert!(output.contains(why), "{output}");
}
