//! A log as a plain map, beside the listpacks that Redis would keep, element by element.

use std::collections::BTreeMap;

use proptest::sample::Index;

use super::super::super::list::listpack;
use super::super::*;

/// One of Redis's listpacks.
struct Node {
    names: Vec<Vec<u8>>,
    master: StreamId,
    last: StreamId,
    live: u64,
    deleted: u64,
    /// All elements but the two counts.
    elements: Vec<Vec<u8>>,
}

impl Node {
    fn size(&self) -> usize {
        let counts = [number(self.live), number(self.deleted)];
        let elements = self.elements.iter().chain(&counts);
        listpack::OVERHEAD
            + elements
                .map(|element| listpack::entry_size(element))
                .sum::<usize>()
    }

    fn push(&mut self, id: StreamId, texts: &[Vec<u8>]) {
        let names: Vec<_> = texts.iter().step_by(2).cloned().collect();
        let is_same = names == self.names;
        let begin = self.elements.len();
        self.elements.push(number(if is_same { 2 } else { 0 }));
        self.elements.push(number(id.ms - self.master.ms));
        self.elements
            .push(number(id.seq.wrapping_sub(self.master.seq)));
        if is_same {
            self.elements
                .extend(texts.iter().skip(1).step_by(2).cloned());
        } else {
            self.elements.push(number(names.len() as u64));
            self.elements.extend(texts.iter().cloned());
        }
        let count = self.elements.len() - begin;
        self.elements.push(number(count as u64));
        self.last = id;
        self.live += 1;
    }
}

fn number(number: u64) -> Vec<u8> {
    (number as i64).to_string().into_bytes()
}

pub(super) struct LogModel {
    entries: BTreeMap<StreamId, Vec<Vec<u8>>>,
    nodes: Vec<Node>,
    last_id: StreamId,
    max_deleted_id: StreamId,
    added: u64,
    pub(super) limits: Limits,
}

