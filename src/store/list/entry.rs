//! One element as bytes: its length, the element, its length again.
//!
//! Layer `store`. It uses nothing else.
//!
//! A length consists of groups of seven bits. The low groups are the outermost on both sides, and
//! all groups but the last have the top bit set. So the second length is the first one reversed,
//! and consecutive entries can be read from both ends.
//!
//! ```text
//! "hello"        05 h e l l o 05
//! 300 bytes      ac 02 … 02 ac
//! ```

/// The bytes that an element of this length takes, with its lengths.
pub(super) fn size(length: usize) -> usize {
    length + 2 * length_size(length)
}

fn length_size(length: usize) -> usize {
    let bits = usize::BITS - (length | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Writes an element to `into`, which must have exactly its [`size`].
pub(super) fn write(element: &[u8], into: &mut [u8]) {
    let last = into.len() - 1;
    let mut length = element.len();
    let mut at = 0;
    while length >= 0x80 {
        let group = length as u8 | 0x80;
        into[at] = group;
        into[last - at] = group;
        length >>= 7;
        at += 1;
    }
    into[at] = length as u8;
    into[last - at] = length as u8;
    into[at + 1..last - at].copy_from_slice(element);
}

/// The first element of these entries, and the entries after it.
pub(super) fn first(entries: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, groups) = read_length(entries.iter())?;
    let (element, rest) = entries[groups..].split_at(length);
    Some((element, &rest[groups..]))
}

/// The last element of these entries, and the entries before it.
pub(super) fn last(entries: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, groups) = read_length(entries.iter().rev())?;
    let (rest, element) =
        entries[..entries.len() - groups].split_at(entries.len() - groups - length);
    Some((element, &rest[..rest.len() - groups]))
}

/// Reads a length. Returns it with the number of its groups; `None` if there are no bytes.
fn read_length<'a>(mut groups: impl Iterator<Item = &'a u8>) -> Option<(usize, usize)> {
    let first = *groups.next()?;
    let mut length = usize::from(first & 0x7f);
    let mut count = 1;
    let mut more = first >= 0x80;
    while more {
        let group = *groups.next()?;
        length |= usize::from(group & 0x7f) << (7 * count);
        count += 1;
        more = group >= 0x80;
    }
    Some((length, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_read_the_same_from_both_ends() {
        for length in [
            0, 1, 63, 127, 128, 300, 16_383, 16_384, 2_097_151, 2_097_152,
        ] {
            let element = vec![0xff; length];
            let mut entries = vec![0; size(length) + size(1)];
            let (one, two) = entries.split_at_mut(size(length));
            write(&element, one);
            write(b"x", two);

            let (found, rest) = first(&entries).unwrap();
            assert!(found == element, "{length}");
            assert_eq!(rest, [1, b'x', 1]);
            let (found, rest) = last(&entries).unwrap();
            assert_eq!(found, b"x");
            let (found, rest) = last(rest).unwrap();
            assert!(found == element && rest.is_empty(), "{length}");
        }
        assert_eq!(first(b""), None);
        assert_eq!(last(b""), None);
    }

    #[test]
    fn short_elements_cost_two_bytes() {
        assert_eq!(size(0), 2);
        assert_eq!(size(64), 66);
        assert_eq!(size(127), 129);
        assert_eq!(size(128), 132);
    }
}
