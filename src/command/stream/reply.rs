//! Writes ids and entries, without copying them first.
//!
//! Layer `command`. It may use `state` and what lies below.

use crate::resp::writer::ReplyWriter;
use crate::store::stream::{Entry, StreamId};

/// The most bytes of an id: two numbers and the dash.
const LONGEST: usize = 41;

/// Writes an id as a bulk string.
pub(super) fn put_id(out: &mut ReplyWriter<'_>, id: StreamId) {
    let mut text = [0; LONGEST];
    let start = prepend(&mut text, LONGEST, id.seq);
    text[start - 1] = b'-';
    let start = prepend(&mut text, start - 1, id.ms);
    out.bulk(&text[start..]);
}

/// Writes the digits of a number so that they end before `end`. Returns where they begin.
fn prepend(text: &mut [u8], mut end: usize, mut number: u64) -> usize {
    loop {
        end -= 1;
        text[end] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return end;
        }
    }
}

/// Writes an entry: an array of its id and an array of its fields and values.
pub(super) fn put_entry(out: &mut ReplyWriter<'_>, entry: Entry<'_>) {
    out.array(2);
    put_id(out, entry.id);
    let fields = entry.fields();
    out.array(fields.len() * 2);
    for (field, value) in fields {
        out.bulk(&field);
        out.bulk(&value);
    }
}

/// Writes an array of the first entries, at most `count`.
pub(super) fn put_entries<'a>(
    out: &mut ReplyWriter<'_>,
    entries: impl Iterator<Item = Entry<'a>> + Clone,
    count: Option<usize>,
) {
    let entries = entries.take(count.unwrap_or(usize::MAX));
    out.array(entries.clone().count());
    entries.for_each(|entry| put_entry(out, entry));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Protocol;
    use crate::resp::replies::Replies;

    #[test]
    fn an_id_is_written_as_it_is_displayed() {
        for id in [
            StreamId::MIN,
            StreamId::MAX,
            StreamId::new(1_700_000_000_000, 10),
            StreamId::new(7, u64::MAX),
        ] {
            let mut replies = Replies::default();
            put_id(&mut ReplyWriter::wire(&mut replies, Protocol::Resp2), id);
            let text = id.to_string();
            let expected = format!("${}\r\n{text}\r\n", text.len());
            assert_eq!(replies.take_all(), expected.as_bytes());
        }
    }
}
