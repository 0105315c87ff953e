//! A client's socket: TCP, TCP under TLS, unix, or a pipe within the server.
//!
//! Layer `client`. It uses only `client::tls` and `client::pipe`.
//!
//! It belongs to its [`Client`](super::Client), so that any thread may write in place, without waking
//! the connection's task. Only that task reads.

use std::io::{self, IoSlice, Read};
use std::net::Shutdown;
use std::os::fd::AsFd;
#[cfg(feature = "http")]
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

#[cfg(feature = "http")]
use super::pipe::Pipe;
use super::tls::TlsStream;

#[cfg(all(test, shuttle))]
pub(crate) mod scripted;

/// The most bytes of the first read. Requests are short.
const FIRST_READ: usize = 4 * 1024;

/// A client's socket. The usual kind is inline, so that the others need no room of their own.
#[derive(Debug)]
pub(crate) enum Socket {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over TCP, encrypted.
    Tls(Box<TlsStream>),
    /// Over a unix socket.
    Unix(Box<UnixStream>),
    /// From within the server.
    #[cfg(feature = "http")]
    Pipe(Arc<Pipe>),
    /// A test's scripted socket.
    #[cfg(all(test, shuttle))]
    Scripted(std::sync::Arc<scripted::Scripted>),
}

#[cfg(feature = "http")]
impl From<Arc<Pipe>> for Socket {
    fn from(pipe: Arc<Pipe>) -> Socket {
        Socket::Pipe(pipe)
    }
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Socket {
        Socket::Tcp(stream)
    }
}

impl From<TlsStream> for Socket {
    fn from(stream: TlsStream) -> Socket {
        Socket::Tls(Box::new(stream))
    }
}

impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Socket {
        Socket::Unix(Box::new(stream))
    }
}

/// Reads into the spare capacity of `buffer` what a socket of the runtime has. A read that did not
/// fill it has emptied the socket, and the next one need not ask the kernel.
macro_rules! read_available {
    ($stream:expr, $context:expr, $buffer:expr) => {
        loop {
            ready!($stream.poll_read_ready($context))?;
            let room = $buffer.capacity() - $buffer.len();
            let mut short = None;
            let read = $stream.try_io(Interest::READABLE, || {
                match $stream.try_read_buf($buffer)? {
                    bytes if 0 < bytes && bytes < room => {
                        short = Some(bytes);
                        // The runtime is told that the socket is empty.
                        Err(io::ErrorKind::WouldBlock.into())
                    }
                    bytes => Ok(bytes),
                }
            });
            match (read, short) {
                (_, Some(bytes)) => break Poll::Ready(Ok(bytes)),
                (Err(error), None) if error.kind() == io::ErrorKind::WouldBlock => {}
                (read, None) => break Poll::Ready(read),
            }
        }
    };
}

