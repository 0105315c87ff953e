//! Carrying out requests: look the command up in the one table, check, run, reply.
//!
//! [`dispatch`] is the only way into a command. The order of its checks is Redis's
//! (`processCommand`), since it decides which error a client sees. Handlers are plain functions,
//! one a command, named after it; they neither block nor await.

pub(crate) mod access;
pub(crate) mod acl;
pub(crate) mod blocking;
pub(crate) mod client;
pub(crate) mod client_filter;
pub(crate) mod client_line;
pub(crate) mod config;
pub(crate) mod connection;
pub(crate) mod expiry;
pub(crate) mod info;
pub(crate) mod introspect;
pub(crate) mod keys;
pub(crate) mod latency;
pub(crate) mod list;
pub(crate) mod object;
#[cfg(test)]
mod on_keys;
pub(crate) mod operators;
pub(crate) mod pubsub;
pub(crate) mod scan;
pub(crate) mod server;
pub(crate) mod slowlog;
pub(crate) mod sort;
pub(crate) mod string;
pub(crate) mod table;
pub(crate) mod transaction;
pub(crate) mod wait;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::Instant;

use crate::catalog::{CATALOG, Command};
use crate::client::{Client, Closing};
use crate::config::Config;
use crate::observe::batch_stats::{BatchStats, Outcome};
use crate::pubsub::fanout::Fanout;
use crate::pubsub::registry::{ChannelOrder, Subscriber};
use crate::resp::Protocol;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, ReplyWriter, put_error};
pub(crate) use crate::resp::request::Args;
use crate::resp::request::ProtocolError;
use crate::state::ServerState;
use crate::store::events;
use crate::store::keys::Keys;
use crate::store::keyspace::Keyspace;
use crate::store::shared::KeyspaceGuard;
use access::Access;
use table::Handler;
use transaction::Transaction;

/// Replies are moved to the outbox, and held against its limits, before there are more bytes of them
/// than this.
pub(crate) const MAX_REPLIES: usize = 1024 * 1024;

/// What belongs to a connection and to nobody else.
#[derive(Debug)]
pub(crate) struct Session {
    /// Who the connection is.
    pub access: Access,
    /// CLIENT REPLY.
    pub replies: ReplyMode,
    /// The commands since MULTI.
    pub transaction: Option<Box<Transaction>>,
    /// What the connection does after the current command.
    pub next: Next,
}

impl Session {
    /// The session of a connection that was just accepted.
    pub(crate) fn new(access: Access) -> Session {
        Session {
            access,
            replies: ReplyMode::On,
            transaction: None,
            next: Next::Go,
        }
    }

    /// Says what the connection does next; what ends it stays, whatever else an EXEC brings.
    pub(crate) fn then(&mut self, next: Next) {
        if !matches!(self.next, Next::Close | Next::Abort) {
            self.next = next;
        }
    }
}

/// Which replies a connection wants (CLIENT REPLY). Pushed frames come in any mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyMode {
    /// All.
    On,
    /// None.
    Off,
    /// All but that of the next command.
    SkipNext,
    /// All but that of the current command.
    Skip,
}

impl ReplyMode {
    /// Whether the current command is answered.
    pub(crate) fn wants_reply(self) -> bool {
        matches!(self, ReplyMode::On | ReplyMode::SkipNext)
    }
}

/// What a connection does after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It takes the next request.
    Go,
    /// It begins a new batch, as settings have changed.
    Reload,
    /// It rests, and then sends these bytes (DEBUG SLEEP).
    Sleep(Duration, &'static [u8]),
    /// It carries out nothing until it is served, or, if there is a moment, until then (BLPOP).
    Block(Option<Instant>),
    /// It takes its last request back, and carries out nothing until a pause is over, at this moment
    /// or before (CLIENT PAUSE).
    Postpone(Instant),
    /// It closes once its replies are written.
    Close,
    /// It closes at once, its replies unwritten.
    Abort,
}

