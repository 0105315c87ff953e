//! A closed loop of requests whose replies are known in advance: each speaker sends a batch when it
//! has all replies to the last one. A listener may hear of each batch on a connection of its own.
//!
//! ```text
//!  speaker 0 ─ batch ─▶ server ─ replies ─▶ compared ─▶ its next batch
//!  speaker 1 ─ ...        │
//!                         └───── messages ─▶ compared ─▶ how far the listener is
//! ```
//!
//! Invariants:
//! - Speakers and the listener count in batches: part n of what is expected belongs to batch n.
//! - The listener hears one speaker, which gets at most [`LEAD`] batches ahead of it; so with more
//!   batches than that, none can be lost or repeated unseen.
//! - At the end everything that was sent has been answered and heard.

use std::mem;
use std::time::Duration;

use anyhow::Result;

use crate::expected::Expected;
use crate::link::Link;
use crate::meter::Meter;
use crate::net::{Net, Peer};
use crate::results::Figure;
use crate::rival::Server;

/// How many batches a speaker may be ahead of its listener.
const LEAD: u64 = 4;

/// Requests that are sent at once, and what must come of them.
#[derive(Default)]
pub struct Batch {
    /// What is sent.
    pub requests: Vec<u8>,
    /// What the speaker gets.
    pub replies: Vec<u8>,
    /// What the listener gets, if there is one.
    pub heard: Vec<u8>,
}

/// What the connections do, and with whom.
pub struct Pipeline {
    speakers: Vec<Speaker>,
    links: Vec<Link>,
    listener: Option<Expected>,
    units: u64,
}

struct Speaker {
    requests: Vec<Vec<u8>>,
    replies: Expected,
    sent: u64,
}

impl Pipeline {
    /// Without connections yet; a batch counts for so many units of work.
    pub fn new(units: u64) -> Pipeline {
        Pipeline {
            speakers: Vec::new(),
            links: Vec::new(),
            listener: None,
            units,
        }
    }

    /// Adds a connection that sends these batches over and over.
    pub fn speaker(&mut self, link: impl Into<Link>, batches: Vec<Batch>) {
        let (requests, replies) = batches
            .into_iter()
            .map(|batch| (batch.requests, batch.replies))
            .unzip::<_, _, _, Vec<_>>();
        self.speakers.push(Speaker {
            requests,
            replies: Expected::new(replies.into()),
            sent: 0,
        });
        self.links.push(link.into());
    }

    /// Adds the one speaker, and the connection that hears of it.
    pub fn speaker_and_listener(
        &mut self,
        speaker: impl Into<Link>,
        listener: impl Into<Link>,
        mut batches: Vec<Batch>,
    ) {
        let heard = batches
            .iter_mut()
            .map(|batch| mem::take(&mut batch.heard))
            .collect();
        self.listener = Some(Expected::new(heard));
        self.speaker(speaker, batches);
        self.links.push(listener.into());
    }

    /// Drives the server, and measures it for so long.
    pub fn run(self, server: &Server, time: Duration) -> Result<Vec<Figure>> {
        let Pipeline {
            mut speakers,
            links,
            mut listener,
            units,
        } = self;
        let mut net = Net::new(links)?;
        let mut meter = Meter::new(server, time);
        // Those that have all their replies.
        let mut idle: Vec<usize> = (0..speakers.len()).collect();
        loop {
            let heard = listener.as_ref().map(Expected::whole);
            let behind = |sent| heard.is_some_and(|heard| sent >= heard + LEAD);
            if !meter.is_over() {
                for number in mem::take(&mut idle) {
                    let speaker = &mut speakers[number];
                    if behind(speaker.sent) {
                        idle.push(number);
                    } else {
                        speaker.speak(net.peer(number))?;
                    }
                }
            } else if idle.len() == speakers.len()
                && heard.is_none_or(|heard| heard == speakers[0].sent)
            {
                return meter.figures();
            }
            net.turn(|peer, number, bytes| {
                let Some(speaker) = speakers.get_mut(number) else {
                    // Only the listener comes after the speakers.
                    if let Some(listener) = &mut listener {
                        listener.take(bytes)?;
                    }
                    return Ok(());
                };
                if speaker.replies.take(bytes)? == 0 {
                    return Ok(());
                }
                meter.add(units)?;
                if meter.is_over() || behind(speaker.sent) {
                    idle.push(number);
                    return Ok(());
                }
                speaker.speak(peer)
            })?;
        }
    }
}

impl Speaker {
    fn speak(&mut self, peer: &mut Peer) -> Result<()> {
        let batch = self.sent as usize % self.requests.len();
        self.sent += 1;
        peer.send(&self.requests[batch])
    }
}
