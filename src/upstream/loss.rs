//! Why a connection to the hub is given up.
//!
//! Layer `upstream`. It may use `client`.

use super::LOOP;
use super::frame::{Frame, NotAFrame};

/// Why the connection was given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Loss {
    /// The hub has closed it.
    #[error("it closed the connection")]
    Closed,
    /// The system says so.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It owes an answer, and has sent nothing for too long.
    #[error("it owes an answer and has been silent for upstream-timeout")]
    Silent,
    /// It has sent what is no frame.
    #[error("{0}")]
    NotAFrame(#[from] NotAFrame),
    /// It has sent something that was not asked for.
    #[error("it sent something that was not asked for: {0}")]
    Unexpected(String),
    /// A message to the probe channel has not come back.
    #[error("a probe did not come back: subscriptions there have no effect any more")]
    Probe,
    /// It has refused a command of the connection's own.
    #[error("it refused: {0}")]
    Refused(String),
    /// It is this server, or depends on it.
    #[error("it is this server itself, or an edge of it: a loop")]
    Loop,
    /// It is a replica: what is published there does not reach the others.
    #[error("it is a replica")]
    Replica,
}

impl Loss {
    /// For figures.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Loss::Closed => Reason::Closed,
            Loss::Io(_) => Reason::Io,
            Loss::Silent => Reason::Silent,
            Loss::NotAFrame(_) | Loss::Unexpected(_) => Reason::Protocol,
            Loss::Probe => Reason::Probe,
            Loss::Refused(_) => Reason::Refused,
            Loss::Loop => Reason::Loop,
            Loss::Replica => Reason::Replica,
        }
    }

    /// From an error that the hub has answered to a command of the connection's own.
    pub(crate) fn refused(text: &[u8]) -> Loss {
        if text == LOOP.as_bytes() {
            Loss::Loop
        } else {
            Loss::Refused(shown(text))
        }
    }
}

/// A loss as figures tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Closed,
    Io,
    Silent,
    Protocol,
    Probe,
    Refused,
    Loop,
    Replica,
}

impl Reason {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Reason; 8] = [
        Reason::Closed,
        Reason::Io,
        Reason::Silent,
        Reason::Protocol,
        Reason::Probe,
        Reason::Refused,
        Reason::Loop,
        Reason::Replica,
    ];

    /// Its name in INFO and in `/metrics`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Reason::Closed => "closed",
            Reason::Io => "io",
            Reason::Silent => "silent",
            Reason::Protocol => "protocol",
            Reason::Probe => "probe",
            Reason::Refused => "refused",
            Reason::Loop => "loop",
            Reason::Replica => "replica",
        }
    }
}

/// Whether a ROLE command's reply is that of a master. A hub that refuses the command is believed.
pub(crate) fn is_master(reply: &Frame<'_>) -> bool {
    match reply {
        Frame::List(parts) => matches!(parts.first(), Some(Frame::Bulk(b"master"))),
        reply => matches!(reply, Frame::Error(_)),
    }
}

/// The beginning of a text that the hub has sent, for the log.
pub(super) fn shown(text: &[u8]) -> String {
    crate::client::log::shown(text)
}
