//! Who asks: a request whose user is logged in, and the session that carries out its commands.
//!
//! Layer `http`.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Incoming};
use hyper::header::HeaderMap;
use hyper::{Request, StatusCode};
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout_at};

use super::answer::Refusal;
use super::credentials::login;
use super::link::Link;
use super::target::Target;
use crate::client::{Client, Kept};
use crate::command::access::permit_unsent;
use crate::resp::reply::Reply;
use crate::state::ServerState;

/// A body must arrive at this rate, beyond `http-timeout`.
const BYTES_PER_SECOND: u64 = 16 * 1024;

/// A request, and who sends it.
pub(crate) struct Caller {
    /// The server.
    pub state: Arc<ServerState>,
    /// What is asked for.
    pub target: Target,
    /// The headers.
    pub headers: HeaderMap,
    client: Arc<Client>,
    /// `None` once a body has taken it.
    link: Option<OwnedMutexGuard<Link>>,
    body: Incoming,
    /// When the request's head had come.
    begun: Instant,
    /// Bytes of the body so far.
    received: u64,
    logged_in: bool,
}

impl Caller {
    /// Begins a session, and logs the user in that the request names.
    ///
    /// # Errors
    /// The login is wrong.
    pub(super) async fn begin(
        state: &Arc<ServerState>,
        client: &Arc<Client>,
        mut link: OwnedMutexGuard<Link>,
        target: Target,
        request: Request<Incoming>,
    ) -> Result<Caller, Refusal> {
        let (head, body) = request.into_parts();
        let login = login(&head.headers, &state.acl)?;
        let named = login
            .as_ref()
            .map(|(user, password)| (&user[..], &password[..]));
        let begun = link.begin(named).await?;
        begun.map_err(|error| Refusal::of_command(&error))?;
        Ok(Caller {
            state: Arc::clone(state),
            target,
            headers: head.headers,
            client: Arc::clone(client),
            link: Some(link),
            body,
            begun: Instant::now(),
            received: 0,
            logged_in: login.is_some(),
        })
    }

    /// Carries out a command, with the caller's rights.
    ///
    /// # Errors
    /// The command's error, with the status that its code stands for.
    pub(crate) async fn call(&mut self, args: &[&[u8]]) -> Result<Reply, Refusal> {
        match self.link().call(args).await? {
            Reply::Error(error) => Err(Refusal::of_command(&error.wire_text())),
            reply => Ok(reply),
        }
    }

    /// Whether the caller might send this command, for a handler that answers without sending it. A
    /// denial is counted and logged as if it had been sent.
    ///
    /// # Errors
    /// 401 or 403, with the text that the command would get.
    pub(crate) fn permit(&self, args: &[&[u8]]) -> Result<(), Refusal> {
        permit_unsent(&self.state, &self.client, self.logged_in, args)
            .map_err(|error| Refusal::of_command(&error.wire_text()))
    }

    /// The client that the session belongs to.
    pub(super) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The session's end of the pipe.
    pub(super) fn link(&mut self) -> &mut Link {
        self.link.as_mut().expect("a body takes it last")
    }

    /// The session's end, for the body of the answer, which is all that uses it from now on.
    pub(super) fn take_link(&mut self) -> OwnedMutexGuard<Link> {
        self.link.take().expect("one body takes it")
    }

    /// The length that the request states for its body.
    pub(super) fn body_length(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// It does not come, or too slowly.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Refusal> {
        let patience = self.state.config().http_timeout;
        loop {
            let frame =
                std::future::poll_fn(|context| Pin::new(&mut self.body).poll_frame(context));
            let frame = match patience {
                None => frame.await,
                Some(patience) => {
                    let more = Duration::from_secs(self.received / BYTES_PER_SECOND);
                    timeout_at(self.begun + patience + more, frame)
                        .await
                        .map_err(|_| {
                            let text = "ERR the body comes too slowly";
                            Refusal::new(StatusCode::REQUEST_TIMEOUT, text)
                        })?
                }
            };
            let Some(frame) = frame else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| {
                let text = format!("ERR the body can't be read: {error}");
                Refusal::new(StatusCode::BAD_REQUEST, text)
            })?;
            // Trailers are left out.
            if let Ok(piece) = frame.into_data() {
                self.received += piece.len() as u64;
                return Ok(Some(piece));
            }
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// It is longer than `limit`, or does not come.
    pub(crate) async fn body(&mut self, limit: u64) -> Result<Bytes, Refusal> {
        let too_long = || {
            let text = format!("ERR the body is longer than {limit} bytes");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text)
        };
        if self.body.size_hint().lower() > limit {
            return Err(too_long());
        }
        let mut body = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            if self.received > limit {
                return Err(too_long());
            }
            body.extend_from_slice(&piece);
            // Shown and limited as what is kept of an unfinished request (`maxmemory-clients`).
            self.client.set_kept(Kept::Body, body.capacity());
        }
        Ok(body.freeze())
    }
}

/// A request that has no answer of pieces is over, and what was kept for it.
impl Drop for Caller {
    fn drop(&mut self) {
        if self.link.is_some() {
            self.client.set_kept(Kept::Body, 0);
        }
    }
}
