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

use super::batch::WRITES_PER_TURN;
use super::turns;
use crate::client::Client;
use crate::pubsub::fanout::Fanout;
use crate::pubsub::shared_flush::SharedFlush;
use crate::state::ServerState;
use crate::state::panic::{catch, message};

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
