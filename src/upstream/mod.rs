//! Edges: many fanfare nodes as one for pub/sub, on a server that speaks Redis's protocol.
//!
//! Layer `upstream`. It may use `pubsub` and what lies below.
//!
//! With the setting `upstream` this server is an *edge*, and the server that the setting names is the
//! *hub*: a redis-server, a fanfare, or another edge. The same channels and the same bytes go over
//! the wire, so that clients of the hub and clients of its edges are as clients of one server.
//!
//! ```text
//!   frame      parses what the hub sends
//!   interest   which names the hub is asked for: a state machine
//!   run        PUBLISH commands on their way to the hub, and the replies they get
//!   query      PUBSUB commands on their way to the hub
//!   desk       where clients and the connection to the hub meet: who waits for what
//!   loss       why the connection is given up
//!   stats      the counters that INFO shows
//! ```
//!
//! # Data flow
//! One task has the only connection to the hub (`server::edge`). It reads pushes and replies and
//! handles each at its place in the stream:
//!
//! ```text
//!   client ── PUBLISH ──▶ Desk::publish ──▶ output ──▶ hub ──▶ message ──▶ registry ──▶ outboxes
//!                                                      hub ──▶ reply ────▶ the waiting client
//!   client ── SUBSCRIBE ─▶ Interests ─────▶ output ──▶ hub ──▶ confirmed ─▶ registry, confirmation
//! ```
//!
//! - **Delivery.** `message` goes to the subscribers of the channel, `pmessage` to those of its
//!   pattern, `smessage` to those of the shard channel, in the order of the stream. A message of
//!   this server's own clients comes back from the hub like any other; nothing is delivered before.
//!   So all subscribers of all edges see a channel's messages in the hub's order.
//! - **Subscribing.** A client that is the first here to want a name waits for the hub's
//!   confirmation, and is subscribed at that place in the stream. So a confirmed subscription gets
//!   every message that the hub publishes later. UNSUBSCRIBE does not wait.
//! - **Publishing.** Consecutive PUBLISH commands of a client are one pipeline to the hub. The client
//!   waits for the replies as one that blocks, so it has at most one such run on the way. The reply is
//!   the hub's number, less the copies that the hub has sent here, plus the subscriptions here that
//!   match. 0 is exact; subscribers of other edges count once for each edge, so a larger number is a
//!   lower bound.
//! - **Pressure.** Nothing is queued between the hub and the outboxes: while messages are fanned out,
//!   the hub is not read, and TCP and the hub's output limit do the rest. What waits for the hub is
//!   bounded by `upstream-output-limit`.
//!
//! # Loss
//! The connection is lost when it ends, when the hub owes an answer and is silent for
//! `upstream-timeout`, when it sends something unexpected, and when a probe does not come back: each
//! second a message is published to a channel of this server's own, and must arrive before the reply to
//! the next one. So it is when the hub has become a replica. Then messages may be missing. By `upstream-loss-policy`, subscribers are closed, or
//! kept and subscribed again. Publishes on the way are answered `-NOUPSTREAM` and never sent again.
//! Clients that wait in SUBSCRIBE go on waiting, for `upstream-timeout` at most, and are closed then.
//!
//! # Shutdown
//! Clients are asked for no more requests, the hub answers those that are on the way, and a last probe
//! comes back behind the messages that they have caused. Then the connection and the clients are closed. So
//! what a reply has promised is delivered.
//!
//! # Loops
//! INFO of an edge names the run ids of its hub, of the hub's hub, and so on. An edge that finds its own
//! there does not connect. One that is not found so, because several edges connect at once, is found by
//! the probe: an edge refuses a PUBLISH to its own probe channel from a client.

mod desk;
pub(crate) mod frame;
mod interest;
mod loss;
#[cfg(all(test, shuttle))]
mod model;
mod query;
mod run;
mod stats;

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

pub(crate) use desk::Desk;
pub(crate) use loss::{Loss, is_master};
pub(crate) use query::Query;
pub(crate) use run::Run;
pub(crate) use stats::UpstreamStats;

use crate::client::Namespace;
use crate::pubsub::registry::{Registry, Subscriber};
use crate::resp::encode::put_error;
use crate::resp::error::CommandError;
use crate::sync::Mutex;

/// The channels of the probes begin with it; the run id of the edge follows.
pub(crate) const PROBES: &[u8] = b"fanfare:probe:";

/// The answer to a client that publishes this server's own probe: that is an edge, at the end of a
/// loop.
pub(crate) const LOOP: &str =
    "ERR the upstreams form a loop: a probe has come back to the server that has sent it";

