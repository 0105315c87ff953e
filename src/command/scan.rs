//! SCAN, and the options and replies that HSCAN, SSCAN and ZSCAN share with it.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! A cursor is the number of the slot to continue from (see [`slots`](crate::store::slots)). 0 is
//! both the start and the end. A key that exists from the first call to the last is returned
//! exactly once, whatever keys are added or removed meanwhile.

use super::Args;

use super::pubsub::validate_pattern;
use crate::config::Config;
use crate::glob;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// The most slots that a call visits for each key that COUNT asks for, as in Redis.
const SLOTS_PER_KEY: usize = 10;

/// The options of SCAN, HSCAN, SSCAN and ZSCAN.
pub(super) struct ScanOptions<'a> {
    /// About how many elements a call returns.
    pub count: usize,
    pattern: &'a [u8],
    /// Only SCAN takes it.
    type_name: Option<&'a [u8]>,
}

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
pub(crate) fn scan(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let cursor = usize::try_from(cursor(&args[1])?).unwrap_or(usize::MAX);
    let options = ScanOptions::parse(args, 2, keys.config())?;
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
            if !options.matches(&entry.key) {
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
    put_head(out, u64::from(next), shown.len());
    for key in shown {
        out.bulk(key);
    }
    // As in Redis, reading a key's type counts as a look-up.
    for _ in 0..typed {
        keys.count_look(true);
    }
    for slot in expired {
        keys.expire(slot);
    }
    Ok(Reply::Sent)
}

impl<'a> ScanOptions<'a> {
    /// Parses the options of HSCAN, SSCAN and ZSCAN.
    pub(super) fn of_elements(args: &Args<'a>, config: &Config) -> Result<ScanOptions<'a>> {
        let options = ScanOptions::parse(args, 3, config)?;
        match options.type_name {
            None => Ok(options),
            Some(_) => Err(CommandError::SYNTAX),
        }
    }

    /// Whether the pattern matches a key or an element.
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        glob::matches(self.pattern, name)
    }

    fn parse(args: &Args<'a>, first: usize, config: &Config) -> Result<ScanOptions<'a>> {
        let mut options = ScanOptions {
            count: 10,
            pattern: b"*",
            type_name: None,
        };
        let mut rest = args.iter().skip(first);
        while let Some(option) = rest.next() {
            let value = rest.next().ok_or(CommandError::SYNTAX)?;
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
        validate_pattern(config, options.pattern)?;
        Ok(options)
    }
}

/// Begins the reply: the next cursor, and an array of `length` elements.
pub(super) fn put_head(out: &mut ReplyWriter<'_>, next: u64, length: usize) {
    out.array(2);
    out.bulk(itoa::Buffer::new().format(next).as_bytes());
    out.array(length);
}

/// Parses the cursor of a request.
pub(super) fn cursor(word: &[u8]) -> Result<u64> {
    parse_cursor(word).ok_or(CommandError::text("ERR invalid cursor"))
}

/// Parses a cursor as Redis does, with C's `strtoul`: an empty text is 0, and a negative number is
/// added to 2^64. A cursor beyond all slots is at the end.
fn parse_cursor(word: &[u8]) -> Option<u64> {
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
    Some(if negative {
        number.wrapping_neg()
    } else {
        number
    })
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
            ("18446744073709551615", Some(u64::MAX)),
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
