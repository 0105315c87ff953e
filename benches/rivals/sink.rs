//! A blocking connection whose replies are thrown away: only the beginning of each is looked at, to
//! know that it is the right one and where it ends.
//!
//! ```text
//!   reply ─▶ beginning: read and compared ─▶ the rest: dropped in the kernel (MSG_TRUNC), uncopied
//! ```
//!
//! Invariants: each method takes one reply as a whole, and the next one has to begin where it
//! ended. [`finish`](Sink::finish) sees that this is so of the last one.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::libc::MSG_TRUNC;
use socket2::SockRef;

use crate::wire;

/// What is read to see how a reply begins; what is longer is not copied.
const READ: usize = 16 * 1024;
/// One call drops at most so much.
const DROP: usize = 1024 * 1024;
/// How long a reply may take: a sort of a million elements is not yet a failure of the server.
const SLOW: Duration = Duration::from_secs(30);
/// A line is shorter than this: it is a length or a cursor.
const LINE: u64 = 64;

/// See the module.
pub struct Sink {
    stream: BufReader<TcpStream>,
    /// Never written to: a place that `recv` wants to be given.
    nowhere: Box<[MaybeUninit<u8>]>,
}

/// A reply of which the beginning and the length are known in advance.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its first bytes.
    pub beginning: Vec<u8>,
    /// All of its bytes, with the first ones.
    pub length: usize,
}

impl Sink {
    /// A new connection.
    pub fn connect(addr: SocketAddr) -> Result<Sink> {
        let stream = wire::connect(addr)?;
        stream.set_read_timeout(Some(SLOW))?;
        Ok(Sink {
            stream: BufReader::with_capacity(READ, stream),
            nowhere: Box::new_uninit_slice(DROP),
        })
    }

    /// Sends requests.
    pub fn send(&mut self, requests: &[u8]) -> Result<()> {
        self.stream
            .get_mut()
            .write_all(requests)
            .context("can't send")
    }

    /// Takes a reply that is known.
    pub fn known(&mut self, reply: &Known) -> Result<()> {
        wire::expect(&mut self.stream, &reply.beginning)?;
        self.skip(reply.length - reply.beginning.len())
    }

    /// Takes a bulk string that begins with this.
    pub fn bulk(&mut self, beginning: &[u8]) -> Result<()> {
        let length = self.number(b"$")?;
        let rest = (length + b"\r\n".len()).checked_sub(beginning.len());
        wire::expect(&mut self.stream, beginning)?;
        self.skip(rest.context("a bulk string is too short")?)
    }

    /// Takes a reply to SCAN, of keys that are all of one length; says which cursor it has, and of
    /// how many keys it is.
    pub fn scanned(&mut self, key: usize) -> Result<(Vec<u8>, usize)> {
        wire::expect(&mut self.stream, b"*2\r\n")?;
        self.number(b"$")?;
        let cursor = self.line()?;
        let keys = self.number(b"*")?;
        let mut each = Vec::new();
        wire::bulk(&mut each, &vec![b'k'; key]);
        self.skip(keys * each.len())?;
        Ok((cursor, keys))
    }

    /// Sees that the last reply ended where it was thought to.
    pub fn finish(mut self) -> Result<()> {
        self.send(&wire::request(&[b"PING"]))?;
        wire::expect(&mut self.stream, b"+PONG\r\n").context("after the last reply")
    }

    /// A line of this type that is a number.
    fn number(&mut self, kind: &[u8]) -> Result<usize> {
        let line = self.line()?;
        let number = line
            .strip_prefix(kind)
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        number.with_context(|| {
            format!(
                "expected '{}' and a number, got '{}'",
                wire::shown(kind),
                wire::shown(&line)
            )
        })
    }

    /// A line, without its end.
    fn line(&mut self) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LINE);
        limited.read_until(b'\n', &mut line).context("no reply")?;
        ensure!(
            line.ends_with(b"\r\n"),
            "not a line of a reply: '{}'",
            wire::shown(&line)
        );
        line.truncate(line.len() - b"\r\n".len());
        Ok(line)
    }

    /// Drops so many bytes: those that have been read, and then those that have not.
    fn skip(&mut self, mut bytes: usize) -> Result<()> {
        let read = bytes.min(self.stream.buffer().len());
        self.stream.consume(read);
        bytes -= read;
        while bytes > 0 {
            let most = bytes.min(DROP);
            let socket = SockRef::from(self.stream.get_ref());
            match socket.recv_with_flags(&mut self.nowhere[..most], MSG_TRUNC) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(count) => bytes -= count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("the rest of a reply does not come"),
            }
        }
        Ok(())
    }
}
