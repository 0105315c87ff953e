//! XREADGROUP.
//!
//! Layer `command`. It may use `state` and what lies below. [`blocking`]
//! does the waiting.
//!
//! A command reads from each stream either new entries (`>`), which become pending for its
//! consumer, or entries that are pending for it already. Only a command that asks for nothing but
//! new entries, of which there are none, can wait.
//!
//! A waiter looks at all its streams again when one of them changes, as if the command were sent
//! again. Its entries are delivered only after its outbox has taken them. If a key or a group is
//! gone by then, it gets the error of the command.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::consumer::{notify_of_consumer, seen_consumer};
use super::id::parse_id;
use super::read::first_after;
use super::read_options::{ReadCommand, ReadOptions};
use super::reply::{put_entry, put_id};
use super::{Args, Result, no_group};
use crate::command::{Context, blocking, c_string};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::blocked::BlockedOp;
use crate::store::keys::{Keys, SlotId};
use crate::store::stream::{Delivery, Stream, StreamId};
use crate::store::value::Stored;

/// Who reads, and how.
#[derive(Clone, Copy)]
struct Reader<'a> {
    group: &'a [u8],
    consumer: &'a [u8],
    /// The most entries of each stream.
    count: Option<usize>,
    /// Whether entries become pending.
    keeps_pending: bool,
}

/// What is read from one stream.
#[derive(Clone, Copy)]
struct Source<'a> {
    key: &'a [u8],
    slot: SlotId,
    part: Part,
}

/// Which entries are read.
#[derive(Clone, Copy)]
enum Part {
    /// No entry: there is nothing new.
    Nothing,
    /// So many entries, from the first id to the last.
    New {
        from: StreamId,
        to: StreamId,
        count: usize,
    },
    /// The consumer's pending entries above an id.
    Pending(StreamId),
}

/// The streams of a request, with what is read from each.
type Sources<'a> = SmallVec<[Source<'a>; 4]>;

