//! The wire of Upstash's REST interface: `POST /`, `/pipeline` and `/multi-exec`.
//!
//! Layer `http`.
//!
//! ```text
//!   POST /             ["SET","k","v"]           {"result":"OK"}
//!   POST /pipeline     [["GET","k"],["X"]]       [{"result":"v"},{"error":"ERR …"}]
//!   POST /multi-exec   [["GET","k"],["INCR","n"]]   the same, as one step for everybody else
//! ```
//!
//! A command's error is answered with 400 and `{"error":"…"}`; in a pipeline or a transaction it is an
//! item. Replies go out as they come: a long one is never held as a whole.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use hyper::StatusCode;
use hyper::body::{Body, Frame};
use hyper::header::HeaderName;
use tokio::sync::OwnedMutexGuard;

use super::answer::{Answer, Refusal};
use super::caller::Caller;
use super::json::{Encoding, ReplyJson, whole};
use super::link::{Gone, Link};
use super::requests::{CommandRequest, read_many, read_one};
use crate::client::{Client, Kept};
use crate::resp::reply::Reply;
use crate::resp::tokens::Token;

const JSON: &str = "application/json";
/// A frame of a body is sent once it has this many bytes.
pub(super) const FRAME: usize = 16 * 1024;

fn encoding(caller: &Caller) -> Result<Encoding, Refusal> {
    let name = HeaderName::from_static("upstash-encoding");
    match caller.headers.get(name).map(|value| value.as_bytes()) {
        None => Ok(Encoding::Text),
        Some(b"base64") => Ok(Encoding::Base64),
        Some(_) => Err(bad("ERR Upstash-Encoding can only be base64")),
    }
}

fn bad(text: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, text)
}

async fn body(caller: &mut Caller) -> Result<Bytes, Refusal> {
    let limit = caller.state.config().proto_max_bulk_len;
    caller.body(limit).await
}

/// `POST /`
pub(super) async fn command(caller: &mut Caller) -> Result<Answer, Refusal> {
    let encoding = encoding(caller)?;
    let request = read_one(&body(caller).await?).map_err(bad)?;
    if let Some(refusal) = request.refusal {
        return Err(bad(refusal));
    }
    caller.link().send_encoded(request.encoded);
    let first = first_token(caller.link()).await?;
    Ok(replies(
        caller,
        Shape::One,
        encoding,
        Some(first),
        Vec::new(),
    ))
}

/// `POST /pipeline`
pub(super) async fn pipeline(caller: &mut Caller) -> Result<Answer, Refusal> {
    let encoding = encoding(caller)?;
    let requests = read_many(&body(caller).await?).map_err(bad)?;
    Ok(replies(caller, Shape::Pipeline, encoding, None, requests))
}

/// `POST /multi-exec`
pub(super) async fn transaction(caller: &mut Caller) -> Result<Answer, Refusal> {
    let encoding = encoding(caller)?;
    let requests = read_many(&body(caller).await?).map_err(bad)?;
    if let Some(refusal) = requests.iter().find_map(|request| request.refusal.clone()) {
        return Err(bad(refusal));
    }
    caller.call(&[b"MULTI"]).await?;
    for request in requests {
        caller.link().send_encoded(request.encoded);
        if let Reply::Error(error) = caller.link().finish().await? {
            // The session ends with the request, and the transaction with it.
            return Err(Refusal::of_command(&error.wire_text()));
        }
    }
    caller.link().send(&[b"EXEC"]);
    let first = first_token(caller.link()).await?;
    Ok(replies(
        caller,
        Shape::Transaction,
        encoding,
        Some(first),
        Vec::new(),
    ))
}

/// What the reply begins with. The status of the answer depends on it.
///
/// # Errors
/// The reply is an error.
async fn first_token(link: &mut Link) -> Result<Token, Refusal> {
    match link.token().await? {
        Token::Error(text) => {
            link.finish_reply();
            Err(Refusal::of_command(&text))
        }
        first => Ok(first),
    }
}

/// What the replies are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    One,
    Pipeline,
    Transaction,
}

