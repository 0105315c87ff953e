//! The stages of closing a connection, and whether its requests are being carried out.
//!
//! Layer `client`. It uses only the rest of `client`.
//!
//! Invariant: a client goes from one stage to a later one, never back.

use std::net::Shutdown;

use super::Client;
use super::outbox::Written;
use crate::sync::atomic::{Ordering::Relaxed, Ordering::SeqCst};

/// The stages of closing a connection, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// Not closing.
    Open,
    /// It reads no more requests because the server shuts down. It is still sent replies and
    /// messages.
    Quiet,
    /// It reads no more requests, and closes when its outbox is written.
    Draining,
    /// It is removed from all tables.
    Closed,
}

impl Client {
    /// The stage of closing that it is in.
    pub(crate) fn closing(&self) -> Closing {
        match self.closing.load(Relaxed) {
            0 => Closing::Open,
            1 => Closing::Quiet,
            2 => Closing::Draining,
            _ => Closing::Closed,
        }
    }

    /// Marks that a batch of its requests is being carried out. Returns `false` if that is not
    /// allowed because the connection is closing.
    ///
    /// The ordering is sequentially consistent, like that of [`quiet`](Self::quiet) and
    /// [`is_serving`](Self::is_serving). So if a thread has quieted all clients and then finds none
    /// serving, none will serve later.
    #[must_use]
    pub(crate) fn begin_serving(&self) -> bool {
        self.serving.store(true, SeqCst);
        let open = self.closing.load(SeqCst) == Closing::Open as u8;
        if !open {
            self.serving.store(false, SeqCst);
        }
        open
    }

    /// Marks that the batch has ended.
    pub(crate) fn end_serving(&self) {
        self.serving.store(false, SeqCst);
    }

    /// Whether a batch of its requests is being carried out.
    pub(crate) fn is_serving(&self) -> bool {
        self.serving.load(SeqCst)
    }

    /// Asks it to read no more requests.
    pub(crate) fn quiet(&self) {
        self.advance(Closing::Quiet);
    }

    /// Asks it to read no more and to close once everything pending is written.
    pub(crate) fn drain(&self) {
        self.advance(Closing::Draining);
    }

    /// Marks it closed. Returns `false` if it was closed already; another caller then does the
    /// rest.
    #[must_use]
    pub(crate) fn close(&self) -> bool {
        self.advance(Closing::Closed) != Closing::Closed as u8
    }

    /// Tells the peer that nothing more will be sent.
    pub(crate) fn finish_writing(&self) {
        self.socket.shutdown(Shutdown::Write);
    }

    /// Ends the connection of a closed client, and with it the client's task. Pending bytes are
    /// written as far as the socket takes them: the client may have just been given an element, and
    /// its peer may still read. The thread that writes last closes the socket. Adds what is
    /// written here to `written`.
    pub(crate) fn hang_up(&self, written: &mut Written) {
        self.outbox.end();
        let _ = self.flush(written);
    }

    /// Advances to `stage`, never back, and wakes the task. Returns the stage before.
    fn advance(&self, stage: Closing) -> u8 {
        let before = self.closing.fetch_max(stage as u8, SeqCst);
        self.waker.wake();
        before
    }
}
