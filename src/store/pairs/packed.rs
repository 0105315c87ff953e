//! A few short pairs in one buffer, in the order in which they were added: what Redis stores as a
//! listpack.
//!
//! Layer `store`. It uses nothing else.
//!
//! ```text
//!   buffer   count (4 bytes) | pair | pair | …
//!   pair     head | rest of the field's length | rest of the value's length | field | value
//!
//!   HSET key name "fanfare"     47 n a m e f a n f a r e
//! ```
//!
//! The head contains both lengths, four bits each; the field's are the upper ones. For a length of
//! 15 or more these bits are 15, and the rest follows as a [`varint`]. So most pairs take one byte
//! beside their text, where a listpack takes four.
//!
//! # Invariants
//! - Without pairs there is no buffer.
//! - No field is there twice.
//! - The buffer is exactly as long as it must be. What an allocator hands out beyond that is room to
//!   grow: it then leaves the buffer where it is.

use std::mem;
use std::ops::Range;

use super::super::allocation::size_class;
use super::varint;

/// The bytes of the count at the front of the buffer.
const COUNT: usize = size_of::<u32>();
/// In a head: the length does not fit in four bits.
const LONG: usize = 15;
/// The most bytes of a buffer (Redis: `LISTPACK_MAX_SAFETY_LIMIT`).
const MAX_BYTES: usize = 1 << 30;

/// Pairs in one buffer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packed(Box<[u8]>);

/// The position of a pair.
#[derive(Clone, Debug)]
struct Place {
    pair: Range<usize>,
    value: Range<usize>,
}

/// A pair's first bytes, which contain both lengths.
struct Head {
    bytes: [u8; 1 + 2 * varint::MAX_SIZE],
    len: usize,
}

impl Head {
    fn new(field: usize, value: usize) -> Head {
        let mut head = Head {
            bytes: [0; 1 + 2 * varint::MAX_SIZE],
            len: 1,
        };
        head.bytes[0] = (field.min(LONG) << 4 | value.min(LONG)) as u8;
        for length in [field, value] {
            if let Some(rest) = length.checked_sub(LONG) {
                head.len += varint::write(rest, &mut head.bytes[head.len..]);
            }
        }
        head
    }

    /// Reads both lengths. Returns them with the number of bytes that they took.
    fn read(bytes: &[u8]) -> (usize, usize, usize) {
        let mut at = 1;
        let mut length = |short: u8| {
            let mut length = usize::from(short);
            if length == LONG {
                let (rest, size) = varint::read(&bytes[at..]);
                length += rest;
                at += size;
            }
            length
        };
        let field = length(bytes[0] >> 4);
        let value = length(bytes[0] & 0xf);
        (field, value, at)
    }
}

impl Packed {
    /// The number of pairs.
    pub(crate) fn len(&self) -> usize {
        match self.0.first_chunk::<COUNT>() {
            Some(count) => u32::from_le_bytes(*count) as usize,
            None => 0,
        }
    }

