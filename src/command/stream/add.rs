//! XADD.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::id::NewId;
use super::reply::put_id;
use super::trim::{Options, trim_stream};
use super::{Args, Result};
use crate::config::{Config, EventClass};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use crate::store::stream::{Limits, MAX_BYTES, Stream, StreamId};

/// `XADD key [NOMKSTREAM] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] * | id field value [field
/// value ...]`
pub(crate) fn xadd(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let options = Options::OfAdd.parse(args, keys.config())?;
    let fields = args.len().saturating_sub(options.rest);
    let Some(id) = options.id.filter(|_| fields >= 2 && fields % 2 == 0) else {
        return Err(CommandError::Arity("xadd".into()));
    };
    if id == NewId::Given(StreamId::MIN) {
        return Err(CommandError::text(
            "ERR The ID specified in XADD must be greater than 0-0",
        ));
    }
    let key = &args[1];
    let found = keys.write::<Stream>(key)?;
    if found.is_none() && options.only_old {
        return Ok(Reply::Null);
    }
    let last = match found {
        Some(slot) => keys.get::<Stream>(slot)?.log.last_id,
        None => StreamId::MIN,
    };
    if last == StreamId::MAX {
        return Err(CommandError::text(
            "ERR The stream has exhausted the last possible ID, unable to add more items",
        ));
    }
    let id = id.after(last, keys.now()).ok_or(CommandError::text(
        "ERR The ID specified in XADD is equal or smaller than the target stream top item",
    ))?;
    let fields = args.iter().skip(options.rest);
    if fields.clone().map(<[u8]>::len).sum::<usize>() > MAX_BYTES {
        return Err(CommandError::text(
            "ERR Elements are too large to be stored",
        ));
    }
    let slot = found.unwrap_or_else(|| keys.add(key, Stream::default()));
    let limits = limits(keys.config());
    keys.change(slot, |stream: &mut Stream| {
        stream.log.append(id, fields, limits);
    });
    put_id(out, id);
    keys.notify(EventClass::Stream, "xadd", key);
    if let Some(trim) = options.trim {
        trim_stream(keys, slot, key, trim);
    }
    keys.changed(key);
    keys.note_ready(slot, key);
    Ok(Reply::Sent)
}

/// The limits of a block.
fn limits(config: &Config) -> Limits {
    let limit = |setting| usize::try_from(setting).unwrap_or(usize::MAX);
    Limits {
        bytes: limit(config.stream_node_max_bytes),
        entries: limit(config.stream_node_max_entries),
    }
}
