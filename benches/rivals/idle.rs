//! What a server takes while nothing happens: memory when it is fresh, memory for an idle
//! subscriber, and processor time.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::load::{Load, Measure, Options, Target};
use crate::results::{Figure, Metric};
use crate::rival::{Rival, Server};
use crate::subscribe;
use crate::wire;

/// Subscribers whose memory is measured.
const MANY: usize = 10_000;
/// Subscribers beside which the processor time is measured.
const SOME: usize = 1_000;
/// How many there are if it is only to be seen whether it works.
const QUICK: usize = 100;
/// What an idle subscriber may take of fanfare, in bytes.
const MOST_BYTES: f64 = 1_000.0;

/// Memory, and processor time.
pub fn loads() -> Vec<Load> {
    let target = || Target::at_most(Metric::Bytes, MOST_BYTES);
    vec![
        Load {
            unit: "server",
            ..load("fresh", "memory of a fresh server".into(), Box::new(fresh))
        },
        Load {
            targets: vec![target()],
            ..load(
                "own",
                format!("memory of each of {MANY} subscribers, a channel for each"),
                Box::new(|rival, options| memory(true, rival, options)),
            )
        },
        Load {
            targets: vec![target()],
            ..load(
                "one",
                format!("memory of each of {MANY} subscribers of one channel"),
                Box::new(|rival, options| memory(false, rival, options)),
            )
        },
        Load {
            unit: "server",
            ..load(
                "cpu",
                format!("processor time beside {SOME} subscribers"),
                Box::new(processor),
            )
        },
    ]
}

fn load(id: &str, title: String, measure: Measure) -> Load {
    Load::new(
        format!("idle/{id}"),
        "Start and idleness",
        title,
        "subscriber",
        measure,
    )
}

fn fresh(rival: &Rival, _: Options) -> Result<Vec<Figure>> {
    Ok(vec![Figure {
        metric: Metric::Bytes,
        value: Server::start(rival)?.rss()? as f64,
    }])
}

fn channel(own: bool, subscriber: usize) -> Vec<u8> {
    let number = if own { subscriber } else { 0 };
    format!("channel:{number}").into_bytes()
}

fn memory(own: bool, rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let subscribers = if options.quick { QUICK } else { MANY };
    let server = Server::start(rival)?;
    let before = server.rss()?;
    let mut streams = Vec::new();
    for number in 0..subscribers {
        streams.push(subscribe::connect(server.addr(), &[channel(own, number)])?);
    }
    let after = server.rss()?;

    // They are subscribers: each gets one message.
    let mut publisher = wire::connect(server.addr())?;
    let channels = if own { subscribers } else { 1 };
    let reply = format!(":{}\r\n", subscribers / channels);
    for number in 0..channels {
        let request = wire::request(&[b"PUBLISH", &channel(own, number), b"hello"]);
        wire::exchange(&mut publisher, &request, reply.as_bytes())?;
    }
    for (number, stream) in streams.iter_mut().enumerate() {
        wire::expect(stream, &wire::message(&channel(own, number), b"hello"))?;
    }
    Ok(vec![Figure {
        metric: Metric::Bytes,
        value: (after as f64 - before as f64) / subscribers as f64,
    }])
}

fn processor(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let subscribers = if options.quick { QUICK } else { SOME };
    let server = Server::start(rival)?;
    let mut streams = Vec::new();
    for number in 0..subscribers {
        streams.push(subscribe::connect(server.addr(), &[channel(true, number)])?);
    }
    let (start, before) = (Instant::now(), server.cpu()?);
    thread::sleep(options.time.max(Duration::from_millis(100)));
    let busy = server.cpu()? - before;
    Ok(vec![Figure {
        metric: Metric::CorePercent,
        value: 100.0 * busy.total.as_secs_f64() / start.elapsed().as_secs_f64(),
    }])
}
