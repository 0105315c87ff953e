//! The subscribers of one name.
//!
//! They lie side by side, so that a fan-out runs over an array; a name with one subscriber, of which
//! there may be very many, allocates nothing for it. Where there are more than a few, an index says
//! who is where.

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::client::backlog::Backlog;
use crate::client::{Client, ClientId};
use crate::hash::HashState;

/// Tables of up to this many places are not worth shrinking.
pub(crate) const SHRINK_FROM: usize = 1024;
/// Up to so many are searched one by one.
const SEARCHED: usize = 8;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Subscribers {
    clients: SmallVec<[Arc<Client>; 1]>,
    /// Where each is, if there have ever been more than [`SEARCHED`]. Boxed, as most names have few.
    #[expect(clippy::box_collection)]
    places: Option<Box<HashMap<ClientId, usize, HashState>>>,
    backlog: Backlog,
}

impl Subscribers {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.clients.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Adds one that is not among them.
    pub(crate) fn insert(&mut self, client: &Arc<Client>) {
        if let Some(places) = &mut self.places {
            places.insert(client.id, self.clients.len());
        }
        self.clients.push(Arc::clone(client));
        if self.places.is_none() && self.clients.len() > SEARCHED {
            let ids = self.clients.iter().map(|client| client.id);
            self.places = Some(Box::new(ids.zip(0..).collect()));
        }
    }

    /// Takes one out, if it is there. A list that was once long does not stay large for a few.
    pub(crate) fn remove(&mut self, client: ClientId) {
        let place = match &mut self.places {
            Some(places) => places.remove(&client),
            None => self.clients.iter().position(|other| other.id == client),
        };
        let Some(place) = place else {
            return;
        };
        self.clients.swap_remove(place);
        if let (Some(places), Some(moved)) = (&mut self.places, self.clients.get(place)) {
            places.insert(moved.id, place);
        }
        self.shrink();
    }

    fn shrink(&mut self) {
        let (length, capacity) = (self.clients.len(), self.clients.capacity());
        if capacity > SHRINK_FROM && length < capacity / 4 {
            self.clients.shrink_to_fit();
            if let Some(places) = &mut self.places {
                places.shrink_to(length * 2);
            }
        }
    }

    /// All of them.
    pub(crate) fn clients(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.clients.iter()
    }

    /// What those of them who are stuck share.
    pub(crate) fn backlog(&self) -> &Backlog {
        &self.backlog
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::client::Addresses;
    use crate::client::socket::split_unix;

    fn client(id: ClientId) -> Arc<Client> {
        let (ours, _) = tokio::net::UnixStream::pair().unwrap();
        let (_, socket) = split_unix(ours);
        Arc::new(Client::new(id, Addresses::Unix(Arc::default()), socket))
    }

    /// Against a plain set, growing and shrinking across every threshold.
    #[tokio::test]
    async fn who_is_in_is_found_and_who_is_not_is_not() {
        let mut subscribers = Subscribers::default();
        let mut expected = BTreeSet::new();
        let mut state = 7_u64;
        for step in 0..4000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let id = (state >> 33) % 40;
            // Long spells of mostly adding, and of mostly taking out.
            if (step / 200 + state / 8 % 5).is_multiple_of(2) && expected.insert(id) {
                subscribers.insert(&client(id));
            } else if expected.remove(&id) || step % 7 == 0 {
                subscribers.remove(id);
                expected.remove(&id);
            }
            let ids: BTreeSet<_> = subscribers.clients().map(|client| client.id).collect();
            assert_eq!(ids, expected, "step {step}");
            assert_eq!(subscribers.len(), expected.len(), "step {step}");
            assert_eq!(subscribers.is_empty(), expected.is_empty(), "step {step}");
        }
    }
}
