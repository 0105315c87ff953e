//! A compact map from ids to values, in order.
//!
//! Layer `store`. It uses nothing else.
//!
//! The ids are in chunks: vectors of up to [`CAPACITY`] ids with their values. The last chunk, the
//! tail, is at hand, and the others are in a B-tree. So ids that ascend are appended in constant
//! time, a map of few ids is one vector, and an id costs little more than itself. (A B-tree of
//! single ids leaves its nodes half empty if ids only ascend.) The log keeps its blocks in such a
//! map, groups and consumers their pending entries.
//!
//! Costs: finding, inserting and removing take O(log n). An insertion or a removal also moves a
//! part of one chunk. A chunk that is full is split in halves, but at the end of the map a new tail
//! is begun, so that ascending ids leave full chunks behind. A chunk that has become small is
//! joined to a small neighbour.
//!
//! # Invariants
//! - No chunk has more than [`CAPACITY`] ids. None is empty, except the tail of an empty map.
//! - The ids of a chunk in the tree ascend. They are not below the chunk's key, and below the next
//!   chunk's key. The key need not be among them.
//! - The ids of the tail ascend, and are above all others.
//! - `len` and `buffers` are sums over the chunks.

mod range;

use std::collections::{BTreeMap, btree_map};

use super::super::allocation;
use super::id::StreamId;
pub(super) use range::IdRange;

/// The most ids of a chunk.
const CAPACITY: usize = 64;
/// A chunk with so few ids or fewer is joined to a neighbour, if both together have at most twice
/// as many.
const SMALL: usize = CAPACITY / 4;
/// What a chunk takes in the B-tree, whose nodes are about two thirds full.
const IN_TREE: usize = (size_of::<StreamId>() + size_of::<Vec<u8>>()) * 3 / 2;
/// What a node of the B-tree takes, of which there is at least one if there is a chunk.
const NODE: usize = 512;

pub(super) type Chunk<V> = Vec<(StreamId, V)>;

/// Ids with values, in order.
#[derive(Debug)]
pub(super) struct IdMap<V> {
    chunks: BTreeMap<StreamId, Chunk<V>>,
    tail: Chunk<V>,
    len: usize,
    /// The bytes of the chunks' buffers.
    buffers: usize,
}

impl<V> Default for IdMap<V> {
    fn default() -> Self {
        Self {
            chunks: BTreeMap::new(),
            tail: Vec::new(),
            len: 0,
            buffers: 0,
        }
    }
}

impl<V: Clone> Clone for IdMap<V> {
    fn clone(&self) -> Self {
        let mut clone = Self {
            chunks: self.chunks.clone(),
            tail: self.tail.clone(),
            ..Self::default()
        };
        // The copies of the buffers have no room to grow.
        clone.sum_up();
        clone
    }
}

fn buffer<V>(chunk: &Chunk<V>) -> usize {
    allocation::buffer::<(StreamId, V)>(chunk.capacity())
}

impl<V> IdMap<V> {
    /// The number of ids.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Its heap memory in bytes, without what the values have on the heap.
    pub(super) fn memory(&self) -> usize {
        let tree = match self.chunks.len() {
            0 => 0,
            chunks => NODE.max(chunks * IN_TREE),
        };
        self.buffers + tree
    }

    /// Roughly the number of its allocations, without those of the values.
    pub(super) fn allocations(&self) -> usize {
        1 + self.chunks.len() + self.chunks.len() / 6
    }

    /// The value of an id.
    pub(super) fn get(&self, id: StreamId) -> Option<&V> {
        let (found, value) = self.floor(id)?;
        (found == id).then_some(value)
    }

    /// The highest id that is not above this one.
    pub(super) fn floor(&self, id: StreamId) -> Option<(StreamId, &V)> {
        let last_of = |chunk| {
            let at = below(chunk, id).checked_sub(1)?;
            let (found, value) = &chunk[at];
            Some((*found, value))
        };
        last_of(&self.tail).or_else(|| {
            // A chunk may have lost the ids at its beginning; then the id is in the one before.
            let mut chunks = self.chunks.range(..=id).rev();
            chunks.find_map(|(_, chunk)| last_of(chunk))
        })
    }

    /// The value of an id, to be changed.
    pub(super) fn get_mut(&mut self, id: StreamId) -> Option<&mut V> {
        let chunk = if self.is_in_tail(id) {
            &mut self.tail
        } else {
            self.chunks.range_mut(..=id).next_back()?.1
        };
        let at = find(chunk, id).ok()?;
        Some(&mut chunk[at].1)
    }

    /// The first id.
    pub(super) fn first(&self) -> Option<(StreamId, &V)> {
        let first = self.chunks.first_key_value();
        let chunk = first.map_or(&self.tail, |(_, chunk)| chunk);
        chunk.first().map(|(id, value)| (*id, value))
    }

    /// The last id with its value, to be changed.
    pub(super) fn last_mut(&mut self) -> Option<(StreamId, &mut V)> {
        self.tail.last_mut().map(|(id, value)| (*id, value))
    }

