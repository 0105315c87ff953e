//! Servers that have ended leave no file descriptor and no thread behind.
//!
//! One test, since it counts those of the whole process.

mod common;

use common::client::Client;
use common::{eventually, start};

const SERVERS: usize = 300;

fn entries(directory: &str) -> usize {
    std::fs::read_dir(directory).expect("/proc").count()
}

/// Open file descriptors and threads.
fn counts() -> (usize, usize) {
    (entries("/proc/self/fd"), entries("/proc/self/task"))
}

/// A server with a subscriber and an idle client, which have been served.
async fn serve() -> (fanfare::Server, [Client; 2]) {
    let server = start().await;
    let mut clients = [
        Client::connect(&server, 2).await,
        Client::connect(&server, 3).await,
    ];
    clients[0].subscribe("SUBSCRIBE", &["c"]).await;
    assert_eq!(server.publish("c", "hi"), 1);
    assert_eq!(clients[0].push().await[2], "hi");
    (server, clients)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_servers_leave_nothing_behind() {
    // What the first one needs stays: the runtime's own.
    let (server, clients) = serve().await;
    server.stop().await;
    drop(clients);
    let before = counts();
    for _ in 0..SERVERS {
        let (server, clients) = serve().await;
        server.stop().await;
        drop(clients);
    }
    assert_eq!(counts(), before, "after stop");
    for _ in 0..SERVERS {
        let (server, clients) = serve().await;
        drop(server);
        drop(clients);
    }
    // A dropped server ends on its own.
    eventually("all dropped servers have ended", || counts() == before).await;
    // Many at once, and the clients first.
    let mut servers = Vec::new();
    for _ in 0..30 {
        servers.push(serve().await.0);
    }
    for server in servers {
        server.stop().await;
    }
    assert_eq!(counts(), before, "after many at once");
}
