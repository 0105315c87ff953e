//! Consecutive PUBLISH commands of one client on their way to the hub, and the replies they get.
//!
//! Layer `upstream`. It may use `resp` and `client`.
//!
//! A run is built by the client's thread, sent as one pipeline, and answered as a whole once the hub
//! has answered its last command. Replies that belong between those of the publishes (errors, and
//! the other replies of an EXEC) are kept in the run, so that the order stays.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::Answer;
use super::frame::Frame;
use crate::client::Namespace;
use crate::resp::encode::{put_integer, put_request};
use crate::resp::error::CommandError;

/// A run of so many bytes takes no more.
const MOST_BYTES: usize = 64 * 1024;

/// The commands of a run, and what their replies are made of.
#[derive(Debug, Default)]
pub(crate) struct Run {
    request: BytesMut,
    parts: VecDeque<Part>,
    publishes: usize,
    /// Whether the hub is to carry them out as one transaction.
    is_transaction: bool,
}

#[derive(Debug)]
enum Part {
    /// Replies of other commands.
    Replies(Bytes),
    Publish(Publish),
}

/// A PUBLISH that the hub has still to answer.
#[derive(Debug)]
struct Publish {
    namespace: Namespace,
    channel: Bytes,
    wants_reply: bool,
}

impl Run {
    /// Adds a PUBLISH or SPUBLISH.
    pub(crate) fn publish(
        &mut self,
        namespace: Namespace,
        channel: &[u8],
        payload: &[u8],
        wants_reply: bool,
    ) {
        put_publish(&mut self.request, namespace, channel, payload);
        self.parts.push_back(Part::Publish(Publish {
            namespace,
            channel: Bytes::copy_from_slice(channel),
            wants_reply,
        }));
        self.publishes += 1;
    }

    /// Adds replies that stand behind those of the publishes so far.
    pub(crate) fn replies(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.parts.push_back(Part::Replies(bytes));
        }
    }

    /// Has the hub carry out the publishes without other messages in between.
    pub(crate) fn make_transaction(&mut self) {
        self.is_transaction = true;
    }

    /// Whether another PUBLISH may be added.
    pub(crate) fn takes_more(&self) -> bool {
        !self.is_transaction && self.request.len() < MOST_BYTES
    }

    /// The bytes to send, and the replies to come.
    pub(super) fn into_request(self) -> (Bytes, Replies) {
        // One PUBLISH is atomic by itself.
        let is_transaction = self.is_transaction && self.publishes > 1;
        let request = if is_transaction {
            let (begin, end) = (b"*1\r\n$5\r\nMULTI\r\n", b"*1\r\n$4\r\nEXEC\r\n");
            let mut request = BytesMut::with_capacity(self.request.len() + 64);
            request.extend_from_slice(begin);
            request.extend_from_slice(&self.request);
            request.extend_from_slice(end);
            request
        } else {
            self.request
        };
        let replies = Replies {
            parts: self.parts,
            // `+OK`, and `+QUEUED` for each.
            ignored: if is_transaction {
                1 + self.publishes
            } else {
                0
            },
            is_transaction,
            answer: Answer::default(),
        };
        (request.freeze(), replies)
    }
}

/// Appends a PUBLISH or SPUBLISH command.
pub(super) fn put_publish(
    out: &mut BytesMut,
    namespace: Namespace,
    channel: &[u8],
    payload: &[u8],
) {
    let command: &[u8] = match namespace {
        Namespace::Shard => b"SPUBLISH",
        Namespace::Channel | Namespace::Pattern => b"PUBLISH",
    };
    put_request(out, &[command, channel, payload]);
}

/// The replies of a run that was sent.
#[derive(Debug)]
pub(super) struct Replies {
    parts: VecDeque<Part>,
    /// Replies to come that say nothing.
    ignored: usize,
    is_transaction: bool,
    answer: Answer,
}

impl Replies {
    /// Whether the next reply is that of the MULTI.
    pub(super) fn begins(&self) -> bool {
        self.ignored > self.unanswered()
    }

    /// Takes the next reply of the hub. `adjust` makes the number of receivers from the hub's.
    /// Returns whether it was the last one; `None` if it is none that a PUBLISH has.
    pub(super) fn take(
        &mut self,
        frame: &Frame<'_>,
        adjust: impl Fn(Namespace, &[u8], i64) -> i64,
    ) -> Option<bool> {
        if self.ignored > 0 {
            self.ignored -= 1;
            return matches!(frame, Frame::Status(_) | Frame::Error(_)).then_some(false);
        }
        match (frame, self.is_transaction) {
            (Frame::List(replies), true) => {
                for reply in replies {
                    self.take_one(reply, &adjust)?;
                }
            }
            // EXECABORT: the hub has refused one of them.
            (Frame::Error(text), true) => self.fail_all(&refusal(text)),
            (frame, _) => self.take_one(frame, &adjust)?,
        }
        self.skip_replies();
        Some(self.parts.is_empty())
    }

    fn take_one(
        &mut self,
        frame: &Frame<'_>,
        adjust: impl Fn(Namespace, &[u8], i64) -> i64,
    ) -> Option<()> {
        let publish = self.next()?;
        match frame {
            Frame::Integer(number) if publish.wants_reply => {
                let receivers = adjust(publish.namespace, &publish.channel, *number);
                put_integer(&mut self.answer.bytes, b':', receivers);
            }
            Frame::Error(text) if publish.wants_reply => self.answer.fail(refusal(text)),
            Frame::Integer(_) | Frame::Error(_) => {}
            _ => return None,
        }
        Some(())
    }

