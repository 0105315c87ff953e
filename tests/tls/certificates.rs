//! Certificates for a test, made anew each time, and clients that have some.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An authority, and the files of what it has signed.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

impl Authority {
    /// With `ca.pem`, its own certificate.
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("ca.pem"), issuer.pem()).expect("a file");
        Authority { issuer, directory }
    }

    /// The path of a file.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// As [`path`](Self::path), for a setting.
    pub fn setting(&self, name: &str) -> String {
        self.path(name).to_str().expect("text").to_owned()
    }

    /// Makes `NAME.pem` and `NAME.key`, for 127.0.0.1.
    pub fn issue(&self, name: &str) {
        let subject = ["127.0.0.1".to_owned()];
        let params = CertificateParams::new(subject).expect("parameters");
        let key = KeyPair::generate().expect("a key");
        let signed = params.signed_by(&key, &self.issuer).expect("a certificate");
        let write = |end: &str, text: String| {
            std::fs::write(self.path(&format!("{name}.{end}")), text).expect("a file");
        };
        write("pem", signed.pem());
        write("key", key.serialize_pem());
    }

    /// A certificate that was issued.
    pub fn certificate(&self, name: &str) -> CertificateDer<'static> {
        certificate(&self.path(&format!("{name}.pem")))
    }

    /// What a client has that trusts this authority alone and shows `own`, issued by its owner.
    pub fn client(&self, own: Option<(&Authority, &str)>) -> Dialer {
        self.client_of(own, rustls::ALL_VERSIONS)
    }

    /// As [`client`](Self::client), for one that speaks these versions of TLS.
    pub fn client_of(
        &self,
        own: Option<(&Authority, &str)>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Dialer {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate("ca")).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots);
        let config = match own {
            Some((authority, name)) => {
                let key = authority.path(&format!("{name}.key"));
                let key = PrivateKeyDer::from_pem_file(key).expect("a key");
                let own = vec![authority.certificate(name)];
                builder.with_client_auth_cert(own, key).expect("they fit")
            }
            None => builder.with_no_client_auth(),
        };
        Dialer(TlsConnector::from(Arc::new(config)))
    }
}

fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).expect("a certificate")
}

/// Connects under TLS.
pub struct Dialer(TlsConnector);

impl Dialer {
    /// To this address.
    pub async fn dial(&self, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        self.over(TcpStream::connect(address).await?).await
    }

    /// Over this connection.
    pub async fn over<S>(&self, stream: S) -> std::io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        self.0.connect(name, stream).await
    }
}
