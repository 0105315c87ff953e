//! Why a connection ends, for those who ask afterwards.
//!
//! Layer `client`. It uses only the rest of `client`.
//!
//! Whoever ends a connection notes the reason first. The first reason that is noted stays. Without
//! one, the peer has closed the connection, or the network has.

use super::Client;
use crate::sync::atomic::Ordering::Relaxed;

/// Defines [`Ending`] with the word that CLIENT CLOSED shows for each reason.
macro_rules! endings {
    ($($(#[$doc:meta])* $reason:ident is $word:literal;)+) => {
        /// Why a connection has ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Ending {
            $($(#[$doc])* $reason,)+
        }

        impl Ending {
            const ALL: &[Ending] = &[$(Ending::$reason),+];

            /// The word for it.
            pub(crate) const fn word(self) -> &'static str {
                match self {
                    $(Ending::$reason => $word,)+
                }
            }
        }
    };
}

endings! {
    /// The peer has closed the connection, or the network has.
    Peer is "closed-by-client";
    /// QUIT.
    Quit is "quit";
    /// CLIENT KILL.
    Killed is "killed";
    /// `client-output-buffer-limit`, or the limit of a subscriber that chose to be disconnected.
    OutputLimit is "output-limit";
    /// `client-query-buffer-limit`.
    QueryLimit is "query-limit";
    /// `maxmemory-clients`.
    ClientsMemory is "clients-memory";
    /// `timeout`.
    Idle is "idle";
    /// It has sent what is no request.
    ProtocolError is "protocol-error";
    /// Its user is gone, or may no longer have its subscriptions.
    LostRights is "lost-rights";
    /// Protected mode.
    Unprotected is "protected-mode";
    /// The system had no memory for a request or a reply.
    NoMemory is "no-memory";
    /// A command has panicked.
    Panic is "panic";
    /// The server shuts down.
    Shutdown is "shutdown";
}

impl Client {
    /// Notes why its connection is about to end, unless a reason is noted already.
    pub(crate) fn ends_because(&self, reason: Ending) {
        let none = Ending::Peer as u8;
        // Whoever comes second does not count.
        let _ = self
            .ending
            .compare_exchange(none, reason as u8, Relaxed, Relaxed);
    }

    /// Why its connection has ended.
    pub(crate) fn ending(&self) -> Ending {
        let noted = usize::from(self.ending.load(Relaxed));
        Ending::ALL.get(noted).copied().unwrap_or(Ending::Peer)
    }
}
