//! What few clients have.
//!
//! Layer `client`. It uses only the rest of `client`.
//!
//! Every client has room for a pointer to it. It is made when there is something to write into it,
//! and stays until the client is gone. A client without it has the default values.

use bytes::Bytes;

use super::{Client, DEFAULT_USER, Names};
use crate::sync::Mutex;
use crate::sync::atomic::{
    AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed,
};

/// What memory is kept for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kept {
    /// Commands queued since MULTI.
    Queued,
    /// Watched keys; not 0 exactly while the client watches keys. Changed only under the keyspace's
    /// lock.
    Watched,
    /// A wait for keys (BLPOP and similar commands). Changed only under the keyspace's lock.
    Waiting,
    /// Prefixes that it tracks.
    Prefixes,
    /// Keys that are remembered for it, for client-side caching. A key that several clients have
    /// read counts for each.
    Tracked,
    /// An unfinished request.
    Input,
    /// The body of its request over HTTP.
    Body,
    /// Names that it waits to be subscribed to, at an upstream.
    Names,
}

/// What few clients have.
#[derive(Debug)]
pub(super) struct Extras {
    /// Bytes of memory, by [`Kept`].
    kept: [AtomicUsize; 8],
    /// The number of commands queued since MULTI; -1 outside of a transaction.
    queued: AtomicI32,
    /// How often the upstream was lost while it was subscribed, and it was kept.
    gaps: AtomicU32,
    /// Whether it is the connection of an edge.
    is_edge: AtomicBool,
    /// The client that is told of changed keys instead; 0 if there is none.
    pub(super) redirect: AtomicU64,
    /// Milliseconds from when the client connected to the last time its socket was full, plus 1; 0
    /// if it never was.
    pub(super) last_backlog: AtomicU64,
    names: Mutex<Names>,
    /// The name of its user, if it is not the default user.
    user: Mutex<Option<Bytes>>,
}

impl Default for Extras {
    fn default() -> Extras {
        Extras {
            kept: std::array::from_fn(|_| AtomicUsize::new(0)),
            queued: AtomicI32::new(-1),
            gaps: AtomicU32::new(0),
            is_edge: AtomicBool::new(false),
            redirect: AtomicU64::new(0),
            last_backlog: AtomicU64::new(0),
            names: Mutex::default(),
            user: Mutex::default(),
        }
    }
}

impl Extras {
    /// Bytes of memory that they take.
    pub(super) fn memory(&self) -> usize {
        size_of::<Extras>() + self.names.lock().memory()
    }
}

impl Client {
    pub(super) fn extras(&self) -> Option<&Extras> {
        self.extras.get()
    }

    pub(super) fn make_extras(&self) -> &Extras {
        self.extras.get_or_init(Box::default)
    }

    /// Bytes of memory that are kept for this.
    pub(crate) fn kept(&self, what: Kept) -> usize {
        let kept = |extras: &Extras| extras.kept[what as usize].load(Relaxed);
        self.extras().map_or(0, kept)
    }

    /// Sets how many bytes of memory are kept for this.
    pub(crate) fn set_kept(&self, what: Kept, bytes: usize) {
        if bytes != self.kept(what) {
            self.make_extras().kept[what as usize].store(bytes, Relaxed);
        }
    }

    /// Counts further bytes of memory.
    pub(crate) fn add_kept(&self, what: Kept, bytes: usize) {
        self.make_extras().kept[what as usize].fetch_add(bytes, Relaxed);
    }

    /// Counts bytes of memory that are no longer kept.
    pub(crate) fn subtract_kept(&self, what: Kept, bytes: usize) {
        self.make_extras().kept[what as usize].fetch_sub(bytes, Relaxed);
    }

    /// Bytes that are kept for it beside its requests: commands queued in a transaction, keys that
    /// it watches or waits for, and prefixes that it tracks.
    pub(crate) fn kept_memory(&self) -> usize {
        let kinds = [Kept::Queued, Kept::Watched, Kept::Waiting, Kept::Prefixes];
        kinds.map(|kind| self.kept(kind)).iter().sum()
    }

    /// Whether it is the connection of an edge, for which this server is the hub.
    pub(crate) fn is_edge(&self) -> bool {
        self.extras()
            .is_some_and(|extras| extras.is_edge.load(Relaxed))
    }

    /// It is the connection of an edge.
    pub(crate) fn set_edge(&self) {
        self.make_extras().is_edge.store(true, Relaxed);
    }

    /// How often the upstream was lost while it was subscribed, and it was kept.
    pub(crate) fn gaps(&self) -> u32 {
        self.extras().map_or(0, |extras| extras.gaps.load(Relaxed))
    }

    /// Counts that the upstream was lost.
    pub(crate) fn add_gap(&self) {
        self.make_extras().gaps.fetch_add(1, Relaxed);
    }

    /// The number of commands queued since MULTI; -1 outside of a transaction.
    pub(crate) fn queued(&self) -> i32 {
        let queued = |extras: &Extras| extras.queued.load(Relaxed);
        self.extras().map_or(-1, queued)
    }

    /// Sets the number of commands queued since MULTI; -1 outside of a transaction.
    pub(crate) fn set_queued(&self, commands: i32) {
        if commands != self.queued() {
            self.make_extras().queued.store(commands, Relaxed);
        }
    }

    /// The names that it gave itself.
    pub(crate) fn names(&self) -> Names {
        let names = |extras: &Extras| extras.names.lock().clone();
        self.extras().map(names).unwrap_or_default()
    }

    /// Changes the names.
    pub(crate) fn set_names(&self, change: impl FnOnce(&mut Names)) {
        change(&mut self.make_extras().names.lock());
    }

    /// The name of its user, who may have been deleted in the meantime.
    pub(crate) fn user(&self) -> Bytes {
        let user = self.extras().and_then(|extras| extras.user.lock().clone());
        user.unwrap_or(Bytes::from_static(DEFAULT_USER))
    }

    /// Changes its user.
    pub(crate) fn set_user(&self, name: Bytes) {
        if self.extras().is_some() || name != DEFAULT_USER {
            *self.make_extras().user.lock() = Some(name);
        }
    }
}
