//! What a row of the catalog says of one command.
//!
//! Layer `catalog`. A [`Spec`] describes a command to the dispatcher (name, arity, flags, keys) and
//! to users (COMMAND INFO, COMMAND DOCS, redis-cli's hints). The function that carries it out is not
//! part of it: `command::table` names that. What follows from something else that a row says is not in
//! it either: most ACL categories, the positions of keys that old clients read, `movablekeys`.
//! [`Command`](super::Command) has them.
//!
//! Rows are constants, written as chains:
//!
//! ```text
//! Spec::new("echo", 2)
//!     .flags(&[Loading, Stale, Fast])
//!     .categories(&[Category::Connection])
//!     .origin("connection", "1.0.0")
//!     .summary("Echo the given string")
//!     .complexity("O(1)")
//!     .arguments(&[Arg::string("message")])
//! ```

pub(crate) mod arg;
pub(crate) mod finder;
pub(crate) mod flag;
pub(crate) mod key;
pub(crate) mod sort;

pub(crate) use arg::Arg;
use finder::Finder;
pub(crate) use flag::{Flag, Flags};
use key::FoundKey;
pub(crate) use key::KeySpec;

use super::categories::{Categories, Category};
use crate::client::Namespace;
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
    /// What it may do. `movablekeys` is not among them: key specifications imply it.
    pub flags: Flags,
    /// What becomes of it inside MULTI.
    pub in_multi: InMulti,
    /// The namespace that it sends its second argument to, if that is all it does.
    pub publishes: Option<Namespace>,
    /// The namespace that its arguments are subscribed to in, if that is what it does.
    pub subscribes: Option<Namespace>,
    /// The ACL categories that its flags do not imply.
    pub categories: Categories,
    /// Hints for clients and proxies (`request_policy:all_shards`).
    pub tips: &'static [&'static str],
    /// Where keys, or for the shard commands channels, stand.
    pub key_specs: &'static [KeySpec],
    /// What finds the keys instead, where specifications say too little.
    pub finder: Option<Finder>,
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
            flags: Flags::of(&[]),
            in_multi: InMulti::Waits,
            publishes: None,
            subscribes: None,
            categories: Categories::of(&[]),
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
    /// flags and no category: permissions and loading are its subcommands' matter.
    pub(crate) const fn container(name: &'static str, subcommands: &'static [Spec]) -> Spec {
        let mut spec = Spec::new(name, -2);
        spec.needs_subcommand = true;
        spec.subcommands = subcommands;
        spec
    }

    /// Sets [`flags`](Self::flags).
    pub(crate) const fn flags(mut self, flags: &'static [Flag]) -> Spec {
        self.flags = Flags::of(flags);
        self
    }

    /// Sets [`in_multi`](Self::in_multi).
    pub(crate) const fn in_multi(mut self, in_multi: InMulti) -> Spec {
        self.in_multi = in_multi;
        self
    }

    /// Sets [`publishes`](Self::publishes).
    pub(crate) const fn publishes(mut self, namespace: Namespace) -> Spec {
        self.publishes = Some(namespace);
        self
    }

    /// Sets [`subscribes`](Self::subscribes).
    pub(crate) const fn subscribes(mut self, namespace: Namespace) -> Spec {
        self.subscribes = Some(namespace);
        self
    }

    /// Sets [`categories`](Self::categories).
    pub(crate) const fn categories(mut self, categories: &[Category]) -> Spec {
        self.categories = Categories::of(categories);
        self
    }

    /// Sets [`tips`](Self::tips).
    pub(crate) const fn tips(mut self, tips: &'static [&'static str]) -> Spec {
        self.tips = tips;
        self
    }

    /// Sets [`key_specs`](Self::key_specs).
    pub(crate) const fn keys(mut self, specs: &'static [KeySpec]) -> Spec {
        self.key_specs = specs;
        self
    }

    /// Sets [`finder`](Self::finder).
    pub(crate) const fn finder(mut self, finder: Finder) -> Spec {
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

/// What becomes of a command inside MULTI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum InMulti {
    /// It waits for EXEC.
    #[default]
    Waits,
    /// It runs at once, and the transaction goes on.
    Runs,
    /// It runs at once, and gives the transaction up.
    GivesUp,
    /// It runs the transaction: EXEC.
    Executes,
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
