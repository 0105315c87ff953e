//! A shutdown under load: what was answered has been delivered.

#![cfg(feature = "cli")]

mod common;

use common::client::{Client, Frame, parts};
use common::process::Process;
use common::{soon, until_info};
use nix::sys::signal::Signal;
use tokio::sync::watch;

const PUBLISHERS: usize = 4;
const FAST: usize = 3;
/// Requests that a publisher has under way.
const PIPELINED: usize = 64;
const ROUNDS: usize = 10;

fn number(text: &[u8]) -> usize {
    let text = std::str::from_utf8(text).expect("text");
    text.parse().expect("a number")
}

/// Publishes numbers until the server ends. Returns to how many of its messages it was answered that
/// they had `receivers`.
async fn publish(
    mut client: Client,
    channel: String,
    receivers: i64,
    answered: watch::Sender<usize>,
) -> usize {
    let (mut sent, mut counted) = (0, 0);
    loop {
        let batch: String = (sent..sent + PIPELINED)
            .map(|number| format!("PUBLISH {channel} {number}\r\n"))
            .collect();
        sent += PIPELINED;
        if client.try_send(batch).await.is_err() {
            break;
        }
        for _ in 0..PIPELINED {
            match client.frame_or_end().await {
                Some(Frame::Number { data, .. }) => {
                    assert_eq!(data, receivers);
                    counted += 1;
                }
                Some(other) => panic!("{other:?} instead of a count"),
                None => return counted,
            }
        }
        answered.send_modify(|answered| *answered += PIPELINED);
    }
    // What was answered before the end is still to be read.
    while let Some(Frame::Number { .. }) = client.frame_or_end().await {
        counted += 1;
    }
    counted
}

/// Reads to the end. Returns, for each publisher, how many of its messages came; they are numbered
/// without a gap.
async fn receive(mut client: Client, mut go: watch::Receiver<bool>) -> Vec<usize> {
    let _ = go.wait_for(|go| *go).await;
    let mut next = vec![0; PUBLISHERS];
    while let Some(frame) = client.frame_or_end().await {
        let parts = parts(frame).expect("a message");
        // A pmessage has its pattern before them.
        let [.., channel, payload] = &parts[..] else {
            panic!("{parts:?} is no message");
        };
        let publisher = number(&channel[1..]);
        let number = number(payload);
        assert_eq!(number, next[publisher], "a gap");
        next[publisher] += 1;
    }
    next
}

const UNLIMITED: [&str; 2] = ["--client-output-buffer-limit", "pubsub 0 0 0"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_is_delivered() {
    end_under_load(false).await;
}

/// The subscriber at the hub has what was answered too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_edge_has_answered_is_delivered() {
    end_under_load(true).await;
}

/// Each round ends the server at another moment: by a signal, or by a client's SHUTDOWN.
async fn end_under_load(is_edge: bool) {
    for round in 0..ROUNDS {
        let mut hub = None;
        let mut settings = UNLIMITED.map(str::to_owned).to_vec();
        let threads = if round % 2 == 0 { "1" } else { "3" };
        settings.extend(["--worker-threads".to_owned(), threads.to_owned()]);
        if is_edge {
            let hub = hub.insert(Process::start(&UNLIMITED).await);
            settings.extend(["--upstream".to_owned(), hub.url()]);
        }
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let server = Process::start(&settings).await;
        let (go, reads) = watch::channel(false);
        let (slow_go, slow_reads) = watch::channel(false);
        go.send_replace(true);
        let mut subscribers = Vec::new();
        let everywhere = FAST + 1 + usize::from(is_edge);
        for index in 0..everywhere {
            let at = hub.as_ref().filter(|_| index > FAST).unwrap_or(&server);
            let mut client = at.client(2 + (index % 2) as u8).await;
            client.subscribe("SUBSCRIBE", &["c0", "c1"]).await;
            client.subscribe("PSUBSCRIBE", &["c[2-9]"]).await;
            // The last one begins to read when the server has been told to end.
            let reads = if index == FAST { &slow_reads } else { &reads };
            subscribers.push(tokio::spawn(receive(client, reads.clone())));
        }
        let (answered, mut progress) = watch::channel(0);
        let mut publishers = Vec::new();
        for index in 0..PUBLISHERS {
            let client = server.client(2).await;
            let channel = format!("c{index}");
            publishers.push(tokio::spawn(publish(
                client,
                channel,
                everywhere as i64,
                answered.clone(),
            )));
        }
        let moment = 100 + round * 777;
        let _ = soon(
            "messages",
            progress.wait_for(|answered| *answered >= moment),
        )
        .await;
        if round % 3 == 2 {
            server.client(2).await.line("SHUTDOWN NOSAVE").await;
        } else {
            server.signal(Signal::SIGTERM);
        }
        slow_go.send_replace(true);
        let mut counted = Vec::new();
        for publisher in publishers {
            counted.push(soon("a publisher", publisher).await.expect("no panic"));
        }
        if let Some(hub) = &hub {
            hub.signal(Signal::SIGTERM);
        }
        for subscriber in subscribers {
            let received = soon("a subscriber", subscriber).await.expect("no panic");
            for (received, counted) in received.iter().zip(&counted) {
                assert!(
                    received >= counted,
                    "round {round}: {received} of {counted}"
                );
            }
        }
        let ended = soon("the end", server.end()).await;
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        assert!(!ended.stderr.contains("have not read"), "{}", ended.stderr);
    }
}

