//! Commands that wait: what all of them share, and those that wait for an element of a list, BLPOP and
//! its kin.
//!
//! Layer `command`. What becomes of a client that waits is told in
//! [`blocked`](crate::store::blocked). Inside an EXEC nothing waits: a command that finds nothing
//! answers at once, as if its time were over.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::Instant;

use super::list::{PopMany, end_of, move_element, put_elements, take_elements};
use super::transaction::watch_memory;
use super::{Args, Context, Next};
use crate::resp::error::CommandError;
use crate::resp::number::parse_timeout;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::blocked::{BlockedOp, Waiter};
use crate::store::keys::{Keys, SlotId};
use crate::store::list::{End, List};
use crate::store::value::Stored;

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// One element, with the key's name (BLPOP, BRPOP).
#[derive(Debug)]
struct Pop {
    from: End,
}

impl BlockedOp for Pop {
    fn waits_for(&self) -> &'static str {
        List::NAME
    }

    fn answer(
        &self,
        keys: &mut Keys<'_>,
        slot: SlotId,
        key: &[u8],
        out: &mut ReplyWriter<'_>,
    ) -> Result<bool> {
        let element = keys.get::<List>(slot)?.peek(self.from);
        out.array(2);
        out.bulk(key);
        out.bulk(element.unwrap_or_default());
        Ok(true)
    }

    fn take(&self, keys: &mut Keys<'_>, slot: SlotId, key: &[u8]) {
        take_elements(keys, slot, key, self.from, 1);
    }

    fn timed_out(&self) -> Reply {
        Reply::NullArray
    }
}

/// At most so many elements, with the key's name (LMPOP, BLMPOP).
#[derive(Debug)]
pub(super) struct PopSome {
    /// Where they are taken from.
    pub(super) from: End,
    /// At least one.
    pub(super) count: usize,
}

impl BlockedOp for PopSome {
    fn waits_for(&self) -> &'static str {
        List::NAME
    }

    fn answer(
        &self,
        keys: &mut Keys<'_>,
        slot: SlotId,
        key: &[u8],
        out: &mut ReplyWriter<'_>,
    ) -> Result<bool> {
        out.array(2);
        out.bulk(key);
        put_elements(out, keys.get::<List>(slot)?, self.from, self.count);
        Ok(true)
    }

    fn take(&self, keys: &mut Keys<'_>, slot: SlotId, key: &[u8]) {
        take_elements(keys, slot, key, self.from, self.count);
    }

    fn timed_out(&self) -> Reply {
        Reply::NullArray
    }
}

/// One element, moved to another list (LMOVE, RPOPLPUSH, BLMOVE, BRPOPLPUSH).
#[derive(Debug)]
pub(super) struct Move {
    /// Where it is taken from.
    pub(super) from: End,
    /// Where it is put.
    pub(super) to: End,
    /// The key of the other list.
    pub(super) destination: Box<[u8]>,
}

impl BlockedOp for Move {
    fn memory(&self) -> usize {
        size_of::<Move>() + self.destination.len()
    }

    fn waits_for(&self) -> &'static str {
        List::NAME
    }

    fn answer(
        &self,
        keys: &mut Keys<'_>,
        slot: SlotId,
        _key: &[u8],
        out: &mut ReplyWriter<'_>,
    ) -> Result<bool> {
        keys.write::<List>(&self.destination)?;
        let element = keys.get::<List>(slot)?.peek(self.from);
        out.bulk(element.unwrap_or_default());
        Ok(true)
    }

    fn take(&self, keys: &mut Keys<'_>, slot: SlotId, key: &[u8]) {
        move_element(keys, slot, key, self.from, &self.destination, self.to);
    }

    fn timed_out(&self) -> Reply {
        Reply::NullArray
    }
}

