//! The list commands that do not block: LPUSH, LPOP, LRANGE and so on. The checks are in Redis's
//! order, which decides what error a client sees.
//!
//! Layer `command`. It may use `state` and what lies below.

mod moves;
mod options;

pub(super) use moves::move_element;
use moves::push_event;
pub(super) use options::PopMany;

use super::Args;
use super::blocking::{Move, PopEnd, pop_many, try_now};
use super::count::{any_but_smallest, positive};
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::{Keys, SlotId};
use crate::store::list::{End, List};
use options::Position;

type Result = std::result::Result<Reply, CommandError>;

/// `LPUSH key element [element ...]`
pub(crate) fn lpush(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    push(keys, args, End::Head, IfMissing::Add)
}

/// `RPUSH key element [element ...]`
pub(crate) fn rpush(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    push(keys, args, End::Tail, IfMissing::Add)
}

/// `LPUSHX key element [element ...]`
pub(crate) fn lpushx(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    push(keys, args, End::Head, IfMissing::Leave)
}

/// `RPUSHX key element [element ...]`
pub(crate) fn rpushx(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    push(keys, args, End::Tail, IfMissing::Leave)
}

/// What a push does if there is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IfMissing {
    Add,
    Leave,
}

fn push(keys: &mut Keys<'_>, args: &Args<'_>, end: End, if_missing: IfMissing) -> Result {
    let key = &args[1];
    let slot = match if_missing {
        IfMissing::Add => keys.write_or_add::<List>(key)?,
        IfMissing::Leave => match keys.write::<List>(key)? {
            Some(slot) => slot,
            None => return Ok(Reply::Integer(0)),
        },
    };
    let length = keys.change(slot, |list: &mut List| {
        for element in args.iter().skip(2) {
            list.push(end, element);
        }
        list.len()
    });
    keys.changed(key);
    keys.notify(EventClass::List, push_event(end), key);
    Ok(Reply::Integer(length as i64))
}

/// `LPOP key [count]`
pub(crate) fn lpop(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    pop(keys, out, args, "lpop", End::Head)
}

/// `RPOP key [count]`
pub(crate) fn rpop(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    pop(keys, out, args, "rpop", End::Tail)
}

fn pop(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
    name: &str,
    from: End,
) -> Result {
    if args.len() > 3 {
        return Err(CommandError::Arity(name.to_owned()));
    }
    let count = args.get(2).map(|word| {
        positive(
            word,
            CommandError::text("ERR value is out of range, must be positive"),
        )
    });
    let count = count.transpose()?;
    let key = &args[1];
    let Some(slot) = keys.write::<List>(key)? else {
        return Ok(match count {
            None => Reply::Null,
            Some(_) => Reply::NullArray,
        });
    };
    let list = keys.get::<List>(slot)?;
    match count {
        None => out.bulk(list.peek(from).unwrap_or_default()),
        Some(count) => from.put_some(out, list, count),
    }
    if out.is_starved() {
        return Err(CommandError::NO_MEMORY);
    }
    if count != Some(0) {
        from.remove(keys, slot, key, count.unwrap_or(1));
    }
    Ok(Reply::Sent)
}

/// `LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count]`
pub(crate) fn lmpop(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    pop_many::<End>(keys, out, args)
}

/// `LMOVE source destination LEFT | RIGHT LEFT | RIGHT`
pub(crate) fn lmove(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let from = End::parse(&args[3]).ok_or(CommandError::SYNTAX)?;
    let to = End::parse(&args[4]).ok_or(CommandError::SYNTAX)?;
    move_now(keys, out, args, from, to)
}

/// `RPOPLPUSH source destination`
pub(crate) fn rpoplpush(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    move_now(keys, out, args, End::Tail, End::Head)
}

/// Moves an element, or answers null if the source is empty.
fn move_now(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
    from: End,
    to: End,
) -> Result {
    let op = Move {
        from,
        to,
        destination: args[2].into(),
    };
    if try_now::<List>(&op, keys, out, &[&args[1]])? {
        Ok(Reply::Sent)
    } else {
        Ok(Reply::Null)
    }
}

/// `LLEN key`
pub(crate) fn llen(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let length = keys.read::<List>(&args[1])?.map_or(0, List::len);
    Ok(Reply::Integer(length as i64))
}

/// `LRANGE key start stop`
pub(crate) fn lrange(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let (start, stop) = (integer_argument(&args[2])?, integer_argument(&args[3])?);
    let Some(list) = keys.read::<List>(&args[1])? else {
        out.array(0);
        return Ok(Reply::Sent);
    };
    let (start, length) = span(start, stop, list.len());
    out.array(length);
    list.range(start, length)
        .for_each(|element| out.bulk(element));
    Ok(Reply::Sent)
}

/// `LINDEX key index`
pub(crate) fn lindex(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let Some(list) = keys.read::<List>(&args[1])? else {
        return Ok(Reply::Null);
    };
    let index = index_in(integer_argument(&args[2])?, list.len());
    let Some(element) = index.and_then(|index| list.get(index)) else {
        return Ok(Reply::Null);
    };
    out.bulk(element);
    Ok(Reply::Sent)
}

