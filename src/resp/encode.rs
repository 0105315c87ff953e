//! Encodes replies. No other file turns a reply into bytes.
//!
//! Layer `resp`, the lowest. It uses no other layer.
//!
//! Each function appends one piece in the given protocol. After the header of an aggregate the
//! caller must append as many replies as the header announces.
//!
//! ```text
//!              RESP3          RESP2
//!   map        %2             *4, keys and values in turn
//!   set        ~2             *2
//!   pairs      *2 *2 … *2 …   *4
//!   double     ,1.5           $3 1.5
//!   big number (123           $3 123
//!   boolean    #t             :1
//!   verbatim   =7 txt:abc     $3 abc
//!   null       _              $-1, or *-1 in place of an array
//! ```

use bytes::BytesMut;

use super::Protocol;
use super::error::CommandError;
use super::number::format_double;

/// Appends a line that consists of a type byte and a number: `:5`, `$5`, `*5`.
pub(crate) fn put_integer(out: &mut BytesMut, marker: u8, number: i64) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number).as_bytes();
    out.reserve(digits.len() + 3);
    out.extend_from_slice(&[marker]);
    out.extend_from_slice(digits);
    out.extend_from_slice(b"\r\n");
}

/// Appends a bulk string.
pub(crate) fn put_bulk(out: &mut BytesMut, data: &[u8]) {
    put_integer(out, b'$', data.len() as i64);
    out.reserve(data.len() + 2);
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// Appends a null.
pub(crate) fn put_null(out: &mut BytesMut, protocol: Protocol) {
    out.extend_from_slice(match protocol {
        Protocol::Resp2 => b"$-1\r\n",
        Protocol::Resp3 => b"_\r\n",
    });
}

/// Appends the null that stands in place of an array.
pub(super) fn put_null_array(out: &mut BytesMut, protocol: Protocol) {
    out.extend_from_slice(match protocol {
        Protocol::Resp2 => b"*-1\r\n",
        Protocol::Resp3 => b"_\r\n",
    });
}

/// Appends the header of an array with `length` members.
pub(super) fn put_array(out: &mut BytesMut, length: usize) {
    put_integer(out, b'*', length as i64);
}

/// Appends the header of a set with `length` members.
pub(super) fn put_set(out: &mut BytesMut, length: usize, protocol: Protocol) {
    match protocol {
        Protocol::Resp2 => put_array(out, length),
        Protocol::Resp3 => put_integer(out, b'~', length as i64),
    }
}

/// Appends the header of a map with `pairs` keys and as many values.
pub(super) fn put_map(out: &mut BytesMut, pairs: usize, protocol: Protocol) {
    match protocol {
        Protocol::Resp2 => put_array(out, pairs * 2),
        Protocol::Resp3 => put_integer(out, b'%', pairs as i64),
    }
}

/// Appends the header of an array of so many pairs of replies.
pub(super) fn put_pairs(out: &mut BytesMut, pairs: usize, protocol: Protocol) {
    match protocol {
        Protocol::Resp2 => put_array(out, pairs * 2),
        Protocol::Resp3 => put_array(out, pairs),
    }
}

/// Appends the header of one of these pairs.
pub(super) fn put_pair(out: &mut BytesMut, protocol: Protocol) {
    match protocol {
        Protocol::Resp2 => {}
        Protocol::Resp3 => put_array(out, 2),
    }
}

/// Appends the header of a map with so many entries, which is an array of arrays of two in RESP2.
pub(super) fn put_nested_map(out: &mut BytesMut, entries: usize, protocol: Protocol) {
    match protocol {
        Protocol::Resp2 => put_array(out, entries),
        Protocol::Resp3 => put_map(out, entries, protocol),
    }
}

/// Appends the header of one of these entries.
pub(super) fn put_nested_entry(out: &mut BytesMut, protocol: Protocol) {
    match protocol {
        Protocol::Resp2 => put_array(out, 2),
        Protocol::Resp3 => {}
    }
}

/// Appends a floating-point number.
pub(super) fn put_double(out: &mut BytesMut, number: f64, protocol: Protocol) {
    put_decimal(out, format_double(number).as_bytes(), protocol);
}

/// Appends a number with a fraction, given by its digits.
pub(super) fn put_decimal(out: &mut BytesMut, digits: &[u8], protocol: Protocol) {
    put_bulk_or_line(out, b',', digits, protocol);
}

/// Appends an integer of any size, given as decimal digits.
pub(super) fn put_big_number(out: &mut BytesMut, digits: &[u8], protocol: Protocol) {
    put_bulk_or_line(out, b'(', digits, protocol);
}

/// Appends a boolean.
pub(super) fn put_boolean(out: &mut BytesMut, value: bool, protocol: Protocol) {
    match protocol {
        Protocol::Resp2 => put_integer(out, b':', value.into()),
        Protocol::Resp3 => out.extend_from_slice(if value { b"#t\r\n" } else { b"#f\r\n" }),
    }
}

/// Appends a verbatim string: text meant for people.
pub(super) fn put_verbatim(out: &mut BytesMut, text: &[u8], protocol: Protocol) {
    const FORMAT: &[u8] = b"txt:";
    match protocol {
        Protocol::Resp2 => put_bulk(out, text),
        Protocol::Resp3 => {
            put_integer(out, b'=', (FORMAT.len() + text.len()) as i64);
            out.reserve(FORMAT.len() + text.len() + 2);
            out.extend_from_slice(FORMAT);
            out.extend_from_slice(text);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Appends a request: a command and its arguments.
pub(crate) fn put_request(out: &mut BytesMut, words: &[&[u8]]) {
    put_array(out, words.len());
    for word in words {
        put_bulk(out, word);
    }
}

/// Appends `+text`. Line breaks become spaces.
pub(super) fn put_status(out: &mut BytesMut, text: &[u8]) {
    put_line(out, b'+', text);
}

/// Appends `-text`. As in Redis, line breaks at the end are dropped and the others become spaces.
pub(crate) fn put_error(out: &mut BytesMut, error: &CommandError) {
    let text = error.wire_text();
    let is_line_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let last = text.iter().rposition(|byte| !is_line_break(byte));
    put_line(out, b'-', &text[..last.map_or(0, |last| last + 1)]);
}

/// Appends a line of a RESP3 type. RESP2 does not have the type and sends the text as a bulk
/// string.
fn put_bulk_or_line(out: &mut BytesMut, marker: u8, text: &[u8], protocol: Protocol) {
    match protocol {
        Protocol::Resp2 => put_bulk(out, text),
        Protocol::Resp3 => put_line(out, marker, text),
    }
}

/// Appends a line. A line break within `text` would end the frame, so it becomes a space.
fn put_line(out: &mut BytesMut, marker: u8, text: &[u8]) {
    out.reserve(text.len() + 3);
    out.extend_from_slice(&[marker]);
    out.extend(text.iter().map(|&byte| match byte {
        b'\r' | b'\n' => b' ',
        byte => byte,
    }));
    out.extend_from_slice(b"\r\n");
}
