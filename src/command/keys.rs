//! Commands on keys of any type and on whole databases: DEL, RENAME, COPY, KEYS, FLUSHALL and so
//! on.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::sync::atomic::Ordering::Relaxed;

use super::connection::{database_index, int};
use super::pubsub::validate_pattern;
use super::{Args, Context};
use crate::config::EventClass;
use crate::glob;
use crate::resp::error::CommandError;
use crate::resp::large::has_memory_for;
use crate::resp::reply::{Reply, status};
use crate::resp::writer::ReplyWriter;
use crate::store::database::Database;
use crate::store::keys::{Keys, SlotId};
use crate::store::random;

type Result = std::result::Result<Reply, CommandError>;

/// The error of COPY and MOVE if source and destination are the same key.
const SAME_OBJECT: CommandError =
    CommandError::text("ERR source and destination objects are the same");

/// `DEL key [key ...]`
pub(crate) fn del(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    Ok(delete(keys, args))
}

/// `UNLINK key [key ...]`: the same as DEL, which frees large values in the background too.
pub(crate) fn unlink(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    Ok(delete(keys, args))
}

fn delete(keys: &mut Keys<'_>, args: &Args<'_>) -> Reply {
    let mut count = 0;
    for key in args.iter().skip(1) {
        if let Some(slot) = keys.peek(key) {
            keys.delete(slot, EventClass::Generic, "del");
            count += 1;
        }
    }
    Reply::Integer(count)
}

/// `EXISTS key [key ...]`: a key counts each time it is named.
pub(crate) fn exists(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let mut keys = keys.reborrow().untouched();
    let found = args
        .iter()
        .skip(1)
        .filter(|key| keys.lookup_read(key).is_some());
    Ok(Reply::Integer(found.count() as i64))
}

/// `TOUCH key [key ...]`
pub(crate) fn touch(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let mut found = 0;
    for key in args.iter().skip(1) {
        if let Some(slot) = keys.lookup_read(key) {
            // Explicitly, since the look-up touches nothing under CLIENT NO-TOUCH.
            keys.touch(slot);
            found += 1;
        }
    }
    Ok(Reply::Integer(found))
}

/// `TYPE key`
pub(crate) fn type_of(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let mut keys = keys.reborrow().untouched();
    let name = match keys.lookup_read(&args[1]) {
        Some(slot) => keys.entry(slot).value.type_name(),
        None => "none",
    };
    Ok(status(name))
}

/// `RENAME key newkey`
pub(crate) fn rename(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    rename_key(keys, args, true)?;
    Ok(Reply::OK)
}

/// `RENAMENX key newkey`
pub(crate) fn renamenx(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let renamed = rename_key(keys, args, false)?;
    Ok(Reply::Integer(renamed.into()))
}

/// Renames a key. Returns `false` if nothing was changed: the names are equal, or the new one is
/// taken.
fn rename_key(
    keys: &mut Keys<'_>,
    args: &Args<'_>,
    replace: bool,
) -> std::result::Result<bool, CommandError> {
    let (key, new) = (&args[1], &args[2]);
    let slot = keys.lookup_write(key).ok_or(CommandError::NO_SUCH_KEY)?;
    if key == new || keys.lookup_write(new).is_some() && !replace {
        return Ok(false);
    }
    let entry = keys.remove(slot);
    keys.adopt(new, entry);
    keys.notify(EventClass::Generic, "rename_from", key);
    keys.notify(EventClass::Generic, "rename_to", new);
    Ok(true)
}

/// Checks that there is memory for a copy of these values.
pub(super) fn allow_copies(
    keys: &Keys<'_>,
    slots: impl IntoIterator<Item = SlotId>,
) -> std::result::Result<(), CommandError> {
    let sizes = slots
        .into_iter()
        .map(|slot| keys.entry(slot).value.memory());
    if has_memory_for(sizes.sum()) {
        Ok(())
    } else {
        Err(CommandError::NO_MEMORY)
    }
}

