//! How many INFO everything a server answers one connection, one after the other and pipelined.

use anyhow::Result;

use crate::load::{Load, Options};
use crate::meter::Meter;
use crate::results::Figure;
use crate::rival::{Rival, Server};
use crate::sink::Sink;
use crate::wire;

/// How every answer begins.
pub const BEGINNING: &[u8] = b"# Server\r\n";

/// Both lengths of the pipeline.
pub fn loads() -> Vec<Load> {
    [1, 16].map(load).into()
}

/// The request.
pub fn request() -> Vec<u8> {
    wire::request(&[b"INFO", b"everything"])
}

fn load(pipelined: usize) -> Load {
    Load::new(
        format!("info/p{pipelined}"),
        "INFO",
        format!("`INFO everything` by 1 connection, {pipelined} pipelined"),
        "reply",
        Box::new(move |rival, options| measure(pipelined, rival, options)),
    )
}

fn measure(pipelined: usize, rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let mut sink = Sink::connect(server.addr())?;
    let requests = request().repeat(pipelined);
    let mut meter = Meter::new(&server, options.time);
    while !meter.is_over() {
        sink.send(&requests)?;
        for _ in 0..pipelined {
            sink.bulk(BEGINNING)?;
        }
        meter.add(pipelined as u64)?;
    }
    sink.finish()?;
    meter.figures()
}
