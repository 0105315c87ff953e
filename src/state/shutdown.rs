//! The switch that begins the shutdown. `server::shutdown` does the rest.
//!
//! Layer `state`. It uses nothing else.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use tokio::sync::watch;

/// Whether a shutdown has begun. It cannot be taken back.
#[derive(Debug)]
pub(crate) struct Shutdown {
    begun: watch::Sender<bool>,
    /// Whether it waits for no client any more.
    drained: watch::Sender<bool>,
    /// Set before `begun`, and never afterwards.
    at_once: AtomicBool,
}

impl Default for Shutdown {
    fn default() -> Shutdown {
        Shutdown {
            begun: watch::Sender::new(false),
            drained: watch::Sender::new(false),
            at_once: AtomicBool::new(false),
        }
    }
}

impl Shutdown {
    /// Whether a shutdown has begun.
    pub(crate) fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// Waits until a shutdown begins.
    pub(crate) async fn begun(&self) {
        let mut begun = self.begun.subscribe();
        // The sender lives as long as `self`.
        let _ = begun.wait_for(|begun| *begun).await;
    }

    /// Waits until the shutdown has drained all clients.
    #[cfg(feature = "http")]
    pub(crate) async fn drained(&self) {
        let mut drained = self.drained.subscribe();
        // The sender lives as long as `self`.
        let _ = drained.wait_for(|drained| *drained).await;
    }

    /// Notes that all clients are drained.
    pub(crate) fn finish(&self) {
        self.drained.send_replace(true);
    }

    /// Whether the shutdown that has begun waits for no client.
    pub(crate) fn is_at_once(&self) -> bool {
        self.at_once.load(SeqCst)
    }

    /// Begins a shutdown. With `at_once`, it waits for no client. Returns `false` if one had begun
    /// before, which goes on as it was.
    pub(crate) fn begin(&self, at_once: bool) -> bool {
        self.begun.send_if_modified(|begun| {
            if !*begun {
                self.at_once.store(at_once, SeqCst);
            }
            !std::mem::replace(begun, true)
        })
    }
}
