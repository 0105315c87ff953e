//! Compares the request reader with a plain one.
//!
//! Layer `fuzz`.

use crate::resp::inline::split_words;
use crate::resp::request::{Limits, MAX_LINE, ProtocolError, RequestReader};

type Words = Vec<Vec<u8>>;
/// The requests up to the first error.
type Outcome = (Vec<Words>, Option<ProtocolError>);

const MAX_BULK: u64 = 512 * 1024 * 1024;

pub(super) fn run_input(data: &[u8]) {
    let line = data.iter().position(|&byte| byte == b'\n');
    let (head, stream) = data.split_at(line.map_or(data.len(), |end| end + 1));
    let flags = head.first().copied().unwrap_or_default();
    let limits = Limits {
        authenticated: flags & 1 == 1,
        max_bulk: if flags & 2 == 2 { 64 } else { MAX_BULK },
    };
    // Whether a longer line is refused depends on how the input is split.
    let stream = &stream[..stream.len().min(MAX_LINE)];

    let expected = plain(stream, limits);
    for words in &expected.0 {
        let longest = words.iter().map(Vec::len).max().unwrap_or(0);
        assert!(longest as u64 <= limits.max_bulk.max(MAX_LINE as u64));
    }
    let pieces = head.get(1..).unwrap_or_default().iter();
    let lengths: Vec<usize> = pieces.map(|&byte| usize::from(byte) + 1).collect();
    assert_eq!(feed(stream, &[stream.len()], limits), expected, "whole");
    assert_eq!(feed(stream, &[1], limits), expected, "byte by byte");
    assert_eq!(feed(stream, &lengths, limits), expected, "in pieces");
    assert_eq!(grow(stream, &lengths, limits), expected, "nothing dropped");

    let anything = Limits {
        authenticated: true,
        max_bulk: MAX_BULK,
    };
    let written: Vec<u8> = expected.0.iter().flat_map(|words| encode(words)).collect();
    let read = feed(&written, &[written.len()], anything);
    assert_eq!(read, (expected.0, None), "encoded");
}

/// Reads `stream` in pieces of these lengths, in a cycle, as a connection does: what was consumed
/// is dropped before the next piece arrives.
fn feed(mut stream: &[u8], lengths: &[usize], limits: Limits) -> Outcome {
    let mut reader = RequestReader::default();
    let (mut buffer, mut requests, mut arrived) = (Vec::new(), Vec::new(), 0);
    let mut lengths = lengths.iter().filter(|&&length| length > 0).cycle();
    while !stream.is_empty() {
        let length = lengths.next().map_or(stream.len(), |&length| length);
        let (piece, rest) = stream.split_at(length.min(stream.len()));
        stream = rest;
        buffer.extend_from_slice(piece);
        arrived += piece.len();
        if let Err(error) = read_all(&mut reader, &buffer, &mut requests, limits) {
            return (requests, Some(error));
        }
        // An argument of an inline command takes at least two bytes and one of an array six. A
        // vector's capacity is at most twice its length.
        let most = (arrived / 2 + 1) * 2 * size_of::<std::ops::Range<usize>>();
        assert!(reader.held() <= most.max(64), "{} held", reader.held());
        buffer.drain(..reader.consumed());
        reader.rebase();
        reader.release();
    }
    (requests, None)
}

/// Reads `stream` while it grows by pieces of these lengths. Nothing is dropped.
fn grow(stream: &[u8], lengths: &[usize], limits: Limits) -> Outcome {
    let mut reader = RequestReader::default();
    let mut requests = Vec::new();
    let mut lengths = lengths.iter().cycle();
    let mut end = 0;
    while end < stream.len() {
        end = lengths
            .next()
            .map_or(stream.len(), |length| stream.len().min(end + length));
        if let Err(error) = read_all(&mut reader, &stream[..end], &mut requests, limits) {
            return (requests, Some(error));
        }
    }
    (requests, None)
}

fn read_all(
    reader: &mut RequestReader,
    buffer: &[u8],
    requests: &mut Vec<Words>,
    limits: Limits,
) -> Result<(), ProtocolError> {
    while reader.next(buffer, limits)? {
        let args = reader.args(buffer);
        requests.push(args.iter().map(<[u8]>::to_vec).collect());
    }
    assert!(reader.consumed() <= buffer.len());
    Ok(())
}

fn encode(words: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend(format!("${}\r\n", word.len()).bytes());
        out.extend(word);
        out.extend(b"\r\n");
    }
    out
}

fn plain(stream: &[u8], limits: Limits) -> Outcome {
    let (mut requests, mut rest) = (Vec::new(), stream);
    loop {
        match plain_request(&mut rest, limits) {
            Ok(Some(words)) => requests.push(words),
            Ok(None) => return (requests, None),
            Err(error) => return (requests, Some(error)),
        }
    }
}

/// Reads the request at the start of `rest`. `None`: it is incomplete.
fn plain_request(rest: &mut &[u8], limits: Limits) -> Result<Option<Words>, ProtocolError> {
    if rest.first() != Some(&b'*') {
        let Some(end) = ending(rest, b'\n') else {
            return Ok(None);
        };
        let line = &rest[..end];
        *rest = &rest[end + 1..];
        let words = split_words(line.strip_suffix(b"\r").unwrap_or(line));
        return words.map(Some).map_err(|_| ProtocolError::UnbalancedQuotes);
    }
    let Some(header) = plain_header(rest) else {
        return Ok(None);
    };
    let count = plain_number(&header[1..]).ok_or(ProtocolError::ArrayLength)?;
    if count > i64::from(i32::MAX) {
        return Err(ProtocolError::ArrayLength);
    }
    if !limits.authenticated && count > 10 {
        return Err(ProtocolError::ArrayLengthBeforeAuth);
    }
    let mut words = Vec::new();
    for _ in 0..count {
        let Some(header) = plain_header(rest) else {
            return Ok(None);
        };
        if header.first() != Some(&b'$') {
            let first = header.first().unwrap_or(&b'\r');
            return Err(ProtocolError::ExpectedBulk(*first));
        }
        let length = plain_number(&header[1..]).ok_or(ProtocolError::BulkLength)?;
        if length < 0 || length as u64 > limits.max_bulk {
            return Err(ProtocolError::BulkLength);
        }
        if !limits.authenticated && length > 16 * 1024 {
            return Err(ProtocolError::BulkLengthBeforeAuth);
        }
        let length = length as usize;
        if rest.len() < length + 2 {
            return Ok(None);
        }
        words.push(rest[..length].to_vec());
        *rest = &rest[length + 2..];
    }
    Ok(Some(words))
}

/// Takes a line up to `\r`, and the byte after the `\r`.
fn plain_header<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = ending(rest, b'\r')?;
    let header = rest.get(..end)?;
    *rest = rest.get(end + 2..)?;
    Some(header)
}

/// Where the first byte `wanted` is, unless a NUL comes before it.
fn ending(bytes: &[u8], wanted: u8) -> Option<usize> {
    let shown = bytes.split(|&byte| byte == 0).next()?;
    shown.iter().position(|&byte| byte == wanted)
}

/// Parses a number, which must be written as it would be printed.
fn plain_number(text: &[u8]) -> Option<i64> {
    let number: i64 = str::from_utf8(text).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == text).then_some(number)
}