    /// Answers what is left with this error.
    pub(super) fn fail_all(&mut self, error: &CommandError) {
        while let Some(publish) = self.next() {
            if publish.wants_reply {
                self.answer.fail(error.clone());
            }
        }
    }

    /// Bytes of memory that the replies to come take.
    pub(super) fn memory(&self) -> usize {
        /// Beside the bytes: what the allocator rounds up, and the reference counts.
        const OVERHEAD: usize = 64;
        let of = |part: &Part| match part {
            Part::Replies(bytes) => bytes.len(),
            Part::Publish(publish) => publish.channel.len(),
        };
        let parts = self.parts.iter();
        parts
            .map(|part| size_of::<Part>() + OVERHEAD + of(part))
            .sum()
    }

    /// How many publishes the hub has still to answer.
    pub(super) fn unanswered(&self) -> usize {
        let parts = self.parts.iter();
        parts
            .filter(|part| matches!(part, Part::Publish(_)))
            .count()
    }

    /// The answer so far.
    pub(super) fn into_answer(self) -> Answer {
        self.answer
    }

    /// The next publish that is not answered.
    fn next(&mut self) -> Option<Publish> {
        self.skip_replies();
        match self.parts.pop_front()? {
            Part::Publish(publish) => Some(publish),
            Part::Replies(_) => None,
        }
    }

    /// Takes over the replies that stand before the next publish.
    fn skip_replies(&mut self) {
        while let Some(Part::Replies(bytes)) = self.parts.front() {
            self.answer.bytes.extend_from_slice(bytes);
            self.parts.pop_front();
        }
    }
}

/// The hub's error, as the client is shown it.
pub(super) fn refusal(text: &[u8]) -> CommandError {
    CommandError::Text(String::from_utf8_lossy(text).into_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const C: Namespace = Namespace::Channel;

    fn answer(replies: Replies) -> String {
        String::from_utf8_lossy(&replies.into_answer().bytes).replace("\r\n", " ")
    }

    /// Adds 10 to the hub's number.
    fn adjust(_: Namespace, _: &[u8], number: i64) -> i64 {
        number + 10
    }

    #[test]
    fn replies_come_in_the_order_of_the_commands() {
        let mut run = Run::default();
        run.publish(C, b"a", b"x", true);
        run.replies(Bytes::from_static(b"-ERR between\r\n"));
        run.publish(Namespace::Shard, b"b", b"y", false);
        run.publish(C, b"c", b"z", true);
        run.replies(Bytes::from_static(b"+END\r\n"));
        let (request, mut replies) = run.into_request();
        let request = String::from_utf8_lossy(&request).replace("\r\n", " ");
        assert_eq!(
            request,
            "*3 $7 PUBLISH $1 a $1 x *3 $8 SPUBLISH $1 b $1 y *3 $7 PUBLISH $1 c $1 z "
        );
        assert_eq!(replies.take(&Frame::Integer(1), adjust), Some(false));
        assert_eq!(replies.take(&Frame::Integer(2), adjust), Some(false));
        assert_eq!(replies.unanswered(), 1);
        assert_eq!(
            replies.take(&Frame::Error(b"NOPERM no"), adjust),
            Some(true)
        );
        assert_eq!(answer(replies), ":11 -ERR between -NOPERM no +END ");
    }

    #[test]
    fn a_transaction_is_answered_by_one_list() {
        let mut run = Run::default();
        run.replies(Bytes::from_static(b"*3\r\n"));
        run.publish(C, b"a", b"x", true);
        run.replies(Bytes::from_static(b"+PONG\r\n"));
        run.publish(C, b"a", b"y", true);
        run.make_transaction();
        let (request, mut replies) = run.into_request();
        assert!(request.starts_with(b"*1\r\n$5\r\nMULTI\r\n*3"));
        assert!(request.ends_with(b"*1\r\n$4\r\nEXEC\r\n"));
        for _ in 0..3 {
            assert_eq!(replies.take(&Frame::Status(b"QUEUED"), adjust), Some(false));
        }
        let list = Frame::List(vec![Frame::Integer(1), Frame::Integer(2)]);
        assert_eq!(replies.take(&list, adjust), Some(true));
        assert_eq!(answer(replies), "*3 :11 +PONG :12 ");
    }

    #[test]
    fn a_refused_transaction_answers_each_publish() {
        let mut run = Run::default();
        run.publish(C, b"a", b"x", true);
        run.publish(C, b"a", b"y", true);
        run.make_transaction();
        let (_, mut replies) = run.into_request();
        for _ in 0..3 {
            assert_eq!(replies.take(&Frame::Error(b"NOPERM"), adjust), Some(false));
        }
        assert_eq!(
            replies.take(&Frame::Error(b"EXECABORT x"), adjust),
            Some(true)
        );
        assert_eq!(answer(replies), "-EXECABORT x -EXECABORT x ");
    }

    #[test]
    fn what_is_no_reply_to_a_publish_is_seen() {
        let mut run = Run::default();
        run.publish(C, b"a", b"x", true);
        let (_, mut replies) = run.into_request();
        assert_eq!(replies.take(&Frame::Bulk(b"x"), adjust), None);
    }
}
