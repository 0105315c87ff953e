//! Reads the first line of a reply or a push, in RESP2 or RESP3: what it is, and how long.
//!
//! Layer `resp`, the lowest. It uses no other layer.
//!
//! ```text
//!   $3\r\nabc\r\n    Bulk(3), 4 bytes     the string and the line break after it follow
//!   *2\r\n:1\r\n…    Array(2), 4 bytes    the elements follow
//! ```
//!
//! Attributes, and strings and lists without a length, are [`Malformed`]: nobody asks for them here.

/// The longest line. The longest ones are errors that quote what a client has sent.
const MAX_LINE: usize = 1024 * 1024;

/// What a first line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head<'a> {
    /// A status, without its `+`.
    Status(&'a [u8]),
    /// An error, without its `-`.
    Error(&'a [u8]),
    /// An integer.
    Integer(i64),
    /// A null of RESP2.
    Null,
    /// A null, a double, a boolean or a big number of RESP3.
    Other,
    /// A string of so many bytes.
    Bulk(usize),
    /// A verbatim string of so many bytes, which begins with its format: `txt:`.
    Verbatim(usize),
    /// An error of so many bytes.
    BulkError(usize),
    /// An array or a set of so many elements, or a map of half as many pairs.
    Array(usize),
    /// A push of so many elements.
    Push(usize),
}

/// The bytes are no reply and no push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The first line of `input`, and its length with its end; `None`: it has not come as a whole.
///
/// # Errors
/// It is none.
pub(crate) fn head(input: &[u8]) -> Result<Option<(Head<'_>, usize)>, Malformed> {
    let searched = &input[..input.len().min(MAX_LINE)];
    let Some(end) = searched.iter().position(|&byte| byte == b'\n') else {
        return if searched.len() < MAX_LINE {
            Ok(None)
        } else {
            Err(Malformed)
        };
    };
    let line = input[..end].strip_suffix(b"\r").ok_or(Malformed)?;
    let (&marker, text) = line.split_first().ok_or(Malformed)?;
    let head = match marker {
        b'+' => Head::Status(text),
        b'-' => Head::Error(text),
        b':' => Head::Integer(number(text)?),
        b'$' | b'*' if text == b"-1" => Head::Null,
        b'$' => Head::Bulk(length(text)?),
        b'=' => Head::Verbatim(length(text)?),
        b'!' => Head::BulkError(length(text)?),
        b'*' | b'~' => Head::Array(length(text)?),
        b'%' => Head::Array(length(text)?.checked_mul(2).ok_or(Malformed)?),
        b'>' => Head::Push(length(text)?),
        b'_' | b',' | b'#' | b'(' => Head::Other,
        _ => return Err(Malformed),
    };
    Ok(Some((head, end + 1)))
}

fn number(text: &[u8]) -> Result<i64, Malformed> {
    let text = str::from_utf8(text).map_err(|_| Malformed)?;
    text.parse().map_err(|_| Malformed)
}

fn length(text: &[u8]) -> Result<usize, Malformed> {
    usize::try_from(number(text)?).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_follows() {
        for (input, expected) in [
            ("+OK\r\n", Head::Status(b"OK")),
            ("-ERR no\r\n", Head::Error(b"ERR no")),
            (":-7\r\n", Head::Integer(-7)),
            ("$-1\r\n", Head::Null),
            ("*-1\r\n", Head::Null),
            ("$3\r\n", Head::Bulk(3)),
            ("=5\r\n", Head::Verbatim(5)),
            ("!5\r\n", Head::BulkError(5)),
            ("*2\r\n", Head::Array(2)),
            ("~2\r\n", Head::Array(2)),
            ("%2\r\n", Head::Array(4)),
            (">3\r\n", Head::Push(3)),
            ("_\r\n", Head::Other),
            ("#t\r\n", Head::Other),
            (",1.5\r\n", Head::Other),
            ("(1\r\n", Head::Other),
        ] {
            let input = format!("{input}rest\r\n");
            let whole = input.find('\n').unwrap() + 1;
            assert_eq!(head(input.as_bytes()), Ok(Some((expected, whole))));
            for cut in 0..whole {
                assert_eq!(head(&input.as_bytes()[..cut]), Ok(None), "{input}");
            }
        }
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for input in [
            "\r\n",
            "?\r\n",
            "hello\r\n",
            "+OK\n",
            ":x\r\n",
            ":\r\n",
            "*-2\r\n",
            "$-2\r\n",
            "$9e9\r\n",
            "%-1\r\n",
            ">-1\r\n",
            "*?\r\n",
            "|1\r\n",
        ] {
            assert_eq!(head(input.as_bytes()), Err(Malformed), "{input:?}");
        }
        assert_eq!(head(&vec![b'+'; MAX_LINE - 1]), Ok(None));
        assert_eq!(head(&vec![b'+'; MAX_LINE]), Err(Malformed));
    }
}
