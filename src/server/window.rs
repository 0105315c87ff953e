//! How long a thread looks for work before it sleeps: a window that grows and closes by what
//! earlier waits were.
//!
//! Layer `server`. It uses no other layer.
//!
//! ```text
//!            IN_A_ROW short waits          a short wait that was longer than the window
//!   closed ────────────────────────▶ FIRST ─────────────────────────▶ twice as long, up to the limit
//!     ▲                                │                                        │
//!     └────────────────────────────────┴──────── one long wait ─────────────────┘
//! ```
//!
//! A wait is *short* if it ends within the limit. Hypervisors choose in this way how long a virtual
//! processor that has nothing to do keeps its core. The window does not open at once, since clients
//! that take turns have a short wait between two long ones: from the reply to the next request.

use std::time::Duration;

/// The window when it opens.
const FIRST: Duration = Duration::from_micros(10);
/// It opens after so many short waits, without a long one in between.
const IN_A_ROW: u32 = 16;

/// A thread's window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    open: Duration,
    /// Short waits since the last long one, until the window opens.
    short: u32,
}

impl Window {
    /// How long the thread looks before it sleeps. Zero: it sleeps at once.
    pub(crate) fn open(self) -> Duration {
        self.open
    }

    /// The thread had nothing to do for `wait`, looking and asleep together.
    pub(crate) fn waited(&mut self, wait: Duration, limit: Duration) {
        if wait >= limit {
            *self = Window::default();
        } else if self.open.is_zero() {
            self.short += 1;
            if self.short == IN_A_ROW {
                self.open = FIRST.min(limit);
            }
        } else if wait >= self.open {
            self.open = (2 * self.open).min(limit);
        } else {
            self.open = self.open.min(limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_micros(100);
    const SHORT: Duration = Duration::from_micros(99);

    fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    /// A window that has just opened.
    fn opened(limit: Duration) -> Window {
        let mut window = Window::default();
        for _ in 0..IN_A_ROW {
            assert_eq!(window.open(), Duration::ZERO);
            window.waited(Duration::ZERO, limit);
        }
        window
    }

    #[test]
    fn short_waits_in_a_row_open_it_and_longer_ones_let_it_grow_to_the_limit() {
        let mut window = opened(LIMIT);
        let mut seen = Vec::new();
        for _ in 0..6 {
            seen.push(window.open());
            window.waited(SHORT, LIMIT);
        }
        assert_eq!(seen, [10, 20, 40, 80, 100, 100].map(micros));
    }

    #[test]
    fn it_is_as_long_as_it_has_to_be() {
        let mut window = opened(LIMIT);
        for _ in 0..100 {
            window.waited(micros(9), LIMIT);
            assert_eq!(window.open(), FIRST);
        }
        window.waited(micros(10), LIMIT);
        for _ in 0..100 {
            window.waited(micros(19), LIMIT);
            assert_eq!(window.open(), 2 * FIRST);
        }
    }

    #[test]
    fn one_long_wait_closes_it() {
        let mut window = opened(LIMIT);
        window.waited(LIMIT, LIMIT);
        assert_eq!(window, Window::default());
        opened(LIMIT);
    }

    #[test]
    fn it_stays_closed_where_a_long_wait_comes_between_short_ones() {
        let mut window = Window::default();
        for _ in 0..100 {
            for _ in 1..IN_A_ROW {
                window.waited(SHORT, LIMIT);
            }
            window.waited(LIMIT, LIMIT);
            assert_eq!(window.open(), Duration::ZERO);
        }
    }

    #[test]
    fn a_limit_of_zero_keeps_it_closed_and_a_lower_one_closes_or_shortens_it() {
        let mut window = Window::default();
        for _ in 0..100 {
            window.waited(Duration::ZERO, Duration::ZERO);
        }
        assert_eq!(window.open(), Duration::ZERO);
        let mut window = opened(micros(3));
        assert_eq!(window.open(), micros(3));
        window.waited(Duration::ZERO, micros(2));
        assert_eq!(window.open(), micros(2));
        window.waited(micros(2), micros(1));
        assert_eq!(window.open(), Duration::ZERO);
    }
}
