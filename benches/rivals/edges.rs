//! What edges cost: fan-out and latency through fanfares that have redis-server as their hub, beside
//! redis-server alone with the same clients.
//!
//! ```text
//!  At the hub      publisher ─▶ hub ─▶ each edge ─▶ its share of the subscribers
//!  At an edge      publisher ─▶ edge ─▶ hub ─▶ another edge ─▶ the subscribers
//! ```
//!
//! All of them share the machine's cores. So the rate says what this machine does, and the CPU time
//! what a hub and edges on machines of their own would need.
//!
//! Invariants:
//! - An edge has its hub before it is used: a subscription there has been confirmed.
//! - A server that can't be an edge has no figures, but for redis-server, which is measured alone.

use std::slice;

use anyhow::{Context, Result};

use crate::fanout::{self, Done, Fanout, Places};
use crate::load::{Load, Measure, Options};
use crate::open_loop::OpenLoop;
use crate::report::{REDIS, words};
use crate::results::{Figure, Metric};
use crate::rival::{Cpu, Rival, Server};
use crate::subscribe;
use crate::wire;

const GROUP: &str = "Edges, with redis-server as the hub";
/// As in the fan-out without edges: bytes of a payload, and messages in a write.
const PAYLOAD: usize = 64;
const PIPELINE: u64 = 16;
/// As many as a busy hub reads at once.
const BUSY: u64 = 128;
/// Subscribers of the fan-out, of all edges together.
const SUBSCRIBERS: usize = 1_000;
/// Messages a second where latency is measured, and how much longer than a closed loop.
const RATE: u32 = 200;
const LONGER: u32 = 3;
/// What all subscribe to where latency is measured.
const CHANNEL: &[u8] = b"channel";

/// Where the publisher is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Hub,
    /// At an edge that has no subscribers.
    Edge,
}

/// A hub, alone or with edges.
struct Cluster {
    hub: Server,
    /// Those that the subscribers share.
    edges: Vec<Server>,
    /// The publisher's own.
    publishers: Option<Server>,
}

/// The fan-out by edges, the fewest subscribers that have messages pass, and latency.
pub fn loads(rivals: &[Rival]) -> Vec<Load> {
    let Some(hub) = rivals.iter().find(|rival| rival.name == REDIS) else {
        return Vec::new();
    };
    let mut loads = Vec::new();
    for edges in [1, 2, 3] {
        let title = words::count(edges, "edge");
        loads.push(closed(
            hub,
            format!("edges/fanout-{edges}"),
            format!("{SUBSCRIBERS} subscribers at {title}"),
            Shape {
                unit: "delivery",
                subscribers: SUBSCRIBERS,
                edges,
                publisher: At::Hub,
                pipeline: PIPELINE,
            },
        ));
    }
    // What an edge costs without subscribers to speak of, as a hub reads one publisher, or many at once.
    for pipeline in [PIPELINE, BUSY] {
        for edges in [1, 2, 3] {
            let title = words::count(edges, "edge");
            loads.push(closed(
                hub,
                format!("edges/relay-{edges}-p{pipeline}"),
                format!("one subscriber at each of {title}"),
                Shape {
                    unit: "publish",
                    subscribers: edges,
                    edges,
                    publisher: At::Hub,
                    pipeline,
                },
            ));
        }
        loads.push(closed(
            hub,
            format!("edges/publish-p{pipeline}"),
            "one subscriber at an edge, published at another".to_owned(),
            Shape {
                unit: "publish",
                subscribers: 1,
                edges: 1,
                publisher: At::Edge,
                pipeline,
            },
        ));
    }
    for subscribers in [1, 100] {
        for at in [At::Hub, At::Edge] {
            loads.push(latency(hub, subscribers, at));
        }
    }
    loads
}

/// A closed loop.
#[derive(Clone, Copy)]
struct Shape {
    /// What is counted.
    unit: &'static str,
    subscribers: usize,
    /// Among which they are shared.
    edges: usize,
    publisher: At,
    /// Messages in a write.
    pipeline: u64,
}

/// A load that is no contest.
fn load(id: String, title: String, unit: &'static str, measure: Measure) -> Load {
    Load {
        with_redis: true,
        ..Load::new(id, GROUP, title, unit, measure)
    }
}

