//! The closed loop of the fan-out: publishers send what subscribers have had time to take.
//!
//! ```text
//!  publisher ── a write of PUBLISH requests ──▶ server ──▶ every subscriber of the channel
//!      ▲                                          │                │ each byte checked
//!      ├──────────────── replies, checked ────────┘                │
//!      └──────────── the slowest has come so far ──────────────────┘
//! ```
//!
//! A publisher writes when it has all replies to its last write and when, with what it writes, no
//! subscriber of its channel is more than a window behind. One thread drives them all.
//!
//! Invariants: what is measured begins and ends with everything delivered and answered, so that
//! work and processor time are those of the same messages.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::audience::{self, Audience, Plan, Protocol};
use crate::expected::Expected;
use crate::floor;
use crate::load::{Load, Options, Size, Target};
use crate::net::{Net, Peer};
use crate::results::{Figure, Metric};
use crate::rival::{Cpu, Rival, Server};
use crate::stream::{self, Cycle};
use crate::transport::Transport;
use crate::wire;

/// The window, if nothing makes it larger or smaller.
const WINDOW: u64 = 64;
/// The most bytes on their way to all subscribers together, in sockets and in the server.
const MOST_UNDER_WAY: u64 = 1 << 30;
/// The floor has both ends of each connection in this process, and there is a limit of descriptors.
const MOST_FOR_THE_FLOOR: usize = 5_000;
/// Above this, connecting takes longer than measuring.
const OFTEN: usize = 1_000;
/// The most subscribers when it is only to be seen whether it works.
const QUICK: usize = 100;

/// Where the clients of a fan-out are.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// Where the publishers are.
    pub publishers: &'a Server,
    /// Where the subscribers are.
    pub subscribers: &'a [Server],
    /// How many receivers a publisher is told.
    pub receivers: usize,
}

/// What a fan-out has done in a time.
pub struct Done<C> {
    /// Messages that have arrived.
    pub delivered: u64,
    /// How long it took.
    pub time: Duration,
    /// The processor time before and after it.
    pub cpu: [C; 2],
}

/// Subscribers and publishers, connected.
pub struct Fanout {
    plan: Plan,
    net: Net,
    audience: Audience,
    publishers: Vec<Publisher>,
}

/// Its number is its peer's, less those of the subscribers.
struct Publisher {
    channel: usize,
    requests: Cycle,
    /// One part for each write.
    replies: Expected,
    /// Writes begun.
    writes: u64,
}

/// Every combination of subscribers, payload and pipeline that differs from the others, and then
/// several publishers.
pub fn loads() -> Vec<Load> {
    let mut loads = Vec::new();
    for payload in [16, 64, 4096, 65_536] {
        for subscribers in [1, 10, 100, 1_000, 10_000] {
            for pipeline in [1, 16] {
                let plan = plan(subscribers, payload, pipeline);
                // 16 bytes cost what 64 do: they are a point of the curve of payloads.
                let differs = payload > 16 || subscribers == 100;
                if plan.pipeline == pipeline && differs {
                    loads.push(load(plan));
                }
            }
        }
    }
    loads.push(load(plan(50, 32, 128)));
    loads.push(load(Plan {
        publishers: 4,
        ..plan(50, 64, 16)
    }));
    loads.push(load(Plan {
        channels: 4,
        ..plan(100, 64, 16)
    }));
    loads
}

/// One publisher, one channel, by TCP and RESP2, and a window that memory allows.
pub fn plan(subscribers: usize, payload: usize, pipeline: u64) -> Plan {
    let bounded = MOST_UNDER_WAY / (subscribers * payload) as u64;
    let window = WINDOW.max(2 * pipeline).min(bounded).max(1);
    Plan {
        subscribers,
        channels: 1,
        publishers: 1,
        payload,
        pipeline: pipeline.min(window),
        window,
        transport: Transport::Tcp,
        protocol: Protocol::Resp2,
    }
}

fn load(plan: Plan) -> Load {
    let Plan {
        subscribers,
        channels,
        publishers,
        payload,
        pipeline,
        ..
    } = plan;
    let (mut id, mut title) = (
        format!("fanout-s{subscribers}-b{payload}-p{pipeline}"),
        format!("{subscribers} subscribers, {payload} B, {pipeline} pipelined"),
    );
    if subscribers == 1 {
        title = title.replace("subscribers", "subscriber");
    }
    if publishers > 1 {
        id += &format!("-{publishers}publishers");
        title += &format!(", {publishers} publishers");
    }
    if channels > 1 {
        id += &format!("-{channels}channels");
        title += &format!(", {channels} channels with a publisher each");
    }
    let alone = channels == 1 && publishers == 1;
    let mut sizes = Vec::new();
    let mut point = |of, axis, at| {
        sizes.push(Size {
            curve: format!("fan-out, {of}, {pipeline} pipelined"),
            axis,
            at: at as f64,
        });
    };
    if alone && payload == 64 && pipeline <= 16 {
        point("64 B", "subscribers", subscribers);
    }
    if alone && subscribers == 100 {
        point("100 subscribers", "bytes", payload);
    }
    Load {
        sizes,
        targets: targets(&plan),
        once: subscribers > OFTEN,
        floor: (subscribers <= MOST_FOR_THE_FLOOR).then(|| -> crate::load::Floor {
            Box::new(move |options| {
                let plan = Plan {
                    channels: 1,
                    publishers: 1,
                    ..quick(plan, options)
                };
                floor::measure(&plan, options.time)
            })
        }),
        ..Load::new(
            id,
            "Fan-out",
            title,
            "delivery",
            Box::new(move |rival, options| measure(plan, rival, options)),
        )
    }
}

