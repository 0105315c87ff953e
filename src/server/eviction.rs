//! `maxmemory-clients`: limits the memory of all clients together. Above the limit, the clients
//! that use the most are closed.
//!
//! The memory is added up every [`PERIOD`], and earlier if clients were sent much since the last
//! time. So the sum may exceed the limit for a moment. The rules are those of Redis's
//! `evictClients`: the sum is that of CLIENT LIST's `tot-mem` over all clients. Clients that have
//! called CLIENT NO-EVICT ON are counted and never closed.
//!
//! Layer `server`. It may use all layers but `embed`.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::client::log::log_client;
use crate::client::{Choice, Client, Ending};
use crate::observe::log_throttle::Told;
use crate::state::ServerState;

/// How often the memory is added up while there is a limit; Redis's `hz 10`.
const PERIOD: Duration = Duration::from_millis(100);

/// Runs until the server shuts down.
pub(crate) async fn run(state: &ServerState) {
    let work = async {
        loop {
            let is_limited = evict(state);
            let look = state.memory_trigger.wanted();
            if is_limited {
                // Evicts after the period and after the trigger alike.
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

/// Closes the clients that use the most until the rest is below the limit. Returns whether a limit
/// is set.
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
    clients.retain(|(_, client)| !client.choices.is_on(Choice::NoEvict));
    clients.sort_unstable_by_key(|(memory, _)| std::cmp::Reverse(*memory));
    for (memory, client) in clients {
        if total < limit {
            break;
        }
        total -= memory;
        client.ends_because(Ending::ClientsMemory);
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
