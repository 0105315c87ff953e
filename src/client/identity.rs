//! The identity of a client: its id, the two ends of its connection, and the names that it gave
//! itself.
//!
//! Layer `client`. Plain values.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

/// The longest name, in bytes, that a client may give itself or its library. It is bounded because
/// CLIENT LIST shows the names of all clients.
pub(crate) const MAX_NAME: usize = 1024;

/// Identifies a client for the life of the process; the first is 1.
pub(crate) type ClientId = u64;

/// The two ends of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Addresses {
    /// Over TCP.
    Tcp {
        /// The client's end.
        peer: SocketAddr,
        /// The server's end.
        local: SocketAddr,
    },
    /// Over the unix socket at this path.
    Unix(Arc<PathBuf>),
}

impl Addresses {
    /// The client's end as CLIENT LIST shows it (`127.0.0.1:50000`, `/tmp/socket:0`).
    pub(crate) fn peer(&self) -> String {
        match self {
            Addresses::Tcp { peer, .. } => peer.to_string(),
            Addresses::Unix(path) => format!("{}:0", path.display()),
        }
    }

    /// The server's end as CLIENT LIST shows it.
    pub(crate) fn local(&self) -> String {
        match self {
            Addresses::Tcp { local, .. } => local.to_string(),
            Addresses::Unix(path) => format!("{}:0", path.display()),
        }
    }

    /// Whether the client is on this machine (`enable-debug-command local`).
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Addresses::Tcp { peer, .. } => peer.ip().is_loopback(),
            Addresses::Unix(_) => true,
        }
    }
}

/// The names that a client gave itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// CLIENT SETNAME.
    pub name: Bytes,
    /// CLIENT SETINFO LIB-NAME.
    pub library: Bytes,
    /// CLIENT SETINFO LIB-VER.
    pub library_version: Bytes,
}

impl Names {
    /// Bytes of memory that the names take.
    pub(super) fn memory(&self) -> usize {
        let names = [&self.name, &self.library, &self.library_version];
        size_of::<Names>() + names.map(Bytes::len).iter().sum::<usize>()
    }
}
