//! The buffers of a batch. They belong to the thread, which lends them to one connection at a time.
//!
//! Layer `conn`. It may use `command` and what lies below.
//!
//! A connection holds them from a read that returns bytes until the batch's output is written. So
//! ten thousand idle connections need no buffers of their own, and a busy thread uses the same
//! memory, which stays in the processor's cache.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::BytesMut;

use crate::client::Client;
use crate::command::publish_run::PublishRun;
use crate::observe::batch_stats::BatchStats;
use crate::pubsub::fanout::Fanout;
use crate::resp::replies::Replies;
use crate::resp::request::RequestReader;

/// The most sets of buffers that a thread keeps. More are in use only while batches await.
const KEPT: usize = 32;
/// A buffer with more capacity than this, in bytes, is not kept.
const KEPT_CAPACITY: usize = 256 * 1024;

/// The buffers that a batch needs. All are empty between batches.
#[derive(Debug, Default)]
pub(crate) struct BatchBuffers {
    /// Bytes that were read and not executed yet.
    pub input: BytesMut,
    /// The parser, with its position in the batch.
    pub reader: RequestReader,
    /// Replies that are not in the connection's outbox yet.
    pub replies: Replies,
    /// Messages, and the clients to flush.
    pub fanout: Fanout,
    /// Consecutive PUBLISHes that are to be published together.
    pub publish_run: PublishRun,
    /// The batch's share of the statistics.
    pub batch_stats: BatchStats,
    /// Disconnected clients that still have subscriptions.
    pub leaving: Vec<Arc<Client>>,
}

thread_local! {
    // Boxed, since they move often between the list and the futures.
    #[allow(clippy::vec_box)]
    static POOL: RefCell<Vec<Box<BatchBuffers>>> = const { RefCell::new(Vec::new()) };
}

impl BatchBuffers {
    /// Takes empty buffers from the thread.
    pub(crate) fn take() -> Box<BatchBuffers> {
        POOL.with_borrow_mut(Vec::pop).unwrap_or_default()
    }

    /// Empties the buffers and returns them to the thread.
    pub(crate) fn give_back(mut self: Box<Self>) {
        self.input.clear();
        if self.input.capacity() > KEPT_CAPACITY {
            self.input = BytesMut::new();
        }
        self.reader = RequestReader::default();
        self.replies.clear();
        if self.replies.capacity() > KEPT_CAPACITY {
            self.replies = Replies::default();
        }
        POOL.with_borrow_mut(|pool| {
            if pool.len() < KEPT {
                pool.push(self);
            }
        });
    }
}
