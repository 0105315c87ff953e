//! Serving waiters: elements of keys that have become lists, to those who wait for them.
//!
//! It runs after a command, or after the EXEC that the command was in, under the same lock: so
//! `RPUSH k a b c` serves three waiters in their order, and an element that is pushed and taken
//! away within one EXEC serves nobody. Serving a BLMOVE may make another key ready, which is served
//! in turn, in a loop and not by recursion; it ends, as each turn takes a waiter away.
//!
//! An element leaves its list once the waiter's outbox has taken the reply, and not before.

use super::blocked::BlockedOp;
use super::keyspace::{FullKey, Keyspace};
use super::value::Value;
use crate::client::ClientId;
use crate::config::Config;
use crate::pubsub::fanout::Fanout;

impl Keyspace {
    /// Serves all waiters that can be. Whoever was sent something is in `fanout`, to be flushed.
    pub(crate) fn serve(&mut self, config: &Config, fanout: &mut Fanout) {
        loop {
            let ready = self.blocked.take_ready();
            if ready.is_empty() {
                return;
            }
            for key in ready {
                self.serve_key(&key, config, fanout);
            }
        }
    }

    /// Serves the waiters of one key, first come, first served, as long as it has elements.
    fn serve_key(&mut self, full: &FullKey, config: &Config, fanout: &mut Fanout) {
        let mut next = 0;
        while let Some((number, waiter)) = self.blocked.next_waiter(full, next) {
            next = number + 1;
            let client = waiter.client.id;
            // Until its own task has seen it, somebody who has hung up still waits here.
            if waiter.client.peer_has_hung_up() {
                continue;
            }
            match self.serve_waiter(full, client, config, fanout) {
                Some(true) => {
                    self.blocked.remove(client);
                }
                Some(false) => {}
                None => return,
            }
        }
    }

    /// Gives one waiter what it wants of a key, and says whether it was answered: it is not if its
    /// connection is at its end. `None`: there is nothing to be had.
    fn serve_waiter(
        &mut self,
        full: &FullKey,
        client: ClientId,
        config: &Config,
        fanout: &mut Fanout,
    ) -> Option<bool> {
        let FullKey { db, key } = full;
        let mut keys = self.keys(*db, config);
        let slot = keys.peek(key)?;
        keys.list(slot).ok()?;
        let op = keys.space.blocked.get(client)?.op.clone();
        if let BlockedOp::Move { destination, .. } = &op
            && let Err(error) = keys.find_list(destination)
        {
            let waiter = keys.space.blocked.get(client)?;
            return Some(fanout.reply(&waiter.client, waiter.error(&error)));
        }
        let waiter = self.blocked.get(client)?;
        let Value::List(list) = &self.databases.get(db)?.entry(slot).value else {
            return None;
        };
        let reply = waiter.reply(|out| op.write(out, key, list));
        let taken = fanout.reply(&waiter.client, reply);
        if taken {
            op.take(&mut self.keys(*db, config), slot, key);
        }
        Some(taken)
    }
}
