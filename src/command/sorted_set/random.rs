//! ZRANDMEMBER.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::{Args, Result, Shown, put_members};
use crate::command::count::{Choice, OUT_OF_RANGE};
use crate::resp::error::CommandError;
use crate::resp::number::format_double;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use crate::store::random;
use crate::store::sorted_set::SortedSet;
use crate::store::value::ValueType;

/// `ZRANDMEMBER key [count [WITHSCORES]]`: with a negative count, members may be repeated.
pub(crate) fn zrandmember(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let choice = args.get(2).map(Choice::parse).transpose()?;
    let shown = match args.get(3) {
        None => Shown::Members,
        Some(word) if args.len() == 4 && word.eq_ignore_ascii_case(b"withscores") => {
            Shown::WithScores
        }
        Some(_) => return Err(CommandError::SYNTAX),
    };
    let is_too_much = choice.is_some_and(|choice| choice.count() > i64::MAX as usize / 2);
    if shown == Shown::WithScores && is_too_much {
        return Err(OUT_OF_RANGE);
    }
    let set = keys.read::<SortedSet>(&args[1])?;
    let Some(choice) = choice else {
        match set.and_then(|set| set.random(&mut random::number)) {
            Some((member, _)) => out.bulk(member),
            None => out.null(),
        }
        return Ok(Reply::Sent);
    };
    let Some(set) = set else {
        out.array(0);
        return Ok(Reply::Sent);
    };
    choice.validate_reply(set.len(), set.memory(), || {
        let bytes = |(member, score): (&[u8], f64)| match shown {
            Shown::Members => member.len(),
            Shown::WithScores => member.len() + format_double(score).len(),
        };
        set.iter().map(bytes).sum()
    })?;
    match choice {
        Choice::Distinct(count) => {
            put_members(out, set.sample(count, &mut random::number), shown);
        }
        Choice::Repeated(count) => {
            let some = |_| set.random(&mut random::number).unwrap_or_default();
            put_members(out, (0..count).map(some), shown);
        }
    }
    Ok(Reply::Sent)
}
