//! The script that runs, as other threads see it: whether there is one, whether it has become slow,
//! and the wish that it end.
//!
//! Layer `script`. At most one script runs at a time, because it holds the keyspace's lock, which also
//! orders what one script and the next store here. A script that ends in time stores its kind twice,
//! and once that it writes: only this store must be seen before its next step is taken.
//!
//! A wish to kill is for the script that it was meant for: [`begin`](Running::begin) forgets an older
//! one.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::time::Instant;

use parking_lot::Mutex;

use super::errors::{BUSY_FUNCTION, BUSY_SCRIPT, NOT_BUSY, Stop, UNKILLABLE};
use crate::resp::error::CommandError;

/// What kind of script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One of EVAL and its kin.
    Script,
    /// A function of a library (FCALL).
    Function,
}

/// What FUNCTION STATS says of a slow function.
#[derive(Clone, Debug)]
pub(crate) struct SlowFunction {
    /// Its name.
    pub name: Box<[u8]>,
    /// The request that called it.
    pub command: Vec<Box<[u8]>>,
    /// When it began.
    pub began: Instant,
}

const NONE: u8 = 0;
const SCRIPT: u8 = 1;
const FUNCTION: u8 = 2;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Running {
    kind: AtomicU8,
    busy: AtomicBool,
    has_written: AtomicBool,
    killed: AtomicBool,
    slow_function: Mutex<Option<SlowFunction>>,
}

impl Running {
    /// A script begins. It runs until what this returns is dropped.
    pub(crate) fn begin(&self, kind: Kind) -> RunningScript<'_> {
        self.killed.store(false, Relaxed);
        self.has_written.store(false, Relaxed);
        let kind = match kind {
            Kind::Script => SCRIPT,
            Kind::Function => FUNCTION,
        };
        self.kind.store(kind, Release);
        RunningScript(self)
    }

    fn end(&self) {
        self.kind.store(NONE, Release);
        if self.busy.load(Relaxed) {
            self.busy.store(false, Release);
            *self.slow_function.lock() = None;
        }
    }

    /// What runs.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self.kind.load(Acquire) {
            SCRIPT => Some(Kind::Script),
            FUNCTION => Some(Kind::Function),
            _ => None,
        }
    }

    /// The script has run longer than `busy-reply-threshold`.
    pub(crate) fn set_busy(&self, function: Option<SlowFunction>) {
        *self.slow_function.lock() = function;
        self.busy.store(true, Release);
    }

    /// What is refused because of a slow script is refused with this.
    pub(crate) fn busy(&self) -> Option<CommandError> {
        if !self.busy.load(Acquire) {
            return None;
        }
        self.kind().map(|kind| match kind {
            Kind::Script => BUSY_SCRIPT,
            Kind::Function => BUSY_FUNCTION,
        })
    }

    /// The function that runs, if it is a slow one.
    pub(crate) fn slow_function(&self) -> Option<SlowFunction> {
        self.slow_function.lock().clone()
    }

    /// The script is about to change keys. `false`: it was killed before, and must not.
    pub(crate) fn begin_writing(&self) -> bool {
        if self.has_written.load(Relaxed) {
            // Whoever wants to kill it now is refused.
            return true;
        }
        self.has_written.store(true, SeqCst);
        !self.killed.load(SeqCst)
    }

    /// Whether the script has begun to change keys.
    pub(crate) fn has_written(&self) -> bool {
        self.has_written.load(SeqCst)
    }

    /// Asks the script to end.
    ///
    /// # Errors
    /// None runs, it is of the other kind, or it has changed keys.
    pub(crate) fn kill(&self, kind: Kind) -> Result<(), CommandError> {
        let Some(own) = self.kind() else {
            return Err(NOT_BUSY);
        };
        // As in Redis, this is the first question.
        if self.has_written() {
            return Err(UNKILLABLE);
        }
        if own != kind {
            return Err(match own {
                Kind::Script => BUSY_SCRIPT,
                Kind::Function => BUSY_FUNCTION,
            });
        }
        self.killed.store(true, SeqCst);
        if self.has_written() {
            // It began to write in between. Whichever of the two stored first is seen by the other,
            // so the script either goes on or is refused its first write.
            self.killed.store(false, SeqCst);
            return Err(UNKILLABLE);
        }
        Ok(())
    }

    /// Why the script must end, if it must.
    pub(crate) fn must_stop(&self) -> Option<Stop> {
        if !self.killed.load(SeqCst) {
            return None;
        }
        self.kind().map(Stop::Killed)
    }
}

/// A script that runs, however it ends.
#[derive(Debug)]
pub(crate) struct RunningScript<'a>(&'a Running);

impl Drop for RunningScript<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn only_a_script_that_has_not_written_is_killed() {
        let running = Running::default();
        assert_eq!(running.kill(Kind::Script), Err(NOT_BUSY));
        let script = running.begin(Kind::Script);
        assert_eq!(running.kill(Kind::Function), Err(BUSY_SCRIPT));
        assert_eq!(running.must_stop(), None);
        assert_eq!(running.kill(Kind::Script), Ok(()));
        assert_eq!(running.must_stop(), Some(Stop::Killed(Kind::Script)));
        assert!(!running.begin_writing());
        drop(script);
        let _function = running.begin(Kind::Function);
        assert_eq!(running.must_stop(), None);
        assert!(running.begin_writing());
        assert_eq!(running.kill(Kind::Function), Err(UNKILLABLE));
        assert_eq!(running.must_stop(), None);
    }

    #[test]
    fn others_are_refused_while_a_slow_script_runs() {
        let running = Running::default();
        let script = running.begin(Kind::Script);
        assert_eq!(running.busy(), None);
        running.set_busy(None);
        assert_eq!(running.busy(), Some(BUSY_SCRIPT));
        drop(script);
        assert_eq!(running.busy(), None);
        let _function = running.begin(Kind::Function);
        assert_eq!(running.busy(), None);
    }
}
