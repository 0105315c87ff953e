//! The subscribers of one name.

use std::sync::Arc;

use indexmap::IndexMap;

use super::backlog::Backlog;
use crate::conn::client::{Client, ClientId};
use crate::hash::HashState;

/// Tables of up to this many places are not worth shrinking.
pub const SHRINK_FROM: usize = 1024;

/// See the module.
#[derive(Debug, Default)]
pub struct Subscribers {
    /// By client id; dense, so that a fan-out runs over an array.
    clients: IndexMap<ClientId, Arc<Client>, HashState>,
    backlog: Backlog,
}

impl Subscribers {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Adds one.
    pub fn insert(&mut self, client: &Arc<Client>) {
        self.clients.insert(client.id, Arc::clone(client));
    }

    /// Takes one out, if it is there. A list that was once long does not stay large for a few.
    pub fn remove(&mut self, client: ClientId) {
        self.clients.swap_remove(&client);
        let capacity = self.clients.capacity();
        if capacity > SHRINK_FROM && self.len() < capacity / 4 {
            self.clients.shrink_to(self.len() * 2);
        }
    }

    /// All of them.
    pub fn clients(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.clients.values()
    }

    /// What those of them who are stuck share.
    pub fn backlog(&self) -> &Backlog {
        &self.backlog
    }
}
