use super::group::Group;

/// The groups of a stream by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {}

impl Groups {
    /// The number of groups.
    pub(crate) fn len(&self) -> usize {
        todo!()
    }

    /// The group with a name.
    pub(crate) fn get(&self, name: &[u8]) -> Option<&Group> {
        todo!()
    }

    /// The groups in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Group)> {
        std::iter::empty()
    }

    /// Adds a group. Returns `false`, and changes nothing, if there is one with this name.
    pub(crate) fn create(&mut self, name: &[u8], group: Group) -> bool {
        todo!()
    }

    /// Changes the group with a name. Returns `None` if there is none.
    pub(crate) fn change<R>(
        &mut self,
        name: &[u8],
        change: impl FnOnce(&mut Group) -> R,
    ) -> Option<R> {
        todo!()
    }

    /// Removes a group. The caller discards it, since freeing millions of pending entries takes
    /// long: `keys.discard_part(group, group.free_cost())`.
    pub(crate) fn remove(&mut self, name: &[u8]) -> Option<Box<Group>> {
        todo!()
    }

    /// Their heap memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        todo!()
    }

    /// Roughly the number of their allocations.
    pub(crate) fn free_cost(&self) -> usize {
        todo!()
    }
}
