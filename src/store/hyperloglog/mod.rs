//! HyperLogLog: PFADD, PFCOUNT and PFMERGE on strings that are identical to Redis's, byte for byte.
//!
//! Layer `store`. It uses nothing else.
//!
//! A value counts distinct elements in 16384 registers. An element's hash selects a register. The
//! register keeps the longest run of zero bits that any element's hash had, plus one. The string
//! is:
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | `HYLL` |
//! | 4 | encoding: 0 dense, 1 sparse |
//! | 5..8 | unused, zero |
//! | 8..16 | the count at the last PFCOUNT, little endian; its highest bit says that it is out of date |
//! | 16.. | the registers, see `dense` and `sparse` |
//!
//! A new value is sparse. It becomes dense when a register exceeds 32, or when the string would
//! become longer than `hll-sparse-max-bytes`. It never becomes sparse again. Clients can write any
//! bytes with SET, so nothing here trusts a string: each function documents when it reports a
//! corrupted one.

mod dense;
mod estimate;
mod hash;
mod sparse;
mod union;

pub(crate) use union::Union;

/// The number of registers: 2 to the power of [`INDEX_BITS`].
const REGISTERS: usize = 1 << INDEX_BITS;
/// How many bits of a hash select the register.
const INDEX_BITS: u32 = 14;
/// How many bits of a hash are left for the run of zeros.
const RUN_BITS: u32 = 64 - INDEX_BITS;
/// Bytes before the registers.
const HEADER: usize = 16;
const MAGIC: &[u8] = b"HYLL";
/// In the last byte of the cached count: the count is out of date.
const OUT_OF_DATE: u8 = 0x80;

/// Why a string cannot be used. The text is Redis's, without the leading `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HllError {
    /// The header or the length is wrong.
    #[error("WRONGTYPE Key is not a valid HyperLogLog string value.")]
    NotHyperLogLog,
    /// The header is right, but the registers are not.
    #[error("INVALIDOBJ Corrupted HLL object detected")]
    Corrupted,
}

/// The encoding of the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// 6 bits each.
    Dense,
    /// Runs of equal registers.
    Sparse,
}

/// The result of PFCOUNT for one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The estimate.
    pub count: u64,
    /// Whether the estimate was stored in the header, which changes the value.
    pub header_changed: bool,
}

/// A new value without elements, as PFADD and PFMERGE create it.
pub(crate) fn create() -> Vec<u8> {
    let mut value = vec![0; HEADER];
    value[..MAGIC.len()].copy_from_slice(MAGIC);
    value[4] = 1;
    sparse::append_empty(&mut value);
    value
}

/// The encoding of a string whose header and length are right. Its registers may still be
/// corrupted.
///
/// # Errors
/// [`HllError::NotHyperLogLog`].
pub(crate) fn encoding(value: &[u8]) -> Result<Encoding, HllError> {
    if value.len() < HEADER || !value.starts_with(MAGIC) {
        return Err(HllError::NotHyperLogLog);
    }
    match value[4] {
        0 if value.len() == HEADER + dense::BYTES => Ok(Encoding::Dense),
        1 => Ok(Encoding::Sparse),
        _ => Err(HllError::NotHyperLogLog),
    }
}

/// PFADD: adds elements to a string. Returns whether a register changed. PFADD replies 1 in that
/// case, and if the key was missing. A new string must be passed to [`mark_changed`] even if no
/// element was added. `sparse_max` is `hll-sparse-max-bytes`.
///
/// # Errors
/// The string is not a HyperLogLog value and is unchanged; or it is corrupted, and the elements
/// before the one that hit the corruption stay added.
pub(crate) fn add<E: AsRef<[u8]>>(
    value: &mut Vec<u8>,
    elements: &[E],
    sparse_max: usize,
) -> Result<bool, HllError> {
    encoding(value)?;
    let mut changed = false;
    for element in elements {
        let (index, run) = hash::register_of(element.as_ref());
        changed |= raise(value, index, run, sparse_max)?;
    }
    if changed {
        mark_changed(value);
    }
    Ok(changed)
}

/// PFCOUNT of one key: the estimate, from the header if that is up to date, otherwise computed from
/// the registers and stored in the header.
///
/// # Errors
/// The string is not a HyperLogLog value, or it is corrupted. It is unchanged.
pub(crate) fn count(value: &mut [u8]) -> Result<Counted, HllError> {
    let encoding = encoding(value)?;
    let cached = &mut value[8..HEADER];
    if cached[7] & OUT_OF_DATE == 0 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(cached);
        return Ok(Counted {
            count: u64::from_le_bytes(bytes),
            header_changed: false,
        });
    }
    let registers = &value[HEADER..];
    let histogram = match encoding {
        Encoding::Dense => dense::histogram(registers),
        Encoding::Sparse => sparse::histogram(registers)?,
    };
    let count = estimate::estimate(&histogram);
    value[8..HEADER].copy_from_slice(&count.to_le_bytes());
    Ok(Counted {
        count,
        header_changed: true,
    })
}

/// Marks the cached count in the header as out of date.
///
/// # Panics
/// The string is not a HyperLogLog value.
pub(crate) fn mark_changed(value: &mut [u8]) {
    value[HEADER - 1] |= OUT_OF_DATE;
}

/// Makes a string dense, if it is not.
///
/// # Errors
/// The string is not a HyperLogLog value, or it is corrupted. It is unchanged.
pub(crate) fn make_dense(value: &mut Vec<u8>) -> Result<(), HllError> {
    if encoding(value)? == Encoding::Dense {
        return Ok(());
    }
    let mut registers = [0; REGISTERS];
    sparse::raise_all(&value[HEADER..], &mut registers)?;
    value.truncate(HEADER);
    value[4] = 0;
    dense::append(value, &registers);
    Ok(())
}

/// Raises a register to `run`, and makes the string dense if necessary. Returns whether the
/// register was lower. The string's header must be right.
fn raise(value: &mut Vec<u8>, index: usize, run: u8, sparse_max: usize) -> Result<bool, HllError> {
    if value[4] == 1 {
        match sparse::raise(value, index, run, sparse_max)? {
            sparse::Raised::Unchanged => return Ok(false),
            sparse::Raised::Changed => return Ok(true),
            sparse::Raised::DoesNotFit => make_dense(value)?,
        }
    }
    Ok(dense::raise(&mut value[HEADER..], index, run))
}

#[cfg(test)]
mod tests;
