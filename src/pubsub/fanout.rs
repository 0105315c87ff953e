//! The work list of one read batch: messages are appended to outboxes at once, the sockets are
//! written at the end of the batch.
//!
//! A subscriber is touched once a batch, however many messages the batch brought it, and then gets
//! them in one write. A publisher that is among its own receivers has its outbox hold messages
//! until its reply is there (see `command::pubsub::publish`): Redis sends the reply first.

use std::sync::Arc;

use bytes::BytesMut;

use super::message::{Kind, MessageEncoder, PushFrame};
use crate::config::OutputLimits;
use crate::conn::client::Client;

/// See the module.
#[derive(Debug, Default)]
pub struct Fanout {
    encoder: MessageEncoder,
    targets: Targets,
}

/// Where messages went.
#[derive(Debug, Default)]
struct Targets {
    /// Who is to be flushed, each once.
    touched: Vec<Arc<Client>>,
    /// Frames appended since the batch began.
    deliveries: usize,
    limits: OutputLimits,
}

impl Fanout {
    /// Prepares for a batch.
    pub fn begin_batch(&mut self, limits: OutputLimits) {
        self.targets.limits = limits;
        self.targets.deliveries = 0;
    }

    /// Forgets the message before.
    pub fn begin_message(&mut self) {
        self.encoder.begin();
    }

    /// Appends a message to the outboxes of a channel's subscribers.
    pub fn message<'a>(
        &mut self,
        kind: Kind,
        channel: &[u8],
        payload: &[u8],
        subscribers: impl Iterator<Item = &'a Arc<Client>>,
    ) {
        let frame = self.encoder.message(kind, channel, payload);
        self.targets.deliver(frame, subscribers);
    }

    /// Appends a message to the outboxes of a matching pattern's subscribers.
    pub fn pattern_message<'a>(
        &mut self,
        pattern: &[u8],
        channel: &[u8],
        payload: &[u8],
        subscribers: impl Iterator<Item = &'a Arc<Client>>,
    ) {
        let frame = self.encoder.pattern_message(pattern, channel, payload);
        self.targets.deliver(frame, subscribers);
    }

    /// Appends the reply to a command of another client, one that was blocked. Returns whether its
    /// outbox has taken it.
    pub fn reply(&mut self, client: &Arc<Client>, mut reply: BytesMut) -> bool {
        let append = client.outbox.send(&mut reply, &self.targets.limits);
        if append.wants_flush() {
            self.targets.touched.push(Arc::clone(client));
        }
        append.was_taken()
    }

    /// How many frames were appended since the batch began.
    pub fn deliveries(&self) -> usize {
        self.targets.deliveries
    }

    /// The limits of outboxes, as they were when the batch began.
    pub fn limits(&self) -> &OutputLimits {
        &self.targets.limits
    }

    /// Hands over one of those who are to be flushed.
    pub fn next_touched(&mut self) -> Option<Arc<Client>> {
        self.targets.touched.pop()
    }
}

impl Targets {
    fn deliver<'a>(
        &mut self,
        frame: PushFrame<'_>,
        subscribers: impl Iterator<Item = &'a Arc<Client>>,
    ) {
        for client in subscribers {
            self.deliveries += 1;
            if client.outbox.push(frame, &self.limits).wants_flush() {
                self.touched.push(Arc::clone(client));
            }
        }
    }
}

/// An announced outbox that nobody flushed would wait for its subscriber's own task, and later
/// publishers with it. So a work list that is dropped half-way (a panic, a runtime that ends) is
/// worked off.
impl Drop for Targets {
    fn drop(&mut self) {
        for client in self.touched.drain(..) {
            // A dead client's own task, which this wakes, disconnects it.
            let _ = client.flush(&mut 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::conn::client::Addresses;
    use crate::conn::socket::split_unix;

    #[tokio::test]
    async fn a_dropped_work_list_is_worked_off() {
        let (ours, mut peer) = tokio::net::UnixStream::pair().unwrap();
        let (_read, socket) = split_unix(ours);
        std::future::poll_fn(|context| socket.poll_write_ready(context))
            .await
            .unwrap();
        let subscriber = Arc::new(Client::new(7, Addresses::Unix(Arc::default()), socket));

        let mut fanout = Fanout::default();
        fanout.begin_batch(OutputLimits::default());
        fanout.begin_message();
        fanout.message(Kind::Channel, b"c", b"one", std::iter::once(&subscriber));
        drop(fanout);

        let expected = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\none\r\n";
        let mut received = vec![0; expected.len()];
        peer.read_exact(&mut received).await.unwrap();
        assert_eq!(received, expected);
    }
}
