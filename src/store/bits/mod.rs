//! Strings as arrays of bits: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP and BITFIELD.
//!
//! Layer `store`. These functions work on bytes, and do not use the keyspace.
//!
//! Bit 0 is the most significant bit of byte 0. A string counts as followed by zero bits: reads
//! after the end see zeros, and writes after the end grow the string.

mod count;
mod field;
mod offset;
mod op;

pub(crate) use count::{BitRange, Unit, count, position};
pub(crate) use field::{FieldOp, apply, has_writes, parse_ops, read, written_length};
pub(crate) use offset::{parse_bit, parse_offset, parse_searched_bit};
pub(crate) use op::{BitOp, combine};

/// Why an argument of a bit command was refused. The text is Redis's, without the leading `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BitsError {
    /// An offset that is not an integer, negative, or after the longest possible string.
    #[error("ERR bit offset is not an integer or out of range")]
    Offset,
    /// SETBIT's value is neither 0 nor 1.
    #[error("ERR bit is not an integer or out of range")]
    Bit,
    /// The bit that BITPOS searches for is an integer, but neither 0 nor 1.
    #[error("ERR The bit argument must be 1 or 0.")]
    SearchedBit,
    /// BITOP NOT with more than one source.
    #[error("ERR BITOP NOT must be called with a single source key.")]
    NotSources,
    /// BITFIELD's type is not one of i1 to i64 and u1 to u63.
    #[error(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
    )]
    FieldType,
    /// OVERFLOW is not followed by WRAP, SAT or FAIL.
    #[error("ERR Invalid OVERFLOW type specified")]
    Overflow,
    /// BITFIELD_RO with SET or INCRBY.
    #[error("ERR BITFIELD_RO only supports the GET subcommand")]
    ReadOnly,
    /// A value is not an integer of 64 bits.
    #[error("ERR value is not an integer or out of range")]
    Integer,
    /// An unknown subcommand, unit or operation, or too few arguments.
    #[error("ERR syntax error")]
    Syntax,
}

/// The bit at `offset`.
pub(crate) fn get(value: &[u8], offset: u64) -> bool {
    let byte = usize::try_from(offset / 8)
        .ok()
        .and_then(|index| value.get(index));
    byte.is_some_and(|byte| byte & mask(offset) != 0)
}

/// The length in bytes of a string that holds the bit at `offset`.
pub(crate) fn length_for(offset: u64) -> usize {
    usize::try_from(offset / 8).expect("the offset is bounded") + 1
}

/// Sets the bit at `offset` and returns the old one. `value` grows to include the byte with that
/// bit, even if `bit` is 0.
///
/// # Panics
/// The offset is beyond the address space. [`parse_offset`] prevents that.
pub(crate) fn set(value: &mut Vec<u8>, offset: u64, bit: bool) -> bool {
    let length = length_for(offset);
    grow(value, length);
    let byte = &mut value[length - 1];
    let old = *byte & mask(offset) != 0;
    if bit {
        *byte |= mask(offset);
    } else {
        *byte &= !mask(offset);
    }
    old
}

/// Extends the string with zeros to at least this length. Growing by small steps is cheap. If the
/// string grows by much, it gets new memory from the system, which is already zero: so setting a
/// single bit at the end of 512 MB is fast.
fn grow(value: &mut Vec<u8>, length: usize) {
    if length <= value.len() {
        return;
    }
    if length / 2 <= value.capacity() {
        value.resize(length, 0);
    } else {
        let mut grown = vec![0; length];
        grown[..value.len()].copy_from_slice(value);
        *value = grown;
    }
}

/// The mask of the bit at `offset` within its byte.
fn mask(offset: u64) -> u8 {
    0x80 >> (offset % 8)
}

#[cfg(test)]
mod tests;
