//! The request reader: arrays of bulk strings and inline commands, out of a growing buffer.
//!
//! The reader is resumable: it remembers how far into the current request it has come, so that a
//! request that arrives in any number of pieces is looked at once, byte by byte. It owns no input.
//! The caller holds the buffer and after each [`RequestReader::next`] that found a request may look
//! at it through [`RequestReader::args`]; [`RequestReader::consumed`] says which bytes are done
//! with, and after the caller has dropped those it calls [`RequestReader::rebase`].
//!
//! ```text
//!   buffer   *2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n *2\r\n$4\r\nECHO\r\n$11\r\nhel
//!            └── done: consumed() ────────────┘ └ args: 1 ┘         position ┘
//! ```
//!
//! An argument that is large and has not arrived as a whole leaves the buffer: after each read, the
//! caller has [`RequestReader::set_apart`] take what has arrived of it to an allocation of its own
//! ([`large`](super::large)).
//!
//! Limits and texts are those of Redis 7 (`networking.c`), quirks included where a client can see
//! them: the two bytes after a bulk are skipped unread, a header ends at `\r` and a NUL hides it,
//! `*0` and `*-1` are empty requests. What bounds a hostile client: a header line or an inline
//! command of at most [`MAX_LINE`] bytes, bulks of at most `proto-max-bulk-len`, before AUTH 10
//! arguments of 16 KB each, and (enforced by the caller through [`RequestReader::held`])
//! `client-query-buffer-limit` for all that an unfinished request occupies. Nothing is allocated
//! on the word of a header.
//!
//! Layer `resp`, the lowest. It uses no other layer.

mod header;

use std::ops::{Index, Range};

use bytes::{Bytes, BytesMut};
use thiserror::Error;

use super::error::CommandError;
use super::inline::split_words_into;
use super::large::{LARGE, LargeBulk, Receiving, has_memory_for};
use header::{bulk_length, permit_bulk, short_header};

/// The longest header line or inline command, in bytes (Redis: `PROTO_INLINE_MAX_SIZE`).
pub(crate) const MAX_LINE: usize = 64 * 1024;
/// The most arguments of a request before AUTH; the command's name counts.
const MAX_ARGS_BEFORE_AUTH: usize = 10;

/// The bytes are not a request. The texts are Redis's. The connection is closed after the error.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum ProtocolError {
    /// An inline command longer than [`MAX_LINE`].
    #[error("too big inline request")]
    InlineTooLong,
    /// The quotes of an inline command do not match up.
    #[error("unbalanced quotes in request")]
    UnbalancedQuotes,
    /// An array header has no end within [`MAX_LINE`].
    #[error("too big mbulk count string")]
    ArrayHeaderTooLong,
    /// An array header is not a number, or exceeds 2^31 - 1.
    #[error("invalid multibulk length")]
    ArrayLength,
    /// More than 10 arguments before AUTH.
    #[error("unauthenticated multibulk length")]
    ArrayLengthBeforeAuth,
    /// A bulk header has no end within [`MAX_LINE`].
    #[error("too big bulk count string")]
    BulkHeaderTooLong,
    /// A bulk was expected and another byte was found.
    #[error("expected '$', got '{}'", char::from(*.0))]
    ExpectedBulk(u8),
    /// A bulk header is not a number, or is negative, or exceeds `proto-max-bulk-len`.
    #[error("invalid bulk length")]
    BulkLength,
    /// More than 16 KB in one argument before AUTH.
    #[error("unauthenticated bulk length")]
    BulkLengthBeforeAuth,
    /// There is no memory for an argument; not a text of Redis, which ends then.
    #[error("out of memory for an argument of {0} bytes")]
    NoMemory(usize),
}

/// The limits that apply to a connection's requests at the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// `proto-max-bulk-len`, in bytes.
    pub max_bulk: u64,
    /// False until the connection has authenticated. Stricter limits apply until then.
    pub authenticated: bool,
}

/// The arguments of one request, the command's name included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args<'a> {
    bytes: &'a [u8],
    /// Places in `bytes`, or [`large_range`]s.
    ranges: &'a [Range<usize>],
    large: &'a [LargeBulk],
}

