//! The start: command line, environment and file become a [`Config`], or a page to print.
//!
//! The command line is redis-server's: `fanfare [file] [--name value...]...`, as lines of the file.
//! What follows a name up to the next `--` is its value. The first word of a value may itself begin
//! with `--`, so that any password can be given, but for `--save`, whose value may be missing.
//! `'--name value'` in one argument and `--name=value` work as well.
//!
//! Everything that is wrong is told, each on one line that names the setting and where it was set.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;

use super::{BadSetting, Config, SETTINGS, USER, environment, file, help, redis_only};
use crate::resp::inline::{UnbalancedQuotes, split_words};

/// What the command line asks for.
#[derive(Debug)]
pub enum Start {
    /// To serve with these settings.
    Serve(Box<Config>),
    /// To say what is wrong with the settings: what was found so far, and the rest of them.
    Check(Box<Config>, UsageErrors),
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

/// All that is wrong, in the order in which it was read; prints as a line for each.
#[derive(Debug)]
pub struct UsageErrors(pub Vec<UsageError>);

impl fmt::Display for UsageErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, error) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

/// What cannot be done, without who asked for it.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Not this value, or not with the other settings.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// No such setting.
    #[error("unknown setting '{}'{}", .name.escape_debug(), hint(.closest))]
    Unknown {
        /// As it was given.
        name: String,
        /// A setting of a similar name.
        closest: Option<String>,
    },
    /// A setting of Redis.
    #[error("fanfare does not have Redis's setting '{0}'")]
    RedisOnly(String),
    /// `rename-command`.
    #[error(
        "'rename-command' is not supported; rules of users (-flushall) keep commands from clients"
    )]
    RenameCommand,
    /// A variable whose name begins with `FANFARE_` and is no setting's.
    #[error("no setting has this variable{}", hint(.closest))]
    UnknownVariable {
        /// A variable of a similar name.
        closest: Option<String>,
    },
    /// A line whose quotes do not pair up.
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
    /// An argument that belongs to no setting.
    #[error("unexpected argument '{}' (see fanfare --help)", .0.escape_debug())]
    Unexpected(String),
}

fn hint(closest: &Option<String>) -> String {
    let hint = closest.as_ref();
    hint.map_or(String::new(), |name| format!("; did you mean '{name}'?"))
}

/// The name most like `name`, if one is like it.
pub(super) fn closest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    const ALIKE: f64 = 0.6;
    let name = name.to_ascii_lowercase();
    let likeness = |known: String| {
        let likeness = strsim::normalized_damerau_levenshtein(&name, &known.to_ascii_lowercase());
        (likeness, known)
    };
    let best = known
        .map(likeness)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(likeness, _)| *likeness >= ALIKE)
        .map(|(_, known)| known)
}

/// Collects settings, and what is wrong with them.
pub(super) struct Reader {
    config: Config,
    errors: Vec<UsageError>,
    gave_up: bool,
}

impl Reader {
    /// Sets one setting, or notes why not.
    pub(super) fn apply<V: AsRef<[u8]>>(&mut self, origin: &str, name: &str, words: &[V]) {
        match self.config.apply_from(origin, name, words) {
            Ok(()) => {}
            Err(BadSetting::Unknown(name)) => {
                let problem = if name.eq_ignore_ascii_case("rename-command") {
                    Problem::RenameCommand
                } else if redis_only::has(&name) {
                    Problem::RedisOnly(name)
                } else {
                    let known = SETTINGS.iter().map(|setting| setting.name);
                    let closest = closest(&name, known.chain([USER]).map(str::to_owned));
                    Problem::Unknown { name, closest }
                };
                self.refuse(origin, problem);
            }
            Err(bad) => self.refuse(origin, bad.into()),
        }
    }

    /// Notes what is wrong.
    pub(super) fn refuse(&mut self, origin: &str, problem: Problem) {
        self.errors.push(UsageError {
            origin: origin.to_owned(),
            problem,
        });
    }

    /// Notes what is wrong, and that to read on would lead nowhere.
    pub(super) fn give_up(&mut self, origin: &str, problem: Problem) {
        self.refuse(origin, problem);
        self.gave_up = true;
    }

    /// Whether to read on would lead nowhere.
    pub(super) fn gave_up(&self) -> bool {
        self.gave_up
    }
}

