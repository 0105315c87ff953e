//! The hasher of all hash tables.
//!
//! Layer `hash`, one of the lowest. It uses no other layer.
//!
//! Its keys are random and chosen once per process, so that clients cannot choose names that
//! collide. [`HashState`] has no size, so that it adds nothing to an empty table.

use std::hash::{BuildHasher, Hash};
use std::sync::LazyLock;

use ahash::{AHasher, RandomState};

static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Builds hashers that use the process's keys.
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

/// Half of the hash of some bytes, which a table keeps beside each place so that growing need not
/// visit what is stored.
pub(crate) fn hash(bytes: &[u8]) -> u32 {
    HashState::hash(bytes) as u32
}

/// A hash table looks at both ends of a hash of 64 bits, so the 32 that are kept are spread over it.
pub(crate) fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
