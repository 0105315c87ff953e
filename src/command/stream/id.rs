//! Parses the ids in requests.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! As in Redis, an id is read as a C string, and its numbers with C's `strtoull`. So `1-1` may be
//! written ` +01-01`, and what follows a NUL is ignored.

use std::ops::RangeInclusive;

use super::Result;
use crate::command::c_string;
use crate::resp::error::CommandError;
use crate::resp::request::parse_integer;
use crate::store::stream::StreamId;

/// An argument is not an id.
const INVALID: CommandError =
    CommandError::text("ERR Invalid stream ID specified as stream command argument");

/// Ids are shorter than this, in bytes.
const TEXT_LIMIT: usize = 128;

/// The id of a new entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NewId {
    /// `*`: chosen by the server.
    Auto,
    /// `ms-*`: the next one of this time.
    At(u64),
    /// A whole id.
    Given(StreamId),
}

impl NewId {
    /// Parses an id other than `*`.
    pub(super) fn parse(word: &[u8]) -> Result<NewId> {
        match parts(word)? {
            (ms, Some(b"*")) => Ok(NewId::At(number(ms)?)),
            _ => Ok(NewId::Given(parse_id(word, 0)?)),
        }
    }

    /// The id of an entry that is added after `last` at the time `now`. `None`: the id is not
    /// greater than `last`.
    pub(super) fn after(self, last: StreamId, now: u64) -> Option<StreamId> {
        match self {
            NewId::Auto => last.next_at(now),
            NewId::At(ms) if ms > last.ms => Some(StreamId::new(ms, 0)),
            NewId::At(ms) => last.next().filter(|next| next.ms == ms),
            NewId::Given(id) => Some(id).filter(|id| *id > last),
        }
    }
}

/// Parses an id. If it is only a time, `seq` is its number.
pub(super) fn parse_id(word: &[u8], seq: u64) -> Result<StreamId> {
    let (ms, given) = parts(word)?;
    let ms = number(ms)?;
    Ok(StreamId::new(ms, given.map_or(Ok(seq), number)?))
}

/// Parses an id, or `-` or `+` for the lowest or highest one.
pub(super) fn parse_any_id(word: &[u8], seq: u64) -> Result<StreamId> {
    match c_string(word) {
        _ if word.len() >= TEXT_LIMIT => Err(INVALID),
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        _ => parse_id(word, seq),
    }
}

/// Parses the ids in arguments, all of them before anything is done.
pub(super) fn parse_ids<'a>(
    words: impl ExactSizeIterator<Item = &'a [u8]>,
) -> Result<smallvec::SmallVec<[StreamId; 8]>> {
    words.map(|word| parse_id(word, 0)).collect()
}

/// Parses both ends of an interval. The range is empty if the start is above the end.
pub(super) fn parse_interval(start: &[u8], end: &[u8]) -> Result<RangeInclusive<StreamId>> {
    Ok(parse_start(start)?..=parse_end(end)?)
}

/// Parses the start of an interval. After a `(`, the id itself does not belong to the interval.
pub(super) fn parse_start(word: &[u8]) -> Result<StreamId> {
    const NO_NEXT: CommandError = CommandError::text("ERR invalid start ID for the interval");
    match word {
        [b'(', id @ ..] if !id.is_empty() => parse_id(id, 0)?.next().ok_or(NO_NEXT),
        _ => parse_any_id(word, 0),
    }
}

fn parse_end(word: &[u8]) -> Result<StreamId> {
    const NO_PREVIOUS: CommandError = CommandError::text("ERR invalid end ID for the interval");
    match word {
        [b'(', id @ ..] if !id.is_empty() => parse_id(id, u64::MAX)?.previous().ok_or(NO_PREVIOUS),
        _ => parse_any_id(word, u64::MAX),
    }
}

/// The time of an id, and its number if it is there.
fn parts(word: &[u8]) -> Result<(&[u8], Option<&[u8]>)> {
    if word.len() >= TEXT_LIMIT {
        return Err(INVALID);
    }
    let text = c_string(word);
    let dash = text.iter().position(|&byte| byte == b'-');
    Ok(dash.map_or((text, None), |dash| {
        (&text[..dash], Some(&text[dash + 1..]))
    }))
}

