//! Executes a batch of requests and writes the output.
//!
//! Layer `conn`. It may use `command` and what lies below.
//!
//! The connection's own replies are written first. Then the outboxes of all other clients that were
//! sent something are flushed, a few at a time. In between, other tasks of the thread run, and the
//! connection reads again: if its client has sent more requests, they are executed, and their
//! messages join those that still wait to be flushed. So under load one write carries many
//! messages, and without load nothing is delayed.
//!
//! Other workers help with a long list of a rare message (`conn::spread`).
//!
//! A *write cycle* lasts from the first client that needs a flush until no client does. It accepts
//! no further batches once larger writes would gain nothing, or would take too much memory
//! ([`Fanout::is_due`](crate::pubsub::fanout::Fanout::is_due)).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::buffers::BatchBuffers;
use super::input::Input;
use super::{Connection, blocked, spread, turns};
use crate::client::Closing;
use crate::command::{Context, Deferred, Execution, MAX_REPLIES, Next, dispatch, hub, operators};
use crate::resp::request::Limits;
use crate::state::WRITES_PER_TURN;
use crate::state::panic::Panic;

/// A batch is interrupted after this many appends, so that neither the receivers nor the other
/// tasks of the thread wait for the end of a large batch.
const MAX_APPENDS: usize = 16 * 1024;
/// A batch is also interrupted after this time. A single request is never interrupted.
const MAX_TIME: Duration = Duration::from_millis(2);
/// After this many commands under one hold of the keyspace's lock, waiting threads get the lock.
const COMMANDS_PER_LOCK: usize = 64;
/// After a batch that took longer than this, the kernel is asked who else has input, which takes
/// little time beside it.
const LONG_BATCH: Duration = Duration::from_micros(20);
/// Why a batch ended.
enum BatchEnd {
    /// All requests in the buffer were executed.
    Finished,
    /// The buffer may hold more requests: write the output and continue.
    Again,
    /// As [`Again`](BatchEnd::Again), after this time, and with the reply OK if that is wanted.
    Sleep(Duration, bool),
    /// No request is read or executed for this time.
    Rest(Duration),
    /// No request is executed until the client is served, or until this moment.
    Block(Option<tokio::time::Instant>),
    /// The next request is not executed before a pause ends, at this moment at the latest.
    Postpone(tokio::time::Instant),
    /// No request is executed until the hub has answered.
    AwaitHub,
    /// Write the replies and close the connection.
    Close,
    /// Close the connection without writing the replies.
    Abort,
}

