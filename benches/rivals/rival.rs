//! A server to measure: its command line, its process while it runs, and what `/proc` says of it.
//!
//! Invariants: a [`Server`] is one process that was started for one measurement, in an empty
//! directory and on a port of its own; it has answered PING before anybody gets it; dropping it
//! kills and reaps it, so that nothing of it is left when the next one starts.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::iter::Sum;
use std::net::SocketAddr;
use std::ops::Sub;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::link::Link;
use crate::results::{Figure, Metric};
use crate::transport::{self, Door, Transport, free_address};
use crate::wire;

/// How long a server may take to answer its first PING.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How often a connection to a starting server is tried.
const START_RETRY: Duration = Duration::from_micros(200);
/// What stands for the number of threads that serve connections.
pub const WORKERS: &str = "{workers}";
/// What stands for the address of a hub, for a server that can be an edge.
const UPSTREAM: &str = "{upstream}";
/// As many of them as the server thinks best.
const OWN_WORKERS: usize = 0;
/// The length of a tick of `/proc/PID/stat`: USER_HZ is 100 on every Linux of today.
const TICK: Duration = Duration::from_millis(10);

/// A server by name, and how it is started.
#[derive(Clone, Debug)]
pub struct Rival {
    /// What it is called in the tables.
    pub name: String,
    /// Its command line in a shell's quoting, without a shell's expansions. `{port}` stands for
    /// the port that it is to listen on, `{workers}` for the threads that serve connections, a word
    /// `{transport}` for what makes it listen by another transport as well, and a word `{upstream}`
    /// for what makes it an edge.
    pub command: String,
}

/// A server that runs.
pub struct Server {
    child: Child,
    directory: TempDir,
    addr: SocketAddr,
    door: Door,
    start_to_pong: Duration,
}

/// Processor time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    /// The part spent in user mode. Read to a tick, so it is good as a share of a long time only.
    pub user: Duration,
    /// The part spent in the kernel. As coarse as `user`.
    pub system: Duration,
    /// All of it, exact to the nanosecond. While the process runs, the two parts need not add up
    /// to it; in a difference of two readings they do.
    pub total: Duration,
}

impl Rival {
    /// Whether its program can be found, as a shell would find it.
    pub fn is_installed(&self) -> Result<bool> {
        let program = self.words(0, OWN_WORKERS, &[])?.swap_remove(0);
        if program.contains('/') {
            return Ok(Path::new(&program).is_file());
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        Ok(std::env::split_paths(&path).any(|directory| directory.join(&program).is_file()))
    }

    /// Whether its command says how to reach it by this transport.
    pub fn has(&self, transport: Transport) -> bool {
        transport == Transport::Tcp || self.command.contains(transport::ARGUMENTS)
    }

    /// It as an edge of the server that listens there, if its command says how.
    pub fn as_edge_of(&self, hub: SocketAddr) -> Option<Rival> {
        let upstream = format!("--upstream redis://{hub}");
        self.command.contains(UPSTREAM).then(|| Rival {
            name: self.name.clone(),
            command: self.command.replace(UPSTREAM, &upstream),
        })
    }

    /// The program and its arguments.
    fn words(&self, port: u16, workers: usize, transport: &[String]) -> Result<Vec<String>> {
        let (port, workers) = (port.to_string(), workers.to_string());
        let words = shlex::split(&self.command)
            .filter(|words| !words.is_empty())
            .with_context(|| format!("{}: not a command: {}", self.name, self.command))?;
        Ok(words
            .into_iter()
            .flat_map(|word| match word.as_str() {
                transport::ARGUMENTS => transport.to_vec(),
                UPSTREAM => Vec::new(),
                _ => vec![word.replace("{port}", &port).replace(WORKERS, &workers)],
            })
            .collect())
    }
}

impl Server {
    /// Starts the rival with as many threads as it thinks best, and waits until it answers PING.
    pub fn start(rival: &Rival) -> Result<Server> {
        Server::launch(rival, OWN_WORKERS, Transport::Tcp)
    }

    /// The same, and it is reached by this transport, which the rival [has](Rival::has).
    pub fn start_by(rival: &Rival, transport: Transport) -> Result<Server> {
        Server::launch(rival, OWN_WORKERS, transport)
    }

    /// Starts the rival with so many threads that serve connections, if its command says how, and
    /// waits until it answers PING.
    pub fn start_with(rival: &Rival, workers: usize) -> Result<Server> {
        Server::launch(rival, workers, Transport::Tcp)
    }

