//! WAIT, for a server without replicas.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::time::Duration;

use super::{Args, Context, blocking};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::{integer_argument, parse_integer};
use crate::resp::writer::ReplyWriter;
use crate::store::blocked::BlockedOp;
use crate::store::keys::{Keys, SlotId};

/// Waits for replicas, of which there are none. It waits for no key, so only its timeout ends it.
#[derive(Debug)]
struct Replicas;

impl BlockedOp for Replicas {
    fn waits_for(&self) -> &'static str {
        "nothing"
    }

    fn answer(
        &self,
        _keys: &mut Keys<'_>,
        _slot: SlotId,
        _key: &[u8],
        _out: &mut ReplyWriter<'_>,
    ) -> Result<bool, CommandError> {
        Ok(false)
    }

    fn take(&self, _keys: &mut Keys<'_>, _slot: SlotId, _key: &[u8]) {}

    fn timed_out(&self) -> Reply {
        Reply::Integer(0)
    }
}

/// `WAIT numreplicas timeout`: no replica can acknowledge, so the reply is 0. If `numreplicas` is
/// above 0, it comes after `timeout` milliseconds; with a timeout of 0, never.
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
    Ok(blocking::wait(context, &[], Replicas, timeout))
}
