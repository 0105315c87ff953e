//! The task that has the connection to the hub: it connects, carries bytes both ways, and closes
//! subscribers when the connection is lost. [`upstream`](crate::upstream) has the design.
//!
//! Layer `server`. It may use all layers but `embed`.
//!
//! ```text
//!   connect ──▶ HELLO, ROLE, INFO: a loop? MULTI: permitted? ──▶ probe ──▶ serve ──▶ lost ──▶ wait, and again
//! ```
//!
//! While it serves, the task handles each frame at its place in the stream. Messages to one channel that
//! follow one another are delivered together. It reads again only when all of them are with the
//! outboxes and written as far as the sockets take them: so a hub that is faster waits.

mod link;
mod stream;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::config::LossPolicy;
use crate::observe::log_throttle::LogThrottle;
use crate::pubsub::registry::Registry;
use crate::state::ServerState;
use crate::upstream::{Desk, Loss, Upstream};
use link::{Link, connect};
use stream::Stream;

/// The pause before the second attempt to connect. It doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often waits and idle names are looked at.
const TICK: Duration = Duration::from_millis(100);
/// A tick that is later than this says that the server was stopped, or had no processor.
const LATE: Duration = Duration::from_secs(1);
/// How often a probe is sent.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// How often a server that shuts down looks whether the hub has answered.
const LEAVE_POLL: Duration = Duration::from_millis(1);
/// Room for one read.
const READ_SIZE: usize = 64 * 1024;
/// After so many clients are closed, the other tasks of the thread run.
const TOLD_PER_TURN: usize = 64;

/// Runs until it is told to leave.
pub(crate) async fn run(state: &Arc<ServerState>) {
    let Some(upstream) = &state.upstream else {
        return;
    };
    tokio::select! {
        () = stay_connected(state, upstream) => {},
        () = keep_time(state, upstream) => {},
    }
    end(upstream, &state.registry, false);
}

/// Waits until the hub has answered what is on the way, and a probe has come back behind the messages
/// that this has caused, until `deadline` at the latest. Then ends the connection. No client makes
/// requests any more.
pub(crate) async fn leave(upstream: &Upstream, deadline: tokio::time::Instant) {
    let mut is_probed = false;
    let mut settle = |desk: &mut Desk| desk.settle(&upstream.probe, &mut is_probed);
    while !upstream.with_desk(&mut settle) && tokio::time::Instant::now() < deadline {
        upstream.wake.notify_one();
        tokio::time::sleep(LEAVE_POLL).await;
    }
    upstream.leaving.cancel();
}

/// Ends waits and gives up idle names, connected or not.
async fn keep_time(state: &ServerState, upstream: &Upstream) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        upstream.with_desk(|desk| desk.tick(&state.registry));
    }
}

