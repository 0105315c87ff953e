//! Listeners: accepts connections, refuses those beyond `maxclients` or against protected mode, and
//! starts the tasks of the others.
//!
//! Layer `server`. It may use all layers but `embed`.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

#[cfg(feature = "http")]
use bytes::BytesMut;
#[cfg(feature = "http")]
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::runtime::Handle;

use crate::acl::Acl;
#[cfg(feature = "http")]
use crate::client::pipe::{FarEnd, pipe};
use crate::client::socket::Socket;
use crate::client::tls::TlsStream;
use crate::client::{Addresses, Ending};
use crate::conn::{Connection, ConnectionTask};
#[cfg(feature = "http")]
use crate::http::{self, stream::Stream};
use crate::observe::log_throttle::{LogThrottle, Told};
use crate::state::ServerState;
use crate::state::bound::Bound;
use crate::state::tls::Tls;

/// The pause after an accept that failed for lack of a resource, such as file descriptors. Trying
/// again at once would fail again and keep a core busy.
const ACCEPT_REST: Duration = Duration::from_millis(50);
/// The error that a connection from another machine gets in protected mode. It begins like Redis's.
const PROTECTED: &str = "\
    -DENIED fanfare is running in protected mode: the default user has no password, so connections \
    are only accepted from this machine. To connect from others, do one of these: \
    1) Give the default user a password, with the setting 'requirepass', or with 'CONFIG SET \
    requirepass' from the machine that the server runs on. \
    2) If nobody else can reach this server, start it with '--protected-mode no', or send \
    'CONFIG SET protected-mode no' from its own machine.\r\n";

/// A bound socket.
#[derive(Debug)]
pub(crate) enum Listener {
    /// Over TCP.
    Tcp(TcpListener, SocketAddr),
    /// Over TCP, encrypted.
    Tls(TcpListener, SocketAddr),
    /// Over a unix socket.
    Unix(UnixListener, Arc<PathBuf>),
    /// HTTP.
    #[cfg(feature = "http")]
    Http(TcpListener, SocketAddr),
    /// HTTP, encrypted.
    #[cfg(feature = "http")]
    Https(TcpListener, SocketAddr),
}

impl Listener {
    /// The address that it listens on.
    pub(crate) fn bound(&self) -> Bound {
        match self {
            Listener::Tcp(_, address) => Bound::Tcp(*address),
            Listener::Tls(_, address) => Bound::Tls(*address),
            Listener::Unix(_, path) => Bound::Unix(Arc::clone(path)),
            #[cfg(feature = "http")]
            Listener::Http(_, address) => Bound::Http(*address),
            #[cfg(feature = "http")]
            Listener::Https(_, address) => Bound::Https(*address),
        }
    }

    /// Waits until it is to end. Over HTTP, probes are answered while the clients are drained.
    async fn end(&self, state: &ServerState) {
        #[cfg(feature = "http")]
        if let Listener::Http(..) | Listener::Https(..) = self {
            return state.shutdown.drained().await;
        }
        state.shutdown.begun().await;
    }

    async fn accept(&self) -> io::Result<Accepted> {
        Ok(match self {
            Listener::Tcp(listener, _) => {
                let (stream, addresses) = accept_tcp(listener).await?;
                Accepted::Tcp(stream, addresses)
            }
            Listener::Tls(listener, _) => {
                let (stream, addresses) = accept_tcp(listener).await?;
                Accepted::Tls(stream, addresses)
            }
            Listener::Unix(listener, path) => {
                let (stream, _) = listener.accept().await?;
                Accepted::Unix(stream, Addresses::unix(Arc::clone(path)))
            }
            #[cfg(feature = "http")]
            Listener::Http(listener, _) | Listener::Https(listener, _) => {
                let (stream, addresses) = accept_tcp(listener).await?;
                let encrypted = matches!(self, Listener::Https(..));
                Accepted::Http(stream, addresses, encrypted)
            }
        })
    }
}

async fn accept_tcp(listener: &TcpListener) -> io::Result<(TcpStream, Addresses)> {
    let (stream, peer) = listener.accept().await?;
    let local = stream.local_addr()?;
    stream.set_nodelay(true)?;
    Ok((stream, Addresses::tcp(peer, local)))
}

/// An accepted connection that no task serves yet.
#[derive(Debug)]
enum Accepted {
    Tcp(TcpStream, Addresses),
    Tls(TcpStream, Addresses),
    Unix(UnixStream, Addresses),
    /// Whether it is encrypted comes last.
    #[cfg(feature = "http")]
    Http(TcpStream, Addresses, bool),
}

