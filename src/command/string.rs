//! The string commands. The rules are those of Redis's `t_string.c`.
//!
//! Layer `command`. It may use `state` and what lies below. INCR and its variants are in
//! [`counters`], LCS is in `lcs`.

mod counters;
mod lcs;
mod options;

pub(crate) use counters::{decr, decrby, incr, incrby, incrbyfloat};
pub(crate) use lcs::lcs;

use std::collections::TryReserveError;
use std::iter::StepBy;
use std::ops::Range;

use super::Args;
use super::expiry::Count;
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::{Keys, SlotId};
use crate::store::string_value::StringValue;
use options::{Condition, Lifetime, SetOptions};

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// An empty bulk string.
const EMPTY: Reply = Reply::Static(b"$0\r\n\r\n");

/// `SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]`
pub(crate) fn set(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let options = options::of_set(args)?;
    let is_set = store(keys, out, "set", args, 2, &options)?;
    Ok(match is_set {
        _ if options.get => Reply::Sent,
        true => Reply::OK,
        false => Reply::Null,
    })
}

/// `SETEX key seconds value`
pub(crate) fn setex(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    set_for(keys, out, "setex", Count::Seconds, args)
}

/// `PSETEX key milliseconds value`
pub(crate) fn psetex(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    set_for(keys, out, "psetex", Count::Millis, args)
}

fn set_for(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    command: &'static str,
    count: Count,
    args: &Args<'_>,
) -> Result {
    let options = SetOptions {
        lifetime: Lifetime::Until(count, &args[2]),
        ..SetOptions::default()
    };
    store(keys, out, command, args, 3, &options)?;
    Ok(Reply::OK)
}

/// `SETNX key value`
pub(crate) fn setnx(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let options = SetOptions {
        condition: Some(Condition::Absent),
        ..SetOptions::default()
    };
    let is_set = store(keys, out, "setnx", args, 2, &options)?;
    Ok(Reply::Integer(is_set.into()))
}

/// The argument at `index` as a value. A large one is shared with the request and not copied.
fn value_of(args: &Args<'_>, index: usize) -> StringValue {
    match args.large(index) {
        Some(bulk) => StringValue::Large(bulk.clone()),
        None => StringValue::new(&args[index]),
    }
}

/// Sets the key in the first argument to the argument at index `value`, if the condition allows it.
/// Returns whether it was set. With GET, it writes the old value as the reply (Redis's
/// `setGenericCommand`).
fn store(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    command: &'static str,
    args: &Args<'_>,
    value: usize,
    options: &SetOptions<'_>,
) -> Result<bool> {
    let key = &args[1];
    let deadline = options.lifetime.deadline(keys.now(), command)?;
    if options.get {
        reply_with(keys, out, key)?;
    }
    let may = match options.condition {
        None => true,
        Some(Condition::Absent) => keys.lookup_write(key).is_none(),
        Some(Condition::Present) => keys.lookup_write(key).is_some(),
    };
    if !may {
        return Ok(false);
    }
    let keep = matches!(options.lifetime, Lifetime::Keep);
    let slot = keys.put(key, value_of(args, value), keep);
    keys.notify(EventClass::String, "set", key);
    if deadline.is_some() {
        keys.set_deadline(slot, deadline);
        keys.notify(EventClass::Generic, "expire", key);
    }
    Ok(true)
}

/// Replies with the string at a key, and returns its slot.
fn reply_with(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    key: &[u8],
) -> Result<Option<SlotId>> {
    let slot = keys.lookup_read(key);
    match slot {
        Some(slot) => reply_part(out, keys.get::<StringValue>(slot)?, |bytes| bytes)?,
        None => out.null(),
    }
    Ok(slot)
}

/// Replies with a part of a string. That of a large one is shared, where it is large itself.
fn reply_part(
    out: &mut ReplyWriter<'_>,
    text: &StringValue,
    part: impl FnOnce(&[u8]) -> &[u8],
) -> Result<()> {
    match text {
        StringValue::Large(bulk) => out.shared_bulk(bulk.shared().slice_ref(part(bulk.bytes()))),
        text => text.with_bytes(|bytes| out.bulk(part(bytes))),
    }
    if out.is_starved() {
        return Err(CommandError::NO_MEMORY);
    }
    Ok(())
}

/// `GET key`
pub(crate) fn get(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    reply_with(keys, out, &args[1])?;
    Ok(Reply::Sent)
}

/// `GETDEL key`
pub(crate) fn getdel(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    if let Some(slot) = reply_with(keys, out, &args[1])? {
        keys.delete(slot, EventClass::Generic, "del");
    }
    Ok(Reply::Sent)
}

/// `GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]`
pub(crate) fn getex(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let lifetime = options::of_getex(args)?;
    let key = &args[1];
    let Some(slot) = reply_with(keys, out, key)? else {
        return Ok(Reply::Sent);
    };
    let deadline = lifetime.deadline(keys.now(), "getex")?;
    let event = match lifetime {
        Lifetime::Until(count, _) if count.is_absolute() && deadline <= Some(keys.now()) => {
            keys.delete(slot, EventClass::Generic, "del");
            return Ok(Reply::Sent);
        }
        Lifetime::Until(..) => "expire",
        Lifetime::Persist if keys.entry(slot).deadline().is_some() => "persist",
        _ => return Ok(Reply::Sent),
    };
    keys.set_deadline(slot, deadline);
    keys.changed(key);
    keys.notify(EventClass::Generic, event, key);
    Ok(Reply::Sent)
}

