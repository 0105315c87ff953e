//! The binary as a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::process::{Resource, Rlimit, prlimit};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use super::client::Client;
use super::soon;

/// What a process that has ended left behind.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// The command line, with nothing of the test's own settings around it.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FANFARE_") {
            command.env_remove(name);
        }
    }
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs the binary to its end.
pub async fn run(args: &[&str]) -> Ended {
    run_command(command(args), "").await
}

/// Runs a command of the binary to its end, with this on its standard input.
pub async fn run_command(mut command: Command, stdin: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
    let mut input = child.stdin.take().expect("stdin is a pipe");
    // It may have ended without reading.
    let _ = input.write_all(stdin.as_bytes()).await;
    drop(input);
    let output = soon("the process ends", child.wait_with_output()).await;
    let output = output.expect("its output");
    Ended {
        status: output.status,
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

/// A server that runs as a process; it is killed if it is dropped.
pub struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Its first TCP address.
    pub tcp: Option<SocketAddr>,
    /// Its first TCP address for TLS.
    pub tls: Option<SocketAddr>,
    /// Its unix socket.
    pub unix: Option<PathBuf>,
}

impl Process {
    /// Starts `fanfare --port 0 ARGS` and waits until it is ready.
    pub async fn start(args: &[&str]) -> Process {
        Process::spawn(command(&[&["--port", "0"], args].concat()), 1).await
    }

    /// Starts this command and waits until it listens on as many sockets.
    pub async fn spawn(mut command: Command, sockets: usize) -> Process {
        let child = command.spawn().expect("it starts");
        Process::ready(child, sockets).await
    }

    /// Takes a child process and waits until it listens on as many sockets.
    pub async fn ready(mut child: Child, sockets: usize) -> Process {
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let mut process = Process {
            child,
            stdout,
            tcp: None,
            tls: None,
            unix: None,
        };
        for _ in 0..sockets {
            let mut line = String::new();
            let read = soon("ready", process.stdout.read_line(&mut line)).await;
            read.expect("a line of standard output");
            if let Some(address) = line.strip_prefix("ready tcp ") {
                process.tcp = Some(address.trim_end().parse().expect("an address"));
            } else if let Some(address) = line.strip_prefix("ready tls ") {
                process.tls = Some(address.trim_end().parse().expect("an address"));
            } else if let Some(path) = line.strip_prefix("ready unix ") {
                process.unix = Some(path.trim_end().into());
            } else {
                panic!(
                    "{line:?} instead of ready; it says {:?}",
                    process.end().await
                );
            }
        }
        process
    }

    /// Its first TCP address as a URL.
    pub fn url(&self) -> String {
        format!("redis://{}", self.tcp.expect("a TCP address"))
    }

    /// A client over TCP.
    pub async fn client(&self, protocol: u8) -> Client {
        Client::to(self.tcp.expect("a TCP address"), protocol).await
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let id = self.id() as i32;
        kill(Pid::from_raw(id), signal).expect("it can be sent signals");
    }

    /// Lowers its limit of open files, whatever it has open.
    pub fn limit_open_files(&self, limit: u64) {
        let id = self.id() as i32;
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        let set = prlimit(rustix::process::Pid::from_raw(id), Resource::Nofile, limit);
        set.expect("it can be limited");
    }

    /// Waits for its end, which something else has brought about.
    pub async fn end(mut self) -> Ended {
        let mut stdout = String::new();
        let read = soon("its end", self.stdout.read_to_string(&mut stdout)).await;
        read.expect("text");
        let output = soon("its end", self.child.wait_with_output()).await;
        let output = output.expect("its output");
        Ended {
            status: output.status,
            stdout,
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// Ends it by SIGTERM.
    pub async fn terminate(self) -> Ended {
        self.signal(Signal::SIGTERM);
        self.end().await
    }
}
