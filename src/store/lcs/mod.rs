//! LCS: the longest common subsequence of two strings, and the positions of its pieces.
//!
//! Layer `store`. It uses nothing else.
//!
//! # The table
//! Let `L(i, j)` be the length for the first `i` bytes of `a` and the first `j` bytes of `b`. Two
//! neighbours in a row, `L(i, j - 1)` and `L(i, j)`, differ by 0 or 1. So a row can be stored as a
//! vector of bits, and each row can be computed from the one before with a few operations on whole
//! words (Hyyrö 2004). A bit is 1 where the length does not grow. Let `m` be the positions in `b`
//! of the row's byte of `a`. Then:
//!
//! ```text
//! row = (row + (row & m)) | (row & !m)
//! ```
//!
//! # The walk
//! If there are several longest subsequences, Redis returns the one that a walk from the ends
//! finds: equal bytes are taken; otherwise a byte of `a` is dropped if `L(i - 1, j) > L(i, j - 1)`,
//! and a byte of `b` if not. Where the bytes differ, `L(i, j)` is the larger of these two, so the
//! condition means that the length grows at `j` in row `i`. That is the bit that is kept, so no
//! lengths are needed.
//!
//! # Memory and time
//! One bit for each pair of bytes, with rows rounded up to a byte, where Redis needs 32 bits; and
//! one step for 64 pairs. The limit is nevertheless Redis's.

use std::ops::RangeInclusive;

/// Why there is no result. The text is Redis's, without the leading `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LcsError {
    /// A string of 4 GiB or more.
    #[error("ERR String too long for LCS")]
    TooLong,
    /// The table that Redis would use, with 4 bytes for each pair, is larger than the limit.
    #[error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")]
    OutOfMemory,
}

/// A piece of the subsequence: two ranges of equal length, one in each string. They include both
/// ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// The range in the first string.
    pub a: RangeInclusive<usize>,
    /// The range in the second string.
    pub b: RangeInclusive<usize>,
}

impl Match {
    /// The length in bytes, which WITHMATCHLEN shows.
    pub(crate) fn length(&self) -> usize {
        self.a.end() - self.a.start() + 1
    }
}

/// The reply of LCS with IDX.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Matches {
    /// The pieces that are long enough, the last one first.
    pub matches: Vec<Match>,
    /// The length of the whole subsequence.
    pub length: usize,
}

/// The length of the longest common subsequence. `max_table` is the most bytes that Redis's table
/// may have (`proto-max-bulk-len`).
///
/// # Errors
/// The strings are too long.
pub(crate) fn length(a: &[u8], b: &[u8], max_table: u64) -> Result<usize, LcsError> {
    validate(a, b, max_table)?;
    let places = Places::new(a, b);
    let mut row = vec![u64::MAX; places.words];
    for &byte in a {
        advance(&mut row, places.of(byte));
    }
    let grows: u64 = row.iter().map(|word| u64::from(word.count_zeros())).sum();
    Ok(grows as usize)
}

/// The longest common subsequence that Redis finds. `max_table` is as in [`length`].
///
/// # Errors
/// The strings are too long.
pub(crate) fn subsequence(a: &[u8], b: &[u8], max_table: u64) -> Result<Vec<u8>, LcsError> {
    let mut reversed = Vec::new();
    walk(a, b, max_table, |i, _| reversed.push(a[i]))?;
    reversed.reverse();
    Ok(reversed)
}

/// The pieces of the subsequence that have at least `min_length` bytes (MINMATCHLEN; at least 1).
/// `max_table` is as in [`length`].
///
/// # Errors
/// The strings are too long.
pub(crate) fn matches(
    a: &[u8],
    b: &[u8],
    min_length: usize,
    max_table: u64,
) -> Result<Matches, LcsError> {
    let mut found = Matches::default();
    let mut current: Option<Match> = None;
    let is_long = |piece: &Match| piece.length() >= min_length;
    walk(a, b, max_table, |i, j| {
        found.length += 1;
        current = Some(match current.take() {
            Some(piece) if (*piece.a.start(), *piece.b.start()) == (i + 1, j + 1) => Match {
                a: i..=*piece.a.end(),
                b: j..=*piece.b.end(),
            },
            done => {
                found.matches.extend(done.filter(is_long));
                Match { a: i..=i, b: j..=j }
            }
        });
    })?;
    found.matches.extend(current.filter(is_long));
    Ok(found)
}