    /// Its heap memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        size_class(self.0.len())
    }

    /// The number of its allocations.
    pub(crate) fn allocations(&self) -> usize {
        usize::from(!self.0.is_empty())
    }

    /// Whether a pair of this many bytes can be added without exceeding the limit of a buffer.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.0.len() + bytes < MAX_BYTES
    }

    /// The pairs, in the order in which they were added.
    pub(crate) fn iter(&self) -> PackedIter<'_> {
        PackedIter {
            rest: self.0.get(COUNT..).unwrap_or_default(),
            left: self.len(),
        }
    }

    /// The value of a field.
    pub(crate) fn get(&self, field: &[u8]) -> Option<&[u8]> {
        let (_, value) = self.iter().find(|(other, _)| *other == field)?;
        Some(value)
    }

    /// Sets a field. Returns `true` if it is new; then it is the last one. Otherwise it keeps its
    /// position.
    pub(crate) fn set(&mut self, field: &[u8], value: &[u8]) -> bool {
        match self.find(field) {
            Some(place) if place.value.len() == value.len() => {
                self.0[place.value].copy_from_slice(value);
                false
            }
            Some(place) => {
                self.replace(place.pair, field, value);
                false
            }
            None => {
                self.push(field, value);
                true
            }
        }
    }

    /// Adds a field, which must be new.
    pub(crate) fn push(&mut self, field: &[u8], value: &[u8]) {
        let count = self.len() as u32 + 1;
        let end = self.0.len().max(COUNT);
        self.replace(end..end, field, value);
        self.0[..COUNT].copy_from_slice(&count.to_le_bytes());
    }

    /// Removes a field. Returns `false` if it does not exist.
    pub(crate) fn remove(&mut self, field: &[u8]) -> bool {
        let found = self.find(field);
        if let Some(place) = &found {
            self.cut(place.pair.clone());
        }
        found.is_some()
    }

    /// Removes and returns the field with this number.
    ///
    /// # Panics
    /// There is no such field.
    pub(crate) fn take(&mut self, number: usize) -> Vec<u8> {
        let mut pairs = self.iter();
        let (field, value) = pairs.nth(number).expect("a number below the count");
        let (field, pair) = (field.to_vec(), self.place(field, value, &pairs).pair);
        self.cut(pair);
        field
    }

    /// Moves the pairs with these numbers, which must be ascending, into a buffer of their own.
    pub(crate) fn split_off(&mut self, numbers: &[usize]) -> Packed {
        let (mut taken, mut kept) = (Packed::default(), Packed::default());
        let mut numbers = numbers.iter().peekable();
        for (number, (field, value)) in self.iter().enumerate() {
            let is_taken = numbers.next_if_eq(&&number).is_some();
            let pairs = if is_taken { &mut taken } else { &mut kept };
            pairs.push(field, value);
        }
        *self = kept;
        taken
    }

    fn find(&self, field: &[u8]) -> Option<Place> {
        let mut pairs = self.iter();
        let (field, value) = pairs.find(|(other, _)| *other == field)?;
        Some(self.place(field, value, &pairs))
    }

    /// The position of the pair that the iterator has just returned.
    fn place(&self, field: &[u8], value: &[u8], after: &PackedIter<'_>) -> Place {
        let end = self.0.len() - after.rest.len();
        let text = field.len() + value.len();
        let head = Head::new(field.len(), value.len()).len;
        Place {
            pair: end - text - head..end,
            value: end - value.len()..end,
        }
    }

    /// Replaces these bytes with a pair.
    fn replace(&mut self, place: Range<usize>, field: &[u8], value: &[u8]) {
        let head = Head::new(field.len(), value.len());
        let size = head.len + field.len() + value.len();
        let old = self.0.len().max(COUNT);
        let new = old - place.len() + size;
        self.change(|buffer| {
            buffer.reserve_exact(old.max(new) - buffer.len());
            buffer.resize(old.max(new), 0);
            buffer.copy_within(place.end..old, place.start + size);
            buffer.truncate(new);
            let pair = &mut buffer[place.start..place.start + size];
            let (into_head, rest) = pair.split_at_mut(head.len);
            let (into_field, into_value) = rest.split_at_mut(field.len());
            into_head.copy_from_slice(&head.bytes[..head.len]);
            into_field.copy_from_slice(field);
            into_value.copy_from_slice(value);
        });
    }

    fn cut(&mut self, place: Range<usize>) {
        let count = self.len() as u32 - 1;
        if count == 0 {
            *self = Packed::default();
            return;
        }
        self.change(|buffer| {
            buffer.drain(place);
            buffer[..COUNT].copy_from_slice(&count.to_le_bytes());
        });
    }

    /// Changes the buffer, whose length may change.
    fn change(&mut self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut buffer = mem::take(&mut self.0).into_vec();
        change(&mut buffer);
        self.0 = buffer.into_boxed_slice();
    }
}

/// Iterates over the pairs in their order.
#[derive(Clone, Debug)]
pub(crate) struct PackedIter<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for PackedIter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (field, value, head) = Head::read(self.rest);
        let (pair, rest) = self.rest[head..].split_at(field + value);
        self.rest = rest;
        self.left -= 1;
        Some(pair.split_at(field))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for PackedIter<'_> {}

#[cfg(test)]
impl Packed {
    /// Panics if an invariant is broken.
    pub(crate) fn invariants(&self) {
        let mut fields: Vec<_> = self.iter().map(|(field, _)| field).collect();
        assert_eq!(fields.len(), self.len());
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), self.len(), "a field is there twice");
        assert_eq!(self.len() == 0, self.0.is_empty());
        let size: usize = self
            .iter()
            .map(|(field, value)| {
                Head::new(field.len(), value.len()).len + field.len() + value.len()
            })
            .sum();
        if self.len() > 0 {
            assert_eq!(self.0.len(), COUNT + size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lengths_come_back() {
        let lengths = [0, 1, 14, 15, 16, 64, 142, 143, 20_000];
        for field in lengths {
            for value in lengths {
                let (field, value) = (vec![b'f'; field], vec![b'v'; value]);
                let mut packed = Packed::default();
                packed.push(b"first", b"1");
                packed.push(&field, &value);
                packed.push(b"last", b"3");
                packed.invariants();
                assert_eq!(packed.get(&field), Some(&value[..]));
                assert_eq!(packed.take(1), field);
                packed.invariants();
                let left: Vec<_> = packed.iter().collect();
                assert_eq!(left, [(&b"first"[..], &b"1"[..]), (b"last", b"3")]);
            }
        }
    }

    #[test]
    fn a_changed_field_keeps_its_place() {
        let mut packed = Packed::default();
        for field in ["a", "b", "c"] {
            assert!(packed.set(field.as_bytes(), b"value"));
        }
        for value in ["", "longer than the value was", "other", "again"] {
            assert!(!packed.set(b"b", value.as_bytes()));
            packed.invariants();
            let all: Vec<_> = packed.iter().collect();
            let expected = [
                (&b"a"[..], &b"value"[..]),
                (b"b", value.as_bytes()),
                (b"c", b"value"),
            ];
            assert_eq!(all, expected);
        }
        assert!(packed.remove(b"b") && !packed.remove(b"b"));
        assert!(packed.remove(b"a") && packed.remove(b"c"));
        assert_eq!((packed.memory(), packed.allocations()), (0, 0));
    }

    #[test]
    fn short_pairs_cost_one_byte() {
        let mut packed = Packed::default();
        packed.push(b"name", b"fanfare");
        assert_eq!(packed.0[COUNT..], *b"\x47namefanfare");
        assert_eq!(packed.memory(), 16);
    }
}