fn replies(
    caller: &mut Caller,
    shape: Shape,
    encoding: Encoding,
    first: Option<Token>,
    requests: Vec<CommandRequest>,
) -> Answer {
    let mut out = BytesMut::new();
    out.put_slice(match shape {
        Shape::One => b"{\"result\":",
        Shape::Pipeline => b"[",
        Shape::Transaction => b"",
    });
    let mut replies = Replies {
        client: Arc::clone(caller.client()),
        link: caller.take_link(),
        shape,
        encoding,
        first,
        writer: None,
        is_new: false,
        requests: requests.into(),
        out,
        ended: false,
    };
    if shape != Shape::Pipeline {
        replies.begin_reply();
    }
    Answer::pieces(JSON, Box::pin(replies))
}

/// The body of an answer: replies as they come.
struct Replies {
    link: OwnedMutexGuard<Link>,
    client: Arc<Client>,
    shape: Shape,
    encoding: Encoding,
    /// A token that was read already.
    first: Option<Token>,
    /// Writes the reply that is being read.
    writer: Option<ReplyJson>,
    /// Whether that one has not begun.
    is_new: bool,
    /// The requests of a pipeline that were not sent yet.
    requests: VecDeque<CommandRequest>,
    out: BytesMut,
    ended: bool,
}

impl Replies {
    /// Writes what there is. `Ready`: all is written.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        while self.out.len() < FRAME {
            if self.shape == Shape::Pipeline && self.writer.is_none() {
                let Some(request) = self.requests.pop_front() else {
                    self.out.put_u8(b']');
                    return Poll::Ready(Ok(()));
                };
                if let Some(refusal) = request.refusal {
                    self.out.put_slice(b"{\"error\":");
                    whole(Encoding::Text, refusal.as_bytes(), &mut self.out);
                    self.end_item();
                    continue;
                }
                self.link.send_encoded(request.encoded);
                self.begin_reply();
            }
            let token = match self.first.take() {
                Some(token) => token,
                None => ready!(self.link.poll_token(context))?,
            };
            let is_first = std::mem::replace(&mut self.is_new, false);
            let writer = self.writer.as_mut().ok_or(Gone)?;
            let ended = match &token {
                Token::Error(text) if is_first => {
                    // Only in a pipeline: for others it has decided the status.
                    self.out.put_slice(b"{\"error\":");
                    whole(Encoding::Text, text, &mut self.out);
                    true
                }
                token => {
                    if is_first && self.shape == Shape::Pipeline {
                        self.out.put_slice(b"{\"result\":");
                    }
                    writer.put(token, &mut self.out)?
                }
            };
            if !ended {
                continue;
            }
            self.writer = None;
            self.link.finish_reply();
            match self.shape {
                Shape::Pipeline => self.end_item(),
                Shape::One => {
                    self.out.put_u8(b'}');
                    return Poll::Ready(Ok(()));
                }
                Shape::Transaction => return Poll::Ready(Ok(())),
            }
        }
        Poll::Pending
    }

    fn begin_reply(&mut self) {
        let of_exec = self.shape == Shape::Transaction;
        self.writer = Some(ReplyJson::new(self.encoding, of_exec));
        self.is_new = true;
    }

    fn end_item(&mut self) {
        self.out.put_slice(if self.requests.is_empty() {
            b"}"
        } else {
            b"},"
        });
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        // The requests are gone with it.
        self.client.set_kept(Kept::Body, 0);
    }
}

impl Body for Replies {
    type Data = Bytes;
    type Error = Gone;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Gone>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        match self.poll_write(context) {
            Poll::Ready(Ok(())) => self.ended = true,
            Poll::Ready(Err(gone)) => {
                self.ended = true;
                return Poll::Ready(Some(Err(gone)));
            }
            Poll::Pending if self.out.is_empty() => return Poll::Pending,
            Poll::Pending => {}
        }
        let frame = Frame::data(self.out.split().freeze());
        Poll::Ready(Some(Ok(frame)))
    }
}
