//! Carrying out a batch of requests, and writing what it brought about.
//!
//! The replies are written first, and then, a few sockets at a time, to all others who were sent
//! something. In between others on the thread get their turn, and so does the connection itself: a
//! publisher that goes on as soon as it is answered has its next messages appended to the outboxes
//! that still wait to be written. So the more there is to do, the more messages go out in one
//! write, while nothing is held back where there is little to do.
//!
//! A *write cycle* is what goes on from when somebody is owed a write until nobody is. It takes in no more
//! batches once so much was appended that larger writes would gain nothing, or that it might take
//! too much memory ([`Fanout::is_due`](crate::pubsub::fanout::Fanout::is_due)).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::SeqCst;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::buffers::BatchBuffers;
use super::{Connection, blocked};
use crate::client::Closing;
use crate::command::{Context, Deferred, Execution, MAX_REPLIES, Next, dispatch, operators};
use crate::resp::request::Limits;
use crate::state::panic::Panic;

/// A batch that has appended so many times is interrupted: those who were sent something need not
/// wait for the end of a large batch, nor do others on the thread.
const MAX_APPENDS: usize = 16 * 1024;
/// Likewise after so long, so that many requests, or slow ones, do not keep the thread from others;
/// one request is always carried out as a whole.
const MAX_TIME: Duration = Duration::from_millis(2);
/// Others get the keyspace's lock, if they wait for it, after so many commands that share it.
const COMMANDS_PER_LOCK: usize = 64;
/// Others get a turn on this thread after so many sockets were written to.
const WRITES_PER_TURN: usize = 16;

/// Why a batch ended.
enum BatchEnd {
    /// All requests in the buffer are carried out.
    Finished,
    /// More may be in the buffer: write what there is and go on.
    Again,
    /// As [`Again`](BatchEnd::Again), after a rest and these bytes.
    Sleep(Duration, &'static [u8]),
    /// No request is carried out or read for so long.
    Rest(Duration),
    /// No request is carried out until the client is served, or until this moment.
    Block(Option<tokio::time::Instant>),
    /// The request that comes next is not carried out before a pause is over, at this moment or
    /// before.
    Postpone(tokio::time::Instant),
    /// No more requests are taken.
    Close,
    /// Not even the replies are written.
    Abort,
}

impl Connection {
    /// Carries out what has been read, and what comes while others are written to. `false`: the
    /// connection is at its end.
    pub(super) async fn serve(&mut self, mut buffers: Box<BatchBuffers>) -> bool {
        loop {
            let end = catch_unwind(AssertUnwindSafe(|| self.run_batch(&mut buffers)));
            let end = end.unwrap_or_else(|panic| self.give_up(&mut buffers, &panic));
            if matches!(end, BatchEnd::Close) {
                self.client.outbox.seal();
                self.client.drain();
            }
            if matches!(end, BatchEnd::Abort) {
                self.client.outbox.kill();
            }
            for client in std::mem::take(&mut self.session.leaving) {
                self.state.unsubscribe(&client).await;
            }
            self.let_others_carry_out(&end).await;
            let alive = self.state.flush(&self.client);
            // However the batch ended: others rely on it.
            let more = self.write_to_others(&mut buffers, alive, &end).await;
            if !alive {
                return false;
            }
            match end {
                BatchEnd::Finished if more => {}
                BatchEnd::Again => {}
                BatchEnd::Sleep(rest, then) => {
                    self.rest(rest).await;
                    buffers.replies.extend_from_slice(then);
                }
                BatchEnd::Rest(duration) => {
                    self.blocked = Some(blocked::rest(duration));
                    break;
                }
                BatchEnd::Block(until) => {
                    self.blocked = Some(blocked::wait(until));
                    break;
                }
                BatchEnd::Postpone(until) => {
                    self.blocked = Some(blocked::postpone(&self.state, &self.client, until));
                    break;
                }
                BatchEnd::Finished | BatchEnd::Close | BatchEnd::Abort => break,
            }
            if self.client.closing() == Closing::Closed {
                return false;
            }
        }
        self.input.set_aside(buffers);
        self.keeps_within_limit()
    }

    /// Lets those on this thread who have sent requests by now have them carried out first, so that
    /// all replies and messages are written one after the other: who waits for several of them is
    /// woken once, and what goes to the same socket goes in one write. Whoever was interrupted lets
    /// them in any case.
    async fn let_others_carry_out(&self, end: &BatchEnd) {
        let permit = self.state.unwritten_batches.try_acquire();
        if permit.is_ok() || matches!(end, BatchEnd::Again) {
            tokio::task::yield_now().await;
        }
    }

