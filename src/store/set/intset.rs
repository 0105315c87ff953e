//! Integers in one buffer, sorted: what Redis stores as an intset.
//!
//! Layer `store`. It uses nothing else.
//!
//! ```text
//!   buffer   width (1 byte) | integer | integer | …      each of `width` bytes, the low byte first
//! ```
//!
//! # Invariants
//! - The integers are in ascending order, and none is there twice.
//! - The width is 2, 4 or 8 bytes. It grows when an integer needs more, and does not shrink before
//!   the last integer is removed. Without integers there is no buffer.

use super::super::allocation::size_class;

/// The width of the narrowest integers.
const NARROWEST: usize = size_of::<i16>();

/// Sorted integers. The buffer has no spare capacity: the allocator's size classes provide enough,
/// and resizing within them moves nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct IntSet(Box<[u8]>);

impl IntSet {
    /// The number of integers.
    pub(crate) fn len(&self) -> usize {
        self.0.len().saturating_sub(1) / self.width()
    }

    /// Its heap memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        size_class(self.0.len())
    }

    /// The integer with this number, counted from the smallest.
    ///
    /// # Panics
    /// There is no such integer.
    pub(crate) fn nth(&self, number: usize) -> i64 {
        let width = self.width();
        let at = 1 + number * width;
        let low = &self.0[at..at + width];
        // A negative integer has the top bit set in its last byte.
        let fill = if low[width - 1] < 0x80 { 0 } else { 0xff };
        let mut bytes = [fill; 8];
        bytes[..width].copy_from_slice(low);
        i64::from_le_bytes(bytes)
    }

    /// The integers in ascending order.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = i64> {
        (0..self.len()).map(|number| self.nth(number))
    }

    /// Whether the integer is there.
    pub(crate) fn contains(&self, integer: i64) -> bool {
        self.search(integer).is_ok()
    }

    /// Adds an integer. Returns `false` if it is already there.
    pub(crate) fn insert(&mut self, integer: i64) -> bool {
        let Err(number) = self.search(integer) else {
            return false;
        };
        if width_of(integer) > self.width() {
            self.widen(width_of(integer));
        }
        let width = self.width();
        let mut bytes = std::mem::take(&mut self.0).into_vec();
        if bytes.is_empty() {
            bytes.reserve_exact(1 + width);
            bytes.push(width as u8);
        }
        let (at, end) = (1 + number * width, bytes.len());
        bytes.reserve_exact(width);
        bytes.resize(end + width, 0);
        bytes.copy_within(at..end, at + width);
        bytes[at..at + width].copy_from_slice(&integer.to_le_bytes()[..width]);
        self.0 = bytes.into_boxed_slice();
        true
    }

    /// Removes an integer. Returns `false` if it is not there.
    pub(crate) fn remove(&mut self, integer: i64) -> bool {
        let found = self.search(integer);
        if let Ok(number) = found {
            self.take(number);
        }
        found.is_ok()
    }

    /// Removes and returns the integer with this number.
    ///
    /// # Panics
    /// There is no such integer.
    pub(crate) fn take(&mut self, number: usize) -> i64 {
        let integer = self.nth(number);
        if self.len() == 1 {
            *self = IntSet::default();
            return integer;
        }
        let (width, at) = (self.width(), 1 + number * self.width());
        let mut bytes = std::mem::take(&mut self.0).into_vec();
        bytes.copy_within(at + width.., at);
        bytes.truncate(bytes.len() - width);
        self.0 = bytes.into_boxed_slice();
        integer
    }

    /// Moves the integers with these numbers, which must be ascending, into a set of their own.
    pub(crate) fn split_off(&mut self, numbers: &[usize]) -> IntSet {
        let width = self.width();
        let buffer = |len: usize| match len {
            0 => Vec::new(),
            len => {
                let mut bytes = Vec::with_capacity(1 + len * width);
                bytes.push(width as u8);
                bytes
            }
        };
        let mut taken = buffer(numbers.len());
        let mut kept = buffer(self.len() - numbers.len());
        let mut numbers = numbers.iter().peekable();
        let integers = self.0.get(1..).unwrap_or_default().chunks_exact(width);
        for (number, integer) in integers.enumerate() {
            let is_taken = numbers.next_if_eq(&&number).is_some();
            let bytes = if is_taken { &mut taken } else { &mut kept };
            bytes.extend_from_slice(integer);
        }
        self.0 = kept.into_boxed_slice();
        IntSet(taken.into_boxed_slice())
    }

    fn width(&self) -> usize {
        self.0
            .first()
            .map_or(NARROWEST, |&width| usize::from(width))
    }

    /// The number of the integer, or else the number that it would get.
    fn search(&self, integer: i64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.nth(middle).cmp(&integer) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    fn widen(&mut self, width: usize) {
        let mut bytes = Vec::with_capacity(1 + (self.len() + 1) * width);
        bytes.push(width as u8);
        for integer in self.iter() {
            bytes.extend_from_slice(&integer.to_le_bytes()[..width]);
        }
        self.0 = bytes.into_boxed_slice();
    }
}

fn width_of(integer: i64) -> usize {
    if i16::try_from(integer).is_ok() {
        NARROWEST
    } else if i32::try_from(integer).is_ok() {
        size_of::<i32>()
    } else {
        size_of::<i64>()
    }
}

#[cfg(test)]
impl IntSet {
    /// Panics if an invariant is broken.
    pub(crate) fn invariants(&self) {
        assert!(self.iter().is_sorted_by(|one, other| one < other));
        assert!([2, 4, 8].contains(&self.width()));
        let bytes = self.len() * self.width();
        assert_eq!(self.0.len(), if bytes == 0 { 0 } else { 1 + bytes });
        assert!(self.iter().all(|integer| width_of(integer) <= self.width()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_widens_at_the_bounds() {
        for (bound, narrow, wide) in [
            (i64::from(i16::MAX), 2, 4),
            (i64::from(i16::MIN), 2, 4),
            (i64::from(i32::MAX), 4, 8),
            (i64::from(i32::MIN), 4, 8),
        ] {
            let mut set = IntSet::default();
            for integer in [0, -1, bound] {
                assert!(set.insert(integer) && !set.insert(integer));
            }
            assert_eq!(set.width(), narrow);
            let beyond = bound + bound.signum();
            assert!(!set.contains(beyond) && set.insert(beyond));
            assert_eq!(set.width(), wide);
            set.invariants();
            let mut all = [0, -1, bound, beyond];
            all.sort_unstable();
            assert!(set.iter().eq(all));
            for integer in all {
                assert!(set.remove(integer) && !set.remove(integer));
                set.invariants();
            }
            assert_eq!((set.width(), set.memory()), (NARROWEST, 0));
        }
        let mut set = IntSet::default();
        for integer in [i64::MAX, i64::MIN, 0] {
            assert!(set.insert(integer));
        }
        assert!(set.iter().eq([i64::MIN, 0, i64::MAX]));
        assert_eq!(set.take(1), 0);
    }
}
