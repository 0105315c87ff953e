//! The slow log: the latest commands that took longer than `slowlog-log-slower-than`.
//!
//! An entry keeps at most 32 arguments of at most 128 bytes each, as in Redis, and no secrets.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::client::Client;

/// Arguments that an entry keeps; the last of them says how many more there were.
const MAX_ARGS: usize = 32;
/// Bytes of an argument that an entry keeps, before it says how many more there were.
const MAX_BYTES: usize = 128;

/// Bytes of a client's name that an entry keeps. It may have many names, one after the other.
const MAX_NAME: usize = 16 * 1024;

/// A slow command.
#[derive(Clone, Debug)]
pub(crate) struct SlowEntry {
    /// Numbers are never used again.
    pub id: u64,
    /// When it ended, in seconds of unix time.
    pub time: u64,
    /// What it took.
    pub duration: Duration,
    /// Its words, cut short.
    pub args: Vec<Bytes>,
    /// Who sent it.
    pub peer: String,
    /// What that client calls itself.
    pub name: Bytes,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct SlowLog {
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    next: u64,
    /// The latest first.
    entries: VecDeque<SlowEntry>,
}

impl SlowLog {
    /// Adds a command, and drops the oldest ones beyond `most`.
    pub(crate) fn push<'a>(
        &self,
        client: &Client,
        words: impl ExactSizeIterator<Item = &'a [u8]>,
        duration: Duration,
        most: u64,
    ) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let name = client.names().name;
        let entry = SlowEntry {
            id: 0,
            time: now.map_or(0, |time| time.as_secs()),
            duration,
            args: shortened(words),
            peer: client.addresses.peer(),
            name: Bytes::copy_from_slice(&name[..name.len().min(MAX_NAME)]),
        };
        let mut log = self.log.lock();
        let id = log.next;
        log.next += 1;
        log.entries.push_front(SlowEntry { id, ..entry });
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if log.entries.len() > most {
            log.entries.truncate(most);
            log.entries.shrink_to(2 * most);
        }
    }

    /// The latest entries, at most so many, the latest first.
    pub(crate) fn latest(&self, most: usize) -> Vec<SlowEntry> {
        self.log.lock().entries.iter().take(most).cloned().collect()
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.log.lock().entries.len()
    }

    /// Drops all entries.
    pub(crate) fn reset(&self) {
        self.log.lock().entries = VecDeque::new();
    }
}

fn shortened<'a>(words: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<Bytes> {
    let count = words.len();
    let kept = if count > MAX_ARGS {
        MAX_ARGS - 1
    } else {
        count
    };
    let mut args: Vec<Bytes> = words
        .take(kept)
        .map(|word| match word.get(..MAX_BYTES) {
            Some(start) if word.len() > MAX_BYTES => {
                let more = format!("... ({} more bytes)", word.len() - MAX_BYTES);
                [start, more.as_bytes()].concat().into()
            }
            _ => Bytes::copy_from_slice(word),
        })
        .collect();
    if kept < count {
        args.push(format!("... ({} more arguments)", count - kept).into());
    }
    args
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::client::Addresses;
    use crate::client::socket::split_unix;

    #[tokio::test]
    async fn an_entry_keeps_little_of_a_long_name() {
        let (stream, _) = tokio::net::UnixStream::pair().unwrap();
        let client = Client::new(1, Addresses::Unix(Arc::default()), split_unix(stream).1);
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
