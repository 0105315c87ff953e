//! How long a thread looks for work before it sleeps: a window that opens, grows and closes by how
//! long earlier waits were.
//!
//! Layer `server`. It uses no other layer.
//!
//! ```text
//!            short waits in a row            a short wait, longer than the window
//!   closed ──────────────────────▶ FIRST ──────────────────────────▶ twice as long, up to the limit
//!     ▲                              │                                        │
//!     └──────────────────────────────┴───── a long wait, or it does not pay ─────┘
//! ```
//!
//! Hypervisors choose in this way how long a virtual processor that has nothing to do keeps its
//! core. The limit of a look is also the price of a sleep, in the time of the processor that an
//! operator would give to save one. A wait that ends while the thread still looks is *found*: it
//! has saved a sleep for the time that it took. Any other is looked for in vain, for the length of
//! the window. The window closes when it has cost more than it has saved.
//!
//! It does not open at once, since clients that take turns have a short wait between two long ones:
//! from the reply to the next request. And it opens later each time that it did not pay, so that
//! trying costs next to nothing.

use std::time::Duration;

/// A wait up to so long is short, or one up to the limit if that is longer. The window may be much
/// smaller: most of a wait can be what it takes to sleep and to be woken.
const SHORT: Duration = Duration::from_micros(100);
/// The window when it opens.
const FIRST: Duration = Duration::from_micros(10);
/// It opens after so many short waits in a row.
const IN_A_ROW: u32 = 16;
/// The most that it takes, after it did not pay again and again.
const MOST_IN_A_ROW: u32 = 2048;
/// So many sleeps saved are the most that count, and what a window has when it opens.
const CREDIT: u32 = 4;
/// A window that has found so many has paid.
const PAID: u32 = 256;

/// A thread's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    open: Duration,
    /// While it is closed: short waits in a row.
    short: u32,
    /// How many there must be.
    needed: u32,
    /// While it is open: the processor time that it has saved.
    balance: Duration,
    /// Waits found since it has opened.
    found: u32,
}

impl Default for Window {
    fn default() -> Window {
        Window {
            open: Duration::ZERO,
            short: 0,
            needed: IN_A_ROW,
            balance: Duration::ZERO,
            found: 0,
        }
    }
}

impl Window {
    /// How long the thread looks before it sleeps. Zero: it sleeps at once.
    pub(crate) fn open(self) -> Duration {
        self.open
    }

    /// The thread had nothing to do for `wait`, looking and asleep together. `limit`: the longest
    /// look.
    pub(crate) fn waited(&mut self, wait: Duration, limit: Duration) {
        let is_short = wait < SHORT.max(limit) && !limit.is_zero();
        if self.open.is_zero() {
            self.short = if is_short { self.short + 1 } else { 0 };
            if self.short >= self.needed {
                self.open = FIRST.min(limit);
                self.balance = CREDIT * limit;
                self.found = 0;
            }
        } else if wait < self.open.min(limit) {
            self.open = self.open.min(limit);
            self.balance = (self.balance + limit - wait).min(CREDIT * limit);
            self.found = self.found.saturating_add(1);
        } else if is_short && let Some(left) = self.balance.checked_sub(self.open) {
            self.balance = left;
            self.open = (2 * self.open).min(limit);
        } else {
            self.close();
        }
    }

    fn close(&mut self) {
        let needed = if self.found >= PAID {
            IN_A_ROW
        } else {
            (2 * self.needed).min(MOST_IN_A_ROW)
        };
        *self = Window {
            needed,
            ..Window::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_micros(30);

    fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    /// How many waits of this length open it.
    fn waits_to_open(window: &mut Window, wait: Duration, limit: Duration) -> u32 {
        for waits in 0..10_000 {
            if !window.open().is_zero() {
                return waits;
            }
            window.waited(wait, limit);
        }
        panic!("it does not open");
    }

    fn opened(limit: Duration) -> Window {
        let mut window = Window::default();
        let waits = waits_to_open(&mut window, micros(99), limit);
        assert_eq!(waits, IN_A_ROW);
        window
    }

    /// How many waits of this length close it.
    fn waits_to_close(window: &mut Window, wait: Duration) -> u32 {
        for waits in 0..10_000 {
            if window.open().is_zero() {
                return waits;
            }
            window.waited(wait, LIMIT);
        }
        panic!("it does not close");
    }

    #[test]
    fn it_grows_to_the_limit_while_waits_are_longer_than_it_and_short() {
        let mut window = opened(LIMIT);
        let mut seen = Vec::new();
        while !window.open().is_zero() {
            seen.push(window.open().as_micros());
            window.waited(micros(99), LIMIT);
        }
        assert_eq!(seen, [10, 20, 30, 30, 30, 30]);
    }

    #[test]
    fn it_is_no_longer_than_it_has_to_be() {
        let mut window = opened(LIMIT);
        for _ in 0..1000 {
            window.waited(micros(9), LIMIT);
            assert_eq!(window.open(), FIRST);
        }
        window.waited(FIRST, LIMIT);
        for _ in 0..1000 {
            window.waited(micros(19), LIMIT);
            assert_eq!(window.open(), 2 * FIRST);
        }
    }

    #[test]
    fn a_long_wait_closes_it_at_once() {
        let mut window = opened(LIMIT);
        assert_eq!(waits_to_close(&mut window, SHORT), 1);
        let mut window = opened(micros(200));
        window.waited(micros(199), micros(200));
        assert!(!window.open().is_zero());
        window.waited(micros(200), micros(200));
        assert!(window.open().is_zero());
    }

    /// Whether it stays open if of so many short waits one is looked for in vain.
    fn pays(found: Duration, in_all: u32) -> bool {
        let mut window = opened(LIMIT);
        for _ in 0..1000 {
            for _ in 1..in_all {
                window.waited(found, LIMIT);
            }
            window.waited(micros(40), LIMIT);
        }
        !window.open().is_zero()
    }

    #[test]
    fn it_stays_open_as_long_as_it_saves_more_than_it_costs() {
        // Each that is found saves 20 or 5 microseconds, and each that is not costs 30.
        assert!(pays(micros(10), 3));
        assert!(!pays(micros(10), 2));
        assert!(pays(micros(25), 7));
        assert!(!pays(micros(25), 6));
    }

    #[test]
    fn it_opens_later_each_time_that_it_did_not_pay_until_it_does() {
        let mut window = Window::default();
        for doublings in 0..12 {
            let waits = waits_to_open(&mut window, micros(40), LIMIT);
            assert_eq!(waits, MOST_IN_A_ROW.min(IN_A_ROW << doublings));
            waits_to_close(&mut window, micros(40));
        }
        waits_to_open(&mut window, micros(40), LIMIT);
        for _ in 0..PAID {
            window.waited(micros(9), LIMIT);
        }
        window.waited(SHORT, LIMIT);
        assert_eq!(waits_to_open(&mut window, micros(40), LIMIT), IN_A_ROW);
    }

    #[test]
    fn it_stays_closed_where_a_long_wait_comes_between_short_ones() {
        let mut window = Window::default();
        for _ in 0..100 {
            for _ in 1..IN_A_ROW {
                window.waited(micros(1), LIMIT);
            }
            window.waited(SHORT, LIMIT);
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
        window.waited(Duration::ZERO, Duration::ZERO);
        assert_eq!(window.open(), Duration::ZERO);
    }
}
