//! A worker that is woken again and again soon after it has gone to sleep looks for input a while
//! before it sleeps.
//!
//! Layer `server`. It may use `conn` and what lies below.
//!
//! To sleep and to be woken takes a thread longer than many a client takes to send its next
//! request, above all on a virtual machine. How long it pays to look is for [`Window`] to say.
//!
//! ```text
//!   work ──▶ nothing to do ──▶ window open? ──no──▶ asleep ──▶ woken ──┐
//!    ▲                             │ yes               ▲               │ the window learns
//!    │                             ▼                   │ nothing came  │ how long that was
//!    ├───── work has come ◀───── look ─────────────────┘               │
//!    └─────────────────────────────────────────────────────────────────┘
//! ```
//!
//! The runtime tells when the thread goes to sleep and when it is woken. In between, a task looks:
//! it yields, and a runtime with nothing else to do than to run it again asks the kernel for input
//! without waiting. While the window is closed, that task is not run.
//!
//! Invariants:
//! - The task looks for the length of the window after the last work at most: an idle worker
//!   sleeps.
//! - All of this is the worker's, not a thread's: its runtime may go on on another thread
//!   (`state::hand_over`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::yield_now;

use super::window::Window;
use crate::conn::turns;
use crate::sync::Mutex;

/// One worker's looking.
#[derive(Debug)]
pub(crate) struct BusyPoll {
    /// How long a look may take, in microseconds: the setting `busy-poll`.
    limit: Arc<AtomicU32>,
    idle: Mutex<Idle>,
    /// Notified when the worker is woken while its window is open.
    woken: Notify,
}

#[derive(Debug, Default)]
struct Idle {
    window: Window,
    /// How long the worker had looked in vain when it went to sleep.
    looked: Duration,
    /// Since when the worker sleeps.
    asleep: Option<Instant>,
}

impl BusyPoll {
    pub(crate) fn new(limit: Arc<AtomicU32>) -> BusyPoll {
        BusyPoll {
            limit,
            idle: Mutex::default(),
            woken: Notify::new(),
        }
    }

    fn limit(&self) -> Duration {
        Duration::from_micros(self.limit.load(Relaxed).into())
    }

    /// The worker goes to sleep.
    pub(crate) fn sleeps(&self) {
        if !self.limit().is_zero() {
            self.idle.lock().asleep = Some(Instant::now());
        }
    }

    /// The worker was woken.
    pub(crate) fn wakes(&self) {
        let mut idle = self.idle.lock();
        let slept = idle.asleep.take().map_or(Duration::ZERO, |at| at.elapsed());
        let wait = slept + std::mem::take(&mut idle.looked);
        idle.window.waited(wait, self.limit());
        if !idle.window.open().is_zero() {
            self.woken.notify_one();
        }
    }

    /// Looks whenever the worker has nothing else to do and its window is open.
    pub(crate) async fn run(&self) -> ! {
        loop {
            self.woken.notified().await;
            let looked = self.look().await;
            self.idle.lock().looked = looked;
        }
    }

    /// Keeps the worker awake until it has had nothing to do for as long as the window is open.
    /// Returns how long that was.
    async fn look(&self) -> Duration {
        let (mut seen, mut since) = (turns::count(), Instant::now());
        let mut last = since;
        let mut open = self.idle.lock().window.open();
        while last - since < open {
            yield_now().await;
            let now = Instant::now();
            if turns::count() != seen {
                let mut idle = self.idle.lock();
                idle.window.waited(last - since, self.limit());
                open = idle.window.open();
                (seen, since) = (turns::count(), now);
            }
            last = now;
        }
        last - since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No wait is that long.
    const HOUR: u32 = 3_600_000_000;

    fn woken_often(limit: u32) -> BusyPoll {
        let busy_poll = BusyPoll::new(Arc::new(AtomicU32::new(limit)));
        for _ in 0..100 {
            if is_open(&busy_poll) {
                break;
            }
            busy_poll.sleeps();
            busy_poll.wakes();
        }
        busy_poll
    }

    fn is_open(busy_poll: &BusyPoll) -> bool {
        !busy_poll.idle.lock().window.open().is_zero()
    }

    #[test]
    fn a_worker_that_is_woken_soon_looks_until_nothing_has_come_for_a_while() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            let busy_poll = woken_often(HOUR);
            assert!(is_open(&busy_poll));
            busy_poll.woken.notified().await;
            let connection = tokio::spawn(async {
                for _ in 0..10_000 {
                    turns::begin();
                    yield_now().await;
                }
            });
            let looked = busy_poll.look().await;
            assert!(connection.is_finished());
            assert!(looked >= busy_poll.idle.lock().window.open());
        });
    }

    #[test]
    fn what_was_looked_in_vain_is_part_of_the_wait() {
        let busy_poll = woken_often(HOUR);
        busy_poll.idle.lock().looked = Duration::from_micros(HOUR.into());
        busy_poll.sleeps();
        busy_poll.wakes();
        assert!(!is_open(&busy_poll));
        assert_eq!(busy_poll.idle.lock().looked, Duration::ZERO);
    }

    #[test]
    fn it_does_not_look_when_the_setting_is_0() {
        assert!(!is_open(&woken_often(0)));
        let busy_poll = woken_often(HOUR);
        busy_poll.limit.store(0, Relaxed);
        busy_poll.sleeps();
        busy_poll.wakes();
        assert!(!is_open(&busy_poll));
    }
}
