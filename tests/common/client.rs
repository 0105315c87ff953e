//! A client that sends raw bytes or commands, and reads exact bytes or frames.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use fanfare::Server;
use redis_protocol::resp3::types::{BytesFrame, Resp3Frame};
use redis_protocol::{resp2, resp3};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::{soon, wire};

/// A frame of either protocol, as RESP3 has it; a RESP2 push is an array.
pub type Frame = BytesFrame;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// See the module.
pub struct Client {
    stream: Box<dyn Stream>,
    received: BytesMut,
    /// 2 or 3: how [`frame`](Client::frame) and [`reads`](Client::reads) understand what comes.
    pub protocol: u8,
    /// Its number, once it has said HELLO.
    pub id: u64,
    /// Its own end, over TCP, as CLIENT LIST shows it.
    pub address: String,
}

impl Client {
    /// A client of an embedded server, in RESP2 or RESP3.
    pub async fn connect(server: &Server, protocol: u8) -> Client {
        Client::to(server.addr().expect("a TCP address"), protocol).await
    }

    /// A client of the server at `address`, in RESP2 or RESP3.
    pub async fn to(address: SocketAddr, protocol: u8) -> Client {
        let mut client = Client::raw(address).await;
        client.hello(protocol).await;
        client
    }

    /// A connection that has sent nothing yet.
    pub async fn raw(address: SocketAddr) -> Client {
        let stream = soon("connect", TcpStream::connect(address)).await;
        Client::over(stream.expect("a connection"))
    }

    /// A client over this connection, which may have been given options before.
    pub fn over(stream: TcpStream) -> Client {
        stream.set_nodelay(true).expect("nodelay");
        let address = stream.local_addr().expect("an address").to_string();
        Client::new(Box::new(stream), address)
    }

    /// A connection over a unix socket that has sent nothing yet.
    pub async fn unix(path: &Path) -> Client {
        let stream = soon("connect", UnixStream::connect(path)).await;
        Client::new(
            Box::new(stream.expect("a connection")),
            format!("{}:0", path.display()),
        )
    }

    /// A client under TLS, or over whatever else there is.
    pub fn under(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Client {
        Client::new(Box::new(stream), String::new())
    }

    fn new(stream: Box<dyn Stream>, address: String) -> Client {
        Client {
            stream,
            received: BytesMut::new(),
            protocol: 2,
            id: 0,
            address,
        }
    }

    /// Chooses the protocol, and learns its own number.
    pub async fn hello(&mut self, protocol: u8) {
        self.command(&["HELLO", &protocol.to_string()]).await;
        self.protocol = protocol;
        let reply = match self.frame().await {
            Frame::Array { data, .. } => data,
            Frame::Map { data, .. } => data
                .into_iter()
                .flat_map(|(key, value)| [key, value])
                .collect(),
            other => panic!("HELLO answered {other:?}"),
        };
        self.id = match reply[7] {
            Frame::Number { data, .. } => data as u64,
            ref other => panic!("HELLO's id is {other:?}"),
        };
    }

    /// Sends these bytes.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.expect("the server takes bytes");
    }

