//! The buffers of a batch, lent by the thread to the connection that it serves.
//!
//! A connection has them from the read that brings bytes until the batch is written out. Ten
//! thousand idle connections so share as many sets of buffers as there are threads, and a busy
//! thread keeps using the same warm memory.

use std::cell::RefCell;

use bytes::BytesMut;

use crate::command::publish_run::PublishRun;
use crate::observe::batch_stats::BatchStats;
use crate::pubsub::fanout::Fanout;
use crate::resp::replies::Replies;

/// Sets of buffers that a thread keeps; more are in use only while batches await.
const KEPT: usize = 32;
/// A buffer that has grown beyond this many bytes is not kept.
const KEPT_CAPACITY: usize = 256 * 1024;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct BatchBuffers {
    /// Bytes received and not yet carried out.
    pub input: BytesMut,
    /// Replies on their way to the connection's own outbox.
    pub replies: Replies,
    /// Messages, and whom to flush.
    pub fanout: Fanout,
    /// PUBLISHes that are being gathered; none between batches.
    pub publish_run: PublishRun,
    /// The batch's share of the statistics.
    pub batch_stats: BatchStats,
}

thread_local! {
    // Boxed, as they move between the list and futures all the time.
    #[allow(clippy::vec_box)]
    static POOL: RefCell<Vec<Box<BatchBuffers>>> = const { RefCell::new(Vec::new()) };
}

impl BatchBuffers {
    /// Empty buffers.
    pub(crate) fn take() -> Box<BatchBuffers> {
        POOL.with_borrow_mut(Vec::pop).unwrap_or_default()
    }

    /// Returns the buffers, whatever is in them.
    pub(crate) fn give_back(mut self: Box<Self>) {
        self.input.clear();
        if self.input.capacity() > KEPT_CAPACITY {
            self.input = BytesMut::new();
        }
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
