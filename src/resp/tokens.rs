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

use super::head::{Head, Malformed, head};

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
        let Some((head, length)) = head(input)? else {
            return Ok(None);
        };
        let token = match head {
            Head::Status(text) => Token::Status(Bytes::copy_from_slice(text)),
            Head::Error(text) => Token::Error(Bytes::copy_from_slice(text)),
            Head::Integer(number) => Token::Integer(number),
            Head::Null => Token::Null,
            Head::Array(count) => Token::Array(count),
            Head::Bulk(length) => {
                self.owed = length;
                self.line_break = 2;
                Token::Bulk(length)
            }
            _ => return Err(Malformed),
        };
        input.advance(length);
        Ok(Some(token))
    }
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
        for stream in ["\r\n", "?\r\n", ":x\r\n", "_\r\n", ">1\r\n", "=5\r\n"] {
            assert_eq!(tokens(stream.as_bytes(), 1), Err(Malformed), "{stream:?}");
        }
    }
}
