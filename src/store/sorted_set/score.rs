//! Scores in the packed form: one to nine bytes.
//!
//! Layer `store`. It uses nothing else.
//!
//! ```text
//!   tag 0          the eight bytes of the number follow
//!   tag 1 to 7     an integer of this many bytes follows, least significant byte first
//!   tag 8 to 127   the integer tag - 8 itself
//!   tag 128 to 255 an integer of 15 bits: the lower seven bits of the tag are its upper seven, and
//!                  the other eight follow
//! ```
//!
//! Negative zero becomes zero, as in Redis's listpack, but not in its skiplist.

/// The tag of the integer 0.
const ZERO: u8 = 8;
/// The first tag with bits of the number in it.
const SPLIT: u8 = 128;
/// Below this, a float represents every integer exactly (2^53).
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A score as it is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoded {
    bytes: [u8; 9],
    len: u8,
}

impl Encoded {
    pub(crate) fn new(score: f64) -> Encoded {
        let mut bytes = [0; 9];
        if score.fract() != 0.0 || score.abs() >= EXACT {
            bytes[1..].copy_from_slice(&score.to_le_bytes());
            return Encoded { bytes, len: 9 };
        }
        let whole = score as i64;
        if (0..i64::from(SPLIT - ZERO)).contains(&whole) {
            bytes[0] = ZERO + whole as u8;
            return Encoded { bytes, len: 1 };
        }
        if (0..1 << 15).contains(&whole) {
            bytes[0] = SPLIT | (whole >> 8) as u8;
            bytes[1] = whole as u8;
            return Encoded { bytes, len: 2 };
        }
        // One bit more than the magnitude has, for the sign.
        let bits = 65 - (whole ^ (whole >> 63)).leading_zeros();
        let len = bits.div_ceil(8) as u8;
        bytes[0] = len;
        bytes[1..].copy_from_slice(&whole.to_le_bytes());
        Encoded {
            bytes,
            len: len + 1,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// The score at the beginning of an entry, and the rest of the entry.
///
/// # Panics
/// The entry is too short.
pub(crate) fn split(entry: &[u8]) -> (f64, &[u8]) {
    let (&tag, rest) = entry.split_first().expect("an entry has a tag");
    if tag >= SPLIT {
        let (&lower, rest) = rest.split_first().expect("a number of two bytes");
        let whole = u16::from_be_bytes([tag - SPLIT, lower]);
        return (f64::from(whole), rest);
    }
    if tag >= ZERO {
        return (f64::from(tag - ZERO), rest);
    }
    let mut bytes = [0; 8];
    if tag == 0 {
        let (number, rest) = rest.split_at(8);
        bytes.copy_from_slice(number);
        return (f64::from_le_bytes(bytes), rest);
    }
    let (number, rest) = rest.split_at(usize::from(tag));
    bytes[8 - number.len()..].copy_from_slice(number);
    let unused = 64 - 8 * u32::from(tag);
    ((i64::from_le_bytes(bytes) >> unused) as f64, rest)
}

/// The rest of the entry, without its score.
pub(crate) fn skip(entry: &[u8]) -> &[u8] {
    let len = match entry.first() {
        Some(0) => 9,
        Some(&tag) if tag < ZERO => 1 + usize::from(tag),
        Some(&tag) if tag >= SPLIT => 2,
        _ => 1,
    };
    entry.get(len..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(score: f64) -> (f64, usize) {
        let mut entry = Encoded::new(score).bytes().to_vec();
        let len = entry.len();
        entry.extend_from_slice(b"member");
        let (read, rest) = split(&entry);
        assert_eq!(rest, b"member");
        assert_eq!(skip(&entry), b"member");
        (read, len)
    }

    #[test]
    fn whole_numbers_take_the_bytes_they_need() {
        for (score, len) in [
            (0.0, 1),
            (119.0, 1),
            (120.0, 2),
            (255.0, 2),
            (256.0, 2),
            (-1.0, 2),
            (-128.0, 2),
            (-129.0, 3),
            (32767.0, 2),
            (32768.0, 4),
            (1_700_000_000.0, 5),
            (1_700_000_000_000.0, 7),
            (EXACT - 1.0, 8),
            (1.0 - EXACT, 8),
            (EXACT, 9),
            (0.5, 9),
            (f64::MAX, 9),
            (f64::MIN_POSITIVE, 9),
            (f64::INFINITY, 9),
            (f64::NEG_INFINITY, 9),
        ] {
            assert_eq!(round_trip(score), (score, len));
        }
        assert!(round_trip(-0.0).0.is_sign_positive());
    }

    proptest! {
        #[test]
        fn scores_read_as_they_were_written(score in any::<f64>(), whole in any::<i64>(), shift in 0..63) {
            if !score.is_nan() {
                prop_assert_eq!(round_trip(score).0, score);
            }
            let whole = (whole >> shift) as f64;
            prop_assert_eq!(round_trip(whole).0, whole);
        }
    }
}
