//! Decodes and encodes RESP2 and RESP3 replies, for the comparisons that look inside them.
//!
//! Every frame that [`decode`] accepts is encoded back to the same bytes.

/// One reply or push. `tag` is its first byte on the wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Frame {
    /// One line: `+ - : _ , # (`.
    Line { tag: u8, text: Vec<u8> },
    /// A length and as many bytes: `$ = !`.
    Blob { tag: u8, bytes: Vec<u8> },
    /// A count and as many frames: `* ~ > % |`. A map's keys and values alternate.
    Aggregate { tag: u8, items: Vec<Frame> },
    /// RESP2's `$-1` and `*-1`.
    Null { tag: u8 },
}

/// All frames of `bytes`; an incomplete or malformed one is an error.
pub fn decode(mut bytes: &[u8]) -> Result<Vec<Frame>, String> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        frames.push(one(&mut bytes)?);
    }
    Ok(frames)
}

fn one(bytes: &mut &[u8]) -> Result<Frame, String> {
    let line = line(bytes)?;
    let (&tag, text) = line
        .split_first()
        .ok_or("an empty line where a frame should begin")?;
    match tag {
        b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => Ok(Frame::Line {
            tag,
            text: text.to_vec(),
        }),
        b'$' | b'*' if text == b"-1" => Ok(Frame::Null { tag }),
        b'$' | b'=' | b'!' => {
            let length = length(text)?;
            if bytes.len() < length + 2 || &bytes[length..length + 2] != b"\r\n" {
                return Err(format!(
                    "{length} bytes and CR LF should follow ${}",
                    text.escape_ascii()
                ));
            }
            let blob = bytes[..length].to_vec();
            *bytes = &bytes[length + 2..];
            Ok(Frame::Blob { tag, bytes: blob })
        }
        b'*' | b'~' | b'>' | b'%' | b'|' => {
            let count = length(text)? * if pairs(tag) { 2 } else { 1 };
            let items = (0..count).map(|_| one(bytes)).collect::<Result<_, _>>()?;
            Ok(Frame::Aggregate { tag, items })
        }
        _ => Err(format!("no frame begins with {}", line.escape_ascii())),
    }
}

fn pairs(tag: u8) -> bool {
    matches!(tag, b'%' | b'|')
}

fn length(text: &[u8]) -> Result<usize, String> {
    let digits = std::str::from_utf8(text)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| format!("{} is no length", text.escape_ascii()))
}

fn line<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let end = bytes
        .windows(2)
        .position(|pair| pair == b"\r\n")
        .ok_or("a line without CR LF")?;
    let line = &bytes[..end];
    *bytes = &bytes[end + 2..];
    Ok(line)
}

impl Frame {
    /// A string frame's bytes.
    pub fn string(&self) -> Option<&[u8]> {
        match self {
            Frame::Blob { bytes, .. } => Some(bytes),
            Frame::Line { tag: b'+', text } => Some(text),
            _ => None,
        }
    }

    /// Appends the wire form to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut header = |tag: u8, text: &[u8]| {
            out.push(tag);
            out.extend_from_slice(text);
            out.extend_from_slice(b"\r\n");
        };
        match self {
            Frame::Line { tag, text } => header(*tag, text),
            Frame::Null { tag } => header(*tag, b"-1"),
            Frame::Blob { tag, bytes } => {
                header(*tag, bytes.len().to_string().as_bytes());
                out.extend_from_slice(bytes);
                out.extend_from_slice(b"\r\n");
            }
            Frame::Aggregate { tag, items } => {
                let count = items.len() / if pairs(*tag) { 2 } else { 1 };
                header(*tag, count.to_string().as_bytes());
                items.iter().for_each(|item| item.encode(out));
            }
        }
    }
}

#[test]
fn every_kind_of_frame_is_encoded_as_it_was_decoded() {
    let wire: &[u8] = b"+OK\r\n-ERR no\r\n:-7\r\n$0\r\n\r\n$4\r\n\r\n\0\xff\r\n$-1\r\n*-1\r\n*2\r\n:1\r\n*0\r\n_\r\n,1.5\r\n#t\r\n\
        (123456789012345678901234567890\r\n=7\r\ntxt:abc\r\n!3\r\nERR\r\n%1\r\n+key\r\n~1\r\n+a\r\n>3\r\n$7\r\nmessage\r\n\
        $1\r\na\r\n$1\r\nb\r\n";
    let mut back = Vec::new();
    decode(wire)
        .expect("frames")
        .iter()
        .for_each(|frame| frame.encode(&mut back));
    assert_eq!(
        back.escape_ascii().to_string(),
        wire.escape_ascii().to_string()
    );
}

#[test]
fn half_a_frame_is_no_frame() {
    for wire in [
        "+OK",
        "$3\r\nab\r\n",
        "*2\r\n:1\r\n",
        "%1\r\n+key\r\n",
        "PONG\r\n",
        "*x\r\n",
    ] {
        assert!(decode(wire.as_bytes()).is_err(), "{wire:?}");
    }
}
