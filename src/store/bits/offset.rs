//! Parses the integers that bit commands take.
//!
//! Layer `store`. It uses `resp` to parse integers.

use super::BitsError;
use crate::resp::request::parse_integer;

/// Parses a bit's offset for SETBIT, GETBIT and BITFIELD. The offset must be within the longest
/// string, `max_bytes` (`proto-max-bulk-len`). With `field_bits`, the text may also be `#n`, which
/// means the `n`-th field of that width.
///
/// # Errors
/// [`BitsError::Offset`]. It also refuses a `#n` whose product does not fit in 63 bits, where Redis
/// wraps around.
pub(crate) fn parse_offset(
    text: &[u8],
    field_bits: Option<u32>,
    max_bytes: u64,
) -> Result<u64, BitsError> {
    let (text, scale) = match (text, field_bits) {
        ([b'#', index @ ..], Some(bits)) => (index, i64::from(bits)),
        _ => (text, 1),
    };
    let offset = parse_integer(text).and_then(|number| number.checked_mul(scale));
    let offset = offset.and_then(|offset| u64::try_from(offset).ok());
    offset
        .filter(|offset| offset / 8 < max_bytes)
        .ok_or(BitsError::Offset)
}

/// Parses SETBIT's value, 0 or 1.
///
/// # Errors
/// [`BitsError::Bit`].
pub(crate) fn parse_bit(text: &[u8]) -> Result<bool, BitsError> {
    match text {
        b"0" => Ok(false),
        b"1" => Ok(true),
        _ => Err(BitsError::Bit),
    }
}

/// Parses the bit that BITPOS searches for.
///
/// # Errors
/// [`BitsError::Integer`], or [`BitsError::SearchedBit`] for an integer other than 0 and 1.
pub(crate) fn parse_searched_bit(text: &[u8]) -> Result<bool, BitsError> {
    match parse_integer(text) {
        Some(0) => Ok(false),
        Some(1) => Ok(true),
        Some(_) => Err(BitsError::SearchedBit),
        None => Err(BitsError::Integer),
    }
}
