//! The hasher of every table: keyed at random once per process, so that clients cannot choose
//! names that collide, and without state of its own, so that an empty table costs nothing.

use std::hash::{BuildHasher, Hash};
use std::sync::LazyLock;

use ahash::{AHasher, RandomState};

static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Builds hashers with the process's keys.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HashState;

impl BuildHasher for HashState {
    type Hasher = AHasher;

    fn build_hasher(&self) -> AHasher {
        KEYS.build_hasher()
    }
}

impl HashState {
    /// The hash of one value.
    pub(crate) fn hash(value: impl Hash) -> u64 {
        KEYS.hash_one(value)
    }
}