/// What a handler works with.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The server.
    pub server: &'a Arc<ServerState>,
    /// The settings, as they were when the batch began.
    pub config: &'a Config,
    /// The client that sent the request.
    pub client: &'a Arc<Client>,
    /// Its session.
    pub session: &'a mut Session,
    /// Replies of the current batch that are not in the outbox yet.
    pub replies: &'a mut BytesMut,
    /// The batch's messages.
    pub fanout: &'a mut Fanout,
    /// The batch's share of the statistics.
    pub batch_stats: &'a mut BatchStats,
    /// The keyspace's lock, from when the command first asks for it; EXEC has it from the start. A
    /// row of commands of the queue mode, one behind the other in a batch, shares it.
    pub space: Option<KeyspaceGuard<'a>>,
    /// Whether the command is one of an EXEC.
    pub in_exec: bool,
    /// Whether the command changes keys.
    pub writes: bool,
    /// All order, if it publishes more than one message.
    pub order: ChannelOrder<'a>,
}

impl<'a> Context<'a> {
    /// The keys of the selected database, and where the reply goes.
    pub(crate) fn keys(&mut self) -> (Keys<'_>, ReplyWriter<'_>) {
        let (db, protocol) = (self.client.database.load(Relaxed), self.client.protocol());
        let (server, config) = (self.server, self.config);
        let space = self.space.get_or_insert_with(|| begin(server));
        let mut keys = space.keys(db, config);
        if !self.writes && server.pause.is_on() {
            keys = keys.unchanged();
        }
        let keys = if self.client.no_touch.load(Relaxed) {
            keys.untouched()
        } else {
            keys
        };
        (keys, ReplyWriter::new(self.replies, protocol))
    }

    /// The keyspace as a whole.
    pub(crate) fn space(&mut self) -> &mut Keyspace {
        let server = self.server;
        self.space.get_or_insert_with(|| begin(server))
    }

    /// Takes the keyspace's lock, and says whether the client has been disconnected, so that nothing
    /// may be done for it any more: no element is taken for nobody, and no command made that nobody
    /// would remove. Who disconnects it has closed it first and takes this lock afterwards.
    pub(crate) fn is_cut_off(&mut self) -> bool {
        self.space();
        let is_cut_off = self.client.closing() == Closing::Closed;
        if is_cut_off {
            self.session.then(Next::Abort);
        }
        is_cut_off
    }

    /// Ends another client's connection.
    pub(crate) fn disconnect(&mut self, client: &Client) {
        let server = self.server;
        server.disconnect_under(client, self.space());
    }

    /// Whether the client may have so many bytes more kept for it, beside those of its requests. If
    /// not, its connection ends, as it does for too long a request.
    pub(crate) fn may_keep(&mut self, more: usize) -> bool {
        let client = self.client;
        let kept = client.kept_memory() + more;
        let limit = self.config.client_query_buffer_limit;
        let may = kept as u64 <= limit;
        if !may {
            self.server.note_query_limit(client, kept);
            self.session.then(Next::Abort);
        }
        may
    }

    /// Appends a reply, unless the connection wants none.
    pub(crate) fn reply(&mut self, reply: Reply) {
        if self.session.replies.wants_reply() {
            reply.encode(self.replies, self.client.protocol());
        }
    }

    /// Moves the replies so far to the outbox, since what is about to be appended there by other
    /// ways (a confirmation, a message to oneself) comes after them.
    pub(crate) fn settle_replies(&mut self) {
        if !self.replies.is_empty() {
            // The batch ends with a flush of its own connection, asked for or not.
            let append = self.client.outbox.send(self.replies, self.fanout.limits());
            if !append.was_taken() {
                // The connection is at its end; nobody will read them.
                self.replies.clear();
            }
        }
    }

