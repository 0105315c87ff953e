//! A test socket that takes as many bytes as a model tells it to.
//!
//! Layer `client`. Its own lock is unknown to the model's scheduler: no other task can run during a
//! write, because a writer may hold locks that the scheduler does not know (a backlog's).

use std::io;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

#[derive(Debug, Default)]
pub(crate) struct Scripted(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Bytes that it takes before it is full.
    room: usize,
    taken: Vec<u8>,
    waker: Option<Waker>,
    ended: bool,
}

impl Scripted {
    /// A socket that takes nothing yet.
    pub(crate) fn new() -> Scripted {
        Scripted::default()
    }

    /// Makes room for more bytes, as if the peer had read them.
    pub(crate) fn make_room(&self, bytes: usize) {
        let mut state = self.0.lock().unwrap();
        state.room = state.room.saturating_add(bytes);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The bytes that it was given, and whether it was shut down.
    pub(crate) fn taken(&self) -> (Vec<u8>, bool) {
        let state = self.0.lock().unwrap();
        (state.taken.clone(), state.ended)
    }

    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        if state.ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = bytes.len().min(state.room);
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.room -= count;
        state.taken.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    pub(crate) fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock().unwrap();
        if state.room > 0 || state.ended {
            return Poll::Ready(Ok(()));
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    pub(crate) fn shutdown(&self) {
        self.0.lock().unwrap().ended = true;
        self.make_room(0);
    }
}
