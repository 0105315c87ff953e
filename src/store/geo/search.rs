//! GEOSEARCH: the ranges of scores that cover an area, which places are in the area, and the order
//! of the results.
//!
//! Layer `store`. It does not use the sorted set.
//!
//! The search uses the grid whose cells are just larger than the area, so that the area is within
//! one cell and the 8 cells around it. Cells that the area does not reach are skipped. Redis
//! returns unsorted results cell by cell, so the order of the cells matters.

use super::distance::{EARTH_RADIUS, along_meridian, degrees, distance, radians};
use super::hash::{Bounds, Cell, MAX_STEP, decode};
use super::{GeoError, MAX_LATITUDE, Point, Unit};

/// Half the length of the equator on the map, in metres: the width of a cell of step 1.
const HALF_MAP: f64 = 20_037_726.37;

/// The order of the cells, as columns east and rows north of the center's cell: the center, north,
/// south, east, west, north-east, north-west, south-east, south-west.
const CELLS: [(i32, i32); 9] = [
    (0, 0),
    (0, 1),
    (0, -1),
    (1, 0),
    (-1, 0),
    (1, 1),
    (-1, 1),
    (1, -1),
    (-1, -1),
];

/// An area around a center, in some unit of length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// BYRADIUS.
    Circle {
        /// The distance from the center to the edge.
        radius: f64,
    },
    /// BYBOX.
    Box {
        /// The distance from the west side to the east side.
        width: f64,
        /// The distance from the south side to the north side.
        height: f64,
    },
}

/// A search for the places in an area.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Search {
    center: Point,
    shape: Shape,
    unit: Unit,
}

/// Scores from `min` up to, but not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ScoreRange {
    /// The lowest score.
    pub min: f64,
    /// The lowest score after the range.
    pub end: f64,
}

/// A place that was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hit<M> {
    /// The member of the sorted set.
    pub member: M,
    /// Its score.
    pub score: f64,
    /// Its distance from the center, in the search's unit.
    pub distance: f64,
}

/// The order of the results, by distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The nearest first.
    Ascending,
    /// The farthest first.
    Descending,
}

impl Shape {
    /// A circle.
    ///
    /// # Errors
    /// The radius is negative.
    pub(crate) fn circle(radius: f64) -> Result<Shape, GeoError> {
        if radius < 0.0 {
            return Err(GeoError::Radius);
        }
        Ok(Shape::Circle { radius })
    }

    /// A box.
    ///
    /// # Errors
    /// A side is negative.
    pub(crate) fn rectangle(width: f64, height: f64) -> Result<Shape, GeoError> {
        if width < 0.0 || height < 0.0 {
            return Err(GeoError::Box);
        }
        Ok(Shape::Box { width, height })
    }
}

impl Search {
    /// A search around `center`. The shape is given in `unit`.
    pub(crate) fn new(center: Point, shape: Shape, unit: Unit) -> Search {
        Search {
            center,
            shape,
            unit,
        }
    }

    /// The places in the area, ordered by cell and then by score. `in_range` looks up a range in
    /// the sorted set, in the set's order. The search ends after `at_most` places (COUNT with ANY).
    pub(crate) fn collect<M, I>(
        &self,
        at_most: Option<usize>,
        mut in_range: impl FnMut(ScoreRange) -> I,
    ) -> Vec<Hit<M>>
    where
        I: IntoIterator<Item = (M, f64)>,
    {
        let hits = self
            .score_ranges()
            .flat_map(|range| in_range(range).into_iter())
            .filter_map(|(member, score)| {
                let distance = self.distance_within(score)?;
                Some(Hit {
                    member,
                    score,
                    distance,
                })
            });
        hits.take(at_most.unwrap_or(usize::MAX)).collect()
    }

    /// The ranges of scores that cover the area, at most 9, in Redis's order.
    pub(crate) fn score_ranges(&self) -> impl Iterator<Item = ScoreRange> + use<> {
        let cells = self.cells();
        let mut previous = None;
        cells.into_iter().flatten().filter_map(move |cell| {
            // In a coarse grid, the cells on both sides can be the same one.
            if previous.replace(cell) == Some(cell) {
                return None;
            }
            let (min, end) = cell.scores();
            Some(ScoreRange { min, end })
        })
    }

