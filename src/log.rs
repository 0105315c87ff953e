//! The binary's log: lines on standard error or in a file, as text or JSON. The level can change at
//! run time.
//!
//! A separate thread writes the lines. If it cannot write (a full pipe), up to [`WAITING`] lines
//! wait. Further lines are lost; they are counted and reported. The server never waits for the
//! reader of its log: otherwise a client that causes log lines could stop it.

use fanfare::cli::{Config, LogFormat, LogLevel};
use std::convert::Infallible;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

/// Lines that may wait to be written.
const WAITING: usize = 8192;
/// How often lost lines are reported.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// The parts of the log that the binary needs while the server runs.
pub struct Log {
    /// For CONFIG SET.
    pub level: Level,
    /// Lines that were lost.
    pub lost: Lost,
    /// For logrotate.
    pub file: Reopen,
    /// When it is dropped, it writes the lines that wait, unless the writer blocks for too long.
    pub _writer: WorkerGuard,
}

/// Reports lines that were lost.
pub struct Lost(ErrorCounter);

impl Lost {
    /// Logs the number of lost lines periodically, for as long as the server runs.
    pub async fn report(self) -> Infallible {
        let mut reported = 0;
        loop {
            tokio::time::sleep(REPORT_EVERY).await;
            let lost = self.0.dropped_lines();
            if lost > reported {
                tracing::warn!(
                    lines = lost - reported,
                    "lines of the log were lost: nobody read it"
                );
                reported = lost;
            }
        }
    }
}

/// The log's file, which a program such as logrotate may have moved away.
pub struct Reopen(Option<(PathBuf, Next)>);

/// A file to write to from the next line on.
type Next = Arc<Mutex<Option<File>>>;

impl Reopen {
    /// Opens the file again. `signal`: the signal that asked for it.
    pub fn reopen(&self, signal: &str) {
        let Some((path, next)) = &self.0 else {
            tracing::info!(signal, "ignored: there is no logfile to open again");
            return;
        };
        match open(path) {
            Ok(file) => {
                *next.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
                tracing::info!(signal, "opened the logfile again");
            }
            Err(error) => tracing::warn!(signal, "the logfile stays as it is: {error}"),
        }
    }
}

/// What the log's thread writes to.
struct LogFile {
    file: File,
    next: Next,
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(next) = self
            .next
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            self.file = next;
        }
        self.file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn open(path: &Path) -> Result<File, String> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.map_err(|error| format!("can't open the logfile '{}': {error}", path.display()))
}

/// Changes the level of the log.
pub struct Level(reload::Handle<LevelFilter, Registry>);

impl Level {
    /// Logs from now on what is at least as severe as `level`.
    pub fn set(&self, level: LogLevel) {
        // It fails only if the subscriber is gone, and then there is no log.
        let _ = self.0.reload(filter(level));
    }
}

/// Starts logging as the settings say. Panics are logged as well.
///
/// # Errors
/// The file cannot be opened.
pub fn init(config: &Config) -> Result<Log, String> {
    let builder = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING)
        .thread_name("log");
    let (writer, guard, file) = match &config.logfile {
        None => {
            let (writer, guard) = builder.finish(io::stderr());
            (writer, guard, Reopen(None))
        }
        Some(path) => {
            let file = open(path)?;
            let next = Next::default();
            let reopen = Reopen(Some((path.clone(), Arc::clone(&next))));
            let (writer, guard) = builder.finish(LogFile { file, next });
            (writer, guard, reopen)
        }
    };
    let lost = Lost(writer.error_counter());
    let (filter, handle) = reload::Layer::new(filter(config.loglevel));
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer()
        .with_writer(writer)
        .with_target(false)
        .with_ansi(config.logfile.is_none() && io::stderr().is_terminal());
    match config.log_format {
        LogFormat::Text => registry.with(lines).init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or_default();
        tracing::error!(place, reason = message, "panic");
    }));
    Ok(Log {
        level: Level(handle),
        lost,
        file,
        _writer: guard,
    })
}

/// Maps Redis's four levels to those of tracing. Redis's debug and verbose are about single
/// connections, like tracing's trace and debug.
fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::TRACE,
        LogLevel::Verbose => LevelFilter::DEBUG,
        LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
    }
}
