//! What belongs to one connection alone, from command to command.
//!
//! Layer `command`. What others may see of a connection is in [`Client`].

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::access::Access;
use super::transaction::Transaction;
use crate::client::Client;

/// What belongs to a connection and to nobody else.
#[derive(Debug)]
pub(crate) struct Session {
    /// Who the connection is.
    pub access: Access,
    /// CLIENT REPLY.
    pub replies: ReplyMode,
    /// The commands since MULTI.
    pub transaction: Option<Box<Transaction>>,
    /// Clients that it has disconnected and that have subscriptions left: it is answered once those
    /// are removed.
    pub leaving: Vec<Arc<Client>>,
    /// What the connection does after the current command.
    pub next: Next,
    /// It stopped watching keys while a slow script had the keyspace: that is done with the next hold.
    pub owes_unwatch: bool,
    /// Wrong passwords since it was accepted.
    pub wrong_passwords: u32,
}

impl Session {
    /// The session of a connection that was just accepted.
    pub(crate) fn new(access: Access) -> Session {
        Session {
            access,
            replies: ReplyMode::On,
            transaction: None,
            leaving: Vec::new(),
            next: Next::Go,
            owes_unwatch: false,
            wrong_passwords: 0,
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
    /// It carries out and reads nothing for a while, after what it has answered so far is written
    /// (wrong passwords).
    Rest(Duration),
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
