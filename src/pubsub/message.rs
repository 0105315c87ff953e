//! The frames of pub/sub: messages to subscribers and the confirmations of (un)subscribing.
//!
//! A RESP2 frame and its RESP3 twin differ in one byte, the first: `*` or `>`. A frame is therefore
//! encoded once, as RESP2, and the outbox that copies it sets that byte. A body longer than
//! [`SHARED_BODY`] is not copied but shared: one allocation, whatever the number of subscribers and
//! however long they let it lie.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};

use crate::client::Namespace;
use crate::client::frames::{Frames, SHARED_BODY};
use crate::resp::Protocol;
use crate::resp::large::LargeBulk;
use crate::resp::reply::{put_bulk, put_integer, put_null};

/// A run ends when it has become so many bytes long: each subscriber copies it as a whole.
const MAX_RUN: usize = 16 * 1024;

/// Buffers that have grown beyond so many bytes are not kept.
const KEPT: usize = 256 * 1024;

/// What a message says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'a> {
    /// To be copied.
    Bytes(&'a [u8]),
    /// To be shared as it was received.
    Large(&'a LargeBulk),
}

impl<'a> From<&'a [u8]> for Payload<'a> {
    fn from(bytes: &'a [u8]) -> Payload<'a> {
        Payload::Bytes(bytes)
    }
}

/// Messages that go to one channel in a row, encoded: once, however many there are to get them. A
/// publisher's batch is mostly such a run, and each subscriber then takes it as a whole.
///
/// A body longer than [`SHARED_BODY`] makes a run of its own. The buffers are reused.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    kind: Namespace,
    channel: Vec<u8>,
    /// The frames for subscribers of the channel itself, one behind the other.
    frames: BytesMut,
    /// Where each begins.
    starts: Vec<u32>,
    /// Where its payload is, if it is not shared.
    payloads: Vec<Range<usize>>,
    /// The shared body with its line break.
    body: Option<Bytes>,
}

impl Messages {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Which namespace they go to.
    pub(crate) fn kind(&self) -> Namespace {
        self.kind
    }

    /// The channel that they go to.
    pub(crate) fn channel(&self) -> &[u8] {
        &self.channel
    }

    /// What they say.
    pub(crate) fn payloads(&self) -> impl Iterator<Item = &[u8]> {
        let body = self.body.iter().map(|body| &body[..body.len() - 2]);
        let places = self.payloads.iter();
        body.chain(places.map(|place| &self.frames[place.clone()]))
    }

    /// Forgets them.
    pub(crate) fn clear(&mut self) {
        self.starts.clear();
        self.payloads.clear();
        self.body = None;
        self.frames.clear();
        if self.frames.capacity().max(self.channel.capacity()) > KEPT {
            // Somebody has published under a very long name.
            *self = Messages::default();
        }
    }

    /// Whether a message can join them.
    pub(crate) fn take_in(&self, kind: Namespace, channel: &[u8], payload: &[u8]) -> bool {
        self.body.is_none()
            && payload.len() <= SHARED_BODY
            && self.frames.len() < MAX_RUN
            && kind == self.kind
            && channel == self.channel
    }

    /// Adds a message: to none, or where [`take_in`](Self::take_in) has said that it can.
    pub(crate) fn add(&mut self, kind: Namespace, channel: &[u8], payload: Payload<'_>) {
        if self.is_empty() {
            self.kind = kind;
            self.channel.clear();
            self.channel.extend_from_slice(channel);
        }
        self.starts.push(self.frames.len() as u32);
        self.frames.put_slice(match kind {
            Namespace::Shard => b"*3\r\n$8\r\nsmessage\r\n",
            Namespace::Channel | Namespace::Pattern => b"*3\r\n$7\r\nmessage\r\n",
        });
        put_bulk(&mut self.frames, channel);
        let body: Bytes = match payload {
            Payload::Bytes(payload) if payload.len() <= SHARED_BODY => {
                put_bulk(&mut self.frames, payload);
                let end = self.frames.len() - b"\r\n".len();
                self.payloads.push(end - payload.len()..end);
                return;
            }
            Payload::Bytes(payload) => [payload, b"\r\n"].concat().into(),
            Payload::Large(payload) => payload.with_line_break(),
        };
        put_integer(&mut self.frames, b'$', (body.len() - b"\r\n".len()) as i64);
        self.body = Some(body);
    }

    /// What subscribers of the channel itself get: all messages.
    pub(crate) fn all(&self) -> Frames<'_> {
        Frames {
            bytes: &self.frames,
            starts: &self.starts,
            body: self.body.as_ref(),
        }
    }

    /// `message` or `smessage`: one of them.
    pub(crate) fn one(&self, index: usize) -> Frames<'_> {
        Frames {
            bytes: self.all().head(index),
            starts: &[0],
            body: self.body.as_ref(),
        }
    }

    /// `pmessage`: what subscribers of a matching pattern get of one of them, made in `frame`.
    pub(crate) fn for_pattern<'a>(
        &'a self,
        index: usize,
        pattern: &[u8],
        frame: &'a mut BytesMut,
    ) -> Frames<'a> {
        frame.clear();
        // The other kind of frame, the pattern, and what stands around it.
        frame.reserve(self.one(index).bytes.len() + pattern.len() + 32);
        frame.put_slice(b"*4\r\n$8\r\npmessage\r\n");
        put_bulk(frame, pattern);
        put_bulk(frame, &self.channel);
        match &self.body {
            None => put_bulk(frame, &self.frames[self.payloads[index].clone()]),
            Some(body) => put_integer(frame, b'$', (body.len() - b"\r\n".len()) as i64),
        }
        Frames {
            bytes: frame,
            starts: &[0],
            body: self.body.as_ref(),
        }
    }
}

/// What (un)subscribing did, for the confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Subscribed, or subscribed already.
    Subscribed,
    /// Unsubscribed, or not subscribed anyway.
    Unsubscribed,
}

/// Appends a confirmation: what changed, the name (`None`: there was nothing to unsubscribe from)
/// and the count as Redis counts for this kind.
pub(crate) fn put_confirmation(
    out: &mut BytesMut,
    protocol: Protocol,
    kind: Namespace,
    change: Change,
    name: Option<&[u8]>,
    count: usize,
) {
    out.put_u8(protocol.push_marker());
    out.put_slice(b"3\r\n");
    out.put_slice(match change {
        Change::Subscribed => subscribed(kind),
        Change::Unsubscribed => unsubscribed(kind),
    });
    match name {
        Some(name) => put_bulk(out, name),
        None => put_null(out, protocol),
    }
    put_integer(out, b':', count as i64);
}

fn subscribed(kind: Namespace) -> &'static [u8] {
    match kind {
        Namespace::Channel => b"$9\r\nsubscribe\r\n",
        Namespace::Pattern => b"$10\r\npsubscribe\r\n",
        Namespace::Shard => b"$10\r\nssubscribe\r\n",
    }
}

fn unsubscribed(kind: Namespace) -> &'static [u8] {
    match kind {
        Namespace::Channel => b"$11\r\nunsubscribe\r\n",
        Namespace::Pattern => b"$12\r\npunsubscribe\r\n",
        Namespace::Shard => b"$12\r\nsunsubscribe\r\n",
    }
}