/// `LSET key index element`
pub(crate) fn lset(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let key = &args[1];
    let slot = keys.write::<List>(key)?.ok_or(CommandError::NO_SUCH_KEY)?;
    let index = index_in(integer_argument(&args[2])?, keys.get::<List>(slot)?.len());
    let set =
        index.is_some_and(|index| keys.change(slot, |list: &mut List| list.set(index, &args[3])));
    if !set {
        return Err(CommandError::text("ERR index out of range"));
    }
    keys.changed(key);
    keys.notify(EventClass::List, "lset", key);
    Ok(Reply::OK)
}

/// `LINSERT key BEFORE | AFTER pivot element`
pub(crate) fn linsert(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let offset = match &args[2] {
        word if word.eq_ignore_ascii_case(b"before") => 0,
        word if word.eq_ignore_ascii_case(b"after") => 1,
        _ => return Err(CommandError::SYNTAX),
    };
    let key = &args[1];
    let Some(slot) = keys.write::<List>(key)? else {
        return Ok(Reply::Integer(0));
    };
    let pivot = keys
        .get::<List>(slot)?
        .iter()
        .position(|other| *other == args[3]);
    let Some(pivot) = pivot else {
        return Ok(Reply::Integer(-1));
    };
    let length = keys.change(slot, |list: &mut List| {
        list.insert(pivot + offset, &args[4]);
        list.len()
    });
    keys.changed(key);
    keys.notify(EventClass::List, "linsert", key);
    Ok(Reply::Integer(length as i64))
}

/// `LREM key count element`: removes `count` matches from the head; if negative, from the tail; if
/// 0, all.
pub(crate) fn lrem(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let count = any_but_smallest(&args[2])?;
    let key = &args[1];
    let Some(slot) = keys.write::<List>(key)? else {
        return Ok(Reply::Integer(0));
    };
    let (limit, from) = match count {
        0 => (usize::MAX, End::Head),
        1.. => (count as usize, End::Head),
        _ => (count.unsigned_abs() as usize, End::Tail),
    };
    let removed = keys.change(slot, |list: &mut List| {
        list.remove_matching(&args[3], limit, from)
    });
    if removed > 0 {
        changed(keys, slot, key, "lrem");
    }
    Ok(Reply::Integer(removed as i64))
}

/// `LTRIM key start stop`
pub(crate) fn ltrim(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let (start, stop) = (integer_argument(&args[2])?, integer_argument(&args[3])?);
    let key = &args[1];
    let Some(slot) = keys.write::<List>(key)? else {
        return Ok(Reply::OK);
    };
    let removed = keys.change(slot, |list: &mut List| {
        let (start, length) = span(start, stop, list.len());
        list.keep(start, length)
    });
    let cost = removed.free_cost();
    keys.discard_part(removed, cost);
    changed(keys, slot, key, "ltrim");
    Ok(Reply::OK)
}

/// Completes a change that may have emptied the list.
fn changed(keys: &mut Keys<'_>, slot: SlotId, key: &[u8], event: &'static str) {
    keys.changed(key);
    keys.notify(EventClass::List, event, key);
    keys.drop_if_empty(slot);
}

/// `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`
pub(crate) fn lpos(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let Position {
        rank,
        count,
        max_len,
    } = Position::parse(args)?;
    let Some(list) = keys.read::<List>(&args[1])? else {
        return Ok(match count {
            None => Reply::Null,
            Some(_) => Reply::Array(Vec::new()),
        });
    };
    let is_match = |(_, element): &(usize, &[u8])| **element == args[2];
    let index = |(index, _): (usize, &[u8])| index;
    let skipped = rank.unsigned_abs() as usize - 1;
    let all = list.iter().enumerate();
    let mut found: Box<dyn Iterator<Item = usize>> = if rank > 0 {
        let within = all.take(max_len);
        Box::new(within.filter(is_match).skip(skipped).map(index))
    } else {
        let within = all.rev().take(max_len);
        Box::new(within.filter(is_match).skip(skipped).map(index))
    };
    match count {
        None => Ok(found
            .next()
            .map_or(Reply::Null, |index| Reply::Integer(index as i64))),
        Some(count) => {
            let indexes: Vec<_> = found.take(count).collect();
            out.array(indexes.len());
            indexes.iter().for_each(|&index| out.integer(index as i64));
            Ok(Reply::Sent)
        }
    }
}

/// Converts an index to one from the head. A negative index counts from the tail. `None`: it is
/// before the head.
fn index_in(index: i64, length: usize) -> Option<usize> {
    let from_head = if index < 0 {
        index.checked_add(length as i64)?
    } else {
        index
    };
    usize::try_from(from_head).ok()
}

/// The start and length of the range from index `start` to index `stop`, both inclusive. Negative
/// indexes count from the end.
pub(super) fn span(start: i64, stop: i64, length: usize) -> (usize, usize) {
    let start = index_in(start, length).unwrap_or(0);
    let Some(stop) = index_in(stop, length) else {
        return (0, 0);
    };
    let end = stop.saturating_add(1).min(length);
    match end.checked_sub(start) {
        None | Some(0) => (0, 0),
        Some(length) => (start, length),
    }
}
