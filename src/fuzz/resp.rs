//! A plain reader of RESP2 and RESP3 replies. It finds where each reply ends, and panics if one is
//! malformed.
//!
//! Layer `fuzz`. It uses no other layer.

/// Returns the first byte of each reply in `bytes`, and the rest after the last complete reply.
///
/// # Panics
/// If `bytes` are not valid RESP.
pub(super) fn replies(mut bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut kinds = Vec::new();
    while let Some(length) = first(bytes) {
        kinds.push(bytes[0]);
        bytes = &bytes[length..];
    }
    (kinds, bytes)
}

/// The length of the first reply, if it is complete.
fn first(bytes: &[u8]) -> Option<usize> {
    // The number of frames still to be read, including those within aggregates.
    let mut open = 1_u64;
    let mut at = 0;
    while open > 0 {
        let length = bytes[at..].windows(2).position(|pair| pair == b"\r\n")?;
        let line = &bytes[at..at + length];
        at += length + 2;
        open -= 1;
        let text = str::from_utf8(line.get(1..).unwrap_or_default());
        let malformed = || -> ! { panic!("not RESP: {}", bytes.escape_ascii()) };
        let number = || -> i64 {
            let number = text.ok().and_then(|text| text.parse().ok());
            number.unwrap_or_else(|| malformed())
        };
        let count = || u64::try_from(number()).unwrap_or_else(|_| malformed());
        match line {
            [b'+', rest @ ..] if !rest.contains(&b'\n') && !rest.contains(&b'\r') => {}
            [b'-', rest @ ..] if !rest.contains(&b'\n') && !rest.contains(&b'\r') => {
                let code = rest.split(|&byte| byte == b' ').next().unwrap_or_default();
                let is_code = !code.is_empty() && code.iter().all(u8::is_ascii_uppercase);
                assert!(is_code, "not an error: {}", line.escape_ascii());
            }
            [b':', ..] => {
                number();
            }
            [b',', ..] if text.is_ok_and(|text| text.parse::<f64>().is_ok()) => {}
            b"_" | b"#t" | b"#f" | b"$-1" | b"*-1" => {}
            [b'$' | b'=', ..] => {
                let end = at + usize::try_from(count()).expect("a length");
                match bytes.get(end..end + 2) {
                    None => return None,
                    Some(b"\r\n") => at = end + 2,
                    Some(_) => malformed(),
                }
            }
            [b'*' | b'~' | b'>', ..] => open += count(),
            [b'%', ..] => open += 2 * count(),
            _ => malformed(),
        }
    }
    Some(at)
}
