//! BITOP: AND, OR, XOR and NOT of whole strings.
//!
//! Layer `store`. It uses nothing else.

use super::BitsError;

/// An operation of BITOP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BitOp {
    /// Bits that are set in all sources.
    And,
    /// Bits that are set in any source.
    Or,
    /// Bits that are set in an odd number of sources.
    Xor,
    /// Bits that are not set in the only source.
    Not,
}

impl BitOp {
    /// Parses the name of an operation, in any letter case, for this number of sources.
    ///
    /// # Errors
    /// [`BitsError::Syntax`] for an unknown name, and [`BitsError::NotSources`] if NOT has more
    /// than one source.
    pub(crate) fn parse(name: &[u8], sources: usize) -> Result<BitOp, BitsError> {
        let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
        match () {
            () if is(b"and") => Ok(BitOp::And),
            () if is(b"or") => Ok(BitOp::Or),
            () if is(b"xor") => Ok(BitOp::Xor),
            () if is(b"not") && sources != 1 => Err(BitsError::NotSources),
            () if is(b"not") => Ok(BitOp::Not),
            () => Err(BitsError::Syntax),
        }
    }
}

/// The result of the operation. It is as long as the longest source. Shorter sources count as
/// followed by zeros, and a missing key as an empty string. If the result is empty, the destination
/// is deleted.
pub(crate) fn combine<S: AsRef<[u8]>>(op: BitOp, sources: &[S]) -> Vec<u8> {
    let longest = sources.iter().map(|source| source.as_ref().len()).max();
    let Some((first, others)) = sources.split_first() else {
        return Vec::new();
    };
    let mut result = Vec::with_capacity(longest.unwrap_or(0));
    result.extend_from_slice(first.as_ref());
    result.resize(longest.unwrap_or(0), 0);
    if op == BitOp::Not {
        result.iter_mut().for_each(|byte| *byte = !*byte);
    }
    for source in others {
        fold(op, &mut result, source.as_ref());
    }
    result
}

/// Combines `result` with one more source, which is not longer. The compiler turns these plain
/// loops over two slices into vector instructions.
fn fold(op: BitOp, result: &mut [u8], source: &[u8]) {
    let (common, rest) = result.split_at_mut(source.len());
    let pairs = common.iter_mut().zip(source);
    match op {
        BitOp::And => {
            pairs.for_each(|(byte, other)| *byte &= other);
            rest.fill(0);
        }
        BitOp::Or => pairs.for_each(|(byte, other)| *byte |= other),
        BitOp::Xor => pairs.for_each(|(byte, other)| *byte ^= other),
        // There is only one source.
        BitOp::Not => {}
    }
}
