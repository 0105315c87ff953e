//! Active expiry: a task that removes expired keys that no command looks up.
//!
//! A look-up removes an expired key by itself. This task frees the memory of the others and sends
//! their `expired` events, [`PERIOD`] after their deadline at the latest. If no key has a deadline,
//! it sleeps until a command sets one. While clients are paused, no key is removed, as in Redis.
//!
//! It runs on the thread that accepts connections and handles signals. That thread must not wait
//! for a command that holds the keyspace's lock: see [`ServerState::with_keyspace`].
//!
//! Layer `server`. It may use all layers but `embed`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::pubsub::counts::PublishCounts;
use crate::pubsub::fanout::Fanout;
use crate::pubsub::registry::ChannelOrder;
use crate::state::ServerState;
use crate::store::events;
use crate::store::keyspace::Keyspace;

/// How often expired keys are removed; Redis's `hz 10`.
const PERIOD: Duration = Duration::from_millis(100);
/// The most keys that are removed before the keyspace's lock is released.
const BATCH: usize = 256;

/// Runs until the server shuts down.
pub(crate) async fn run(state: &Arc<ServerState>) {
    let work = async {
        loop {
            while !state.pause.is_on() && expire_some(state).await {
                tokio::task::yield_now().await;
            }
            let first = state
                .with_keyspace(|keyspace| keyspace.first_deadline())
                .await;
            if first.is_none() {
                state.expiry_set.notified().await;
            }
            tokio::time::sleep(PERIOD).await;
        }
    };
    tokio::select! {
        () = work => {},
        () = state.shutdown.begun() => {},
    }
}

/// Removes up to [`BATCH`] expired keys. Returns whether there may be more.
async fn expire_some(state: &Arc<ServerState>) -> bool {
    let own = Arc::clone(state);
    let (mut fanout, full) = state
        .with_keyspace(move |keyspace| expire_locked(&own, keyspace))
        .await;
    while let Some(client) = fanout.next_touched() {
        state.flush(&client);
    }
    full
}

fn expire_locked(state: &ServerState, keyspace: &mut Keyspace) -> (Fanout, bool) {
    let config = state.config();
    let mut fanout = Fanout::default();
    let began = Instant::now();
    fanout.begin_batch(config.client_output_buffer_limit, began);
    keyspace.refresh_clock();
    let expired = keyspace.expire(BATCH, &config);
    keyspace.tracking.tell_all(None, &mut fanout);
    let mut counts = PublishCounts::default();
    events::publish(
        &keyspace.take_events(),
        config.notify_keyspace_events,
        &state.registry,
        &ChannelOrder::default(),
        &mut fanout,
        &mut counts,
    );
    state.stats.messages.take(&mut counts);
    let threshold = config.latency_monitor_threshold;
    state
        .latency
        .record("expire-cycle", began.elapsed(), threshold);
    (fanout, expired == BATCH)
}
