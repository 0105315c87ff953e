//! Compares the splitting into words with a plain automaton, and tries quoted words.
//!
//! Layer `fuzz`.

use crate::resp::inline::{UnbalancedQuotes, split_words};

pub(super) fn run_input(data: &[u8]) {
    // A line never contains a line break.
    for line in data.split(|&byte| byte == b'\n') {
        assert_eq!(split_words(line), by_automaton(line));
        if let Ok(words) = split_words(line) {
            assert_reads_back(&words);
        }
    }
    // The input as words, which may contain line breaks.
    let words: Vec<_> = data
        .split(|&byte| byte == b' ')
        .map(<[u8]>::to_vec)
        .collect();
    assert_reads_back(&words);
}

/// Asserts that the words are the same after they were quoted, in each way, and split again.
fn assert_reads_back(words: &[Vec<u8>]) {
    for quote in [hexadecimal, double, single] {
        let quoted: Vec<_> = words.iter().map(|word| quote(word)).collect();
        let split = split_words(&quoted.join(&b"  "[..]));
        assert_eq!(split.as_deref(), Ok(words));
    }
}

/// Quotes a word as Redis prints a string (`sdscatrepr`), but with every byte in hexadecimal.
pub(super) fn hexadecimal(word: &[u8]) -> Vec<u8> {
    let bytes: String = word.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    format!("\"{bytes}\"").into()
}

fn double(word: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for &byte in word {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', byte]),
            b'\n' => quoted.extend(b"\\n"),
            b'\r' => quoted.extend(b"\\r"),
            b'\t' => quoted.extend(b"\\t"),
            0x07 => quoted.extend(b"\\a"),
            0x08 => quoted.extend(b"\\b"),
            _ => quoted.push(byte),
        }
    }
    quoted.push(b'"');
    quoted
}

/// The only escape in single quotes is `\'`. So they cannot contain a backslash before a quote or
/// at the end. Such a word is put in double quotes.
fn single(word: &[u8]) -> Vec<u8> {
    let has = |pair: &[u8]| pair == b"\\'";
    if word.windows(2).any(has) || word.ends_with(b"\\") {
        return double(word);
    }
    let mut quoted = vec![b'\''];
    for &byte in word {
        if byte == b'\'' {
            quoted.push(b'\\');
        }
        quoted.push(byte);
    }
    quoted.push(b'\'');
    quoted
}

/// The state of the automaton.
#[derive(Clone, Copy)]
enum State {
    Between,
    Bare,
    Single,
    /// After a backslash in single quotes.
    SingleEscape,
    Double,
    /// After a backslash in double quotes.
    DoubleEscape,
    /// After `\x`.
    Hex,
    /// After `\x` and one digit.
    HexDigit(u8),
    /// After a closing quote.
    Closed,
}

/// Splits a line with an automaton that reads one byte at a time. When an escape turns out to be
/// invalid, its bytes become part of the word.
fn by_automaton(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    // C's isspace. The last two do not end a word without quotes.
    const BLANKS: &[u8] = b" \t\n\r\x0b\x0c";
    let ends_bare = |byte: u8| BLANKS[..4].contains(&byte);
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);

    let mut words = Vec::new();
    let mut word = Vec::new();
    let mut state = State::Between;
    for &byte in line {
        match state {
            State::Between if BLANKS.contains(&byte) => continue,
            State::SingleEscape if byte == b'\'' => {
                word.push(byte);
                state = State::Single;
                continue;
            }
            State::SingleEscape => {
                word.push(b'\\');
                state = State::Single;
            }
            State::Hex if digit(byte).is_none() => {
                word.push(b'x');
                state = State::Double;
            }
            State::HexDigit(first) if digit(byte).is_none() => {
                word.extend([b'x', first]);
                state = State::Double;
            }
            _ => {}
        }
        state = match (state, byte) {
            (State::Between | State::Bare, b'"') => State::Double,
            (State::Between | State::Bare, b'\'') => State::Single,
            (State::Bare, byte) if ends_bare(byte) => {
                words.push(std::mem::take(&mut word));
                State::Between
            }
            (State::Single, b'\'') | (State::Double, b'"') => State::Closed,
            (State::Single, b'\\') => State::SingleEscape,
            (State::Double, b'\\') => State::DoubleEscape,
            (State::DoubleEscape, b'x') => State::Hex,
            (State::Hex, first) => State::HexDigit(first),
            (State::HexDigit(first), second) => {
                let digits = digit(first).zip(digit(second));
                word.extend(digits.map(|(high, low)| high * 16 + low));
                State::Double
            }
            (State::DoubleEscape, byte) => {
                let named = b"nrtba".iter().position(|&letter| letter == byte);
                word.push(named.map_or(byte, |place| b"\n\r\t\x08\x07"[place]));
                State::Double
            }
            (State::Closed, byte) if BLANKS.contains(&byte) => {
                words.push(std::mem::take(&mut word));
                State::Between
            }
            (State::Closed, _) => return Err(UnbalancedQuotes),
            (State::Between | State::Bare, byte) => {
                word.push(byte);
                State::Bare
            }
            (inside, byte) => {
                word.push(byte);
                inside
            }
        };
    }
    match state {
        State::Between => Ok(words),
        State::Bare | State::Closed => {
            words.push(word);
            Ok(words)
        }
        _ => Err(UnbalancedQuotes),
    }
}
