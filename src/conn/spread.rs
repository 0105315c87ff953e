//! Spreads the writes of a large fan-out over the workers.
//!
//! Layer `conn`. It may use `command` and what lies below.
//!
//! When a publisher has many clients to flush, the workers that serve them share its list
//! ([`SharedFlush`], which says what holds). Each that is asked runs a helper, a task that flushes a few
//! clients at a time and lets the worker's connections run in between, as the publisher does.
//!
//! A helper belongs to its worker's runtime, and goes with it to another thread (`state::hand_over`). If
//! it never runs, because the runtime ends, or if it panics, the publisher flushes what is left.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::turns;
use crate::client::Client;
use crate::pubsub::fanout::Fanout;
use crate::pubsub::shared_flush::SharedFlush;
use crate::state::panic::{catch, message};
use crate::state::{ServerState, WRITES_PER_TURN};

/// Has other workers help to flush what is on the list of `publisher`, if that pays.
pub(super) fn ask_for_help(state: &Arc<ServerState>, publisher: &Client, fanout: &mut Fanout) {
    let workers = state.placement.threads();
    if workers.len() < 2 {
        return;
    }
    let Some((list, asked)) = fanout.share(workers.len(), publisher.worker.into()) else {
        return;
    };
    for worker in asked {
        let (state, list) = (Arc::clone(state), Arc::clone(&list));
        let tasks = state.tasks.clone();
        tasks.spawn_on(help(state, list, worker), &workers[worker]);
    }
}

/// Flushes clients of a shared list until it is empty.
async fn help(state: Arc<ServerState>, list: Arc<SharedFlush>, worker: usize) {
    let helping = async {
        while !(list.is_empty(worker) && list.withdraw(worker)) {
            turns::begin();
            let clients = std::iter::from_fn(|| list.next(worker));
            state.flush_some(clients.take(WRITES_PER_TURN));
            tokio::task::yield_now().await;
        }
    };
    if let Err(panic) = catch(helping).await {
        state.stats.task_panics.fetch_add(1, Relaxed);
        tracing::error!(
            reason = message(&panic),
            "a write on behalf of another worker panicked"
        );
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::time::Instant;

    use tokio::io::AsyncReadExt;
    use tokio::net::UnixStream;
    use tokio::runtime::{Builder, Handle, Runtime};

    use super::*;
    use crate::acl::Acl;
    use crate::acl::user::User;
    use crate::client::socket::Socket;
    use crate::client::{Addresses, Namespace};
    use crate::config::{Config, OutputLimits};
    use crate::pubsub::fanout::SHARE;
    use crate::pubsub::registry::{ChannelOrder, Subscriber};
    use crate::state::placement::Placement;
    use crate::state::tls::Tls;

    /// As many clients as it takes for a list to be shared.
    const CLIENTS: usize = 2 * SHARE;

    fn worker() -> Runtime {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().unwrap()
    }

    fn server(workers: &[&Handle]) -> Arc<ServerState> {
        let workers = workers.iter().map(|&worker| worker.clone());
        let placement = Placement::new(workers.collect(), Arc::default());
        let acl = Acl::new(vec![User::unrestricted_default()]);
        let (config, tls) = (Config::default(), Tls::default());
        Arc::new(ServerState::new(config, acl, tls, None, None, placement))
    }

    /// A subscriber of `c` with an id, and the other end of its socket.
    async fn subscriber(state: &ServerState, id: usize) -> (Arc<Client>, UnixStream) {
        let (ours, peer) = UnixStream::pair().unwrap();
        let socket = Socket::from(ours);
        std::future::poll_fn(|context| socket.poll_write_ready(context))
            .await
            .unwrap();
        let mut client = Client::new(id as u64, Addresses::unix(Arc::default()), socket);
        client.worker = (id % 2) as u8;
        let client = Arc::new(client);
        let limits = OutputLimits::default();
        let subscriber = Subscriber {
            client: &client,
            limits: &limits,
        };
        state
            .registry
            .subscribe(subscriber, Namespace::Channel, b"c");
        // The confirmation.
        assert!(state.flush(&client));
        (client, peer)
    }

    /// Publishes to many subscribers, and has the other workers asked. Returns what is to be flushed, and
    /// the other ends of the sockets.
    async fn publish(state: &Arc<ServerState>) -> (Fanout, Vec<UnixStream>) {
        let (mut clients, mut peers) = (Vec::new(), Vec::new());
        for id in 0..CLIENTS {
            let (client, peer) = subscriber(state, id).await;
            clients.push(client);
            peers.push(peer);
        }
        let mut fanout = Fanout::default();
        fanout.begin_batch(OutputLimits::default(), Instant::now());
        let receivers = state.registry.publish(
            Namespace::Channel,
            b"c",
            b"message"[..].into(),
            &ChannelOrder::default(),
            &mut fanout,
        );
        assert_eq!(receivers, CLIENTS);
        ask_for_help(state, &clients[0], &mut fanout);
        (fanout, peers)
    }

    async fn read(peer: &mut UnixStream) {
        let expected = "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n\
                        *3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$7\r\nmessage\r\n";
        let mut received = vec![0; expected.len()];
        peer.read_exact(&mut received).await.unwrap();
        assert_eq!(received, expected.as_bytes());
    }

    /// The publisher itself writes to nobody here.
    #[test]
    fn another_worker_writes_what_the_publisher_has_not_written() {
        let (own, other) = (worker(), worker());
        let state = server(&[own.handle(), other.handle()]);
        own.block_on(async {
            let (fanout, mut peers) = publish(&state).await;
            for peer in &mut peers {
                read(peer).await;
            }
            assert!(!fanout.has_touched());
        });
    }

    #[test]
    fn nothing_is_lost_if_the_other_worker_has_ended() {
        let (own, other) = (worker(), worker());
        let state = server(&[own.handle(), other.handle()]);
        other.shutdown_background();
        own.block_on(async {
            let (mut fanout, mut peers) = publish(&state).await;
            state.flush_some(std::iter::from_fn(|| fanout.next_touched()));
            for peer in &mut peers {
                read(peer).await;
            }
        });
    }

    #[test]
    fn a_single_worker_is_not_asked() {
        let own = worker();
        let state = server(&[own.handle()]);
        own.block_on(async {
            let (mut fanout, _peers) = publish(&state).await;
            assert_eq!(state.tasks.len(), 0);
            let listed = std::iter::from_fn(|| fanout.next_touched());
            assert_eq!(listed.count(), CLIENTS);
        });
    }
}
