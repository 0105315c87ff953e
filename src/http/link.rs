//! An HTTP connection's side of the pipe to its client: requests in RESP out, replies in.
//!
//! Layer `http`.
//!
//! One request is sent at a time, and its reply read before the next. So what waits is bounded by
//! the lanes of the pipe and by the outbox.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use thiserror::Error;

use crate::client::pipe::FarEnd;
use crate::resp::encode::{put_bulk, put_integer, put_request};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::tokens::{Token, TokenReader};

/// Arrays in arrays, at most. No command nests that deep.
const MAX_DEPTH: usize = 64;

/// The client's connection has ended: it was killed, or the server stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the connection was closed by the server")]
pub(crate) struct Gone;

impl From<io::Error> for Gone {
    fn from(_: io::Error) -> Gone {
        Gone
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Link {
    far: FarEnd,
    /// What is to be sent.
    out: BytesMut,
    /// What has come and was not read.
    input: BytesMut,
    reader: TokenReader,
    /// Replies that have not been read whole.
    owed: usize,
    /// Whether a request has used it.
    used: bool,
}

impl Link {
    pub(super) fn new(far: FarEnd) -> Link {
        Link {
            far,
            out: BytesMut::new(),
            input: BytesMut::new(),
            reader: TokenReader::default(),
            owed: 0,
            used: false,
        }
    }

    /// Begins a new session, and logs in. Without a login the user is the default one.
    ///
    /// # Errors
    /// The connection has ended, or a reply of the request before was left half-way.
    pub(super) async fn begin(
        &mut self,
        login: Option<(&[u8], &[u8])>,
    ) -> Result<Result<(), Bytes>, Gone> {
        if self.owed > 0 {
            return Err(Gone);
        }
        if std::mem::replace(&mut self.used, true) {
            self.call(&[b"RESET"]).await?;
        }
        let Some((user, password)) = login else {
            return Ok(Ok(()));
        };
        Ok(match self.call(&[b"AUTH", user, password]).await? {
            Reply::Error(error) => Err(error.wire_text().into()),
            _ => Ok(()),
        })
    }

    /// Sends a request, as far as the pipe takes it. The rest follows while the reply is waited for.
    pub(super) fn send(&mut self, args: &[&[u8]]) {
        self.owed += 1;
        put_request(&mut self.out, args);
    }

    /// As [`send`](Self::send), of a request in RESP.
    pub(super) fn send_encoded(&mut self, request: BytesMut) {
        self.owed += 1;
        // Nothing is copied if nothing waits.
        self.out.unsplit(request);
    }

    /// Begins a request whose last argument, of this length, comes in parts.
    pub(super) fn send_start(&mut self, args: &[&[u8]], length: u64) {
        self.owed += 1;
        put_integer(&mut self.out, b'*', args.len() as i64 + 1);
        for arg in args {
            put_bulk(&mut self.out, arg);
        }
        put_integer(&mut self.out, b'$', length as i64);
    }

    /// Sends a part of it.
    pub(super) async fn send_part(&mut self, mut part: Bytes) -> Result<(), Gone> {
        std::future::poll_fn(|context| {
            ready!(self.far.poll_write(context, &mut self.out))?;
            self.far.poll_write(context, &mut part)
        })
        .await?;
        Ok(())
    }

    /// Ends such a request.
    pub(super) fn send_end(&mut self) {
        self.out.extend_from_slice(b"\r\n");
    }

    /// Reads the reply of the request that was sent.
    pub(super) async fn finish(&mut self) -> Result<Reply, Gone> {
        let reply = self.reply().await?;
        self.finish_reply();
        Ok(reply)
    }

    /// The next token of the replies.
    pub(super) fn poll_token(&mut self, context: &mut Context<'_>) -> Poll<Result<Token, Gone>> {
        loop {
            if !self.out.is_empty() {
                match self.far.poll_write(context, &mut self.out) {
                    // A buffer that was large is given back.
                    Poll::Ready(written) => (_, self.out) = (written?, BytesMut::new()),
                    Poll::Pending => {}
                }
            }
            match self.reader.next(&mut self.input) {
                Ok(Some(token)) => return Poll::Ready(Ok(token)),
                Ok(None) => {}
                Err(_) => return Poll::Ready(Err(Gone)),
            }
            if ready!(self.far.poll_read(context, &mut self.input)) == 0 {
                return Poll::Ready(Err(Gone));
            }
        }
    }

    /// Notes that a reply was read whole.
    pub(super) fn finish_reply(&mut self) {
        self.owed -= 1;
    }

    /// As [`poll_token`](Self::poll_token).
    pub(super) async fn token(&mut self) -> Result<Token, Gone> {
        std::future::poll_fn(|context| self.poll_token(context)).await
    }

    /// Sends a request and reads its reply.
    pub(super) async fn call(&mut self, args: &[&[u8]]) -> Result<Reply, Gone> {
        self.send(args);
        self.finish().await
    }

    /// Reads a reply as a value.
    async fn reply(&mut self) -> Result<Reply, Gone> {
        // The arrays around the next reply: what they have, and how many more they get.
        let mut open: Vec<(Vec<Reply>, usize)> = Vec::new();
        loop {
            let mut reply = match self.token().await? {
                Token::Status(text) => Reply::Status(text),
                Token::Error(text) => Reply::Error(Box::new(CommandError::Quoting {
                    before: "",
                    quoted: text.into(),
                    after: "".into(),
                })),
                Token::Integer(number) => Reply::Integer(number),
                Token::Null => Reply::Null,
                Token::Bulk(length) => Reply::Bulk(self.string(length).await?),
                Token::Array(0) => Reply::Array(Vec::new()),
                Token::Array(length) if open.len() < MAX_DEPTH => {
                    open.push((Vec::new(), length));
                    continue;
                }
                Token::Array(_) | Token::Part(_) => return Err(Gone),
            };
            loop {
                let Some((replies, missing)) = open.last_mut() else {
                    return Ok(reply);
                };
                replies.push(reply);
                *missing -= 1;
                if *missing > 0 {
                    break;
                }
                let (replies, _) = open.pop().expect("it was just looked at");
                reply = Reply::Array(replies);
            }
        }
    }

    async fn string(&mut self, length: usize) -> Result<Bytes, Gone> {
        let mut string = BytesMut::new();
        while string.len() < length {
            match self.token().await? {
                // Mostly it is all there.
                Token::Part(part) if part.len() == length => return Ok(part),
                Token::Part(part) => string.extend_from_slice(&part),
                _ => return Err(Gone),
            }
        }
        Ok(string.freeze())
    }
}
