//! Connection storms: how many connections a second a server takes, what each costs it, and what is
//! left of them in its memory when all have gone.
//!
//! ```text
//!  wave after wave   connect × 64 ─▶ PING × 64 ─▶ +PONG × 64 ─▶ closed (or kept) × 64
//! ```
//!
//! Invariants: a connection counts when it has been answered, so the server has accepted it, read
//! from it and written to it. It is reset by the client, as that of one that crashes.

use std::io::Write;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::link::Link;
use crate::load::{Load, Options, Target};
use crate::meter::Meter;
use crate::results::{Figure, Metric};
use crate::rival::{Rival, Server};
use crate::transport::Transport;
use crate::wire;

/// Connections that are made at once. It is below every server's backlog of connections.
const WAVE: usize = 64;
/// Connections that are there at the same time, where they are kept.
const MANY: usize = 10_000;
/// How many there are if it is only to be seen whether it works.
const QUICK: usize = 100;
/// How long after the last has gone the memory is looked at.
const REST: Duration = Duration::from_secs(1);

/// Connections that come and go, by each transport, and many that leave.
pub fn loads() -> Vec<Load> {
    let mut loads: Vec<_> = [Transport::Tcp, Transport::Unix, Transport::Tls]
        .map(turnover)
        .into();
    loads.push(Load {
        once: true,
        targets: vec![Target::bytes(1.0)],
        ..load(
            "left",
            format!("memory, for each, after {MANY} connections have come and gone"),
            left,
        )
    });
    loads
}

fn load(
    id: &str,
    title: String,
    measure: impl Fn(&Rival, Options) -> Result<Vec<Figure>> + 'static,
) -> Load {
    Load::new(
        format!("storm/{id}"),
        "Connection storms",
        title,
        "connection",
        Box::new(measure),
    )
}

fn turnover(transport: Transport) -> Load {
    let way = transport.name();
    Load {
        targets: vec![Target::rate(1.0), Target::cpu(1.0)],
        ..load(
            &way.to_lowercase(),
            format!("{way}: {WAVE} at a time connect, send PING and go"),
            move |rival, options| {
                if !rival.has(transport) {
                    return Ok(Vec::new());
                }
                let server = Server::start_by(rival, transport)?;
                let mut meter = Meter::new(&server, options.time);
                while !meter.is_over() {
                    meter.add(wave(&server, WAVE)?.len() as u64)?;
                }
                meter.figures()
            },
        )
    }
}

fn left(rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let connections = if options.quick { QUICK } else { MANY };
    let server = Server::start(rival)?;
    let before = server.rss()?;
    let mut links = Vec::new();
    while links.len() < connections {
        links.extend(wave(&server, WAVE.min(connections - links.len()))?);
    }
    drop(links);
    thread::sleep(REST);
    let left = server.rss()?.saturating_sub(before);
    Ok(vec![Figure {
        metric: Metric::Bytes,
        value: left as f64 / connections as f64,
    }])
}

/// Makes so many connections, each of which has been answered.
fn wave(server: &Server, count: usize) -> Result<Vec<Link>> {
    let links = (0..count).map(|_| server.connect());
    let mut links = links.collect::<Result<Vec<_>>>()?;
    let ping = wire::request(&[b"PING"]);
    for link in &mut links {
        link.write_all(&ping)?;
    }
    for link in &mut links {
        wire::expect(link, b"+PONG\r\n")?;
    }
    Ok(links)
}
