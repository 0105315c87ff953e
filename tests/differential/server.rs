//! Starts a server on a free port of the loopback, waits until it says that it listens, kills it on drop.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// A setting that both servers get, as `--name value`.
pub type Setting = (String, String);

/// Redis without files, and only where the tests are.
const REDIS: [&str; 6] = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];

/// One running server process.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// The server that it is an edge of.
    hub: Option<Box<Server>>,
}

impl Server {
    /// The oracle: `redis-server` from PATH.
    pub fn redis(settings: &[Setting]) -> Self {
        Self::on_a_free_port("redis-server", &REDIS, settings)
    }

    /// The server under test: fanfare, or the program that `FANFARE_DIFF_OTHER` names.
    pub fn other(settings: &[Setting]) -> Self {
        match std::env::var("FANFARE_DIFF_OTHER") {
            Ok(program) if program.ends_with("redis-server") => {
                Self::on_a_free_port(&program, &REDIS, settings)
            }
            Ok(program) => Self::on_a_free_port(&program, &[], settings),
            Err(_) => Self::spawn(env!("CARGO_BIN_EXE_fanfare"), 0, &[], settings)
                .expect("fanfare starts"),
        }
    }

    /// fanfare as an edge of a redis-server of its own, once it is connected.
    pub fn edge(settings: &[Setting]) -> Self {
        let hub = Self::redis(&[]);
        let upstream = ("upstream".to_owned(), format!("redis://{}", hub.address));
        let settings = [settings, &[upstream]].concat();
        let server = Self::spawn(env!("CARGO_BIN_EXE_fanfare"), 0, &[], &settings);
        let mut server = server.expect("fanfare starts");
        server.hub = Some(Box::new(hub));
        let deadline = Instant::now() + PATIENCE;
        while !server.says("INFO upstream", "upstream_up:1") {
            assert!(Instant::now() < deadline, "the edge is not connected");
        }
        server
    }

    /// Whether a text is in what the server answers to a command, and to a PING after it.
    fn says(&self, command: &str, text: &str) -> bool {
        let stream = TcpStream::connect(self.address).expect("the server accepts connections");
        write!(&stream, "{command}\r\nPING the-end\r\n").expect("it is sent");
        let lines = BufReader::new(&stream).lines();
        let lines = lines.map(|line| line.expect("a line"));
        lines
            .take_while(|line| line != "the-end")
            .any(|line| line.contains(text))
    }

    /// Redis has no "any free port", so a port is looked for first; another process may take it in between.
    fn on_a_free_port(program: &str, fixed: &[&str], settings: &[Setting]) -> Self {
        let mut refusal = String::new();
        for _ in 0..10 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .and_then(|listener| listener.local_addr());
            let port = free.expect("a free port").port();
            match Self::spawn(program, port, fixed, settings) {
                Ok(server) => return server,
                Err(output) => refusal = output,
            }
        }
        panic!("{program} does not start:\n{refusal}");
    }

    /// `Err` holds what a server printed that ended before it listened.
    fn spawn(
        program: &str,
        port: u16,
        fixed: &[&str],
        settings: &[Setting],
    ) -> Result<Self, String> {
        let mut command = Command::new(program);
        // Redis sorts by the locale of its environment.
        command.env("LC_ALL", "C");
        // The tests' own variables are no settings, which fanfare would refuse.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FANFARE_") {
                command.env_remove(name);
            }
        }
        command.arg("--port").arg(port.to_string()).args(fixed);
        for (name, value) in settings {
            command.arg(format!("--{name}")).arg(value);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
        let output = BufReader::new(child.stdout.take().expect("a piped stdout"));
        let (listens, answer) = mpsc::channel();
        std::thread::spawn(move || watch(output, port, &listens));
        match answer.recv_timeout(PATIENCE) {
            Ok(Ok(address)) => Ok(Self {
                child,
                address,
                hub: None,
            }),
            refused => {
                let _ = child.kill();
                let _ = child.wait();
                Err(refused.map_or_else(|error| error.to_string(), |ended| ended.unwrap_err()))
            }
        }
    }
}

/// Reads what a server prints, all its life: a full pipe would block it. Reports the address that it listens at,
/// or what it printed before it ended.
fn watch(
    mut output: BufReader<ChildStdout>,
    port: u16,
    listens: &Sender<Result<SocketAddr, String>>,
) {
    let mut printed = String::new();
    let mut line = String::new();
    while output.read_line(&mut line).unwrap_or(0) > 0 {
        if let Some(address) = ready(&line, port) {
            let _ = listens.send(Ok(address));
            let _ = std::io::copy(&mut output, &mut std::io::sink());
            return;
        }
        printed.push_str(&line);
        line.clear();
    }
    let _ = listens.send(Err(printed));
}

/// The address in fanfare's `ready tcp ADDRESS`, or the asked-for one at Redis's `Ready to accept connections`.
fn ready(line: &str, port: u16) -> Option<SocketAddr> {
    if let Some(address) = line.trim().strip_prefix("ready tcp ") {
        return address.parse().ok();
    }
    line.contains("Ready to accept connections")
        .then(|| (Ipv4Addr::LOCALHOST, port).into())
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // The hub goes after its edge.
        self.hub = None;
    }
}
