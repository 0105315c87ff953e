//! The socket of a client whose requests come from within the server: two bounded lanes of bytes
//! in memory.
//!
//! Layer `client`. It uses nothing else.
//!
//! ```text
//!   http  ── requests ──▶ lane ──▶ conn        FarEnd::poll_write, Socket
//!   http  ◀── replies ─── lane ◀── outbox      FarEnd::poll_read,  Socket
//! ```
//!
//! The far end speaks RESP as any client does. So all that holds for a socket's client holds for it:
//! permissions, limits, statistics, CLIENT LIST and CLIENT KILL.
//!
//! Invariants:
//! - A lane holds at most [`CAPACITY`] bytes. A writer finds it full then, as it would find a socket,
//!   and what does not fit waits in the outbox, under its limits.
//! - A lane keeps one waker for each side. Reading wakes the writer, writing and closing the reader.
//! - When the far end is dropped, the connection reads the end of the stream, and writes fail.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};
use parking_lot::Mutex;

/// The most bytes in a lane: about as many as a connection reads at a time.
const CAPACITY: usize = 32 * 1024;

/// One direction.
#[derive(Debug, Default)]
struct Lane(Mutex<LaneState>);

#[derive(Debug, Default)]
struct LaneState {
    bytes: BytesMut,
    /// Nothing more is written. What is in the lane can still be read.
    closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Lane {
    /// Writes as much as there is room for.
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut written = 0;
        for slice in slices {
            let room = CAPACITY - state.bytes.len();
            let taken = &slice[..slice.len().min(room)];
            state.bytes.extend_from_slice(taken);
            written += taken.len();
        }
        if written == 0 && slices.iter().any(|slice| !slice.is_empty()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
        Ok(written)
    }

    /// Waits for room, or for the end.
    fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.closed || state.bytes.len() < CAPACITY {
            return Poll::Ready(());
        }
        state.writer = Some(context.waker().clone());
        Poll::Pending
    }

    /// Moves all bytes to `buffer`. Returns how many; 0 at the end.
    fn poll_read(&self, context: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<usize> {
        let mut state = self.0.lock();
        if state.bytes.is_empty() && !state.closed {
            state.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let bytes = state.bytes.len();
        buffer.extend_from_slice(&state.bytes);
        // An idle lane takes no memory.
        state.bytes = BytesMut::new();
        let writer = state.writer.take();
        drop(state);
        writer.into_iter().for_each(Waker::wake);
        Poll::Ready(bytes)
    }

    fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        let (reader, writer) = (state.reader.take(), state.writer.take());
        drop(state);
        reader.into_iter().chain(writer).for_each(Waker::wake);
    }

    fn is_closed(&self) -> bool {
        self.0.lock().closed
    }
}

/// Both lanes. The server's side holds it as a client's socket.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    requests: Lane,
    replies: Lane,
    /// The file descriptor that CLIENT LIST shows.
    descriptor: i32,
}

/// The side that sends requests.
#[derive(Debug)]
pub(crate) struct FarEnd(Arc<Pipe>);

/// A pipe, and its far end. `descriptor`: of the socket that its requests come from.
pub(crate) fn pipe(descriptor: i32) -> (Arc<Pipe>, FarEnd) {
    let pipe = Arc::new(Pipe {
        descriptor,
        ..Pipe::default()
    });
    (Arc::clone(&pipe), FarEnd(pipe))
}

impl Pipe {
    pub(super) fn poll_read(&self, context: &mut Context<'_>, to: &mut BytesMut) -> Poll<usize> {
        self.requests.poll_read(context, to)
    }

    pub(super) fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.replies.try_write(slices)
    }

    pub(super) fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        self.replies.poll_room(context)
    }

    pub(super) fn shutdown(&self, how: Shutdown) {
        if how != Shutdown::Read {
            self.replies.close();
        }
        if how != Shutdown::Write {
            self.requests.close();
        }
    }

    /// Whether the far end is gone, or the connection closed.
    pub(super) fn is_cut_off(&self) -> bool {
        self.requests.is_closed()
    }

    pub(super) fn descriptor(&self) -> i32 {
        self.descriptor
    }
}

impl FarEnd {
    /// Writes the first of these bytes, and removes them.
    ///
    /// # Errors
    /// The connection has ended.
    pub(crate) fn poll_write<B: Buf>(
        &self,
        context: &mut Context<'_>,
        bytes: &mut B,
    ) -> Poll<io::Result<()>> {
        while bytes.has_remaining() {
            match self.0.requests.try_write(&[IoSlice::new(bytes.chunk())]) {
                Ok(written) => bytes.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.0.requests.poll_room(context).is_pending() {
                        return Poll::Pending;
                    }
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads, and appends to `buffer`. `Ready(0)`: the connection has ended.
    pub(crate) fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<usize> {
        self.0.replies.poll_read(context, buffer)
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        self.0.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_lane_takes_more_once_it_was_read() {
        let (near, far) = pipe(7);
        let mut context = Context::from_waker(Waker::noop());
        let (full, mut read) = (vec![b'x'; CAPACITY + 1], BytesMut::new());
        assert!(far.poll_read(&mut context, &mut read).is_pending());
        let written = near.try_write(&[IoSlice::new(b"ab"), IoSlice::new(&full)]);
        assert_eq!(written.unwrap(), CAPACITY);
        let refused = near.try_write(&[IoSlice::new(b"c")]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        assert!(near.poll_write_ready(&mut context).is_pending());
        let taken = far.poll_read(&mut context, &mut read);
        assert_eq!(taken, Poll::Ready(CAPACITY));
        assert!(read.starts_with(b"abxx"));
        assert!(near.poll_write_ready(&mut context).is_ready());

        let mut request = &full[..];
        assert!(far.poll_write(&mut context, &mut request).is_pending());
        assert_eq!(request.len(), 1);
        assert!(near.poll_read(&mut context, &mut read).is_ready());
        assert!(far.poll_write(&mut context, &mut request).is_ready());
        assert_eq!((request.len(), near.descriptor()), (0, 7));
    }

    #[test]
    fn what_was_written_before_the_end_can_be_read() {
        let (near, far) = pipe(0);
        let mut context = Context::from_waker(Waker::noop());
        let mut read = BytesMut::new();
        near.try_write(&[IoSlice::new(b"last")]).unwrap();
        near.shutdown(Shutdown::Write);
        assert!(!near.is_cut_off());
        assert_eq!(far.poll_read(&mut context, &mut read), Poll::Ready(4));
        assert_eq!(far.poll_read(&mut context, &mut read), Poll::Ready(0));
        drop(far);
        assert!(near.is_cut_off());
        assert_eq!(near.poll_read(&mut context, &mut read), Poll::Ready(0));
        assert!(near.try_write(&[IoSlice::new(b"late")]).is_err());
    }
}
