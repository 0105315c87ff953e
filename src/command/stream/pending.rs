//! XACK and XPENDING.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::group::change_group;
use super::id::{parse_ids, parse_interval};
use super::reply::put_id;
use super::{Args, Result, no_group};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::database::Millis;
use crate::store::keys::{Keys, SlotId};
use crate::store::stream::{Delivery, Group, Stream, StreamId};

/// The slot of the stream at a key, and its group. `None` if one of them does not exist.
///
/// # Errors
/// `WRONGTYPE`
pub(super) fn find_group<'k>(
    keys: &'k mut Keys<'_>,
    key: &[u8],
    name: &[u8],
) -> Result<Option<(SlotId, &'k Group)>> {
    let Some(slot) = keys.lookup_read(key) else {
        return Ok(None);
    };
    let group = keys.get::<Stream>(slot)?.groups.get(name);
    Ok(group.map(|group| (slot, group)))
}

/// `XACK key group id [id ...]`
pub(crate) fn xack(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let Some((slot, _)) = find_group(keys, &args[1], &args[2])? else {
        return Ok(Reply::Integer(0));
    };
    let ids = parse_ids(args.iter().skip(3))?;
    let acknowledged = change_group(keys, slot, &args[2], |group| {
        ids.iter().filter(|&&id| group.ack(id).is_some()).count()
    });
    Ok(Reply::Integer(acknowledged as i64))
}

/// The part of the pending entries that XPENDING shows.
#[derive(Clone, Copy, Debug)]
struct Filter<'a> {
    from: StreamId,
    to: StreamId,
    count: usize,
    /// The least time since the last delivery, in milliseconds.
    idle: Millis,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    /// Parses the arguments after the group, of which there are at least three. As in Redis, what
    /// follows the consumer is ignored.
    fn parse(args: &Args<'a>) -> Result<Filter<'a>> {
        let (mut first, mut idle) = (3, 0);
        if args[3].eq_ignore_ascii_case(b"idle") {
            idle = Millis::try_from(integer_argument(&args[4])?).unwrap_or(0);
            first = 5;
        }
        let (Some(start), Some(end), Some(count)) =
            (args.get(first), args.get(first + 1), args.get(first + 2))
        else {
            return Err(CommandError::SYNTAX);
        };
        let count = usize::try_from(integer_argument(count)?).unwrap_or(0);
        let (from, to) = parse_interval(start, end)?.into_inner();
        Ok(Filter {
            from,
            to,
            count,
            idle,
            consumer: args.get(first + 3),
        })
    }

    /// Writes the entries: the id, the consumer, the time since the delivery, and the number of
    /// deliveries.
    fn put(self, out: &mut ReplyWriter<'_>, group: &Group, now: Millis) {
        let Some(name) = self.consumer else {
            return self.put_entries(out, group, now, group.pending_range(self.from, self.to));
        };
        let Some(consumer) = group.find_consumer(name) else {
            return out.array(0);
        };
        let ids = group.consumer(consumer).pending(self.from, self.to);
        let entries = ids.filter_map(|id| Some((id, group.pending(id)?)));
        self.put_entries(out, group, now, entries);
    }

    fn put_entries(
        self,
        out: &mut ReplyWriter<'_>,
        group: &Group,
        now: Millis,
        entries: impl Iterator<Item = (StreamId, Delivery)> + Clone,
    ) {
        let is_shown = |(_, delivery): &(StreamId, Delivery)| {
            now.saturating_sub(delivery.delivered_at) >= self.idle
        };
        let entries = entries.filter(is_shown).take(self.count);
        out.array(entries.clone().count());
        for (id, delivery) in entries {
            out.array(4);
            put_id(out, id);
            out.bulk(group.consumer(delivery.consumer).name());
            out.integer(now.saturating_sub(delivery.delivered_at) as i64);
            out.integer(delivery.deliveries as i64);
        }
    }
}

/// `XPENDING key group [[IDLE min-idle-time] start end count [consumer]]`
pub(crate) fn xpending(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let filter = match args.len() {
        3 => None,
        6..=9 => Some(Filter::parse(args)?),
        _ => return Err(CommandError::SYNTAX),
    };
    let (key, name, now) = (&args[1], &args[2], keys.now());
    let Some((_, group)) = find_group(keys, key, name)? else {
        return Err(no_group(key, name, "'"));
    };
    match filter {
        Some(filter) => filter.put(out, group, now),
        None => put_summary(out, group),
    }
    Ok(Reply::Sent)
}

/// Writes how many entries are pending, the first and the last id, and how many are pending for
/// each consumer that has any.
fn put_summary(out: &mut ReplyWriter<'_>, group: &Group) {
    out.array(4);
    out.integer(group.pending_len() as i64);
    let mut pending = group.pending_range(StreamId::MIN, StreamId::MAX);
    let Some((first, _)) = pending.next() else {
        out.null();
        out.null();
        out.null_array();
        return;
    };
    let last = pending.next_back().map_or(first, |(id, _)| id);
    put_id(out, first);
    put_id(out, last);
    let consumers = || group.consumers().map(|(_, consumer)| consumer);
    let having = || consumers().filter(|consumer| consumer.pending_len() > 0);
    out.array(having().count());
    for consumer in having() {
        out.array(2);
        out.bulk(consumer.name());
        out.bulk(consumer.pending_len().to_string().as_bytes());
    }
}
