//! The bytes of an outbox: what is on its way to a socket, in order.
//!
//! Small pieces are copied together into chunks, large shared bodies and parts of a common backlog
//! are linked between them, and all of it is written with as few system calls as there can be.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes, BytesMut};

use crate::client::backlog::BacklogRange;
use crate::client::socket::WriteSocket;
use crate::resp::replies::Replies;

/// Copied frames are gathered in chunks of about this many bytes, so that a growing backlog is
/// never copied again as a whole.
const CHUNK: usize = 32 * 1024;
/// What the first append to an empty outbox makes room for.
pub(super) const FIRST_CHUNK: usize = 512;
/// Linux takes at most this many slices in one write (`IOV_MAX`).
const MAX_SLICES: usize = 1024;
/// Slices gathered on the stack for one write.
const SLICES: usize = 64;

/// A piece of the queue that does not change any more.
#[derive(Debug)]
pub(super) enum Chunk {
    /// Copied, or a body that is shared as a whole.
    Bytes(Bytes),
    /// Shared with other stuck subscribers.
    BacklogRange(BacklogRange),
}

impl Chunk {
    fn len(&self) -> usize {
        match self {
            Chunk::Bytes(bytes) => bytes.len(),
            Chunk::BacklogRange(part) => part.len(),
        }
    }

    /// Takes the first bytes out, which are not all.
    fn split_to(&mut self, bytes: usize) -> Chunk {
        match self {
            Chunk::Bytes(all) => Chunk::Bytes(all.split_to(bytes)),
            Chunk::BacklogRange(part) => Chunk::BacklogRange(part.split_to(bytes)),
        }
    }
}

/// Bytes on their way out: finished chunks and shared bodies, then the chunk being filled.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) chunks: VecDeque<Chunk>,
    pub(super) tail: BytesMut,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.tail.is_empty()
    }

    /// Its bytes.
    pub(super) fn len(&self) -> usize {
        self.chunks.iter().map(Chunk::len).sum::<usize>() + self.tail.len()
    }

    /// Returns the copy.
    pub(super) fn push_copy(&mut self, bytes: &[u8]) -> &mut [u8] {
        if self.tail.capacity() - self.tail.len() < bytes.len() {
            self.grow(bytes.len());
        }
        let start = self.tail.len();
        self.tail.extend_from_slice(bytes);
        &mut self.tail[start..]
    }

    /// Makes room for `more` bytes: by doubling up to a chunk, from then on in a new chunk.
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

    pub(super) fn push_part(&mut self, part: &BacklogRange) {
        self.finish_tail();
        if let Some(Chunk::BacklogRange(last)) = self.chunks.back_mut()
            && last.join(part)
        {
            return;
        }
        self.chunks.push_back(Chunk::BacklogRange(part.clone()));
    }

    /// Takes replies, after which there are none.
    pub(super) fn push_replies(&mut self, replies: &mut Replies) {
        for chunk in replies.take_chunks() {
            self.finish_tail();
            self.chunks.push_back(Chunk::Bytes(chunk));
        }
        let replies = replies.tail();
        if self.is_empty() && replies.len() > FIRST_CHUNK {
            // Large replies change hands instead of being copied.
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

    /// Takes the first bytes out.
    pub(super) fn split_to(&mut self, mut bytes: usize) -> Queue {
        let mut first = Queue::default();
        while bytes > 0
            && let Some(chunk) = self.chunks.front_mut()
        {
            let length = chunk.len();
            if length <= bytes {
                first.chunks.extend(self.chunks.pop_front());
            } else {
                first.chunks.push_back(chunk.split_to(bytes));
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

    /// Puts what a write has left before what was appended since.
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

    /// Writes until all is gone or the socket takes no more; returns the bytes written and how it
    /// ended.
    pub(super) fn write(&mut self, socket: &WriteSocket) -> (usize, io::Result<()>) {
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

    fn write_once(&self, socket: &WriteSocket) -> io::Result<usize> {
        match self.chunks.front() {
            None => return socket.try_write(&self.tail),
            Some(Chunk::BacklogRange(part)) => return socket.try_write(&part.bytes()),
            Some(Chunk::Bytes(_)) => {}
        }
        // Up to a part, whose lock is taken for a write of its own.
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
                    Chunk::BacklogRange(part) => part.advance(taken),
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

    /// Large replies are not copied, whatever waits before them; small ones are gathered.
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
