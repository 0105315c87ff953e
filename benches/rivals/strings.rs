//! Strings: SET and GET by turns, of keys that are there.

use anyhow::Result;

use crate::collections::{BATCH, WORKERS};
use crate::load::{Load, Options, Target};
use crate::pipeline::{Batch, Pipeline};
use crate::results::Figure;
use crate::rival::{Rival, Server};
use crate::stream;
use crate::transport::Transport;
use crate::wire;

/// Keys of each connection.
const KEYS: usize = 1_024;
/// Bytes of a value.
const VALUE: usize = 64;

/// The one load.
pub fn loads() -> Vec<Load> {
    vec![set_get(Transport::Tcp)]
}

/// The load, by a transport.
pub fn set_get(transport: Transport) -> Load {
    let batches = format!("{WORKERS} connections, {BATCH} SET and {BATCH} GET by turns");
    let (id, title) = match transport {
        Transport::Tcp => ("strings/set-get".to_owned(), batches),
        _ => {
            let way = transport.name();
            let id = format!("ways/{}/set-get", way.to_lowercase());
            (id, format!("{way}: {batches}"))
        }
    };
    Load {
        targets: vec![Target::rate(1.0)],
        ..Load::new(
            id,
            "Strings",
            title,
            "operation",
            Box::new(move |rival, options| measure(transport, rival, options)),
        )
    }
}

/// A server that is not reached by this transport has no figures.
fn measure(transport: Transport, rival: &Rival, options: Options) -> Result<Vec<Figure>> {
    if !rival.has(transport) {
        return Ok(Vec::new());
    }
    let server = Server::start_by(rival, transport)?;
    let mut pipeline = Pipeline::new(BATCH as u64);
    for worker in 0..WORKERS {
        let mut batches = Vec::new();
        for first in (0..KEYS).step_by(BATCH) {
            let (mut set, mut get) = (Batch::default(), Batch::default());
            for number in first..first + BATCH {
                let key = format!("key:{worker}:{number}");
                let value = stream::payload(0, number, VALUE);
                set.requests
                    .extend(wire::request(&[b"SET", key.as_bytes(), &value]));
                set.replies.extend(b"+OK\r\n");
                get.requests
                    .extend(wire::request(&[b"GET", key.as_bytes()]));
                wire::bulk(&mut get.replies, &value);
            }
            batches.extend([set, get]);
        }
        pipeline.speaker(server.connect()?, batches);
    }
    pipeline.run(&server, options.time)
}
