//! LCS: the longest common subsequence of two strings, and where its pieces are in them.
//!
//! # The table
//! Let `L(i, j)` be the length for the first `i` bytes of `a` and the first `j` bytes of `b`. Two
//! neighbours in a row, `L(i, j - 1)` and `L(i, j)`, differ by 0 or 1, so that a row is a vector of bits,
//! and a row follows from the one before with a few operations on whole words (Hyyrö 2004). With a bit
//! that is 1 where the length does not grow, and `m` the places in `b` of the row's byte of `a`:
//!
//! ```text
//! row = (row + (row & m)) | (row & !m)
//! ```
//!
//! # The walk
//! Of several longest subsequences, Redis's is the one that is found from the ends: equal bytes are
//! taken; otherwise a byte of `a` is dropped if `L(i - 1, j) > L(i, j - 1)`, and a byte of `b` if not.
//! Where the bytes differ, `L(i, j)` is the larger of these two, so that the condition says that the
//! length grows at `j` in row `i`. That is the bit which is kept, and no lengths are needed.
//!
//! # Memory and time
//! One bit for each pair of bytes, rows rounded up to a byte, where Redis needs 32; and one step for 64
//! pairs. The limit is Redis's all the same. Layer: `store`; uses nothing else.

use std::ops::RangeInclusive;

/// Why there is no result. The text is Redis's, without the leading `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LcsError {
    /// A string of 4 GiB or more.
    #[error("ERR String too long for LCS")]
    TooLong,
    /// The table with 4 bytes for each pair, which Redis would make, is larger than the limit.
    #[error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")]
    OutOfMemory,
}

/// A piece of both strings that is part of the subsequence: two ranges of equal length. Both ends
/// belong to a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// Where it is in the first string.
    pub a: RangeInclusive<usize>,
    /// Where it is in the second string.
    pub b: RangeInclusive<usize>,
}

impl Match {
    /// The length in bytes, which WITHMATCHLEN shows.
    pub(crate) fn length(&self) -> usize {
        self.a.end() - self.a.start() + 1
    }
}

/// What LCS with IDX replies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Matches {
    /// The pieces, the last one first, without those that are too short.
    pub matches: Vec<Match>,
    /// The length of the whole subsequence.
    pub length: usize,
}

/// The length of the longest common subsequence. `max_table` is the most bytes that Redis's table may
/// have (`proto-max-bulk-len`).
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

/// The longest common subsequence that Redis finds. `max_table` as in [`length`].
///
/// # Errors
/// The strings are too long.
pub(crate) fn subsequence(a: &[u8], b: &[u8], max_table: u64) -> Result<Vec<u8>, LcsError> {
    let mut reversed = Vec::new();
    walk(a, b, max_table, |i, _| reversed.push(a[i]))?;
    reversed.reverse();
    Ok(reversed)
}

/// The pieces of the subsequence that have `min_length` bytes at least (MINMATCHLEN; none is shorter
/// than 1). `max_table` as in [`length`].
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

/// Redis's limits: the lengths fit 32 bits, and so does its table the memory.
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

/// Calls `take` with the places in `a` and `b` of every byte of the subsequence, the last one first.
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
        // Bytes of the last word that no place in b needs.
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

/// Makes the next row out of `row`, see the module's head.
fn advance(row: &mut [u64], places: &[u64]) {
    let mut carry = false;
    for (word, &matching) in row.iter_mut().zip(places) {
        let (sum, carried) = word.carrying_add(*word & matching, carry);
        *word = sum | (*word & !matching);
        carry = carried;
    }
}

/// For each byte value of `a`, where it is in `b`, as a vector of bits. Values that are not in `a` have
/// none, so that this is never larger than the table of `a.len()` rows.
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
                // There are 256 values, so that the last index is 255.
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

    /// The places of a byte of `a`.
    fn of(&self, byte: u8) -> &[u64] {
        let vector = self.index[usize::from(byte)].expect("the byte is in a");
        &self.vectors[usize::from(vector) * self.words..][..self.words]
    }
}

#[cfg(test)]
mod tests;
