//! Records which keys commands look up and change, in tests.
//!
//! Layer `store`. It uses nothing else.
//!
//! Outside of tests it has no size and does nothing. A test compares the keys that handlers access
//! with those that the catalog says they access, since ACL only knows the latter.

/// The keys that commands have looked up and changed.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    #[cfg(test)]
    pub(crate) seen: std::collections::BTreeSet<Vec<u8>>,
    #[cfg(test)]
    pub(crate) changed: std::collections::BTreeSet<Vec<u8>>,
}

impl Touched {
    /// Records that a key was looked up.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "recorded in tests"))]
    pub(super) fn see(&mut self, _key: &[u8]) {
        #[cfg(test)]
        self.seen.insert(_key.to_vec());
    }

    /// Records that a key got a value or a deadline, lost its deadline, or was removed.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "recorded in tests"))]
    pub(super) fn change(&mut self, _key: &[u8]) {
        #[cfg(test)]
        self.changed.insert(_key.to_vec());
    }
}
