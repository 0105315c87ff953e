//! A connected client, as everybody but its own task sees it.
//!
//! The connection's task owns the reading side and the session; what others need of a client —
//! its outbox, its subscriptions, what CLIENT LIST shows — is here, behind atomics and small locks.
//! Fields that are only shown (database, last command, …) are written relaxed by the task and may
//! lag by one command.

pub(crate) mod backlog;
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

/// Whoever writes for a client may panic: the client's own task then finds the outbox dead.
struct WakeOnPanic<'a>(&'a AtomicWaker);

impl Drop for WakeOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.wake();
        }
    }
}

/// How far a connection is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// Not at all.
    Open,
    /// It reads no more requests, as the server shuts down, but is still written to.
    Quiet,
    /// It reads no more requests and closes once its outbox is written.
    Draining,
    /// It is gone from all tables.
    Closed,
}

/// The name of the user of a connection that has not said another.
pub(crate) const DEFAULT_USER: &[u8] = b"default";

/// See the module.
#[derive(Debug)]
pub(crate) struct Client {
    /// Its number.
    pub id: ClientId,
    /// Both ends.
    pub addresses: Addresses,
    /// When it connected.
    pub connected: Instant,
    /// What it is still to be sent.
    pub outbox: Outbox,
    /// What it is subscribed to. Changed by the registry only.
    pub subscriptions: Mutex<Subscriptions>,
    /// The size of `subscriptions`, kept by the registry.
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
    /// Commands queued since MULTI; -1: it is not in a transaction.
    pub queued: AtomicI32,
    /// Bytes of those commands.
    pub queued_memory: AtomicUsize,
    /// Bytes that its watched keys take; more than none exactly while it watches some. Changed under
    /// the keyspace's lock only.
    pub watched_memory: AtomicUsize,
    /// Bytes that its wait for keys takes (BLPOP and its kin). Changed under the keyspace's lock only.
    pub waiting_memory: AtomicUsize,
    /// A key that it watches has changed.
    pub watched_changed: AtomicBool,
    /// What it has asked of client-side caching.
    pub tracking: Tracking,
    /// Bytes of an unfinished request that are kept for it.
    pub held_input: AtomicUsize,
    /// It waits for an element.
    blocked: AtomicBool,
    /// It waits for the end of a pause.
    postponed: AtomicBool,
    /// It is shown every command. Changed by the list of monitors only.
    monitor: AtomicBool,
    serving: AtomicBool,
    /// Milliseconds from `connected` to when its socket was last full, plus 1; 0: it never was.
    last_backlog: AtomicU64,
    names: Mutex<Option<Box<Names>>>,
    /// The name of the user that it is.
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
    /// All that was owed is written: the connection may close.
    Drained,
    /// The connection is at its end.
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

    /// Changes the protocol version for everything appended from now on.
    pub(crate) fn set_protocol(&self, protocol: Protocol) {
        self.protocol.store(protocol as u8, Relaxed);
        self.outbox.set_protocol(protocol);
    }

    /// What it says of itself.
    pub(crate) fn names(&self) -> Names {
        self.names.lock().as_deref().cloned().unwrap_or_default()
    }

    /// Changes what it says of itself.
    pub(crate) fn set_names(&self, change: impl FnOnce(&mut Names)) {
        change(self.names.lock().get_or_insert_default());
    }

    /// The name of the user that it is, or was before that user was deleted.
    pub(crate) fn user(&self) -> Bytes {
        self.user.lock().clone()
    }

    /// Makes it another user.
    pub(crate) fn set_user(&self, name: Bytes) {
        *self.user.lock() = name;
    }

    /// Notes that bytes have come in.
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

    /// Bytes that are kept for it beside its requests: what a transaction has queued, the keys that
    /// it watches or waits for, and the prefixes that it tracks.
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

