//! The generator's sockets and requests.
//!
//! A connection is made and prepared (SUBSCRIBE, a prefilled list) with blocking calls that check
//! each reply to the byte, and then handed to the event loop.
//!
//! Invariants: every socket sends at once (no Nagle) and is reset when it is closed, so that ten
//! thousand of them leave no port in TIME_WAIT behind.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use socket2::SockRef;

/// How long anything may take that is waited for: longer is a failure of the server.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A blocking connection, on which a read or a write waits for [`PATIENCE`] at most.
pub fn connect(addr: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&addr, PATIENCE).context("connect")?;
    prepare(&stream)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The options of every socket of the generator, connected or accepted.
pub fn prepare(stream: &TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
    Ok(())
}

/// A command as clients send it: an array of bulk strings.
pub fn request(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bulk(&mut bytes, word);
    }
    bytes
}

/// Appends a bulk string.
pub fn bulk(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.extend_from_slice(format!("${}\r\n", content.len()).as_bytes());
    bytes.extend_from_slice(content);
    bytes.extend_from_slice(b"\r\n");
}

/// A message as a subscriber of `channel` gets it with RESP2.
pub fn message(channel: &[u8], payload: &[u8]) -> Vec<u8> {
    request(&[b"message", channel, payload])
}

/// A message as a subscriber of `channel` gets it with RESP3: a push, which is an array otherwise.
pub fn push(channel: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut push = message(channel, payload);
    push[0] = b'>';
    push
}

/// Goes over to RESP3. The reply differs from server to server, so it is only looked for its end.
pub fn hello_3(stream: &mut (impl Read + Write)) -> Result<()> {
    const PONG: &[u8] = b"+PONG\r\n";
    let requests = [request(&[b"HELLO", b"3"]), request(&[b"PING"])].concat();
    stream.write_all(&requests).context("can't send")?;
    let mut reply = Vec::new();
    let mut byte = [0];
    while !reply.ends_with(PONG) {
        stream
            .read_exact(&mut byte)
            .with_context(|| format!("HELLO 3: '{}'", shown(&reply)))?;
        reply.extend(byte);
    }
    ensure!(reply.starts_with(b"%"), "HELLO 3: '{}'", shown(&reply));
    Ok(())
}

/// Sends a request and takes exactly the reply that is expected.
pub fn exchange(stream: &mut (impl Read + Write), request: &[u8], expected: &[u8]) -> Result<()> {
    stream.write_all(request).context("can't send")?;
    expect(stream, expected)
}

/// Takes exactly the bytes that are expected.
pub fn expect(stream: &mut impl Read, expected: &[u8]) -> Result<()> {
    let mut got = vec![0; expected.len()];
    let mut length = 0;
    while length < expected.len() {
        match stream.read(&mut got[length..]) {
            Ok(0) => bail!("the server closed the connection"),
            Ok(count) => length += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                return Err(error).with_context(|| {
                    format!(
                        "no reply: expected '{}', got '{}'",
                        shown(expected),
                        shown(&got[..length])
                    )
                });
            }
        }
        // At the first wrong byte: an error reply may be shorter than what is waited for.
        ensure!(
            got[..length] == expected[..length],
            "expected '{}', got '{}'",
            shown(expected),
            shown(&got[..length])
        );
    }
    Ok(())
}

/// Bytes for people: the first of them, with what cannot be printed escaped.
pub fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 120;
    let more = if bytes.len() > MOST { "..." } else { "" };
    format!("{}{more}", bytes[..bytes.len().min(MOST)].escape_ascii())
}