async fn stay_connected(state: &ServerState, upstream: &Upstream) {
    let mut throttle = LogThrottle::default();
    let mut pause = FIRST_PAUSE;
    // The task may have panicked before.
    lose(state, upstream).await;
    loop {
        let config = state.config();
        let (url, patience) = (config.upstream.clone(), config.upstream_timeout);
        drop(config);
        let Some(url) = url else {
            return;
        };
        let connecting = tokio::time::timeout(patience, connect(state, upstream, &url));
        let Some(connected) = upstream.leaving.run_until_cancelled(connecting).await else {
            return;
        };
        match connected.unwrap_or(Err(Loss::Silent)) {
            Ok(link) => {
                let since = Instant::now();
                let gap_millis = upstream.stats.connected().as_millis() as u64;
                tracing::info!(upstream = %url.place, gap_millis, "connected to the upstream");
                upstream.with_desk(|desk| desk.connected());
                upstream.stats.is_up.store(true, Relaxed);
                let Err(loss) = serve(state, upstream, link).await else {
                    return;
                };
                upstream.stats.lost(loss.reason());
                upstream.set_last_loss(loss.to_string());
                tracing::warn!(upstream = %url.place, reason = %loss, "the upstream is lost");
                lose(state, upstream).await;
                // One that is lost again and again does not close subscribers all the time.
                if since.elapsed() > LONGEST_PAUSE {
                    pause = FIRST_PAUSE;
                }
            }
            Err(loss) => {
                upstream.stats.refusals.add(1);
                upstream.set_last_refusal(loss.to_string());
                if let Some(times) = throttle.note() {
                    tracing::warn!(
                        upstream = %url.place,
                        reason = %loss,
                        times,
                        "can't connect to the upstream"
                    );
                }
            }
        }
        // Many edges that have lost one hub do not come back at the same moment.
        let jitter = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
        let rest = tokio::time::sleep(pause.mul_f64(0.5 + jitter / 2.0));
        if upstream.leaving.run_until_cancelled(rest).await.is_none() {
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Answers everybody who waits for the connection that has ended. `keeps`: subscribers are kept.
fn end(upstream: &Upstream, registry: &Registry, keeps: bool) {
    upstream.stats.is_up.store(false, Relaxed);
    upstream.set_chain(Vec::new());
    let failed = upstream.with_desk(|desk| desk.lost(registry, keeps));
    upstream.stats.publish_failures.add(failed);
}

/// Ends what depends on the connection. Then closes all subscribers, which may have missed messages, or
/// counts the gap for each, by `upstream-loss-policy`.
async fn lose(state: &ServerState, upstream: &Upstream) {
    let policy = state.config().upstream_loss_policy;
    end(upstream, &state.registry, policy == LossPolicy::Keep);
    let mut told = 0_usize;
    for client in state.clients.all() {
        if !client.is_subscriber() {
            continue;
        }
        match policy {
            // An edge below has subscribers of its own, and a policy for them.
            LossPolicy::Keep if !client.is_edge() => client.add_gap(),
            _ => state.disconnect(&client),
        }
        told += 1;
        if told.is_multiple_of(TOLD_PER_TURN) {
            tokio::task::yield_now().await;
        }
    }
    let subscribers = told;
    match policy {
        _ if told == 0 => {}
        LossPolicy::Disconnect => tracing::warn!(
            subscribers,
            "closed, because the upstream is lost (upstream-loss-policy disconnect)"
        ),
        LossPolicy::Keep => tracing::warn!(
            subscribers,
            "they may miss messages until the upstream is back (upstream-loss-policy keep)"
        ),
    }
}

/// Writes some bytes of `output`. If there are none, flushes: under TLS, records may be left.
async fn write_some(write: &mut (impl AsyncWrite + Unpin), output: &[u8]) -> io::Result<usize> {
    if output.is_empty() {
        write.flush().await?;
        return Ok(0);
    }
    write.write(output).await
}

/// Carries bytes until the connection is lost, which is the error, or it is time to leave.
async fn serve(state: &ServerState, upstream: &Upstream, link: Link) -> Result<(), Loss> {
    let (mut read, mut write) = tokio::io::split(link.socket);
    let mut stream = Stream::new(state, upstream, link.input);
    let mut output = Bytes::new();
    let mut unflushed = false;
    let mut leaving = pin!(upstream.leaving.cancelled());
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut last_read, mut last_probe) = (Instant::now(), Instant::now());
    let mut last_tick = Instant::now();
    loop {
        if output.is_empty() {
            output = upstream
                .with_desk(|desk| desk.take_output())
                .unwrap_or_default();
        }
        stream.input.reserve(READ_SIZE);
        tokio::select! {
            read = read.read_buf(&mut stream.input) => {
                if read? == 0 {
                    return Err(Loss::Closed);
                }
                stream.take_frames().await?;
                last_read = Instant::now();
            }
            written = write_some(&mut write, &output), if !output.is_empty() || unflushed => {
                // What was written is to be flushed; what was flushed is done.
                unflushed = !output.is_empty();
                output.advance(written?);
            }
            () = upstream.wake.notified() => {}
            () = &mut leaving => return Ok(()),
            _ = ticks.tick() => {
                // It did not run itself, and what the hub has sent meanwhile is still to be read.
                if last_tick.elapsed() > LATE {
                    last_read = Instant::now();
                }
                last_tick = Instant::now();
                let patience = state.config().upstream_timeout;
                let is_due = last_probe.elapsed() >= PROBE_EVERY;
                if is_due {
                    last_probe = Instant::now();
                    upstream.with_desk(|desk| desk.probe(&upstream.probe));
                }
                if upstream.with_desk(|desk| desk.is_silent(last_read, patience)) {
                    return Err(Loss::Silent);
                }
            }
        }
    }
}
