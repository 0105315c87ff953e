//! The two halves of a client's socket: TCP, TCP under TLS, unix, or a pipe within the server.
//!
//! Layer `client`. It uses only `client::tls` and `client::pipe`.
//!
//! The read half belongs to the connection's task. The write half belongs to its outbox, so that
//! any thread may write in place, without waking the task.

use std::io::{self, IoSlice, Read};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream, tcp, unix};
use tokio_util::io::poll_read_buf;

#[cfg(feature = "http")]
use super::pipe::Pipe;
use super::tls::TlsStream;

#[cfg(all(test, shuttle))]
pub(crate) mod scripted;

/// The half that the connection's task reads from.
#[derive(Debug)]
pub(crate) struct ReadSocket {
    half: ReadHalf,
    /// Nothing was read yet. The first read asks the kernel and not the runtime, which may not have
    /// polled the socket yet: a busy thread polls its sockets only between many task turns, and the
    /// first request of a connection that was just moved there would have to wait for that.
    is_fresh: bool,
}

#[derive(Debug)]
enum ReadHalf {
    /// Over TCP.
    Tcp(tcp::OwnedReadHalf),
    /// Over TCP, encrypted.
    Tls(Arc<TlsStream>),
    /// Over a unix socket.
    Unix(unix::OwnedReadHalf),
    /// From within the server.
    #[cfg(feature = "http")]
    Pipe(Arc<Pipe>),
}

/// The half that an outbox writes to.
#[derive(Debug)]
pub(crate) enum WriteSocket {
    /// Over TCP.
    Tcp(tcp::OwnedWriteHalf),
    /// Over TCP, encrypted.
    Tls(Arc<TlsStream>),
    /// Over a unix socket.
    Unix(unix::OwnedWriteHalf),
    /// To within the server.
    #[cfg(feature = "http")]
    Pipe(Arc<Pipe>),
    /// A test's scripted socket.
    #[cfg(all(test, shuttle))]
    Scripted(Arc<scripted::Scripted>),
}

/// Splits an accepted TCP connection.
pub(crate) fn split_tcp(stream: TcpStream) -> (ReadSocket, WriteSocket) {
    let (read, write) = stream.into_split();
    (
        ReadSocket::new(ReadHalf::Tcp(read)),
        WriteSocket::Tcp(write),
    )
}

/// Splits an encrypted connection. Both halves share it.
pub(crate) fn split_tls(stream: TlsStream) -> (ReadSocket, WriteSocket) {
    let stream = Arc::new(stream);
    let read = ReadHalf::Tls(Arc::clone(&stream));
    (ReadSocket::new(read), WriteSocket::Tls(stream))
}

/// Splits an accepted unix connection.
pub(crate) fn split_unix(stream: UnixStream) -> (ReadSocket, WriteSocket) {
    let (read, write) = stream.into_split();
    (
        ReadSocket::new(ReadHalf::Unix(read)),
        WriteSocket::Unix(write),
    )
}

/// The near end of a pipe, as both halves of a socket.
#[cfg(feature = "http")]
pub(crate) fn split_pipe(pipe: Arc<Pipe>) -> (ReadSocket, WriteSocket) {
    let read = ReadHalf::Pipe(Arc::clone(&pipe));
    (ReadSocket::new(read), WriteSocket::Pipe(pipe))
}

impl ReadSocket {
    /// The most bytes of the first read. Requests are short.
    const FIRST_READ: usize = 4 * 1024;

    fn new(half: ReadHalf) -> ReadSocket {
        ReadSocket {
            half,
            is_fresh: true,
        }
    }

