//! The dispatcher: looks up the command of a request, validates the request, runs the handler, and
//! writes the reply.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! ```text
//!   dispatch ─▶ run_request ─▶ run_command ─┬─▶ gathered (publish_run), refused, postponed, queued
//!               finds the      validates    └─▶ call_handler ─▶ complete
//!               command                         runs it         waiters, invalidations, events
//! ```
//!
//! [`validate`] keeps the order of Redis's `processCommand`, which decides what error a client
//! sees. EXEC passes its queued commands to [`call_handler`] directly.

use std::time::Duration;

use std::sync::atomic::Ordering::Relaxed;

#[cfg(feature = "scripts")]
use super::Execution;
use super::table::{self, Handler};
use super::{
    Args, Context, Next, ReplyMode, access, deferred, hub, missing, operators, publish_run, server,
    taking, tracking, transaction,
};
use crate::catalog::categories::Category;
use crate::catalog::spec::{Flag, InMulti};
use crate::catalog::{CATALOG, Command};
use crate::client::Ending;
use crate::observe::batch_stats::Outcome;
use crate::observe::log_throttle::Told;
use crate::resp::Protocol;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
#[cfg(feature = "scripts")]
use crate::resp::writer::ReplyBuilder;
use crate::store::events;

/// Executes one request. An empty request does nothing, but CLIENT REPLY SKIP counts it, as in
/// Redis.
pub(crate) fn dispatch(context: &mut Context<'_>, args: &Args<'_>) {
    if !args.is_empty() {
        run_request(context, args);
    }
    if matches!(context.session.next, Next::Postpone(_) | Next::AfterHub) {
        return;
    }
    context.session.replies = match context.session.replies {
        ReplyMode::SkipNext => ReplyMode::Skip,
        ReplyMode::Skip => ReplyMode::On,
        mode => mode,
    };
}

/// Finds a request's command and runs it.
fn run_request(context: &mut Context<'_>, args: &Args<'_>) {
    if is_http(&args[0]) {
        context.client.ends_because(Ending::ProtocolError);
        context.server.tell(Told::Http, context.client);
        context.session.next = Next::Abort;
        return;
    }
    if hub::must_wait(context, args) {
        context.session.next = Next::AfterHub;
        return;
    }
    match CATALOG.resolve(args) {
        Ok(command) => run_command(context, command, args),
        Err(error) => {
            publish_run::finish(context);
            transaction::abort(context);
            let missing = match &error {
                CommandError::UnknownCommand { name, .. } => missing::error(name),
                _ => None,
            };
            context.fail(&missing.unwrap_or(error));
            tracking::end_caching(context, None);
        }
    }
}

/// Runs a command, or refuses, postpones or queues it.
fn run_command(context: &mut Context<'_>, command: &'static Command, args: &Args<'_>) {
    context.client.last_command.store(command.id, Relaxed);
    if !command.queue {
        context.release_keyspace();
    }
    let validated = validate(context, command, args);
    if validated.is_ok() && publish_run::gather(context, command, args) {
        show_to_monitors(context, command, args);
        return;
    }
    publish_run::finish(context);
    match validated {
        Err(error) => {
            let error = transaction::reject(context, command, error);
            context.fail(&error);
            context.batch_stats.command(command.id, Outcome::Rejected);
        }
        Ok(_) if let Some(next) = operators::held_by_pause(context, command) => {
            context.session.then(next);
        }
        Ok(_) if is_queued(context, command) => {
            transaction::queue(context, command, args);
        }
        Ok(_) if command.queue && context.is_cut_off() => {}
        Ok(_) if taking::would_lose_elements(context, command, args) => {}
        Ok(handler) => call_handler(context, command, handler, args),
    }
    complete(context);
    if !command.queue {
        context.release_keyspace();
        context.finish_disconnects();
    }
    tracking::end_caching(context, Some(command));
}

/// Whether the command needs the keyspace, which a slow script may have.
fn needs_keyspace(context: &Context<'_>, command: &Command) -> bool {
    match command.spec.in_multi {
        InMulti::Executes => transaction::has_keys(context),
        _ if command.categories.contains(Category::Scripting) => !command.has(Flag::AllowBusy),
        // WATCH has keys, too.
        _ => command.queue || command.spec.has_keys(),
    }
}