impl Accepted {
    /// Moves the socket to the runtime of `home`.
    fn move_to(self, home: &Handle) -> io::Result<Accepted> {
        let move_tcp = |stream: TcpStream| {
            let stream = stream.into_std()?;
            let _home = home.enter();
            TcpStream::from_std(stream)
        };
        Ok(match self {
            Accepted::Tcp(stream, addresses) => Accepted::Tcp(move_tcp(stream)?, addresses),
            Accepted::Tls(stream, addresses) => Accepted::Tls(move_tcp(stream)?, addresses),
            #[cfg(feature = "http")]
            Accepted::Http(stream, addresses, encrypted) => {
                Accepted::Http(move_tcp(stream)?, addresses, encrypted)
            }
            Accepted::Unix(stream, addresses) => {
                let stream = stream.into_std()?;
                let _home = home.enter();
                Accepted::Unix(UnixStream::from_std(stream)?, addresses)
            }
        })
    }

    fn addresses(&self) -> &Addresses {
        match self {
            Accepted::Tcp(_, addresses)
            | Accepted::Tls(_, addresses)
            | Accepted::Unix(_, addresses) => addresses,
            #[cfg(feature = "http")]
            Accepted::Http(_, addresses, _) => addresses,
        }
    }

    /// Whether it speaks TLS.
    fn is_encrypted(&self) -> bool {
        match self {
            Accepted::Tcp(..) | Accepted::Unix(..) => false,
            Accepted::Tls(..) => true,
            #[cfg(feature = "http")]
            Accepted::Http(.., encrypted) => *encrypted,
        }
    }

    /// Whether it speaks HTTP.
    fn is_http(&self) -> bool {
        match self {
            Accepted::Tcp(..) | Accepted::Tls(..) | Accepted::Unix(..) => false,
            #[cfg(feature = "http")]
            Accepted::Http(..) => true,
        }
    }

    fn into_link(self, tls: &Tls) -> io::Result<ClientLink> {
        let encrypt = |stream| {
            let config = tls.config().expect("a port for TLS has what it takes");
            TlsStream::new(stream, config)
        };
        let (socket, addresses) = match self {
            Accepted::Tcp(stream, addresses) => (stream.into(), addresses),
            Accepted::Tls(stream, addresses) => (encrypt(stream)?.into(), addresses),
            Accepted::Unix(stream, addresses) => (stream.into(), addresses),
            #[cfg(feature = "http")]
            Accepted::Http(stream, addresses, encrypted) => {
                let stream = if encrypted {
                    Stream::Tls(Box::new(encrypt(stream)?), BytesMut::new())
                } else {
                    Stream::Plain(stream)
                };
                let (near, far) = pipe(stream.descriptor());
                return Ok(ClientLink {
                    socket: near.into(),
                    addresses,
                    http: Some((far, stream)),
                });
            }
        };
        Ok(ClientLink {
            socket,
            addresses,
            #[cfg(feature = "http")]
            http: None,
        })
    }
}

/// What an accepted connection's client is made of.
#[derive(Debug)]
struct ClientLink {
    socket: Socket,
    addresses: Addresses,
    /// The client is the one of an HTTP connection: the other end of its pipe, and the peer's socket.
    #[cfg(feature = "http")]
    http: Option<(FarEnd, Stream)>,
}

/// Accepts connections until the listener is to end. A failed accept never ends it.
pub(crate) async fn accept_all(listener: &Listener, state: &Arc<ServerState>) {
    let mut failures = LogThrottle::default();
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok(accepted) => {
                    if let Some(failed) = failures.end() {
                        tracing::warn!(failed, "can accept connections again");
                    }
                    let from = accepted.addresses().clone();
                    if let Err(error) = admit(state, accepted) {
                        log_refused(state, Told::NotServed, Some(&error), &from);
                    }
                }
                Err(error) if concerns_connection(&error) => {
                    tracing::debug!(%error, "a connection was gone before it was accepted");
                }
                Err(error) => {
                    state.stats.accept_failures.fetch_add(1, Relaxed);
                    if let Some(failed) = failures.note() {
                        tracing::warn!(%error, failed, "can't accept connections");
                    }
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = listener.end(state) => {}
    }
    if let Listener::Unix(_, path) = listener {
        // Best effort: the next start removes it otherwise.
        let _ = std::fs::remove_file(path.as_path());
    }
}

/// Whether an error of accept(2) concerns the accepted connection, and not the listener.
fn concerns_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::NotConnected
            | io::ErrorKind::InvalidInput
    )
}

/// Whether protected mode refuses the connection: it comes from another machine, and the default
/// user has no password.
fn is_unprotected(acl: &Acl, addresses: &Addresses) -> bool {
    !addresses.is_local() && acl.is_default_without_password()
}

/// Sends a client the reason why it is refused. The write is tried once, as in Redis, and never
/// waited for.
fn refuse(state: &ServerState, accepted: Accepted, why: &str) {
    state.stats.rejected_connections.fetch_add(1, Relaxed);
    #[cfg(feature = "http")]
    if let Accepted::Http(stream, _, false) = &accepted {
        let _ = SockRef::from(stream).send(http::serve::TOO_MANY.as_bytes());
        return;
    }
    if let Ok(link) = accepted.into_link(&state.tls) {
        let _ = link.socket.write_unregistered(why.as_bytes());
    }
}

