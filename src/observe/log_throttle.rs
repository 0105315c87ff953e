//! Rate-limits repeated log lines: the first at once, then as many in ten seconds as its kind may have,
//! each with a count of what has happened since the one before.
//!
//! Layer `observe`. It uses `sync`. Whatever a client can make the server say goes through here, so that no client can
//! fill the log.

use std::fmt;
use std::time::{Duration, Instant};

use crate::sync::Mutex;

/// The time in which a kind of line has a number of lines.
const WINDOW: Duration = Duration::from_secs(10);

/// One kind of line.
#[derive(Debug)]
pub(crate) struct LogThrottle {
    /// Lines in a window.
    most: u32,
    /// Since the last line.
    since: u64,
    window: Option<Instant>,
    /// In this window.
    lines: u32,
}

impl Default for LogThrottle {
    fn default() -> LogThrottle {
        LogThrottle::new(1)
    }
}

impl LogThrottle {
    /// At most so many lines in ten seconds.
    pub(crate) const fn new(most: u32) -> LogThrottle {
        LogThrottle {
            most,
            since: 0,
            window: None,
            lines: 0,
        }
    }

    /// It has happened again. `Some`: a line is due now, and says that it happened so often.
    pub(crate) fn note(&mut self) -> Option<u64> {
        self.since += 1;
        self.take_due()
    }

    /// It happens no more, or not now. `Some`: as in [`note`](Self::note), if the log has still to be told
    /// of any.
    pub(crate) fn end(&mut self) -> Option<u64> {
        if self.since == 0 {
            return None;
        }
        self.take_due()
    }

    fn take_due(&mut self) -> Option<u64> {
        if self.window.is_none_or(|begin| begin.elapsed() >= WINDOW) {
            self.window = Some(Instant::now());
            self.lines = 0;
        }
        if self.lines >= self.most {
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.since))
    }
}

/// What clients can make the server say, as the log words it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A browser's request.
    Http,
    /// Refused: `maxclients`.
    TooManyClients,
    /// Refused: protected mode.
    Unprotected,
    /// Closed: bytes that are no request.
    ProtocolError,
    /// Closed: `timeout`.
    Idle,
    /// Closed: CLIENT KILL.
    Killed,
    /// Closed: its user is gone, or may no longer have a channel.
    LostRights,
    /// Closed: `client-query-buffer-limit`.
    QueryLimit,
    /// Closed: `client-output-buffer-limit`.
    OutputLimit,
    /// Closed: `maxmemory-clients`.
    ClientsMemory,
    /// Closed: the system had no memory for a request or a reply.
    NoMemory,
    /// Closed: a bug.
    Panic,
    /// Messages were dropped for it.
    Dropped,
    /// CONFIG SET.
    Setting,
    /// ACL SETUSER, DELUSER, LOAD, SAVE.
    Users,
    /// A script that has run for `busy-reply-threshold`.
    SlowScript,
    /// A connection that could not be taken over.
    NotServed,
}

impl Told {
    const ALL: [Told; 17] = [
        Told::Http,
        Told::TooManyClients,
        Told::Unprotected,
        Told::ProtocolError,
        Told::Idle,
        Told::Killed,
        Told::LostRights,
        Told::QueryLimit,
        Told::OutputLimit,
        Told::ClientsMemory,
        Told::NoMemory,
        Told::Panic,
        Told::Dropped,
        Told::Setting,
        Told::Users,
        Told::SlowScript,
        Told::NotServed,
    ];

    /// Whether an operator should look at it, rather than know of it.
    pub(crate) const fn is_warning(self) -> bool {
        !matches!(
            self,
            Told::ProtocolError
                | Told::Idle
                | Told::Killed
                | Told::LostRights
                | Told::Setting
                | Told::Users
        )
    }

    /// How many lines of it there are in ten seconds: one of what strangers bring about; a few of what
    /// befalls clients, which operators look for by name; more of what operators do.
    const fn most(self) -> u32 {
        match self {
            Told::Http
            | Told::TooManyClients
            | Told::Unprotected
            | Told::ProtocolError
            | Told::Idle
            | Told::NotServed => 1,
            Told::Killed
            | Told::LostRights
            | Told::QueryLimit
            | Told::OutputLimit
            | Told::ClientsMemory
            | Told::NoMemory
            | Told::Panic
            | Told::Dropped
            | Told::SlowScript => 8,
            Told::Setting | Told::Users => 32,
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Told::Http => "possible attack: an HTTP request was sent to fanfare; connection closed",
            Told::TooManyClients => "connection refused: maxclients is reached",
            Told::Unprotected => {
                "connection refused: protected mode, and the default user has no password"
            }
            Told::ProtocolError => "client closed: it sent what is no request",
            Told::Idle => "client closed: it was idle for longer than timeout",
            Told::Killed => "client closed by CLIENT KILL",
            Told::LostRights => {
                "client closed: its user is gone, or may no longer have its channels"
            }
            Told::QueryLimit => "client closed: more is kept for it than client-query-buffer-limit",
            Told::OutputLimit => "client closed: it broke client-output-buffer-limit",
            Told::ClientsMemory => {
                "client closed: all clients together hold more than maxmemory-clients"
            }
            Told::NoMemory => "client closed: the system has no memory for its request or reply",
            Told::Panic => "connection closed: its task panicked",
            Told::Dropped => "slow subscriber: messages were dropped since the last such line",
            Told::Setting => "changed by CONFIG SET",
            Told::Users => "users changed",
            Told::SlowScript => {
                "a script runs for long: SCRIPT KILL or FUNCTION KILL ends it if it has changed nothing"
            }
            Told::NotServed => "can't serve a connection",
        })
    }
}

/// All kinds of lines that clients can bring about.
#[derive(Debug)]
pub(crate) struct LogThrottles([Mutex<LogThrottle>; Told::ALL.len()]);

impl Default for LogThrottles {
    fn default() -> LogThrottles {
        LogThrottles(Told::ALL.map(|told| Mutex::new(LogThrottle::new(told.most()))))
    }
}

impl LogThrottles {
    /// It has happened. `Some`: say so now, and that it happened so often since the last line.
    pub(crate) fn note(&self, told: Told) -> Option<u64> {
        self.0[told as usize].lock().note()
    }

    /// What has happened without a line, and is due by now.
    pub(crate) fn overdue(&self) -> impl Iterator<Item = (Told, u64)> {
        let each = Told::ALL.into_iter();
        each.filter_map(|told| Some((told, self.0[told as usize].lock().end()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_lines_and_the_rest_is_counted() {
        let lines = LogThrottles::default();
        for (place, told) in Told::ALL.into_iter().enumerate() {
            assert_eq!(told as usize, place, "{told:?}");
            let due: Vec<_> = (0..1000).filter_map(|_| lines.note(told)).collect();
            assert_eq!(due, vec![1; told.most() as usize], "{told:?}");
        }
        // The rest is told when its time has come, and not before.
        assert_eq!(lines.overdue().count(), 0);
        let mut begun = lines.0[Told::Http as usize].lock();
        begun.window = Instant::now().checked_sub(WINDOW);
        drop(begun);
        assert_eq!(lines.overdue().collect::<Vec<_>>(), [(Told::Http, 999)]);
        assert_eq!(lines.overdue().count(), 0);
        assert_eq!(lines.note(Told::Http), None);
    }
}
