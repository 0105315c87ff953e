//! The catalog: what every command is, and how a request's name finds its command.
//!
//! Layer `catalog`: it knows the wire and the namespaces of subscriptions, and nothing that carries a
//! command out. So `acl` and `observe` can know commands, too.
//!
//! A request's first word is looked up on every request, so [`Catalog::find`] neither allocates nor
//! hashes: names are sorted into buckets by their length and first letter, and the one to three of
//! a bucket are compared in any letter case.
//!
//! To add a command: add its specification to the file of its group in `rows`, write its function,
//! and name that in `command::table`.

pub(crate) mod categories;
mod rows;
mod secrets;
pub(crate) mod spec;

use std::sync::LazyLock;

use crate::resp::error::CommandError;
use crate::resp::request::Args;
use categories::Categories;
#[cfg(feature = "scripts")]
use rows::scripting;
use rows::{
    acl, bitmap, connection, expiry, geo, hash, hyperloglog, keys, list, lone, operators, pubsub,
    server, set, sorted_set, sorted_sets, string, transaction,
};
use spec::key::LegacyRange;
use spec::{Flag, Flags, KeySpec, Spec};

/// The rows, by group.
const GROUPS: &[Group] = &[
    Group::always(pubsub::ROWS),
    Group::always(connection::ROWS),
    Group::always(server::ROWS),
    Group::always(operators::ROWS),
    Group::always(lone::ROWS),
    Group::always(transaction::ROWS),
    Group::always(acl::ROWS),
    Group::queue(list::ROWS),
    Group::queue(string::ROWS),
    Group::queue(bitmap::ROWS),
    Group::queue(hyperloglog::ROWS),
    Group::queue(geo::ROWS),
    Group::queue(keys::ROWS),
    Group::queue(sorted_set::ROWS),
    Group::queue(sorted_sets::ROWS),
    Group::queue(expiry::ROWS),
    Group::queue(hash::ROWS),
    Group::queue(set::ROWS),
    #[cfg(feature = "scripts")]
    Group::queue(scripting::ROWS),
    #[cfg(feature = "scripts")]
    Group::always(scripting::MANAGEMENT),
];

/// Every command of this server.
pub(crate) static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::new(GROUPS));

/// The rows of one file.
#[derive(Debug)]
pub(crate) struct Group {
    rows: &'static [Spec],
    queue: bool,
}

impl Group {
    /// Commands that the server always has.
    pub(crate) const fn always(rows: &'static [Spec]) -> Group {
        Group { rows, queue: false }
    }

    /// Commands of the queue mode.
    pub(crate) const fn queue(rows: &'static [Spec]) -> Group {
        Group { rows, queue: true }
    }
}

/// A set of commands that can be looked up by name.
#[derive(Debug)]
pub(crate) struct Catalog {
    /// Commands in the order of their groups, without subcommands.
    commands: Vec<Command>,
    /// By [`bucket`] of the name: names, and where in `commands` they are.
    buckets: Vec<Vec<(&'static str, usize)>>,
    /// Number of ids given out.
    ids: u16,
}

/// A row with what the dispatcher needs worked out once.
#[derive(Debug)]
pub(crate) struct Command {
    /// The row.
    pub spec: &'static Spec,
    /// A small number of its own: ids of commands and subcommands run from 0 to [`Catalog::ids`],
    /// for arrays of statistics.
    pub id: u16,
    /// Lower case, with the container's name (`client|kill`).
    pub full_name: String,
    /// Whether it is part of the queue mode, and missing where that is off.
    pub queue: bool,
    /// What it may do.
    pub flags: Flags,
    /// Its ACL categories.
    pub categories: Categories,
    /// Where its keys stand, as old clients read it.
    pub legacy_range: LegacyRange,
    /// Whether it answers with what it removes from a key (LPOP, BLMOVE, GETDEL), so that a reply that
    /// nobody reads is a loss.
    pub takes: bool,
    /// Subcommands, in the row's order.
    pub subcommands: Vec<Command>,
}

impl Catalog {
    /// A table of these rows.
    ///
    /// # Panics
    /// If there are more than 65,535 commands.
    pub(crate) fn new(groups: &[Group]) -> Catalog {
        let mut ids = 0;
        let mut commands = Vec::new();
        for group in groups {
            let rows = group.rows.iter();
            commands.extend(rows.map(|spec| Command::new(spec, None, group.queue, &mut ids)));
        }
        let names = commands.iter().map(|command| command.spec.name);
        let last = names.clone().map(|name| bucket(name.as_bytes())).max();
        let mut buckets = vec![Vec::new(); last.map_or(0, |last| last + 1)];
        for (index, name) in names.enumerate() {
            buckets[bucket(name.as_bytes())].push((name, index));
        }
        Catalog {
            commands,
            buckets,
            ids,
        }
    }

    /// The command of this name, in any letter case.
    pub(crate) fn find(&self, name: &[u8]) -> Option<&Command> {
        let bucket = self.buckets.get(bucket(name))?;
        let (_, index) = bucket.iter().find(|(own, _)| is_same(own, name))?;
        Some(&self.commands[*index])
    }

