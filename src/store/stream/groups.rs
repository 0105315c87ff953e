//! The groups of a stream by name.
//!
//! Layer `store`. It uses nothing else.
//!
//! A group is changed through [`Groups::change`], which keeps the sum of the memory.
//!
//! # Invariant
//! - `memory` and `cost` are sums over the groups.

use std::collections::BTreeMap;

use super::super::allocation::size_class;
use super::group::Group;

/// What a group takes beside its name and its own memory. The nodes of the map are about two thirds
/// full.
const FIXED: usize = size_of::<Group>() + (16 + 8) * 3 / 2;

/// The groups of a stream by name.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: BTreeMap<Box<[u8]>, Box<Group>>,
    /// Their heap memory in bytes.
    memory: usize,
    /// Roughly the number of their allocations.
    cost: usize,
}

impl Clone for Groups {
    fn clone(&self) -> Groups {
        let groups = self.groups.clone();
        // The copies of the buffers have no room to grow.
        let all = groups.iter();
        let memory = all.map(|(name, group)| memory_of(name, group)).sum();
        Groups {
            groups,
            memory,
            cost: self.cost,
        }
    }
}

fn memory_of(name: &[u8], group: &Group) -> usize {
    FIXED + size_class(name.len()) + group.memory()
}

fn cost_of(group: &Group) -> usize {
    2 + group.free_cost()
}

impl Groups {
    /// The number of groups.
    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    /// The group with a name.
    pub(crate) fn get(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(name).map(AsRef::as_ref)
    }

    /// The groups in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Group)> {
        self.groups
            .iter()
            .map(|(name, group)| (&name[..], &**group))
    }

    /// Adds a group. Returns `false`, and changes nothing, if there is one with this name.
    pub(crate) fn create(&mut self, name: &[u8], group: Group) -> bool {
        if self.groups.contains_key(name) {
            return false;
        }
        self.memory += memory_of(name, &group);
        self.cost += cost_of(&group);
        self.groups.insert(name.into(), Box::new(group));
        true
    }

    /// Changes the group with a name. Returns `None` if there is none.
    pub(crate) fn change<R>(
        &mut self,
        name: &[u8],
        change: impl FnOnce(&mut Group) -> R,
    ) -> Option<R> {
        let group = self.groups.get_mut(name)?;
        let (memory, cost) = (group.memory(), group.free_cost());
        let result = change(group);
        self.memory = self.memory + group.memory() - memory;
        self.cost = self.cost + group.free_cost() - cost;
        Some(result)
    }

    /// Removes a group. The caller discards it, since freeing millions of pending entries takes
    /// long: `keys.discard_part(group, group.free_cost())`.
    pub(crate) fn remove(&mut self, name: &[u8]) -> Option<Box<Group>> {
        let group = self.groups.remove(name)?;
        self.memory -= memory_of(name, &group);
        self.cost -= cost_of(&group);
        Some(group)
    }

    /// Their heap memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// Roughly the number of their allocations.
    pub(crate) fn free_cost(&self) -> usize {
        self.cost
    }
}

#[cfg(test)]
impl Groups {
    /// Panics if an invariant of these files is broken.
    pub(super) fn invariants(&self) {
        let (mut memory, mut cost) = (0, 0);
        for (name, group) in self.iter() {
            group.invariants();
            memory += memory_of(name, group);
            cost += cost_of(group);
        }
        assert_eq!((self.memory, self.cost), (memory, cost));
    }
}
