//! What a PUBLISH costs beside many channels: one connection has subscribed to all of them, another
//! publishes to one after the other.

use anyhow::Result;

use crate::load::{Load, Options, Size};
use crate::relay::{BATCH, Relay};
use crate::results::Figure;
use crate::rival::Rival;

/// Every number of channels.
pub fn loads() -> Vec<Load> {
    [1, 10, 100, 1_000, 10_000, 100_000].map(load).into()
}

fn load(count: usize) -> Load {
    Load {
        id: format!("channels/{count}"),
        group: "PUBLISH to one after the other of many channels",
        title: format!("channels of one subscriber: {count}, {BATCH} pipelined"),
        unit: "publish",
        sizes: vec![Size {
            curve: "channels".into(),
            axis: "channels",
            at: count as f64,
        }],
        targets: Vec::new(),
        measure: Box::new(move |rival, options| measure(count, rival, options)),
        idle: None,
        floor: None,
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
        route: &|message| (message % count, name(message % count)),
    };
    relay.measure(rival, options.time)
}
