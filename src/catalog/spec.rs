//! The specification of one command.
//!
//! Layer `catalog`. It may use `client` and `resp`.
//!
//! A [`Spec`] describes a command to the dispatcher (name, arity, flags, keys) and to users
//! (COMMAND INFO, COMMAND DOCS, redis-cli's hints). It does not include the command's handler,
//! which `command::table` names. It also leaves out what follows from the rest of the row: most ACL
//! categories, the positions of keys that old clients read, and `movablekeys`. Those are in
//! [`Command`](super::Command).
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

/// Whether the argument at this index of a request is a secret.
pub(crate) type Hides = fn(&Args<'_>, usize) -> bool;

/// One command or subcommand.
#[derive(Debug)]
pub(crate) struct Spec {
    /// The name in lower case. A subcommand's name is without its container's (`kill`, not
    /// `client|kill`).
    pub name: &'static str,
    /// The number of arguments, including the command's name and, for a subcommand, the container's
    /// name. A negative number is a minimum.
    pub arity: i16,
    /// Its flags. `movablekeys` is left out because the key specifications imply it.
    pub flags: Flags,
    /// What happens to it between MULTI and EXEC.
    pub in_multi: InMulti,
    /// The namespace that it publishes its second argument to, if it only publishes.
    pub publishes: Option<Namespace>,
    /// The namespace that its arguments are subscribed to, if it subscribes.
    pub subscribes: Option<Namespace>,
    /// The ACL categories that its flags do not imply.
    pub categories: Categories,
    /// Hints for clients and proxies (`request_policy:all_shards`).
    pub tips: &'static [&'static str],
    /// The positions of its keys, or of the channels of the shard commands.
    pub key_specs: &'static [KeySpec],
    /// Finds the keys if the specifications cannot.
    pub finder: Option<Finder>,
    /// Whether the argument at an index is a secret, which SLOWLOG and MONITOR show as
    /// `(redacted)`.
    pub hides: Option<Hides>,
    /// What COMMAND DOCS shows.
    pub docs: Docs,
    /// Whether it is a container that cannot be used without a subcommand.
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

    /// A command that needs one of its subcommands. As in Redis, it has no flags and no category,
    /// since those of its subcommands count.
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

    /// Adds subcommands to a command that can also be used by itself.
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

    /// Marks an internal command (`syscmd`), which documentation leaves out.
    pub(crate) const fn system(mut self) -> Spec {
        self.docs.system = true;
        self
    }

    /// Marks a command that still works but was replaced. `replaced_by` is Markdown.
    pub(crate) const fn deprecated(
        mut self,
        since: &'static str,
        replaced_by: &'static str,
    ) -> Spec {
        self.docs.deprecated = Some(Deprecation { since, replaced_by });
        self
    }

    /// Whether the arity allows a request with this many arguments, including the command's name.
    pub(crate) fn accepts(&self, args: usize) -> bool {
        let bound = usize::from(self.arity.unsigned_abs());
        if self.arity < 0 {
            args >= bound
        } else {
            args == bound
        }
    }

    /// The keys of a request that satisfies the arity. `None` if the request does not match a
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

    /// As [`keys_in`](Self::keys_in), but a specification that the request does not match only
    /// finds no key, and the others still find theirs. ACL uses it: `PFMERGE k` has no source, but
    /// still changes `k`.
    pub(crate) fn keys_touched(&self, request: &[&[u8]]) -> Vec<FoundKey> {
        if let Some(find) = self.finder {
            return find(request);
        }
        let specs = self.key_specs.iter().filter(|spec| spec.is_key());
        specs
            .filter_map(|spec| spec.keys_in(request))
            .flatten()
            .collect()
    }

    /// Whether some arguments are keys. Channels do not count; the specification of a shard command
    /// marks them as `not_key`.
    pub(crate) fn has_keys(&self) -> bool {
        self.key_specs.iter().any(KeySpec::is_key)
    }
}

/// What happens to a command between MULTI and EXEC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum InMulti {
    /// It is queued until EXEC.
    #[default]
    Waits,
    /// It runs at once, and the transaction goes on.
    Runs,
    /// It runs at once, and discards the transaction.
    GivesUp,
    /// It runs the transaction (EXEC).
    Executes,
}

/// The documentation of a command, as COMMAND DOCS gives it.
#[derive(Debug)]
pub(crate) struct Docs {
    /// One sentence, usually without a full stop.
    pub summary: &'static str,
    /// The Redis version that introduced the command, or the fanfare version for a command of
    /// fanfare's own.
    pub since: &'static str,
    /// `pubsub`, `connection`, `server`, …
    pub group: &'static str,
    /// The cost in big-O notation; empty if Redis states none.
    pub complexity: &'static str,
    /// An internal command.
    pub system: bool,
    /// Since when the command is deprecated, and what replaces it.
    pub deprecated: Option<Deprecation>,
    /// Versions and their changes, oldest first.
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

/// The deprecation of a command.
#[derive(Debug)]
pub(crate) struct Deprecation {
    /// The Redis version that deprecated it.
    pub since: &'static str,
    /// What to use instead, in Markdown.
    pub replaced_by: &'static str,
}
