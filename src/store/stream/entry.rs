//! Entries as bytes: how they are written, skipped and read.
//!
//! Layer `store`. It may use `resp`.
//!
//! ```text
//!   entry   length | flags | time? | number? | count of fields? | texts
//!   text    2 × length, the bytes            "abc"     06 a b c
//!           2 × length + 1, an integer       "1234"    05 d2 04      (two's complement, low first)
//! ```
//!
//! All numbers are [`varint`]s. The length counts the bytes after itself, so that a search skips an
//! entry without looking at its texts. It may be written with more groups than it needs.
//!
//! An id is the difference to that of the entry before in the same block. What is usual takes no
//! bytes: the same time with the next number, or another time with the number 0.
//!
//! If an entry has the same fields as the first entry of its block, the texts are only its values.
//! Otherwise names and values alternate. A text that is an integer in decimal notation is stored as
//! one if that takes fewer bytes. Every entry takes fewer bytes than in Redis's listpack.

use std::ops::Deref;

use super::super::list::listpack;
use super::super::pairs::varint;
use super::id::StreamId;

/// Flag: the entry was deleted.
const DELETED: u8 = 1;
/// Flag: the fields are those of the block's first entry.
const SAME_FIELDS: u8 = 2;
/// Flag: the time differs from that of the entry before. The difference follows.
const TIME: u8 = 4;
/// Flag: a number follows. With [`TIME`], it is the number of the id, otherwise how many numbers
/// were left out.
const NUMBER: u8 = 8;

/// The most bytes of a [`varint`].
const MAX_NUMBER: usize = varint::MAX_SIZE;

/// An entry of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// Its id.
    pub id: StreamId,
    /// The names, beginning with their number, if the entry has those of the block.
    names: Option<&'a [u8]>,
    /// What follows the id.
    body: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Its fields with their values, in order.
    pub(crate) fn fields(&self) -> Fields<'a> {
        let (left, texts) = split_number(self.names.unwrap_or(self.body));
        match self.names {
            Some(_) => Fields {
                left,
                names: Some(texts),
                texts: self.body,
            },
            None => Fields {
                left,
                names: None,
                texts,
            },
        }
    }
}

/// The fields of an entry with their values. It knows its length.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    left: usize,
    /// The names, if they are not among the texts.
    names: Option<&'a [u8]>,
    texts: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Text<'a>, Text<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = Text::take(self.names.as_mut().unwrap_or(&mut self.texts));
        Some((name, Text::take(&mut self.texts)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// The longest text of an integer: `-9223372036854775808`.
const MAX_DIGITS: usize = 20;

/// The name of a field, or a value: bytes, through `Deref`.
#[derive(Clone, Debug)]
pub(crate) enum Text<'a> {
    /// It is stored as it is.
    Bytes(&'a [u8]),
    /// It is stored as an integer. These are its digits: the last ones of the array.
    Digits { digits: [u8; MAX_DIGITS], begin: u8 },
}

impl Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Text::Bytes(bytes) => bytes,
            Text::Digits { digits, begin } => &digits[usize::from(*begin)..],
        }
    }
}

impl<'a> Text<'a> {
    /// Takes the text at the front.
    fn take(from: &mut &'a [u8]) -> Text<'a> {
        let (head, rest) = split_number(from);
        let (bytes, rest) = rest.split_at(head >> 1);
        *from = rest;
        if head & 1 == 0 {
            return Text::Bytes(bytes);
        }
        // The sign of the last byte goes on.
        let fill = if bytes[bytes.len() - 1] < 0x80 {
            0
        } else {
            0xff
        };
        let mut integer = [fill; 8];
        integer[..bytes.len()].copy_from_slice(bytes);
        Text::of_integer(i64::from_le_bytes(integer))
    }

    fn of_integer(integer: i64) -> Text<'a> {
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(integer).as_bytes();
        let begin = MAX_DIGITS - text.len();
        let mut digits = [0; MAX_DIGITS];
        digits[begin..].copy_from_slice(text);
        Text::Digits {
            digits,
            begin: begin as u8,
        }
    }
}

