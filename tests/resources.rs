//! What one connection, or the system, may run out of: open files, subscriptions, time.

#![cfg(feature = "cli")]

mod common;

use common::client::Client;
use common::process::{Process, command};
use common::{both, eventually, field, info, soon, start, until_info};
use tokio::process::Command;

/// The binary with at most so many open files, soft and hard.
fn with_open_files(limit: usize, args: &[&str]) -> Command {
    let server = command(args);
    let program = server.as_std().get_program().to_owned();
    let script = format!("ulimit -n {limit} && exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &script])
        .arg(program)
        .args(args)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true);
    shell
}

#[tokio::test]
async fn maxclients_is_what_the_system_has_open_files_for() {
    let args = ["--port", "0", "--maxclients", "500"];
    let server = Process::spawn(with_open_files(200, &args), 1).await;
    let mut client = server.client(2).await;
    client
        .ask("CONFIG GET maxclients", "*2 $10 maxclients $3 168")
        .await;
    let refused = "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - The \
                   operating system is not able to handle the specified number of clients, try \
                   with 168";
    client
        .script(&[("CONFIG SET maxclients 169", refused)])
        .await;
    client
        .ask("CONFIG GET maxclients", "*2 $10 maxclients $3 168")
        .await;
    client.ask("CONFIG SET maxclients 100", "+OK").await;
    client.ask("CONFIG SET maxclients 168", "+OK").await;
    let log = server.terminate().await.stderr;
    assert!(log.contains("maxclients is reduced"), "{log}");
    assert!(log.contains("asked=500"), "{log}");
    assert!(log.contains("maxclients=168"), "{log}");
}

#[tokio::test]
async fn a_soft_limit_of_open_files_is_raised() {
    let mut shell = with_open_files(0, &[]);
    let program = shell.as_std().get_args().nth(2).expect("it").to_owned();
    shell = Command::new("sh");
    shell
        .args([
            "-c",
            "ulimit -Sn 64 && exec \"$0\" --port 0 --maxclients 300",
        ])
        .arg(program)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true);
    let server = Process::spawn(shell, 1).await;
    let mut clients = Vec::new();
    for _ in 0..150 {
        clients.push(server.client(2).await);
    }
    clients[149]
        .ask("CONFIG GET maxclients", "*2 $10 maxclients $3 300")
        .await;
    let log = server.terminate().await.stderr;
    assert!(!log.contains("open files"), "{log}");
}

#[tokio::test]
async fn too_few_open_files_for_any_client_is_an_error() {
    let ended = soon("its end", with_open_files(30, &["--port", "0"]).output())
        .await
        .expect("it ran");
    let log = String::from_utf8(ended.stderr).expect("text");
    assert!(!ended.status.success(), "{log}");
    assert!(
        log.contains("the limit of open files, 30, is too low"),
        "{log}"
    );
}

