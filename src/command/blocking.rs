//! Blocking commands: the operations that a client can wait for, and BLPOP, BLMOVE and the other
//! blocking commands for lists.
//!
//! Layer `command`. It may use `state` and what lies below. The waiting clients themselves are in
//! [`blocked`](crate::store::blocked). Inside an EXEC no command waits: one that finds nothing
//! answers at once, as after a timeout.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::list::{PopMany, move_element};
use super::transaction::watch_memory;
use super::{Args, Context, Next};
use crate::client::Kept;
use crate::resp::error::CommandError;
use crate::resp::number::parse_timeout;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::blocked::{BlockedOp, Waiter};
use crate::store::keys::{Keys, SlotId};
use crate::store::list::{End, List};
use crate::store::value::Stored;

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// An end of a type of value, from which elements can be popped.
pub(super) trait PopEnd: Copy + fmt::Debug + Send + Sync + 'static {
    /// The type of value.
    type Value: Stored;

    /// The end that a word of the request names, in any letter case.
    fn parse(word: &[u8]) -> Option<Self>;

    /// Writes the key's name and the first element from this end, as BLPOP and BZPOPMIN do.
    fn put_one(self, out: &mut ReplyWriter<'_>, key: &[u8], value: &Self::Value);

    /// Writes an array of the first elements from this end, at most `count`, as LMPOP and ZMPOP do.
    fn put_some(self, out: &mut ReplyWriter<'_>, value: &Self::Value, count: usize);

    /// Removes the first elements from this end, at most `count`, and notifies of it.
    fn remove(self, keys: &mut Keys<'_>, slot: SlotId, key: &[u8], count: usize);
}

/// Pops elements from an end of a value.
#[derive(Debug)]
struct Pop<E> {
    from: E,
    /// The most elements, at least one. `None`: one element, answered in the form of BLPOP.
    count: Option<usize>,
}

impl<E: PopEnd> BlockedOp for Pop<E> {
    fn waits_for(&self) -> &'static str {
        E::Value::NAME
    }

    fn answer(
        &self,
        keys: &mut Keys<'_>,
        slot: SlotId,
        key: &[u8],
        out: &mut ReplyWriter<'_>,
    ) -> Result<bool> {
        let value = keys.get::<E::Value>(slot)?;
        match self.count {
            None => self.from.put_one(out, key, value),
            Some(count) => {
                out.array(2);
                out.bulk(key);
                self.from.put_some(out, value, count);
            }
        }
        Ok(true)
    }

    fn take(&self, keys: &mut Keys<'_>, slot: SlotId, key: &[u8]) {
        self.from.remove(keys, slot, key, self.count.unwrap_or(1));
    }

    fn timed_out(&self) -> Reply {
        Reply::NullArray
    }
}

/// Moves one element to another list (LMOVE, RPOPLPUSH, BLMOVE, BRPOPLPUSH).
#[derive(Debug)]
pub(super) struct Move {
    /// The end that it is popped from.
    pub(super) from: End,
    /// The end that it is pushed to.
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

/// Carries out the operation on the first key that has a value for it. Returns `false` if no key
/// has one; nothing is written then.
///
/// # Errors
/// `WRONGTYPE`, or the operation's own error.
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

/// LMPOP and ZMPOP: pops from the first key that has elements, and never waits.
pub(super) fn pop_many<E: PopEnd>(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let many = PopMany::parse(args, 1, E::parse)?;
    let op = Pop {
        from: many.from,
        count: Some(many.count),
    };
    if try_now::<E::Value>(&op, keys, out, &many.keys)? {
        Ok(Reply::Sent)
    } else {
        Ok(Reply::NullArray)
    }
}

/// BLPOP, BZPOPMIN and the like: pops one element, or waits for it.
pub(super) fn pop_or_wait<E: PopEnd>(
    context: &mut Context<'_>,
    args: &Args<'_>,
    from: E,
) -> Result {
    let last = args.len() - 1;
    let timeout = parse_timeout(&args[last])?;
    let wanted: Vec<_> = args.iter().take(last).skip(1).collect();
    do_or_wait::<E::Value>(context, &wanted, Pop { from, count: None }, timeout)
}

/// BLMPOP and BZMPOP: pops from the first key that has elements, or waits for one.
pub(super) fn pop_many_or_wait<E: PopEnd>(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let many = PopMany::parse(args, 2, E::parse)?;
    let timeout = parse_timeout(&args[1])?;
    let op = Pop {
        from: many.from,
        count: Some(many.count),
    };
    do_or_wait::<E::Value>(context, &many.keys, op, timeout)
}

/// `BLPOP key [key ...] timeout`
pub(crate) fn blpop(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    pop_or_wait(context, args, End::Head)
}

/// `BRPOP key [key ...] timeout`
pub(crate) fn brpop(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    pop_or_wait(context, args, End::Tail)
}

/// `BLMPOP timeout numkeys key [key ...] LEFT | RIGHT [COUNT count]`
pub(crate) fn blmpop(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    pop_many_or_wait::<End>(context, args)
}

/// `BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout`
pub(crate) fn blmove(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let from = End::parse(&args[3]).ok_or(CommandError::SYNTAX)?;
    let to = End::parse(&args[4]).ok_or(CommandError::SYNTAX)?;
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
        // The reply of RPOPLPUSH, and not that of a timeout.
        return Ok(Reply::Null);
    }
    Ok(wait(context, &[source], op, timeout))
}

/// Carries out the operation on the first key that has a value for it, or else makes the client
/// wait.
fn do_or_wait<T: Stored>(
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

/// Makes the client wait for `keys`. `None` as the timeout: forever.
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
    // The thread that serves the client appends to the outbox. Earlier replies must be in it.
    context.settle_replies();
    let waiter = Waiter {
        client: Arc::clone(context.client),
        db: context.keys().0.db(),
        keys: keys.iter().map(|&key| key.into()).collect(),
        op: Arc::new(op),
        wants_reply: context.session.replies.wants_reply(),
    };
    context.client.set_kept(Kept::Waiting, memory);
    context.keyspace().blocked.add(waiter);
    // A moment that overflows the clock means no timeout.
    let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    context.session.then(Next::Block(until));
    Reply::Sent
}
