//! Bytes to send and bytes to expect.

/// A request as client libraries send it: an array of bulk strings.
pub fn request<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend(bulk(word.as_ref()));
    }
    out
}

/// A bulk string.
pub fn bulk(data: &[u8]) -> Vec<u8> {
    let mut out = format!("${}\r\n", data.len()).into_bytes();
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
    out
}

/// Frames written with a space for every line break: `>3 $9 subscribe $1 a :1`. An empty bulk string
/// is a `$0` with two spaces after it.
pub fn lines(notation: &str) -> Vec<u8> {
    format!("{notation} ").replace(' ', "\r\n").into_bytes()
}

/// What a RESP2 connection is sent where a RESP3 connection is sent the frames `resp3`: maps, sets and
/// pushes are arrays, verbatim strings and doubles are bulk strings, and null is `$-1`.
pub fn downgrade(resp3: &[u8]) -> Vec<u8> {
    in_protocol(2, resp3)
}

/// What a connection of this protocol is sent for `frames`, which are RESP3's ([`downgrade`]) but for
/// one of RESP2: `*-1`, a null that stands for an array, which RESP3 does not tell from other nulls.
pub fn in_protocol(protocol: u8, mut frames: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(frames.len());
    while !frames.is_empty() {
        let line = frames.windows(2).position(|pair| pair == b"\r\n");
        let (line, rest) = frames.split_at(line.expect("a whole line") + 2);
        frames = rest;
        let number = || -> usize {
            let digits = std::str::from_utf8(&line[1..line.len() - 2]).expect("digits");
            digits.parse().expect("a number")
        };
        let mut body: &[u8] = b"";
        if let b'$' | b'=' = line[0] {
            (body, frames) = frames.split_at(number() + 2);
        }
        match (line[0], protocol) {
            (b'*', 3) if line == b"*-1\r\n" => out.extend_from_slice(b"_\r\n"),
            (b'_', 2) => out.extend_from_slice(b"$-1\r\n"),
            (b'>' | b'~', 2) => out.extend_from_slice(&[b"*", &line[1..]].concat()),
            (b'%', 2) => out.extend_from_slice(format!("*{}\r\n", number() * 2).as_bytes()),
            (b',', 2) => out.extend(bulk(&line[1..line.len() - 2])),
            (b'=', 2) => {
                let text = body.strip_prefix(b"txt:").expect("a text");
                out.extend(bulk(&text[..text.len() - 2]));
            }
            _ => out.extend_from_slice(&[line, body].concat()),
        }
    }
    out
}
