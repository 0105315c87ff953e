//! What is asked for on the command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Arg, ArgAction, Command, value_parser};

use crate::load::{Load, Options};
use crate::report::{FANFARE, KEVY, REDIS, RESULTS};
use crate::rival::Rival;

/// The program under measurement, as cargo has built it for this run.
const FANFARE_COMMAND: &str = concat!(
    "'",
    env!("CARGO_BIN_EXE_fanfare"),
    "' --port {port} --maxclients 20000 --worker-threads {workers} {transport} {upstream}"
);
const REDIS_COMMAND: &str =
    "redis-server --port {port} --save '' --appendonly no --maxclients 20000 {transport}";
/// With one thread, as redis-server has: on two cores the other one is the load generator's.
const KEVY_COMMAND: &str = concat!(
    "kevy --config '",
    env!("CARGO_MANIFEST_DIR"),
    "/benches/rivals/kevy.toml' --port {port} --no-aof --threads 1"
);

/// See the module.
pub struct Arguments {
    /// How often each load is driven at each server.
    pub rounds: usize,
    /// For the loads.
    pub options: Options,
    /// The servers, fanfare first.
    pub rivals: Vec<Rival>,
    /// Where the results go, if they are to be kept.
    pub out: Option<PathBuf>,
    /// Only say which loads there are.
    pub list: bool,
    only: Vec<String>,
}

impl Arguments {
    /// From the command line; ends the program for `--help` and for what it does not understand.
    pub fn parse() -> Result<Arguments> {
        let mut given = command().get_matches();
        let quick = given.get_flag("quick");
        let only: Vec<String> = given.remove_many("only").unwrap_or_default().collect();
        let out: Option<PathBuf> = given.remove_one("out");
        let seconds: f64 = given.remove_one("seconds").unwrap_or_default();
        ensure!(seconds > 0.0, "--seconds takes a time");
        let mut rivals = vec![
            Rival {
                name: FANFARE.into(),
                command: given.remove_one("fanfare").unwrap_or_default(),
            },
            Rival {
                name: REDIS.into(),
                command: REDIS_COMMAND.into(),
            },
        ];
        let kevy = Rival {
            name: KEVY.into(),
            command: KEVY_COMMAND.into(),
        };
        if kevy.is_installed()? {
            rivals.push(kevy);
        }
        for rival in given.remove_many::<String>("rival").unwrap_or_default() {
            let (name, command) = rival
                .split_once('=')
                .context("--rival takes NAME=COMMAND")?;
            let rival = Rival {
                name: name.into(),
                command: command.into(),
            };
            match rivals.iter_mut().find(|known| known.name == name) {
                Some(known) => *known = rival,
                None => rivals.push(rival),
            }
        }
        Ok(Arguments {
            rounds: if quick {
                1
            } else {
                given.remove_one("rounds").unwrap_or_default()
            },
            options: Options {
                time: Duration::from_secs_f64(if quick { 0.1 } else { seconds }),
                quick,
            },
            rivals,
            // What is only a part of the results does not replace all of them unasked.
            out: out
                .or_else(|| only.is_empty().then(|| RESULTS.into()))
                .filter(|_| !quick),
            list: given.get_flag("list"),
            only,
        })
    }

    /// The loads that are to be driven.
    pub fn choose(&self, mut loads: Vec<Load>) -> Result<Vec<Load>> {
        let ids: Vec<String> = loads.iter().map(|load| load.id.clone()).collect();
        // An id that is given in full is not also the beginning of others.
        let wanted = |id: &String| {
            self.only
                .iter()
                .any(|text| id == text || (!ids.contains(text) && id.contains(text.as_str())))
        };
        loads.retain(|load| self.only.is_empty() || wanted(&load.id));
        // All sizes are small then, so the largest of a curve are the same as others of it.
        loads.retain(|load| !(self.options.quick && load.once && !load.sizes.is_empty()));
        ensure!(!loads.is_empty(), "no load has such an id: see --list");
        Ok(loads)
    }

    /// That every server can be started.
    pub fn check_installed(&self) -> Result<()> {
        for rival in &self.rivals {
            if rival.is_installed()? {
                continue;
            }
            if rival.name == REDIS {
                bail!(
                    "redis-server is not installed: 'apt-get install redis-server' brings it, and \
                     --rival 'redis=PATH --port {{port}}' names one that is elsewhere"
                );
            }
            bail!("{}: no such program: {}", rival.name, rival.command);
        }
        Ok(())
    }
}

fn command() -> Command {
    let value = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("rivals")
        .about("Drives the same loads at fanfare and at its rivals, and checks every delivery")
        .arg(
            value(
                "rounds",
                "N",
                "How often each load is driven at each server; once where it takes long to prepare or no target names the server",
            )
            .value_parser(value_parser!(usize))
            .default_value("3"),
        )
        .arg(
            value("seconds", "S", "How long a closed loop is measured")
                .value_parser(value_parser!(f64))
                .default_value("1.0"),
        )
        .arg(
            value(
                "only",
                "TEXT",
                "Only the load with this id, or else those whose id contains it [repeatable]",
            )
            .action(ArgAction::Append),
        )
        .arg(
            value(
                "rival",
                "NAME=COMMAND",
                "One more server, or another 'redis' or 'kevy' (which is there if it is on the PATH): \
                 {port} stands for its port, {workers} for its threads or 0, {transport} for what \
                 redis-server is told to listen by TLS or on a Unix socket, {upstream} for what makes \
                 fanfare an edge [repeatable]",
            )
            .action(ArgAction::Append),
        )
        .arg(value("fanfare", "COMMAND", "How fanfare is started").default_value(FANFARE_COMMAND))
        .arg(
            value(
                "out",
                "DIR",
                "Where the results go [default: benches/results, unless there is --only]",
            )
            .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            Arg::new("quick")
                .long("quick")
                .action(ArgAction::SetTrue)
                .help("See that all loads work: one short round, small sizes, no files"),
        )
        .arg(
            Arg::new("list")
                .long("list")
                .action(ArgAction::SetTrue)
                .help("Print the loads' ids"),
        )
        .arg(
            // Cargo passes it to every benchmark.
            Arg::new("bench")
                .long("bench")
                .action(ArgAction::SetTrue)
                .hide(true),
        )
}
