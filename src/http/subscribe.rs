//! `GET /subscribe/<channel>` and `GET /psubscribe/<pattern>`: server-sent events; the same by `POST`
//! for Upstash's clients.
//!
//! Layer `http`.
//!
//! The session subscribes as any client. What the peer does not read stays in the pipe, and then in
//! the outbox, under the overflow policy. What that drops is told in the stream: before the first
//! event behind the gap, at the latest.
//!
//! The stream ends when the client does: CLIENT KILL, a user who loses the channel, a limit, the
//! shutdown. It then ends at the end of an event, or it breaks off.

use std::fmt::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use hyper::StatusCode;
use hyper::body::{Body, Frame};
use hyper::header::{CONNECTION, HeaderValue};
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, Sleep, sleep};

use super::answer::{Answer, Refusal};
use super::caller::Caller;
use super::events::{EventWriter, Format, Written};
use super::json::Encoding;
use super::link::{Gone, Link};
use super::upstash::FRAME;
use crate::client::Client;
use crate::client::outbox::Dropped;
use crate::resp::tokens::Token;

/// The type of the answer.
const EVENTS: &str = "text/event-stream";

/// Answers events. `command` is SUBSCRIBE or PSUBSCRIBE.
pub(super) async fn events(caller: &mut Caller, command: &[u8]) -> Result<Answer, Refusal> {
    let format = format(caller)?;
    let policy = caller.target.query("overflow").map(<[u8]>::to_vec);
    let limit = caller.target.query("limit").map(<[u8]>::to_vec);
    if let Some(policy) = policy {
        let mut args: Vec<&[u8]> = vec![b"CLIENT", b"OVERFLOW", &policy];
        args.extend(limit.as_deref());
        caller.call(&args).await?;
    } else if limit.is_some() {
        let text = "ERR 'limit' needs 'overflow'";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, text));
    }
    stream(caller, command, format).await
}

/// Answers events in the form of Upstash.
pub(super) async fn upstash(caller: &mut Caller, command: &[u8]) -> Result<Answer, Refusal> {
    stream(caller, command, Format::Upstash).await
}

fn format(caller: &Caller) -> Result<Format, Refusal> {
    let one_of = |name: &str, value: &str| match caller.target.query(name) {
        None => Ok(false),
        Some(given) if given == value.as_bytes() => Ok(true),
        Some(_) => {
            let text = format!("ERR '{name}' can only be '{value}'");
            Err(Refusal::new(StatusCode::BAD_REQUEST, text))
        }
    };
    let encoding = match one_of("encoding", "base64")? {
        true => Encoding::Base64,
        false => Encoding::Text,
    };
    Ok(match one_of("format", "json")? {
        true => Format::Json(encoding),
        false => Format::Lines(encoding),
    })
}

async fn stream(caller: &mut Caller, command: &[u8], format: Format) -> Result<Answer, Refusal> {
    let name = caller.target.rest();
    let link = caller.link();
    link.send(&[command, &name]);
    // The status of the answer depends on it.
    let is_edge = caller.state.upstream.is_some();
    let first = match caller.link().token().await {
        Err(gone) if is_edge && format != Format::Upstash => return Ok(ended(&gone.into())),
        first => first?,
    };
    if let Token::Error(text) = first {
        caller.link().finish_reply();
        let refusal = Refusal::of_command(&text);
        if refusal.status == StatusCode::SERVICE_UNAVAILABLE && format != Format::Upstash {
            return Ok(ended(&refusal));
        }
        return Err(refusal);
    }
    let heartbeat = caller.state.config().http_heartbeat;
    let client = Arc::clone(caller.client());
    let events = Events {
        link: caller.take_link(),
        told: client.outbox.dropped(),
        client,
        left_out: Dropped::default(),
        writer: EventWriter::new(format),
        first: Some(first),
        out: BytesMut::new(),
        heartbeat: heartbeat.map(|pause| (pause, Box::pin(sleep(pause)))),
        tells_drops: format != Format::Upstash,
        ended: false,
    };
    Ok(Answer::pieces(EVENTS, Box::pin(events)))
}

/// A stream that ends at once, because an edge has no hub: an EventSource connects again after a stream that
/// ends, and never after an error.
fn ended(refusal: &Refusal) -> Answer {
    let comment = format!(": {}\n\n", refusal.text);
    Answer::whole(EVENTS, comment).with_header(CONNECTION, HeaderValue::from_static("close"))
}

/// The body of the answer. It never ends by itself.
struct Events {
    link: OwnedMutexGuard<Link>,
    client: Arc<Client>,
    /// What was dropped and told.
    told: Dropped,
    /// Messages that the writer has left out.
    left_out: Dropped,
    writer: EventWriter,
    /// A token that was read already.
    first: Option<Token>,
    out: BytesMut,
    /// The longest pause between two events, and its timer.
    heartbeat: Option<(Duration, Pin<Box<Sleep>>)>,
    tells_drops: bool,
    ended: bool,
}

impl Events {
    /// Tells what was dropped since it was last told.
    fn tell_drops(&mut self) {
        if !self.tells_drops || !self.writer.is_between() {
            return;
        }
        let now = self.client.outbox.dropped();
        let messages = now.messages - self.told.messages + self.left_out.messages;
        let bytes = now.bytes - self.told.bytes + self.left_out.bytes;
        if messages > 0 {
            write!(
                self.out,
                "event: dropped\ndata: {{\"messages\":{messages},\"bytes\":{bytes}}}\n\n"
            )
            .expect("it grows");
            self.told = now;
            self.left_out = Dropped::default();
        }
    }

    /// Writes what there is. `Ready`: no more will come.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Gone> {
        while self.out.len() < FRAME {
            self.tell_drops();
            let token = match self.first.take() {
                Some(token) => token,
                None => match self.link.poll_token(context) {
                    Poll::Ready(Ok(token)) => token,
                    Poll::Ready(Err(gone)) => return Poll::Ready(gone),
                    Poll::Pending => break,
                },
            };
            match self.writer.put(&token, &mut self.out) {
                Ok(Written::LeftOut(bytes)) => {
                    self.left_out.messages += 1;
                    self.left_out.bytes += bytes;
                }
                Ok(Written::Partly | Written::Message | Written::Confirmed) => {}
                Err(gone) => return Poll::Ready(gone),
            }
        }
        Poll::Pending
    }

    /// Appends a comment if there was no event for long.
    fn poll_heartbeat(&mut self, context: &mut Context<'_>) {
        let Some((pause, timer)) = &mut self.heartbeat else {
            return;
        };
        if !self.out.is_empty() {
            timer.as_mut().reset(Instant::now() + *pause);
        }
        while timer.as_mut().poll(context).is_ready() {
            timer.as_mut().reset(Instant::now() + *pause);
            // Not within an event, whose data it would end.
            if self.out.is_empty() && self.writer.is_between() {
                self.out.put_slice(b":\n\n");
            }
        }
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Gone;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Gone>>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(gone) = this.poll_write(context) {
            this.ended = true;
            if !this.writer.is_between() {
                return Poll::Ready(Some(Err(gone)));
            }
        }
        this.poll_heartbeat(context);
        if !this.out.is_empty() {
            let frame = Frame::data(this.out.split().freeze());
            return Poll::Ready(Some(Ok(frame)));
        }
        if this.ended {
            return Poll::Ready(None);
        }
        Poll::Pending
    }
}
