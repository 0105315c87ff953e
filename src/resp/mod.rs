//! The wire protocol: requests in, replies out.
//!
//! Layer `resp`, the lowest. It uses no other module of the crate.
//!
//! ```text
//!   request   a resumable, bounded reader of RESP arrays and inline commands
//!   large     large strings, received in one allocation that is shared afterwards
//!   inline    splits a line into words: inline commands and the configuration file
//!   reply     what a command answers, as a value
//!   writer    takes a reply piece by piece, and encodes it or builds a value of it
//!   replies   where replies are gathered, in pieces that are not copied as they grow
//!   encode    the one place where a reply becomes bytes, in RESP2 or RESP3
//!   error     the errors that a client is shown
//!   head      reads the first line of a reply or a push
//!   tokens    reads replies, for requests from within the server
//!   number    reads and prints floating-point numbers
//! ```

pub(crate) mod encode;
pub(crate) mod error;
pub(crate) mod head;
pub(crate) mod hex;
pub(crate) mod inline;
pub(crate) mod large;
pub(crate) mod number;
pub(crate) mod replies;
pub(crate) mod reply;
pub(crate) mod request;
#[cfg(feature = "http")]
pub(crate) mod tokens;
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

    /// The type byte of a push frame. RESP2 has no push type and sends an array.
    pub(crate) fn push_marker(self) -> u8 {
        match self {
            Protocol::Resp2 => b'*',
            Protocol::Resp3 => b'>',
        }
    }
}
