//! Geohashes: coordinates as cells of a grid, and cells as numbers.
//!
//! Layer `store`. It uses nothing else.
//!
//! A grid of `step` has 2 to the power of `step` columns and as many rows. In a cell's number, the
//! odd bits are the column and the even bits are the row. A score is the number of a cell of step
//! 26. The scaled coordinate of the last degree is one more than the last column. Redis keeps it
//! that way, and so does this file.

use super::{MAX_LATITUDE, MAX_LONGITUDE, Point};

/// The step of the finest grid, whose cells are scores.
pub(super) const MAX_STEP: u32 = 26;

/// The score of a place.
pub(crate) fn encode(point: Point) -> f64 {
    Cell::around(point, MAX_STEP, MAX_LATITUDE).number() as f64
}

/// The place of a score: the middle of its cell.
pub(crate) fn decode(score: f64) -> Point {
    let bounds = Cell::of_score(score).bounds();
    let middle = |from: f64, to: f64, max: f64| ((from + to) / 2.0).clamp(-max, max);
    Point {
        longitude: middle(bounds.west, bounds.east, MAX_LONGITUDE),
        latitude: middle(bounds.south, bounds.north, MAX_LATITUDE),
    }
}

/// The 11 characters of GEOHASH. They follow the common standard, in which latitudes go up to 90
/// degrees. The score's 52 bits fill 10 characters, so the last one is always `0`.
pub(crate) fn geohash_text(score: f64) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
    let number = Cell::around(decode(score), MAX_STEP, 90.0).number();
    let characters = (1..=10).map(|place| {
        let index = number >> (2 * MAX_STEP - place * 5) & 0x1f;
        char::from(ALPHABET[index as usize])
    });
    characters.chain(['0']).collect()
}

/// A cell's borders, in degrees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub west: f64,
    pub east: f64,
    pub south: f64,
    pub north: f64,
}

/// A cell of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    column: u32,
    row: u32,
    step: u32,
}

impl Cell {
    /// The cell that contains this place, in a grid that ends at `max_latitude`.
    pub(crate) fn around(point: Point, step: u32, max_latitude: f64) -> Cell {
        let cells = f64::from(1 << step);
        let scale = |degrees: f64, max: f64| ((degrees + max) / (max + max) * cells) as u32;
        Cell {
            column: scale(point.longitude, MAX_LONGITUDE),
            row: scale(point.latitude, max_latitude),
            step,
        }
    }

    fn of_score(score: f64) -> Cell {
        // ZADD accepts any number as a score. For a number that does not fit, this gives what a
        // conversion in C gives on x86-64: a negative number wraps around, and a number that is too
        // large becomes 0.
        const TOO_LARGE: f64 = 18_446_744_073_709_551_616.0;
        let number = if score < 0.0 {
            score as i64 as u64
        } else if score < TOO_LARGE {
            score as u64
        } else {
            0
        };
        Cell {
            column: gather(number >> 1),
            row: gather(number),
            step: MAX_STEP,
        }
    }

    /// The cell that is this many columns to the east and rows to the north. The grid wraps around
    /// at its ends.
    pub(crate) fn neighbour(self, east: i32, north: i32) -> Cell {
        let cells = 1 << self.step;
        let shift = |index: u32, by: i32| match by {
            0 => index,
            by => index.wrapping_add_signed(by) % cells,
        };
        Cell {
            column: shift(self.column, east),
            row: shift(self.row, north),
            step: self.step,
        }
    }

    /// The cell's borders.
    pub(crate) fn bounds(self) -> Bounds {
        let cells = f64::from(1 << self.step);
        let border = |index: u32, plus: f64, max: f64| {
            -max + ((f64::from(index) + plus) / cells) * (max + max)
        };
        Bounds {
            west: border(self.column, 0.0, MAX_LONGITUDE),
            east: border(self.column, 1.0, MAX_LONGITUDE),
            south: border(self.row, 0.0, MAX_LATITUDE),
            north: border(self.row, 1.0, MAX_LATITUDE),
        }
    }

    /// The number of the cell in its grid.
    fn number(self) -> u64 {
        spread(self.row) | spread(self.column) << 1
    }

    /// The lowest score in the cell, and the lowest one after it.
    pub(crate) fn scores(self) -> (f64, f64) {
        let bits_below = 2 * (MAX_STEP - self.step);
        let score = |number: u64| (number << bits_below) as f64;
        (score(self.number()), score(self.number() + 1))
    }
}

/// Steps that spread the bits of a number. Each step moves the upper half of each group of bits up
/// by a number of places. The mask keeps the groups that result.
const SPREAD: [(u32, u64); 5] = [
    (16, 0x0000_ffff_0000_ffff),
    (8, 0x00ff_00ff_00ff_00ff),
    (4, 0x0f0f_0f0f_0f0f_0f0f),
    (2, 0x3333_3333_3333_3333),
    (1, 0x5555_5555_5555_5555),
];

/// Moves bit `n` to bit `2n`.
fn spread(number: u32) -> u64 {
    let apart = |bits: u64, (shift, mask)| (bits | bits << shift) & mask;
    SPREAD.into_iter().fold(u64::from(number), apart)
}

/// Moves bit `2n` to bit `n`, and drops the odd bits.
fn gather(number: u64) -> u32 {
    // Undoes a step: masks first, then moves the groups together.
    let together = |bits: u64, (shift, mask)| (bits & mask) | (bits & mask) >> shift;
    SPREAD.into_iter().rev().fold(number, together) as u32
}
