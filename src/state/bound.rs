//! An address that a server listens on.
//!
//! Layer `state`. A plain value.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// An address that a server listens on. It prints as `tcp 127.0.0.1:6379`, `tls 127.0.0.1:6380`,
/// `unix /tmp/socket`, `http 127.0.0.1:8080` or `https 127.0.0.1:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bound {
    /// A TCP address, with the actual port.
    Tcp(SocketAddr),
    /// A TCP address for connections under TLS, with the actual port.
    Tls(SocketAddr),
    /// The path of a unix socket.
    Unix(Arc<PathBuf>),
    /// A TCP address for HTTP, with the actual port.
    Http(SocketAddr),
    /// A TCP address for HTTP under TLS, with the actual port.
    Https(SocketAddr),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Tcp(address) => write!(f, "tcp {address}"),
            Bound::Tls(address) => write!(f, "tls {address}"),
            Bound::Unix(path) => write!(f, "unix {}", path.display()),
            Bound::Http(address) => write!(f, "http {address}"),
            Bound::Https(address) => write!(f, "https {address}"),
        }
    }
}
