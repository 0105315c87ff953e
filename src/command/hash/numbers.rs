//! HINCRBY and HINCRBYFLOAT.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::{Result, set_field};
use crate::command::Args;
use crate::resp::error::CommandError;
use crate::resp::number::LongDouble;
use crate::resp::reply::Reply;
use crate::resp::request::{integer_argument, parse_integer};
use crate::resp::writer::ReplyWriter;
use crate::store::hash_value::Hash;
use crate::store::keys::Keys;

/// `HINCRBY key field increment`
pub(crate) fn hincrby(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let by = integer_argument(&args[3])?;
    let (key, field) = (&args[1], &args[2]);
    let slot = keys.write_or_add::<Hash>(key)?;
    let before = match keys.get::<Hash>(slot)?.get(field) {
        Some(value) => {
            parse_integer(value).ok_or(CommandError::text("ERR hash value is not an integer"))?
        }
        None => 0,
    };
    let sum = before.checked_add(by).ok_or(CommandError::text(
        "ERR increment or decrement would overflow",
    ))?;
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(sum).as_bytes();
    set_field(keys, slot, key, field, digits, "hincrby");
    Ok(Reply::Integer(sum))
}

/// `HINCRBYFLOAT key field increment`
pub(crate) fn hincrbyfloat(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let by = LongDouble::parse(&args[3]);
    let by = by.ok_or(CommandError::text("ERR value is not a valid float"))?;
    if by.is_infinite() {
        return Err(CommandError::text("ERR value is NaN or Infinity"));
    }
    let (key, field) = (&args[1], &args[2]);
    let slot = keys.write_or_add::<Hash>(key)?;
    let before = match keys.get::<Hash>(slot)?.get(field) {
        Some(value) => {
            LongDouble::parse(value).ok_or(CommandError::text("ERR hash value is not a float"))?
        }
        None => LongDouble::ZERO,
    };
    let sum = before.plus(by).ok_or(CommandError::text(
        "ERR increment would produce NaN or Infinity",
    ))?;
    let digits = sum.to_string();
    set_field(keys, slot, key, field, digits.as_bytes(), "hincrbyfloat");
    out.bulk(digits.as_bytes());
    Ok(Reply::Sent)
}