impl Connection {
    /// Executes the requests in `buffers`, and those that arrive while the output is written.
    /// Returns `false` if the connection has ended.
    pub(super) async fn run_batches(&mut self, mut buffers: Box<BatchBuffers>) -> bool {
        loop {
            let end = catch_unwind(AssertUnwindSafe(|| self.run_batch(&mut buffers)));
            let end = end.unwrap_or_else(|panic| self.end_after_panic(&mut buffers, &panic));
            if matches!(end, BatchEnd::Close) {
                self.client.outbox.seal();
                self.client.drain();
            }
            if matches!(end, BatchEnd::Abort) {
                self.client.outbox.kill();
            }
            for client in std::mem::take(&mut buffers.leaving) {
                self.state.unsubscribe(&client).await;
            }
            self.yield_to_batches(&end, &buffers).await;
            let alive = self.state.flush(&self.client);
            // However the batch ended: its messages to other clients must be written.
            let more = self.flush_others(&mut buffers, alive, &end).await;
            if !alive {
                return false;
            }
            match end {
                BatchEnd::Finished if more => {}
                BatchEnd::Again => {}
                BatchEnd::Sleep(rest, replies) => {
                    self.sleep(rest).await;
                    let reply: &[u8] = if replies { b"+OK\r\n" } else { b"" };
                    buffers.replies.tail().extend_from_slice(reply);
                }
                BatchEnd::Rest(duration) => {
                    self.blocked = Some(blocked::rest(duration));
                    break;
                }
                BatchEnd::Block(until) => {
                    self.blocked = Some(blocked::wait(until));
                    break;
                }
                BatchEnd::AwaitHub => {
                    self.blocked = self.session.hub_answer.take().map(blocked::Wait::Hub);
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
        self.is_within_query_limit()
    }

    /// Lets the other connections of the thread execute the requests that have arrived, before this
    /// one writes. Then all output is written together: a client that waits for several replies is
    /// woken once, and messages to the same socket share one write. An interrupted batch always
    /// yields.
    ///
    /// Which others have requests is known from the last time that the kernel was asked. It is asked
    /// again if there is much to write, for more messages that can join it. If there is little,
    /// clients that get it at once send their next request while others are written to.
    async fn yield_to_batches(&self, end: &BatchEnd, buffers: &BatchBuffers) {
        let permit = self.state.unwritten_batches.try_acquire();
        let interrupted = matches!(end, BatchEnd::Again);
        if !interrupted && permit.is_err() {
            return;
        }
        let took = buffers.batch_stats.spent();
        if interrupted || took >= LONG_BATCH || buffers.fanout.touched() > WRITES_PER_TURN {
            tokio::task::yield_now().await;
        } else {
            turns::let_ready_ones_run().await;
        }
    }

    /// Flushes the outboxes of the clients that were sent something, in the order in which they
    /// came onto the list. Returns `true`, before all are flushed, if the connection has more
    /// requests to execute.
    async fn flush_others(
        &mut self,
        buffers: &mut BatchBuffers,
        alive: bool,
        end: &BatchEnd,
    ) -> bool {
        loop {
            turns::begin();
            spread::ask_for_help(&self.state, &self.client, &mut buffers.fanout);
            let touched = std::iter::from_fn(|| buffers.fanout.next_touched());
            self.state.flush_some(touched.take(WRITES_PER_TURN));
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
                    let (client, stats) = (&self.client, &self.state.stats);
                    let more = std::future::poll_fn(|context| {
                        Poll::Ready(Input::poll_more(client, context, buffers, stats))
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

    /// Waits for `duration`, or until the connection is to end.
    async fn sleep(&self, duration: Duration) {
        // Boxed: few connections ever sleep, and the task is smaller without it.
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

    /// Executes the requests in the buffer without awaiting. Afterwards the replies are in the
    /// outbox.
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
            .begin_batch(config.client_output_buffer_limit, now);
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
            leaving: &mut buffers.leaving,
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
            match buffers.reader.next(&buffers.input, limits) {
                Ok(true) => {}
                Ok(false) => break BatchEnd::Finished,
                // It is found again, and answered after what comes before it.
                Err(_) if context.session.hub_run.is_some() => break BatchEnd::AwaitHub,
                Err(error) => {
                    context.refuse(&error);
                    break BatchEnd::Close;
                }
            }
            dispatch(&mut context, &buffers.reader.args(&buffers.input));
            match std::mem::replace(&mut context.session.next, Next::Go) {
                Next::Go => {}
                Next::Reload => break BatchEnd::Again,
                Next::Sleep(rest, replies) => break BatchEnd::Sleep(rest, replies),
                Next::Rest(duration) => break BatchEnd::Rest(duration),
                Next::Block(until) => break BatchEnd::Block(until),
                Next::Postpone(until) => {
                    buffers.reader.unread();
                    break BatchEnd::Postpone(until);
                }
                Next::AwaitHub => break BatchEnd::AwaitHub,
                Next::AfterHub => {
                    buffers.reader.unread();
                    break BatchEnd::AwaitHub;
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
                // Commands that are queued by MULTI, or unknown, do not read the clock.
                context.batch_stats.read_clock();
                context.commit_stats();
            }
        };
        let ends = matches!(end, BatchEnd::Close | BatchEnd::Abort);
        let end = if !ends && hub::hand_over(&mut context) {
            BatchEnd::AwaitHub
        } else {
            end
        };
        context.finish();
        if let Some(limit) = config.client_memory_limit() {
            let appended = buffers.fanout.appended() + buffers.replies.len();
            self.state.memory_trigger.add(appended, limit);
        }
        if !buffers.replies.is_empty() {
            // The caller flushes in any case.
            let _ = self
                .client
                .outbox
                .send(&mut buffers.replies, buffers.fanout.limits());
        }
        buffers.batch_stats.commit(&self.state.stats);
        end
    }

    /// Ends the batch after a panic in a command. What earlier commands have done for other clients
    /// is completed. The buffers are dropped with the connection and not used again, since their
    /// contents may be incomplete.
    #[cold]
    fn end_after_panic(&self, buffers: &mut BatchBuffers, panic: &Panic) -> BatchEnd {
        self.state.note_panic(&self.client, panic);
        buffers.batch_stats.commit(&self.state.stats);
        self.state.conclude(&mut buffers.fanout);
        BatchEnd::Abort
    }

    /// Whether the memory that is kept for the client's requests is within
    /// `client-query-buffer-limit`. If not, the connection must end.
    pub(super) fn is_within_query_limit(&self) -> bool {
        let held = self.input.held();
        self.client.set_held_input(held);
        let held = held + self.client.kept_memory();
        let within = held as u64 <= self.state.config().client_query_buffer_limit;
        if !within {
            self.state.note_query_limit(&self.client, held);
        }
        within
    }
}
