//! Which commands a selector allows, and how that is written down.
//!
//! A [`CommandSet`] is a bit for each command and subcommand, of fanfare's table and of Redis's
//! beside it ([`REDIS_ONLY`]), which is what requests are checked against. Beside the bits stand the
//! rules that led to them, in the order in which they were given, as Redis 7.2 keeps and shows them.
//! (Redis 7.0 keeps none, and finds some that lead to the same bits.)
//!
//! Invariants:
//! - [`describe`] says rules that lead to the same bits.
//! - Of rules about the same command or category, only the last is kept. A rule about a whole command
//!   takes those about its subcommands and first arguments with it.
//!
//! [`describe`]: CommandSet::describe

use std::collections::BTreeMap;
use std::sync::{LazyLock, Once};

use super::redis_only::REDIS_ONLY;
use super::rules::{RuleError, has_blanks};
use crate::catalog::categories::{Categories, Category};
use crate::catalog::{CATALOG, Command};

/// A command as far as rules are concerned; its place in [`COMMANDS`] is its bit.
#[derive(Debug)]
struct CommandMeta {
    /// As a rule has it (`get`, `config|get`).
    name: &'static str,
    categories: Categories,
    /// Places of its subcommands.
    subcommands: Vec<usize>,
}

/// The catalog's commands by their ids, and behind them those that only Redis has.
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
    for place in CATALOG.ids()..all.len() {
        let Some((container, _)) = all[place].name.split_once('|') else {
            continue;
        };
        let mut places = all.iter();
        let container = places.position(|command| command.name == container);
        all[container.expect("a subcommand's container")]
            .subcommands
            .push(place);
    }
    all
});

/// The place of a command or subcommand, given in any letter case.
fn find(name: &[u8]) -> Option<usize> {
    if let Some(command) = CATALOG.find_full(name) {
        return Some(usize::from(command.id));
    }
    let redis_only = COMMANDS.iter().skip(CATALOG.ids());
    let names = redis_only.map(|command| command.name.as_bytes());
    let place = { names }.position(|own| own.eq_ignore_ascii_case(name))?;
    Some(CATALOG.ids() + place)
}

/// `+name` or `-name`. The name is in lower case, and may be `@category`, `container|sub` or
/// `name|first-arg`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    allow: bool,
    name: Vec<u8>,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandSet {
    bits: Box<[u64]>,
    /// `+@all` came last, and nothing was taken away since: no bit need be looked at.
    all: bool,
    /// The rules begin with `+@all`, and not with `-@all`.
    begins_with_all: bool,
    /// The rules since then.
    rules: Vec<Rule>,
    /// `+select|0`: of a command that is not allowed as a whole, by its place, the first arguments with
    /// which it is. Redis calls it deprecated, and still does it.
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

    /// Whether a request of this command is allowed, `first_arg` being what stands behind its name.
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

    /// `+name`, `-name`, `+container|sub`, `+name|first-arg`: what follows the sign.
    pub(super) fn apply(&mut self, allow: bool, name: &[u8]) -> Result<(), RuleError> {
        let bar = name.iter().rposition(|&byte| byte == b'|');
        if let (true, Some(bar)) = (allow, bar) {
            let (container, sub) = (&name[..bar], &name[bar + 1..]);
            let place = find(container).ok_or(RuleError::UnknownName)?;
            if container.contains(&b'|') {
                return Err(RuleError::FirstArgOfSubcommand);
            }
            // Redis takes blanks here, and writes a file that it cannot read, or reads other rules in.
            if sub.is_empty() || has_blanks(sub) {
                return Err(RuleError::Syntax);
            }
            if COMMANDS[place].subcommands.is_empty() {
                self.allow_first_arg(place, sub);
                self.keep_rule(allow, name.to_ascii_lowercase());
                return Ok(());
            }
        }
        self.change(find(name).ok_or(RuleError::UnknownName)?, allow);
        self.keep_rule(allow, name.to_ascii_lowercase());
        Ok(())
    }

    /// `+@name`, `-@name`: what follows the `@`.
    pub(super) fn apply_category(&mut self, allow: bool, name: &[u8]) -> Result<(), RuleError> {
        let category = Category::named(name).ok_or(RuleError::UnknownName)?;
        for (place, command) in COMMANDS.iter().enumerate() {
            if command.categories.contains(category) {
                self.change(place, allow);
            }
        }
        self.keep_rule(allow, format!("@{}", category.name()).into_bytes());
        Ok(())
    }

    /// Keeps a rule, in place of those that no longer say anything beside it.
    fn keep_rule(&mut self, allow: bool, name: Vec<u8>) {
        self.rules.retain(|own| {
            let rest = own.name.strip_prefix(name.as_slice());
            rest.is_none_or(|rest| !matches!(rest, [] | [b'|', ..]))
        });
        self.rules.push(Rule { allow, name });
    }

    fn allow_first_arg(&mut self, place: usize, arg: &[u8]) {
        // Once is enough, however often a client sets such a rule.
        static TOLD: Once = Once::new();
        TOLD.call_once(|| {
            tracing::warn!(
                command = COMMANDS[place].name,
                "allowing a first argument of a command that is otherwise not allowed is deprecated"
            );
        });
        let args = self.first_args.entry(place).or_default();
        if !args.iter().any(|own| own.eq_ignore_ascii_case(arg)) {
            args.push(arg.to_vec());
        }
    }

    /// Allows or denies a command with all its subcommands.
    fn change(&mut self, place: usize, allow: bool) {
        self.set(place, allow);
        self.first_args.remove(&place);
        for &sub in &COMMANDS[place].subcommands {
            self.set(sub, allow);
        }
    }

    fn has(&self, place: usize) -> bool {
        self.bits[place / 64] & 1 << (place % 64) != 0
    }

    fn set(&mut self, place: usize, allow: bool) {
        let bit = 1 << (place % 64);
        if allow {
            self.bits[place / 64] |= bit;
        } else {
            self.bits[place / 64] &= !bit;
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