/// Without open files, those who are there are served, others are once somebody goes, and the log
/// does not fill up.
#[tokio::test]
async fn without_open_files_the_server_goes_on() {
    // A maxclients that is not held against the limit, as that is lowered afterwards.
    let server = Process::start(&["--maxclients", "4000"]).await;
    let mut observer = server.client(2).await;
    let mut subscriber = server.client(3).await;
    subscriber.subscribe("SUBSCRIBE", &["c"]).await;
    server.limit_open_files(60);
    let address = server.tcp.expect("TCP");
    let mut waiting = Vec::new();
    for _ in 0..100 {
        waiting.push(Client::raw(address).await);
    }
    soon("accepting fails", async {
        while info(&mut observer, "accept_failures").await == "0" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let served: usize = info(&mut observer, "connected_clients")
        .await
        .parse()
        .expect("a number");
    assert!((3..60).contains(&served), "{served}");
    for number in 0..100 {
        observer.ask(&format!("PUBLISH c {number}"), ":1").await;
        assert_eq!(subscriber.push().await[2], number.to_string());
    }
    // It rests between two tries: there are not more of them than questions after them, give or take
    // a slow machine.
    const QUESTIONS: u64 = 200;
    let before = failed(&mut observer).await;
    for _ in 0..QUESTIONS {
        failed(&mut observer).await;
    }
    let more = failed(&mut observer).await - before;
    assert!(more < 20 * QUESTIONS, "{more} tries");
    // Who waits is served as soon as others have gone.
    let mut last = waiting.pop().expect("one");
    drop(waiting);
    last.ask("PING", "+PONG").await;
    until_info(&mut observer, "connected_clients", "3").await;
    let log = server.terminate().await.stderr;
    let lines = log.lines().filter(|line| line.contains("can't accept"));
    // Once in ten seconds.
    assert!((1..10).contains(&lines.count()), "{log}");
}

async fn failed(observer: &mut Client) -> u64 {
    let failures = info(observer, "accept_failures").await;
    failures.parse().expect("a number")
}

#[tokio::test]
async fn no_more_subscriptions_than_allowed() {
    both(async |server, client| {
        let protocol = client.protocol;
        let mut admin = Client::connect(server, 2).await;
        admin
            .ask("CONFIG SET max-subscriptions-per-client 3", "+OK")
            .await;
        let refused = "-ERR max number of subscriptions reached: a client may have 3";
        client.subscribe("SUBSCRIBE", &["a"]).await;
        client.subscribe("PSUBSCRIBE", &["b*"]).await;
        // Nothing is half done.
        client.script(&[("SUBSCRIBE c d", refused)]).await;
        assert_eq!(server.subscriber_count("c"), 0);
        // Names that it has, or that are there twice, count once.
        client.subscribe("SUBSCRIBE", &["a", "c", "c"]).await;
        client.script(&[("SSUBSCRIBE s", refused)]).await;
        client.script(&[("PSUBSCRIBE c*", refused)]).await;
        client.subscribe("PSUBSCRIBE", &["b*"]).await;
        client.line("UNSUBSCRIBE c").await;
        client.frame().await;
        client.subscribe("SSUBSCRIBE", &["s"]).await;
        client.script(&[("SUBSCRIBE c", refused)]).await;
        admin
            .ask("CONFIG SET max-subscriptions-per-client 0", "+OK")
            .await;
        client.subscribe("SUBSCRIBE", &["c", "d", "e"]).await;
        client.barrier().await;
        let mut other = Client::connect(server, protocol).await;
        admin
            .ask("CONFIG SET max-subscriptions-per-client 1", "+OK")
            .await;
        let in_exec = "-ERR max number of subscriptions reached: a client may have 1";
        other.ask("MULTI", "+OK").await;
        other.ask("SUBSCRIBE a b", "+QUEUED").await;
        other.ask("PING", "+QUEUED").await;
        other.line("EXEC").await;
        other.expect(format!("*2\r\n{in_exec}\r\n+PONG\r\n")).await;
    })
    .await;
}

#[tokio::test]
async fn no_longer_patterns_than_allowed() {
    both(async |server, client| {
        let mut admin = Client::connect(server, 2).await;
        let refused = "-ERR pattern is too long: it may have 1024 bytes (max-pattern-length)";
        let fits = "a".repeat(1024);
        let long = "a".repeat(1025);
        for line in [
            format!("PUBSUB CHANNELS {long}"),
            format!("PUBSUB SHARDCHANNELS {long}"),
            format!("KEYS {long}"),
            format!("SCAN 0 MATCH {long}"),
            // Nothing is half done.
            format!("PSUBSCRIBE b {long}"),
        ] {
            client.script(&[(&line, refused)]).await;
        }
        assert_eq!(server.pattern_count(), 0);
        client.ask(&format!("PUBSUB CHANNELS {fits}"), "*0").await;
        client.ask(&format!("KEYS {fits}"), "*0").await;
        client.subscribe("PSUBSCRIBE", &[&fits]).await;
        admin.ask("CONFIG SET max-pattern-length 0", "+OK").await;
        client.subscribe("PSUBSCRIBE", &[&long]).await;
        assert_eq!(server.pattern_count(), 2);
    })
    .await;
}

/// However much work one has sent at once, others on the same thread get their turn in between.
#[tokio::test]
async fn a_long_batch_does_not_keep_others_waiting() {
    const COMMANDS: usize = 2000;
    let server = start().await;
    let mut observer = Client::connect(&server, 2).await;
    let mut busy = Client::connect(&server, 2).await;
    for first in (0..5000).step_by(500) {
        let pairs: Vec<_> = (first..first + 500)
            .map(|key| format!("k{key} v"))
            .collect();
        observer
            .ask(&format!("MSET {}", pairs.join(" ")), "+OK")
            .await;
    }
    // All in one read, with replies that are nearly nothing.
    busy.send("KEYS *x\r\n".repeat(COMMANDS)).await;
    let calls = soon("it has begun", async {
        loop {
            observer.command(&["INFO", "commandstats"]).await;
            let text = observer.text().await;
            let calls = text
                .lines()
                .find_map(|line| line.strip_prefix("cmdstat_keys:calls="));
            if let Some(calls) = calls {
                let digits = calls.split(',').next().expect("a number");
                break digits.parse::<usize>().expect("a number");
            }
        }
    })
    .await;
    assert!(calls < COMMANDS, "all of them at once");
    busy.expect("*0\r\n".repeat(COMMANDS)).await;
}

/// Nor do commands that are not carried out: unknown ones, and those that MULTI queues.
#[tokio::test]
async fn a_long_batch_of_nothing_does_not_either() {
    const COMMANDS: usize = 400_000;
    let server = start().await;
    let mut observer = Client::connect(&server, 2).await;
    let mut busy = Client::connect(&server, 2).await;
    // What is sent while it is blocked is carried out in one batch afterwards.
    busy.send("CLIENT REPLY OFF\r\nBLPOP k 0\r\n").await;
    until_info(&mut observer, "blocked_clients", "1").await;
    busy.send("X\r\n".repeat(COMMANDS)).await;
    soon("all of it is kept", async {
        loop {
            observer.line(&format!("CLIENT LIST ID {}", busy.id)).await;
            let line = observer.text().await;
            if field(&line, "qbuf").parse::<usize>().expect("bytes") == 3 * COMMANDS {
                break;
            }
        }
    })
    .await;
    let unblock = format!("CLIENT UNBLOCK {}", busy.id);
    observer.ask(&unblock, ":1").await;
    let errors = soon("it has begun", async {
        loop {
            observer.command(&["INFO", "errorstats"]).await;
            let text = observer.text().await;
            let errors = text
                .lines()
                .find_map(|line| line.strip_prefix("errorstat_ERR:count="));
            if let Some(errors) = errors {
                break errors.parse::<usize>().expect("a number");
            }
        }
    })
    .await;
    assert!(errors < COMMANDS, "all of them at once");
    busy.send("CLIENT REPLY ON\r\nPING\r\n").await;
    busy.expect("+OK\r\n+PONG\r\n").await;
}

/// Whether the server's only worker thread waits in the kernel.
fn worker_sleeps(server: &Process) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{}/task", server.id())).expect("it runs");
    threads.flatten().any(|thread| {
        // A thread may end between the listing and the reading.
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.contains("(worker-0) S ")
    })
}

/// A worker that looks for input before it sleeps, as it is woken often, still sleeps where none
/// comes, and does not keep the server from ending.
#[tokio::test]
async fn an_idle_worker_sleeps_however_busy_it_was() {
    let server = Process::start(&["--worker-threads", "1", "--busy-poll", "1000"]).await;
    let mut client = server.client(2).await;
    for _ in 0..20 {
        for _ in 0..100 {
            client.ask("PING", "+PONG").await;
        }
        eventually("the worker sleeps", || worker_sleeps(&server)).await;
    }
    client.ask("CONFIG SET busy-poll 0", "+OK").await;
    client
        .ask("CONFIG GET busy-poll", "*2 $9 busy-poll $1 0")
        .await;
    client.ask("CONFIG SET busy-poll 1000", "+OK").await;
    client.line("SHUTDOWN NOSAVE").await;
    assert!(server.end().await.status.success());
}