/// The range of an argument that is the large argument of this index.
pub(crate) fn large_range(index: usize) -> Range<usize> {
    usize::MAX..index
}

fn is_large(range: &Range<usize>) -> bool {
    range.start == usize::MAX
}

impl<'a> Args<'a> {
    /// The arguments that lie in `bytes` at `ranges`, or in `large` where those are [`large_range`]s.
    pub(crate) fn new(
        bytes: &'a [u8],
        ranges: &'a [Range<usize>],
        large: &'a [LargeBulk],
    ) -> Args<'a> {
        Args {
            bytes,
            ranges,
            large,
        }
    }

    /// The number of arguments, the command's name included.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether there are no arguments, not even a name.
    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The argument at `index`; the command's name is at 0.
    pub(crate) fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.ranges.get(index).map(|range| self.arg(range))
    }

    /// The argument at `index`, if it is one that can be kept without copying it.
    pub(crate) fn large(&self, index: usize) -> Option<&'a LargeBulk> {
        let range = self.ranges.get(index).filter(|range| is_large(range))?;
        Some(&self.large[range.end])
    }

    /// The argument at `index`, shared if it is one that can be kept without copying it.
    pub(crate) fn shared(&self, index: usize) -> Bytes {
        match self.large(index) {
            Some(bulk) => bulk.shared(),
            None => Bytes::copy_from_slice(&self[index]),
        }
    }

    /// Whether there is memory for a copy of all arguments, each with its place in a table.
    pub(crate) fn can_be_copied(&self) -> bool {
        const PLACE: usize = 64;
        // Few requests are so long that they need be looked at.
        let is_short = self.large.is_empty() && self.len() < LARGE / PLACE;
        is_short || has_memory_for(self.iter().map(|arg| arg.len() + PLACE).sum())
    }

    /// The arguments in order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let args = *self;
        self.ranges.iter().map(move |range| args.arg(range))
    }

    fn arg(&self, range: &Range<usize>) -> &'a [u8] {
        if is_large(range) {
            self.large[range.end].bytes()
        } else {
            &self.bytes[range.clone()]
        }
    }
}

impl Index<usize> for Args<'_> {
    type Output = [u8];

    fn index(&self, index: usize) -> &[u8] {
        self.arg(&self.ranges[index])
    }
}

/// The state of one connection's request reader between two reads from the socket.
#[derive(Debug, Default)]
pub(crate) struct RequestReader {
    /// Where the current request begins in the buffer.
    start: usize,
    /// Up to where the current request has been parsed.
    position: usize,
    /// Up to where the line at `position` has been searched for its end.
    searched: usize,
    /// How many bulks of the current array are still to be read; 0 between requests.
    missing: usize,
    /// The length of the bulk at `position`, once its header is read.
    bulk: Option<usize>,
    /// Where the arguments of the current request are, in the buffer or in `inline`; or
    /// [`large_range`]s.
    args: Vec<Range<usize>>,
    /// Those of the arguments that are not in the buffer.
    large: Vec<LargeBulk>,
    /// The argument at `position`, if it is such a one.
    receiving: Option<Receiving>,
    /// There was no memory for it.
    failed: bool,
    /// The current request is complete, and is to be found again.
    unread: bool,
    /// The arguments of an inline command, without quotes.
    inline: Option<Vec<u8>>,
}

impl RequestReader {
    /// Continues to parse `buffer` up to the end of the next request. `Ok(true)`: the request is
    /// complete; [`args`](Self::args) gives its arguments, and an empty array or line has none.
    /// `Ok(false)`: more bytes are needed.
    pub(crate) fn next(&mut self, buffer: &[u8], limits: Limits) -> Result<bool, ProtocolError> {
        if std::mem::take(&mut self.unread) {
            return Ok(true);
        }
        loop {
            if self.missing == 0 {
                self.begin_request();
                match buffer.get(self.position) {
                    None => return Ok(false),
                    Some(b'*') => {
                        if !self.read_array_header(buffer, limits)? {
                            return Ok(false);
                        }
                        if self.missing == 0 {
                            return Ok(true);
                        }
                    }
                    Some(_) => return self.read_inline(buffer),
                }
            }
            if !self.read_bulk(buffer, limits)? {
                return Ok(false);
            }
            if self.missing == 0 {
                return Ok(true);
            }
        }
    }

