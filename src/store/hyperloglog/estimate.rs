//! Estimates the number of distinct elements from the values of the registers.
//!
//! Layer `store`. It uses nothing else.
//!
//! The estimator is Otmar Ertl's, "New cardinality estimation algorithms for HyperLogLog sketches"
//! (2017), algorithm 6. It needs no corrections for small and large counts. Its `sigma` and `tau`
//! are power series that are summed until a term no longer changes the sum. The order of the
//! floating-point operations decides the last digit, so it must be Redis's.

use super::{REGISTERS, RUN_BITS};

/// How many registers have each value.
pub(super) type Histogram = [u32; 64];

/// 1 / (2 ln 2), to as many digits as Redis writes it.
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// The estimate, rounded to the nearest integer.
pub(super) fn estimate(histogram: &Histogram) -> u64 {
    const REGISTER_COUNT: f64 = REGISTERS as f64;
    let longest = RUN_BITS as usize + 1;
    let share = |value: usize| f64::from(histogram[value]) / REGISTER_COUNT;
    let below_longest = (REGISTER_COUNT - f64::from(histogram[longest])) / REGISTER_COUNT;
    let mut indicator = REGISTER_COUNT * tau(below_longest);
    for &registers in histogram[1..longest].iter().rev() {
        indicator = (indicator + f64::from(registers)) * 0.5;
    }
    indicator += REGISTER_COUNT * sigma(share(0));
    let estimate = ALPHA * REGISTER_COUNT * REGISTER_COUNT / indicator;
    // Only corrupted registers give a larger estimate.
    (estimate.round() as u64).min(i64::MAX as u64)
}

/// `x + Σ x^(2^k) · 2^(k-1)` for `k` from 1.
fn sigma(x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut factor, mut sum) = (x, 1.0, x);
    loop {
        let before = sum;
        power *= power;
        sum += power * factor;
        factor += factor;
        if sum == before {
            return sum;
        }
    }
}

/// `(1 - x - Σ (1 - x^(2^-k))² · 2^-k) / 3` for `k` from 1.
fn tau(x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut root, mut factor, mut sum) = (x, 1.0, 1.0 - x);
    loop {
        let before = sum;
        root = root.sqrt();
        factor *= 0.5;
        sum -= (1.0 - root) * (1.0 - root) * factor;
        if sum == before {
            return sum / 3.0;
        }
    }
}
