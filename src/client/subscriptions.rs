//! The subscriptions of one client.
//!
//! Layer `client`. It uses nothing else. Only the registry (`pubsub::registry`) changes
//! subscriptions, in step with its own tables; everything else only reads them.

use std::collections::{HashSet, hash_set};
use std::sync::Arc;

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

/// The name of a channel or a pattern. The registry and all subscribers share it.
pub(crate) type Name = Arc<[u8]>;

/// Bytes that an entry in the registry's table of channels takes, at most.
pub(crate) const REGISTRY_PLACE: usize = 40;
/// Bytes that a name takes beside its text: the reference counts, and what the allocator rounds up.
const NAME: usize = 32;
/// Bytes that a pattern takes in the pattern index.
const INDEXED: usize = 160;

/// The names that a client is subscribed to, by namespace. The registry keeps them in step with its
/// own tables.
///
/// Most subscribers have one, which takes no memory of its own.
#[derive(Debug, Default)]
pub(crate) enum Subscriptions {
    /// There are none.
    #[default]
    None,
    /// There is one.
    One(Namespace, Name),
    /// There were more at some time, or the client is closed.
    Many(Box<Sets>),
}

/// See [`Subscriptions::Many`].
#[derive(Debug, Default)]
pub(crate) struct Sets {
    names: [HashSet<Name, HashState>; 3],
    /// Bytes of all names.
    bytes: usize,
    /// The names that are still to be removed after the client was closed.
    leaving: Option<[hash_set::IntoIter<Name>; 3]>,
}

impl Subscriptions {
    /// Whether `name` is subscribed to in this namespace.
    pub(crate) fn contains(&self, namespace: Namespace, name: &[u8]) -> bool {
        match self {
            Subscriptions::None => false,
            Subscriptions::One(other, one) => *other == namespace && **one == *name,
            Subscriptions::Many(sets) => sets.names[namespace as usize].contains(name),
        }
    }

    /// Adds a name, which must be new.
    pub(crate) fn insert(&mut self, namespace: Namespace, name: Name) {
        if let Subscriptions::None = self {
            *self = Subscriptions::One(namespace, name);
        } else {
            self.sets().insert(namespace, name);
        }
    }

    /// The sets. If there are none yet, the only name becomes their first.
    fn sets(&mut self) -> &mut Sets {
        if !matches!(self, Subscriptions::Many(_)) {
            let mut sets = Box::<Sets>::default();
            if let Subscriptions::One(namespace, name) = std::mem::take(self) {
                sets.insert(namespace, name);
            }
            *self = Subscriptions::Many(sets);
        }
        match self {
            Subscriptions::Many(sets) => sets,
            _ => unreachable!("they were just made"),
        }
    }

    /// Removes a name and returns it, if it was subscribed to.
    pub(crate) fn take(&mut self, namespace: Namespace, name: &[u8]) -> Option<Name> {
        if !self.contains(namespace, name) {
            return None;
        }
        match self {
            Subscriptions::Many(sets) => {
                let taken = sets.take(namespace, name);
                if sets.leaving.is_none() && sets.names.iter().all(HashSet::is_empty) {
                    *self = Subscriptions::None;
                }
                taken
            }
            _ => match std::mem::take(self) {
                Subscriptions::One(_, name) => Some(name),
                _ => None,
            },
        }
    }

    /// The names in a namespace.
    pub(crate) fn names(&self, namespace: Namespace) -> Vec<Name> {
        match self {
            Subscriptions::One(other, name) if *other == namespace => vec![Arc::clone(name)],
            Subscriptions::None | Subscriptions::One(..) => Vec::new(),
            Subscriptions::Many(sets) => sets.names[namespace as usize].iter().cloned().collect(),
        }
    }

    /// The number of names in a namespace.
    pub(crate) fn len(&self, namespace: Namespace) -> usize {
        match self {
            Subscriptions::None => 0,
            Subscriptions::One(other, _) => usize::from(*other == namespace),
            Subscriptions::Many(sets) => sets.names[namespace as usize].len(),
        }
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
        match self {
            Subscriptions::None => 0,
            Subscriptions::One(..) => 1,
            Subscriptions::Many(sets) => sets.total(),
        }
    }

    /// Bytes of memory that the subscriptions take, here and in the registry. A name that several
    /// clients are subscribed to counts for each of them.
    pub(crate) fn memory(&self) -> usize {
        let (own, bytes, places) = match self {
            Subscriptions::None => return 0,
            Subscriptions::One(_, name) => (0, name.len(), 1),
            Subscriptions::Many(sets) => {
                let places: usize = sets.names.iter().map(HashSet::capacity).sum();
                (
                    size_of::<Sets>() + places * size_of::<Name>(),
                    sets.bytes,
                    places,
                )
            }
        };
        let patterns = self.len(Namespace::Pattern) * INDEXED;
        // The registry's tables grow with these.
        own + bytes + self.total() * NAME + patterns + places * REGISTRY_PLACE
    }

    /// Whether the client is closed, so that nothing may be added any more.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Subscriptions::Many(sets) if sets.leaving.is_some())
    }

    /// Marks the client as closed. From now on names are only removed.
    pub(crate) fn close(&mut self) {
        let sets = self.sets();
        if sets.leaving.is_none() {
            sets.bytes = 0;
            let names = std::mem::take(&mut sets.names);
            sets.leaving = Some(names.map(HashSet::into_iter));
        }
    }

    /// The next name to be removed of a closed client.
    pub(crate) fn next_leaving(&mut self) -> Option<(Namespace, Name)> {
        let Subscriptions::Many(sets) = self else {
            return None;
        };
        let mut kinds = Namespace::ALL.into_iter().zip(sets.leaving.as_mut()?);
        kinds.find_map(|(namespace, names)| Some((namespace, names.next()?)))
    }
}

impl Sets {
    fn insert(&mut self, namespace: Namespace, name: Name) {
        self.bytes += name.len();
        self.names[namespace as usize].insert(name);
    }

    fn take(&mut self, namespace: Namespace, name: &[u8]) -> Option<Name> {
        let names = &mut self.names[namespace as usize];
        let taken = names.take(name);
        self.bytes -= taken.as_ref().map_or(0, |name| name.len());
        if names.is_empty() {
            *names = HashSet::default();
        }
        taken
    }

    fn total(&self) -> usize {
        let leaving = self.leaving.iter().flatten();
        let leaving: usize = leaving.map(ExactSizeIterator::len).sum();
        leaving + self.names.iter().map(HashSet::len).sum::<usize>()
    }
}
