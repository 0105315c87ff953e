//! A client's socket under TLS: the TLS session, which both halves share, and the TCP socket below
//! it.
//!
//! Layer `client`. It uses nothing else.
//!
//! ```text
//!   outbox ──▶ try_write ──▶ encrypt ──▶ records ──▶ socket      under the session's lock,
//!   task   ◀── poll_read ◀── decrypt ◀───────────◀── socket      which is only held briefly
//! ```
//!
//! Invariants:
//! - A write reports bytes as taken only when the kernel has all records that carry them. Until
//!   then the bytes are *committed*: the write reports a full socket, and the next write must begin
//!   with the same bytes, which may not be withdrawn. So the outbox does not need to know about
//!   records. As over a plain socket, its pending bytes are those that the kernel does not have.
//! - At most [`RECORD`] bytes are committed.
//! - No other lock is taken under the session's lock, and it is never held across an await. The
//!   system calls under it do not block.
//! - What the session itself sends (handshakes, tickets, alerts, new keys) is written as soon as it
//!   is created, as far as the socket takes it, and otherwise before the next record.
//! - Bytes that were decrypted before an error are still read.

use std::cell::RefCell;
use std::io::{self, BufRead, IoSlice, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use parking_lot::Mutex;
use rustls::{ServerConfig, ServerConnection};
use socket2::SockRef;
use tokio::net::TcpStream;

/// The most bytes that a record can carry, by the protocol. A write commits at most as many.
const RECORD: usize = 16 * 1024;
/// Bytes that are read from the socket at a time.
const READ_SIZE: usize = 32 * 1024;
/// After this many reads without bytes for the client, other tasks on the thread get their turn.
const MAX_READS: usize = 16;

thread_local! {
    /// A buffer for records on their way into a session. The session reads all of them before the
    /// next read.
    static RECORDS: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_SIZE].into());
}

/// A TLS session and its socket.
#[derive(Debug)]
pub(crate) struct TlsStream {
    socket: TcpStream,
    session: Mutex<Session>,
}

#[derive(Debug)]
struct Session {
    connection: ServerConnection,
    /// Bytes that are encrypted, but whose records the kernel does not fully have.
    committed: usize,
    /// Bytes for the client that came with the end of the handshake.
    early: BytesMut,
    /// The peer has ended its side of the session.
    closed: bool,
    /// Why nothing more can be read.
    failure: Option<io::Error>,
}

impl TlsStream {
    /// A connection that was just accepted. [`poll_handshake`](Self::poll_handshake) must be called
    /// first.
    pub(crate) fn new(socket: TcpStream, config: Arc<ServerConfig>) -> io::Result<TlsStream> {
        let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
        connection.set_buffer_limit(Some(RECORD));
        Ok(TlsStream {
            socket,
            session: Mutex::new(Session {
                connection,
                committed: 0,
                early: BytesMut::new(),
                closed: false,
                failure: None,
            }),
        })
    }

    /// The TCP socket.
    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// How many bytes that a write did not take are committed.
    pub(crate) fn committed(&self) -> usize {
        self.session.lock().committed
    }

    /// Does the handshake: both sides agree on keys, and the peer is authenticated if the settings
    /// ask for it.
    pub(crate) fn poll_handshake(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let full = {
                let session = &mut *self.session.lock();
                match session.write_records(&self.socket) {
                    Ok(()) if !session.connection.is_handshaking() => return Poll::Ready(Ok(())),
                    Ok(()) => {
                        let mut early = std::mem::take(&mut session.early);
                        let read = session.read_records(&self.socket, &mut early);
                        session.early = early;
                        match read {
                            Err(error) if is_full(&error) => false,
                            Err(error) => return Poll::Ready(Err(error)),
                            Ok(0) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                            Ok(_) => match session.failure.take() {
                                Some(failure) => return Poll::Ready(Err(failure)),
                                None => continue,
                            },
                        }
                    }
                    Err(error) if is_full(&error) => true,
                    Err(error) => return Poll::Ready(Err(error)),
                }
            };
            if full {
                ready!(self.socket.poll_write_ready(context))?;
            } else {
                ready!(self.socket.poll_read_ready(context))?;
            }
        }
    }

    /// Reads and appends to `buffer`. `Ok(0)` means that the peer has closed its side.
    pub(crate) fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        let before = buffer.len();
        for _ in 0..MAX_READS {
            {
                let session = &mut *self.session.lock();
                if !session.early.is_empty() {
                    buffer.extend_from_slice(&std::mem::take(&mut session.early));
                    return Poll::Ready(Ok(buffer.len() - before));
                }
                if let Some(failure) = session.failure.take() {
                    return Poll::Ready(Err(failure));
                }
                if session.closed {
                    return Poll::Ready(Ok(0));
                }
                match session.read_records(&self.socket, buffer) {
                    Ok(0) => return Poll::Ready(Ok(0)),
                    Ok(_) if buffer.len() > before => {
                        return Poll::Ready(Ok(buffer.len() - before));
                    }
                    Ok(_) => continue,
                    Err(error) if is_full(&error) => {}
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            ready!(self.socket.poll_read_ready(context))?;
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes as much as the socket takes at once. The module's invariants say what "taken" means.
    pub(crate) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let session = &mut *self.session.lock();
        if session.committed == 0 {
            session.write_records(&self.socket)?;
            session.committed = session.connection.writer().write_vectored(slices)?;
        }
        session.write_records(&self.socket)?;
        Ok(std::mem::take(&mut session.committed))
    }

    /// Tells the peer that no more follows, if the socket takes it, and shuts the connection down
    /// in one or both directions.
    pub(crate) fn shutdown(&self, how: Shutdown) {
        let session = &mut *self.session.lock();
        session.connection.send_close_notify();
        // An error means that the peer is already gone, which is fine.
        let _ = session.write_records(&self.socket);
        let _ = SockRef::from(&self.socket).shutdown(how);
    }
}

impl Session {
    /// Writes encrypted records to the socket.
    fn write_records(&mut self, socket: &TcpStream) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Direct(socket)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads records and decrypts them into `buffer`. `Ok(0)` means that the socket has ended. An
    /// error in the records is kept in `failure`.
    fn read_records(&mut self, socket: &TcpStream, buffer: &mut BytesMut) -> io::Result<usize> {
        RECORDS.with_borrow_mut(|records| {
            let read = socket.try_read(records)?;
            if let Err(error) = self.decrypt(&records[..read], buffer) {
                self.failure = Some(error);
            }
            // Sends the session's answer, or an alert if it has failed.
            match self.write_records(socket) {
                Err(error) if !is_full(&error) && self.failure.is_none() => {
                    self.failure = Some(error);
                }
                _ => {}
            }
            Ok(read)
        })
    }

    fn decrypt(&mut self, mut records: &[u8], buffer: &mut BytesMut) -> io::Result<()> {
        while !records.is_empty() {
            if self.closed {
                return Ok(());
            }
            self.connection.read_tls(&mut records)?;
            let processed = self.connection.process_new_packets();
            let mut reader = self.connection.reader();
            while let Ok(bytes) = reader.fill_buf() {
                if bytes.is_empty() {
                    self.closed = true;
                    break;
                }
                buffer.extend_from_slice(bytes);
                let length = bytes.len();
                reader.consume(length);
            }
            processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
        Ok(())
    }
}

/// The socket as the session sees it: reads and writes that do not wait.
struct Direct<'a>(&'a TcpStream);

impl Write for Direct<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

#[cfg(test)]
mod tests;
