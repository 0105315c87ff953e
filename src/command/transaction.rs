//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! ```text
//!   MULTI ──▶ commands are validated and queued ──▶ EXEC: all run under one hold of the lock
//! ```
//!
//! A transaction is atomic for all other clients: EXEC holds the keyspace's lock from its first
//! command to its last, unless none of them needs keys. If it may publish more than one message, it
//! also holds the channel-order locks, so that no other message comes in between. Lock order:
//! keyspace, then channels. Messages to the client itself are held until EXEC's reply is complete:
//! the reply is one array, and no message may come in between its elements.
//!
//! If a command is refused when it is queued, EXEC refuses the whole transaction. If a command
//! fails when it runs, its error is among the replies, and the other commands still run.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use super::{Args, Context, Execution, MAX_REPLIES, Session, access, dispatch, table, tracking};
use crate::catalog::Command;
use crate::catalog::categories::Category;
use crate::catalog::spec::{Flag, InMulti};
use crate::client::{Client, Kept};
use crate::pubsub::registry::ChannelOrder;
use crate::resp::error::CommandError;
use crate::resp::large::{LargeBulk, has_memory_for};
use crate::resp::reply::Reply;
use crate::resp::request::large_range;
use crate::resp::writer::ReplyWriter;
use crate::store::keyspace::Keyspace;

type Result = std::result::Result<Reply, CommandError>;

/// The commands since MULTI.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    queued: Vec<Queued>,
    /// A command was refused: EXEC will refuse the transaction.
    aborted: bool,
    /// One of the commands needs keys.
    has_keys: bool,
    /// One of the commands may need memory.
    needs_memory: bool,
    /// What the commands do.
    pub effects: Effects,
}

/// What a transaction's commands do, as far as a pause, a monitor or a peer that is gone prevents
/// it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effects {
    /// One of them reads keys.
    pub reads: bool,
    /// One of them changes keys, or publishes.
    pub may_replicate: bool,
    /// One of them pops elements.
    pub takes: bool,
}

/// A command that is queued for EXEC, with a copy of its arguments.
#[derive(Debug)]
struct Queued {
    command: &'static Command,
    bytes: Box<[u8]>,
    ranges: Box<[Range<usize>]>,
    large: Box<[LargeBulk]>,
}

impl Queued {
    fn new(command: &'static Command, args: &Args<'_>) -> Queued {
        let copied = args.iter().enumerate();
        let copied = copied.filter(|(index, _)| args.large(*index).is_none());
        let mut bytes = Vec::with_capacity(copied.map(|(_, arg)| arg.len()).sum());
        let mut ranges = Vec::with_capacity(args.len());
        let mut large = Vec::new();
        for (index, arg) in args.iter().enumerate() {
            if let Some(bulk) = args.large(index) {
                ranges.push(large_range(large.len()));
                large.push(bulk.clone());
            } else {
                let start = bytes.len();
                bytes.extend_from_slice(arg);
                ranges.push(start..bytes.len());
            }
        }
        Queued {
            command,
            bytes: bytes.into(),
            ranges: ranges.into(),
            large: large.into(),
        }
    }

    fn args(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.ranges, &self.large)
    }

    fn memory(&self) -> usize {
        let tables = size_of_val(&*self.ranges) + size_of_val(&*self.large);
        let large: usize = self.large.iter().map(LargeBulk::memory).sum();
        size_of::<Queued>() + self.bytes.len() + tables + large
    }
}

/// Queues a command instead of running it.
pub(crate) fn queue(context: &mut Context<'_>, command: &'static Command, args: &Args<'_>) {
    let Some(transaction) = &mut context.session.transaction else {
        return;
    };
    // A transaction that EXEC will refuse keeps no commands.
    if !transaction.aborted {
        let kept = context.client.kept(Kept::Queued);
        if !may_queue(kept, args) {
            transaction.aborted = true;
            return context.fail(&CommandError::NO_MEMORY);
        }
        let queued = Queued::new(command, args);
        let memory = queued.memory();
        transaction.has_keys |= command.queue;
        transaction.needs_memory |= command.has(Flag::DenyOom);
        transaction.effects.reads |= command.has(Flag::ReadOnly);
        transaction.effects.may_replicate |= command.may_replicate();
        transaction.effects.takes |= command.takes;
        transaction.queued.push(queued);
        let queued = i32::try_from(transaction.queued.len());
        context.client.set_queued(queued.unwrap_or(i32::MAX));
        context.client.add_kept(Kept::Queued, memory);
    }
    context.reply(Reply::Static(b"+QUEUED\r\n"));
}

