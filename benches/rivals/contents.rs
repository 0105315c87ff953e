//! What hashes, sets and sorted sets are filled with, so that each load knows the replies in advance.

use anyhow::Result;

use crate::load::Options;
use crate::results::{Figure, Metric};
use crate::rival::Server;
use crate::wire;

/// So many times fewer if it is only to be seen whether it works.
const QUICK: usize = 100;
/// Scores of a sorted set are below this, and no two members of one have the same. It is a million,
/// as many as the largest set has members.
const SCORES: usize = 1_000_000;
/// Has no divisor in common with [`SCORES`]: its multiples are all scores, in a scattered order.
const STRIDE: usize = 7_919;

/// A type of value.
#[derive(Clone, Copy)]
pub enum Kind {
    Hash,
    Set,
    SortedSet,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Hash, Kind::Set, Kind::SortedSet];

    /// The name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Hash => "hash",
            Kind::Set => "set",
            Kind::SortedSet => "sorted set",
        }
    }

    /// The name in the loads' identifiers.
    pub fn id(self) -> &'static str {
        match self {
            Kind::Hash => "hash",
            Kind::Set => "set",
            Kind::SortedSet => "zset",
        }
    }

    fn verb(self) -> &'static [u8] {
        match self {
            Kind::Hash => b"HSET",
            Kind::Set => b"SADD",
            Kind::SortedSet => b"ZADD",
        }
    }

    /// The arguments that add one element.
    fn element(self, number: usize) -> Vec<Vec<u8>> {
        match self {
            Kind::Hash => vec![field(number), value(number)],
            Kind::Set => vec![field(number)],
            Kind::SortedSet => vec![score(number).to_string().into_bytes(), field(number)],
        }
    }
}

/// A key that [`fill`] makes.
pub fn key(number: usize) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

/// A hash's field, or a member of a set or sorted set.
pub fn field(number: usize) -> Vec<u8> {
    format!("field:{number:06}").into_bytes()
}

/// A field's value.
pub fn value(number: usize) -> Vec<u8> {
    format!("value:{number:026}").into_bytes()
}

/// A member's score: members that are added one after the other go to places all over the set.
pub fn score(number: usize) -> usize {
    number * STRIDE % SCORES
}

/// How many of something a load has, which is fewer in a quick run.
pub fn sized(count: usize, options: Options) -> usize {
    if options.quick { count / QUICK } else { count }
}

/// Makes keys of `each` elements, a hundred with each request.
pub fn fill(server: &Server, kind: Kind, keys: usize, each: usize) -> Result<()> {
    let mut stream = wire::connect(server.addr())?;
    for number in 0..keys {
        let key = key(number);
        for first in (0..each).step_by(100) {
            let some = first..each.min(first + 100);
            let reply = format!(":{}\r\n", some.len());
            let words: Vec<_> = some.flat_map(|number| kind.element(number)).collect();
            let mut request = vec![kind.verb(), &key];
            request.extend(words.iter().map(Vec::as_slice));
            wire::exchange(&mut stream, &wire::request(&request), reply.as_bytes())?;
        }
    }
    Ok(())
}

/// What `fill` makes takes of resident memory, for each of `count`.
pub fn grown_by(
    server: &Server,
    count: usize,
    fill: impl FnOnce() -> Result<()>,
) -> Result<Vec<Figure>> {
    let before = server.rss()?;
    fill()?;
    let taken = server.rss()?.saturating_sub(before);
    Ok(vec![Figure {
        metric: Metric::Bytes,
        value: taken as f64 / count as f64,
    }])
}
