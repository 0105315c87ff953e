//! What a PUBLISH costs beside many channels: one connection has subscribed to all of them, another
//! publishes to one after the other, in an order that is not that of the subscriptions.

use anyhow::Result;

use crate::load::{Load, Options, Size};
use crate::relay::{BATCH, Relay};
use crate::results::Figure;
use crate::rival::Rival;

/// Above this, subscribing takes longer than measuring.
const OFTEN: usize = 100_000;
/// From one channel to the next: a prime, so that it divides no number of channels.
const STRIDE: usize = 7_919;

/// Every number of channels.
pub fn loads() -> Vec<Load> {
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]
        .map(load)
        .into()
}

fn load(count: usize) -> Load {
    Load {
        once: count > OFTEN,
        sizes: vec![Size {
            curve: "channels".into(),
            axis: "channels",
            at: count as f64,
        }],
        ..Load::new(
            format!("channels/{count}"),
            "PUBLISH to one after the other of many channels",
            format!("channels of one subscriber: {count}, {BATCH} pipelined"),
            "publish",
            Box::new(move |rival, options| measure(count, rival, options)),
        )
    }
}

fn measure(count: usize, rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let count = if options.quick {
        count.min(1_000)
    } else {
        count
    };
    let name = |number: usize| format!("channel:{number}").into_bytes();
    let relay = Relay {
        subscriptions: (0..count).map(name).collect(),
        others: Vec::new(),
        patterns: false,
        route: &|message| {
            let channel = message * STRIDE % count;
            (channel, name(channel))
        },
    };
    relay.measure(rival, options.time)
}
