//! The settings: the table of all settings ([`SETTINGS`]), their values ([`Config`]), and the
//! sources of values.
//!
//! Layer `config`. It may use `resp` and the other lowest layers.
//!
//! Each source overrides the ones before it: default → configuration file → environment → command
//! line ([`from_args`]) → CONFIG SET ([`Config::set`]) while the server runs. The embedding API
//! uses [`Config::apply`].
//!
//! Invariants:
//! - As far as it is changed through this module, a `Config` holds only values that its rows
//!   accept.
//! - A change of several settings is applied as a whole or not at all.
//! - No debug output and no error contains a password.

#[cfg(feature = "cli")]
mod args;
#[cfg(feature = "cli")]
mod environment;
#[cfg(feature = "cli")]
mod file;
#[cfg(feature = "cli")]
mod help;
mod kinds;
#[cfg(feature = "cli")]
mod redis_only;
#[cfg(test)]
mod set_tests;
mod settings;
#[cfg(all(test, feature = "cli"))]
mod tests;
mod upstream;
mod users;
mod values;

use std::path::PathBuf;

#[cfg(feature = "cli")]
pub use args::{Start, UsageErrors, from_args};
pub use kinds::Refusal;
pub use settings::Config;
#[cfg(feature = "cli")]
pub(crate) use settings::Group;
pub(crate) use settings::{Change, SETTINGS, Setting};
pub(crate) use upstream::{LossPolicy, Place, QueueMode, UpstreamUrl};
#[cfg(all(feature = "cli", any(test, fuzzing)))]
pub(crate) use users::UserLines;
pub(crate) use values::{
    ClientMemory, DebugCommand, EventClass, EventClasses, OptionalPort, OutputLimit, OutputLimits,
    OverflowPolicy, OverflowRule, Password, TlsAuthClients, TlsProtocol,
};
#[cfg(feature = "cli")]
pub use values::{LogFormat, LogLevel};

/// The name of a line that defines a user.
const USER: &str = "user";

/// Why a setting was refused, other than by CONFIG SET.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSetting {
    /// No setting has this name.
    #[error("unknown setting '{}'", .0.escape_debug())]
    Unknown(String),
    /// The setting does not accept this value.
    #[error("bad value for '{name}': {refusal}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What is wrong with the value.
        refusal: Refusal,
    },
    /// Both `user` lines and a file of users (`aclfile`) were given.
    #[error(
        "Configuring users with 'user' and at the same time setting an ACL file path with \
         'aclfile' is invalid. This setup is very likely to lead to configuration errors and \
         security holes, please define either an ACL file or declare users directly, but not both."
    )]
    UsersAndFile,
    /// The file of `requirepass-file` cannot be read, or has no password.
    #[error("can't take the password from '{}': {problem}", .path.display())]
    PasswordFile {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The server would listen on nothing.
    #[error("'bind' is empty and 'unixsocket' is not set, so there is nothing to listen on")]
    NothingToListenOn,
    /// Both keys and an upstream were asked for.
    #[error(
        "'queue yes' and 'upstream' exclude each other: behind an upstream there is only pub/sub, \
         and keys stay on one server"
    )]
    QueueAndUpstream,
}

/// Why CONFIG SET failed. It prints as Redis's reply, without the leading `-`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// No setting has this name, which is kept as the client sent it.
    #[error("{}", String::from_utf8_lossy(&self.wire()))]
    Unknown(Vec<u8>),
    /// A setting does not accept this value, or cannot be changed by CONFIG SET.
    #[error("ERR CONFIG SET failed (possibly related to argument '{name}') - {refusal}")]
    Failed {
        /// The setting. If it was refused because of its name, in the letter case that the client
        /// used.
        name: String,
        /// What is wrong with it.
        refusal: Refusal,
    },
}

