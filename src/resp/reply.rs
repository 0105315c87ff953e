//! A command's reply as a value.
//!
//! Layer `resp`, the lowest. It uses no other layer.
//!
//! A command builds its reply once, in the types of RESP3. [`encode`](super::encode) converts it to
//! RESP2 where that is needed. A reply that is long, or whose data lies under a lock, should be
//! written piece by piece with a [`writer`](super::writer) instead.
//!
//! Encoding recurses as deep as the tree is nested. Commands decide how deep that is; clients do
//! not.

use bytes::Bytes;

use super::Protocol;
use super::error::CommandError;
use super::replies::Replies;
use super::writer::ReplyWriter;

/// A command's reply.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    /// No reply: the command has sent its own frames (subscribe confirmations), or sends none.
    Sent,
    /// A pre-encoded reply, which has the same bytes in RESP2 and RESP3.
    Static(&'static [u8]),
    /// A status: `+OK`.
    Status(Bytes),
    /// An error, by itself or within an aggregate.
    Error(Box<CommandError>),
    /// An integer.
    Integer(i64),
    /// A floating-point number; a bulk string in RESP2.
    Double(f64),
    /// A number with a fraction, by its decimal digits; a bulk string in RESP2.
    Decimal(Bytes),
    /// An integer of any size, as decimal digits; a bulk string in RESP2.
    BigNumber(Bytes),
    /// A boolean; the integer 1 or 0 in RESP2.
    Boolean(bool),
    /// A bulk string.
    Bulk(Bytes),
    /// Text for people: a verbatim string of format `txt` in RESP3, a bulk string in RESP2.
    Verbatim(Bytes),
    /// A null: `$-1` in RESP2, `_` in RESP3.
    Null,
    /// A null in place of an array: `*-1` in RESP2, `_` in RESP3.
    NullArray,
    /// An array.
    Array(Vec<Reply>),
    /// A set, encoded in this order; an array in RESP2. Duplicate members are not detected.
    Set(Vec<Reply>),
    /// A map, encoded in this order; a flat array in RESP2. Duplicate keys are not detected.
    Map(Vec<(Reply, Reply)>),
    /// An array of arrays of two; RESP2 shows one flat array.
    Pairs(Vec<(Reply, Reply)>),
    /// A map, encoded in this order; an array of arrays of two in RESP2.
    NestedMap(Vec<(Reply, Reply)>),
}

impl Reply {
    /// `+OK`
    pub(crate) const OK: Reply = Reply::Static(b"+OK\r\n");
    /// `+PONG`
    pub(crate) const PONG: Reply = Reply::Static(b"+PONG\r\n");

    /// Appends the reply's bytes to `out`.
    pub(crate) fn encode(self, out: &mut Replies, protocol: Protocol) {
        ReplyWriter::wire(out, protocol).put(self);
    }
}

/// A literal becomes a bulk string. It is mostly the name of a field.
impl From<&'static str> for Reply {
    fn from(text: &'static str) -> Reply {
        bulk(text)
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

/// A verbatim string: text for people.
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

/// A map. Its keys are mostly field names.
pub(crate) fn map<K: Into<Reply>>(pairs: impl IntoIterator<Item = (K, Reply)>) -> Reply {
    let pairs = pairs.into_iter();
    Reply::Map(pairs.map(|(key, value)| (key.into(), value)).collect())
}
