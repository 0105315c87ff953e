//! The limits of an outbox (`client-output-buffer-limit`): a client that breaks one is disconnected.
//!
//! Layer `client`. It may use `config`.

use std::time::{Duration, Instant};

use super::Outbox;
use super::state::{Life, State};
use crate::config::{OutputLimit, OutputLimits};

/// The limit of `client-output-buffer-limit` that a client broke, and the bytes that were pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BrokenLimit {
    /// The hard limit.
    Hard(usize),
    /// The soft limit, for longer than its seconds.
    Soft(usize),
}

impl Outbox {
    /// Applies the limits to an outbox that nothing is appended to. Returns whether it is dead.
    pub(crate) fn enforce_limits(&self, limits: &OutputLimits) -> bool {
        let mut state = self.state.lock();
        state.enforce(limits);
        state.life == Life::Dead
    }

    /// The limit that was broken, if that is why the outbox is dead.
    pub(crate) fn broken_limit(&self) -> Option<BrokenLimit> {
        self.state.lock().rare.as_ref()?.broken
    }
}

impl State {
    /// Applies the limits by Redis's rule (`checkClientOutputBufferLimits`): the hard limit at
    /// once, the soft limit when it was exceeded for longer than its seconds.
    pub(super) fn enforce(&mut self, limits: &OutputLimits) {
        let limit: &OutputLimit = if self.pubsub {
            &limits.pubsub
        } else {
            &limits.normal
        };
        let rare = self.rare.as_ref();
        let drop_queue = rare.and_then(|rare| rare.drop_queue.as_ref());
        let messages = drop_queue.map_or(0, |drop_queue| drop_queue.message_bytes());
        let pending = (self.pending - messages) as u64;
        let chosen = drop_queue.and_then(|drop_queue| drop_queue.closes_at);
        let chosen = chosen.is_some_and(|limit| self.pubsub && pending >= limit);
        if chosen || limit.hard > 0 && pending >= limit.hard {
            self.rare().broken = Some(BrokenLimit::Hard(self.pending));
            self.die();
        } else if limit.soft > 0 && pending >= limit.soft {
            let now = Instant::now();
            let since = *self.rare().soft_since.get_or_insert(now);
            if now.duration_since(since) > Duration::from_secs(limit.soft_seconds) {
                self.rare().broken = Some(BrokenLimit::Soft(self.pending));
                self.die();
            }
        } else if let Some(rare) = &mut self.rare {
            rare.soft_since = None;
        }
    }
}
