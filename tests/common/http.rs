//! A client that speaks HTTP/1.1: requests and whole answers, and streams of events.

use std::collections::HashMap;
use std::net::SocketAddr;

use bytes::{Buf, Bytes, BytesMut};
use fanfare::Server;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::soon;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection.
pub struct Http {
    stream: Box<dyn Stream>,
    received: BytesMut,
    /// What was taken out of the chunks of a stream of events.
    events: BytesMut,
    /// How much of that holds no end of an event.
    searched: usize,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// By their names in lower case.
    pub headers: HashMap<String, String>,
    pub body: Bytes,
}

impl Answer {
    /// Its body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.body.escape_ascii()))
    }

    /// The text of the error that it is.
    pub fn error(&self) -> String {
        self.json()["error"].as_str().expect("an error").to_owned()
    }
}

/// The address of a server's HTTP port.
pub fn address(server: &Server) -> SocketAddr {
    server.http_addr().expect("an HTTP port")
}

impl Http {
    /// A connection to a server with `http-port`.
    pub async fn connect(server: &Server) -> Http {
        let stream = soon("connect", TcpStream::connect(address(server))).await;
        Http::over(stream.expect("a connection"))
    }

    /// A connection over this stream.
    pub fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Http {
        Http {
            stream: Box::new(stream),
            received: BytesMut::new(),
            events: BytesMut::new(),
            searched: 0,
        }
    }

    /// Sends these bytes.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = soon("send", self.stream.write_all(bytes.as_ref())).await;
        sent.expect("the server takes bytes");
    }

    /// Sends a request. `head` is its first line's method and target, and its headers, by lines.
    pub async fn request(&mut self, head: &str, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let (line, headers) = head.split_once('\n').unwrap_or((head, ""));
        let mut request = format!("{line} HTTP/1.1\r\nHost: localhost\r\n");
        for header in headers.lines() {
            request += &format!("{header}\r\n");
        }
        if !line.starts_with("GET") {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        let mut request = format!("{request}\r\n").into_bytes();
        request.extend_from_slice(body);
        self.send(request).await;
    }

    /// Sends a request and reads the answer.
    pub async fn ask(&mut self, head: &str, body: impl AsRef<[u8]>) -> Answer {
        self.request(head, body).await;
        self.answer().await
    }

    async fn more(&mut self) -> bool {
        let read = soon("an answer", self.stream.read_buf(&mut self.received)).await;
        matches!(read, Ok(1..))
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.received.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.received.split_to(end).to_vec();
                self.received.advance(2);
                return Some(String::from_utf8(line).expect("text"));
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn bytes(&mut self, length: usize) -> Bytes {
        while self.received.len() < length {
            assert!(self.more().await, "the end within a body");
        }
        self.received.split_to(length).freeze()
    }

    /// Reads an answer without its body.
    pub async fn head(&mut self) -> Answer {
        let line = self.line().await.expect("an answer instead of the end");
        let status = line.split(' ').nth(1).expect("a status");
        let status = status.parse().expect("a number");
        let mut headers = HashMap::new();
        loop {
            let line = self.line().await.expect("a header");
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        Answer {
            status,
            headers,
            body: Bytes::new(),
        }
    }

    /// Reads an answer.
    pub async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        answer.body = if let Some(length) = answer.headers.get("content-length") {
            let length = length.parse().expect("a number");
            self.bytes(length).await
        } else if answer.headers.contains_key("transfer-encoding") {
            let mut body = BytesMut::new();
            while let Some(chunk) = self.chunk().await {
                body.extend_from_slice(&chunk);
            }
            body.freeze()
        } else {
            Bytes::new()
        };
        answer
    }

    /// The next chunk; `None` after the last one. A body that breaks off is a panic.
    async fn chunk(&mut self) -> Option<Bytes> {
        let length = self.line().await.expect("a chunk instead of the end");
        let length = usize::from_str_radix(&length, 16).expect("a length");
        let chunk = self.bytes(length).await;
        self.bytes(2).await;
        (length > 0).then_some(chunk)
    }

    /// Subscribes by GET, and reads up to the first event.
    pub async fn subscribe(&mut self, target: &str) -> String {
        self.request(&format!("GET {target}"), "").await;
        let head = self.head().await;
        assert_eq!(head.status, 200);
        assert_eq!(head.headers["content-type"], "text/event-stream");
        self.event().await.expect("an event")
    }

    /// The lines of the next event or comment; `None` at the end of the stream.
    pub async fn event(&mut self) -> Option<String> {
        loop {
            let mut pairs = self.events[self.searched..].windows(2);
            if let Some(end) = pairs.position(|pair| pair == b"\n\n") {
                let event = self.events.split_to(self.searched + end).to_vec();
                self.events.advance(2);
                self.searched = 0;
                return Some(String::from_utf8(event).expect("text"));
            }
            self.searched = self.events.len().saturating_sub(1);
            let Some(chunk) = self.chunk().await else {
                assert!(self.events.is_empty(), "the end within an event");
                return None;
            };
            self.events.extend_from_slice(&chunk);
        }
    }

    /// The status of an answer, if one comes before the end.
    pub async fn status_or_end(&mut self) -> Option<u16> {
        while self.received.len() < 12 {
            if !self.more().await {
                return None;
            }
        }
        Some(self.head().await.status)
    }

    /// Reads up to the end of the connection, which may be a reset.
    pub async fn end(&mut self) -> Bytes {
        while self.more().await {}
        self.received.split().freeze()
    }
}
