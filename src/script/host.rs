//! What a script needs of the server: to run commands, to ask for permissions, to write to the log.
//!
//! Layer `script`. `command` implements [`Host`] for the connection that runs the script. Lua's
//! functions live as long as the Lua state, and a connection's context does not, so the host is put
//! into a thread-local variable while a script runs ([`static@CURRENT`]). A script stays on its thread.

use scoped_tls_hkt::scoped_thread_local;

use super::errors::Stop;
use crate::resp::reply::Reply;
use crate::resp::request::Args;

/// How important a line is that a script writes to the log (`redis.LOG_DEBUG` and so on).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// 0
    Debug,
    /// 1
    Verbose,
    /// 2
    Notice,
    /// 3
    Warning,
}

impl Level {
    /// The level of this number.
    pub(super) fn of(number: f64) -> Option<Level> {
        // As in C, the fraction is cut off.
        match number as i64 {
            0 => Some(Level::Debug),
            1 => Some(Level::Verbose),
            2 => Some(Level::Notice),
            3 => Some(Level::Warning),
            _ => None,
        }
    }
}

/// The server, as the running script sees it.
pub(crate) trait Host {
    /// Runs a command. What fails is a [`Reply::Error`].
    fn call(&mut self, args: &Args<'_>) -> Reply;

    /// Whether the user may run this command; `None` if there is no such command.
    fn permits(&mut self, args: &Args<'_>) -> Option<bool>;

    /// Writes a line to the server's log.
    fn log(&mut self, level: Level, line: &[u8]);

    /// Called again and again while Lua code runs, about once in a millisecond. Says whether the
    /// script must end.
    fn tick(&mut self) -> Option<Stop>;
}

scoped_thread_local!(
    /// The host of the script that this thread runs.
    pub(super) static mut CURRENT: for<'a> &'a mut (dyn Host + 'a)
);

/// Writes a line that a script logs.
pub(crate) fn write_log(level: Level, line: &[u8]) {
    let line = String::from_utf8_lossy(line);
    let line = line.escape_debug();
    match level {
        Level::Debug => tracing::trace!("script: {line}"),
        Level::Verbose => tracing::debug!("script: {line}"),
        Level::Notice => tracing::info!("script: {line}"),
        Level::Warning => tracing::warn!("script: {line}"),
    }
}