    fn launch(rival: &Rival, workers: usize, transport: Transport) -> Result<Server> {
        let addr = free_address()?;
        let directory = TempDir::new()?;
        let door = transport.open(addr, directory.path())?;
        let words = rival.words(addr.port(), workers, &door.arguments)?;
        let log = File::create(directory.path().join("log"))?;
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stderr(log.try_clone()?)
            .stdout(log);
        let started = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("{}: can't run {}", rival.name, words[0]))?;
        let mut server = Server {
            child,
            directory,
            addr,
            door,
            start_to_pong: Duration::ZERO,
        };
        while let Err(error) = ping(addr) {
            if let Some(status) = server.child.try_wait()? {
                bail!("{} ended ({status}): {}", rival.name, server.last_words());
            }
            ensure!(
                started.elapsed() < START_LIMIT,
                "{} does not answer PING: {error:#}: {}",
                rival.name,
                server.last_words()
            );
            thread::sleep(START_RETRY);
        }
        server.start_to_pong = started.elapsed();
        Ok(server)
    }

    /// A new connection by its transport.
    pub fn connect(&self) -> Result<Link> {
        self.door.connect()
    }

    /// Where it listens for TCP.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The time from before its start until it had answered its first PING.
    pub fn start_to_pong(&self) -> Duration {
        self.start_to_pong
    }

    /// The processor time of all its threads that still run.
    pub fn cpu(&self) -> Result<Cpu> {
        let process = format!("/proc/{}", self.child.id());
        let mut total = 0;
        for task in fs::read_dir(format!("{process}/task")).context("the server is gone")? {
            // A thread may end between the listing and the reading.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
                continue;
            };
            total += number(text.split(' ').next())?;
        }
        let stat = fs::read_to_string(format!("{process}/stat"))?;
        // The name before it, in parentheses, may contain anything.
        let (_, fields) = stat.rsplit_once(") ").context("/proc/PID/stat")?;
        let mut times = fields.split(' ').skip(11);
        let mut ticks = || -> Result<Duration> { Ok(TICK * u32::try_from(number(times.next())?)?) };
        Ok(Cpu {
            user: ticks()?,
            system: ticks()?,
            total: Duration::from_nanos(total),
        })
    }

    /// Its resident memory, in bytes.
    pub fn rss(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        Ok(1024 * number(kilobytes)?)
    }

    /// The end of its log, for an error.
    fn last_words(&self) -> String {
        let log = fs::read(self.directory.path().join("log")).unwrap_or_default();
        let mut words = String::new();
        for line in String::from_utf8_lossy(&log).lines().rev().take(3) {
            let _ = write!(words, "{line} | ");
        }
        words
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        kill(&mut self.child);
    }
}

impl Sub for Cpu {
    type Output = Cpu;

    /// The time since an earlier reading, with the exact total split as the ticks are.
    fn sub(self, earlier: Cpu) -> Cpu {
        let total = self.total.saturating_sub(earlier.total);
        let user = self.user.saturating_sub(earlier.user);
        let system = self.system.saturating_sub(earlier.system);
        let ticks = (user + system).as_secs_f64();
        let share = if ticks > 0.0 {
            user.as_secs_f64() / ticks
        } else {
            0.0
        };
        let user = total.mul_f64(share);
        Cpu {
            user,
            system: total.saturating_sub(user),
            total,
        }
    }
}

impl Sum for Cpu {
    fn sum<I: Iterator<Item = Cpu>>(all: I) -> Cpu {
        all.fold(Cpu::default(), |sum, cpu| Cpu {
            user: sum.user + cpu.user,
            system: sum.system + cpu.system,
            total: sum.total + cpu.total,
        })
    }
}

impl Cpu {
    /// The cost of one of `units` that took all this, in microseconds.
    pub fn per(self, units: u64) -> [Figure; 3] {
        let each = |metric, time: Duration| Figure {
            metric,
            value: time.as_secs_f64() * 1e6 / units as f64,
        };
        [
            each(Metric::Cpu, self.total),
            each(Metric::CpuUser, self.user),
            each(Metric::CpuSystem, self.system),
        ]
    }
}

fn ping(addr: SocketAddr) -> Result<()> {
    let mut stream = wire::connect(addr)?;
    wire::exchange(&mut stream, &wire::request(&[b"PING"]), b"+PONG\r\n")
}

fn kill(child: &mut Child) {
    // Errors say that it has ended already.
    let _ = child.kill();
    let _ = child.wait();
}

fn number(text: Option<&str>) -> Result<u64> {
    let text = text.context("a field is missing in /proc")?;
    Ok(text.trim().parse()?)
}
