//! What got slower since results were kept: by how much a server's advantage over another one fell,
//! beyond the noise. Both ran on the same machine each time, so that of another machine may be
//! compared with it.
//!
//! ```text
//!  a round's advantage   one server's figure to the other's, so that more is better
//!  then ÷ now            how many times as large the advantage was, of the medians
//!  noise                 the largest advantage of a round to the smallest, of the run that has more
//! ```
//!
//! Invariants: the servers take turns in a round, so a round's figures belong together. A figure of
//! one round does not tell its noise, and is taken to have much.

use crate::results::{Metric, Results};

/// Less than this is not worth telling.
const LEAST: f64 = 1.1;
/// What stands for the noise of a figure that was measured once.
const ALONE: f64 = 1.25;

/// What two runs say of each other.
#[derive(Debug)]
pub struct Comparison {
    /// How many figures both runs have of both servers.
    pub compared: usize,
    /// Those that got slower, in the order of the loads' ids.
    pub slower: Vec<Slower>,
}

/// A figure that got slower.
#[derive(Debug)]
pub struct Slower {
    /// The load's id.
    pub load: String,
    pub metric: Metric,
    /// The ratio of the medians then, and now.
    pub ratios: (f64, f64),
    /// How many times as large the advantage was.
    pub times: f64,
    /// How many times as large the noise lets it look.
    pub noise: f64,
}

/// How far a server is ahead of another one in a figure.
struct Advantage {
    ratio: f64,
    /// The ratio, or its inverse if less is better.
    median: f64,
    noise: f64,
}

/// Compares two runs by the figures of `server` to those of `other`.
pub fn compare(then: &Results, now: &Results, server: &str, other: &str) -> Comparison {
    let (mut compared, mut slower) = (0, Vec::new());
    for (load, cells) in &now.cells {
        let rounds = cells.get(server).map(|cell| cell.rounds.keys());
        for &metric in rounds.into_iter().flatten() {
            let of = |results| advantage(results, load, metric, server, other);
            let (Some(before), Some(after)) = (of(then), of(now)) else {
                continue;
            };
            compared += 1;
            let times = before.median / after.median;
            let noise = before.noise.max(after.noise).max(LEAST);
            if times > noise {
                slower.push(Slower {
                    load: load.clone(),
                    metric,
                    ratios: (before.ratio, after.ratio),
                    times,
                    noise,
                });
            }
        }
    }
    Comparison { compared, slower }
}

/// `None` where one of them has nothing, or nothing to divide by. The parts of the CPU time are not
/// compared: it is their sum that counts.
fn advantage(
    results: &Results,
    load: &str,
    metric: Metric,
    server: &str,
    other: &str,
) -> Option<Advantage> {
    if matches!(metric, Metric::CpuUser | Metric::CpuSystem) {
        return None;
    }
    let better = |ratio: f64| match metric.more_is_better() {
        true => ratio,
        false => 1.0 / ratio,
    };
    let sensible = |advantage: &f64| advantage.is_finite() && *advantage > 0.0;
    let ratio = results.ratio(load, metric, server, other)?;
    let median = Some(better(ratio)).filter(sensible)?;
    let cells = results.cells.get(load)?;
    let of = |server| Some(cells.get(server)?.rounds.get(&metric)?.iter());
    let rounds = of(server)?.zip(of(other)?);
    let rounds: Vec<f64> = rounds
        .map(|(ours, theirs)| better(ours / theirs))
        .filter(sensible)
        .collect();
    let noise = match rounds.len() {
        0 | 1 => ALONE,
        _ => {
            let most = rounds.iter().copied().fold(0.0, f64::max);
            most / rounds.iter().copied().fold(f64::INFINITY, f64::min)
        }
    };
    Some(Advantage {
        ratio,
        median,
        noise,
    })
}
