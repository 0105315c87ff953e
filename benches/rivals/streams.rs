//! Streams: appending, a group that takes and acknowledges, a range from the middle of a long log,
//! and entries for many readers that block.

use anyhow::{Result, ensure};

use crate::collections::{BATCH, WORKERS};
use crate::contents::{grown_by, key, sized};
use crate::load::{Load, Measure, Options, Target};
use crate::meter::Meter;
use crate::net::Net;
use crate::pipeline::{Batch, Pipeline};
use crate::results::Figure;
use crate::rival::{Rival, Server};
use crate::wire;

/// Entries of a stream that is appended to, before it is deleted.
const APPENDED: usize = 8_192;
/// Entries that a group takes, over and over.
const TAKEN: usize = 4_096;
/// Entries of the long log, and of a range of it.
const LONG: usize = 10_000_000;
const RANGE: usize = 100;
/// Ranges that differ from each other.
const RANGES: usize = 256;
/// Connections that read ranges, and how many each asks for at once.
const RANGE_WORKERS: usize = 4;
const RANGE_BATCH: usize = 4;
/// Entries of the stream whose memory is measured.
const MEASURED: usize = 1_000_000;
/// Readers that block.
const READERS: usize = 100;

/// All loads of streams.
pub fn loads() -> Vec<Load> {
    let batches = format!("{WORKERS} connections, {BATCH} pipelined,");
    vec![
        Load {
            targets: vec![Target::rate(1.5)],
            ..load(
                "xadd",
                format!("{batches} XADD of 3 fields"),
                Box::new(append),
            )
        },
        Load {
            targets: vec![Target::rate(1.5)],
            ..load(
                "xreadgroup-xack",
                format!("{batches} XREADGROUP COUNT 1 and XACK by turns"),
                Box::new(take),
            )
        },
        Load {
            once: true,
            targets: vec![Target::rate(1.3)],
            ..load(
                "xrange",
                format!(
                    "{RANGE_WORKERS} connections, {RANGE_BATCH} pipelined, XRANGE of {RANGE} in {LONG}"
                ),
                Box::new(ranges),
            )
        },
        Load {
            unit: "delivery",
            targets: vec![Target::rate(1.3)],
            ..load(
                "xread-block",
                format!("one XADD at a time to {READERS} that wait with XREAD BLOCK"),
                Box::new(fan_out),
            )
        },
        Load {
            unit: "entry",
            once: true,
            targets: vec![Target::bytes(1.0)],
            ..load(
                "memory",
                format!("memory of each of {MEASURED} entries of 3 fields"),
                Box::new(memory),
            )
        },
    ]
}

fn load(id: &str, title: String, measure: Measure) -> Load {
    Load::new(
        format!("streams/{id}"),
        "Streams",
        title,
        "operation",
        measure,
    )
}

/// The id of an entry. The first has number 0.
fn id(number: usize) -> Vec<u8> {
    format!("{}-0", number + 1).into_bytes()
}

/// Its fields and their values.
fn fields(number: usize) -> [Vec<u8>; 6] {
    [
        b"service".to_vec(),
        format!("web-{:02}", number % 100).into_bytes(),
        b"status".to_vec(),
        b"200".to_vec(),
        b"micros".to_vec(),
        format!("{:06}", number * 7_919 % 1_000_000).into_bytes(),
    ]
}

/// An XADD, and its reply.
fn add(batch: &mut Batch, key: &[u8], number: usize) {
    let (id, fields) = (id(number), fields(number));
    let mut words: Vec<&[u8]> = vec![b"XADD", key, &id];
    words.extend(fields.iter().map(Vec::as_slice));
    batch.requests.extend(wire::request(&words));
    wire::bulk(&mut batch.replies, &id);
}

/// Another command of a batch, with its reply.
fn also(batch: &mut Batch, words: &[&[u8]], reply: &[u8]) {
    batch.requests.extend(wire::request(words));
    batch.replies.extend(reply);
}

/// Appends an entry as replies have it.
fn put_entry(reply: &mut Vec<u8>, number: usize) {
    reply.extend(b"*2\r\n");
    wire::bulk(reply, &id(number));
    let fields = fields(number);
    reply.extend(wire::request(&fields.each_ref().map(Vec::as_slice)));
}

/// The begin of a reply with so many entries of one stream.
fn entries_of(key: &[u8], count: usize) -> Vec<u8> {
    let mut reply = b"*1\r\n*2\r\n".to_vec();
    wire::bulk(&mut reply, key);
    reply.extend(format!("*{count}\r\n").into_bytes());
    reply
}

/// A stream for each connection. It is deleted when it has all entries.
fn append(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let mut pipeline = Pipeline::new(BATCH as u64);
    for worker in 0..WORKERS {
        let key = key(worker);
        let mut batches = Vec::new();
        for first in (0..APPENDED).step_by(BATCH) {
            let mut batch = Batch::default();
            for number in first..first + BATCH {
                add(&mut batch, &key, number);
            }
            batches.push(batch);
        }
        let last = batches.last_mut().expect("there are entries");
        also(last, &[b"DEL", &key], b":1\r\n");
        pipeline.speaker(wire::connect(server.addr())?, batches);
    }
    pipeline.run(&server, options.time)
}