/// Reads the settings of a start: defaults, then the file that `args` names, then `stdin` if they say
/// so, then the environment, then the flags. `args` begins with the program's name.
/// What no single setting can tell has been checked, and the password file read.
///
/// # Errors
/// All that is wrong with them.
pub fn from_args(
    args: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    stdin: &mut dyn Read,
) -> Result<Start, UsageErrors> {
    let mut reader = Reader {
        config: Config::default(),
        errors: Vec::new(),
        gave_up: false,
    };
    let args: Vec<OsString> = args.into_iter().skip(1).collect();
    let asked = CommandLine::read(args, &mut reader);
    if let Some(page) = asked.page {
        return Ok(Start::Print(page()));
    }
    if let Some(path) = asked.file {
        file::read(&mut reader, FLAGS, &path);
    }
    if asked.stdin {
        file::read_stdin(&mut reader, FLAGS, stdin);
    }
    environment::read(&mut reader, environment);
    for (name, words) in asked.settings {
        reader.apply(FLAGS, &name, &words);
    }
    if let Err(bad) = reader.config.finish() {
        reader.refuse("settings", bad.into());
    }
    let (config, errors) = (Box::new(reader.config), UsageErrors(reader.errors));
    if asked.check {
        Ok(Start::Check(config, errors))
    } else if errors.0.is_empty() {
        Ok(Start::Serve(config))
    } else {
        Err(errors)
    }
}

/// Where flags come from, for error texts.
const FLAGS: &str = "command line";

/// What the arguments say.
#[derive(Default)]
struct CommandLine {
    /// What to print instead of anything else.
    page: Option<fn() -> String>,
    /// Whether to check the settings and not to serve.
    check: bool,
    file: Option<PathBuf>,
    stdin: bool,
    /// Names and the words of their values, in the order given.
    settings: Vec<(String, Vec<Vec<u8>>)>,
}

impl CommandLine {
    fn read(args: Vec<OsString>, reader: &mut Reader) -> CommandLine {
        let mut read = CommandLine::default();
        let last = args.len().saturating_sub(1);
        // Whether the setting that was named last still lacks a value.
        let mut lacks_value = false;
        let mut wants_file = true;
        for (place, arg) in args.iter().enumerate() {
            let bytes = arg.as_encoded_bytes();
            let takes_file = std::mem::take(&mut wants_file);
            if place == 0 {
                read.page = match bytes {
                    b"-h" => Some(help::short),
                    b"-v" | b"-V" => Some(help::version),
                    _ => None,
                };
            }
            if read.page.is_some() {
                break;
            } else if bytes == b"-" && (takes_file || place == last) {
                read.stdin = true;
            } else if takes_file && !bytes.starts_with(b"-") {
                read.file = Some(arg.into());
            } else if let Some(setting) = bytes.strip_prefix(b"--").filter(|_| !lacks_value) {
                match setting.to_ascii_lowercase().as_slice() {
                    b"help" => read.page = Some(help::long),
                    b"version" => read.page = Some(help::version),
                    b"check-config" => {
                        read.check = true;
                        wants_file = read.file.is_none();
                    }
                    _ => {
                        let next = args.get(place + 1);
                        let ends =
                            next.is_none_or(|next| next.as_encoded_bytes().starts_with(b"--"));
                        lacks_value = read.begin_setting(setting, ends, reader);
                    }
                }
            } else if let Some((_, words)) = read.settings.last_mut() {
                words.push(bytes.to_vec());
                lacks_value = false;
            } else {
                reader.refuse(
                    FLAGS,
                    Problem::Unexpected(arg.to_string_lossy().into_owned()),
                );
            }
        }
        read
    }

    /// Takes an argument without its dashes: a name, or a name and a value. Says whether a value has to
    /// follow. `ends`: another name follows, or nothing.
    fn begin_setting(&mut self, arg: &[u8], ends: bool, reader: &mut Reader) -> bool {
        let name_ends = arg.iter().position(|byte| b"= \t".contains(byte));
        if let Some(place) = name_ends.filter(|&place| arg[place] == b'=') {
            let name = String::from_utf8_lossy(&arg[..place]).into_owned();
            self.settings.push((name, vec![arg[place + 1..].to_vec()]));
            return false;
        }
        let mut words = match split_words(arg) {
            Ok(words) if !words.is_empty() => words,
            Ok(_) => {
                reader.refuse(FLAGS, Problem::Unexpected("--".to_owned()));
                return false;
            }
            Err(quotes) => {
                reader.refuse(FLAGS, quotes.into());
                return false;
            }
        };
        let name = String::from_utf8_lossy(&words.remove(0)).into_owned();
        if words.is_empty() && ends && name.eq_ignore_ascii_case("save") {
            words.push(Vec::new());
        }
        let lacks_value = words.is_empty();
        self.settings.push((name, words));
        lacks_value
    }
}
