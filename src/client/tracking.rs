//! What a client has asked of client-side caching (CLIENT TRACKING), for everybody to see.
//!
//! Layer `client`. Changed by the client's own commands and by who tells it of a change, both under
//! the keyspace's lock. Others read it without, to show it, and may lag behind.

use super::ClientId;
use crate::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU64, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

/// The modes that are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Modes(u8);

impl Modes {
    /// Tracking at all. None of the others is on without it.
    pub(crate) const ON: Modes = Modes(1);
    /// It is told of all keys with its prefixes, and no reads are remembered.
    pub(crate) const BCAST: Modes = Modes(1 << 1);
    /// Only reads after CLIENT CACHING YES are remembered.
    pub(crate) const OPTIN: Modes = Modes(1 << 2);
    /// All reads but those after CLIENT CACHING NO are remembered.
    pub(crate) const OPTOUT: Modes = Modes(1 << 3);
    /// It is not told of its own changes.
    pub(crate) const NOLOOP: Modes = Modes(1 << 4);
    /// The client that it redirects to was gone when it was to be told something.
    pub(crate) const BROKEN_REDIRECT: Modes = Modes(1 << 5);
    /// CLIENT CACHING, which holds for the next command.
    pub(crate) const CACHING: Modes = Modes(1 << 6);

    /// Whether all of `modes` are on.
    pub(crate) fn has(self, modes: Modes) -> bool {
        self.0 & modes.0 == modes.0
    }

    /// With `modes` on too.
    #[must_use]
    pub(crate) fn with(self, modes: Modes) -> Modes {
        Modes(self.0 | modes.0)
    }

    /// With `modes` off.
    #[must_use]
    pub(crate) fn without(self, modes: Modes) -> Modes {
        Modes(self.0 & !modes.0)
    }

    /// Whether the keys that the current command reads are remembered.
    pub(crate) fn remembers_reads(self) -> bool {
        let caching = self.has(Modes::CACHING);
        self.has(Modes::ON)
            && !self.has(Modes::BCAST)
            && (!self.has(Modes::OPTIN) || caching)
            && !(self.has(Modes::OPTOUT) && caching)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Tracking {
    modes: AtomicU8,
    redirect: AtomicU64,
    /// The keyspace's table has something of it.
    listed: AtomicBool,
    /// Another client redirects to it, or has done so.
    target: AtomicBool,
    /// Bytes that its prefixes take.
    pub prefix_memory: AtomicUsize,
    /// Bytes that the keys take that are remembered for it, each as if for it alone.
    pub key_memory: AtomicUsize,
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

    /// The client that is told in its place; 0: none.
    pub(crate) fn redirect(&self) -> ClientId {
        self.redirect.load(Relaxed)
    }

    /// What CLIENT GETREDIR answers: -1 without tracking.
    pub(crate) fn shown_redirect(&self) -> i64 {
        if self.modes().has(Modes::ON) {
            self.redirect() as i64
        } else {
            -1
        }
    }

    /// Sets the client that is told in its place; 0: none.
    pub(crate) fn set_redirect(&self, to: ClientId) {
        self.redirect.store(to, Relaxed);
    }

    /// Whether the keyspace's table has something of it.
    pub(crate) fn is_listed(&self) -> bool {
        self.listed.load(SeqCst)
    }

    /// Marks whether the keyspace's table has something of it.
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
