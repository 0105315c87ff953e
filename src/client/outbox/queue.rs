//! The queue of bytes that an outbox sends, in order.
//!
//! Layer `client`. It uses only the backlog and the socket. The lock of its outbox guards it.
//!
//! Small pieces are copied together into chunks. Large shared bodies and ranges of a backlog are
//! linked between the chunks. All of it is written with as few system calls as possible.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes, BytesMut};

use crate::client::backlog::BacklogRange;
use crate::client::socket::Socket;
use crate::resp::replies::Replies;

/// Copied frames are gathered in chunks of about this many bytes, so that a growing queue is never
/// copied as a whole.
const CHUNK: usize = 32 * 1024;
/// The room that the first append to an empty outbox makes.
pub(super) const FIRST_CHUNK: usize = 512;
/// Linux takes at most this many slices in one write (`IOV_MAX`).
const MAX_SLICES: usize = 1024;
/// Slices gathered on the stack for one write.
const SLICES: usize = 64;

/// A piece of the queue that no longer changes.
#[derive(Debug)]
pub(super) enum Chunk {
    /// Copied bytes, or a whole shared body.
    Bytes(Bytes),
    /// A range shared with other blocked subscribers.
    BacklogRange(BacklogRange),
}

impl Chunk {
    fn len(&self) -> usize {
        match self {
            Chunk::Bytes(bytes) => bytes.len(),
            Chunk::BacklogRange(range) => range.len(),
        }
    }

    /// Splits off the first bytes, which must be fewer than all.
    fn split_to(&mut self, bytes: usize) -> Chunk {
        match self {
            Chunk::Bytes(all) => Chunk::Bytes(all.split_to(bytes)),
            Chunk::BacklogRange(range) => Chunk::BacklogRange(range.split_to(bytes)),
        }
    }
}

/// The finished chunks of a queue. Boxed: most queues have none, and every client has a queue.
#[derive(Debug, Default)]
#[expect(clippy::box_collection)]
pub(super) struct Chunks(Option<Box<VecDeque<Chunk>>>);

impl Chunks {
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |list| list.len())
    }

    /// Bytes that the list takes beside the chunks' own.
    pub(super) fn overhead(&self) -> usize {
        let places = |list: &VecDeque<Chunk>| list.capacity() * size_of::<Chunk>();
        self.0.as_deref().map_or(0, places)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Chunk> {
        self.0.iter().flat_map(|list| list.iter())
    }

    fn front(&self) -> Option<&Chunk> {
        self.0.as_ref()?.front()
    }

    fn front_mut(&mut self) -> Option<&mut Chunk> {
        self.0.as_mut()?.front_mut()
    }

    fn back_mut(&mut self) -> Option<&mut Chunk> {
        self.0.as_mut()?.back_mut()
    }

    fn push_back(&mut self, chunk: Chunk) {
        self.0.get_or_insert_default().push_back(chunk);
    }

    pub(super) fn pop_front(&mut self) -> Option<Chunk> {
        self.0.as_mut()?.pop_front()
    }

    fn append(&mut self, other: &mut Chunks) {
        if let Some(other) = &mut other.0 {
            self.0.get_or_insert_default().append(other);
        }
    }
}

