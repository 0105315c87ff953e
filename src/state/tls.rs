//! The TLS configuration of new connections: certificate, key and client verifier, read from the
//! files that the settings name.
//!
//! Layer `state`. It may use `config`, `client` and `observe`.
//!
//! Invariants: the files are read at the start, and by each CONFIG SET that names one of these
//! settings, even with its old value, so that a renewed certificate needs no restart. If any file
//! is wrong, nothing changes. Existing connections keep their configuration.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use thiserror::Error;

use super::ServerState;
use crate::client::log::log_client;
use crate::client::{Client, Closing};
use crate::config::{Config, TlsAuthClients, TlsProtocol};
use crate::observe::log_throttle::LogThrottle;

/// The prefix of the settings about TLS.
const PREFIX: &[u8] = b"tls-";

/// Why TLS cannot be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file that is needed is not named.
    #[error("'{0}' is not set, which TLS needs")]
    Missing(&'static str),
    /// No client could be verified.
    #[error(
        "'tls-ca-cert-file' is not set, which 'tls-auth-clients' needs unless it is 'no': \
         clients could not prove who they are"
    )]
    NoAuthority,
    /// A file that cannot be read, or contains something else.
    #[error("can't read {setting} '{}': {source}", path.display())]
    File {
        /// The setting that names the file.
        setting: &'static str,
        /// The file's path.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// A file that lacks what it is for.
    #[error("no {what} in {setting} '{}'", path.display())]
    Empty {
        /// What should be in it.
        what: &'static str,
        /// The setting that names the file.
        setting: &'static str,
        /// The file's path.
        path: PathBuf,
    },
    /// Certificates of `tls-ca-cert-file` that cannot be used.
    #[error("can't use a certificate of 'tls-ca-cert-file': {0}")]
    Authority(rustls::Error),
    /// No client verifier can be built from these certificates.
    #[error("can't check clients by 'tls-ca-cert-file': {0}")]
    Verifier(#[from] VerifierBuilderError),
    /// A certificate and key that cannot be used, or do not belong together.
    #[error("can't use 'tls-cert-file' and 'tls-key-file': {0}")]
    Unusable(#[from] rustls::Error),
    /// The same for the connection to the upstream.
    #[error("can't use the files of 'upstream-tls-...': {0}")]
    Upstream(rustls::Error),
}

/// The current TLS configuration.
#[derive(Debug, Default)]
pub(crate) struct Tls {
    config: ArcSwapOption<ServerConfig>,
    failures: Mutex<LogThrottle>,
    /// Rate-limits the log lines about a CONFIG SET with wrong files.
    refusals: Mutex<LogThrottle>,
}

impl Tls {
    /// Reads the files, if the settings ask for TLS.
    pub(crate) fn at_start(config: &Config) -> Result<Tls, TlsError> {
        let tls = Tls::default();
        tls.load(config)?;
        Ok(tls)
    }

    /// The configuration of the next connection; `None` without TLS.
    pub(crate) fn config(&self) -> Option<Arc<ServerConfig>> {
        self.config.load_full()
    }

    /// Reads the files, if the settings ask for TLS. After an error nothing has changed.
    fn load(&self, config: &Config) -> Result<(), TlsError> {
        if config.needs_tls() {
            self.config.store(Some(Arc::new(server_config(config)?)));
        }
        Ok(())
    }

    /// Reads the files again after a change of settings with these names, if one of them is about
    /// TLS. The error is the name of a setting to refuse. As in Redis, the reason is only logged.
    pub(crate) fn reload<'a>(
        &self,
        config: &Config,
        mut changed: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), &'a [u8]> {
        let is_ours = |name: &&[u8]| {
            let start = name.get(..PREFIX.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
        };
        let Some(name) = changed.find(is_ours) else {
            return Ok(());
        };
        self.load(config).map_err(|error| {
            if let Some(failed) = self.refusals.lock().note() {
                tracing::warn!(%error, failed, "TLS stays as it was");
            }
            name
        })
    }

    /// Counts a connection that ended during the handshake, and logs it now and then.
    fn note_failure(&self, state: &ServerState, client: &Client, error: &io::Error) {
        state.stats.tls_handshake_failures.fetch_add(1, Relaxed);
        if let Some(failed) = self.failures.lock().note() {
            log_client!(
                warn,
                client,
                %error,
                failed,
                "TLS handshakes failed since the last such line; this is the latest"
            );
        }
    }
}

impl ServerState {
    /// Completes the TLS handshake of a client, which must end within `tls-handshake-timeout`.
    /// Returns `false` if it failed, which is counted, or if the client is to end before: `poll`
    /// can say so with `Interrupted`.
    pub(crate) async fn complete_handshake(
        &self,
        client: &Client,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<io::Result<()>>,
    ) -> bool {
        let handshake = std::future::poll_fn(|context| {
            client.register_task(context.waker());
            if client.closing() != Closing::Open {
                return Poll::Ready(Err(io::ErrorKind::Interrupted.into()));
            }
            poll(context)
        });
        let ended = match self.config().tls_handshake_timeout {
            Some(limit) => match tokio::time::timeout(limit, handshake).await {
                Ok(ended) => ended,
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            },
            None => handshake.await,
        };
        if let Err(error) = &ended
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.tls.note_failure(self, client, error);
        }
        ended.is_ok()
    }
}

/// Reads the files.
fn server_config(config: &Config) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificates = certificates("tls-cert-file", config.tls_cert_file.as_ref())?;
    let key = key("tls-key-file", config.tls_key_file.as_ref())?;
    let verifier = verifier(config, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(config))?
        .with_client_cert_verifier(verifier);
    Ok(builder.with_single_cert(certificates, key)?)
}

fn versions(config: &Config) -> Vec<&'static SupportedProtocolVersion> {
    let chosen = config.tls_protocols.chosen();
    let version = |protocol: &TlsProtocol| match protocol {
        TlsProtocol::Tls12 => &rustls::version::TLS12,
        TlsProtocol::Tls13 => &rustls::version::TLS13,
    };
    chosen.iter().map(version).collect()
}

fn verifier(
    config: &Config,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    if config.tls_auth_clients == TlsAuthClients::No {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let file = config.tls_ca_cert_file.as_ref();
    let file = file.ok_or(TlsError::NoAuthority)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates("tls-ca-cert-file", Some(file))? {
        roots.add(certificate).map_err(TlsError::Authority)?;
    }
    let provider = Arc::clone(provider);
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match config.tls_auth_clients {
        TlsAuthClients::Optional => builder.allow_unauthenticated(),
        _ => builder,
    };
    Ok(builder.build()?)
}

pub(super) fn certificates(
    setting: &'static str,
    path: Option<&PathBuf>,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let path = path.ok_or(TlsError::Missing(setting))?;
    let unreadable = |source| TlsError::File {
        setting,
        path: path.clone(),
        source,
    };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(TlsError::Empty {
            what: "certificate",
            setting,
            path: path.clone(),
        });
    }
    Ok(certificates)
}

pub(super) fn key(
    setting: &'static str,
    path: Option<&PathBuf>,
) -> Result<PrivateKeyDer<'static>, TlsError> {
    let path = path.ok_or(TlsError::Missing(setting))?;
    PrivateKeyDer::from_pem_file(path).map_err(|source| match source {
        pem::Error::NoItemsFound => TlsError::Empty {
            what: "private key that is not encrypted",
            setting,
            path: path.clone(),
        },
        source => TlsError::File {
            setting,
            path: path.clone(),
            source,
        },
    })
}
