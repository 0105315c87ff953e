//! The server's way out: who asks for it, and how those who have to act learn of it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::sync::watch;

/// The switch. It goes one way only.
#[derive(Debug)]
pub struct Shutdown {
    /// Whether the server stops.
    begun: watch::Sender<bool>,
    /// Whether it stops without waiting for anything to be written.
    now: AtomicBool,
}

impl Default for Shutdown {
    fn default() -> Shutdown {
        Shutdown {
            begun: watch::Sender::new(false),
            now: AtomicBool::new(false),
        }
    }
}

impl Shutdown {
    /// Begins the shutdown; `now`: without waiting for anything to be written.
    pub fn begin(&self, now: bool) {
        self.now.fetch_or(now, Relaxed);
        self.begun.send_replace(true);
    }

    /// Whether a shutdown has begun.
    pub fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// Whether it is to wait for nothing.
    pub fn is_immediate(&self) -> bool {
        self.now.load(Relaxed)
    }

    /// Waits until a shutdown begins.
    pub async fn begun(&self) {
        let mut begun = self.begun.subscribe();
        // The sender lives as long as self.
        let _ = begun.wait_for(|begun| *begun).await;
    }
}
