//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.
//!
//! ```text
//!   MULTI ──▶ commands are checked and queued ──▶ EXEC: all of them under one hold of the keyspace
//! ```
//!
//! Atomic to everybody else: EXEC has the keyspace's lock from its first command to its last, unless
//! none of them has to do with keys, and the order of all channels if it publishes more than one message, so that no other comes in
//! between. Messages to the client itself wait until EXEC's reply is there: it is one array, which
//! nothing may tear apart.
//!
//! A command that is refused when it is queued spoils the transaction, and EXEC refuses it as a
//! whole; one that fails when it runs is an error among the replies, and the others go on.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use super::{Args, Context, Execution, MAX_REPLIES, Session, access, dispatch, table, tracking};
use crate::catalog::Command;
use crate::catalog::categories::Category;
use crate::catalog::spec::{Flag, InMulti};
use crate::client::Client;
use crate::pubsub::registry::ChannelOrder;
use crate::resp::error::CommandError;
use crate::resp::large::LargeBulk;
use crate::resp::reply::Reply;
use crate::resp::request::large_range;
use crate::resp::writer::ReplyWriter;
use crate::store::keyspace::Keyspace;

type Result = std::result::Result<Reply, CommandError>;

/// The commands since MULTI.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    queued: Vec<Queued>,
    /// A command was refused.
    spoiled: bool,
    /// One of the commands has to do with keys.
    has_keys: bool,
    /// One of the commands may need memory.
    needs_memory: bool,
    /// What the commands bring about.
    pub effects: Effects,
}

/// What a transaction's commands bring about, for who holds some of that back.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effects {
    /// One of them reads keys.
    pub reads: bool,
    /// One of them changes keys, or publishes.
    pub may_replicate: bool,
    /// One of them takes elements out of keys.
    pub takes: bool,
}

/// A command that waits for EXEC.
#[derive(Debug)]
struct Queued {
    command: &'static Command,
    bytes: Box<[u8]>,
    words: Box<[Range<usize>]>,
    large: Box<[LargeBulk]>,
}

impl Queued {
    fn new(command: &'static Command, args: &Args<'_>) -> Queued {
        let copied = args.iter().enumerate();
        let copied = copied.filter(|(index, _)| args.large(*index).is_none());
        let mut bytes = Vec::with_capacity(copied.map(|(_, word)| word.len()).sum());
        let mut words = Vec::with_capacity(args.len());
        let mut large = Vec::new();
        for (index, word) in args.iter().enumerate() {
            if let Some(bulk) = args.large(index) {
                words.push(large_range(large.len()));
                large.push(bulk.clone());
            } else {
                let start = bytes.len();
                bytes.extend_from_slice(word);
                words.push(start..bytes.len());
            }
        }
        Queued {
            command,
            bytes: bytes.into(),
            words: words.into(),
            large: large.into(),
        }
    }

    fn args(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.words, &self.large)
    }

    fn memory(&self) -> usize {
        let places = size_of_val(&*self.words) + size_of_val(&*self.large);
        let large: usize = self.large.iter().map(LargeBulk::memory).sum();
        size_of::<Queued>() + self.bytes.len() + places + large
    }
}

/// Queues a command instead of running it.
pub(crate) fn queue(context: &mut Context<'_>, command: &'static Command, args: &Args<'_>) {
    let Some(transaction) = &mut context.session.transaction else {
        return;
    };
    // One that is refused anyway need not be kept.
    if !transaction.spoiled {
        let queued = Queued::new(command, args);
        let memory = queued.memory();
        transaction.has_keys |= command.queue;
        transaction.needs_memory |= command.has(Flag::DenyOom);
        transaction.effects.reads |= command.has(Flag::ReadOnly);
        transaction.effects.may_replicate |= command.may_replicate();
        transaction.effects.takes |= command.takes;
        transaction.queued.push(queued);
        context.client.queued.fetch_add(1, Relaxed);
        context.client.queued_memory.fetch_add(memory, Relaxed);
    }
    context.reply(Reply::Static(b"+QUEUED\r\n"));
}

