//! Listeners: binds the addresses of the settings, accepts connections, and refuses those beyond
//! `maxclients` or against protected mode.
//!
//! Layer `server`. It may use all layers but `embed`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::runtime::Handle;

use super::supervise::catch;
use crate::acl::Acl;
use crate::client::Addresses;
use crate::client::socket::{ReadSocket, WriteSocket, split_tcp, split_tls, split_unix};
use crate::client::tls::TlsStream;
use crate::config::{Config, TlsPort};
use crate::conn::Connection;
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

/// Why the server cannot listen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListenError {
    /// All addresses were optional, and this machine has none of them.
    #[error("can't listen on any address of 'bind': {0}")]
    Nothing(String),
    /// A word of `bind` is neither an IP address nor a host name that resolves to one.
    #[error("can't listen on '{0}': not an IP address or a host name that resolves to one")]
    NoAddress(String),
    /// The address is in use, or this machine does not have it.
    #[error("can't listen on {address}: {source}")]
    Bind {
        /// The address from the settings.
        address: String,
        /// The system's error.
        source: io::Error,
    },
}

impl ListenError {
    /// Whether this machine does not have the address or its address family. An address that is in
    /// use, or that needs more privileges, is not missing.
    fn is_missing_address(&self) -> bool {
        match self {
            ListenError::NoAddress(_) => true,
            ListenError::Bind { source, .. } => {
                matches!(
                    Errno::from_io_error(source),
                    Some(Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT)
                )
            }
            ListenError::Nothing(_) => false,
        }
    }
}

/// A bound socket.
#[derive(Debug)]
pub(crate) enum Listener {
    /// Over TCP.
    Tcp(TcpListener, SocketAddr),
    /// Over TCP, encrypted.
    Tls(TcpListener, SocketAddr),
    /// Over a unix socket.
    Unix(UnixListener, Arc<PathBuf>),
}

impl Listener {
    /// The address that it listens on.
    pub(crate) fn bound(&self) -> Bound {
        match self {
            Listener::Tcp(_, address) => Bound::Tcp(*address),
            Listener::Tls(_, address) => Bound::Tls(*address),
            Listener::Unix(_, path) => Bound::Unix(Arc::clone(path)),
        }
    }

    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Listener::Tcp(listener, _) => {
                let (stream, addresses) = accept_tcp(listener).await?;
                Ok(Accepted::Tcp(stream, addresses))
            }
            Listener::Tls(listener, _) => {
                let (stream, addresses) = accept_tcp(listener).await?;
                Ok(Accepted::Tls(stream, addresses))
            }
            Listener::Unix(listener, path) => {
                let (stream, _) = listener.accept().await?;
                let addresses = Addresses::Unix(Arc::clone(path));
                Ok(Accepted::Unix(stream, addresses))
            }
        }
    }
}

async fn accept_tcp(listener: &TcpListener) -> io::Result<(TcpStream, Addresses)> {
    let (stream, peer) = listener.accept().await?;
    let local = stream.local_addr()?;
    stream.set_nodelay(true)?;
    Ok((stream, Addresses::Tcp { peer, local }))
}

/// An accepted connection that no task serves yet.
#[derive(Debug)]
enum Accepted {
    Tcp(TcpStream, Addresses),
    Tls(TcpStream, Addresses),
    Unix(UnixStream, Addresses),
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
        }
    }

    fn split(self, tls: &Tls) -> io::Result<(ReadSocket, WriteSocket, Addresses)> {
        let (halves, addresses) = match self {
            Accepted::Tcp(stream, addresses) => (split_tcp(stream), addresses),
            Accepted::Tls(stream, addresses) => {
                let config = tls.config().expect("a port for TLS has what it takes");
                (split_tls(TlsStream::new(stream, config)?), addresses)
            }
            Accepted::Unix(stream, addresses) => (split_unix(stream), addresses),
        };
        let (read, write) = halves;
        Ok((read, write, addresses))
    }
}

