//! SCAN: all keys, some at a time; and ZSCAN, which does so with the members of a sorted set.
//!
//! A cursor is the number of the slot to go on from (see [`slots`](crate::store::slots)), and 0 both
//! the beginning and the end. A key that is there from the first call to the last is returned exactly
//! once, whatever comes and goes meanwhile. What scans a value has the value's own cursors, with the
//! same promise.

use super::Args;
use super::keys::is_shown;
use super::pubsub::check_pattern;
use crate::resp::error::CommandError;
use crate::resp::number::format_double;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use crate::store::sorted_set::SortedSet;
use crate::store::value::ValueType;

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// Slots that a call looks at, at most, for each key that COUNT asks for: Redis's bound.
const SLOTS_PER_KEY: usize = 10;

/// What a SCAN, or a scan of a value, asks for.
struct Options<'a> {
    count: usize,
    pattern: &'a [u8],
    type_name: Option<&'a [u8]>,
}

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
pub(crate) fn scan(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let cursor = cursor_argument(&args[1])?;
    let options = Options::parse(args, 2)?;
    check_pattern(keys.config(), options.pattern)?;
    let (mut shown, mut typed, mut expired) = (Vec::new(), 0, Vec::new());
    let mut next = 0;
    if let Some(database) = keys.database() {
        let mut found = 0;
        let bound = options.count.saturating_mul(SLOTS_PER_KEY);
        for (step, (slot, entry)) in database.places_from(cursor).enumerate() {
            if found == options.count || step == bound {
                next = slot;
                break;
            }
            let Some(entry) = entry else {
                continue;
            };
            found += 1;
            if !is_shown(options.pattern, &entry.key) {
                continue;
            }
            if keys.is_expired(slot) {
                expired.push(slot);
                continue;
            }
            if let Some(name) = options.type_name {
                typed += 1;
                if !name.eq_ignore_ascii_case(entry.value.type_name().as_bytes()) {
                    continue;
                }
            }
            shown.push(&entry.key);
        }
    }
    put_cursor(out, next.into());
    out.array(shown.len());
    for key in shown {
        out.bulk(key);
    }
    // To know a key's type is to look it up.
    for _ in 0..typed {
        keys.count_look(true);
    }
    for slot in expired {
        keys.expire(slot);
    }
    Ok(Reply::Sent)
}

/// `ZSCAN key cursor [MATCH pattern] [COUNT count]`: scores are bulk strings in RESP3, too.
pub(crate) fn zscan(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let cursor = cursor_argument(&args[2])?;
    let config = keys.config();
    let Some(set) = keys.read::<SortedSet>(&args[1])? else {
        put_cursor(out, 0);
        out.array(0);
        return Ok(Reply::Sent);
    };
    let options = Options::parse_of_value(args)?;
    check_pattern(config, options.pattern)?;
    let is_packed = set.encoding() == "listpack";
    let mut shown = Vec::new();
    let next = set.scan(cursor as u64, options.count, |member, score| {
        if is_shown(options.pattern, member) {
            shown.push((member, score));
        }
    });
    put_cursor(out, next);
    out.array(shown.len() * 2);
    for (member, score) in shown {
        out.bulk(member);
        out.bulk(scanned_score(score, is_packed).as_bytes());
    }
    Ok(Reply::Sent)
}

/// A score as ZSCAN shows it. In a listpack, Redis keeps whole numbers of up to 62 bits as such, and
/// shows them without an exponent.
fn scanned_score(score: f64, is_packed: bool) -> String {
    const MOST: f64 = (i64::MAX / 2) as f64;
    if is_packed && score.fract() == 0.0 && score.abs() <= MOST {
        (score as i64).to_string()
    } else {
        format_double(score)
    }
}

fn cursor_argument(word: &[u8]) -> Result<usize> {
    parse_cursor(word).ok_or(CommandError::text("ERR invalid cursor"))
}

/// Begins the reply: an array follows.
fn put_cursor(out: &mut ReplyWriter<'_>, next: u64) {
    out.array(2);
    out.bulk(itoa::Buffer::new().format(next).as_bytes());
}

impl<'a> Options<'a> {
    /// Of a scan of a value, whose cursor stands behind the key: a value has no types.
    fn parse_of_value(args: &Args<'a>) -> Result<Options<'a>> {
        let options = Options::parse(args, 3)?;
        if options.type_name.is_some() {
            return Err(CommandError::SYNTAX);
        }
        Ok(options)
    }

    /// Reads the words from `first` on.
    fn parse(args: &Args<'a>, first: usize) -> Result<Options<'a>> {
        let mut options = Options {
            count: 10,
            pattern: b"*",
            type_name: None,
        };
        let mut words = args.iter().skip(first);
        while let Some(option) = words.next() {
            let value = words.next().ok_or(CommandError::SYNTAX)?;
            if option.eq_ignore_ascii_case(b"count") {
                let count = integer_argument(value)?;
                let count = usize::try_from(count).ok().filter(|&count| count > 0);
                options.count = count.ok_or(CommandError::SYNTAX)?;
            } else if option.eq_ignore_ascii_case(b"match") {
                options.pattern = value;
            } else if option.eq_ignore_ascii_case(b"type") {
                options.type_name = Some(value);
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(options)
    }
}

/// A cursor as Redis reads it, with C's `strtoul`: nothing is 0, and a negative number counts from
/// 2^64. One past all slots is at the end.
fn parse_cursor(word: &[u8]) -> Option<usize> {
    let (negative, digits) = match word {
        [] => return Some(0),
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number = 0_u64;
    for &digit in digits {
        let value = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number = number.checked_mul(10)?.checked_add(value)?;
    }
    let number = if negative {
        number.wrapping_neg()
    } else {
        number
    };
    Some(usize::try_from(number).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_strtoul_reads_them() {
        for (word, cursor) in [
            ("", Some(0)),
            ("0", Some(0)),
            ("007", Some(7)),
            ("+7", Some(7)),
            ("-18446744073709551615", Some(1)),
            ("18446744073709551615", Some(usize::MAX)),
            ("18446744073709551616", None),
            ("-", None),
            ("+", None),
            (" 1", None),
            ("1 ", None),
            ("0x1", None),
            ("--1", None),
        ] {
            assert_eq!(parse_cursor(word.as_bytes()), cursor, "{word:?}");
        }
    }
}