impl Reader<'_> {
    /// The slot of a key, which must have a stream with the group.
    fn require(self, keys: &Keys<'_>, key: &[u8], slot: Option<SlotId>) -> Result<SlotId> {
        if let Some(slot) = slot
            && let stream = keys.get::<Stream>(slot)?
            && stream.groups.get(self.group).is_some()
        {
            return Ok(slot);
        }
        Err(no_group(
            key,
            self.group,
            "' in XREADGROUP with GROUP option",
        ))
    }

    /// Plans what is read of each source that asks for new entries. A stream that is named twice is
    /// read on where the first reading ends. Returns how many sources have something to reply.
    fn plan(self, keys: &Keys<'_>, sources: &mut Sources<'_>) -> Result<usize> {
        let mut read_to = HashMap::new();
        let names_one = sources.len() == 1;
        let mut served = 0;
        for source in sources.iter_mut() {
            if let Part::Nothing = source.part {
                let stream = keys.get::<Stream>(source.slot)?;
                let Some(group) = stream.groups.get(self.group) else {
                    continue;
                };
                let last = read_to.get(&source.slot).copied();
                let last = last.unwrap_or(group.last_delivered);
                source.part = self.new_entries(stream, last);
            }
            match source.part {
                Part::Nothing => continue,
                Part::New { to, .. } if !names_one => {
                    read_to.insert(source.slot, to);
                }
                _ => {}
            }
            served += 1;
        }
        Ok(served)
    }

    /// The entries above an id.
    fn new_entries(self, stream: &Stream, last: StreamId) -> Part {
        let log = &stream.log;
        let (Some(from), Some(end)) = (first_after(log, last), log.last()) else {
            return Part::Nothing;
        };
        let (count, to) = match self.count {
            None => (log.range(from, StreamId::MAX).count(), end.id),
            Some(most) => {
                let entries = log.range(from, StreamId::MAX).take(most);
                entries.fold((0, from), |(count, _), entry| (count + 1, entry.id))
            }
        };
        Part::New { from, to, count }
    }

    /// Writes the entries of one source.
    fn put(self, keys: &Keys<'_>, out: &mut ReplyWriter<'_>, source: &Source<'_>) -> Result<()> {
        let stream = keys.get::<Stream>(source.slot)?;
        match source.part {
            Part::Nothing => {}
            Part::New { from, to, count } => {
                out.nested_entry();
                out.bulk(source.key);
                out.array(count);
                let entries = stream.log.range(from, to);
                entries.for_each(|entry| put_entry(out, entry));
            }
            Part::Pending(after) => {
                out.nested_entry();
                out.bulk(source.key);
                self.put_pending(stream, out, after);
            }
        }
        Ok(())
    }

    /// Writes the consumer's pending entries above an id. An entry that was deleted from the stream
    /// has null for its fields.
    fn put_pending(self, stream: &Stream, out: &mut ReplyWriter<'_>, after: StreamId) {
        let Some(ids) = self.pending_ids(stream, after) else {
            out.array(0);
            return;
        };
        out.array(ids.clone().count());
        for id in ids {
            match stream.log.get(id) {
                Some(entry) => put_entry(out, entry),
                None => {
                    out.array(2);
                    put_id(out, id);
                    out.null_array();
                }
            }
        }
    }

    /// The ids of the consumer's pending entries above an id.
    fn pending_ids<'s>(
        self,
        stream: &'s Stream,
        after: StreamId,
    ) -> Option<impl Iterator<Item = StreamId> + Clone + use<'s>> {
        let group = stream.groups.get(self.group)?;
        let consumer = group.consumer(group.find_consumer(self.consumer)?);
        let ids = consumer.pending(after.next()?, StreamId::MAX);
        Some(ids.take(self.count.unwrap_or(usize::MAX)))
    }

    /// Delivers what was written: the entries become pending for the consumer. Creates the
    /// consumer, if need be.
    fn deliver(self, keys: &mut Keys<'_>, source: &Source<'_>) {
        let now = keys.now();
        let is_created = keys.change(source.slot, |stream: &mut Stream| {
            let Stream { log, groups } = stream;
            groups.change(self.group, |group| {
                let (consumer, is_created) = seen_consumer(group, self.consumer, now);
                if let Part::New { from, to, .. } = source.part {
                    for entry in log.range(from, to) {
                        group.advance(entry.id, log);
                        if self.keeps_pending {
                            let delivery = Delivery {
                                consumer,
                                delivered_at: now,
                                deliveries: 1,
                            };
                            group.deliver(entry.id, delivery);
                        }
                    }
                    if self.keeps_pending {
                        group.consumer_mut(consumer).active_at = Some(now);
                    }
                }
                is_created
            })
        });
        if is_created == Some(true) {
            notify_of_consumer(keys, source.key);
        }
        if let Part::Pending(after) = source.part {
            self.deliver_again(keys, source.slot, after);
        }
    }

    /// Counts another delivery of the pending entries that were written.
    fn deliver_again(self, keys: &mut Keys<'_>, slot: SlotId, after: StreamId) {
        let now = keys.now();
        keys.change(slot, |stream: &mut Stream| {
            let Some(ids) = self.pending_ids(stream, after) else {
                return;
            };
            let ids: Vec<_> = ids.filter(|&id| stream.log.contains(id)).collect();
            stream.groups.change(self.group, |group| {
                for id in ids {
                    if let Some(delivery) = group.pending(id) {
                        let again = Delivery {
                            delivered_at: now,
                            deliveries: delivery.deliveries + 1,
                            ..delivery
                        };
                        group.deliver(id, again);
                    }
                }
            });
        });
    }
}

/// Waits for new entries of any of some streams.
#[derive(Debug)]
struct ReadGroup {
    keys: Box<[Box<[u8]>]>,
    group: Box<[u8]>,
    consumer: Box<[u8]>,
    count: Option<usize>,
    keeps_pending: bool,
}

impl ReadGroup {
    fn reader(&self) -> Reader<'_> {
        Reader {
            group: &self.group,
            consumer: &self.consumer,
            count: self.count,
            keeps_pending: self.keeps_pending,
        }
    }

    /// The streams, with what is new in each, and how many have anything.
    fn sources(&self, keys: &mut Keys<'_>) -> Result<(Sources<'_>, usize)> {
        let reader = self.reader();
        let mut sources = Sources::new();
        for key in &self.keys {
            let slot = keys.lookup_write(key);
            sources.push(Source {
                key,
                slot: reader.require(keys, key, slot)?,
                part: Part::Nothing,
            });
        }
        let served = reader.plan(keys, &mut sources)?;
        Ok((sources, served))
    }
}

