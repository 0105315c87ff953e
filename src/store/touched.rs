//! Which keys commands look at and change, recorded in tests.
//!
//! Layer `store`. Elsewhere it has no size and does nothing. A test holds what handlers touch against
//! what the catalog says that they touch, which is all that ACL asks.

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    #[cfg(test)]
    pub(crate) seen: std::collections::BTreeSet<Vec<u8>>,
    #[cfg(test)]
    pub(crate) changed: std::collections::BTreeSet<Vec<u8>>,
}

impl Touched {
    /// A key was looked for.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "recorded in tests"))]
    pub(super) fn see(&mut self, _key: &[u8]) {
        #[cfg(test)]
        self.seen.insert(_key.to_vec());
    }

    /// A key was given a value or a deadline, or lost one, or was removed.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "recorded in tests"))]
    pub(super) fn change(&mut self, _key: &[u8]) {
        #[cfg(test)]
        self.changed.insert(_key.to_vec());
    }
}