/// A command was refused: EXEC will refuse the transaction.
pub(crate) fn spoil(context: &mut Context<'_>) {
    if let Some(transaction) = &mut context.session.transaction {
        transaction.spoiled = true;
    }
}

/// As [`spoil`], for a command that exists. An EXEC that is refused ends the transaction, and says
/// so.
pub(crate) fn reject(
    context: &mut Context<'_>,
    command: &Command,
    error: CommandError,
) -> CommandError {
    if command.spec.in_multi != InMulti::Executes {
        spoil(context);
        return error;
    }
    end(context);
    // Redis adds the code only to texts that have none of their own.
    let text = error.wire_text();
    CommandError::Quoting {
        before: "EXECABORT Transaction discarded because of: ",
        quoted: text.strip_prefix(b"ERR ").unwrap_or(&text).to_vec(),
        after: "".into(),
    }
}

/// Whether a command is refused when memory is short: one that may need some, an EXEC of such
/// ones, and whatever goes on with a transaction instead of ending it.
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

/// Whether an EXEC would have to do with keys.
pub(crate) fn has_keys(context: &Context<'_>) -> bool {
    let transaction = context.session.transaction.as_ref();
    let watches = context.client.watched_memory.load(Relaxed) > 0 && !context.session.owes_unwatch;
    watches || transaction.is_some_and(|transaction| transaction.has_keys)
}

/// Ends the transaction, if there is one, and all watching.
pub(crate) fn end(context: &mut Context<'_>) {
    context.session.transaction = None;
    forget_queued(context);
    stop_watching(context);
}

fn forget_queued(context: &Context<'_>) {
    context.client.queued.store(-1, Relaxed);
    context.client.queued_memory.store(0, Relaxed);
}

/// `MULTI`
pub(crate) fn multi(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    if context.session.transaction.is_some() {
        return Err(CommandError::text("ERR MULTI calls can not be nested"));
    }
    context.session.transaction = Some(Box::default());
    context.client.queued.store(0, Relaxed);
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
    // An EXEC that will fail anyway needs no more watches.
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
        // One whose time has come is gone, and that is no change.
        keys.peek(key);
        if keys.watch(client, key) {
            client.watched_memory.fetch_add(watch_memory(key), Relaxed);
        }
    }
    Ok(Reply::OK)
}

/// What a watched key takes, tables included; about what a waited-for one does.
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
        client.watched_memory.store(0, Relaxed);
        client.watched_changed.store(false, Relaxed);
    }
}

fn stop_watching(context: &mut Context<'_>) {
    let client = context.client;
    // Who watches nothing waits for nobody who has the keyspace.
    if client.watched_memory.load(Relaxed) > 0 {
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
    // One that has nothing to do with keys waits for nobody who has the keyspace.
    let has_keys = has_keys(context);
    if has_keys && context.is_cut_off() {
        return Ok(Reply::Sent);
    }
    let changed = has_keys && watched_key_changed(context);
    stop_watching(context);
    let transaction = context.session.transaction.take().unwrap_or_default();
    let result = if transaction.spoiled {
        Err(CommandError::text(
            "EXECABORT Transaction discarded because of previous errors.",
        ))
    } else if changed {
        Ok(Reply::NullArray)
    } else {
        run_queued(context, &transaction);
        Ok(Reply::Sent)
    };
    // Until now it shows in CLIENT LIST.
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
    let order = if publishes.count() > 1 && !has_script {
        // See `ChannelOrder` for why.
        context.keyspace();
        context.server.registry.hold_order()
    } else {
        if !transaction.has_keys && !has_script {
            // What it does may be slow: ACL SAVE writes a file.
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
    context.client.outbox.release_messages();
}

/// Whether a watched key has changed, or has come to its end by now.
fn watched_key_changed(context: &mut Context<'_>) -> bool {
    let client = context.client;
    let config = context.config;
    let space = context.keyspace();
    for full in space.watched.of(client.id).to_vec() {
        // Looking removes a key whose time has come, which tells its watchers.
        space.keys(full.db, config).peek(&full.key);
    }
    client.watched_changed.load(Relaxed)
}
