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
/// pushes are arrays, verbatim strings are bulk strings, and null is `$-1`.
pub fn downgrade(mut resp3: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(resp3.len());
    while !resp3.is_empty() {
        let line = resp3.windows(2).position(|pair| pair == b"\r\n");
        let (line, rest) = resp3.split_at(line.expect("a whole line") + 2);
        resp3 = rest;
        let number = || -> usize {
            let digits = std::str::from_utf8(&line[1..line.len() - 2]).expect("digits");
            digits.parse().expect("a number")
        };
        match line[0] {
            b'_' => out.extend_from_slice(b"$-1\r\n"),
            b'>' | b'~' => out.extend_from_slice(&[b"*", &line[1..]].concat()),
            b'%' => out.extend_from_slice(format!("*{}\r\n", number() * 2).as_bytes()),
            b'$' | b'=' => {
                let (body, rest) = resp3.split_at(number() + 2);
                resp3 = rest;
                let body = &body[..body.len() - 2];
                let body = match line[0] {
                    b'=' => body.strip_prefix(b"txt:").expect("a text"),
                    _ => body,
                };
                out.extend(bulk(body));
            }
            _ => out.extend_from_slice(line),
        }
    }
    out
}
