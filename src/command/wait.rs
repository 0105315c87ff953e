//! WAIT, for a server that has no replicas.

use std::time::Duration;

use super::{Args, Context, blocking};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::{integer_argument, parse_integer};
use crate::store::blocked::BlockedOp;

/// `WAIT numreplicas timeout`: there are none, so that 0 of them have what was written, and who asks
/// for more waits until its time, in milliseconds, is over; with 0, forever.
pub(crate) fn wait(context: &mut Context<'_>, args: &Args<'_>) -> Result<Reply, CommandError> {
    let wanted = integer_argument(&args[1])?;
    let timeout = parse_integer(&args[2]).ok_or(CommandError::text(
        "ERR timeout is not an integer or out of range",
    ))?;
    let timeout =
        u64::try_from(timeout).map_err(|_| CommandError::text("ERR timeout is negative"))?;
    if wanted <= 0 || !context.execution.is_alone() {
        return Ok(Reply::Integer(0));
    }
    let timeout = (timeout > 0).then(|| Duration::from_millis(timeout));
    Ok(blocking::wait(context, &[], BlockedOp::Replicas, timeout))
}
