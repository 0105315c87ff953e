//! Arguments that the commands of several groups have in common: counts, and texts that Redis
//! handles as C strings.
//!
//! Layer `command`. It may use `state` and what lies below.

use crate::resp::error::CommandError;
use crate::resp::request::{integer_argument, parse_integer};

type Result<T> = std::result::Result<T, CommandError>;

/// The most bytes of a reply with repeated members. It is written under the keyspace's lock; this
/// many bytes take about a tenth of a second. Redis has no limit: a request of a few bytes can fill
/// its memory while all other clients wait.
const MOST_BYTES: u128 = 64 * 1024 * 1024;

/// How many random members a command asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// At most this many, all different.
    Distinct(usize),
    /// Exactly this many, each chosen from all members.
    Repeated(usize),
}

impl Choice {
    /// Parses a count. If it is negative, members may be repeated.
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

    /// Refuses a reply that is expected to take more than [`MOST_BYTES`]. The value has `members`
    /// and takes `memory` bytes. `shown` adds up the bytes of all members in a reply; it is slower,
    /// and is called only if the estimate from `memory` is too large.
    pub(crate) fn validate_reply(
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

/// The bytes of a short bulk string besides its text.
const FRAME: usize = 6;

/// The error for a count that is too large for the command.
pub(crate) const OUT_OF_RANGE: CommandError = CommandError::text("ERR value is out of range");

/// Parses a number that can be negated.
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

/// Parses a number that is not negative.
pub(crate) fn positive(word: &[u8], error: CommandError) -> Result<usize> {
    let number = parse_integer(word).and_then(|number| usize::try_from(number).ok());
    number.ok_or(error)
}

/// Parses a number above 0.
pub(crate) fn at_least_one(word: &[u8], error: CommandError) -> Result<usize> {
    match positive(word, error.clone())? {
        0 => Err(error),
        number => Ok(number),
    }
}

/// The bytes up to the first NUL. Redis quotes and compares some texts as C strings.
pub(crate) fn c_string(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&byte| byte == 0);
    &bytes[..end.unwrap_or(bytes.len())]
}
