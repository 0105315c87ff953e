//! The table of connected clients.
//!
//! Layer `state`. It may use `client`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use dashmap::DashMap;

use crate::client::{Client, ClientId};
use crate::hash::HashState;

/// All connected clients by id, and how many there are.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    by_id: DashMap<ClientId, Arc<Client>, HashState>,
    count: AtomicUsize,
    last_id: AtomicU64,
}

impl Clients {
    /// The id of the next client. Ids are never reused.
    pub(crate) fn next_id(&self) -> ClientId {
        self.last_id.fetch_add(1, Relaxed) + 1
    }

    /// Adds a client.
    pub(crate) fn insert(&self, client: Arc<Client>) {
        if self.by_id.insert(client.id, client).is_none() {
            self.count.fetch_add(1, Relaxed);
        }
    }

    /// Removes a client.
    pub(crate) fn remove(&self, id: ClientId) {
        if self.by_id.remove(&id).is_some() {
            self.count.fetch_sub(1, Relaxed);
        }
    }

    /// The client with this id.
    pub(crate) fn get(&self, id: ClientId) -> Option<Arc<Client>> {
        self.by_id.get(&id).map(|client| Arc::clone(&client))
    }

    /// How many clients are connected.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }

    /// All clients, the oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Client>> {
        let mut all: Vec<_> = self
            .by_id
            .iter()
            .map(|client| Arc::clone(&client))
            .collect();
        all.sort_unstable_by_key(|client| client.id);
        all
    }
}
