//! A connected client, as everything but its own task sees it.
//!
//! Layer `client`. It may use `config`, `resp` and what else lies below.
//!
//! The connection's task owns the reading side and the session. What others need of a client is
//! here, behind atomics and small locks: its outbox, its subscriptions and what CLIENT LIST shows.
//! The task writes fields that are only shown (database, last command, …) with relaxed ordering, so
//! they may lag by one command.

pub(crate) mod backlog;
mod choices;
mod closing;
mod ending;
mod extras;
pub(crate) mod frames;
mod identity;
pub(crate) mod log;
pub(crate) mod outbox;
#[cfg(feature = "http")]
pub(crate) mod pipe;
pub(crate) mod socket;
mod subscriptions;
pub(crate) mod tls;
pub(crate) mod tracking;

use std::net::Shutdown;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;

pub(crate) use choices::{Choice, Choices};
pub(crate) use closing::Closing;
pub(crate) use ending::Ending;
use extras::Extras;
pub(crate) use extras::Kept;
pub(crate) use identity::{Addresses, ClientId, MAX_NAME, Names, PeerAddress};
use outbox::{Flush, Outbox, Status, Written};
use socket::Socket;
pub(crate) use subscriptions::{Name, Namespace, REGISTRY_PLACE, Subscriptions};
use tracking::Tracking;

use crate::resp::Protocol;
use crate::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst,
};
use crate::sync::{AtomicWaker, Mutex};

/// Wakes the client's own task if a flush panics. The task then finds that the outbox is dead.
struct WakeOnPanic<'a>(&'a AtomicWaker);

impl Drop for WakeOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.wake();
        }
    }
}

/// The name of the user of a connection that has not authenticated.
pub(crate) const DEFAULT_USER: &[u8] = b"default";

/// What the times at which clients connected are measured from.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

// There may be very many clients, and most of them idle. With its reference counts, a client is in
// one of the allocator's classes of size. In debug builds a socket takes a word more.
#[cfg(all(target_pointer_width = "64", not(shuttle)))]
const _: () = {
    let debug = if cfg!(debug_assertions) { 8 } else { 0 };
    assert!(size_of::<Client>() <= 256 - 2 * size_of::<usize>() + debug);
};

/// A connected client: its outbox, its subscriptions and its state for others. What few clients
/// have is in [`Extras`].
#[derive(Debug)]
pub(crate) struct Client {
    /// Its id.
    pub id: ClientId,
    /// Both ends of its connection.
    pub addresses: Addresses,
    /// Milliseconds from the [`EPOCH`] to when it connected.
    connected: u64,
    /// The bytes that are still to be sent to it.
    pub outbox: Outbox,
    /// Its subscriptions. Only the registry changes them.
    pub subscriptions: Mutex<Subscriptions>,
    /// The number of its subscriptions, kept by the registry.
    pub subscription_count: AtomicU32,
    /// Milliseconds from `connected` to the last bytes it sent.
    pub last_active: AtomicU64,
    /// The id of its last command in the command table, `u16::MAX` before the first.
    pub last_command: AtomicU16,
    /// The lowest byte of the number of the worker that serves it; 0 if the server has no workers.
    pub worker: u8,
    /// Its selected database.
    pub database: AtomicU32,
    /// CLIENT NO-EVICT and CLIENT NO-TOUCH.
    pub choices: Choices,
    /// Whether a watched key has changed.
    pub watched_changed: AtomicBool,
    /// Its settings for client-side caching.
    pub tracking: Tracking,
    /// Whether bytes of an unfinished request are kept for it.
    holds_input: AtomicBool,
    /// Whether it is blocked (BLPOP and similar commands).
    blocked: AtomicBool,
    /// Whether it waits for the end of a pause.
    postponed: AtomicBool,
    /// Whether it is a monitor. Only the list of monitors changes this.
    monitor: AtomicBool,
    serving: AtomicBool,
    extras: OnceBox<Extras>,
    protocol: AtomicU8,
    closing: AtomicU8,
    ending: AtomicU8,
    socket: Socket,
    waker: AtomicWaker,
}

/// See [`Client::poll_output`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// The socket takes more: [`Client::unblock`] and flush.
    Writable,
    /// Everything is written, so the connection may close.
    Drained,
    /// The connection has ended.
    End,
}

