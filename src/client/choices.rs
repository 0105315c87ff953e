//! What a client has chosen by CLIENT NO-EVICT and CLIENT NO-TOUCH.
//!
//! Layer `client`. It uses nothing else of it.
//!
//! Every client has them, so they share a byte.

use crate::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// A choice that is on or off.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice {
    /// CLIENT NO-EVICT.
    NoEvict = 1,
    /// CLIENT NO-TOUCH.
    NoTouch = 1 << 1,
}

/// A client's choices. All are off at first.
#[derive(Debug, Default)]
pub(crate) struct Choices(AtomicU8);

impl Choices {
    /// Whether it is on.
    pub(crate) fn is_on(&self, choice: Choice) -> bool {
        self.0.load(Relaxed) & choice as u8 != 0
    }

    /// Turns it on or off.
    pub(crate) fn set(&self, choice: Choice, on: bool) {
        if on {
            self.0.fetch_or(choice as u8, Relaxed);
        } else {
            self.0.fetch_and(!(choice as u8), Relaxed);
        }
    }
}
