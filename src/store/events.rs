//! Keyspace notifications: messages about what happens to keys (`notify-keyspace-events`).
//!
//! Layer `store`. It may use `pubsub` and what lies below.
//!
//! A command records events in order. They are published like any PUBLISH, after the command's
//! reply and before the keyspace's lock is released. So subscribers get them in the order in which
//! they happened.

use crate::client::Namespace;
use crate::config::{EventClass, EventClasses};
use crate::pubsub::counts::{Kind, PublishCounts};
use crate::pubsub::fanout::Fanout;
use crate::pubsub::registry::{ChannelOrder, Registry};

/// An event of a key.
#[derive(Debug)]
pub(crate) struct Event {
    /// The database.
    pub db: u32,
    /// The name of the event: `lpush`, `expired`, …
    pub name: &'static str,
    /// The key.
    pub key: Box<[u8]>,
}

/// Publishes events to the channels that `classes` selects: the event to the channel of the key
/// (`__keyspace@0__:key` ← `lpush`), and the key to the channel of the event
/// (`__keyevent@0__:lpush` ← `key`). The messages are added to `counts`.
pub(crate) fn publish(
    events: &[Event],
    classes: EventClasses,
    registry: &Registry,
    order: &ChannelOrder<'_>,
    fanout: &mut Fanout,
    counts: &mut PublishCounts,
) {
    let mut send = |channel: &[u8], payload: &[u8]| {
        let payload = payload.into();
        let receivers = registry.publish(Namespace::Channel, channel, payload, order, fanout);
        counts.add(Kind::Notification, receivers);
    };
    for Event { db, name, key } in events {
        if classes.contains(EventClass::Keyspace) {
            let channel = [format!("__keyspace@{db}__:").as_bytes(), key].concat();
            send(&channel, name.as_bytes());
        }
        if classes.contains(EventClass::Keyevent) {
            send(format!("__keyevent@{db}__:{name}").as_bytes(), key);
        }
    }
}