    /// The ids from `from` to `to`, both included, in order.
    pub(super) fn range(&self, from: StreamId, to: StreamId) -> IdRange<'_, V> {
        let mut chunks = btree_map::Range::default();
        if from <= to && !self.is_in_tail(from) {
            let mut before = self.chunks.range(..=from);
            let begin = before.next_back().map_or(from, |(key, _)| *key);
            chunks = self.chunks.range(begin..=to);
        }
        IdRange::new(chunks, &self.tail, from, to)
    }

    /// Inserts an id, or replaces its value. Returns the value that it had.
    pub(super) fn insert(&mut self, id: StreamId, value: V) -> Option<V> {
        if self.tail.last().is_none_or(|(highest, _)| *highest < id) {
            if self.tail.len() == CAPACITY {
                let full = std::mem::take(&mut self.tail);
                self.chunks.insert(full[0].0, full);
            }
            let at = self.tail.len();
            self.buffers += insert_at(&mut self.tail, at, (id, value));
            self.len += 1;
            return None;
        }
        let key = if self.is_in_tail(id) || self.chunks.is_empty() {
            None
        } else {
            Some(self.chunk_for(id))
        };
        let chunk = match key {
            None => &mut self.tail,
            Some(key) => self.chunks.get_mut(&key).expect("a key of the tree"),
        };
        let at = match find(chunk, id) {
            Ok(at) => return Some(std::mem::replace(&mut chunk[at].1, value)),
            Err(at) => at,
        };
        self.len += 1;
        if chunk.len() < CAPACITY {
            self.buffers += insert_at(chunk, at, (id, value));
            return None;
        }
        self.buffers -= buffer(chunk);
        let mut upper = chunk.split_off(CAPACITY / 2);
        if at > CAPACITY / 2 {
            insert_at(&mut upper, at - CAPACITY / 2, (id, value));
        } else {
            insert_at(chunk, at, (id, value));
        }
        self.buffers += buffer(chunk) + buffer(&upper);
        match key {
            Some(_) => self.chunks.insert(upper[0].0, upper),
            None => {
                let lower = std::mem::replace(&mut self.tail, upper);
                self.chunks.insert(lower[0].0, lower)
            }
        };
        None
    }

    /// Removes an id. Returns its value.
    pub(super) fn remove(&mut self, id: StreamId) -> Option<V> {
        let (key, chunk) = if self.is_in_tail(id) {
            (None, &mut self.tail)
        } else {
            let (key, chunk) = self.chunks.range_mut(..=id).next_back()?;
            (Some(*key), chunk)
        };
        let at = find(chunk, id).ok()?;
        let (_, value) = chunk.remove(at);
        self.len -= 1;
        self.buffers -= shrink(chunk);
        if chunk.len() <= SMALL {
            match key {
                Some(key) => self.join(key),
                None => self.join_tail(),
            }
        }
        Some(value)
    }

    /// Removes all ids below this one. Returns their chunks.
    pub(super) fn take_below(&mut self, id: StreamId) -> Vec<Chunk<V>> {
        let mut taken = Vec::new();
        while let Some(first) = self.chunks.first_entry()
            && first.get().last().is_some_and(|(last, _)| *last < id)
        {
            taken.push(first.remove());
        }
        let (key, chunk) = match self.chunks.first_entry() {
            Some(first) => (Some(*first.key()), first.into_mut()),
            None => (None, &mut self.tail),
        };
        let count = chunk.partition_point(|(other, _)| *other < id);
        if count > 0 {
            self.buffers -= buffer(chunk);
            let rest = chunk.split_off(count);
            // The rest gets a buffer of its size, as if it had been shrunk.
            let part = std::mem::replace(chunk, rest);
            self.buffers += buffer(chunk) + buffer(&part);
            taken.push(part);
            if chunk.len() <= SMALL {
                match key {
                    Some(key) => self.join(key),
                    None => self.join_tail(),
                }
            }
        }
        self.len -= taken.iter().map(Vec::len).sum::<usize>();
        self.buffers -= taken.iter().map(buffer).sum::<usize>();
        taken
    }

    /// Removes all ids. Returns their chunks.
    pub(super) fn take_all(&mut self) -> Vec<Chunk<V>> {
        let taken = std::mem::take(self);
        taken.chunks.into_values().chain([taken.tail]).collect()
    }

    /// Removes the ids for which `stays` returns `false`. Takes time for every id.
    pub(super) fn retain(&mut self, mut stays: impl FnMut(StreamId, &V) -> bool) {
        let mut thin_out = |chunk: &mut Chunk<V>| {
            chunk.retain(|(id, value)| stays(*id, value));
            shrink(chunk);
            !chunk.is_empty()
        };
        self.chunks.retain(|_, chunk| thin_out(chunk));
        thin_out(&mut self.tail);
        self.sum_up();
        if self.tail.is_empty() {
            self.join_tail();
        }
    }

    fn sum_up(&mut self) {
        let chunks = || self.chunks.values().chain([&self.tail]);
        self.len = chunks().map(Vec::len).sum();
        self.buffers = chunks().map(buffer).sum();
    }

    fn is_in_tail(&self, id: StreamId) -> bool {
        self.tail.first().is_some_and(|(first, _)| *first <= id)
    }

    /// The key of the chunk in the tree into which an id belongs. The tree is not empty. If need be,
    /// the first chunk gets a lower key.
    fn chunk_for(&mut self, id: StreamId) -> StreamId {
        if let Some((key, _)) = self.chunks.range(..=id).next_back() {
            return *key;
        }
        if let Some((_, chunk)) = self.chunks.pop_first() {
            self.chunks.insert(id, chunk);
        }
        id
    }

    /// Removes a chunk that is empty. Joins a small one to a neighbour that is small, too.
    fn join(&mut self, key: StreamId) {
        let chunk = &self.chunks[&key];
        if chunk.is_empty() {
            self.buffers -= buffer(chunk);
            self.chunks.remove(&key);
            return;
        }
        let len = chunk.len();
        let fits = |chunk: &Chunk<V>| chunk.len() + len <= 2 * SMALL;
        let next = self.chunks.range(key..).nth(1);
        let (first, second) = match next {
            Some((next, chunk)) if fits(chunk) => (key, *next),
            None if fits(&self.tail) => return self.join_tail(),
            _ => match self.chunks.range(..key).next_back() {
                Some((previous, chunk)) if fits(chunk) => (*previous, key),
                _ => return,
            },
        };
        if let Some(absorbed) = self.chunks.remove(&second)
            && let Some(chunk) = self.chunks.get_mut(&first)
        {
            let before = buffer(chunk) + buffer(&absorbed);
            append(chunk, absorbed);
            self.buffers = self.buffers + buffer(chunk) - before;
        }
    }

    /// Joins the tail to the last chunk of the tree, if both are small. If the tail is empty, that
    /// chunk becomes the tail, whatever its size.
    fn join_tail(&mut self) {
        let Some(last) = self.chunks.last_entry() else {
            return;
        };
        if !self.tail.is_empty() && last.get().len() + self.tail.len() > 2 * SMALL {
            return;
        }
        let upper = std::mem::replace(&mut self.tail, last.remove());
        let before = buffer(&self.tail) + buffer(&upper);
        append(&mut self.tail, upper);
        self.buffers = self.buffers + buffer(&self.tail) - before;
    }
}

