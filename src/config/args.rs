//! The start: command line, environment and file become a [`Config`], or a text to print.
//!
//! The command line is redis-server's: `fanfare [file] [--name value...]...`. What follows a flag
//! up to the next `--` is its value, so that `--bind * -::*` and `--save ""` work as they do there;
//! `--name=value` works as well. clap knows the flags and words the help; every error is one line
//! that names the setting and where it was set.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::{BadSetting, Config, Group, SETTINGS, USER, file};
use crate::resp::inline::UnbalancedQuotes;

/// What the command line asks for.
#[derive(Clone, Debug)]
pub enum Start {
    /// To serve with these settings.
    Serve(Box<Config>),
    /// To print this text on standard output and exit with success: `--help`, `--version`.
    Print(String),
}

/// Why fanfare does not start; prints as one line, for standard error, and exit code 1.
#[derive(Debug, thiserror::Error)]
#[error("fanfare: {origin}: {problem}")]
pub struct UsageError {
    /// Who asked: `my.conf:3`, `environment FANFARE_PORT`, `command line`.
    pub origin: String,
    /// What cannot be done.
    #[source]
    pub problem: Problem,
}

/// What cannot be done, without who asked for it.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// No such setting, or not this value.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// A line of the file whose quotes do not pair up.
    #[error(transparent)]
    Quotes(#[from] UnbalancedQuotes),
    /// A file that cannot be read.
    #[error("can't read '{}': {error}", .path.to_string_lossy().escape_debug())]
    Unreadable {
        /// The file as it was named.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// `include` without a path, with several, or with one that is not UTF-8.
    #[error("'include' takes one path, in UTF-8")]
    IncludePath,
    /// Files that include one another without end.
    #[error("'include' goes deeper than {0} files")]
    IncludeDepth(usize),
    /// A word of the command line that means nothing, in clap's words.
    #[error("{0} (see fanfare --help)")]
    Usage(String),
}

impl Problem {
    pub(super) fn at(self, origin: impl Into<String>) -> UsageError {
        UsageError {
            origin: origin.into(),
            problem: self,
        }
    }
}

/// Reads the settings of a start: defaults, then the file that `args` names (`-` is `stdin`), then
/// the environment, then the flags. `args` begins with the program's name; `env` looks a variable
/// up. [`Config::check`] has been done on the result.
///
/// A variable `FANFARE_PORT` that is a `tcp://` address is passed over: Kubernetes sets it so in
/// every container beside a service named fanfare.
pub fn from_args(
    args: impl IntoIterator<Item = OsString>,
    env: impl Fn(&str) -> Option<OsString>,
    stdin: &mut dyn Read,
) -> Result<Start, UsageError> {
    let matches = match command().try_get_matches_from(tie_flags(args)) {
        Ok(matches) => matches,
        Err(error) => return printable(&error).map_err(|problem| problem.at(FLAGS)),
    };

    let mut config = Config::default();
    if let Some(path) = matches.get_one::<PathBuf>(FILE) {
        file::read(&mut config, path, stdin)?;
    }
    for setting in SETTINGS {
        let name = setting.env_name();
        let Some(value) = env(&name).map(OsString::into_encoded_bytes) else {
            continue;
        };
        if setting.name != "port" || !value.starts_with(b"tcp://") {
            config
                .apply(setting.name, &[value])
                .map_err(|bad| Problem::Setting(bad).at(format!("environment {name}")))?;
        }
    }
    apply_flags(&mut config, &matches).map_err(|bad| Problem::Setting(bad).at(FLAGS))?;
    config
        .check()
        .map_err(|bad| Problem::Setting(bad).at("settings"))?;
    Ok(Start::Serve(Box::new(config)))
}

/// Where flags come from, for error texts.
const FLAGS: &str = "command line";

/// The positional argument.
const FILE: &str = "file";

/// Between the words of one flag's value: a byte that no argument of a process can hold.
const SEPARATOR: char = '\0';

const EXAMPLES: &str = "\
Examples:
  fanfare                                          127.0.0.1:6379, no password
  fanfare --port 0                                 a free port, named on standard output
  fanfare my.conf --loglevel verbose               a file, and flags that override it
  fanfare --bind 127.0.0.1 ::1 --maxclients 500
  fanfare --bind '*' --requirepass \"$PASSWORD\"      reachable from other machines
  fanfare --bind '' --unixsocket /run/fanfare.sock no TCP
  fanfare --client-output-buffer-limit pubsub 64mb 16mb 30
  FANFARE_PORT=7000 fanfare
  echo 'port 7000' | fanfare -

A flag overrides the environment, which overrides the file. The file has redis.conf's syntax:
a setting's name and its value on each line. Bytes may have a unit: 1k is 1000, 1kb is 1024, and
so on with m, mb, g, gb.";

/// clap's view of [`SETTINGS`].
fn command() -> Command {
    let flags = SETTINGS.iter().map(|setting| {
        Arg::new(setting.name)
            .long(setting.name)
            .aliases(setting.alias)
            .value_name(setting.syntax)
            .help_heading(setting.group.heading())
            .help(format!(
                "{}\n[default: {}] [env: {}]",
                setting.help(),
                if setting.default.is_empty() {
                    "\"\""
                } else {
                    setting.default
                },
                setting.env_name(),
            ))
            .value_parser(value_parser!(OsString))
            .value_delimiter(SEPARATOR)
            .action(ArgAction::Append)
    });
    Command::new("fanfare")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A Redis-compatible in-memory server for pub/sub and work queues")
        .override_usage("fanfare [file] [--<setting> <value>...]...")
        .after_help(EXAMPLES)
        .next_line_help(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(
            Arg::new(FILE)
                .value_name(FILE)
                .value_parser(value_parser!(PathBuf))
                .help("Configuration file; - reads it from standard input"),
        )
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(ArgAction::Help)
                .help("Print this"),
        )
        .arg(
            Arg::new("version")
                .short('v')
                .long("version")
                .action(ArgAction::Version)
                .help("Print the version"),
        )
        .arg(
            Arg::new(USER)
                .long(USER)
                .value_name("name rule...")
                .help_heading(Group::Security.heading())
                .help(
                    "A user and what it may do, as ACL SETUSER takes it: alice on >secret +@read ~a:*\n\
                     May be given once for each user; the default user has all permissions until \
                     such a line says otherwise.",
                )
                .value_parser(value_parser!(OsString))
                .value_delimiter(SEPARATOR)
                .action(ArgAction::Append),
        )
        .args(flags)
}

/// Ties each flag and the words that follow it into one argument, `--name=word\0word`, because
/// clap would take a word like `-::*` for a flag of its own. Flags may be in any case.
fn tie_flags(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args = args.into_iter();
    let mut tied: Vec<OsString> = args.next().into_iter().collect();
    // While the last of `tied` is a flag: what stands between it and its next word.
    let mut joint = None;
    for arg in args {
        if arg.as_encoded_bytes().starts_with(b"--") {
            let assigns = arg.as_encoded_bytes().contains(&b'=');
            joint = Some(if assigns { "\0" } else { "=" });
            tied.push(lower_case_name(arg));
        } else if let (Some(between), Some(flag)) = (joint, tied.last_mut()) {
            flag.push(between);
            flag.push(arg);
            joint = Some("\0");
        } else {
            tied.push(arg);
        }
    }
    tied
}

fn lower_case_name(flag: OsString) -> OsString {
    let Some(text) = flag.to_str() else {
        return flag;
    };
    let (name, value) = text.split_at(text.find('=').unwrap_or(text.len()));
    (name.to_ascii_lowercase() + value).into()
}

/// Applies the flags, each as often as it was given: only output limits add up.
fn apply_flags(config: &mut Config, matches: &ArgMatches) -> Result<(), BadSetting> {
    for name in SETTINGS.iter().map(|setting| setting.name).chain([USER]) {
        for words in matches
            .get_occurrences::<OsString>(name)
            .into_iter()
            .flatten()
        {
            let words: Vec<&[u8]> = words.map(|word| word.as_encoded_bytes()).collect();
            config.apply_from(FLAGS, name, &words)?;
        }
    }
    Ok(())
}

/// What clap does not count as matches: a text that was asked for, or else an error, of which the
/// first line says everything.
fn printable(error: &clap::Error) -> Result<Start, Problem> {
    match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion, _) => {
            Ok(Start::Print(error.to_string()))
        }
        (ErrorKind::UnknownArgument, Some(ContextValue::String(flag)))
            if flag.starts_with("--") =>
        {
            Err(BadSetting::Unknown(flag[2..].to_owned()).into())
        }
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            Err(Problem::Usage(
                line.trim_start_matches("error: ").to_owned(),
            ))
        }
    }
}
