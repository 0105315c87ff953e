//! What a command answers, and the one place where it becomes bytes.

use bytes::{Bytes, BytesMut};

use super::frame::{self, Frame};
use super::large::{LARGE, has_memory_for};
use super::{Protocol, error::CommandError};

/// A command's answer.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The command has sent its own frames (subscribe confirmations), or answers nothing.
    Sent,
    /// A pre-encoded reply, the same bytes in RESP2 and RESP3.
    Static(&'static [u8]),
    /// An integer.
    Integer(i64),
    /// A bulk string.
    Bulk(Bytes),
    /// A null: `$-1` in RESP2, `_` in RESP3.
    Null,
    /// A null where an array would be: `*-1` in RESP2, `_` in RESP3.
    NullArray,
    /// Everything else.
    Frame(Frame),
    /// An array of replies. This, [`Set`](Self::Set) and [`Map`](Self::Map) are for what a frame
    /// cannot hold: its sets are hash sets, which refuse arrays and maps as members.
    Array(Vec<Reply>),
    /// A set of replies; RESP2 shows an array.
    Set(Vec<Reply>),
    /// A map of replies in this order, keys not necessarily unique; RESP2 shows a flat array.
    Map(Vec<(Reply, Reply)>),
}

impl Reply {
    /// `+OK`
    pub(crate) const OK: Reply = Reply::Static(b"+OK\r\n");
    /// `+PONG`
    pub(crate) const PONG: Reply = Reply::Static(b"+PONG\r\n");

    /// Appends the reply's bytes to `out`.
    pub(crate) fn encode(self, out: &mut BytesMut, protocol: Protocol) {
        match self {
            Reply::Sent => {}
            Reply::Static(bytes) => out.extend_from_slice(bytes),
            Reply::Integer(number) => put_integer(out, b':', number),
            Reply::Bulk(data) => put_bulk(out, &data),
            Reply::Null => put_null(out, protocol),
            Reply::NullArray => put_null_array(out, protocol),
            Reply::Frame(frame) => frame::encode(out, frame, protocol),
            Reply::Array(items) => put_aggregate(out, b'*', items, protocol),
            Reply::Set(items) => {
                let kind = match protocol {
                    Protocol::Resp2 => b'*',
                    Protocol::Resp3 => b'~',
                };
                put_aggregate(out, kind, items, protocol);
            }
            Reply::Map(pairs) => {
                let (kind, count) = match protocol {
                    Protocol::Resp2 => (b'*', pairs.len() * 2),
                    Protocol::Resp3 => (b'%', pairs.len()),
                };
                put_integer(out, kind, count as i64);
                for (key, value) in pairs {
                    key.encode(out, protocol);
                    value.encode(out, protocol);
                }
            }
        }
    }
}

impl From<Frame> for Reply {
    fn from(frame: Frame) -> Self {
        Reply::Frame(frame)
    }
}

/// Appends `-text`, with line breaks as spaces, as Redis does to keep the frame whole.
pub(crate) fn put_error(out: &mut BytesMut, error: &CommandError) {
    let text = error.wire_text();
    let body = text.trim_ascii_end_newlines();
    out.reserve(body.len() + 3);
    out.extend_from_slice(b"-");
    out.extend(body.iter().map(|&byte| match byte {
        b'\r' | b'\n' => b' ',
        byte => byte,
    }));
    out.extend_from_slice(b"\r\n");
}

fn put_aggregate(out: &mut BytesMut, kind: u8, items: Vec<Reply>, protocol: Protocol) {
    put_integer(out, kind, items.len() as i64);
    for item in items {
        item.encode(out, protocol);
    }
}

/// Appends a line of a type byte and a number: `:5`, `$5`, `*5`.
pub(crate) fn put_integer(out: &mut BytesMut, kind: u8, number: i64) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number).as_bytes();
    out.reserve(digits.len() + 3);
    out.extend_from_slice(&[kind]);
    out.extend_from_slice(digits);
    out.extend_from_slice(b"\r\n");
}

/// Appends a bulk string.
pub(crate) fn put_bulk(out: &mut BytesMut, data: &[u8]) {
    put_integer(out, b'$', data.len() as i64);
    out.reserve(data.len() + 2);
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// Appends a null.
pub(crate) fn put_null(out: &mut BytesMut, protocol: Protocol) {
    out.extend_from_slice(match protocol {
        Protocol::Resp2 => b"$-1\r\n",
        Protocol::Resp3 => b"_\r\n",
    });
}

fn put_null_array(out: &mut BytesMut, protocol: Protocol) {
    out.extend_from_slice(match protocol {
        Protocol::Resp2 => b"*-1\r\n",
        Protocol::Resp3 => b"_\r\n",
    });
}

/// Writes a reply piece by piece, for commands whose values lie under a lock and are best copied
/// straight to where they go.
#[derive(Debug)]
pub(crate) struct ReplyWriter<'a> {
    out: &'a mut BytesMut,
    protocol: Protocol,
}

impl<'a> ReplyWriter<'a> {
    /// Appends to `out`.
    pub(crate) fn new(out: &'a mut BytesMut, protocol: Protocol) -> ReplyWriter<'a> {
        ReplyWriter { out, protocol }
    }

    /// Whether there is memory for a bulk string of so many bytes behind what was appended.
    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        let before = self.out.len();
        // A buffer that grows at least doubles.
        bytes < LARGE || has_memory_for((before + bytes).max(2 * before))
    }

    /// Begins an array; so many replies must follow.
    pub(crate) fn array(&mut self, length: usize) {
        put_integer(self.out, b'*', length as i64);
    }

    /// A bulk string.
    pub(crate) fn bulk(&mut self, data: &[u8]) {
        put_bulk(self.out, data);
    }

    /// An integer.
    pub(crate) fn integer(&mut self, number: i64) {
        put_integer(self.out, b':', number);
    }

    /// A whole reply.
    pub(crate) fn put(&mut self, reply: Reply) {
        reply.encode(self.out, self.protocol);
    }
}

/// Redis trims the line breaks at an error's end before it turns the others into spaces.
trait TrimNewlines {
    fn trim_ascii_end_newlines(&self) -> &[u8];
}

impl TrimNewlines for Vec<u8> {
    fn trim_ascii_end_newlines(&self) -> &[u8] {
        let end = self
            .iter()
            .rposition(|byte| !matches!(byte, b'\r' | b'\n'))
            .map_or(0, |last| last + 1);
        &self[..end]
    }
}
