//! PFADD, PFCOUNT and PFMERGE. The rules are those of Redis's `hyperloglog.c`.
//!
//! Layer `command`. It may use `state` and what lies below. A HyperLogLog is a string, and clients
//! can write any bytes into it. So it is validated before each use.

use super::Args;
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::store::hyperloglog::{self, HllError, Union};
use crate::store::keys::{Keys, SlotId};
use crate::store::string_value::StringValue;

type Result<T = Reply> = std::result::Result<T, CommandError>;

impl From<HllError> for CommandError {
    fn from(error: HllError) -> CommandError {
        CommandError::Text(error.to_string().into())
    }
}

/// `PFADD key [element ...]`
pub(crate) fn pfadd(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let key = &args[1];
    let elements: Vec<&[u8]> = args.iter().skip(2).collect();
    let (slot, is_new) = slot_to_write(keys, key)?;
    let limit = sparse_limit(keys);
    let raised = change(keys, slot, |value| {
        let raised = hyperloglog::add(value, &elements, limit)?;
        if is_new {
            hyperloglog::mark_changed(value);
        }
        Ok(raised)
    })?;
    let changed = is_new || raised;
    if changed {
        notify_change(keys, key);
    }
    Ok(Reply::Integer(changed.into()))
}

/// `PFCOUNT key [key ...]`
pub(crate) fn pfcount(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    if args.len() > 2 {
        let union = union(keys, args.iter().skip(1))?;
        return Ok(Reply::Integer(union.count() as i64));
    }
    let key = &args[1];
    let Some(slot) = keys.lookup_read(key) else {
        return Ok(Reply::Integer(0));
    };
    keys.get::<StringValue>(slot)?;
    // The count is cached in the string. There is no notification of that.
    let counted = change(keys, slot, |value| hyperloglog::count(value))?;
    if counted.header_changed {
        keys.changed(key);
    }
    Ok(Reply::Integer(counted.count as i64))
}

/// `PFMERGE destkey [sourcekey ...]`
pub(crate) fn pfmerge(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let key = &args[1];
    // The destination is one of the sources.
    let union = union(keys, args.iter().skip(1))?;
    let (slot, _) = slot_to_write(keys, key)?;
    let limit = sparse_limit(keys);
    change(keys, slot, |value| union.store(value, limit))?;
    notify_change(keys, key);
    Ok(Reply::OK)
}

/// The union of these keys. Keys that do not exist are skipped.
fn union<'a>(keys: &mut Keys<'_>, names: impl Iterator<Item = &'a [u8]>) -> Result<Union> {
    let mut union = Union::new();
    for name in names {
        if let Some(text) = keys.read::<StringValue>(name)? {
            text.with_bytes(|bytes| union.include(bytes))?;
        }
    }
    Ok(union)
}

/// The slot of the string to change, and whether it was added.
fn slot_to_write(keys: &mut Keys<'_>, key: &[u8]) -> Result<(SlotId, bool)> {
    Ok(match keys.write::<StringValue>(key)? {
        Some(slot) => (slot, false),
        None => (
            keys.add(key, StringValue::Long(hyperloglog::create())),
            true,
        ),
    })
}

/// Changes a string if its header is that of a HyperLogLog. Any other string keeps its bytes and
/// its encoding.
fn change<R>(
    keys: &mut Keys<'_>,
    slot: SlotId,
    change: impl FnOnce(&mut Vec<u8>) -> std::result::Result<R, HllError>,
) -> Result<R> {
    keys.change(slot, |text: &mut StringValue| {
        text.with_bytes(hyperloglog::encoding)?;
        let bytes = text.bytes_mut(0).map_err(|_| CommandError::NO_MEMORY)?;
        Ok(change(bytes)?)
    })
}

fn sparse_limit(keys: &Keys<'_>) -> usize {
    usize::try_from(keys.config().hll_sparse_max_bytes).unwrap_or(usize::MAX)
}

/// Marks a key as changed and notifies of a PFADD, as Redis does after PFMERGE too.
fn notify_change(keys: &mut Keys<'_>, key: &[u8]) {
    keys.changed(key);
    keys.notify(EventClass::String, "pfadd", key);
}