    /// The distance between the center and the place with this score, in the search's unit. `None`
    /// if the place is outside the area.
    pub(crate) fn distance_within(&self, score: f64) -> Option<f64> {
        let place = decode(score);
        let metres = self.unit.metres();
        let from_center = || distance(self.center, place);
        match self.shape {
            Shape::Circle { radius } => {
                let distance = from_center();
                (distance <= radius * metres).then_some(distance / metres)
            }
            Shape::Box { width, height } => {
                let beside = Point {
                    longitude: self.center.longitude,
                    latitude: place.latitude,
                };
                let within = along_meridian(place, self.center) <= height * metres / 2.0
                    && distance(place, beside) <= width * metres / 2.0;
                within.then(|| from_center() / metres)
            }
        }
    }

    /// The cells to search, in the order of [`CELLS`].
    fn cells(&self) -> [Option<Cell>; 9] {
        let area = self.bounds();
        let mut step = self.step();
        let center_cell = |step| Cell::around(self.center, step, MAX_LATITUDE);
        let mut center = center_cell(step);
        if step > 1 && !covers(center, area) {
            step -= 1;
            center = center_cell(step);
        }
        let inside = center.bounds();
        CELLS.map(|(east, north)| {
            // With only two columns or rows, the same cell is on both sides of the center's.
            let reached = step < 2
                || (north >= 0 || inside.south >= area.south)
                    && (north <= 0 || inside.north <= area.north)
                    && (east >= 0 || inside.west >= area.west)
                    && (east <= 0 || inside.east <= area.east);
            reached.then(|| center.neighbour(east, north))
        })
    }

    /// Half of the area's width and height, in metres.
    fn half_sides(&self) -> (f64, f64) {
        let metres = self.unit.metres();
        match self.shape {
            Shape::Circle { radius } => (metres * radius, metres * radius),
            Shape::Box { width, height } => (metres * (width / 2.0), metres * (height / 2.0)),
        }
    }

    /// A box around the area. It may extend beyond the map.
    fn bounds(&self) -> Bounds {
        let Point {
            longitude,
            latitude,
        } = self.center;
        let (width, height) = self.half_sides();
        let north = degrees(height / EARTH_RADIUS);
        // Degrees are shortest at the side that is closer to a pole.
        let widest = if latitude < 0.0 {
            latitude - north
        } else {
            latitude + north
        };
        let east = degrees(width / EARTH_RADIUS / radians(widest).cos());
        Bounds {
            west: longitude - east,
            east: longitude + east,
            south: latitude - north,
            north: latitude + north,
        }
    }

    /// An estimate of the step of the finest grid whose cells are as large as the area. Cells are
    /// narrower near the poles.
    fn step(&self) -> u32 {
        let mut reach = match self.shape {
            Shape::Circle { radius } => radius,
            // The distance to a corner.
            Shape::Box { width, height } => {
                let (width, height) = (width / 2.0, height / 2.0);
                (width * width + height * height).sqrt()
            }
        } * self.unit.metres();
        if reach == 0.0 {
            return MAX_STEP;
        }
        let mut step: i32 = -1;
        while reach < HALF_MAP {
            reach *= 2.0;
            step += 1;
        }
        let latitude = self.center.latitude.abs();
        step -= i32::from(latitude > 66.0) + i32::from(latitude > 80.0);
        step.clamp(1, MAX_STEP as i32) as u32
    }
}

/// Whether the cells around `center` cover the area.
fn covers(center: Cell, area: Bounds) -> bool {
    let beside = |east, north| center.neighbour(east, north).bounds();
    beside(0, 1).north >= area.north
        && beside(0, -1).south <= area.south
        && beside(1, 0).east >= area.east
        && beside(-1, 0).west <= area.west
}

/// Sorts the results of [`Search::collect`] and keeps the first `count`. With a count and without
/// ANY, Redis sorts by distance even if no order was given; the caller must pass
/// [`Order::Ascending`] then. Places at the same distance keep their order.
pub(crate) fn arrange<M>(hits: &mut Vec<Hit<M>>, order: Option<Order>, count: Option<usize>) {
    match order {
        Some(Order::Ascending) => hits.sort_by(|a, b| a.distance.total_cmp(&b.distance)),
        Some(Order::Descending) => hits.sort_by(|a, b| b.distance.total_cmp(&a.distance)),
        None => {}
    }
    hits.truncate(count.unwrap_or(usize::MAX));
}