/// Binds every address of the settings, or none.
pub(crate) async fn bind_all(config: &Config) -> Result<Vec<Listener>, ListenError> {
    let mut listeners = Vec::new();
    // As in Redis: with a `tls-port`, `port 0` means no plain port.
    if config.port != 0 || config.tls_port == TlsPort::Off {
        let bound = bind_port(config, config.port).await?;
        listeners.extend(bound.into_iter().map(|(tcp, at)| Listener::Tcp(tcp, at)));
    }
    let tls_port = match config.tls_port {
        TlsPort::Off => None,
        TlsPort::Auto => Some(0),
        TlsPort::Number(port) => Some(port),
    };
    if let Some(port) = tls_port {
        let bound = bind_port(config, port).await?;
        listeners.extend(bound.into_iter().map(|(tcp, at)| Listener::Tls(tcp, at)));
    }
    if let Some(path) = &config.unixsocket {
        let listener =
            listen_unix(path, config.unixsocketperm, config.tcp_backlog).map_err(|source| {
                ListenError::Bind {
                    address: path.display().to_string(),
                    source,
                }
            })?;
        listeners.push(Listener::Unix(listener, Arc::new(path.clone())));
    }
    if listeners.is_empty() {
        return Err(ListenError::Nothing(config.bind.join(" ")));
    }
    Ok(listeners)
}

