//! SCAN: all keys, some at a time; and what HSCAN and its kin have in common with it.
//!
//! A cursor is the number of the slot to go on from (see [`slots`](crate::store::slots)), and 0 both
//! the beginning and the end. A key that is there from the first call to the last is returned exactly
//! once, whatever comes and goes meanwhile.

use super::Args;

use super::pubsub::check_pattern;
use crate::config::Config;
use crate::glob;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// Slots that a call looks at, at most, for each key that COUNT asks for: Redis's bound.
const SLOTS_PER_KEY: usize = 10;

/// What a SCAN asks for.
pub(super) struct Options<'a> {
    /// About how many elements a call returns.
    pub count: usize,
    pattern: &'a [u8],
    /// SCAN's alone.
    type_name: Option<&'a [u8]>,
}

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
pub(crate) fn scan(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let cursor = usize::try_from(cursor(&args[1])?).unwrap_or(usize::MAX);
    let options = Options::parse(args, 2, keys.config())?;
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
    // To know a key's type is to look it up.
    for _ in 0..typed {
        keys.count_look(true);
    }
    for slot in expired {
        keys.expire(slot);
    }
    Ok(Reply::Sent)
}

impl<'a> Options<'a> {
    /// Those of HSCAN and its kin.
    pub(super) fn of_elements(args: &Args<'a>, config: &Config) -> Result<Options<'a>> {
        let options = Options::parse(args, 3, config)?;
        match options.type_name {
            None => Ok(options),
            Some(_) => Err(CommandError::SYNTAX),
        }
    }

    /// Whether the pattern matches a key, or an element.
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        glob::matches(self.pattern, name)
    }

    fn parse(args: &Args<'a>, first: usize, config: &Config) -> Result<Options<'a>> {
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
        check_pattern(config, options.pattern)?;
        Ok(options)
    }
}

/// Begins the reply: where to go on, and an array of so many replies.
pub(super) fn put_head(out: &mut ReplyWriter<'_>, next: u64, length: usize) {
    out.array(2);
    out.bulk(itoa::Buffer::new().format(next).as_bytes());
    out.array(length);
}

/// The cursor of a request.
pub(super) fn cursor(word: &[u8]) -> Result<u64> {
    parse_cursor(word).ok_or(CommandError::text("ERR invalid cursor"))
}

/// A cursor as Redis reads it, with C's `strtoul`: nothing is 0, and a negative number counts from
/// 2^64. One past all slots is at the end.
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
