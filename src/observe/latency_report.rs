//! What LATENCY DOCTOR and LATENCY GRAPH say of the samples. The graph's shape is Redis's, which tools
//! show as it is; DOCTOR's advice is about fanfare, in its own words.

use std::fmt::Write;

use super::latency::Series;
use crate::config::Config;

/// The maximum number of columns of a graph. Further samples make another graph below it.
const COLUMNS: usize = 80;
/// Rows of a graph.
const ROWS: i64 = 4;
/// The characters for the tops of columns, from the lowest to the highest.
const TOPS: [u8; 3] = *b"_o#";

const DISABLED: &str = "Latency is not watched. CONFIG SET latency-monitor-threshold <milliseconds> \
    notes what takes so long or longer.\n";
const NOTHING: &str = "Nothing has taken as long as latency-monitor-threshold.\n";
const NO_ADVICE: &str = "\nThere is no advice for these events.\n";
const ADVICE: &str = "\nWhat can be done:\n\n";
const INSPECT: &str = "- SLOWLOG GET shows the commands that took long, with their arguments. KEYS, \
    SORT, LREM, large ranges and large transactions take time in proportion to what they look at: \
    ask for less at a time, or use SCAN.\n";
const SCHEDULER: &str = "- Commands that do little took long. Then the process did not run for that time. \
    Look whether other programs, or other virtual machines, need the same cores, whether the machine \
    swaps, and whether a limit on CPU time holds the process back.\n";
const LARGE_VALUES: &str = "- Copying, sorting or reading a very large list holds others up. Spread what is in \
    it over several keys.\n";
const EXPIRY: &str =
    "- Many keys expired at the same moment. Give them times to live that differ a little.\n";

/// The text of LATENCY DOCTOR at Unix time `now` (seconds).
pub(crate) fn doctor(all: &[(&'static str, Series)], config: &Config, now: u64) -> String {
    if all.is_empty() {
        let disabled = config.latency_monitor_threshold == 0;
        return if disabled { DISABLED } else { NOTHING }.to_owned();
    }
    let mut report = "Events that took long:\n\n".to_owned();
    for (number, (event, series)) in (1..).zip(all) {
        let count = series.samples.len().max(1) as u64;
        let latencies = || series.samples.iter().map(|sample| sample.latency);
        let average = latencies().sum::<u64>() / count;
        let deviation = latencies().map(|one| one.abs_diff(average)).sum::<u64>() / count;
        let oldest = series.samples.front().map_or(now, |sample| sample.time);
        let period = now.saturating_sub(oldest).max(1) as f64 / count as f64;
        let _ = writeln!(
            report,
            "{number}. {event}: {count} samples, {average} ms on average (mean deviation {deviation} \
             ms), one every {period:.2} s; the longest ever took {} ms.",
            series.max
        );
    }
    let advice = advice(all, config);
    report.push_str(if advice.is_empty() { NO_ADVICE } else { ADVICE });
    report + &advice
}

fn advice(all: &[(&'static str, Series)], config: &Config) -> String {
    let has = |event| all.iter().any(|(name, _)| *name == event);
    let mut advice = String::new();
    if has("command") {
        let (threshold, slower) = (
            config.latency_monitor_threshold,
            config.slowlog_log_slower_than,
        );
        let microseconds = threshold.saturating_mul(1000);
        if slower < 0 || config.slowlog_max_len == 0 {
            let _ = writeln!(
                advice,
                "- The slow log is off. CONFIG SET slowlog-log-slower-than {microseconds} \
                 slowlog-max-len 128 lists the commands that take long."
            );
        } else if slower as u64 / 1000 > threshold {
            let _ = writeln!(
                advice,
                "- The slow log leaves out some of what is noted here. CONFIG SET \
                 slowlog-log-slower-than {microseconds} lists all of it."
            );
        }
        advice.push_str(INSPECT);
    }
    if has("fast-command") {
        advice.push_str(SCHEDULER);
    }
    if has("command") {
        advice.push_str(LARGE_VALUES);
    }
    if has("expire-cycle") {
        advice.push_str(EXPIRY);
    }
    advice
}

/// The text of LATENCY GRAPH at Unix time `now` (seconds).
pub(crate) fn graph(event: &str, series: &Series, now: u64) -> String {
    let latencies = || series.samples.iter().map(|sample| sample.latency);
    let (low, high) = (
        latencies().min().unwrap_or_default(),
        latencies().max().unwrap_or_default(),
    );
    let mut text = format!(
        "{event} - high {high} ms, low {low} ms (all time high {} ms)\n",
        series.max
    );
    text.push_str(&"-".repeat(COLUMNS));
    text.push('\n');
    let samples: Vec<(u64, String)> = series
        .samples
        .iter()
        .map(|sample| (sample.latency, format_age(now.saturating_sub(sample.time))))
        .collect();
    for (index, part) in samples.chunks(COLUMNS).enumerate() {
        if index > 0 {
            text.push('\n');
        }
        draw(&mut text, part, low, high);
    }
    text
}

/// An age in the largest unit of which it has at least one.
fn format_age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Draws columns on a scale from `low` to `high`. Each column's label is written below it, from top
/// to bottom.
fn draw(text: &mut String, columns: &[(u64, String)], low: u64, high: u64) {
    let tops = TOPS.len() as i64;
    let steps = tops * ROWS;
    let range = if high == low { 1 } else { high - low } as f64;
    for row in 0..ROWS {
        text.extend(columns.iter().map(|(value, _)| {
            let step = ((value - low) as f64 * steps as f64 / range) as i64;
            let height = step.clamp(0, steps - 1) - (ROWS - row - 1) * tops;
            match usize::try_from(height) {
                Err(_) => ' ',
                Ok(height) => TOPS.get(height).map_or('|', |top| char::from(*top)),
            }
        }));
        text.push('\n');
    }
    let longest = columns.iter().map(|(_, label)| label.len()).max();
    text.push_str(&" ".repeat(columns.len()));
    text.push('\n');
    for place in 0..longest.unwrap_or_default() {
        let letters = columns.iter().map(|(_, label)| label.as_bytes().get(place));
        text.extend(letters.map(|letter| letter.map_or(' ', |byte| char::from(*byte))));
        text.push('\n');
    }
}
