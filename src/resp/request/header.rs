//! The headers of arrays and bulks: their numbers, and the limits of a bulk.
//!
//! Layer `resp`, the lowest. It uses no other layer.

use super::{Limits, ProtocolError, parse_integer};

/// The longest argument before AUTH, in bytes.
const MAX_BULK_BEFORE_AUTH: usize = 16 * 1024;
/// A header with at most so many digits is parsed while its end is searched for.
const SHORT_HEADER: usize = 8;

/// The number in the header, of an array or a bulk, at `position`, and where its line ends: if it is
/// a short one, as nearly all are, and has arrived as a whole. What else may be there is for the
/// caller to find.
pub(super) fn short_header(buffer: &[u8], position: usize) -> Option<(usize, usize)> {
    let first = position + 1;
    let digits = buffer.get(first..)?;
    let mut number = 0;
    for (length, &byte) in digits.iter().take(SHORT_HEADER + 1).enumerate() {
        match byte {
            b'0'..=b'9' => number = 10 * number + usize::from(byte - b'0'),
            b'\r' => {
                let is_plain = length == 1 || (length > 1 && digits[0] != b'0');
                let is_whole = length + 1 < digits.len();
                return (is_plain && is_whole).then_some((number, first + length));
            }
            _ => return None,
        }
    }
    None
}

/// The length of a bulk, from its header line.
pub(super) fn bulk_length(header: &[u8]) -> Result<usize, ProtocolError> {
    match header {
        [b'$', digits @ ..] => {
            let length = parse_integer(digits).ok_or(ProtocolError::BulkLength)?;
            usize::try_from(length).map_err(|_| ProtocolError::BulkLength)
        }
        [other, ..] => Err(ProtocolError::ExpectedBulk(*other)),
        [] => Err(ProtocolError::ExpectedBulk(b'\r')),
    }
}

/// Whether a bulk may have this length.
pub(super) fn permit_bulk(length: usize, limits: Limits) -> Result<(), ProtocolError> {
    if length as u64 > limits.max_bulk {
        return Err(ProtocolError::BulkLength);
    }
    if length > MAX_BULK_BEFORE_AUTH && !limits.authenticated {
        return Err(ProtocolError::BulkLengthBeforeAuth);
    }
    Ok(())
}
