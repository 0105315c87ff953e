//! The `fanfare` binary: arguments → settings → log → runtime → serve → drain → exit code.

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

/// Outboxes are filled by one thread and emptied by another, which is where it is strong.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long the runtime may take to stop after the server has: nothing is left to wait for.
const RUNTIME_STOP: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let start = from_args(
        std::env::args_os(),
        std::env::vars_os(),
        &mut std::io::stdin(),
    );
    let config = match start {
        Ok(Start::Serve(config)) => *config,
        Ok(Start::Check(config, errors)) => return check(*config, &errors),
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
            ended = serve(config, level, file, workers) => ended,
            never = lost.tell() => match never {},
        }
    });
    runtime.shutdown_timeout(RUNTIME_STOP);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format_args!("fanfare: {error}")),
    }
}

/// Serves until a signal or SHUTDOWN, and then drains.
async fn serve(
    mut config: Config,
    level: log::Level,
    log_file: log::Reopen,
    workers: Workers,
) -> Result<(), Box<dyn Error>> {
    allow_clients(&mut config)?;
    // Before anybody can learn that it runs, and end it.
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

/// Has mimalloc give this thread's free memory back to the system. It has no safe call for that, and
/// does so by itself at every 10,000th block of more than 1 KB that a thread takes. That takes about
/// half a millisecond, and longer where other threads have freed very many of this thread's blocks.
fn trim_memory() {
    const BLOCKS: usize = 10_000;
    for _ in 0..BLOCKS {
        // Or the compiler would see that nobody needs the block.
        std::hint::black_box(Vec::<u8>::with_capacity(2048));
    }
}

/// What accepts, and sees to signals and to what is due now and then. Connections have workers.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// Tells people on the log, and programs on standard output, where the server listens.
fn announce(server: &Server) {
    let mut out = std::io::stdout().lock();
    for bound in server.bound() {
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "listening on {bound}");
        // Nobody need read it.
        let _ = writeln!(out, "ready {bound}");
    }
    let _ = out.flush();
}

/// Tells systemd, or who else has set `NOTIFY_SOCKET`, how far the server is.
fn tell_service_manager(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "can't tell the service manager");
    }
}

/// The signals that by default would end the process, and its queues with it, and that administrators
/// send in order to have logs opened again.
struct ReopenSignals {
    hangup: Signal,
    user1: Signal,
    user2: Signal,
}

impl ReopenSignals {
    /// From now on these signals no longer end the process.
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

/// The signals that end the server.
struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl EndSignals {
    /// From now on these signals no longer end the process by themselves.
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

/// Every client takes a file descriptor: there are to be enough for all, or there are to be fewer
/// clients (Redis's `adjustOpenFilesLimit`).
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

/// Prints all that is wrong with the settings, and whether they are good in the exit code.
fn check(config: Config, errors: &UsageErrors) -> ExitCode {
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

/// Prints an error as the one line, or the lines, that it is.
fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}
