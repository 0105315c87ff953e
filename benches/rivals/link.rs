//! A connection to a server, by any [`Transport`](crate::transport::Transport): it is made with
//! blocking calls, and may then be handed to [`Net`](crate::net::Net).

use std::io::{Read, Result, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

use rustls::{ClientConnection, StreamOwned};

/// See the module.
pub enum Link {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Link {
    /// From now on it says that it would block.
    pub fn set_nonblocking(&self) -> Result<()> {
        match self {
            Link::Tcp(stream) => stream.set_nonblocking(true),
            Link::Unix(stream) => stream.set_nonblocking(true),
            Link::Tls(stream) => stream.sock.set_nonblocking(true),
        }
    }

    /// Whether a read that did not fill its buffer has taken everything there was. Under TLS it
    /// takes a record, behind which there may be others.
    pub fn is_empty_after_short_read(&self) -> bool {
        !matches!(self, Link::Tls(_))
    }
}

impl From<TcpStream> for Link {
    fn from(stream: TcpStream) -> Link {
        Link::Tcp(stream)
    }
}

impl AsRawFd for Link {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Link::Tcp(stream) => stream.as_raw_fd(),
            Link::Unix(stream) => stream.as_raw_fd(),
            Link::Tls(stream) => stream.sock.as_raw_fd(),
        }
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Link::Tcp(stream) => stream.read(buffer),
            Link::Unix(stream) => stream.read(buffer),
            Link::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self {
            Link::Tcp(stream) => stream.write(bytes),
            Link::Unix(stream) => stream.write(bytes),
            Link::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Link::Tcp(stream) => stream.flush(),
            Link::Unix(stream) => stream.flush(),
            Link::Tls(stream) => stream.flush(),
        }
    }
}
