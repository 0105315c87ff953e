//! The nodes of the tree, and moves within one node.
//!
//! Layer `store`. It uses nothing else.

use std::ops::Range;

use super::super::super::slots::SlotId;

/// An entry: a score and the slot of its member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScoredSlot {
    pub score: f64,
    pub slot: SlotId,
}

/// Up to `CAP` entries in order: a leaf, or the first columns of an inner node.
#[derive(Clone, Debug)]
pub(crate) struct Entries<const CAP: usize> {
    scores: [f64; CAP],
    slots: [SlotId; CAP],
    len: u16,
}

/// Up to `CAP` children in order, with a row for each.
#[derive(Clone, Debug)]
pub(crate) struct Inner<const CAP: usize> {
    /// The first entry below each child.
    firsts: Entries<CAP>,
    /// The number of entries below each child.
    counts: [u32; CAP],
    children: [Option<Node<CAP>>; CAP],
}

#[derive(Clone, Debug)]
pub(crate) enum Node<const CAP: usize> {
    Leaf(Box<Entries<CAP>>),
    Inner(Box<Inner<CAP>>),
}

impl<const CAP: usize> Entries<CAP> {
    pub(crate) fn empty() -> Box<Self> {
        Box::new(Self::EMPTY)
    }

    const EMPTY: Self = Self {
        scores: [0.0; CAP],
        slots: [0; CAP],
        len: 0,
    };

    pub(crate) fn of_one(entry: ScoredSlot) -> Box<Self> {
        let mut leaf = Self::empty();
        leaf.insert(0, entry);
        leaf
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.len)
    }

    pub(crate) fn entry(&self, at: usize) -> ScoredSlot {
        ScoredSlot {
            score: self.scores[at],
            slot: self.slots[at],
        }
    }

    pub(crate) fn slots(&self) -> &[SlotId] {
        &self.slots[..self.len()]
    }

    /// How many entries come before a bound, see [`super::Tree::partition`].
    pub(crate) fn partition(&self, score: f64, is_before: impl Fn(SlotId) -> bool) -> usize {
        let scores = &self.scores[..self.len()];
        // Reading all scores is faster than a binary search: the processor prefetches several at
        // once, but would have to wait for each step of the search.
        let lower = scores.iter().map(|&other| u64::from(other < score));
        let lower = lower.sum::<u64>() as usize;
        if scores.get(lower) != Some(&score) {
            return lower;
        }
        let equal = scores[lower..].partition_point(|&other| other == score);
        let slots = &self.slots[lower..lower + equal];
        lower + slots.partition_point(|&slot| is_before(slot))
    }

    pub(crate) fn set(&mut self, at: usize, entry: ScoredSlot) {
        self.scores[at] = entry.score;
        self.slots[at] = entry.slot;
    }

    /// Inserts an entry at an index. There must be room.
    pub(crate) fn insert(&mut self, at: usize, entry: ScoredSlot) {
        let len = self.len();
        self.scores.copy_within(at..len, at + 1);
        self.slots.copy_within(at..len, at + 1);
        self.set(at, entry);
        self.len += 1;
    }

    pub(crate) fn remove(&mut self, places: Range<usize>) {
        let len = self.len();
        self.scores.copy_within(places.end..len, places.start);
        self.slots.copy_within(places.end..len, places.start);
        self.len -= places.len() as u16;
    }

    /// Appends the entries of `other`. There must be room.
    pub(crate) fn append(&mut self, other: &mut Self) {
        let (start, end) = (self.len(), self.len() + other.len());
        self.scores[start..end].copy_from_slice(&other.scores[..other.len()]);
        self.slots[start..end].copy_from_slice(&other.slots[..other.len()]);
        self.len = end as u16;
        other.len = 0;
    }

    /// Moves the entries from `at` on to `other`, which must be empty.
    pub(crate) fn move_tail(&mut self, at: usize, other: &mut Self) {
        let moved = self.len() - at;
        other.scores[..moved].copy_from_slice(&self.scores[at..self.len()]);
        other.slots[..moved].copy_from_slice(&self.slots[at..self.len()]);
        other.len = moved as u16;
        self.len = at as u16;
    }
}

