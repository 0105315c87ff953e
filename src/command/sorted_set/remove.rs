//! ZREM, ZREMRANGEBYRANK, ZREMRANGEBYSCORE and ZREMRANGEBYLEX.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::ops::Range;

use super::bounds::{LexRange, ScoreRange};
use super::{Args, Result};
use crate::command::list::span;
use crate::config::EventClass;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::store::keys::{Keys, SlotId};
use crate::store::sorted_set::SortedSet;

/// `ZREM key member [member ...]`
pub(crate) fn zrem(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let key = &args[1];
    let Some(slot) = keys.write::<SortedSet>(key)? else {
        return Ok(Reply::Integer(0));
    };
    let removed = keys.change(slot, |set: &mut SortedSet| {
        let members = args.iter().skip(2);
        members
            .filter(|member| set.remove(member).is_some())
            .count()
    });
    if removed > 0 {
        keys.notify(EventClass::SortedSet, "zrem", key);
        keys.changed(key);
        keys.drop_if_empty(slot);
    }
    Ok(Reply::Integer(removed as i64))
}

/// `ZREMRANGEBYRANK key start stop`
pub(crate) fn zremrangebyrank(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let (start, stop) = (integer_argument(&args[2])?, integer_argument(&args[3])?);
    remove_range(keys, &args[1], "zremrangebyrank", |set| {
        let (start, length) = span(start, stop, set.len());
        start..start + length
    })
}

/// `ZREMRANGEBYSCORE key min max`
pub(crate) fn zremrangebyscore(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let range = ScoreRange::parse(&args[2], &args[3])?;
    remove_range(keys, &args[1], "zremrangebyscore", |set| range.ranks(set))
}

/// `ZREMRANGEBYLEX key min max`
pub(crate) fn zremrangebylex(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let range = LexRange::parse(&args[2], &args[3])?;
    remove_range(keys, &args[1], "zremrangebylex", |set| range.ranks(set))
}

fn remove_range(
    keys: &mut Keys<'_>,
    key: &[u8],
    event: &'static str,
    ranks: impl FnOnce(&SortedSet) -> Range<usize>,
) -> Result {
    let Some(slot) = keys.write::<SortedSet>(key)? else {
        return Ok(Reply::Integer(0));
    };
    let ranks = ranks(keys.get::<SortedSet>(slot)?);
    let removed = ranks.len();
    if removed > 0 {
        remove_ranks(keys, slot, key, ranks, event);
    }
    Ok(Reply::Integer(removed as i64))
}

/// Removes the members with these ranks, and notifies of it. If no member is left, the whole value
/// is deleted, so that it is freed outside of the lock.
pub(super) fn remove_ranks(
    keys: &mut Keys<'_>,
    slot: SlotId,
    key: &[u8],
    ranks: Range<usize>,
    event: &'static str,
) {
    keys.notify(EventClass::SortedSet, event, key);
    let length = SortedSet::len;
    if keys.get(slot).is_ok_and(|set| ranks.len() == length(set)) {
        keys.delete(slot, EventClass::Generic, "del");
        return;
    }
    keys.change(slot, |set: &mut SortedSet| set.remove_ranks(ranks));
    keys.changed(key);
}
