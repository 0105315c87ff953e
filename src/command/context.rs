//! The context that a handler gets: the server, the client, and the state of the batch.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! A context lives as long as a batch. The keyspace's lock is taken when a command first needs it.
//! Consecutive commands of queue mode share one hold of the lock. Any other command releases it
//! first.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::deferred::Deferred;
use super::publish_run::{self, PublishRun};
use super::{Next, Session, transaction};
use crate::client::log::log_client;
use crate::client::{Choice, Client, Closing, Ending};
use crate::config::Config;
use crate::observe::batch_stats::BatchStats;
use crate::observe::log_throttle::Told;
use crate::pubsub::fanout::Fanout;
use crate::pubsub::registry::{ChannelOrder, Subscriber};
use crate::resp::error::CommandError;
use crate::resp::replies::Replies;
use crate::resp::reply::Reply;
use crate::resp::request::ProtocolError;
use crate::resp::writer::{ReplyBuilder, ReplyWriter};
use crate::state::ServerState;
use crate::state::hand_over::hand_over;
use crate::store::keys::Keys;
use crate::store::keyspace::Keyspace;
use crate::store::shared::KeyspaceGuard;

/// The most bytes of replies outside of the outbox. Beyond it they are moved to the outbox, where
/// its limits apply.
pub(crate) const MAX_REPLIES: usize = 1024 * 1024;

/// How a command is run.
#[derive(Debug)]
pub(crate) enum Execution<'a> {
    /// By itself.
    Alone,
    /// As one of the commands of an EXEC.
    InExec {
        /// The order of all channels, if the transaction may publish more than one message.
        order: ChannelOrder<'a>,
    },
    /// Called by a script, which gets the reply as a value.
    #[cfg_attr(
        not(feature = "scripts"),
        expect(dead_code, reason = "only scripts call commands")
    )]
    InScript {
        /// The reply of a handler that writes it piece by piece.
        reply: ReplyBuilder,
    },
}

impl Execution<'_> {
    /// Whether a script has called it.
    pub(crate) fn is_in_script(&self) -> bool {
        matches!(self, Execution::InScript { .. })
    }

    /// Whether the command runs by itself: it may block, and its reply is complete. In an EXEC or a
    /// script its reply is a part of a larger one, and no message may come in between.
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self, Execution::Alone)
    }

    /// The channel-order locks that are held while the command runs.
    pub(crate) fn channel_order(&self) -> &ChannelOrder<'_> {
        match self {
            Execution::Alone | Execution::InScript { .. } => ChannelOrder::NONE,
            Execution::InExec { order } => order,
        }
    }
}

/// What a handler gets.
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
    pub replies: &'a mut Replies,
    /// The batch's messages.
    pub fanout: &'a mut Fanout,
    /// Consecutive PUBLISHes that are to be published together.
    pub publish_run: &'a mut PublishRun,
    /// The batch's share of the statistics.
    pub batch_stats: &'a mut BatchStats,
    /// The keyspace's lock, if it is held. EXEC takes it at its start, other commands when they
    /// first need it. Consecutive commands of queue mode share it.
    pub keyspace: Option<KeyspaceGuard<'a>>,
    /// Closed clients whose disconnect is completed once the keyspace's lock is released.
    pub closed: Vec<Arc<Client>>,
    /// Clients that this connection has disconnected and that still have subscriptions. Its reply
    /// is written once those are removed.
    pub leaving: &'a mut Vec<Arc<Client>>,
    /// How the command is run.
    pub execution: Execution<'a>,
    /// The messages that a script has published. They are sent after it.
    pub deferred: Deferred,
    /// Whether the command may change keys.
    pub may_write: bool,
    /// Whether the peer was cut off. It takes a system call, which is made once per batch.
    pub peer_is_cut_off: Option<bool>,
    /// Whether the replies so far must be in the outbox before the keyspace's lock is released:
    /// another client's change may send this client a message that must come after them.
    pub owes_replies: bool,
}

impl<'a> Context<'a> {
    /// The keys of the selected database, and the writer of the reply.
    pub(crate) fn keys(&mut self) -> (Keys<'_>, ReplyWriter<'_>) {
        let (db, protocol) = (self.client.database.load(Relaxed), self.client.protocol());
        let (server, config) = (self.server, self.config);
        self.keyspace();
        let keyspace = self.keyspace.as_mut().expect("it was just taken");
        let mut keys = keyspace.keys(db, config);
        if !self.may_write && server.pause.is_on() {
            keys = keys.unchanged();
        }
        let keys = if self.client.choices.is_on(Choice::NoTouch) {
            keys.untouched()
        } else {
            keys
        };
        let out = match &mut self.execution {
            Execution::InScript { reply } => ReplyWriter::value(reply),
            Execution::Alone | Execution::InExec { .. } => {
                ReplyWriter::wire(self.replies, protocol)
            }
        };
        (keys, out)
    }

    /// The keyspace as a whole.
    pub(crate) fn keyspace(&mut self) -> &mut Keyspace {
        if self.keyspace.is_none() && self.take_keyspace().is_err() {
            // A slow script has it. This thread's other connections do not wait.
            hand_over();
            let space = self.server.keyspace.lock();
            self.begin_hold(space);
        }
        self.keyspace.as_mut().expect("it was just taken")
    }

