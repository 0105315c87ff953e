//! Carrying out a batch of requests, and writing what it brought about.
//!
//! The replies are written first, and then, a few sockets at a time, to all others who were sent
//! something. In between others on the thread get their turn, and so does the connection itself: a
//! publisher that goes on as soon as it is answered has its next messages appended to the outboxes
//! that still wait to be written. So the more there is to do, the more messages go out in one
//! write, while nothing is held back where there is little to do.
//!
//! A *round* is what goes on from when somebody is owed a write until nobody is. It takes in no more
//! batches once so much was appended that larger writes would gain nothing, or that it might take
//! too much memory ([`Fanout::is_due`](crate::pubsub::fanout::Fanout::is_due)).

use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::client::Closing;
use super::scratch::Scratch;
use super::{Connection, blocked};
use crate::command::pubsub::finish_run;
use crate::command::{Context, Next, dispatch};
use crate::pubsub::registry::Turns;
use crate::resp::error::CommandError;
use crate::resp::reply::put_error;
use crate::resp::request::{Limits, ProtocolError};

/// A batch that has appended so many times is interrupted: those who were sent something need not
/// wait for the end of a large batch, nor do others on the thread.
const MAX_APPENDS: usize = 16 * 1024;
/// Likewise for so many bytes of replies: they are held against the limits of the outbox before
/// more are made.
pub const MAX_REPLIES: usize = 1024 * 1024;
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
    /// No request is carried out until the client is served, or until this moment.
    Block(Option<tokio::time::Instant>),
    /// No more requests are taken.
    Close,
    /// Not even the replies are written.
    Abort,
}

impl Connection {
    /// Carries out what has been read, and what comes while others are written to. `false`: the
    /// connection is at its end.
    pub(super) async fn serve(&mut self, mut scratch: Box<Scratch>) -> bool {
        loop {
            let end = self.carry_out(&mut scratch);
            if matches!(end, BatchEnd::Close) {
                self.client.outbox.seal();
                self.client.drain();
            }
            if matches!(end, BatchEnd::Abort) {
                self.client.outbox.kill();
            }
            let alive = self.state.flush(&self.client);
            // However the batch ended: others rely on it.
            let more = self.write_to_others(&mut scratch, alive, &end).await;
            if !alive {
                return false;
            }
            match end {
                BatchEnd::Finished if more => {}
                BatchEnd::Again => {}
                BatchEnd::Sleep(rest, then) => {
                    self.rest(rest).await;
                    scratch.replies.extend_from_slice(then);
                }
                BatchEnd::Block(until) => {
                    self.blocked = Some(blocked::wait(until));
                    break;
                }
                BatchEnd::Finished | BatchEnd::Close | BatchEnd::Abort => break,
            }
            if self.client.closing() == Closing::Closed {
                return false;
            }
        }
        self.input.set_aside(scratch);
        self.keeps_within_limit()
    }

    /// Writes to those who were sent something, in the order in which they were. Stops early,
    /// between two turns, if the connection has more to carry out: `true`.
    async fn write_to_others(
        &mut self,
        scratch: &mut Scratch,
        alive: bool,
        end: &BatchEnd,
    ) -> bool {
        loop {
            for client in scratch.fanout.take_touched(WRITES_PER_TURN) {
                self.state.flush(&client);
            }
            if !scratch.fanout.has_touched() {
                return false;
            }
            tokio::task::yield_now().await;
            if !alive || scratch.fanout.is_due() || self.client.closing() != Closing::Open {
                continue;
            }
            let more = match end {
                BatchEnd::Again => true,
                BatchEnd::Finished => {
                    let (input, stats) = (&mut self.input, &self.state.stats);
                    let more = std::future::poll_fn(|context| {
                        Poll::Ready(input.poll_more(context, scratch, stats))
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
    fn carry_out(&mut self, scratch: &mut Scratch) -> BatchEnd {
        let now = Instant::now();
        self.client.touch(now);
        scratch.tally.begin(now);
        let config = self.state.config();
        scratch
            .fanout
            .begin_batch(config.client_output_buffer_limit);
        let end = loop {
            let limits = Limits {
                max_bulk: config.proto_max_bulk_len,
                authenticated: self.session.authenticated || config.requirepass.is_empty(),
            };
            match self.input.reader.next(&scratch.input, limits) {
                Ok(true) => {}
                Ok(false) => break BatchEnd::Finished,
                Err(error) => {
                    self.finish_run(scratch);
                    self.refuse(&error, scratch);
                    break BatchEnd::Close;
                }
            }
            let args = self.input.reader.args(&scratch.input);
            dispatch(
                &mut Context {
                    server: &self.state,
                    config: &config,
                    client: &self.client,
                    session: &mut self.session,
                    replies: &mut scratch.replies,
                    fanout: &mut scratch.fanout,
                    tally: &mut scratch.tally,
                    space: None,
                    in_exec: false,
                    turns: Turns::default(),
                },
                &args,
            );
            match std::mem::replace(&mut self.session.next, Next::Go) {
                Next::Go => {}
                Next::Reload => break BatchEnd::Again,
                Next::Sleep(rest, then) => break BatchEnd::Sleep(rest, then),
                Next::Block(until) => break BatchEnd::Block(until),
                Next::Close => break BatchEnd::Close,
                Next::Abort => break BatchEnd::Abort,
            }
            if scratch.fanout.appends() >= MAX_APPENDS || scratch.replies.len() >= MAX_REPLIES {
                break BatchEnd::Again;
            }
        };
        self.finish_run(scratch);
        if !scratch.replies.is_empty() {
            // Flushed by the caller in any case.
            let _ = self
                .client
                .outbox
                .send(&mut scratch.replies, scratch.fanout.limits());
        }
        scratch.tally.commit(&self.state.stats);
        end
    }

    /// Publishes the messages gathered from the last requests.
    fn finish_run(&self, scratch: &mut Scratch) {
        let Scratch {
            fanout,
            replies,
            tally,
            ..
        } = scratch;
        finish_run(&self.state.registry, fanout, replies, tally);
    }

    /// Answers bytes that are no request.
    fn refuse(&self, error: &ProtocolError, scratch: &mut Scratch) {
        tracing::debug!(client = self.client.id, %error, "protocol error; connection closed");
        let error = match error {
            // The offending byte goes back as it came, whatever it is.
            ProtocolError::ExpectedBulk(byte) => CommandError::Quoting {
                before: "ERR Protocol error: expected '$', got '",
                quoted: vec![*byte],
                after: "'".into(),
            },
            error => CommandError::Text(format!("ERR Protocol error: {error}").into()),
        };
        scratch.tally.error(error.code());
        if self.session.replies.wants_reply() {
            put_error(&mut scratch.replies, &error);
        }
    }

    /// Whether what is kept of the client's requests is within `client-query-buffer-limit`; if not,
    /// the connection must end.
    pub(super) fn keeps_within_limit(&self) -> bool {
        let held = self.input.held();
        self.client.held_input.store(held, Relaxed);
        let held = held + self.client.kept_memory();
        let within = held as u64 <= self.state.config().client_query_buffer_limit;
        if !within {
            self.state.note_query_limit(&self.client, held);
        }
        within
    }
}