/// Makes a stream by batches of XADD.
fn fill(server: &Server, key: &[u8], entries: usize) -> Result<()> {
    const EACH: usize = 200;
    let mut stream = wire::connect(server.addr())?;
    for first in (0..entries).step_by(EACH) {
        let mut batch = Batch::default();
        for number in first..entries.min(first + EACH) {
            add(&mut batch, key, number);
        }
        wire::exchange(&mut stream, &batch.requests, &batch.replies)?;
    }
    Ok(())
}

/// A stream and a group for each connection. It begins again when it has taken all entries.
fn take(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let mut pipeline = Pipeline::new(BATCH as u64);
    for worker in 0..WORKERS {
        let key = key(worker);
        fill(&server, &key, TAKEN)?;
        let mut stream = wire::connect(server.addr())?;
        let create = wire::request(&[b"XGROUP", b"CREATE", &key, b"group", b"0"]);
        wire::exchange(&mut stream, &create, b"+OK\r\n")?;
        let read: [&[u8]; 9] = [
            b"XREADGROUP",
            b"GROUP",
            b"group",
            b"consumer",
            b"COUNT",
            b"1",
            b"STREAMS",
            &key,
            b">",
        ];
        let mut batches = Vec::new();
        for first in (0..TAKEN).step_by(BATCH / 2) {
            let mut batch = Batch::default();
            for number in first..first + BATCH / 2 {
                let mut reply = entries_of(&key, 1);
                put_entry(&mut reply, number);
                also(&mut batch, &read, &reply);
                also(
                    &mut batch,
                    &[b"XACK", &key, b"group", &id(number)],
                    b":1\r\n",
                );
            }
            batches.push(batch);
        }
        let last = batches.last_mut().expect("there are entries");
        also(
            last,
            &[b"XGROUP", b"SETID", &key, b"group", b"0"],
            b"+OK\r\n",
        );
        pipeline.speaker(stream, batches);
    }
    pipeline.run(&server, options.time)
}

/// Ranges from the middle half of a long log.
fn ranges(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let (key, len) = (key(0), sized(LONG, options));
    fill(&server, &key, len)?;
    let mut pipeline = Pipeline::new(RANGE_BATCH as u64);
    for worker in 0..RANGE_WORKERS {
        let mut batches = Vec::new();
        for batch in 0..RANGES / RANGE_BATCH {
            let mut asked = Batch::default();
            for number in 0..RANGE_BATCH {
                let place = (worker * RANGES + batch * RANGE_BATCH + number) * 104_729;
                let first = len / 4 + place % (len / 2);
                let from = id(first);
                let count = RANGE.to_string();
                let words: [&[u8]; 6] = [b"XRANGE", &key, &from, b"+", b"COUNT", count.as_bytes()];
                let mut reply = format!("*{RANGE}\r\n").into_bytes();
                for number in first..first + RANGE {
                    put_entry(&mut reply, number);
                }
                also(&mut asked, &words, &reply);
            }
            batches.push(asked);
        }
        pipeline.speaker(wire::connect(server.addr())?, batches);
    }
    pipeline.run(&server, options.time)
}

/// One connection adds an entry when all readers have the last one and wait again.
fn fan_out(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let key = key(0);
    let streams = (0..=READERS).map(|_| wire::connect(server.addr()));
    let mut net = Net::new(streams.collect::<Result<Vec<_>>>()?)?;
    let wait = |after: &[u8]| {
        let words: [&[u8]; 6] = [b"XREAD", b"BLOCK", b"0", b"STREAMS", &key, after];
        wire::request(&words)
    };
    for reader in 1..=READERS {
        net.peer(reader).send(&wait(b"0"))?;
    }
    let mut meter = Meter::new(&server, options.time);
    let mut received = vec![Vec::new(); READERS + 1];
    for number in 0.. {
        if meter.is_over() {
            break;
        }
        let (id, fields) = (id(number), fields(number));
        let mut words: Vec<&[u8]> = vec![b"XADD", &key, b"MAXLEN", b"1000", &id];
        words.extend(fields.iter().map(Vec::as_slice));
        net.peer(0).send(&wire::request(&words))?;
        let mut added = Vec::new();
        wire::bulk(&mut added, &id);
        let mut entry = entries_of(&key, 1);
        put_entry(&mut entry, number);
        let again = wait(&id);
        let mut missing = READERS + 1;
        while missing > 0 {
            net.turn(|peer, number, bytes| {
                let expected = if number == 0 { &added } else { &entry };
                let got = &mut received[number];
                got.extend_from_slice(bytes);
                ensure!(
                    expected.starts_with(got),
                    "expected '{}', got '{}'",
                    wire::shown(expected),
                    wire::shown(got)
                );
                if got.len() == expected.len() {
                    got.clear();
                    missing -= 1;
                    if number > 0 {
                        peer.send(&again)?;
                    }
                }
                Ok(())
            })?;
        }
        meter.add(READERS as u64)?;
    }
    meter.figures()
}

/// Resident memory for each entry, over that of a fresh server.
fn memory(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let entries = sized(MEASURED, options);
    grown_by(&server, entries, || fill(&server, &key(0), entries))
}