/// Does it now for the first key that holds something. `false`: none does, and nothing is written.
///
/// # Errors
/// `WRONGTYPE`, or what the operation answers instead.
pub(super) fn try_now<T: Stored>(
    op: &impl BlockedOp,
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    wanted: &[&[u8]],
) -> Result<bool> {
    for key in wanted {
        if let Some(slot) = keys.write::<T>(key)?
            && op.answer(keys, slot, key, out)?
        {
            if out.is_starved() {
                return Err(CommandError::NO_MEMORY);
            }
            op.take(keys, slot, key);
            return Ok(true);
        }
    }
    Ok(false)
}

/// `BLPOP key [key ...] timeout`
pub(crate) fn blpop(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    pop(context, args, End::Head)
}

/// `BRPOP key [key ...] timeout`
pub(crate) fn brpop(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    pop(context, args, End::Tail)
}

fn pop(context: &mut Context<'_>, args: &Args<'_>, from: End) -> Result {
    let last = args.len() - 1;
    let timeout = parse_timeout(&args[last])?;
    let wanted: Vec<_> = args.iter().take(last).skip(1).collect();
    do_or_wait::<List>(context, &wanted, Pop { from }, timeout)
}

/// `BLMPOP timeout numkeys key [key ...] LEFT | RIGHT [COUNT count]`
pub(crate) fn blmpop(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let PopMany { keys, from, count } = PopMany::parse(args, 2, end_of)?;
    let timeout = parse_timeout(&args[1])?;
    do_or_wait::<List>(context, &keys, PopSome { from, count }, timeout)
}

/// `BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout`
pub(crate) fn blmove(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let from = end_of(&args[3]).ok_or(CommandError::SYNTAX)?;
    let to = end_of(&args[4]).ok_or(CommandError::SYNTAX)?;
    move_or_wait(context, args, from, to, parse_timeout(&args[5])?)
}

/// `BRPOPLPUSH source destination timeout`
pub(crate) fn brpoplpush(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let timeout = parse_timeout(&args[3])?;
    move_or_wait(context, args, End::Tail, End::Head, timeout)
}

fn move_or_wait(
    context: &mut Context<'_>,
    args: &Args<'_>,
    from: End,
    to: End,
    timeout: Option<Duration>,
) -> Result {
    let (source, destination) = (&args[1], &args[2]);
    let op = Move {
        from,
        to,
        destination: destination.into(),
    };
    let (mut keys, mut out) = context.keys();
    if try_now::<List>(&op, &mut keys, &mut out, &[source])? {
        return Ok(Reply::Sent);
    }
    if !context.execution.is_alone() {
        // As the command that does not wait.
        return Ok(Reply::Null);
    }
    Ok(wait(context, &[source], op, timeout))
}

/// Does it now for the first key that holds something, or makes the client wait.
pub(super) fn do_or_wait<T: Stored>(
    context: &mut Context<'_>,
    wanted: &[&[u8]],
    op: impl BlockedOp + 'static,
    timeout: Option<Duration>,
) -> Result {
    let (mut keys, mut out) = context.keys();
    if try_now::<T>(&op, &mut keys, &mut out, wanted)? {
        return Ok(Reply::Sent);
    }
    if !context.execution.is_alone() {
        return Ok(op.timed_out());
    }
    Ok(wait(context, wanted, op, timeout))
}

/// Makes the client wait.
pub(crate) fn wait(
    context: &mut Context<'_>,
    keys: &[&[u8]],
    op: impl BlockedOp + 'static,
    timeout: Option<Duration>,
) -> Reply {
    let memory = op.memory() + keys.iter().copied().map(watch_memory).sum::<usize>();
    if !context.may_keep(memory) {
        return Reply::Sent;
    }
    // Whoever serves it writes to the outbox, behind what is there.
    context.settle_replies();
    let waiter = Waiter {
        client: Arc::clone(context.client),
        db: context.keys().0.db(),
        keys: keys.iter().map(|&key| key.into()).collect(),
        op: Arc::new(op),
        wants_reply: context.session.replies.wants_reply(),
    };
    context.client.waiting_memory.store(memory, Relaxed);
    context.keyspace().blocked.add(waiter);
    // A moment too far away to be told is as good as none.
    let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    context.session.then(Next::Block(until));
    Reply::Sent
}