/// Bytes to be sent: finished chunks and shared bodies, followed by the chunk that is being filled.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) chunks: Chunks,
    pub(super) tail: BytesMut,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.tail.is_empty()
    }

    /// The number of bytes.
    pub(super) fn len(&self) -> usize {
        self.chunks.iter().map(Chunk::len).sum::<usize>() + self.tail.len()
    }

    /// Appends a copy of the bytes and returns the copy.
    pub(super) fn push_copy(&mut self, bytes: &[u8]) -> &mut [u8] {
        if self.tail.capacity() - self.tail.len() < bytes.len() {
            self.grow(bytes.len());
        }
        let start = self.tail.len();
        self.tail.extend_from_slice(bytes);
        &mut self.tail[start..]
    }

    /// Makes room for `more` bytes: by doubling up to the size of a chunk, then in a new chunk.
    #[cold]
    fn grow(&mut self, more: usize) {
        if self.tail.len() + more > CHUNK {
            self.finish_tail();
        }
        self.tail
            .reserve(more.max(self.tail.len()).max(FIRST_CHUNK));
    }

    pub(super) fn push_shared(&mut self, body: &Bytes) {
        self.finish_tail();
        self.chunks.push_back(Chunk::Bytes(body.clone()));
    }

    pub(super) fn push_range(&mut self, range: &BacklogRange) {
        self.finish_tail();
        if let Some(Chunk::BacklogRange(last)) = self.chunks.back_mut()
            && last.join(range)
        {
            return;
        }
        self.chunks.push_back(Chunk::BacklogRange(range.clone()));
    }

    /// Appends replies, and empties what holds them.
    pub(super) fn push_replies(&mut self, replies: &mut Replies) {
        for chunk in replies.take_chunks() {
            self.finish_tail();
            self.chunks.push_back(Chunk::Bytes(chunk));
        }
        let replies = replies.tail();
        if self.is_empty() && replies.len() > FIRST_CHUNK {
            // The buffer of large replies is taken over instead of being copied.
            self.tail = replies.split();
        } else if replies.len() >= CHUNK {
            self.finish_tail();
            let replies = replies.split().freeze();
            self.chunks.push_back(Chunk::Bytes(replies));
        } else {
            self.push_copy(replies);
            replies.clear();
        }
    }

    /// Splits off the first bytes and returns them.
    pub(super) fn split_to(&mut self, mut bytes: usize) -> Queue {
        let mut first = Queue::default();
        while bytes > 0
            && let Some(chunk) = self.chunks.front_mut()
        {
            let length = chunk.len();
            if length > bytes {
                first.chunks.push_back(chunk.split_to(bytes));
            } else if let Some(whole) = self.chunks.pop_front() {
                first.chunks.push_back(whole);
            }
            bytes = bytes.saturating_sub(length);
        }
        first.tail = if bytes == self.tail.len() {
            std::mem::take(&mut self.tail)
        } else {
            self.tail.split_to(bytes)
        };
        first
    }

    fn finish_tail(&mut self) {
        if !self.tail.is_empty() {
            let tail = self.tail.split().freeze();
            self.chunks.push_back(Chunk::Bytes(tail));
        }
    }

    /// Puts back what a write has left, before what was appended since.
    pub(super) fn put_back(&mut self, mut rest: Queue) {
        std::mem::swap(self, &mut rest);
        self.append(rest);
    }

    /// Appends another queue's bytes.
    pub(super) fn append(&mut self, mut other: Queue) {
        if self.is_empty() {
            *self = other;
        } else if !other.is_empty() {
            self.finish_tail();
            self.chunks.append(&mut other.chunks);
            self.tail = other.tail;
        }
    }

    /// Writes until the queue is empty or the socket is full. Returns the bytes written, and how it
    /// ended.
    pub(super) fn write(&mut self, socket: &Socket) -> (usize, io::Result<()>) {
        let mut written = 0;
        while !self.is_empty() {
            match self.write_once(socket) {
                Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
                Ok(taken) => {
                    written += taken;
                    self.advance(taken);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (written, Err(error)),
            }
        }
        (written, Ok(()))
    }

    fn write_once(&self, socket: &Socket) -> io::Result<usize> {
        match self.chunks.front() {
            None => return socket.try_write(&self.tail),
            Some(Chunk::BacklogRange(range)) => return socket.try_write(&range.bytes()),
            Some(Chunk::Bytes(_)) => {}
        }
        // Up to a range, which is written by itself under its lock.
        let slices = self
            .chunks
            .iter()
            .map(|chunk| match chunk {
                Chunk::Bytes(bytes) => Some(&bytes[..]),
                Chunk::BacklogRange(_) => None,
            })
            .chain((!self.tail.is_empty()).then_some(Some(&self.tail[..])))
            .map_while(|bytes| bytes.map(IoSlice::new));
        if self.chunks.len() < SLICES {
            let mut few = [IoSlice::new(&[]); SLICES];
            let mut count = 0;
            for (place, slice) in few.iter_mut().zip(slices) {
                *place = slice;
                count += 1;
            }
            socket.try_write_vectored(&few[..count])
        } else {
            socket.try_write_vectored(&slices.take(MAX_SLICES).collect::<Vec<_>>())
        }
    }

    /// Drops the first bytes.
    pub(super) fn advance(&mut self, mut taken: usize) {
        while let Some(first) = self.chunks.front_mut() {
            let length = first.len();
            if taken < length {
                match first {
                    Chunk::Bytes(bytes) => bytes.advance(taken),
                    Chunk::BacklogRange(range) => range.advance(taken),
                }
                return;
            }
            taken -= length;
            self.chunks.pop_front();
        }
        self.tail.advance(taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Large replies are not copied, whatever waits before them. Small ones are gathered.
    #[test]
    fn large_replies_change_hands() {
        let mut queue = Queue::default();
        queue.push_copy(b"before");
        let mut places = Vec::new();
        for _ in 0..3 {
            let replies = BytesMut::from(&[b'x'; CHUNK][..]);
            places.push(replies.as_ptr());
            let mut replies = Replies::from(replies);
            queue.push_replies(&mut replies);
            assert!(replies.is_empty());
        }
        for _ in 0..2 {
            queue.push_replies(&mut BytesMut::from("after").into());
        }
        let chunks = queue.chunks.iter().skip(1).map(|chunk| match chunk {
            Chunk::Bytes(bytes) => bytes.as_ptr(),
            Chunk::BacklogRange(_) => unreachable!("there is none"),
        });
        assert_eq!(chunks.collect::<Vec<_>>(), places);
        assert_eq!(queue.tail, "afterafter");
        assert_eq!(queue.len(), 6 + 3 * CHUNK + 10);
    }
}
