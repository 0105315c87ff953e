//! From the start of a process until it has answered its first PING.

use anyhow::Result;

use crate::load::{Load, Options};
use crate::results::{Figure, Metric};
use crate::rival::{Rival, Server};

/// Starts in a round, the median of which counts.
const STARTS: usize = 10;

/// The one load.
pub fn loads() -> Vec<Load> {
    vec![Load::new(
        "startup".into(),
        "Start and idleness",
        "from exec to the first +PONG".into(),
        "start",
        Box::new(measure),
    )]
}

fn measure(rival: &Rival, _: Options) -> Result<Vec<Figure>> {
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        times.push(Server::start(rival)?.start_to_pong());
    }
    times.sort();
    let median = (times[STARTS / 2 - 1] + times[STARTS / 2]) / 2;
    Ok(vec![Figure {
        metric: Metric::Milliseconds,
        value: median.as_secs_f64() * 1e3,
    }])
}
