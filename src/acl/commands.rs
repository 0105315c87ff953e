//! The commands that a selector allows, and how they are written as rules.
//!
//! Layer `acl`. It may use `catalog` and what lies below.
//!
//! A [`CommandSet`] has one bit for each command and subcommand, both of fanfare's own and of those
//! that only Redis has ([`REDIS_ONLY`]). Requests are permitted by the bits. Beside the bits stand
//! the rules that led to them, in the order in which they were given, as Redis 7.2 keeps and shows
//! them. Redis 7.0 keeps none; it shows rules that lead to the same bits.
//!
//! Invariants:
//! - [`describe`] shows rules that lead to the same bits.
//! - Of several rules about the same command or category, only the last is kept. A rule about a whole
//!   command replaces those about its subcommands and first arguments.
//!
//! [`describe`]: CommandSet::describe

use std::collections::BTreeMap;
use std::sync::{LazyLock, Once};

use super::redis_only::REDIS_ONLY;
use super::rules::{RuleError, has_blanks};
use crate::catalog::categories::{Categories, Category};
use crate::catalog::{CATALOG, Command};

/// What rules need to know about a command. Its index in [`COMMANDS`] is its bit.
#[derive(Debug)]
struct CommandMeta {
    /// The name that a rule uses (`get`, `config|get`).
    name: &'static str,
    categories: Categories,
    /// Indexes of its subcommands.
    subcommands: Vec<usize>,
}

/// The catalog's commands by their ids, followed by those that only Redis has.
static COMMANDS: LazyLock<Vec<CommandMeta>> = LazyLock::new(|| {
    let own = CATALOG
        .commands_and_subcommands()
        .map(|command| CommandMeta {
            name: &command.full_name,
            categories: command.categories,
            subcommands: command
                .subcommands
                .iter()
                .map(|sub| usize::from(sub.id))
                .collect(),
        });
    let mut all: Vec<CommandMeta> = own.collect();
    for (categories, names) in REDIS_ONLY {
        let categories = Categories::named(categories.split(' '));
        for name in names.split(' ') {
            if CATALOG.find_full(name.as_bytes()).is_some() {
                continue;
            }
            all.push(CommandMeta {
                name,
                categories,
                subcommands: Vec::new(),
            });
        }
    }
    for index in CATALOG.ids()..all.len() {
        let Some((container, _)) = all[index].name.split_once('|') else {
            continue;
        };
        let mut indexes = all.iter();
        let container = indexes.position(|command| command.name == container);
        all[container.expect("a subcommand's container")]
            .subcommands
            .push(index);
    }
    all
});

/// The index of a command or subcommand, whose name is given in any letter case.
fn find(name: &[u8]) -> Option<usize> {
    if let Some(command) = CATALOG.find_full(name) {
        return Some(usize::from(command.id));
    }
    let redis_only = COMMANDS.iter().skip(CATALOG.ids());
    let names = redis_only.map(|command| command.name.as_bytes());
    let index = { names }.position(|own| own.eq_ignore_ascii_case(name))?;
    Some(CATALOG.ids() + index)
}

/// `+name` or `-name`. The name is in lower case, and may be `@category`, `container|sub` or
/// `name|first-arg`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    allow: bool,
    name: Vec<u8>,
}

/// A set of allowed commands and subcommands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandSet {
    bits: Box<[u64]>,
    /// `+@all` was applied and nothing was denied since, so no bit needs to be read.
    all: bool,
    /// The rules begin with `+@all`, and not with `-@all`.
    begins_with_all: bool,
    /// The rules since then.
    rules: Vec<Rule>,
    /// The allowed first arguments (`+select|0`) of commands that are not allowed as a whole, by
    /// the command's index. Redis calls this deprecated, but still supports it.
    first_args: BTreeMap<usize, Vec<Vec<u8>>>,
}

impl CommandSet {
    /// No command.
    pub(super) fn none() -> CommandSet {
        CommandSet {
            bits: vec![0; COMMANDS.len().div_ceil(64)].into(),
            all: false,
            begins_with_all: false,
            rules: Vec::new(),
            first_args: BTreeMap::new(),
        }
    }

    /// `+@all`
    pub(super) fn allow_all(&mut self) {
        self.bits.fill(u64::MAX);
        self.all = true;
        self.begins_with_all = true;
        self.rules.clear();
        self.first_args.clear();
    }