/// Binds a port at every address of the settings.
async fn bind_port(
    config: &Config,
    mut port: u16,
) -> Result<Vec<(TcpListener, SocketAddr)>, ListenError> {
    let mut listeners = Vec::new();
    for word in &config.bind {
        let (optional, host) = match word.strip_prefix('-') {
            Some(host) => (true, host),
            None => (false, word.as_str()),
        };
        match bind_tcp(host, port, config.tcp_backlog).await {
            Ok((listener, address)) => {
                // With port 0 the system picks the port for the first address. The others use the
                // same.
                port = address.port();
                listeners.push((listener, address));
            }
            Err(error) if optional && error.is_missing_address() => {
                tracing::info!(%error, "optional address left out");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(listeners)
}

async fn bind_tcp(
    host: &str,
    port: u16,
    backlog: u32,
) -> Result<(TcpListener, SocketAddr), ListenError> {
    let address = resolve(host, port).await?;
    let bind = || -> io::Result<(TcpListener, SocketAddr)> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            // So that `*` and `::*` can both be bound.
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        let listener = TcpListener::from_std(socket.into())?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    bind().map_err(|source| ListenError::Bind {
        address: address.to_string(),
        source,
    })
}

async fn resolve(host: &str, port: u16) -> Result<SocketAddr, ListenError> {
    let ip = match host {
        "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        "::*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        host => match host.parse() {
            Ok(ip) => ip,
            Err(_) => {
                let found = tokio::net::lookup_host((host, port)).await;
                let first = found.ok().and_then(|mut addresses| addresses.next());
                return first.ok_or_else(|| ListenError::NoAddress(host.to_owned()));
            }
        },
    };
    Ok(SocketAddr::new(ip, port))
}

fn listen_unix(path: &Path, permissions: u32, backlog: u32) -> io::Result<UnixListener> {
    let socket = bind_unix(path)?;
    let listen = || {
        // Before it listens: a client without permission must never be able to connect.
        if permissions != 0 {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(permissions))?;
        }
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        UnixListener::from_std(socket.into())
    };
    listen().inspect_err(|_| {
        // Best effort: the next start removes it otherwise.
        let _ = std::fs::remove_file(path);
    })
}

/// Binds a socket at this path. It does not listen yet.
fn bind_unix(path: &Path) -> io::Result<Socket> {
    // Removes the socket of a process that has ended. Nothing accepts on it.
    if let Ok(metadata) = std::fs::symlink_metadata(path)
        && metadata.file_type().is_socket()
        && std::os::unix::net::UnixStream::connect(path).is_err()
    {
        std::fs::remove_file(path)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    Ok(socket)
}

/// Accepts connections until the server shuts down. A failed accept never ends it.
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
        () = state.shutdown.begun() => {}
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

/// Whether protected mode refuses the connection: it comes from another machine, and the default user
/// has no password.
fn is_unprotected(acl: &Acl, addresses: &Addresses) -> bool {
    !addresses.is_local() && acl.is_default_without_password()
}

/// Sends a client the reason why it is refused. The write is tried once, as in Redis, and never
/// waited for.
fn refuse(state: &ServerState, accepted: Accepted, why: &str) {
    state.stats.rejected_connections.fetch_add(1, Relaxed);
    if let Ok((_read, write, _)) = accepted.split(&state.tls) {
        let _ = write.write_unregistered(why.as_bytes());
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
    let encrypted = matches!(accepted, Accepted::Tls(..));
    if !encrypted && config.protected_mode && is_unprotected(&state.acl, accepted.addresses()) {
        log_refused(state, Told::Unprotected, None, accepted.addresses());
        refuse(state, accepted, PROTECTED);
        return Ok(());
    }
    let home = state.placement.next();
    let accepted = match home {
        Some(home) => accepted.move_to(home)?,
        None => accepted,
    };
    let (read, write, addresses) = accepted.split(&state.tls)?;
    if let Err(error) = write.set_keepalive(config.tcp_keepalive) {
        tracing::debug!(%error, "can't set TCP keepalive");
    }
    let mut connection = Connection::new(Arc::clone(state), read, write, addresses);
    let (own, client) = (Arc::clone(state), Arc::clone(connection.client()));
    let server = Arc::clone(state);
    let connection = Box::pin(async move {
        if encrypted {
            Box::pin(run_encrypted(&server, &mut connection)).await;
        } else {
            connection.run().await;
        }
    });
    let task = async move {
        if let Err(panic) = catch(connection).await {
            own.note_panic(&client, &panic);
        }
    };
    match home {
        Some(home) => state.tasks.spawn_on(task, home),
        None => state.tasks.spawn(task),
    };
    Ok(())
}

/// Runs a TLS connection after its handshake, which must end within `tls-handshake-timeout`. Protected
/// mode can refuse it only then: before the handshake, no error can be sent.
async fn run_encrypted(state: &Arc<ServerState>, connection: &mut Connection) {
    let handshake = async {
        let handshake = connection.shake_hands();
        match state.config().tls_handshake_timeout {
            Some(limit) => match tokio::time::timeout(limit, handshake).await {
                Ok(ended) => ended,
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            },
            None => handshake.await,
        }
    };
    if let Err(error) = Box::pin(handshake).await {
        if error.kind() != io::ErrorKind::Interrupted {
            state.tls.note_failure(state, connection.client(), &error);
        }
        return;
    }
    let refused = {
        let addresses = &connection.client().addresses;
        state.config().protected_mode && is_unprotected(&state.acl, addresses)
    };
    if refused {
        state.stats.rejected_connections.fetch_add(1, Relaxed);
        state.tell(Told::Unprotected, connection.client());
        Box::pin(connection.refuse(PROTECTED)).await;
    } else {
        connection.run().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::user::{PasswordHash, User};

    /// The permissions are in place before the first moment at which a client could connect.
    #[tokio::test]
    async fn a_unix_socket_has_its_permissions_before_anybody_can_connect() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let connect = || std::os::unix::net::UnixStream::connect(&path);
        let bound = bind_unix(&path).unwrap();
        assert!(path.exists());
        let refused = connect().unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        drop(bound);

        // It replaces the file of the socket before.
        let _listening = listen_unix(&path, 0o640, 1).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        connect().unwrap();

        let nowhere = directory.path().join("none").join("socket");
        assert!(listen_unix(&nowhere, 0o640, 1).is_err());
    }

    #[test]
    fn only_this_machine_connects_without_a_password() {
        let acl = Acl::new(vec![User::unrestricted_default()]);
        let from = |peer: &str| Addresses::Tcp {
            peer: format!("{peer}:1").parse().unwrap(),
            local: "192.0.2.1:6379".parse().unwrap(),
        };
        let locals = [
            from("127.0.0.1"),
            from("127.255.0.9"),
            from("[::1]"),
            Addresses::Unix(Arc::default()),
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
