//! One HTTP connection: hyper on its socket, and the client of the server that carries out its
//! requests.
//!
//! Layer `http`.
//!
//! Both are one task. When either of them ends, the other does:
//! - The peer goes: hyper ends, the pipe closes, and the client leaves as any client.
//! - While the server drains, a new connection has no client. It is told what probes ask for.
//! - The client goes (CLIENT KILL, a limit, the shutdown): what is still in the pipe is sent, for a
//!   limited time, and the connection closes.

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Mutex;

use super::answer::{Answer, Body, Refusal};
use super::caller::Caller;
use super::link::Link;
use super::routes::{self, Route};
use super::stream::Stream;
use super::target::Target;
use super::{gate, health};
use crate::client::pipe::FarEnd;
use crate::client::{Addresses, Client};
use crate::conn::{Connection, ConnectionTask};
use crate::state::ServerState;

/// hyper's buffer of each direction. The head of a request must fit in it.
const BUFFER: usize = 32 * 1024;
/// Headers of a request.
const MAX_HEADERS: usize = 64;
/// How long the peer may take to read what is left once the client has ended; at most
/// `shutdown-timeout`.
const LINGER: Duration = Duration::from_secs(1);
/// What a connection beyond `maxclients` gets.
pub(crate) const TOO_MANY: &str = "\
    HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n\
    Content-Length: 47\r\n\r\n{\"error\":\"ERR max number of clients reached\"}\r\n";

/// What all requests of a connection share.
struct Server {
    state: Arc<ServerState>,
    client: Arc<Client>,
    link: Arc<Mutex<Link>>,
}

/// Serves a connection to its end. `far` is the other end of the pipe of `connection`.
/// It is over then, so that there is never a connection to go on with.
pub(crate) async fn serve(
    state: Arc<ServerState>,
    connection: Connection,
    far: FarEnd,
    stream: Stream,
) -> Option<Connection> {
    let client = Arc::clone(connection.client());
    client.set_names(|names| names.library = "http".into());
    let poll = |context: &mut Context<'_>| stream.poll_handshake(context);
    if !Box::pin(state.complete_handshake(&client, poll)).await {
        return None;
    }
    let server = Arc::new(Server {
        state: Arc::clone(&state),
        client,
        link: Arc::new(Mutex::new(Link::new(far))),
    });
    let service = service_fn(move |request| answer(Arc::clone(&server), request));
    let mut http = Box::pin(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(state.config().http_timeout)
            .max_buf_size(BUFFER)
            .max_headers(MAX_HEADERS)
            .serve_connection(TokioIo::new(stream), service),
    );
    let patience = LINGER.min(state.config().shutdown_timeout);
    if state.shutdown.has_begun() {
        // It was accepted for a probe, and has no session: the client leaves, and whoever asks for
        // something else is told.
        state.disconnect(connection.client());
        let _ = tokio::time::timeout(patience, http).await;
        return None;
    }
    let mut session = ConnectionTask::new(connection);
    tokio::select! {
        ended = &mut http => {
            if let Err(error) = ended {
                tracing::debug!(%error, "an HTTP connection ended");
            }
            // With it goes the far end of the pipe, which ends the session.
            drop(http);
            session.await;
        }
        () = &mut session => {
            http.as_mut().graceful_shutdown();
            // What is not read by then is lost, as on a socket.
            let _ = tokio::time::timeout(patience, http).await;
        }
    }
    None
}

/// Answers a request. The connection closes after it if the session has ended.
async fn answer(
    server: Arc<Server>,
    request: Request<Incoming>,
) -> Result<Response<Body>, std::convert::Infallible> {
    let (method, headers) = (request.method(), request.headers());
    let admitted = gate::admit(method, headers, &server.state.config());
    let answer = match admitted {
        Err(refusal) => refusal.answer(),
        Ok(reader) => {
            let answer = if gate::is_preflight(method, headers) {
                gate::preflight()
            } else {
                let answer = carry_out(&server, request).await;
                answer.unwrap_or_else(|refusal| refusal.answer())
            };
            gate::let_read(answer, reader)
        }
    };
    Ok(finish(answer).0)
}

async fn carry_out(server: &Server, request: Request<Incoming>) -> Result<Answer, Refusal> {
    let (path, query) = (request.uri().path(), request.uri().query());
    let mut target = Target::parse(path, query)
        .map_err(|bad| Refusal::new(StatusCode::BAD_REQUEST, format!("ERR {bad}")))?;
    let route = routes::find(request.method(), &mut target)?;
    if route == Route::Health {
        return Ok(health::health(&server.state, target.path()));
    }
    refuse_unprotected(server)?;
    let link = Arc::clone(&server.link).lock_owned().await;
    let (state, client) = (&server.state, &server.client);
    let mut caller = Caller::begin(state, client, link, target, request).await?;
    routes::answer(route, &mut caller).await
}

/// Protected mode: while the default user has no password, only this machine is served.
fn refuse_unprotected(server: &Server) -> Result<(), Refusal> {
    let state = &server.state;
    let is_local = Addresses::is_local(&server.client.addresses);
    if is_local || !state.config().protected_mode || !state.acl.is_default_without_password() {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        "DENIED fanfare is running in protected mode: the default user has no password, so requests \
         are only accepted from this machine. Set 'requirepass', or 'protected-mode no' if nobody \
         else can reach this server",
    ))
}

/// Adds the headers that all answers have, where the handler has not set its own.
fn finish(mut answer: Answer) -> Answer {
    let status = answer.0.status();
    let headers = answer.0.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    set(CACHE_CONTROL, "no-store");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "no-referrer");
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    set(
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    );
    if status == StatusCode::UNAUTHORIZED {
        set(
            WWW_AUTHENTICATE,
            "Basic realm=\"fanfare\", charset=\"UTF-8\"",
        );
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        set(CONNECTION, "close");
    }
    answer
}
