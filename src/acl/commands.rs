//! The commands that a selector allows, and how they are written as rules.
//!
//! Layer `acl`. It may use `catalog` and what lies below.
//!
//! A [`CommandSet`] has one bit for each command and subcommand, both of fanfare's own and of those
//! that only Redis has ([`REDIS_ONLY`]). The sequence of rules is not kept. [`describe`] finds
//! rules that lead to the same bits, as Redis 7.0 does: `+@all` or `-@all`, then the categories
//! that fit best, then single commands for the rest.
//!
//! [`describe`]: CommandSet::describe

use std::collections::BTreeMap;
use std::sync::{LazyLock, Once};

use super::redis_only::{REDIS_ONLY, SINCE_7_2};
use super::rules::{RuleError, has_blanks};
use crate::catalog::categories::{Categories, Category};
use crate::catalog::{CATALOG, Command};

/// What rules need to know about a command. Its index in [`COMMANDS`] is its bit.
#[derive(Debug)]
struct CommandMeta {
    /// The name that a rule uses (`get`, `config|get`).
    name: &'static str,
    categories: Categories,
    /// Whether Redis 7.0 has it. Later commands must not change which categories describe a set
    /// best.
    counts: bool,
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
            counts: command.spec.docs.since < "7.1",
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
                counts: !SINCE_7_2.contains(&name),
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

/// A set of allowed commands and subcommands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandSet {
    bits: Box<[u64]>,
    /// `+@all` was applied and nothing was denied since, so no bit needs to be read.
    all: bool,
    /// The rules began with `+@all`, so the set is described by what was denied.
    subtractive: bool,
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
            subtractive: false,
            first_args: BTreeMap::new(),
        }
    }

    /// `+@all`
    pub(super) fn allow_all(&mut self) {
        self.bits.fill(u64::MAX);
        self.all = true;
        self.subtractive = true;
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
                return Ok(());
            }
        }
        self.change(find(name).ok_or(RuleError::UnknownName)?, allow);
        Ok(())
    }

    /// Applies `+@name` or `-@name`, given without the sign and the `@`.
    pub(super) fn apply_category(&mut self, allow: bool, name: &[u8]) -> Result<(), RuleError> {
        let category = Category::named(name).ok_or(RuleError::UnknownName)?;
        self.change_category(category, allow);
        Ok(())
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

    fn change_category(&mut self, category: Category, allow: bool) {
        for (index, command) in COMMANDS.iter().enumerate() {
            if command.categories.contains(category) {
                self.change(index, allow);
            }
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

    /// How many commands of a category are allowed, and how many are not.
    fn count(&self, category: Category) -> (usize, usize) {
        let members = COMMANDS.iter().enumerate();
        let members =
            members.filter(|(_, command)| command.counts && command.categories.contains(category));
        members.fold((0, 0), |(on, off), (index, _)| {
            if self.has(index) {
                (on + 1, off)
            } else {
                (on, off + 1)
            }
        })
    }

    /// The rules that lead to this set, as in Redis's `ACLDescribeSelectorCommandRules`. Only the
    /// order of single commands differs: Redis takes it from a hash table.
    pub(super) fn describe(&self) -> Vec<u8> {
        // The set that the rules so far lead to.
        let mut reached = CommandSet::none();
        let mut rules = b"-@all".to_vec();
        if self.subtractive {
            reached.allow_all();
            rules = b"+@all".to_vec();
        }
        let additive = !self.subtractive;
        // What is left to describe after the categories so far.
        let mut rest = self.clone();
        let mut categories: Vec<Category> = Category::all().collect();
        while let Some(best) = rest.best_category(&categories, additive) {
            reached.change_category(best, additive);
            rest.change_category(best, !additive);
            let sign = if additive { "+" } else { "-" };
            rules.extend_from_slice(format!(" {sign}@{}", best.name()).as_bytes());
            categories.retain(|category| *category != best);
        }
        let commands = COMMANDS.iter().enumerate();
        for (index, _) in commands.filter(|(_, command)| !command.name.contains('|')) {
            self.describe_single(index, &mut reached, &mut rules);
        }
        rules
    }

    /// The best of the remaining categories. It must have more commands that fit than commands that
    /// do not. The one with the fewest misfits wins, then the one with the most fits.
    fn best_category(&self, categories: &[Category], additive: bool) -> Option<Category> {
        let mut best: Option<(Category, usize, usize)> = None;
        for &category in categories {
            let (on, off) = self.count(category);
            let (alike, unlike) = if additive { (on, off) } else { (off, on) };
            let better = best.is_none_or(|(_, best_unlike, best_alike)| {
                unlike < best_unlike || unlike == best_unlike && alike > best_alike
            });
            if alike > unlike && better {
                best = Some((category, unlike, alike));
            }
        }
        best.map(|(category, ..)| category)
    }

    /// Writes the rules of a command and its subcommands that the categories did not cover.
    fn describe_single(&self, index: usize, reached: &mut CommandSet, rules: &mut Vec<u8>) {
        let CommandMeta {
            name, subcommands, ..
        } = &COMMANDS[index];
        let allowed = self.has(index);
        if allowed != reached.has(index) {
            let sign = if allowed { '+' } else { '-' };
            rules.extend_from_slice(format!(" {sign}{name}").as_bytes());
            reached.change(index, allowed);
        }
        for &sub in subcommands {
            self.describe_single(sub, reached, rules);
        }
        if !allowed {
            for arg in self.first_args.get(&index).into_iter().flatten() {
                rules.extend_from_slice(format!(" +{name}|").as_bytes());
                rules.extend_from_slice(arg);
            }
        }
    }
}
