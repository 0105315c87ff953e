//! MONITOR, CLIENT PAUSE and CLIENT UNPAUSE; the recording of commands for SLOWLOG, LATENCY and
//! MONITOR.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::time::Duration;

use tokio::time::Instant;

use super::{Args, Context, Next};
use crate::catalog::Command;
use crate::catalog::spec::{Flag, InMulti};
use crate::config::Config;
use crate::observe::monitors;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::state::pause::Scope;

type Result = std::result::Result<Reply, CommandError>;

/// Stands for a secret in the slow log and in MONITOR.
const REDACTED: &[u8] = b"(redacted)";
/// The length of a pause whose end would overflow the clock.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 86_400);

/// `MONITOR`
pub(crate) fn monitor(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    if !context.execution.is_alone() {
        return Err(CommandError::text(
            "ERR MONITOR isn't allowed for DENY BLOCKING client",
        ));
    }
    // The reply comes before the first line that the monitor gets.
    context.reply(Reply::OK);
    context.settle_replies();
    // Redis sends no second reply to a client that is a monitor already, and it waits forever.
    if !context.client.is_monitor() {
        context.server.monitors.add(context.client);
    }
    Ok(Reply::Sent)
}

/// `CLIENT PAUSE timeout [WRITE | ALL]`
pub(crate) fn pause(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    if args.len() > 4 {
        return Err(super::pubsub::wrong_subcommand("CLIENT", &args[1]));
    }
    let scope = match args.get(3) {
        None => Scope::All,
        Some(word) if word.eq_ignore_ascii_case(b"all") => Scope::All,
        Some(word) if word.eq_ignore_ascii_case(b"write") => Scope::Writes,
        Some(_) => {
            return Err(CommandError::text(
                "ERR CLIENT PAUSE mode must be WRITE or ALL",
            ));
        }
    };
    let milliseconds = integer_argument(&args[2])
        .map_err(|_| CommandError::text("ERR timeout is not an integer or out of range"))?;
    let milliseconds =
        u64::try_from(milliseconds).map_err(|_| CommandError::text("ERR timeout is negative"))?;
    let now = Instant::now();
    let until = now.checked_add(Duration::from_millis(milliseconds));
    let until = until.unwrap_or_else(|| now + FOREVER);
    context.server.pause.begin(until, scope);
    Ok(Reply::OK)
}

/// `CLIENT UNPAUSE`
pub(crate) fn unpause(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    context.server.end_pause();
    Ok(Reply::OK)
}

/// If a pause holds the command back: what the connection does next.
pub(crate) fn held_by_pause(context: &Context<'_>, command: &Command) -> Option<Next> {
    let until = context
        .server
        .pause
        .holds_back(|| command.may_replicate() || transaction_of(context, command).may_replicate)?;
    // Redis never pauses a replica, and it treats a monitor as one.
    (!context.client.is_monitor()).then_some(Next::Postpone(until))
}

/// Whether a monitor may not send this command. Redis treats a monitor as a replica.
pub(crate) fn refuses_monitor(context: &Context<'_>, command: &Command) -> bool {
    let transaction = transaction_of(context, command);
    command.may_replicate()
        || command.has(Flag::ReadOnly)
        || transaction.may_replicate
        || transaction.reads
}

/// The effects of an EXEC's commands. Any other command has none here.
fn transaction_of(context: &Context<'_>, command: &Command) -> super::transaction::Effects {
    match &context.session.transaction {
        Some(transaction) if command.spec.in_multi == InMulti::Executes => transaction.effects,
        _ => Default::default(),
    }
}

/// The shortest time for which SLOWLOG or LATENCY records a command.
pub(crate) fn notable(config: &Config) -> Duration {
    let slow = u64::try_from(config.slowlog_log_slower_than);
    let slow = slow.ok().map(Duration::from_micros);
    let threshold = config.latency_monitor_threshold;
    let latency = (threshold > 0).then(|| Duration::from_millis(threshold));
    [slow, latency]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(Duration::MAX)
}

/// Records a command that took at least [`notable`].
#[cold]
pub(crate) fn note_slow(context: &Context<'_>, command: &Command, args: &Args<'_>, took: Duration) {
    note_slow_args(context, command, || shown_args(command, args), took);
}

/// As [`note_slow`], with the arguments that the slow log shows.
#[cold]
pub(crate) fn note_slow_args<'w>(
    context: &Context<'_>,
    command: &Command,
    shown: impl FnOnce() -> Vec<&'w [u8]>,
    took: Duration,
) {
    let event = if command.has(Flag::Fast) {
        "fast-command"
    } else {
        "command"
    };
    let server = context.server;
    // Read again: a CONFIG SET is subject to the settings that it has changed.
    let config = server.config();
    let threshold = config.latency_monitor_threshold;
    server.latency.record(event, took, threshold);
    let slower = u64::try_from(config.slowlog_log_slower_than);
    let is_slow = slower.is_ok_and(|slower| took >= Duration::from_micros(slower));
    if is_slow && !command.has(Flag::SkipSlowlog) {
        let most = config.slowlog_max_len;
        server
            .slow_log
            .push(context.client, shown().into_iter(), took, most);
    }
}

/// Shows a command to all monitors.
#[cold]
pub(crate) fn feed_monitors(context: &mut Context<'_>, command: &Command, args: &Args<'_>) {
    if command.has(Flag::Admin) {
        return;
    }
    let client = context.client;
    if client.is_monitor() && context.execution.is_alone() {
        // A monitor gets the reply to its own command before the line about it.
        context.settle_replies();
    }
    let database = client.database.load(std::sync::atomic::Ordering::Relaxed);
    let in_script = context.execution.is_in_script();
    let args = shown_args(command, args).into_iter();
    let line = monitors::line(client, database, in_script, args);
    context
        .server
        .monitors
        .feed(line.as_bytes(), context.fanout);
}

/// The arguments of a request, without secrets.
fn shown_args<'a>(command: &Command, args: &Args<'a>) -> Vec<&'a [u8]> {
    let hidden = |index| command.spec.hides.is_some_and(|hides| hides(args, index));
    let all = args.iter().enumerate();
    all.map(|(index, arg)| if hidden(index) { REDACTED } else { arg })
        .collect()
}
