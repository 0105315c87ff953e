//! XCLAIM.
//!
//! Layer `command`. It may use `state` and what lies below.

use smallvec::SmallVec;

use super::consumer::{notify_of_consumer, seen_consumer};
use super::group::change_group;
use super::id::parse_id;
use super::pending::find_group;
use super::reply::{put_entry, put_id};
use super::{Args, Result, no_group};
use crate::command::c_string;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::parse_integer;
use crate::resp::writer::ReplyWriter;
use crate::store::database::Millis;
use crate::store::keys::{Keys, SlotId};
use crate::store::stream::{ConsumerId, Delivery, Group, Log, Stream, StreamId};

/// Ids of a request or a reply.
type Ids = SmallVec<[StreamId; 8]>;

/// What XCLAIM does with each entry.
#[derive(Clone, Copy, Debug)]
struct ClaimOptions {
    /// The least time since the last delivery, in milliseconds.
    min_idle: Millis,
    now: Millis,
    /// The time of delivery that the entries get.
    delivered_at: Millis,
    /// RETRYCOUNT: the number of deliveries that they get.
    deliveries: Option<u64>,
    /// FORCE: entries that are not pending become so.
    forces: bool,
    /// JUSTID: the reply has only ids, and this is no delivery.
    only_ids: bool,
    /// LASTID: the group goes on after this id at least.
    last_id: StreamId,
}

impl ClaimOptions {
    /// Parses the options, from the argument at `index` on.
    fn parse(args: &Args<'_>, index: usize, min_idle: Millis, now: Millis) -> Result<ClaimOptions> {
        let mut options = ClaimOptions {
            min_idle,
            now,
            delivered_at: now,
            deliveries: None,
            forces: false,
            only_ids: false,
            last_id: StreamId::MIN,
        };
        let mut words = args.iter().skip(index);
        while let Some(word) = words.next() {
            match (word.to_ascii_lowercase().as_slice(), words.len()) {
                (b"force", _) => options.forces = true,
                (b"justid", _) => options.only_ids = true,
                (name @ (b"idle" | b"time" | b"retrycount" | b"lastid"), 1..) => {
                    let value = words.next().unwrap_or_default();
                    options.set(name, value)?;
                }
                _ => {
                    return Err(CommandError::Quoting {
                        before: "ERR Unrecognized XCLAIM option '",
                        quoted: c_string(word).into(),
                        after: "'".into(),
                    });
                }
            }
        }
        Ok(options)
    }

    /// Sets an option that has a value.
    fn set(&mut self, name: &[u8], value: &[u8]) -> Result<()> {
        let number = |error| parse_integer(value).ok_or(CommandError::text(error));
        let now = self.now;
        // A client's clock may differ. A time that makes no sense is now.
        let sensible = |time: i64| Millis::try_from(time).map_or(now, |time| time.min(now));
        match name {
            b"idle" => {
                let idle = number("ERR Invalid IDLE option argument for XCLAIM")?;
                self.delivered_at = sensible((now as i64).wrapping_sub(idle));
            }
            b"time" => {
                let time = number("ERR Invalid TIME option argument for XCLAIM")?;
                self.delivered_at = sensible(time);
            }
            b"retrycount" => {
                let count = number("ERR Invalid RETRYCOUNT option argument for XCLAIM")?;
                self.deliveries = u64::try_from(count).ok();
            }
            _ => self.last_id = parse_id(value, 0)?,
        }
        Ok(())
    }

    /// Claims an entry for a consumer. Returns whether it did. An entry that was deleted from the
    /// stream is no longer pending.
    fn claim(self, group: &mut Group, log: &Log, consumer: ConsumerId, id: StreamId) -> bool {
        if !log.contains(id) {
            group.ack(id);
            return false;
        }
        let deliveries = match group.pending(id) {
            Some(pending) if !is_idle(pending, self.min_idle, self.now) => return false,
            Some(pending) => pending.deliveries,
            // As in Redis, the entry counts as delivered before it is claimed.
            None if self.forces => 1,
            None => return false,
        };
        let claimed = Delivery {
            consumer,
            delivered_at: self.delivered_at,
            deliveries: self
                .deliveries
                .unwrap_or(deliveries + u64::from(!self.only_ids)),
        };
        group.deliver(id, claimed);
        true
    }
}

/// Parses the least idle time of entries to claim. A negative one is 0.
pub(super) fn parse_idle(word: &[u8], error: &'static str) -> Result<Millis> {
    let idle = parse_integer(word).ok_or(CommandError::text(error))?;
    Ok(Millis::try_from(idle).unwrap_or(0))
}

/// Whether a pending entry was last delivered so long ago.
pub(super) fn is_idle(pending: Delivery, min_idle: Millis, now: Millis) -> bool {
    now.saturating_sub(pending.delivered_at) >= min_idle
}

/// `XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds]
/// [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID id]`
pub(crate) fn xclaim(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let (key, name, consumer) = (&args[1], &args[2], &args[3]);
    let Some((slot, _)) = find_group(keys, key, name)? else {
        return Err(no_group(key, name, "'"));
    };
    let min_idle = parse_idle(&args[4], "ERR Invalid min-idle-time argument for XCLAIM")?;
    let words = args.iter().skip(5);
    let ids: Ids = words.map_while(|word| parse_id(word, 0).ok()).collect();
    let now = keys.now();
    let options = ClaimOptions::parse(args, 5 + ids.len(), min_idle, now)?;
    change_group(keys, slot, name, |group| {
        group.last_delivered = group.last_delivered.max(options.last_id);
    });
    let claimed = claim_for(keys, slot, name, consumer, |group, log, consumer| {
        let ids = ids.iter().copied();
        let claimed = ids.filter(|&id| options.claim(group, log, consumer, id));
        let claimed: Ids = claimed.collect();
        (!claimed.is_empty(), claimed)
    });
    put_claimed(keys, out, slot, &claimed, options.only_ids)?;
    Ok(Reply::Sent)
}

/// Claims entries for a consumer, which is created if need be. `claim` also returns whether the
/// consumer got any.
pub(super) fn claim_for<R>(
    keys: &mut Keys<'_>,
    slot: SlotId,
    group: &[u8],
    consumer: &[u8],
    claim: impl FnOnce(&mut Group, &Log, ConsumerId) -> (bool, R),
) -> R {
    let now = keys.now();
    let (is_created, result) = keys.change(slot, |stream: &mut Stream| {
        let Stream { log, groups } = stream;
        let changed = groups.change(group, |group| {
            let (consumer, is_created) = seen_consumer(group, consumer, now);
            let (got_any, result) = claim(group, log, consumer);
            if got_any {
                group.consumer_mut(consumer).active_at = Some(now);
            }
            (is_created, result)
        });
        changed.expect("the group was looked up first")
    });
    if is_created {
        let key = keys.entry(slot).key.clone();
        notify_of_consumer(keys, &key);
    }
    result
}

/// Writes an array of the claimed entries, or of their ids.
pub(super) fn put_claimed(
    keys: &Keys<'_>,
    out: &mut ReplyWriter<'_>,
    slot: SlotId,
    claimed: &[StreamId],
    only_ids: bool,
) -> Result<()> {
    let log = &keys.get::<Stream>(slot)?.log;
    out.array(claimed.len());
    for &id in claimed {
        match log.get(id) {
            Some(entry) if !only_ids => put_entry(out, entry),
            _ => put_id(out, id),
        }
    }
    Ok(())
}
