//! The task that has the connection to the hub: it connects, carries bytes both ways, and closes
//! subscribers when the connection is lost. [`upstream`](crate::upstream) has the design.
//!
//! Layer `server`. It may use all layers but `embed`.
//!
//! ```text
//!   connect ──▶ HELLO, ROLE, INFO: a loop? ──▶ probe ──▶ serve ──▶ lost ──▶ wait, and again
//! ```
//!
//! While it serves, the task handles each frame at its place in the stream. Messages to one channel that
//! follow one another are delivered together. It reads again only when all of them are with the
//! outboxes and written as far as the sockets take them: so a hub that is faster waits.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::client::Namespace;
use crate::config::{LossPolicy, Place, UpstreamUrl};
use crate::observe::log_throttle::LogThrottle;
use crate::pubsub::fanout::Fanout;
use crate::resp::encode::{put_bulk, put_integer};
use crate::state::{ServerState, upstream_tls};
use crate::upstream::frame::{Frame, parse};
use crate::upstream::{Desk, Loss, Upstream, is_master};

/// The pause before the second attempt to connect. It doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often waits and idle names are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How often a probe is sent.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// Room for one read.
const READ_SIZE: usize = 64 * 1024;
/// Messages are written to the subscribers after so many appends at the latest.
const MOST_APPENDS: usize = 16 * 1024;
/// After so many writes, the other tasks of the thread run.
const WRITES_PER_TURN: usize = 16;
/// After so many clients are closed, the other tasks of the thread run.
const TOLD_PER_TURN: usize = 64;
/// The name of the connection at the hub.
const NAME: &[u8] = b"fanfare-edge";

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// A connection to the hub, and what it has sent so far.
struct Link {
    socket: Box<dyn Socket>,
    input: BytesMut,
}

