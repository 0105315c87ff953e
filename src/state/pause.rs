//! CLIENT PAUSE: for a while, commands are not carried out.
//!
//! Layer `state`. It uses nothing else.
//!
//! A connection whose next command is held back keeps it, and waits until the pause is over (see
//! `conn::blocked`). No thread waits. The pause ends by itself: the first thread that looks at it
//! after its end clears it.
//!
//! Redis's rule for a pause that begins during another one: the later end and the wider scope
//! apply.

use tokio::time::Instant;

use crate::sync::Mutex;
use crate::sync::atomic::{
    AtomicU8, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

/// Which commands are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// Commands that change keys or publish.
    Writes = 1,
    /// All commands.
    All = 2,
}

/// The current pause, and the number of connections that wait for its end.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    /// The scope as a number; 0 without a pause. Changed under the lock of `until`.
    scope: AtomicU8,
    until: Mutex<Option<Instant>>,
    /// Connections that wait for its end.
    postponed: AtomicUsize,
}

impl Pause {
    /// Begins a pause, or extends the current one.
    pub(crate) fn begin(&self, until: Instant, scope: Scope) {
        self.forget_if_over();
        let mut end = self.until.lock();
        *end = Some(end.map_or(until, |end| end.max(until)));
        self.scope.fetch_max(scope as u8, SeqCst);
    }

    /// Ends the pause. The caller then wakes the connections that wait
    /// ([`ServerState::end_pause`]).
    ///
    /// [`ServerState::end_pause`]: super::ServerState::end_pause
    pub(super) fn end(&self) {
        let mut until = self.until.lock();
        *until = None;
        self.scope.store(0, SeqCst);
    }

    /// Whether there is a pause.
    ///
    /// The ordering is sequentially consistent, like that of [`end`](Self::end) and
    /// `Client::set_postponed`. A connection marks itself as waiting before it calls this. The
    /// thread that ends a pause looks for waiting connections afterwards. So either the connection
    /// sees that the pause has ended, or the thread sees the connection and wakes it.
    pub(crate) fn is_on(&self) -> bool {
        self.scope.load(SeqCst) != 0 && self.end_of().is_some()
    }

    /// The end of the pause, if it holds back a command: any pause if the command `may_replicate`,
    /// otherwise only a pause of all commands.
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

    /// The number of connections that wait for the end of the pause.
    pub(crate) fn postponed(&self) -> usize {
        self.postponed.load(Relaxed)
    }

    /// Counts a connection that begins to wait.
    pub(crate) fn add_postponed(&self) {
        self.postponed.fetch_add(1, Relaxed);
    }

    /// Counts that a connection no longer waits.
    pub(crate) fn remove_postponed(&self) {
        self.postponed.fetch_sub(1, Relaxed);
    }
}
