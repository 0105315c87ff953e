//! An address that a server listens on.
//!
//! Layer `state`. A plain value.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// An address that a server listens on. It prints as `tcp 127.0.0.1:6379`, `tls 127.0.0.1:6380` or
/// `unix /tmp/socket`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bound {
    /// A TCP address, with the actual port.
    Tcp(SocketAddr),
    /// A TCP address for connections under TLS, with the actual port.
    Tls(SocketAddr),
    /// The path of a unix socket.
    Unix(Arc<PathBuf>),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Tcp(address) => write!(f, "tcp {address}"),
            Bound::Tls(address) => write!(f, "tls {address}"),
            Bound::Unix(path) => write!(f, "unix {}", path.display()),
        }
    }
}
