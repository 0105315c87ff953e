//! Hashes and sets: how many commands a second, and what each costs. Hashes, sets and sorted sets: what
//! the memory holds.

use std::io::{Read, Write};

use anyhow::{Context, Result, ensure};

use crate::contents::{Kind, field, fill, grown_by, key, sized, value};
use crate::load::{Load, Measure, Options, Target};
use crate::pipeline::{Batch, Pipeline};
use crate::queue::by_turns;
use crate::results::Figure;
use crate::rival::{Rival, Server};
use crate::wire;

/// Connections that send batches.
pub const WORKERS: usize = 16;
/// Requests in a batch.
pub const BATCH: usize = 32;
/// Fields of a hash that is read and written field by field.
const FIELDS: usize = 1_024;
/// Members of the set in which members are looked up.
const MEMBERS: usize = 100_000;
/// Elements of one large value.
pub const LARGE: usize = 1_000_000;
/// Keys of small values, and what each has.
const SMALL: (usize, usize) = (100_000, 10);

/// All loads of hashes and sets, and those of memory.
pub fn loads() -> Vec<Load> {
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
    for kind in Kind::ALL {
        let name = kind.name();
        for (id, title, keys, each) in [
            ("large", format!("memory of a {name} of {LARGE}"), 1, LARGE),
            (
                "small",
                format!("memory of {} of {} each, {name}", SMALL.0, SMALL.1),
                SMALL.0,
                SMALL.1,
            ),
        ] {
            loads.push(Load {
                unit: "key",
                once: true,
                targets: vec![Target::bytes(1.0)],
                ..load(
                    &format!("{}-{id}", kind.id()),
                    title,
                    Box::new(move |rival, options| memory(kind, keys, each, rival, options)),
                )
            });
        }
    }
    loads
}

/// What all loads of commands are to reach.
pub fn fast() -> Vec<Target> {
    vec![Target::rate(1.3), Target::cpu(0.8)]
}

/// A load without targets.
pub fn load(id: &str, title: String, measure: Measure) -> Load {
    Load::new(
        format!("collections/{id}"),
        "Hashes, sets and sorted sets",
        title,
        "operation",
        measure,
    )
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
        let request = wire::request(&[b"HGETALL", &key]);
        stream.write_all(&request)?;
        let reply = in_any_order(&mut stream, &words)?;
        let batch = Batch {
            requests: request.repeat(BATCH),
            replies: reply.repeat(BATCH),
            ..Batch::default()
        };
        pipeline.speaker(stream, vec![batch]);
    }
    pipeline.run(&server, options.time)
}

/// Takes an array of these fields and values, which are of one length each. A server may have the
/// fields in any order, but always in the same one.
fn in_any_order(stream: &mut impl Read, words: &[&[u8]]) -> Result<Vec<u8>> {
    let expected = wire::request(words);
    let mut reply = vec![0; expected.len()];
    stream.read_exact(&mut reply).context("HGETALL")?;
    let head = format!("*{}\r\n", words.len()).len();
    let each = (expected.len() - head) / (words.len() / 2);
    let sorted = |reply: &[u8]| {
        let (head, pairs) = reply.split_at(head);
        let mut pairs: Vec<_> = pairs.chunks(each).map(<[u8]>::to_vec).collect();
        pairs.sort();
        (head.to_vec(), pairs)
    };
    ensure!(
        sorted(&reply) == sorted(&expected),
        "HGETALL: expected '{}' in any order, got '{}'",
        wire::shown(&expected),
        wire::shown(&reply)
    );
    Ok(reply)
}

/// Every other one of the members that are looked up is one.
fn members(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    fill(&server, Kind::Set, 1, MEMBERS)?;
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

/// Resident memory for each key, over that of a fresh server.
fn memory(
    kind: Kind,
    keys: usize,
    each: usize,
    rival: &Rival,
    options: Options,
) -> Result<Vec<Figure>> {
    let (keys, each) = match keys {
        1 => (1, sized(each, options)),
        keys => (sized(keys, options), each),
    };
    let server = Server::start(rival)?;
    grown_by(&server, keys, || fill(&server, kind, keys, each))
}
