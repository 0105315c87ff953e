//! Bytes as hexadecimal digits: digests, identifiers, passwords.
//!
//! Layer `resp`, the lowest. It uses no other layer.

use std::fmt::Write;

/// The bytes in lower-case hexadecimal digits, two for each.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// The bytes that are written in so many digits, in any letter case; `None`: they are not.
#[cfg_attr(
    not(any(feature = "http", feature = "scripts")),
    expect(dead_code, reason = "URLs and scripts have digits")
)]
pub(crate) fn unhex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    // One test for all digits, since nearly all that are given are right.
    let mut wrong = 0;
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let (high, low) = (VALUES[usize::from(pair[0])], VALUES[usize::from(pair[1])]);
        wrong |= high | low;
        *byte = high << 4 | low;
    }
    (wrong & NO_DIGIT == 0).then_some(bytes)
}

/// In the value of what is no digit.
const NO_DIGIT: u8 = 0x80;

/// The value of each character as a digit.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        let digit = b"0123456789abcdef"[value];
        values[digit as usize] = value as u8;
        values[digit.to_ascii_uppercase() as usize] = value as u8;
        value += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::{hex, unhex};

    #[test]
    fn each_byte_has_two_digits() {
        assert_eq!(hex(&[]), "");
        assert_eq!(hex(&[0, 9, 0xab, 0xff]), "0009abff");
    }

    #[test]
    fn digits_are_read_in_any_letter_case() {
        assert_eq!(unhex(b"0009abFF"), Some([0, 9, 0xab, 0xff]));
        for wrong in [
            "",
            "00",
            "0009abf",
            "0009abff0",
            "0009abfg",
            "/009abff",
            "0009ab\u{ff}",
        ] {
            assert_eq!(unhex::<4>(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
