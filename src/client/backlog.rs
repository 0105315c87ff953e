//! Messages that several blocked subscribers of one name still have to be sent, kept once for all
//! of them.
//!
//! Layer `client`. It may use `resp`.
//!
//! A subscriber whose socket is full may wait for long. If each such outbox had its own copy of
//! everything, they would take backlog × subscribers of memory. So while an outbox is blocked,
//! messages are appended to the name's current segment, and the outbox only keeps the range. Ranges
//! that follow each other in one segment are joined.
//!
//! Invariants:
//! - A segment holds messages of one name (a channel or a pattern) in one protocol version. So an
//!   outbox that holds a range of a segment has to send what was appended after it, too. Apart from
//!   the beginning of its first segment, it keeps nothing alive that does not count against its own
//!   limits.
//! - A segment lives as long as a range of it. The name keeps only a weak reference to its last
//!   segment.
//! - A segment is appended to under the channel's order lock or, for a pattern, by any publisher.
//!   The segment's lock is the innermost of all locks. It is held for one append, or for one write
//!   to a socket.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};

use super::frames::Frames;
use crate::resp::Protocol;

/// A segment of this many bytes is full.
const SEGMENT: usize = 32 * 1024;

/// The current segments of a name.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    current: Mutex<[Weak<Segment>; 2]>,
}

/// Counts the bytes of all segments of a server.
pub(crate) type BacklogBytes = Arc<AtomicUsize>;

#[derive(Debug)]
struct Segment {
    bytes: RwLock<Vec<u8>>,
    total: BacklogBytes,
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.total.fetch_sub(self.bytes.get_mut().len(), Relaxed);
    }
}

/// A range of a segment, which an outbox holds.
#[derive(Clone, Debug)]
pub(crate) struct BacklogRange {
    segment: Arc<Segment>,
    start: usize,
    end: usize,
}

impl Backlog {
    /// Appends frames in the encoding of `protocol`, and adds their bytes to `total`.
    pub(crate) fn append(
        &self,
        frames: &Frames<'_>,
        protocol: Protocol,
        total: &BacklogBytes,
    ) -> BacklogRange {
        let mut current = self.current.lock();
        let current = &mut current[usize::from(protocol == Protocol::Resp3)];
        if let Some(segment) = current.upgrade()
            && let Some(range) = segment.append(frames, protocol)
        {
            return range;
        }
        let segment = Arc::new(Segment {
            bytes: RwLock::default(),
            total: Arc::clone(total),
        });
        *current = Arc::downgrade(&segment);
        segment
            .append(frames, protocol)
            .expect("a new segment takes anything")
    }
}

impl Segment {
    /// Returns `None` if the segment is full.
    fn append(
        self: &Arc<Segment>,
        frames: &Frames<'_>,
        protocol: Protocol,
    ) -> Option<BacklogRange> {
        let mut bytes = self.bytes.write();
        let start = bytes.len();
        if start > 0 && start + frames.len() > SEGMENT {
            return None;
        }
        bytes.extend_from_slice(frames.bytes);
        frames.mark(&mut bytes[start..], protocol);
        if let Some(body) = frames.body {
            bytes.extend_from_slice(body);
        }
        self.total.fetch_add(bytes.len() - start, Relaxed);
        Some(BacklogRange {
            segment: Arc::clone(self),
            start,
            end: bytes.len(),
        })
    }
}

impl BacklogRange {
    /// Its length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Extends this range by one that follows it directly. Returns `false` if `next` does not.
    pub(crate) fn join(&mut self, next: &BacklogRange) -> bool {
        let follows = self.end == next.start && Arc::ptr_eq(&self.segment, &next.segment);
        if follows {
            self.end = next.end;
        }
        follows
    }

    /// Removes the first bytes.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.start += bytes;
    }

    /// Splits off the first bytes and returns them.
    pub(crate) fn split_to(&mut self, bytes: usize) -> BacklogRange {
        let mut first = self.clone();
        first.end = first.start + bytes;
        self.start = first.end;
        first
    }

    /// The bytes. They must be written at once: the segment is locked meanwhile.
    pub(crate) fn bytes(&self) -> impl std::ops::Deref<Target = [u8]> + '_ {
        RwLockReadGuard::map(self.segment.bytes.read(), |bytes| {
            &bytes[self.start..self.end]
        })
    }
}