    /// Writes to those who were sent something, in the order in which they were. Stops early,
    /// between two order, if the connection has more to carry out: `true`.
    async fn write_to_others(
        &mut self,
        buffers: &mut BatchBuffers,
        alive: bool,
        end: &BatchEnd,
    ) -> bool {
        loop {
            for _ in 0..WRITES_PER_TURN {
                if let Some(client) = buffers.fanout.next_touched() {
                    self.state.flush(&client);
                }
            }
            if !buffers.fanout.has_touched() {
                return false;
            }
            tokio::task::yield_now().await;
            if !alive || buffers.fanout.is_due() || self.client.closing() != Closing::Open {
                continue;
            }
            let more = match end {
                BatchEnd::Again => true,
                BatchEnd::Finished => {
                    let (input, stats) = (&mut self.input, &self.state.stats);
                    let more = std::future::poll_fn(|context| {
                        Poll::Ready(input.poll_more(context, buffers, stats))
                    });
                    more.await
                }
                _ => false,
            };
            if more {
                return true;
            }
        }
    }

    /// Waits for a while, or until the connection is to end.
    async fn rest(&self, duration: Duration) {
        // Boxed, as hardly any connection ever needs room for it.
        let mut sleep = Box::pin(tokio::time::sleep(duration));
        std::future::poll_fn(|context| {
            self.client.register_task(context.waker());
            if self.client.closing() != Closing::Open {
                return Poll::Ready(());
            }
            sleep.as_mut().poll(context)
        })
        .await;
    }

    /// Carries out the requests in the buffer, without awaiting. The replies are in the outbox
    /// afterwards.
    fn run_batch(&mut self, buffers: &mut BatchBuffers) -> BatchEnd {
        let now = Instant::now();
        self.client.touch(now);
        let config = self.state.config();
        let notable = operators::notable(&config);
        buffers
            .batch_stats
            .begin(now, config.latency_tracking, notable);
        buffers
            .fanout
            .begin_batch(config.client_output_buffer_limit);
        let mut context = Context {
            server: &self.state,
            config: &config,
            client: &self.client,
            session: &mut self.session,
            replies: &mut buffers.replies,
            fanout: &mut buffers.fanout,
            publish_run: &mut buffers.publish_run,
            batch_stats: &mut buffers.batch_stats,
            keyspace: None,
            closed: Vec::new(),
            execution: Execution::Alone,
            deferred: Deferred::default(),
            may_write: false,
            peer_is_cut_off: None,
            owes_replies: false,
        };
        let mut commands = 0_usize;
        let end = loop {
            let limits = Limits {
                max_bulk: config.proto_max_bulk_len,
                authenticated: !context.session.access.owes_auth(&self.state.acl),
            };
            match self.input.reader.next(&buffers.input, limits) {
                Ok(true) => {}
                Ok(false) => break BatchEnd::Finished,
                Err(error) => {
                    context.refuse(&error);
                    break BatchEnd::Close;
                }
            }
            dispatch(&mut context, &self.input.reader.args(&buffers.input));
            match std::mem::replace(&mut context.session.next, Next::Go) {
                Next::Go => {}
                Next::Reload => break BatchEnd::Again,
                Next::Sleep(rest, then) => break BatchEnd::Sleep(rest, then),
                Next::Rest(duration) => break BatchEnd::Rest(duration),
                Next::Block(until) => break BatchEnd::Block(until),
                Next::Postpone(until) => {
                    self.input.reader.unread();
                    break BatchEnd::Postpone(until);
                }
                Next::Close => break BatchEnd::Close,
                Next::Abort => break BatchEnd::Abort,
            }
            if context.fanout.appends() >= MAX_APPENDS
                || context.replies.len() >= MAX_REPLIES
                || context.batch_stats.spent() >= MAX_TIME
            {
                break BatchEnd::Again;
            }
            commands += 1;
            if commands.is_multiple_of(COMMANDS_PER_LOCK) {
                context.yield_keyspace();
                // Commands that are only queued or unknown are not timed.
                context.batch_stats.read_clock();
                context.commit_stats();
            }
        };
        context.finish();
        if let Some(limit) = config.client_memory_limit() {
            let appended = buffers.fanout.appended() + buffers.replies.len();
            self.state.memory_trigger.add(appended, limit);
        }
        if !buffers.replies.is_empty() {
            // Flushed by the caller in any case.
            let _ = self
                .client
                .outbox
                .send(&mut buffers.replies, buffers.fanout.limits());
        }
        buffers.batch_stats.commit(&self.state.stats);
        end
    }

    /// A command has panicked. Others get what the commands before have brought about. The buffers
    /// are dropped with the connection: nobody else gets what is still in them.
    #[cold]
    fn give_up(&self, buffers: &mut BatchBuffers, panic: &Panic) -> BatchEnd {
        self.state.note_panic(&self.client, panic);
        buffers.batch_stats.commit(&self.state.stats);
        self.state.conclude(&mut buffers.fanout);
        BatchEnd::Abort
    }

    /// Whether what is kept of the client's requests is within `client-query-buffer-limit`; if not,
    /// the connection must end.
    pub(super) fn keeps_within_limit(&self) -> bool {
        let held = self.input.held();
        self.client.held_input.store(held, SeqCst);
        let held = held + self.client.kept_memory();
        let within = held as u64 <= self.state.config().client_query_buffer_limit;
        if !within {
            self.state.note_query_limit(&self.client, held);
        }
        within
    }
}
