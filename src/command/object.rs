//! OBJECT: encoding, reference count and idle time of a value.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::pubsub::help;
use super::{Args, Context};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use crate::store::string_value::StringValue;

type Result = std::result::Result<Reply, CommandError>;

/// Redis shares the objects of the integers from 0 to below this among all keys.
const SHARED_INTEGERS: i64 = 10_000;

/// `OBJECT ENCODING key`
pub(crate) fn object_encoding(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let Some(slot) = keys.inspect(&args[2]) else {
        return Ok(Reply::Null);
    };
    out.bulk(keys.entry(slot).value.encoding().as_bytes());
    Ok(Reply::Sent)
}

/// `OBJECT REFCOUNT key`: C's largest `int` for integers that Redis would share, 1 for all others.
pub(crate) fn object_refcount(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let Some(slot) = keys.inspect(&args[2]) else {
        return Ok(Reply::Null);
    };
    Ok(Reply::Integer(match keys.get::<StringValue>(slot) {
        Ok(StringValue::Integer(0..SHARED_INTEGERS)) => i32::MAX.into(),
        _ => 1,
    }))
}

/// `OBJECT IDLETIME key`: the seconds since the key was last used.
pub(crate) fn object_idletime(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let Some(slot) = keys.inspect(&args[2]) else {
        return Ok(Reply::Null);
    };
    let idle = keys.seconds().saturating_sub(keys.entry(slot).accessed);
    Ok(Reply::Integer(idle.into()))
}

/// `OBJECT FREQ key`: always an error. fanfare evicts no keys, so it does not count uses.
pub(crate) fn object_freq(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    if keys.inspect(&args[2]).is_none() {
        return Ok(Reply::Null);
    }
    Err(CommandError::text(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note \
         that when switching between policies at runtime LRU and LFU data will take some time to \
         adjust.",
    ))
}

/// `OBJECT HELP`
pub(crate) fn object_help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help(
        "OBJECT",
        &[
            "ENCODING key",
            "    How the value is stored.",
            "FREQ key",
            "    How often the key is used, which fanfare does not count.",
            "IDLETIME key",
            "    For how many seconds the key was not used.",
            "REFCOUNT key",
            "    How many references the value has: 1.",
        ],
    ))
}
