//! The bytes of one member in the large form: short ones in place, longer ones on the heap.
//!
//! Layer `store`. It uses nothing else.
//!
//! If a place contained only a pointer, every member would need an allocation of 16 bytes or more,
//! and every comparison an access to other memory. In place, members of up to [`INLINE`] bytes need
//! neither.

/// The longest member that is stored in place, in bytes.
const INLINE: usize = 22;

/// The bytes of one member.
#[derive(Clone, Debug)]
pub(crate) enum Member {
    /// The first `len` of these bytes.
    Inline { len: u8, bytes: [u8; INLINE] },
    /// A member that is longer than [`INLINE`].
    Heap(Box<[u8]>),
}

impl Member {
    pub(crate) fn new(member: &[u8]) -> Member {
        let mut bytes = [0; INLINE];
        match bytes.get_mut(..member.len()) {
            Some(place) => {
                place.copy_from_slice(member);
                Member::Inline {
                    len: member.len() as u8,
                    bytes,
                }
            }
            None => Member::Heap(member.into()),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Member::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Member::Heap(bytes) => bytes,
        }
    }

    /// Whether it takes heap memory of its own.
    pub(crate) fn is_on_heap(&self) -> bool {
        matches!(self, Member::Heap(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_read_as_they_were_written() {
        for len in [0, 1, INLINE - 1, INLINE, INLINE + 1, 1000] {
            let bytes = vec![b'x'; len];
            let member = Member::new(&bytes);
            assert_eq!(member.bytes(), bytes);
            assert_eq!(member.is_on_heap(), len > INLINE);
        }
        assert_eq!(size_of::<Member>(), 24);
        assert_eq!(size_of::<Option<Member>>(), 24, "a free place costs no tag");
    }
}