impl<const CAP: usize> Inner<CAP> {
    pub(crate) fn empty() -> Box<Self> {
        Box::new(Self {
            firsts: Entries::EMPTY,
            counts: [0; CAP],
            children: [const { None }; CAP],
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.firsts.len()
    }

    /// The first entries below all children.
    pub(crate) fn firsts(&self) -> &Entries<CAP> {
        &self.firsts
    }

    /// The first entry below a child.
    pub(crate) fn first(&self, at: usize) -> ScoredSlot {
        self.firsts.entry(at)
    }

    pub(crate) fn count(&self, at: usize) -> usize {
        self.counts[at] as usize
    }

    /// How many entries are below the children before `at`.
    pub(crate) fn count_until(&self, at: usize) -> usize {
        self.counts[..at].iter().sum::<u32>() as usize
    }

    pub(crate) fn child(&self, at: usize) -> &Node<CAP> {
        self.children[at].as_ref().expect("a row has a child")
    }

    pub(crate) fn child_mut(&mut self, at: usize) -> &mut Node<CAP> {
        self.children[at].as_mut().expect("a row has a child")
    }

    /// The number of children without a row; 0, unless an invariant is broken.
    #[cfg(test)]
    pub(crate) fn children_beyond(&self) -> usize {
        self.children[self.len()..].iter().flatten().count()
    }

    /// All children, without their rows.
    pub(crate) fn into_children(self) -> impl Iterator<Item = Node<CAP>> {
        self.children.into_iter().flatten()
    }

    /// The child that contains this rank, and the rank there.
    pub(crate) fn locate(&self, mut rank: usize) -> (usize, usize) {
        for (at, &count) in self.counts[..self.len()].iter().enumerate() {
            if rank < count as usize {
                return (at, rank);
            }
            rank -= count as usize;
        }
        panic!("there is no entry at this rank");
    }

    /// Updates a row from its child.
    pub(crate) fn refresh(&mut self, at: usize) {
        let child = self.child(at);
        let (first, count) = (child.first(), child.count());
        self.firsts.set(at, first);
        self.counts[at] = count as u32;
    }

    /// Inserts a child at an index. There must be room.
    pub(crate) fn insert_row(&mut self, at: usize, child: Node<CAP>) {
        let len = self.len();
        self.firsts.insert(at, child.first());
        self.counts.copy_within(at..len, at + 1);
        self.counts[at] = child.count() as u32;
        self.children[at..=len].rotate_right(1);
        self.children[at] = Some(child);
    }

    pub(crate) fn remove_row(&mut self, at: usize) -> Node<CAP> {
        let len = self.len();
        self.firsts.remove(at..at + 1);
        self.counts.copy_within(at + 1..len, at);
        let child = self.children[at].take().expect("a row has a child");
        self.children[at..len].rotate_left(1);
        child
    }

    /// Appends the rows of `other`. There must be room.
    pub(crate) fn append(&mut self, other: &mut Self) {
        let (start, moved) = (self.len(), other.len());
        self.firsts.append(&mut other.firsts);
        self.counts[start..start + moved].copy_from_slice(&other.counts[..moved]);
        self.children[start..start + moved].swap_with_slice(&mut other.children[..moved]);
    }

    /// Moves the rows from `at` on to `other`, which must be empty.
    pub(crate) fn move_tail(&mut self, at: usize, other: &mut Self) {
        let (len, moved) = (self.len(), self.len() - at);
        self.firsts.move_tail(at, &mut other.firsts);
        other.counts[..moved].copy_from_slice(&self.counts[at..len]);
        other.children[..moved].swap_with_slice(&mut self.children[at..len]);
    }
}

impl<const CAP: usize> Node<CAP> {
    /// Neighbours with at most this many entries or rows together are merged.
    pub(crate) const MERGE: usize = CAP / 4 * 3;

    /// The number of its entries or rows.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.len(),
            Self::Inner(inner) => inner.len(),
        }
    }

    /// The number of entries in it or below it.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.len(),
            Self::Inner(inner) => inner.count_until(inner.len()),
        }
    }

    /// The first entry in it or below it.
    pub(crate) fn first(&self) -> ScoredSlot {
        match self {
            Self::Leaf(leaf) => leaf.entry(0),
            Self::Inner(inner) => inner.first(0),
        }
    }

    /// Changes the score at a rank. The new score must keep the order.
    pub(crate) fn set_score(&mut self, rank: usize, score: f64) {
        match self {
            Self::Leaf(leaf) => {
                let slot = leaf.entry(rank).slot;
                leaf.set(rank, ScoredSlot { score, slot });
            }
            Self::Inner(inner) => {
                let (at, rest) = inner.locate(rank);
                inner.child_mut(at).set_score(rest, score);
                inner.refresh(at);
            }
        }
    }
}
