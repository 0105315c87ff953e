//! Sums over all connected clients.
//!
//! Layer `state`. It may use `client`.

use super::ServerState;

/// What all clients hold, and what waits for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientFigures {
    /// Bytes of memory.
    pub memory: usize,
    /// Bytes in outboxes that the kernel has not taken. Slow subscribers may share the memory of
    /// these bytes.
    pub outbox_bytes: usize,
    /// The largest number of such bytes of one client.
    pub outbox_max_bytes: usize,
    /// Clients with a full socket, so that their bytes wait until they read.
    pub lagging: usize,
}

impl ServerState {
    /// The current sums. If they take long to add up, they may be somewhat old
    /// ([`Sampled`](super::sampled::Sampled)).
    pub(crate) fn client_figures(&self) -> ClientFigures {
        self.client_figures.get(|| {
            let mut figures = ClientFigures::default();
            for client in self.clients.all() {
                let (waiting, is_blocked) = client.outbox.waiting();
                figures.memory += client.memory();
                figures.outbox_bytes += waiting;
                figures.outbox_max_bytes = figures.outbox_max_bytes.max(waiting);
                figures.lagging += usize::from(is_blocked && waiting > 0);
            }
            figures
        })
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::acl::Acl;
    use crate::client::outbox::Append;
    use crate::client::socket::Socket;
    use crate::client::{Addresses, Client};
    use crate::config::{Config, OutputLimits};
    use crate::state::placement::Placement;
    use crate::state::tls::Tls;

    #[tokio::test]
    async fn a_client_lags_once_its_socket_is_full() {
        let config = Config::default();
        let acl = Acl::at_start(&config).expect("an ACL without a file");
        let placement = Placement::default();
        let state = ServerState::new(config, acl, Tls::default(), None, None, placement);
        let mut peers = Vec::new();
        for id in 1..=3 {
            let (ours, peer) = tokio::net::UnixStream::pair().unwrap();
            let socket = Socket::from(ours);
            std::future::poll_fn(|context| socket.poll_write_ready(context))
                .await
                .unwrap();
            let client = Client::new(id, Addresses::unix(Arc::default()), socket);
            state.clients.insert(Arc::new(client));
            peers.push(peer);
        }
        let appended = [10, 5_000_000];
        for (client, bytes) in state.clients.all().iter().zip(appended) {
            let mut bytes = bytes::BytesMut::from(&vec![b'x'; bytes][..]).into();
            let append = client.outbox.send(&mut bytes, &OutputLimits::default());
            assert_eq!(append, Append::Flush);
        }
        let figures = state.client_figures();
        assert_eq!(figures.outbox_bytes, 5_000_010);
        assert_eq!((figures.outbox_max_bytes, figures.lagging), (5_000_000, 0));
        for client in state.clients.all() {
            assert!(state.flush(&client));
        }
        // The figures may be as old as sixteen times what it took to add them up.
        let mut figures = state.client_figures();
        while figures.lagging == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            figures = state.client_figures();
        }
        assert_eq!(figures.lagging, 1);
        assert!((1..5_000_000).contains(&figures.outbox_bytes));
        assert_eq!(figures.outbox_max_bytes, figures.outbox_bytes);
        assert!(figures.memory > figures.outbox_bytes);
    }
}
