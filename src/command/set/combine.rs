//! Intersections, unions and differences of sets.
//!
//! Layer `command`. It may use `state` and what lies below. A result is returned (SINTER), counted
//! (SINTERCARD) or stored (SINTERSTORE). Members are borrowed from their sets, and copied only if
//! they are stored.

use std::ops::ControlFlow;

use hashbrown::HashSet;

use super::{Result, put_member};
use crate::command::Args;
use crate::command::count::{at_least_one, positive};
use crate::command::keys::allow_copies;
use crate::config::EventClass;
use crate::hash::HashState;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::{Keys, SlotId};
use crate::store::set::{Member, Set, SetLimits};

/// `SINTER key [key ...]`
pub(crate) fn sinter(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    answer(keys, out, args, Operation::Intersection)
}

/// `SUNION key [key ...]`
pub(crate) fn sunion(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    answer(keys, out, args, Operation::Union)
}

/// `SDIFF key [key ...]`
pub(crate) fn sdiff(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    answer(keys, out, args, Operation::Difference)
}

/// `SINTERSTORE destination key [key ...]`
pub(crate) fn sinterstore(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    store(keys, args, Operation::Intersection, "sinterstore")
}

/// `SUNIONSTORE destination key [key ...]`
pub(crate) fn sunionstore(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    store(keys, args, Operation::Union, "sunionstore")
}

/// `SDIFFSTORE destination key [key ...]`
pub(crate) fn sdiffstore(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    store(keys, args, Operation::Difference, "sdiffstore")
}

