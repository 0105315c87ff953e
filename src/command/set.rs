//! The set commands. The checks are in Redis's order, which decides what error a client sees.
//!
//! Layer `command`. It may use `state` and what lies below.

mod combine;
mod random;

pub(crate) use combine::{sdiff, sdiffstore, sinter, sintercard, sinterstore, sunion, sunionstore};
pub(crate) use random::{spop, srandmember};

use super::Args;
use super::scan::{self, ScanOptions};
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use crate::store::set::{Member, Set, SetLimits};

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// `SADD key member [member ...]`
pub(crate) fn sadd(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let key = &args[1];
    let limits = SetLimits::of(keys.config());
    let members = args.len() - 2;
    let slot = match keys.write::<Set>(key)? {
        Some(slot) => slot,
        None => keys.add(key, Set::for_members(&args[2], members, limits)),
    };
    let added = keys.change(slot, |set: &mut Set| {
        set.expect(members, limits);
        let members = args.iter().skip(2);
        members.filter(|member| set.add(member, limits)).count()
    });
    if added > 0 {
        keys.changed(key);
        keys.notify(EventClass::Set, "sadd", key);
    }
    Ok(Reply::Integer(added as i64))
}

/// `SREM key member [member ...]`
pub(crate) fn srem(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let key = &args[1];
    let Some(slot) = keys.write::<Set>(key)? else {
        return Ok(Reply::Integer(0));
    };
    let removed = keys.change(slot, |set: &mut Set| {
        let members = args.iter().skip(2);
        members.filter(|member| set.remove(member)).count()
    });
    if removed > 0 {
        keys.changed(key);
        keys.notify(EventClass::Set, "srem", key);
        keys.drop_if_empty(slot);
    }
    Ok(Reply::Integer(removed as i64))
}

/// `SISMEMBER key member`
pub(crate) fn sismember(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let set = keys.read::<Set>(&args[1])?;
    let is_member = set.is_some_and(|set| set.contains(&args[2]));
    Ok(Reply::Integer(is_member.into()))
}

/// `SMISMEMBER key member [member ...]`
pub(crate) fn smismember(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let set = keys.read::<Set>(&args[1])?;
    out.array(args.len() - 2);
    for member in args.iter().skip(2) {
        let is_member = set.is_some_and(|set| set.contains(member));
        out.integer(is_member.into());
    }
    Ok(Reply::Sent)
}

/// `SCARD key`
pub(crate) fn scard(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let members = keys.read::<Set>(&args[1])?.map_or(0, Set::len);
    Ok(Reply::Integer(members as i64))
}

/// `SMEMBERS key`
pub(crate) fn smembers(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let set = keys.read::<Set>(&args[1])?;
    out.set(set.map_or(0, Set::len));
    for member in set.into_iter().flat_map(Set::iter) {
        put_member(out, member);
    }
    Ok(Reply::Sent)
}

fn put_member(out: &mut ReplyWriter<'_>, member: Member<'_>) {
    member.with_bytes(|bytes| out.bulk(bytes));
}

/// `SMOVE source destination member`
pub(crate) fn smove(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let (source_key, key, member) = (&args[1], &args[2], &args[3]);
    let source = keys.lookup_write(source_key);
    let destination = keys.lookup_write(key);
    let Some(source) = source else {
        return Ok(Reply::Integer(0));
    };
    let has = keys.get::<Set>(source)?.contains(member);
    if let Some(destination) = destination {
        keys.get::<Set>(destination)?;
    }
    if !has || destination == Some(source) {
        return Ok(Reply::Integer(has.into()));
    }
    keys.change(source, |set: &mut Set| set.remove(member));
    keys.changed(source_key);
    keys.notify(EventClass::Set, "srem", source_key);
    keys.drop_if_empty(source);
    let limits = SetLimits::of(keys.config());
    let destination = match destination {
        Some(slot) => slot,
        None => keys.add(key, Set::for_members(member, 1, limits)),
    };
    if keys.change(destination, |set: &mut Set| set.add(member, limits)) {
        keys.changed(key);
        keys.notify(EventClass::Set, "sadd", key);
    }
    Ok(Reply::Integer(1))
}

/// `SSCAN key cursor [MATCH pattern] [COUNT count]`
pub(crate) fn sscan(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let cursor = scan::cursor(&args[2])?;
    let config = keys.config();
    let Some(set) = keys.read::<Set>(&args[1])? else {
        scan::put_head(out, 0, 0);
        return Ok(Reply::Sent);
    };
    let options = ScanOptions::of_elements(args, config)?;
    let mut shown = Vec::new();
    let next = set.scan(cursor, options.count, |member| {
        if member.with_bytes(|bytes| options.matches(bytes)) {
            shown.push(member);
        }
    });
    scan::put_head(out, next, shown.len());
    for member in shown {
        put_member(out, member);
    }
    Ok(Reply::Sent)
}
