//! Commands on keys, whatever they hold, and on whole databases.

use std::sync::atomic::Ordering::Relaxed;

use super::connection::{database_index, int};
use super::pubsub::check_pattern;
use super::{Args, Context};
use crate::config::EventClass;
use crate::glob;
use crate::resp::error::CommandError;
use crate::resp::frame::status;
use crate::resp::reply::Reply;
use crate::state::ServerState;
use crate::store::database::{Database, Entry};

type Result = std::result::Result<Reply, CommandError>;

/// Dropping so many bytes takes long enough for others to notice.
const LARGE: usize = 1 << 20;
/// Who copies or moves a key to where it is.
const SAME_OBJECT: CommandError =
    CommandError::text("ERR source and destination objects are the same");

/// `DEL key [key ...]`
pub(crate) fn del(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    Ok(delete(context, args))
}

/// `UNLINK key [key ...]`: as DEL, which does not keep others waiting for the memory either.
pub(crate) fn unlink(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    Ok(delete(context, args))
}

fn delete(context: &mut Context<'_>, args: &Args<'_>) -> Reply {
    let server = context.server;
    let (mut keys, _) = context.keys();
    let mut deleted = Vec::new();
    for key in args.iter().skip(1) {
        if let Some(slot) = keys.peek(key) {
            deleted.push(keys.remove(slot));
            keys.notify(EventClass::Generic, "del", key);
        }
    }
    let count = deleted.len();
    let memory = deleted.iter().map(Entry::memory).sum();
    discard(server, deleted, memory);
    Reply::Integer(count as i64)
}

/// Drops what held so much memory; if that is a lot, on a thread of its own, since the keyspace's
/// lock is held.
fn discard(server: &ServerState, garbage: impl Send + 'static, memory: usize) {
    if memory > LARGE {
        server.tasks.spawn_blocking(move || drop(garbage));
    }
}

/// `EXISTS key [key ...]`: a key counts as often as it is named.
pub(crate) fn exists(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let mut keys = context.keys().0.untouched();
    let found = args
        .iter()
        .skip(1)
        .filter(|key| keys.look_up(key).is_some());
    Ok(Reply::Integer(found.count() as i64))
}

/// `TOUCH key [key ...]`
pub(crate) fn touch(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let (mut keys, _) = context.keys();
    let mut found = 0;
    for key in args.iter().skip(1) {
        if let Some(slot) = keys.look_up(key) {
            // Under CLIENT NO-TOUCH, too.
            keys.touch(slot);
            found += 1;
        }
    }
    Ok(Reply::Integer(found))
}

/// `TYPE key`
pub(crate) fn type_of(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let mut keys = context.keys().0.untouched();
    let name = match keys.look_up(&args[1]) {
        Some(slot) => keys.entry(slot).value.type_name(),
        None => "none",
    };
    Ok(status(name).into())
}

/// `RENAME key newkey`
pub(crate) fn rename(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    rename_key(context, args, true)?;
    Ok(Reply::OK)
}

/// `RENAMENX key newkey`
pub(crate) fn renamenx(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let renamed = rename_key(context, args, false)?;
    Ok(Reply::Integer(renamed.into()))
}

/// Returns whether the key has its new name now, and had another.
fn rename_key(
    context: &mut Context<'_>,
    args: &Args<'_>,
    replace: bool,
) -> std::result::Result<bool, CommandError> {
    let server = context.server;
    let (key, new) = (&args[1], &args[2]);
    let (mut keys, _) = context.keys();
    let slot = keys.find(key).ok_or(CommandError::NO_SUCH_KEY)?;
    if key == new || keys.find(new).is_some() && !replace {
        return Ok(false);
    }
    let entry = keys.remove(slot);
    let replaced = keys.adopt(new, entry);
    keys.notify(EventClass::Generic, "rename_from", key);
    keys.notify(EventClass::Generic, "rename_to", new);
    let memory = replaced.as_ref().map_or(0, |value| value.memory());
    discard(server, replaced, memory);
    Ok(true)
}

