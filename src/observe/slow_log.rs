//! The slow log (SLOWLOG): the latest commands that took longer than `slowlog-log-slower-than`.
//!
//! Layer `observe`. It uses `client`.
//!
//! As in Redis, an entry keeps at most 32 arguments of at most 128 bytes each. The caller replaces
//! secrets before it adds a command.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::client::Client;

/// The most arguments that an entry keeps. If there were more, the last one says how many.
const MAX_ARGS: usize = 32;
/// The most bytes of an argument that an entry keeps, before a note that says how many more there
/// were.
const MAX_BYTES: usize = 128;

/// Bytes of a client's name that an entry keeps. It may have many names, one after the other.
const MAX_NAME: usize = 16 * 1024;

/// A slow command.
#[derive(Clone, Debug)]
pub(crate) struct SlowEntry {
    /// The entry's number. Numbers are not reused.
    pub id: u64,
    /// When the command ended, as Unix time in seconds.
    pub time: u64,
    /// How long it took.
    pub duration: Duration,
    /// Its arguments, shortened.
    pub args: Vec<Bytes>,
    /// The address of the client that sent it.
    pub peer: String,
    /// The name of that client (CLIENT SETNAME).
    pub name: Bytes,
}

/// A server's slow log.
#[derive(Debug, Default)]
pub(crate) struct SlowLog {
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    next: u64,
    /// The latest entry comes first.
    entries: VecDeque<SlowEntry>,
}

impl SlowLog {
    /// Adds a command. Drops the oldest entries beyond `max_len`.
    pub(crate) fn push<'a>(
        &self,
        client: &Client,
        args: impl ExactSizeIterator<Item = &'a [u8]>,
        duration: Duration,
        max_len: u64,
    ) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let name = client.names().name;
        let entry = SlowEntry {
            id: 0,
            time: now.map_or(0, |time| time.as_secs()),
            duration,
            args: shorten(args),
            peer: client.addresses.peer(),
            name: Bytes::copy_from_slice(&name[..name.len().min(MAX_NAME)]),
        };
        let mut log = self.log.lock();
        let id = log.next;
        log.next += 1;
        log.entries.push_front(SlowEntry { id, ..entry });
        let most = usize::try_from(max_len).unwrap_or(usize::MAX);
        if log.entries.len() > most {
            log.entries.truncate(most);
            log.entries.shrink_to(2 * most);
        }
    }

    /// Up to `count` entries, the latest first.
    pub(crate) fn latest(&self, count: usize) -> Vec<SlowEntry> {
        self.log
            .lock()
            .entries
            .iter()
            .take(count)
            .cloned()
            .collect()
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.log.lock().entries.len()
    }

    /// Removes all entries.
    pub(crate) fn reset(&self) {
        self.log.lock().entries = VecDeque::new();
    }
}

fn shorten<'a>(args: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<Bytes> {
    let count = args.len();
    let kept = if count > MAX_ARGS {
        MAX_ARGS - 1
    } else {
        count
    };
    let mut shortened: Vec<Bytes> = args
        .take(kept)
        .map(|arg| match arg.get(..MAX_BYTES) {
            Some(start) if arg.len() > MAX_BYTES => {
                let more = format!("... ({} more bytes)", arg.len() - MAX_BYTES);
                [start, more.as_bytes()].concat().into()
            }
            _ => Bytes::copy_from_slice(arg),
        })
        .collect();
    if kept < count {
        shortened.push(format!("... ({} more arguments)", count - kept).into());
    }
    shortened
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::client::Addresses;
    use crate::client::socket::Socket;

    #[tokio::test]
    async fn an_entry_keeps_little_of_a_long_name() {
        let (stream, _) = tokio::net::UnixStream::pair().unwrap();
        let client = Client::new(1, Addresses::unix(Arc::default()), Socket::from(stream));
        let name = Bytes::from(vec![b'x'; 1 << 20]);
        client.set_names(|names| names.name = name.clone());
        let log = SlowLog::default();
        log.push(&client, [b"GET".as_slice()].into_iter(), Duration::ZERO, 1);
        client.set_names(|names| names.name = Bytes::new());
        assert_eq!(log.latest(1)[0].name.len(), 16 * 1024);
        // Nothing but this test has the name any more.
        assert!(name.is_unique());
    }
}