    /// Publishes the messages gathered from the commands before, and answers for them.
    fn finish_run(&mut self) {
        if self.fanout.messages.is_empty() {
            return;
        }
        let took = pubsub::finish_run(
            &self.server.registry,
            self.fanout,
            self.replies,
            self.batch_stats,
        );
        if took >= self.batch_stats.notable {
            operators::note_slow_run(self, took);
        }
        self.fanout.messages.clear();
    }

    /// Lets go of what the commands of a batch share.
    pub(crate) fn finish(mut self) {
        self.space = None;
        self.finish_run();
    }

    /// Adds what was counted to the server's statistics if it has become much.
    pub(crate) fn commit_much(&mut self) {
        if self.batch_stats.is_much() && self.fanout.messages.is_empty() {
            self.batch_stats.commit(&self.server.stats);
        }
    }

    /// Lets others have the keyspace, if they wait for it.
    pub(crate) fn let_others_in(&mut self) {
        if let Some(space) = &mut self.space {
            space.bump();
        }
    }

    /// Answers bytes that are no request.
    pub(crate) fn refuse(&mut self, error: &ProtocolError) {
        tracing::debug!(client = self.client.id, %error, "protocol error; connection closed");
        self.finish_run();
        self.fail(&match error {
            // The offending byte goes back as it came, whatever it is.
            ProtocolError::ExpectedBulk(byte) => CommandError::Quoting {
                before: "ERR Protocol error: expected '$', got '",
                quoted: vec![*byte],
                after: "'".into(),
            },
            ProtocolError::NoMemory(_) => CommandError::Text(format!("OOM {error}").into()),
            error => CommandError::Text(format!("ERR Protocol error: {error}").into()),
        });
    }

    /// The client, as one that subscribes.
    fn subscriber(&self) -> Subscriber<'_> {
        Subscriber {
            client: self.client,
            limits: self.fanout.limits(),
        }
    }

    fn fail(&mut self, error: &CommandError) {
        self.batch_stats.error(error.code());
        if self.session.replies.wants_reply() {
            put_error(self.replies, error);
        }
    }
}

/// Carries out one request. An empty one does nothing, but counts as the one that CLIENT REPLY SKIP
/// skips, as in Redis.
pub(crate) fn dispatch(context: &mut Context<'_>, args: &Args<'_>) {
    if !args.is_empty() {
        carry_out(context, args);
    }
    if matches!(context.session.next, Next::Postpone(_)) {
        return;
    }
    context.session.replies = match context.session.replies {
        ReplyMode::SkipNext => ReplyMode::Skip,
        ReplyMode::Skip => ReplyMode::On,
        mode => mode,
    };
}

/// Takes the keyspace's lock.
fn begin(server: &ServerState) -> KeyspaceGuard<'_> {
    let mut space = server.keyspace.lock();
    space.refresh_clock();
    space
}

fn carry_out(context: &mut Context<'_>, args: &Args<'_>) {
    if is_http(&args[0]) {
        tracing::warn!(
            client = context.client.addresses.peer(),
            "possible security attack: an HTTP request was sent to fanfare; connection closed"
        );
        context.session.next = Next::Abort;
        return;
    }
    match CATALOG.resolve(args) {
        Ok(command) => run(context, command, args),
        Err(error) => {
            context.finish_run();
            transaction::spoil(context);
            context.fail(&error);
        }
    }
}

fn run(context: &mut Context<'_>, command: &'static Command, args: &Args<'_>) {
    context.client.last_command.store(command.id, Relaxed);
    if !command.queue {
        context.space = None;
    }
    let admitted = admit(context, command, args);
    let messages = &context.fanout.messages;
    if admitted.is_err() || !pubsub::continues_run(messages, command, args) {
        context.finish_run();
    }
    match admitted {
        Err(error) => {
            let error = transaction::reject(context, command, error);
            context.fail(&error);
            context.batch_stats.command(command.id, Outcome::Rejected);
        }
        Ok(_) if let Some(next) = operators::postpones(context, command) => {
            context.session.then(next);
        }
        Ok(_) if context.session.transaction.is_some() && !command.runs_in_multi => {
            transaction::queue(context, command, args);
        }
        Ok(_) if command.queue && context.is_cut_off() => {}
        Ok(handler) => call(context, command, handler, args),
    }
    conclude(context);
    if !command.queue {
        context.space = None;
    }
}

