//! XGROUP.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::id::{parse_any_id, parse_id};
use super::{Args, Result, no_group_in};
use crate::command::pubsub::{help, wrong_subcommand};
use crate::command::{Context, c_string};
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::store::keys::{Keys, SlotId};
use crate::store::stream::{Group, Stream, StreamId};

/// The options of XGROUP CREATE and XGROUP SETID.
#[derive(Clone, Copy, Debug, Default)]
struct GroupOptions {
    /// MKSTREAM: an empty stream is created if the key does not exist.
    makes_stream: bool,
    /// ENTRIESREAD
    entries_read: Option<u64>,
}

impl GroupOptions {
    /// Parses the arguments after the id. `may_make`: whether MKSTREAM is one of the options.
    fn parse(args: &Args<'_>, may_make: bool) -> Result<GroupOptions> {
        let mut options = GroupOptions::default();
        let mut words = args.iter().skip(5);
        while let Some(word) = words.next() {
            match word.to_ascii_lowercase().as_slice() {
                b"mkstream" if may_make => options.makes_stream = true,
                b"entriesread" => {
                    let value = words.next().ok_or_else(|| wrong_arguments(args))?;
                    options.entries_read = match integer_argument(value)? {
                        -1 => None,
                        number => Some(u64::try_from(number).map_err(|_| {
                            CommandError::text("ERR value for ENTRIESREAD must be positive or -1")
                        })?),
                    };
                }
                _ => return Err(wrong_arguments(args)),
            }
        }
        Ok(options)
    }
}

fn wrong_arguments(args: &Args<'_>) -> CommandError {
    wrong_subcommand("XGROUP", &args[1])
}

/// The slot of the stream at a key, which must exist.
fn require_stream(keys: &mut Keys<'_>, key: &[u8]) -> Result<SlotId> {
    keys.write::<Stream>(key)?.ok_or(CommandError::text(
        "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want \
         to use the MKSTREAM option to create an empty stream automatically.",
    ))
}

/// The slot of the stream at a key, and its group, which must both exist.
fn require_group<'k>(
    keys: &'k mut Keys<'_>,
    key: &[u8],
    group: &[u8],
) -> Result<(SlotId, &'k Group)> {
    let slot = require_stream(keys, key)?;
    let found = keys.get::<Stream>(slot)?.groups.get(group);
    Ok((slot, found.ok_or_else(|| no_group_in(key, group))?))
}

/// `XGROUP CREATE key group id | $ [MKSTREAM] [ENTRIESREAD entries-read]`
pub(crate) fn xgroup_create(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    /// The most arguments. More can only be repetitions.
    const MOST: usize = 8;
    let options = GroupOptions::parse(args, true)?;
    let (key, name) = (&args[2], &args[3]);
    let found = if options.makes_stream {
        keys.write::<Stream>(key)?
    } else {
        Some(require_stream(keys, key)?)
    };
    if args.len() > MOST {
        return Err(wrong_arguments(args));
    }
    let last_delivered = match (c_string(&args[4]), found) {
        (b"$", Some(slot)) => keys.get::<Stream>(slot)?.log.last_id,
        (b"$", None) => StreamId::MIN,
        _ => parse_id(&args[4], 0)?,
    };
    let slot = found.unwrap_or_else(|| {
        let slot = keys.add(key, Stream::default());
        keys.changed(key);
        slot
    });
    let group = Group::new(last_delivered, options.entries_read);
    if !keys.change(slot, |stream: &mut Stream| {
        stream.groups.create(name, group)
    }) {
        return Err(CommandError::text(
            "BUSYGROUP Consumer Group name already exists",
        ));
    }
    keys.notify(EventClass::Stream, "xgroup-create", key);
    Ok(Reply::OK)
}

/// `XGROUP SETID key group id | $ [ENTRIESREAD entries-read]`
pub(crate) fn xgroup_setid(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let options = GroupOptions::parse(args, false)?;
    let (key, name) = (&args[2], &args[3]);
    let (slot, _) = require_group(keys, key, name)?;
    if args.len() != 5 && args.len() != 7 {
        return Err(wrong_arguments(args));
    }
    let last_delivered = match c_string(&args[4]) {
        b"$" => keys.get::<Stream>(slot)?.log.last_id,
        _ => parse_any_id(&args[4], 0)?,
    };
    change_group(keys, slot, name, |group| {
        group.last_delivered = last_delivered;
        group.entries_read = options.entries_read;
    });
    keys.notify(EventClass::Stream, "xgroup-setid", key);
    Ok(Reply::OK)
}

/// Changes a group that exists.
pub(super) fn change_group<R>(
    keys: &mut Keys<'_>,
    slot: SlotId,
    name: &[u8],
    change: impl FnOnce(&mut Group) -> R,
) -> R {
    let changed = keys.change(slot, |stream: &mut Stream| {
        stream.groups.change(name, change)
    });
    changed.expect("the group was looked up first")
}

/// `XGROUP DESTROY key group`: clients that wait for the group's entries get an error.
pub(crate) fn xgroup_destroy(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let (key, name) = (&args[2], &args[3]);
    let slot = require_stream(keys, key)?;
    let Some(group) = keys.change(slot, |stream: &mut Stream| stream.groups.remove(name)) else {
        return Ok(Reply::Integer(0));
    };
    let cost = group.free_cost();
    keys.discard_part(group, cost);
    keys.notify(EventClass::Stream, "xgroup-destroy", key);
    keys.note_ready(slot, key);
    Ok(Reply::Integer(1))
}

/// `XGROUP CREATECONSUMER key group consumer`
pub(crate) fn xgroup_createconsumer(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let (key, name, consumer) = (&args[2], &args[3], &args[4]);
    let (slot, _) = require_group(keys, key, name)?;
    let now = keys.now();
    let created = change_group(keys, slot, name, |group| {
        group.create_consumer(consumer, now).is_some()
    });
    if created {
        keys.notify(EventClass::Stream, "xgroup-createconsumer", key);
    }
    Ok(Reply::Integer(created.into()))
}

/// `XGROUP DELCONSUMER key group consumer`: answers how many entries were pending for the consumer.
pub(crate) fn xgroup_delconsumer(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let (key, name) = (&args[2], &args[3]);
    let (slot, group) = require_group(keys, key, name)?;
    let Some(consumer) = group.find_consumer(&args[4]) else {
        return Ok(Reply::Integer(0));
    };
    let pending = change_group(keys, slot, name, |group| group.delete_consumer(consumer));
    keys.notify(EventClass::Stream, "xgroup-delconsumer", key);
    Ok(Reply::Integer(pending as i64))
}

/// `XGROUP HELP`
pub(crate) fn xgroup_help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help(
        "XGROUP",
        &[
            "CREATE key group id|$ [MKSTREAM] [ENTRIESREAD entries-read]",
            "    Create a group that begins after the id; $ is the last one of the stream.",
            "    MKSTREAM creates an empty stream if there is none.",
            "CREATECONSUMER key group consumer",
            "    Create a consumer. Reading creates it, too.",
            "DELCONSUMER key group consumer",
            "    Delete a consumer, and forget what is pending for it.",
            "DESTROY key group",
            "    Delete a group with its consumers, and forget what is pending.",
            "SETID key group id|$ [ENTRIESREAD entries-read]",
            "    Let the group go on after the id.",
        ],
    ))
}
