//! Numbers of JSON, and those that JSON does not know.
//!
//! Layer `script`.

use crate::resp::number::parse_bound;

/// Whether a number is one that JSON does not know.
pub(super) fn is_invalid_number(text: &[u8]) -> bool {
    let begins = |text: &[u8], with: &[u8]| {
        let begin = text.get(..with.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(with))
    };
    if text.starts_with(b"+") {
        return true;
    }
    match text.strip_prefix(b"-").unwrap_or(text) {
        [b'0', next, ..] => matches!(next, b'x' | b'X' | b'0'..=b'9'),
        text => begins(text, b"inf") || begins(text, b"nan"),
    }
}

/// The number that a text begins with, as C's `strtod` reads it, and its length.
pub(super) fn parse_number(text: &[u8]) -> Option<(f64, usize)> {
    let count = |from: usize, is_part: fn(&u8) -> bool| {
        let rest = text.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| is_part(byte)).count()
    };
    let begins = |from: usize, with: &[u8]| {
        let begin = text.get(from..from + with.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(with))
    };
    let is_negative = text.starts_with(b"-");
    let sign = usize::from(is_negative || text.starts_with(b"+"));
    let signed = |number: f64| if is_negative { -number } else { number };
    if begins(sign, b"inf") {
        let length = if begins(sign, b"infinity") { 8 } else { 3 };
        return Some((signed(f64::INFINITY), sign + length));
    }
    if begins(sign, b"nan") {
        let end = sign + 3;
        let inner = count(end + 1, |byte| {
            byte.is_ascii_alphanumeric() || *byte == b'_'
        });
        let has_inner = begins(end, b"(") && begins(end + 1 + inner, b")");
        return Some((
            signed(f64::NAN),
            end + if has_inner { inner + 2 } else { 0 },
        ));
    }
    // Digits, perhaps with a point.
    let digits = |from: usize, is_digit: fn(&u8) -> bool| {
        let whole = count(from, is_digit);
        if !begins(from + whole, b".") {
            return (whole > 0).then_some(from + whole);
        }
        let fraction = count(from + whole + 1, is_digit);
        (whole + fraction > 0).then_some(from + whole + 1 + fraction)
    };
    let exponent = |end: usize, letter: &[u8]| {
        if !begins(end, letter) {
            return end;
        }
        let sign = usize::from(begins(end + 1, b"+") || begins(end + 1, b"-"));
        match count(end + 1 + sign, u8::is_ascii_digit) {
            0 => end,
            digits => end + 1 + sign + digits,
        }
    };
    if begins(sign, b"0x")
        && let Some(end) = digits(sign + 2, u8::is_ascii_hexdigit)
    {
        let end = exponent(end, b"p");
        return Some((parse_bound(&text[..end])?, end));
    }
    let end = exponent(digits(sign, u8::is_ascii_digit)?, b"e");
    let number = str::from_utf8(&text[..end]).ok()?.parse().ok()?;
    Some((number, end))
}
