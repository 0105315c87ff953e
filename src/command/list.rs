//! Lists: LPUSH and its kin. Each function is named after its command; the order of its checks is
//! Redis's, since it decides which error a client sees.

mod options;

pub(crate) use options::{PopMany, end_of};

use super::{Args, Context};
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::store::blocked::put_elements;
use crate::store::keys::{Keys, SlotId, push_event};
use crate::store::list::{End, List};
use crate::store::value::Value;
use options::{Position, any_but_smallest, positive};

type Result = std::result::Result<Reply, CommandError>;

/// `LPUSH key element [element ...]`
pub(crate) fn lpush(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    push(context, args, End::Head, IfMissing::Add)
}

/// `RPUSH key element [element ...]`
pub(crate) fn rpush(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    push(context, args, End::Tail, IfMissing::Add)
}

/// `LPUSHX key element [element ...]`
pub(crate) fn lpushx(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    push(context, args, End::Head, IfMissing::Leave)
}

/// `RPUSHX key element [element ...]`
pub(crate) fn rpushx(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    push(context, args, End::Tail, IfMissing::Leave)
}

/// What a push does without a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IfMissing {
    Add,
    Leave,
}

fn push(context: &mut Context<'_>, args: &Args<'_>, end: End, if_missing: IfMissing) -> Result {
    let (mut keys, _) = context.keys();
    let key = &args[1];
    let slot = match keys.find_list(key)? {
        Some(slot) => slot,
        None if if_missing == IfMissing::Leave => return Ok(Reply::Integer(0)),
        None => keys.add(key, Value::List(List::new())),
    };
    let length = keys.change_list(slot, |list| {
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
pub(crate) fn lpop(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    pop(context, args, "lpop", End::Head)
}

/// `RPOP key [count]`
pub(crate) fn rpop(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    pop(context, args, "rpop", End::Tail)
}

fn pop(context: &mut Context<'_>, args: &Args<'_>, name: &str, from: End) -> Result {
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
    let (mut keys, mut out) = context.keys();
    let key = &args[1];
    let Some(slot) = keys.find_list(key)? else {
        return Ok(match count {
            None => Reply::Null,
            Some(_) => Reply::NullArray,
        });
    };
    let list = keys.list(slot)?;
    match count {
        None => out.bulk(list.peek(from).unwrap_or_default()),
        Some(count) => put_elements(&mut out, list, from, count),
    }
    if count != Some(0) {
        keys.take_elements(slot, key, from, count.unwrap_or(1));
    }
    Ok(Reply::Sent)
}

/// `LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count]`
pub(crate) fn lmpop(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let PopMany { keys: wanted, op } = PopMany::parse(args, 1)?;
    let (mut keys, mut out) = context.keys();
    match op.take_first(&mut keys, &mut out, &wanted)? {
        true => Ok(Reply::Sent),
        false => Ok(Reply::NullArray),
    }
}

/// `LMOVE source destination LEFT | RIGHT LEFT | RIGHT`
pub(crate) fn lmove(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let from = end_of(&args[3]).ok_or(CommandError::SYNTAX)?;
    let to = end_of(&args[4]).ok_or(CommandError::SYNTAX)?;
    move_now(context, &args[1], from, &args[2], to)
}

/// `RPOPLPUSH source destination`
pub(crate) fn rpoplpush(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    move_now(context, &args[1], End::Tail, &args[2], End::Head)
}

/// Moves an element, or answers a null if there is none.
pub(crate) fn move_now(
    context: &mut Context<'_>,
    source: &[u8],
    from: End,
    destination: &[u8],
    to: End,
) -> Result {
    let (mut keys, mut out) = context.keys();
    let Some(slot) = keys.find_list(source)? else {
        return Ok(Reply::Null);
    };
    keys.find_list(destination)?;
    out.bulk(keys.list(slot)?.peek(from).unwrap_or_default());
    keys.move_element(slot, source, from, destination, to);
    Ok(Reply::Sent)
}

/// `LLEN key`
pub(crate) fn llen(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let (mut keys, _) = context.keys();
    let length = keys.look_up_list(&args[1])?.map_or(0, List::len);
    Ok(Reply::Integer(length as i64))
}

/// `LRANGE key start stop`
pub(crate) fn lrange(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let (start, stop) = (integer_argument(&args[2])?, integer_argument(&args[3])?);
    let (mut keys, mut out) = context.keys();
    let Some(list) = keys.look_up_list(&args[1])? else {
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
pub(crate) fn lindex(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let (mut keys, mut out) = context.keys();
    let Some(list) = keys.look_up_list(&args[1])? else {
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
pub(crate) fn lset(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let (mut keys, _) = context.keys();
    let key = &args[1];
    let slot = keys.find_list(key)?.ok_or(CommandError::NO_SUCH_KEY)?;
    let index = index_in(integer_argument(&args[2])?, keys.list(slot)?.len());
    let set = index.is_some_and(|index| keys.change_list(slot, |list| list.set(index, &args[3])));
    if !set {
        return Err(CommandError::text("ERR index out of range"));
    }
    keys.changed(key);
    keys.notify(EventClass::List, "lset", key);
    Ok(Reply::OK)
}

/// `LINSERT key BEFORE | AFTER pivot element`
pub(crate) fn linsert(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let past = match &args[2] {
        word if word.eq_ignore_ascii_case(b"before") => 0,
        word if word.eq_ignore_ascii_case(b"after") => 1,
        _ => return Err(CommandError::SYNTAX),
    };
    let (mut keys, _) = context.keys();
    let key = &args[1];
    let Some(slot) = keys.find_list(key)? else {
        return Ok(Reply::Integer(0));
    };
    let pivot = keys.list(slot)?.iter().position(|other| *other == args[3]);
    let Some(pivot) = pivot else {
        return Ok(Reply::Integer(-1));
    };
    let length = keys.change_list(slot, |list| {
        list.insert(pivot + past, &args[4]);
        list.len()
    });
    keys.changed(key);
    keys.notify(EventClass::List, "linsert", key);
    Ok(Reply::Integer(length as i64))
}

/// `LREM key count element`: from the head, with a negative count from the tail, with 0 all.
pub(crate) fn lrem(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let count = any_but_smallest(&args[2])?;
    let (mut keys, _) = context.keys();
    let key = &args[1];
    let Some(slot) = keys.find_list(key)? else {
        return Ok(Reply::Integer(0));
    };
    let (limit, from) = match count {
        0 => (usize::MAX, End::Head),
        1.. => (count as usize, End::Head),
        _ => (count.unsigned_abs() as usize, End::Tail),
    };
    let removed = keys.change_list(slot, |list| list.remove_matching(&args[3], limit, from));
    if removed > 0 {
        changed(&mut keys, slot, key, "lrem");
    }
    Ok(Reply::Integer(removed as i64))
}

/// `LTRIM key start stop`
pub(crate) fn ltrim(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let (start, stop) = (integer_argument(&args[2])?, integer_argument(&args[3])?);
    let (mut keys, _) = context.keys();
    let key = &args[1];
    let Some(slot) = keys.find_list(key)? else {
        return Ok(Reply::OK);
    };
    keys.change_list(slot, |list| {
        let (start, length) = span(start, stop, list.len());
        list.keep(start, length);
    });
    changed(&mut keys, slot, key, "ltrim");
    Ok(Reply::OK)
}

/// What follows a change that may have emptied the list.
fn changed(keys: &mut Keys<'_>, slot: SlotId, key: &[u8], event: &'static str) {
    keys.changed(key);
    keys.notify(EventClass::List, event, key);
    keys.drop_if_empty(slot);
}

/// `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`
pub(crate) fn lpos(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let Position {
        rank,
        count,
        longest,
    } = Position::parse(args)?;
    let (mut keys, mut out) = context.keys();
    let Some(list) = keys.look_up_list(&args[1])? else {
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
        let within = all.take(longest);
        Box::new(within.filter(is_match).skip(skipped).map(index))
    } else {
        let within = all.rev().take(longest);
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

/// An index from the head, where a negative one counts from the tail. `None`: before the head.
fn index_in(index: i64, length: usize) -> Option<usize> {
    let from_head = if index < 0 {
        index.checked_add(length as i64)?
    } else {
        index
    };
    usize::try_from(from_head).ok()
}

/// Where a range of elements begins, and how many there are.
fn span(start: i64, stop: i64, length: usize) -> (usize, usize) {
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