    /// Takes the keyspace's lock.
    ///
    /// # Errors
    /// A slow script has it.
    pub(super) fn take_keyspace(&mut self) -> Result<(), CommandError> {
        if self.keyspace.is_none() {
            let server = self.server;
            let space = server.keyspace.lock_unless(|| server.busy_script())?;
            self.begin_hold(space);
        }
        Ok(())
    }

    fn begin_hold(&mut self, mut space: KeyspaceGuard<'a>) {
        space.refresh_clock();
        transaction::unwatch_owed(self.session, self.client, &mut space);
        self.keyspace = Some(space);
    }

    /// Takes the keyspace's lock and returns whether the client was disconnected. If it was, its
    /// commands must not run: elements that they pop would be lost.
    pub(crate) fn is_cut_off(&mut self) -> bool {
        self.keyspace();
        let is_cut_off = self.client.closing() == Closing::Closed;
        if is_cut_off {
            self.session.then(Next::Abort);
        }
        is_cut_off
    }

    /// Ends another client's connection. While the keyspace's lock is held, it is only closed, and
    /// the disconnect is completed once the lock is released.
    pub(crate) fn disconnect(&mut self, client: &Arc<Client>) {
        if self.server.close(client) {
            self.closed.push(Arc::clone(client));
            self.finish_disconnects();
        }
    }

    /// Completes the disconnects of closed clients, unless the keyspace's lock is held.
    pub(super) fn finish_disconnects(&mut self) {
        if self.keyspace.is_some() {
            return;
        }
        for client in self.closed.drain(..) {
            if self.server.finish_disconnect(&client) {
                self.leaving.push(client);
                // The next commands run once its subscriptions are removed.
                self.session.then(Next::Reload);
            }
        }
    }

    /// Whether `more` bytes can be kept for the client within `client-query-buffer-limit`. If not,
    /// its connection ends, as after a request that is too long.
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

    /// Appends a reply, unless CLIENT REPLY suppresses it.
    pub(crate) fn reply(&mut self, reply: Reply) {
        if self.session.replies.wants_reply() {
            reply.encode(self.replies, self.client.protocol());
        }
    }

    /// Moves the replies so far to the outbox, or behind publishes that wait for the hub. It must be called before anything else appends to
    /// this client's outbox, such as a subscription's confirmation or a message to itself.
    pub(crate) fn settle_replies(&mut self) {
        if let Some(run) = &mut self.session.hub_run {
            run.replies(self.replies.take_all().into());
        } else if !self.replies.is_empty() {
            // The end of the batch flushes this client in any case.
            let append = self.client.outbox.send(self.replies, self.fanout.limits());
            if !append.was_taken() {
                // The connection is closed, and the replies cannot be sent.
                self.replies.clear();
            }
        }
    }

    /// Ends the batch: releases the keyspace's lock and publishes the gathered PUBLISHes.
    pub(crate) fn finish(mut self) {
        self.release_keyspace();
        publish_run::finish(&mut self);
    }

    /// Adds the batch's counts to the server's statistics once there are many.
    pub(crate) fn commit_stats(&mut self) {
        if self.batch_stats.is_full() {
            self.batch_stats.commit(&self.server.stats);
        }
    }

    /// Releases the keyspace's lock.
    pub(crate) fn release_keyspace(&mut self) {
        self.settle_owed_replies();
        self.keyspace = None;
    }

    fn settle_owed_replies(&mut self) {
        if std::mem::take(&mut self.owes_replies) {
            self.settle_replies();
        }
    }

    /// Hands the keyspace's lock to waiting threads, if there are any, and takes it again.
    pub(crate) fn yield_keyspace(&mut self) {
        self.settle_owed_replies();
        if let Some(keyspace) = &mut self.keyspace {
            keyspace.let_others_in();
        }
    }

    /// Answers a protocol error.
    pub(crate) fn refuse(&mut self, error: &ProtocolError) {
        self.client.ends_because(Ending::ProtocolError);
        if let Some(times) = self.server.told.note(Told::ProtocolError) {
            log_client!(info, self.client, %error, times, "{}", Told::ProtocolError);
        }
        publish_run::finish(self);
        self.fail(&match error {
            // The byte is sent back as it is, even if it is not printable.
            ProtocolError::ExpectedBulk(byte) => CommandError::Quoting {
                before: "ERR Protocol error: expected '$', got '",
                quoted: vec![*byte],
                after: "'".into(),
            },
            ProtocolError::NoMemory(_) => CommandError::Text(format!("OOM {error}").into()),
            error => CommandError::Text(format!("ERR Protocol error: {error}").into()),
        });
    }

    /// The client as a subscriber.
    pub(super) fn subscriber(&self) -> Subscriber<'_> {
        Subscriber {
            client: self.client,
            limits: self.fanout.limits(),
        }
    }

    /// Counts an error and appends it as the reply.
    pub(super) fn fail(&mut self, error: &CommandError) {
        self.batch_stats.error(error.code());
        if self.session.replies.wants_reply() {
            ReplyWriter::wire(self.replies, self.client.protocol()).error(error);
        }
    }
}
