//! Distances on a sphere.
//!
//! Layer `store`. It uses nothing else.

use std::f64::consts::PI;

use super::Point;

/// The earth's radius in metres, with Redis's value.
pub(super) const EARTH_RADIUS: f64 = 6_372_797.560856;
const RADIANS_PER_DEGREE: f64 = PI / 180.0;

/// Converts degrees to radians.
pub(super) fn radians(degrees: f64) -> f64 {
    degrees * RADIANS_PER_DEGREE
}

/// Converts radians to degrees.
pub(super) fn degrees(radians: f64) -> f64 {
    radians / RADIANS_PER_DEGREE
}

/// The distance between the latitudes of two places in metres.
pub(super) fn along_meridian(from: Point, to: Point) -> f64 {
    EARTH_RADIUS * (radians(to.latitude) - radians(from.latitude)).abs()
}

/// The distance between two places in metres, by the haversine formula. On one meridian it is the arc
/// between them, as in Redis: the formula's last digit would be another.
pub(crate) fn distance(from: Point, to: Point) -> f64 {
    let (latitude, other_latitude) = (radians(from.latitude), radians(to.latitude));
    let half_chord = |from: f64, to: f64| ((to - from) / 2.0).sin();
    let east = half_chord(radians(from.longitude), radians(to.longitude));
    if east == 0.0 {
        return along_meridian(from, to);
    }
    let north = half_chord(latitude, other_latitude);
    let haversine = north * north + latitude.cos() * other_latitude.cos() * east * east;
    2.0 * EARTH_RADIUS * haversine.sqrt().asin()
}