fn closed(hub: &Rival, id: String, title: String, shape: Shape) -> Load {
    let hub = hub.clone();
    load(
        id,
        format!("{title}, {PAYLOAD} B, {} pipelined", shape.pipeline),
        shape.unit,
        Box::new(move |rival, options| measure_closed(&hub, shape, rival, options)),
    )
}

fn measure_closed(
    hub: &Rival,
    shape: Shape,
    rival: &Rival,
    options: Options,
) -> Result<Vec<Figure>> {
    let Some(cluster) = Cluster::start(hub, rival, shape.edges, shape.publisher)? else {
        return Ok(Vec::new());
    };
    let plan = fanout::plan(shape.subscribers, PAYLOAD, shape.pipeline);
    let plan = fanout::quick(plan, options);
    let places = cluster.places(plan.subscribers);
    let done = Fanout::connect(&plan, places)?.measure(options.time, || cluster.cpu())?;
    let Done {
        delivered,
        time,
        cpu: [before, after],
    } = done;
    let units = match shape.unit {
        "publish" => delivered / plan.subscribers as u64,
        _ => delivered,
    };
    let spent = |which: usize| after[which] - before[which];
    let all: Cpu = (0..after.len()).map(spent).sum();
    let mut figures = fanout::figures(units, time, all);
    figures.push(Figure {
        metric: Metric::CpuHub,
        value: spent(0).total.as_secs_f64() * 1e6 / units as f64,
    });
    Ok(figures)
}

fn latency(hub: &Rival, subscribers: usize, at: At) -> Load {
    let hub = hub.clone();
    let (place, published) = match at {
        At::Hub => ("hub", "published at the hub"),
        At::Edge => ("edge", "published at another edge"),
    };
    load(
        format!("edges/latency-{subscribers}-{place}"),
        format!(
            "{} at an edge, {published}, {RATE} messages/s of {PAYLOAD} B",
            words::count(subscribers, "subscriber")
        ),
        "delivery",
        Box::new(move |rival, options| {
            let Some(cluster) = Cluster::start(&hub, rival, 1, at)? else {
                return Ok(Vec::new());
            };
            let places = cluster.places(subscribers);
            let mut streams = vec![wire::connect(places.publishers.addr())?];
            for server in places.subscribers.iter().cycle().take(subscribers) {
                streams.push(subscribe::connect(server.addr(), &[CHANNEL])?);
            }
            let (told, time) = (places.receivers as u64, options.time * LONGER);
            let outcome = OpenLoop::publish(streams, CHANNEL, PAYLOAD, told, RATE, time);
            Ok(outcome.run(&cluster.hub)?.latencies().to_vec())
        }),
    )
}

impl Cluster {
    /// Starts the hub, and so many of the rival as its edges for subscribers; none if the rival is the hub.
    fn start(hub: &Rival, rival: &Rival, edges: usize, at: At) -> Result<Option<Cluster>> {
        let mut cluster = Cluster {
            hub: Server::start(hub)?,
            edges: Vec::new(),
            publishers: None,
        };
        if rival.name == hub.name {
            return Ok(Some(cluster));
        }
        let Some(edge) = rival.as_edge_of(cluster.hub.addr()) else {
            return Ok(None);
        };
        for _ in 0..edges {
            cluster.edges.push(ready(&edge)?);
        }
        if at == At::Edge {
            cluster.publishers = Some(ready(&edge)?);
        }
        Ok(Some(cluster))
    }

    /// Where the clients are. The hub tells a publisher the edges that have subscribers, and so does an edge
    /// that has none.
    fn places(&self, subscribers: usize) -> Places<'_> {
        let publishers = self.publishers.as_ref().unwrap_or(&self.hub);
        match &self.edges[..] {
            [] => Places {
                publishers,
                subscribers: slice::from_ref(&self.hub),
                receivers: subscribers,
            },
            edges => Places {
                publishers,
                subscribers: edges,
                receivers: edges.len(),
            },
        }
    }

    /// The processor time of the hub, and then of each edge.
    fn cpu(&self) -> Result<Vec<Cpu>> {
        let servers = [&self.hub].into_iter().chain(&self.edges);
        servers.chain(&self.publishers).map(Server::cpu).collect()
    }
}

/// Starts an edge, and waits until it has its hub.
fn ready(edge: &Rival) -> Result<Server> {
    let server = Server::start(edge)?;
    subscribe::connect(server.addr(), &["ready"]).context("the edge has no hub")?;
    Ok(server)
}
