//! The wire: requests in, replies out. The lowest layer: it uses none of the crate's other rooms.
//!
//! ```text
//!   request   our own resumable, bounded reader of RESP arrays and inline commands
//!   reply     what a command answers, as a value
//!   writer    where a handler writes its answer piece by piece: the wire, or a value
//!   encode    the one place where an answer becomes bytes, in RESP2 or RESP3
//!   error     what a client is told that went wrong
//!   number    numbers with a fraction, read and printed
//! ```

pub(crate) mod encode;
pub(crate) mod error;
pub(crate) mod inline;
pub(crate) mod number;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod writer;

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
