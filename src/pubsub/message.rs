//! The frames of pub/sub: messages to subscribers and the confirmations of (un)subscribing.
//!
//! A RESP2 frame and its RESP3 twin differ in one byte, the first: `*` or `>`. A frame is therefore
//! encoded once, as RESP2, and the outbox that copies it sets that byte. A body longer than
//! [`SHARED_BODY`] is not copied but shared: one allocation, whatever the number of subscribers and
//! however long they let it lie.

use bytes::{BufMut, Bytes, BytesMut};

use crate::resp::Protocol;
use crate::resp::reply::{put_bulk, put_integer, put_null};

/// Bodies longer than this many bytes are shared between outboxes instead of copied into each.
/// Below it a copy is cheaper than a second slice in the socket write.
pub const SHARED_BODY: usize = 1024;

/// The three namespaces of subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SUBSCRIBE, PUBLISH.
    Channel,
    /// PSUBSCRIBE.
    Pattern,
    /// SSUBSCRIBE, SPUBLISH.
    Shard,
}

impl Kind {
    /// All of them, in the order in which a client's sets are kept.
    pub const ALL: [Kind; 3] = [Kind::Channel, Kind::Pattern, Kind::Shard];

    fn subscribed(self) -> &'static [u8] {
        match self {
            Kind::Channel => b"$9\r\nsubscribe\r\n",
            Kind::Pattern => b"$10\r\npsubscribe\r\n",
            Kind::Shard => b"$10\r\nssubscribe\r\n",
        }
    }

    fn unsubscribed(self) -> &'static [u8] {
        match self {
            Kind::Channel => b"$11\r\nunsubscribe\r\n",
            Kind::Pattern => b"$12\r\npunsubscribe\r\n",
            Kind::Shard => b"$12\r\nsunsubscribe\r\n",
        }
    }
}

/// One message on its way to many outboxes, encoded at most once for each name it goes by (its
/// channel, and each pattern that matches it). The buffers are reused from message to message.
#[derive(Debug, Default)]
pub struct MessageEncoder {
    head: BytesMut,
    /// The shared body with its line break, made when the first subscriber needs it.
    body: Option<Bytes>,
}

/// An encoded push frame: what an outbox appends.
#[derive(Clone, Copy, Debug)]
pub struct PushFrame<'a> {
    /// The frame, or all of it before a shared body. Starts with RESP2's `*`.
    pub head: &'a [u8],
    /// The rest of the frame, when it is shared.
    pub body: Option<&'a Bytes>,
}

impl PushFrame<'_> {
    /// The frame's size in bytes.
    pub fn len(&self) -> usize {
        self.head.len() + self.body.map_or(0, Bytes::len)
    }
}

impl MessageEncoder {
    /// Forgets the body of the message before.
    pub fn begin(&mut self) {
        self.body = None;
    }

    /// `message` or `smessage`: what subscribers of the channel itself get.
    pub fn message(&mut self, kind: Kind, channel: &[u8], payload: &[u8]) -> PushFrame<'_> {
        self.head.clear();
        self.head.put_slice(match kind {
            Kind::Shard => b"*3\r\n$8\r\nsmessage\r\n",
            Kind::Channel | Kind::Pattern => b"*3\r\n$7\r\nmessage\r\n",
        });
        put_bulk(&mut self.head, channel);
        self.finish(payload)
    }

    /// `pmessage`: what subscribers of a matching pattern get.
    pub fn pattern_message(
        &mut self,
        pattern: &[u8],
        channel: &[u8],
        payload: &[u8],
    ) -> PushFrame<'_> {
        self.head.clear();
        self.head.put_slice(b"*4\r\n$8\r\npmessage\r\n");
        put_bulk(&mut self.head, pattern);
        put_bulk(&mut self.head, channel);
        self.finish(payload)
    }

    fn finish(&mut self, payload: &[u8]) -> PushFrame<'_> {
        if payload.len() <= SHARED_BODY {
            put_bulk(&mut self.head, payload);
        } else {
            put_integer(&mut self.head, b'$', payload.len() as i64);
            self.body.get_or_insert_with(|| {
                let mut body = Vec::with_capacity(payload.len() + 2);
                body.extend_from_slice(payload);
                body.extend_from_slice(b"\r\n");
                body.into()
            });
        }
        PushFrame {
            head: &self.head,
            body: self.body.as_ref(),
        }
    }
}

/// What (un)subscribing did, for the confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Subscribed, or subscribed already.
    Subscribed,
    /// Unsubscribed, or not subscribed anyway.
    Unsubscribed,
}

/// Appends a confirmation: what changed, the name (`None`: there was nothing to unsubscribe from)
/// and the count as Redis counts for this kind.
pub fn put_confirmation(
    out: &mut BytesMut,
    protocol: Protocol,
    kind: Kind,
    change: Change,
    name: Option<&[u8]>,
    count: usize,
) {
    out.put_u8(protocol.push_marker());
    out.put_slice(b"3\r\n");
    out.put_slice(match change {
        Change::Subscribed => kind.subscribed(),
        Change::Unsubscribed => kind.unsubscribed(),
    });
    match name {
        Some(name) => put_bulk(out, name),
        None => put_null(out, protocol),
    }
    put_integer(out, b':', count as i64);
}
