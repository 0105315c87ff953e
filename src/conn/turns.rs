//! Counts what connections do on a thread, so that others can tell whether the thread had work.
//!
//! Layer `conn`. It uses nothing else.

use std::cell::Cell;

thread_local! {
    static TURNS: Cell<u64> = const { Cell::new(0) };
}

/// A connection has work to do on this thread.
pub(super) fn begin() {
    TURNS.set(TURNS.get() + 1);
}

/// How often that was so.
pub(crate) fn count() -> u64 {
    TURNS.get()
}
