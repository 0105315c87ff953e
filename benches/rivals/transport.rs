//! The ways to a server: TCP, a Unix socket, and TLS.
//!
//! ```text
//!  Transport ─ open ─▶ Door ─ arguments ─▶ the server's command, in place of `{transport}`
//!                        └─── connect ───▶ Link, for the loads
//! ```
//!
//! Invariants: a server is reached by TCP too, which is how it is asked whether it has started. The
//! arguments have redis-server's names, which fanfare has as well. Every TLS connection has its
//! whole handshake: sessions are not taken up again, and the certificate is checked.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::generate_simple_self_signed;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::link::Link;
use crate::wire::{self, PATIENCE};

/// What stands for a transport's arguments in a server's command.
pub const ARGUMENTS: &str = "{transport}";
/// The name in the certificate.
const NAME: &str = "localhost";

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Unix,
    Tls,
}

/// Where a server is reached, and what it must be told for that.
pub struct Door {
    /// In place of [`ARGUMENTS`].
    pub arguments: Vec<String>,
    way: Way,
}

enum Way {
    Tcp(SocketAddr),
    Unix(PathBuf),
    Tls(SocketAddr, Arc<ClientConfig>),
}

impl Transport {
    /// For the tables and, in small letters, for the loads' ids.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Tcp => "TCP",
            Transport::Unix => "Unix",
            Transport::Tls => "TLS",
        }
    }

    /// The door of a server that listens on `addr` and has `directory` for itself.
    pub fn open(self, addr: SocketAddr, directory: &Path) -> Result<Door> {
        let (arguments, way) = match self {
            Transport::Tcp => (vec![], Way::Tcp(addr)),
            Transport::Unix => {
                let path = directory.join("socket");
                let arguments = vec!["--unixsocket".into(), path.display().to_string()];
                (arguments, Way::Unix(path))
            }
            Transport::Tls => {
                let addr = free_address()?;
                let mut arguments = vec!["--tls-port".to_owned(), addr.port().to_string()];
                let (files, client) = certificate(directory)?;
                arguments.extend(files);
                (arguments, Way::Tls(addr, client))
            }
        };
        Ok(Door { arguments, way })
    }
}

impl Door {
    /// A blocking connection, on which a read or a write waits for [`PATIENCE`] at most. The
    /// handshake is over.
    pub fn connect(&self) -> Result<Link> {
        Ok(match &self.way {
            Way::Tcp(addr) => wire::connect(*addr)?.into(),
            Way::Unix(path) => {
                let stream = UnixStream::connect(path).context("connect to the Unix socket")?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                Link::Unix(stream)
            }
            Way::Tls(addr, config) => Link::Tls(Box::new(greeted(wire::connect(*addr)?, config)?)),
        })
    }
}

/// A port that was free a moment ago.
pub fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?)
}

/// Makes a certificate; says with which arguments a server takes it, and what trusts it.
fn certificate(directory: &Path) -> Result<(Vec<String>, Arc<ClientConfig>)> {
    let signed = generate_simple_self_signed([NAME.to_owned()])?;
    let mut arguments = vec!["--tls-auth-clients".to_owned(), "no".to_owned()];
    for (argument, name, text) in [
        ("--tls-cert-file", "certificate.pem", signed.cert.pem()),
        // redis-server wants an authority even if it asks nobody for a certificate.
        ("--tls-ca-cert-file", "authority.pem", signed.cert.pem()),
        (
            "--tls-key-file",
            "key.pem",
            signed.signing_key.serialize_pem(),
        ),
    ] {
        let path = directory.join(name);
        fs::write(&path, text)?;
        arguments.extend([argument.to_owned(), path.display().to_string()]);
    }
    let mut roots = RootCertStore::empty();
    roots.add(signed.cert.der().clone())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok((arguments, Arc::new(config)))
}

/// TLS on a fresh connection.
fn greeted(
    mut stream: TcpStream,
    config: &Arc<ClientConfig>,
) -> Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut session = ClientConnection::new(Arc::clone(config), ServerName::try_from(NAME)?)?;
    while session.is_handshaking() {
        session.complete_io(&mut stream).context("TLS handshake")?;
    }
    Ok(StreamOwned::new(session, stream))
}
