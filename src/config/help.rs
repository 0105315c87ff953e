//! The texts of `-h`, `--help` and `--version`, which are generated from [`SETTINGS`].
//!
//! Layer `config`.

use std::fmt::Write;

use super::environment::variable;
use super::{Group, SETTINGS, USER};

const ABOUT: &str = "A Redis-compatible in-memory server for pub/sub, work queues and event logs";
const USAGE: &str = "Usage: fanfare [file] [--<setting> <value>...]...";

const OPTIONS: &str = "\
Arguments:
  [file]                Configuration file; - reads it from standard input

Options:
  -h                    Print the settings and their defaults
  --help                Print what each setting means
  -V, --version         Print the version
  --check-config        Print everything that is wrong with the settings, and do not start
";

const EXAMPLES: &str = "\
Examples:
  fanfare                                          127.0.0.1:6379, no password
  fanfare --port 0                                 a free port, named on standard output
  fanfare my.conf --loglevel verbose               a file, and flags that override it
  fanfare --check-config my.conf                   everything that is wrong with a file
  fanfare --bind 127.0.0.1 ::1 --maxclients 500
  fanfare --bind '*' --requirepass-file secret     reachable from other machines
  fanfare --bind '' --unixsocket /run/fanfare.sock no TCP
  fanfare --client-output-buffer-limit pubsub 64mb 16mb 30
  FANFARE_PORT=7000 fanfare
  echo 'port 7000' | fanfare -

A flag overrides the environment, which overrides the file. The file has redis.conf's syntax:
a setting's name and its value on each line. Bytes may have a unit: 1k is 1000, 1kb is 1024, and
so on with m, mb, g, gb.
";

const USER_SYNTAX: &str = "name rule...";
const USER_HELP: &str = "\
A user and what it may do, as ACL SETUSER takes it: alice on >secret +@read ~a:*
May be given once for each user; the default user has all permissions until such a line says
otherwise.";

/// `fanfare 0.1.0`
pub(super) fn version() -> String {
    format!("fanfare {}\n", env!("CARGO_PKG_VERSION"))
}

/// The text of `-h`: a line for each setting with its name, the syntax of its value, and its
/// default.
pub(super) fn short() -> String {
    let mut page = format!("{ABOUT}\n\n{USAGE}\n\n{OPTIONS}");
    each_setting(|heading, name, syntax, about| {
        if let Some(heading) = heading {
            let _ = write!(page, "\n{heading}:\n");
        }
        let flag = format!("--{name} <{syntax}>");
        let default = about.map_or("", |(_, default)| default);
        let _ = writeln!(page, "  {}", format!("{flag:<50} {default}").trim_end());
    });
    page + "\nfanfare --help explains each of them.\n"
}

/// The text of `--help`: every setting with its description.
pub(super) fn long() -> String {
    let mut page = format!("{ABOUT}\n\n{USAGE}\n\n{OPTIONS}");
    each_setting(|heading, name, syntax, about| {
        if let Some(heading) = heading {
            let _ = write!(page, "\n{heading}:\n");
        }
        let _ = writeln!(page, "  --{name} <{syntax}>");
        let default = about.as_ref().map(|(_, default)| *default);
        let help = about.map_or_else(|| USER_HELP.to_owned(), |(help, _)| help);
        for line in help.lines() {
            let _ = writeln!(page, "          {line}");
        }
        let default = default.map_or(String::new(), |default| format!("[default: {default}] "));
        let _ = writeln!(page, "          {default}[env: {}]\n", variable(name));
    });
    page + EXAMPLES
}

/// Calls `show` with each setting in order: the heading if the setting is the first of its group,
/// the name, the syntax, and the help with the default. `user` has no default.
fn each_setting(mut show: impl FnMut(Option<&str>, &str, &str, Option<(String, &str)>)) {
    let mut shown: Option<Group> = None;
    for setting in SETTINGS {
        let heading = (shown != Some(setting.group)).then(|| setting.group.heading());
        shown = Some(setting.group);
        let default = if setting.default.is_empty() {
            "\"\""
        } else {
            setting.default
        };
        show(
            heading,
            setting.name,
            setting.syntax,
            Some((setting.help(), default)),
        );
        // `user` is not a setting and has no row. It is shown after `aclfile`.
        if setting.name == "aclfile" {
            show(None, USER, USER_SYNTAX, None);
        }
    }
}
