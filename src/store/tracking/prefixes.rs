//! The prefixes of clients that track by them, and the changed keys that match.
//!
//! Layer `store`. It may use `pubsub` and `client`.
//!
//! A prefix is stored as the pattern `prefix*` in the index that PSUBSCRIBE's patterns use. So a
//! change finds the prefixes of its key without trying the others.
//!
//! Invariants: a client is among a prefix's clients exactly while the prefix is in the client's own
//! list. A prefix without clients is not kept.

use std::collections::BTreeMap;
use std::ops::Bound;

use hashbrown::{HashMap, HashSet};

use super::{Author, SlotId, Slots};
use crate::client::ClientId;
use crate::hash::HashState;
use crate::pubsub::patterns::PatternIndex;

/// Changed keys, in order, with the author of each change.
pub(super) type ChangedKeys = BTreeMap<Box<[u8]>, Author>;

#[derive(Debug, Default)]
struct Prefix {
    text: Box<[u8]>,
    clients: HashSet<ClientId, HashState>,
    changed: ChangedKeys,
}

/// Changed keys with a prefix, and the clients to tell.
#[derive(Debug)]
pub(super) struct PrefixChange<'a> {
    pub(super) keys: ChangedKeys,
    pub(super) clients: &'a HashSet<ClientId, HashState>,
}

/// All prefixes, and their changed keys.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    all: Slots<Prefix>,
    index: PatternIndex<SlotId>,
    by_client: HashMap<ClientId, BTreeMap<Box<[u8]>, SlotId>, HashState>,
    /// Prefixes with changed keys.
    changed: Vec<SlotId>,
    /// The prefixes of a key; empty between two look-ups.
    matching: Vec<SlotId>,
}

/// What a client's prefix takes, including tables.
pub(crate) fn memory(prefix: &[u8]) -> usize {
    const TABLES: usize = 256;
    TABLES + 4 * prefix.len()
}

/// The pattern that matches everything that begins with `prefix`.
fn pattern(prefix: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(prefix.len() + 1);
    for &byte in prefix {
        if matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\' | b'^' | b'-') {
            pattern.push(b'\\');
        }
        pattern.push(byte);
    }
    pattern.push(b'*');
    pattern
}

fn overlap(one: &[u8], other: &[u8]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

impl Prefixes {
    /// The number of different prefixes.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The prefixes of a client, in order.
    pub(super) fn of(&self, client: ClientId) -> impl Iterator<Item = &[u8]> {
        let own = self.by_client.get(&client).into_iter();
        own.flat_map(BTreeMap::keys).map(|prefix| &**prefix)
    }

    /// The first prefix of a client that overlaps with this one. A client's prefixes do not
    /// overlap, except that the empty prefix may be added to others. So the prefixes that `prefix`
    /// begins with can only be the empty one and the last one before it.
    pub(super) fn overlapping(&self, client: ClientId, prefix: &[u8]) -> Option<&[u8]> {
        let own = self.by_client.get(&client)?;
        let first = own.first_key_value();
        let before = (Bound::Unbounded, Bound::Excluded(prefix));
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let before = own.range::<[u8], _>(before).next_back();
        let after = own.range::<[u8], _>(from).next();
        let candidates = [first, before, after].into_iter().flatten();
        let mut candidates = candidates.map(|(own, _)| &**own);
        candidates.find(|own| overlap(own, prefix))
    }

    /// Adds a prefix to a client. Returns `false` if the client already has it.
    pub(super) fn add(&mut self, client: ClientId, prefix: Box<[u8]>) -> bool {
        let own = self.by_client.entry(client).or_default();
        if own.contains_key(&prefix) {
            return false;
        }
        let all = &mut self.all;
        let slot = *self.index.get_or_insert_with(&pattern(&prefix), || {
            all.insert(Prefix {
                text: prefix.clone(),
                ..Prefix::default()
            })
        });
        if let Some(prefix) = self.all.get_mut(slot) {
            prefix.clients.insert(client);
        }
        own.insert(prefix, slot);
        true
    }

    /// Removes at most `limit` prefixes of a client. Returns `true` if some are left.
    pub(super) fn forget(&mut self, client: ClientId, limit: usize) -> bool {
        let Some(own) = self.by_client.get_mut(&client) else {
            return false;
        };
        for _ in 0..limit {
            let Some((text, slot)) = own.pop_first() else {
                break;
            };
            let Some(prefix) = self.all.get_mut(slot) else {
                continue;
            };
            prefix.clients.remove(&client);
            if prefix.clients.is_empty() {
                self.index.remove(&pattern(&text));
                self.all.remove(slot);
                self.changed.retain(|&changed| changed != slot);
            }
        }
        let is_left = !own.is_empty();
        if !is_left {
            self.by_client.remove(&client);
        }
        is_left
    }

    /// Notes that a key has changed.
    pub(super) fn changed(&mut self, key: &[u8], author: Author) {
        if self.all.len() == 0 {
            return;
        }
        let matching = &mut self.matching;
        if key.is_empty() {
            // The empty key is matched only by the empty prefix.
            matching.extend(self.index.get_mut(b"*").copied());
        } else {
            self.index.for_each_match(key, |&slot| matching.push(slot));
        }
        for slot in matching.drain(..) {
            let Some(prefix) = self.all.get_mut(slot) else {
                continue;
            };
            if prefix.changed.is_empty() {
                self.changed.push(slot);
            }
            match prefix.changed.get_mut(key) {
                Some(before) if *before == author => {}
                Some(before) => *before = Author::Nobody,
                None => {
                    prefix.changed.insert(key.into(), author);
                }
            }
        }
    }

    /// Whether a key with one of the prefixes has changed.
    pub(super) fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Calls `tell` with the changes, in the order of the prefixes, and removes them.
    pub(super) fn take_changed(&mut self, mut tell: impl FnMut(PrefixChange<'_>)) {
        let mut changed = std::mem::take(&mut self.changed);
        let text = |&slot: &SlotId| self.all.get(slot).map(|prefix| prefix.text.clone());
        changed.sort_by_cached_key(text);
        for slot in changed {
            if let Some(prefix) = self.all.get_mut(slot) {
                tell(PrefixChange {
                    keys: std::mem::take(&mut prefix.changed),
                    clients: &prefix.clients,
                });
            }
        }
    }
}
