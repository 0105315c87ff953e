//! Entries as bytes: how they are written, skipped and read.
//!
//! Layer `store`. It uses nothing else.
//!
//! ```text
//!   entry   length | flags | time? | number? | count of fields? | texts (text.rs)
//! ```
//!
//! All numbers are in groups of seven bits (`varint.rs`). The length counts the bytes after itself, so that a search skips an
//! entry without looking at its texts. It may be written with more groups than it needs.
//!
//! An id is the difference to that of the entry before in the same block. What is usual takes no
//! bytes: the same time with the next number, or another time with the number 0.
//!
//! If an entry has the same fields as the first entry of its block, the texts are only its values.
//! Otherwise names and values alternate. Every entry takes fewer bytes than in Redis's listpack.

use super::id::StreamId;
use super::text::{MAX_NUMBER, Text, split_number, take_number, write_number};

/// Flag: the entry was deleted.
const DELETED: u8 = 1;
/// Flag: the fields are those of the block's first entry.
const SAME_FIELDS: u8 = 2;
/// Flag: the time differs from that of the entry before. The difference follows.
const TIME: u8 = 4;
/// Flag: a number follows. With [`TIME`], it is the number of the id, otherwise how many numbers
/// were left out.
const NUMBER: u8 = 8;

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
    /// Its id.
    pub id: StreamId,
    /// Where its length is.
    pub at: u32,
}

/// An entry among the bytes of a block, of which what precedes the texts was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    id: StreamId,
    /// Where its length is.
    at: u32,
    /// Where the texts begin.
    texts: u32,
    /// Where the entry ends.
    end: u32,
    flags: u8,
}

impl Cursor {
    /// The entry at a position.
    pub(super) fn new(bytes: &[u8], position: Position) -> Cursor {
        let Position { id, at } = position;
        // The difference between the ids says nothing here.
        Cursor {
            id,
            ..Cursor::read(bytes, at as usize, id)
        }
    }

    /// The next entry.
    #[inline]
    pub(super) fn next(&self, bytes: &[u8]) -> Option<Cursor> {
        let end = self.end as usize;
        (end < bytes.len()).then(|| Cursor::read(bytes, end, self.id))
    }

    #[inline]
    fn read(bytes: &[u8], at: usize, previous: StreamId) -> Cursor {
        let mut rest = at;
        let length = take_number(bytes, &mut rest);
        let end = rest + length;
        let flags = bytes[rest];
        rest += 1;
        let mut id = previous;
        if flags & TIME != 0 {
            let time = take_number(bytes, &mut rest) as u64;
            id = StreamId::new(id.ms.wrapping_add(time), 0);
        } else {
            id.seq = id.seq.wrapping_add(1);
        }
        if flags & NUMBER != 0 {
            let number = take_number(bytes, &mut rest) as u64;
            id.seq = id.seq.wrapping_add(number);
        }
        Cursor {
            id,
            at: at as u32,
            texts: rest as u32,
            end: end as u32,
            flags,
        }
    }

    /// Its id.
    pub(super) fn id(&self) -> StreamId {
        self.id
    }

    /// Its position.
    pub(super) fn position(&self) -> Position {
        Position {
            id: self.id,
            at: self.at,
        }
    }

    /// Whether the entry was deleted.
    pub(super) fn is_deleted(&self) -> bool {
        self.flags & DELETED != 0
    }

    /// Marks the entry as deleted.
    pub(super) fn mark_deleted(&self, bytes: &mut [u8]) {
        let mut flags_at = self.at as usize;
        take_number(bytes, &mut flags_at);
        bytes[flags_at] |= DELETED;
    }

    /// The entry. `bytes` are those of its block, which begin with the names.
    pub(super) fn entry<'a>(&self, bytes: &'a [u8]) -> Entry<'a> {
        Entry {
            id: self.id,
            names: (self.flags & SAME_FIELDS != 0).then_some(bytes),
            body: &bytes[self.texts as usize..self.end as usize],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::bound;
    use super::*;

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
        let first = Position { id: ids[0], at: 0 };
        let cursors = std::iter::successors(Some(Cursor::new(&out, first)), |at| at.next(&out));
        assert!(cursors.map(|cursor| cursor.id()).eq(ids));
    }
}
