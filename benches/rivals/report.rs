//! What a run leaves behind: tables for the terminal, and `results.json`, `results.md`,
//! `ratios.svg` and `growth.svg` in a directory.
//!
//! ```text
//!  main      makes a Run before the first round, and adds to its results after each cell
//!  sections  Run → headings, notes and tables of text: medians, ratios, targets
//!  terminal  sections → a terminal of 140 columns
//!  markdown  sections → results.md
//!  picture   Run → the pictures
//! ```
//!
//! Everything is derived from a [`Run`], which is also what `results.json` holds, so the files never
//! say two different things.

use std::io::ErrorKind;
use std::path::Path;
use std::{env, fs};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::load::{Load, Options};
use crate::picture;
use crate::results::Results;
use crate::rival::Rival;

mod machine;
mod markdown;
mod sections;
mod terminal;
pub mod verdict;
pub mod words;

use machine::Machine;

/// The server that the report is about.
pub const FANFARE: &str = "fanfare";
/// The server that the others are measured against.
pub const REDIS: &str = "redis";
/// A further server, which is driven if it is installed.
pub const KEVY: &str = "kevy";
/// The name under which a load's floor stands among the servers.
pub const FLOOR: &str = "floor";

/// Where the results are that belong to the code.
pub const RESULTS: &str = "benches/results";
/// The file that has all of them.
const JSON: &str = "results.json";

/// How to read the tables.
const LEGEND: &str = "↑ more is better, ↓ less is better; the ratio is fanfare's figure to redis's; \
    beside CPU time: (the share of it in user mode).";

/// One run of the benchmark, with everything that is needed to repeat it.
#[derive(Serialize)]
pub struct Run {
    /// When it began, in UTC.
    pub date: String,
    /// What was typed.
    pub command: String,
    /// Where it ran.
    pub machine: Machine,
    /// How often each cell was to be measured.
    pub rounds: usize,
    /// How long a closed loop is measured, in seconds.
    pub seconds: f64,
    /// What was driven, in the order of the columns.
    pub servers: Vec<Contender>,
    /// What was done to them, in the order of the rows.
    pub loads: Vec<Load>,
    /// What was measured.
    pub results: Results,
    /// What it is compared with.
    #[serde(skip)]
    pub earlier: Option<Earlier>,
}

/// What is kept of an earlier run's `results.json`.
#[derive(Deserialize)]
pub struct Earlier {
    /// When it began, in UTC.
    pub date: String,
    /// What was measured.
    pub results: Results,
}

impl Earlier {
    /// The results that are in the repository, unless there are none.
    pub fn committed() -> Result<Option<Earlier>> {
        let path = Path::new(RESULTS).join(JSON);
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            read => serde_json::from_slice(&read?)
                .with_context(|| format!("{} is not a run's", path.display())),
        }
    }
}

/// A server of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Contender {
    /// The column's heading.
    pub name: String,
    /// How it was started, with `{port}` in the port's place, and without the program's directory.
    pub command: String,
    /// The first line of what it says to `--version`.
    pub version: String,
}

impl Run {
    /// A run that has measured nothing yet.
    pub fn new(
        rivals: &[Rival],
        loads: Vec<Load>,
        rounds: usize,
        options: Options,
        earlier: Option<Earlier>,
    ) -> Run {
        let contender = |rival: &Rival| Contender {
            name: rival.name.clone(),
            command: machine::without_directory(&rival.command),
            version: machine::version(&rival.command),
        };
        let mut command = "cargo bench --bench rivals".to_owned();
        // Cargo adds the flag.
        let typed: Vec<String> = env::args()
            .skip(1)
            .filter(|word| word != "--bench")
            .collect();
        if let (false, Ok(words)) = (
            typed.is_empty(),
            shlex::try_join(typed.iter().map(String::as_str)),
        ) {
            command = format!("{command} -- {words}");
        }
        Run {
            date: machine::now(),
            command,
            machine: Machine::this(),
            rounds,
            seconds: options.time.as_secs_f64(),
            servers: rivals.iter().map(contender).collect(),
            loads,
            results: Results::default(),
            earlier,
        }
    }

    /// Everything measured, for a terminal of 140 columns.
    pub fn table(&self) -> String {
        terminal::text(self)
    }

    /// Writes the four files. A picture that would be empty is not there.
    pub fn write(&self, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory).with_context(|| format!("cannot make {directory:?}"))?;
        let write = |name: &str, text: Option<String>| {
            let path = directory.join(name);
            match text {
                Some(text) => fs::write(&path, text),
                None if path.exists() => fs::remove_file(&path),
                None => Ok(()),
            }
            .with_context(|| format!("cannot write {path:?}"))
        };
        let (ratios, growth) = (picture::ratios(self)?, picture::growth(self)?);
        let pictures = markdown::Pictures {
            ratios: ratios.is_some(),
            growth: growth.is_some(),
        };
        write(JSON, Some(serde_json::to_string_pretty(self)? + "\n"))?;
        write("results.md", Some(markdown::text(self, pictures)))?;
        write("ratios.svg", ratios)?;
        write("growth.svg", growth)
    }

    /// The servers that have something to show for any of the loads, and the floor as the last.
    pub fn columns<'a>(&'a self, loads: &[&Load]) -> Vec<&'a str> {
        let measured = |server: &&str| {
            let cells = |load: &&Load| self.results.cells.get(&load.id);
            loads
                .iter()
                .filter_map(cells)
                .any(|cells| cells.contains_key(*server))
        };
        let servers = self.servers.iter().map(|server| server.name.as_str());
        servers.chain([FLOOR]).filter(measured).collect()
    }
}
