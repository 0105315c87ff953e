//! XREAD.
//!
//! Layer `command`. It may use `state` and what lies below. [`blocking`]
//! does the waiting.
//!
//! A waiter looks at all its streams again when one of them gets an entry, as if the command were
//! sent again. So its reply has the new entries of all of them. Nothing is removed, so that one
//! XADD answers all waiters of its stream.

use smallvec::SmallVec;

use super::id::parse_id;
use super::read_options::{ReadCommand, ReadOptions};
use super::reply::put_entries;
use super::{Args, Result};
use crate::command::{Context, blocking, c_string};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::blocked::BlockedOp;
use crate::store::keys::{Keys, SlotId};
use crate::store::stream::{Log, Stream, StreamId};
use crate::store::value::Stored;

/// A stream to read, and the id that its entries must be above.
#[derive(Debug)]
struct Wanted {
    key: Box<[u8]>,
    after: StreamId,
}

/// Waits for entries of any of some streams.
#[derive(Debug)]
struct Read {
    streams: Box<[Wanted]>,
    /// The most entries of each stream.
    count: Option<usize>,
}

impl BlockedOp for Read {
    fn memory(&self) -> usize {
        let keys = self.streams.iter().map(|wanted| wanted.key.len());
        size_of::<Read>() + size_of_val(&*self.streams) + keys.sum::<usize>()
    }

    fn waits_for(&self) -> &'static str {
        Stream::NAME
    }

    fn removes(&self) -> bool {
        false
    }

    fn answer(
        &self,
        keys: &mut Keys<'_>,
        _slot: SlotId,
        _key: &[u8],
        out: &mut ReplyWriter<'_>,
    ) -> Result<bool> {
        let mut streams = SmallVec::<[_; 4]>::new();
        for Wanted { key, after } in &self.streams {
            streams.push((&**key, keys.write::<Stream>(key)?, *after));
        }
        put_streams(keys, out, &streams, self.count)
    }

    fn take(&self, _keys: &mut Keys<'_>, _slot: SlotId, _key: &[u8]) {}

    fn timed_out(&self) -> Reply {
        Reply::NullArray
    }
}

/// Writes the streams that have entries above an id, with these entries. Returns `false`, and
/// writes nothing, if there are none.
fn put_streams(
    keys: &Keys<'_>,
    out: &mut ReplyWriter<'_>,
    streams: &[(&[u8], Option<SlotId>, StreamId)],
    count: Option<usize>,
) -> Result<bool> {
    let mut found = SmallVec::<[_; 4]>::new();
    for &(key, slot, after) in streams {
        if let Some(slot) = slot
            && let log = &keys.get::<Stream>(slot)?.log
            && let Some(from) = first_after(log, after)
        {
            found.push((key, log, from));
        }
    }
    if found.is_empty() {
        return Ok(false);
    }
    out.nested_map(found.len());
    for (key, log, from) in found {
        out.nested_entry();
        out.bulk(key);
        put_entries(out, log.range(from, StreamId::MAX), count);
    }
    Ok(true)
}

/// The lowest id above `after`, if the log has an entry there or above.
pub(super) fn first_after(log: &Log, after: StreamId) -> Option<StreamId> {
    log.last().filter(|last| last.id > after)?;
    after.next()
}

/// `XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]`
pub(crate) fn xread(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let options = ReadOptions::parse(args, ReadCommand::Read)?;
    let (mut keys, mut out) = context.keys();
    let mut streams = SmallVec::<[_; 4]>::new();
    for (key, id) in options.streams(args) {
        let slot = keys.lookup_read(key);
        let log = match slot {
            Some(slot) => Some(&keys.get::<Stream>(slot)?.log),
            None => None,
        };
        streams.push((key, slot, parse_after(id, log)?));
    }
    if put_streams(&keys, &mut out, &streams, options.count)? {
        return Ok(Reply::Sent);
    }
    let Some(timeout) = options.block.filter(|_| context.execution.is_alone()) else {
        return Ok(Reply::NullArray);
    };
    let wanted: SmallVec<[_; 4]> = streams.iter().map(|(key, ..)| *key).collect();
    let op = Read {
        streams: streams
            .iter()
            .map(|&(key, _, after)| Wanted {
                key: key.into(),
                after,
            })
            .collect(),
        count: options.count,
    };
    Ok(blocking::wait(context, &wanted, op, timeout))
}

/// Parses the id that the entries must be above. `$` is the last id of the stream now.
fn parse_after(word: &[u8], log: Option<&Log>) -> Result<StreamId> {
    match c_string(word) {
        b"$" => Ok(log.map_or(StreamId::MIN, |log| log.last_id)),
        b">" => Err(CommandError::text(
            "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> \
             <consumer> option.",
        )),
        _ => parse_id(word, 0),
    }
}
