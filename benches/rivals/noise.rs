//! What a busy connection does over and over beside others that are not to notice: long commands,
//! long replies, and subscriptions that come and go.
//!
//! Invariants:
//! - All keys, elements and channels have as many digits, so that the length of a reply follows
//!   from their number.
//! - A busy connection that comes and goes stays on one of two workers, if connections are dealt out
//!   to them in turn: another connection follows each one.

use std::net::{SocketAddr, TcpStream};

use anyhow::{Result, ensure};

use crate::info;
use crate::sink::{Known, Sink};
use crate::wire;

/// The list that is read and sorted.
const LIST: &[u8] = b"list";
/// Elements that one RPUSH, or keys that one MSET, brings in.
const AT_ONCE: usize = 1_000;
/// The least element.
const LEAST: usize = 1_000_000;
/// The elements are in the same order in every run.
const SEED: u64 = 7;
/// Elements that a sort with a LIMIT replies.
const LIMIT: usize = 100;

/// How large everything is.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// Keys, or elements of the list.
    entries: usize,
    /// Keys that SCAN looks at in one call.
    count: usize,
    /// Channels that are subscribed to.
    channels: usize,
}

/// What is measured.
pub const FULL: Sizes = Sizes {
    entries: 1_000_000,
    count: 10_000,
    channels: 20_000,
};
/// If it is only to be seen whether it works.
pub const QUICK: Sizes = Sizes {
    entries: 1_000,
    count: 100,
    channels: 100,
};

/// What the busy connection does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Noise {
    /// Nothing.
    Idle,
    /// KEYS of all keys.
    Keys,
    /// SCAN, call by call, through all keys.
    Scan,
    /// LRANGE of the whole list.
    Lrange,
    /// SORT of the whole list, by number.
    Sort,
    /// SORT of the whole list, by letter, for the first few.
    SortAlpha,
    /// INFO everything.
    Info,
    /// Connects, subscribes to many channels, and is gone.
    Subscribe,
}

/// All of it, in the order of the tables.
pub const NOISES: [Noise; 8] = [
    Noise::Idle,
    Noise::Keys,
    Noise::Scan,
    Noise::Lrange,
    Noise::Sort,
    Noise::SortAlpha,
    Noise::Info,
    Noise::Subscribe,
];

/// One unit of what a busy connection does. It is given the connection.
pub type Work = Box<dyn FnMut(&mut Sink) -> Result<()> + Send>;

impl Noise {
    /// For a load's id.
    pub fn name(self) -> &'static str {
        match self {
            Noise::Idle => "idle",
            Noise::Keys => "keys",
            Noise::Scan => "scan",
            Noise::Lrange => "lrange",
            Noise::Sort => "sort",
            Noise::SortAlpha => "sort-alpha",
            Noise::Info => "info",
            Noise::Subscribe => "subscribe",
        }
    }

    /// For people.
    pub fn title(self) -> String {
        let Sizes {
            entries,
            count,
            channels,
        } = FULL;
        match self {
            Noise::Idle => "an idle connection".into(),
            Noise::Keys => format!("`KEYS *` of {entries} keys"),
            Noise::Scan => format!("SCAN, COUNT {count}, through {entries} keys"),
            Noise::Lrange => format!("`LRANGE 0 -1` of {entries} elements"),
            Noise::Sort => format!("SORT of {entries} numbers"),
            Noise::SortAlpha => format!("SORT ALPHA, LIMIT {LIMIT}, of {entries} elements"),
            Noise::Info => "`INFO everything`".into(),
            Noise::Subscribe => {
                format!("a client that subscribes to {channels} channels and is gone")
            }
        }
    }

    /// What [`work`](Noise::work) does once.
    pub fn unit(self) -> &'static str {
        match self {
            Noise::Idle => "message",
            Noise::Keys => "KEYS reply",
            Noise::Scan => "SCAN pass",
            Noise::Lrange => "LRANGE reply",
            Noise::Sort | Noise::SortAlpha => "SORT reply",
            Noise::Info => "INFO reply",
            Noise::Subscribe => "subscriber",
        }
    }

    /// Puts the keys or the list that it needs into the server.
    pub fn fill(self, addr: SocketAddr, sizes: Sizes) -> Result<()> {
        let mut stream = wire::connect(addr)?;
        match self {
            Noise::Keys | Noise::Scan => fill_keys(&mut stream, sizes.entries),
            Noise::Lrange | Noise::Sort | Noise::SortAlpha => {
                fill_list(&mut stream, &elements(sizes.entries))
            }
            Noise::Idle | Noise::Info | Noise::Subscribe => Ok(()),
        }
    }

    /// What the connection does over and over, if anything.
    pub fn work(self, addr: SocketAddr, sizes: Sizes) -> Option<Work> {
        let entries = sizes.entries;
        let sorted = LEAST..LEAST + entries;
        Some(match self {
            Noise::Idle => return None,
            Noise::Keys => {
                let reply = array(entries, &key(0), b"key:");
                exchange(wire::request(&[b"KEYS", b"*"]), reply)
            }
            Noise::Scan => Box::new(move |sink| scan(sink, sizes)),
            Noise::Lrange => {
                let first = element(elements(entries)[0]);
                let request = wire::request(&[b"LRANGE", LIST, b"0", b"-1"]);
                exchange(request, array(entries, &first, &first))
            }
            Noise::Sort => {
                let first = element(sorted.start);
                let request = wire::request(&[b"SORT", LIST]);
                exchange(request, array(entries, &first, &first))
            }
            Noise::SortAlpha => {
                let limit = LIMIT.to_string();
                let words: [&[u8]; 6] = [b"SORT", LIST, b"ALPHA", b"LIMIT", b"0", limit.as_bytes()];
                let first: Vec<_> = sorted.take(LIMIT).map(element).collect();
                let first: Vec<_> = first.iter().map(Vec::as_slice).collect();
                let beginning = wire::request(&first);
                let length = beginning.len();
                exchange(wire::request(&words), Known { beginning, length })
            }
            Noise::Info => {
                let request = info::request();
                Box::new(move |sink| {
                    sink.send(&request)?;
                    sink.bulk(info::BEGINNING)
                })
            }
            Noise::Subscribe => subscribe(addr, sizes.channels),
        })
    }
}