impl SetError {
    /// The reply's bytes. As in Redis, an unknown name is quoted up to a NUL, and on one line.
    pub fn wire(&self) -> Vec<u8> {
        let SetError::Unknown(name) = self else {
            return self.to_string().into();
        };
        let quoted = name
            .iter()
            .take_while(|byte| **byte != 0)
            .map(|byte| match byte {
                b'\r' | b'\n' => b' ',
                other => *other,
            });
        let mut wire = b"ERR Unknown option or number of arguments for CONFIG SET - '".to_vec();
        wire.extend(quoted);
        wire.push(b'\'');
        wire
    }
}

impl Default for Config {
    fn default() -> Config {
        let mut config = Config::blank();
        for setting in SETTINGS {
            let set = (setting.set)(&mut config, &[setting.default.as_bytes()]);
            debug_assert_eq!(set, Ok(()), "the default of '{}'", setting.name);
        }
        config
    }
}

impl Config {
    /// Whether any port is encrypted.
    pub(crate) fn needs_tls(&self) -> bool {
        let is_http_encrypted = self.http_tls && self.http_port != OptionalPort::Off;
        self.tls_port != OptionalPort::Off || is_http_encrypted
    }

    /// Sets one setting before the server starts, whether CONFIG SET may change it or not. A
    /// setting of several words accepts them as several values or as one value with spaces:
    /// `apply("bind", &["127.0.0.1", "::1"])`. The name `user` adds a user, whose rules are
    /// validated when the server starts.
    ///
    /// # Errors
    /// There is no such setting, or it does not accept the value. Then nothing is changed.
    pub fn apply<V: AsRef<[u8]>>(&mut self, name: &str, values: &[V]) -> Result<(), BadSetting> {
        self.apply_from("", name, values)
    }

    /// As [`apply`](Self::apply). `origin` is where the setting was given (`my.conf:3`).
    fn apply_from<V: AsRef<[u8]>>(
        &mut self,
        origin: &str,
        name: &str,
        values: &[V],
    ) -> Result<(), BadSetting> {
        let words: Vec<&[u8]> = values.iter().map(AsRef::as_ref).collect();
        if name.eq_ignore_ascii_case(USER) {
            self.users.add(origin, &words);
            return Ok(());
        }
        let setting =
            Setting::find(name.as_bytes()).ok_or_else(|| BadSetting::Unknown(name.to_owned()))?;
        (setting.set)(self, &words).map_err(|refusal| BadSetting::Value {
            name: setting.name,
            refusal,
        })
    }

    /// Completes the settings: reads the password from `requirepass-file`, decides whether there are
    /// keys, and validates that there is something to listen on and only one source of users. [`from_args`] calls it. A `Config`
    /// that was built in another way must be finished before the server starts.
    pub(crate) fn finish(&mut self) -> Result<(), BadSetting> {
        if let Some(path) = &self.requirepass_file {
            let refuse = |problem: String| BadSetting::PasswordFile {
                path: path.clone(),
                problem,
            };
            let content = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
            let line = content
                .split(|byte| *byte == b'\n')
                .next()
                .unwrap_or_default();
            let password = line.strip_suffix(b"\r").unwrap_or(line);
            if password.is_empty() {
                return Err(refuse("its first line is empty".to_owned()));
            }
            self.requirepass = Password(password.to_vec());
        }
        if self.bind.is_empty() && self.unixsocket.is_none() {
            return Err(BadSetting::NothingToListenOn);
        }
        if self.aclfile.is_some() && !self.users.is_empty() {
            return Err(BadSetting::UsersAndFile);
        }
        self.queue = match (self.queue, &self.upstream) {
            (QueueMode::Yes, Some(_)) => return Err(BadSetting::QueueAndUpstream),
            (QueueMode::Auto, Some(_)) => QueueMode::No,
            (QueueMode::Auto, None) => QueueMode::Yes,
            (given, _) => given,
        };
        Ok(())
    }

