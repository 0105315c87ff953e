//! Binds the addresses of the settings.
//!
//! Layer `server`. It may use all layers but `embed`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};
use thiserror::Error;
use tokio::net::{TcpListener, UnixListener};

use super::listener::Listener;
use crate::config::{Config, OptionalPort};

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
    /// The library was built without the feature `http`.
    #[error("can't listen on 'http-port': fanfare was built without the feature 'http'")]
    NoHttp,
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
            ListenError::Nothing(_) | ListenError::NoHttp => false,
        }
    }
}

/// Binds every address of the settings, or none.
pub(crate) async fn bind_all(config: &Config) -> Result<Vec<Listener>, ListenError> {
    let mut listeners = Vec::new();
    // As in Redis: with a `tls-port`, `port 0` means no plain port.
    if config.port != 0 || config.tls_port == OptionalPort::Off {
        let bound = bind_port(config, &config.bind, config.port).await?;
        listeners.extend(bound.into_iter().map(|(tcp, at)| Listener::Tcp(tcp, at)));
    }
    if let Some(port) = config.tls_port.to_bind() {
        let bound = bind_port(config, &config.bind, port).await?;
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
    bind_http(config, &mut listeners).await?;
    Ok(listeners)
}

#[cfg(feature = "http")]
async fn bind_http(config: &Config, listeners: &mut Vec<Listener>) -> Result<(), ListenError> {
    let Some(port) = config.http_port.to_bind() else {
        return Ok(());
    };
    for (listener, at) in bind_port(config, &config.http_bind, port).await? {
        listeners.push(if config.http_tls {
            Listener::Https(listener, at)
        } else {
            Listener::Http(listener, at)
        });
    }
    Ok(())
}

/// A program that was built without the port must not seem to have it.
#[cfg(not(feature = "http"))]
async fn bind_http(config: &Config, _: &mut [Listener]) -> Result<(), ListenError> {
    match config.http_port.to_bind() {
        Some(_) => Err(ListenError::NoHttp),
        None => Ok(()),
    }
}

/// Binds a port at every address of the settings.
async fn bind_port(
    config: &Config,
    addresses: &[String],
    mut port: u16,
) -> Result<Vec<(TcpListener, SocketAddr)>, ListenError> {
    let mut listeners = Vec::new();
    for word in addresses {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