/// Runs until the server shuts down.
pub(crate) async fn run(state: &Arc<ServerState>) {
    let Some(upstream) = &state.upstream else {
        return;
    };
    tokio::select! {
        () = stay_connected(state, upstream) => {},
        () = keep_time(state, upstream) => {},
        () = state.shutdown.begun() => {},
    }
    end(state, upstream, true);
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
    let mut lost: Option<Instant> = None;
    // The task may have panicked before.
    end(state, upstream, false);
    loop {
        let config = state.config();
        let (url, patience) = (config.upstream.clone(), config.upstream_timeout);
        drop(config);
        let Some(url) = url else {
            return;
        };
        let connected = tokio::time::timeout(patience, connect(state, upstream, &url)).await;
        match connected.unwrap_or(Err(Loss::Silent)) {
            Ok(link) => {
                pause = FIRST_PAUSE;
                upstream.stats.connects.add(1);
                let gap = lost.take().map_or(Duration::ZERO, |since| since.elapsed());
                let gap_millis = gap.as_millis() as u64;
                upstream.stats.gap_millis.add(gap_millis);
                tracing::info!(upstream = %url.place, gap_millis, "connected to the upstream");
                upstream.with_desk(|desk| desk.connected());
                upstream.stats.is_up.store(true, Relaxed);
                let loss = serve(state, upstream, link).await;
                lost = Some(Instant::now());
                upstream.stats.losses.add(1);
                upstream.set_last_loss(loss.to_string());
                tracing::warn!(upstream = %url.place, reason = %loss, "the upstream is lost");
                end(state, upstream, false);
                tell_subscribers(state).await;
            }
            Err(loss) => {
                upstream.stats.refusals.add(1);
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
        tokio::time::sleep(pause.mul_f64(0.5 + jitter / 2.0)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Answers everybody who waits for the connection that has ended. `for_good`: there is no other.
fn end(state: &ServerState, upstream: &Upstream, for_good: bool) {
    let keeps = state.config().upstream_loss_policy == LossPolicy::Keep && !for_good;
    upstream.stats.is_up.store(false, Relaxed);
    upstream.set_chain(Vec::new());
    let failed = upstream.with_desk(|desk| desk.lost(&state.registry, keeps));
    upstream.stats.publish_failures.add(failed);
}

/// Closes all subscribers, which may have missed messages, or counts the gap for each, by
/// `upstream-loss-policy`.
async fn tell_subscribers(state: &ServerState) {
    let policy = state.config().upstream_loss_policy;
    let mut told = 0_usize;
    for client in state.clients.all() {
        if !client.is_subscriber() {
            continue;
        }
        match policy {
            LossPolicy::Disconnect => state.disconnect(&client),
            LossPolicy::Keep => {
                client.gaps.fetch_add(1, Relaxed);
            }
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

/// Connects, checks that there is no loop, and has a probe go to the hub and back.
async fn connect(
    state: &ServerState,
    upstream: &Upstream,
    url: &UpstreamUrl,
) -> Result<Link, Loss> {
    let socket: Box<dyn Socket> = match &url.place {
        Place::Tcp(host, port) => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            let tls = upstream_tls::client_config(&state.config()).map_err(io::Error::other)?;
            if let Some(tls) = tls {
                let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
                Box::new(TlsConnector::from(tls).connect(name, stream).await?)
            } else {
                Box::new(stream)
            }
        }
        Place::Unix(path) => Box::new(UnixStream::connect(path).await?),
    };
    let mut link = Link {
        socket,
        input: BytesMut::new(),
    };
    let mut hello: Vec<&[u8]> = vec![b"HELLO", b"3"];
    if let Some(password) = &url.password {
        hello.extend([b"AUTH", url.user.as_deref().unwrap_or(b"default"), password]);
    }
    hello.extend([b"SETNAME", NAME]);
    let questions: [&[&[u8]]; 4] = [
        &hello,
        &[b"ROLE"],
        &[b"INFO", b"server"],
        &[b"INFO", b"upstream"],
    ];
    link.send(&questions).await?;
    link.next(accepted).await?;
    link.next(|role| is_master(role).then_some(()).ok_or(Loss::Replica))
        .await?;
    let hub = link.info("run_id:").await?;
    let above = link.info("upstream_chain:").await?;
    let above = above.split(',').filter(|id| !id.is_empty());
    let chain: Vec<String> = std::iter::once(hub.as_str())
        .chain(above)
        .map(str::to_owned)
        .collect();
    if chain.contains(&state.run_id) {
        return Err(Loss::Loop);
    }
    // Before the probe: of several edges that connect to each other at once, one sees the others.
    upstream.set_chain(chain);
    let probe = &upstream.probe[..];
    link.send(&[&[b"SUBSCRIBE", probe], &[b"PUBLISH", probe, b"probe"]])
        .await?;
    let (mut confirmed, mut reached, mut back) = (false, false, false);
    while !(confirmed && reached && back) {
        link.next(|frame| {
            accepted(frame)?;
            match frame {
                Frame::Integer(1..) => reached = true,
                Frame::Push(elements) => match elements[..] {
                    [Frame::Bulk(b"subscribe"), Frame::Bulk(name), _] if name == probe => {
                        confirmed = true;
                    }
                    [Frame::Bulk(b"message"), Frame::Bulk(name), _] if name == probe => {
                        back = true;
                    }
                    _ => return Err(Loss::Unexpected(frame.kind().to_owned())),
                },
                _ => return Err(Loss::Probe),
            }
            Ok(())
        })
        .await?;
    }
    Ok(link)
}

/// An error is a refusal.
fn accepted(frame: &Frame<'_>) -> Result<(), Loss> {
    match frame {
        Frame::Error(text) => Err(Loss::refused(text)),
        _ => Ok(()),
    }
}

impl Link {
    /// Sends commands.
    async fn send(&mut self, commands: &[&[&[u8]]]) -> Result<(), Loss> {
        let mut out = BytesMut::new();
        for command in commands {
            put_integer(&mut out, b'*', command.len() as i64);
            for word in *command {
                put_bulk(&mut out, word);
            }
        }
        self.socket.write_all(&out).await?;
        self.socket.flush().await?;
        Ok(())
    }

    /// Reads the next frame.
    async fn next<R>(
        &mut self,
        take: impl FnOnce(&Frame<'_>) -> Result<R, Loss>,
    ) -> Result<R, Loss> {
        loop {
            if let Some(parsed) = parse(&self.input)? {
                let length = parsed.length;
                let result = take(&parsed.frame);
                self.input.advance(length);
                return result;
            }
            if self.socket.read_buf(&mut self.input).await? == 0 {
                return Err(Loss::Closed);
            }
        }
    }

    /// Reads the reply to an INFO, and returns a field of it; "" if there is none.
    async fn info(&mut self, field: &str) -> Result<String, Loss> {
        self.next(|frame| {
            accepted(frame)?;
            let Frame::Bulk(text) = frame else {
                return Err(Loss::Unexpected(frame.kind().to_owned()));
            };
            let text = String::from_utf8_lossy(text);
            let found = text.lines().find_map(|line| line.strip_prefix(field));
            Ok(found.unwrap_or_default().to_owned())
        })
        .await
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

/// Carries bytes until the connection is lost.
async fn serve(state: &ServerState, upstream: &Upstream, link: Link) -> Loss {
    let (mut read, mut write) = tokio::io::split(link.socket);
    let mut stream = Stream {
        state,
        upstream,
        input: link.input,
        fanout: Fanout::default(),
        frame: BytesMut::new(),
    };
    let mut output = Bytes::new();
    let mut unflushed = false;
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut last_read, mut last_probe) = (Instant::now(), Instant::now());
    loop {
        if output.is_empty() {
            output = upstream
                .with_desk(|desk| desk.take_output())
                .unwrap_or_default();
        }
        stream.input.reserve(READ_SIZE);
        tokio::select! {
            read = read.read_buf(&mut stream.input) => {
                match read {
                    Ok(0) => return Loss::Closed,
                    Ok(_) => {}
                    Err(error) => return error.into(),
                }
                if let Err(loss) = stream.take_frames().await {
                    return loss;
                }
                last_read = Instant::now();
            }
            written = write_some(&mut write, &output), if !output.is_empty() || unflushed => {
                // What was written is to be flushed; what was flushed is done.
                unflushed = !output.is_empty();
                match written {
                    Ok(bytes) => output.advance(bytes),
                    Err(error) => return error.into(),
                }
            }
            () = upstream.wake.notified() => {}
            _ = ticks.tick() => {
                let patience = state.config().upstream_timeout;
                let is_due = last_probe.elapsed() >= PROBE_EVERY;
                if is_due {
                    last_probe = Instant::now();
                    upstream.with_desk(|desk| desk.probe(&upstream.probe));
                }
                if upstream.with_desk(|desk| desk.is_silent(last_read, patience)) {
                    return Loss::Silent;
                }
            }
        }
    }
}

/// What the hub sends, on its way to the subscribers.
struct Stream<'a> {
    state: &'a ServerState,
    upstream: &'a Upstream,
    input: BytesMut,
    fanout: Fanout,
    /// A buffer for a pattern's messages.
    frame: BytesMut,
}

impl Stream<'_> {
    /// Handles the frames that have arrived as a whole.
    async fn take_frames(&mut self) -> Result<(), Loss> {
        let input = std::mem::take(&mut self.input);
        let mut at = 0;
        let result = loop {
            let limits = self.state.config().client_output_buffer_limit;
            self.fanout.begin_batch(limits);
            let result = self.take_some(&input, &mut at);
            self.deliver();
            if let Some(limit) = self.state.config().client_memory_limit() {
                self.state.memory_trigger.add(self.fanout.appended(), limit);
            }
            self.flush().await;
            match result {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(loss) => break Err(loss),
            }
        };
        self.input = input;
        self.input.advance(at);
        if self.input.is_empty() {
            // A large message has made it large.
            self.input = BytesMut::new();
        }
        result
    }

    /// Handles frames until so much was appended that it should be written. Returns whether there may
    /// be more.
    fn take_some(&mut self, input: &[u8], at: &mut usize) -> Result<bool, Loss> {
        while let Some(parsed) = parse(&input[*at..])? {
            for push in &parsed.pushes {
                self.take(push)?;
            }
            self.take(&parsed.frame)?;
            *at += parsed.length;
            if self.fanout.appends() >= MOST_APPENDS || self.fanout.is_due() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn take(&mut self, frame: &Frame<'_>) -> Result<(), Loss> {
        let Frame::Push(elements) = frame else {
            self.deliver();
            let reply = |desk: &mut Desk| desk.reply(frame, &self.state.registry);
            if let Some(time) = self.upstream.with_desk(reply)? {
                let micros = time.as_micros() as u64;
                self.upstream.stats.round_trip_micros.set(micros);
            }
            return Ok(());
        };
        match elements[..] {
            [
                Frame::Bulk(b"message"),
                Frame::Bulk(name),
                Frame::Bulk(payload),
            ] => {
                if name == self.upstream.probe {
                    self.upstream.with_desk(|desk| desk.probe_came_back());
                } else {
                    self.message(Namespace::Channel, name, payload);
                }
            }
            [
                Frame::Bulk(b"smessage"),
                Frame::Bulk(name),
                Frame::Bulk(payload),
            ] => {
                self.message(Namespace::Shard, name, payload);
            }
            [
                Frame::Bulk(b"pmessage"),
                Frame::Bulk(pattern),
                Frame::Bulk(name),
                Frame::Bulk(payload),
            ] => self.pattern_message(pattern, name, payload),
            [Frame::Bulk(kind), Frame::Bulk(name), Frame::Integer(_)] => {
                self.confirmation(kind, name)?;
            }
            _ => return Err(Loss::Unexpected(frame.kind().to_owned())),
        }
        Ok(())
    }

    fn message(&mut self, namespace: Namespace, channel: &[u8], payload: &[u8]) {
        let run = &self.fanout.single;
        if !run.is_empty() && !run.can_add(namespace, channel, payload) {
            self.deliver();
        }
        self.fanout.single.add(namespace, channel, payload.into());
    }

    /// Delivers the messages that were gathered.
    fn deliver(&mut self) {
        let Fanout { single, pending } = &mut self.fanout;
        if single.is_empty() {
            return;
        }
        let reached = self.state.registry.deliver(single, pending);
        let messages = single.len();
        single.clear();
        self.count(messages, reached);
    }

    fn pattern_message(&mut self, pattern: &[u8], channel: &[u8], payload: &[u8]) {
        self.deliver();
        let Fanout { single, pending } = &mut self.fanout;
        single.add(Namespace::Channel, channel, payload.into());
        let registry = &self.state.registry;
        let reached = registry.deliver_to_pattern(pattern, single, &mut self.frame, pending);
        single.clear();
        self.count(1, reached);
    }

    fn count(&self, messages: usize, reached: usize) {
        let stats = &self.upstream.stats;
        stats.received.add(messages as u64);
        if reached == 0 {
            stats.unwanted.add(messages as u64);
        }
        self.state
            .stats
            .delivered
            .fetch_add(reached as u64, Relaxed);
    }

    fn confirmation(&mut self, kind: &[u8], name: &[u8]) -> Result<(), Loss> {
        self.deliver();
        let (subscribed, namespace) = match kind {
            b"subscribe" => (true, Namespace::Channel),
            b"psubscribe" => (true, Namespace::Pattern),
            b"ssubscribe" => (true, Namespace::Shard),
            b"unsubscribe" => (false, Namespace::Channel),
            b"punsubscribe" => (false, Namespace::Pattern),
            b"sunsubscribe" => (false, Namespace::Shard),
            _ => return Err(Loss::Unexpected("an unknown push".to_owned())),
        };
        let (registry, limits) = (&self.state.registry, self.fanout.limits());
        let clients = self
            .upstream
            .with_desk(|desk| desk.confirmation(subscribed, namespace, name, registry, limits))?;
        for client in clients {
            // It has been sent a confirmation. If it is dead, its own task ends it.
            self.state.flush(&client);
        }
        Ok(())
    }

    /// Writes to the subscribers.
    async fn flush(&mut self) {
        loop {
            for _ in 0..WRITES_PER_TURN {
                let Some(client) = self.fanout.next_touched() else {
                    return;
                };
                self.state.flush(&client);
            }
            tokio::task::yield_now().await;
        }
    }
}
