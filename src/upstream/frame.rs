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
//! A frame is parsed from its beginning whenever more bytes have arrived. That is cheap, because a
//! frame has few elements, and a bulk string costs the same however long it is. Attributes, and
//! strings and lists without a length, are refused: no hub sends them here.

/// A bulk string of more bytes than a hub can send by default is refused, and so is a line that is
/// longer than any reply.
const MOST_BYTES: usize = 1 << 30;
const MOST_LINE: usize = 64 * 1024;
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

/// Parses the frame at the start of the buffer. `None` if it has not arrived as a whole.
pub(crate) fn parse(buffer: &[u8]) -> Result<Option<Parsed<'_>>, NotAFrame> {
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
        let Some(line) = self.line()? else {
            return Ok(None);
        };
        let (&marker, text) = line.split_first().ok_or(NotAFrame)?;
        Ok(Some(match marker {
            b'+' => Frame::Status(text),
            b'-' => Frame::Error(text),
            b':' => Frame::Integer(number(text)?),
            b'$' | b'=' | b'!' if text != b"-1" => {
                let length = length(text, MOST_BYTES)?;
                let Some(bytes) = self.bulk(length)? else {
                    return Ok(None);
                };
                match marker {
                    b'!' => Frame::Error(bytes),
                    // A verbatim string begins with its format: `txt:`.
                    b'=' => Frame::Bulk(bytes.get(4..).ok_or(NotAFrame)?),
                    _ => Frame::Bulk(bytes),
                }
            }
            b'*' | b'~' | b'>' | b'%' if text != b"-1" => {
                let each = if marker == b'%' { 2 } else { 1 };
                let count = length(text, MOST_ELEMENTS)? * each;
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
                if marker == b'>' {
                    Frame::Push(elements)
                } else {
                    Frame::List(elements)
                }
            }
            b'$' | b'*' | b'_' | b',' | b'#' | b'(' => Frame::Other,
            _ => return Err(NotAFrame),
        }))
    }

    /// The next line, without its end.
    fn line(&mut self) -> Result<Option<&'a [u8]>, NotAFrame> {
        let rest = &self.buffer[self.at..];
        let searched = &rest[..rest.len().min(MOST_LINE)];
        let Some(end) = searched.iter().position(|&byte| byte == b'\n') else {
            return if rest.len() < MOST_LINE {
                Ok(None)
            } else {
                Err(NotAFrame)
            };
        };
        self.at += end + 1;
        rest[..end].strip_suffix(b"\r").map(Some).ok_or(NotAFrame)
    }

    /// So many bytes and the line break behind them.
    fn bulk(&mut self, length: usize) -> Result<Option<&'a [u8]>, NotAFrame> {
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

fn number(text: &[u8]) -> Result<i64, NotAFrame> {
    let text = str::from_utf8(text).map_err(|_| NotAFrame)?;
    text.parse().map_err(|_| NotAFrame)
}

fn length(text: &[u8], most: usize) -> Result<usize, NotAFrame> {
    let length = usize::try_from(number(text)?).map_err(|_| NotAFrame)?;
    if length > most {
        return Err(NotAFrame);
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
                prop_assert!((1..=bytes.len()).contains(&parsed.length));
                prop_assert_eq!(parse(&bytes[..parsed.length - 1]), Ok(None));
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
            for cut in 0..length {
                assert_eq!(
                    parse(&rest[..cut]),
                    Ok(None),
                    "{cut} of {length} bytes at {at}"
                );
            }
            at += length;
        }
        assert_eq!(at, stream.len());
    }

    #[test]
    fn pushes_in_the_middle_of_a_reply_come_out_beside_it() {
        let parsed = parse(b"*2\r\n>1\r\n+a\r\n:1\r\n>1\r\n+b\r\n:2\r\n")
            .unwrap()
            .unwrap();
        let push = |text| Frame::Push(vec![Frame::Status(text)]);
        assert_eq!(parsed.pushes, [push(b"a"), push(b"b")]);
        let numbers = vec![Frame::Integer(1), Frame::Integer(2)];
        assert_eq!(parsed.frame, Frame::List(numbers));
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let nested = b"*1\r\n".repeat(MOST_DEPTH + 1);
        let long = vec![b'+'; MOST_LINE];
        for bytes in [
            &b"\r\n"[..],
            b"+OK\n",
            b"hello\r\n",
            b"$x\r\n",
            b"$-2\r\n",
            b"$1073741825\r\n",
            b"*99999999\r\n",
            b"*?\r\n",
            b"|1\r\n",
            b":\r\n",
            b"$1\r\nabc",
            b"=1\r\na\r\n",
            &nested,
            &long,
        ] {
            assert_eq!(parse(bytes), Err(NotAFrame), "{}", bytes.escape_ascii());
        }
    }
}
