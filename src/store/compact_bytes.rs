//! Bytes that are kept in place if they are few: a key, or a member of a sorted set.
//!
//! Layer `store`. A place that held only a pointer would need an allocation of 16 bytes or more for
//! every key and member, and a visit to other memory for every comparison. In place costs nothing for
//! up to [`INLINE`] bytes.

use std::ops::Deref;

use super::allocation::size_class;

/// The most bytes that are kept in place.
const INLINE: usize = 22;

/// Bytes that do not change.
#[derive(Clone, Debug)]
pub(crate) enum CompactBytes {
    /// The first `len` of these bytes.
    Inline { len: u8, bytes: [u8; INLINE] },
    /// More than [`INLINE`].
    Heap(Box<[u8]>),
}

impl From<&[u8]> for CompactBytes {
    fn from(from: &[u8]) -> CompactBytes {
        let mut bytes = [0; INLINE];
        match bytes.get_mut(..from.len()) {
            Some(place) => {
                place.copy_from_slice(from);
                CompactBytes::Inline {
                    len: from.len() as u8,
                    bytes,
                }
            }
            None => CompactBytes::Heap(from.into()),
        }
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

impl CompactBytes {
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
        }
        assert_eq!(size_of::<CompactBytes>(), 24);
        assert_eq!(
            size_of::<Option<CompactBytes>>(),
            24,
            "a free place costs no tag"
        );
    }
}
