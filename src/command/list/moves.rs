//! Elements that leave a list, or go from one to another, with the events of that.
//!
//! Layer `command`. Shared by the commands that answer at once and those that wait.

use crate::config::EventClass;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::{Keys, SlotId};
use crate::store::list::{End, List};

/// Takes elements from one end of the list at a slot, at most `count`, with all that follows.
pub(in crate::command) fn take_elements(
    keys: &mut Keys<'_>,
    slot: SlotId,
    key: &[u8],
    from: End,
    count: usize,
) {
    keys.change(slot, |list: &mut List| {
        for _ in 0..count.min(list.len()) {
            list.pop(from);
        }
    });
    keys.notify(EventClass::List, pop_event(from), key);
    keys.changed(key);
    keys.drop_if_empty(slot);
}

/// Moves an element of the list at `slot` to the list `destination`, which may be the same, or
/// not there yet. Redis's order: the push is told of before the pop.
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

/// Writes an array of the first elements from one end, at most `count`.
pub(in crate::command) fn put_elements(
    out: &mut ReplyWriter<'_>,
    list: &List,
    from: End,
    count: usize,
) {
    let count = count.min(list.len());
    out.array(count);
    match from {
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

/// The name of a push to this end.
pub(super) fn push_event(end: End) -> &'static str {
    match end {
        End::Head => "lpush",
        End::Tail => "rpush",
    }
}

/// The name of a pop from this end.
pub(super) fn pop_event(end: End) -> &'static str {
    match end {
        End::Head => "lpop",
        End::Tail => "rpop",
    }
}