/// Whether the command is queued for EXEC instead of being run.
fn is_queued(context: &Context<'_>, command: &Command) -> bool {
    context.session.transaction.is_some() && command.spec.in_multi == InMulti::Waits
}

/// Runs a validated command, writes its reply, and counts it.
pub(super) fn call_handler(
    context: &mut Context<'_>,
    command: &'static Command,
    handler: Handler,
    args: &Args<'_>,
) {
    context.may_write = command.has(Flag::Write);
    let before = context.replies.mark();
    let wanted = context.session.replies.wants_reply();
    let mut outcome = match run(context, command, handler, args) {
        Ok(error @ Reply::Error(_)) => {
            // A script's error, which was counted when it arose.
            context.reply(error);
            Outcome::Failed
        }
        Ok(reply) => {
            context.reply(reply);
            Outcome::Called
        }
        Err(error) => {
            // The error replaces what the handler has written so far.
            context.replies.truncate(before);
            context.fail(&error);
            Outcome::Failed
        }
    };
    if context.replies.is_starved() {
        context.replies.truncate(before);
        no_memory_for_reply(context, command);
        outcome = Outcome::Failed;
    }
    if !wanted && !context.session.replies.wants_reply() {
        context.replies.truncate(before);
    }
    let rest = match context.session.next {
        Next::Sleep(rest, _) => rest,
        _ => Duration::ZERO,
    };
    account_for(context, command, args, outcome, rest);
}

/// Counts a command that was run, and notes it wherever commands are noted. `rest` is the time for
/// which the connection now waits because of it.
fn account_for(
    context: &mut Context<'_>,
    command: &Command,
    args: &Args<'_>,
    outcome: Outcome,
    rest: Duration,
) {
    tracking::remember_reads(context, command, args);
    let took = context.batch_stats.command(command.id, outcome) + rest;
    if took >= context.batch_stats.notable {
        operators::note_slow(context, command, args, took);
    }
    if !command.has(Flag::SkipMonitor) {
        show_to_monitors(context, command, args);
    }
}

/// Runs a command that a script calls, and counts it. Returns its reply.
#[cfg(feature = "scripts")]
pub(super) fn call_in_script(
    context: &mut Context<'_>,
    command: &'static Command,
    handler: Handler,
    args: &Args<'_>,
) -> Reply {
    context.may_write = command.has(Flag::Write);
    let mut outcome = Outcome::Called;
    let reply = match run(context, command, handler, args) {
        Ok(Reply::Sent) => {
            let built = take_built(context);
            if built.is_starved() {
                outcome = Outcome::Failed;
                if command.has(Flag::Write) {
                    end_unanswered(context);
                }
                error_in_script(context, CommandError::NO_MEMORY)
            } else {
                built.finish()
            }
        }
        Ok(reply) => reply,
        Err(error) => {
            // The error replaces what the handler has written so far.
            take_built(context);
            outcome = Outcome::Failed;
            error_in_script(context, error)
        }
    };
    account_for(context, command, args, outcome, Duration::ZERO);
    reply
}

/// Takes what a command that a script calls has written of its reply.
#[cfg(feature = "scripts")]
fn take_built(context: &mut Context<'_>) -> ReplyBuilder {
    let room = context.config.script_max_memory as usize;
    let Execution::InScript { reply } = &mut context.execution else {
        unreachable!("a script calls it");
    };
    std::mem::replace(reply, ReplyBuilder::with_room(room))
}

/// Counts an error that a command has ended with, which a script gets.
#[cfg(feature = "scripts")]
fn error_in_script(context: &mut Context<'_>, error: CommandError) -> Reply {
    context.batch_stats.error(error.code());
    Reply::Error(Box::new(error))
}

/// Runs a command's handler, unless its arguments would have to be copied and are too large.
fn run(
    context: &mut Context<'_>,
    command: &Command,
    handler: Handler,
    args: &Args<'_>,
) -> Result<Reply, CommandError> {
    if stores_copies(command) && !args.can_be_copied() {
        return Err(CommandError::NO_MEMORY);
    }
    handler.run(context, args)
}

/// Whether a command that may take memory copies its arguments. A string keeps a large one as it is.
fn stores_copies(command: &Command) -> bool {
    command.has(Flag::DenyOom) && command.spec.docs.group != "string"
}