/// `COPY source destination [DB destination-db] [REPLACE]`
pub(crate) fn copy(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let server = context.server;
    let (key, new) = (&args[1], &args[2]);
    let from = context.client.database.load(Relaxed);
    let (mut to, mut replace) = (from, false);
    let mut options = args.iter().skip(3);
    while let Some(option) = options.next() {
        if option.eq_ignore_ascii_case(b"replace") {
            replace = true;
        } else if option.eq_ignore_ascii_case(b"db") {
            let word = options.next().ok_or(CommandError::SYNTAX)?;
            to = database_index(context, int(word)?)?;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    if from == to && key == new {
        return Err(SAME_OBJECT);
    }
    let (mut keys, _) = context.keys();
    let Some(slot) = keys.look_up(key) else {
        return Ok(Reply::Integer(0));
    };
    if keys.of(to).find(new).is_some() && !replace {
        return Ok(Reply::Integer(0));
    }
    let entry = keys.entry(slot).clone();
    let mut target = keys.of(to);
    let replaced = target.adopt(new, entry);
    target.notify(EventClass::Generic, "copy_to", new);
    let memory = replaced.as_ref().map_or(0, |value| value.memory());
    discard(server, replaced, memory);
    Ok(Reply::Integer(1))
}

/// `MOVE key db`
pub(crate) fn move_key(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let key = &args[1];
    let from = context.client.database.load(Relaxed);
    let to = database_index(context, int(&args[2])?)?;
    if from == to {
        return Err(SAME_OBJECT);
    }
    let (mut keys, _) = context.keys();
    let Some(slot) = keys.find(key) else {
        return Ok(Reply::Integer(0));
    };
    if keys.of(to).find(key).is_some() {
        return Ok(Reply::Integer(0));
    }
    let entry = keys.remove(slot);
    keys.of(to).adopt(key, entry);
    keys.notify(EventClass::Generic, "move_from", key);
    keys.of(to).notify(EventClass::Generic, "move_to", key);
    Ok(Reply::Integer(1))
}

/// `RANDOMKEY`
pub(crate) fn randomkey(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let random = getrandom::u64().expect("the system has random bytes");
    let (mut keys, mut out) = context.keys();
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
pub(crate) fn keys(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let pattern = &args[1];
    check_pattern(context, pattern)?;
    let (keys, mut out) = context.keys();
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
pub(crate) fn dbsize(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let size = context.keys().0.database().map_or(0, Database::len);
    Ok(Reply::Integer(size as i64))
}

/// `FLUSHDB [ASYNC | SYNC]`: what is large is always freed in the background.
pub(crate) fn flushdb(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    check_flush(args)?;
    let db = context.client.database.load(Relaxed);
    flush(context, &[db]);
    Ok(Reply::OK)
}

/// `FLUSHALL [ASYNC | SYNC]`
pub(crate) fn flushall(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    check_flush(args)?;
    let all: Vec<_> = context.space().databases().map(|(db, _)| db).collect();
    flush(context, &all);
    Ok(Reply::OK)
}

fn check_flush(args: &Args<'_>) -> std::result::Result<(), CommandError> {
    let is_mode =
        |word: &[u8]| word.eq_ignore_ascii_case(b"async") || word.eq_ignore_ascii_case(b"sync");
    match args.len() {
        1 => Ok(()),
        2 if is_mode(&args[1]) => Ok(()),
        _ => Err(CommandError::SYNTAX),
    }
}

fn flush(context: &mut Context<'_>, databases: &[u32]) {
    let server = context.server;
    let space = context.space();
    let flushed: Vec<_> = databases.iter().filter_map(|&db| space.clear(db)).collect();
    let memory = flushed.iter().map(Database::used).sum();
    discard(server, flushed, memory);
}

/// `SWAPDB index1 index2`
pub(crate) fn swapdb(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let first = int(&args[1]).map_err(|_| CommandError::text("ERR invalid first DB index"))?;
    let second = int(&args[2]).map_err(|_| CommandError::text("ERR invalid second DB index"))?;
    let first = database_index(context, first)?;
    let second = database_index(context, second)?;
    context.space().swap(first, second);
    Ok(Reply::OK)
}
