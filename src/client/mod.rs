//! A connected client, as everything but its own task sees it.
//!
//! Layer `client`. It may use `config`, `resp` and what else lies below.
//!
//! The connection's task owns the reading side and the session. What others need of a client is
//! here, behind atomics and small locks: its outbox, its subscriptions and what CLIENT LIST shows.
//! The task writes fields that are only shown (database, last command, …) with relaxed ordering, so
//! they may lag by one command.

pub(crate) mod backlog;
mod closing;
pub(crate) mod frames;
mod identity;
pub(crate) mod log;
pub(crate) mod outbox;
pub(crate) mod socket;
mod subscriptions;
pub(crate) mod tls;
pub(crate) mod tracking;

use std::net::Shutdown;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;

pub(crate) use closing::Closing;
pub(crate) use identity::{Addresses, ClientId, MAX_NAME, Names};
use outbox::{Flush, Outbox, Status};
use socket::WriteSocket;
pub(crate) use subscriptions::{Namespace, REGISTRY_PLACE, Subscriptions};
use tracking::Tracking;

use crate::resp::Protocol;
use crate::sync::atomic::{
    AtomicBool, AtomicI32, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::Relaxed, Ordering::SeqCst,
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

/// A connected client: its outbox, its subscriptions and its state for others.
#[derive(Debug)]
pub(crate) struct Client {
    /// Its id.
    pub id: ClientId,
    /// Both ends of its connection.
    pub addresses: Addresses,
    /// When it connected.
    pub connected: Instant,
    /// The bytes that are still to be sent to it.
    pub outbox: Outbox,
    /// Its subscriptions. Only the registry changes them.
    pub subscriptions: Mutex<Subscriptions>,
    /// The number of its subscriptions, kept by the registry.
    pub subscription_count: AtomicUsize,
    /// Milliseconds from `connected` to the last bytes it sent.
    pub last_active: AtomicU64,
    /// The id of its last command in the command table, `u16::MAX` before the first.
    pub last_command: AtomicU16,
    /// Its selected database.
    pub database: AtomicU32,
    /// CLIENT NO-EVICT.
    pub no_evict: AtomicBool,
    /// CLIENT NO-TOUCH.
    pub no_touch: AtomicBool,
    /// The number of commands queued since MULTI; -1 outside of a transaction.
    pub queued: AtomicI32,
    /// Bytes of those commands.
    pub queued_memory: AtomicUsize,
    /// Bytes that its watched keys take; not 0 exactly while it watches keys. Changed only under
    /// the keyspace's lock.
    pub watched_memory: AtomicUsize,
    /// Bytes that its wait for keys takes (BLPOP and similar commands). Changed only under the
    /// keyspace's lock.
    pub waiting_memory: AtomicUsize,
    /// Whether a watched key has changed.
    pub watched_changed: AtomicBool,
    /// Its settings for client-side caching.
    pub tracking: Tracking,
    /// How often the upstream was lost while it was subscribed, and it was kept.
    pub gaps: AtomicU32,
    /// Bytes of an unfinished request that are kept for it.
    pub held_input: AtomicUsize,
    /// Whether it is blocked (BLPOP and similar commands).
    blocked: AtomicBool,
    /// Whether it waits for the end of a pause.
    postponed: AtomicBool,
    /// Whether it is a monitor. Only the list of monitors changes this.
    monitor: AtomicBool,
    serving: AtomicBool,
    /// Milliseconds from `connected` to the last time its socket was full, plus 1; 0 if it never
    /// was.
    last_backlog: AtomicU64,
    names: Mutex<Option<Box<Names>>>,
    /// The name of its user.
    user: Mutex<Bytes>,
    protocol: AtomicU8,
    closing: AtomicU8,
    socket: WriteSocket,
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

impl Client {
    /// A client that has just connected.
    pub(crate) fn new(id: ClientId, addresses: Addresses, socket: WriteSocket) -> Client {
        Client {
            id,
            addresses,
            connected: Instant::now(),
            outbox: Outbox::default(),
            subscriptions: Mutex::default(),
            subscription_count: AtomicUsize::new(0),
            last_active: AtomicU64::new(0),
            last_command: AtomicU16::new(u16::MAX),
            database: AtomicU32::new(0),
            no_evict: AtomicBool::new(false),
            no_touch: AtomicBool::new(false),
            queued: AtomicI32::new(-1),
            queued_memory: AtomicUsize::new(0),
            watched_memory: AtomicUsize::new(0),
            waiting_memory: AtomicUsize::new(0),
            watched_changed: AtomicBool::new(false),
            tracking: Tracking::default(),
            gaps: AtomicU32::new(0),
            held_input: AtomicUsize::new(0),
            blocked: AtomicBool::new(false),
            postponed: AtomicBool::new(false),
            monitor: AtomicBool::new(false),
            serving: AtomicBool::new(false),
            last_backlog: AtomicU64::new(0),
            names: Mutex::new(None),
            user: Mutex::new(Bytes::from_static(DEFAULT_USER)),
            protocol: AtomicU8::new(Protocol::Resp2 as u8),
            closing: AtomicU8::new(Closing::Open as u8),
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

    /// The names that it gave itself.
    pub(crate) fn names(&self) -> Names {
        self.names.lock().as_deref().cloned().unwrap_or_default()
    }

    /// Changes the names.
    pub(crate) fn set_names(&self, change: impl FnOnce(&mut Names)) {
        change(self.names.lock().get_or_insert_default());
    }

    /// The name of its user, who may have been deleted in the meantime.
    pub(crate) fn user(&self) -> Bytes {
        self.user.lock().clone()
    }

    /// Changes its user.
    pub(crate) fn set_user(&self, name: Bytes) {
        *self.user.lock() = name;
    }

    /// Records that bytes were received.
    pub(crate) fn touch(&self, now: Instant) {
        let since = now.duration_since(self.connected).as_millis();
        self.last_active.store(since as u64, Relaxed);
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

    /// Bytes that are kept for it beside its requests: commands queued in a transaction, keys that
    /// it watches or waits for, and prefixes that it tracks.
    pub(crate) fn kept_memory(&self) -> usize {
        self.queued_memory.load(Relaxed)
            + self.watched_memory.load(Relaxed)
            + self.waiting_memory.load(Relaxed)
            + self.tracking.prefix_memory.load(Relaxed)
    }

    /// Bytes of memory that it takes in all (`tot-mem` in CLIENT LIST).
    pub(crate) fn memory(&self) -> usize {
        let (_, _, output) = self.outbox.usage();
        let subscriptions = self.subscriptions.lock().memory();
        let input = self.held_input.load(Relaxed);
        let names = self.names.lock().as_deref().map_or(0, Names::memory);
        let tracked = self.tracking.key_memory.load(Relaxed);
        size_of::<Client>() + names + subscriptions + input + self.kept_memory() + tracked + output
    }

    /// Whether it is blocked (BLPOP and similar commands).
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked.load(SeqCst)
    }

    /// Marks that it is blocked, or no longer. In the latter case its task is woken if it has input
    /// to go on with. Called only under the keyspace's lock.
    pub(crate) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, SeqCst);
        if !blocked && self.held_input.load(SeqCst) > 0 {
            self.waker.wake();
        }
    }

    /// Whether the keyspace may have it among its blocked clients, its watchers, or in its tracking
    /// table.
    pub(crate) fn is_in_keyspace(&self) -> bool {
        self.is_blocked() || self.watched_memory.load(Relaxed) > 0 || self.tracking.is_listed()
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

    /// The socket's file descriptor, for CLIENT LIST.
    pub(crate) fn descriptor(&self) -> i32 {
        self.socket.descriptor()
    }

    /// Writes pending bytes in place, as far as the socket takes them, and adds their number to
    /// `written`. Returns `false` if the connection is dead and should be disconnected. Its own
    /// task has been woken then, and disconnects it if the caller does not.
    #[must_use]
    pub(crate) fn flush(&self, written: &mut u64) -> bool {
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
        let last = self.last_backlog.load(Relaxed);
        last > 0 && self.age_millis() + 1 - last < time.as_millis() as u64
    }

    fn note_backlog(&self) {
        self.last_backlog.store(self.age_millis() + 1, Relaxed);
    }

    fn age_millis(&self) -> u64 {
        self.connected.elapsed().as_millis() as u64
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
