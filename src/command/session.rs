//! The state of one connection between commands that no other connection sees.
//!
//! Layer `command`. It may use `state` and what lies below. What others see of a connection is in
//! [`Client`](crate::client::Client).

use std::time::Duration;

use tokio::time::Instant;

use super::access::Access;
use super::transaction::Transaction;
use crate::upstream::{Answered, Run};

/// The private state of a connection.
#[derive(Debug)]
pub(crate) struct Session {
    /// The user of the connection.
    pub access: Access,
    /// The mode of CLIENT REPLY.
    pub replies: ReplyMode,
    /// The commands since MULTI.
    pub transaction: Option<Box<Transaction>>,
    /// What the connection does after the current command.
    pub next: Next,
    /// Whether the connection stopped watching keys while a slow script had the keyspace. The watches
    /// are removed as soon as the keyspace's lock is taken.
    pub owes_unwatch: bool,
    /// Publishes that are still to be handed over to the hub.
    pub hub_run: Option<Box<Run>>,
    /// Where the hub's answer arrives, while the client waits for it.
    pub hub_answer: Option<Answered>,
    /// The number of wrong passwords since the connection was accepted.
    pub wrong_passwords: u32,
}

impl Session {
    /// The session of a connection that was just accepted.
    pub(crate) fn new(access: Access) -> Session {
        Session {
            access,
            replies: ReplyMode::On,
            transaction: None,
            next: Next::Go,
            owes_unwatch: false,
            hub_run: None,
            hub_answer: None,
            wrong_passwords: 0,
        }
    }

    /// Sets what the connection does next. Once it is to close, later commands of an EXEC change
    /// nothing.
    pub(crate) fn then(&mut self, next: Next) {
        if !matches!(self.next, Next::Close | Next::Abort) {
            self.next = next;
        }
    }
}

/// Which replies a connection wants (CLIENT REPLY). Push messages are sent in any mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyMode {
    /// All.
    On,
    /// None.
    Off,
    /// All but the reply of the next command.
    SkipNext,
    /// All but the reply of the current command.
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
    /// It executes the next request.
    Go,
    /// It starts a new batch, with the settings as they are now.
    Reload,
    /// It executes nothing for this time, and then replies OK if that is wanted (DEBUG SLEEP).
    Sleep(Duration, bool),
    /// It writes the replies so far, and then neither reads nor executes for this time (wrong
    /// passwords).
    Rest(Duration),
    /// It executes nothing until it is served, or until this moment (BLPOP).
    Block(Option<Instant>),
    /// It puts the request back, and executes nothing until a pause ends, at this moment at the
    /// latest (CLIENT PAUSE).
    Postpone(Instant),
    /// It executes nothing until the hub has answered.
    AwaitHub,
    /// As [`AwaitHub`](Next::AwaitHub), and puts the request back: it comes after publishes that are
    /// not answered.
    AfterHub,
    /// It closes once its replies are written.
    Close,
    /// It closes at once, without writing its replies.
    Abort,
}
