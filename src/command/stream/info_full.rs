//! XINFO STREAM FULL: the entries of a stream, its groups, and their consumers.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::info::put_known;
use super::reply::{put_entries, put_id};
use crate::resp::writer::ReplyWriter;
use crate::store::stream::{Consumer, Group, Stream, StreamId};

/// Writes the last two entries of the map. `count` bounds each list of entries.
pub(super) fn put_full(out: &mut ReplyWriter<'_>, stream: &Stream, count: Option<usize>) {
    out.bulk(b"entries");
    put_entries(out, stream.log.range(StreamId::MIN, StreamId::MAX), count);
    out.bulk(b"groups");
    out.array(stream.groups.len());
    for (name, group) in stream.groups.iter() {
        out.map(7);
        out.bulk(b"name");
        out.bulk(name);
        out.bulk(b"last-delivered-id");
        put_id(out, group.last_delivered);
        out.bulk(b"entries-read");
        put_known(out, group.entries_read.map(|read| read as i64));
        out.bulk(b"lag");
        put_known(out, group.lag(&stream.log));
        out.bulk(b"pel-count");
        out.integer(group.pending_len() as i64);
        out.bulk(b"pending");
        put_pending(out, group, count);
        out.bulk(b"consumers");
        out.array(group.consumers_len());
        for (_, consumer) in group.consumers() {
            put_consumer(out, group, consumer, count);
        }
    }
}

/// Writes the pending entries of a group.
fn put_pending(out: &mut ReplyWriter<'_>, group: &Group, count: Option<usize>) {
    let count = count.unwrap_or(usize::MAX);
    out.array(group.pending_len().min(count));
    for (id, delivery) in group
        .pending_range(StreamId::MIN, StreamId::MAX)
        .take(count)
    {
        out.array(4);
        put_id(out, id);
        out.bulk(group.consumer(delivery.consumer).name());
        out.integer(delivery.delivered_at as i64);
        out.integer(delivery.deliveries as i64);
    }
}

/// Writes a consumer with its pending entries.
fn put_consumer(
    out: &mut ReplyWriter<'_>,
    group: &Group,
    consumer: &Consumer,
    count: Option<usize>,
) {
    out.map(5);
    out.bulk(b"name");
    out.bulk(consumer.name());
    out.bulk(b"seen-time");
    out.integer(consumer.seen_at as i64);
    out.bulk(b"active-time");
    out.integer(consumer.active_at.map_or(-1, |active_at| active_at as i64));
    out.bulk(b"pel-count");
    out.integer(consumer.pending_len() as i64);
    out.bulk(b"pending");
    let count = count.unwrap_or(usize::MAX);
    out.array(consumer.pending_len().min(count));
    let ids = consumer.pending(StreamId::MIN, StreamId::MAX).take(count);
    for (id, delivery) in ids.filter_map(|id| Some((id, group.pending(id)?))) {
        out.array(3);
        put_id(out, id);
        out.integer(delivery.delivered_at as i64);
        out.integer(delivery.deliveries as i64);
    }
}
