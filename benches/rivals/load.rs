//! A load: what is done to a server, what is measured, and what fanfare is to reach.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::report::{FANFARE, KEVY, REDIS};
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

/// What a measurement does: starts the server that it is given, and stops it. There are no figures if
/// the load is not for this server.
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
    /// Measured in the first round only: preparing the server takes long, and the figure is steady.
    pub once: bool,
    /// fanfare works with redis-server here, not instead of it. So it is not told where it is behind.
    pub with_redis: bool,
    /// Measures one server, once.
    #[serde(skip)]
    pub measure: Measure,
    /// A thread that only writes, once to each subscriber for each write of the publisher.
    #[serde(skip)]
    pub floor: Option<Floor>,
}

impl Load {
    /// A load that counts `unit`s, without sizes and targets.
    pub fn new(
        id: String,
        group: &'static str,
        title: String,
        unit: &'static str,
        measure: Measure,
    ) -> Load {
        Load {
            id,
            group,
            title,
            unit,
            sizes: Vec::new(),
            targets: Vec::new(),
            idle: None,
            once: false,
            with_redis: false,
            measure,
            floor: None,
        }
    }

    /// In how many rounds of a run a server is measured: fanfare and redis-server in all of them, and
    /// another one, or the floor, only if fanfare has a target of it.
    pub fn rounds(&self, all: usize, server: &str) -> usize {
        let counts = [FANFARE, REDIS].contains(&server)
            || self.targets.iter().any(|target| target.of == Some(server));
        if self.once || !counts {
            all.min(1)
        } else {
            all
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
    /// The server whose figure the bound multiplies. Where it was not driven, there is no target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<&'static str>,
}

impl Target {
    /// At least so many times redis-server's rate.
    pub fn rate(times: f64) -> Target {
        Target::times(Metric::PerSecond, times)
    }

    /// At most so many times redis-server's CPU time.
    pub fn cpu(times: f64) -> Target {
        Target::times(Metric::Cpu, times)
    }

    /// At most so many times redis-server's memory.
    pub fn bytes(times: f64) -> Target {
        Target::times(Metric::Bytes, times)
    }

    /// So many times redis-server's figure: at least or at most, as the metric has it.
    pub fn times(metric: Metric, times: f64) -> Target {
        let bound = if metric.more_is_better() {
            Bound::AtLeastTimes(times)
        } else {
            Bound::AtMostTimes(times)
        };
        Target {
            metric,
            bound,
            of: Some(REDIS),
        }
    }

    /// At most this, in the metric's unit.
    pub fn at_most(metric: Metric, value: f64) -> Target {
        Target {
            metric,
            bound: Bound::AtMost(value),
            of: None,
        }
    }

    /// The same of kevy's figure.
    pub fn of_kevy(self) -> Target {
        Target {
            of: Some(KEVY),
            ..self
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
    /// At least so many times the other server's figure.
    AtLeastTimes(f64),
    /// At most so many times the other server's figure.
    AtMostTimes(f64),
    /// At most this, in the metric's unit.
    AtMost(f64),
}
