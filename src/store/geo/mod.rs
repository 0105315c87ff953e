//! Places on the earth: GEOADD, GEOPOS, GEOHASH, GEODIST and GEOSEARCH.
//!
//! A place is kept as a score of a sorted set. Each coordinate is scaled to 26 bits, and the bits take
//! turns, so that all the places within a cell of a grid are one range of scores. A search looks up the
//! cell around its center and the cells beside it, and then computes the distance of each place in
//! them. Distances are those on a sphere. Results are exactly Redis's only if every floating-point
//! operation is done in its order; `sin`, `cos` and `asin` are the platform's.
//!
//! Layer: `store`; uses nothing of the sorted set: a search asks for ranges of scores.

mod distance;
mod hash;
mod search;
mod text;

pub(crate) use distance::distance;
pub(crate) use hash::{decode, encode, geohash_text};
pub(crate) use search::{Hit, Order, Search, Shape, arrange};
pub(crate) use text::{coordinate_text, distance_text};

/// The greatest longitude, in degrees; the least is its negative.
pub(crate) const MAX_LONGITUDE: f64 = 180.0;
/// The greatest latitude, in degrees; the least is its negative. Beyond it, web maps do not go either
/// (EPSG:3857).
pub(crate) const MAX_LATITUDE: f64 = 85.05112878;

/// Why an argument was refused. The text is Redis's, without the leading `-`.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(crate) enum GeoError {
    /// Coordinates that are out of range, in degrees: longitude and latitude.
    #[error("ERR invalid longitude,latitude pair {0:.6},{1:.6}")]
    Coordinates(f64, f64),
    /// Not a unit of length.
    #[error("ERR unsupported unit provided. please use M, KM, FT, MI")]
    Unit,
    /// A negative radius.
    #[error("ERR radius cannot be negative")]
    Radius,
    /// A box with a negative side.
    #[error("ERR height or width cannot be negative")]
    Box,
}

/// A place, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// East of Greenwich, or west if negative.
    pub longitude: f64,
    /// North of the equator, or south if negative.
    pub latitude: f64,
}

impl Point {
    /// A place that a client gives.
    ///
    /// # Errors
    /// [`GeoError::Coordinates`].
    pub(crate) fn new(longitude: f64, latitude: f64) -> Result<Point, GeoError> {
        let in_range = |degrees: f64, max: f64| (-max..=max).contains(&degrees);
        if in_range(longitude, MAX_LONGITUDE) && in_range(latitude, MAX_LATITUDE) {
            Ok(Point {
                longitude,
                latitude,
            })
        } else {
            Err(GeoError::Coordinates(longitude, latitude))
        }
    }
}

/// A unit of length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Metres.
    #[default]
    Metre,
    /// Kilometres.
    Kilometre,
    /// Feet.
    Foot,
    /// Miles.
    Mile,
}

impl Unit {
    /// `m`, `km`, `ft` or `mi`, in any case.
    ///
    /// # Errors
    /// [`GeoError::Unit`].
    pub(crate) fn parse(text: &[u8]) -> Result<Unit, GeoError> {
        let is = |other: &[u8]| text.eq_ignore_ascii_case(other);
        match () {
            () if is(b"m") => Ok(Unit::Metre),
            () if is(b"km") => Ok(Unit::Kilometre),
            () if is(b"ft") => Ok(Unit::Foot),
            () if is(b"mi") => Ok(Unit::Mile),
            () => Err(GeoError::Unit),
        }
    }

    /// How many metres the unit has, as Redis rounds it.
    pub(crate) fn metres(self) -> f64 {
        match self {
            Unit::Metre => 1.0,
            Unit::Kilometre => 1000.0,
            Unit::Foot => 0.3048,
            Unit::Mile => 1609.34,
        }
    }
}

#[cfg(test)]
mod tests;
