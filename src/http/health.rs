//! `/health`, `/health/live`, `/health/ready`: for probes.
//!
//! Layer `http`. It needs no user and shows nothing else of the server.
//!
//! ```text
//!   /health         200 {"live":true,"ready":true,"draining":false}
//!   /health/live    200, as long as the process answers
//!   /health/ready   200, or 503 once a shutdown has begun, or while an edge has no upstream
//! ```

use std::sync::atomic::Ordering::Relaxed;

use hyper::StatusCode;
use serde_json::json;

use super::answer::Answer;
use crate::state::ServerState;

/// The answer to this path.
pub(super) fn health(state: &ServerState, path: &str) -> Answer {
    let draining = state.shutdown.has_begun();
    let upstream = state.upstream.as_ref();
    let cut_off = upstream.is_some_and(|upstream| !upstream.stats.is_up.load(Relaxed));
    let ready = !draining && !cut_off;
    let mut shown = json!({"live": true, "ready": ready, "draining": draining});
    if cut_off {
        shown["reason"] = json!("no connection to the upstream");
    }
    let answer = Answer::json(&shown);
    if !ready && path == "/health/ready" {
        return answer.with_status(StatusCode::SERVICE_UNAVAILABLE);
    }
    answer
}
