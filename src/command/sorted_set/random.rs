//! ZRANDMEMBER.
//!
//! Layer `command`.

use super::{Args, Result, Shown, put_members};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use crate::store::random::numbers;
use crate::store::sorted_set::SortedSet;

/// So many members at most, where each may come several times: Redis has no bound, and a reply
/// without an end would hold everybody up.
const MOST_REPEATED: usize = 1 << 24;

const OUT_OF_RANGE: CommandError = CommandError::text("ERR value is out of range");

/// `ZRANDMEMBER key [count [WITHSCORES]]`: a negative count is of members that may come several times.
pub(crate) fn zrandmember(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    const NOT_SYMMETRIC: CommandError = CommandError::text(
        "ERR value is out of range, value must between -9223372036854775807 and \
         9223372036854775807",
    );
    let Some(word) = args.get(2) else {
        let set = keys.read::<SortedSet>(&args[1])?;
        return match set.and_then(|set| set.random(&mut numbers())) {
            Some((member, _)) => {
                out.bulk(member);
                Ok(Reply::Sent)
            }
            None => Ok(Reply::Null),
        };
    };
    let count = match integer_argument(word)? {
        i64::MIN => return Err(NOT_SYMMETRIC),
        count => count,
    };
    let shown = match args.get(3) {
        None => Shown::Members,
        Some(word) if args.len() == 4 && word.eq_ignore_ascii_case(b"withscores") => {
            Shown::WithScores
        }
        Some(_) => return Err(CommandError::SYNTAX),
    };
    if shown == Shown::WithScores && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(OUT_OF_RANGE);
    }
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 && size > MOST_REPEATED {
        return Err(OUT_OF_RANGE);
    }
    let set = keys.read::<SortedSet>(&args[1])?;
    let Some(set) = set.filter(|_| count != 0) else {
        out.array(0);
        return Ok(Reply::Sent);
    };
    let mut numbers = numbers();
    if count > 0 {
        put_members(out, set.sample(size, &mut numbers), shown);
    } else {
        let members = (0..size).map(|_| set.random(&mut numbers).unwrap_or_default());
        put_members(out, members, shown);
    }
    Ok(Reply::Sent)
}
