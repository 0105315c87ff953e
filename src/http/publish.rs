//! `POST /publish/<channel>`: the body is the payload.
//!
//! Layer `http`.
//!
//! The payload goes to the session as it comes, and waits there as that of a PUBLISH in RESP does,
//! within `client-query-buffer-limit`. So its length must be known.

use hyper::StatusCode;
use serde_json::json;

use super::answer::{Answer, Refusal};
use super::caller::Caller;
use crate::resp::reply::Reply;

/// Publishes, and answers `{"receivers":N}`.
pub(super) async fn publish(caller: &mut Caller) -> Result<Answer, Refusal> {
    let channel = caller.target.rest();
    let length = caller.body_length().ok_or_else(|| {
        let text = "ERR the request must have a Content-Length";
        Refusal::new(StatusCode::LENGTH_REQUIRED, text)
    })?;
    let limit = caller.state.config().proto_max_bulk_len;
    if length > limit {
        let text = format!("ERR the body is longer than {limit} bytes");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    // Before the body is read: a caller without permission sends nothing.
    caller.permit(&[b"PUBLISH", &channel, b""])?;
    caller.link().send_start(&[b"PUBLISH", &channel], length);
    while let Some(piece) = caller.piece().await? {
        caller.link().send_part(piece).await?;
    }
    caller.link().send_end();
    match caller.link().finish().await? {
        Reply::Error(error) => Err(Refusal::of_command(&error.wire_text())),
        Reply::Integer(receivers) => Ok(Answer::json(&json!({"receivers": receivers}))),
        other => unreachable!("PUBLISH replies {other:?}"),
    }
}
