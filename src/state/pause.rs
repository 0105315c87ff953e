//! CLIENT PAUSE: for a while, commands are not carried out.
//!
//! A connection whose next command is held back keeps it, and waits until the pause is over (see
//! `conn::blocked`); no thread waits. The pause ends by itself: whoever looks at it after its end
//! takes it away.
//!
//! Redis's rule for a pause that begins during another one: the later end holds, and the wider
//! scope.

use tokio::time::Instant;

use crate::sync::Mutex;
use crate::sync::atomic::{
    AtomicU8, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

/// What is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// What changes keys, or publishes.
    Writes = 1,
    /// Everything.
    All = 2,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    /// The number of the scope; 0: there is no pause. Changed under the lock of `until`.
    scope: AtomicU8,
    until: Mutex<Option<Instant>>,
    /// Connections that wait for its end.
    postponed: AtomicUsize,
}

impl Pause {
    /// Begins a pause, or extends the one that there is.
    pub(crate) fn begin(&self, until: Instant, scope: Scope) {
        self.forget_if_over();
        let mut end = self.until.lock();
        *end = Some(end.map_or(until, |end| end.max(until)));
        self.scope.fetch_max(scope as u8, SeqCst);
    }

    /// Ends the pause. The caller then wakes those who wait ([`ServerState::end_pause`]).
    ///
    /// [`ServerState::end_pause`]: super::ServerState::end_pause
    pub(super) fn end(&self) {
        let mut until = self.until.lock();
        *until = None;
        self.scope.store(0, SeqCst);
    }

    /// Whether there is a pause.
    ///
    /// Sequentially consistent, like [`end`](Self::end) and `Client::set_postponed`: a connection
    /// says that it waits before it asks this, and who ends a pause looks for those who wait
    /// afterwards. So it sees that the pause has ended, or is seen and woken.
    pub(crate) fn is_on(&self) -> bool {
        self.scope.load(SeqCst) != 0 && self.end_of().is_some()
    }

    /// Until when commands are held back, if they are: those that `may_replicate` by every pause,
    /// others by one of everything.
    pub(crate) fn holds_back(&self, may_replicate: impl FnOnce() -> bool) -> Option<Instant> {
        let scope = self.scope.load(Relaxed);
        if scope == 0 || (scope == Scope::Writes as u8 && !may_replicate()) {
            return None;
        }
        self.end_of()
    }

    /// When the pause ends.
    fn end_of(&self) -> Option<Instant> {
        self.forget_if_over();
        *self.until.lock()
    }

    fn forget_if_over(&self) {
        let mut until = self.until.lock();
        if until.is_some_and(|until| until <= Instant::now()) {
            *until = None;
            self.scope.store(0, SeqCst);
        }
    }

    /// The number of connections that wait for the end.
    pub(crate) fn postponed(&self) -> usize {
        self.postponed.load(Relaxed)
    }

    /// Counts a connection that begins to wait.
    pub(crate) fn add_postponed(&self) {
        self.postponed.fetch_add(1, Relaxed);
    }

    /// Counts a connection that waits no more.
    pub(crate) fn remove_postponed(&self) {
        self.postponed.fetch_sub(1, Relaxed);
    }
}