    /// Whether it waits for an element (BLPOP and its kin).
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked.load(SeqCst)
    }

    /// Marks that it waits, or does so no more; its task is then woken if there is anything to go
    /// on with, or else goes on once there is. Called under the keyspace's lock only.
    pub(crate) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, SeqCst);
        if !blocked && self.held_input.load(SeqCst) > 0 {
            self.waker.wake();
        }
    }

    /// Whether the keyspace may have it among its waiters or watchers, or in its tracking table.
    pub(crate) fn is_in_keyspace(&self) -> bool {
        self.is_blocked() || self.watched_memory.load(Relaxed) > 0 || self.tracking.is_listed()
    }

    /// Whether it waits for the end of a pause (CLIENT PAUSE).
    pub(crate) fn is_postponed(&self) -> bool {
        self.postponed.load(SeqCst)
    }

    /// Marks that it waits for the end of a pause, or does so no more.
    ///
    /// Sequentially consistent, like the pause: its task sees that the pause has ended, or who ends
    /// it sees that it waits.
    pub(crate) fn set_postponed(&self, postponed: bool) {
        self.postponed.store(postponed, SeqCst);
    }

    /// Whether it is shown every command (MONITOR).
    pub(crate) fn is_monitor(&self) -> bool {
        self.monitor.load(Relaxed)
    }

    /// Makes it a monitor, or none any more. Under the lock of the list of monitors only.
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

    /// Whether the connection is reset or closed both ways, as far as the kernel knows: what is written
    /// is read by nobody.
    pub(crate) fn peer_is_cut_off(&self) -> bool {
        self.closing() == Closing::Closed || self.socket.peer_is_cut_off()
    }

    /// The socket's file descriptor, for CLIENT LIST.
    pub(crate) fn descriptor(&self) -> i32 {
        self.socket.descriptor()
    }

    /// Writes what is pending in place, as far as the socket takes it. Adds to `written` the bytes
    /// that it took. `false`: the connection is dead and should be disconnected; its own task has
    /// been woken and will do so otherwise.
    #[must_use]
    pub(crate) fn flush(&self, written: &mut u64) -> bool {
        let _unfinished = WakeOnPanic(&self.waker);
        match self.outbox.flush(&self.socket, written) {
            Flush::Done => {
                if self.closing() == Closing::Draining {
                    // Its task waits for the outbox to be empty.
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

    /// How far it is on its way out.
    pub(crate) fn closing(&self) -> Closing {
        match self.closing.load(Relaxed) {
            0 => Closing::Open,
            1 => Closing::Quiet,
            2 => Closing::Draining,
            _ => Closing::Closed,
        }
    }

    /// The socket is writable again: its own task flushes.
    pub(crate) fn unblock(&self) {
        self.note_backlog();
        self.outbox.unblock();
    }

    /// Whether its socket was full so short a time ago, so that its kernel may still have much to
    /// send.
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

    /// Marks that a batch of its requests is being carried out. `false`: it may not be, as the
    /// connection is on its way out.
    ///
    /// Sequentially consistent, like [`quiet`](Self::quiet) and [`is_serving`](Self::is_serving):
    /// who has quieted all clients and then finds none serving knows that none will.
    #[must_use]
    pub(crate) fn begin_serving(&self) -> bool {
        self.serving.store(true, SeqCst);
        let open = self.closing.load(SeqCst) == Closing::Open as u8;
        if !open {
            self.serving.store(false, SeqCst);
        }
        open
    }

    /// Marks that the batch has come to its end.
    pub(crate) fn end_serving(&self) {
        self.serving.store(false, SeqCst);
    }

    /// Whether a batch of its requests is being carried out.
    pub(crate) fn is_serving(&self) -> bool {
        self.serving.load(SeqCst)
    }

    /// Asks it to read no more requests.
    pub(crate) fn quiet(&self) {
        self.advance(Closing::Quiet);
    }

    /// Asks it to read no more and to close once everything pending is written.
    pub(crate) fn drain(&self) {
        self.advance(Closing::Draining);
    }

    /// Marks it closed. `false`: it was closed already, and somebody else sees to the rest.
    #[must_use]
    pub(crate) fn close(&self) -> bool {
        self.advance(Closing::Closed) != Closing::Closed as u8
    }

    /// Tells the peer that nothing more will come.
    pub(crate) fn finish_writing(&self) {
        self.socket.shutdown(Shutdown::Write);
    }

    /// Ends the connection of a client that is closed; its task ends too. What is pending is written
    /// as far as the socket takes it: it may have been given an element just before, and its peer
    /// may still read. Whoever writes last, here or elsewhere, closes the socket. Adds to `written`
    /// the bytes that were written here.
    pub(crate) fn hang_up(&self, written: &mut u64) {
        self.outbox.end();
        let _ = self.flush(written);
    }

    /// Goes on to `stage`, never back, and wakes the task. Returns the stage before.
    fn advance(&self, stage: Closing) -> u8 {
        let before = self.closing.fetch_max(stage as u8, SeqCst);
        self.waker.wake();
        before
    }

    /// What its own task has to do for its outbox; from when it is asked until then, the task is
    /// woken when there is something.
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

    /// Registers the task to be woken; to be followed by a look at what it may be woken for.
    pub(crate) fn register_task(&self, waker: &std::task::Waker) {
        self.waker.register(waker);
    }
}
