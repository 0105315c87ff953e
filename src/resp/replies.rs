//! Replies on their way to an outbox.
//!
//! Layer `resp`. Small pieces are gathered in a buffer. One that has grown to [`CHUNK`] bytes is closed
//! and another begun, so that a long reply is never copied as it grows; a large string that somebody
//! holds anyway is linked between them, uncopied.
//!
//! Memory for a long reply is asked for before it is taken. Where the system has none, what is
//! written is left out and the replies are [`starved`](Replies::is_starved): whoever had them written
//! then answers an error in place of the reply.

use bytes::{Bytes, BytesMut};

use super::large::{LARGE, has_memory_for};

/// A buffer that has grown to this many bytes is closed.
const CHUNK: usize = 1024 * 1024;
/// What the first piece of a buffer makes room for.
const FIRST: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    /// What is closed or shared, in order.
    chunks: Vec<Bytes>,
    /// Bytes in `chunks`.
    in_chunks: usize,
    /// The buffer behind them.
    tail: BytesMut,
    is_starved: bool,
}

/// A place in replies: all that was written by then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    chunks: usize,
    in_chunks: usize,
    tail: usize,
}

impl Replies {
    /// Its bytes.
    pub(crate) fn len(&self) -> usize {
        self.in_chunks + self.tail.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.tail.is_empty()
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
        self.in_chunks = 0;
        self.tail.clear();
        self.is_starved = false;
    }

    /// Where the next piece goes.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            chunks: self.chunks.len(),
            in_chunks: self.in_chunks,
            tail: self.tail.len(),
        }
    }

    /// Forgets all that was written since.
    pub(crate) fn truncate(&mut self, mark: Mark) {
        self.is_starved = false;
        if self.chunks.len() > mark.chunks {
            // The buffer of then was closed, and is the first of them.
            let tail = &self.chunks[mark.chunks][..mark.tail];
            self.tail = BytesMut::from(tail);
            self.chunks.truncate(mark.chunks);
            self.in_chunks = mark.in_chunks;
        } else {
            self.tail.truncate(mark.tail);
        }
    }

    /// Whether something was left out since the last [`mark`](Self::mark) that they were truncated to.
    pub(crate) fn is_starved(&self) -> bool {
        self.is_starved
    }

    /// The buffer, with room for so many bytes; `None`: there is no memory for them.
    pub(crate) fn room(&mut self, bytes: usize) -> Option<&mut BytesMut> {
        let has_room = !self.is_starved
            && (self.tail.capacity() - self.tail.len() >= bytes || self.grow(bytes));
        has_room.then_some(&mut self.tail)
    }

    #[cold]
    fn grow(&mut self, bytes: usize) -> bool {
        if self.tail.len() + bytes > CHUNK {
            self.close_tail();
        }
        // As much again as there is, so that there are not many.
        let mut wanted = self.len().clamp(FIRST, CHUNK).max(bytes);
        // A buffer that is grown is copied.
        let copied = self.tail.len();
        if copied + wanted >= LARGE && !has_memory_for(copied + wanted) {
            wanted = bytes;
            self.is_starved = !has_memory_for(copied + wanted);
        }
        if !self.is_starved {
            self.tail.reserve(wanted);
        }
        !self.is_starved
    }

    /// Appends bytes that are shared.
    pub(crate) fn push_shared(&mut self, bytes: Bytes) {
        if !self.is_starved {
            self.close_tail();
            self.push_chunk(bytes);
        }
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            let tail = self.tail.split().freeze();
            self.push_chunk(tail);
        }
    }

    fn push_chunk(&mut self, bytes: Bytes) {
        self.in_chunks += bytes.len();
        self.chunks.push(bytes);
    }

    /// Takes what is closed or shared out. The rest is the [`tail`](Self::tail).
    pub(crate) fn take_chunks(&mut self) -> impl Iterator<Item = Bytes> {
        self.in_chunks = 0;
        self.chunks.drain(..)
    }

    /// The buffer behind all chunks.
    pub(crate) fn tail(&mut self) -> &mut BytesMut {
        &mut self.tail
    }

    /// Takes all bytes out, in one piece.
    pub(crate) fn take_all(&mut self) -> Vec<u8> {
        let mut all: Vec<u8> = self.take_chunks().flatten().collect();
        all.extend_from_slice(&self.tail.split());
        all
    }

    /// Memory that is kept for later replies, in bytes.
    pub(crate) fn capacity(&self) -> usize {
        self.tail.capacity()
    }
}

/// A frame that was made elsewhere.
impl From<BytesMut> for Replies {
    fn from(tail: BytesMut) -> Replies {
        Replies {
            tail,
            ..Replies::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reply_is_not_copied_as_it_grows() {
        let mut replies = Replies::default();
        let piece = [b'x'; 1000];
        for _ in 0..10_000 {
            replies.room(piece.len()).unwrap().extend_from_slice(&piece);
        }
        assert_eq!(replies.len(), 10_000 * piece.len());
        assert!(replies.chunks.len() < 32);
        let capacity: usize = replies.chunks.iter().map(Bytes::len).sum();
        assert!(capacity + replies.capacity() < replies.len() + 2 * CHUNK);
        assert_eq!(replies.take_all(), piece.repeat(10_000));
        assert!(replies.is_empty());
    }

    #[test]
    fn what_is_written_behind_a_mark_can_be_forgotten() {
        let shared = Bytes::from_static(b"shared");
        for before in ["", "before"] {
            for shares in [false, true] {
                let mut replies = Replies::default();
                replies.push_shared(shared.clone());
                let tail = replies.room(before.len()).unwrap();
                tail.extend_from_slice(before.as_bytes());
                let mark = replies.mark();
                replies.room(3).unwrap().extend_from_slice(b"gone");
                if shares {
                    replies.push_shared(shared.clone());
                    replies.room(CHUNK).unwrap().extend_from_slice(b"gone");
                    replies.room(CHUNK).unwrap().extend_from_slice(b"gone");
                }
                replies.truncate(mark);
                assert_eq!(replies.len(), shared.len() + before.len());
                replies.room(5).unwrap().extend_from_slice(b"after");
                let expected = ["shared", before, "after"].concat();
                assert_eq!(replies.take_all(), expected.as_bytes());
            }
        }
    }

    #[test]
    fn what_there_is_no_memory_for_is_left_out_as_a_whole() {
        let mut replies = Replies::default();
        replies.room(6).unwrap().extend_from_slice(b"before");
        let mark = replies.mark();
        replies.room(4).unwrap().extend_from_slice(b"gone");
        assert!(replies.room(usize::MAX / 4).is_none());
        assert!(replies.is_starved());
        // Lest somebody read half of a reply.
        assert!(replies.room(1).is_none());
        replies.push_shared(Bytes::from_static(b"gone"));
        replies.truncate(mark);
        assert!(!replies.is_starved());
        assert_eq!(replies.take_all(), b"before");
    }
}
