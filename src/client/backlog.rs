//! What stuck subscribers of one name are still to be sent, kept once for all of them.
//!
//! A subscriber whose socket is full waits, perhaps for long. Copies of everything in each such
//! outbox would cost backlog × subscribers. So while an outbox is blocked, messages are appended to
//! the name's current segment, once for all, and the outbox only notes the range. Ranges that
//! follow each other in one segment are one range.
//!
//! Invariants:
//! - A segment holds messages of one name (a channel or a pattern) and one protocol version. So
//!   whoever holds a range of it is also owed what was appended since, and keeps nothing alive but
//!   what counts against its own limits, and the beginning of its first segment.
//! - A segment lives while a range of it does. The name keeps hold of its last one only weakly.
//! - Segments are appended to under the channel's turn or, for a pattern, by any publisher; their
//!   lock is innermost of all and held for one append, or one write to a socket.

use std::sync::{Arc, Weak};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};

use super::frames::Frames;
use crate::resp::Protocol;

/// A segment is full when it has so many bytes.
const SEGMENT: usize = 32 * 1024;

/// The current segments of a name.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    current: Mutex<[Weak<Segment>; 2]>,
}

#[derive(Debug, Default)]
struct Segment {
    bytes: RwLock<Vec<u8>>,
}

/// A part of a segment: what an outbox holds.
#[derive(Clone, Debug)]
pub(crate) struct BacklogRange {
    segment: Arc<Segment>,
    start: usize,
    end: usize,
}

impl Backlog {
    /// Appends frames, as `protocol` has them.
    pub(crate) fn append(&self, frames: &Frames<'_>, protocol: Protocol) -> BacklogRange {
        let mut current = self.current.lock();
        let current = &mut current[usize::from(protocol == Protocol::Resp3)];
        if let Some(segment) = current.upgrade()
            && let Some(part) = segment.append(frames, protocol)
        {
            return part;
        }
        let segment = Arc::new(Segment::default());
        *current = Arc::downgrade(&segment);
        segment
            .append(frames, protocol)
            .expect("a new segment takes anything")
    }
}

impl Segment {
    /// `None`: it is full.
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

    /// Makes this part longer by one that follows it; `false`: it does not.
    pub(crate) fn join(&mut self, next: &BacklogRange) -> bool {
        let follows = self.end == next.start && Arc::ptr_eq(&self.segment, &next.segment);
        if follows {
            self.end = next.end;
        }
        follows
    }

    /// Shortens it from the front.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.start += bytes;
    }

    /// Takes the first bytes out.
    pub(crate) fn split_to(&mut self, bytes: usize) -> BacklogRange {
        let mut first = self.clone();
        first.end = first.start + bytes;
        self.start = first.end;
        first
    }

    /// Its bytes, to be written at once.
    pub(crate) fn bytes(&self) -> impl std::ops::Deref<Target = [u8]> + '_ {
        RwLockReadGuard::map(self.segment.bytes.read(), |bytes| {
            &bytes[self.start..self.end]
        })
    }
}
