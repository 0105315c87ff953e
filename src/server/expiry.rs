//! Taking keys away whose time has come, even if nobody looks.
//!
//! A look-up removes an expired key by itself, so this task is about memory and about the
//! `expired` events: a key goes at most [`PERIOD`] after its time. Without keys that expire it
//! sleeps until somebody sets a deadline. While clients are paused no key goes, as in Redis.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::pubsub::fanout::Fanout;
use crate::pubsub::registry::ChannelOrder;
use crate::state::ServerState;
use crate::store::events;

/// How often expired keys are looked for; Redis's `hz 10`.
const PERIOD: Duration = Duration::from_millis(100);
/// Keys taken away at a time, before others get the keyspace's lock.
const BATCH: usize = 256;

/// Runs until the server shuts down.
pub(crate) async fn run(state: &ServerState) {
    let work = async {
        loop {
            while !state.pause.is_on() && expire_some(state) {
                tokio::task::yield_now().await;
            }
            let none_expires = state.keyspace.lock().first_deadline().is_none();
            if none_expires {
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
fn expire_some(state: &ServerState) -> bool {
    let config = state.config();
    let mut fanout = Fanout::default();
    fanout.begin_batch(config.client_output_buffer_limit);
    let began = Instant::now();
    let full = {
        let mut space = state.keyspace.lock();
        space.refresh_clock();
        let expired = space.expire(BATCH, &config);
        let (published, delivered) = events::publish(
            &space.take_events(),
            config.notify_keyspace_events,
            &state.registry,
            &ChannelOrder::default(),
            &mut fanout,
        );
        state.stats.published.fetch_add(published, Relaxed);
        state.stats.delivered.fetch_add(delivered, Relaxed);
        expired == BATCH
    };
    let threshold = config.latency_monitor_threshold;
    state
        .latency
        .note("expire-cycle", began.elapsed(), threshold);
    while let Some(client) = fanout.next_touched() {
        state.flush(&client);
    }
    full
}