impl Socket {
    /// Reads into the spare capacity of `buffer`. `Ok(0)` means that the peer has closed its side.
    /// Only the connection's own task may call this, since a single waker is kept.
    pub(crate) fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        match self {
            Socket::Tcp(stream) => read_available!(stream, context, buffer),
            Socket::Tls(stream) => stream.poll_read(context, buffer),
            Socket::Unix(stream) => read_available!(stream, context, buffer),
            #[cfg(feature = "http")]
            Socket::Pipe(pipe) => pipe.poll_read(context, buffer).map(Ok),
            #[cfg(all(test, shuttle))]
            Socket::Scripted(_) => Poll::Pending,
        }
    }

    /// Reads available bytes from a socket that the runtime has not polled yet. Returns `None` if
    /// there are none. A busy thread polls its sockets only between many task turns, and the first
    /// request of a connection that was just moved there would have to wait for that.
    pub(crate) fn read_unregistered(&self, buffer: &mut BytesMut) -> Option<io::Result<usize>> {
        let socket = match self {
            Socket::Tcp(stream) => SockRef::from(stream),
            Socket::Unix(stream) => SockRef::from(&**stream),
            // The handshake has already read from the socket.
            Socket::Tls(_) => return None,
            #[cfg(feature = "http")]
            Socket::Pipe(_) => return None,
            #[cfg(all(test, shuttle))]
            Socket::Scripted(_) => return None,
        };
        let before = buffer.len();
        buffer.resize(before + FIRST_READ, 0);
        let read = (&*socket).read(&mut buffer[before..]);
        buffer.truncate(before + *read.as_ref().unwrap_or(&0));
        match read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
            read => Some(read),
        }
    }

    /// Does what must precede the first read: the TLS handshake.
    pub(crate) fn poll_handshake(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Tls(stream) => stream.poll_handshake(context),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Writes as much as the socket takes at once.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.try_write(bytes),
            Socket::Tls(stream) => stream.try_write_vectored(&[IoSlice::new(bytes)]),
            Socket::Unix(stream) => stream.try_write(bytes),
            #[cfg(feature = "http")]
            Socket::Pipe(pipe) => pipe.try_write(&[IoSlice::new(bytes)]),
            #[cfg(all(test, shuttle))]
            Socket::Scripted(socket) => socket.try_write(bytes),
        }
    }

    /// Writes several slices, as much as the socket takes at once.
    pub(crate) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.try_write_vectored(slices),
            Socket::Tls(stream) => stream.try_write_vectored(slices),
            Socket::Unix(stream) => stream.try_write_vectored(slices),
            #[cfg(feature = "http")]
            Socket::Pipe(pipe) => pipe.try_write(slices),
            #[cfg(all(test, shuttle))]
            Socket::Scripted(socket) => {
                let bytes = slices.iter().flat_map(|slice| slice.iter().copied());
                socket.try_write(&bytes.collect::<Vec<u8>>())
            }
        }
    }

    /// How many of the first untaken bytes are in a TLS record that is partly sent. The next write
    /// must begin with these bytes again.
    pub(crate) fn committed(&self) -> usize {
        match self {
            Socket::Tls(stream) => stream.committed(),
            Socket::Tcp(_) | Socket::Unix(_) => 0,
            #[cfg(feature = "http")]
            Socket::Pipe(_) => 0,
            #[cfg(all(test, shuttle))]
            Socket::Scripted(_) => 0,
        }
    }

    /// Writes to a socket that the runtime has not polled yet. Under TLS nothing can be written
    /// before the handshake.
    pub(crate) fn write_unregistered(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => SockRef::from(stream).send(bytes),
            Socket::Tls(_) => Err(io::ErrorKind::NotConnected.into()),
            Socket::Unix(stream) => SockRef::from(&**stream).send(bytes),
            #[cfg(feature = "http")]
            Socket::Pipe(pipe) => pipe.try_write(&[IoSlice::new(bytes)]),
            #[cfg(all(test, shuttle))]
            Socket::Scripted(socket) => socket.try_write(bytes),
        }
    }

    /// Waits until a write may succeed. Only the connection's own task may call this, since a
    /// single waker is kept.
    pub(crate) fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Tcp(stream) => stream.poll_write_ready(context),
            Socket::Tls(stream) => stream.socket().poll_write_ready(context),
            Socket::Unix(stream) => stream.poll_write_ready(context),
            #[cfg(feature = "http")]
            Socket::Pipe(pipe) => pipe.poll_write_ready(context).map(Ok),
            #[cfg(all(test, shuttle))]
            Socket::Scripted(socket) => socket.poll_write_ready(context),
        }
    }

    /// Shuts the connection down in one or both directions, even if another owner still holds the
    /// socket.
    pub(crate) fn shutdown(&self, how: Shutdown) {
        // An error means that the peer is already gone, which is fine.
        let _ = match self {
            Socket::Tcp(stream) => SockRef::from(stream).shutdown(how),
            Socket::Tls(stream) => {
                stream.shutdown(how);
                Ok(())
            }
            Socket::Unix(stream) => SockRef::from(&**stream).shutdown(how),
            #[cfg(feature = "http")]
            Socket::Pipe(pipe) => {
                pipe.shutdown(how);
                Ok(())
            }
            #[cfg(all(test, shuttle))]
            Socket::Scripted(socket) => {
                socket.shutdown();
                Ok(())
            }
        };
    }

    /// Whether the kernel knows that the peer has closed its side, read or not.
    pub(crate) fn peer_has_hung_up(&self) -> bool {
        let hung_up = PollFlags::HUP | PollFlags::ERR;
        // On other systems HUP reports it.
        #[cfg(target_os = "linux")]
        let hung_up = hung_up | PollFlags::RDHUP;
        self.is_any(hung_up)
    }

    /// Whether the kernel knows that the connection is reset, or closed both ways.
    #[cfg(target_os = "linux")]
    pub(crate) fn peer_is_cut_off(&self) -> bool {
        self.is_any(PollFlags::HUP | PollFlags::ERR)
    }

    /// On other systems HUP can mean a peer that still reads.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn peer_is_cut_off(&self) -> bool {
        self.is_any(PollFlags::ERR)
    }

    fn is_any(&self, events: PollFlags) -> bool {
        let descriptor = match self {
            Socket::Tcp(stream) => stream.as_fd(),
            Socket::Tls(stream) => stream.socket().as_fd(),
            Socket::Unix(stream) => stream.as_fd(),
            #[cfg(feature = "http")]
            Socket::Pipe(pipe) => return pipe.is_cut_off(),
            #[cfg(all(test, shuttle))]
            Socket::Scripted(_) => return false,
        };
        let mut polled = [PollFd::from_borrowed_fd(descriptor, events)];
        let answered = poll(&mut polled, Some(&Timespec::default()));
        answered.is_ok() && polled[0].revents().intersects(events)
    }

    /// The file descriptor's number, for CLIENT LIST.
    pub(crate) fn descriptor(&self) -> i32 {
        use std::os::fd::AsRawFd;
        match self {
            Socket::Tcp(stream) => stream.as_raw_fd(),
            Socket::Tls(stream) => stream.socket().as_raw_fd(),
            Socket::Unix(stream) => stream.as_raw_fd(),
            #[cfg(feature = "http")]
            Socket::Pipe(pipe) => pipe.descriptor(),
            #[cfg(all(test, shuttle))]
            Socket::Scripted(_) => -1,
        }
    }

    /// Sets TCP keepalive: the first probe after this much silence, further ones after every third
    /// of it, as in Redis. `None` turns it off. Does nothing for a unix socket.
    pub(crate) fn set_keepalive(&self, silence: Option<Duration>) -> io::Result<()> {
        let socket = match self {
            Socket::Tcp(stream) => SockRef::from(stream),
            Socket::Tls(stream) => SockRef::from(stream.socket()),
            Socket::Unix(_) => return Ok(()),
            #[cfg(feature = "http")]
            Socket::Pipe(_) => return Ok(()),
            #[cfg(all(test, shuttle))]
            Socket::Scripted(_) => return Ok(()),
        };
        set_keepalive(&socket, silence)
    }
}

