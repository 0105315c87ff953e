//! Writes replies as JSON, piece by piece, in the form of Upstash's REST interface.
//!
//! Layer `http`.
//!
//! ```text
//!   +OK          "OK"                    :5       5
//!   $3 abc       "abc"                   *2 …     [ … ]
//!   $-1, *-1     null                    -ERR x   "ERR x" within an array
//! ```
//!
//! With `Upstash-Encoding: base64` each string is in base64, but for a status by itself that is `OK`.
//! Without it, what is not UTF-8 is replaced by U+FFFD. A string is never held as a whole.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, BytesMut};

use super::link::Gone;
use crate::resp::tokens::Token;

/// Arrays in arrays, at most. No command nests that deep.
const MAX_DEPTH: usize = 64;

/// How strings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As JSON's strings.
    Text,
    /// As base64 in JSON's strings.
    Base64,
}

/// Appends JSON's escapes of a text.
pub(crate) fn put_text(text: &str, out: &mut BytesMut) {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte != b'"' && byte != b'\\' && byte >= 0x20 {
            continue;
        }
        out.put_slice(&text.as_bytes()[plain..at]);
        plain = at + 1;
        match byte {
            b'"' | b'\\' => out.put_slice(&[b'\\', byte]),
            b'\n' => out.put_slice(b"\\n"),
            b'\r' => out.put_slice(b"\\r"),
            b'\t' => out.put_slice(b"\\t"),
            byte => write!(out, "\\u{byte:04x}").expect("it grows"),
        }
    }
    out.put_slice(&text.as_bytes()[plain..]);
}

/// A string that comes in parts. What of a part cannot be encoded yet waits for the next.
#[derive(Debug)]
pub(crate) struct Parts {
    encoding: Encoding,
    waiting: Vec<u8>,
}

impl Parts {
    pub(crate) fn new(encoding: Encoding) -> Parts {
        Parts {
            encoding,
            waiting: Vec::new(),
        }
    }

    /// Appends a part.
    pub(crate) fn put(&mut self, part: &[u8], out: &mut BytesMut) {
        let joined = [&std::mem::take(&mut self.waiting), part].concat();
        let waiting = match self.encoding {
            Encoding::Base64 => {
                let whole = joined.len() - joined.len() % 3;
                out.put_slice(STANDARD.encode(&joined[..whole]).as_bytes());
                whole
            }
            Encoding::Text => {
                let mut done = 0;
                for chunk in joined.utf8_chunks() {
                    put_text(chunk.valid(), out);
                    done += chunk.valid().len();
                    let invalid = chunk.invalid();
                    // At the end it may be the start of a letter.
                    if done + invalid.len() == joined.len() && invalid.len() < 4 {
                        let error = str::from_utf8(invalid).err();
                        if error.is_some_and(|error| error.error_len().is_none()) {
                            break;
                        }
                    }
                    if !invalid.is_empty() {
                        put_text("\u{fffd}", out);
                    }
                    done += invalid.len();
                }
                done
            }
        };
        self.waiting.extend_from_slice(&joined[waiting..]);
    }

    /// Appends what is left.
    pub(crate) fn end(&mut self, out: &mut BytesMut) {
        let waiting = std::mem::take(&mut self.waiting);
        match self.encoding {
            Encoding::Base64 => out.put_slice(STANDARD.encode(waiting).as_bytes()),
            Encoding::Text if waiting.is_empty() => {}
            Encoding::Text => put_text("\u{fffd}", out),
        }
    }
}

/// Writes one reply.
#[derive(Debug)]
pub(crate) struct ReplyJson {
    encoding: Encoding,
    /// Replies that are missing in each array around the next one.
    open: Vec<usize>,
    /// The string that is being written, and how many of its bytes are missing.
    string: Option<(Parts, usize)>,
    /// Whether the reply's own elements are replies of a transaction: `{"result":…}` each.
    of_exec: bool,
}

impl ReplyJson {
    /// `of_exec`: the reply is EXEC's.
    pub(crate) fn new(encoding: Encoding, of_exec: bool) -> ReplyJson {
        ReplyJson {
            encoding,
            open: Vec::new(),
            string: None,
            of_exec,
        }
    }

