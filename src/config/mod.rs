//! The settings: what there is to set ([`SETTINGS`], one row each), what is set ([`Config`]), and
//! the ways a value arrives, each overriding the ones before it:
//!
//! default → configuration file → environment → command line ([`from_args`]) → CONFIG SET
//! ([`Config::set`]) while the server runs. The embedding API uses [`Config::apply`].
//!
//! Invariants: a `Config` holds only values that its rows accept, as far as it is changed through
//! this module; a change of several settings happens whole or not at all; a password shows neither
//! in a debug print nor in an error.

mod args;
mod file;
mod kinds;
#[cfg(test)]
mod set_tests;
mod settings;
#[cfg(test)]
mod tests;
mod users;
mod values;

pub use args::{Start, UsageError, from_args};
pub use kinds::Refusal;
pub use settings::{Change, Config, Group, SETTINGS, Setting};
pub use users::UserLines;
pub use values::{
    ClientMemory, DebugCommand, EventClass, EventClasses, LogFormat, LogLevel, OutputLimit,
    OutputLimits, OverflowPolicy, OverflowRule, Password, Percentiles, PubSubDefault,
    TlsAuthClients, TlsPort, TlsProtocol, TlsProtocols,
};

/// What a line that makes a user begins with.
const USER: &str = "user";

/// A setting that cannot be set as asked, outside of CONFIG SET.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSetting {
    /// No setting has this name.
    #[error("unknown setting '{}'", .0.escape_debug())]
    Unknown(String),
    /// The setting exists and does not take this value.
    #[error("bad value for '{name}': {refusal}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What is wrong with the value.
        refusal: Refusal,
    },
    /// Users in the settings, and a file of users as well.
    #[error(
        "Configuring users with 'user' and at the same time setting an ACL file path with \
         'aclfile' is invalid. This setup is very likely to lead to configuration errors and \
         security holes, please define either an ACL file or declare users directly, but not both."
    )]
    UsersAndFile,
    /// A combination that leaves no way to reach the server.
    #[error("'bind' is empty and 'unixsocket' is not set, so there is nothing to listen on")]
    NothingToListenOn,
}

/// Why CONFIG SET changed nothing: Redis's reply, without the leading `-`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// No setting has this name, which is kept as it came.
    #[error("{}", String::from_utf8_lossy(&self.wire()))]
    Unknown(Vec<u8>),
    /// A setting does not take this value, or none at all.
    #[error("ERR CONFIG SET failed (possibly related to argument '{name}') - {refusal}")]
    Failed {
        /// The setting; where Redis refuses by name alone, in the case that the client used.
        name: String,
        /// What is wrong with it.
        refusal: Refusal,
    },
}

impl SetError {
    /// The reply's bytes, which quote an unknown name as Redis does: up to a NUL, on one line.
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
    /// Sets one setting, before the server starts, whatever its [`Change`]. A setting of several
    /// words takes them as several values or as one with spaces:
    /// `apply("bind", &["127.0.0.1", "::1"])`. `user` adds a user; whether its rules are right is
    /// looked at when the server starts.
    pub fn apply<V: AsRef<[u8]>>(&mut self, name: &str, values: &[V]) -> Result<(), BadSetting> {
        self.apply_from("", name, values)
    }

    /// As [`apply`](Self::apply), with the place where the setting was given.
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

    /// Checks what no single setting can: that there is something to listen on, and one source of
    /// users. [`from_args`] has
    /// done it; who builds a `Config` otherwise does it before the server starts.
    pub fn check(&self) -> Result<(), BadSetting> {
        if self.bind.is_empty() && self.unixsocket.is_none() {
            return Err(BadSetting::NothingToListenOn);
        }
        if self.aclfile.is_some() && !self.users.is_empty() {
            return Err(BadSetting::UsersAndFile);
        }
        Ok(())
    }

    /// What is done with messages that a slow subscriber lets lie, if it has not chosen itself.
    pub fn overflow_rule(&self) -> OverflowRule {
        OverflowRule {
            policy: self.pubsub_overflow_policy,
            limit: self.pubsub_overflow_limit,
        }
    }

    /// The bytes that all connections together may hold, if that is bounded: by Redis's rules, and
    /// never by fewer than it takes to talk to the server at all.
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

    /// A value of `pubsub-overflow-limit`.
    pub fn parse_overflow_limit(word: &[u8]) -> Result<u64, Refusal> {
        let mut config = Config::blank();
        let setting = Setting::find(b"pubsub-overflow-limit").expect("it is in the table");
        (setting.set)(&mut config, &[word])?;
        Ok(config.pubsub_overflow_limit)
    }

    /// CONFIG GET: the settings that any of the patterns matches, each name and alias once, as Redis
    /// prints them.
    /// `glob(pattern, text)` matches without regard to case.
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

    /// CONFIG SET: the changed copy, or the first error and no change. As in Redis, all names are
    /// checked before any value; a name and its alias are two names, of which the later one counts.
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
