//! INFO, TIME, LOLWUT, SHUTDOWN, DEBUG.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::pubsub::{help, wrong_subcommand};
use super::{Args, Context, Next, debug_protocol};
use crate::client::log::log_client;
use crate::command::info::report;
use crate::config::DebugCommand;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, verbatim};
use crate::resp::request::integer_argument;
use crate::state::{REDIS_VERSION, VERSION};

type Result = std::result::Result<Reply, CommandError>;

/// `INFO [section [section ...]]`
pub(crate) fn info(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    // So that the counters include the commands of this batch.
    context.batch_stats.commit(&context.server.stats);
    let sections: Vec<_> = args.iter().skip(1).collect();
    if let Some(keyspace) = &context.keyspace {
        // So that within an EXEC the figures include its earlier commands.
        keyspace.publish();
    }
    Ok(verbatim(report(context.server, &sections)))
}

/// `TIME`: Unix time in seconds, and the microseconds in the current second.
pub(crate) fn time(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Ok(array([
        bulk(now.as_secs().to_string()),
        bulk(now.subsec_micros().to_string()),
    ]))
}

/// `LOLWUT [VERSION version]`
pub(crate) fn lolwut(_context: &mut Context<'_>, args: &Args<'_>) -> Result {
    if let (Some(option), Some(version)) = (args.get(1), args.get(2))
        && option.eq_ignore_ascii_case(b"version")
    {
        integer_argument(version)?;
    }
    let art = format!(
        "      .--------.\n\
         ====<  ta-ta- )))  )))  )))\n\
         \x20     '--------'\n\
         \n\
         A fanfare, heard by all who are listening. fanfare ver. {VERSION}\n\
         Redis ver. {REDIS_VERSION}\n"
    );
    Ok(verbatim(art))
}

/// `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`: there is no reply. Each connection closes once
/// its outbox is written; with NOW at once.
pub(crate) fn shutdown(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let (mut save, mut nosave, mut now, mut force, mut abort) = (false, false, false, false, false);
    for word in args.iter().skip(1) {
        match word.to_ascii_lowercase().as_slice() {
            b"nosave" => nosave = true,
            b"save" => save = true,
            b"now" => now = true,
            b"force" => force = true,
            b"abort" => abort = true,
            _ => return Err(CommandError::SYNTAX),
        }
    }
    if (abort && (save || nosave || now || force)) || (save && nosave) {
        return Err(CommandError::SYNTAX);
    }
    if abort {
        return Err(CommandError::text("ERR No shutdown in progress."));
    }
    if save {
        return Err(CommandError::text(
            "ERR fanfare keeps nothing on disk, so SHUTDOWN SAVE is not supported",
        ));
    }
    log_client!(info, context.client, "SHUTDOWN received");
    context.server.begin_shutdown(now);
    context.session.then(Next::Close);
    Ok(Reply::Sent)
}

/// Refuses DEBUG unless `enable-debug-command` permits it for this client.
pub(crate) fn permit_debug(context: &Context<'_>) -> std::result::Result<(), CommandError> {
    let allowed = match context.server.config().enable_debug_command {
        DebugCommand::Yes => true,
        DebugCommand::Local => context.client.addresses.is_local(),
        DebugCommand::No => false,
    };
    if allowed {
        return Ok(());
    }
    Err(CommandError::text(
        "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", \
         you can run it from a local connection, otherwise you need to set this option in the \
         configuration file, and then restart the server.",
    ))
}

/// `DEBUG SLEEP seconds | ERROR message | PANIC | PROTOCOL type | HELP`
pub(crate) fn debug(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    match (args[1].to_ascii_lowercase().as_slice(), args.len()) {
        (b"sleep", 3) => {
            let seconds = std::str::from_utf8(&args[2])
                .ok()
                .and_then(|word| word.parse().ok())
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .unwrap_or_default();
            if !context.execution.is_alone() {
                // The reply is an element of EXEC's array. The connection sleeps after the whole
                // array.
                context.session.then(Next::Sleep(seconds, false));
                return Ok(Reply::OK);
            }
            context.settle_replies();
            let wanted = context.session.replies.wants_reply();
            context.session.then(Next::Sleep(seconds, wanted));
            Ok(Reply::Sent)
        }
        (b"error", 3) => Err(CommandError::Quoting {
            before: "",
            quoted: args[2].to_vec(),
            after: "".into(),
        }),
        (b"panic", 2) => panic!("DEBUG PANIC"),
        (b"protocol", 3) => debug_protocol::sample(&args[2], context.client.protocol()),
        (b"help", 2) => Ok(help(
            "DEBUG",
            &[
                "ERROR text",
                "    Answer with this error.",
                "PANIC",
                "    Panic in the task of this connection, which ends it alone.",
                "PROTOCOL type",
                "    Answer with a sample of this type: string, integer, double, bignum, null, array,",
                "    set, map, attrib, push, verbatim, true or false.",
                "SLEEP seconds",
                "    Let this connection sleep; seconds may have a fraction. Others go on.",
            ],
        )),
        _ => Err(wrong_subcommand("DEBUG", &args[1])),
    }
}