    /// The command or subcommand that a request names. A container without a subcommand's name is
    /// found itself; its arity then tells that something is missing.
    pub(crate) fn resolve(&self, args: &Args<'_>) -> Result<&Command, CommandError> {
        let Some(command) = args.get(0).and_then(|name| self.find(name)) else {
            return Err(unknown_command(args));
        };
        match args.get(1) {
            Some(name) if !command.subcommands.is_empty() => {
                command
                    .subcommand(name)
                    .ok_or_else(|| CommandError::UnknownSubcommand {
                        given: shown(name, SHOWN).to_vec(),
                        command: command.spec.name,
                    })
            }
            _ => Ok(command),
        }
    }

    /// The command or subcommand that a request of these words names, as [`resolve`](Self::resolve)
    /// finds it.
    pub(crate) fn find_request(&self, words: &[&[u8]]) -> Option<&Command> {
        let command = self.find(words.first()?)?;
        match words.get(1) {
            Some(name) if !command.subcommands.is_empty() => command.subcommand(name),
            _ => Some(command),
        }
    }

    /// The command or subcommand of this full name (`client|kill`), in any letter case.
    pub(crate) fn find_full(&self, name: &[u8]) -> Option<&Command> {
        match name.iter().position(|&byte| byte == b'|') {
            None => self.find(name),
            Some(bar) => self.find(&name[..bar])?.subcommand(&name[bar + 1..]),
        }
    }

    /// The commands, without subcommands; COMMAND COUNT's number of them.
    pub(crate) fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// Commands and subcommands, a container before its subcommands, by ascending id.
    pub(crate) fn commands_and_subcommands(&self) -> impl Iterator<Item = &Command> {
        self.commands
            .iter()
            .flat_map(|command| std::iter::once(command).chain(&command.subcommands))
    }

    /// The command or subcommand of this id.
    pub(crate) fn by_id(&self, id: u16) -> Option<&Command> {
        // Ids ascend, and a container's subcommands have those right after its own.
        let after = self.commands.partition_point(|command| command.id <= id);
        let command = &self.commands[after.checked_sub(1)?];
        match id - command.id {
            0 => Some(command),
            place => command.subcommands.get(usize::from(place) - 1),
        }
    }

    /// The number of commands and subcommands: every id is below it.
    pub(crate) fn ids(&self) -> usize {
        usize::from(self.ids)
    }
}

impl Command {
    fn new(spec: &'static Spec, container: Option<&str>, queue: bool, ids: &mut u16) -> Command {
        let id = *ids;
        *ids = id.checked_add(1).expect("fewer than 65,536 commands");
        let full_name = match container {
            None => spec.name.to_owned(),
            Some(container) => format!("{container}|{}", spec.name),
        };
        let subcommands = spec
            .subcommands
            .iter()
            .map(|row| Command::new(row, Some(spec.name), queue, ids))
            .collect();
        let legacy_range = LegacyRange::of(spec.key_specs);
        let flags = if legacy_range.is_all {
            spec.flags
        } else {
            spec.flags.with(Flag::MovableKeys)
        };
        Command {
            spec,
            id,
            // HELP, MEMORY STATS: a subcommand that looks at no key says the same without any.
            queue: queue && (container.is_none() || spec.has_keys()),
            flags,
            categories: spec.categories.with_implied(flags),
            legacy_range,
            takes: takes(spec),
            full_name,
            subcommands,
        }
    }

    /// Whether it has this flag.
    pub(crate) fn has(&self, flag: Flag) -> bool {
        self.flags.has(flag)
    }

    /// Whether it may change what replicas would have to be told of: a write, or a message.
    pub(crate) fn may_replicate(&self) -> bool {
        self.has(Flag::Write) || self.has(Flag::MayReplicate) || self.spec.publishes.is_some()
    }

    /// The subcommand of this name (`kill`), in any letter case.
    pub(crate) fn subcommand(&self, name: &[u8]) -> Option<&Command> {
        self.subcommands
            .iter()
            .find(|command| is_same(command.spec.name, name))
    }
}

/// See [`Command::takes`]. RENAME reads a key and removes it too, but loses nothing.
fn takes(spec: &Spec) -> bool {
    let takes = |keys: &KeySpec| {
        let has = |flag| keys.flags.contains(&flag);
        has("access") && has("delete")
    };
    spec.docs.group != "generic" && spec.key_specs.iter().any(takes)
}

/// Where a name is found: by its length and its first letter, in any case.
fn bucket(name: &[u8]) -> usize {
    const LETTERS: usize = 32;
    let first = name.first().copied().unwrap_or_default();
    name.len() * LETTERS + usize::from(first) % LETTERS
}

fn is_same(own: &str, given: &[u8]) -> bool {
    own.as_bytes().eq_ignore_ascii_case(given)
}

/// How many bytes of a request an error text shows, of the name as of all arguments.
const SHOWN: usize = 128;

/// The part of a word that Redis's `%.*s` prints.
fn shown(word: &[u8], limit: usize) -> &[u8] {
    let end = word.iter().take(limit).position(|&byte| byte == 0);
    &word[..end.unwrap_or(limit.min(word.len()))]
}

fn unknown_command(args: &Args<'_>) -> CommandError {
    let name = args.get(0).unwrap_or_default();
    let mut quoted = Vec::new();
    for word in args.iter().skip(1) {
        if quoted.len() >= SHOWN {
            break;
        }
        let word = shown(word, SHOWN - quoted.len());
        quoted.extend([b"'", word, b"' "].concat());
    }
    CommandError::UnknownCommand {
        name: shown(name, SHOWN).to_vec(),
        args: quoted,
    }
}

#[cfg(test)]
mod tests;
