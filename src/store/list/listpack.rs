//! The size of an element in Redis's listpack. Neither lists nor streams use that format here, but
//! OBJECT ENCODING, and the entries at which a stream begins a new block, follow its sizes.
//!
//! Layer `store`. It may use `resp`.

use crate::resp::request::parse_integer;

/// The size of a listpack's header and terminator.
pub(in crate::store) const OVERHEAD: usize = 7;

/// The longest text that may be an integer: `-9223372036854775808`.
const MAX_INTEGER: usize = 20;

/// The size of an element's entry in a listpack.
pub(in crate::store) fn entry_size(element: &[u8]) -> usize {
    match integer_of(element) {
        Some(integer) => integer_entry_size(integer),
        None => string_entry_size(element.len()),
    }
}

/// The integer that a listpack stores in place of an element.
pub(in crate::store) fn integer_of(element: &[u8]) -> Option<i64> {
    if element.len() <= MAX_INTEGER {
        parse_integer(element)
    } else {
        None
    }
}

/// The size of the entry of an integer.
pub(in crate::store) fn integer_entry_size(integer: i64) -> usize {
    let data = integer_size(integer);
    data + back_length_size(data)
}

/// The size of the entry of an element that is no integer.
pub(in crate::store) fn string_entry_size(length: usize) -> usize {
    let data = string_size(length);
    data + back_length_size(data)
}

/// The sizes of `lpEncodeIntegerGetType`.
fn integer_size(integer: i64) -> usize {
    match integer {
        0..=127 => 1,
        -4096..=4095 => 2,
        -0x8000..=0x7fff => 3,
        -0x80_0000..=0x7f_ffff => 4,
        -0x8000_0000..=0x7fff_ffff => 5,
        _ => 9,
    }
}

/// The sizes of `lpEncodeGetType`.
fn string_size(length: usize) -> usize {
    let header = match length {
        0..64 => 1,
        64..4096 => 2,
        _ => 5,
    };
    header + length
}

/// The sizes of `lpEncodeBacklen`. All its bounds but the first are one lower than necessary.
fn back_length_size(data: usize) -> usize {
    match data {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_take_what_their_width_needs() {
        let cases: [(&str, usize); 21] = [
            ("0", 2),
            ("127", 2),
            ("128", 3),
            ("-1", 3),
            ("4095", 3),
            ("-4096", 3),
            ("4096", 4),
            ("-4097", 4),
            ("32767", 4),
            ("-32768", 4),
            ("32768", 5),
            ("8388607", 5),
            ("-8388608", 5),
            ("8388608", 6),
            ("-8388609", 6),
            ("2147483647", 6),
            ("-2147483648", 6),
            ("2147483648", 10),
            ("-2147483649", 10),
            ("9223372036854775807", 10),
            ("-9223372036854775808", 10),
        ];
        for (text, size) in cases {
            assert_eq!(entry_size(text.as_bytes()), size, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_an_integer_is_a_string() {
        for text in [
            "",
            "-",
            "-0",
            "+1",
            "01",
            " 1",
            "1.0",
            "9223372036854775808",
            "-9223372036854775809",
            "00000000000000000000",
            "111111111111111111111",
        ] {
            assert_eq!(entry_size(text.as_bytes()), text.len() + 2, "{text}");
        }
    }

    #[test]
    fn strings_add_a_header_and_a_back_length() {
        let cases = [
            (63, 1 + 1),
            (64, 2 + 1),
            (125, 2 + 1),
            (126, 2 + 2),
            (4095, 2 + 2),
            (4096, 5 + 2),
            (16_377, 5 + 2),
            (16_378, 5 + 3),
            (2_097_145, 5 + 3),
            (2_097_146, 5 + 4),
        ];
        for (length, added) in cases {
            assert_eq!(entry_size(&vec![b'x'; length]), length + added, "{length}");
        }
        assert_eq!(back_length_size(268_435_454), 4);
        assert_eq!(back_length_size(268_435_455), 5);
    }
}