    /// Reads into the spare capacity of `buffer`. `Ok(0)` means that the peer has closed its side.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        if std::mem::take(&mut self.is_fresh)
            && let Some(read) = self.read_unregistered(buffer)
        {
            return Poll::Ready(read);
        }
        match &mut self.half {
            ReadHalf::Tcp(half) => poll_read_buf(Pin::new(half), context, buffer),
            ReadHalf::Tls(stream) => stream.poll_read(context, buffer),
            ReadHalf::Unix(half) => poll_read_buf(Pin::new(half), context, buffer),
            #[cfg(feature = "http")]
            ReadHalf::Pipe(pipe) => pipe.poll_read(context, buffer).map(Ok),
        }
    }

    /// Reads available bytes from a socket that the runtime has not polled yet. Returns `None` if
    /// there are none.
    fn read_unregistered(&self, buffer: &mut BytesMut) -> Option<io::Result<usize>> {
        let socket = match &self.half {
            ReadHalf::Tcp(half) => SockRef::from(half.as_ref()),
            ReadHalf::Unix(half) => SockRef::from(half.as_ref()),
            // The handshake has already read from the socket.
            ReadHalf::Tls(_) => return None,
            #[cfg(feature = "http")]
            ReadHalf::Pipe(_) => return None,
        };
        let before = buffer.len();
        buffer.resize(before + ReadSocket::FIRST_READ, 0);
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
        match &self.half {
            ReadHalf::Tls(stream) => stream.poll_handshake(context),
            ReadHalf::Tcp(_) | ReadHalf::Unix(_) => Poll::Ready(Ok(())),
            #[cfg(feature = "http")]
            ReadHalf::Pipe(_) => Poll::Ready(Ok(())),
        }
    }
}

