//! A task that runs once a second. It closes idle clients and clients whose outbox has been above
//! its soft limit for too long, logs what was held back by the log's rate limit, shrinks tables
//! that are too large for their entries, tells the time to what counts the busiest channels, and
//! returns free memory to the system.
//!
//! Layer `server`. It may use all layers but `embed`.

use std::time::{Duration, Instant};

use crate::client::Ending;
use crate::observe::log_throttle::Told;
use crate::state::ServerState;

/// The limits and timeouts that it enforces are in whole seconds.
const PERIOD: Duration = Duration::from_secs(1);

/// The allocator is asked to return memory once there is this much more free resident memory than
/// it kept the last time.
const MUCH_FREE: usize = 16 * 1024 * 1024;
/// After this many seconds, the memory that the allocator kept is counted as free again: other
/// threads may have freed more right after it was asked.
const LOOK_AGAIN: u32 = 10;
/// How many times in a row the allocator is asked. All threads are asked at once, and what one of
/// them frees of another's blocks can come too late for the other's first time.
const ROUNDS: u32 = 3;

/// Runs until the server shuts down.
pub(crate) async fn run(state: &ServerState) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = Instant::now();
    let mut free = FreeMemory::default();
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                let now = Instant::now();
                state.stats.sample((now - last).as_secs_f64().max(f64::EPSILON));
                last = now;
                run_once(state, &mut free);
            },
            () = state.shutdown.begun() => return,
        }
    }
}

fn run_once(state: &ServerState, free: &mut FreeMemory) {
    let config = state.config();
    state.tell_time();
    for client in state.clients.all() {
        state.note_drops(&client, false);
        if client
            .outbox
            .enforce_limits(&config.client_output_buffer_limit)
        {
            state.disconnect(&client);
        } else if let Some(timeout) = config.timeout
            && !client.is_subscriber()
            && !client.is_blocked()
            && !client.is_postponed()
            && !client.is_monitor()
            && client.idle_seconds() > timeout.as_secs()
        {
            client.ends_because(Ending::Idle);
            state.tell(Told::Idle, &client);
            state.disconnect(&client);
        }
    }
    for (told, times) in state.told.overdue() {
        if told.is_warning() {
            tracing::warn!(times, "since the last such line: {told}");
        } else {
            tracing::info!(times, "since the last such line: {told}");
        }
    }
    state.registry.shrink();
    let memory = state.memory(state.keyspace.figures().used);
    if free.has_become_much(memory.resident.saturating_sub(memory.used())) {
        state.trim_memory();
    }
}

/// Tracks memory that is resident and not in use by the server's own count.
#[derive(Debug, Default)]
struct FreeMemory {
    /// The free memory when the allocator was last asked.
    kept: usize,
    /// How many more times it is to be asked.
    rounds: u32,
    /// Seconds since it was last asked.
    since: u32,
}

impl FreeMemory {
    /// Notes how many bytes are free now. Returns whether the allocator is to be asked.
    fn has_become_much(&mut self, bytes: usize) -> bool {
        if self.rounds == 0 {
            self.kept = self.kept.min(bytes);
            self.since += 1;
            if self.since >= LOOK_AGAIN {
                self.kept = 0;
                self.since = 0;
            }
        }
        if bytes.saturating_sub(self.kept) >= MUCH_FREE {
            self.rounds = ROUNDS;
        }
        if self.rounds == 0 {
            return false;
        }
        self.since = 0;
        self.kept = bytes;
        self.rounds -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It is asked a few times in a row, and again only once that much more has become free.
    #[test]
    fn the_allocator_is_asked_when_much_has_become_free() {
        const MB: usize = 1024 * 1024;
        let mut free = FreeMemory::default();
        for (megabytes, asks) in [
            (5, false),
            (15, false),
            (500, true),
            (500, true),
            (40, true),
            // What it keeps does not count again.
            (40, false),
            (50, false),
            (20, false),
            (35, false),
            (36, true),
            (36, true),
            // More became free in between: it is asked three times from there.
            (52, true),
            (52, true),
            (36, true),
        ] {
            assert_eq!(free.has_become_much(megabytes * MB), asks, "{megabytes} MB");
        }
        for seconds in 1..LOOK_AGAIN {
            assert!(!free.has_become_much(36 * MB), "after {seconds}");
        }
        assert!(free.has_become_much(36 * MB));
    }
}
