//! The log: lines on standard error, as text or JSON, of a level that can change at run time.

use fanfare::config::{Config, LogFormat, LogLevel};
use std::io::IsTerminal;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

/// Changes the level of the log.
pub struct Level(reload::Handle<LevelFilter, Registry>);

impl Level {
    /// Logs from now on what is at least as severe as `level`.
    pub fn set(&self, level: LogLevel) {
        // It fails only if the subscriber is gone, and then there is no log.
        let _ = self.0.reload(filter(level));
    }
}

/// Starts logging as the settings say, panics too.
pub fn init(config: &Config) -> Level {
    let (filter, handle) = reload::Layer::new(filter(config.loglevel));
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    match config.log_format {
        LogFormat::Text => registry.with(lines).init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or_default();
        tracing::error!(place, message, "panic");
    }));
    Level(handle)
}

/// Redis's four levels: debug and verbose are both about single connections, which tracing calls
/// trace and debug.
fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::TRACE,
        LogLevel::Verbose => LevelFilter::DEBUG,
        LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
    }
}
