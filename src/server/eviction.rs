//! `maxmemory-clients`: what all connections together hold is bounded, and at the bound those that
//! hold the most are closed.
//!
//! What they hold is added up [`PERIOD`] after [`PERIOD`], and in between when connections were sent
//! much since the last time; so it may pass the bound for a moment, by what comes in within it.
//! Redis's rules (`evictClients`): it counts what CLIENT LIST shows as `tot-mem`, of all clients;
//! who has said CLIENT NO-EVICT ON counts and is spared.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::client::Client;
use crate::client::log::log_client;
use crate::observe::log_throttle::Told;
use crate::state::ServerState;

/// How often what they hold is added up, while there is a bound; Redis's `hz 10`.
const PERIOD: Duration = Duration::from_millis(100);
/// Runs until the server shuts down.
pub(crate) async fn run(state: &ServerState) {
    let work = async {
        loop {
            let is_bounded = evict(state);
            let look = state.memory_trigger.wanted();
            if is_bounded {
                // Whichever it is.
                let _ = tokio::time::timeout(PERIOD, look).await;
            } else {
                look.await;
            }
        }
    };
    tokio::select! {
        () = work => {},
        () = state.shutdown.begun() => {},
    }
}

/// Closes those that hold the most until the rest is within the bound. Says whether there is one.
fn evict(state: &ServerState) -> bool {
    let Some(limit) = state.config().client_memory_limit() else {
        return false;
    };
    let mut clients: Vec<(usize, Arc<Client>)> = state
        .clients
        .all()
        .into_iter()
        .map(|client| (client.memory(), client))
        .collect();
    let mut total: usize = clients.iter().map(|(memory, _)| memory).sum();
    if total < limit {
        return true;
    }
    clients.retain(|(_, client)| !client.no_evict.load(Relaxed));
    clients.sort_unstable_by_key(|(memory, _)| std::cmp::Reverse(*memory));
    for (memory, client) in clients {
        if total < limit {
            break;
        }
        total -= memory;
        state.stats.evicted_clients.fetch_add(1, Relaxed);
        if let Some(times) = state.told.note(Told::ClientsMemory) {
            log_client!(
                warn,
                &client,
                memory,
                limit,
                times,
                "{}",
                Told::ClientsMemory
            );
        }
        state.disconnect(&client);
    }
    true
}
