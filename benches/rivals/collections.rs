//! Hashes and sets: how many commands a second, what each costs, and what the memory holds.

use anyhow::Result;

use crate::load::{Bound, Load, Measure, Options, Target};
use crate::pipeline::{Batch, Pipeline};
use crate::queue::by_turns;
use crate::results::{Figure, Metric};
use crate::rival::{Rival, Server};
use crate::wire;

/// Connections that send batches.
const WORKERS: usize = 16;
/// Requests in a batch.
const BATCH: usize = 32;
/// Fields of a hash that is read and written field by field.
const FIELDS: usize = 1_024;
/// Members of the set in which members are looked up.
const MEMBERS: usize = 100_000;
/// Fields or members of one large value.
const LARGE: usize = 1_000_000;
/// Keys of small values, and what each has.
const SMALL: (usize, usize) = (100_000, 10);
/// So many times fewer if it is only to be seen whether it works.
const QUICK: usize = 100;

/// All loads of hashes and sets.
pub fn loads() -> Vec<Load> {
    let fast = || {
        vec![
            Target {
                metric: Metric::PerSecond,
                bound: Bound::AtLeastTimesRedis(1.3),
            },
            Target {
                metric: Metric::Cpu,
                bound: Bound::AtMostTimesRedis(0.8),
            },
        ]
    };
    let batches = format!("{WORKERS} connections, {BATCH} pipelined,");
    let mut loads = vec![
        Load {
            targets: fast(),
            ..load(
                "hset-hget",
                format!("{batches} HSET and HGET by turns, hashes of {FIELDS} fields"),
                Box::new(fields),
            )
        },
        Load {
            targets: fast(),
            ..load(
                "hgetall-20",
                format!("{batches} HGETALL of 20 fields"),
                Box::new(whole_hashes),
            )
        },
        Load {
            targets: fast(),
            ..load(
                "sismember",
                format!("{batches} SISMEMBER in a set of {MEMBERS}"),
                Box::new(members),
            )
        },
        Load {
            targets: fast(),
            ..load(
                "sadd-spop",
                format!("{batches} SADD and SPOP by turns, one set"),
                Box::new(|rival, options| by_turns([b"SADD", b"SPOP"], 1..=1, rival, options)),
            )
        },
    ];
    for (kind, is_hash) in [("hash", true), ("set", false)] {
        for (id, title, keys, each) in [
            ("large", format!("memory of a {kind} of {LARGE}"), 1, LARGE),
            (
                "small",
                format!("memory of {} of {} each, {kind}", SMALL.0, SMALL.1),
                SMALL.0,
                SMALL.1,
            ),
        ] {
            loads.push(Load {
                unit: "key",
                targets: vec![Target {
                    metric: Metric::Bytes,
                    bound: Bound::AtMostTimesRedis(1.0),
                }],
                ..load(
                    &format!("{kind}-{id}"),
                    title,
                    Box::new(move |rival, options| memory(is_hash, keys, each, rival, options)),
                )
            });
        }
    }
    loads
}

fn load(id: &str, title: String, measure: Measure) -> Load {
    Load {
        id: format!("collections/{id}"),
        group: "Hashes and sets",
        title,
        unit: "operation",
        sizes: Vec::new(),
        targets: Vec::new(),
        measure,
        idle: None,
        floor: None,
    }
}

fn field(number: usize) -> Vec<u8> {
    format!("field:{number:06}").into_bytes()
}

fn value(number: usize) -> Vec<u8> {
    format!("value:{number:026}").into_bytes()
}