    /// The arguments of the request that [`next`](Self::next) has completed in `buffer`.
    pub(crate) fn args<'a>(&'a self, buffer: &'a [u8]) -> Args<'a> {
        let bytes = self.inline.as_deref().unwrap_or(buffer);
        Args::new(bytes, &self.args, &self.large)
    }

    /// Undoes the parsing of the completed request, so that [`next`](Self::next) returns it again.
    pub(crate) fn unread(&mut self) {
        self.unread = true;
    }

    /// Whether what is understood is a request that was carried out, or nothing.
    pub(crate) fn is_done(&self) -> bool {
        self.missing == 0 && !self.unread
    }

    /// Takes what has arrived of a large argument out of the buffer. To be called whenever bytes were
    /// added to it, before [`next`](Self::next).
    pub(crate) fn set_apart(&mut self, buffer: &mut BytesMut) {
        let Some(length) = self.bulk.filter(|&length| length >= LARGE) else {
            return;
        };
        let receiving = self.receiving.get_or_insert_with(|| Receiving::new(length));
        match receiving.take_from(&buffer[self.position..]) {
            Ok(taken) => {
                buffer.copy_within(self.position + taken.., self.position);
                buffer.truncate(buffer.len() - taken);
            }
            Err(_) => self.failed = true,
        }
    }

    /// How many bytes at the start of the buffer are no longer needed, once the completed request
    /// (if there is one) has been executed.
    pub(crate) fn consumed(&self) -> usize {
        if self.is_done() {
            self.position
        } else {
            self.start
        }
    }

    /// The caller has dropped [`consumed`](Self::consumed) bytes from the start of the buffer.
    pub(crate) fn rebase(&mut self) {
        let dropped = self.consumed();
        if self.is_done() {
            self.forget_args();
        }
        // The ranges of an inline command are not in the buffer.
        if self.inline.is_none() {
            for range in self.args.iter_mut().filter(|range| !is_large(range)) {
                *range = range.start - dropped..range.end - dropped;
            }
        }
        self.start = 0;
        self.position -= dropped;
        self.searched = self.searched.saturating_sub(dropped);
    }

    /// Bytes of memory that the reader itself uses for an unfinished request.
    pub(crate) fn held(&self) -> usize {
        let apart = self.receiving.as_ref().map_or(0, Receiving::arrived);
        let large: usize = self.large.iter().map(LargeBulk::memory).sum();
        self.args.capacity() * size_of::<Range<usize>>() + apart + large
    }

    /// Frees memory while the connection is idle between two requests.
    pub(crate) fn release(&mut self) {
        if self.is_done() {
            self.args = Vec::new();
            self.large = Vec::new();
        }
    }

    fn begin_request(&mut self) {
        self.start = self.position;
        self.forget_args();
    }

    fn forget_args(&mut self) {
        self.args.clear();
        self.large.clear();
        self.inline = None;
    }

    /// Finds the end of the line at `position`. `Some(end)`: the line is `position..end`, without
    /// its `\r`, and the byte after the `\r` has arrived too.
    fn header_end(
        &mut self,
        buffer: &[u8],
        too_long: ProtocolError,
    ) -> Result<Option<usize>, ProtocolError> {
        let from = self.searched.max(self.position);
        match buffer[from..]
            .iter()
            .position(|&byte| byte == b'\r' || byte == 0)
        {
            Some(offset) if buffer[from + offset] == b'\r' => {
                self.searched = from + offset;
                Ok((from + offset + 1 < buffer.len()).then_some(from + offset))
            }
            found => {
                // A NUL hides what follows it, as in Redis. The search stays there.
                self.searched = found.map_or(buffer.len(), |offset| from + offset);
                if buffer.len() - self.position > MAX_LINE {
                    return Err(too_long);
                }
                Ok(None)
            }
        }
    }

