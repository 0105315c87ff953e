//! Taking keys away whose time has come, even if nobody looks.
//!
//! A look-up removes an expired key by itself, so this task is about memory and about the
//! `expired` events: a key goes at most [`PERIOD`] after its time. Without keys that expire it
//! sleeps until somebody sets a deadline. While clients are paused no key goes, as in Redis.
//!
//! It runs on the thread that accepts and handles signals, which must not wait for a command that
//! has the keyspace's lock: see [`ServerState::with_keyspace`].

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::pubsub::fanout::Fanout;
use crate::pubsub::registry::ChannelOrder;
use crate::state::ServerState;
use crate::store::events;
use crate::store::keyspace::Keyspace;

/// How often expired keys are looked for; Redis's `hz 10`.
const PERIOD: Duration = Duration::from_millis(100);
/// Keys taken away at a time, before others get the keyspace's lock.
const BATCH: usize = 256;

/// Runs until the server shuts down.
pub(crate) async fn run(state: &Arc<ServerState>) {
    let work = async {
        loop {
            while !state.pause.is_on() && expire_some(state).await {
                tokio::task::yield_now().await;
            }
            let first = state.with_keyspace(|space| space.first_deadline()).await;
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

/// Takes some expired keys away. `true`: there may be more.
async fn expire_some(state: &Arc<ServerState>) -> bool {
    let own = Arc::clone(state);
    let (mut fanout, full) = state
        .with_keyspace(move |space| expire_under(&own, space))
        .await;
    while let Some(client) = fanout.next_touched() {
        state.flush(&client);
    }
    full
}

fn expire_under(state: &ServerState, space: &mut Keyspace) -> (Fanout, bool) {
    let config = state.config();
    let mut fanout = Fanout::default();
    fanout.begin_batch(config.client_output_buffer_limit);
    let began = Instant::now();
    space.refresh_clock();
    let expired = space.expire(BATCH, &config);
    space.tracking.tell_all(None, &mut fanout);
    let (published, delivered) = events::publish(
        &space.take_events(),
        config.notify_keyspace_events,
        &state.registry,
        &ChannelOrder::default(),
        &mut fanout,
    );
    state.stats.published.fetch_add(published, Relaxed);
    state.stats.delivered.fetch_add(delivered, Relaxed);
    let threshold = config.latency_monitor_threshold;
    state
        .latency
        .record("expire-cycle", began.elapsed(), threshold);
    (fanout, expired == BATCH)
}
