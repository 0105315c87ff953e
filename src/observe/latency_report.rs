//! The texts of LATENCY DOCTOR and LATENCY GRAPH.
//!
//! Layer `observe`. It uses `config`.
//!
//! Wording and layout are Redis's (`latency.c`, `sparkline.c`). Advice about what fanfare does not
//! have (disks, forks) is left out.

use std::fmt::Write;

use super::latency::Series;
use crate::config::Config;

/// The maximum number of columns of a graph. Further samples make another graph below it.
const COLUMNS: usize = 80;
/// Rows of a graph.
const ROWS: i64 = 4;
/// The characters for the tops of columns, from the lowest to the highest.
const TOPS: [u8; 3] = *b"_o#";

const DISABLED: &str = "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable it. If we weren't in a deep space mission I'd suggest to take a look at https://redis.io/topics/latency-monitor.\n";
const NOTHING: &str = "Dave, no latency spike was observed during the lifetime of this Redis instance, not in the slightest bit. I honestly think you ought to sit down calmly, take a stress pill, and think things over.\n";
const SPIKES: &str = "Dave, I have observed latency spikes in this Redis instance. You don't mind talking about it, do you Dave?\n\n";
const NO_ADVICE: &str = "\nWhile there are latency events logged, I'm not able to suggest any easy fix. Please use the Redis community to get some help, providing this report in your help request.\n";
const ADVICE: &str = "\nI have a few advices for you:\n\n";
const INSPECT: &str = "- Check your Slow Log to understand what are the commands you are running which are too slow to execute. Please check https://redis.io/commands/slowlog for more information.\n";
const SCHEDULER: &str = "- The system is slow to execute Redis code paths not containing system calls. This usually means the system does not provide Redis CPU time to run for long periods. You should try to:\n  1) Lower the system load.\n  2) Use a computer / VM just for Redis if you are running other software in the same system.\n  3) Check if you have a \"noisy neighbour\" problem.\n  4) Check with 'redis-cli --intrinsic-latency 100' what is the intrinsic latency in your system.\n  5) Check if the problem is allocator-related by recompiling Redis with MALLOC=libc, if you are using Jemalloc. However this may create fragmentation problems.\n";
const LARGE_OBJECTS: &str = "- Deleting, expiring or evicting (because of maxmemory policy) large objects is a blocking operation. If you have very large objects that are often deleted, expired, or evicted, try to fragment those objects into multiple smaller objects.\n";

/// The text of LATENCY DOCTOR at Unix time `now` (seconds).
pub(crate) fn doctor(all: &[(&'static str, Series)], config: &Config, now: u64) -> String {
    if all.is_empty() {
        let disabled = config.latency_monitor_threshold == 0;
        return if disabled { DISABLED } else { NOTHING }.to_owned();
    }
    let mut report = SPIKES.to_owned();
    for (number, (event, series)) in (1..).zip(all) {
        let count = series.samples.len().max(1) as u64;
        let latencies = || series.samples.iter().map(|sample| sample.latency);
        let average = latencies().sum::<u64>() / count;
        let deviation = latencies().map(|one| one.abs_diff(average)).sum::<u64>() / count;
        let oldest = series.samples.front().map_or(now, |sample| sample.time);
        let period = now.saturating_sub(oldest).max(1) as f64 / count as f64;
        let _ = writeln!(
            report,
            "{number}. {event}: {count} latency spikes (average {average}ms, mean deviation \
             {deviation}ms, period {period:.2} sec). Worst all time event {}ms.",
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
        if slower < 0 || config.slowlog_max_len == 0 {
            let _ = writeln!(
                advice,
                "- There are latency issues with potentially slow commands you are using. Try to \
                 enable the Slow Log Redis feature using the command 'CONFIG SET \
                 slowlog-log-slower-than {}'. If the Slow log is disabled Redis is not able to \
                 log slow commands execution for you.",
                threshold.saturating_mul(1000)
            );
        } else if slower as u64 / 1000 > threshold {
            let _ = writeln!(
                advice,
                "- Your current Slow Log configuration only logs events that are slower than \
                 your configured latency monitor threshold. Please use 'CONFIG SET \
                 slowlog-log-slower-than {}'.",
                threshold.saturating_mul(1000)
            );
        }
        advice.push_str(INSPECT);
    }
    if has("fast-command") {
        advice.push_str(SCHEDULER);
    }
    if has("command") {
        advice.push_str(LARGE_OBJECTS);
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
