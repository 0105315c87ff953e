//! What a PUBLISH costs beside many patterns, of which one matches: by shape and by number.
//!
//! The channels that are published to lie far apart in the order of subscription, so that no
//! pattern is found by luck.

use anyhow::Result;

use crate::load::{Load, Options, Size, Target};
use crate::relay::{BATCH, Relay};
use crate::report::{FANFARE, REDIS};
use crate::results::{Figure, Metric};
use crate::rival::Rival;

/// The distance between two channels: a prime, so that it divides no number of patterns.
const STRIDE: usize = 7919;
/// The most patterns of the one subscriber that is published to, so that it has all of them where
/// there are no more. They are spread over all that there are.
const MOST: usize = 10_000;
/// A server's processor time for one PUBLISH is steady: a part of the time is enough for it.
const SHARE: f64 = 0.5;
/// What a PUBLISH may cost fanfare, in microseconds, however many patterns there are.
const MOST_CPU: f64 = 5.0;

/// How many patterns there are.
const COUNTS: [usize; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
/// Above this, subscribing takes longer than measuring.
const OFTEN: usize = 10_000;
/// The most that a server is measured with, if it compares a channel with every pattern: redis-server
/// takes 20 ms for a hundred thousand. kevy takes a minute until it has so many.
const MOST_OF_REDIS: usize = 100_000;
const MOST_OF_OTHERS: usize = 10_000;

/// A family of patterns, each with a channel that it alone matches.
#[derive(Clone, Copy)]
struct Shape {
    id: &'static str,
    /// `N` stands for the number.
    pattern: &'static str,
    channel: &'static str,
}

const SHAPES: [Shape; 6] = [
    Shape {
        id: "prefix",
        pattern: "user:N:*",
        channel: "user:N:event",
    },
    Shape {
        id: "suffix",
        pattern: "*:N:user",
        channel: "event:N:user",
    },
    Shape {
        id: "infix",
        pattern: "*:N:*",
        channel: "user:N:event",
    },
    Shape {
        id: "exact",
        pattern: "user:N",
        channel: "user:N",
    },
    Shape {
        id: "any-byte",
        pattern: "user:?:N",
        channel: "user:a:N",
    },
    Shape {
        id: "class",
        pattern: "user:[0-9]:N",
        channel: "user:7:N",
    },
];

/// Every shape with every number of patterns.
pub fn loads() -> Vec<Load> {
    SHAPES
        .iter()
        .flat_map(|&shape| COUNTS.map(|count| load(shape, count)))
        .collect()
}

fn load(shape: Shape, count: usize) -> Load {
    let has_target = shape.id == "prefix" && count >= 10_000;
    let target = Target::at_most(Metric::Cpu, MOST_CPU);
    Load {
        sizes: vec![Size {
            curve: format!("patterns `{}`", shape.pattern),
            axis: "patterns",
            at: count as f64,
        }],
        once: count > OFTEN,
        targets: has_target.then_some(target).into_iter().collect(),
        ..Load::new(
            format!("patterns/{}/{count}", shape.id),
            "PUBLISH beside patterns",
            format!("{count} patterns `{}`, {BATCH} pipelined", shape.pattern),
            "publish",
            Box::new(move |rival, options| measure(shape, count, rival, options)),
        )
    }
}

fn measure(shape: Shape, count: usize, rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let count = if options.quick {
        count.min(1_000)
    } else {
        count
    };
    let most = match &*rival.name {
        FANFARE => usize::MAX,
        REDIS => MOST_OF_REDIS,
        _ => MOST_OF_OTHERS,
    };
    if count > most {
        return Ok(Vec::new());
    }
    let name = |name: &str, number: usize| name.replace('N', &number.to_string()).into_bytes();
    let (mut subscriptions, mut others) = (Vec::new(), Vec::new());
    let every = count.div_ceil(MOST);
    for number in 0..count {
        let pattern = name(shape.pattern, number);
        if number.is_multiple_of(every) {
            subscriptions.push(pattern);
        } else {
            others.push(pattern);
        }
    }
    let own = subscriptions.len();
    let relay = Relay {
        subscriptions,
        others,
        patterns: true,
        route: &|message| {
            let subscription = message * STRIDE % own;
            (subscription, name(shape.channel, subscription * every))
        },
    };
    relay.measure(rival, options.time.mul_f64(SHARE))
}