/// What a client that waits for the hub is answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The replies. They are the same in RESP2 and RESP3.
    pub bytes: BytesMut,
    /// The errors among them.
    pub errors: Vec<CommandError>,
}

impl Answer {
    /// An error alone.
    fn error(error: CommandError) -> Answer {
        let mut answer = Answer::default();
        answer.fail(error);
        answer
    }

    /// Appends an error.
    fn fail(&mut self, error: CommandError) {
        put_error(&mut self.bytes, &error);
        self.errors.push(error);
    }
}

/// Where a waiting client gets its answer. If the sender is dropped, there is none.
pub(crate) type Answered = oneshot::Receiver<Answer>;

/// What the connection to the hub and all clients share.
#[derive(Debug)]
pub(crate) struct Upstream {
    desk: Mutex<Desk>,
    /// Wakes the task that has the connection: there is something to send.
    pub wake: Notify,
    /// Ends that task.
    pub leaving: CancellationToken,
    /// The channel of this server's own probes.
    pub probe: Bytes,
    /// The counters.
    pub stats: UpstreamStats,
    /// The run ids of the hub, of the hub's hub, and so on, as of the last connect.
    chain: Mutex<Vec<String>>,
    /// Why the connection was lost the last time.
    last_loss: Mutex<String>,
    /// Why it could not be established the last time.
    last_refusal: Mutex<String>,
}

impl Upstream {
    /// Without a connection yet.
    pub(crate) fn new(run_id: &str) -> Upstream {
        Upstream {
            desk: Mutex::default(),
            wake: Notify::new(),
            leaving: CancellationToken::new(),
            probe: Bytes::from([PROBES, run_id.as_bytes()].concat()),
            stats: UpstreamStats::default(),
            chain: Mutex::default(),
            last_loss: Mutex::default(),
            last_refusal: Mutex::default(),
        }
    }

    /// Runs `work` with the desk. The caller sends what it has caused to be sent.
    pub(crate) fn with_desk<R>(&self, work: impl FnOnce(&mut Desk) -> R) -> R {
        work(&mut self.desk.lock())
    }

    /// Sends a client's publishes. At most about `limit` bytes may wait for the hub.
    pub(crate) fn publish(&self, run: Run, limit: u64) -> Answered {
        let (sender, answered) = oneshot::channel();
        let failed = self.desk.lock().publish(run, sender, limit);
        self.stats.publish_failures.add(failed);
        self.wake.notify_one();
        answered
    }

    /// Asks the hub about its subscriptions. At most about `limit` bytes may wait for the hub.
    pub(crate) fn ask(&self, query: Query, limit: u64) -> Answered {
        let (sender, answered) = oneshot::channel();
        self.desk.lock().ask(query, sender, limit);
        self.wake.notify_one();
        answered
    }

    /// Subscribes a client to these names: at once if the hub sends all of them (`None`), or else as
    /// soon as it does, which it may take `patience` for. At most about `limit` bytes may wait for the
    /// hub. The client's task flushes its outbox when it is answered.
    pub(crate) fn subscribe(
        &self,
        registry: &Registry,
        subscriber: Subscriber<'_>,
        namespace: Namespace,
        names: Vec<Bytes>,
        (patience, limit): (Duration, u64),
    ) -> Option<Answered> {
        let until = Instant::now() + patience;
        let mut desk = self.desk.lock();
        let answered = desk.subscribe(registry, subscriber, namespace, names, (until, limit))?;
        drop(desk);
        self.wake.notify_one();
        Some(answered)
    }

    /// The run ids of the hub, of the hub's hub, and so on.
    pub(crate) fn chain(&self) -> Vec<String> {
        self.chain.lock().clone()
    }

    /// Why the connection was lost the last time; empty if it was not.
    pub(crate) fn last_loss(&self) -> String {
        self.last_loss.lock().clone()
    }

    /// Sets why the connection was lost.
    pub(crate) fn set_last_loss(&self, reason: String) {
        *self.last_loss.lock() = reason;
    }

    /// Why the connection could not be established the last time; empty if it could.
    pub(crate) fn last_refusal(&self) -> String {
        self.last_refusal.lock().clone()
    }

    /// Sets why the connection could not be established.
    pub(crate) fn set_last_refusal(&self, reason: String) {
        *self.last_refusal.lock() = reason;
    }

    /// Sets the run ids of the hub, of the hub's hub, and so on.
    pub(crate) fn set_chain(&self, chain: Vec<String>) {
        *self.chain.lock() = chain;
    }
}
