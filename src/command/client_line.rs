//! The line of a client in CLIENT LIST, CLIENT INFO and ACL LOG.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

use crate::catalog::CATALOG;
use crate::client::Namespace;
use crate::client::tracking::Modes;
use crate::client::{Choice, Client, Closing, Kept, PeerAddress};

/// The fields of Redis 7.2 in its order, with a line feed at the end. `qbuf` is the size of the
/// kept input. Buffers that fanfare does not have (`argv-mem`, `rbs`, …) show 0. fanfare's own
/// fields are last: the messages that were dropped for the client, and their bytes; and, if there were
/// any, how often the upstream was lost while it was subscribed.
pub(crate) fn client_line(client: &Client) -> String {
    let names = client.names();
    let (tail, chunks, output_memory) = client.outbox.usage();
    let (channels, patterns, shards) = {
        let subscriptions = client.subscriptions.lock();
        let count = |namespace| subscriptions.len(namespace);
        (
            count(Namespace::Channel),
            count(Namespace::Pattern),
            count(Namespace::Shard),
        )
    };
    let dropped = client.outbox.dropped();
    let held_input = client.kept(Kept::Input);
    let queued_memory = client.kept(Kept::Queued);
    let mut line = String::with_capacity(320);
    let mut field = |name: &str, value: &dyn std::fmt::Display| {
        let space = if line.is_empty() { "" } else { " " };
        let _ = write!(line, "{space}{name}={value}");
    };
    field("id", &client.id);
    field("addr", &client.addresses.peer());
    field("laddr", &client.addresses.local());
    field("fd", &client.descriptor());
    field("name", &String::from_utf8_lossy(&names.name));
    field("age", &client.age_seconds());
    field("idle", &client.idle_seconds());
    field("flags", &flags(client));
    field("db", &client.database.load(Relaxed));
    field("sub", &channels);
    field("psub", &patterns);
    field("ssub", &shards);
    field("multi", &client.queued());
    field("qbuf", &held_input);
    field("qbuf-free", &0);
    field("argv-mem", &0);
    field("multi-mem", &queued_memory);
    field("rbs", &0);
    field("rbp", &0);
    field("obl", &tail);
    field("oll", &chunks);
    field("omem", &output_memory);
    field("tot-mem", &client.memory());
    field("events", &if chunks + tail > 0 { "rw" } else { "r" });
    field("cmd", &last_command(client));
    field("user", &String::from_utf8_lossy(&client.user()));
    field("redir", &client.shown_redirect());
    field("resp", &client.protocol().number());
    field("lib-name", &String::from_utf8_lossy(&names.library));
    field("lib-ver", &String::from_utf8_lossy(&names.library_version));
    field("dropped", &dropped.messages);
    field("dropped-bytes", &dropped.bytes);
    let gaps = client.gaps();
    if gaps > 0 {
        field("gaps", &gaps);
    }
    line.push('\n');
    line
}

/// The full name of the last command of a client; `NULL` before the first.
pub(crate) fn last_command(client: &Client) -> &'static str {
    CATALOG
        .by_id(client.last_command.load(Relaxed))
        .map_or("NULL", |command| command.full_name.as_str())
}

/// Redis's flags: O monitor, P subscriber, x in a transaction, b blocked or held back by a pause, t
/// tracking keys, R tracking with a redirect to a client that is gone, B tracking in BCAST mode, d
/// a watched key has changed, c closing after its replies, U Unix socket, e never evicted, T does
/// not touch keys, N none of these.
fn flags(client: &Client) -> String {
    let modes = client.tracking.modes();
    let letters = [
        ('O', client.is_monitor()),
        ('P', client.is_subscriber()),
        ('x', client.queued() >= 0),
        ('b', client.is_blocked() || client.is_postponed()),
        ('t', modes.has(Modes::ON)),
        ('R', modes.has(Modes::BROKEN_REDIRECT)),
        ('B', modes.has(Modes::BCAST)),
        ('d', client.watched_changed.load(Relaxed)),
        ('c', client.closing() == Closing::Draining),
        (
            'U',
            matches!(client.addresses.peer_address(), PeerAddress::Unix(_)),
        ),
        ('e', client.choices.is_on(Choice::NoEvict)),
        ('T', client.choices.is_on(Choice::NoTouch)),
    ];
    let set: String = letters
        .iter()
        .filter(|(_, set)| *set)
        .map(|(letter, _)| *letter)
        .collect();
    if set.is_empty() { "N".to_owned() } else { set }
}
