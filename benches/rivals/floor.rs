//! What it costs here to write each subscriber once for each write of the publisher: a thread that
//! only does that, with encoded messages, without reading requests, finding targets or encoding. The
//! subscribers are those of the fan-out, and check what they get.
//!
//! It is the floor of a server that does not merge, not of every server: one that gathers what
//! several writes of the publisher bring, and writes it to a subscriber at once, can be below it.
//!
//! ```text
//!  writer ── one write of `pipeline` messages to each socket in turn ──▶ audience
//!     ▲                                                                     │
//!     └──── Gate: how many messages may be written; an unpark ◀── window ───┘
//! ```
//!
//! Invariants: the writer waits for nothing but by parking, and all that it waits for is followed by
//! an unpark: a new allowance, the end, and room in a socket, which only the audience's reads make.

use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use crate::audience::{self, Audience, Plan};
use crate::fanout;
use crate::net::Net;
use crate::results::Figure;
use crate::rival::Cpu;
use crate::stream::{self, Cycle};
use crate::wire;

/// What the writer is told.
#[derive(Default)]
struct Gate {
    /// How many messages may be written to each subscriber.
    allowed: AtomicU64,
    /// Everything has arrived, and there will be no more.
    over: AtomicBool,
}

/// The writing side.
struct Writer {
    plan: Plan,
    cycle: Cycle,
    sockets: Vec<Socket>,
    /// Messages that every socket is to get.
    target: u64,
}

struct Socket {
    stream: TcpStream,
    /// Bytes written.
    at: u64,
}

/// Measures what the writes of `plan` cost without a server. The plan has one channel and one publisher.
pub fn measure(plan: &Plan, time: Duration) -> Result<Vec<Figure>> {
    let (mut writer, mut net, mut audience) = connect(plan)?;
    run(&mut writer, &mut net, &mut audience, time / 10)?;
    let (delivered, begun) = (audience.delivered(), Instant::now());
    let cpu = run(&mut writer, &mut net, &mut audience, time)?;
    let elapsed = begun.elapsed();
    audience.check_counts()?;
    let delivered = audience.delivered() - delivered;
    Ok(fanout::figures(delivered, elapsed, cpu))
}

fn connect(plan: &Plan) -> Result<(Writer, Net, Audience)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let addr = listener.local_addr()?;
    let (mut readers, mut sockets) = (Vec::new(), Vec::new());
    for _ in 0..plan.subscribers {
        readers.push(wire::connect(addr)?);
        let (stream, _) = listener.accept()?;
        wire::prepare(&stream)?;
        stream.set_nonblocking(true)?;
        sockets.push(Socket { stream, at: 0 });
    }
    let name = audience::name(0);
    let writer = Writer {
        plan: *plan,
        cycle: Cycle::new(plan.cycle(), |number| {
            wire::message(&name, &stream::payload(0, number, plan.payload))
        }),
        sockets,
        target: 0,
    };
    Ok((writer, Net::new(readers)?, Audience::new(plan)))
}

/// Lets the writer write for so long, waits until everything has arrived, and returns the
/// processor time of the writing thread.
fn run(writer: &mut Writer, net: &mut Net, audience: &mut Audience, time: Duration) -> Result<Cpu> {
    let gate = Gate {
        allowed: AtomicU64::new(writer.target),
        over: AtomicBool::new(false),
    };
    let plan = writer.plan;
    thread::scope(|scope| {
        let writing = thread::Builder::new()
            .name("floor".to_owned())
            .spawn_scoped(scope, || writer.run(&gate))?;
        let begun = Instant::now();
        let mut listen = || -> Result<()> {
            loop {
                while begun.elapsed() < time && audience.under_way(0) + plan.pipeline <= plan.window
                {
                    audience.sent(0, plan.pipeline);
                    gate.allowed.fetch_add(plan.pipeline, Ordering::Release);
                }
                writing.thread().unpark();
                if audience.has_all() {
                    return Ok(());
                }
                net.turn(|_, number, bytes| audience.received(number, bytes))?;
            }
        };
        let listened = listen();
        gate.over.store(true, Ordering::Release);
        writing.thread().unpark();
        let written = writing.join().map_err(|_| anyhow!("the writer panicked"))?;
        // A writer that fails is why nothing arrives.
        written.and_then(|cpu| listened.map(|()| cpu))
    })
}

impl Writer {
    /// Runs in a thread of its own, whose processor time it returns.
    fn run(&mut self, gate: &Gate) -> Result<Cpu> {
        let mut behind = false;
        while !gate.over.load(Ordering::Acquire) {
            if !behind {
                if self.target == gate.allowed.load(Ordering::Acquire) {
                    thread::park();
                    continue;
                }
                self.target += self.plan.pipeline;
            }
            let end = self.target * self.cycle.frame() as u64;
            let mut wrote = false;
            behind = false;
            for socket in self.sockets.iter_mut().filter(|socket| socket.at < end) {
                wrote |= socket.write(self.cycle.piece(socket.at, end))?;
                behind |= socket.at < end;
            }
            if !wrote {
                thread::park();
            }
        }
        cpu_of_this_thread()
    }
}

impl Socket {
    /// Writes what fits; says whether anything did.
    fn write(&mut self, bytes: &[u8]) -> Result<bool> {
        match self.stream.write(bytes) {
            Ok(length) => {
                self.at += length as u64;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error).context("the floor's writer"),
        }
    }
}

fn cpu_of_this_thread() -> Result<Cpu> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD)?;
    let duration =
        |time: TimeVal| Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000);
    let (user, system) = (duration(usage.user_time()), duration(usage.system_time()));
    Ok(Cpu {
        user,
        system,
        total: user + system,
    })
}
