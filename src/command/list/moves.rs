//! Pops from lists, and moves between them, with their notifications. The blocking commands share
//! them with the others.
//!
//! Layer `command`. It may use `state` and what lies below.

use crate::command::blocking::PopEnd;
use crate::config::EventClass;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::{Keys, SlotId};
use crate::store::list::{End, List};

impl PopEnd for End {
    type Value = List;

    /// `LEFT` or `RIGHT`.
    fn parse(word: &[u8]) -> Option<End> {
        match word {
            word if word.eq_ignore_ascii_case(b"left") => Some(End::Head),
            word if word.eq_ignore_ascii_case(b"right") => Some(End::Tail),
            _ => None,
        }
    }

    fn put_one(self, out: &mut ReplyWriter<'_>, key: &[u8], list: &List) {
        out.array(2);
        out.bulk(key);
        out.bulk(list.peek(self).unwrap_or_default());
    }

    fn put_some(self, out: &mut ReplyWriter<'_>, list: &List, count: usize) {
        let count = count.min(list.len());
        out.array(count);
        match self {
            End::Head => list
                .iter()
                .take(count)
                .for_each(|element| out.bulk(element)),
            End::Tail => list
                .iter()
                .rev()
                .take(count)
                .for_each(|element| out.bulk(element)),
        }
    }

    fn remove(self, keys: &mut Keys<'_>, slot: SlotId, key: &[u8], count: usize) {
        keys.change(slot, |list: &mut List| {
            for _ in 0..count.min(list.len()) {
                list.pop(self);
            }
        });
        keys.notify(EventClass::List, pop_event(self), key);
        keys.changed(key);
        keys.drop_if_empty(slot);
    }
}

/// Moves an element of the list at `slot` to the list `destination`, which may be the same list. It
/// is created if it does not exist. The push is notified before the pop, as in Redis.
pub(in crate::command) fn move_element(
    keys: &mut Keys<'_>,
    slot: SlotId,
    key: &[u8],
    from: End,
    destination: &[u8],
    to: End,
) {
    let element = keys.change(slot, |list: &mut List| {
        let element = list.peek(from).map(<[u8]>::to_vec);
        list.pop(from);
        element
    });
    let target = match keys.lookup_write(destination) {
        Some(target) => target,
        None => keys.add(destination, List::default()),
    };
    keys.change(target, |list: &mut List| {
        list.push(to, &element.unwrap_or_default())
    });
    keys.changed(destination);
    keys.notify(EventClass::List, push_event(to), destination);
    keys.notify(EventClass::List, pop_event(from), key);
    keys.changed(key);
    keys.drop_if_empty(slot);
}

/// The notification of a push to this end.
pub(super) fn push_event(end: End) -> &'static str {
    match end {
        End::Head => "lpush",
        End::Tail => "rpush",
    }
}

/// The notification of a pop from this end.
fn pop_event(end: End) -> &'static str {
    match end {
        End::Head => "lpop",
        End::Tail => "rpop",
    }
}
