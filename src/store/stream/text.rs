//! Texts and numbers as bytes.
//!
//! Layer `store`. It may use `resp`.
//!
//! ```text
//!   text    2 × length, the bytes            "abc"     06 a b c
//!           2 × length + 1, an integer       "1234"    05 d2 04      (two's complement, low first)
//! ```
//!
//! The first number is in groups of seven bits (`varint.rs`). A text that is an integer in decimal
//! notation is stored as one if that takes fewer bytes. No text takes more bytes than in Redis's
//! listpack.

use std::ops::Deref;

use super::super::list::listpack;
use super::super::pairs::varint;

/// The most bytes of a number.
pub(super) const MAX_NUMBER: usize = varint::MAX_SIZE;

/// The longest text of an integer: `-9223372036854775808`.
const MAX_DIGITS: usize = 20;

/// The name of a field, or a value: bytes, through `Deref`.
#[derive(Clone, Debug)]
pub(crate) enum Text<'a> {
    /// It is stored as it is.
    Bytes(&'a [u8]),
    /// It is stored as an integer. These are its digits: the last ones of the array.
    Digits { digits: [u8; MAX_DIGITS], begin: u8 },
}

impl Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Text::Bytes(bytes) => bytes,
            Text::Digits { digits, begin } => &digits[usize::from(*begin)..],
        }
    }
}

impl<'a> Text<'a> {
    /// Takes the text at the front.
    pub(super) fn take(from: &mut &'a [u8]) -> Text<'a> {
        let (head, rest) = split_number(from);
        let (bytes, rest) = rest.split_at(head >> 1);
        *from = rest;
        if head & 1 == 0 {
            return Text::Bytes(bytes);
        }
        // The sign of the last byte goes on.
        let fill = if bytes[bytes.len() - 1] < 0x80 {
            0
        } else {
            0xff
        };
        let mut integer = [fill; 8];
        integer[..bytes.len()].copy_from_slice(bytes);
        Text::of_integer(i64::from_le_bytes(integer))
    }

    fn of_integer(integer: i64) -> Text<'a> {
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(integer).as_bytes();
        let begin = MAX_DIGITS - text.len();
        let mut digits = [0; MAX_DIGITS];
        digits[begin..].copy_from_slice(text);
        Text::Digits {
            digits,
            begin: begin as u8,
        }
    }
}

/// How many bytes an integer takes.
fn integer_bytes(integer: i64) -> usize {
    let magnitude = if integer < 0 { !integer } else { integer };
    // One bit more, for the sign.
    let bits = i64::BITS - magnitude.leading_zeros() + 1;
    bits.div_ceil(8) as usize
}

/// Appends a text. Returns the bytes that it takes in a listpack.
pub(super) fn write_text(text: &[u8], out: &mut Vec<u8>) -> usize {
    if let Some(integer) = listpack::integer_of(text) {
        let size = integer_bytes(integer);
        if size < text.len() {
            out.push((size << 1 | 1) as u8);
            out.extend_from_slice(&integer.to_le_bytes()[..size]);
        } else {
            write_number(text.len() << 1, out);
            out.extend_from_slice(text);
        }
        return listpack::integer_entry_size(integer);
    }
    write_number(text.len() << 1, out);
    out.extend_from_slice(text);
    listpack::string_entry_size(text.len())
}

/// Whether the names at the front, after their number, are these.
pub(super) fn has_names<'f>(
    bytes: &[u8],
    mut names: impl ExactSizeIterator<Item = &'f [u8]>,
) -> bool {
    let (count, mut texts) = split_number(bytes);
    count == names.len() && names.all(|name| *Text::take(&mut texts) == *name)
}

/// The most bytes that so many texts take if their lengths add up to `bytes`.
pub(super) fn bound(texts: usize, bytes: usize) -> usize {
    // A length takes more than two bytes only for a text of 8 KB or more, which adds at least 8 here.
    bytes + bytes / 1024 + 2 * texts
}

/// Appends a number.
pub(super) fn write_number(number: usize, out: &mut Vec<u8>) {
    let mut buffer = [0; MAX_NUMBER];
    let size = varint::write(number, &mut buffer);
    out.extend_from_slice(&buffer[..size]);
}

/// The number at the front, and what follows it.
pub(super) fn split_number(bytes: &[u8]) -> (usize, &[u8]) {
    let mut at = 0;
    let number = take_number(bytes, &mut at);
    (number, &bytes[at..])
}

/// Reads the number at `at`, and goes on after it.
#[inline]
pub(super) fn take_number(bytes: &[u8], at: &mut usize) -> usize {
    let first = bytes[*at];
    if first < 0x80 {
        *at += 1;
        return first.into();
    }
    let (number, size) = varint::read(&bytes[*at..]);
    *at += size;
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_and_take_no_more_than_in_a_listpack() {
        let mut texts: Vec<Vec<u8>> = ["", "a", "-", "-0", "007", "1e5", "99999999999999999999"]
            .map(Vec::from)
            .into();
        for shift in 0..63 {
            for integer in [
                1_i64 << shift,
                (1 << shift) - 1,
                -(1 << shift),
                -(1 << shift) - 1,
            ] {
                texts.push(integer.to_string().into_bytes());
            }
        }
        texts.push(i64::MIN.to_string().into_bytes());
        for length in [63, 64, 125, 126, 4095, 4096, 8191, 8192, 20_000, 3_000_000] {
            texts.push(vec![b'x'; length]);
        }
        for text in &texts {
            let mut out = Vec::new();
            let listpack = write_text(text, &mut out);
            assert_eq!(listpack, listpack::entry_size(text));
            assert!(out.len() <= listpack, "{:?}", String::from_utf8_lossy(text));
            assert!(out.len() <= bound(1, text.len()));
            let mut rest = &out[..];
            assert_eq!(&*Text::take(&mut rest), &text[..]);
            assert!(rest.is_empty());
        }
    }
}
