//! The dense encoding: 16384 registers of 6 bits, lowest bits first, 4 registers in 3 bytes.
//!
//! Layer `store`. It uses nothing else. Any 12288 bytes are valid registers.

use super::REGISTERS;
use super::estimate::Histogram;

/// Bytes of all registers.
pub(super) const BYTES: usize = REGISTERS / 4 * 3;
/// The largest value of a register.
const MAX: u8 = 63;

/// Raises a register to `run`. Returns whether it was lower.
pub(super) fn raise(registers: &mut [u8], index: usize, run: u8) -> bool {
    let group = &mut registers[index / 4 * 3..][..3];
    let bytes = [group[0], group[1], group[2], 0];
    let word = u32::from_le_bytes(bytes);
    let shift = index % 4 * 6;
    let old = (word >> shift) as u8 & MAX;
    if old >= run {
        return false;
    }
    let word = word ^ (u32::from(old ^ run) << shift);
    group.copy_from_slice(&word.to_le_bytes()[..3]);
    true
}

/// The values of all registers.
fn values(registers: &[u8]) -> impl Iterator<Item = [u8; 4]> {
    let (groups, _) = registers.as_chunks::<3>();
    groups.iter().map(|&[low, middle, high]| {
        [
            low & MAX,
            (low >> 6 | middle << 2) & MAX,
            (middle >> 4 | high << 4) & MAX,
            high >> 2,
        ]
    })
}

/// How many registers have each value.
pub(super) fn histogram(registers: &[u8]) -> Histogram {
    let mut histogram = [0; 64];
    for run in values(registers).flatten() {
        histogram[usize::from(run)] += 1;
    }
    histogram
}

/// Raises each register of `target` to the value here, if it is lower.
pub(super) fn raise_all(registers: &[u8], target: &mut [u8; REGISTERS]) {
    let (groups, _) = target.as_chunks_mut::<4>();
    for (group, runs) in groups.iter_mut().zip(values(registers)) {
        for (target, run) in group.iter_mut().zip(runs) {
            *target = run.max(*target);
        }
    }
}

/// Appends registers with these values. Each must fit in 6 bits.
pub(super) fn append(value: &mut Vec<u8>, runs: &[u8; REGISTERS]) {
    let (groups, _) = runs.as_chunks::<4>();
    value.extend(groups.iter().flat_map(|&[first, second, third, fourth]| {
        [
            first | second << 6,
            second >> 2 | third << 4,
            third >> 4 | fourth << 2,
        ]
    }));
}
