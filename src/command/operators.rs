//! MONITOR, CLIENT PAUSE and CLIENT UNPAUSE, and what SLOWLOG, LATENCY and MONITOR are told of a
//! command.

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

/// What is shown of a secret.
const REDACTED: &[u8] = b"(redacted)";
/// A pause that would end after the clock does ends after so long.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 86_400);

/// `MONITOR`
pub(crate) fn monitor(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    if !context.execution.is_alone() {
        return Err(CommandError::text(
            "ERR MONITOR isn't allowed for DENY BLOCKING client",
        ));
    }
    // Nothing that it is shown comes before the reply.
    context.reply(Reply::OK);
    context.settle_replies();
    // Redis does not answer one that is a monitor already, so that its client waits forever.
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

/// Whether the command waits for the end of a pause; what the connection then does.
pub(crate) fn held_by_pause(context: &Context<'_>, command: &Command) -> Option<Next> {
    let until = context
        .server
        .pause
        .holds_back(|| command.may_replicate() || transaction_of(context, command).may_replicate)?;
    // Redis holds up no replica, and takes a monitor for one.
    (!context.client.is_monitor()).then_some(Next::Postpone(until))
}

/// Whether a monitor may not send this: Redis takes it for a replica.
pub(crate) fn refuses_monitor(context: &Context<'_>, command: &Command) -> bool {
    let transaction = transaction_of(context, command);
    command.may_replicate()
        || command.has(Flag::ReadOnly)
        || transaction.may_replicate
        || transaction.reads
}

/// What an EXEC brings about; nothing of any other command.
fn transaction_of(context: &Context<'_>, command: &Command) -> super::transaction::Effects {
    match &context.session.transaction {
        Some(transaction) if command.spec.in_multi == InMulti::Executes => transaction.effects,
        _ => Default::default(),
    }
}

/// The shortest time that SLOWLOG or LATENCY notes of a command.
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

/// Notes a command that took so long as to be [`notable`].
#[cold]
pub(crate) fn note_slow(context: &Context<'_>, command: &Command, args: &Args<'_>, took: Duration) {
    note_slow_words(context, command, || shown(command, args), took);
}

/// As [`note_slow`], with the words that the slow log shows.
#[cold]
pub(crate) fn note_slow_words<'w>(
    context: &Context<'_>,
    command: &Command,
    words: impl FnOnce() -> Vec<&'w [u8]>,
    took: Duration,
) {
    let event = if command.has(Flag::Fast) {
        "fast-command"
    } else {
        "command"
    };
    let server = context.server;
    // A CONFIG SET is held to what it has set.
    let config = server.config();
    let threshold = config.latency_monitor_threshold;
    server.latency.record(event, took, threshold);
    let slower = u64::try_from(config.slowlog_log_slower_than);
    let is_slow = slower.is_ok_and(|slower| took >= Duration::from_micros(slower));
    if is_slow && !command.has(Flag::SkipSlowlog) {
        let most = config.slowlog_max_len;
        server
            .slow_log
            .push(context.client, words().into_iter(), took, most);
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
        // What it is answered comes before what it is shown.
        context.settle_replies();
    }
    let database = client.database.load(std::sync::atomic::Ordering::Relaxed);
    let in_script = context.execution.is_in_script();
    let words = shown(command, args).into_iter();
    let line = monitors::line(client, database, in_script, words);
    context
        .server
        .monitors
        .feed(line.as_bytes(), context.fanout);
}

/// The words of a request, without secrets.
fn shown<'a>(command: &Command, args: &Args<'a>) -> Vec<&'a [u8]> {
    let hidden = |index| command.spec.hides.is_some_and(|hides| hides(args, index));
    let words = args.iter().enumerate();
    words
        .map(|(index, word)| if hidden(index) { REDACTED } else { word })
        .collect()
}