    /// Sends these bytes to a server that may close the connection meanwhile.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        soon("send", async {
            self.stream.write_all(bytes.as_ref()).await?;
            self.stream.flush().await
        })
        .await
    }

    /// Sends a command as an array.
    pub async fn command<W: AsRef<[u8]>>(&mut self, words: &[W]) {
        self.send(wire::request(words)).await;
    }

    /// Sends the words of `line`, parted by single spaces, as a command.
    pub async fn line(&mut self, line: &str) {
        self.command(&line.split(' ').collect::<Vec<_>>()).await;
    }

    /// Reads exactly these bytes.
    pub async fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        loop {
            let length = self.received.len().min(expected.len());
            assert!(
                self.received[..length] == expected[..length],
                "expected {}\n     got {}",
                shown(expected),
                shown(&self.received)
            );
            if length == expected.len() {
                let _ = self.received.split_to(length);
                return;
            }
            let what = format!("{} after {}", shown(expected), shown(&self.received));
            let read = soon(&what, self.stream.read_buf(&mut self.received)).await;
            assert!(
                matches!(read, Ok(1..)),
                "{read:?} where {} was expected, after {}",
                shown(expected),
                shown(&self.received)
            );
        }
    }

    /// Reads exactly these frames in the client's own protocol, see [`wire::in_protocol`].
    pub async fn reads(&mut self, frames: impl AsRef<[u8]>) {
        let expected = wire::in_protocol(self.protocol, frames.as_ref());
        self.expect(expected).await;
    }

    /// Reads exactly these frames, in the notation of [`wire::lines`].
    pub async fn sees(&mut self, frames: &str) {
        self.reads(wire::lines(frames)).await;
    }

    /// Sends a line as a command and reads exactly the reply, in the notation of [`wire::lines`].
    pub async fn ask(&mut self, line: &str, reply: &str) {
        self.line(line).await;
        self.reads(wire::lines(reply)).await;
    }

    /// Asks line by line. A reply that begins with `-` is an error's whole text, as of
    /// [`error`](Client::error); any other is one of [`ask`](Client::ask).
    pub async fn script(&mut self, lines: &[(&str, &str)]) {
        for (line, reply) in lines {
            match reply.strip_prefix('-') {
                Some(text) => self.error(line, text).await,
                None => self.ask(line, reply).await,
            }
        }
    }

    /// Sends a line as a command and reads exactly this error.
    pub async fn error(&mut self, line: &str, text: &str) {
        self.line(line).await;
        self.expect(format!("-{text}\r\n")).await;
    }

    /// Checks that each of the lines has a number of arguments that the command refuses.
    pub async fn arity(&mut self, command: &str, lines: &[&str]) {
        for line in lines {
            let text = format!("ERR wrong number of arguments for '{command}' command");
            self.error(line, &text).await;
        }
    }

    /// Reads the next frame.
    pub async fn frame(&mut self) -> Frame {
        let frame = self.frame_or_end().await;
        frame.expect("a frame instead of the end")
    }

    /// Reads the next frame, if one comes before the end.
    pub async fn frame_or_end(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.decode() {
                return Some(frame);
            }
            let read = soon("a frame", self.stream.read_buf(&mut self.received)).await;
            if !matches!(read, Ok(1..)) {
                assert!(
                    self.received.is_empty(),
                    "{read:?} after {}",
                    shown(&self.received)
                );
                return None;
            }
        }
    }

    fn decode(&mut self) -> Option<Frame> {
        if self.received.is_empty() {
            return None;
        }
        let buffer = &mut self.received;
        if self.protocol == 2 {
            let decoded = resp2::decode::decode_bytes_mut(buffer).expect("a RESP2 frame");
            decoded.map(|(frame, ..)| upgrade(frame))
        } else {
            let decoded = resp3::decode::complete::decode_bytes_mut(buffer).expect("a RESP3 frame");
            decoded.map(|(frame, ..)| frame)
        }
    }

    /// Reads a frame that is a string of any kind.
    pub async fn text(&mut self) -> String {
        let frame = self.frame().await;
        let text = frame
            .as_str()
            .unwrap_or_else(|| panic!("{frame:?} is no text"));
        text.to_owned()
    }

    /// Reads a frame that is an integer.
    pub async fn integer(&mut self) -> i64 {
        match self.frame().await {
            Frame::Number { data, .. } => data,
            other => panic!("{other:?} is no integer"),
        }
    }

    /// Reads a push frame and returns its parts (`message`, channel, payload).
    pub async fn push(&mut self) -> Vec<Bytes> {
        let frame = self.frame().await;
        parts(frame.clone()).unwrap_or_else(|| panic!("{frame:?} instead of a push"))
    }

    /// Subscribes with `verb` (`SUBSCRIBE`, …) and reads all confirmations.
    pub async fn subscribe(&mut self, verb: &str, names: &[&str]) {
        self.command(&[&[verb], names].concat()).await;
        for name in names {
            let confirmation = self.push().await;
            assert_eq!(confirmation[0], verb.to_ascii_lowercase());
            assert_eq!(confirmation[1], *name);
        }
    }

    /// Checks that everything that was sent to this client so far has been read: the reply to a
    /// PING comes next.
    pub async fn barrier(&mut self) {
        self.command(&["PING", "barrier"]).await;
        let frame = self.frame().await;
        let subscribed = ["pong", "barrier"].map(Bytes::from);
        let quiet = frame.as_str() == Some("barrier")
            || parts(frame.clone()).is_some_and(|parts| parts == subscribed);
        assert!(quiet, "{frame:?} came before the PING's reply");
    }

    /// Checks that the server closes the connection without sending anything more.
    pub async fn closed(&mut self) {
        let read = soon("the end", self.stream.read_buf(&mut self.received)).await;
        assert!(
            self.received.is_empty(),
            "{} before the end",
            shown(&self.received)
        );
        // A reset is an end, too: the server had not read all that was sent.
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    }

    /// Sends a line as a command and returns the reply's bytes, whatever they are.
    pub async fn reply(&mut self, line: &str) -> Vec<u8> {
        const END: &[u8] = b"$7\r\nthe end\r\n";
        self.line(line).await;
        self.command(&["PING", "the end"]).await;
        while !self.received.ends_with(END) {
            let read = soon(line, self.stream.read_buf(&mut self.received)).await;
            assert!(matches!(read, Ok(1..)), "{read:?} instead of a reply");
        }
        let mut reply = self.received.split();
        reply.truncate(reply.len() - END.len());
        reply.to_vec()
    }

    /// Tells the server that nothing more will come, and goes on reading.
    pub async fn end_sending(&mut self) {
        // It may have ended the connection first.
        let _ = soon("shutdown", self.stream.shutdown()).await;
    }

    /// Reads up to the end and returns all bytes of it.
    pub async fn rest(&mut self) -> Vec<u8> {
        while let Ok(1..) = soon("the end", self.stream.read_buf(&mut self.received)).await {}
        self.received.split().to_vec()
    }

    /// Reads whatever comes into `buffer` and returns how much it was; 0 at the end.
    pub async fn read_some(&mut self, buffer: &mut [u8]) -> usize {
        assert!(self.received.is_empty(), "bytes are left to read");
        let read = soon("bytes", self.stream.read(buffer)).await;
        read.expect("bytes or the end")
    }
}

/// The crate's own `into_resp3` puts a word of its own before every message.
fn upgrade(frame: resp2::types::BytesFrame) -> Frame {
    use resp2::types::BytesFrame as Resp2;
    let attributes = None;
    match frame {
        Resp2::Array(frames) => Frame::Array {
            data: frames.into_iter().map(upgrade).collect(),
            attributes,
        },
        other => other.into_resp3(),
    }
}

/// The strings and numbers of a push or array; `None` for another frame.
pub fn parts(frame: Frame) -> Option<Vec<Bytes>> {
    let (Frame::Array { data, .. } | Frame::Push { data, .. }) = frame else {
        return None;
    };
    let part = |frame| match frame {
        Frame::BlobString { data, .. } => Some(data),
        Frame::Number { data, .. } => Some(data.to_string().into()),
        _ => None,
    };
    data.into_iter().map(part).collect()
}

/// Bytes for people, the beginning of many.
fn shown(bytes: &[u8]) -> String {
    const ENOUGH: usize = 600;
    let begin = &bytes[..bytes.len().min(ENOUGH)];
    let more = if bytes.len() > ENOUGH { "…" } else { "" };
    format!("{} bytes \"{}{more}\"", bytes.len(), begin.escape_ascii())
}