/// Milliseconds from the [`EPOCH`] to `now`.
fn since_epoch(now: Instant) -> u64 {
    now.saturating_duration_since(*EPOCH).as_millis() as u64
}

impl Client {
    /// A client that has just connected.
    pub(crate) fn new(id: ClientId, addresses: Addresses, socket: Socket) -> Client {
        Client {
            id,
            addresses,
            connected: since_epoch(Instant::now()),
            outbox: Outbox::default(),
            subscriptions: Mutex::default(),
            subscription_count: AtomicU32::new(0),
            last_active: AtomicU64::new(0),
            last_command: AtomicU16::new(u16::MAX),
            worker: 0,
            database: AtomicU32::new(0),
            choices: Choices::default(),
            watched_changed: AtomicBool::new(false),
            tracking: Tracking::default(),
            holds_input: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            postponed: AtomicBool::new(false),
            monitor: AtomicBool::new(false),
            serving: AtomicBool::new(false),
            extras: OnceBox::new(),
            protocol: AtomicU8::new(Protocol::Resp2 as u8),
            closing: AtomicU8::new(Closing::Open as u8),
            ending: AtomicU8::new(Ending::Peer as u8),
            socket,
            waker: AtomicWaker::new(),
        }
    }

    /// Its protocol version.
    pub(crate) fn protocol(&self) -> Protocol {
        if self.protocol.load(Relaxed) == Protocol::Resp3 as u8 {
            Protocol::Resp3
        } else {
            Protocol::Resp2
        }
    }

    /// Changes the protocol version of everything that is appended from now on.
    pub(crate) fn set_protocol(&self, protocol: Protocol) {
        self.protocol.store(protocol as u8, Relaxed);
        self.outbox.set_protocol(protocol);
    }

    /// Records that bytes were received.
    pub(crate) fn touch(&self, now: Instant) {
        let since = since_epoch(now).saturating_sub(self.connected);
        self.last_active.store(since, Relaxed);
    }

    /// Seconds since it last sent something.
    pub(crate) fn idle_seconds(&self) -> u64 {
        self.age_millis()
            .saturating_sub(self.last_active.load(Relaxed))
            / 1000
    }

    /// Whether it has any subscription (the flag P in CLIENT LIST).
    pub(crate) fn is_subscriber(&self) -> bool {
        self.subscription_count.load(Relaxed) > 0
    }

    /// Bytes of memory that it takes in all (`tot-mem` in CLIENT LIST).
    pub(crate) fn memory(&self) -> usize {
        let (_, _, output) = self.outbox.usage();
        let subscriptions = self.subscriptions.lock().memory();
        let own = size_of::<Client>() + self.addresses.memory();
        let extras = self.extras().map_or(0, Extras::memory);
        let kept =
            [Kept::Input, Kept::Body, Kept::Tracked, Kept::Names].map(|what| self.kept(what));
        let kept = self.kept_memory() + kept.iter().sum::<usize>();
        own + extras + subscriptions + kept + output
    }

    /// Sets how many bytes of an unfinished request are kept for it.
    pub(crate) fn set_held_input(&self, bytes: usize) {
        self.set_kept(Kept::Input, bytes);
        self.holds_input.store(bytes > 0, SeqCst);
    }

