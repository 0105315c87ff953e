//! The clients whose connections have ended, the latest ones.
//!
//! Layer `state`. It may use `client`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::client::{Addresses, Client, ClientId, Ending};

/// How many are kept.
pub(crate) const KEPT: usize = 256;

/// What is kept of a client whose connection has ended.
#[derive(Debug)]
pub(crate) struct ClosedClient {
    /// Its id.
    pub id: ClientId,
    /// Both ends of its connection.
    pub addresses: Addresses,
    /// The name that it gave itself.
    pub name: Bytes,
    /// The name of its user.
    pub user: Bytes,
    /// For how long it was connected, in seconds.
    pub age_seconds: u64,
    /// When its connection ended.
    pub closed: Instant,
    /// Why.
    pub reason: Ending,
}

/// The clients that were closed last.
#[derive(Debug, Default)]
pub(crate) struct ClosedClients {
    /// The oldest first.
    latest: Mutex<VecDeque<Arc<ClosedClient>>>,
}

impl ClosedClients {
    /// Adds a client that was just closed. The oldest one is forgotten if there are [`KEPT`].
    pub(crate) fn add(&self, client: &Client) {
        let closed = Arc::new(ClosedClient {
            id: client.id,
            addresses: client.addresses.clone(),
            name: client.names().name,
            user: client.user(),
            age_seconds: client.age_seconds(),
            closed: Instant::now(),
            reason: client.ending(),
        });
        let mut latest = self.latest.lock();
        if latest.len() == KEPT {
            latest.pop_front();
        }
        latest.push_back(closed);
    }

    /// At most `most` of them, the latest first.
    pub(crate) fn latest(&self, most: usize) -> Vec<Arc<ClosedClient>> {
        let latest = self.latest.lock();
        latest.iter().rev().take(most).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(id: ClientId) -> Client {
        let (ours, _) = tokio::net::UnixStream::pair().unwrap();
        let socket = ours.into();
        Client::new(id, Addresses::unix(Arc::default()), socket)
    }

    #[tokio::test]
    async fn the_latest_are_kept_with_their_first_reason() {
        let closed = ClosedClients::default();
        for id in 1..=KEPT as ClientId + 2 {
            let client = client(id);
            if id % 2 == 0 {
                client.ends_because(Ending::Idle);
                client.ends_because(Ending::Killed);
            }
            closed.add(&client);
        }
        let latest = closed.latest(usize::MAX);
        let ids: Vec<_> = latest.iter().map(|client| client.id).collect();
        let expected: Vec<_> = (3..=KEPT as ClientId + 2).rev().collect();
        assert_eq!(ids, expected);
        let reasons = latest.iter().take(2).map(|client| client.reason.word());
        assert_eq!(reasons.collect::<Vec<_>>(), ["idle", "closed-by-client"]);
        assert_eq!(closed.latest(2).len(), 2);
    }
}