/// Logs that a connection was refused. It has no client yet.
fn log_refused(state: &ServerState, told: Told, error: Option<&io::Error>, from: &Addresses) {
    if let Some(times) = state.told.note(told) {
        let error = error.map(tracing::field::display);
        tracing::warn!(addr = %from.peer(), error, times, "{told}");
    }
}

/// Refuses an accepted connection, or starts its task.
fn admit(state: &Arc<ServerState>, accepted: Accepted) -> io::Result<()> {
    state.stats.connections.fetch_add(1, Relaxed);
    let config = state.config();
    if state.clients.count() >= config.maxclients as usize {
        log_refused(state, Told::TooManyClients, None, accepted.addresses());
        refuse(state, accepted, "-ERR max number of clients reached\r\n");
        return Ok(());
    }
    let (encrypted, is_http) = (accepted.is_encrypted(), accepted.is_http());
    // HTTP has an answer of its own.
    let is_plain = !encrypted && !is_http;
    if is_plain && config.protected_mode && is_unprotected(&state.acl, accepted.addresses()) {
        log_refused(state, Told::Unprotected, None, accepted.addresses());
        refuse(state, accepted, PROTECTED);
        return Ok(());
    }
    let home = state.placement.next();
    let accepted = match home {
        Some((_, home)) => accepted.move_to(home)?,
        None => accepted,
    };
    let link = accepted.into_link(&state.tls)?;
    if let Err(error) = link.socket.set_keepalive(config.tcp_keepalive) {
        tracing::debug!(%error, "can't set TCP keepalive");
    }
    let worker = home.map_or(0, |(place, _)| place as u8);
    let task = start(state, worker, link, encrypted);
    match home {
        Some((_, home)) => state.tasks.spawn_on(task, home),
        None => state.tasks.spawn(task),
    };
    Ok(())
}

/// The task of an accepted connection, which this worker will serve.
fn start(
    state: &Arc<ServerState>,
    worker: u8,
    link: ClientLink,
    encrypted: bool,
) -> ConnectionTask {
    let connection = Connection::new(Arc::clone(state), worker, link.socket, link.addresses);
    let server = Arc::clone(state);
    #[cfg(feature = "http")]
    if let Some((far, stream)) = link.http {
        stream.set_keepalive(state.config().tcp_keepalive);
        return ConnectionTask::after(connection, |connection| {
            http::serve::serve(server, connection, far, stream)
        });
    }
    if encrypted {
        ConnectionTask::after(connection, |connection| encrypt(server, connection))
    } else {
        ConnectionTask::new(connection)
    }
}

/// Does the TLS handshake, which must end within `tls-handshake-timeout`. Protected mode can refuse
/// the connection only then: before the handshake, no error can be sent.
async fn encrypt(state: Arc<ServerState>, connection: Connection) -> Option<Connection> {
    let is_complete = {
        let client = connection.client();
        let poll = |context: &mut Context<'_>| {
            if state.shutdown.has_begun() {
                return Poll::Ready(Err(io::ErrorKind::Interrupted.into()));
            }
            client.socket().poll_handshake(context)
        };
        state.complete_handshake(client, poll).await
    };
    if !is_complete {
        return None;
    }
    let refused = {
        let addresses = &connection.client().addresses;
        state.config().protected_mode && is_unprotected(&state.acl, addresses)
    };
    if refused {
        state.stats.rejected_connections.fetch_add(1, Relaxed);
        connection.client().ends_because(Ending::Unprotected);
        state.tell(Told::Unprotected, connection.client());
        connection.refuse(PROTECTED);
    }
    Some(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::user::{PasswordHash, User};

    #[test]
    fn only_this_machine_connects_without_a_password() {
        let acl = Acl::new(vec![User::unrestricted_default()]);
        let from = |peer: &str| {
            let peer = format!("{peer}:1").parse().unwrap();
            Addresses::tcp(peer, "192.0.2.1:6379".parse().unwrap())
        };
        let locals = [
            from("127.0.0.1"),
            from("127.255.0.9"),
            from("[::1]"),
            Addresses::unix(Arc::default()),
        ];
        let others = [from("192.0.2.1"), from("128.0.0.1"), from("[fd00::1]")];
        let refused = |all: &[Addresses]| {
            let refused = all.iter().filter(|from| is_unprotected(&acl, from));
            refused.count()
        };
        assert_eq!((refused(&locals), refused(&others)), (0, others.len()));
        acl.set_default_password(Some(PasswordHash::of(b"sesame")));
        assert_eq!((refused(&locals), refused(&others)), (0, 0));
        assert!(
            PROTECTED.starts_with("-DENIED ") && PROTECTED.find('\n') == Some(PROTECTED.len() - 1)
        );
        assert!(!PROTECTED.contains("  "));
    }
}
