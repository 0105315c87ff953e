//! The hash commands. The checks are in Redis's order, which decides what error a client sees.
//!
//! Layer `command`. It may use `state` and what lies below.

mod numbers;
mod random;

pub(crate) use numbers::{hincrby, hincrbyfloat};
pub(crate) use random::hrandfield;

use super::Args;
use super::scan::{self, ScanOptions};
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::hash_value::{Hash, HashLimits};
use crate::store::keys::{Keys, SlotId};

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// `HSET key field value [field value ...]`
pub(crate) fn hset(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let added = set_fields(keys, args, "hset")?;
    Ok(Reply::Integer(added as i64))
}

/// `HMSET key field value [field value ...]`
pub(crate) fn hmset(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    set_fields(keys, args, "hmset")?;
    Ok(Reply::OK)
}

/// Sets the fields of a request, and returns how many were added.
fn set_fields(keys: &mut Keys<'_>, args: &Args<'_>, name: &str) -> Result<usize> {
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::Arity(name.to_owned()));
    }
    let key = &args[1];
    let slot = keys.write_or_add::<Hash>(key)?;
    let limits = HashLimits::of(keys.config());
    let added = keys.change(slot, |hash: &mut Hash| {
        hash.expect(args.len() / 2 - 1, limits);
        let mut pairs = args.iter().skip(2);
        let mut added = 0;
        while let (Some(field), Some(value)) = (pairs.next(), pairs.next()) {
            added += usize::from(hash.set(field, value, limits));
        }
        added
    });
    keys.changed(key);
    keys.notify(EventClass::Hash, "hset", key);
    Ok(added)
}

/// `HSETNX key field value`
pub(crate) fn hsetnx(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let (key, field) = (&args[1], &args[2]);
    let slot = keys.write_or_add::<Hash>(key)?;
    if keys.get::<Hash>(slot)?.contains(field) {
        return Ok(Reply::Integer(0));
    }
    set_field(keys, slot, key, field, &args[3], "hset");
    Ok(Reply::Integer(1))
}

/// Sets one field, marks the key as changed, and notifies of it.
fn set_field(
    keys: &mut Keys<'_>,
    slot: SlotId,
    key: &[u8],
    field: &[u8],
    value: &[u8],
    event: &'static str,
) {
    let limits = HashLimits::of(keys.config());
    keys.change(slot, |hash: &mut Hash| hash.set(field, value, limits));
    keys.changed(key);
    keys.notify(EventClass::Hash, event, key);
}

/// `HGET key field`
pub(crate) fn hget(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let hash = keys.read::<Hash>(&args[1])?;
    put_value(out, hash, &args[2]);
    Ok(Reply::Sent)
}

/// `HMGET key field [field ...]`
pub(crate) fn hmget(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let hash = keys.read::<Hash>(&args[1])?;
    out.array(args.len() - 2);
    for field in args.iter().skip(2) {
        put_value(out, hash, field);
    }
    Ok(Reply::Sent)
}

fn put_value(out: &mut ReplyWriter<'_>, hash: Option<&Hash>, field: &[u8]) {
    match hash.and_then(|hash| hash.get(field)) {
        Some(value) => out.bulk(value),
        None => out.null(),
    }
}

/// `HGETALL key`
pub(crate) fn hgetall(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let hash = keys.read::<Hash>(&args[1])?;
    out.map(hash.map_or(0, Hash::len));
    for (field, value) in hash.into_iter().flat_map(Hash::iter) {
        out.bulk(field);
        out.bulk(value);
    }
    Ok(Reply::Sent)
}

/// `HKEYS key`
pub(crate) fn hkeys(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let hash = keys.read::<Hash>(&args[1])?;
    out.array(hash.map_or(0, Hash::len));
    for (field, _) in hash.into_iter().flat_map(Hash::iter) {
        out.bulk(field);
    }
    Ok(Reply::Sent)
}

/// `HVALS key`
pub(crate) fn hvals(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let hash = keys.read::<Hash>(&args[1])?;
    out.array(hash.map_or(0, Hash::len));
    for (_, value) in hash.into_iter().flat_map(Hash::iter) {
        out.bulk(value);
    }
    Ok(Reply::Sent)
}

/// `HLEN key`
pub(crate) fn hlen(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let length = keys.read::<Hash>(&args[1])?.map_or(0, Hash::len);
    Ok(Reply::Integer(length as i64))
}

/// `HEXISTS key field`
pub(crate) fn hexists(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let hash = keys.read::<Hash>(&args[1])?;
    let exists = hash.is_some_and(|hash| hash.contains(&args[2]));
    Ok(Reply::Integer(exists.into()))
}

/// `HSTRLEN key field`
pub(crate) fn hstrlen(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let hash = keys.read::<Hash>(&args[1])?;
    let length = hash.map_or(0, |hash| hash.strlen(&args[2]));
    Ok(Reply::Integer(length as i64))
}

/// `HDEL key field [field ...]`
pub(crate) fn hdel(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let key = &args[1];
    let Some(slot) = keys.write::<Hash>(key)? else {
        return Ok(Reply::Integer(0));
    };
    let removed = keys.change(slot, |hash: &mut Hash| {
        let fields = args.iter().skip(2);
        fields.filter(|field| hash.remove(field)).count()
    });
    if removed > 0 {
        keys.changed(key);
        keys.notify(EventClass::Hash, "hdel", key);
        keys.drop_if_empty(slot);
    }
    Ok(Reply::Integer(removed as i64))
}

/// `HSCAN key cursor [MATCH pattern] [COUNT count]`
pub(crate) fn hscan(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let cursor = scan::cursor(&args[2])?;
    let config = keys.config();
    let Some(hash) = keys.read::<Hash>(&args[1])? else {
        scan::put_head(out, 0, 0);
        return Ok(Reply::Sent);
    };
    let options = ScanOptions::of_elements(args, config)?;
    let mut shown = Vec::new();
    let next = hash.scan(cursor, options.count, |(field, value)| {
        if options.matches(field) {
            shown.push((field, value));
        }
    });
    scan::put_head(out, next, shown.len() * 2);
    for (field, value) in shown {
        out.bulk(field);
        out.bulk(value);
    }
    Ok(Reply::Sent)
}
