//! A field and its value: the field's length as a [`varint`], the field, and the value up to the
//! end. A short pair is in place, a long one has one allocation. A set's member is a pair with an
//! empty value.
//!
//! Layer `store`. It uses nothing else.

use super::super::compact_bytes::CompactBytes;
use super::varint;

/// A field with its value.
#[derive(Clone, Debug)]
pub(crate) struct Pair(CompactBytes);

impl Pair {
    /// Packs a field with its value.
    pub(crate) fn new(field: &[u8], value: &[u8]) -> Pair {
        let mut length = [0; varint::MAX_SIZE];
        let prefix = varint::write(field.len(), &mut length);
        Pair(CompactBytes::concat([&length[..prefix], field, value]))
    }

    /// The field and the value.
    pub(crate) fn parts(&self) -> (&[u8], &[u8]) {
        let bytes = &*self.0;
        let (length, prefix) = varint::read(bytes);
        bytes[prefix..].split_at(length)
    }

    /// The field.
    pub(crate) fn field(&self) -> &[u8] {
        self.parts().0
    }

    /// Replaces the value, in place if the length stays the same.
    pub(crate) fn set_value(&mut self, value: &[u8]) {
        let (field, old) = self.parts();
        if old.len() == value.len() {
            let at = self.0.len() - value.len();
            self.0[at..].copy_from_slice(value);
        } else {
            *self = Pair::new(field, value);
        }
    }

    /// The bytes of heap memory behind it.
    pub(crate) fn heap(&self) -> usize {
        self.0.heap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back() {
        for (field, value) in [
            (0, 0),
            (0, 5),
            (5, 0),
            (10, 11),
            (10, 12),
            (127, 1),
            (128, 1),
            (300, 70_000),
        ] {
            let (field, value) = (vec![b'f'; field], vec![b'v'; value]);
            let mut pair = Pair::new(&field, &value);
            assert_eq!(pair.parts(), (&field[..], &value[..]));
            assert_eq!(pair.heap() == 0, field.len() + value.len() <= 21);
            for value in [vec![b'w'; value.len()], vec![b'x'; value.len() + 1], value] {
                pair.set_value(&value);
                assert_eq!(pair.parts(), (&field[..], &value[..]));
            }
        }
    }
}
