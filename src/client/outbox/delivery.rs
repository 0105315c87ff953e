//! Messages on their way to the outboxes of a name's subscribers.
//!
//! Layer `client`. It may use `resp`.

use std::time::Instant;

use crate::client::backlog::{Backlog, BacklogBytes, BacklogRange};
use crate::client::frames::Frames;
use crate::resp::Protocol;

/// Messages on their way to the outboxes of a name's subscribers.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    pub(super) frames: Frames<'a>,
    /// When they were published.
    pub(super) published: Instant,
    /// The backlog that slow subscribers of the name share, if there can be several, and what counts
    /// all backlogs of the server.
    backlog: Option<(&'a Backlog, &'a BacklogBytes)>,
    /// The same frames in the backlog, for each protocol version, if an outbox was blocked.
    ranges: [Option<BacklogRange>; 2],
    /// How many outboxes have refused each message; empty if none has.
    refused: Vec<usize>,
}

impl<'a> Delivery<'a> {
    /// Messages, published at this moment, for the subscribers that share this backlog, or for a
    /// single one. With the backlog comes what counts all backlogs of the server.
    pub(crate) fn new(
        frames: Frames<'a>,
        published: Instant,
        backlog: Option<(&'a Backlog, &'a BacklogBytes)>,
    ) -> Delivery<'a> {
        Delivery {
            frames,
            published,
            backlog,
            ranges: [None, None],
            refused: Vec::new(),
        }
    }

    /// For each message, how many outboxes have refused it, so that it was not delivered to them.
    /// Empty if none has.
    pub(crate) fn into_refused(self) -> Vec<usize> {
        self.refused
    }

    /// Counts an outbox that refuses the message at `index`.
    pub(super) fn refuse(&mut self, index: usize) {
        self.refused.resize(self.frames.starts.len(), 0);
        self.refused[index] += 1;
    }

    /// Counts a closed outbox, which refuses all of the messages.
    pub(crate) fn refuse_all(&mut self) {
        for index in 0..self.frames.starts.len() {
            self.refuse(index);
        }
    }

    /// The frames in the backlog, in this protocol version, if there is a backlog. The first caller
    /// appends them.
    pub(super) fn backlog_range(&mut self, protocol: Protocol) -> Option<&BacklogRange> {
        let range = &mut self.ranges[usize::from(protocol == Protocol::Resp3)];
        if range.is_none() {
            let append =
                |(backlog, bytes): (&Backlog, _)| backlog.append(&self.frames, protocol, bytes);
            *range = self.backlog.map(append);
        }
        range.as_ref()
    }
}
