//! Takes a handler's reply piece by piece.
//!
//! Layer `resp`, the lowest. It uses no other layer.
//!
//! A [`ReplyWriter`] either encodes the reply or builds a value of it. The handler does not see
//! which:
//!
//! ```text
//!   array(2) bulk("a") integer(1) ──▶ wire   *2 $1 a :1        a connection, in its protocol
//!                                 └─▶ value  Array[Bulk, Integer]
//! ```
//!
//! The wire form keeps no state and appends to [`Replies`], so that data under a lock is copied once.
//! The value form is for callers that inspect the reply. It collects the pieces in a
//! [`ReplyBuilder`]. The resulting tree encodes to the bytes that the wire form would have written.

use bytes::Bytes;

use super::Protocol;
use super::encode;
use super::error::CommandError;
use super::large::LARGE;
use super::replies::Replies;
use super::reply::Reply;

/// Room for the line that begins a piece, or for a number.
const LINE: usize = 64;

/// Takes one reply, piece by piece. After [`array`](Self::array), [`set`](Self::set),
/// [`map`](Self::map), [`pairs`](Self::pairs) and [`nested_map`](Self::nested_map), the caller must
/// write as many replies as they announce.
#[derive(Debug)]
pub(crate) struct ReplyWriter<'a>(Target<'a>);

