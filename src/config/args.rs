//! Reads the command line, the environment and the configuration file into a [`Config`].
//!
//! Layer `config`. It may use `resp` and the other lowest layers.
//!
//! The command line is redis-server's: `fanfare [file] [--name value...]...`. Each `--name
//! value...` is like a line of the file. A value extends to the next argument that begins with
//! `--`. Its first word may itself begin with `--`, so that any password can be given. The
//! exception is `--save`, whose value may be missing. `'--name value'` in one argument and
//! `--name=value` are accepted as well.
//!
//! All errors are reported, each on one line that names the setting and where it was set.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;

use super::{BadSetting, Config, SETTINGS, USER, environment, file, help, redis_only};
use crate::resp::inline::{UnbalancedQuotes, split_words};

/// What the command line asks for.
#[derive(Debug)]
pub enum Start {
    /// Start a server with these settings.
    Serve(Box<Config>),
    /// Report what is wrong with the settings, and do not start (`--check-config`). The errors are
    /// those found so far; the settings have yet to be validated by the server's own start.
    Check(Box<Config>, UsageErrors),
    /// Print this text on standard output and exit with success (`--help`, `--version`).
    Print(String),
}

/// One reason why fanfare does not start. It prints as one line, for standard error. The exit code
/// is 1.
#[derive(Debug, thiserror::Error)]
#[error("fanfare: {origin}: {problem}")]
pub struct UsageError {
    /// Where the setting was given: `my.conf:3`, `environment FANFARE_PORT`, `command line`.
    pub origin: String,
    /// What is wrong.
    #[source]
    pub problem: Problem,
}

/// All errors, in the order in which the settings were read. It prints one line for each.
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

/// What is wrong with a setting, without its origin.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The value is wrong, or does not fit the other settings.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// There is no such setting.
    #[error("unknown setting '{}'{}", .name.escape_debug(), hint(.closest))]
    Unknown {
        /// The name as it was given.
        name: String,
        /// A setting of a similar name.
        closest: Option<String>,
    },
    /// The setting exists in Redis only.
    #[error("fanfare does not have Redis's setting '{0}'")]
    RedisOnly(String),
    /// `rename-command` was given.
    #[error(
        "'rename-command' is not supported; rules of users (-flushall) keep commands from clients"
    )]
    RenameCommand,
    /// A variable begins with `FANFARE_` and belongs to no setting.
    #[error("no setting has this variable{}", hint(.closest))]
    UnknownVariable {
        /// A variable of a similar name.
        closest: Option<String>,
    },
    /// The quotes of a line do not match up.
    #[error(transparent)]
    Quotes(#[from] UnbalancedQuotes),
    /// A file cannot be read.
    #[error("can't read '{}': {error}", .path.to_string_lossy().escape_debug())]
    Unreadable {
        /// The path as it was given.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// `include` was given no path, several, or one that is not UTF-8.
    #[error("'include' takes one path, in UTF-8")]
    IncludePath,
    /// Files include each other too deeply.
    #[error("'include' goes deeper than {0} files")]
    IncludeDepth(usize),
    /// An argument belongs to no setting.
    #[error("unexpected argument '{}' (see fanfare --help)", .0.escape_debug())]
    Unexpected(String),
}

fn hint(closest: &Option<String>) -> String {
    let hint = closest.as_ref();
    hint.map_or(String::new(), |name| format!("; did you mean '{name}'?"))
}

/// The known name that is most similar to `name`, if one is similar enough.
pub(super) fn closest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    const MIN_SIMILARITY: f64 = 0.6;
    let name = name.to_ascii_lowercase();
    let similarity = |known: String| {
        let similarity = strsim::normalized_damerau_levenshtein(&name, &known.to_ascii_lowercase());
        (similarity, known)
    };
    let best = known
        .map(similarity)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .map(|(_, known)| known)
}

/// Collects settings and errors.
pub(super) struct Reader {
    config: Config,
    errors: Vec<UsageError>,
    gave_up: bool,
}

impl Reader {
    /// Sets one setting, or records the error.
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

    /// Records an error.
    pub(super) fn refuse(&mut self, origin: &str, problem: Problem) {
        self.errors.push(UsageError {
            origin: origin.to_owned(),
            problem,
        });
    }

    /// Records an error after which reading further makes no sense.
    pub(super) fn give_up(&mut self, origin: &str, problem: Problem) {
        self.refuse(origin, problem);
        self.gave_up = true;
    }

    /// Whether reading further makes no sense.
    pub(super) fn gave_up(&self) -> bool {
        self.gave_up
    }
}

/// Reads all settings: defaults, then the file that `args` names, then `stdin` if `args` has a `-`,
/// then the environment, then the flags. `args` begins with the program's name. The result is
/// finished: the password file has been read, and the settings have been validated together.
///
/// # Errors
/// All errors in the settings.
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
    let command_line = CommandLine::read(args, &mut reader);
    if let Some(page) = command_line.page {
        return Ok(Start::Print(page()));
    }
    if let Some(path) = command_line.file {
        file::read(&mut reader, FLAGS, &path);
    }
    if command_line.stdin {
        file::read_stdin(&mut reader, FLAGS, stdin);
    }
    environment::read(&mut reader, environment);
    for (name, words) in command_line.settings {
        reader.apply(FLAGS, &name, &words);
    }
    if let Err(bad) = reader.config.finish() {
        reader.refuse("settings", bad.into());
    }
    let (config, errors) = (Box::new(reader.config), UsageErrors(reader.errors));
    if command_line.check {
        Ok(Start::Check(config, errors))
    } else if errors.0.is_empty() {
        Ok(Start::Serve(config))
    } else {
        Err(errors)
    }
}

/// The origin of flags in error texts.
const FLAGS: &str = "command line";

/// The parsed command line.
#[derive(Default)]
struct CommandLine {
    /// The page to print instead of starting.
    page: Option<fn() -> String>,
    /// Whether to validate the settings and not start.
    check: bool,
    file: Option<PathBuf>,
    stdin: bool,
    /// Names with the words of their values, in the order given.
    settings: Vec<(String, Vec<Vec<u8>>)>,
}

impl CommandLine {
    fn read(args: Vec<OsString>, reader: &mut Reader) -> CommandLine {
        let mut read = CommandLine::default();
        let last = args.len().saturating_sub(1);
        // Whether the last setting has no value yet.
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

    /// Parses an argument without its dashes: a name, or a name and a value. Returns whether a
    /// value must follow. `ends`: the next argument is another name, or there is none.
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