/// `SINTERCARD numkeys key [key ...] [LIMIT limit]`
pub(crate) fn sintercard(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    const KEYS: CommandError = CommandError::text("ERR numkeys should be greater than 0");
    const MORE_KEYS: CommandError =
        CommandError::text("ERR Number of keys can't be greater than number of args");
    const LIMIT: CommandError = CommandError::text("ERR LIMIT can't be negative");
    let count = at_least_one(&args[1], KEYS)?;
    if count > args.len() - 2 {
        return Err(MORE_KEYS);
    }
    let mut limit = 0;
    let mut options = args.iter().skip(2 + count);
    while let Some(option) = options.next() {
        let value = options.next().ok_or(CommandError::SYNTAX)?;
        if !option.eq_ignore_ascii_case(b"limit") {
            return Err(CommandError::SYNTAX);
        }
        limit = positive(value, LIMIT)?;
    }
    let slots = lookup_sets(keys, args.iter().skip(2).take(count))?;
    let mut found = 0;
    let _ = Operation::Intersection.each(&sets_at(keys, &slots)?, |_| {
        found += 1;
        if found == limit {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    Ok(Reply::Integer(found as i64))
}

/// An operation on several sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    /// The members of all sets.
    Intersection,
    /// The members of any set.
    Union,
    /// The members of the first set and of no other.
    Difference,
}

/// Looks up the sets of these keys. As in Redis, all keys are looked up, even if a missing one
/// already decides the result.
fn lookup_sets<'a>(
    keys: &mut Keys<'_>,
    names: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<Option<SlotId>>> {
    let lookup = |name| {
        let slot = keys.lookup_read(name);
        slot.map(|slot| keys.get::<Set>(slot).map(|_| slot))
            .transpose()
    };
    let slots = names.map(lookup).collect::<Result<Vec<_>>>()?;
    allow_copies(keys, slots.iter().copied().flatten())?;
    Ok(slots)
}

/// The sets in these slots. `None`: the key does not exist.
fn sets_at<'a>(keys: &'a Keys<'_>, slots: &[Option<SlotId>]) -> Result<Vec<Option<&'a Set>>> {
    let set = |slot: &Option<SlotId>| slot.map(|slot| keys.get::<Set>(slot)).transpose();
    slots.iter().map(set).collect()
}

fn answer(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
    operation: Operation,
) -> Result {
    let slots = lookup_sets(keys, args.iter().skip(1))?;
    let mut members = Vec::new();
    let _ = operation.each(&sets_at(keys, &slots)?, |member| {
        members.push(member);
        ControlFlow::Continue(())
    });
    out.set(members.len());
    members
        .into_iter()
        .for_each(|member| put_member(out, member));
    Ok(Reply::Sent)
}

fn store(
    keys: &mut Keys<'_>,
    args: &Args<'_>,
    operation: Operation,
    event: &'static str,
) -> Result {
    let slots = lookup_sets(keys, args.iter().skip(2))?;
    let limits = SetLimits::of(keys.config());
    let sets = sets_at(keys, &slots)?;
    let mut result = operation.empty_result(&sets);
    let _ = operation.each(&sets, |member| {
        member.with_bytes(|bytes| result.add(bytes, limits));
        ControlFlow::Continue(())
    });
    if operation == Operation::Intersection {
        result.make_intset(limits);
    }
    let destination = &args[1];
    let length = result.len();
    if length > 0 {
        keys.put(destination, result, false);
        keys.notify(EventClass::Set, event, destination);
    } else if let Some(slot) = keys.peek(destination) {
        keys.delete(slot, EventClass::Generic, "del");
    }
    Ok(Reply::Integer(length as i64))
}

impl Operation {
    /// An empty set in the encoding that Redis starts with (see [`Set`]): for an intersection, that
    /// of the smallest set; for others, an intset.
    fn empty_result(self, sets: &[Option<&Set>]) -> Set {
        let smallest = sets.iter().flatten().min_by_key(|set| set.len());
        match (self, smallest) {
            (Operation::Intersection, Some(set)) if !set.is_intset() => Set::listpack(),
            _ => Set::intset(),
        }
    }

    /// Calls `show` once for each member of the result, until it breaks.
    fn each<'a>(
        self,
        sets: &[Option<&'a Set>],
        show: impl FnMut(Member<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self {
            Operation::Intersection => each_common(sets, show),
            Operation::Union => each_of_any(sets, show),
            Operation::Difference => each_of_first_only(sets, show),
        }
    }
}

/// Looks up every member of the smallest set in the others, the smallest of them first.
fn each_common<'a>(
    sets: &[Option<&'a Set>],
    mut show: impl FnMut(Member<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let all_there: Option<Vec<&Set>> = sets.iter().copied().collect();
    let Some(mut sets) = all_there else {
        return ControlFlow::Continue(());
    };
    sets.sort_by_key(|set| set.len());
    let Some((smallest, others)) = sets.split_first() else {
        return ControlFlow::Continue(());
    };
    let mut common = smallest
        .iter()
        .filter(|member| others.iter().all(|set| set.has(*member)));
    common.try_for_each(&mut show)
}

fn each_of_any<'a>(
    sets: &[Option<&'a Set>],
    mut show: impl FnMut(Member<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let largest = sets.iter().flatten().map(|set| set.len()).max();
    let mut shown = HashSet::with_capacity_and_hasher(largest.unwrap_or(0), HashState);
    let members = sets.iter().flatten().flat_map(|set| set.iter());
    let mut new = members.filter(|member| shown.insert(*member));
    new.try_for_each(&mut show)
}

/// Looks up the members of the first set in each of the others. If it is cheaper, the members of
/// all others are collected into one table first, and looked up there.
fn each_of_first_only<'a>(
    sets: &[Option<&'a Set>],
    mut show: impl FnMut(Member<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some((Some(first), others)) = sets.split_first() else {
        return ControlFlow::Continue(());
    };
    let mut others: Vec<&Set> = others.iter().flatten().copied().collect();
    let cost_of_table = others.iter().map(|set| set.len()).sum::<usize>() + first.len();
    if first.len().saturating_mul(others.len()) <= cost_of_table {
        // A larger set is more likely to contain the member, which ends the search.
        others.sort_by_key(|set| std::cmp::Reverse(set.len()));
        let mut only = first
            .iter()
            .filter(|member| !others.iter().any(|set| set.has(*member)));
        return only.try_for_each(&mut show);
    }
    let members = others.into_iter().flat_map(Set::iter);
    let mut known = HashSet::with_hasher(HashState);
    known.extend(members);
    let mut only = first.iter().filter(|member| !known.contains(member));
    only.try_for_each(&mut show)
}
