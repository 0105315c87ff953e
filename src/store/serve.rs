//! Serving waiters: what keys have come to hold, to those who wait for it.
//!
//! Layer `store`. It runs after a command, or after the EXEC that the command was in, under the same
//! lock: so `RPUSH k a b c` serves three waiters in their order, and an element that is pushed and
//! taken away within one EXEC serves nobody. Serving a BLMOVE may make another key ready, which is
//! served in turn, in a loop and not by recursion; it ends, as each turn takes a waiter away.
//!
//! An element leaves its key once the waiter's outbox has taken the reply, and not before.

use std::sync::Arc;

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

/// What came of serving one waiter.
#[derive(Debug)]
enum Served {
    /// It was answered, maybe with an error, and waits no more.
    Answered(Option<CommandError>),
    /// It was not, as its connection is at its end.
    Refused,
    /// There is nothing for it.
    Nothing,
}

impl Keyspace {
    /// Serves all waiters that can be. Whoever was sent something is in `fanout`, to be flushed. The
    /// errors that were sent are for the caller to count.
    #[must_use]
    pub(crate) fn serve(&mut self, config: &Config, fanout: &mut Fanout) -> Vec<CommandError> {
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

    /// Serves the waiters of one key, first come, first served, as long as what it holds concerns
    /// any of them.
    fn serve_key(
        &mut self,
        full: &FullKey,
        config: &Config,
        fanout: &mut Fanout,
        errors: &mut Vec<CommandError>,
    ) {
        let mut next = 0;
        while let Some((number, waiter)) = self.blocked.next_waiter(full, next) {
            next = number + 1;
            let (client, op) = (waiter.client.id, Arc::clone(&waiter.op));
            // Until its own task has seen it, somebody who has hung up still waits here.
            if waiter.client.peer_has_hung_up() {
                continue;
            }
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
                }
            }
        }
    }

    /// What a key holds, if it is there.
    fn value(&self, full: &FullKey) -> Option<&Value> {
        let database = self.databases.get(&full.db)?;
        let slot = database.find(&full.key)?;
        Some(&database.entry(slot).value)
    }

    /// Gives one waiter what it wants of a key.
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
        let Some(waiter) = keys.space.blocked.get(client) else {
            return Served::Nothing;
        };
        let (wants_reply, waiter) = (waiter.wants_reply, Arc::clone(&waiter.client));
        let mut reply = Replies::default();
        let answer = match slot {
            Some(slot) => {
                let mut out = ReplyWriter::wire(&mut reply, waiter.protocol());
                op.answer(&mut keys, slot, key, &mut out)
            }
            None => op.when_gone().map_or(Ok(false), Err),
        };
        let answer = match answer {
            Ok(true) if reply.is_starved() => Err(CommandError::NO_MEMORY),
            answer => answer,
        };
        let has_taken = match &answer {
            Ok(false) => return Served::Nothing,
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
