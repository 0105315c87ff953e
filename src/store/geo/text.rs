//! How coordinates and distances are printed.
//!
//! Layer `store`. It uses nothing else.

/// A coordinate as GEOPOS prints it: 17 digits after the point, without trailing zeros.
pub(crate) fn coordinate_text(degrees: f64) -> String {
    let digits = format!("{degrees:.17}");
    match digits.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "0".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

/// A distance as GEODIST prints it: 4 digits after the point. As in Redis, the number is scaled
/// first and then rounded to the nearest integer, with ties to even. That differs from `{:.4}` if
/// scaling produces a tie.
pub(crate) fn distance_text(distance: f64) -> String {
    // In every unit, distances on the earth are far below 2^63 / 10000.
    let scaled = (distance * 10_000.0).round_ties_even() as u64;
    format!("{}.{:04}", scaled / 10_000, scaled % 10_000)
}
