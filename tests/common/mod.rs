//! What the tests of the wire share: servers on port 0, a client that reads frames and exact bytes,
//! and waiting for conditions.
//!
//! Nothing here sleeps for a fixed time. [`PATIENCE`] only turns a hang into a failure.

// Every test crate compiles this module and uses its own part of it.
#![allow(dead_code)]

pub mod client;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "cli")]
pub mod process;
pub mod wire;

use std::time::Duration;

use fanfare::Server;

use client::Client;

/// After this long without what a test waits for, it fails. No passing test comes near it.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks at a condition that nobody announces.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A server with default settings on a free port.
pub async fn start() -> Server {
    start_with(&[]).await
}

/// A server with these settings on a free port.
pub async fn start_with(settings: &[(&str, &str)]) -> Server {
    let builder = settings
        .iter()
        .fold(Server::builder(), |builder, (name, value)| {
            builder.set(name, value)
        });
    builder.start().await.expect("the server starts")
}

/// Runs `test` twice, each time with a new server that allows DEBUG and a client that speaks RESP2
/// or RESP3.
pub async fn both(test: impl AsyncFn(&Server, &mut Client)) {
    for protocol in [2, 3] {
        let server = start_with(&[("enable-debug-command", "yes")]).await;
        let mut client = Client::connect(&server, protocol).await;
        test(&server, &mut client).await;
        server.stop().await;
    }
}

/// Awaits `what`, and fails with `who` instead of hanging.
pub async fn soon<T>(who: &str, what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {who}"))
}

/// Waits until `condition` holds.
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    soon(what, async {
        while !condition() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    })
    .await;
}

/// A field of INFO, asked for by `client`.
pub async fn info(client: &mut Client, field: &str) -> String {
    client.command(&["INFO", "everything"]).await;
    let text = client.text().await;
    let found = text
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    found
        .unwrap_or_else(|| panic!("INFO has no {field}"))
        .to_owned()
}

/// Waits until a field of INFO has this value.
pub async fn until_info(client: &mut Client, field: &str, value: &str) {
    soon(field, async {
        while info(client, field).await != value {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    })
    .await;
}

/// A field of a line of CLIENT LIST or CLIENT INFO.
pub fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let value = |word: &'a str| word.strip_prefix(name)?.strip_prefix('=');
    line.split_whitespace()
        .find_map(value)
        .unwrap_or_else(|| panic!("no {name} in {line}"))
}
