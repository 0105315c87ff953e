//! PUBLISH to a channel that nobody has subscribed to: what is left when there is no delivery.

use anyhow::Result;

use crate::load::{Load, Options};
use crate::pipeline::{Batch, Pipeline};
use crate::results::Figure;
use crate::rival::{Rival, Server};
use crate::stream;
use crate::wire;

/// Connections that publish.
const PUBLISHERS: usize = 16;
/// Bytes of a payload.
const PAYLOAD: usize = 64;

/// Every length of the pipeline.
pub fn loads() -> Vec<Load> {
    [1, 16, 128].map(load).into()
}

fn load(pipelined: usize) -> Load {
    Load::new(
        format!("nobody/p{pipelined}"),
        "PUBLISH without subscribers",
        format!("{PUBLISHERS} publishers, {PAYLOAD} B, {pipelined} pipelined"),
        "publish",
        Box::new(move |rival, options| measure(pipelined, rival, options)),
    )
}

fn measure(pipelined: usize, rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    let server = Server::start(rival)?;
    let mut pipeline = Pipeline::new(pipelined as u64);
    let payload = stream::payload(0, 0, PAYLOAD);
    for publisher in 0..PUBLISHERS {
        let channel = format!("channel:{publisher}");
        let request = wire::request(&[b"PUBLISH", channel.as_bytes(), &payload]);
        let batch = Batch {
            requests: request.repeat(pipelined),
            replies: b":0\r\n".repeat(pipelined),
            heard: Vec::new(),
        };
        pipeline.speaker(wire::connect(server.addr())?, vec![batch]);
    }
    pipeline.run(&server, options.time)
}
