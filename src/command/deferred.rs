//! What a script publishes: it is sent after the script, together with its events, in the order in which
//! both came about.
//!
//! Layer `command`. So the script's messages stand behind its reply and next to each other, without
//! the channel-order locks being held while it runs: a script may run for long, and others publish
//! meanwhile. PUBLISH tells the script how many would receive the message at that moment.

use super::Context;
use crate::client::Namespace;
use crate::resp::reply::Reply;
use crate::store::events;

/// A script that has published so many bytes has them sent before its end.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The messages of a script that are not sent yet.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    messages: Vec<Message>,
    bytes: usize,
}

impl Deferred {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

#[derive(Debug)]
struct Message {
    /// How many events of the keyspace came about before it.
    after_events: usize,
    namespace: Namespace,
    channel: Box<[u8]>,
    payload: Box<[u8]>,
}

/// Carries out a script's PUBLISH.
pub(super) fn defer(
    context: &mut Context<'_>,
    namespace: Namespace,
    channel: &[u8],
    payload: &[u8],
) -> Reply {
    let receivers = context.server.registry.receivers_in(namespace, channel);
    let message = Message {
        after_events: context.keyspace().event_count(),
        namespace,
        channel: channel.into(),
        payload: payload.into(),
    };
    context.deferred.bytes += size_of::<Message>() + channel.len() + payload.len();
    context.deferred.messages.push(message);
    if context.deferred.bytes > MOST_BYTES {
        // One that may be its own subscriber gets the replies of earlier commands first.
        context.settle_replies();
        send(context);
    }
    Reply::Integer(receivers as i64)
}

/// Publishes what a script has published so far, and what has happened to keys.
pub(super) fn send(context: &mut Context<'_>) {
    let deferred = std::mem::take(&mut context.deferred);
    let happened = context.keyspace().take_events();
    let (server, fanout) = (context.server, &mut *context.fanout);
    let own;
    let order = if context.execution.channel_order().are_held() {
        context.execution.channel_order()
    } else {
        // Nobody's message comes in between.
        own = server.registry.hold_order();
        &own
    };
    let classes = context.config.notify_keyspace_events;
    fanout.set_time(context.batch_stats.lap_began());
    let counts = &mut context.batch_stats.messages;
    let registry = &server.registry;
    let mut told = 0;
    for message in &deferred.messages {
        let events = &happened[told..message.after_events];
        events::publish(events, classes, registry, order, fanout, counts);
        told = message.after_events;
        let payload = (&*message.payload).into();
        let (namespace, channel) = (message.namespace, &message.channel);
        let receivers = registry.publish(namespace, channel, payload, order, fanout);
        counts.add(namespace.into(), receivers);
    }
    events::publish(&happened[told..], classes, registry, order, fanout, counts);
}
