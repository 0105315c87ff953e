//! Hubs of either kind, and their edges.

use std::process::{Child, Command, Stdio};

use fanfare::Server;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::client::Client;
use crate::common::{eventually, start, start_with, until_info};

/// A hub, of either kind.
pub enum Hub {
    Fanfare(Option<Server>),
    Redis(Child, tempfile::TempDir),
}

impl Hub {
    pub async fn fanfare() -> Hub {
        Hub::Fanfare(Some(start().await))
    }

    /// A redis-server on a Unix socket.
    pub async fn redis() -> Hub {
        let directory = tempfile::tempdir().expect("a directory");
        let child = redis_server(directory.path());
        let hub = Hub::Redis(child, directory);
        let socket = hub.socket();
        eventually("redis-server listens", || {
            std::os::unix::net::UnixStream::connect(&socket).is_ok()
        })
        .await;
        hub
    }

    pub fn socket(&self) -> std::path::PathBuf {
        match self {
            Hub::Redis(_, directory) => directory.path().join("hub"),
            Hub::Fanfare(_) => panic!("a fanfare listens on TCP"),
        }
    }

    pub fn url(&self) -> String {
        match self {
            Hub::Fanfare(server) => server.as_ref().expect("it runs").url(),
            Hub::Redis(..) => format!("redis+unix://{}", self.socket().display()),
        }
    }

    pub async fn client(&self, protocol: u8) -> Client {
        match self {
            Hub::Fanfare(server) => {
                Client::connect(server.as_ref().expect("it runs"), protocol).await
            }
            Hub::Redis(..) => {
                let mut client = Client::unix(&self.socket()).await;
                client.hello(protocol).await;
                client
            }
        }
    }

    /// An edge of this hub that is connected to it.
    pub async fn edge(&self, settings: &[(&str, &str)]) -> Server {
        edge(&self.url(), settings).await
    }

    /// Sends a signal to the hub's process.
    pub fn signal(&self, signal: Signal) {
        let Hub::Redis(child, _) = self else {
            panic!("a fanfare is no process of its own");
        };
        kill(Pid::from_raw(child.id() as i32), signal).expect("a signal");
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Hub::Redis(child, _) = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn redis_server(directory: &std::path::Path) -> Child {
    Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--unixsocket"])
        .arg(directory.join("hub"))
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is on PATH")
}

pub async fn edge(url: &str, settings: &[(&str, &str)]) -> Server {
    // A machine that is busy with other tests is no silent hub.
    let patient = [("upstream", url), ("upstream-timeout", "60")];
    let server = start_with(&[&patient[..], settings].concat()).await;
    is_up(&server).await;
    server
}

/// Waits until an edge is connected to its hub.
pub async fn is_up(server: &Server) {
    let mut client = Client::connect(server, 3).await;
    until_info(&mut client, "upstream_up", "1").await;
}
