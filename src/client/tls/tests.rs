//! Compares what a write under TLS reports as taken with what the peer can read.

use std::time::Duration;

use rcgen::generate_simple_self_signed;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as ClientStream;

use super::*;

/// A connection after its handshake.
async fn pair() -> (TlsStream, ClientStream<TcpStream>) {
    let signed = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = signed.cert.der().clone();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap());
    let connect = async {
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(client));
        connector.connect(name, socket.await.unwrap()).await
    };
    let accept = async {
        let (socket, _) = listener.accept().await.unwrap();
        let stream = TlsStream::new(socket, Arc::new(server)).unwrap();
        std::future::poll_fn(|context| stream.poll_handshake(context))
            .await
            .unwrap();
        stream
    };
    let (ours, theirs) = tokio::join!(accept, connect);
    (ours, theirs.unwrap())
}

/// A test fails if it waits longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes that repeat with a prime period.
fn numbered(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|number| (number % 251) as u8).collect()
}

#[tokio::test]
async fn what_a_write_took_needs_no_further_write() {
    let (ours, mut theirs) = pair().await;
    let bytes = numbered(64 * 1024 * 1024);
    let mut taken = 0;
    std::future::poll_fn(|context| ours.socket().poll_write_ready(context))
        .await
        .unwrap();
    // Sizes that end records early, until neither socket takes more.
    loop {
        let end = taken + 10_007.min(bytes.len() - taken);
        match ours.try_write_vectored(&[IoSlice::new(&bytes[taken..end])]) {
            Ok(count) => taken += count,
            Err(error) if is_full(&error) => break,
            Err(error) => panic!("{error}"),
        }
    }
    let committed = ours.committed();
    assert!((1..=RECORD).contains(&committed), "{committed}");
    let mut read = vec![0; taken];
    let read_all = timeout(PATIENCE, theirs.read_exact(&mut read));
    read_all.await.expect("all that was taken").unwrap();
    assert!(read == bytes[..taken]);

    // The same bytes are given again, with more behind them. They are not sent twice.
    let mut rest = vec![0; bytes.len() - taken];
    let begin = taken;
    let write = async {
        while taken < bytes.len() {
            match ours.try_write_vectored(&[IoSlice::new(&bytes[taken..])]) {
                Ok(count) => taken += count,
                Err(error) => {
                    assert!(is_full(&error), "{error}");
                    std::future::poll_fn(|context| ours.socket().poll_write_ready(context))
                        .await
                        .unwrap();
                }
            }
        }
    };
    let (read, ()) = tokio::join!(theirs.read_exact(&mut rest), write);
    read.unwrap();
    assert!(rest == bytes[begin..]);
    assert_eq!(ours.committed(), 0);
}

#[tokio::test]
async fn what_came_before_an_error_is_read_before_it() {
    let (ours, mut theirs) = pair().await;
    theirs.write_all(b"whole").await.unwrap();
    theirs.flush().await.unwrap();
    // A record that is not encrypted with the session's keys.
    let (mut socket, _) = theirs.into_inner();
    socket.write_all(b"\x17\x03\x03\x00\x20").await.unwrap();
    socket.write_all(&[7; 32]).await.unwrap();
    // Both are there when the first read comes, if that makes a difference.
    let mut buffer = BytesMut::new();
    let mut end = Ok(usize::MAX);
    while let Ok(1..) = end {
        end = std::future::poll_fn(|context| ours.poll_read(context, &mut buffer)).await;
    }
    assert_eq!(&buffer[..], b"whole");
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::InvalidData);
}