/// Applies Redis's limits: the lengths must fit in 32 bits, and Redis's table in `max_table`.
fn validate(a: &[u8], b: &[u8], max_table: u64) -> Result<(), LcsError> {
    const MAX_LENGTH: usize = u32::MAX as usize - 1;
    if a.len() >= MAX_LENGTH || b.len() >= MAX_LENGTH {
        return Err(LcsError::TooLong);
    }
    let table = (a.len() as u128 + 1) * (b.len() as u128 + 1) * 4;
    if table > u128::from(max_table) {
        return Err(LcsError::OutOfMemory);
    }
    Ok(())
}

/// Calls `take` with the positions in `a` and `b` of every byte of the subsequence, the last one
/// first.
fn walk(
    a: &[u8],
    b: &[u8],
    max_table: u64,
    mut take: impl FnMut(usize, usize),
) -> Result<(), LcsError> {
    validate(a, b, max_table)?;
    let places = Places::new(a, b);
    let row_bytes = b.len().div_ceil(8);
    let mut rows = Vec::with_capacity(a.len() * row_bytes + size_of::<u64>());
    let mut row = vec![u64::MAX; places.words];
    for (index, &byte) in a.iter().enumerate() {
        advance(&mut row, places.of(byte));
        for word in &row {
            rows.extend_from_slice(&word.to_le_bytes());
        }
        // Bytes of the last word that are beyond `b`.
        rows.truncate((index + 1) * row_bytes);
    }
    let (mut i, mut j) = (a.len(), b.len());
    while i > 0 && j > 0 {
        if a[i - 1] == b[j - 1] {
            i -= 1;
            j -= 1;
            take(i, j);
            continue;
        }
        let byte = rows[(i - 1) * row_bytes + (j - 1) / 8];
        let grows = byte >> ((j - 1) % 8) & 1 == 0;
        if grows {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    Ok(())
}

/// Computes the next row in place; see the module's documentation.
fn advance(row: &mut [u64], places: &[u64]) {
    let mut carry = false;
    for (word, &matching) in row.iter_mut().zip(places) {
        let (sum, carried) = word.carrying_add(*word & matching, carry);
        *word = sum | (*word & !matching);
        carry = carried;
    }
}

/// For each byte value in `a`, its positions in `b` as a vector of bits. Values that are not in `a`
/// have no vector, so this is never larger than the table of `a.len()` rows.
struct Places {
    /// Words in a vector.
    words: usize,
    /// By byte value, the index of its vector.
    index: [Option<u8>; 256],
    vectors: Vec<u64>,
}

impl Places {
    fn new(a: &[u8], b: &[u8]) -> Places {
        let words = b.len().div_ceil(64);
        let mut index = [None; 256];
        let mut values: usize = 0;
        for &byte in a {
            let slot = &mut index[usize::from(byte)];
            if slot.is_none() {
                // There are 256 values, so the last index is 255.
                *slot = Some(values as u8);
                values += 1;
            }
        }
        let mut vectors = vec![0; values * words];
        for (place, &byte) in b.iter().enumerate() {
            if let Some(vector) = index[usize::from(byte)] {
                vectors[usize::from(vector) * words + place / 64] |= 1 << (place % 64);
            }
        }
        Places {
            words,
            index,
            vectors,
        }
    }

    /// The positions of a byte of `a`.
    fn of(&self, byte: u8) -> &[u64] {
        let vector = self.index[usize::from(byte)].expect("the byte is in a");
        &self.vectors[usize::from(vector) * self.words..][..self.words]
    }
}

#[cfg(test)]
mod tests;
