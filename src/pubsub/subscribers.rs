//! The subscribers of one name.
//!
//! Layer `pubsub`. It may use `client` and what lies below.
//!
//! They are kept in an array, so that a fan-out is a sequential scan. A long array has an index from
//! a client's id to its place. There may be very many names with one subscriber, so that one needs
//! neither.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::client::backlog::Backlog;
use crate::client::{Client, ClientId};
use crate::hash::HashState;
use crate::sync::Mutex;

/// Tables with a capacity up to this are not shrunk.
pub(crate) const SHRINK_FROM: usize = 1024;
/// Up to this many subscribers are searched linearly.
const LINEAR_SEARCH: usize = 8;

/// Messages that count at most when it is told whether messages are rare.
const REMEMBERED: u32 = 64;

/// A set of clients, and the backlog that the slow ones among them share.
#[derive(Debug, Default)]
pub(crate) enum Subscribers {
    /// There are none.
    #[default]
    None,
    /// There is one, and was never another.
    One(Arc<Client>),
    /// There is, or was, more than one.
    Many(Box<Array>),
}

/// See [`Subscribers::Many`].
#[derive(Debug, Default)]
pub(crate) struct Array {
    clients: Vec<Arc<Client>>,
    /// The place of each client in `clients`, once there have been more than [`LINEAR_SEARCH`].
    places: Option<HashMap<ClientId, usize, HashState>>,
    backlog: Backlog,
    /// When a single worker that writes every message by itself would be done with all of them. Kept
    /// while there are many subscribers.
    busy_until: Mutex<Option<Instant>>,
}

impl Subscribers {
    /// The number of subscribers.
    pub(crate) fn len(&self) -> usize {
        self.clients().len()
    }

    /// Whether there are no subscribers.
    pub(crate) fn is_empty(&self) -> bool {
        self.clients().is_empty()
    }

    /// Adds a client that is not a subscriber yet.
    pub(crate) fn insert(&mut self, client: &Arc<Client>) {
        match self {
            Subscribers::None => *self = Subscribers::One(Arc::clone(client)),
            Subscribers::One(first) => {
                let mut array = Array::default();
                array.insert(first);
                array.insert(client);
                *self = Subscribers::Many(Box::new(array));
            }
            Subscribers::Many(array) => array.insert(client),
        }
    }

    /// Removes a client, if it is a subscriber. Frees memory if the array is mostly empty
    /// afterwards.
    pub(crate) fn remove(&mut self, client: ClientId) {
        match self {
            Subscribers::One(one) if one.id == client => *self = Subscribers::None,
            Subscribers::None | Subscribers::One(_) => {}
            Subscribers::Many(array) => array.remove(client),
        }
    }

    /// The clients, in no particular order.
    pub(crate) fn clients(&self) -> &[Arc<Client>] {
        match self {
            Subscribers::None => &[],
            Subscribers::One(client) => std::slice::from_ref(client),
            Subscribers::Many(array) => &array.clients,
        }
    }

    /// Notes that there is something to write `now`, which takes a single worker `work`. Returns whether
    /// it would have been done with all that came before, so that messages are rare.
    pub(crate) fn note_work(&self, now: Instant, work: Duration) -> bool {
        let Subscribers::Many(array) = self else {
            return true;
        };
        let mut busy_until = array.busy_until.lock();
        let before = busy_until.unwrap_or(now).max(now);
        let is_rare = before == now;
        *busy_until = Some((before + work).min(now + work * REMEMBERED));
        is_rare
    }

    /// The messages that slow subscribers of the name share. A single one shares with nobody.
    pub(crate) fn backlog(&self) -> Option<&Backlog> {
        match self {
            Subscribers::None | Subscribers::One(_) => None,
            Subscribers::Many(array) => Some(&array.backlog),
        }
    }
}

impl Array {
    fn insert(&mut self, client: &Arc<Client>) {
        if let Some(places) = &mut self.places {
            places.insert(client.id, self.clients.len());
        }
        self.clients.push(Arc::clone(client));
        if self.places.is_none() && self.clients.len() > LINEAR_SEARCH {
            let ids = self.clients.iter().map(|client| client.id);
            self.places = Some(ids.zip(0..).collect());
        }
    }

    fn remove(&mut self, client: ClientId) {
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
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::client::Addresses;
    use crate::client::socket::Socket;

    fn client(id: ClientId) -> Arc<Client> {
        let (ours, _) = tokio::net::UnixStream::pair().unwrap();
        let socket = Socket::from(ours);
        Arc::new(Client::new(id, Addresses::unix(Arc::default()), socket))
    }

    /// Compares with a plain set while the subscribers grow and shrink across every threshold.
    #[tokio::test]
    async fn clients_are_added_and_removed_like_in_a_set() {
        let mut subscribers = Subscribers::default();
        let mut expected = BTreeSet::new();
        let mut state = 7_u64;
        for step in 0..4000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let id = (state >> 33) % 40;
            // Alternates between long phases of mostly adding and of mostly removing.
            if (step / 200 + state / 8 % 5).is_multiple_of(2) && expected.insert(id) {
                subscribers.insert(&client(id));
            } else if expected.remove(&id) || step % 7 == 0 {
                subscribers.remove(id);
                expected.remove(&id);
            }
            let ids: BTreeSet<_> = subscribers
                .clients()
                .iter()
                .map(|client| client.id)
                .collect();
            assert_eq!(ids, expected, "step {step}");
            assert_eq!(subscribers.len(), expected.len(), "step {step}");
            assert_eq!(subscribers.is_empty(), expected.is_empty(), "step {step}");
        }
    }
}
