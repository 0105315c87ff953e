//! Commands that wait for an element. What becomes of a client that waits is told in
//! [`blocked`](crate::store::blocked).
//!
//! Inside an EXEC nothing waits: a command that finds nothing answers at once, as if its time were
//! over.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::list::{PopMany, end_of, move_now};
use super::transaction::watch_memory;
use super::{Args, Context, Next};
use crate::resp::error::CommandError;
use crate::resp::number::parse_timeout;
use crate::resp::reply::Reply;
use crate::store::blocked::{BlockedOp, Waiter};
use crate::store::list::End;

type Result = std::result::Result<Reply, CommandError>;

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
    take_or_wait(context, &wanted, BlockedOp::Pop { from }, timeout)
}

/// `BLMPOP timeout numkeys key [key ...] LEFT | RIGHT [COUNT count]`
pub(crate) fn blmpop(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let PopMany { keys, op } = PopMany::parse(args, 2)?;
    let timeout = parse_timeout(&args[1])?;
    take_or_wait(context, &keys, op, timeout)
}

fn take_or_wait(
    context: &mut Context<'_>,
    wanted: &[&[u8]],
    op: BlockedOp,
    timeout: Option<Duration>,
) -> Result {
    let (mut keys, mut out) = context.keys();
    if op.take_first(&mut keys, &mut out, wanted)? {
        return Ok(Reply::Sent);
    }
    if context.in_exec {
        return Ok(Reply::NullArray);
    }
    Ok(wait(context, wanted, op, timeout))
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
    let found = context.keys().0.find_list(source)?;
    if found.is_some() || context.in_exec {
        return move_now(context, source, from, destination, to);
    }
    let op = BlockedOp::Move {
        from,
        to,
        destination: destination.into(),
    };
    Ok(wait(context, &[source], op, timeout))
}

/// Makes the client wait.
pub(crate) fn wait(
    context: &mut Context<'_>,
    keys: &[&[u8]],
    op: BlockedOp,
    timeout: Option<Duration>,
) -> Reply {
    if !context.may_keep(keys.iter().copied().map(watch_memory).sum()) {
        return Reply::Sent;
    }
    // Whoever serves it writes to the outbox, behind what is there.
    context.settle_replies();
    let waiter = Waiter {
        client: Arc::clone(context.client),
        db: context.keys().0.db(),
        keys: keys.iter().map(|&key| key.into()).collect(),
        op,
        wants_reply: context.session.replies.wants_reply(),
    };
    context.space().blocked.add(waiter);
    // A moment too far away to be told is as good as none.
    let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    context.session.then(Next::Block(until));
    Reply::Sent
}
