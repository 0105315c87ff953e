//! Which commands a selector allows, and how that is written down.
//!
//! A [`CommandSet`] is a bit for each command and subcommand, of fanfare's table and of Redis's
//! beside it ([`REDIS_ONLY`]). What was given as a sequence of rules is not kept; [`describe`]
//! finds rules that lead to the same bits, as Redis 7.0 does: `+@all` or `-@all`, the categories that
//! fit best, and single commands for the rest.
//!
//! [`describe`]: CommandSet::describe

use std::collections::BTreeMap;
use std::sync::{LazyLock, Once};

use super::redis_only::{REDIS_ONLY, SINCE_7_2};
use super::rules::{RuleError, has_blanks};
use crate::catalog::categories::{Categories, Category};
use crate::catalog::{CATALOG, Command};

/// A command as far as rules are concerned; its place in [`COMMANDS`] is its bit.
#[derive(Debug)]
struct CommandMeta {
    /// As a rule has it (`get`, `config|get`).
    name: &'static str,
    categories: Categories,
    /// Whether Redis 7.0 has it: later ones must not change which categories describe a set best.
    counts: bool,
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

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandSet {
    bits: Box<[u64]>,
    /// `+@all` came last, and nothing was taken away since: no bit need be looked at.
    all: bool,
    /// It began with `+@all`, so that it is described by what was taken away.
    subtractive: bool,
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
                return Ok(());
            }
        }
        self.change(find(name).ok_or(RuleError::UnknownName)?, allow);
        Ok(())
    }

    /// `+@name`, `-@name`: what follows the `@`.
    pub(super) fn apply_category(&mut self, allow: bool, name: &[u8]) -> Result<(), RuleError> {
        let category = Category::named(name).ok_or(RuleError::UnknownName)?;
        self.change_category(category, allow);
        Ok(())
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

    fn change_category(&mut self, category: Category, allow: bool) {
        for (place, command) in COMMANDS.iter().enumerate() {
            if command.categories.contains(category) {
                self.change(place, allow);
            }
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

    /// How many commands of a category it allows, and how many not.
    fn count(&self, category: Category) -> (usize, usize) {
        let members = COMMANDS.iter().enumerate();
        let members =
            members.filter(|(_, command)| command.counts && command.categories.contains(category));
        members.fold((0, 0), |(on, off), (place, _)| {
            if self.has(place) {
                (on + 1, off)
            } else {
                (on, off + 1)
            }
        })
    }

    /// The rules that lead to it: Redis's `ACLDescribeSelectorCommandRules`, but for the order of
    /// single commands, which Redis takes from a hash table.
    pub(super) fn describe(&self) -> Vec<u8> {
        // What the rules so far would lead to.
        let mut reached = CommandSet::none();
        let mut rules = b"-@all".to_vec();
        if self.subtractive {
            reached.allow_all();
            rules = b"+@all".to_vec();
        }
        let additive = !self.subtractive;
        // What is left once the categories so far are taken out.
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
        for (place, _) in commands.filter(|(_, command)| !command.name.contains('|')) {
            self.describe_single(place, &mut reached, &mut rules);
        }
        rules
    }

    /// The category, of those left, that most fits: more of it is alike than not, the fewest of it
    /// are not, the most of it are.
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

    /// Writes what the categories have left over of a command and its subcommands.
    fn describe_single(&self, place: usize, reached: &mut CommandSet, rules: &mut Vec<u8>) {
        let CommandMeta {
            name, subcommands, ..
        } = &COMMANDS[place];
        let allowed = self.has(place);
        if allowed != reached.has(place) {
            let sign = if allowed { '+' } else { '-' };
            rules.extend_from_slice(format!(" {sign}{name}").as_bytes());
            reached.change(place, allowed);
        }
        for &sub in subcommands {
            self.describe_single(sub, reached, rules);
        }
        if !allowed {
            for arg in self.first_args.get(&place).into_iter().flatten() {
                rules.extend_from_slice(format!(" +{name}|").as_bytes());
                rules.extend_from_slice(arg);
            }
        }
    }
}
