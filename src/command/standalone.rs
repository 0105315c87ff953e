//! ROLE, LASTSAVE, MODULE, and the cluster commands: the answers of a standalone server without
//! replicas, saves, modules and cluster.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::time::UNIX_EPOCH;

use super::pubsub::help as help_reply;
use super::{Args, Context};
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, integer};

type Result = std::result::Result<Reply, CommandError>;

/// `ROLE`: a master at offset 0, without replicas.
pub(crate) fn role(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(array([bulk("master"), integer(0), array([])]))
}

/// `LASTSAVE`: the time at which the server started, as in Redis before the first save.
pub(crate) fn lastsave(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let started = context.server.started_at.duration_since(UNIX_EPOCH);
    Ok(integer(started.unwrap_or_default().as_secs() as i64))
}

/// `MODULE LIST`
pub(crate) fn module_list(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(array([]))
}

/// `MODULE HELP`
pub(crate) fn module_help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help_reply(
        "MODULE",
        &[
            "LIST",
            "    The modules: none, as fanfare loads no modules.",
        ],
    ))
}

/// Any `CLUSTER` subcommand, `ASKING`, `READONLY`, `READWRITE`: Redis's error without
/// `cluster-enabled`.
pub(crate) fn no_cluster(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Err(CommandError::text(
        "ERR This instance has cluster support disabled",
    ))
}