    fn read_array_header(&mut self, buffer: &[u8], limits: Limits) -> Result<bool, ProtocolError> {
        let (count, end) = match short_header(buffer, self.position) {
            Some(header) => header,
            None => {
                let Some(end) = self.header_end(buffer, ProtocolError::ArrayHeaderTooLong)? else {
                    return Ok(false);
                };
                let count = parse_integer(&buffer[self.position + 1..end])
                    .filter(|&count| count <= i64::from(i32::MAX))
                    .ok_or(ProtocolError::ArrayLength)?;
                (usize::try_from(count).unwrap_or(0), end)
            }
        };
        if count > MAX_ARGS_BEFORE_AUTH && !limits.authenticated {
            return Err(ProtocolError::ArrayLengthBeforeAuth);
        }
        self.position = end + 2;
        self.missing = count;
        Ok(true)
    }

    fn read_bulk(&mut self, buffer: &[u8], limits: Limits) -> Result<bool, ProtocolError> {
        let length = match self.bulk {
            Some(length) => length,
            None => {
                if self.position >= buffer.len() {
                    return Ok(false);
                }
                let short = short_header(buffer, self.position);
                let (length, end) = match short.filter(|_| buffer[self.position] == b'$') {
                    Some(header) => header,
                    None => {
                        let too_long = ProtocolError::BulkHeaderTooLong;
                        let Some(end) = self.header_end(buffer, too_long)? else {
                            return Ok(false);
                        };
                        (bulk_length(&buffer[self.position..end])?, end)
                    }
                };
                permit_bulk(length, limits)?;
                self.position = end + 2;
                self.bulk = Some(length);
                length
            }
        };
        if self.failed {
            return Err(ProtocolError::NoMemory(length));
        }
        let no_memory = |_| ProtocolError::NoMemory(length);
        if let Some(receiving) = self.receiving.take_if(|receiving| receiving.is_complete()) {
            self.args.try_reserve(1).map_err(no_memory)?;
            self.args.push(large_range(self.large.len()));
            self.large.push(receiving.finish());
        } else {
            let end = self.position + length;
            if self.receiving.is_some() || buffer.len() < end + 2 {
                return Ok(false);
            }
            self.args.try_reserve(1).map_err(no_memory)?;
            self.args.push(self.position..end);
            self.position = end + 2;
        }
        self.bulk = None;
        self.missing -= 1;
        Ok(true)
    }

    fn read_inline(&mut self, buffer: &[u8]) -> Result<bool, ProtocolError> {
        let from = self.searched.max(self.position);
        let found = buffer[from..]
            .iter()
            .position(|&byte| byte == b'\n' || byte == 0);
        let end = match found {
            Some(offset) if buffer[from + offset] == b'\n' => from + offset,
            _ => {
                self.searched = found.map_or(buffer.len(), |offset| from + offset);
                if buffer.len() - self.position > MAX_LINE {
                    return Err(ProtocolError::InlineTooLong);
                }
                return Ok(false);
            }
        };
        let line = &buffer[self.position..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.position = end + 1;
        let bytes = self.inline.insert(Vec::new());
        split_words_into(line, bytes, &mut self.args)
            .map_err(|_| ProtocolError::UnbalancedQuotes)?;
        Ok(true)
    }
}

/// Parses an argument that must be an integer ([`parse_integer`]).
///
/// # Errors
/// `value is not an integer or out of range`
pub(crate) fn integer_argument(arg: &[u8]) -> Result<i64, CommandError> {
    parse_integer(arg).ok_or(CommandError::NOT_AN_INTEGER)
}

/// Parses a decimal integer as Redis does (`string2ll`): no sign but `-`, no leading zeros, no
/// blanks.
pub(crate) fn parse_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    // 19 digits fit a u64.
    let mut value = 0_u64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u64::from(digit - b'0');
    }
    if negative {
        0_i64.checked_sub_unsigned(value)
    } else {
        i64::try_from(value).ok()
    }
}

#[cfg(test)]
mod tests;
