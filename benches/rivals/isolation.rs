//! How soon a subscriber has a message while another connection keeps the server busy: with long
//! commands, with long replies, or with subscriptions that come and go.
//!
//! ```text
//!  this thread   publisher ─ PUBLISH by the clock ─▶ server ─ messages ─▶ subscriber
//!  another one   the busy connection ─ request ─▶ server ─ reply ─▶ thrown away, and again
//! ```
//!
//! Invariants:
//! - Publisher, busy connection and subscriber connect in this order, so that a server which deals
//!   connections out to two workers in turn has the busy one alone on its worker.
//! - The busy connection has one request on its way, never two.
//! - What it takes away from the server and what it gets done are both told: a server could serve
//!   the subscriber well by not serving the busy connection at all.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};

use crate::load::{Load, Options};
use crate::noise::{FULL, NOISES, Noise, QUICK, Work};
use crate::open_loop::OpenLoop;
use crate::report::{FANFARE, words};
use crate::results::{Figure, Metric};
use crate::rival::{Rival, Server, WORKERS};
use crate::sink::Sink;
use crate::subscribe;
use crate::wire;

/// What is published to.
const CHANNEL: &[u8] = b"channel";
/// Bytes of a payload.
const PAYLOAD: usize = 64;
/// Messages a second.
const RATE: u32 = 200;
/// Percentiles take messages, and slow rates take time to make them: so many times the usual time.
const LONGER: u32 = 3;

/// Everything beside a busy connection on the same worker, and then on another.
pub fn loads() -> Vec<Load> {
    let loads = |workers| NOISES.map(|noise| load(noise, workers));
    [1, 2].into_iter().flat_map(loads).collect()
}

fn load(noise: Noise, workers: usize) -> Load {
    let id = |noise: Noise| format!("isolation/{}-{workers}", noise.name());
    Load {
        idle: (!matches!(noise, Noise::Idle)).then(|| id(Noise::Idle)),
        ..Load::new(
            id(noise),
            match workers {
                1 => "Latency beside a busy connection, one worker",
                _ => "Latency beside a busy connection on another worker",
            },
            format!(
                "{RATE} messages/s beside {}, {}",
                noise.title(),
                words::count(workers, "worker")
            ),
            noise.unit(),
            Box::new(move |rival, options| measure(noise, workers, rival, options)),
        )
    }
}

fn measure(noise: Noise, workers: usize, rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    ensure!(
        rival.name != FANFARE || rival.command.contains(WORKERS),
        "fanfare's command has no {WORKERS}"
    );
    let (sizes, time) = if options.quick {
        (QUICK, options.time)
    } else {
        (FULL, options.time * LONGER)
    };
    let server = Server::start_with(rival, workers)?;
    noise.fill(server.addr(), sizes)?;
    let publisher = wire::connect(server.addr())?;
    let mut busy = Sink::connect(server.addr())?;
    let subscriber = subscribe::connect(server.addr(), &[CHANNEL])?;
    let streams = vec![publisher, subscriber];
    let open_loop = OpenLoop::publish(streams, CHANNEL, PAYLOAD, 1, RATE, time);

    let over = AtomicBool::new(false);
    let work = noise.work(server.addr(), sizes);
    let (outcome, pace) = thread::scope(|scope| {
        let noise = scope.spawn(|| {
            let pace = work.map(|work| keep_busy(&mut busy, work, &over));
            pace.transpose()
        });
        let outcome = open_loop.run(&server);
        over.store(true, Relaxed);
        (outcome, noise.join())
    });
    let outcome = outcome?;
    let pace = pace
        .map_err(|_| anyhow!("the busy connection's thread panicked"))?
        .context("the busy connection")?;
    busy.finish()?;
    let mut figures = vec![
        outcome.latency(Metric::P50, 0.5),
        outcome.latency(Metric::P99, 0.99),
        outcome.latency(Metric::Max, 1.0),
    ];
    figures.extend(pace.map(|value| Figure {
        metric: Metric::PerSecond,
        value,
    }));
    Ok(figures)
}

/// Works until it is over; says how much it has done a second.
fn keep_busy(busy: &mut Sink, mut work: Work, over: &AtomicBool) -> Result<f64> {
    let start = Instant::now();
    let mut done = 0;
    while !over.load(Relaxed) {
        work(busy)?;
        done += 1;
    }
    Ok(f64::from(done) / start.elapsed().as_secs_f64())
}
