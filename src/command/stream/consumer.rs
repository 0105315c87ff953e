//! Consumers as reading and claiming see them: they are seen, and created if need be.
//!
//! Layer `command`. It may use `state` and what lies below.

use crate::config::EventClass;
use crate::store::database::Millis;
use crate::store::keys::Keys;
use crate::store::stream::{ConsumerId, Group};

/// The consumer with a name, which is seen now and is created if need be. Returns whether it was.
pub(super) fn seen_consumer(group: &mut Group, name: &[u8], now: Millis) -> (ConsumerId, bool) {
    if let Some(consumer) = group.find_consumer(name) {
        group.consumer_mut(consumer).seen_at = now;
        return (consumer, false);
    }
    let created = group.create_consumer(name, now);
    (created.expect("a group without this consumer"), true)
}

/// Notifies of a consumer that a reading command has created.
pub(super) fn notify_of_consumer(keys: &mut Keys<'_>, key: &[u8]) {
    keys.notify(EventClass::Stream, "xgroup-createconsumer", key);
}