    /// What is done with messages that a slow subscriber lets lie, if it has not chosen itself. Where
    /// such a connection is closed, the limit is for who chooses to have messages dropped instead:
    /// no more may wait for it than could for long before it was closed.
    pub fn overflow_rule(&self) -> OverflowRule {
        let policy = self.pubsub_overflow_policy;
        let output = &self.client_output_buffer_limit.pubsub;
        let closing = [output.hard, output.soft].into_iter();
        let closing = closing.filter(|&limit| limit > 0 && policy == OverflowPolicy::Disconnect);
        OverflowRule {
            policy,
            limit: closing.fold(self.pubsub_overflow_limit, u64::min),
        }
    }

    /// The bytes of memory that all connections together may use (`maxmemory-clients`). `None`:
    /// there is no limit. As in Redis, the limit is at least 128 KB, so that a client can still
    /// reach the server.
    pub fn client_memory_limit(&self) -> Option<usize> {
        const LEAST: u64 = 128 * 1024;
        let limit = match self.maxmemory_clients {
            ClientMemory::Bytes(0) => return None,
            ClientMemory::Percent(_) if self.maxmemory == 0 => return None,
            ClientMemory::Bytes(bytes) => bytes,
            ClientMemory::Percent(percent) => {
                (u128::from(self.maxmemory) * u128::from(percent) / 100) as u64
            }
        };
        Some(usize::try_from(limit.max(LEAST)).unwrap_or(usize::MAX))
    }

    /// Parses a value of `pubsub-overflow-limit`.
    pub fn parse_overflow_limit(word: &[u8]) -> Result<u64, Refusal> {
        let mut config = Config::blank();
        let setting = Setting::find(b"pubsub-overflow-limit").expect("it is in the table");
        (setting.set)(&mut config, &[word])?;
        Ok(config.pubsub_overflow_limit)
    }

    /// CONFIG GET: each setting whose name matches one of the patterns, each name and alias once, with
    /// its value as Redis prints it. `glob(pattern, name)` must match without regard to case.
    pub fn get_matching<P: AsRef<[u8]>>(
        &self,
        patterns: &[P],
        glob: fn(&[u8], &[u8]) -> bool,
    ) -> Vec<(&'static str, Vec<u8>)> {
        let matches = |(_, name): &(&Setting, &'static str)| {
            patterns
                .iter()
                .any(|pattern| glob(pattern.as_ref(), name.as_bytes()))
        };
        let named = |setting: &'static Setting| setting.names().map(move |name| (setting, name));
        let found = SETTINGS.iter().flat_map(named).filter(matches);
        found
            .map(|(setting, name)| (name, (setting.get)(self)))
            .collect()
    }

    /// CONFIG SET: returns a changed copy. As in Redis, all names are validated before any value; a
    /// name and its alias are two names, of which the later one counts.
    ///
    /// # Errors
    /// The first error that was found.
    pub fn set(&self, pairs: &[(&[u8], &[u8])]) -> Result<Config, SetError> {
        let mut settings: Vec<(&Setting, &str)> = Vec::with_capacity(pairs.len());
        for (name, _) in pairs {
            let found = Setting::find_name(name);
            let (setting, known) = found.ok_or_else(|| SetError::Unknown(name.to_vec()))?;
            let refusal = if setting.change == Change::AtStart {
                Refusal::Immutable
            } else if settings.iter().any(|(_, other)| *other == known) {
                Refusal::Duplicate
            } else {
                settings.push((setting, known));
                continue;
            };
            let name = String::from_utf8_lossy(name).into_owned();
            return Err(SetError::Failed { name, refusal });
        }
        let mut changed = self.clone();
        for ((setting, name), (_, value)) in settings.into_iter().zip(pairs) {
            (setting.set)(&mut changed, &[value]).map_err(|refusal| SetError::Failed {
                name: name.to_owned(),
                refusal,
            })?;
        }
        Ok(changed)
    }
}
