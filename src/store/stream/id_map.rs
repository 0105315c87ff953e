//! A compact map from ids to values, in order.
//!
//! Layer `store`. It uses nothing else.
//!
//! The map is a B-tree of chunks, and a chunk is a vector of up to [`CAPACITY`] ids with their
//! values. So an id costs little more than itself, where a B-tree of single ids leaves its nodes
//! half empty if ids only ascend. The log keeps its blocks in such a map, groups and consumers
//! their pending entries.
//!
//! Costs: finding, inserting and removing take O(log n). An insertion or a removal also moves a
//! part of one chunk. A chunk that is full is split in halves, but at the end of the map a new chunk
//! is begun, so that ascending ids leave full chunks behind. A chunk that has become small is
//! joined to a small neighbour.
//!
//! # Invariants
//! - No chunk is empty or has more than [`CAPACITY`] ids.
//! - The ids of a chunk ascend. They are not below the chunk's key, and below the next chunk's key.
//!   The key need not be among them.
//! - `len` and `buffers` are sums over the chunks.

use std::collections::{BTreeMap, btree_map};
use std::slice;

use super::super::allocation;
use super::id::StreamId;

/// The most ids of a chunk.
const CAPACITY: usize = 64;
/// A chunk with so few ids or fewer is joined to a neighbour, if both together have at most twice
/// as many.
const SMALL: usize = CAPACITY / 4;
/// What a chunk takes in the B-tree, whose nodes are about two thirds full.
const IN_TREE: usize = (size_of::<StreamId>() + size_of::<Vec<u8>>()) * 3 / 2;
/// What a node of the B-tree takes, of which there is one for the first chunk.
const NODE: usize = 512;

pub(super) type Chunk<V> = Vec<(StreamId, V)>;

/// Ids with values, in order.
#[derive(Debug)]
pub(super) struct IdMap<V> {
    chunks: BTreeMap<StreamId, Chunk<V>>,
    len: usize,
    /// The bytes of the chunks' buffers.
    buffers: usize,
}

impl<V> Default for IdMap<V> {
    fn default() -> Self {
        Self {
            chunks: BTreeMap::new(),
            len: 0,
            buffers: 0,
        }
    }
}

impl<V: Clone> Clone for IdMap<V> {
    fn clone(&self) -> Self {
        let chunks = self.chunks.clone();
        // The copies of the buffers have no room to grow.
        let buffers = chunks.values().map(buffer).sum();
        Self {
            chunks,
            len: self.len,
            buffers,
        }
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
        self.chunks.len() + self.chunks.len() / 6
    }

    /// The value of an id.
    pub(super) fn get(&self, id: StreamId) -> Option<&V> {
        let (found, value) = self.floor(id)?;
        (found == id).then_some(value)
    }

    /// The highest id that is not above this one.
    pub(super) fn floor(&self, id: StreamId) -> Option<(StreamId, &V)> {
        // A chunk may have lost the ids at its beginning; then the id is in the one before.
        let mut chunks = self.chunks.range(..=id);
        while let Some((_, chunk)) = chunks.next_back() {
            if let Some(at) = below(chunk, id).checked_sub(1) {
                let (found, value) = &chunk[at];
                return Some((*found, value));
            }
        }
        None
    }

    /// The value of an id, to be changed.
    pub(super) fn get_mut(&mut self, id: StreamId) -> Option<&mut V> {
        let (_, chunk) = self.chunks.range_mut(..=id).next_back()?;
        let at = find(chunk, id).ok()?;
        Some(&mut chunk[at].1)
    }

    /// The first id.
    pub(super) fn first(&self) -> Option<(StreamId, &V)> {
        let (_, chunk) = self.chunks.first_key_value()?;
        chunk.first().map(|(id, value)| (*id, value))
    }

    /// The last id with its value, to be changed.
    pub(super) fn last_mut(&mut self) -> Option<(StreamId, &mut V)> {
        let chunk = self.chunks.last_entry()?.into_mut();
        chunk.last_mut().map(|(id, value)| (*id, value))
    }

