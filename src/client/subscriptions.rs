//! What one client is subscribed to.
//!
//! Layer `client`. The registry (`pubsub::registry`) changes it, and keeps it in step with its own
//! tables; everybody else only reads.

use std::collections::{HashSet, hash_set};

use bytes::Bytes;

use crate::hash::HashState;

/// The three namespaces of subscriptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Namespace {
    /// SUBSCRIBE, PUBLISH.
    #[default]
    Channel,
    /// PSUBSCRIBE.
    Pattern,
    /// SSUBSCRIBE, SPUBLISH.
    Shard,
}

impl Namespace {
    /// All of them, in the order in which a client's sets are kept.
    pub(crate) const ALL: [Namespace; 3] =
        [Namespace::Channel, Namespace::Pattern, Namespace::Shard];
}

/// Bytes that a place in the registry's table of channels takes, at most.
pub(crate) const REGISTRY_PLACE: usize = 96;
/// Bytes that a name takes beside its own: the counter of who shares it, and what the allocator
/// rounds up.
const NAME: usize = 48;
/// Bytes that a pattern takes in the index of patterns.
const INDEXED: usize = 160;

/// The names that a client is subscribed to, by kind. The registry keeps them in step with its own
/// tables.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    names: [HashSet<Bytes, HashState>; 3],
    /// Bytes of all names.
    bytes: usize,
    /// What is left to be removed of a client that is gone.
    leaving: Option<Box<[hash_set::IntoIter<Bytes>; 3]>>,
}

impl Subscriptions {
    /// Whether `name` is among those of `kind`.
    pub(crate) fn contains(&self, kind: Namespace, name: &[u8]) -> bool {
        self.names[kind as usize].contains(name)
    }

    /// Adds a name that is not there yet.
    pub(crate) fn insert(&mut self, kind: Namespace, name: Bytes) {
        self.bytes += name.len();
        self.names[kind as usize].insert(name);
    }

    /// Takes a name away, if it is there.
    pub(crate) fn take(&mut self, kind: Namespace, name: &[u8]) -> Option<Bytes> {
        let names = &mut self.names[kind as usize];
        let taken = names.take(name);
        self.bytes -= taken.as_ref().map_or(0, Bytes::len);
        if names.is_empty() {
            *names = HashSet::default();
        }
        taken
    }

    /// The names of `kind`.
    pub(crate) fn names(&self, kind: Namespace) -> Vec<Bytes> {
        self.names[kind as usize].iter().cloned().collect()
    }

    /// The number of names of `kind`.
    pub(crate) fn len(&self, kind: Namespace) -> usize {
        self.names[kind as usize].len()
    }

    /// The count that a confirmation of `kind` carries: channels and patterns count together, shard
    /// channels alone.
    pub(crate) fn confirmed(&self, kind: Namespace) -> usize {
        match kind {
            Namespace::Channel | Namespace::Pattern => {
                self.len(Namespace::Channel) + self.len(Namespace::Pattern)
            }
            Namespace::Shard => self.len(Namespace::Shard),
        }
    }

    /// All names of all kinds, those that are still to be removed of a client that is gone included.
    pub(crate) fn total(&self) -> usize {
        let leaving = self.leaving.iter().flat_map(|sets| sets.iter());
        let leaving: usize = leaving.map(ExactSizeIterator::len).sum();
        leaving + self.names.iter().map(HashSet::len).sum::<usize>()
    }

    /// Bytes of memory that they take, here and in the registry. What several clients are subscribed
    /// to counts for each of them.
    pub(crate) fn memory(&self) -> usize {
        // The registry's tables grow as these do.
        let places: usize = self.names.iter().map(HashSet::capacity).sum();
        let patterns = self.len(Namespace::Pattern) * INDEXED;
        let names = self.bytes + self.total() * NAME;
        names + patterns + places * (size_of::<Bytes>() + REGISTRY_PLACE)
    }

    /// Whether the client is gone, so that nothing may be added any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.leaving.is_some()
    }

    /// Marks the client as gone: from now on its names only become fewer.
    pub(crate) fn close(&mut self) {
        if self.leaving.is_none() {
            self.bytes = 0;
            let names = std::mem::take(&mut self.names);
            self.leaving = Some(Box::new(names.map(HashSet::into_iter)));
        }
    }

    /// The next name to be removed of a client that is gone.
    pub(crate) fn next_leaving(&mut self) -> Option<(Namespace, Bytes)> {
        let sets = self.leaving.as_mut()?;
        let mut kinds = Namespace::ALL.into_iter().zip(sets.iter_mut());
        kinds.find_map(|(kind, names)| Some((kind, names.next()?)))
    }
}
