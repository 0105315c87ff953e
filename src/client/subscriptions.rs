//! The subscriptions of one client.
//!
//! Layer `client`. It uses nothing else. Only the registry (`pubsub::registry`) changes
//! subscriptions, in step with its own tables; everything else only reads them.

use std::collections::{HashSet, hash_set};

use bytes::Bytes;

use crate::hash::HashState;

/// The three namespaces of subscriptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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

/// Bytes that an entry in the registry's table of channels takes, at most.
pub(crate) const REGISTRY_PLACE: usize = 96;
/// Bytes that a name takes beside its text: the reference count, and what the allocator rounds up.
const NAME: usize = 48;
/// Bytes that a pattern takes in the pattern index.
const INDEXED: usize = 160;

/// The names that a client is subscribed to, by namespace. The registry keeps them in step with its
/// own tables.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    names: [HashSet<Bytes, HashState>; 3],
    /// Bytes of all names.
    bytes: usize,
    /// The names that are still to be removed after the client was closed.
    leaving: Option<Box<[hash_set::IntoIter<Bytes>; 3]>>,
}

impl Subscriptions {
    /// Whether `name` is subscribed to in this namespace.
    pub(crate) fn contains(&self, namespace: Namespace, name: &[u8]) -> bool {
        self.names[namespace as usize].contains(name)
    }

    /// Adds a name, which must be new.
    pub(crate) fn insert(&mut self, namespace: Namespace, name: Bytes) {
        self.bytes += name.len();
        self.names[namespace as usize].insert(name);
    }

    /// Removes a name and returns it, if it was subscribed to.
    pub(crate) fn take(&mut self, namespace: Namespace, name: &[u8]) -> Option<Bytes> {
        let names = &mut self.names[namespace as usize];
        let taken = names.take(name);
        self.bytes -= taken.as_ref().map_or(0, Bytes::len);
        if names.is_empty() {
            *names = HashSet::default();
        }
        taken
    }

    /// The names in a namespace.
    pub(crate) fn names(&self, namespace: Namespace) -> Vec<Bytes> {
        self.names[namespace as usize].iter().cloned().collect()
    }

    /// The number of names in a namespace.
    pub(crate) fn len(&self, namespace: Namespace) -> usize {
        self.names[namespace as usize].len()
    }

    /// The count in the confirmation of a subscription. Channels and patterns count together, shard
    /// channels alone.
    pub(crate) fn confirmed(&self, namespace: Namespace) -> usize {
        match namespace {
            Namespace::Channel | Namespace::Pattern => {
                self.len(Namespace::Channel) + self.len(Namespace::Pattern)
            }
            Namespace::Shard => self.len(Namespace::Shard),
        }
    }

    /// The number of names in all namespaces, including those that are still to be removed after
    /// the client was closed.
    pub(crate) fn total(&self) -> usize {
        let leaving = self.leaving.iter().flat_map(|sets| sets.iter());
        let leaving: usize = leaving.map(ExactSizeIterator::len).sum();
        leaving + self.names.iter().map(HashSet::len).sum::<usize>()
    }

    /// Bytes of memory that the subscriptions take, here and in the registry. A name that several
    /// clients are subscribed to counts for each of them.
    pub(crate) fn memory(&self) -> usize {
        // The registry's tables grow with these.
        let places: usize = self.names.iter().map(HashSet::capacity).sum();
        let patterns = self.len(Namespace::Pattern) * INDEXED;
        let names = self.bytes + self.total() * NAME;
        names + patterns + places * (size_of::<Bytes>() + REGISTRY_PLACE)
    }

    /// Whether the client is closed, so that nothing may be added any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.leaving.is_some()
    }

    /// Marks the client as closed. From now on names are only removed.
    pub(crate) fn close(&mut self) {
        if self.leaving.is_none() {
            self.bytes = 0;
            let names = std::mem::take(&mut self.names);
            self.leaving = Some(Box::new(names.map(HashSet::into_iter)));
        }
    }

    /// The next name to be removed of a closed client.
    pub(crate) fn next_leaving(&mut self) -> Option<(Namespace, Bytes)> {
        let sets = self.leaving.as_mut()?;
        let mut kinds = Namespace::ALL.into_iter().zip(sets.iter_mut());
        kinds.find_map(|(namespace, names)| Some((namespace, names.next()?)))
    }
}
