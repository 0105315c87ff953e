//! A connection's input: reads batches of bytes, and keeps an unfinished request between two
//! batches.
//!
//! Layer `conn`. It may use `command` and what lies below.
//!
//! A batch lies in a buffer of the thread. The bytes of an unfinished request at its end are kept
//! here until more arrive. An idle connection keeps no other input.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};

use super::buffers::BatchBuffers;
use crate::client::socket::ReadSocket;
use crate::observe::stats::Stats;
use crate::resp::large::{LARGE, has_memory_for};
use crate::resp::request::RequestReader;

/// An unfinished request of up to this many bytes is copied between batches, so that the read
/// buffer can go back to the thread. A longer one keeps its buffer.
const COPY_ASIDE: usize = 4 * 1024;
/// The space in bytes that is reserved before a read. A large argument is copied out of the buffer
/// piece by piece: the buffer stays in the processor's cache, and other tasks run between two
/// reads.
const READ_SIZE: usize = 64 * 1024;

/// The reading half of the socket, the parser's state, and the bytes of an unfinished request.
#[derive(Debug)]
pub(super) struct Input {
    read: ReadSocket,
    /// The parser, with its position in the batch or in the unfinished request.
    pub(super) reader: RequestReader,
    /// The bytes of an unfinished request. While the client is blocked: all bytes that it sends.
    unfinished: BytesMut,
}

/// Makes room for so many bytes behind those of a buffer.
///
/// # Errors
/// [`io::ErrorKind::OutOfMemory`]: what is unfinished is long, and there is no memory for more.
fn make_room(buffer: &mut BytesMut, bytes: usize) -> io::Result<()> {
    let grows = buffer.capacity() - buffer.len() < bytes;
    // It at least doubles then.
    if grows && buffer.len() >= LARGE && !has_memory_for(2 * buffer.len() + bytes) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    buffer.reserve(bytes);
    Ok(())
}

impl Input {
    pub(super) fn new(read: ReadSocket) -> Input {
        Input {
            read,
            reader: RequestReader::default(),
            unfinished: BytesMut::new(),
        }
    }

    /// Completes the TLS handshake, which precedes the first read. Without TLS there is none.
    pub(super) fn poll_handshake(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.read.poll_handshake(context)
    }

    /// Reads, and returns a batch: the kept bytes followed by the new ones.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        stats: &Stats,
    ) -> Poll<io::Result<Box<BatchBuffers>>> {
        let mut buffers = BatchBuffers::take();
        if self.unfinished.len() > COPY_ASIDE {
            std::mem::swap(&mut buffers.input, &mut self.unfinished);
        } else {
            buffers.input.extend_from_slice(&self.unfinished);
        }
        let read = self.poll_append(context, &mut buffers.input, stats);
        if let Poll::Ready(Ok(())) = read {
            self.unfinished = BytesMut::new();
            return Poll::Ready(Ok(buffers));
        }
        if buffers.input.len() > COPY_ASIDE {
            std::mem::swap(&mut buffers.input, &mut self.unfinished);
        }
        buffers.give_back();
        ready!(read)?;
        Poll::Pending
    }

    /// Removes the executed requests from the batch, and appends what can be read without waiting.
    /// Returns `false` if there was nothing, or on an error, which the next [`poll`](Self::poll)
    /// returns again.
    pub(super) fn poll_more(
        &mut self,
        context: &mut Context<'_>,
        buffers: &mut BatchBuffers,
        stats: &Stats,
    ) -> bool {
        buffers.input.advance(self.reader.consumed());
        self.reader.rebase();
        let read = self.poll_append(context, &mut buffers.input, stats);
        matches!(read, Poll::Ready(Ok(())))
    }

    /// Reads and appends to `buffer`. The end of the stream is an error.
    fn poll_append(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut BytesMut,
        stats: &Stats,
    ) -> Poll<io::Result<()>> {
        make_room(buffer, READ_SIZE)?;
        let bytes = ready!(self.read.poll_read(context, buffer))?;
        if bytes == 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        stats.read(bytes);
        self.reader.set_apart(buffer);
        Poll::Ready(Ok(()))
    }

    /// Reads and keeps bytes while the client is blocked. Returns how many were read; 0 at the end
    /// of the stream.
    pub(super) fn poll_keep(
        &mut self,
        context: &mut Context<'_>,
        stats: &Stats,
    ) -> Poll<io::Result<usize>> {
        // Into the thread's buffer: a blocked client that sends nothing needs no buffer.
        let mut buffers = BatchBuffers::take();
        buffers.input.reserve(READ_SIZE);
        let read = self.read.poll_read(context, &mut buffers.input);
        let room = make_room(&mut self.unfinished, buffers.input.len());
        if room.is_ok() {
            self.unfinished.extend_from_slice(&buffers.input);
        }
        buffers.give_back();
        let bytes = ready!(read)?;
        room?;
        stats.read(bytes);
        Poll::Ready(Ok(bytes))
    }

    /// Reads and discards bytes.
    pub(super) fn poll_discard(
        &mut self,
        context: &mut Context<'_>,
        buffers: &mut BatchBuffers,
    ) -> Poll<io::Result<usize>> {
        buffers.input.clear();
        buffers.input.reserve(READ_SIZE);
        self.read.poll_read(context, &mut buffers.input)
    }

    /// Returns the kept bytes as a batch, or `None` if there are none.
    pub(super) fn take_kept(&mut self) -> Option<Box<BatchBuffers>> {
        if self.unfinished.is_empty() {
            return None;
        }
        let mut buffers = BatchBuffers::take();
        buffers.input = std::mem::take(&mut self.unfinished);
        self.reader.set_apart(&mut buffers.input);
        Some(buffers)
    }

    /// Keeps the bytes of an unfinished request and gives the buffers back to the thread.
    pub(super) fn set_aside(&mut self, mut buffers: Box<BatchBuffers>) {
        buffers.input.advance(self.reader.consumed());
        self.reader.rebase();
        self.reader.set_apart(&mut buffers.input);
        if buffers.input.len() > COPY_ASIDE {
            std::mem::swap(&mut buffers.input, &mut self.unfinished);
        } else if !buffers.input.is_empty() {
            self.unfinished = BytesMut::from(&buffers.input[..]);
        }
        buffers.give_back();
        self.reader.release();
    }

    /// How many bytes are kept.
    pub(super) fn held(&self) -> usize {
        self.unfinished.len() + self.reader.held()
    }
}