/// How many bytes an integer takes.
fn integer_bytes(integer: i64) -> usize {
    let magnitude = if integer < 0 { !integer } else { integer };
    // One bit more, for the sign.
    let bits = i64::BITS - magnitude.leading_zeros() + 1;
    bits.div_ceil(8) as usize
}

/// Appends a text. Returns the bytes that it takes in a listpack.
pub(super) fn write_text(text: &[u8], out: &mut Vec<u8>) -> usize {
    if let Some(integer) = listpack::integer_of(text) {
        let size = integer_bytes(integer);
        if size < text.len() {
            out.push((size << 1 | 1) as u8);
            out.extend_from_slice(&integer.to_le_bytes()[..size]);
        } else {
            write_number(text.len() << 1, out);
            out.extend_from_slice(text);
        }
        return listpack::integer_entry_size(integer);
    }
    write_number(text.len() << 1, out);
    out.extend_from_slice(text);
    listpack::string_entry_size(text.len())
}

/// Whether the names at the front, after their number, are these.
pub(super) fn has_names<'f>(
    bytes: &[u8],
    mut names: impl ExactSizeIterator<Item = &'f [u8]>,
) -> bool {
    let (count, mut texts) = split_number(bytes);
    count == names.len() && names.all(|name| *Text::take(&mut texts) == *name)
}

/// The most bytes that texts take which have so many bytes together.
pub(super) fn bound(texts: usize, bytes: usize) -> usize {
    // The lengths take more than two bytes each only for texts which are much longer than these.
    bytes + bytes / 1024 + 2 * texts
}

/// Appends a number.
pub(super) fn write_number(number: usize, out: &mut Vec<u8>) {
    let mut buffer = [0; MAX_NUMBER];
    let size = varint::write(number, &mut buffer);
    out.extend_from_slice(&buffer[..size]);
}

/// The number at the front, and what follows it.
fn split_number(bytes: &[u8]) -> (usize, &[u8]) {
    let mut at = 0;
    let number = take_number(bytes, &mut at);
    (number, &bytes[at..])
}

/// Appends what precedes an entry's texts. `previous` is the id of the entry before; the first
/// entry of a block has itself. The caller calls [`finish`] after it has appended the texts, which
/// take at most `bound` bytes.
pub(super) fn begin(
    previous: StreamId,
    id: StreamId,
    has_same_fields: bool,
    bound: usize,
    out: &mut Vec<u8>,
) -> Unfinished {
    let mut flags = if has_same_fields { SAME_FIELDS } else { 0 };
    let time = id.ms - previous.ms;
    let number = if time > 0 {
        flags |= TIME;
        id.seq
    } else {
        // The first entry of a block counts as the next one after itself.
        (id.seq - previous.seq).saturating_sub(1)
    };
    if number > 0 {
        flags |= NUMBER;
    }
    let at = out.len();
    // The length is written when it is known, so its size is that of the highest possible length.
    write_number(1 + 2 * MAX_NUMBER + bound, out);
    let begin = out.len();
    out.push(flags);
    if time > 0 {
        write_number(time as usize, out);
    }
    if number > 0 {
        write_number(number as usize, out);
    }
    Unfinished { at, begin }
}

/// An entry whose length is still to be written.
#[derive(Debug)]
pub(super) struct Unfinished {
    at: usize,
    begin: usize,
}

/// Writes the length of an entry after its last text.
pub(super) fn finish(entry: Unfinished, out: &mut [u8]) {
    let mut length = out.len() - entry.begin;
    let (last, groups) = out[entry.at..entry.begin]
        .split_last_mut()
        .expect("a number has a byte");
    for group in groups {
        *group = length as u8 | 0x80;
        length >>= 7;
    }
    debug_assert!(length < 0x80, "the bound was too low");
    *last = length as u8;
}

/// The position of an entry among the bytes of a block, with its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// Where its length is.
    pub at: usize,
    /// Its id.
    pub id: StreamId,
}

/// An entry among the bytes of a block, of which what precedes the texts was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    /// Its position.
    pub position: Position,
    flags: u8,
    flags_at: usize,
    /// Where the texts begin.
    texts: usize,
    /// Where the entry ends.
    end: usize,
}

