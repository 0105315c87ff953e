//! One client connection of the comparison, and the barriers that tell when everything sent to it has arrived.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::script::encode_command;

/// How long a silent server is waited for before that is reported as a difference.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// No barrier's reply is longer, apart from the nonce.
const LONGEST: usize = 160;

/// The command whose reply tells that every earlier byte has arrived. It carries a nonce that nothing else contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// `PING nonce`: works in subscribed mode too, where its other form shows the mode.
    Ping,
    /// `nonce`, an unknown command: Redis refuses it before it asks for a password.
    Unknown,
    /// Between MULTI and EXEC: three times WATCH and another MULTI, which are refused at once and abort nothing.
    Transaction,
    /// `UNSUBSCRIBE nonce`: its confirmation, unlike a reply, passes CLIENT REPLY OFF.
    Unsubscribe,
    /// The connection is left alone: its output is compared at a later step.
    Nothing,
}

/// What arrived on one connection during a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    pub output: Vec<u8>,
    pub end: End,
}

/// How the output of a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With the barrier's reply, which is compared as well.
    Barrier(Vec<u8>),
    Closed,
    TimedOut,
}

/// A blocking connection.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    pub barrier: Barrier,
    /// Whether the server keeps it in a blocking command, so that it can't answer a barrier.
    pub blocked: bool,
    /// Whether it is between MULTI and EXEC.
    pub in_transaction: bool,
    /// CLIENT ID's answer, if the server gave one.
    pub id: Option<String>,
    pub local: SocketAddr,
    pub peer: SocketAddr,
}

impl Connection {
    /// Connects, switches to RESP3 if `proto` is 3, and asks for the connection's id.
    pub fn open(address: SocketAddr, proto: u8) -> Self {
        let stream = TcpStream::connect(address).expect("the server accepts connections");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a read timeout");
        stream
            .set_write_timeout(Some(PATIENCE))
            .expect("a write timeout");
        let (local, peer) = (
            stream.local_addr().expect("an address"),
            stream.peer_addr().expect("an address"),
        );
        let mut connection = Self {
            stream,
            received: Vec::new(),
            barrier: Barrier::Unknown,
            blocked: false,
            in_transaction: false,
            id: None,
            local,
            peer,
        };
        if proto == 3 {
            connection.send(&encode_command(&[b"HELLO".to_vec(), b"3".to_vec()]));
            connection.greet("barrier-hello");
        }
        connection.send(&encode_command(&[b"CLIENT".to_vec(), b"ID".to_vec()]));
        let answer = String::from_utf8_lossy(&connection.greet("barrier-id")).into_owned();
        connection.id = answer.strip_prefix(':').map(|id| id.trim().to_string());
        connection.barrier = Barrier::Ping;
        connection
    }

    /// A greeting's answer. What a server says that refuses the connection is left for the first step.
    fn greet(&mut self, nonce: &str) -> Vec<u8> {
        let greeted = self.meet(nonce);
        match greeted.end {
            End::Barrier(_) => greeted.output,
            End::Closed | End::TimedOut => {
                self.received = greeted.output;
                Vec::new()
            }
        }
    }

    /// Writes `bytes`. A refused write is no error here: reading will show that the server closed.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends the barrier and reads up to and with its reply.
    pub fn meet(&mut self, nonce: &str) -> Observed {
        let barrier = match self.barrier {
            Barrier::Ping if self.in_transaction => Barrier::Transaction,
            barrier => barrier,
        };
        let command: &[&str] = match barrier {
            Barrier::Ping => &["PING", nonce],
            Barrier::Unknown => &[nonce],
            Barrier::Transaction => &["MULTI"],
            Barrier::Unsubscribe => &["UNSUBSCRIBE", nonce],
            Barrier::Nothing => unreachable!("a connection without a barrier is not waited for"),
        };
        let words = command
            .iter()
            .map(|word| word.as_bytes().to_vec())
            .collect::<Vec<_>>();
        if barrier == Barrier::Transaction {
            self.send(&b"WATCH k\r\n".repeat(3));
        }
        self.send(&encode_command(&words));
        let mut searched = 0;
        loop {
            if let Some((start, end)) = barrier.find(&self.received, nonce, searched) {
                let rest = self.received.split_off(end);
                let mut output = std::mem::replace(&mut self.received, rest);
                let reply = output.split_off(start);
                return Observed {
                    output,
                    end: End::Barrier(reply),
                };
            }
            searched = self.received.len().saturating_sub(nonce.len() + LONGEST);
            if let Some(end) = self.read() {
                return Observed {
                    output: std::mem::take(&mut self.received),
                    end,
                };
            }
        }
    }

    /// Whether anything has arrived that no step has read, or the server has closed. Doesn't wait.
    pub fn has_output(&self) -> bool {
        self.stream.set_nonblocking(true).expect("a socket");
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).expect("a socket");
        !matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Closes our half and reads until the server has closed too: by then it has forgotten the client.
    pub fn close(&mut self) -> Observed {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
        self.drain()
    }

    /// Reads until the server closes.
    pub fn drain(&mut self) -> Observed {
        loop {
            if let Some(end) = self.read() {
                return Observed {
                    output: std::mem::take(&mut self.received),
                    end,
                };
            }
        }
    }

    fn read(&mut self) -> Option<End> {
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => Some(End::Closed),
            Ok(length) => {
                self.received.extend_from_slice(&chunk[..length]);
                None
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Some(End::TimedOut)
            }
            // A server that closes with bytes unread resets the connection; what it had sent before was read first.
            Err(_) => Some(End::Closed),
        }
    }
}

impl Barrier {
    /// Where the barrier's reply is in `received`, whose first `searched` bytes don't hold its middle.
    fn find(self, received: &[u8], nonce: &str, searched: usize) -> Option<(usize, usize)> {
        let bulk = format!("${}\r\n{nonce}\r\n", nonce.len());
        let middle = match self {
            Barrier::Ping | Barrier::Nothing => bulk,
            Barrier::Unknown => {
                format!("-ERR unknown command '{nonce}', with args beginning with: \r\n")
            }
            Barrier::Transaction => {
                let refused = "-ERR WATCH inside MULTI is not allowed\r\n".repeat(3);
                refused + "-ERR MULTI calls can not be nested\r\n"
            }
            Barrier::Unsubscribe => format!("$11\r\nunsubscribe\r\n{bulk}:"),
        };
        let found = received[searched..]
            .windows(middle.len())
            .position(|window| window == middle.as_bytes())?;
        let (start, end) = (searched + found, searched + found + middle.len());
        match self {
            Barrier::Unsubscribe => {
                let count = received[end..]
                    .windows(2)
                    .position(|pair| pair == b"\r\n")?;
                Some((start - "*3\r\n".len(), end + count + 2))
            }
            _ if received[..start].ends_with(b"*2\r\n$4\r\npong\r\n") => Some((start - 14, end)),
            _ => Some((start, end)),
        }
    }
}
