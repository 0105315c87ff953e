//! What has to be looked at now and then: idle clients, outboxes above their soft limit, messages
//! that were dropped and whatever else the log has not been told of, tables that have become too large for what is
//! in them.

use std::time::{Duration, Instant};

use crate::observe::log_throttle::Told;
use crate::state::ServerState;

/// The limits and timeouts it enforces are in whole seconds.
const PERIOD: Duration = Duration::from_secs(1);

/// Runs until the server shuts down.
pub(crate) async fn run(state: &ServerState) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = Instant::now();
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                let now = Instant::now();
                state.stats.sample((now - last).as_secs_f64().max(f64::EPSILON));
                last = now;
                look(state);
            },
            () = state.shutdown.begun() => return,
        }
    }
}

fn look(state: &ServerState) {
    let config = state.config();
    for client in state.clients.all() {
        state.note_drops(&client, false);
        if client
            .outbox
            .check_limits(&config.client_output_buffer_limit)
        {
            state.disconnect(&client);
        } else if let Some(timeout) = config.timeout
            && !client.is_subscriber()
            && !client.is_blocked()
            && !client.is_postponed()
            && !client.is_monitor()
            && client.idle_seconds() > timeout.as_secs()
        {
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
}
