//! Carrying out requests: look the command up in the one table, check, run, reply.
//!
//! [`dispatch`] is the only way into a command. The order of its checks is Redis's
//! (`processCommand`), since it decides which error a client sees. Handlers are plain functions,
//! one a command, named after it; they neither block nor await.

pub mod client;
pub mod client_filter;
pub mod config;
pub mod connection;
pub mod introspect;
pub mod pubsub;
pub mod server;
pub mod spec;
pub mod table;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::BytesMut;

use crate::conn::client::Client;
use crate::observe::tally::{Outcome, Tally};
use crate::pubsub::fanout::Fanout;
use crate::pubsub::registry::Subscriber;
use crate::resp::Protocol;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, put_error};
pub use crate::resp::request::Args;
use crate::server::state::ServerState;
use table::{Entry, TABLE};

/// What belongs to a connection and to nobody else.
#[derive(Debug)]
pub struct Session {
    /// Whether the connection has given the password, or needed none when it connected.
    pub authenticated: bool,
    /// CLIENT REPLY.
    pub replies: ReplyMode,
    /// What the connection does after the current command.
    pub next: Next,
}

/// Which replies a connection wants (CLIENT REPLY). Pushed frames come in any mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyMode {
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
    pub fn wants_reply(self) -> bool {
        matches!(self, ReplyMode::On | ReplyMode::SkipNext)
    }
}

/// What a connection does after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It takes the next request.
    Go,
    /// It begins a new batch, as settings have changed.
    Reload,
    /// It rests, and then sends these bytes (DEBUG SLEEP).
    Sleep(Duration, &'static [u8]),
    /// It closes once its replies are written.
    Close,
    /// It closes at once, its replies unwritten.
    Abort,
}

/// What a handler works with.
#[derive(Debug)]
pub struct Context<'a> {
    /// The server.
    pub server: &'a Arc<ServerState>,
    /// The client that sent the request.
    pub client: &'a Arc<Client>,
    /// Its session.
    pub session: &'a mut Session,
    /// Replies of the current batch that are not in the outbox yet.
    pub replies: &'a mut BytesMut,
    /// The batch's messages.
    pub fanout: &'a mut Fanout,
    /// The batch's share of the statistics.
    pub tally: &'a mut Tally,
}

impl Context<'_> {
    /// Appends a reply, unless the connection wants none.
    pub fn reply(&mut self, reply: Reply) {
        if self.session.replies.wants_reply() {
            reply.encode(self.replies, self.client.protocol());
        }
    }

    /// Moves the replies so far to the outbox, since what is about to be appended there by other
    /// ways (a confirmation, a message to oneself) comes after them.
    pub fn settle_replies(&mut self) {
        if !self.replies.is_empty() {
            // The batch ends with a flush of its own connection, asked for or not.
            let _ = self.client.outbox.send(self.replies, self.fanout.limits());
        }
    }

    /// The client, as one that subscribes.
    fn subscriber(&self) -> Subscriber<'_> {
        Subscriber {
            client: self.client,
            limits: self.fanout.limits(),
        }
    }

    fn fail(&mut self, error: &CommandError) {
        self.tally.error(error.code());
        if self.session.replies.wants_reply() {
            put_error(self.replies, error);
        }
    }
}

/// Carries out one request. An empty one does nothing, but counts as the one that CLIENT REPLY SKIP
/// skips, as in Redis.
pub fn dispatch(context: &mut Context<'_>, args: &Args<'_>) {
    if !args.is_empty() {
        carry_out(context, args);
    }
    context.session.replies = match context.session.replies {
        ReplyMode::SkipNext => ReplyMode::Skip,
        ReplyMode::Skip => ReplyMode::On,
        mode => mode,
    };
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
    match TABLE.resolve(args) {
        Ok(entry) => run(context, entry, args),
        Err(error) => context.fail(&error),
    }
}

fn run(context: &mut Context<'_>, entry: &'static Entry, args: &Args<'_>) {
    context.client.last_command.store(entry.id, Relaxed);
    let outcome = match admit(context, entry, args) {
        Ok(handler) => match handler(context, args) {
            Ok(reply) => {
                context.reply(reply);
                Outcome::Called
            }
            Err(error) => {
                context.fail(&error);
                Outcome::Failed
            }
        },
        Err(error) => {
            context.fail(&error);
            Outcome::Rejected
        }
    };
    context.tally.command(entry.id, outcome);
}

/// The checks before a command runs.
fn admit(
    context: &Context<'_>,
    entry: &'static Entry,
    args: &Args<'_>,
) -> Result<spec::Handler, CommandError> {
    let arity = CommandError::Arity;
    if !entry.spec.accepts(args.len()) {
        return Err(arity(entry.full_name.clone()));
    }
    let handler = entry
        .spec
        .run
        .ok_or_else(|| arity(entry.full_name.clone()))?;
    if entry.is_debug {
        server::allow_debug(context)?;
    }
    if !context.session.authenticated && !entry.no_auth && context.server.needs_password() {
        return Err(CommandError::text("NOAUTH Authentication required."));
    }
    if !entry.allowed_while_subscribed
        && context.client.is_subscriber()
        && context.client.protocol() == Protocol::Resp2
    {
        return Err(CommandError::Text(
            format!(
                "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
                 RESET are allowed in this context",
                entry.full_name
            )
            .into(),
        ));
    }
    Ok(handler)
}

/// The first word of a browser's request. Redis closes such a connection at once, lest a web page
/// send commands to a server on the same machine.
fn is_http(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"post") || word.eq_ignore_ascii_case(b"host:")
}