    /// Writes the next token. Returns whether the reply is complete.
    pub(crate) fn put(&mut self, token: &Token, out: &mut BytesMut) -> Result<bool, Gone> {
        if let Token::Part(part) = token {
            let (parts, missing) = self.string.as_mut().ok_or(Gone)?;
            parts.put(part, out);
            *missing = missing.checked_sub(part.len()).ok_or(Gone)?;
            if *missing > 0 {
                return Ok(false);
            }
            parts.end(out);
            out.put_u8(b'"');
            self.string = None;
            return Ok(self.close(out));
        }
        self.begin_item(token, out);
        match token {
            Token::Status(text) if self.is_alone() && &text[..] == b"OK" => {
                out.put_slice(b"\"OK\"");
            }
            // An error within a transaction is text, as a reply's own error is.
            Token::Error(text) if self.is_item() => whole(Encoding::Text, text, out),
            Token::Status(text) | Token::Error(text) => whole(self.encoding, text, out),
            Token::Integer(number) => write!(out, "{number}").expect("it grows"),
            Token::Null => out.put_slice(b"null"),
            Token::Bulk(0) => out.put_slice(b"\"\""),
            Token::Bulk(length) => {
                out.put_u8(b'"');
                self.string = Some((Parts::new(self.encoding), *length));
                return Ok(false);
            }
            Token::Array(0) => out.put_slice(b"[]"),
            Token::Array(_) if self.open.len() == MAX_DEPTH => return Err(Gone),
            Token::Array(length) => {
                out.put_u8(b'[');
                self.open.push(*length);
                return Ok(false);
            }
            Token::Part(_) => return Err(Gone),
        }
        Ok(self.close(out))
    }

    /// Whether the next reply stands by itself: as the reply, or as one of a transaction.
    fn is_alone(&self) -> bool {
        self.open.is_empty() || self.is_item()
    }

    /// Whether the next reply is one of a transaction.
    fn is_item(&self) -> bool {
        self.of_exec && self.open.len() == 1
    }

    fn begin_item(&self, token: &Token, out: &mut BytesMut) {
        if self.is_item() {
            out.put_slice(match token {
                Token::Error(_) => b"{\"error\":",
                _ => b"{\"result\":",
            });
        }
    }

    /// A value is complete, and with it perhaps the arrays around it.
    fn close(&mut self, out: &mut BytesMut) -> bool {
        loop {
            if self.is_item() {
                out.put_u8(b'}');
            }
            let Some(missing) = self.open.last_mut() else {
                return true;
            };
            *missing -= 1;
            if *missing > 0 {
                out.put_u8(b',');
                return false;
            }
            out.put_u8(b']');
            self.open.pop();
        }
    }
}

/// Writes a string that is there as a whole.
pub(crate) fn whole(encoding: Encoding, text: &[u8], out: &mut BytesMut) {
    let mut parts = Parts::new(encoding);
    out.put_u8(b'"');
    parts.put(text, out);
    parts.end(out);
    out.put_u8(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::resp::tokens::TokenReader;

    fn json(stream: &[u8], piece: usize, encoding: Encoding, of_exec: bool) -> String {
        let (mut reader, mut writer) = (TokenReader::default(), ReplyJson::new(encoding, of_exec));
        let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
        let mut ended = false;
        for piece in stream.chunks(piece) {
            input.extend_from_slice(piece);
            while let Some(token) = reader.next(&mut input).unwrap() {
                assert!(!ended, "there is more than one reply");
                ended = writer.put(&token, &mut out).unwrap();
            }
        }
        assert!(ended, "the reply is not complete");
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn replies_have_one_form_however_they_are_cut() {
        let nested = b"*5\r\n$4\r\na\"\n\x01\r\n:-7\r\n*2\r\n$-1\r\n*0\r\n+OK\r\n-ERR no\r\n";
        let text = r#"["a\"\n\u0001",-7,[null,[]],"OK","ERR no"]"#;
        let exec = r#"[{"result":"YSIKAQ=="},{"result":-7},{"result":[null,[]]},{"result":"OK"},{"error":"ERR no"}]"#;
        for piece in 1..=nested.len() {
            assert_eq!(json(nested, piece, Encoding::Text, false), text);
            assert_eq!(json(nested, piece, Encoding::Base64, true), exec);
        }
        for (stream, plain, encoded) in [
            ("+OK\r\n", "\"OK\"", "\"OK\""),
            ("+PONG\r\n", "\"PONG\"", "\"UE9ORw==\""),
            ("$2\r\nOK\r\n", "\"OK\"", "\"T0s=\""),
            ("$0\r\n\r\n", "\"\"", "\"\""),
            ("*-1\r\n", "null", "null"),
            ("*1\r\n+OK\r\n", "[\"OK\"]", "[\"T0s=\"]"),
        ] {
            assert_eq!(json(stream.as_bytes(), 1, Encoding::Text, false), plain);
            assert_eq!(json(stream.as_bytes(), 1, Encoding::Base64, false), encoded);
        }
    }

    proptest! {
        #[test]
        fn strings_survive_in_any_parts(bytes: Vec<u8>, text: String, piece in 1_usize..9) {
            for string in [&bytes[..], text.as_bytes()] {
                for encoding in [Encoding::Text, Encoding::Base64] {
                    let (mut parts, mut out) = (Parts::new(encoding), BytesMut::from("\""));
                    for part in string.chunks(piece) {
                        parts.put(part, &mut out);
                    }
                    parts.end(&mut out);
                    out.put_u8(b'"');
                    let read: String = serde_json::from_slice(&out).unwrap();
                    if encoding == Encoding::Base64 {
                        prop_assert_eq!(STANDARD.decode(read).unwrap(), string);
                    } else {
                        prop_assert_eq!(read, String::from_utf8_lossy(string));
                    }
                }
            }
        }
    }
}
