//! Clients that are sent every command (MONITOR).
//!
//! Layer `observe`. It uses `client` and `pubsub`.
//!
//! The thread that executes a command appends a line to every monitor's outbox, so the lines of one
//! connection are in the order of its commands. The lines are flushed like messages. A monitor does
//! not choose what it is sent, so the output limits of subscribers apply to it.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::client::{Client, Closing, PeerAddress};
use crate::pubsub::fanout::Fanout;
use crate::sync::Mutex;

/// A server's monitors.
#[derive(Debug, Default)]
pub(crate) struct Monitors {
    clients: Mutex<Vec<Arc<Client>>>,
    /// The size of `clients`, so that an empty list need not be locked.
    count: AtomicUsize,
}

impl Monitors {
    /// Whether there is a monitor.
    pub(crate) fn any(&self) -> bool {
        self.count.load(Relaxed) > 0
    }

    /// Adds a client that is not a monitor yet, unless it is closed. A client is closed before it
    /// is removed from here, so a disconnected client cannot stay in the list.
    pub(crate) fn add(&self, client: &Arc<Client>) {
        let mut clients = self.clients.lock();
        if client.closing() != Closing::Closed {
            client.set_monitor(true);
            clients.push(Arc::clone(client));
            self.count.store(clients.len(), Relaxed);
        }
    }

    /// Removes a client, if it is a monitor.
    pub(crate) fn remove(&self, client: &Client) {
        // The lock is taken before the test, as another thread may be adding the client.
        let mut clients = self.clients.lock();
        if client.is_monitor() {
            client.set_monitor(false);
            clients.retain(|monitor| monitor.id != client.id);
            self.count.store(clients.len(), Relaxed);
        }
    }

    /// Appends a line to the outboxes of all monitors.
    pub(crate) fn feed(&self, line: &[u8], fanout: &mut Fanout) {
        for monitor in &*self.clients.lock() {
            fanout.feed(monitor, line);
        }
    }
}

/// The line that shows a command: `+1700000000.000001 [0 127.0.0.1:50000] "set" "key" "value"`. Of one
/// that a script has called, `lua` stands in place of the address.
pub(crate) fn line<'a>(
    client: &Client,
    database: u32,
    in_script: bool,
    args: impl Iterator<Item = &'a [u8]>,
) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let (seconds, micros) = (now.as_secs(), now.subsec_micros());
    let mut line = format!("+{seconds}.{micros:06} [{database} ");
    let _ = match client.addresses.peer_address() {
        _ if in_script => write!(line, "lua]"),
        PeerAddress::Tcp(peer) => write!(line, "{peer}]"),
        PeerAddress::Unix(path) => write!(line, "unix:{}]", path.display()),
    };
    for arg in args {
        line.push_str(" \"");
        escape(&mut line, arg);
        line.push('"');
    }
    line.push_str("\r\n");
    line
}

/// Escapes an argument as Redis's `sdscatrepr` does, without the quotes.
fn escape(out: &mut String, arg: &[u8]) {
    for &byte in arg {
        match byte {
            b'\\' | b'"' => out.extend(['\\', char::from(byte)]),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x07 => out.push_str("\\a"),
            0x08 => out.push_str("\\b"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
}
