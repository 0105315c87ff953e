//! The frames of pub/sub: messages, and confirmations of subscribing and unsubscribing.
//!
//! Layer `pubsub`. It may use `client` and what lies below.
//!
//! A RESP2 frame and the same frame in RESP3 differ in their first byte only: `*` or `>`. A message
//! is therefore encoded once, as RESP2, and the outbox that copies it sets that byte. A body longer
//! than [`SHARED_BODY`] is shared instead of copied: it is one allocation for all subscribers,
//! however long they take to read it.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};

use crate::client::Namespace;
use crate::client::frames::{Frames, SHARED_BODY};
use crate::resp::Protocol;
use crate::resp::encode::{put_bulk, put_integer, put_null};
use crate::resp::large::LargeBulk;
use crate::resp::request::Args;

/// The length in bytes at which a run ends. Each subscriber's outbox copies a run as a whole.
const MAX_RUN: usize = 16 * 1024;

/// Buffers that have grown beyond this many bytes are freed.
const KEPT: usize = 256 * 1024;

/// What a message says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'a> {
    /// To be copied.
    Bytes(&'a [u8]),
    /// To be shared as it was received.
    Large(&'a LargeBulk),
}

impl<'a> Payload<'a> {
    /// The argument at `index`.
    pub(crate) fn of(args: &Args<'a>, index: usize) -> Payload<'a> {
        match args.large(index) {
            Some(bulk) => Payload::Large(bulk),
            None => Payload::Bytes(args.get(index).unwrap_or_default()),
        }
    }
}

impl<'a> From<&'a [u8]> for Payload<'a> {
    fn from(bytes: &'a [u8]) -> Payload<'a> {
        Payload::Bytes(bytes)
    }
}

/// A run of consecutive messages to one channel, encoded once for all subscribers. A publisher's
/// batch is mostly such a run, and each outbox then appends it as a whole.
///
/// A message with a body longer than [`SHARED_BODY`] is a run of its own. The buffers are reused.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    namespace: Namespace,
    channel: Vec<u8>,
    /// The frames for subscribers of the channel itself, one after the other.
    frames: BytesMut,
    /// Where each frame begins.
    starts: Vec<u32>,
    /// Where each frame's payload is, if it is not shared.
    payloads: Vec<Range<usize>>,
    /// The shared body, line break included.
    body: Option<Bytes>,
}

impl Messages {
    /// Whether there are no messages.
    pub(crate) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The number of messages.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The channel's namespace.
    pub(crate) fn namespace(&self) -> Namespace {
        self.namespace
    }

    /// The channel.
    pub(crate) fn channel(&self) -> &[u8] {
        &self.channel
    }

    /// The payloads, in order.
    pub(crate) fn payloads(&self) -> impl Iterator<Item = &[u8]> {
        let body = self.body.iter().map(|body| &body[..body.len() - 2]);
        let places = self.payloads.iter();
        body.chain(places.map(|place| &self.frames[place.clone()]))
    }

    /// The bytes of all payloads.
    pub(super) fn payload_bytes(&self) -> usize {
        let body = self.body.as_ref().map_or(0, |body| body.len() - 2);
        let copied: usize = self
            .payloads
            .iter()
            .map(|place| place.end - place.start)
            .sum();
        body + copied
    }

    /// Removes all messages.
    pub(crate) fn clear(&mut self) {
        self.starts.clear();
        self.payloads.clear();
        self.body = None;
        self.frames.clear();
        if self.frames.capacity().max(self.channel.capacity()) > KEPT {
            // A very long payload or channel name has made them large.
            *self = Messages::default();
        }
    }

    /// Whether a message can be added to the run.
    pub(crate) fn can_add(&self, namespace: Namespace, channel: &[u8], payload: &[u8]) -> bool {
        self.body.is_none()
            && payload.len() <= SHARED_BODY
            && self.frames.len() < MAX_RUN
            && namespace == self.namespace
            && channel == self.channel
    }

    /// Adds a message. The run must be empty, or [`can_add`](Self::can_add) must have returned
    /// true.
    pub(crate) fn add(&mut self, namespace: Namespace, channel: &[u8], payload: Payload<'_>) {
        if self.is_empty() {
            self.namespace = namespace;
            self.channel.clear();
            self.channel.extend_from_slice(channel);
        }
        self.starts.push(self.frames.len() as u32);
        self.frames.put_slice(match namespace {
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

    /// The frames of all messages, for subscribers of the channel itself.
    pub(crate) fn all(&self) -> Frames<'_> {
        Frames {
            bytes: &self.frames,
            starts: &self.starts,
            body: self.body.as_ref(),
        }
    }

    /// The frame of one message (`message` or `smessage`), for subscribers of the channel itself.
    pub(crate) fn one(&self, index: usize) -> Frames<'_> {
        Frames {
            bytes: self.all().head(index),
            starts: &[0],
            body: self.body.as_ref(),
        }
    }

    /// The frame of one message (`pmessage`) for subscribers of a matching pattern, encoded into
    /// `frame`.
    pub(crate) fn for_pattern<'a>(
        &'a self,
        index: usize,
        pattern: &[u8],
        frame: &'a mut BytesMut,
    ) -> Frames<'a> {
        frame.clear();
        // A frame of the other kind, the pattern, and the header and line break around it.
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

/// What a confirmation confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubscriptionChange {
    /// The client is now subscribed, or was already.
    Subscribed,
    /// The client is no longer subscribed, or was not before.
    Unsubscribed,
}

/// Appends a confirmation: what changed, the name (`None`: there was nothing to unsubscribe from),
/// and the client's remaining subscriptions as Redis counts them for this namespace.
pub(crate) fn put_confirmation(
    out: &mut BytesMut,
    protocol: Protocol,
    namespace: Namespace,
    change: SubscriptionChange,
    name: Option<&[u8]>,
    count: usize,
) {
    out.put_u8(protocol.push_marker());
    out.put_slice(b"3\r\n");
    out.put_slice(match change {
        SubscriptionChange::Subscribed => subscribed_word(namespace),
        SubscriptionChange::Unsubscribed => unsubscribed_word(namespace),
    });
    match name {
        Some(name) => put_bulk(out, name),
        None => put_null(out, protocol),
    }
    put_integer(out, b':', count as i64);
}

fn subscribed_word(namespace: Namespace) -> &'static [u8] {
    match namespace {
        Namespace::Channel => b"$9\r\nsubscribe\r\n",
        Namespace::Pattern => b"$10\r\npsubscribe\r\n",
        Namespace::Shard => b"$10\r\nssubscribe\r\n",
    }
}

fn unsubscribed_word(namespace: Namespace) -> &'static [u8] {
    match namespace {
        Namespace::Channel => b"$11\r\nunsubscribe\r\n",
        Namespace::Pattern => b"$12\r\npunsubscribe\r\n",
        Namespace::Shard => b"$12\r\nsunsubscribe\r\n",
    }
}
