//! XAUTOCLAIM.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::claim::{claim_for, is_idle, parse_idle, put_claimed};
use super::id::parse_start;
use super::pending::find_group;
use super::reply::put_id;
use super::{Args, Result, no_group};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::parse_integer;
use crate::resp::writer::ReplyWriter;
use crate::store::database::Millis;
use crate::store::keys::Keys;
use crate::store::stream::{ConsumerId, Delivery, Group, Log, StreamId};

/// For each entry of the reply, so many pending entries are looked at.
const ATTEMPTS: usize = 10;
/// The highest COUNT: C's largest `long`, divided by the bytes of an id.
const MOST: i64 = i64::MAX / 16;

/// What XAUTOCLAIM claims.
#[derive(Clone, Copy, Debug)]
struct AutoClaim {
    /// The least time since the last delivery, in milliseconds.
    min_idle: Millis,
    /// The first id to look at.
    start: StreamId,
    /// The most entries and deleted ids of the reply.
    count: usize,
    /// JUSTID: the reply has only ids, and this is no delivery.
    only_ids: bool,
}

/// What was found among the pending entries.
#[derive(Debug, Default)]
struct Found {
    claimed: Vec<StreamId>,
    /// Those that are no longer in the stream, and no longer pending.
    deleted: Vec<StreamId>,
    /// Where the next call should start; `0-0` if this was the end.
    next: StreamId,
}

impl AutoClaim {
    fn parse(args: &Args<'_>) -> Result<AutoClaim> {
        let min_idle = parse_idle(
            &args[4],
            "ERR Invalid min-idle-time argument for XAUTOCLAIM",
        )?;
        let mut options = AutoClaim {
            min_idle,
            start: parse_start(&args[5])?,
            count: 100,
            only_ids: false,
        };
        let mut words = args.iter().skip(6);
        while let Some(word) = words.next() {
            match (word.to_ascii_lowercase().as_slice(), words.len()) {
                (b"count", 1..) => {
                    let count = words.next().and_then(parse_integer);
                    let count = count.filter(|count| (1..=MOST).contains(count));
                    options.count =
                        count.ok_or(CommandError::text("ERR COUNT must be > 0"))? as usize;
                }
                (b"justid", _) => options.only_ids = true,
                _ => return Err(CommandError::SYNTAX),
            }
        }
        Ok(options)
    }

    /// Looks at the pending entries of a group.
    fn look(self, group: &Group, log: &Log, now: Millis) -> Found {
        let mut found = Found::default();
        let mut pending = group.pending_range(self.start, StreamId::MAX);
        let mut attempts = self.count.saturating_mul(ATTEMPTS);
        while attempts > 0 && found.claimed.len() + found.deleted.len() < self.count {
            attempts -= 1;
            match pending.next() {
                None => break,
                Some((id, _)) if !log.contains(id) => found.deleted.push(id),
                Some((_, delivery)) if !is_idle(delivery, self.min_idle, now) => {}
                Some((id, _)) => found.claimed.push(id),
            }
        }
        found.next = pending.next().map_or(StreamId::MIN, |(id, _)| id);
        found
    }

    /// Gives the idle entries of a group to a consumer.
    fn claim(self, group: &mut Group, log: &Log, consumer: ConsumerId, now: Millis) -> Found {
        let found = self.look(group, log, now);
        for &id in &found.deleted {
            group.ack(id);
        }
        for &id in &found.claimed {
            let before = group.pending(id).map_or(0, |pending| pending.deliveries);
            let delivery = Delivery {
                consumer,
                delivered_at: now,
                deliveries: before + u64::from(!self.only_ids),
            };
            group.deliver(id, delivery);
        }
        found
    }
}

/// `XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]`
pub(crate) fn xautoclaim(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let options = AutoClaim::parse(args)?;
    let (key, name, now) = (&args[1], &args[2], keys.now());
    let Some((slot, _)) = find_group(keys, key, name)? else {
        return Err(no_group(key, name, "'"));
    };
    let found = claim_for(keys, slot, name, &args[3], |group, log, consumer| {
        let found = options.claim(group, log, consumer, now);
        (!found.claimed.is_empty(), found)
    });
    out.array(3);
    put_id(out, found.next);
    put_claimed(keys, out, slot, &found.claimed, options.only_ids)?;
    out.array(found.deleted.len());
    for id in found.deleted {
        put_id(out, id);
    }
    Ok(Reply::Sent)
}
