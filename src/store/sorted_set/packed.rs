//! The small form: all members and scores in one allocation of exactly the necessary length.
//!
//! Layer `store`. It uses nothing else.
//!
//! ```text
//!   count   1 byte, or a mark of 1 byte and then 2 or 4 bytes
//!   ends    1, 2 or 4 bytes for each entry: where it ends, from the first entry on
//!   entries one after another, in order: the score (see `score`), then the member
//! ```
//!
//! The list of ends gives the length of each member, finds an entry by its rank at once, and allows
//! a binary search of scores. Members are searched one after another. Every change writes a new
//! allocation from runs of old entries and new entries, since a set has this form only up to a few
//! kilobytes.
//!
//! Invariants:
//! - Entries are in ascending order of (score, member). No member is there twice.
//! - Without entries there is no allocation.
//! - The count and the ends are as narrow as the larger of the count and the last end allows.

use std::ops::Range;

use super::score::{self, Encoded};

/// The most bytes of a listpack in Redis (`LISTPACK_MAX_SAFETY_LIMIT`).
const MAX_BYTES: usize = 1 << 30;

/// Marks counts and ends of two bytes. Below it, the first byte is the count itself.
const TWO: u8 = 254;
/// Marks counts and ends of four bytes.
const FOUR: u8 = 255;

/// How many bytes a count and the ends of entries take each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    One,
    Two,
    Four,
}

impl Width {
    fn of(count: usize, last_end: usize) -> Width {
        if count < usize::from(TWO) && last_end <= usize::from(u8::MAX) {
            Width::One
        } else if count.max(last_end) <= usize::from(u16::MAX) {
            Width::Two
        } else {
            Width::Four
        }
    }

    fn bytes(self) -> usize {
        match self {
            Width::One => 1,
            Width::Two => 2,
            Width::Four => 4,
        }
    }

    /// The number at a place in a list of numbers.
    fn read(self, list: &[u8], at: usize) -> usize {
        let bytes = &list[self.bytes() * at..];
        match self {
            Width::One => usize::from(bytes[0]),
            Width::Two => {
                let bytes = bytes.first_chunk().expect("a whole number");
                usize::from(u16::from_le_bytes(*bytes))
            }
            Width::Four => {
                let bytes = bytes.first_chunk().expect("a whole number");
                u32::from_le_bytes(*bytes) as usize
            }
        }
    }

    fn push(self, list: &mut Vec<u8>, number: usize) {
        match self {
            Width::One => list.push(number as u8),
            Width::Two => list.extend_from_slice(&(number as u16).to_le_bytes()),
            Width::Four => list.extend_from_slice(&(number as u32).to_le_bytes()),
        }
    }
}

/// A sorted set in the small form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packed {
    bytes: Box<[u8]>,
}

/// A part of a new allocation.
pub(crate) enum Run<'a> {
    /// The old entries with these ranks.
    Kept(Range<usize>),
    /// A new entry.
    New(NewEntry<'a>),
}

/// An entry to be written.
#[derive(Clone, Copy)]
pub(crate) struct NewEntry<'a> {
    score: Encoded,
    member: &'a [u8],
}

