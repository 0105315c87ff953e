//! The wire: requests in, replies out.
//!
//! [`request`] is our own resumable, bounded reader of RESP arrays and inline commands. [`reply`]
//! is what a command answers and the one place where it becomes bytes. Replies that the hot path
//! sends are pre-encoded or written directly; every other reply is a [`frame::Frame`], encoded by
//! the `redis-protocol` crate.

pub(crate) mod error;
pub(crate) mod frame;
pub(crate) mod inline;
pub(crate) mod large;
pub(crate) mod number;
pub(crate) mod reply;
pub(crate) mod request;

/// The protocol version of a connection: RESP2 until `HELLO 3` asks for RESP3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// RESP2, what a connection starts with.
    #[default]
    Resp2,
    /// RESP3: pushes, maps, sets, verbatim strings.
    Resp3,
}

impl Protocol {
    /// The number that HELLO and CLIENT LIST show: 2 or 3.
    pub(crate) fn number(self) -> u8 {
        match self {
            Protocol::Resp2 => 2,
            Protocol::Resp3 => 3,
        }
    }

    /// The type byte of a push frame: RESP2 knows none and sends an array.
    pub(crate) fn push_marker(self) -> u8 {
        match self {
            Protocol::Resp2 => b'*',
            Protocol::Resp3 => b'>',
        }
    }
}
