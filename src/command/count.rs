//! Counts in a request, as the types of values have them in common.
//!
//! Layer `command`.

use crate::resp::error::CommandError;
use crate::resp::request::{integer_argument, parse_integer};

type Result<T> = std::result::Result<T, CommandError>;

/// Bytes that a reply of repeated members may take: it is written under the keyspace's lock, in about
/// a tenth of a second. Redis knows no limit, and a request of a few bytes can fill its memory while
/// everybody waits.
const MOST_BYTES: u128 = 64 * 1024 * 1024;

/// How many random members a command asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// At most so many, none of them twice.
    Distinct(usize),
    /// Exactly so many, each chosen from all.
    Repeated(usize),
}

impl Choice {
    /// Reads a count, of which a negative one means that members may be repeated.
    pub(crate) fn parse(word: &[u8]) -> Result<Choice> {
        let count = any_but_smallest(word)?;
        let size = count.unsigned_abs() as usize;
        Ok(if count < 0 {
            Choice::Repeated(size)
        } else {
            Choice::Distinct(size)
        })
    }

    /// The count without its sign.
    pub(crate) fn count(self) -> usize {
        match self {
            Choice::Distinct(count) | Choice::Repeated(count) => count,
        }
    }

    /// Refuses a reply that can be expected to take too many bytes. The value has `members` and
    /// takes `memory` bytes; `shown` adds up the bytes that each member has in a reply, and is asked
    /// only if the memory leaves a doubt.
    pub(crate) fn check_reply(
        self,
        members: usize,
        memory: usize,
        shown: impl FnOnce() -> usize,
    ) -> Result<()> {
        let Choice::Repeated(count) = self else {
            return Ok(());
        };
        let is_too_much = |bytes: usize| {
            let each = bytes / members.max(1) + FRAME;
            count as u128 * each as u128 > MOST_BYTES
        };
        if is_too_much(memory) && is_too_much(shown()) {
            return Err(OUT_OF_RANGE);
        }
        Ok(())
    }
}

/// What a short bulk string takes beside its text.
const FRAME: usize = 6;

/// A count that a command cannot serve.
pub(crate) const OUT_OF_RANGE: CommandError = CommandError::text("ERR value is out of range");

/// A number whose sign can be turned around.
pub(crate) fn any_but_smallest(word: &[u8]) -> Result<i64> {
    const OUT_OF_RANGE: CommandError = CommandError::text(
        "ERR value is out of range, value must between -9223372036854775807 and \
         9223372036854775807",
    );
    match integer_argument(word)? {
        i64::MIN => Err(OUT_OF_RANGE),
        number => Ok(number),
    }
}

/// A number that is not negative.
pub(crate) fn positive(word: &[u8], error: CommandError) -> Result<usize> {
    let number = parse_integer(word).and_then(|number| usize::try_from(number).ok());
    number.ok_or(error)
}

/// A number above 0.
pub(crate) fn at_least_one(word: &[u8], error: CommandError) -> Result<usize> {
    match positive(word, error.clone())? {
        0 => Err(error),
        number => Ok(number),
    }
}
