//! XDEL and XSETID.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::id::{parse_id, parse_ids};
use super::{Args, Result};
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::store::keys::Keys;
use crate::store::stream::{Stream, StreamId};

/// `XDEL key id [id ...]`
pub(crate) fn xdel(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let key = &args[1];
    let Some(slot) = keys.write::<Stream>(key)? else {
        return Ok(Reply::Integer(0));
    };
    let ids = parse_ids(args.iter().skip(2))?;
    let deleted = keys.change(slot, |stream: &mut Stream| {
        ids.iter().filter(|&&id| stream.log.delete(id)).count()
    });
    if deleted > 0 {
        keys.changed(key);
        keys.notify(EventClass::Stream, "xdel", key);
    }
    Ok(Reply::Integer(deleted as i64))
}

/// `XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]`
pub(crate) fn xsetid(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let last_id = parse_id(&args[2], 0)?;
    let mut entries_added = None;
    let mut max_deleted_id = None;
    let mut options = args.iter().skip(3);
    while let Some(option) = options.next() {
        match (option.to_ascii_lowercase().as_slice(), options.next()) {
            (b"entriesadded", Some(count)) => {
                let count = u64::try_from(integer_argument(count)?);
                entries_added = Some(
                    count.map_err(|_| CommandError::text("ERR entries_added must be positive"))?,
                );
            }
            (b"maxdeletedid", Some(id)) => {
                let id = parse_id(id, 0)?;
                if last_id < id {
                    return Err(CommandError::text(
                        "ERR The ID specified in XSETID is smaller than the provided \
                         max_deleted_entry_id",
                    ));
                }
                max_deleted_id = Some(id).filter(|id| *id != StreamId::MIN);
            }
            _ => return Err(CommandError::SYNTAX),
        }
    }
    let key = &args[1];
    let slot = keys
        .write::<Stream>(key)?
        .ok_or(CommandError::NO_SUCH_KEY)?;
    let log = &keys.get::<Stream>(slot)?.log;
    if last_id < log.max_deleted_id {
        return Err(CommandError::text(
            "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
        ));
    }
    if let Some(last) = log.last() {
        if last_id < last.id {
            return Err(CommandError::text(
                "ERR The ID specified in XSETID is smaller than the target stream top item",
            ));
        }
        if entries_added.is_some_and(|added| added < log.len()) {
            return Err(CommandError::text(
                "ERR The entries_added specified in XSETID is smaller than the target stream \
                 length",
            ));
        }
    }
    keys.change(slot, |stream: &mut Stream| {
        let log = &mut stream.log;
        log.last_id = last_id;
        log.entries_added = entries_added.unwrap_or(log.entries_added);
        log.max_deleted_id = max_deleted_id.unwrap_or(log.max_deleted_id);
    });
    keys.notify(EventClass::Stream, "xsetid", key);
    Ok(Reply::OK)
}
