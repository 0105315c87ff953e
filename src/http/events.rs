//! Writes the messages of a subscription as server-sent events.
//!
//! Layer `http`.
//!
//! ```text
//!   lines     event: message          JSON     event: message
//!             id: 1                            id: 1
//!             data: first line                 data: {"channel":"c","pattern":null,"payload":"…"}
//!             data: second line
//!
//!   Upstash   data: message,channel,payload
//! ```
//!
//! Invariants:
//! - A payload is written as it comes, and never held as a whole. One of at most [`MAX_TEXT`] bytes
//!   is held in the JSON form, where its first letter already depends on its last byte.
//! - A name with more than [`MAX_NAME`] bytes is not held either: its message is left out, and counted
//!   as dropped.
//! - A line break in data begins a new line of data. In a name it is escaped.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, BytesMut};

use super::json::{Encoding, Parts, put_text};
use super::link::Gone;
use crate::resp::tokens::Token;

/// The longest channel or pattern that is shown.
const MAX_NAME: usize = 64 * 1024;
/// The longest payload that is text in the JSON form. A longer one is base64, as one that is not
/// UTF-8.
pub(crate) const MAX_TEXT: usize = 64 * 1024;

/// The form of an event's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The payload: its lines, or one line of base64. For patterns the channel's line comes first.
    Lines(Encoding),
    /// An object.
    Json(Encoding),
    /// What Upstash's clients expect.
    Upstash,
}

/// What a token was a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// There is more of it.
    Partly,
    /// A message, which is complete.
    Message,
    /// A confirmation of a subscription, which is complete.
    Confirmed,
    /// A message that is left out, with this many bytes.
    LeftOut(u64),
}

/// Writes events.
#[derive(Debug)]
pub(crate) struct EventWriter {
    format: Format,
    /// Messages so far.
    count: u64,
    /// Elements of the current array that have not begun.
    missing: usize,
    /// Its first elements: what it is, the pattern, the channel.
    names: Vec<BytesMut>,
    /// Bytes that the current string still gets.
    owed: usize,
    place: Place,
}

/// Where in an array the writer is.
#[derive(Debug)]
enum Place {
    /// Before it.
    Between,
    /// In what comes before the payload.
    Names,
    /// In the payload.
    Payload(Payload),
    /// In a message that is left out, of this many bytes so far.
    Skipping(u64),
}

#[derive(Debug)]
enum Payload {
    /// Lines of text; whether the last byte was `\r`.
    Lines(bool),
    /// One string of JSON or of base64, and what is written behind it.
    Parts(Parts, &'static str),
    /// What may be text of JSON.
    Held(Vec<u8>),
}

impl EventWriter {
    pub(crate) fn new(format: Format) -> EventWriter {
        EventWriter {
            format,
            count: 0,
            missing: 0,
            names: Vec::new(),
            owed: 0,
            place: Place::Between,
        }
    }

    /// Whether no event is half written.
    pub(crate) fn is_between(&self) -> bool {
        matches!(self.place, Place::Between)
    }

    /// Writes the next token.
    pub(crate) fn put(&mut self, token: &Token, out: &mut BytesMut) -> Result<Written, Gone> {
        match (&mut self.place, token) {
            (Place::Between, Token::Array(elements @ 3..=4)) => {
                self.missing = *elements;
                self.place = Place::Names;
                return Ok(Written::Partly);
            }
            (Place::Between, _) | (_, Token::Array(_) | Token::Error(_) | Token::Null) => {
                return Err(Gone);
            }
            (_, Token::Part(part)) => {
                self.owed = self.owed.checked_sub(part.len()).ok_or(Gone)?;
                match &mut self.place {
                    Place::Names => self.names.last_mut().ok_or(Gone)?.extend_from_slice(part),
                    Place::Payload(payload) => payload.put(part, out),
                    Place::Skipping(bytes) => *bytes += part.len() as u64,
                    Place::Between => {}
                }
            }
            // Of a confirmation: the number of subscriptions.
            (Place::Names, Token::Integer(count)) if self.missing == 1 => {
                self.confirm(*count, out);
                self.end();
                return Ok(Written::Confirmed);
            }
            (_, Token::Integer(_) | Token::Status(_)) => return Err(Gone),
            (_, Token::Bulk(length)) => {
                self.missing = self.missing.checked_sub(1).ok_or(Gone)?;
                self.owed = *length;
                match &mut self.place {
                    Place::Names if self.missing == 0 => self.begin_payload(*length, out),
                    Place::Names if *length > MAX_NAME => self.place = Place::Skipping(0),
                    Place::Names => self.names.push(BytesMut::new()),
                    Place::Between | Place::Payload(_) | Place::Skipping(_) => {}
                }
            }
        }
        if self.owed > 0 || self.missing > 0 {
            return Ok(Written::Partly);
        }
        let written = match &mut self.place {
            Place::Payload(payload) => {
                payload.end(out);
                out.put_slice(b"\n\n");
                Written::Message
            }
            Place::Skipping(bytes) => Written::LeftOut(*bytes),
            Place::Between | Place::Names => return Err(Gone),
        };
        self.end();
        Ok(written)
    }

