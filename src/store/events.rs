//! Keyspace notifications: what happens to keys, as messages (`notify-keyspace-events`).
//!
//! A command notes what happens in order; the messages go out through the same fan-out as any
//! PUBLISH, after the command's reply and before the keyspace's lock is let go, so that their order
//! is the order in which it happened.

use crate::client::Namespace;
use crate::config::{EventClass, EventClasses};
use crate::pubsub::fanout::Fanout;
use crate::pubsub::registry::{ChannelOrder, Registry};

/// Something that happened to a key.
#[derive(Debug)]
pub(crate) struct Event {
    /// The database.
    pub db: u32,
    /// `lpush`, `expired`, …
    pub name: &'static str,
    /// The key.
    pub key: Box<[u8]>,
}

/// Publishes events to the channels that `classes` asks for: under the key's name what happened to
/// it (`__keyspace@0__:key` ← `lpush`), under the event's name the key (`__keyevent@0__:lpush` ←
/// `key`). Returns how many messages there were, and to how many receivers.
pub(crate) fn publish(
    events: &[Event],
    classes: EventClasses,
    registry: &Registry,
    order: &ChannelOrder<'_>,
    fanout: &mut Fanout,
) -> (u64, u64) {
    let (mut messages, mut receivers) = (0, 0);
    let mut send = |channel: &[u8], payload: &[u8]| {
        messages += 1;
        let payload = payload.into();
        receivers += registry.publish(Namespace::Channel, channel, payload, order, fanout) as u64;
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
    (messages, receivers)
}