/// Whether there is memory to queue another command, beside `kept` bytes of others.
fn may_queue(kept: usize, args: &Args<'_>) -> bool {
    /// For small commands, the system is asked once for each of these many bytes.
    const STEP: usize = 1024 * 1024;
    let more: usize = args.iter().map(<[u8]>::len).sum();
    args.can_be_copied() && (kept % STEP + more < STEP || has_memory_for(STEP))
}

/// Marks the transaction, after a command was refused: EXEC will refuse it.
pub(crate) fn abort(context: &mut Context<'_>) {
    if let Some(transaction) = &mut context.session.transaction {
        transaction.aborted = true;
    }
}

/// As [`abort`], after `command` was refused with `error`. Returns the error to answer. If the
/// command is EXEC, the transaction ends, and the error says so.
pub(crate) fn reject(
    context: &mut Context<'_>,
    command: &Command,
    error: CommandError,
) -> CommandError {
    if command.spec.in_multi != InMulti::Executes {
        abort(context);
        return error;
    }
    end(context);
    // Redis adds `ERR` only to texts without an error code.
    let text = error.wire_text();
    CommandError::Quoting {
        before: "EXECABORT Transaction discarded because of: ",
        quoted: text.strip_prefix(b"ERR ").unwrap_or(&text).to_vec(),
        after: "".into(),
    }
}

/// Whether a command is refused above `maxmemory`: a command that may need memory, an EXEC with
/// such commands, and any command within MULTI that does not end the transaction.
pub(crate) fn needs_memory(context: &Context<'_>, command: &Command) -> bool {
    let Some(transaction) = &context.session.transaction else {
        return command.has(Flag::DenyOom);
    };
    match command.spec.in_multi {
        InMulti::Executes => transaction.needs_memory,
        InMulti::GivesUp => false,
        InMulti::Runs | InMulti::Waits => true,
    }
}

/// Whether EXEC needs the keyspace.
pub(crate) fn has_keys(context: &Context<'_>) -> bool {
    let transaction = context.session.transaction.as_ref();
    let watches = context.client.kept(Kept::Watched) > 0 && !context.session.owes_unwatch;
    watches || transaction.is_some_and(|transaction| transaction.has_keys)
}

/// Ends the transaction, if there is one, and removes all watches.
pub(crate) fn end(context: &mut Context<'_>) {
    context.session.transaction = None;
    forget_queued(context);
    stop_watching(context);
}

fn forget_queued(context: &Context<'_>) {
    context.client.set_queued(-1);
    context.client.set_kept(Kept::Queued, 0);
}

/// `MULTI`
pub(crate) fn multi(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    if context.session.transaction.is_some() {
        return Err(CommandError::text("ERR MULTI calls can not be nested"));
    }
    context.session.transaction = Some(Box::default());
    context.client.set_queued(0);
    Ok(Reply::OK)
}

/// `DISCARD`
pub(crate) fn discard(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    if context.session.transaction.is_none() {
        return Err(CommandError::text("ERR DISCARD without MULTI"));
    }
    end(context);
    Ok(Reply::OK)
}

/// `WATCH key [key ...]`
pub(crate) fn watch(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    if context.session.transaction.is_some() {
        return Err(CommandError::text("ERR WATCH inside MULTI is not allowed"));
    }
    let client = context.client;
    // The next EXEC fails already, so that further watches change nothing.
    if client.watched_changed.load(Relaxed) {
        return Ok(Reply::OK);
    }
    if !context.may_keep(args.iter().skip(1).map(watch_memory).sum()) {
        return Ok(Reply::Sent);
    }
    if context.is_cut_off() {
        return Ok(Reply::Sent);
    }
    let (mut keys, _) = context.keys();
    for key in args.iter().skip(1) {
        // Removes the key if it has expired already: that is no change after WATCH.
        keys.peek(key);
        if keys.watch(client, key) {
            client.add_kept(Kept::Watched, watch_memory(key));
        }
    }
    Ok(Reply::OK)
}