impl<'a> NewEntry<'a> {
    pub(crate) fn new(score: f64, member: &'a [u8]) -> NewEntry<'a> {
        NewEntry {
            score: Encoded::new(score),
            member,
        }
    }

    fn len(&self) -> usize {
        self.score.bytes().len() + self.member.len()
    }
}

/// The parts of the allocation.
#[derive(Clone, Copy)]
struct Parts<'a> {
    width: Width,
    ends: &'a [u8],
    entries: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(bytes: &'a [u8]) -> Parts<'a> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Parts {
                width: Width::One,
                ends: &[],
                entries: &[],
            };
        };
        let width = match first {
            TWO => Width::Two,
            FOUR => Width::Four,
            _ => Width::One,
        };
        let (count, rest) = match width {
            Width::One => (usize::from(first), rest),
            _ => (width.read(rest, 0), &rest[width.bytes()..]),
        };
        let (ends, entries) = rest.split_at(count * width.bytes());
        Parts {
            width,
            ends,
            entries,
        }
    }

    fn len(&self) -> usize {
        self.ends.len() / self.width.bytes()
    }

    fn end(&self, rank: usize) -> usize {
        self.width.read(self.ends, rank)
    }

    fn start(&self, rank: usize) -> usize {
        rank.checked_sub(1).map_or(0, |before| self.end(before))
    }

    fn entry(&self, rank: usize) -> &'a [u8] {
        &self.entries[self.start(rank)..self.end(rank)]
    }

    /// The bytes of these entries.
    fn span(&self, ranks: &Range<usize>) -> Range<usize> {
        let start = self.start(ranks.start);
        if ranks.is_empty() {
            start..start
        } else {
            start..self.end(ranks.end - 1)
        }
    }
}

impl Packed {
    /// The number of members.
    pub(crate) fn len(&self) -> usize {
        Parts::of(&self.bytes).len()
    }

    /// The length of the allocation in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether Redis would add a member of this length to a listpack.
    pub(crate) fn can_take(&self, member: usize) -> bool {
        self.bytes.len() + member < MAX_BYTES
    }

    /// The member and the score at a rank.
    ///
    /// # Panics
    /// There is no such rank.
    pub(crate) fn get(&self, rank: usize) -> (&[u8], f64) {
        let (score, member) = score::split(Parts::of(&self.bytes).entry(rank));
        (member, score)
    }

    /// The rank of a member.
    pub(crate) fn find(&self, member: &[u8]) -> Option<usize> {
        let parts = Parts::of(&self.bytes);
        let mut start = 0;
        (0..parts.len()).find(|&rank| {
            let end = parts.end(rank);
            let entry = &parts.entries[start..end];
            start = end;
            score::skip(entry) == member
        })
    }

