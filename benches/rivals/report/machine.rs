//! Where and when a run happened. What cannot be found out reads "unknown": a figure without a
//! kernel's version is still worth having.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, thread};

use jiff::Timestamp;
use serde::Serialize;

/// The machine that measured, and what fanfare was built with.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor's name for itself.
    pub cpu: String,
    /// How many cores this process may use.
    pub cores: usize,
    /// Memory, in bytes.
    pub memory: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The compiler's version.
    pub rustc: String,
    /// The commit in the working directory, with `-dirty` after it when files differ.
    pub commit: String,
}

impl Machine {
    /// The machine that this process runs on.
    pub fn this() -> Machine {
        let kibibytes = line("/proc/meminfo", "MemTotal")
            .and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok());
        Machine {
            cpu: line("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory: kibibytes.unwrap_or(0) * 1024,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| unknown(), |text| text.trim().to_owned()),
            rustc: first_line(Command::new("rustc").arg("--version")),
            commit: first_line(
                Command::new("git")
                    .args(["describe", "--always", "--dirty"])
                    .current_dir(env!("CARGO_MANIFEST_DIR")),
            ),
        }
    }
}

/// The date and time, in UTC.
pub fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// What the program of a server's command says to `--version`.
pub fn version(command: &str) -> String {
    match shlex::split(command).as_deref() {
        Some([program, ..]) => first_line(Command::new(program).arg("--version")),
        _ => unknown(),
    }
}

/// The command as it would be typed in the repository, with the program's directory in PATH.
pub fn without_directory(command: &str) -> String {
    let words = shlex::split(command).unwrap_or_default();
    let short = words.first().and_then(|program| {
        let quoted = ["", "'", "\""].map(|quote| format!("{quote}{program}{quote}"));
        let rest = quoted
            .iter()
            .find_map(|program| command.strip_prefix(program))?;
        Some(
            Path::new(program)
                .file_name()?
                .to_string_lossy()
                .into_owned()
                + rest,
        )
    });
    let short = short.unwrap_or_else(|| command.to_owned());
    short.replace(concat!(env!("CARGO_MANIFEST_DIR"), "/"), "")
}

/// The value of the first `key: value` line of a file of /proc.
fn line(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    })
}

fn first_line(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    match text.ok().as_deref().and_then(|text| text.lines().next()) {
        Some(line) => line.to_owned(),
        None => unknown(),
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}