    fn end(&mut self) {
        self.names.clear();
        self.place = Place::Between;
    }

    /// The channel and, if the message came by one, the pattern.
    fn channel_and_pattern(&self) -> (&[u8], Option<&[u8]>) {
        match &self.names[..] {
            [_, pattern, channel] => (channel, Some(pattern)),
            names => (names.last().map_or(&[], |name| &name[..]), None),
        }
    }

    fn confirm(&self, count: i64, out: &mut BytesMut) {
        let (name, _) = self.channel_and_pattern();
        if self.format == Format::Upstash {
            out.put_slice(b"data: ");
            put_line(&self.names[0], out);
            out.put_u8(b',');
            put_line(name, out);
            write!(out, ",{count}\n\n").expect("it grows");
            return;
        }
        let by_pattern = self.names[0].starts_with(b"p");
        let field = if by_pattern { "pattern" } else { "channel" };
        write!(out, "event: subscribed\ndata: {{\"{field}\":").expect("it grows");
        put_name(name, out);
        out.put_slice(b"}\n\n");
    }

    fn begin_payload(&mut self, length: usize, out: &mut BytesMut) {
        self.count += 1;
        let (channel, pattern) = self.channel_and_pattern();
        if self.format != Format::Upstash {
            write!(out, "event: message\nid: {}\ndata: ", self.count).expect("it grows");
        }
        let payload = match self.format {
            Format::Lines(encoding) => {
                if pattern.is_some() {
                    put_line(channel, out);
                    out.put_slice(b"\ndata: ");
                }
                match encoding {
                    Encoding::Text => Payload::Lines(false),
                    Encoding::Base64 => Payload::Parts(Parts::new(encoding), ""),
                }
            }
            Format::Json(encoding) => {
                out.put_slice(b"{\"channel\":");
                put_name(channel, out);
                out.put_slice(b",\"pattern\":");
                match pattern {
                    Some(pattern) => put_name(pattern, out),
                    None => out.put_slice(b"null"),
                }
                out.put_slice(b",\"payload\":");
                if encoding == Encoding::Text && length <= MAX_TEXT {
                    Payload::Held(Vec::with_capacity(length))
                } else {
                    out.put_slice(b"{\"base64\":\"");
                    Payload::Parts(Parts::new(Encoding::Base64), "\"}}")
                }
            }
            Format::Upstash => {
                out.put_slice(b"data: ");
                put_line(&self.names[0], out);
                for name in &self.names[1..] {
                    out.put_u8(b',');
                    put_line(name, out);
                }
                out.put_u8(b',');
                Payload::Lines(false)
            }
        };
        self.place = Place::Payload(payload);
    }
}

impl Payload {
    fn put(&mut self, part: &[u8], out: &mut BytesMut) {
        match self {
            Payload::Lines(after_return) => {
                for byte in part {
                    match byte {
                        // It ends a line together with the byte before.
                        b'\n' if *after_return => {}
                        b'\n' | b'\r' => out.put_slice(b"\ndata: "),
                        byte => out.put_u8(*byte),
                    }
                    *after_return = *byte == b'\r';
                }
            }
            Payload::Parts(parts, _) => parts.put(part, out),
            Payload::Held(held) => held.extend_from_slice(part),
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        match self {
            Payload::Lines(_) => {}
            Payload::Parts(parts, behind) => {
                parts.end(out);
                out.put_slice(behind.as_bytes());
            }
            Payload::Held(held) => {
                put_name(held, out);
                out.put_u8(b'}');
            }
        }
    }
}

/// Appends a JSON string, or what stands for one that is not UTF-8.
fn put_name(name: &[u8], out: &mut BytesMut) {
    match str::from_utf8(name) {
        Ok(text) => {
            out.put_u8(b'"');
            put_text(text, out);
            out.put_u8(b'"');
        }
        Err(_) => write!(out, "{{\"base64\":\"{}\"}}", STANDARD.encode(name)).expect("it grows"),
    }
}

/// Appends a name that must not end its line: control characters and `%` as `%0A`.
fn put_line(name: &[u8], out: &mut BytesMut) {
    for byte in name {
        if byte.is_ascii_control() || *byte == b'%' {
            write!(out, "%{byte:02X}").expect("it grows");
        } else {
            out.put_u8(*byte);
        }
    }
}
