//! What TLS connections are begun with: certificate, key, and who may come, from the files that the
//! settings name.
//!
//! Invariants: the files are read at the start, and by each CONFIG SET that names one of these
//! settings, be it with the value it had, so that a renewed certificate needs no restart. All of
//! them are good, or nothing changes. Connections that are there keep what they began with.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

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
use crate::client::Client;
use crate::client::log::log_client;
use crate::config::{Config, TlsAuthClients, TlsPort, TlsProtocol};
use crate::observe::log_throttle::LogThrottle;

/// What the settings of TLS begin with.
const PREFIX: &[u8] = b"tls-";

/// Why there can be no TLS.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file that is needed is not named.
    #[error("'{0}' is not set, which TLS needs")]
    Missing(&'static str),
    /// Nobody could be let in.
    #[error(
        "'tls-ca-cert-file' is not set, which 'tls-auth-clients' needs unless it is 'no': \
         clients could not prove who they are"
    )]
    NoAuthority,
    /// A file that is none, or not what it should be.
    #[error("can't read {setting} '{}': {source}", path.display())]
    File {
        /// The setting that names it.
        setting: &'static str,
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// A file without what it is for.
    #[error("no {what} in {setting} '{}'", path.display())]
    Empty {
        /// What should be there.
        what: &'static str,
        /// The setting that names it.
        setting: &'static str,
        /// Its path.
        path: PathBuf,
    },
    /// Certificates of `tls-ca-cert-file` that cannot be used.
    #[error("can't use a certificate of 'tls-ca-cert-file': {0}")]
    Authority(rustls::Error),
    /// Who may come cannot be told by them.
    #[error("can't check clients by 'tls-ca-cert-file': {0}")]
    Verifier(#[from] VerifierBuilderError),
    /// Certificate and key that cannot be used, or not together.
    #[error("can't use 'tls-cert-file' and 'tls-key-file': {0}")]
    Unusable(#[from] rustls::Error),
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Tls {
    config: ArcSwapOption<ServerConfig>,
    failures: Mutex<LogThrottle>,
    /// Of CONFIG SET with files that are no good.
    refusals: Mutex<LogThrottle>,
}

impl Tls {
    /// What the settings say, if they say that there is TLS.
    pub(crate) fn at_start(config: &Config) -> Result<Tls, TlsError> {
        let tls = Tls::default();
        tls.load(config)?;
        Ok(tls)
    }

    /// What the next connection begins with; `None` if there is no TLS.
    pub(crate) fn config(&self) -> Option<Arc<ServerConfig>> {
        self.config.load_full()
    }

    /// Reads the files, if there is TLS. After an error all is as before.
    fn load(&self, config: &Config) -> Result<(), TlsError> {
        if config.tls_port != TlsPort::Off {
            self.config.store(Some(Arc::new(server_config(config)?)));
        }
        Ok(())
    }

    /// After a change of settings with these names: reads the files again if it is about TLS. Gives
    /// the name of a setting with which that failed, which the log is told more about, as in Redis.
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

    /// Counts a connection that ended before there were keys, and tells the log, now and then.
    pub(crate) fn note_failure(
        &self,
        state: &ServerState,
        client: &Client,
        error: &std::io::Error,
    ) {
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

/// Reads the files.
fn server_config(config: &Config) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificates = certificates("tls-cert-file", config.tls_cert_file.as_ref())?;
    let key = key(config.tls_key_file.as_ref())?;
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

fn certificates(
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

fn key(path: Option<&PathBuf>) -> Result<PrivateKeyDer<'static>, TlsError> {
    let setting = "tls-key-file";
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