/// Runs a command that was admitted.
fn call(context: &mut Context<'_>, command: &'static Command, handler: Handler, args: &Args<'_>) {
    context.writes = command.writes;
    let before = context.replies.len();
    let wanted = context.session.replies.wants_reply();
    let outcome = match handler.run(context, args) {
        Ok(reply) => {
            context.reply(reply);
            Outcome::Called
        }
        Err(error) => {
            // In place of whatever it has written by then.
            context.replies.truncate(before);
            context.fail(&error);
            Outcome::Failed
        }
    };
    if !wanted && !context.session.replies.wants_reply() {
        context.replies.truncate(before);
    }
    if !context.fanout.messages.is_empty() {
        // It is not over yet.
        context.batch_stats.gathered(command.id);
    } else {
        let mut took = context.batch_stats.command(command.id, outcome);
        if let Next::Sleep(rest, _) = context.session.next {
            took += rest;
        }
        if took >= context.batch_stats.notable {
            operators::note_slow(context, command, args, took);
        }
    }
    if context.server.monitors.any() {
        operators::feed_monitors(context, command, args);
    }
}

/// What follows a command, or an EXEC as a whole: waiters are served and events published.
fn conclude(context: &mut Context<'_>) {
    if let Some(space) = &mut context.space {
        space.serve(context.config, context.fanout);
        if space.take_expiry_set() {
            context.server.expiry_set.notify_one();
        }
        publish_events(context);
    }
}

/// Publishes what has happened to keys so far.
fn publish_events(context: &mut Context<'_>) {
    let Some(space) = &mut context.space else {
        return;
    };
    let happened = space.take_events();
    if happened.is_empty() {
        return;
    }
    if context.client.is_subscriber() && !context.in_exec {
        // The reply comes before the messages that the command brings about.
        context.settle_replies();
    }
    let (published, delivered) = events::publish(
        &happened,
        context.config.notify_keyspace_events,
        &context.server.registry,
        &context.order,
        context.fanout,
    );
    context.batch_stats.published += published;
    context.batch_stats.delivered += delivered;
}

/// The checks before a command runs.
fn admit(
    context: &mut Context<'_>,
    command: &'static Command,
    args: &Args<'_>,
) -> Result<Handler, CommandError> {
    let arity = CommandError::Arity;
    if !command.spec.accepts(args.len()) {
        return Err(arity(command.full_name.clone()));
    }
    let handler = table::handler(command).ok_or_else(|| arity(command.full_name.clone()))?;
    if command.is_debug {
        server::allow_debug(context)?;
    }
    access::keep_up(context)?;
    access::admit_stranger(context, command)?;
    let in_multi = context.session.transaction.is_some();
    if in_multi && command.no_multi {
        return Err(CommandError::text(
            "ERR Command not allowed inside a transaction",
        ));
    }
    access::admit(context, command, args)?;
    if command.queue && !context.config.queue {
        return Err(CommandError::QUEUE_IS_OFF);
    }
    if context.config.maxmemory > 0
        && transaction::needs_memory(context, command)
        && context.space().used() as u64 > context.config.maxmemory
    {
        return Err(CommandError::OUT_OF_MEMORY);
    }
    if !command.allowed_while_subscribed
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

/// The first word of a browser's request. Redis closes such a connection at once, lest a web page
/// send commands to a server on the same machine.
fn is_http(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"post") || word.eq_ignore_ascii_case(b"host:")
}