/// Appends the ids of another chunk.
fn append<V>(chunk: &mut Chunk<V>, other: Chunk<V>) {
    chunk.reserve_exact(other.len());
    chunk.extend(other);
}

/// Where an id is in a chunk, or where it belongs.
fn find<V>(chunk: &Chunk<V>, id: StreamId) -> Result<usize, usize> {
    chunk.binary_search_by_key(&id, |(id, _)| *id)
}

/// How many ids of a chunk are not above this one.
fn below<V>(chunk: &[(StreamId, V)], id: StreamId) -> usize {
    chunk.partition_point(|(other, _)| *other <= id)
}

/// Inserts into a chunk, whose buffer grows by half if it is full. Returns by how many bytes it grew.
fn insert_at<V>(chunk: &mut Chunk<V>, at: usize, entry: (StreamId, V)) -> usize {
    let before = buffer(chunk);
    if chunk.len() == chunk.capacity() {
        let more = chunk.len().div_ceil(2).min(CAPACITY - chunk.len());
        chunk.reserve_exact(more.max(1));
    }
    chunk.insert(at, entry);
    buffer(chunk) - before
}

/// Moves a chunk to a smaller buffer, if it fills no more than half of its own. An empty one has
/// none. Returns by how many bytes the buffer shrank.
fn shrink<V>(chunk: &mut Chunk<V>) -> usize {
    if !chunk.is_empty() && (chunk.capacity() <= 4 || chunk.len() > chunk.capacity() / 2) {
        return 0;
    }
    let before = buffer(chunk);
    // Allocators leave a buffer where it is if it loses less than half of its size.
    let mut smaller = Vec::with_capacity(chunk.len());
    smaller.append(chunk);
    *chunk = smaller;
    before - buffer(chunk)
}

#[cfg(test)]
impl<V> IdMap<V> {
    /// Panics if an invariant of this file is broken.
    pub(super) fn invariants(&self) {
        let mut last = None;
        let mut ascend = |chunk: &Chunk<V>| {
            assert!(chunk.len() <= CAPACITY);
            for (id, _) in chunk {
                assert!(last < Some(*id));
                last = Some(*id);
            }
            last
        };
        let mut before = None;
        for (key, chunk) in &self.chunks {
            assert!(!chunk.is_empty() && before < Some(*key) && *key <= chunk[0].0);
            before = ascend(chunk);
        }
        assert!(!self.tail.is_empty() || self.chunks.is_empty());
        assert!(!self.tail.is_empty() || self.tail.capacity() == 0);
        ascend(&self.tail);
        let chunks = || self.chunks.values().chain([&self.tail]);
        assert_eq!(self.len, chunks().map(Vec::len).sum::<usize>());
        assert_eq!(self.buffers, chunks().map(buffer).sum::<usize>());
    }
}
