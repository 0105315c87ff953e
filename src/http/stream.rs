//! The socket of an HTTP connection, plain or under TLS, as hyper wants it.
//!
//! Layer `http`.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::client::socket::set_keepalive;
use crate::client::tls::TlsStream;

/// A socket.
#[derive(Debug)]
pub(crate) enum Stream {
    /// TCP.
    Plain(TcpStream),
    /// TCP under TLS. What was decrypted and not read yet waits in the buffer.
    Tls(Box<TlsStream>, BytesMut),
}

impl Stream {
    /// Its file descriptor.
    pub(crate) fn descriptor(&self) -> RawFd {
        match self {
            Stream::Plain(socket) => socket.as_raw_fd(),
            Stream::Tls(stream, _) => stream.socket().as_raw_fd(),
        }
    }

    /// Sets TCP keepalive, as of any client.
    pub(crate) fn set_keepalive(&self, silence: Option<Duration>) {
        let socket = match self {
            Stream::Plain(socket) => SockRef::from(socket),
            Stream::Tls(stream, _) => SockRef::from(stream.socket()),
        };
        if let Err(error) = set_keepalive(&socket, silence) {
            tracing::debug!(%error, "can't set TCP keepalive");
        }
    }

    /// Does what must precede the first read: the TLS handshake.
    pub(super) fn poll_handshake(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Plain(_) => Poll::Ready(Ok(())),
            Stream::Tls(stream, _) => stream.poll_handshake(context),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_read(context, buffer),
            Stream::Tls(stream, decrypted) => {
                if decrypted.is_empty() {
                    ready!(stream.poll_read(context, decrypted))?;
                }
                let bytes = decrypted.len().min(buffer.remaining());
                buffer.put_slice(&decrypted.split_to(bytes));
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_write_vectored(context, slices),
            // hyper writes the same bytes again after a write that was not taken.
            Stream::Tls(stream, _) => loop {
                match stream.try_write_vectored(slices) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        ready!(stream.socket().poll_write_ready(context))?;
                    }
                    written => return Poll::Ready(written),
                }
            },
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A write reports as taken only what the kernel has.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Stream::Tls(stream, _) => {
                stream.shutdown(Shutdown::Write);
                Poll::Ready(Ok(()))
            }
        }
    }
}