/// An edge whose hub is silent: who waits for a reply is told, once `upstream-timeout` is over. Who waits
/// for a subscription is told too if it has waited for so long. All are closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_ends_without_its_hub() {
    let hub = Process::start(&[]).await;
    let url = hub.url();
    let edge = Process::start(&["--upstream", &url, "--upstream-timeout", "1"]).await;
    let mut observer = edge.client(3).await;
    until_info(&mut observer, "upstream_up", "1").await;
    hub.signal(Signal::SIGSTOP);
    let mut publisher = edge.client(3).await;
    let mut subscriber = edge.client(3).await;
    publisher.line("PUBLISH c x").await;
    subscriber.line("SUBSCRIBE c").await;
    until_info(&mut observer, "upstream_waiting_clients", "1").await;
    edge.signal(Signal::SIGTERM);
    let unknown = "-NOUPSTREAM the connection to the upstream was lost: the command may have been \
                   carried out or not\r\n";
    publisher.expect(unknown).await;
    publisher.closed().await;
    let told = subscriber.rest().await;
    assert!(
        told.is_empty() || told.starts_with(b"-NOUPSTREAM "),
        "{}",
        told.escape_ascii()
    );
    assert_eq!(edge.end().await.status.code(), Some(0));
    hub.signal(Signal::SIGCONT);
}

/// An element that was given to a waiter has reached it, and one whose push was answered and that
/// nobody waits for was answered no other way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn popped_elements_reach_their_waiters() {
    for round in 0..ROUNDS {
        let server = Process::start(&[]).await;
        let mut workers = Vec::new();
        for _ in 0..4 {
            let mut worker = server.client(2).await;
            workers.push(tokio::spawn(async move {
                let mut got = Vec::new();
                loop {
                    if worker.try_send("BLPOP q 0\r\n").await.is_err() {
                        break;
                    }
                    let Some(frame) = worker.frame_or_end().await else {
                        break;
                    };
                    let parts = parts(frame).expect("an element");
                    got.push(number(&parts[1]));
                }
                got
            }));
        }
        let mut pusher = server.client(2).await;
        let (mut pushed, mut left) = (0, 0);
        loop {
            if pushed == 50 + round * 97 {
                server.signal(Signal::SIGTERM);
            }
            if pusher
                .try_send(format!("RPUSH q {pushed}\r\nLLEN q\r\n"))
                .await
                .is_err()
            {
                break;
            }
            match pusher.frame_or_end().await {
                Some(_) => pushed += 1,
                None => break,
            }
            match pusher.frame_or_end().await {
                Some(Frame::Number { data, .. }) => left = data as usize,
                _ => break,
            }
        }
        let mut all = Vec::new();
        for worker in workers {
            all.extend(soon("a worker", worker).await.expect("no panic"));
        }
        all.sort_unstable();
        let in_order: Vec<usize> = (0..all.len()).collect();
        assert_eq!(all, in_order, "round {round}: one was lost or came twice");
        assert!(
            all.len() + left >= pushed,
            "round {round}: {} and {left} of {pushed}",
            all.len()
        );
        assert_eq!(server.end().await.status.code(), Some(0));
    }
}

/// Who reads nothing is not waited for, however long `shutdown-timeout` is; who reads, gets all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_holds_up_no_shutdown() {
    const MESSAGES: usize = 300;
    let patient = [&UNLIMITED[..], &["--shutdown-timeout", "1000000"]].concat();
    let server = Process::start(&patient).await;
    let mut stuck = server.client(2).await;
    stuck.subscribe("SUBSCRIBE", &["c"]).await;
    let mut reader = server.client(3).await;
    reader.subscribe("SUBSCRIBE", &["c"]).await;
    let mut publisher = server.client(2).await;
    for number in 0..MESSAGES {
        let payload = format!("{number:08}").repeat(8 * 1024);
        publisher.command(&["PUBLISH", "c", &payload]).await;
        assert_eq!(publisher.integer().await, 2);
    }
    server.signal(Signal::SIGTERM);
    for number in 0..MESSAGES {
        assert!(reader.push().await[2].starts_with(format!("{number:08}").as_bytes()));
    }
    reader.closed().await;
    let ended = server.end().await;
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let told = "closing clients that read nothing of what they were sent clients=1";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    // What the kernel had taken is there, but not all.
    assert!(stuck.rest().await.len() < MESSAGES * 64 * 1024);
}

/// `docker stop` kills after 10 seconds.
#[tokio::test]
async fn by_default_a_shutdown_is_over_before_it_is_killed() {
    let server = Process::start(&[]).await;
    let mut client = server.client(2).await;
    client.command(&["CONFIG", "GET", "shutdown-timeout"]).await;
    let setting = parts(client.frame().await).expect("a setting");
    assert!(number(&setting[1]) < 10, "{setting:?}");
}