/// A number as Redis's `string2ull` reads it: a plain integer that is not negative, or else
/// whatever `strtoull` makes of it, which wraps a negative number that is written in another way.
fn number(text: &[u8]) -> Result<u64> {
    if let Some(number) = parse_integer(text) {
        return u64::try_from(number).map_err(|_| INVALID);
    }
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let text = &text[text.iter().take_while(is_blank).count()..];
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(INVALID);
    }
    let value = digits.iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    });
    let value = value.ok_or(INVALID)?;
    Ok(if is_negative {
        value.wrapping_neg()
    } else {
        value
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Option<(u64, u64)> {
        parse_id(text.as_bytes(), 9).ok().map(|id| (id.ms, id.seq))
    }

    #[test]
    fn ids_are_read_as_c_does() {
        for (text, expected) in [
            ("1-2", Some((1, 2))),
            ("1", Some((1, 9))),
            ("01-+2", Some((1, 2))),
            (" 1- 2", Some((1, 2))),
            ("1-2\0x", Some((1, 2))),
            ("1\0-2", Some((1, 9))),
            (
                "18446744073709551615-18446744073709551615",
                Some((u64::MAX, u64::MAX)),
            ),
            ("1- -1", Some((1, u64::MAX))),
            ("18446744073709551616", None),
            ("1--1", None),
            ("1-2-3", None),
            ("1-", None),
            ("-", None),
            ("+", None),
            ("", None),
            ("-1", None),
            ("x", None),
            ("1-x", None),
            ("1-*", None),
        ] {
            assert_eq!(id(text), expected, "{text:?}");
        }
        assert_eq!(id(&"0".repeat(127)), Some((0, 9)));
        assert_eq!(id(&"0".repeat(128)), None);
    }

    #[test]
    fn a_new_id_is_above_the_last() {
        let last = StreamId::new(5, 7);
        for (text, expected) in [
            ("5-7", None),
            ("5-8", Some(StreamId::new(5, 8))),
            ("5-*", Some(StreamId::new(5, 8))),
            ("4-*", None),
            ("6-*", Some(StreamId::new(6, 0))),
        ] {
            let new = NewId::parse(text.as_bytes()).expect("an id");
            assert_eq!(new.after(last, 0), expected, "{text}");
        }
        assert_eq!(NewId::Auto.after(last, 4), Some(StreamId::new(5, 8)));
        assert_eq!(NewId::Auto.after(last, 6), Some(StreamId::new(6, 0)));
        let full = StreamId::new(5, u64::MAX);
        assert_eq!(NewId::At(5).after(full, 0), None);
        assert_eq!(
            NewId::At(0).after(StreamId::MIN, 0),
            Some(StreamId::new(0, 1))
        );
        assert_eq!(NewId::Auto.after(StreamId::MAX, 0), None);
        assert!(NewId::parse(b"*-1").is_err());
    }

    #[test]
    fn an_interval_may_leave_its_ends_out() {
        let interval = |start: &str, end: &str| {
            let range = parse_interval(start.as_bytes(), end.as_bytes()).ok()?;
            Some((*range.start(), *range.end()))
        };
        let id = StreamId::new;
        assert_eq!(interval("-", "+"), Some((StreamId::MIN, StreamId::MAX)));
        assert_eq!(interval("3", "3"), Some((id(3, 0), id(3, u64::MAX))));
        assert_eq!(interval("(3", "(3"), Some((id(3, 1), id(3, u64::MAX - 1))));
        assert_eq!(interval("(3-1", "(3-0"), Some((id(3, 2), id(2, u64::MAX))));
        for (start, end) in [
            ("(-", "+"),
            ("-", "(+"),
            ("(", "+"),
            ("-", "(0-0"),
            ("(18446744073709551615-18446744073709551615", "+"),
        ] {
            assert_eq!(interval(start, end), None, "{start} {end}");
        }
    }
}
