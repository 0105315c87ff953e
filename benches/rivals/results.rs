//! What a run has measured: a value for each round of each (load, server, metric), summed up by
//! medians and by ratios to another server of the same run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a figure says, in which unit, and whether more of it is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Units of work (deliveries, publishes, operations) a second.
    PerSecond,
    /// The server's CPU time, user and system, for a unit of work, in microseconds.
    Cpu,
    /// The part of [`Cpu`](Metric::Cpu) in user mode.
    CpuUser,
    /// The part of [`Cpu`](Metric::Cpu) in the kernel.
    CpuSystem,
    /// The part of [`Cpu`](Metric::Cpu) that a server with edges takes, and not they.
    CpuHub,
    /// The median latency, in microseconds.
    P50,
    /// The latency that 99 % stay within, in microseconds.
    P99,
    /// The latency that 99.9 % stay within, in microseconds.
    P999,
    /// The longest latency, in microseconds.
    Max,
    /// Bytes of resident memory.
    Bytes,
    /// Milliseconds.
    Milliseconds,
    /// The share of one core that is busy, in percent.
    CorePercent,
}

/// A measured value.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// What it says.
    pub metric: Metric,
    /// In the metric's unit.
    pub value: f64,
}

/// One server under one load.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cell {
    /// Every round's values.
    pub rounds: BTreeMap<Metric, Vec<f64>>,
    /// Why there is no (further) value.
    pub failures: Vec<String>,
}

/// Everything measured, by load and then by server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// Load id → server name → cell.
    pub cells: BTreeMap<String, BTreeMap<String, Cell>>,
}

impl Metric {
    /// Whether a larger value is the better one.
    pub fn more_is_better(self) -> bool {
        self == Metric::PerSecond
    }
}

impl Cell {
    /// The median over the rounds.
    pub fn median(&self, metric: Metric) -> Option<f64> {
        let mut values = self.rounds.get(&metric)?.clone();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.len() {
            0 => None,
            length if length % 2 == 1 => Some(values[middle]),
            _ => Some(f64::midpoint(values[middle - 1], values[middle])),
        }
    }
}

impl Results {
    /// Adds a round's outcome. No figures are of a load that is not for this server.
    pub fn add(&mut self, load: &str, server: &str, outcome: Result<Vec<Figure>, String>) {
        if outcome.as_ref().is_ok_and(Vec::is_empty) {
            return;
        }
        let cell = self
            .cells
            .entry(load.into())
            .or_default()
            .entry(server.into())
            .or_default();
        match outcome {
            Ok(figures) => {
                for figure in figures {
                    cell.rounds
                        .entry(figure.metric)
                        .or_default()
                        .push(figure.value);
                }
            }
            Err(reason) => cell.failures.push(reason),
        }
    }

    /// The median of a cell.
    pub fn median(&self, load: &str, server: &str, metric: Metric) -> Option<f64> {
        self.cells.get(load)?.get(server)?.median(metric)
    }

    /// How many times `other`'s median `server`'s is.
    pub fn ratio(&self, load: &str, metric: Metric, server: &str, other: &str) -> Option<f64> {
        let of = |server| self.median(load, server, metric);
        Some(of(server)? / of(other)?)
    }
}
