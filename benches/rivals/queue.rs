//! Lists as work queues: pushes and pops in long batches, hand-over to clients that block, and how
//! soon one of those has a value.

use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::expected::Integers;
use crate::load::{Load, Measure, Options, Target};
use crate::meter::Meter;
use crate::net::{Net, Peer};
use crate::open_loop::{CYCLE, OpenLoop};
use crate::pipeline::{Batch, Pipeline};
use crate::results::Figure;
use crate::rival::{Rival, Server};
use crate::stream;
use crate::values::Values;
use crate::wire;

/// Bytes of a value.
const VALUE: usize = 64;
/// The list, where there is only one.
const LIST: &[u8] = b"queue";
/// Connections that push and pop by turns.
const WORKERS: usize = 16;
/// Requests in a batch of theirs.
const BATCH: usize = 32;
/// Batches of pushes that differ from each other. All workers have at most one in the list, so
/// that, with as many as this for each, what goes in with a batch is out before it comes around.
const BATCHES: usize = 2 * WORKERS;
/// Connections that push to those that block.
const PRODUCERS: usize = 4;
/// Values that may be on their way to those that block.
const MOST_UNDER_WAY: u64 = 256;
/// Values a second, where it is about latency.
const RATE: u32 = 1_000;
/// Latencies take so many times the usual time.
const LONGER: u32 = 3;

/// All loads of lists.
pub fn loads() -> Vec<Load> {
    let batches = format!("{WORKERS} connections, {BATCH} LPUSH and {BATCH} RPOP by turns");
    let mut loads = vec![
        Load {
            targets: twice(),
            ..load(
                "one-list",
                format!("{batches}, one list"),
                Box::new(|rival, options| {
                    let lengths = 1..=(WORKERS * BATCH) as u64;
                    by_turns([b"LPUSH", b"RPOP"], lengths, rival, options)
                }),
            )
        },
        Load {
            targets: twice(),
            ..load(
                "own-lists",
                format!("{batches}, a list for each"),
                Box::new(own_lists),
            )
        },
    ];
    for consumers in [1, 4, 16, 64] {
        let has_target = consumers == PRODUCERS;
        loads.push(Load {
            unit: "value",
            targets: if has_target {
                vec![Target::rate(1.4), Target::rate(1.0).of_kevy()]
            } else {
                vec![]
            },
            ..load(
                &format!("blpop-{consumers}"),
                format!("RPUSH by {PRODUCERS} to BLPOP by {consumers}"),
                Box::new(move |rival, options| blocking(consumers, rival, options.time)),
            )
        });
    }
    loads.push(Load {
        unit: "value",
        ..load(
            "hand-over",
            format!("RPUSH by 1 to BLPOP by 1, {RATE} values/s"),
            Box::new(|rival, options| hand_over(rival, options.time * LONGER)),
        )
    });
    loads
}

/// What pushes and pops in batches are to reach.
fn twice() -> Vec<Target> {
    vec![Target::rate(2.0), Target::rate(1.3).of_kevy()]
}

fn load(id: &str, title: String, measure: Measure) -> Load {
    Load::new(
        format!("queue/{id}"),
        "Lists as work queues",
        title,
        "operation",
        measure,
    )
}

fn own_lists(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let mut pipeline = Pipeline::new(BATCH as u64);
    for worker in 0..WORKERS {
        let list = format!("queue:{worker}");
        let mut batches = Vec::new();
        for first in (0..BATCHES * BATCH).step_by(BATCH) {
            let (mut push, mut pop) = (Batch::default(), Batch::default());
            for number in 0..BATCH {
                let value = stream::payload(0, first + number, VALUE);
                let request = wire::request(&[b"LPUSH", list.as_bytes(), &value]);
                push.requests.extend(request);
                push.replies
                    .extend(format!(":{}\r\n", number + 1).into_bytes());
                pop.requests
                    .extend(wire::request(&[b"RPOP", list.as_bytes()]));
                wire::bulk(&mut pop.replies, &value);
            }
            batches.extend([push, pop]);
        }
        pipeline.speaker(wire::connect(server.addr())?, batches);
    }
    pipeline.run(&server, options.time)
}

/// A connection that pushes a batch when it has popped one, and the other way around.
struct Worker {
    /// Of pushes; each with the numbers of its values, which follow one another.
    batches: Vec<(usize, Vec<u8>)>,
    /// Batches begun, of pushes and of pops.
    begun: usize,
    lengths: Integers,
    unfinished: Vec<u8>,
    /// Replies that are still to come to the batch.
    missing: u64,
}

impl Worker {
    fn is_popping(&self) -> bool {
        self.begun.is_multiple_of(2)
    }

    fn begin(&mut self, peer: &mut Peer, values: &mut Values, pops: &[u8]) -> Result<()> {
        let turn = self.begun;
        self.begun += 1;
        self.missing = BATCH as u64;
        if self.is_popping() {
            return peer.send(pops);
        }
        let (first, pushes) = &self.batches[turn / 2 % BATCHES];
        for number in *first..first + BATCH {
            values.put(number)?;
        }
        peer.send(pushes)
    }

