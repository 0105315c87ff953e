//! How the cost of a command grows with the keyspace and with the length of a list.
//!
//! Invariants: what is asked for lies all over what is there, and comes again only after more of it
//! than fits into a core's own caches, so that a large keyspace is met as clients meet it.

use std::io::Write;

use anyhow::Result;

use crate::collections::{BATCH, WORKERS};
use crate::contents::grown_by;
use crate::load::{Load, Options, Size};
use crate::pipeline::{Batch, Pipeline};
use crate::results::Figure;
use crate::rival::{Rival, Server};
use crate::wire;

/// Keys that one MSET, or elements that one RPUSH, brings in.
const AT_ONCE: usize = 1_000;
/// Numbers have so many digits: ten million have as many as ten.
const DIGITS: usize = 8;
/// Batches of a connection that differ from each other, at most.
const BATCHES: usize = 512;
/// From one key or element to the next that is asked for: a prime, so that it divides no size.
const STRIDE: usize = 7_654_321;
/// Above this, filling the server takes longer than measuring it.
const OFTEN: usize = 100_000;
/// The list.
const LIST: &[u8] = b"list";

/// Every number of keys, and every length of a list.
pub fn loads() -> Vec<Load> {
    let keys = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    let lengths = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    let keys = keys.map(|count| {
        let title = format!("{WORKERS} connections, {BATCH} pipelined, GET beside {count} keys");
        Load {
            unit: "key",
            ..load("keys", "GET", "keys", count, title, get)
        }
    });
    let ends = lengths.map(|length| {
        let title = format!("1 connection, {BATCH} pipelined, pushes and pops, list of {length}");
        load(
            "ends",
            "list: pushes and pops",
            "elements",
            length,
            title,
            ends,
        )
    });
    let index = lengths.map(|length| {
        let title = format!("{WORKERS} connections, {BATCH} pipelined, LINDEX, list of {length}");
        load("index", "list: LINDEX", "elements", length, title, index)
    });
    keys.into_iter().chain(ends).chain(index).collect()
}

fn load(
    id: &str,
    curve: &str,
    axis: &'static str,
    size: usize,
    title: String,
    measure: fn(usize, &Rival, Options) -> Result<Vec<Figure>>,
) -> Load {
    Load {
        sizes: vec![Size {
            curve: curve.into(),
            axis,
            at: size as f64,
        }],
        once: size > OFTEN,
        ..Load::new(
            format!("sizes/{id}/{size}"),
            "Large keyspaces and long lists",
            title,
            "operation",
            Box::new(move |rival, options| {
                let most = if options.quick { AT_ONCE } else { usize::MAX };
                measure(size.min(most), rival, options)
            }),
        )
    }
}

fn numbered(name: &str, number: usize) -> Vec<u8> {
    format!("{name}:{number:0DIGITS$}").into_bytes()
}

/// Sends requests that begin with `words` and go on with what `each` says of every number. The next
/// one is made and sent while the server has the last one.
fn fill(
    server: &Server,
    words: &[&[u8]],
    count: usize,
    each: fn(usize) -> Vec<Vec<u8>>,
    reply: impl Fn(usize) -> String,
) -> Result<()> {
    let mut stream = wire::connect(server.addr())?;
    let mut owed = String::new();
    for first in (0..count).step_by(AT_ONCE) {
        let end = count.min(first + AT_ONCE);
        let more: Vec<_> = (first..end).flat_map(each).collect();
        let mut request = words.to_vec();
        request.extend(more.iter().map(Vec::as_slice));
        stream.write_all(&wire::request(&request))?;
        wire::expect(&mut stream, owed.as_bytes())?;
        owed = reply(end);
    }
    wire::expect(&mut stream, owed.as_bytes())
}

/// Many connections ask for numbers below `count`, all over them.
fn asked(
    server: &Server,
    count: usize,
    options: Options,
    ask: impl Fn(usize) -> (Vec<u8>, Vec<u8>),
) -> Result<Vec<Figure>> {
    let batches_each = BATCHES.min(count.div_ceil(WORKERS * BATCH)).max(8);
    let mut pipeline = Pipeline::new(BATCH as u64);
    let mut place = 0;
    for _ in 0..WORKERS {
        let batches = (0..batches_each).map(|_| {
            let mut batch = Batch::default();
            for _ in 0..BATCH {
                place = (place + STRIDE) % count;
                let (request, reply) = ask(place);
                batch.requests.extend(request);
                batch.replies.extend(reply);
            }
            batch
        });
        pipeline.speaker(server.connect()?, batches.collect());
    }
    pipeline.run(server, options.time)
}

/// Also what a key takes of the memory.
fn get(keys: usize, rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let pair = |number| vec![numbered("key", number), numbered("value", number)];
    let memory = grown_by(&server, keys, || {
        fill(&server, &[b"MSET"], keys, pair, |_| "+OK\r\n".to_owned())
    })?;
    let mut figures = asked(&server, keys, options, |number| {
        let mut reply = Vec::new();
        wire::bulk(&mut reply, &numbered("value", number));
        (wire::request(&[b"GET", &numbered("key", number)]), reply)
    })?;
    figures.extend(memory);
    Ok(figures)
}

fn element(number: usize) -> Vec<u8> {
    numbered("element", number)
}

fn fill_list(server: &Server, length: usize) -> Result<()> {
    let one = |number| vec![element(number)];
    fill(server, &[b"RPUSH", LIST], length, one, |end| {
        format!(":{end}\r\n")
    })
}

fn index(length: usize, rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    fill_list(&server, length)?;
    asked(&server, length, options, |number| {
        let mut reply = Vec::new();
        wire::bulk(&mut reply, &element(number));
        let request = wire::request(&[b"LINDEX", LIST, number.to_string().as_bytes()]);
        (request, reply)
    })
}

/// A batch pushes at both ends, and pops there what it has pushed.
fn ends(length: usize, rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    fill_list(&server, length)?;
    let mut batch = Batch::default();
    let each = BATCH / 4;
    for (push, pop) in [(b"LPUSH", b"LPOP"), (b"RPUSH", b"RPOP")] {
        for number in 0..each {
            let request = wire::request(&[push, LIST, &element(number)]);
            batch.requests.extend(request);
            let reply = format!(":{}\r\n", length + number + 1);
            batch.replies.extend(reply.into_bytes());
        }
        for number in (0..each).rev() {
            batch.requests.extend(wire::request(&[pop, LIST]));
            wire::bulk(&mut batch.replies, &element(number));
        }
    }
    let mut pipeline = Pipeline::new(BATCH as u64);
    pipeline.speaker(server.connect()?, vec![batch]);
    pipeline.run(&server, options.time)
}
