//! PUBSUB commands on their way to the hub, and the replies they get.
//!
//! Layer `upstream`. It may use `resp` and `client`.

use bytes::{Bytes, BytesMut};

use super::frame::Frame;
use super::run::refusal;
use super::{Answer, PROBES};
use crate::client::Namespace;
use crate::resp::encode::{put_bulk, put_integer};

/// A question about the hub's subscriptions.
#[derive(Debug)]
pub(crate) enum Query {
    /// Its channels, or its shard channels; those that match a pattern.
    Channels(Namespace, Option<Bytes>),
    /// How many subscribers each of these channels has.
    Counts(Namespace, Vec<Bytes>),
    /// How many patterns it has.
    Patterns,
}

impl Query {
    /// Appends the command.
    pub(super) fn put(&self, out: &mut BytesMut) {
        let (word, names): (&[u8], &[Bytes]) = match self {
            Query::Channels(Namespace::Shard, pattern) => (b"SHARDCHANNELS", pattern.as_slice()),
            Query::Channels(_, pattern) => (b"CHANNELS", pattern.as_slice()),
            Query::Counts(Namespace::Shard, names) => (b"SHARDNUMSUB", names),
            Query::Counts(_, names) => (b"NUMSUB", names),
            Query::Patterns => (b"NUMPAT", &[]),
        };
        put_integer(out, b'*', 2 + names.len() as i64);
        put_bulk(out, b"PUBSUB");
        put_bulk(out, word);
        for name in names {
            put_bulk(out, name);
        }
    }

    /// Makes the client's reply from the hub's. `adjust` makes the number of a channel's subscribers
    /// from the hub's. `None`: the hub's reply is none that the command has.
    pub(super) fn answer(
        &self,
        frame: &Frame<'_>,
        adjust: impl Fn(Namespace, &[u8], i64) -> i64,
    ) -> Option<Answer> {
        let mut answer = Answer::default();
        let out = &mut answer.bytes;
        match (self, frame) {
            (_, Frame::Error(text)) => answer.fail(refusal(text)),
            (Query::Channels(..), Frame::List(names)) => {
                let is_shown = |name: &&Frame<'_>| match name {
                    Frame::Bulk(name) => !name.starts_with(PROBES),
                    _ => true,
                };
                put_integer(out, b'*', names.iter().filter(is_shown).count() as i64);
                for name in names.iter().filter(is_shown) {
                    let Frame::Bulk(name) = name else {
                        return None;
                    };
                    put_bulk(out, name);
                }
            }
            (Query::Counts(namespace, _), Frame::List(counts)) => {
                put_integer(out, b'*', counts.len() as i64);
                for pair in counts.chunks(2) {
                    let [Frame::Bulk(name), Frame::Integer(number)] = pair else {
                        return None;
                    };
                    put_bulk(out, name);
                    put_integer(out, b':', adjust(*namespace, name, *number));
                }
            }
            (Query::Patterns, Frame::Integer(number)) => put_integer(out, b':', *number),
            _ => return None,
        }
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &Query, frame: &Frame<'_>) -> Option<String> {
        let answer = query.answer(frame, |_, _, number| number + 10)?;
        Some(String::from_utf8_lossy(&answer.bytes).replace("\r\n", " "))
    }

    #[test]
    fn probes_are_not_among_the_channels() {
        let query = Query::Channels(Namespace::Channel, Some(Bytes::from_static(b"*")));
        let mut out = BytesMut::new();
        query.put(&mut out);
        assert_eq!(out, "*3\r\n$6\r\nPUBSUB\r\n$8\r\nCHANNELS\r\n$1\r\n*\r\n");
        let names = Frame::List(vec![Frame::Bulk(b"fanfare:probe:1"), Frame::Bulk(b"a")]);
        assert_eq!(ask(&query, &names).unwrap(), "*1 $1 a ");
        assert_eq!(ask(&query, &Frame::Error(b"ERR x")).unwrap(), "-ERR x ");
        assert_eq!(ask(&query, &Frame::Integer(1)), None);
    }

    #[test]
    fn numbers_of_subscribers_are_adjusted_and_those_of_patterns_are_not() {
        let query = Query::Counts(Namespace::Shard, vec![Bytes::from_static(b"a")]);
        let counts = Frame::List(vec![Frame::Bulk(b"a"), Frame::Integer(3)]);
        assert_eq!(ask(&query, &counts).unwrap(), "*2 $1 a :13 ");
        assert_eq!(ask(&Query::Patterns, &Frame::Integer(3)).unwrap(), ":3 ");
        let odd = Frame::List(vec![Frame::Bulk(b"a")]);
        assert_eq!(ask(&query, &odd), None);
    }
}
