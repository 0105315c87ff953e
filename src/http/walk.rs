//! Walks over all keys for an answer.
//!
//! Layer `http`. It may use `state` and what lies below.
//!
//! A step takes the keyspace's lock for a short time. Between two steps other tasks and threads go
//! on.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use tokio::time::timeout;

use super::answer::Refusal;
use crate::state::ServerState;
use crate::store::keyspace::Keyspace;

/// A step waits so long for the keyspace. Only a script has it for longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Calls `step` until it returns `false`.
///
/// # Errors
/// 503: a script has the keyspace for long.
pub(super) async fn walk<S: Send + 'static>(
    state: &Arc<ServerState>,
    mut survey: S,
    step: fn(&mut S, &Keyspace) -> bool,
) -> Result<S, Refusal> {
    loop {
        if let Some(busy) = state.busy_script() {
            let text = String::from_utf8_lossy(&busy.wire_text()).into_owned();
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text));
        }
        let stepped = state.with_keyspace(move |keyspace| {
            keyspace.refresh_clock();
            let more = step(&mut survey, keyspace);
            (survey, more)
        });
        let Ok((after, more)) = timeout(PATIENCE, stepped).await else {
            let text = "BUSY a script has the keyspace";
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text));
        };
        if !more {
            return Ok(after);
        }
        survey = after;
        tokio::task::yield_now().await;
    }
}
