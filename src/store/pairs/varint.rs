//! Lengths as groups of seven bits, low groups first. All groups but the last have the top bit set.
//!
//! Layer `store`. It uses nothing else.

/// The most bytes of a length.
pub(crate) const MAX_SIZE: usize = 10;

/// Writes a length to the front of a buffer, which must be large enough. Returns the number of
/// bytes.
pub(crate) fn write(mut length: usize, into: &mut [u8]) -> usize {
    let mut at = 0;
    while length >= 0x80 {
        into[at] = length as u8 | 0x80;
        length >>= 7;
        at += 1;
    }
    into[at] = length as u8;
    at + 1
}

/// Reads the length at the front. Returns it with the number of its bytes.
///
/// # Panics
/// There is no length.
pub(crate) fn read(bytes: &[u8]) -> (usize, usize) {
    let mut length = usize::from(bytes[0] & 0x7f);
    let mut at = 1;
    while bytes[at - 1] >= 0x80 {
        length |= usize::from(bytes[at] & 0x7f) << (7 * at);
        at += 1;
    }
    (length, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_seven_bits() {
        let mut bytes = [0; MAX_SIZE];
        for (length, written) in [
            (0, &[0][..]),
            (127, &[0x7f]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
            (16_384, &[0x80, 0x80, 1]),
        ] {
            let size = write(length, &mut bytes);
            assert_eq!(&bytes[..size], written);
        }
    }

    #[test]
    fn lengths_come_back() {
        for shift in 0..usize::BITS {
            for length in [(1 << shift) - 1, 1 << shift, usize::MAX >> shift] {
                let mut bytes = [0xff; MAX_SIZE];
                let written = write(length, &mut bytes);
                assert_eq!(read(&bytes), (length, written));
            }
        }
    }
}
