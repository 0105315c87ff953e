//! The view of what streams tell: times are hidden, and what Redis 7.2 added is left out.

use super::frame::Frame;

/// Numbers behind these names depend on the clock, or on Redis's radix tree.
const HIDDEN: [&[u8]; 3] = [b"idle", b"seen-time", b"radix-tree-nodes"];
/// Redis 7.0 does not tell these.
const NEWER: [&[u8]; 2] = [b"inactive", b"active-time"];

/// Hides the times in XINFO's and XPENDING's replies.
pub fn streams(frame: &mut Frame) {
    let Frame::Aggregate { items, .. } = frame else {
        return;
    };
    let is_newer = |item: &Frame| item.string().is_some_and(|name| NEWER.contains(&name));
    while let Some(place) = items.iter().position(is_newer) {
        items.drain(place..place + 2);
    }
    for index in 1..items.len() {
        let name = items[index - 1].string();
        if name.is_some_and(|name| HIDDEN.contains(&name)) {
            hide(&mut items[index]);
        }
    }
    // A pending entry: its id, mostly its consumer, the time, and the number of deliveries.
    if let [
        Frame::Blob { .. },
        Frame::Blob { .. },
        time,
        Frame::Line { tag: b':', .. },
    ]
    | [Frame::Blob { .. }, time, Frame::Line { tag: b':', .. }] = items.as_mut_slice()
    {
        hide(time);
    }
    items.iter_mut().for_each(streams);
}

fn hide(frame: &mut Frame) {
    if let Frame::Line { tag: b':', text } = frame {
        *text = b"N".to_vec();
    }
}