/// `COPY source destination [DB destination-db] [REPLACE]`
pub(crate) fn copy(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let (key, new) = (&args[1], &args[2]);
    let from = keys.db();
    let (mut to, mut replace) = (from, false);
    let mut options = args.iter().skip(3);
    while let Some(option) = options.next() {
        if option.eq_ignore_ascii_case(b"replace") {
            replace = true;
        } else if option.eq_ignore_ascii_case(b"db") {
            let word = options.next().ok_or(CommandError::SYNTAX)?;
            to = database_index(keys.config(), int(word)?)?;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    if from == to && key == new {
        return Err(SAME_OBJECT);
    }
    let Some(slot) = keys.lookup_read(key) else {
        return Ok(Reply::Integer(0));
    };
    if keys.of(to).lookup_write(new).is_some() && !replace {
        return Ok(Reply::Integer(0));
    }
    allow_copies(keys, [slot])?;
    let entry = keys.entry(slot).clone();
    let mut target = keys.of(to);
    target.adopt(new, entry);
    target.notify(EventClass::Generic, "copy_to", new);
    Ok(Reply::Integer(1))
}

/// `MOVE key db`
pub(crate) fn move_key(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let key = &args[1];
    let from = keys.db();
    let to = database_index(keys.config(), int(&args[2])?)?;
    if from == to {
        return Err(SAME_OBJECT);
    }
    let Some(slot) = keys.lookup_write(key) else {
        return Ok(Reply::Integer(0));
    };
    if keys.of(to).lookup_write(key).is_some() {
        return Ok(Reply::Integer(0));
    }
    let entry = keys.remove(slot);
    keys.of(to).adopt(key, entry);
    keys.notify(EventClass::Generic, "move_from", key);
    keys.of(to).notify(EventClass::Generic, "move_to", key);
    Ok(Reply::Integer(1))
}

/// `RANDOMKEY`
pub(crate) fn randomkey(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    _args: &Args<'_>,
) -> Result {
    let random = random::number();
    while let Some(slot) = keys.database().and_then(|all| all.some_slot(random)) {
        if !keys.is_expired(slot) {
            out.bulk(&keys.entry(slot).key);
            return Ok(Reply::Sent);
        }
        keys.expire(slot);
    }
    Ok(Reply::Null)
}

/// `KEYS pattern`
pub(crate) fn keys(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let pattern = &args[1];
    validate_pattern(keys.config(), pattern)?;
    let entries = keys.database().into_iter().flat_map(Database::entries);
    let matching = entries
        .filter(|(slot, entry)| glob::matches(pattern, &entry.key) && !keys.is_expired(*slot));
    let found: Vec<_> = matching.map(|(_, entry)| &entry.key).collect();
    out.array(found.len());
    for key in found {
        out.bulk(key);
    }
    Ok(Reply::Sent)
}

/// `DBSIZE`
pub(crate) fn dbsize(keys: &mut Keys<'_>, _args: &Args<'_>) -> Result {
    let size = keys.database().map_or(0, Database::len);
    Ok(Reply::Integer(size as i64))
}

/// `FLUSHDB [ASYNC | SYNC]`: large values are freed in the background in both modes.
pub(crate) fn flushdb(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    validate_flush(args)?;
    let db = context.client.database.load(Relaxed);
    flush(context, &[db]);
    Ok(Reply::OK)
}

/// `FLUSHALL [ASYNC | SYNC]`
pub(crate) fn flushall(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    validate_flush(args)?;
    let all: Vec<_> = context.keyspace().databases().map(|(db, _)| db).collect();
    flush(context, &all);
    Ok(Reply::OK)
}

fn validate_flush(args: &Args<'_>) -> std::result::Result<(), CommandError> {
    let is_mode =
        |word: &[u8]| word.eq_ignore_ascii_case(b"async") || word.eq_ignore_ascii_case(b"sync");
    match args.len() {
        1 => Ok(()),
        2 if is_mode(&args[1]) => Ok(()),
        _ => Err(CommandError::SYNTAX),
    }
}

fn flush(context: &mut Context<'_>, databases: &[u32]) {
    let keyspace = context.keyspace();
    for &db in databases {
        keyspace.clear(db);
    }
    keyspace.invalidate_all();
}

/// `SWAPDB index1 index2`
pub(crate) fn swapdb(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let first = int(&args[1]).map_err(|_| CommandError::text("ERR invalid first DB index"))?;
    let second = int(&args[2]).map_err(|_| CommandError::text("ERR invalid second DB index"))?;
    let first = database_index(context.config, first)?;
    let second = database_index(context.config, second)?;
    context.keyspace().swap(first, second);
    Ok(Reply::OK)
}
