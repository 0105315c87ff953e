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
pub(crate) fn unhex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    let pairs: &[[u8; 2]; N] = pairs.try_into().ok()?;
    // Without a branch, so that the compiler takes many at a time: nearly all that are given are right.
    let is_wrong = digits
        .iter()
        .fold(false, |wrong, digit| wrong | !digit.is_ascii_hexdigit());
    let bytes = pairs.map(|pair| {
        let [high, low] = pair.map(value);
        high << 4 | low
    });
    (!is_wrong).then_some(bytes)
}

/// The bytes of a part of a URL, in which `%41` stands for the byte 0x41; `None`: no two digits follow a
/// `%`.
pub(crate) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        let mut byte = *first;
        if byte == b'%' {
            let (digits, behind) = after.split_at_checked(2)?;
            [byte] = unhex(digits)?;
            rest = behind;
        }
        bytes.push(byte);
    }
    Some(bytes)
}

/// The value of a digit. Of digits, letters alone have this bit set.
fn value(digit: u8) -> u8 {
    (digit & 15) + 9 * (digit >> 6)
}

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