impl WriteSocket {
    /// Writes as much as the socket takes at once.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            WriteSocket::Tcp(half) => half.try_write(bytes),
            WriteSocket::Tls(stream) => stream.try_write_vectored(&[IoSlice::new(bytes)]),
            WriteSocket::Unix(half) => half.try_write(bytes),
            #[cfg(feature = "http")]
            WriteSocket::Pipe(pipe) => pipe.try_write(&[IoSlice::new(bytes)]),
            #[cfg(all(test, shuttle))]
            WriteSocket::Scripted(socket) => socket.try_write(bytes),
        }
    }

    /// Writes several slices, as much as the socket takes at once.
    pub(crate) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            WriteSocket::Tcp(half) => half.try_write_vectored(slices),
            WriteSocket::Tls(stream) => stream.try_write_vectored(slices),
            WriteSocket::Unix(half) => half.try_write_vectored(slices),
            #[cfg(feature = "http")]
            WriteSocket::Pipe(pipe) => pipe.try_write(slices),
            #[cfg(all(test, shuttle))]
            WriteSocket::Scripted(socket) => {
                let bytes = slices.iter().flat_map(|slice| slice.iter().copied());
                socket.try_write(&bytes.collect::<Vec<u8>>())
            }
        }
    }

    /// How many of the first untaken bytes are in a TLS record that is partly sent. The next write
    /// must begin with these bytes again.
    pub(crate) fn committed(&self) -> usize {
        match self {
            WriteSocket::Tls(stream) => stream.committed(),
            WriteSocket::Tcp(_) | WriteSocket::Unix(_) => 0,
            #[cfg(feature = "http")]
            WriteSocket::Pipe(_) => 0,
            #[cfg(all(test, shuttle))]
            WriteSocket::Scripted(_) => 0,
        }
    }

    /// Writes to a socket that the runtime has not polled yet. Under TLS nothing can be written
    /// before the handshake.
    pub(crate) fn write_unregistered(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            WriteSocket::Tcp(half) => SockRef::from(half.as_ref()).send(bytes),
            WriteSocket::Tls(_) => Err(io::ErrorKind::NotConnected.into()),
            WriteSocket::Unix(half) => SockRef::from(half.as_ref()).send(bytes),
            #[cfg(feature = "http")]
            WriteSocket::Pipe(pipe) => pipe.try_write(&[IoSlice::new(bytes)]),
            #[cfg(all(test, shuttle))]
            WriteSocket::Scripted(socket) => socket.try_write(bytes),
        }
    }

    /// Waits until a write may succeed. Only the connection's own task may call this, since a
    /// single waker is kept.
    pub(crate) fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            WriteSocket::Tcp(half) => half.as_ref().poll_write_ready(context),
            WriteSocket::Tls(stream) => stream.socket().poll_write_ready(context),
            WriteSocket::Unix(half) => half.as_ref().poll_write_ready(context),
            #[cfg(feature = "http")]
            WriteSocket::Pipe(pipe) => pipe.poll_write_ready(context).map(Ok),
            #[cfg(all(test, shuttle))]
            WriteSocket::Scripted(socket) => socket.poll_write_ready(context),
        }
    }

    /// Shuts the connection down in one or both directions, even if another owner still holds the
    /// socket.
    pub(crate) fn shutdown(&self, how: Shutdown) {
        // An error means that the peer is already gone, which is fine.
        let _ = match self {
            WriteSocket::Tcp(half) => SockRef::from(half.as_ref()).shutdown(how),
            WriteSocket::Tls(stream) => {
                stream.shutdown(how);
                Ok(())
            }
            WriteSocket::Unix(half) => SockRef::from(half.as_ref()).shutdown(how),
            #[cfg(feature = "http")]
            WriteSocket::Pipe(pipe) => {
                pipe.shutdown(how);
                Ok(())
            }
            #[cfg(all(test, shuttle))]
            WriteSocket::Scripted(socket) => {
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
            WriteSocket::Tcp(half) => half.as_ref().as_fd(),
            WriteSocket::Tls(stream) => stream.socket().as_fd(),
            WriteSocket::Unix(half) => half.as_ref().as_fd(),
            #[cfg(feature = "http")]
            WriteSocket::Pipe(pipe) => return pipe.is_cut_off(),
            #[cfg(all(test, shuttle))]
            WriteSocket::Scripted(_) => return false,
        };
        let mut polled = [PollFd::from_borrowed_fd(descriptor, events)];
        let answered = poll(&mut polled, Some(&Timespec::default()));
        answered.is_ok() && polled[0].revents().intersects(events)
    }

    /// The file descriptor's number, for CLIENT LIST.
    pub(crate) fn descriptor(&self) -> i32 {
        use std::os::fd::AsRawFd;
        match self {
            WriteSocket::Tcp(half) => half.as_ref().as_raw_fd(),
            WriteSocket::Tls(stream) => stream.socket().as_raw_fd(),
            WriteSocket::Unix(half) => half.as_ref().as_raw_fd(),
            #[cfg(feature = "http")]
            WriteSocket::Pipe(pipe) => pipe.descriptor(),
            #[cfg(all(test, shuttle))]
            WriteSocket::Scripted(_) => -1,
        }
    }

    /// Sets TCP keepalive: the first probe after this much silence, further ones after every third
    /// of it, as in Redis. `None` turns it off. Does nothing for a unix socket.
    pub(crate) fn set_keepalive(&self, silence: Option<Duration>) -> io::Result<()> {
        let socket = match self {
            WriteSocket::Tcp(half) => SockRef::from(half.as_ref()),
            WriteSocket::Tls(stream) => SockRef::from(stream.socket()),
            WriteSocket::Unix(_) => return Ok(()),
            #[cfg(feature = "http")]
            WriteSocket::Pipe(_) => return Ok(()),
            #[cfg(all(test, shuttle))]
            WriteSocket::Scripted(_) => return Ok(()),
        };
        set_keepalive(&socket, silence)
    }
}

/// As [`WriteSocket::set_keepalive`], of any TCP socket.
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
        let (mut tcp, _tcp) = split_tcp(moved);
        let (mut other, ours) = std::os::unix::net::UnixStream::pair().unwrap();
        other.write_all(b"PING\r\n").unwrap();
        ours.set_nonblocking(true).unwrap();
        let (mut unix, _unix) = split_unix(UnixStream::from_std(ours).unwrap());
        let mut context = Context::from_waker(std::task::Waker::noop());
        for socket in [&mut tcp, &mut unix] {
            let mut buffer = BytesMut::from("before ");
            let read = socket.poll_read(&mut context, &mut buffer);
            assert!(matches!(read, Poll::Ready(Ok(6))), "{read:?}");
            assert_eq!(buffer, "before PING\r\n");
            let read = socket.poll_read(&mut context, &mut buffer);
            assert!(read.is_pending(), "{read:?}");
            assert_eq!(buffer, "before PING\r\n");
        }
        drop((peer, other));
        for socket in [&mut tcp, &mut unix] {
            let end = std::future::poll_fn(|context| {
                socket.poll_read(context, &mut BytesMut::with_capacity(64))
            });
            assert_eq!(end.await.unwrap(), 0);
        }
    }
}
