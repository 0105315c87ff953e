//! XINFO.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::info_full::put_full;
use super::reply::{put_entry, put_id};
use super::{Args, Result, no_group_in};
use crate::command::Context;
use crate::command::pubsub::{help, wrong_subcommand};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use crate::store::stream::{Entry, Stream, StreamId};

/// The entries that XINFO STREAM FULL shows of each list, if the request does not say it.
const SHOWN: usize = 10;

/// The stream at a key, which must exist.
fn require<'k>(keys: &'k mut Keys<'_>, key: &[u8]) -> Result<&'k Stream> {
    keys.read::<Stream>(key)?.ok_or(CommandError::NO_SUCH_KEY)
}

/// `XINFO CONSUMERS key group`
pub(crate) fn xinfo_consumers(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let (key, name, now) = (&args[2], &args[3], keys.now());
    let stream = require(keys, key)?;
    let Some(group) = stream.groups.get(name) else {
        return Err(no_group_in(key, name));
    };
    out.array(group.consumers_len());
    for (_, consumer) in group.consumers() {
        let inactive = consumer
            .active_at
            .map(|active_at| now.saturating_sub(active_at));
        out.map(4);
        out.bulk(b"name");
        out.bulk(consumer.name());
        out.bulk(b"pending");
        out.integer(consumer.pending_len() as i64);
        out.bulk(b"idle");
        out.integer(now.saturating_sub(consumer.seen_at) as i64);
        out.bulk(b"inactive");
        out.integer(inactive.map_or(-1, |inactive| inactive as i64));
    }
    Ok(Reply::Sent)
}

/// `XINFO GROUPS key`
pub(crate) fn xinfo_groups(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let stream = require(keys, &args[2])?;
    out.array(stream.groups.len());
    for (name, group) in stream.groups.iter() {
        out.map(6);
        out.bulk(b"name");
        out.bulk(name);
        out.bulk(b"consumers");
        out.integer(group.consumers_len() as i64);
        out.bulk(b"pending");
        out.integer(group.pending_len() as i64);
        out.bulk(b"last-delivered-id");
        put_id(out, group.last_delivered);
        out.bulk(b"entries-read");
        put_known(out, group.entries_read.map(|read| read as i64));
        out.bulk(b"lag");
        put_known(out, group.lag(&stream.log));
    }
    Ok(Reply::Sent)
}

/// Writes a number, or null if it is not known.
pub(super) fn put_known(out: &mut ReplyWriter<'_>, number: Option<i64>) {
    match number {
        Some(number) => out.integer(number),
        None => out.null(),
    }
}

/// `XINFO STREAM key [FULL [COUNT count]]`
pub(crate) fn xinfo_stream(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let stream = require(keys, &args[2])?;
    if args.len() == 3 {
        out.map(10);
        put_counters(out, stream);
        out.bulk(b"groups");
        out.integer(stream.groups.len() as i64);
        out.bulk(b"first-entry");
        put_if_any(out, stream.log.first());
        out.bulk(b"last-entry");
        put_if_any(out, stream.log.last());
    } else {
        let count = parse_full(args)?;
        out.map(9);
        put_counters(out, stream);
        put_full(out, stream, count);
    }
    Ok(Reply::Sent)
}

/// Parses FULL and its count. `None` shows all.
fn parse_full(args: &Args<'_>) -> Result<Option<usize>> {
    let is = |index: usize, word: &[u8]| args[index].eq_ignore_ascii_case(word);
    match args.len() {
        4 if is(3, b"full") => Ok(Some(SHOWN)),
        6 if is(3, b"full") && is(4, b"count") => Ok(match integer_argument(&args[5])? {
            0 => None,
            count => Some(usize::try_from(count).unwrap_or(SHOWN)),
        }),
        _ => Err(wrong_subcommand("XINFO", &args[1])),
    }
}

/// Writes seven entries of the map. Blocks are what Redis calls the keys of its radix tree. There
/// is no such tree here, and the number of its nodes is that of the smallest one.
fn put_counters(out: &mut ReplyWriter<'_>, stream: &Stream) {
    let log = &stream.log;
    let blocks = log.blocks() as i64;
    out.bulk(b"length");
    out.integer(log.len() as i64);
    out.bulk(b"radix-tree-keys");
    out.integer(blocks);
    out.bulk(b"radix-tree-nodes");
    out.integer(blocks + 1);
    out.bulk(b"last-generated-id");
    put_id(out, log.last_id);
    out.bulk(b"max-deleted-entry-id");
    put_id(out, log.max_deleted_id);
    out.bulk(b"entries-added");
    out.integer(log.entries_added as i64);
    out.bulk(b"recorded-first-entry-id");
    put_id(out, log.first_id().unwrap_or(StreamId::MIN));
}

fn put_if_any(out: &mut ReplyWriter<'_>, entry: Option<Entry<'_>>) {
    match entry {
        Some(entry) => put_entry(out, entry),
        None => out.null(),
    }
}

/// `XINFO HELP`
pub(crate) fn xinfo_help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help(
        "XINFO",
        &[
            "CONSUMERS key group",
            "    The consumers of a group: what is pending for each, and when it was last seen.",
            "GROUPS key",
            "    The groups of a stream: how far each has read, and what is pending.",
            "STREAM key [FULL [COUNT count]]",
            "    The length, ids and counters of a stream. FULL also shows entries, groups and",
            "    consumers; COUNT bounds the entries of each, and 0 shows all.",
        ],
    ))
}
