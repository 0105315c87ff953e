//! How soon the last of many subscribers has a message, at a fixed rate of single messages.

use anyhow::Result;

use crate::load::{Load, Options, Target};
use crate::open_loop::OpenLoop;
use crate::results::{Figure, Metric};
use crate::rival::{Rival, Server};
use crate::subscribe;
use crate::wire;

/// What all subscribe to.
const CHANNEL: &[u8] = b"channel";
/// Bytes of a payload.
const PAYLOAD: usize = 64;
/// Percentiles take messages, and slow rates take time to make them: so many times the usual time.
const LONGER: u32 = 3;

/// The rates and sizes.
pub fn loads() -> Vec<Load> {
    vec![
        Load {
            targets: [Metric::P50, Metric::P99]
                .into_iter()
                .flat_map(|metric| {
                    let as_kevy = Target::times(metric, 1.0).of_kevy();
                    [Target::times(metric, 0.6), as_kevy]
                })
                .collect(),
            ..load(100, 200)
        },
        load(1_000, 200),
        load(100, 2_000),
        load(1_000, 2_000),
    ]
}

fn load(subscribers: usize, rate: u32) -> Load {
    Load::new(
        format!("latency/{subscribers}x{rate}"),
        "Latency until the last subscriber has a message",
        format!("{subscribers} subscribers, {rate} messages/s of {PAYLOAD} B"),
        "delivery",
        Box::new(move |rival, options| measure(subscribers, rate, rival, options)),
    )
}

fn measure(subscribers: usize, rate: u32, rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let mut streams = vec![wire::connect(server.addr())?];
    for _ in 0..subscribers {
        streams.push(subscribe::connect(server.addr(), &[CHANNEL])?);
    }
    let time = options.time * LONGER;
    let audience = subscribers as u64;
    let outcome =
        OpenLoop::publish(streams, CHANNEL, PAYLOAD, audience, rate, time).run(&server)?;
    let mut figures = outcome.latencies().to_vec();
    figures.extend(outcome.cpu.per(outcome.messages * audience));
    Ok(figures)
}
