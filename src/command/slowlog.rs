//! SLOWLOG: the log of slow commands.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::pubsub::{help as help_reply, wrong_subcommand};
use super::{Args, Context};
use crate::observe::slow_log::SlowEntry;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, integer};
use crate::resp::request::integer_argument;

type Result = std::result::Result<Reply, CommandError>;

/// The default count of SLOWLOG GET.
const SHOWN: usize = 10;

/// `SLOWLOG GET [count]`: -1 means all entries.
pub(crate) fn get(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    if args.len() > 3 {
        return Err(wrong_subcommand("SLOWLOG", &args[1]));
    }
    let out_of_range = CommandError::text("ERR count should be greater than or equal to -1");
    let most = match args.get(2).map(integer_argument) {
        None => SHOWN,
        Some(Ok(-1)) => usize::MAX,
        Some(Ok(count)) => usize::try_from(count).map_err(|_| out_of_range)?,
        Some(Err(_)) => return Err(out_of_range),
    };
    let entries = context.server.slow_log.latest(most);
    Ok(array(entries.into_iter().map(shown)))
}

fn shown(entry: SlowEntry) -> Reply {
    array([
        integer(entry.id as i64),
        integer(entry.time as i64),
        integer(entry.duration.as_micros() as i64),
        array(entry.args.into_iter().map(bulk)),
        bulk(entry.peer),
        bulk(entry.name),
    ])
}

/// `SLOWLOG LEN`
pub(crate) fn len(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(Reply::Integer(context.server.slow_log.len() as i64))
}

/// `SLOWLOG RESET`
pub(crate) fn reset(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    context.server.slow_log.reset();
    Ok(Reply::OK)
}

/// `SLOWLOG HELP`
pub(crate) fn help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help_reply(
        "SLOWLOG",
        &[
            "GET [count]",
            "    The latest entries: 10 if no count is given, all for -1. Each has a number, the time,",
            "    how long it took in microseconds, the arguments, and the client's address and name.",
            "LEN",
            "    How many entries there are.",
            "RESET",
            "    Remove all entries.",
        ],
    ))
}
