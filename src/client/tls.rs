//! A client's socket under TLS: the session that both halves share, and the socket below it.
//!
//! ```text
//!   outbox ──▶ try_write ──▶ encrypt ──▶ records ──▶ socket      under the session's lock,
//!   task   ◀── poll_read ◀── decrypt ◀───────────◀── socket      which nobody keeps for long
//! ```
//!
//! Invariants:
//! - A write takes bytes only once the kernel has all of the records that carry them. Until then the
//!   bytes are *committed*: the write says that the socket is full, and whoever writes again has the
//!   same bytes in front, as nobody may withdraw them. So the outbox need not know of records: what
//!   is pending there is what the kernel does not have, as over a plain socket.
//! - At most [`RECORD`] bytes are committed.
//! - The lock is below all others, and is never held across an await. The kernel is asked under it,
//!   which never blocks.
//! - What the session itself has to say (handshakes, tickets, alerts, new keys) goes out when it is
//!   made, as far as the socket takes it, and otherwise before the next record.
//! - What was decrypted before an error is still read.

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

/// The most bytes that a record carries, by the protocol, and that a write commits.
const RECORD: usize = 16 * 1024;
/// Bytes of records that are read at a time.
const READ_SIZE: usize = 32 * 1024;
/// After so many reads that brought nothing for the client, others on the thread have their turn.
const MAX_READS: usize = 16;

thread_local! {
    /// Records on their way into a session, which has read all of them before anybody else reads.
    static RECORDS: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_SIZE].into());
}

/// See the module.
#[derive(Debug)]
pub(crate) struct TlsStream {
    socket: TcpStream,
    session: Mutex<Session>,
}

#[derive(Debug)]
struct Session {
    connection: ServerConnection,
    /// Bytes that are encrypted, and of whose records the kernel lacks some.
    committed: usize,
    /// What came with the end of the handshake.
    early: BytesMut,
    /// The peer has said that no more comes.
    closed: bool,
    /// Why nothing more can be read.
    failure: Option<io::Error>,
}

impl TlsStream {
    /// A connection that was just accepted; [`poll_handshake`](Self::poll_handshake) comes first.
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

    /// The socket below.
    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// How many of the bytes that a write did not take are on their way all the same.
    pub(crate) fn committed(&self) -> usize {
        self.session.lock().committed
    }

    /// Agrees with the peer on keys, and on who it is if the settings ask for that.
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

    /// Reads behind what is in `buffer`. `Ok(0)`: the peer has closed its side.
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

    /// Writes what the socket takes at once: see the module for what that means.
    pub(crate) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let session = &mut *self.session.lock();
        if session.committed == 0 {
            session.write_records(&self.socket)?;
            session.committed = session.connection.writer().write_vectored(slices)?;
        }
        session.write_records(&self.socket)?;
        Ok(std::mem::take(&mut session.committed))
    }

    /// Tells the peer that no more comes, if the socket takes it, and ends the connection one way or
    /// both.
    pub(crate) fn shutdown(&self, how: Shutdown) {
        let session = &mut *self.session.lock();
        session.connection.send_close_notify();
        // The peer may be gone already, which is just as well.
        let _ = session.write_records(&self.socket);
        let _ = SockRef::from(&self.socket).shutdown(how);
    }
}

impl Session {
    /// Hands to the kernel what is encrypted.
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

    /// Reads records and decrypts them into `buffer`. `Ok(0)`: the socket is at its end. An error
    /// in the records is kept as the `failure`.
    fn read_records(&mut self, socket: &TcpStream, buffer: &mut BytesMut) -> io::Result<usize> {
        RECORDS.with_borrow_mut(|records| {
            let read = socket.try_read(records)?;
            if let Err(error) = self.decrypt(&records[..read], buffer) {
                self.failure = Some(error);
            }
            // What it answers; an alert, if it has failed.
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

/// The socket as the session's records go to it: without waiting.
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
