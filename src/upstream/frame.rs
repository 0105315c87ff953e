//! Parses what the hub sends: replies and pushes in RESP3, borrowed from the buffer.
//!
//! Layer `upstream`. It may use `resp`.
//!
//! Pushes and replies come out in the order of the stream. That is why the connection has a parser of
//! its own instead of a client library: libraries hand pushes and replies to different receivers,
//! and the place of a reply between two messages is lost.
//!
//! Redis before 7.2 sends the messages that an EXEC causes to its own client in the middle of EXEC's
//! reply. They come out beside it: [`Parsed::pushes`].
//!
//! Most frames arrive as a whole, and are parsed at once. Of one that does not, only the end is looked
//! for ([`Extent`]), from where the last look has stopped: the work is linear in its bytes, however
//! it is cut.

use crate::resp::head::{Head, Malformed, head};

/// A bulk string of more bytes than a hub can send by default is refused.
const MOST_BYTES: usize = 1 << 30;
/// A list of more elements is refused.
const MOST_ELEMENTS: usize = 4 * 1024 * 1024;
/// Lists in lists: EXEC's reply, and HELLO's modules.
const MOST_DEPTH: usize = 5;

/// A reply or a push.
#[derive(Debug, PartialEq)]
pub(crate) enum Frame<'a> {
    /// `+OK`
    Status(&'a [u8]),
    /// `-ERR …`, without the `-`.
    Error(&'a [u8]),
    /// `:1`
    Integer(i64),
    /// A bulk string.
    Bulk(&'a [u8]),
    /// A null, a double, a boolean or a big number, which nothing here looks at.
    Other,
    /// An array, a set, or the keys and values of a map.
    List(Vec<Frame<'a>>),
    /// A push.
    Push(Vec<Frame<'a>>),
}

impl Frame<'_> {
    /// What it is, for the log. Its bytes are not shown.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Frame::Status(_) => "a status",
            Frame::Error(_) => "an error",
            Frame::Integer(_) => "a number",
            Frame::Bulk(_) => "a string",
            Frame::Other => "a null or a number with a fraction",
            Frame::List(_) => "a list",
            Frame::Push(_) => "a push",
        }
    }
}

/// The hub has sent something that is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it sent something that is no RESP3")]
pub(crate) struct NotAFrame;

impl From<Malformed> for NotAFrame {
    fn from(_: Malformed) -> NotAFrame {
        NotAFrame
    }
}

/// A frame that has arrived as a whole.
#[derive(Debug, PartialEq)]
pub(crate) struct Parsed<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// Pushes that were sent in the middle of it, and belong before it.
    pub pushes: Vec<Frame<'a>>,
    /// Its bytes.
    pub length: usize,
}

/// Reads frames from the start of a buffer.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    /// Of the frame at the start, if it was not there as a whole the last time.
    extent: Option<Extent>,
}

impl FrameReader {
    /// The frame at the start of the buffer. `None` if it has not arrived as a whole; the next call gets
    /// the same bytes and more.
    pub(crate) fn next<'a>(&mut self, buffer: &'a [u8]) -> Result<Option<Parsed<'a>>, NotAFrame> {
        let mut extent = match self.extent.take() {
            Some(extent) => extent,
            None => {
                if let Some(parsed) = parse(buffer)? {
                    return Ok(Some(parsed));
                }
                Extent::default()
            }
        };
        if extent.advance(buffer)? {
            return parse(buffer);
        }
        self.extent = Some(extent);
        Ok(None)
    }
}

/// How far the frame at the start of a buffer reaches, as far as that is known.
#[derive(Debug)]
struct Extent {
    /// Where its next line begins, which may be behind the end of the buffer.
    at: usize,
    /// Elements that are to come.
    owed: usize,
}

impl Default for Extent {
    fn default() -> Extent {
        Extent { at: 0, owed: 1 }
    }
}

impl Extent {
    /// Looks for the end in what has arrived. Returns whether all of the frame has.
    fn advance(&mut self, buffer: &[u8]) -> Result<bool, NotAFrame> {
        while self.owed > 0 {
            let rest = buffer.get(self.at..).unwrap_or_default();
            let Some((head, length)) = head(rest)? else {
                return Ok(false);
            };
            // A push in the middle is none of the elements.
            if self.at == 0 || !matches!(head, Head::Push(_)) {
                self.owed -= 1;
            }
            self.at += length;
            match head {
                Head::Bulk(length) | Head::Verbatim(length) | Head::BulkError(length) => {
                    self.at += within(length, MOST_BYTES)? + 2;
                }
                Head::Array(count) | Head::Push(count) => {
                    self.owed = self.owed.saturating_add(within(count, MOST_ELEMENTS)?);
                }
                _ => {}
            }
        }
        Ok(self.at <= buffer.len())
    }
}

/// Parses the frame at the start of the buffer. `None` if it has not arrived as a whole.
fn parse(buffer: &[u8]) -> Result<Option<Parsed<'_>>, NotAFrame> {
    let mut parser = Parser {
        buffer,
        at: 0,
        pushes: Vec::new(),
    };
    let frame = parser.frame(0)?;
    Ok(frame.map(|frame| Parsed {
        frame,
        pushes: parser.pushes,
        length: parser.at,
    }))
}

struct Parser<'a> {
    buffer: &'a [u8],
    at: usize,
    pushes: Vec<Frame<'a>>,
}

