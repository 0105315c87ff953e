//! Members that are taken from an end: ZPOPMIN and its kin, at once or as soon as there are any.
//!
//! Layer `command`. Waiting is [`blocking`](crate::command::blocking)'s; here is what is done for one
//! that waits.

use std::ops::Range;

use super::remove::remove_ranks;
use super::{Args, Result, Shown, put_members};
use crate::command::Context;
use crate::command::blocking::{do_or_wait, try_now};
use crate::command::count::positive;
use crate::command::list::PopMany;
use crate::resp::error::CommandError;
use crate::resp::number::parse_timeout;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::blocked::BlockedOp;
use crate::store::keys::{Keys, SlotId};
use crate::store::sorted_set::{Directed, SortedSet};
use crate::store::value::Stored;

/// An end of a sorted set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The lowest score.
    Min,
    /// The highest score.
    Max,
}

impl End {
    /// `MIN` or `MAX`, in any letter case.
    fn of(word: &[u8]) -> Option<End> {
        match word {
            word if word.eq_ignore_ascii_case(b"min") => Some(End::Min),
            word if word.eq_ignore_ascii_case(b"max") => Some(End::Max),
            _ => None,
        }
    }

    /// The name of a pop from this end.
    fn pop_event(self) -> &'static str {
        match self {
            End::Min => "zpopmin",
            End::Max => "zpopmax",
        }
    }

    /// The ranks of the first members from this end, at most `count`.
    fn ranks(self, set: &SortedSet, count: usize) -> Range<usize> {
        let length = set.len();
        let count = count.min(length);
        match self {
            End::Min => 0..count,
            End::Max => length - count..length,
        }
    }

    /// The first members from this end, at most `count`.
    fn members(self, set: &SortedSet, count: usize) -> Directed<'_> {
        set.by_rank(self.ranks(set, count), self == End::Max)
    }
}

/// Takes the first members from an end, at most `count`, with all that follows.
fn take(keys: &mut Keys<'_>, slot: SlotId, key: &[u8], from: End, count: usize) {
    if let Ok(set) = keys.get::<SortedSet>(slot) {
        let ranks = from.ranks(set, count);
        remove_ranks(keys, slot, key, ranks, from.pop_event());
    }
}

/// `ZPOPMIN key [count]`
pub(crate) fn zpopmin(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    pop(keys, out, args, End::Min)
}

/// `ZPOPMAX key [count]`
pub(crate) fn zpopmax(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    pop(keys, out, args, End::Max)
}

/// With a count, the members are pairs; without, one member and its score.
fn pop(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>, from: End) -> Result {
    const NEGATIVE: CommandError =
        CommandError::text("ERR value is out of range, must be positive");
    if args.len() > 3 {
        return Err(CommandError::SYNTAX);
    }
    let count = args
        .get(2)
        .map(|word| positive(word, NEGATIVE))
        .transpose()?;
    let key = &args[1];
    let found = keys.write::<SortedSet>(key)?.filter(|_| count != Some(0));
    let Some(slot) = found else {
        out.array(0);
        return Ok(Reply::Sent);
    };
    let set = keys.get::<SortedSet>(slot)?;
    match count {
        Some(count) => put_members(out, from.members(set, count), Shown::WithScores),
        None => {
            out.array(2);
            put_first(out, set, from);
        }
    }
    if out.is_starved() {
        return Err(CommandError::NO_MEMORY);
    }
    take(keys, slot, key, from, count.unwrap_or(1));
    Ok(Reply::Sent)
}

/// Writes the first member from an end and its score.
fn put_first(out: &mut ReplyWriter<'_>, set: &SortedSet, from: End) {
    let (member, score) = from.members(set, 1).next().unwrap_or_default();
    out.bulk(member);
    out.double(score);
}

/// `ZMPOP numkeys key [key ...] MIN | MAX [COUNT count]`
pub(crate) fn zmpop(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let PopMany {
        keys: wanted,
        from,
        count,
    } = PopMany::parse(args, 1, End::of)?;
    if try_now::<SortedSet>(&PopSome { from, count }, keys, out, &wanted)? {
        Ok(Reply::Sent)
    } else {
        Ok(Reply::NullArray)
    }
}

/// `BZPOPMIN key [key ...] timeout`
pub(crate) fn bzpopmin(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    pop_or_wait(context, args, End::Min)
}

/// `BZPOPMAX key [key ...] timeout`
pub(crate) fn bzpopmax(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    pop_or_wait(context, args, End::Max)
}

fn pop_or_wait(context: &mut Context<'_>, args: &Args<'_>, from: End) -> Result {
    let last = args.len() - 1;
    let timeout = parse_timeout(&args[last])?;
    let wanted: Vec<_> = args.iter().take(last).skip(1).collect();
    do_or_wait::<SortedSet>(context, &wanted, PopOne { from }, timeout)
}

/// `BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count]`
pub(crate) fn bzmpop(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let PopMany { keys, from, count } = PopMany::parse(args, 2, End::of)?;
    let timeout = parse_timeout(&args[1])?;
    do_or_wait::<SortedSet>(context, &keys, PopSome { from, count }, timeout)
}

/// One member and its score, with the key's name (BZPOPMIN, BZPOPMAX).
#[derive(Debug)]
struct PopOne {
    from: End,
}

impl BlockedOp for PopOne {
    fn waits_for(&self) -> &'static str {
        SortedSet::NAME
    }

    fn answer(
        &self,
        keys: &mut Keys<'_>,
        slot: SlotId,
        key: &[u8],
        out: &mut ReplyWriter<'_>,
    ) -> Result<bool> {
        let set = keys.get::<SortedSet>(slot)?;
        out.array(3);
        out.bulk(key);
        put_first(out, set, self.from);
        Ok(true)
    }

    fn take(&self, keys: &mut Keys<'_>, slot: SlotId, key: &[u8]) {
        take(keys, slot, key, self.from, 1);
    }

    fn timed_out(&self) -> Reply {
        Reply::NullArray
    }
}

/// At most so many members and their scores, with the key's name (ZMPOP, BZMPOP). They are nested in
/// both protocols.
#[derive(Debug)]
struct PopSome {
    from: End,
    count: usize,
}

impl BlockedOp for PopSome {
    fn waits_for(&self) -> &'static str {
        SortedSet::NAME
    }

    fn answer(
        &self,
        keys: &mut Keys<'_>,
        slot: SlotId,
        key: &[u8],
        out: &mut ReplyWriter<'_>,
    ) -> Result<bool> {
        let members = self.from.members(keys.get(slot)?, self.count);
        out.array(2);
        out.bulk(key);
        out.array(members.len());
        for (member, score) in members {
            out.array(2);
            out.bulk(member);
            out.double(score);
        }
        Ok(true)
    }

    fn take(&self, keys: &mut Keys<'_>, slot: SlotId, key: &[u8]) {
        take(keys, slot, key, self.from, self.count);
    }

    fn timed_out(&self) -> Reply {
        Reply::NullArray
    }
}
