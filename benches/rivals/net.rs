//! The generator's sockets behind one poll: what arrives is handed out chunk by chunk, what does
//! not fit into a socket is kept until it does.
//!
//! ```text
//!   turn ──▶ poll ──▶ each socket that has bytes: read ──▶ received(peer, its number, bytes)
//!                │                                               │ send
//!                ├─▶ each socket that has room: what is unsent ◀─┘
//!                └─▶ the clock: ticks since the last turn
//! ```
//!
//! Invariants:
//! - Events come on change only, so a socket is read until there is nothing left: until a read
//!   would block or, without TLS, fills less than the buffer.
//! - Bytes leave a socket in the order in which they were sent.
//! - A server that closes a connection, or that is silent for too long, is an error.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};

use crate::link::Link;
use crate::wire::PATIENCE;

/// One read takes at most so much.
const BUFFER: usize = 256 * 1024;
/// Events of one poll.
const EVENTS: usize = 1024;
/// The clock's token; the sockets have their numbers.
const CLOCK: Token = Token(usize::MAX);

/// See the module.
pub struct Net {
    poll: Poll,
    events: Events,
    peers: Vec<Peer>,
    buffer: Box<[u8]>,
    clock: Option<OwnedFd>,
}

/// One connection to the server.
pub struct Peer {
    link: Link,
    unsent: Vec<u8>,
}

impl Net {
    /// Takes over connections: the first is peer 0.
    pub fn new(links: impl IntoIterator<Item = impl Into<Link>>) -> Result<Net> {
        let poll = Poll::new()?;
        let mut peers = Vec::new();
        for link in links {
            let link = link.into();
            link.set_nonblocking()?;
            let both = Interest::READABLE | Interest::WRITABLE;
            let token = Token(peers.len());
            poll.registry()
                .register(&mut SourceFd(&link.as_raw_fd()), token, both)?;
            let unsent = Vec::new();
            peers.push(Peer { link, unsent });
        }
        Ok(Net {
            poll,
            events: Events::with_capacity(EVENTS),
            peers,
            buffer: vec![0; BUFFER].into(),
            clock: None,
        })
    }

    /// From now on, [`turn`](Net::turn) counts a tick each `period`. The kernel keeps the time: the
    /// timeout of a poll is no finer than a millisecond.
    pub fn tick_each(&mut self, period: Duration) -> Result<()> {
        let clock =
            rustix::time::timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        let period = Timespec::try_from(period)?;
        let schedule = Itimerspec {
            it_interval: period,
            it_value: period,
        };
        rustix::time::timerfd_settime(&clock, TimerfdTimerFlags::empty(), &schedule)?;
        self.poll.registry().register(
            &mut SourceFd(&clock.as_raw_fd()),
            CLOCK,
            Interest::READABLE,
        )?;
        self.clock = Some(clock);
        Ok(())
    }

    /// A connection by its number.
    pub fn peer(&mut self, number: usize) -> &mut Peer {
        &mut self.peers[number]
    }

    /// Waits until something comes, and hands it all out; says how often the clock has ticked.
    pub fn turn(
        &mut self,
        mut received: impl FnMut(&mut Peer, usize, &[u8]) -> Result<()>,
    ) -> Result<u64> {
        match self.poll.poll(&mut self.events, Some(PATIENCE)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(0),
            polled => polled?,
        }
        if self.events.is_empty() {
            bail!("the server has been silent for {PATIENCE:?}");
        }
        let mut ticks = 0;
        for event in &self.events {
            if event.token() == CLOCK {
                ticks = self.ticks()?;
                continue;
            }
            let number = event.token().0;
            let peer = &mut self.peers[number];
            if event.is_writable() {
                peer.flush()?;
            }
            while event.is_readable() {
                let length = match peer.link.read(&mut self.buffer) {
                    Ok(0) => bail!("the server closed a connection"),
                    Ok(length) => length,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error).context("the server ended a connection"),
                };
                received(peer, number, &self.buffer[..length])?;
                if length < self.buffer.len() && peer.link.is_empty_after_short_read() {
                    break;
                }
            }
        }
        Ok(ticks)
    }

    fn ticks(&self) -> Result<u64> {
        let mut count = [0; 8];
        if let Some(clock) = &self.clock {
            rustix::io::read(clock, &mut count)?;
        }
        Ok(u64::from_ne_bytes(count))
    }
}

impl Peer {
    /// Sends now what fits, and the rest as soon as it does.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let sent = write(&mut self.link, bytes)?;
        self.unsent.extend_from_slice(&bytes[sent..]);
        Ok(())
    }

    /// Sends what is unsent, and what the connection itself has kept of what it has taken.
    fn flush(&mut self) -> Result<()> {
        if !self.unsent.is_empty() {
            let sent = write(&mut self.link, &self.unsent)?;
            self.unsent.drain(..sent);
        }
        match self.link.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => {
                Err(error).context("the server ended a connection")
            }
            _ => Ok(()),
        }
    }
}

/// Writes until nothing fits; says how much did.
fn write(link: &mut Link, bytes: &[u8]) -> Result<usize> {
    let mut sent = 0;
    while sent < bytes.len() {
        match link.write(&bytes[sent..]) {
            Ok(length) => sent += length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error).context("the server ended a connection"),
        }
    }
    Ok(sent)
}