/// As [`Socket::set_keepalive`], of any TCP socket.
pub(crate) fn set_keepalive(socket: &SockRef<'_>, silence: Option<Duration>) -> io::Result<()> {
    let Some(silence) = silence else {
        return socket.set_keepalive(false);
    };
    let keepalive = TcpKeepalive::new()
        .with_time(silence)
        .with_interval((silence / 3).max(Duration::from_secs(1)))
        .with_retries(3);
    socket.set_tcp_keepalive(&keepalive)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// What a connection has sent before a thread gets it is read on the task's first turn there,
    /// before the runtime has polled the socket.
    #[tokio::test]
    async fn the_first_read_does_not_wait_for_the_runtime() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        peer.write_all(b"PING\r\n").unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        // As for a connection that another thread will serve.
        let moved = TcpStream::from_std(accepted.into_std().unwrap()).unwrap();
        let (mut other, ours) = std::os::unix::net::UnixStream::pair().unwrap();
        other.write_all(b"PING\r\n").unwrap();
        ours.set_nonblocking(true).unwrap();
        let tcp = Socket::from(moved);
        let unix = Socket::from(UnixStream::from_std(ours).unwrap());
        let mut context = Context::from_waker(std::task::Waker::noop());
        for socket in [&tcp, &unix] {
            let mut buffer = BytesMut::from("before ");
            let read = socket.read_unregistered(&mut buffer);
            assert!(matches!(read, Some(Ok(6))), "{read:?}");
            assert_eq!(buffer, "before PING\r\n");
            let read = socket.read_unregistered(&mut buffer);
            assert!(read.is_none(), "{read:?}");
            buffer.reserve(64);
            let read = socket.poll_read(&mut context, &mut buffer);
            assert!(read.is_pending(), "{read:?}");
            assert_eq!(buffer, "before PING\r\n");
        }
        drop((peer, other));
        for socket in [&tcp, &unix] {
            let end = std::future::poll_fn(|context| {
                socket.poll_read(context, &mut BytesMut::with_capacity(64))
            });
            assert_eq!(end.await.unwrap(), 0);
        }
    }

    /// All that a peer sends is read, in pieces that fill the buffer and in such that do not.
    #[tokio::test]
    async fn every_byte_is_read() {
        let (ours, mut peer) = UnixStream::pair().unwrap();
        let socket = Socket::from(ours);
        let sent: Vec<u8> = (0..200_000_u32).map(|byte| byte as u8).collect();
        let copy = sent.clone();
        let sending = tokio::spawn(async move {
            for piece in copy.chunks(1_000) {
                tokio::io::AsyncWriteExt::write_all(&mut peer, piece)
                    .await
                    .unwrap();
                tokio::task::yield_now().await;
            }
        });
        let mut received = Vec::new();
        loop {
            let mut buffer = BytesMut::with_capacity(700 + received.len() % 900);
            let read = std::future::poll_fn(|context| socket.poll_read(context, &mut buffer)).await;
            if read.unwrap() == 0 {
                break;
            }
            received.extend_from_slice(&buffer);
        }
        sending.await.unwrap();
        assert!(received == sent);
    }
}
