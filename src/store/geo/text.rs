//! How coordinates and distances are printed. Layer: `store`; uses nothing else.

/// A coordinate as GEOPOS prints it: 17 digits behind the point, without the zeros at the end.
pub(crate) fn coordinate_text(degrees: f64) -> String {
    let digits = format!("{degrees:.17}");
    match digits.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "0".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

/// A distance as GEODIST prints it: 4 digits behind the point. As in Redis, the number is scaled first
/// and then rounded to the nearest integer, a tie to the even one; that differs from `{:.4}` where the
/// scaling hits a tie.
pub(crate) fn distance_text(distance: f64) -> String {
    // Distances on the earth are far below 2^63 / 10000 in every unit.
    let scaled = (distance * 10_000.0).round_ties_even() as u64;
    format!("{}.{:04}", scaled / 10_000, scaled % 10_000)
}