/// The memory of a watch, tables included. A key that a blocked client waits for takes about as
/// much.
pub(crate) fn watch_memory(key: &[u8]) -> usize {
    const TABLES: usize = 256;
    TABLES + 2 * key.len()
}

/// `UNWATCH`
pub(crate) fn unwatch(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    stop_watching(context);
    Ok(Reply::OK)
}

/// Stops watching, for a session that owes it.
pub(super) fn unwatch_owed(session: &mut Session, client: &Client, space: &mut Keyspace) {
    if std::mem::take(&mut session.owes_unwatch) {
        space.watched.unwatch(client.id);
        client.set_kept(Kept::Watched, 0);
        client.watched_changed.store(false, Relaxed);
    }
}

fn stop_watching(context: &mut Context<'_>) {
    let client = context.client;
    // Without watches, the keyspace's lock is not needed.
    if client.kept(Kept::Watched) > 0 {
        context.session.owes_unwatch = true;
        // If a slow script has the keyspace, the next hold does it.
        let _ = context.take_keyspace();
    }
    client.watched_changed.store(false, Relaxed);
}

/// `EXEC`
pub(crate) fn exec(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    if context.session.transaction.is_none() {
        return Err(CommandError::text("ERR EXEC without MULTI"));
    }
    // Without keys and watches, the keyspace's lock is not needed.
    let has_keys = has_keys(context);
    if has_keys && context.is_cut_off() {
        return Ok(Reply::Sent);
    }
    let changed = has_keys && watched_key_changed(context);
    stop_watching(context);
    let transaction = context.session.transaction.take().unwrap_or_default();
    let result = if transaction.aborted {
        Err(CommandError::text(
            "EXECABORT Transaction discarded because of previous errors.",
        ))
    } else if changed {
        Ok(Reply::NullArray)
    } else {
        run_queued(context, &transaction);
        Ok(Reply::Sent)
    };
    // CLIENT LIST shows the transaction until here.
    forget_queued(context);
    result
}

/// Runs the commands, and writes their replies as one array.
fn run_queued(context: &mut Context<'_>, transaction: &Transaction) {
    let publishes = transaction.queued.iter().filter(|queued| {
        let notifies = queued.command.queue && context.config.notify_keyspace_events.announce_any();
        notifies || queued.command.spec.publishes.is_some()
    });
    // A script may run for long, and others publish meanwhile.
    let runs_script = |queued: &Queued| queued.command.categories.contains(Category::Scripting);
    let has_script = transaction.queued.iter().any(runs_script);
    let publishes_here = context.server.upstream.is_none() && publishes.count() > 1;
    let order = if publishes_here && !has_script {
        // The lock order of `ChannelOrder`: the keyspace's lock comes first.
        context.keyspace();
        context.server.registry.hold_order()
    } else {
        if !transaction.has_keys && !has_script {
            // A command may be slow: ACL SAVE writes a file.
            context.release_keyspace();
        }
        ChannelOrder::default()
    };
    context.client.outbox.hold_messages();
    context.execution = Execution::InExec { order };
    if context.session.replies.wants_reply() {
        ReplyWriter::wire(context.replies, context.client.protocol())
            .array(transaction.queued.len());
    }
    for queued in &transaction.queued {
        if let Some(handler) = table::handler(queued.command) {
            let args = queued.args();
            match access::require_permission_in_exec(context, queued.command, &args) {
                Ok(()) => dispatch::call_handler(context, queued.command, handler, &args),
                Err(error) => context.fail(&error),
            }
            tracking::tell_readers(context);
            dispatch::publish_events(context);
            if context.replies.len() >= MAX_REPLIES {
                context.settle_replies();
            }
        }
    }
    context.execution = Execution::Alone;
    context.settle_replies();
    if context.session.hub_run.is_none() {
        context.client.outbox.release_messages();
    }
}

/// Whether a watched key has changed or expired.
fn watched_key_changed(context: &mut Context<'_>) -> bool {
    let client = context.client;
    let config = context.config;
    let keyspace = context.keyspace();
    for full in keyspace.watched.of(client.id).to_vec() {
        // The look-up removes an expired key, which marks its watchers.
        keyspace.keys(full.db, config).peek(&full.key);
    }
    client.watched_changed.load(Relaxed)
}
