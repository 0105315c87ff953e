//! Where a handler writes its reply, piece by piece. Layer `resp`, the lowest: it uses no other.
//!
//! A [`ReplyWriter`] is either the wire or a value, and a handler cannot tell which:
//!
//! ```text
//!   array(2) bulk("a") integer(1) ──▶ wire   *2 $1 a :1        a connection, in its protocol
//!                                 └─▶ value  Array[Bulk, Integer]
//! ```
//!
//! Values that lie under a lock are best copied straight to where they go, so the wire form keeps no
//! state: it appends to a buffer. The value form is for whoever needs the reply itself. It collects
//! in a [`ReplyBuilder`], and the tree that comes out encodes to the bytes that the wire form would
//! have written.

use bytes::{Bytes, BytesMut};

use super::Protocol;
use super::encode;
use super::error::CommandError;
use super::reply::Reply;

/// Takes one reply, piece by piece. After [`array`](Self::array), [`set`](Self::set),
/// [`map`](Self::map) and [`pairs`](Self::pairs), as many replies must follow as they announce.
#[derive(Debug)]
pub(crate) struct ReplyWriter<'a>(Target<'a>);

#[derive(Debug)]
enum Target<'a> {
    Wire(&'a mut BytesMut, Protocol),
    Value(&'a mut ReplyBuilder),
}

impl<'a> ReplyWriter<'a> {
    /// Appends bytes to `out`.
    pub(crate) fn wire(out: &'a mut BytesMut, protocol: Protocol) -> ReplyWriter<'a> {
        ReplyWriter(Target::Wire(out, protocol))
    }

    /// Builds a tree in `builder`.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "so far, only tests want a reply as a value")
    )]
    pub(crate) fn value(builder: &'a mut ReplyBuilder) -> ReplyWriter<'a> {
        ReplyWriter(Target::Value(builder))
    }

    /// Begins an array of so many replies.
    pub(crate) fn array(&mut self, length: usize) {
        match &mut self.0 {
            Target::Wire(out, _) => encode::put_array(out, length),
            Target::Value(builder) => builder.open(Kind::Array, length),
        }
    }

    /// Begins a set of so many replies.
    pub(crate) fn set(&mut self, length: usize) {
        match &mut self.0 {
            Target::Wire(out, protocol) => encode::put_set(out, length, *protocol),
            Target::Value(builder) => builder.open(Kind::Set, length),
        }
    }

    /// Begins a map of so many pairs, a key and its value in turn.
    pub(crate) fn map(&mut self, pairs: usize) {
        match &mut self.0 {
            Target::Wire(out, protocol) => encode::put_map(out, pairs, *protocol),
            Target::Value(builder) => builder.open(Kind::Map, pairs * 2),
        }
    }

    /// Begins an array of so many pairs: each is [`pair`](Self::pair) and two replies.
    pub(crate) fn pairs(&mut self, pairs: usize) {
        match &mut self.0 {
            Target::Wire(out, protocol) => encode::put_pairs(out, pairs, *protocol),
            Target::Value(builder) => builder.open(Kind::Pairs, pairs * 2),
        }
    }

    /// Begins one of the [`pairs`](Self::pairs).
    pub(crate) fn pair(&mut self) {
        if let Target::Wire(out, protocol) = &mut self.0 {
            encode::put_pair(out, *protocol);
        }
    }

    /// A bulk string.
    pub(crate) fn bulk(&mut self, data: &[u8]) {
        match &mut self.0 {
            Target::Wire(out, _) => encode::put_bulk(out, data),
            Target::Value(builder) => builder.add(Reply::Bulk(Bytes::copy_from_slice(data))),
        }
    }

    /// An integer.
    pub(crate) fn integer(&mut self, number: i64) {
        match &mut self.0 {
            Target::Wire(out, _) => encode::put_integer(out, b':', number),
            Target::Value(builder) => builder.add(Reply::Integer(number)),
        }
    }

    /// A floating-point number.
    pub(crate) fn double(&mut self, number: f64) {
        match &mut self.0 {
            Target::Wire(out, protocol) => encode::put_double(out, number, *protocol),
            Target::Value(builder) => builder.add(Reply::Double(number)),
        }
    }

    /// A null.
    pub(crate) fn null(&mut self) {
        match &mut self.0 {
            Target::Wire(out, protocol) => encode::put_null(out, *protocol),
            Target::Value(builder) => builder.add(Reply::Null),
        }
    }

    /// A null where an array would be.
    pub(crate) fn null_array(&mut self) {
        match &mut self.0 {
            Target::Wire(out, protocol) => encode::put_null_array(out, *protocol),
            Target::Value(builder) => builder.add(Reply::NullArray),
        }
    }

    /// A status.
    pub(crate) fn status(&mut self, text: &[u8]) {
        match &mut self.0 {
            Target::Wire(out, _) => encode::put_status(out, text),
            Target::Value(builder) => builder.add(Reply::Status(Bytes::copy_from_slice(text))),
        }
    }

    /// An error.
    pub(crate) fn error(&mut self, error: &CommandError) {
        match &mut self.0 {
            Target::Wire(out, _) => encode::put_error(out, error),
            Target::Value(builder) => builder.add(Reply::Error(Box::new(error.clone()))),
        }
    }

    /// A whole reply. [`Reply::Sent`] is none, and adds nothing.
    pub(crate) fn put(&mut self, reply: Reply) {
        let (out, protocol) = match &mut self.0 {
            Target::Wire(out, protocol) => (out, *protocol),
            Target::Value(builder) => return builder.add(reply),
        };
        match reply {
            Reply::Sent => {}
            Reply::Static(bytes) => out.extend_from_slice(bytes),
            Reply::Status(text) => self.status(&text),
            Reply::Error(error) => self.error(&error),
            Reply::Integer(number) => self.integer(number),
            Reply::Double(number) => self.double(number),
            Reply::BigNumber(digits) => encode::put_big_number(out, &digits, protocol),
            Reply::Boolean(value) => encode::put_boolean(out, value, protocol),
            Reply::Bulk(data) => self.bulk(&data),
            Reply::Verbatim(text) => encode::put_verbatim(out, &text, protocol),
            Reply::Null => self.null(),
            Reply::NullArray => self.null_array(),
            Reply::Array(items) => {
                self.array(items.len());
                items.into_iter().for_each(|item| self.put(item));
            }
            Reply::Set(members) => {
                self.set(members.len());
                members.into_iter().for_each(|member| self.put(member));
            }
            Reply::Map(pairs) => {
                self.map(pairs.len());
                for (key, value) in pairs {
                    self.put(key);
                    self.put(value);
                }
            }
            Reply::Pairs(pairs) => {
                self.pairs(pairs.len());
                for (first, second) in pairs {
                    self.pair();
                    self.put(first);
                    self.put(second);
                }
            }
        }
    }
}

/// Puts the pieces of a reply together. It knows how many replies each open aggregate still waits
/// for, and closes it with the last of them.
#[derive(Debug, Default)]
pub(crate) struct ReplyBuilder {
    /// The aggregates that are not complete, each within the one before.
    open: Vec<Open>,
    reply: Option<Reply>,
}

#[derive(Debug)]
struct Open {
    kind: Kind,
    /// How many replies it takes, at least one; of a map or of pairs, both halves together.
    length: usize,
    items: Vec<Reply>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Array,
    Set,
    Map,
    Pairs,
}

impl Kind {
    fn close(self, items: Vec<Reply>) -> Reply {
        match self {
            Kind::Array => Reply::Array(items),
            Kind::Set => Reply::Set(items),
            Kind::Map => Reply::Map(in_pairs(items)),
            Kind::Pairs => Reply::Pairs(in_pairs(items)),
        }
    }
}

fn in_pairs(items: Vec<Reply>) -> Vec<(Reply, Reply)> {
    let mut items = items.into_iter();
    let pair = || Some((items.next()?, items.next()?));
    std::iter::from_fn(pair).collect()
}

impl ReplyBuilder {
    /// The reply: [`Reply::Sent`] if none was written.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "so far, only tests want a reply as a value")
    )]
    pub(crate) fn finish(self) -> Reply {
        debug_assert!(self.open.is_empty(), "incomplete: {:?}", self.open);
        self.reply.unwrap_or(Reply::Sent)
    }

    fn open(&mut self, kind: Kind, length: usize) {
        if length == 0 {
            return self.add(kind.close(Vec::new()));
        }
        self.open.push(Open {
            kind,
            length,
            items: Vec::with_capacity(length),
        });
    }

    fn add(&mut self, mut reply: Reply) {
        if matches!(reply, Reply::Sent) {
            return;
        }
        while let Some(mut innermost) = self.open.pop() {
            innermost.items.push(reply);
            if innermost.items.len() < innermost.length {
                self.open.push(innermost);
                return;
            }
            reply = innermost.kind.close(innermost.items);
        }
        debug_assert!(self.reply.is_none(), "a second reply: {reply:?}");
        self.reply = Some(reply);
    }
}

#[cfg(test)]
mod tests;
