//! Measures a closed loop: after a warm-up, how many units of work are done in a time, and what the
//! server's processor time for them is.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::results::{Figure, Metric};
use crate::rival::{Cpu, Server};

/// The part of the time that goes by before the measurement.
const WARM_UP: f64 = 0.1;

/// Runs from its making on.
pub struct Meter<'a> {
    server: &'a Server,
    time: Duration,
    made: Instant,
    done: u64,
    begin: Option<Mark>,
    end: Option<Mark>,
}

/// How far it was when.
struct Mark {
    at: Instant,
    done: u64,
    cpu: Cpu,
}

impl<'a> Meter<'a> {
    /// Is to measure for so long, after the warm-up.
    pub fn new(server: &'a Server, time: Duration) -> Meter<'a> {
        Meter {
            server,
            time,
            made: Instant::now(),
            done: 0,
            begin: None,
            end: None,
        }
    }

    /// Counts work that is done.
    pub fn add(&mut self, units: u64) -> Result<()> {
        self.done += units;
        if self.end.is_some() {
            return Ok(());
        }
        let now = Instant::now();
        match &self.begin {
            None if now.duration_since(self.made) >= self.time.mul_f64(WARM_UP) => {
                self.begin = Some(self.mark()?);
            }
            Some(begin) if now.duration_since(begin.at) >= self.time => {
                self.end = Some(self.mark()?);
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether everything has been measured, so that no more work need be begun.
    pub fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// Units a second, and the processor time of one.
    pub fn figures(self) -> Result<Vec<Figure>> {
        let (begin, end) = self
            .begin
            .zip(self.end)
            .context("the measurement has not come to its end")?;
        let done = end.done - begin.done;
        let seconds = end.at.duration_since(begin.at).as_secs_f64();
        let mut figures = vec![Figure {
            metric: Metric::PerSecond,
            value: done as f64 / seconds,
        }];
        figures.extend((end.cpu - begin.cpu).per(done));
        Ok(figures)
    }

    fn mark(&self) -> Result<Mark> {
        Ok(Mark {
            cpu: self.server.cpu()?,
            at: Instant::now(),
            done: self.done,
        })
    }
}