    /// `-@all`
    pub(super) fn deny_all(&mut self) {
        *self = CommandSet::none();
    }

    /// Whether every command is allowed, whatever its arguments.
    pub(super) fn is_all(&self) -> bool {
        self.all
    }

    /// Whether a request of this command is allowed. `first_arg` is the argument after the name.
    pub(super) fn allows(&self, command: &Command, first_arg: Option<&[u8]>) -> bool {
        self.all || self.has(usize::from(command.id)) || {
            let allowed = self.first_args.get(&usize::from(command.id));
            let among = |allowed: &Vec<Vec<u8>>| {
                allowed
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(first_arg.unwrap_or_default()))
            };
            first_arg.is_some() && allowed.is_some_and(among)
        }
    }

    /// Applies `+name`, `-name`, `+container|sub` or `+name|first-arg`, given without the sign.
    pub(super) fn apply(&mut self, allow: bool, name: &[u8]) -> Result<(), RuleError> {
        let bar = name.iter().rposition(|&byte| byte == b'|');
        if let (true, Some(bar)) = (allow, bar) {
            let (container, sub) = (&name[..bar], &name[bar + 1..]);
            let index = find(container).ok_or(RuleError::UnknownName)?;
            if container.contains(&b'|') {
                return Err(RuleError::FirstArgOfSubcommand);
            }
            // Redis accepts blanks here. It then writes a file that it cannot read, or that it
            // reads as other rules.
            if sub.is_empty() || has_blanks(sub) {
                return Err(RuleError::Syntax);
            }
            if COMMANDS[index].subcommands.is_empty() {
                self.allow_first_arg(index, sub);
                self.keep_rule(allow, name.to_ascii_lowercase());
                return Ok(());
            }
        }
        self.change(find(name).ok_or(RuleError::UnknownName)?, allow);
        self.keep_rule(allow, name.to_ascii_lowercase());
        Ok(())
    }

    /// Applies `+@name` or `-@name`, given without the sign and the `@`.
    pub(super) fn apply_category(&mut self, allow: bool, name: &[u8]) -> Result<(), RuleError> {
        let category = Category::named(name).ok_or(RuleError::UnknownName)?;
        for (index, command) in COMMANDS.iter().enumerate() {
            if command.categories.contains(category) {
                self.change(index, allow);
            }
        }
        self.keep_rule(allow, format!("@{}", category.name()).into_bytes());
        Ok(())
    }

    /// Adds a rule, and removes those that it makes void.
    fn keep_rule(&mut self, allow: bool, name: Vec<u8>) {
        self.rules.retain(|own| {
            let rest = own.name.strip_prefix(name.as_slice());
            rest.is_none_or(|rest| !matches!(rest, [] | [b'|', ..]))
        });
        self.rules.push(Rule { allow, name });
    }

    fn allow_first_arg(&mut self, index: usize, arg: &[u8]) {
        // Logged once per process, however often clients set such a rule.
        static LOGGED: Once = Once::new();
        LOGGED.call_once(|| {
            tracing::warn!(
                command = COMMANDS[index].name,
                "allowing a first argument of a command that is otherwise not allowed is deprecated"
            );
        });
        let args = self.first_args.entry(index).or_default();
        if !args.iter().any(|own| own.eq_ignore_ascii_case(arg)) {
            args.push(arg.to_vec());
        }
    }

    /// Allows or denies a command with all its subcommands.
    fn change(&mut self, index: usize, allow: bool) {
        self.set(index, allow);
        self.first_args.remove(&index);
        for &sub in &COMMANDS[index].subcommands {
            self.set(sub, allow);
        }
    }

    fn has(&self, index: usize) -> bool {
        self.bits[index / 64] & 1 << (index % 64) != 0
    }

    fn set(&mut self, index: usize, allow: bool) {
        let bit = 1 << (index % 64);
        if allow {
            self.bits[index / 64] |= bit;
        } else {
            self.bits[index / 64] &= !bit;
            self.all = false;
        }
    }

    /// The rules that lead to it.
    pub(super) fn describe(&self) -> Vec<u8> {
        let begin: &[u8] = if self.begins_with_all {
            b"+@all"
        } else {
            b"-@all"
        };
        let mut described = begin.to_vec();
        for Rule { allow, name } in &self.rules {
            described.extend_from_slice(if *allow { b" +" } else { b" -" });
            described.extend_from_slice(name);
        }
        described
    }
}
