//! The hash of an element: which register it raises, and to which value.
//!
//! Layer `store`. It uses nothing else.
//!
//! The hash is MurmurHash64A (Austin Appleby's MurmurHash2 for 64 bits). Like Redis's, it reads
//! words as little endian on every machine.

use super::{REGISTERS, RUN_BITS};

const SEED: u64 = 0xadc8_3b19;
const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
const SHIFT: u32 = 47;

/// The register of an element, and the smallest run that it must hold: 1 to 51.
pub(super) fn register_of(element: &[u8]) -> (usize, u8) {
    let hash = murmur64a(element, SEED);
    let index = hash as usize % REGISTERS;
    let rest = hash >> (u64::BITS - RUN_BITS);
    let zeros = rest.trailing_zeros().min(RUN_BITS);
    (index, zeros as u8 + 1)
}

fn murmur64a(bytes: &[u8], seed: u64) -> u64 {
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let word = scatter(u64::from_le_bytes(*word).wrapping_mul(MULTIPLIER));
        hash = (hash ^ word.wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
    }
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(MULTIPLIER);
    }
    scatter(scatter(hash).wrapping_mul(MULTIPLIER))
}

/// Mixes the high bits into the low ones.
fn scatter(word: u64) -> u64 {
    word ^ (word >> SHIFT)
}