impl LogModel {
    pub(super) fn new(limits: Limits) -> LogModel {
        LogModel {
            entries: BTreeMap::new(),
            nodes: Vec::new(),
            last_id: StreamId::MIN,
            max_deleted_id: StreamId::MIN,
            added: 0,
            limits,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn some_id(&self, at: &Index) -> Option<StreamId> {
        let at = at.index(self.len().max(1));
        self.entries.keys().nth(at).copied()
    }

    pub(super) fn ids_from(&self, from: StreamId, count: usize) -> Vec<StreamId> {
        self.entries
            .range(from..)
            .take(count)
            .map(|(id, _)| *id)
            .collect()
    }

    pub(super) fn append(&mut self, log: &mut Log, (ms, seq): (u64, u64), texts: &[Vec<u8>]) {
        let last = self.last_id;
        let id = if ms == 0 {
            last.seq
                .checked_add(seq)
                .map(|seq| StreamId::new(last.ms, seq))
        } else {
            last.ms.checked_add(ms).map(|ms| StreamId::new(ms, seq))
        };
        let Some(id) = id else { return };
        log.append(id, texts.iter().map(|text| &text[..]), self.limits);

        let size: usize = texts.iter().map(Vec::len).sum();
        let is_full = self.nodes.last().is_none_or(|node| {
            let is_long = self.limits.bytes > 0 && node.size() + size >= self.limits.bytes;
            let entries = (node.live + node.deleted) as usize;
            is_long || (self.limits.entries > 0 && entries >= self.limits.entries)
        });
        if is_full {
            let names: Vec<_> = texts.iter().step_by(2).cloned().collect();
            let mut elements = vec![number(names.len() as u64)];
            elements.extend(names.iter().cloned());
            elements.push(number(0));
            self.nodes.push(Node {
                names,
                master: id,
                last: id,
                live: 0,
                deleted: 0,
                elements,
            });
        }
        self.nodes.last_mut().unwrap().push(id, texts);
        self.entries.insert(id, texts.to_vec());
        self.last_id = id;
        self.added += 1;
    }

    fn remove(&mut self, id: StreamId) -> bool {
        if self.entries.remove(&id).is_none() {
            return false;
        }
        let at = self.nodes.partition_point(|node| node.master <= id) - 1;
        self.nodes[at].live -= 1;
        self.nodes[at].deleted += 1;
        if self.nodes[at].live == 0 {
            self.nodes.remove(at);
        }
        true
    }

    pub(super) fn delete(&mut self, log: &mut Log, id: StreamId) {
        let is_there = self.remove(id);
        assert_eq!(log.contains(id), is_there);
        assert_eq!(log.delete(id), is_there);
        assert!(!log.contains(id));
        if is_there {
            self.max_deleted_id = self.max_deleted_id.max(id);
        }
    }

    pub(super) fn trim(&mut self, log: &mut Log, trim: Trim) {
        let mut removed = 0;
        if let Some(limit) = trim.approximate {
            while let Some(node) = self.nodes.first() {
                let len = self.entries.len() as u64;
                let goes = match trim.to {
                    TrimTo::Length(length) => len > length && len - node.live >= length,
                    TrimTo::MinId(id) => node.last < id,
                };
                if !goes || (limit > 0 && removed + node.live > limit) {
                    break;
                }
                removed += node.live;
                let last = node.last;
                while self
                    .entries
                    .first_key_value()
                    .is_some_and(|(id, _)| *id <= last)
                {
                    self.entries.pop_first();
                }
                self.nodes.remove(0);
            }
        } else {
            while let Some((&id, _)) = self.entries.first_key_value() {
                let stays = match trim.to {
                    TrimTo::Length(length) => self.entries.len() as u64 <= length,
                    TrimTo::MinId(min) => id >= min,
                };
                if stays {
                    break;
                }
                self.remove(id);
                removed += 1;
            }
        }
        let trimmed = log.trim(trim);
        assert_eq!(trimmed.entries, removed);
    }

    pub(super) fn compare_cheaply(&self, log: &Log) {
        assert_eq!(log.len() as usize, self.entries.len());
        assert_eq!(log.blocks(), self.nodes.len());
        assert_eq!(log.first_id(), self.entries.keys().next().copied());
        assert_eq!(log.first().map(|entry| entry.id), log.first_id());
        assert_eq!(
            log.last().map(|entry| entry.id),
            self.entries.keys().next_back().copied()
        );
        assert_eq!(log.last_id, self.last_id);
        assert_eq!(log.max_deleted_id, self.max_deleted_id);
        assert_eq!(log.entries_added, self.added);
    }

    pub(super) fn compare(&self, log: &Log) {
        let entries = log.range(StreamId::MIN, StreamId::MAX);
        assert_eq!(entries.clone().count(), self.entries.len());
        for (entry, (id, texts)) in entries.zip(&self.entries) {
            compare_entry(&entry, *id, texts);
            compare_entry(&log.get(*id).unwrap(), *id, texts);
        }
        let sizes = self.nodes.iter().map(Node::size);
        assert_eq!(log.listpack_sizes(), sizes.collect::<Vec<_>>());
    }

    pub(super) fn compare_range(&self, log: &Log, from: (&Index, u8), to: (&Index, u8)) {
        let bound = |(at, shift): (&Index, u8)| {
            let id = self.some_id(at).unwrap_or(StreamId::new(5, 5));
            let shifted = match shift {
                0 => id.previous(),
                1 => id.next(),
                _ => None,
            };
            shifted.unwrap_or(id)
        };
        let (from, to) = (bound(from), bound(to));
        let inside = self
            .entries
            .iter()
            .filter(|(id, _)| (from..=to).contains(id));
        let ids: Vec<_> = inside.clone().map(|(id, _)| *id).collect();
        let range = log.range(from, to);
        assert_eq!(range.map(|entry| entry.id).collect::<Vec<_>>(), ids);
        let range = log.range_reversed(from, to);
        assert_eq!(range.clone().count(), ids.len());
        for (entry, (id, texts)) in range.zip(inside.rev()) {
            compare_entry(&entry, *id, texts);
        }
    }
}

fn compare_entry(entry: &Entry<'_>, id: StreamId, texts: &[Vec<u8>]) {
    assert_eq!(entry.id, id);
    let fields = entry.fields();
    assert_eq!(fields.len(), texts.len() / 2);
    for ((name, value), pair) in fields.zip(texts.chunks(2)) {
        assert_eq!((&*name, &*value), (&pair[0][..], &pair[1][..]));
    }
}