    /// Takes replies, and says whether the batch has all of its.
    fn take(&mut self, values: &mut Values, bytes: &[u8]) -> Result<bool> {
        let count = if self.is_popping() {
            values.take(&mut self.unfinished, bytes)?
        } else {
            self.lengths.take(bytes)?
        };
        self.missing = self
            .missing
            .checked_sub(count)
            .context("more replies than requests")?;
        Ok(self.missing == 0)
    }
}

/// All put values into one key and take them out, by these two commands; `replies` are those to the
/// first. Every worker has put in as many values as it takes, so there always is one for it, though
/// not one of its own.
pub fn by_turns(
    [put, take]: [&[u8]; 2],
    replies: RangeInclusive<u64>,
    rival: &Rival,
    options: Options,
) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let mut values = Values::new(WORKERS * BATCHES * BATCH, VALUE, Vec::new());
    let pops = wire::request(&[take, LIST]).repeat(BATCH);
    let mut streams = Vec::new();
    let mut workers = Vec::new();
    for worker in 0..WORKERS {
        let batch = |batch| {
            let first = (worker * BATCHES + batch) * BATCH;
            let push = |number| wire::request(&[put, LIST, values.payload(number)]);
            (first, (first..first + BATCH).flat_map(push).collect())
        };
        workers.push(Worker {
            batches: (0..BATCHES).map(batch).collect(),
            begun: 0,
            lengths: Integers::new(replies.clone()),
            unfinished: Vec::new(),
            missing: 0,
        });
        streams.push(wire::connect(server.addr())?);
    }
    let mut net = Net::new(streams)?;
    for (number, worker) in workers.iter_mut().enumerate() {
        worker.begin(net.peer(number), &mut values, &pops)?;
    }
    let mut meter = Meter::new(&server, options.time);
    let mut working = WORKERS;
    while working > 0 {
        net.turn(|peer, number, bytes| {
            let worker = &mut workers[number];
            if !worker.take(&mut values, bytes)? {
                return Ok(());
            }
            meter.add(BATCH as u64)?;
            if meter.is_over() && worker.is_popping() {
                working -= 1;
                return Ok(());
            }
            worker.begin(peer, &mut values, &pops)
        })?;
    }
    meter.figures()
}

fn blpop() -> Vec<u8> {
    wire::request(&[b"BLPOP", LIST, b"0"])
}

/// What a reply to BLPOP is before the value.
fn popped_from() -> Vec<u8> {
    let mut reply = b"*2\r\n".to_vec();
    wire::bulk(&mut reply, LIST);
    reply
}

/// Producers push one value at a time, consumers wait for one at a time.
fn blocking(consumers: usize, rival: &Rival, time: Duration) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let streams = (0..PRODUCERS + consumers).map(|_| wire::connect(server.addr()));
    let mut net = Net::new(streams.collect::<Result<Vec<_>>>()?)?;
    // More than can be on their way, by so much that the eldest has long come out.
    let count = 4 * MOST_UNDER_WAY as usize;
    let mut values = Values::new(count, VALUE, popped_from());
    let pushes: Vec<_> = (0..count)
        .map(|number| wire::request(&[b"RPUSH", LIST, values.payload(number)]))
        .collect();
    let mut lengths = vec![Integers::new(1..=MOST_UNDER_WAY); PRODUCERS];
    let mut unfinished = vec![Vec::new(); consumers];
    let again = blpop();
    for consumer in 0..consumers {
        net.peer(PRODUCERS + consumer).send(&again)?;
    }
    let mut meter = Meter::new(&server, time);
    let (mut pushed, mut popped) = (0, 0);
    // Those that have the reply to their last push.
    let mut idle: Vec<usize> = (0..PRODUCERS).collect();
    while !meter.is_over() || popped < pushed || idle.len() < PRODUCERS {
        while !meter.is_over()
            && pushed - popped < MOST_UNDER_WAY
            && let Some(producer) = idle.pop()
        {
            let number = pushed as usize % count;
            values.put(number)?;
            net.peer(producer).send(&pushes[number])?;
            pushed += 1;
        }
        net.turn(|peer, number, bytes| {
            let Some(consumer) = number.checked_sub(PRODUCERS) else {
                ensure!(
                    lengths[number].take(bytes)? <= 1,
                    "more replies than pushes"
                );
                idle.push(number);
                return Ok(());
            };
            for _ in 0..values.take(&mut unfinished[consumer], bytes)? {
                popped += 1;
                meter.add(1)?;
                peer.send(&again)?;
            }
            Ok(())
        })?;
    }
    meter.figures()
}

fn hand_over(rival: &Rival, time: Duration) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let streams = vec![wire::connect(server.addr())?, wire::connect(server.addr())?];
    let values = (0..CYCLE).map(|number| stream::payload(0, number, VALUE));
    let (requests, messages) = values
        .map(|value| {
            let request = wire::request(&[b"RPUSH", LIST, &value]);
            (request, wire::request(&[LIST, &value]))
        })
        .unzip();
    let open_loop = OpenLoop {
        streams,
        requests,
        replies: 1..=CYCLE as u64,
        messages,
        again: Some(blpop()),
        rate: RATE,
        time,
    };
    let outcome = open_loop.run(&server)?;
    let mut figures = outcome.latencies().to_vec();
    figures.extend(outcome.cpu.per(outcome.messages));
    Ok(figures)
}
