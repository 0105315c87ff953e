//! ACL LOG: which users were recently denied what.
//!
//! Layer `acl`. It uses nothing but `Reason`.
//!
//! Similar denials within a minute are one entry with a count. Names are cut short when they are
//! kept: clients that are denied things cause the entries, and must not be able to fill the memory
//! with them.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use super::request::Reason;

/// Similar denials further apart than this are separate entries.
const GROUPING: Duration = Duration::from_secs(60);
/// How many of the latest entries are compared with a new one.
const COMPARED: usize = 10;
/// The bytes that are kept of an object, a user's name or a client (whose own name may be long).
/// That is the limit of an argument before AUTH.
const KEPT: usize = 16 * 1024;

/// Where a request was denied. ACL LOG shows it as `context`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogContext {
    /// Outside of a transaction.
    TopLevel,
    /// While the command was queued, or by EXEC.
    Multi,
    /// By a script.
    Lua,
}

/// One entry of the log.
#[derive(Clone, Debug)]
pub(crate) struct LogEntry {
    /// The entry's number, which is never used again. The first is 0.
    pub id: u64,
    /// How many similar denials it stands for.
    pub count: u64,
    /// What was lacking.
    pub reason: Reason,
    /// Where it was denied.
    pub context: LogContext,
    /// The command, key or channel. For a failed AUTH, the name of that command as it was typed.
    pub object: Vec<u8>,
    /// The user's name, or the name that a failed AUTH gave.
    pub user: Vec<u8>,
    /// When it was last denied.
    pub last: Instant,
    /// When it was first denied, by the wall clock.
    pub created: SystemTime,
    /// When it was last denied, by the wall clock.
    pub updated: SystemTime,
    /// The client of the last denial, as CLIENT LIST shows it.
    pub client: String,
}

impl LogEntry {
    /// An entry for something that was denied now.
    pub(crate) fn new(
        reason: Reason,
        context: LogContext,
        object: &[u8],
        user: &[u8],
        client: &str,
    ) -> LogEntry {
        // Each text is copied: a text that is only cut short keeps its whole allocation.
        let kept = |text: &[u8]| text[..text.len().min(KEPT)].to_vec();
        let now = SystemTime::now();
        LogEntry {
            id: 0,
            count: 1,
            reason,
            context,
            object: kept(object),
            user: kept(user),
            last: Instant::now(),
            created: now,
            updated: now,
            client: client[..client.floor_char_boundary(KEPT)].to_owned(),
        }
    }

    fn is_similar_to(&self, other: &LogEntry) -> bool {
        let apart = other.last.saturating_duration_since(self.last);
        let what = |entry: &LogEntry| (entry.reason, entry.context);
        what(self) == what(other)
            && apart <= GROUPING
            && self.object == other.object
            && self.user == other.user
    }
}

/// The log's entries.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The latest first.
    entries: VecDeque<LogEntry>,
    next_id: u64,
}

impl Log {
    /// Adds an entry, or adds it to a similar one. At most `limit` entries are kept
    /// (`acllog-max-len`).
    pub(crate) fn add(&mut self, mut entry: LogEntry, limit: u64) {
        let mut latest = self.entries.iter().take(COMPARED);
        let similar = latest.position(|known| known.is_similar_to(&entry));
        match similar.and_then(|index| self.entries.remove(index)) {
            Some(known) => {
                entry.count += known.count;
                (entry.id, entry.created) = (known.id, known.created);
            }
            None => {
                entry.id = self.next_id;
                self.next_id += 1;
            }
        }
        self.entries.push_front(entry);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if self.entries.len() > limit {
            self.entries.truncate(limit);
            self.entries.shrink_to(2 * limit);
        }
    }

    /// The latest entries, at most `count`.
    pub(crate) fn latest(&self, count: usize) -> Vec<LogEntry> {
        self.entries.iter().take(count).cloned().collect()
    }

    /// Removes all entries.
    pub(crate) fn reset(&mut self) {
        self.entries = VecDeque::new();
    }
}
