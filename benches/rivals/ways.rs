//! Fan-out and commands by other ways than TCP and RESP2: under TLS, through a Unix socket, and with
//! subscribers that speak RESP3. What the way itself costs is the ratio to the same load without it,
//! in the sections of fan-out and of strings.

use crate::audience::{Plan, Protocol};
use crate::fanout;
use crate::load::{Load, Target};
use crate::strings;
use crate::transport::Transport;

const GROUP: &str = "TLS, Unix sockets and RESP3";
/// As in the fan-out by TCP: bytes of a payload, and messages in a write.
const PAYLOAD: usize = 64;
const PIPELINE: u64 = 16;

/// Fan-out by every way, and SET and GET by those that differ for them.
pub fn loads() -> Vec<Load> {
    let mut loads = Vec::new();
    for (transport, protocol) in [
        (Transport::Tls, Protocol::Resp2),
        (Transport::Unix, Protocol::Resp2),
        (Transport::Tcp, Protocol::Resp3),
    ] {
        for subscribers in [1, 100] {
            loads.push(fan_out(subscribers, transport, protocol));
        }
    }
    loads.extend([Transport::Tls, Transport::Unix].map(|transport| Load {
        group: GROUP,
        ..strings::set_get(transport)
    }));
    loads
}

fn fan_out(subscribers: usize, transport: Transport, protocol: Protocol) -> Load {
    let way = match protocol {
        Protocol::Resp2 => transport.name(),
        Protocol::Resp3 => "RESP3",
    };
    let plan = Plan {
        transport,
        protocol,
        ..fanout::plan(subscribers, PAYLOAD, PIPELINE)
    };
    let readers = if subscribers == 1 {
        "subscriber"
    } else {
        "subscribers"
    };
    Load {
        targets: vec![Target::rate(1.0)],
        ..Load::new(
            format!("ways/{}/fanout-s{subscribers}", way.to_lowercase()),
            GROUP,
            format!("{way}: {subscribers} {readers}, {PAYLOAD} B, {PIPELINE} pipelined"),
            "delivery",
            Box::new(move |rival, options| fanout::measure(plan, rival, options)),
        )
    }
}
