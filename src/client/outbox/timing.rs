//! How long messages take from their publication until the socket has them.
//!
//! Layer `client`. It uses no other layer. The lock of its outbox guards it.
//!
//! To time every message, its place and time would have to be kept until it is written. So of what
//! waits in an outbox, one message is timed: the first that was appended since the last timed one
//! was written. Usually all that waits goes out in one write, and then it is the one that has waited
//! longest. While the socket is full, it shows how long a message takes through all that waits
//! before it.
//!
//! Not timed are messages that wait behind a reply to the client's own PUBLISH, and messages that
//! wait while others are dropped.

use std::time::Instant;

use super::Append;
use super::state::State;

/// What flushes have written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Bytes that the socket has taken.
    pub bytes: u64,
    /// When the timed message among them was published.
    pub sent: Option<Instant>,
}

/// The message that is timed.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimedMessage {
    /// It is written when the socket has taken this many bytes in all.
    end: u64,
    published: Instant,
}

impl State {
    /// Times the messages that were just appended, if none is timed yet.
    #[inline]
    pub(super) fn time(&mut self, append: Append, published: Instant) {
        if append.was_taken() {
            let end = self.written + self.pending as u64;
            let timed = &mut self.rare().timed;
            timed.get_or_insert(TimedMessage { end, published });
        }
    }

    /// When the timed message was published, if it is among the first `written` bytes.
    #[inline]
    pub(super) fn timed_until(&mut self, written: u64) -> Option<Instant> {
        let timed = self
            .rare
            .as_mut()?
            .timed
            .take_if(|timed| timed.end <= written);
        timed.map(|timed| timed.published)
    }
}