/// Fields that are there are set and read.
fn fields(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let mut pipeline = Pipeline::new(BATCH as u64);
    for worker in 0..WORKERS {
        let key = format!("hash:{worker}").into_bytes();
        let mut stream = wire::connect(server.addr())?;
        let mut batches = Vec::new();
        for first in (0..FIELDS).step_by(BATCH) {
            let (mut set, mut get) = (Batch::default(), Batch::default());
            for number in first..first + BATCH {
                let (field, value) = (field(number), value(number));
                let request = wire::request(&[b"HSET", &key, &field, &value]);
                wire::exchange(&mut stream, &request, b":1\r\n")?;
                set.requests.extend(request);
                set.replies.extend(b":0\r\n");
                get.requests.extend(wire::request(&[b"HGET", &key, &field]));
                wire::bulk(&mut get.replies, &value);
            }
            batches.extend([set, get]);
        }
        pipeline.speaker(stream, batches);
    }
    pipeline.run(&server, options.time)
}

fn whole_hashes(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let mut pipeline = Pipeline::new(BATCH as u64);
    for worker in 0..WORKERS {
        let key = format!("hash:{worker}").into_bytes();
        let mut stream = wire::connect(server.addr())?;
        let words: Vec<_> = (0..20)
            .flat_map(|number| [field(number), value(number)])
            .collect();
        let mut set: Vec<&[u8]> = vec![b"HSET", &key];
        set.extend(words.iter().map(Vec::as_slice));
        wire::exchange(&mut stream, &wire::request(&set), b":20\r\n")?;
        let words: Vec<_> = words.iter().map(Vec::as_slice).collect();
        let batch = Batch {
            requests: wire::request(&[b"HGETALL", &key]).repeat(BATCH),
            replies: wire::request(&words).repeat(BATCH),
            ..Batch::default()
        };
        pipeline.speaker(stream, vec![batch]);
    }
    pipeline.run(&server, options.time)
}

/// Every other one of the members that are looked up is one.
fn members(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    fill(&server, false, 1, MEMBERS)?;
    let mut pipeline = Pipeline::new(BATCH as u64);
    for worker in 0..WORKERS {
        let mut batches = Vec::new();
        for batch in 0..64 {
            let mut asked = Batch::default();
            for number in 0..BATCH {
                // All over the set, and as far behind its end.
                let place = ((worker * 64 + batch) * BATCH + number) * 7_919 % (2 * MEMBERS);
                let request = wire::request(&[b"SISMEMBER", &key(0), &field(place)]);
                asked.requests.extend(request);
                let is_member = u8::from(place < MEMBERS);
                asked
                    .replies
                    .extend(format!(":{is_member}\r\n").into_bytes());
            }
            batches.push(asked);
        }
        pipeline.speaker(wire::connect(server.addr())?, batches);
    }
    pipeline.run(&server, options.time)
}

fn key(number: usize) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

/// Makes keys of `each` fields or members, a hundred with each request.
fn fill(server: &Server, is_hash: bool, keys: usize, each: usize) -> Result<()> {
    let mut stream = wire::connect(server.addr())?;
    for number in 0..keys {
        let key = key(number);
        for first in (0..each).step_by(100) {
            let some = first..each.min(first + 100);
            let count = some.len();
            let words: Vec<_> = some
                .flat_map(|number| match is_hash {
                    true => vec![field(number), value(number)],
                    false => vec![field(number)],
                })
                .collect();
            let verb: &[u8] = if is_hash { b"HSET" } else { b"SADD" };
            let mut request = vec![verb, &key];
            request.extend(words.iter().map(Vec::as_slice));
            let reply = format!(":{count}\r\n");
            wire::exchange(&mut stream, &wire::request(&request), reply.as_bytes())?;
        }
    }
    Ok(())
}

/// Resident memory for each key, over that of a fresh server.
fn memory(
    is_hash: bool,
    keys: usize,
    each: usize,
    rival: &Rival,
    options: Options,
) -> Result<Vec<Figure>> {
    let (keys, each) = match (options.quick, keys) {
        (true, 1) => (1, each / QUICK),
        (true, keys) => (keys / QUICK, each),
        (false, keys) => (keys, each),
    };
    let server = Server::start(rival)?;
    let before = server.rss()?;
    fill(&server, is_hash, keys, each)?;
    let taken = server.rss()?.saturating_sub(before);
    Ok(vec![Figure {
        metric: Metric::Bytes,
        value: taken as f64 / keys as f64,
    }])
}
