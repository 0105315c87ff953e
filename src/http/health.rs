//! `/health`, `/health/live`, `/health/ready`: for probes.
//!
//! Layer `http`. It needs no user and shows nothing else of the server.
//!
//! ```text
//!   /health         200 {"live":true,"ready":true,"draining":false}
//!   /health/live    200, as long as the process answers
//!   /health/ready   200, or 503 once a shutdown has begun
//! ```

use hyper::StatusCode;
use serde_json::json;

use super::answer::Answer;
use crate::state::ServerState;

/// The answer to this path.
pub(super) fn health(state: &ServerState, path: &str) -> Answer {
    let draining = state.shutdown.has_begun();
    let answer = Answer::json(&json!({"live": true, "ready": !draining, "draining": draining}));
    if draining && path == "/health/ready" {
        return answer.with_status(StatusCode::SERVICE_UNAVAILABLE);
    }
    answer
}
