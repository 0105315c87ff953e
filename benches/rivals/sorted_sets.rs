//! Sorted sets: adding and popping by turns, ranges by score, and ranks.

use anyhow::Result;

use crate::collections::{BATCH, LARGE, WORKERS, fast, load};
use crate::contents::{self, Kind, fill, key, sized};
use crate::load::{Load, Options};
use crate::pipeline::{Batch, Pipeline};
use crate::results::Figure;
use crate::rival::{Rival, Server};
use crate::wire;

/// Members that stay in a set while others are added and popped.
const STAY: usize = 10_000;
/// Batches of a connection that differ from each other.
const BATCHES: usize = 64;
/// Members in a range.
const RANGE: usize = 10;
/// Batches ask for members and scores so far apart, so that the next is always far from the last.
const STEP: usize = 104_729;

/// All loads of sorted sets, without those of their memory.
pub fn loads() -> Vec<Load> {
    let batches = format!("{WORKERS} connections, {BATCH} pipelined,");
    vec![
        Load {
            targets: fast(),
            ..load(
                "zadd-zpopmin",
                format!("{batches} ZADD and ZPOPMIN by turns, sets of {STAY}"),
                Box::new(queues),
            )
        },
        Load {
            once: true,
            targets: fast(),
            ..load(
                "zrangebyscore",
                format!("{batches} ZRANGEBYSCORE LIMIT 0 {RANGE} in a set of {LARGE}"),
                Box::new(ranges),
            )
        },
        Load {
            once: true,
            targets: fast(),
            ..load(
                "zrank",
                format!("{batches} ZRANK in a set of {LARGE}"),
                Box::new(ranks),
            )
        },
    ]
}

/// A set for each connection. A batch adds members in no order, all with lower scores than those that
/// stay, and the next pops them in the order of their scores.
fn queues(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    fill(&server, Kind::SortedSet, WORKERS, sized(STAY, options))?;
    let mut pipeline = Pipeline::new(BATCH as u64);
    for worker in 0..WORKERS {
        let key = key(worker);
        let pop = wire::request(&[b"ZPOPMIN", &key]);
        let mut batches = Vec::new();
        for batch in 0..BATCHES {
            let mut members: Vec<_> = (0..BATCH)
                .map(|number| {
                    let place = batch * BATCH + number;
                    // Numbers of one length come in the order of their digits too.
                    let score = format!("-{}", 1_000_000 + contents::score(place));
                    (score, format!("queued:{place:06}"))
                })
                .collect();
            let mut add = Batch::default();
            for (score, member) in &members {
                let words = [b"ZADD", &*key, score.as_bytes(), member.as_bytes()];
                add.requests.extend(wire::request(&words));
                add.replies.extend(b":1\r\n");
            }
            // Below zero, the longest way from it comes first.
            members.sort_by(|one, other| other.cmp(one));
            let replies = members
                .iter()
                .flat_map(|(score, member)| wire::request(&[member.as_bytes(), score.as_bytes()]));
            let take = Batch {
                requests: pop.repeat(BATCH),
                replies: replies.collect(),
                ..Batch::default()
            };
            batches.extend([add, take]);
        }
        pipeline.speaker(wire::connect(server.addr())?, batches);
    }
    pipeline.run(&server, options.time)
}

/// A range begins at any score, and has the next members whatever their scores are.
fn ranges(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let len = sized(LARGE, options);
    let order = order(len);
    asked(rival, options, |place| {
        let first = place % (len - RANGE);
        let min = contents::score(order[first]).to_string();
        let limit = RANGE.to_string();
        let words: [&[u8]; 7] = [
            b"ZRANGEBYSCORE",
            &key(0),
            min.as_bytes(),
            b"+inf",
            b"LIMIT",
            b"0",
            limit.as_bytes(),
        ];
        let members: Vec<_> = order[first..first + RANGE]
            .iter()
            .map(|&number| contents::field(number))
            .collect();
        let members: Vec<_> = members.iter().map(Vec::as_slice).collect();
        (wire::request(&words), wire::request(&members))
    })
}

fn ranks(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let len = sized(LARGE, options);
    let order = order(len);
    asked(rival, options, |place| {
        let rank = place % len;
        let words: [&[u8]; 3] = [b"ZRANK", &key(0), &contents::field(order[rank])];
        let reply = format!(":{rank}\r\n").into_bytes();
        (wire::request(&words), reply)
    })
}

/// The numbers of so many members, in the order of their scores.
fn order(len: usize) -> Vec<usize> {
    let mut order: Vec<_> = (0..len).collect();
    order.sort_by_key(|&number| contents::score(number));
    order
}

/// Asks one large set. `ask` makes the request and its reply for a place in the set.
fn asked(
    rival: &Rival,
    options: Options,
    ask: impl Fn(usize) -> (Vec<u8>, Vec<u8>),
) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    fill(&server, Kind::SortedSet, 1, sized(LARGE, options))?;
    let mut pipeline = Pipeline::new(BATCH as u64);
    for worker in 0..WORKERS {
        let mut batches = Vec::new();
        for batch in 0..BATCHES {
            let mut asked = Batch::default();
            for number in 0..BATCH {
                let (request, reply) = ask(((worker * BATCHES + batch) * BATCH + number) * STEP);
                asked.requests.extend(request);
                asked.replies.extend(reply);
            }
            batches.push(asked);
        }
        pipeline.speaker(wire::connect(server.addr())?, batches);
    }
    pipeline.run(&server, options.time)
}