impl Cursor {
    /// The entry at a position.
    pub(super) fn new(bytes: &[u8], position: Position) -> Cursor {
        // The difference between the ids says nothing here.
        let mut cursor = Cursor::read(bytes, position.at, position.id);
        cursor.position.id = position.id;
        cursor
    }

    /// The next entry.
    pub(super) fn next(&self, bytes: &[u8]) -> Option<Cursor> {
        (self.end < bytes.len()).then(|| Cursor::read(bytes, self.end, self.position.id))
    }

    #[inline]
    fn read(bytes: &[u8], at: usize, previous: StreamId) -> Cursor {
        let mut rest = at;
        let length = take_number(bytes, &mut rest);
        let flags_at = rest;
        let flags = bytes[flags_at];
        rest += 1;
        let mut number_if = |flag| match flags & flag {
            0 => 0,
            _ => take_number(bytes, &mut rest) as u64,
        };
        let time = number_if(TIME);
        let number = number_if(NUMBER);
        let id = if flags & TIME != 0 {
            StreamId::new(previous.ms.wrapping_add(time), number)
        } else {
            StreamId::new(previous.ms, previous.seq.wrapping_add(1 + number))
        };
        Cursor {
            position: Position { at, id },
            flags,
            flags_at,
            texts: rest,
            end: flags_at + length,
        }
    }

    /// Its id.
    pub(super) fn id(&self) -> StreamId {
        self.position.id
    }

    /// Whether the entry was deleted.
    pub(super) fn is_deleted(&self) -> bool {
        self.flags & DELETED != 0
    }

    /// Marks the entry as deleted.
    pub(super) fn mark_deleted(&self, bytes: &mut [u8]) {
        bytes[self.flags_at] |= DELETED;
    }

    /// The entry. `bytes` are those of its block, which begin with the names.
    pub(super) fn entry<'a>(&self, bytes: &'a [u8]) -> Entry<'a> {
        Entry {
            id: self.position.id,
            names: (self.flags & SAME_FIELDS != 0).then_some(bytes),
            body: &bytes[self.texts..self.end],
        }
    }
}

/// Reads the number at `at`, and goes on after it.
#[inline]
fn take_number(bytes: &[u8], at: &mut usize) -> usize {
    let first = bytes[*at];
    if first < 0x80 {
        *at += 1;
        return first.into();
    }
    let (number, size) = varint::read(&bytes[*at..]);
    *at += size;
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_and_take_no_more_than_in_a_listpack() {
        let mut texts: Vec<Vec<u8>> = ["", "a", "-", "-0", "007", "1e5", "99999999999999999999"]
            .map(Vec::from)
            .into();
        for shift in 0..63 {
            for integer in [
                1_i64 << shift,
                (1 << shift) - 1,
                -(1 << shift),
                -(1 << shift) - 1,
            ] {
                texts.push(integer.to_string().into_bytes());
            }
        }
        texts.push(i64::MIN.to_string().into_bytes());
        for length in [63, 64, 125, 126, 4095, 4096, 8191, 8192, 20_000, 3_000_000] {
            texts.push(vec![b'x'; length]);
        }
        for text in &texts {
            let mut out = Vec::new();
            let listpack = write_text(text, &mut out);
            assert_eq!(listpack, listpack::entry_size(text));
            assert!(out.len() <= listpack, "{:?}", String::from_utf8_lossy(text));
            assert!(out.len() <= bound(1, text.len()));
            let mut rest = &out[..];
            assert_eq!(&*Text::take(&mut rest), &text[..]);
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn ids_follow_each_other() {
        let id = StreamId::new;
        let ids = [
            id(0, 1),
            id(0, 2),
            id(0, 9),
            id(1, 0),
            id(1, 1),
            id(1, u64::MAX),
            id(2, 0),
            id(500, 7),
            id(u64::MAX, 0),
            id(u64::MAX, u64::MAX),
        ];
        let mut out = Vec::new();
        let mut previous = ids[0];
        for id in ids {
            let entry = begin(previous, id, false, bound(0, 0), &mut out);
            finish(entry, &mut out);
            previous = id;
        }
        let first = Position { at: 0, id: ids[0] };
        let cursors = std::iter::successors(Some(Cursor::new(&out, first)), |at| at.next(&out));
        assert!(cursors.map(|cursor| cursor.id()).eq(ids));
    }
}
