//! What a row of the catalog says of one command.
//!
//! Layer `catalog`. A [`Spec`] describes a command to the dispatcher (name, arity, flags, keys) and
//! to users (COMMAND INFO, COMMAND DOCS, redis-cli's hints). The function that carries it out is not
//! part of it: `command::table` names that.
//!
//! Rows are constants, written as chains:
//!
//! ```text
//! Spec::new("echo", 2)
//!     .flags(&[Loading, Stale, Fast])
//!     .categories(&["fast", "connection"])
//!     .origin("connection", "1.0.0")
//!     .summary("Echo the given string")
//!     .complexity("O(1)")
//!     .arguments(&[Arg::string("message")])
//! ```

pub(crate) mod arg;
pub(crate) mod key;
pub(crate) mod sort;

pub(crate) use arg::Arg;
use key::FoundKey;
pub(crate) use key::KeySpec;

use crate::resp::request::Args;

/// Whether the word at this place of a request is a secret.
pub(crate) type Hides = fn(&Args<'_>, usize) -> bool;

/// One command or subcommand.
#[derive(Debug)]
pub(crate) struct Spec {
    /// Lower case; a subcommand's own name, without its container's (`kill`, not `client|kill`).
    pub name: &'static str,
    /// Number of words with the command's own, and for a subcommand with its container's; negative
    /// means at least so many.
    pub arity: i16,
    /// In the order in which COMMAND INFO shows them.
    pub flags: &'static [Flag],
    /// Positions of the keys: first, last, step. `(0, 0, 0)`: none.
    pub keys: (i8, i8, i8),
    /// ACL categories, without `@`, in the order in which COMMAND INFO shows them.
    pub categories: &'static [&'static str],
    /// Hints for clients and proxies (`request_policy:all_shards`).
    pub tips: &'static [&'static str],
    /// Where keys, or for the shard commands channels, stand.
    pub key_specs: &'static [KeySpec],
    /// What finds the keys instead, where specifications say too little.
    pub finder: Option<key::Finder>,
    /// Whether a word of the request, by its place, is a secret, which SLOWLOG and MONITOR show
    /// as `(redacted)`.
    pub hides: Option<Hides>,
    /// What COMMAND DOCS says.
    pub docs: Docs,
    /// A container that is nothing without a subcommand.
    pub needs_subcommand: bool,
    /// Subcommands (`CLIENT KILL`).
    pub subcommands: &'static [Spec],
}

impl Spec {
    /// A command or a subcommand; see [`name`](Self::name) and [`arity`](Self::arity).
    pub(crate) const fn new(name: &'static str, arity: i16) -> Spec {
        Spec {
            name,
            arity,
            flags: &[],
            keys: (0, 0, 0),
            categories: &[],
            tips: &[],
            key_specs: &[],
            finder: None,
            hides: None,
            docs: Docs::EMPTY,
            needs_subcommand: false,
            subcommands: &[],
        }
    }

    /// A command that is nothing without one of its subcommands. Redis gives such a command no
    /// flags and only the category `slow`: permissions and loading are its subcommands' matter.
    pub(crate) const fn container(name: &'static str, subcommands: &'static [Spec]) -> Spec {
        Spec {
            name,
            arity: -2,
            flags: &[],
            keys: (0, 0, 0),
            categories: &["slow"],
            tips: &[],
            key_specs: &[],
            finder: None,
            hides: None,
            docs: Docs::EMPTY,
            needs_subcommand: true,
            subcommands,
        }
    }

    /// Sets [`flags`](Self::flags).
    pub(crate) const fn flags(mut self, flags: &'static [Flag]) -> Spec {
        self.flags = flags;
        self
    }