    /// The ids from `from` to `to`, both included, in order.
    pub(super) fn range(&self, from: StreamId, to: StreamId) -> IdRange<'_, V> {
        let chunks = if from <= to {
            let mut before = self.chunks.range(..=from);
            let begin = before.next_back().map_or(from, |(key, _)| *key);
            self.chunks.range(begin..=to)
        } else {
            btree_map::Range::default()
        };
        IdRange {
            chunks,
            front: [].iter(),
            back: [].iter(),
            from,
            to,
        }
    }

    /// Inserts an id, or replaces its value. Returns the value that it had.
    pub(super) fn insert(&mut self, id: StreamId, value: V) -> Option<V> {
        let Some(mut last) = self.chunks.last_entry() else {
            self.begin_chunk(id, vec![(id, value)]);
            return None;
        };
        let chunk = last.get_mut();
        if chunk.last().is_some_and(|(highest, _)| *highest < id) {
            if chunk.len() == CAPACITY {
                self.begin_chunk(id, vec![(id, value)]);
            } else {
                self.buffers += insert_at(chunk, chunk.len(), (id, value));
                self.len += 1;
            }
            return None;
        }
        let key = match self.chunks.range(..=id).next_back() {
            Some((key, _)) => *key,
            None => self.lower_first_key(id)?,
        };
        let chunk = self.chunks.get_mut(&key)?;
        let at = match find(chunk, id) {
            Ok(at) => return Some(std::mem::replace(&mut chunk[at].1, value)),
            Err(at) => at,
        };
        self.len += 1;
        if chunk.len() < CAPACITY {
            self.buffers += insert_at(chunk, at, (id, value));
            return None;
        }
        let mut upper = chunk.split_off(CAPACITY / 2);
        if at > CAPACITY / 2 {
            insert_at(&mut upper, at - CAPACITY / 2, (id, value));
        } else {
            self.buffers += insert_at(chunk, at, (id, value));
        }
        self.buffers += buffer(&upper);
        self.chunks.insert(upper[0].0, upper);
        None
    }

    /// Removes an id. Returns its value.
    pub(super) fn remove(&mut self, id: StreamId) -> Option<V> {
        let (&key, chunk) = self.chunks.range_mut(..=id).next_back()?;
        let at = find(chunk, id).ok()?;
        let (_, value) = chunk.remove(at);
        self.len -= 1;
        if chunk.is_empty() {
            self.buffers -= buffer(chunk);
            self.chunks.remove(&key);
        } else {
            self.buffers -= shrink(chunk);
            if chunk.len() <= SMALL {
                self.join(key);
            }
        }
        Some(value)
    }

    /// Removes all ids below this one. Returns their chunks.
    pub(super) fn take_below(&mut self, id: StreamId) -> Vec<Chunk<V>> {
        let mut taken = Vec::new();
        while let Some(mut first) = self.chunks.first_entry() {
            let chunk = first.get_mut();
            let count = chunk.partition_point(|(other, _)| *other < id);
            if count == chunk.len() {
                let chunk = first.remove();
                self.len -= count;
                self.buffers -= buffer(&chunk);
                taken.push(chunk);
                continue;
            }
            if count > 0 {
                taken.push(chunk.drain(..count).collect());
                self.len -= count;
                self.buffers -= shrink(chunk);
                if chunk.len() <= SMALL {
                    let key = *first.key();
                    self.join(key);
                }
            }
            break;
        }
        taken
    }

    /// Removes all ids. Returns their chunks.
    pub(super) fn take_all(&mut self) -> Vec<Chunk<V>> {
        let taken = std::mem::take(self);
        taken.chunks.into_values().collect()
    }

    /// Removes the ids for which `stays` returns `false`. Takes time for every id.
    pub(super) fn retain(&mut self, mut stays: impl FnMut(StreamId, &V) -> bool) {
        self.chunks.retain(|_, chunk| {
            chunk.retain(|(id, value)| stays(*id, value));
            shrink(chunk);
            !chunk.is_empty()
        });
        self.len = self.chunks.values().map(Vec::len).sum();
        self.buffers = self.chunks.values().map(buffer).sum();
    }

    fn begin_chunk(&mut self, key: StreamId, chunk: Chunk<V>) {
        self.len += chunk.len();
        self.buffers += buffer(&chunk);
        self.chunks.insert(key, chunk);
    }

    /// Gives the first chunk a lower key. Returns it.
    fn lower_first_key(&mut self, id: StreamId) -> Option<StreamId> {
        let (_, chunk) = self.chunks.pop_first()?;
        self.chunks.insert(id, chunk);
        Some(id)
    }

    /// Joins a small chunk to a neighbour that is small, too.
    fn join(&mut self, key: StreamId) {
        let len = self.chunks[&key].len();
        let fits = |(other, chunk): (&StreamId, &Chunk<V>)| {
            (chunk.len() + len <= 2 * SMALL).then_some(*other)
        };
        let (first, second) = match self.chunks.range(key..).nth(1).and_then(fits) {
            Some(next) => (key, next),
            None => match self.chunks.range(..key).next_back().and_then(fits) {
                Some(previous) => (previous, key),
                None => return,
            },
        };
        if let Some(absorbed) = self.chunks.remove(&second)
            && let Some(chunk) = self.chunks.get_mut(&first)
        {
            let before = buffer(chunk) + buffer(&absorbed);
            chunk.reserve_exact(absorbed.len());
            chunk.extend(absorbed);
            self.buffers = self.buffers + buffer(chunk) - before;
        }
    }
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

