//! Serves waiters: gives the values of ready keys to the clients that wait for them.
//!
//! Layer `store`. It may use `pubsub`, `client`, `config` and `resp`.
//!
//! It runs after a command, or after the EXEC that contains the command, under the same lock. So
//! `RPUSH k a b c` serves three waiters in their order, and an element that is pushed and removed
//! within one EXEC serves nobody. Serving a BLMOVE may make another key ready. That key is served
//! next, in a loop and not by recursion. The loop ends because each turn removes a waiter.
//!
//! Invariant: an element leaves its key only after the waiter's outbox has taken the reply.

use std::sync::Arc;

use smallvec::SmallVec;

use super::blocked::BlockedOp;
use super::keyspace::{FullKey, Keyspace};
use super::tracking::Author;
use super::value::Value;
use crate::client::ClientId;
use crate::config::Config;
use crate::pubsub::fanout::Fanout;
use crate::resp::error::CommandError;
use crate::resp::replies::Replies;
use crate::resp::writer::ReplyWriter;

/// The result of serving one waiter.
#[derive(Debug)]
enum Served {
    /// It was answered, perhaps with an error, and no longer waits.
    Answered(Option<CommandError>),
    /// It was not answered, because its peer has hung up or its connection has ended.
    Refused,
    /// The key has nothing for it.
    Nothing,
}

impl Keyspace {
    /// Serves all waiters that can be served. The clients to flush are in `fanout`. Returns the
    /// errors that were sent, for the caller to count.
    #[must_use]
    pub(crate) fn serve_waiters(
        &mut self,
        config: &Config,
        fanout: &mut Fanout,
    ) -> Vec<CommandError> {
        let mut errors = Vec::new();
        loop {
            let ready = self.blocked.take_ready();
            if ready.is_empty() {
                return errors;
            }
            for key in ready {
                self.serve_key(&key, config, fanout, &mut errors);
            }
        }
    }

    /// Serves the waiters of one key, first come, first served, as long as its value concerns any
    /// of them.
    fn serve_key(
        &mut self,
        full: &FullKey,
        config: &Config,
        fanout: &mut Fanout,
        errors: &mut Vec<CommandError>,
    ) {
        let mut next = 0;
        // The names of those for whom the key has nothing, so that thousands of waiters of a group
        // are not asked after the first.
        let mut unserved = SmallVec::<[Arc<dyn BlockedOp>; 2]>::new();
        while let Some((number, waiter)) = self.blocked.next_waiter(full, next) {
            next = number + 1;
            let rivals = waiter.op.rivals();
            if rivals.is_some() && unserved.iter().any(|op| op.rivals() == rivals) {
                continue;
            }
            let (client, op) = (waiter.client.id, Arc::clone(&waiter.op));
            match self.serve_waiter(full, client, &*op, config, fanout) {
                Served::Answered(error) => {
                    self.blocked.remove(client);
                    errors.extend(error);
                }
                Served::Refused => {}
                Served::Nothing => {
                    let value = self.value(full);
                    if !self.blocked.concerns(full, value) {
                        return;
                    }
                    if op.rivals().is_some() {
                        unserved.push(op);
                    }
                }
            }
        }
    }

    /// The value of a key, if the key exists.
    fn value(&self, full: &FullKey) -> Option<&Value> {
        let database = self.databases.get(&full.db)?;
        let slot = database.find(&full.key)?;
        Some(&database.entry(slot).value)
    }

    /// Serves one waiter from a key.
    fn serve_waiter(
        &mut self,
        full: &FullKey,
        client: ClientId,
        op: &dyn BlockedOp,
        config: &Config,
        fanout: &mut Fanout,
    ) -> Served {
        let FullKey { db, key } = full;
        let mut keys = self.keys(*db, config);
        let found = keys.peek(key);
        let slot = found.filter(|&slot| keys.entry(slot).value.type_name() == op.waits_for());
        let Some(waiter) = keys.keyspace.blocked.get(client) else {
            return Served::Nothing;
        };
        let (wants_reply, waiter) = (waiter.wants_reply, Arc::clone(&waiter.client));
        let mut reply = Replies::default();
        let answer = match slot {
            Some(slot) => {
                let mut out = ReplyWriter::wire(&mut reply, waiter.protocol());
                op.answer(&mut keys, slot, key, &mut out)
            }
            None if op.wants_gone() => op.when_gone(&mut keys).map_or(Ok(false), Err),
            None => Ok(false),
        };
        let answer = match answer {
            Ok(true) if reply.is_starved() => Err(CommandError::NO_MEMORY),
            answer => answer,
        };
        let has_taken = match &answer {
            Ok(false) => return Served::Nothing,
            // A client that has hung up waits here until its own task has seen it.
            _ if op.removes() && waiter.peer_has_hung_up() => return Served::Refused,
            Ok(true) => slot,
            Err(error) => {
                reply.clear();
                ReplyWriter::wire(&mut reply, waiter.protocol()).error(error);
                None
            }
        };
        if !wants_reply {
            reply.clear();
        }
        if !fanout.reply(&waiter, reply) {
            return Served::Refused;
        }
        if let Some(slot) = has_taken {
            self.tracking.author = Author::Waiter(client);
            op.take(&mut self.keys(*db, config), slot, key);
            self.tracking.author = Author::Command;
        }
        Served::Answered(answer.err())
    }
}
