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
use crate::client::Client;
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

/// What a connection keeps of its input.
#[derive(Debug)]
pub(super) struct Input {
    unfinished: Option<Box<Unfinished>>,
    /// Nothing was read yet. The first read asks the kernel and not the runtime
    /// ([`Socket::read_unregistered`](crate::client::socket::Socket::read_unregistered)).
    is_fresh: bool,
}

/// An unfinished request. While the client is blocked: all that it sends.
#[derive(Debug, Default)]
struct Unfinished {
    bytes: BytesMut,
    /// The parser, with its position in these bytes.
    reader: RequestReader,
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

/// Reads and appends to `buffer`. The end of the stream is an error.
fn poll_append(
    client: &Client,
    context: &mut Context<'_>,
    buffer: &mut BytesMut,
    stats: &Stats,
) -> Poll<io::Result<()>> {
    make_room(buffer, READ_SIZE)?;
    let bytes = ready!(client.socket().poll_read(context, buffer))?;
    note_read(bytes, stats).into()
}

/// Counts bytes that were read. None means the end of the stream, which is an error.
fn note_read(bytes: usize, stats: &Stats) -> io::Result<()> {
    if bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    stats.read(bytes);
    Ok(())
}

impl Input {
    pub(super) fn new() -> Input {
        Input {
            unfinished: None,
            is_fresh: true,
        }
    }

    /// Reads, and returns a batch: the kept bytes followed by the new ones.
    pub(super) fn poll(
        &mut self,
        client: &Client,
        context: &mut Context<'_>,
        stats: &Stats,
    ) -> Poll<io::Result<Box<BatchBuffers>>> {
        let mut buffers = BatchBuffers::take();
        if let Some(unfinished) = &mut self.unfinished {
            if unfinished.bytes.len() > COPY_ASIDE {
                std::mem::swap(&mut buffers.input, &mut unfinished.bytes);
            } else {
                buffers.input.extend_from_slice(&unfinished.bytes);
            }
        }
        let first = std::mem::take(&mut self.is_fresh);
        let read = match first.then(|| client.socket().read_unregistered(&mut buffers.input)) {
            Some(Some(read)) => Poll::Ready(read.and_then(|bytes| note_read(bytes, stats))),
            Some(None) | None => poll_append(client, context, &mut buffers.input, stats),
        };
        if let Poll::Ready(Ok(())) = read {
            if let Some(unfinished) = self.unfinished.take() {
                buffers.reader = unfinished.reader;
            }
            let BatchBuffers { input, reader, .. } = &mut *buffers;
            reader.set_apart(input);
            return Poll::Ready(Ok(buffers));
        }
        if let Some(unfinished) = &mut self.unfinished
            && buffers.input.len() > COPY_ASIDE
        {
            std::mem::swap(&mut buffers.input, &mut unfinished.bytes);
        }
        buffers.give_back();
        ready!(read)?;
        Poll::Pending
    }

    /// Removes the executed requests from the batch, and appends what can be read without waiting.
    /// Returns `false` if there was nothing, or on an error, which the next [`poll`](Self::poll)
    /// returns again.
    pub(super) fn poll_more(
        client: &Client,
        context: &mut Context<'_>,
        buffers: &mut BatchBuffers,
        stats: &Stats,
    ) -> bool {
        let BatchBuffers { input, reader, .. } = buffers;
        input.advance(reader.consumed());
        reader.rebase();
        let read = poll_append(client, context, input, stats);
        let has_read = matches!(read, Poll::Ready(Ok(())));
        if has_read {
            reader.set_apart(input);
        }
        has_read
    }

    /// Reads and keeps bytes while the client is blocked. Returns how many were read; 0 at the end
    /// of the stream.
    pub(super) fn poll_keep(
        &mut self,
        client: &Client,
        context: &mut Context<'_>,
        stats: &Stats,
    ) -> Poll<io::Result<usize>> {
        // Into the thread's buffer: a blocked client that sends nothing needs no buffer.
        let mut buffers = BatchBuffers::take();
        buffers.input.reserve(READ_SIZE);
        let read = client.socket().poll_read(context, &mut buffers.input);
        let kept = self.keep(&buffers.input);
        buffers.give_back();
        let bytes = ready!(read)?;
        kept?;
        stats.read(bytes);
        Poll::Ready(Ok(bytes))
    }

    fn keep(&mut self, read: &[u8]) -> io::Result<()> {
        if read.is_empty() {
            return Ok(());
        }
        let unfinished = self.unfinished.get_or_insert_default();
        make_room(&mut unfinished.bytes, read.len())?;
        unfinished.bytes.extend_from_slice(read);
        Ok(())
    }

    /// Reads and discards bytes.
    pub(super) fn poll_discard(
        client: &Client,
        context: &mut Context<'_>,
        buffers: &mut BatchBuffers,
    ) -> Poll<io::Result<usize>> {
        buffers.input.clear();
        buffers.input.reserve(READ_SIZE);
        client.socket().poll_read(context, &mut buffers.input)
    }

    /// Returns the kept bytes as a batch, or `None` if there are none.
    pub(super) fn take_kept(&mut self) -> Option<Box<BatchBuffers>> {
        let unfinished = self.unfinished.take_if(|it| !it.bytes.is_empty())?;
        let mut buffers = BatchBuffers::take();
        buffers.input = unfinished.bytes;
        buffers.reader = unfinished.reader;
        let BatchBuffers { input, reader, .. } = &mut *buffers;
        reader.set_apart(input);
        Some(buffers)
    }

    /// Keeps the bytes of an unfinished request and gives the buffers back to the thread.
    pub(super) fn set_aside(&mut self, mut buffers: Box<BatchBuffers>) {
        let BatchBuffers { input, reader, .. } = &mut *buffers;
        input.advance(reader.consumed());
        reader.rebase();
        reader.set_apart(input);
        reader.release();
        if !input.is_empty() || !reader.is_done() {
            let unfinished = self.unfinished.get_or_insert_default();
            unfinished.reader = std::mem::take(reader);
            if input.len() > COPY_ASIDE {
                std::mem::swap(input, &mut unfinished.bytes);
            } else {
                unfinished.bytes = BytesMut::from(&input[..]);
            }
        }
        buffers.give_back();
    }

    /// How many bytes are kept.
    pub(super) fn held(&self) -> usize {
        let held = |it: &Unfinished| it.bytes.len() + it.reader.held();
        self.unfinished.as_deref().map_or(0, held)
    }
}
