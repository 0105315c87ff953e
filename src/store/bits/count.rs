//! BITCOUNT and BITPOS: how many bits are set in a range, and where the first 0 or 1 is.
//!
//! Layer `store`. It uses nothing else. Both commands work on 64 bits at a time.

/// The unit of a range's ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes, the default.
    #[default]
    Byte,
    /// Bits.
    Bit,
}

impl Unit {
    /// `BYTE` or `BIT`, in any case.
    pub(crate) fn parse(text: &[u8]) -> Option<Unit> {
        if text.eq_ignore_ascii_case(b"byte") {
            Some(Unit::Byte)
        } else if text.eq_ignore_ascii_case(b"bit") {
            Some(Unit::Bit)
        } else {
            None
        }
    }
}

/// A range of bytes or bits as the client gives it. It includes both ends. A negative end counts
/// from the end of the string; -1 is the last byte or bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BitRange {
    /// The first byte or bit.
    pub start: i64,
    /// The last byte or bit. `None` if the client gives none: the end of the string.
    pub end: Option<i64>,
    /// The unit of `start` and `end`.
    pub unit: Unit,
}

impl Default for BitRange {
    /// The whole string.
    fn default() -> BitRange {
        BitRange {
            start: 0,
            end: None,
            unit: Unit::Byte,
        }
    }
}

impl BitRange {
    /// The first bit, and the bit after the last one, in a string of `bytes` bytes. `None` if the
    /// range is empty.
    fn resolve(self, bytes: usize) -> Option<(usize, usize)> {
        let scale: usize = match self.unit {
            Unit::Byte => 1,
            Unit::Bit => 8,
        };
        let len = i64::try_from(bytes * scale).ok()?;
        let from_front = |index: i64| if index < 0 { index + len } else { index }.max(0);
        let start = from_front(self.start);
        let end = from_front(self.end.unwrap_or(-1)).min(len - 1);
        if start > end {
            return None;
        }
        let width = 8 / scale;
        Some((start as usize * width, (end as usize + 1) * width))
    }
}

/// How many bits of `range` are set. The string of a missing key is empty.
pub(crate) fn count(value: &[u8], range: BitRange) -> u64 {
    // Redis does this before it clamps the ends, so -3 to -5 of a short string is empty.
    if range.start < 0 && range.end.is_some_and(|end| end < 0 && range.start > end) {
        return 0;
    }
    let Some((first, end)) = range.resolve(value.len()) else {
        return 0;
    };
    let bytes = &value[first / 8..end.div_ceil(8)];
    let before = bytes[0] & !head_mask(first);
    let after = bytes[bytes.len() - 1] & tail_mask(end);
    ones(bytes) - u64::from(before.count_ones()) - u64::from(after.count_ones())
}

/// The position of the first bit with this value in `range`, counted from the start of the string.
/// `None` stands for Redis's -1.
///
/// If no end is given, the string counts as followed by zeros: if the range holds only ones, the
/// first 0 is just after the string. A missing key (no `value`) is all zeros, whatever the range.
pub(crate) fn position(value: Option<&[u8]>, bit: bool, range: BitRange) -> Option<u64> {
    let Some(value) = value else {
        return if bit { None } else { Some(0) };
    };
    let (first, end) = range.resolve(value.len())?;
    let found = first_of(value, bit, first, end);
    let behind = (!bit && range.end.is_none()).then_some(end);
    found.or(behind).map(|position| position as u64)
}

/// The first bit with this value in `first..end`, which is not empty.
fn first_of(value: &[u8], bit: bool, first: usize, end: usize) -> Option<usize> {
    // After this XOR, the searched bit is a one.
    let flip = if bit { 0 } else { 0xff };
    let start = first / 8;
    let head = (value[start] ^ flip) & head_mask(first);
    let byte = if head != 0 {
        start
    } else {
        let rest = &value[start + 1..end.div_ceil(8)];
        let (words, _) = rest.as_chunks::<8>();
        let skipped = words.iter().take_while(|word| **word == [flip; 8]).count() * 8;
        let within = rest[skipped..].iter().position(|byte| byte ^ flip != 0)?;
        start + 1 + skipped + within
    };
    let ones = if byte == start {
        head
    } else {
        value[byte] ^ flip
    };
    let position = byte * 8 + ones.leading_zeros() as usize;
    // The last byte may contain bits after the range.
    (position < end).then_some(position)
}

/// Selects the bits of the byte from bit `first` on.
fn head_mask(first: usize) -> u8 {
    0xff >> (first % 8)
}

/// Selects the bits of the last byte that are before `end`.
fn tail_mask(end: usize) -> u8 {
    match end % 8 {
        0 => 0,
        kept => 0xff >> kept,
    }
}

/// How many bits are set.
fn ones(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let in_words: u64 = words
        .iter()
        .map(|word| u64::from(u64::from_ne_bytes(*word).count_ones()))
        .sum();
    let in_rest: u64 = rest.iter().map(|byte| u64::from(byte.count_ones())).sum();
    in_words + in_rest
}
