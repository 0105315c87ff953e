//! Places on the earth: GEOADD, GEOPOS, GEOHASH, GEODIST and GEOSEARCH.
//!
//! Layer `store`. It does not use the sorted set: a search asks its caller for ranges of scores.
//!
//! A place is stored as a score of a sorted set. Each coordinate is scaled to 26 bits, and the bits
//! of the two are interleaved, so that all places within a cell of a grid are one range of scores.
//! A search looks at the cell around its center and the cells beside it, and computes the distance
//! of each place in them. Distances are those on a sphere. The results are exactly Redis's only if
//! every floating-point operation is done in Redis's order. `sin`, `cos` and `asin` are the
//! platform's.

mod distance;
mod hash;
mod search;
mod text;

pub(crate) use distance::distance;
pub(crate) use hash::{decode, encode, geohash_text};
pub(crate) use search::{Hit, Order, Search, Shape, arrange};
pub(crate) use text::{coordinate_text, distance_text};

/// The largest longitude in degrees. The smallest is its negative.
pub(crate) const MAX_LONGITUDE: f64 = 180.0;
/// The largest latitude in degrees. The smallest is its negative. Web maps end there, too
/// (EPSG:3857).
pub(crate) const MAX_LATITUDE: f64 = 85.05112878;

/// Why an argument was refused. The text is Redis's, without the leading `-`.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(crate) enum GeoError {
    /// Longitude and latitude in degrees, one of which is out of range.
    #[error("ERR invalid longitude,latitude pair {0:.6},{1:.6}")]
    Coordinates(f64, f64),
    /// An unknown unit of length.
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
    /// Degrees east of Greenwich; west if negative.
    pub longitude: f64,
    /// Degrees north of the equator; south if negative.
    pub latitude: f64,
}

impl Point {
    /// Creates a place from a client's coordinates.
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
    /// Parses `m`, `km`, `ft` or `mi`, in any letter case.
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

    /// The length of the unit in metres, as Redis rounds it.
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
