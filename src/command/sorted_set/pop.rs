//! Pops from sorted sets: ZPOPMIN, ZMPOP and their blocking forms.
//!
//! Layer `command`. It may use `state` and what lies below. [`blocking`](crate::command::blocking)
//! does the waiting.

use std::ops::Range;

use super::remove::remove_ranks;
use super::{Args, Result, Shown, put_members};
use crate::command::Context;
use crate::command::blocking::{PopEnd, pop_many, pop_many_or_wait, pop_or_wait};
use crate::command::count::positive;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::{Keys, SlotId};
use crate::store::sorted_set::{Directed, SortedSet};

/// An end of a sorted set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The lowest score.
    Min,
    /// The highest score.
    Max,
}

impl End {
    /// The notification of a pop from this end.
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

impl PopEnd for End {
    type Value = SortedSet;

    /// `MIN` or `MAX`.
    fn parse(word: &[u8]) -> Option<End> {
        match word {
            word if word.eq_ignore_ascii_case(b"min") => Some(End::Min),
            word if word.eq_ignore_ascii_case(b"max") => Some(End::Max),
            _ => None,
        }
    }

    fn put_one(self, out: &mut ReplyWriter<'_>, key: &[u8], set: &SortedSet) {
        out.array(3);
        out.bulk(key);
        put_first(out, set, self);
    }

    /// The pairs of member and score are nested in both protocols.
    fn put_some(self, out: &mut ReplyWriter<'_>, set: &SortedSet, count: usize) {
        let members = self.members(set, count);
        out.array(members.len());
        for (member, score) in members {
            out.array(2);
            out.bulk(member);
            out.double(score);
        }
    }

    fn remove(self, keys: &mut Keys<'_>, slot: SlotId, key: &[u8], count: usize) {
        if let Ok(set) = keys.get::<SortedSet>(slot) {
            let ranks = self.ranks(set, count);
            remove_ranks(keys, slot, key, ranks, self.pop_event());
        }
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

/// Answers member and score. With a count, RESP3 nests each pair.
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
    from.remove(keys, slot, key, count.unwrap_or(1));
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
    pop_many::<End>(keys, out, args)
}

/// `BZPOPMIN key [key ...] timeout`
pub(crate) fn bzpopmin(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    pop_or_wait(context, args, End::Min)
}

/// `BZPOPMAX key [key ...] timeout`
pub(crate) fn bzpopmax(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    pop_or_wait(context, args, End::Max)
}

/// `BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count]`
pub(crate) fn bzmpop(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    pop_many_or_wait::<End>(context, args)
}
