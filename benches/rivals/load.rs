//! A load: what is done to a server, what is measured, and what fanfare is to reach.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::results::{Figure, Metric};
use crate::rival::Rival;

/// How long and how much, from the command line.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long a closed loop is measured.
    pub time: Duration,
    /// Only whether it works: small sizes.
    pub quick: bool,
}

/// What a measurement does: starts the server that it is given, and stops it.
pub type Measure = Box<dyn Fn(&Rival, Options) -> Result<Vec<Figure>>>;
/// The same work without a server.
pub type Floor = Box<dyn Fn(Options) -> Result<Vec<Figure>>>;

/// See the module. What it does is left out when it is written to a file.
#[derive(Serialize)]
pub struct Load {
    /// Short and unique: what `--only` looks for.
    pub id: String,
    /// The heading it is shown under.
    pub group: &'static str,
    /// One line for people.
    pub title: String,
    /// What is counted: a delivery, a publish, an operation.
    pub unit: &'static str,
    /// The sizes that the costs grow with, for plots: subscribers, bytes, patterns. A load may be a
    /// point of several curves: of one by subscribers and of one by payload.
    pub sizes: Vec<Size>,
    /// What fanfare is to reach.
    pub targets: Vec<Target>,
    /// If something disturbs the server: the id of the load that is the same without it.
    pub idle: Option<String>,
    /// Measures one server, once.
    #[serde(skip)]
    pub measure: Measure,
    /// A thread that only writes, once to each subscriber for each write of the publisher.
    #[serde(skip)]
    pub floor: Option<Floor>,
}

impl Load {
    /// A load that counts operations, without sizes and targets.
    pub fn of_operations(id: String, group: &'static str, title: String, measure: Measure) -> Load {
        Load {
            id,
            group,
            title,
            unit: "operation",
            sizes: Vec::new(),
            targets: Vec::new(),
            measure,
            idle: None,
            floor: None,
        }
    }
}

/// A point on a growth curve.
#[derive(Clone, Debug, Serialize)]
pub struct Size {
    /// Which curve: loads with the same name belong together.
    pub curve: String,
    /// The axis: "subscribers", "patterns".
    pub axis: &'static str,
    /// The place on the axis.
    pub at: f64,
}

/// What fanfare is to reach in a metric.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Target {
    /// In which metric.
    pub metric: Metric,
    /// How much.
    pub bound: Bound,
}

impl Target {
    /// At least so many times redis-server's rate.
    pub fn rate(times: f64) -> Target {
        Target {
            metric: Metric::PerSecond,
            bound: Bound::AtLeastTimesRedis(times),
        }
    }

    /// At most so many times redis-server's CPU time.
    pub fn cpu(times: f64) -> Target {
        Target {
            metric: Metric::Cpu,
            bound: Bound::AtMostTimesRedis(times),
        }
    }

    /// At most so many times redis-server's memory.
    pub fn bytes(times: f64) -> Target {
        Target {
            metric: Metric::Bytes,
            bound: Bound::AtMostTimesRedis(times),
        }
    }
}

/// A target's value.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::enum_variant_names,
    reason = "at most and at least are what they are"
)]
pub enum Bound {
    /// At least so many times redis-server's figure.
    AtLeastTimesRedis(f64),
    /// At most so many times redis-server's figure.
    AtMostTimesRedis(f64),
    /// At most this, in the metric's unit.
    AtMost(f64),
}