    /// How many members come before a bound: those with lower scores, and those with this score for
    /// which `is_before` returns `true`. These must be the first ones with this score.
    pub(crate) fn partition(&self, score: f64, is_before: impl Fn(&[u8]) -> bool) -> usize {
        let parts = Parts::of(&self.bytes);
        let (mut start, mut end) = (0, parts.len());
        while start < end {
            let middle = usize::midpoint(start, end);
            let (other, member) = score::split(parts.entry(middle));
            if other < score || (other == score && is_before(member)) {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        start
    }

    /// How many other members come before this one, if it has this score.
    fn place(&self, score: f64, member: &[u8]) -> usize {
        self.partition(score, |other| other < member)
    }

    /// Adds a member, which must be new.
    pub(crate) fn insert(&mut self, member: &[u8], score: f64) {
        let at = self.place(score, member);
        *self = self.rebuilt(&[
            Run::Kept(0..at),
            Run::New(NewEntry::new(score, member)),
            Run::Kept(at..self.len()),
        ]);
    }

    /// Changes the score of the member at a rank.
    pub(crate) fn update(&mut self, rank: usize, score: f64) {
        let (member, old) = self.get(rank);
        let new = Run::New(NewEntry::new(score, member));
        let (at, len) = (self.place(score, member), self.len());
        *self = if old < score {
            self.rebuilt(&[
                Run::Kept(0..rank),
                Run::Kept(rank + 1..at),
                new,
                Run::Kept(at..len),
            ])
        } else {
            self.rebuilt(&[
                Run::Kept(0..at),
                new,
                Run::Kept(at..rank),
                Run::Kept(rank + 1..len),
            ])
        };
    }

    /// Removes the members with these ranks.
    pub(crate) fn remove(&mut self, ranks: Range<usize>) {
        *self = self.rebuilt(&[Run::Kept(0..ranks.start), Run::Kept(ranks.end..self.len())]);
    }

    /// A new set of these runs.
    pub(crate) fn rebuilt(&self, runs: &[Run]) -> Packed {
        let old = Parts::of(&self.bytes);
        let (mut count, mut size) = (0, 0);
        for run in runs {
            let (entries, bytes) = match run {
                Run::Kept(ranks) => (ranks.len(), old.span(ranks).len()),
                Run::New(entry) => (1, entry.len()),
            };
            count += entries;
            size += bytes;
        }
        if count == 0 {
            return Packed::default();
        }
        let width = Width::of(count, size);
        let mark = match width {
            Width::One => None,
            Width::Two => Some(TWO),
            Width::Four => Some(FOUR),
        };
        let head = usize::from(mark.is_some()) + width.bytes() * (1 + count);
        let mut bytes = Vec::with_capacity(head + size);
        bytes.extend(mark);
        width.push(&mut bytes, count);
        let mut end = 0;
        for run in runs {
            match run {
                Run::Kept(ranks) => {
                    let span = old.span(ranks);
                    for rank in ranks.clone() {
                        width.push(&mut bytes, old.end(rank) - span.start + end);
                    }
                    end += span.len();
                }
                Run::New(entry) => {
                    end += entry.len();
                    width.push(&mut bytes, end);
                }
            }
        }
        for run in runs {
            match run {
                Run::Kept(ranks) => bytes.extend_from_slice(&old.entries[old.span(ranks)]),
                Run::New(entry) => {
                    bytes.extend_from_slice(entry.score.bytes());
                    bytes.extend_from_slice(entry.member);
                }
            }
        }
        Packed {
            bytes: bytes.into_boxed_slice(),
        }
    }
}

#[cfg(test)]
impl Packed {
    /// Panics if an invariant of the file is broken.
    pub(crate) fn invariants(&self) {
        let parts = Parts::of(&self.bytes);
        let last = parts.start(parts.len());
        assert_eq!(last, parts.entries.len());
        assert_eq!(self.bytes.is_empty(), parts.len() == 0);
        assert_eq!(parts.width, Width::of(parts.len(), last));
        for rank in 1..parts.len() {
            let ((before, low), (member, high)) = (self.get(rank - 1), self.get(rank));
            assert!(
                low < high || (low == high && before < member),
                "rank {rank}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_has_no_room_that_is_not_used() {
        let mut packed = Packed::default();
        for number in 0..10 {
            packed.insert(format!("member:{number:06}").as_bytes(), f64::from(number));
        }
        assert_eq!(packed.bytes(), 1 + 10 * (1 + 1 + 13));
        packed.invariants();
        packed.remove(0..10);
        assert_eq!((packed.bytes(), packed.len()), (0, 0));
    }

    #[test]
    fn numbers_are_as_wide_as_they_must() {
        for (count, member, width) in [
            (1, 254, Width::One),
            (1, 255, Width::Two),
            (253, 0, Width::One),
            (254, 0, Width::Two),
            (2, 32_766, Width::Two),
            (2, 32_767, Width::Four),
        ] {
            let mut packed = Packed::default();
            for number in 0..count {
                // One that is empty has only its score.
                let text = number.to_string().repeat(member);
                packed.insert(&text.as_bytes()[..member], 0.0);
            }
            assert_eq!(Parts::of(&packed.bytes).width, width, "{count} {member}");
            assert_eq!(packed.len(), count);
            let last = Parts::of(&packed.bytes).start(count);
            assert_eq!(last, count * (1 + member));
        }
    }

    #[test]
    fn large_pieces_have_wide_numbers_for_as_long_as_they_must() {
        let mut packed = Packed::default();
        for number in 0..40_u16 {
            let mut member = vec![b'x'; 2000];
            member[..2].copy_from_slice(&number.to_be_bytes());
            packed.insert(&member, f64::from(number % 7));
            packed.invariants();
        }
        assert!(packed.bytes() > 80_000);
        while packed.len() > 0 {
            let rank = packed.len() / 2;
            let member = packed.get(rank).0.to_vec();
            assert_eq!(packed.find(&member), Some(rank));
            packed.remove(rank..rank + 1);
            packed.invariants();
            assert_eq!(packed.find(&member), None);
        }
    }
}
