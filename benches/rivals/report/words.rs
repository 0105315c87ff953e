//! How figures, ratios and targets are written, in tables and in pictures alike: three significant
//! digits, or two of a small one, which is more than a machine repeats.

use crate::load::{Bound, Target};
use crate::results::Metric;

/// A metric's name in a table, for a load that counts `unit`s.
pub fn metric(metric: Metric, unit: &str) -> String {
    match metric {
        Metric::PerSecond => format!("{}/s", plural(unit)),
        Metric::Cpu => format!("CPU µs/{unit}"),
        Metric::CpuUser => format!("user CPU µs/{unit}"),
        Metric::CpuSystem => format!("system CPU µs/{unit}"),
        Metric::CpuHub => format!("the hub's CPU µs/{unit}"),
        Metric::P50 => "p50, µs".to_owned(),
        Metric::P99 => "p99, µs".to_owned(),
        Metric::P999 => "p99.9, µs".to_owned(),
        Metric::Max => "max, µs".to_owned(),
        Metric::Bytes => format!("memory/{unit}"),
        Metric::Milliseconds => "time, ms".to_owned(),
        Metric::CorePercent => "% of a core".to_owned(),
    }
}

/// Which way is the better one.
pub fn arrow(metric: Metric) -> &'static str {
    if metric.more_is_better() {
        "↑"
    } else {
        "↓"
    }
}

/// A value of a metric, in the unit that the metric's name gives.
pub fn figure(metric: Metric, value: f64) -> String {
    match metric {
        Metric::PerSecond => scaled(value, RATES, digits),
        Metric::Bytes => scaled(value, SIZES, |value| grouped(value) + " B"),
        _ => digits(value),
    }
}

/// A ratio: `2.31×`.
pub fn times(ratio: f64) -> String {
    format!("{}×", digits(ratio))
}

/// What a target asks for.
pub fn target(target: &Target) -> String {
    let of = target.of.unwrap_or_default();
    match target.bound {
        Bound::AtLeastTimes(1.0) => format!("≥ {of}"),
        Bound::AtMostTimes(1.0) => format!("≤ {of}"),
        Bound::AtLeastTimes(times) => format!("≥ {times}× {of}"),
        Bound::AtMostTimes(times) => format!("≤ {times}× {of}"),
        Bound::AtMost(value) if target.metric == Metric::Bytes => {
            format!("≤ {}", figure(target.metric, value))
        }
        Bound::AtMost(value) => format!("≤ {value}"),
    }
}

/// Whether a target is reached; `None` is one that nothing can be said about.
pub fn reached(reached: Option<bool>) -> &'static str {
    match reached {
        Some(true) => "✓",
        Some(false) => "✗",
        None => "?",
    }
}

/// `count` of a thing, in words.
pub fn count(count: usize, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{} {}", grouped(count as f64), plural(thing)),
    }
}

fn plural(thing: &str) -> String {
    if let Some(stem) = thing.strip_suffix('y') {
        return format!("{stem}ies");
    }
    match thing.ends_with("sh") || thing.ends_with('s') {
        true => format!("{thing}es"),
        false => format!("{thing}s"),
    }
}

/// A scale: from which value on it is taken, what it divides by, its name.
type Scale = (f64, f64, &'static str);

const RATES: &[Scale] = &[(1e9, 1e9, " G"), (1e6, 1e6, " M"), (1e4, 1e3, " k")];
/// Up to 100,000 bytes each is told, since a target is 1,000.
const SIZES: &[Scale] = &[(1e9, 1e9, " GB"), (1e6, 1e6, " MB"), (1e5, 1e3, " kB")];

/// In the first scale that the value reaches, or as it is.
fn scaled(value: f64, scales: &[Scale], plain: impl Fn(f64) -> String) -> String {
    match scales.iter().find(|(from, ..)| value.abs() >= *from) {
        Some((_, divisor, name)) => digits(value / divisor) + name,
        None => plain(value),
    }
}

/// Three significant digits, and whole numbers in groups of three.
fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 99.95 => return grouped(value),
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        size if size >= 0.1 || size == 0.0 => 3,
        size => (-size.log10()).ceil() as usize + 1,
    };
    format!("{value:.decimals$}")
}

/// A whole number in groups of three digits.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let sign = if value <= -0.5 { "-" } else { "" };
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    sign.to_owned() + &text
}
