//! Splits a line into words, as Redis does for inline commands and for its configuration file
//! (`sdssplitargs`).
//!
//! Layer `resp`, the lowest. It uses no other layer.
//!
//! White space separates words. Within `"…"` the escapes are `\n \r \t \b \a \xHH`, and a `\`
//! before any other byte stands for that byte. Within `'…'` the only escape is `\'`. A closing
//! quote must end its word.

use std::ops::Range;

/// The quotes of a line do not match up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unbalanced quotes")]
pub struct UnbalancedQuotes;

/// Splits `line` into words. Appends their bytes to `out` and their ranges in `out` to `words`.
pub(crate) fn split_words_into(
    line: &[u8],
    out: &mut Vec<u8>,
    words: &mut Vec<Range<usize>>,
) -> Result<(), UnbalancedQuotes> {
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        // C's isspace includes the vertical tab; Rust's does not.
        while let [0x0b, tail @ ..] = rest {
            rest = tail.trim_ascii_start();
        }
        if rest.is_empty() {
            return Ok(());
        }
        let start = out.len();
        rest = take_word(rest, out)?;
        words.push(start..out.len());
    }
}

/// Splits `line` into owned words.
pub(crate) fn split_words(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let (mut bytes, mut words) = (Vec::new(), Vec::new());
    split_words_into(line, &mut bytes, &mut words)?;
    Ok(words.into_iter().map(|word| bytes[word].to_vec()).collect())
}

/// Appends the word at the start of `rest` to `out` and returns what follows it.
fn take_word<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        match rest {
            [] => return Ok(rest),
            [b' ' | b'\n' | b'\r' | b'\t', ..] => return Ok(rest),
            [b'"', tail @ ..] => rest = take_double_quoted(tail, out)?,
            [b'\'', tail @ ..] => rest = take_single_quoted(tail, out)?,
            [byte, tail @ ..] => {
                out.push(*byte);
                rest = tail;
                continue;
            }
        }
        // A quote was closed. White space or the end of the line must follow it.
        return match rest {
            [] => Ok(rest),
            [byte, ..] if byte.is_ascii_whitespace() || *byte == 0x0b => Ok(rest),
            _ => Err(UnbalancedQuotes),
        };
    }
}

fn take_double_quoted<'a>(
    mut rest: &'a [u8],
    out: &mut Vec<u8>,
) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        match rest {
            [] => return Err(UnbalancedQuotes),
            [b'"', tail @ ..] => return Ok(tail),
            [b'\\', b'x', high, low, tail @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                out.push(hex_value(*high) << 4 | hex_value(*low));
                rest = tail;
            }
            [b'\\', escaped, tail @ ..] => {
                out.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                rest = tail;
            }
            [byte, tail @ ..] => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
}

fn take_single_quoted<'a>(
    mut rest: &'a [u8],
    out: &mut Vec<u8>,
) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        match rest {
            [] => return Err(UnbalancedQuotes),
            [b'\\', b'\'', tail @ ..] => {
                out.push(b'\'');
                rest = tail;
            }
            [b'\'', tail @ ..] => return Ok(tail),
            [byte, tail @ ..] => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_quotes_and_escapes() {
        let words = |line: &[u8]| split_words(line);
        let ok = |expected: &[&[u8]]| Ok(expected.iter().map(|word| word.to_vec()).collect());
        assert_eq!(words(b""), ok(&[]));
        assert_eq!(words(b" \t \x0b "), ok(&[]));
        assert_eq!(words(b"SET  a\tb "), ok(&[b"SET", b"a", b"b"]));
        assert_eq!(
            words(br#"a "b \"c\" \x41\n\q" 'd\'e\n' "" "#),
            ok(&[b"a", b"b \"c\" A\nq", b"d'e\\n", b""])
        );
        assert_eq!(words(br#"pre"fix""#), ok(&[b"prefix"]));
        assert_eq!(words(br#""\x4z""#), ok(&[b"x4z"]));
    }

    #[test]
    fn unbalanced_quotes() {
        for line in [r#"a "b"#, "a 'b", r#""a"b"#, "'a'b", r#"a""#, r#""\""#] {
            assert_eq!(
                split_words(line.as_bytes()),
                Err(UnbalancedQuotes),
                "{line}"
            );
        }
    }
}
