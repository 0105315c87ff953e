//! Bytes that are kept in place if they are few: a key, a member, or a field with its value.
//!
//! Layer `store`. A place that held only a pointer would need an allocation of 16 bytes or more for
//! every key and member, and a visit to other memory for every comparison. In place costs nothing for
//! up to [`INLINE`] bytes.

use std::ops::{Deref, DerefMut};

use super::allocation::size_class;

/// The most bytes that are kept in place.
const INLINE: usize = 22;

/// Bytes whose number does not change.
#[derive(Clone, Debug)]
pub(crate) enum CompactBytes {
    /// The first `len` of these bytes.
    Inline { len: u8, bytes: [u8; INLINE] },
    /// More than [`INLINE`].
    Heap(Box<[u8]>),
}

impl From<&[u8]> for CompactBytes {
    fn from(from: &[u8]) -> CompactBytes {
        CompactBytes::concat([from])
    }
}

impl Deref for CompactBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            CompactBytes::Inline { len, bytes } => &bytes[..usize::from(*len)],
            CompactBytes::Heap(bytes) => bytes,
        }
    }
}

impl DerefMut for CompactBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            CompactBytes::Inline { len, bytes } => &mut bytes[..usize::from(*len)],
            CompactBytes::Heap(bytes) => bytes,
        }
    }
}

impl CompactBytes {
    /// The bytes of all parts, one after the other.
    pub(crate) fn concat<const PARTS: usize>(parts: [&[u8]; PARTS]) -> CompactBytes {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if len > INLINE {
            return CompactBytes::Heap(parts.concat().into());
        }
        let mut bytes = [0; INLINE];
        let mut at = 0;
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        CompactBytes::Inline {
            len: len as u8,
            bytes,
        }
    }

    /// The bytes of heap memory behind it.
    pub(crate) fn heap(&self) -> usize {
        match self {
            CompactBytes::Inline { .. } => 0,
            CompactBytes::Heap(bytes) => size_class(bytes.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_as_they_were_written() {
        for len in [0, 1, INLINE - 1, INLINE, INLINE + 1, 1000] {
            let bytes = vec![b'x'; len];
            let compact = CompactBytes::from(&bytes[..]);
            assert_eq!(*compact, bytes[..]);
            assert_eq!(compact.heap() > 0, len > INLINE);
            for middle in [0, len / 2, len] {
                let (one, other) = bytes.split_at(middle);
                assert_eq!(CompactBytes::concat([one, b"-", other])[..middle], *one);
                assert_eq!(CompactBytes::concat([b"-", one, other])[1..], bytes[..]);
            }
        }
        assert_eq!(size_of::<CompactBytes>(), 24);
        assert_eq!(
            size_of::<Option<CompactBytes>>(),
            24,
            "a free place costs no tag"
        );
    }
}