/// Handles a reply that there is no memory for: an error takes its place.
#[cold]
fn no_memory_for_reply(context: &mut Context<'_>, command: &Command) {
    if command.has(Flag::Write) {
        end_unanswered(context);
    } else {
        context.fail(&CommandError::NO_MEMORY);
    }
}

/// Ends the connection, because there is no memory for the reply of a command that has changed
/// something. An error would say that it has failed.
#[cold]
fn end_unanswered(context: &mut Context<'_>) {
    context.client.ends_because(Ending::NoMemory);
    context.server.tell(Told::NoMemory, context.client);
    context.session.then(Next::Abort);
}

fn show_to_monitors(context: &mut Context<'_>, command: &Command, args: &Args<'_>) {
    if context.server.monitors.any() {
        operators::feed_monitors(context, command, args);
    }
}

/// Completes a command, or a whole EXEC: serves blocked clients, sends invalidations, and publishes
/// the notifications.
fn complete(context: &mut Context<'_>) {
    if let Some(keyspace) = &mut context.keyspace {
        for error in keyspace.serve_waiters(context.config, context.fanout) {
            context.batch_stats.error(error.code());
        }
        if keyspace.take_expiry_set() {
            context.server.expiry_set.notify_one();
        }
        tracking::tell_all(context);
        publish_events(context);
    }
}

/// Publishes the keyspace notifications so far.
pub(super) fn publish_events(context: &mut Context<'_>) {
    let Some(keyspace) = &mut context.keyspace else {
        return;
    };
    let is_deferred = !context.deferred.is_empty();
    if keyspace.event_count() == 0 && !is_deferred {
        return;
    }
    if context.client.is_subscriber() && context.execution.is_alone() {
        // The reply comes before the messages that the command causes.
        context.settle_replies();
    }
    if is_deferred {
        deferred::send(context);
        return;
    }
    let Some(keyspace) = &mut context.keyspace else {
        return;
    };
    context.fanout.set_time(context.batch_stats.lap_began());
    events::publish(
        &keyspace.take_events(),
        context.config.notify_keyspace_events,
        &context.server.registry,
        context.execution.channel_order(),
        context.fanout,
        &mut context.batch_stats.messages,
    );
}

/// Validates a request before its command runs: arity, permissions, memory, and the state of the
/// client. Returns the handler.
fn validate(
    context: &mut Context<'_>,
    command: &'static Command,
    args: &Args<'_>,
) -> Result<Handler, CommandError> {
    let arity = CommandError::Arity;
    if !command.spec.accepts(args.len()) {
        return Err(arity(command.full_name.clone()));
    }
    let handler = table::handler(command).ok_or_else(|| arity(command.full_name.clone()))?;
    if command.has(Flag::Protected) {
        server::permit_debug(context)?;
    }
    access::refresh_user(context)?;
    access::require_auth(context, command)?;
    let in_multi = context.session.transaction.is_some();
    if in_multi && command.has(Flag::NoMulti) {
        return Err(CommandError::text(
            "ERR Command not allowed inside a transaction",
        ));
    }
    access::require_permission(context, command, args)?;
    if command.queue && !context.config.queue.is_on() {
        return Err(CommandError::QUEUE_IS_OFF);
    }
    if needs_keyspace(context, command) {
        if !is_queued(context, command) {
            context.take_keyspace()?;
        } else if let Some(busy) = context.server.busy_script() {
            return Err(busy);
        }
    }
    if context.config.maxmemory > 0
        && transaction::needs_memory(context, command)
        && context.keyspace().used() as u64 > context.config.maxmemory
    {
        return Err(CommandError::OUT_OF_MEMORY);
    }
    if !command.has(Flag::WhileSubscribed)
        && context.client.is_subscriber()
        && context.client.protocol() == Protocol::Resp2
    {
        return Err(CommandError::Text(
            format!(
                "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
                 RESET are allowed in this context",
                command.full_name
            )
            .into(),
        ));
    }
    if context.client.is_monitor() && operators::refuses_monitor(context, command) {
        return Err(CommandError::text(
            "ERR Replica can't interact with the keyspace",
        ));
    }
    Ok(handler)
}

/// Whether the word begins a browser's request. As in Redis, such a connection is closed at once:
/// otherwise a web page could send commands to a server on the same machine.
fn is_http(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"post") || word.eq_ignore_ascii_case(b"host:")
}
