//! INCR, DECR, INCRBY, DECRBY and INCRBYFLOAT.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::Result;
use crate::command::Args;
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::number::LongDouble;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::{Keys, SlotId};
use crate::store::string_value::StringValue;

/// `INCR key`
pub(crate) fn incr(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    add(keys, &args[1], 1)
}

/// `DECR key`
pub(crate) fn decr(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    add(keys, &args[1], -1)
}

/// `INCRBY key increment`
pub(crate) fn incrby(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    add(keys, &args[1], integer_argument(&args[2])?)
}

/// `DECRBY key decrement`
pub(crate) fn decrby(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let negated = integer_argument(&args[2])?.checked_neg();
    let by = negated.ok_or(CommandError::text("ERR decrement would overflow"))?;
    add(keys, &args[1], by)
}

fn add(keys: &mut Keys<'_>, key: &[u8], by: i64) -> Result {
    let slot = keys.write::<StringValue>(key)?;
    let before = match slot {
        Some(slot) => keys.get::<StringValue>(slot)?.integer(),
        None => Some(0),
    };
    let Some(before) = before else {
        return Err(CommandError::NOT_AN_INTEGER);
    };
    let Some(sum) = before.checked_add(by) else {
        return Err(CommandError::text(
            "ERR increment or decrement would overflow",
        ));
    };
    // As in Redis, the notification has this name for all four commands.
    replace(keys, slot, key, StringValue::Integer(sum), "incrby");
    Ok(Reply::Integer(sum))
}

/// `INCRBYFLOAT key increment`
pub(crate) fn incrbyfloat(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let key = &args[1];
    let slot = keys.write::<StringValue>(key)?;
    let before = match slot {
        Some(slot) => keys.get::<StringValue>(slot)?.with_bytes(LongDouble::parse),
        None => Some(LongDouble::ZERO),
    };
    let (Some(before), Some(by)) = (before, LongDouble::parse(&args[2])) else {
        return Err(CommandError::text("ERR value is not a valid float"));
    };
    let sum = before.plus(by).ok_or(CommandError::text(
        "ERR increment would produce NaN or Infinity",
    ))?;
    let digits = sum.to_string();
    let text = StringValue::verbatim(digits.as_bytes());
    replace(keys, slot, key, text, "incrbyfloat");
    out.bulk(digits.as_bytes());
    Ok(Reply::Sent)
}

/// Replaces the value in `slot`, or adds the key. The deadline stays as it is.
fn replace(
    keys: &mut Keys<'_>,
    slot: Option<SlotId>,
    key: &[u8],
    text: StringValue,
    event: &'static str,
) {
    match slot {
        Some(slot) => keys.change(slot, |before: &mut StringValue| *before = text),
        None => {
            keys.add(key, text);
        }
    }
    keys.changed(key);
    keys.notify(EventClass::String, event, key);
}
