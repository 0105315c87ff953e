//! Subscribers that never read beside others that do: what a stuck one costs the server, and how
//! soon the others have a message.
//!
//! A stuck subscriber looks like one across an Ethernet: on the loopback device, with its long
//! segments, the kernel would take megabytes for each before the server has to keep anything. The
//! backlogs stay below the default limit of a subscriber's output, so no server may give up on one.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Result;
use socket2::{Domain, Socket, Type};

use crate::load::{Load, Options};
use crate::open_loop::{CYCLE, OpenLoop};
use crate::results::{Figure, Metric};
use crate::rival::{Rival, Server};
use crate::stream;
use crate::subscribe;
use crate::wire::{self, PATIENCE};

/// What all subscribe to.
const CHANNEL: &[u8] = b"channel";
/// Subscribers that never read.
const STUCK: usize = 1_000;
/// How many there are if it is only to be seen whether it works.
const QUICK: usize = 50;
/// Subscribers that read.
const HEALTHY: usize = 10;
/// Of the stuck ones, so many read in the end, and must get everything.
const FREED: usize = 10;
/// Bytes of a segment to a stuck subscriber.
const SEGMENT: u32 = 1460;
/// Bytes that the kernel keeps for a stuck subscriber on its side: about the least there is.
const RECEIVE_BUFFER: usize = 4096;
/// How long it goes on: the backlogs depend on it, and so it does not depend on the usual time.
const TIME: Duration = Duration::from_secs(2);
const QUICK_TIME: Duration = Duration::from_millis(200);

/// Short payloads at a high rate, and longer ones.
pub fn loads() -> Vec<Load> {
    vec![load(64, 1_000), load(1_024, 250)]
}

fn load(payload: usize, rate: u32) -> Load {
    Load::new(
        format!("stuck/{payload}"),
        "Subscribers that never read",
        format!("{STUCK} stuck beside {HEALTHY} that read, {rate} messages/s of {payload} B"),
        "stuck subscriber",
        Box::new(move |rival, options| measure(payload, rate, rival, options)),
    )
}

fn measure(payload: usize, rate: u32, rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let (stuck, time) = if options.quick {
        (QUICK, QUICK_TIME)
    } else {
        (STUCK, TIME)
    };
    let server = Server::start(rival)?;
    let mut streams = vec![wire::connect(server.addr())?];
    for _ in 0..HEALTHY {
        streams.push(subscribe::connect(server.addr(), &[CHANNEL])?);
    }
    let mut stuck_streams = Vec::new();
    for _ in 0..stuck {
        let mut stream = across_ethernet(server.addr())?;
        subscribe::confirmed(&mut stream, "subscribe", &[CHANNEL])?;
        stuck_streams.push(stream);
    }
    let before = server.rss()?;
    let audience = (HEALTHY + stuck) as u64;
    let outcome =
        OpenLoop::publish(streams, CHANNEL, payload, audience, rate, time).run(&server)?;
    let after = server.rss()?;

    let mut backlog = Vec::new();
    for number in 0..outcome.sent {
        let payload = stream::payload(0, number % CYCLE, payload);
        backlog.extend(wire::message(CHANNEL, &payload));
    }
    for stream in stuck_streams.iter_mut().take(FREED) {
        wire::expect(stream, &backlog)?;
    }
    let mut figures = outcome.latencies().to_vec();
    figures.push(Figure {
        metric: Metric::Bytes,
        value: (after as f64 - before as f64) / stuck as f64,
    });
    Ok(figures)
}

/// A connection with short segments and a small buffer on this side.
fn across_ethernet(addr: SocketAddr) -> Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_tcp_mss(SEGMENT)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.connect_timeout(&addr.into(), PATIENCE)?;
    let stream = TcpStream::from(socket);
    wire::prepare(&stream)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}
