//! Connects to the hub: the socket, TLS, HELLO, and the checks before the connection is used.
//!
//! Layer `server`. It may use all layers but `embed`.

use std::io;

use bytes::{Buf, BytesMut};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::config::{Place, UpstreamUrl};
use crate::resp::encode::put_request;
use crate::state::{ServerState, upstream_tls};
use crate::upstream::frame::{Frame, FrameReader};
use crate::upstream::{Loss, Upstream, is_master};

/// The name of the connection at the hub.
const NAME: &[u8] = b"fanfare-edge";

pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// A connection to the hub, and what it has sent so far.
pub(super) struct Link {
    /// Both halves.
    pub socket: Box<dyn Socket>,
    /// Bytes that were read and not parsed.
    pub input: BytesMut,
}

/// Connects, checks that there is no loop, and has a probe go to the hub and back.
pub(super) async fn connect(
    state: &ServerState,
    upstream: &Upstream,
    url: &UpstreamUrl,
) -> Result<Link, Loss> {
    let socket: Box<dyn Socket> = match &url.place {
        Place::Tcp(host, port) => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            let tls = upstream_tls::client_config(&state.config()).map_err(io::Error::other)?;
            if let Some(tls) = tls {
                let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
                Box::new(TlsConnector::from(tls).connect(name, stream).await?)
            } else {
                Box::new(stream)
            }
        }
        Place::Unix(path) => Box::new(UnixStream::connect(path).await?),
    };
    let mut link = Link {
        socket,
        input: BytesMut::new(),
    };
    let mut hello: Vec<&[u8]> = vec![b"HELLO", b"3"];
    if let Some(password) = &url.password {
        hello.extend([b"AUTH", url.user.as_deref().unwrap_or(b"default"), password]);
    }
    hello.extend([b"SETNAME", NAME]);
    let questions: [&[&[u8]]; 7] = [
        &hello,
        &[b"ROLE"],
        &[b"INFO", b"server"],
        &[b"INFO", b"upstream"],
        &[b"CLIENT", b"OVERFLOW", b"DISCONNECT"],
        &[b"MULTI"],
        &[b"EXEC"],
    ];
    link.send(&questions).await?;
    link.next(accepted).await?;
    link.next(|role| is_master(role).then_some(()).ok_or(Loss::Replica))
        .await?;
    let hub = link.info().await?;
    let above = link.info().await?;
    // A fanfare may drop messages for subscribers that fall behind, without a word. This connection is
    // to be closed instead. A redis-server does not know the command, and closes it anyway.
    let may_drop = !field(&hub, "fanfare_version:").is_empty();
    link.next(|frame| if may_drop { accepted(frame) } else { Ok(()) })
        .await?;
    // A hub that refuses MULTI would carry out the publishes of a transaction one by one.
    for _ in ["MULTI", "EXEC"] {
        link.next(accepted).await?;
    }
    let above = field(&above, "upstream_chain:").split(',');
    let chain: Vec<String> = std::iter::once(field(&hub, "run_id:"))
        .chain(above.filter(|id| !id.is_empty()))
        .map(str::to_owned)
        .collect();
    if chain.contains(&state.run_id) {
        return Err(Loss::Loop);
    }
    // Before the probe: of several edges that connect to each other at once, one sees the others.
    upstream.set_chain(chain);
    let probe = &upstream.probe[..];
    link.send(&[&[b"SUBSCRIBE", probe], &[b"PUBLISH", probe, b"probe"]])
        .await?;
    let (mut confirmed, mut reached, mut back) = (false, false, false);
    while !(confirmed && reached && back) {
        link.next(|frame| {
            accepted(frame)?;
            match frame {
                Frame::Integer(1..) => reached = true,
                Frame::Push(elements) => match elements[..] {
                    [Frame::Bulk(b"subscribe"), Frame::Bulk(name), _] if name == probe => {
                        confirmed = true;
                    }
                    [Frame::Bulk(b"message"), Frame::Bulk(name), _] if name == probe => {
                        back = true;
                    }
                    _ => return Err(Loss::Unexpected(frame.kind().to_owned())),
                },
                _ => return Err(Loss::Probe),
            }
            Ok(())
        })
        .await?;
    }
    Ok(link)
}

/// An error is a refusal.
fn accepted(frame: &Frame<'_>) -> Result<(), Loss> {
    match frame {
        Frame::Error(text) => Err(Loss::refused(text)),
        _ => Ok(()),
    }
}

/// The value of a field of INFO; "" if there is none.
fn field<'a>(info: &'a str, name: &str) -> &'a str {
    let found = info.lines().find_map(|line| line.strip_prefix(name));
    found.unwrap_or_default()
}

impl Link {
    /// Sends commands.
    async fn send(&mut self, commands: &[&[&[u8]]]) -> Result<(), Loss> {
        let mut out = BytesMut::new();
        for command in commands {
            put_request(&mut out, command);
        }
        self.socket.write_all(&out).await?;
        self.socket.flush().await?;
        Ok(())
    }

    /// Reads the next frame.
    async fn next<R>(
        &mut self,
        take: impl FnOnce(&Frame<'_>) -> Result<R, Loss>,
    ) -> Result<R, Loss> {
        let mut reader = FrameReader::default();
        loop {
            if let Some(parsed) = reader.next(&self.input)? {
                let length = parsed.length;
                let result = take(&parsed.frame);
                self.input.advance(length);
                return result;
            }
            if self.socket.read_buf(&mut self.input).await? == 0 {
                return Err(Loss::Closed);
            }
        }
    }

    /// Reads the reply to an INFO.
    async fn info(&mut self) -> Result<String, Loss> {
        self.next(|frame| {
            accepted(frame)?;
            let Frame::Bulk(text) = frame else {
                return Err(Loss::Unexpected(frame.kind().to_owned()));
            };
            Ok(String::from_utf8_lossy(text).into_owned())
        })
        .await
    }
}
