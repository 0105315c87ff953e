//! Whether a connection is between MULTI and EXEC, where a barrier would be queued: told by what was sent to it.

/// Whether it is after sending `requests`, complete arrays of bulk strings or inline commands.
pub fn is_open_after(open: bool, mut requests: &[u8]) -> bool {
    let mut open = open;
    while let Some(words) = request(&mut requests) {
        let name = words
            .first()
            .map_or(Vec::new(), |name| name.to_ascii_uppercase());
        match (name.as_slice(), words.len()) {
            (b"MULTI", 1) => open = true,
            // Even an EXEC with a wrong number of arguments ends it.
            (b"EXEC", _) | (b"DISCARD" | b"RESET", 1) => open = false,
            _ => {}
        }
    }
    open
}

/// The next request's words. None at the end, and where the bytes are no complete request.
fn request<'a>(bytes: &mut &'a [u8]) -> Option<Vec<&'a [u8]>> {
    let line = line(bytes)?;
    let Some(count) = line.strip_prefix(b"*") else {
        let words = line.split(u8::is_ascii_whitespace);
        return Some(words.filter(|word| !word.is_empty()).collect());
    };
    (0..number(count)?)
        .map(|_| {
            let length = number(self::line(bytes)?.strip_prefix(b"$")?)?;
            let (word, rest) = bytes.split_at_checked(length)?;
            *bytes = rest.get(2..)?;
            Some(word)
        })
        .collect()
}

fn line<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let line = &bytes[..end];
    *bytes = &bytes[end + 2..];
    Some(line)
}

fn number(text: &[u8]) -> Option<usize> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[test]
fn a_transaction_is_open_until_exec_discard_or_reset() {
    let open = |requests: &str| is_open_after(false, requests.as_bytes());
    assert!(
        open("multi\r\nGET k\r\n")
            && open("*1\r\n$5\r\nMULTI\r\n*2\r\n$7\r\nDISCARD\r\n$1\r\nx\r\n")
    );
    assert!(!open("MULTI x\r\n") && !open("MULTI\r\n*2\r\n$4\r\nexec\r\n$1\r\nx\r\n"));
    assert!(!open("MULTI\r\nRESET\r\n") && open("MULTI\r\nDISCARD\r\n\r\nMULTI\r\n*1"));
}
