//! The TLS configuration of the connection to the upstream, read from the files that the settings name.
//!
//! Layer `state`. It may use `config`.
//!
//! The files are read at the start, where a wrong one is an error, and at each connect, so that a renewed
//! certificate needs no restart.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use super::tls::{TlsError, certificates, key};
use crate::config::Config;

/// Reads the files; `None` if the connection is not encrypted.
pub(crate) fn client_config(config: &Config) -> Result<Option<Arc<ClientConfig>>, TlsError> {
    if !config.upstream.as_ref().is_some_and(|url| url.is_tls) {
        return Ok(None);
    }
    let file = config.upstream_tls_ca_cert_file.as_ref();
    let mut roots = RootCertStore::empty();
    for certificate in certificates("upstream-tls-ca-cert-file", file)? {
        roots.add(certificate).map_err(TlsError::Upstream)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Upstream)?
        .with_root_certificates(roots);
    let own = config.upstream_tls_cert_file.as_ref();
    let config = if own.is_some() {
        let key = key(
            "upstream-tls-key-file",
            config.upstream_tls_key_file.as_ref(),
        )?;
        builder
            .with_client_auth_cert(certificates("upstream-tls-cert-file", own)?, key)
            .map_err(TlsError::Upstream)?
    } else {
        builder.with_no_client_auth()
    };
    Ok(Some(Arc::new(config)))
}
