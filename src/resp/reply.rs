//! What a command answers, as a value. Layer `resp`, the lowest: it uses no other.
//!
//! A command builds its reply once, in the terms of RESP3. [`encode`](super::encode) knows what a
//! RESP2 connection is shown of it. A reply that is long, or whose parts lie under a lock, is
//! better written piece by piece: see [`writer`](super::writer).
//!
//! A tree is as deep as the command that builds it makes it, and encoding recurses that deep.

use bytes::{Bytes, BytesMut};

use super::Protocol;
use super::error::CommandError;
use super::writer::ReplyWriter;

/// A command's answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    /// The command has sent its own frames (subscribe confirmations), or answers nothing.
    Sent,
    /// A pre-encoded reply, the same bytes in RESP2 and RESP3.
    Static(&'static [u8]),
    /// A status: `+OK`.
    Status(Bytes),
    /// An error, on its own or within an aggregate.
    Error(Box<CommandError>),
    /// An integer.
    Integer(i64),
    /// A floating-point number; RESP2 shows a bulk string.
    Double(f64),
    /// An integer of any size, by its decimal digits; RESP2 shows a bulk string.
    BigNumber(Bytes),
    /// True or false; RESP2 shows 1 or 0.
    Boolean(bool),
    /// A bulk string.
    Bulk(Bytes),
    /// Text for people, `txt` in RESP3; RESP2 shows a bulk string.
    Verbatim(Bytes),
    /// A null: `$-1` in RESP2, `_` in RESP3.
    Null,
    /// A null where an array would be: `*-1` in RESP2, `_` in RESP3.
    NullArray,
    /// An array.
    Array(Vec<Reply>),
    /// A set, in this order, members not checked for being unique; RESP2 shows an array.
    Set(Vec<Reply>),
    /// A map, in this order, keys not checked for being unique; RESP2 shows a flat array.
    Map(Vec<(Reply, Reply)>),
    /// An array of arrays of two; RESP2 shows one flat array.
    Pairs(Vec<(Reply, Reply)>),
}

impl Reply {
    /// `+OK`
    pub(crate) const OK: Reply = Reply::Static(b"+OK\r\n");
    /// `+PONG`
    pub(crate) const PONG: Reply = Reply::Static(b"+PONG\r\n");

    /// Appends the reply's bytes to `out`.
    pub(crate) fn encode(self, out: &mut BytesMut, protocol: Protocol) {
        ReplyWriter::wire(out, protocol).put(self);
    }
}

/// A word is a bulk string: mostly the name of a field.
impl From<&'static str> for Reply {
    fn from(word: &'static str) -> Reply {
        bulk(word)
    }
}

/// A status reply.
pub(crate) fn status(text: impl Into<Bytes>) -> Reply {
    Reply::Status(text.into())
}

/// An integer.
pub(crate) fn integer(number: i64) -> Reply {
    Reply::Integer(number)
}

/// A floating-point number.
pub(crate) fn double(number: f64) -> Reply {
    Reply::Double(number)
}

/// A bulk string.
pub(crate) fn bulk(data: impl Into<Bytes>) -> Reply {
    Reply::Bulk(data.into())
}

/// Text for people.
pub(crate) fn verbatim(text: impl Into<Bytes>) -> Reply {
    Reply::Verbatim(text.into())
}

/// An array.
pub(crate) fn array(items: impl IntoIterator<Item = Reply>) -> Reply {
    Reply::Array(items.into_iter().collect())
}

/// A set.
pub(crate) fn set(members: impl IntoIterator<Item = Reply>) -> Reply {
    Reply::Set(members.into_iter().collect())
}

/// A map, mostly with words for keys.
pub(crate) fn map<K: Into<Reply>>(pairs: impl IntoIterator<Item = (K, Reply)>) -> Reply {
    let pairs = pairs.into_iter();
    Reply::Map(pairs.map(|(key, value)| (key.into(), value)).collect())
}
