//! WATCH: the clients that must be told before their EXEC that a key has changed.
//!
//! Layer `store`. It may use `client`.
//!
//! Invariants: a client is among a key's watchers exactly while the key is in the client's own
//! list. A client is told by a flag, which stays set until it unwatches.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use hashbrown::HashMap;

use super::database::Database;
use super::keyspace::{FullKey, FullKeyRef};
use crate::client::{Client, ClientId};
use crate::hash::HashState;

/// The watchers of one key, by id.
type Watchers = HashMap<ClientId, Arc<Client>, HashState>;

/// The watched keys and their watchers.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    watchers: HashMap<FullKey, Watchers, HashState>,
    by_client: HashMap<ClientId, Vec<FullKey>, HashState>,
}

impl Watched {
    /// Makes a client watch a key. Returns `false` if it already does.
    pub(crate) fn watch(&mut self, client: &Arc<Client>, key: FullKey) -> bool {
        let watchers = self.watchers.entry(key.clone()).or_default();
        let is_new = watchers.insert(client.id, Arc::clone(client)).is_none();
        if is_new {
            self.by_client.entry(client.id).or_default().push(key);
        }
        is_new
    }

    /// Removes all watches of a client.
    pub(crate) fn unwatch(&mut self, client: ClientId) {
        for key in self.by_client.remove(&client).unwrap_or_default() {
            if let Some(watchers) = self.watchers.get_mut(&key) {
                watchers.remove(&client);
                if watchers.is_empty() {
                    self.watchers.remove(&key);
                }
            }
        }
    }

    /// Whether no key is watched.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn is_empty(&self) -> bool {
        self.watchers.is_empty() && self.by_client.is_empty()
    }

    /// The keys that a client watches.
    pub(crate) fn of(&self, client: ClientId) -> &[FullKey] {
        self.by_client.get(&client).map_or(&[], Vec::as_slice)
    }

    /// Tells the watchers of a key that it has changed.
    pub(crate) fn changed(&self, key: FullKeyRef<'_>) {
        if !self.watchers.is_empty()
            && let Some(watchers) = self.watchers.get(&key)
        {
            tell(watchers);
        }
    }

    /// Tells the watchers of the keys of database `db` that exist in one of `databases`.
    pub(crate) fn changed_all(&self, db: u32, databases: &[&Database]) {
        for (key, watchers) in &self.watchers {
            let is_in = |database: &&Database| database.find(&key.key).is_some();
            if key.db == db && databases.iter().any(is_in) {
                tell(watchers);
            }
        }
    }
}

fn tell(watchers: &Watchers) {
    for client in watchers.values() {
        client.watched_changed.store(true, Relaxed);
    }
}