/// `GETSET key value`
pub(crate) fn getset(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let options = SetOptions {
        get: true,
        ..SetOptions::default()
    };
    store(keys, out, "getset", args, 2, &options)?;
    Ok(Reply::Sent)
}

/// `MGET key [key ...]`
pub(crate) fn mget(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    out.array(args.len() - 1);
    for key in args.iter().skip(1) {
        // As in Redis, a value of another type counts as missing.
        match keys
            .lookup_read(key)
            .map(|slot| keys.get::<StringValue>(slot))
        {
            Some(Ok(text)) => reply_part(out, text, |bytes| bytes)?,
            Some(Err(_)) | None => out.null(),
        }
    }
    Ok(Reply::Sent)
}

/// `MSET key value [key value ...]`
pub(crate) fn mset(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let places = pairs("mset", args)?;
    store_all(keys, args, places);
    Ok(Reply::OK)
}

/// `MSETNX key value [key value ...]`
pub(crate) fn msetnx(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let places = pairs("msetnx", args)?;
    if places
        .clone()
        .any(|place| keys.lookup_write(&args[place]).is_some())
    {
        return Ok(Reply::Integer(0));
    }
    store_all(keys, args, places);
    Ok(Reply::Integer(1))
}

/// The indexes of the keys. Each key is followed by its value.
fn pairs(command: &'static str, args: &Args<'_>) -> Result<StepBy<Range<usize>>> {
    if args.len().is_multiple_of(2) {
        return Err(CommandError::Arity(command.to_owned()));
    }
    Ok((1..args.len()).step_by(2))
}

fn store_all(keys: &mut Keys<'_>, args: &Args<'_>, places: StepBy<Range<usize>>) {
    for place in places {
        let key = &args[place];
        keys.put(key, value_of(args, place + 1), false);
        keys.notify(EventClass::String, "set", key);
    }
}

/// `STRLEN key`
pub(crate) fn strlen(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let length = keys
        .read::<StringValue>(&args[1])?
        .map_or(0, StringValue::len);
    Ok(Reply::Integer(length as i64))
}

/// `GETRANGE key start end`
pub(crate) fn getrange(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let (start, end) = (integer_argument(&args[2])?, integer_argument(&args[3])?);
    let Some(text) = keys.read::<StringValue>(&args[1])? else {
        return Ok(EMPTY);
    };
    reply_part(out, text, |bytes| range(bytes, start, end))?;
    Ok(Reply::Sent)
}

/// `SUBSTR key start end`: the older name of [`getrange`].
pub(crate) fn substr(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    getrange(keys, out, args)
}

/// The bytes from `start` to `end`, both inclusive. Negative indexes count from the end. As in
/// Redis, an index before the start becomes 0: `hello` from -9 to -8 is `h`.
fn range(bytes: &[u8], start: i64, end: i64) -> &[u8] {
    let length = bytes.len() as i64;
    let place = |index: i64| {
        if index < 0 {
            (length + index).max(0)
        } else {
            index
        }
    };
    let backwards = start < 0 && end < 0 && start > end;
    let (start, end) = (place(start), place(end).min(length - 1));
    if backwards || start > end {
        return &[];
    }
    &bytes[start as usize..=end as usize]
}

/// `APPEND key value`
pub(crate) fn append(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let (key, value) = (&args[1], &args[2]);
    let length = match keys.write::<StringValue>(key)? {
        None => {
            keys.add(key, value_of(args, 2));
            value.len()
        }
        Some(slot) => {
            let before = keys.get::<StringValue>(slot)?.len() as i64;
            let length = validate_length(keys, before, value)?;
            let changed = keys.change(slot, |text: &mut StringValue| {
                text.bytes_mut(length)
                    .map(|bytes| bytes.extend_from_slice(value))
            });
            changed.map_err(|_| CommandError::NO_MEMORY)?;
            length
        }
    };
    keys.changed(key);
    keys.notify(EventClass::String, "append", key);
    Ok(Reply::Integer(length as i64))
}

/// `SETRANGE key offset value`
pub(crate) fn setrange(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let (key, offset, value) = (&args[1], integer_argument(&args[2])?, &args[3]);
    if offset < 0 {
        return Err(CommandError::text("ERR offset is out of range"));
    }
    let found = keys.write::<StringValue>(key)?;
    if value.is_empty() {
        let length = found.map_or(Ok(0), |slot| {
            keys.get::<StringValue>(slot).map(StringValue::len)
        })?;
        return Ok(Reply::Integer(length as i64));
    }
    let end = validate_length(keys, offset, value)?;
    let write = |text: &mut StringValue| {
        let bytes = text.bytes_mut(end)?;
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[end - value.len()..end].copy_from_slice(value);
        Ok(bytes.len())
    };
    let written: std::result::Result<usize, TryReserveError> = match found {
        Some(slot) => keys.change(slot, write),
        None => {
            let mut text = StringValue::Long(Vec::new());
            let written = write(&mut text);
            if written.is_ok() {
                keys.add(key, text);
            }
            written
        }
    };
    let length = written.map_err(|_| CommandError::NO_MEMORY)?;
    keys.changed(key);
    keys.notify(EventClass::String, "setrange", key);
    Ok(Reply::Integer(length as i64))
}

/// Returns the length of a string of `length` bytes followed by `more`.
///
/// # Errors
/// It exceeds `proto-max-bulk-len` (Redis's `checkStringLength`).
fn validate_length(keys: &Keys<'_>, length: i64, more: &[u8]) -> Result<usize> {
    let total = length as u64 + more.len() as u64;
    if total > keys.config().proto_max_bulk_len {
        return Err(CommandError::text(
            "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        ));
    }
    Ok(total as usize)
}