#[derive(Debug)]
enum Target<'a> {
    Wire(&'a mut Replies, Protocol),
    Value(&'a mut ReplyBuilder),
}

impl<'a> ReplyWriter<'a> {
    /// A writer that encodes the reply and appends it to `out`.
    pub(crate) fn wire(out: &'a mut Replies, protocol: Protocol) -> ReplyWriter<'a> {
        ReplyWriter(Target::Wire(out, protocol))
    }

    /// A writer that builds a value in `builder`.
    pub(crate) fn value(builder: &'a mut ReplyBuilder) -> ReplyWriter<'a> {
        ReplyWriter(Target::Value(builder))
    }

    /// Whether there was no memory for something that was written.
    pub(crate) fn is_starved(&self) -> bool {
        match &self.0 {
            Target::Wire(out, _) => out.is_starved(),
            Target::Value(builder) => builder.is_starved(),
        }
    }

    /// Begins an array with `length` members.
    pub(crate) fn array(&mut self, length: usize) {
        match &mut self.0 {
            Target::Wire(out, _) => {
                if let Some(out) = out.room(LINE) {
                    encode::put_array(out, length);
                }
            }
            Target::Value(builder) => builder.open(AggregateKind::Array, length),
        }
    }

    /// Begins a set with `length` members.
    pub(crate) fn set(&mut self, length: usize) {
        match &mut self.0 {
            Target::Wire(out, protocol) => {
                if let Some(out) = out.room(LINE) {
                    encode::put_set(out, length, *protocol);
                }
            }
            Target::Value(builder) => builder.open(AggregateKind::Set, length),
        }
    }

    /// Begins a map with `pairs` entries. Each key is followed by its value.
    pub(crate) fn map(&mut self, pairs: usize) {
        match &mut self.0 {
            Target::Wire(out, protocol) => {
                if let Some(out) = out.room(LINE) {
                    encode::put_map(out, pairs, *protocol);
                }
            }
            Target::Value(builder) => builder.open(AggregateKind::Map, pairs * 2),
        }
    }

    /// Begins an array of so many pairs: each is [`pair`](Self::pair) and two replies.
    pub(crate) fn pairs(&mut self, pairs: usize) {
        match &mut self.0 {
            Target::Wire(out, protocol) => {
                if let Some(out) = out.room(LINE) {
                    encode::put_pairs(out, pairs, *protocol);
                }
            }
            Target::Value(builder) => builder.open(AggregateKind::Pairs, pairs * 2),
        }
    }

    /// Begins one of the [`pairs`](Self::pairs).
    pub(crate) fn pair(&mut self) {
        if let Target::Wire(out, protocol) = &mut self.0
            && let Some(out) = out.room(LINE)
        {
            encode::put_pair(out, *protocol);
        }
    }

    /// Begins a map with so many entries, which is an array of arrays of two in RESP2: each is
    /// [`nested_entry`](Self::nested_entry) and two replies.
    pub(crate) fn nested_map(&mut self, entries: usize) {
        match &mut self.0 {
            Target::Wire(out, protocol) => {
                if let Some(out) = out.room(LINE) {
                    encode::put_nested_map(out, entries, *protocol);
                }
            }
            Target::Value(builder) => builder.open(AggregateKind::NestedMap, entries * 2),
        }
    }

    /// Begins an entry of a [`nested_map`](Self::nested_map).
    pub(crate) fn nested_entry(&mut self) {
        if let Target::Wire(out, protocol) = &mut self.0
            && let Some(out) = out.room(LINE)
        {
            encode::put_nested_entry(out, *protocol);
        }
    }

    /// Writes a bulk string.
    pub(crate) fn bulk(&mut self, data: &[u8]) {
        match &mut self.0 {
            Target::Wire(out, _) => {
                if let Some(out) = out.room(LINE + data.len()) {
                    encode::put_bulk(out, data);
                }
            }
            Target::Value(builder) => builder.add_copy(data, Reply::Bulk),
        }
    }

    /// Writes a bulk string that others hold too: uncopied, if it is large.
    pub(crate) fn shared_bulk(&mut self, data: Bytes) {
        match &mut self.0 {
            Target::Wire(out, _) if data.len() >= LARGE => {
                if let Some(line) = out.room(LINE) {
                    encode::put_integer(line, b'$', data.len() as i64);
                    out.push_shared(data);
                }
                if let Some(end) = out.room(LINE) {
                    end.extend_from_slice(b"\r\n");
                }
            }
            Target::Wire(..) => self.bulk(&data),
            Target::Value(builder) => {
                if builder.take_room(data.len()) {
                    builder.add(Reply::Bulk(data));
                }
            }
        }
    }

    /// Writes an integer.
    pub(crate) fn integer(&mut self, number: i64) {
        match &mut self.0 {
            Target::Wire(out, _) => {
                if let Some(out) = out.room(LINE) {
                    encode::put_integer(out, b':', number);
                }
            }
            Target::Value(builder) => builder.add(Reply::Integer(number)),
        }
    }

    /// Writes a floating-point number.
    pub(crate) fn double(&mut self, number: f64) {
        match &mut self.0 {
            Target::Wire(out, protocol) => {
                if let Some(out) = out.room(LINE) {
                    encode::put_double(out, number, *protocol);
                }
            }
            Target::Value(builder) => builder.add(Reply::Double(number)),
        }
    }

    /// A number with a fraction, by its digits.
    pub(crate) fn decimal(&mut self, digits: &[u8]) {
        match &mut self.0 {
            Target::Wire(out, protocol) => {
                if let Some(out) = out.room(LINE + digits.len()) {
                    encode::put_decimal(out, digits, *protocol);
                }
            }
            Target::Value(builder) => builder.add_copy(digits, Reply::Decimal),
        }
    }

    /// Writes a null.
    pub(crate) fn null(&mut self) {
        match &mut self.0 {
            Target::Wire(out, protocol) => {
                if let Some(out) = out.room(LINE) {
                    encode::put_null(out, *protocol);
                }
            }
            Target::Value(builder) => builder.add(Reply::Null),
        }
    }

    /// Writes a null in place of an array.
    pub(crate) fn null_array(&mut self) {
        match &mut self.0 {
            Target::Wire(out, protocol) => {
                if let Some(out) = out.room(LINE) {
                    encode::put_null_array(out, *protocol);
                }
            }
            Target::Value(builder) => builder.add(Reply::NullArray),
        }
    }

    /// Writes a status.
    pub(crate) fn status(&mut self, text: &[u8]) {
        match &mut self.0 {
            Target::Wire(out, _) => {
                if let Some(out) = out.room(LINE + text.len()) {
                    encode::put_status(out, text);
                }
            }
            Target::Value(builder) => builder.add_copy(text, Reply::Status),
        }
    }

    /// Writes an error.
    pub(crate) fn error(&mut self, error: &CommandError) {
        match &mut self.0 {
            Target::Wire(out, _) => {
                if let Some(out) = out.room(LINE) {
                    encode::put_error(out, error);
                }
            }
            Target::Value(builder) => builder.add(Reply::Error(Box::new(error.clone()))),
        }
    }

    /// Writes a whole reply. [`Reply::Sent`] writes nothing.
    pub(crate) fn put(&mut self, reply: Reply) {
        let (out, protocol) = match &mut self.0 {
            Target::Wire(out, protocol) => (out, *protocol),
            Target::Value(builder) => return builder.add(reply),
        };
        match reply {
            Reply::Sent => {}
            Reply::Static(bytes) => {
                if let Some(out) = out.room(bytes.len()) {
                    out.extend_from_slice(bytes);
                }
            }
            Reply::Status(text) => self.status(&text),
            Reply::Error(error) => self.error(&error),
            Reply::Integer(number) => self.integer(number),
            Reply::Double(number) => self.double(number),
            Reply::Decimal(digits) => self.decimal(&digits),
            Reply::BigNumber(digits) => {
                if let Some(out) = out.room(LINE + digits.len()) {
                    encode::put_big_number(out, &digits, protocol);
                }
            }
            Reply::Boolean(value) => {
                if let Some(out) = out.room(LINE) {
                    encode::put_boolean(out, value, protocol);
                }
            }
            Reply::Bulk(data) => self.shared_bulk(data),
            Reply::Verbatim(text) => {
                if let Some(out) = out.room(LINE + text.len()) {
                    encode::put_verbatim(out, &text, protocol);
                }
            }
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
            Reply::NestedMap(entries) => {
                self.nested_map(entries.len());
                for (key, value) in entries {
                    self.nested_entry();
                    self.put(key);
                    self.put(value);
                }
            }
        }
    }
}

/// Builds a reply from its pieces. It counts the members of each open aggregate, and closes the
/// aggregate with its last member.
///
/// A builder has room for a number of bytes. A reply that needs more leaves it starved: it keeps
/// nothing, and takes nothing more.
#[derive(Debug)]
pub(crate) struct ReplyBuilder {
    /// The incomplete aggregates, from the outermost to the innermost.
    open: Vec<OpenAggregate>,
    reply: Option<Reply>,
    /// The bytes that the rest of the reply may take. `None`: it is starved.
    room: Option<usize>,
}

#[derive(Debug)]
struct OpenAggregate {
    kind: AggregateKind,
    /// How many members it will have, at least one. Of maps and of pairs, both halves count.
    length: usize,
    items: Vec<Reply>,
}

#[derive(Clone, Copy, Debug)]
enum AggregateKind {
    Array,
    Set,
    Map,
    Pairs,
    NestedMap,
}

impl AggregateKind {
    fn close(self, items: Vec<Reply>) -> Reply {
        match self {
            AggregateKind::Array => Reply::Array(items),
            AggregateKind::Set => Reply::Set(items),
            AggregateKind::Map => Reply::Map(in_pairs(items)),
            AggregateKind::Pairs => Reply::Pairs(in_pairs(items)),
            AggregateKind::NestedMap => Reply::NestedMap(in_pairs(items)),
        }
    }
}

fn in_pairs(items: Vec<Reply>) -> Vec<(Reply, Reply)> {
    let mut items = items.into_iter();
    let pair = || Some((items.next()?, items.next()?));
    std::iter::from_fn(pair).collect()
}

impl ReplyBuilder {
    /// A builder with room for this many bytes.
    #[cfg_attr(
        not(any(test, feature = "scripts")),
        expect(dead_code, reason = "only scripts want a reply as a value")
    )]
    pub(crate) fn with_room(bytes: usize) -> ReplyBuilder {
        ReplyBuilder {
            open: Vec::new(),
            reply: None,
            room: Some(bytes),
        }
    }

    /// Whether the reply needed more room than there was.
    pub(crate) fn is_starved(&self) -> bool {
        self.room.is_none()
    }

    /// Uses some of the room. Returns `false` if it is starved, or is so now.
    fn take_room(&mut self, bytes: usize) -> bool {
        self.room = self.room.and_then(|room| room.checked_sub(bytes));
        if self.is_starved() {
            self.open.clear();
            self.reply = None;
        }
        !self.is_starved()
    }

    /// Adds a reply with a copy of these bytes.
    fn add_copy(&mut self, bytes: &[u8], reply: fn(Bytes) -> Reply) {
        if self.take_room(bytes.len()) {
            self.add(reply(Bytes::copy_from_slice(bytes)));
        }
    }

    /// The finished reply; [`Reply::Sent`] if nothing was written.
    #[cfg_attr(
        not(any(test, feature = "scripts")),
        expect(dead_code, reason = "only scripts want a reply as a value")
    )]
    pub(crate) fn finish(self) -> Reply {
        debug_assert!(self.open.is_empty(), "incomplete: {:?}", self.open);
        self.reply.unwrap_or(Reply::Sent)
    }

    fn open(&mut self, kind: AggregateKind, length: usize) {
        if length == 0 {
            return self.add(kind.close(Vec::new()));
        }
        if !self.take_room(length.saturating_mul(size_of::<Reply>())) {
            return;
        }
        self.open.push(OpenAggregate {
            kind,
            length,
            items: Vec::with_capacity(length),
        });
    }

    fn add(&mut self, mut reply: Reply) {
        if matches!(reply, Reply::Sent) || self.is_starved() {
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
