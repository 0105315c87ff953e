//! `/api/queues` and `/api/groups`: what waits in lists and streams.
//!
//! Layer `http`. It may use `command` and what lies below.

use serde_json::{Value, json};

use super::{limit, rows, text};
use crate::http::answer::Refusal;
use crate::http::caller::Caller;
use crate::http::walk::walk;
use crate::store::survey::{GroupSurvey, QueueSurvey};

/// `GET /api/queues?limit=50`
pub(in crate::http) async fn queues(caller: &Caller) -> Result<Value, Refusal> {
    caller.permit(&[b"QUEUE", b"LIST"])?;
    let survey = QueueSurvey::new(limit(caller, 50)?);
    let survey = walk(&caller.state, survey, QueueSurvey::step).await?;
    let queues = survey.into_rows().into_iter().map(|row| {
        json!({
            "db": row.key.db,
            "key": text(&row.key.key),
            "length": row.length,
            "pushed": row.pushed,
            "popped": row.popped,
            "waiting_clients": row.waiting,
            "oldest_seconds": row.oldest,
        })
    });
    Ok(rows("queues", queues))
}

/// `GET /api/groups?limit=50`
pub(in crate::http) async fn groups(caller: &Caller) -> Result<Value, Refusal> {
    caller.permit(&[b"QUEUE", b"GROUPS"])?;
    let survey = GroupSurvey::new(limit(caller, 50)?);
    let survey = walk(&caller.state, survey, GroupSurvey::step).await?;
    let groups = survey.into_rows().into_iter().map(|row| {
        json!({
            "db": row.key.db,
            "key": text(&row.key.key),
            "group": text(&row.group),
            "consumers": row.consumers,
            "pending": row.pending,
            "lag": row.lag,
        })
    });
    Ok(rows("groups", groups))
}