fn key(number: usize) -> Vec<u8> {
    format!("key:{number:07}").into_bytes()
}

fn fill_keys(stream: &mut TcpStream, keys: usize) -> Result<()> {
    for first in (0..keys).step_by(AT_ONCE) {
        let keys: Vec<_> = (first..keys.min(first + AT_ONCE)).map(key).collect();
        let mut words: Vec<&[u8]> = vec![b"MSET"];
        words.extend(keys.iter().flat_map(|key| [key, &b"value"[..]]));
        wire::exchange(stream, &wire::request(&words), b"+OK\r\n")?;
    }
    Ok(())
}

fn element(number: usize) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// The list's numbers, each once, in no order.
fn elements(count: usize) -> Vec<usize> {
    let mut elements: Vec<usize> = (LEAST..LEAST + count).collect();
    fastrand::Rng::with_seed(SEED).shuffle(&mut elements);
    elements
}

fn fill_list(stream: &mut TcpStream, elements: &[usize]) -> Result<()> {
    let mut length = 0;
    for elements in elements.chunks(AT_ONCE) {
        length += elements.len();
        let elements: Vec<_> = elements.iter().copied().map(element).collect();
        let mut words = vec![b"RPUSH", LIST];
        words.extend(elements.iter().map(Vec::as_slice));
        let reply = format!(":{length}\r\n");
        wire::exchange(stream, &wire::request(&words), reply.as_bytes())?;
    }
    Ok(())
}

/// An array of so many bulk strings as long as `first`, which is only known to begin like this.
fn array(count: usize, first: &[u8], beginning: &[u8]) -> Known {
    let mut each = Vec::new();
    wire::bulk(&mut each, first);
    let mut reply = format!("*{count}\r\n").into_bytes();
    let length = reply.len() + count * each.len();
    reply.extend(format!("${}\r\n", first.len()).into_bytes());
    reply.extend(beginning);
    Known {
        beginning: reply,
        length,
    }
}

/// Sends a request and takes its reply.
fn exchange(request: Vec<u8>, reply: Known) -> Work {
    Box::new(move |sink| {
        sink.send(&request)?;
        sink.known(&reply)
    })
}

/// Once through all keys.
fn scan(sink: &mut Sink, sizes: Sizes) -> Result<()> {
    let count = sizes.count.to_string();
    let mut cursor = b"0".to_vec();
    let mut seen = 0;
    loop {
        sink.send(&wire::request(&[
            b"SCAN",
            &cursor,
            b"COUNT",
            count.as_bytes(),
        ]))?;
        let (next, keys) = sink.scanned(key(0).len())?;
        seen += keys;
        if next == b"0" {
            break;
        }
        cursor = next;
    }
    ensure!(
        seen >= sizes.entries,
        "SCAN found {seen} of {} keys",
        sizes.entries
    );
    Ok(())
}

/// A client that subscribes and is gone. The connection that it is given stays idle.
fn subscribe(addr: SocketAddr, channels: usize) -> Work {
    let names: Vec<_> = (0..channels)
        .map(|number| format!("channel:{number:05}").into_bytes())
        .collect();
    let mut words: Vec<&[u8]> = vec![b"SUBSCRIBE"];
    words.extend(names.iter().map(Vec::as_slice));
    let request = wire::request(&words);
    let confirmations: Vec<_> = names
        .iter()
        .zip(1..)
        .map(|(name, count)| confirmation(name, count))
        .collect();
    let reply = Known {
        length: confirmations.iter().map(Vec::len).sum(),
        beginning: confirmations.into_iter().next().unwrap_or_default(),
    };
    Box::new(move |_| {
        let mut client = Sink::connect(addr)?;
        // Takes the turn of the other worker.
        let _other = wire::connect(addr)?;
        client.send(&request)?;
        client.known(&reply)
    })
}

/// What a client gets for its subscription number `count`.
fn confirmation(channel: &[u8], count: usize) -> Vec<u8> {
    let mut reply = b"*3\r\n".to_vec();
    wire::bulk(&mut reply, b"subscribe");
    wire::bulk(&mut reply, channel);
    reply.extend(format!(":{count}\r\n").into_bytes());
    reply
}