impl<'a> Parser<'a> {
    fn frame(&mut self, depth: usize) -> Result<Option<Frame<'a>>, NotAFrame> {
        let Some((head, length)) = head(&self.buffer[self.at..])? else {
            return Ok(None);
        };
        self.at += length;
        Ok(match head {
            Head::Status(text) => Some(Frame::Status(text)),
            Head::Error(text) => Some(Frame::Error(text)),
            Head::Integer(number) => Some(Frame::Integer(number)),
            Head::Null | Head::Other => Some(Frame::Other),
            Head::Bulk(length) => self.bulk(length)?.map(Frame::Bulk),
            Head::BulkError(length) => self.bulk(length)?.map(Frame::Error),
            Head::Verbatim(length) => {
                let Some(bytes) = self.bulk(length)? else {
                    return Ok(None);
                };
                Some(Frame::Bulk(bytes.get(4..).ok_or(NotAFrame)?))
            }
            Head::Array(count) => self.elements(count, depth)?.map(Frame::List),
            Head::Push(count) => self.elements(count, depth)?.map(Frame::Push),
        })
    }

    fn elements(
        &mut self,
        count: usize,
        depth: usize,
    ) -> Result<Option<Vec<Frame<'a>>>, NotAFrame> {
        let count = within(count, MOST_ELEMENTS)?;
        if depth >= MOST_DEPTH {
            return Err(NotAFrame);
        }
        // Each element takes at least three bytes.
        let possible = (self.buffer.len() - self.at) / 3;
        let mut elements = Vec::with_capacity(count.min(possible));
        while elements.len() < count {
            let Some(element) = self.frame(depth + 1)? else {
                return Ok(None);
            };
            match element {
                push @ Frame::Push(_) => self.pushes.push(push),
                element => elements.push(element),
            }
        }
        Ok(Some(elements))
    }

    /// So many bytes and the line break behind them.
    fn bulk(&mut self, length: usize) -> Result<Option<&'a [u8]>, NotAFrame> {
        let length = within(length, MOST_BYTES)?;
        let rest = &self.buffer[self.at..];
        let (Some(bytes), Some(end)) = (rest.get(..length), rest.get(length..length + 2)) else {
            return Ok(None);
        };
        if end != b"\r\n" {
            return Err(NotAFrame);
        }
        self.at += length + 2;
        Ok(Some(bytes))
    }
}

fn within(length: usize, most: usize) -> Result<usize, NotAFrame> {
    if length > most {
        return Err(NotAFrame);
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reader finds once the last of these bytes has come, one after the other. It finds nothing
    /// before.
    fn one_by_one(bytes: &[u8]) -> Result<Option<Parsed<'_>>, NotAFrame> {
        let mut reader = FrameReader::default();
        for length in 0..bytes.len() {
            assert_eq!(reader.next(&bytes[..length])?, None, "{length}");
        }
        reader.next(bytes)
    }

    proptest! {
        /// Whatever arrives: nothing panics, and a frame is found once all of its bytes are there.
        #[test]
        fn any_bytes_are_a_frame_or_not(
            bytes in proptest::collection::vec(
                prop_oneof![
                    proptest::sample::select(b"+-:$*>%~=!_,#(|12\r\n".to_vec()),
                    any::<u8>(),
                ],
                0..60,
            )
        ) {
            let bytes = String::from_utf8_lossy(&bytes).replace('\n', "\r\n").into_bytes();
            if let Ok(Some(parsed)) = parse(&bytes) {
                let length = parsed.length;
                prop_assert!((1..=bytes.len()).contains(&length));
                prop_assert_eq!(one_by_one(&bytes[..length]), Ok(Some(parsed)));
            }
        }
    }

    #[test]
    fn frames_come_out_whole_wherever_reads_have_split_them() {
        let stream =
            b"+OK\r\n:-7\r\n$3\r\na\r\n\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$0\r\n\r\n-ERR no\r\n\
            %1\r\n+k\r\n*2\r\n_\r\n#t\r\n=5\r\ntxt:v\r\n*-1\r\n$-1\r\n";
        let message: [&[u8]; 3] = [b"message", b"c", b""];
        let expected = [
            Frame::Status(b"OK"),
            Frame::Integer(-7),
            Frame::Bulk(b"a\r\n"),
            Frame::Push(message.map(Frame::Bulk).into()),
            Frame::Error(b"ERR no"),
            Frame::List(vec![
                Frame::Status(b"k"),
                Frame::List(vec![Frame::Other, Frame::Other]),
            ]),
            Frame::Bulk(b"v"),
            Frame::Other,
            Frame::Other,
        ];
        let mut at = 0;
        for frame in expected {
            let rest = &stream[at..];
            let parsed = parse(rest).unwrap().unwrap();
            let length = parsed.length;
            assert_eq!((parsed.frame, parsed.pushes), (frame, Vec::new()));
            assert_eq!(one_by_one(&rest[..length]), parse(rest));
            at += length;
        }
        assert_eq!(at, stream.len());
    }

    #[test]
    fn pushes_in_the_middle_of_a_reply_come_out_beside_it() {
        let stream = b"*2\r\n>1\r\n+a\r\n:1\r\n>1\r\n+b\r\n:2\r\n";
        let parsed = parse(stream).unwrap().unwrap();
        assert_eq!(one_by_one(stream), parse(stream));
        let push = |text| Frame::Push(vec![Frame::Status(text)]);
        assert_eq!(parsed.pushes, [push(b"a"), push(b"b")]);
        let numbers = vec![Frame::Integer(1), Frame::Integer(2)];
        assert_eq!(parsed.frame, Frame::List(numbers));
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let nested = b"*1\r\n".repeat(MOST_DEPTH + 1);
        for bytes in [
            &b"+OK\n"[..],
            b"$1073741825\r\n",
            b"*99999999\r\n",
            b"$1\r\nabc",
            b"=1\r\na\r\n",
            &nested,
        ] {
            assert_eq!(parse(bytes), Err(NotAFrame), "{}", bytes.escape_ascii());
        }
    }
}