    /// Sets [`categories`](Self::categories).
    pub(crate) const fn categories(mut self, categories: &'static [&'static str]) -> Spec {
        self.categories = categories;
        self
    }

    /// Sets [`tips`](Self::tips).
    pub(crate) const fn tips(mut self, tips: &'static [&'static str]) -> Spec {
        self.tips = tips;
        self
    }

    /// Sets [`keys`](Self::keys), which old clients read, and [`key_specs`](Self::key_specs),
    /// which say the same and more.
    pub(crate) const fn keys(
        mut self,
        first_last_step: (i8, i8, i8),
        specs: &'static [KeySpec],
    ) -> Spec {
        self.keys = first_last_step;
        self.key_specs = specs;
        self
    }

    /// Sets [`finder`](Self::finder).
    pub(crate) const fn finder(mut self, finder: key::Finder) -> Spec {
        self.finder = Some(finder);
        self
    }

    /// Sets [`hides`](Self::hides).
    pub(crate) const fn hides(mut self, hides: Hides) -> Spec {
        self.hides = Some(hides);
        self
    }

    /// Adds subcommands to a command that is also something on its own.
    pub(crate) const fn subcommands(mut self, subcommands: &'static [Spec]) -> Spec {
        self.subcommands = subcommands;
        self
    }

    /// Sets [`Docs::group`] and [`Docs::since`].
    pub(crate) const fn origin(mut self, group: &'static str, since: &'static str) -> Spec {
        self.docs.group = group;
        self.docs.since = since;
        self
    }

    /// Sets [`Docs::summary`].
    pub(crate) const fn summary(mut self, summary: &'static str) -> Spec {
        self.docs.summary = summary;
        self
    }

    /// Sets [`Docs::complexity`].
    pub(crate) const fn complexity(mut self, complexity: &'static str) -> Spec {
        self.docs.complexity = complexity;
        self
    }

    /// Sets [`Docs::history`].
    pub(crate) const fn history(
        mut self,
        history: &'static [(&'static str, &'static str)],
    ) -> Spec {
        self.docs.history = history;
        self
    }

    /// Sets [`Docs::arguments`].
    pub(crate) const fn arguments(mut self, arguments: &'static [Arg]) -> Spec {
        self.docs.arguments = arguments;
        self
    }

    /// Marks an internal command, which documentation leaves out (`syscmd`).
    pub(crate) const fn system(mut self) -> Spec {
        self.docs.system = true;
        self
    }

    /// Marks a command that still works but has a successor. `replaced_by` is Markdown.
    pub(crate) const fn deprecated(
        mut self,
        since: &'static str,
        replaced_by: &'static str,
    ) -> Spec {
        self.docs.deprecated = Some(Deprecation { since, replaced_by });
        self
    }

    /// Whether a request of so many words, the command's own among them, satisfies the arity.
    pub(crate) fn accepts(&self, words: usize) -> bool {
        let bound = usize::from(self.arity.unsigned_abs());
        if self.arity < 0 {
            words >= bound
        } else {
            words == bound
        }
    }

    /// Whether the command has this flag.
    pub(crate) fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }

    /// Whether the command has this ACL category, given without `@`, in any letter case.
    pub(crate) fn is_in(&self, category: &[u8]) -> bool {
        self.categories
            .iter()
            .any(|own| own.as_bytes().eq_ignore_ascii_case(category))
    }

    /// The keys of a request that satisfies the arity; `None` if the request does not fit a
    /// specification.
    pub(crate) fn keys_in(&self, request: &[&[u8]]) -> Option<Vec<FoundKey>> {
        if let Some(find) = self.finder {
            return Some(find(request));
        }
        let mut keys = Vec::new();
        for spec in self.key_specs.iter().filter(|spec| spec.is_key()) {
            keys.extend(spec.keys_in(request)?);
        }
        Some(keys)
    }

    /// Whether some of the arguments are keys. Channels, which a shard command's specification
    /// marks as `not_key`, are none.
    pub(crate) fn has_keys(&self) -> bool {
        self.key_specs.iter().any(KeySpec::is_key)
    }
}

/// A command flag of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Redis documents them: https://redis.io/docs/latest/commands/command/
pub(crate) enum Flag {
    Admin,
    AllowBusy,
    Blocking,
    DenyOom,
    Fast,
    Loading,
    MovableKeys,
    NoAuth,
    NoMulti,
    NoScript,
    PubSub,
    ReadOnly,
    SkipSlowlog,
    Stale,
    Write,
}

impl Flag {
    /// The word that COMMAND INFO shows.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Flag::Admin => "admin",
            Flag::AllowBusy => "allow_busy",
            Flag::Blocking => "blocking",
            Flag::DenyOom => "denyoom",
            Flag::Fast => "fast",
            Flag::Loading => "loading",
            Flag::MovableKeys => "movablekeys",
            Flag::NoAuth => "no_auth",
            Flag::NoMulti => "no_multi",
            Flag::NoScript => "noscript",
            Flag::PubSub => "pubsub",
            Flag::ReadOnly => "readonly",
            Flag::SkipSlowlog => "skip_slowlog",
            Flag::Stale => "stale",
            Flag::Write => "write",
        }
    }
}

/// The documentation of a command, as COMMAND DOCS gives it.
#[derive(Debug)]
pub(crate) struct Docs {
    /// One sentence, as a rule without a full stop.
    pub summary: &'static str,
    /// The Redis version that brought the command; of fanfare's own, the fanfare version.
    pub since: &'static str,
    /// `pubsub`, `connection`, `server`, …
    pub group: &'static str,
    /// Cost, in big-O notation; empty where Redis states none.
    pub complexity: &'static str,
    /// An internal command.
    pub system: bool,
    /// Since when there is something better, and what.
    pub deprecated: Option<Deprecation>,
    /// Version and change, oldest first.
    pub history: &'static [(&'static str, &'static str)],
    /// The syntax, which redis-cli shows as a hint.
    pub arguments: &'static [Arg],
}

impl Docs {
    const EMPTY: Docs = Docs {
        summary: "",
        since: "",
        group: "",
        complexity: "",
        system: false,
        deprecated: None,
        history: &[],
        arguments: &[],
    };
}

/// What became of a command that Redis no longer recommends.
#[derive(Debug)]
pub(crate) struct Deprecation {
    /// The Redis version that deprecated it.
    pub since: &'static str,
    /// What to use instead, in Markdown.
    pub replaced_by: &'static str,
}
