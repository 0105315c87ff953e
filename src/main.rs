//! The `fanfare` binary. It reads the settings, starts the log, the runtime and the worker threads,
//! runs the server until a signal or SHUTDOWN, and returns an exit code.
//!
//! It uses only the library's public API and `fanfare::cli`.

#![forbid(unsafe_code)]

mod log;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use fanfare::cli::{Config, Start, UsageErrors, descriptors, from_args};
use fanfare::{Server, Workers};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// One thread fills an outbox and another may empty it. mimalloc is fast where one thread frees
/// what another has allocated.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long the runtime may take to stop once the server has stopped. Nothing is left to wait for.
const RUNTIME_STOP: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let start = from_args(
        std::env::args_os(),
        std::env::vars_os(),
        &mut std::io::stdin(),
    );
    let config = match start {
        Ok(Start::Serve(config)) => *config,
        Ok(Start::Check(config, errors)) => return report_problems(*config, &errors),
        Ok(Start::Print(text)) => return print(&text),
        Err(error) => return fail(&error),
    };
    let log::Log {
        level,
        lost,
        file,
        _writer,
    } = match log::init(&config) {
        Ok(log) => log,
        Err(error) => return fail(&format_args!("fanfare: {error}")),
    };
    let threads =
        runtime().and_then(|runtime| Ok((runtime, Workers::start(config.worker_threads)?)));
    let (runtime, workers) = match threads {
        Ok(threads) => threads,
        Err(error) => return fail(&format_args!("fanfare: can't start threads: {error}")),
    };
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = run_server(config, level, file, workers) => ended,
            never = lost.report() => match never {},
        }
    });
    runtime.shutdown_timeout(RUNTIME_STOP);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format_args!("fanfare: {error}")),
    }
}

/// Runs the server until a signal or SHUTDOWN, and then lets it drain.
async fn run_server(
    mut config: Config,
    level: log::Level,
    log_file: log::Reopen,
    workers: Workers,
) -> Result<(), Box<dyn Error>> {
    allow_clients(&mut config)?;
    // Before the server is announced: a signal that is sent in response must find its handler.
    let mut signals = EndSignals::handle()?;
    let mut reopen = ReopenSignals::handle()?;
    let server = Server::builder()
        .config(config)
        .workers(workers)
        .on_free_memory(trim_memory)
        .on_config_change(move |config| level.set(config.loglevel))
        .start()
        .await?;
    announce(&server);
    tell_service_manager(NotifyState::Ready);
    let reason = loop {
        tokio::select! {
            signal = signals.next() => break signal,
            signal = reopen.next() => log_file.reopen(signal),
            () = server.shutdown_requested() => break "SHUTDOWN",
        }
    };
    tell_service_manager(NotifyState::Stopping);
    tracing::info!(reason, "stopping");
    tokio::select! {
        () = server.stop() => tracing::info!("stopped"),
        signal = signals.next() => tracing::warn!(signal, "stopped at once, without waiting"),
    }
    Ok(())
}

/// Makes mimalloc return this thread's free memory to the system. There is no safe call for that,
/// but mimalloc does it before it refuses an allocation. This one does not fit in the address space
/// of any system, and is just below the size that mimalloc refuses at once.
fn trim_memory() {
    const TOO_LARGE: u64 = (1 << 48) - (1 << 18);
    let bytes = usize::try_from(TOO_LARGE).unwrap_or(isize::MAX as usize);
    // Otherwise the compiler would remove the unused allocation.
    let refused = std::hint::black_box(Vec::<u8>::new()).try_reserve_exact(bytes);
    debug_assert!(refused.is_err(), "an allocation of {bytes} bytes");
}

/// The runtime of the listeners, the signal handlers and the periodic tasks. Connections run on the
/// worker threads.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// Writes where the server listens: to the log for people, to standard output for programs.
fn announce(server: &Server) {
    let mut out = std::io::stdout().lock();
    for bound in server.bound() {
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "listening on {bound}");
        // Standard output may be closed.
        let _ = writeln!(out, "ready {bound}");
    }
    let _ = out.flush();
}

/// Tells the server's state to systemd, or to any other manager that has set `NOTIFY_SOCKET`.
fn tell_service_manager(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "can't tell the service manager");
    }
}

/// The signals that ask for the log file to be opened again. By default they would end the process,
/// and the queues would be lost.
struct ReopenSignals {
    hangup: Signal,
    user1: Signal,
    user2: Signal,
}

impl ReopenSignals {
    /// Installs the handlers. From now on these signals do not end the process.
    fn handle() -> std::io::Result<ReopenSignals> {
        Ok(ReopenSignals {
            hangup: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for one of them; says which it was.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.hangup.recv() => "SIGHUP",
            _ = self.user1.recv() => "SIGUSR1",
            _ = self.user2.recv() => "SIGUSR2",
        }
    }
}

/// The signals that stop the server.
struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl EndSignals {
    /// Installs the handlers. From now on these signals do not end the process by themselves.
    fn handle() -> std::io::Result<EndSignals> {
        Ok(EndSignals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of them; says which it was.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Raises the limit of open files so that `maxclients` fit, or else lowers `maxclients` (Redis's
/// `adjustOpenFilesLimit`).
fn allow_clients(config: &mut Config) -> Result<(), String> {
    let Err(few) = descriptors::allow_clients(config.maxclients) else {
        return Ok(());
    };
    if few.clients == 0 {
        return Err(format!(
            "the limit of open files, {}, is too low for any client; raise it with ulimit -n",
            few.open_files
        ));
    }
    tracing::warn!(
        open_files = few.open_files,
        asked = config.maxclients,
        maxclients = few.clients,
        "maxclients is reduced, as the limit of open files is too low; raise it with ulimit -n"
    );
    config.maxclients = few.clients;
    Ok(())
}

fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Prints all problems of the settings. The exit code is success if there are none.
fn report_problems(config: Config, errors: &UsageErrors) -> ExitCode {
    for error in &errors.0 {
        eprintln!("{error}");
    }
    let problems = Server::builder().config(config).problems();
    for problem in &problems {
        eprintln!("fanfare: {problem}");
    }
    if errors.0.is_empty() && problems.is_empty() {
        print("the settings are good\n")
    } else {
        ExitCode::FAILURE
    }
}

/// Prints an error, which may have several lines, and returns failure.
fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}
