//! ACL LOG: what was denied lately, and to whom.
//!
//! What is alike within a minute is one entry with a count. What is kept of a name is bounded: the
//! log is written by those who were denied, and must not be a way to fill the memory.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use super::request::Reason;

/// Entries further apart are two.
const GROUPING: Duration = Duration::from_secs(60);
/// How many entries are looked at for one that is alike.
const ALIKE_AMONG: usize = 10;
/// Bytes that are kept of an object, a user's name or a client, which may have given itself a long
/// name: as many as one argument may have before AUTH.
const KEPT: usize = 16 * 1024;

/// Where a request was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogContext {
    /// Outside of a transaction.
    TopLevel,
    /// While it was queued, or by EXEC.
    Multi,
    /// By a script.
    Lua,
}

/// What was denied.
#[derive(Clone, Debug)]
pub(crate) struct LogEntry {
    /// Its number. No other entry has had it; the first is 0.
    pub id: u64,
    /// How often.
    pub count: u64,
    /// What was lacking.
    pub reason: Reason,
    /// Where.
    pub situation: LogContext,
    /// The command, key or channel; of a failed AUTH, that command as it was typed.
    pub object: Vec<u8>,
    /// The user, or who a client said that it was.
    pub user: Vec<u8>,
    /// The last time.
    pub last: Instant,
    /// The first time, by the wall clock.
    pub created: SystemTime,
    /// The last time, by the wall clock.
    pub updated: SystemTime,
    /// The client then, as CLIENT LIST shows it.
    pub client: String,
}

impl LogEntry {
    /// Something that was denied now.
    pub(crate) fn new(
        reason: Reason,
        situation: LogContext,
        object: &[u8],
        user: &[u8],
        client: &str,
    ) -> LogEntry {
        // Copied, all of them: cutting a long text short leaves its allocation as long as it was.
        let kept = |text: &[u8]| text[..text.len().min(KEPT)].to_vec();
        let now = SystemTime::now();
        LogEntry {
            id: 0,
            count: 1,
            reason,
            situation,
            object: kept(object),
            user: kept(user),
            last: Instant::now(),
            created: now,
            updated: now,
            client: client[..client.floor_char_boundary(KEPT)].to_owned(),
        }
    }

    fn is_like(&self, other: &LogEntry) -> bool {
        let apart = other.last.saturating_duration_since(self.last);
        let what = |entry: &LogEntry| (entry.reason, entry.situation);
        what(self) == what(other)
            && apart <= GROUPING
            && self.object == other.object
            && self.user == other.user
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The latest first.
    entries: VecDeque<LogEntry>,
    next_id: u64,
}

impl Log {
    /// Adds an entry, or counts it with one that is alike. At most `limit` entries are kept
    /// (`acllog-max-len`).
    pub(crate) fn add(&mut self, mut entry: LogEntry, limit: u64) {
        let mut latest = self.entries.iter().take(ALIKE_AMONG);
        let alike = latest.position(|known| known.is_like(&entry));
        match alike.and_then(|place| self.entries.remove(place)) {
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

    /// Forgets all.
    pub(crate) fn reset(&mut self) {
        self.entries = VecDeque::new();
    }
}
