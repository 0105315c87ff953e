//! The limit of what Lua may hold.
//!
//! Layer `script`. It holds while Lua runs, which is when a script can ask for memory. While this server's
//! own functions work with the state, it is lifted: a conversion does not fail half-way, and mlua need
//! not protect each of its steps against an error of memory, which costs more than the step. What
//! they add is what a command answers with, or an error; past the limit, the script's own next step
//! fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use mlua::Lua;

/// What Lua says if memory is short.
pub(super) const NO_MEMORY: &str = "not enough memory";

/// See the module. Clones are about the same limit.
#[derive(Clone, Debug)]
pub(super) struct MemoryLimit(Arc<AtomicUsize>);

impl MemoryLimit {
    /// A limit of so many bytes.
    pub(super) fn new(bytes: usize) -> MemoryLimit {
        MemoryLimit(Arc::new(AtomicUsize::new(bytes)))
    }

    /// Changes it. It holds from the next time that Lua runs.
    pub(super) fn set(&self, bytes: usize) {
        self.0.store(bytes, Relaxed);
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> usize {
        self.0.load(Relaxed)
    }

    /// Whether there is room, beside what Lua holds, for `more` bytes of the caller's.
    ///
    /// # Errors
    /// There is not.
    pub(super) fn check(&self, lua: &Lua, more: usize) -> mlua::Result<()> {
        let limit = self.bytes();
        if limit != 0 && lua.used_memory().saturating_add(more) > limit {
            return Err(mlua::Error::MemoryError(NO_MEMORY.to_owned()));
        }
        Ok(())
    }

    /// Applies it while `run` is called.
    pub(super) fn hold<R>(&self, lua: &Lua, run: impl FnOnce() -> R) -> R {
        let _lifted = Restored::after_setting(lua, self.bytes(), 0);
        run()
    }

    /// Calls `run`, in which [`begin`](Self::begin) may apply it, and lifts it then. So what is
    /// passed to Lua before is not bounded.
    pub(super) fn lift_after<R>(lua: &Lua, run: impl FnOnce() -> R) -> R {
        let _lifted = Restored(lua, 0);
        run()
    }

    /// Applies it from now on.
    pub(super) fn begin(&self, lua: &Lua) {
        // It fails for states only that others have made.
        let _ = lua.set_memory_limit(self.bytes());
    }

    /// Lifts it, for one of this server's functions that Lua has called.
    pub(super) fn lift<R>(&self, lua: &Lua, run: impl FnOnce() -> R) -> R {
        let _holding = Restored::after_setting(lua, 0, self.bytes());
        run()
    }
}

/// Sets a state's limit, also if something panics before.
struct Restored<'a>(&'a Lua, usize);

impl<'a> Restored<'a> {
    fn after_setting(lua: &'a Lua, now: usize, then: usize) -> Restored<'a> {
        // It fails for states only that others have made.
        let _ = lua.set_memory_limit(now);
        Restored(lua, then)
    }
}

impl Drop for Restored<'_> {
    fn drop(&mut self) {
        let _ = self.0.set_memory_limit(self.1);
    }
}