fn targets(plan: &Plan) -> Vec<Target> {
    let shape = (
        plan.subscribers,
        plan.payload,
        plan.pipeline,
        plan.publishers * plan.channels,
    );
    let (faster, cheaper) = match shape {
        (1, 64, 16, 1) => (1.6, Some(1.0)),
        (10, 64, 16, 1) => (1.7, None),
        (100, 64, 16, 1) => (3.0, Some(0.5)),
        (1_000, 64, 16, 1) => (4.0, Some(0.5)),
        (50, 64, 16, 4) => (2.5, None),
        (100, 4096, 16, 1) => (2.2, None),
        (50, 32, 128, 1) => (3.0, None),
        _ => return Vec::new(),
    };
    let mut targets = vec![Target::rate(faster), Target::rate(1.0).of_kevy()];
    targets.extend(cheaper.map(Target::cpu));
    targets
}

/// The plan with fewer subscribers, if it is only to be seen whether it works.
pub fn quick(plan: Plan, options: Options) -> Plan {
    let most = if options.quick { QUICK } else { usize::MAX };
    Plan {
        subscribers: plan.subscribers.min(most),
        ..plan
    }
}

/// A server that is not reached by the plan's transport has no figures.
pub fn measure(plan: Plan, rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    if !rival.has(plan.transport) {
        return Ok(Vec::new());
    }
    let server = Server::start_by(rival, plan.transport)?;
    let plan = quick(plan, options);
    let places = Places {
        publishers: &server,
        subscribers: std::slice::from_ref(&server),
        receivers: plan.subscribers_each(),
    };
    let done = Fanout::connect(&plan, places)?.measure(options.time, || server.cpu())?;
    let [before, after] = done.cpu;
    Ok(figures(done.delivered, done.time, after - before))
}

/// What a closed loop of deliveries says.
pub fn figures(delivered: u64, time: Duration, cpu: Cpu) -> Vec<Figure> {
    let rate = Figure {
        metric: Metric::PerSecond,
        value: delivered as f64 / time.as_secs_f64(),
    };
    [rate].into_iter().chain(cpu.per(delivered)).collect()
}

impl Fanout {
    /// Subscribers first, then publishers.
    pub fn connect(plan: &Plan, places: Places<'_>) -> Result<Fanout> {
        let audience = Audience::new(plan);
        let mut links = audience.subscribe(places.subscribers)?;
        let mut publishers = Vec::new();
        for channel in 0..plan.channels {
            for number in 0..plan.publishers {
                links.push(places.publishers.connect()?);
                publishers.push(Publisher::new(plan, channel, number, places.receivers));
            }
        }
        Ok(Fanout {
            plan: *plan,
            net: Net::new(links)?,
            audience,
            publishers,
        })
    }

    /// Warms up, and measures for so long. `cpu` tells the processor time.
    pub fn measure<C>(&mut self, time: Duration, cpu: impl Fn() -> Result<C>) -> Result<Done<C>> {
        self.run(time / 10)?;
        let (delivered, before, begun) = (self.audience.delivered(), cpu()?, Instant::now());
        self.run(time)?;
        let (time, after) = (begun.elapsed(), cpu()?);
        self.audience.check_counts()?;
        Ok(Done {
            delivered: self.audience.delivered() - delivered,
            time,
            cpu: [before, after],
        })
    }

    /// Publishes for so long, and then waits until everything has arrived.
    fn run(&mut self, time: Duration) -> Result<()> {
        let begun = Instant::now();
        self.publish()?;
        while begun.elapsed() < time {
            self.turn(true)?;
            self.publish()?;
        }
        while !(self.audience.has_all() && self.publishers.iter().all(Publisher::has_replies)) {
            self.turn(false)?;
        }
        Ok(())
    }

    /// Takes what has come. A publisher that has its replies need not wait until the subscribers
    /// that are read in the same turn have been.
    fn turn(&mut self, publishing: bool) -> Result<()> {
        let (plan, audience) = (&self.plan, &mut self.audience);
        self.net.turn(|peer, number, bytes| {
            let Some(publisher) = number.checked_sub(audience.len()) else {
                return audience.received(number, bytes);
            };
            let publisher = &mut self.publishers[publisher];
            publisher.replies.take(bytes).context("PUBLISH")?;
            if publishing {
                publisher.publish(plan, audience, peer)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Lets each publisher write that may.
    fn publish(&mut self) -> Result<()> {
        let first = self.audience.len();
        for (number, publisher) in self.publishers.iter_mut().enumerate() {
            let peer = self.net.peer(first + number);
            publisher.publish(&self.plan, &mut self.audience, peer)?;
        }
        Ok(())
    }
}

impl Publisher {
    fn new(plan: &Plan, channel: usize, number: usize, receivers: usize) -> Publisher {
        let name = audience::name(channel);
        let requests = Cycle::new(plan.cycle(), |message| {
            let payload = stream::payload(number, message, plan.payload);
            wire::request(&[b"PUBLISH", &name, &payload])
        });
        let reply = format!(":{receivers}\r\n");
        let replies = reply.repeat(plan.pipeline as usize).into_bytes();
        Publisher {
            channel,
            requests,
            replies: Expected::new([replies].into()),
            writes: 0,
        }
    }

    fn has_replies(&self) -> bool {
        self.replies.whole() == self.writes
    }

    /// Writes once, if it may.
    fn publish(&mut self, plan: &Plan, audience: &mut Audience, peer: &mut Peer) -> Result<()> {
        let allowed = audience.under_way(self.channel) + plan.pipeline <= plan.window;
        if !(allowed && self.has_replies()) {
            return Ok(());
        }
        audience.sent(self.channel, plan.pipeline);
        let length = plan.pipeline * self.requests.frame() as u64;
        let start = self.writes * length;
        self.writes += 1;
        peer.send(self.requests.piece(start, start + length))
    }
}
