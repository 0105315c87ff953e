//! Clients that are shown every command (MONITOR).
//!
//! Whoever carries a command out appends a line to every monitor's outbox, in the order in which
//! the lines of its own connection came; the lines are flushed like messages. A monitor does not
//! choose what it is sent, so it has the output limits of subscribers.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::client::{Addresses, Client, Closing};
use crate::pubsub::fanout::Fanout;
use crate::sync::Mutex;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Monitors {
    clients: Mutex<Vec<Arc<Client>>>,
    /// The size of `clients`, so that nobody need lock an empty list.
    count: AtomicUsize,
}

impl Monitors {
    /// Whether there are any.
    pub(crate) fn any(&self) -> bool {
        self.count.load(Relaxed) > 0
    }

    /// Adds a client that is none yet, unless it is gone: who disconnects it has closed it first,
    /// and removes it afterwards.
    pub(crate) fn add(&self, client: &Arc<Client>) {
        let mut clients = self.clients.lock();
        if client.closing() != Closing::Closed {
            client.set_monitor(true);
            clients.push(Arc::clone(client));
            self.count.store(clients.len(), Relaxed);
        }
    }

    /// Takes a client away, if it is one.
    pub(crate) fn remove(&self, client: &Client) {
        // Locked even if it seems to be none: it may be about to become one.
        let mut clients = self.clients.lock();
        if client.is_monitor() {
            client.set_monitor(false);
            clients.retain(|monitor| monitor.id != client.id);
            self.count.store(clients.len(), Relaxed);
        }
    }

    /// Shows a line to all of them.
    pub(crate) fn feed(&self, line: &[u8], fanout: &mut Fanout) {
        for monitor in &*self.clients.lock() {
            fanout.feed(monitor, line);
        }
    }
}

/// The line for a command: `+1700000000.000001 [0 127.0.0.1:50000] "set" "key" "value"`.
pub(crate) fn line<'a>(
    client: &Client,
    database: u32,
    words: impl Iterator<Item = &'a [u8]>,
) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let (seconds, micros) = (now.as_secs(), now.subsec_micros());
    let mut line = format!("+{seconds}.{micros:06} [{database} ");
    let _ = match &client.addresses {
        Addresses::Tcp { peer, .. } => write!(line, "{peer}]"),
        Addresses::Unix(path) => write!(line, "unix:{}]", path.display()),
    };
    for word in words {
        line.push_str(" \"");
        quote(&mut line, word);
        line.push('"');
    }
    line.push_str("\r\n");
    line
}

/// Redis's `sdscatrepr`, without the quotes around it.
fn quote(out: &mut String, word: &[u8]) {
    for &byte in word {
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
