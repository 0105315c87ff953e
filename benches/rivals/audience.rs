//! The subscribers of a fan-out, each of whose bytes are checked, and how far the slowest is.
//!
//! Invariants: subscriber `n` is peer `n` of the [`Net`](crate::net::Net) that hands out what
//! arrives. A channel's subscribers are neighbours. A subscriber has at most the messages that
//! `sent` says, and at most [`Plan::window`] less.

use anyhow::{Context, Result, ensure};

use crate::link::Link;
use crate::rival::Server;
use crate::stream::{Place, Slowest, Stream};
use crate::transport::Transport;
use crate::wire;

/// Who publishes how much to whom.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Of all channels together; a multiple of `channels`.
    pub subscribers: usize,
    /// How many channels there are.
    pub channels: usize,
    /// Publishers of each channel.
    pub publishers: usize,
    /// Bytes of a payload.
    pub payload: usize,
    /// PUBLISH requests (or the floor's messages) of a write.
    pub pipeline: u64,
    /// How many messages of a channel may be on their way to its slowest subscriber.
    pub window: u64,
    /// How everybody reaches the server.
    pub transport: Transport,
    /// Which protocol subscribers speak.
    pub protocol: Protocol,
}

/// RESP2 has messages as arrays, RESP3 has pushes.
#[derive(Clone, Copy, Debug)]
pub enum Protocol {
    Resp2,
    Resp3,
}

/// See the module.
pub struct Audience {
    members: Vec<Member>,
    channels: Vec<Channel>,
    delivered: u64,
    protocol: Protocol,
}

struct Member {
    place: Place,
    channel: usize,
}

struct Channel {
    stream: Stream,
    slowest: Slowest,
    sent: u64,
}

impl Plan {
    /// Messages in a cycle: more than two windows, and whole writes.
    pub fn cycle(&self) -> usize {
        ((2 * self.window + 1).next_multiple_of(self.pipeline)) as usize
    }

    /// Subscribers of each channel.
    pub fn subscribers_each(&self) -> usize {
        self.subscribers / self.channels
    }
}

impl Protocol {
    fn message(self, channel: &[u8], payload: &[u8]) -> Vec<u8> {
        match self {
            Protocol::Resp2 => wire::message(channel, payload),
            Protocol::Resp3 => wire::push(channel, payload),
        }
    }
}

/// A channel's name. All are of one length.
pub fn name(channel: usize) -> Vec<u8> {
    format!("ch{channel}").into_bytes()
}

impl Audience {
    /// An audience whose connections are still to be made.
    pub fn new(plan: &Plan) -> Audience {
        let each = plan.subscribers_each();
        let member = |number| Member {
            place: Place::default(),
            channel: number / each,
        };
        let channel = |number| Channel {
            stream: Stream::new(
                |payload| plan.protocol.message(&name(number), payload),
                plan.publishers,
                plan.cycle(),
                plan.payload,
            ),
            slowest: Slowest::new(each, plan.window),
            sent: 0,
        };
        Audience {
            members: (0..plan.subscribers).map(member).collect(),
            channels: (0..plan.channels).map(channel).collect(),
            delivered: 0,
            protocol: plan.protocol,
        }
    }

    /// A subscribed connection for each member, in their order. The servers take turns.
    pub fn subscribe(&self, servers: &[Server]) -> Result<Vec<Link>> {
        let subscribe = |(member, server): (&Member, &Server)| {
            let channel = name(member.channel);
            let mut link = server.connect()?;
            let mut reply = wire::request(&[b"subscribe", &channel]);
            reply[..2].copy_from_slice(b"*3");
            if let Protocol::Resp3 = self.protocol {
                wire::hello_3(&mut link)?;
                reply[0] = b'>';
            }
            reply.extend_from_slice(b":1\r\n");
            let request = wire::request(&[b"SUBSCRIBE", &channel]);
            wire::exchange(&mut link, &request, &reply).context("SUBSCRIBE")?;
            Ok(link)
        };
        let members = self.members.iter().zip(servers.iter().cycle());
        members.map(subscribe).collect()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Takes what a member has received.
    pub fn received(&mut self, number: usize, bytes: &[u8]) -> Result<()> {
        let member = &mut self.members[number];
        let channel = &mut self.channels[member.channel];
        let before = member.place.messages;
        channel
            .stream
            .accept(&mut member.place, bytes)
            .with_context(|| format!("subscriber {number}"))?;
        let now = member.place.messages;
        if now != before {
            ensure!(
                now <= channel.sent,
                "subscriber {number} has {now} messages, of {} that were published",
                channel.sent
            );
            channel.slowest.advance(before, now);
            self.delivered += now - before;
        }
        Ok(())
    }

    /// More messages are on their way.
    pub fn sent(&mut self, channel: usize, messages: u64) {
        self.channels[channel].sent += messages;
    }

    /// How many messages of a channel are on their way to its slowest member.
    pub fn under_way(&self, channel: usize) -> u64 {
        let channel = &self.channels[channel];
        channel.sent - channel.slowest.least()
    }

    /// Whether everybody has everything.
    pub fn has_all(&self) -> bool {
        (0..self.channels.len()).all(|channel| self.under_way(channel) == 0)
    }

    /// Messages received, by all members together.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// That what was received is what was sent, with nothing after it.
    pub fn check_counts(&self) -> Result<()> {
        let owed = |channel: &Channel| channel.sent;
        for (number, member) in self.members.iter().enumerate() {
            let owed = owed(&self.channels[member.channel]);
            ensure!(
                member.place.messages == owed && member.place.is_between_messages(),
                "subscriber {number} has {} messages of {owed}",
                member.place.messages
            );
        }
        Ok(())
    }
}
