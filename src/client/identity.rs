//! The identity of a client: its id, the two ends of its connection, and the names that it gave
//! itself.
//!
//! Layer `client`. Plain values.

use std::net::{SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

/// The longest name, in bytes, that a client may give itself or its library. It is bounded because
/// CLIENT LIST shows the names of all clients.
pub(crate) const MAX_NAME: usize = 1024;

/// Identifies a client for the life of the process; the first is 1.
pub(crate) type ClientId = u64;

/// The two ends of a connection. Every client has them, so they are small.
#[derive(Clone, Debug)]
pub(crate) struct Addresses(Ends);

#[derive(Clone, Debug)]
enum Ends {
    /// The client's end and the server's, over TCP and IPv4.
    V4(SocketAddrV4, SocketAddrV4),
    /// As `V4`, with at least one address that is not one of IPv4.
    V6(Box<(SocketAddr, SocketAddr)>),
    /// Over the unix socket at this path.
    Unix(Arc<PathBuf>),
}

/// The client's end of a connection, as the log and MONITOR show it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PeerAddress<'a> {
    /// Over TCP.
    Tcp(SocketAddr),
    /// Over the unix socket at this path.
    Unix(&'a Path),
}

impl Addresses {
    /// Those of a connection over TCP.
    pub(crate) fn tcp(peer: SocketAddr, local: SocketAddr) -> Addresses {
        Addresses(match (peer, local) {
            (SocketAddr::V4(peer), SocketAddr::V4(local)) => Ends::V4(peer, local),
            ends => Ends::V6(Box::new(ends)),
        })
    }

    /// Those of a connection over the unix socket at this path.
    pub(crate) fn unix(path: Arc<PathBuf>) -> Addresses {
        Addresses(Ends::Unix(path))
    }

    /// The client's end.
    pub(crate) fn peer_address(&self) -> PeerAddress<'_> {
        match &self.0 {
            Ends::V4(peer, _) => PeerAddress::Tcp((*peer).into()),
            Ends::V6(ends) => PeerAddress::Tcp(ends.0),
            Ends::Unix(path) => PeerAddress::Unix(path),
        }
    }

    /// The client's end as CLIENT LIST shows it (`127.0.0.1:50000`, `/tmp/socket:0`).
    pub(crate) fn peer(&self) -> String {
        match self.peer_address() {
            PeerAddress::Tcp(peer) => peer.to_string(),
            PeerAddress::Unix(path) => format!("{}:0", path.display()),
        }
    }

    /// The server's end as CLIENT LIST shows it.
    pub(crate) fn local(&self) -> String {
        match &self.0 {
            Ends::V4(_, local) => local.to_string(),
            Ends::V6(ends) => ends.1.to_string(),
            Ends::Unix(path) => format!("{}:0", path.display()),
        }
    }

    /// Whether the client is on this machine (`enable-debug-command local`).
    pub(crate) fn is_local(&self) -> bool {
        match self.peer_address() {
            PeerAddress::Tcp(peer) => peer.ip().is_loopback(),
            PeerAddress::Unix(_) => true,
        }
    }

    /// Bytes of memory that they take beside their own place.
    pub(super) fn memory(&self) -> usize {
        match &self.0 {
            Ends::V6(ends) => size_of_val(&**ends),
            Ends::V4(..) | Ends::Unix(_) => 0,
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
    /// Bytes that the names have.
    pub(super) fn memory(&self) -> usize {
        let names = [&self.name, &self.library, &self.library_version];
        names.map(Bytes::len).iter().sum::<usize>()
    }
}
