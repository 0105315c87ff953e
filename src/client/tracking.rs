//! A client's settings for client-side caching (CLIENT TRACKING).
//!
//! Layer `client`. It may use the rest of `client`. The settings are changed by the client's own commands, and
//! when it is told of a change. Both happen under the keyspace's lock. Readers without the lock,
//! which show the settings, may see old values.

use super::{Client, ClientId};
use crate::sync::atomic::{
    AtomicBool, AtomicU8,
    Ordering::{Relaxed, SeqCst},
};

/// The modes that are on, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Modes(u8);

impl Modes {
    /// Tracking is on. The other modes require it.
    pub(crate) const ON: Modes = Modes(1);
    /// The client is told of all changed keys with its prefixes, and its reads are not remembered.
    pub(crate) const BCAST: Modes = Modes(1 << 1);
    /// Only reads after CLIENT CACHING YES are remembered.
    pub(crate) const OPTIN: Modes = Modes(1 << 2);
    /// All reads are remembered, except after CLIENT CACHING NO.
    pub(crate) const OPTOUT: Modes = Modes(1 << 3);
    /// The client is not told of its own changes.
    pub(crate) const NOLOOP: Modes = Modes(1 << 4);
    /// The client that it redirects to was gone when there was something to tell.
    pub(crate) const BROKEN_REDIRECT: Modes = Modes(1 << 5);
    /// CLIENT CACHING was given. It applies to the next command.
    pub(crate) const CACHING: Modes = Modes(1 << 6);

    /// Whether all of `modes` are on.
    pub(crate) fn has(self, modes: Modes) -> bool {
        self.0 & modes.0 == modes.0
    }

    /// These modes and `modes`.
    #[must_use]
    pub(crate) fn with(self, modes: Modes) -> Modes {
        Modes(self.0 | modes.0)
    }

    /// These modes without `modes`.
    #[must_use]
    pub(crate) fn without(self, modes: Modes) -> Modes {
        Modes(self.0 & !modes.0)
    }

    /// Whether reads by the current command are remembered.
    pub(crate) fn remembers_reads(self) -> bool {
        let caching = self.has(Modes::CACHING);
        self.has(Modes::ON)
            && !self.has(Modes::BCAST)
            && (!self.has(Modes::OPTIN) || caching)
            && !(self.has(Modes::OPTOUT) && caching)
    }
}

/// The settings that every client has. The rest is in [`Extras`](super::extras::Extras).
#[derive(Debug, Default)]
pub(crate) struct Tracking {
    modes: AtomicU8,
    /// Whether the keyspace's tracking table has an entry for it.
    listed: AtomicBool,
    /// Whether another client redirects, or has redirected, to it.
    target: AtomicBool,
}

impl Tracking {
    /// The modes that are on.
    pub(crate) fn modes(&self) -> Modes {
        Modes(self.modes.load(Relaxed))
    }

    /// Sets the modes.
    pub(crate) fn set_modes(&self, modes: Modes) {
        self.modes.store(modes.0, Relaxed);
    }

    /// Whether the keyspace's tracking table has an entry for it.
    pub(crate) fn is_listed(&self) -> bool {
        self.listed.load(SeqCst)
    }

    /// Marks whether the keyspace's tracking table has an entry for it.
    pub(crate) fn set_listed(&self, listed: bool) {
        self.listed.store(listed, SeqCst);
    }

    /// Marks that another client redirects to it.
    pub(crate) fn set_target(&self) {
        self.target.store(true, SeqCst);
    }

    /// Whether it may be told of changes, for itself or for another client.
    pub(crate) fn may_be_told(&self) -> bool {
        self.modes().has(Modes::ON) || self.target.load(SeqCst)
    }
}

impl Client {
    /// The client that is told instead; 0 if there is none.
    pub(crate) fn redirect(&self) -> ClientId {
        self.extras()
            .map_or(0, |extras| extras.redirect.load(Relaxed))
    }

    /// The answer of CLIENT GETREDIR; -1 without tracking.
    pub(crate) fn shown_redirect(&self) -> i64 {
        if self.tracking.modes().has(Modes::ON) {
            self.redirect() as i64
        } else {
            -1
        }
    }

    /// Sets the client that is told instead; 0 for none.
    pub(crate) fn set_redirect(&self, to: ClientId) {
        if to != self.redirect() {
            self.make_extras().redirect.store(to, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caching_turns_the_rule_round_for_one_command() {
        let on = Modes::ON;
        assert!(!Modes::default().remembers_reads());
        assert!(on.remembers_reads());
        assert!(!on.with(Modes::BCAST).remembers_reads());
        assert!(!on.with(Modes::OPTIN).remembers_reads());
        assert!(on.with(Modes::OPTIN).with(Modes::CACHING).remembers_reads());
        assert!(on.with(Modes::OPTOUT).remembers_reads());
        let out = on.with(Modes::OPTOUT).with(Modes::CACHING);
        assert!(!out.remembers_reads());
        assert!(out.without(Modes::CACHING).remembers_reads());
    }
}
