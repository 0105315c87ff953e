//! What the figures say of fanfare: which targets it reaches, and where it is behind redis-server.

use crate::load::{Bound, Load, Target};
use crate::report::{FANFARE, REDIS, Run};
use crate::results::Metric;

/// A figure in which fanfare is worse than redis-server.
pub struct Behind<'a> {
    /// The load.
    pub load: &'a Load,
    /// The figure.
    pub metric: Metric,
    /// Whether even fanfare's best round is worse than redis-server's worst: if not, it may be the
    /// machine's noise.
    pub in_every_round: bool,
}

/// What fanfare is to reach under a load, of the servers that were driven.
pub fn targets<'a>(run: &'a Run, load: &'a Load) -> impl Iterator<Item = &'a Target> {
    let driven = |of: &str| run.servers.iter().any(|server| server.name == of);
    let targets = load.targets.iter();
    targets.filter(move |target| target.of.is_none_or(driven))
}

/// fanfare's figure to that of the server that a target names.
pub fn ratio(run: &Run, load: &Load, target: &Target) -> Option<f64> {
    let of = target.of.unwrap_or(REDIS);
    run.results.ratio(&load.id, target.metric, FANFARE, of)
}

/// Whether fanfare reaches a target, if both servers that it takes were measured.
pub fn reached(run: &Run, load: &Load, target: &Target) -> Option<bool> {
    Some(match target.bound {
        Bound::AtLeastTimes(times) => ratio(run, load, target)? >= times,
        Bound::AtMostTimes(times) => ratio(run, load, target)? <= times,
        Bound::AtMost(most) => run.results.median(&load.id, FANFARE, target.metric)? <= most,
    })
}

/// How many times better than redis-server a server is: more of what is good, less of what costs.
pub fn advantage(run: &Run, load: &Load, metric: Metric, server: &str) -> Option<f64> {
    let ratio = run.results.ratio(&load.id, metric, server, REDIS)?;
    let advantage = if metric.more_is_better() {
        ratio
    } else {
        1.0 / ratio
    };
    (advantage.is_finite() && advantage > 0.0).then_some(advantage)
}

/// How many figures both servers have, and those in which fanfare is behind. The parts of the CPU
/// time are not compared: it is their sum that counts. Nor are loads in which fanfare works with
/// redis-server.
pub fn behind(run: &Run) -> (usize, Vec<Behind<'_>>) {
    let (mut compared, mut behind) = (0, Vec::new());
    for load in run.loads.iter().filter(|load| !load.with_redis) {
        let Some(cells) = run.results.cells.get(&load.id) else {
            continue;
        };
        let (Some(fanfare), Some(redis)) = (cells.get(FANFARE), cells.get(REDIS)) else {
            continue;
        };
        for (&metric, ours) in &fanfare.rounds {
            let (Some(theirs), false) = (
                redis.rounds.get(&metric),
                matches!(metric, Metric::CpuUser | Metric::CpuSystem),
            ) else {
                continue;
            };
            compared += 1;
            let worse = |a: f64, b: f64| {
                if metric.more_is_better() {
                    a < b
                } else {
                    a > b
                }
            };
            let (Some(our), Some(their)) = (fanfare.median(metric), redis.median(metric)) else {
                continue;
            };
            if worse(our, their) {
                let every = ours
                    .iter()
                    .all(|&our| theirs.iter().all(|&their| worse(our, their)));
                behind.push(Behind {
                    load,
                    metric,
                    in_every_round: every,
                });
            }
        }
    }
    (compared, behind)
}
