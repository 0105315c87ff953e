//! Reads RESP2 replies, piece by piece: what a client of the server gets.
//!
//! Layer `resp`, the lowest. It uses no other layer.
//!
//! A long string comes in parts, as they arrive, so that nobody needs to hold it as a whole.
//!
//! ```text
//!   *2\r\n$3\r\nabc\r\n:7\r\n    Array(2)  Bulk(3)  Part("abc")  Integer(7)
//! ```
//!
//! The server itself has written the bytes ([`encode`](super::encode)). Anything else is
//! [`Malformed`], and never a panic.

use bytes::{Buf, Bytes, BytesMut};

/// The longest line of a reply. The longest ones are errors that quote what a client has sent.
const MAX_LINE: usize = 1024 * 1024;

/// A piece of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A status, without its `+`.
    Status(Bytes),
    /// An error, without its `-`.
    Error(Bytes),
    /// An integer.
    Integer(i64),
    /// A null, of either kind.
    Null,
    /// An array of so many replies, which follow.
    Array(usize),
    /// A string of so many bytes. They follow in [`Part`](Token::Part)s, if there are any.
    Bulk(usize),
    /// Some of the bytes of a string.
    Part(Bytes),
}

/// The bytes are not a reply in RESP2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads tokens.
#[derive(Debug, Default)]
pub(crate) struct TokenReader {
    /// Bytes of the current string that have not come yet.
    owed: usize,
    /// Bytes of the line break after it.
    line_break: usize,
}

impl TokenReader {
    /// Takes the next token out of `input`; `None`: more input is needed.
    ///
    /// # Errors
    /// The input is not a reply.
    pub(crate) fn next(&mut self, input: &mut BytesMut) -> Result<Option<Token>, Malformed> {
        if self.owed > 0 {
            if input.is_empty() {
                return Ok(None);
            }
            let part = input.split_to(input.len().min(self.owed)).freeze();
            self.owed -= part.len();
            return Ok(Some(Token::Part(part)));
        }
        let skipped = self.line_break.min(input.len());
        input.advance(skipped);
        self.line_break -= skipped;
        let Some(end) = input.windows(2).position(|pair| pair == b"\r\n") else {
            return if input.len() > MAX_LINE {
                Err(Malformed)
            } else {
                Ok(None)
            };
        };
        let mut line = input.split_to(end + 2).freeze();
        line.truncate(end);
        if line.is_empty() {
            return Err(Malformed);
        }
        let marker = line.split_to(1)[0];
        let token = match marker {
            b'+' => Token::Status(line),
            b'-' => Token::Error(line),
            b':' => Token::Integer(number(&line)?),
            b'*' | b'$' => match (marker, number(&line)?) {
                (_, -1) => Token::Null,
                (b'*', length) => Token::Array(usize::try_from(length).map_err(|_| Malformed)?),
                (_, length) => {
                    self.owed = usize::try_from(length).map_err(|_| Malformed)?;
                    self.line_break = 2;
                    Token::Bulk(self.owed)
                }
            },
            _ => return Err(Malformed),
        };
        Ok(Some(token))
    }
}

fn number(digits: &[u8]) -> Result<i64, Malformed> {
    let text = str::from_utf8(digits).map_err(|_| Malformed)?;
    text.parse().map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All tokens of a stream that comes in pieces of this size. The parts of a string are joined.
    fn tokens(stream: &[u8], piece: usize) -> Result<Vec<Token>, Malformed> {
        let (mut reader, mut input) = (TokenReader::default(), BytesMut::new());
        let mut found: Vec<Token> = Vec::new();
        for piece in stream.chunks(piece) {
            input.extend_from_slice(piece);
            while let Some(token) = reader.next(&mut input)? {
                match (found.last_mut(), token) {
                    (Some(Token::Part(before)), Token::Part(part)) => {
                        *before = [&before[..], &part].concat().into();
                    }
                    (_, token) => found.push(token),
                }
            }
        }
        Ok(found)
    }

    #[test]
    fn replies_are_read_however_they_are_cut() {
        let stream =
            b"+OK\r\n*3\r\n$3\r\na\r\n\r\n:-7\r\n*-1\r\n$0\r\n\r\n$-1\r\n-ERR no\r\n*0\r\n";
        let expected = [
            Token::Status("OK".into()),
            Token::Array(3),
            Token::Bulk(3),
            Token::Part("a\r\n".into()),
            Token::Integer(-7),
            Token::Null,
            Token::Bulk(0),
            Token::Null,
            Token::Error("ERR no".into()),
            Token::Array(0),
        ];
        for piece in 1..=stream.len() {
            assert_eq!(tokens(stream, piece).unwrap(), expected, "{piece}");
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for stream in [
            "\r\n", "?\r\n", ":x\r\n", "*-2\r\n", "$-2\r\n", "$9e9\r\n", "_\r\n",
        ] {
            assert_eq!(tokens(stream.as_bytes(), 1), Err(Malformed), "{stream:?}");
        }
        assert_eq!(tokens(&vec![b'+'; MAX_LINE + 2], MAX_LINE), Err(Malformed));
    }
}