impl BlockedOp for ReadGroup {
    fn memory(&self) -> usize {
        let keys = self.keys.iter().map(|key| key.len());
        let names = self.group.len() + self.consumer.len();
        size_of::<ReadGroup>() + size_of_val(&*self.keys) + keys.sum::<usize>() + names
    }

    fn waits_for(&self) -> &'static str {
        Stream::NAME
    }

    fn rivals(&self) -> Option<&[u8]> {
        Some(&self.group)
    }

    fn answer(
        &self,
        keys: &mut Keys<'_>,
        _slot: SlotId,
        _key: &[u8],
        out: &mut ReplyWriter<'_>,
    ) -> Result<bool> {
        let (sources, served) = self.sources(keys)?;
        if served == 0 {
            return Ok(false);
        }
        out.nested_map(served);
        for source in &sources {
            self.reader().put(keys, out, source)?;
        }
        Ok(true)
    }

    fn take(&self, keys: &mut Keys<'_>, _slot: SlotId, _key: &[u8]) {
        if let Ok((sources, _)) = self.sources(keys) {
            for source in &sources {
                self.reader().deliver(keys, source);
            }
        }
    }

    fn timed_out(&self) -> Reply {
        Reply::NullArray
    }

    fn wants_gone(&self) -> bool {
        true
    }

    fn when_gone(&self, keys: &mut Keys<'_>) -> Option<CommandError> {
        self.sources(keys).err()
    }
}

/// `XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...]
/// id [id ...]`
pub(crate) fn xreadgroup(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let options = ReadOptions::parse(args, ReadCommand::ReadGroup)?;
    let (group, consumer) = options.reader.ok_or(CommandError::text(
        "ERR Missing GROUP option for XREADGROUP",
    ))?;
    let reader = Reader {
        group,
        consumer,
        count: options.count,
        keeps_pending: !options.no_ack,
    };
    let (mut keys, mut out) = context.keys();
    let mut sources = Sources::new();
    for (key, id) in options.streams(args) {
        let slot = keys.lookup_read(key);
        let slot = reader.require(&keys, key, slot)?;
        let part = parse_part(id)?;
        sources.push(Source { key, slot, part });
    }
    let served = reader.plan(&keys, &mut sources)?;
    if served > 0 {
        out.nested_map(served);
    }
    for source in &sources {
        // Entries that are written become pending at once: the next source may read them again.
        reader.put(&keys, &mut out, source)?;
        if out.is_starved() {
            return Err(CommandError::NO_MEMORY);
        }
        reader.deliver(&mut keys, source);
    }
    if served > 0 {
        return Ok(Reply::Sent);
    }
    let Some(timeout) = options.block.filter(|_| context.execution.is_alone()) else {
        return Ok(Reply::NullArray);
    };
    let wanted: SmallVec<[_; 4]> = sources.iter().map(|source| source.key).collect();
    let op = ReadGroup {
        keys: wanted.iter().map(|&key| key.into()).collect(),
        group: group.into(),
        consumer: consumer.into(),
        count: options.count,
        keeps_pending: reader.keeps_pending,
    };
    Ok(blocking::wait(context, &wanted, op, timeout))
}

/// Parses an id: `>` for new entries, or the id that pending entries must be above.
fn parse_part(word: &[u8]) -> Result<Part> {
    match c_string(word) {
        b">" => Ok(Part::Nothing),
        b"$" => Err(CommandError::text(
            "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the \
             history of this consumer by specifying a proper ID, or use the > ID to get new \
             messages. The $ ID would just return an empty result set.",
        )),
        _ => match parse_id(word, 0)? {
            // As in Redis, which marks `>` with it.
            StreamId::MAX => Ok(Part::Nothing),
            after => Ok(Part::Pending(after)),
        },
    }
}