    /// Whether it is blocked (BLPOP and similar commands).
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked.load(SeqCst)
    }

    /// Marks that it is blocked, or no longer. In the latter case its task is woken if it has input
    /// to go on with. Called only under the keyspace's lock.
    pub(crate) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, SeqCst);
        if !blocked && self.holds_input.load(SeqCst) {
            self.waker.wake();
        }
    }

    /// Whether the keyspace may have it among its blocked clients, its watchers, or in its tracking
    /// table.
    pub(crate) fn is_in_keyspace(&self) -> bool {
        self.is_blocked() || self.kept(Kept::Watched) > 0 || self.tracking.is_listed()
    }

    /// Whether it waits for the end of a pause (CLIENT PAUSE).
    pub(crate) fn is_postponed(&self) -> bool {
        self.postponed.load(SeqCst)
    }

    /// Marks that it waits for the end of a pause, or no longer.
    ///
    /// The ordering is sequentially consistent, like that of the pause. So either the client's task
    /// sees that the pause has ended, or the thread that ends the pause sees that the client waits.
    pub(crate) fn set_postponed(&self, postponed: bool) {
        self.postponed.store(postponed, SeqCst);
    }

    /// Whether it is a monitor (MONITOR).
    pub(crate) fn is_monitor(&self) -> bool {
        self.monitor.load(Relaxed)
    }

    /// Makes it a monitor, or no longer. Called only under the lock of the list of monitors.
    pub(crate) fn set_monitor(&self, monitor: bool) {
        self.monitor.store(monitor, Relaxed);
        self.outbox.set_pubsub(monitor || self.is_subscriber());
    }

    /// Wakes its task.
    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    /// Whether the peer has closed its side of the connection, even if the task has not seen it.
    pub(crate) fn peer_has_hung_up(&self) -> bool {
        self.closing() == Closing::Closed || self.socket.peer_has_hung_up()
    }

    /// Whether the kernel knows that the connection is reset or closed both ways. Then nobody reads
    /// what is written.
    pub(crate) fn peer_is_cut_off(&self) -> bool {
        self.closing() == Closing::Closed || self.socket.peer_is_cut_off()
    }

    /// Its socket. Only its own task reads from it.
    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The socket's file descriptor, for CLIENT LIST.
    pub(crate) fn descriptor(&self) -> i32 {
        self.socket.descriptor()
    }

    /// Writes pending bytes in place, as far as the socket takes them, and adds them to
    /// `written`. Returns `false` if the connection is dead and should be disconnected. Its own
    /// task has been woken then, and disconnects it if the caller does not.
    #[must_use]
    pub(crate) fn flush(&self, written: &mut Written) -> bool {
        let _unfinished = WakeOnPanic(&self.waker);
        match self.outbox.flush(&self.socket, written) {
            Flush::Done => {
                if self.closing() == Closing::Draining {
                    // Its task may wait for the outbox to become empty.
                    self.waker.wake();
                }
                true
            }
            Flush::HandOver => {
                self.note_backlog();
                self.waker.wake();
                true
            }
            Flush::Dead => {
                if self.closing() == Closing::Closed {
                    self.socket.shutdown(Shutdown::Both);
                }
                self.waker.wake();
                false
            }
        }
    }

    /// Called when the socket is writable again. Its own task then flushes.
    pub(crate) fn unblock(&self) {
        self.note_backlog();
        self.outbox.unblock();
    }

    /// Whether the socket was full within `time`. If so, the kernel may still have much to send.
    pub(crate) fn backlogged_within(&self, time: Duration) -> bool {
        let last = |extras: &Extras| extras.last_backlog.load(Relaxed);
        let last = self.extras().map_or(0, last);
        last > 0 && self.age_millis() + 1 - last < time.as_millis() as u64
    }

    fn note_backlog(&self) {
        let last = &self.make_extras().last_backlog;
        last.store(self.age_millis() + 1, Relaxed);
    }

    fn age_millis(&self) -> u64 {
        since_epoch(Instant::now()).saturating_sub(self.connected)
    }

    /// How long it has been connected, in seconds.
    pub(crate) fn age_seconds(&self) -> u64 {
        self.age_millis() / 1000
    }

    /// What its own task has to do for the outbox. While this is pending, the task is woken when
    /// there is something to do.
    pub(crate) fn poll_output(&self, context: &mut Context<'_>) -> Poll<Output> {
        self.register_task(context.waker());
        match self.outbox.status() {
            Status::Dead => return Poll::Ready(Output::End),
            Status::Blocked => {
                if self.socket.poll_write_ready(context).is_ready() {
                    return Poll::Ready(Output::Writable);
                }
            }
            Status::Settled => {}
        }
        match self.closing() {
            Closing::Closed => Poll::Ready(Output::End),
            Closing::Draining if self.outbox.is_drained() => Poll::Ready(Output::Drained),
            _ => Poll::Pending,
        }
    }

    /// Registers the task to be woken. The task must then test the conditions that it may be woken
    /// for.
    pub(crate) fn register_task(&self, waker: &std::task::Waker) {
        self.waker.register(waker);
    }
}