/// Moves a chunk to a smaller buffer, if it fills no more than half of its own. Returns by how many
/// bytes the buffer shrank.
fn shrink<V>(chunk: &mut Chunk<V>) -> usize {
    if chunk.capacity() <= 4 || chunk.len() > chunk.capacity() / 2 {
        return 0;
    }
    let before = buffer(chunk);
    // Allocators leave a buffer where it is if it loses less than half of its size.
    let mut smaller = Vec::with_capacity(chunk.len());
    smaller.append(chunk);
    *chunk = smaller;
    before - buffer(chunk)
}

/// A range of a map, from both ends.
#[derive(Debug)]
pub(super) struct IdRange<'a, V> {
    /// The chunks that were not begun yet.
    chunks: btree_map::Range<'a, StreamId, Chunk<V>>,
    front: slice::Iter<'a, (StreamId, V)>,
    back: slice::Iter<'a, (StreamId, V)>,
    from: StreamId,
    to: StreamId,
}

impl<V> Clone for IdRange<'_, V> {
    fn clone(&self) -> Self {
        Self {
            chunks: self.chunks.clone(),
            front: self.front.clone(),
            back: self.back.clone(),
            from: self.from,
            to: self.to,
        }
    }
}

impl<'a, V> IdRange<'a, V> {
    /// The ids of a chunk that are in the range.
    fn within(&self, chunk: &'a [(StreamId, V)]) -> slice::Iter<'a, (StreamId, V)> {
        let begin = match chunk.first() {
            Some((first, _)) if *first < self.from => {
                chunk.partition_point(|(id, _)| *id < self.from)
            }
            _ => 0,
        };
        let end = match chunk.last() {
            Some((last, _)) if *last > self.to => below(chunk, self.to),
            _ => chunk.len(),
        };
        chunk[begin.min(end)..end].iter()
    }
}

impl<'a, V> Iterator for IdRange<'a, V> {
    type Item = (StreamId, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((id, value)) = self.front.next() {
                return Some((*id, value));
            }
            match self.chunks.next() {
                Some((_, chunk)) => self.front = self.within(chunk),
                None => return self.back.next().map(|(id, value)| (*id, value)),
            }
        }
    }
}

impl<V> DoubleEndedIterator for IdRange<'_, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((id, value)) = self.back.next_back() {
                return Some((*id, value));
            }
            match self.chunks.next_back() {
                Some((_, chunk)) => self.back = self.within(chunk),
                None => return self.front.next_back().map(|(id, value)| (*id, value)),
            }
        }
    }
}

#[cfg(test)]
impl<V> IdMap<V> {
    /// Panics if an invariant of this file is broken.
    pub(super) fn invariants(&self) {
        let mut last = None;
        for (key, chunk) in &self.chunks {
            assert!(!chunk.is_empty() && chunk.len() <= CAPACITY);
            assert!(last < Some(*key));
            assert!(*key <= chunk[0].0);
            for (id, _) in chunk {
                assert!(last < Some(*id));
                last = Some(*id);
            }
        }
        assert_eq!(self.len, self.chunks.values().map(Vec::len).sum());
        assert_eq!(self.buffers, self.chunks.values().map(buffer).sum());
    }
}
