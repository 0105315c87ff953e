//! The catalog: the specification of every command, and the look-up of a request's command by name.
//!
//! Layer `catalog`. It may use `client` (for the namespaces of subscriptions), `resp` and the other
//! lowest layers. It does not know the command handlers, so `acl` and `observe` can use it.
//!
//! The first argument of every request is looked up, so [`Catalog::find`] neither allocates nor
//! hashes. Names are sorted into buckets by length and first letter. A bucket has one to three
//! names, which are compared without regard to letter case.
//!
//! To add a command: add its specification to the file of its group in `rows`, write its handler,
//! and name the handler in `command::table`.

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
    acl, bitmap, connection, expiry, geo, hash, hyperloglog, keys, list, operators, pubsub, queue,
    server, set, sorted_set, sorted_sets, standalone, stream, stream_groups, string, transaction,
};
use spec::key::LegacyRange;
use spec::{Flag, Flags, KeySpec, Spec};

/// The rows, by group.
const GROUPS: &[Group] = &[
    Group::always(pubsub::ROWS),
    Group::always(connection::ROWS),
    Group::always(server::ROWS),
    Group::always(operators::ROWS),
    Group::always(standalone::ROWS),
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
    Group::queue(stream::ROWS),
    Group::queue(stream_groups::ROWS),
    Group::queue(queue::ROWS),
    #[cfg(feature = "scripts")]
    Group::queue(scripting::ROWS),
    #[cfg(feature = "scripts")]
    Group::always(scripting::MANAGEMENT),
];

/// All commands of fanfare.
pub(crate) static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::new(GROUPS));

/// The rows of one file.
#[derive(Debug)]
pub(crate) struct Group {
    rows: &'static [Spec],
    queue: bool,
}

impl Group {
    /// Commands that always exist.
    pub(crate) const fn always(rows: &'static [Spec]) -> Group {
        Group { rows, queue: false }
    }

    /// Commands that exist only in queue mode.
    pub(crate) const fn queue(rows: &'static [Spec]) -> Group {
        Group { rows, queue: true }
    }
}

/// A set of commands that can be looked up by name.
#[derive(Debug)]
pub(crate) struct Catalog {
    /// Commands in the order of their groups, without subcommands.
    commands: Vec<Command>,
    /// For each [`bucket`], the names in it.
    buckets: Vec<Vec<Name>>,
    /// The number of ids in use.
    ids: u16,
}

/// A command's name in the two spellings that clients send. To compare a request with these takes
/// less time than to compare it letter by letter.
#[derive(Clone, Debug)]
struct Name {
    lower: &'static str,
    upper: String,
    /// The index in [`Catalog::commands`].
    index: usize,
}

/// A row, with what can be derived from it.
#[derive(Debug)]
pub(crate) struct Command {
    /// The row.
    pub spec: &'static Spec,
    /// A small unique number. The ids of commands and subcommands run from 0 to [`Catalog::ids`],
    /// for arrays of statistics.
    pub id: u16,
    /// The name in lower case, with the container's name (`client|kill`).
    pub full_name: String,
    /// Whether it exists only in queue mode.
    pub queue: bool,
    /// Its flags.
    pub flags: Flags,
    /// Its ACL categories.
    pub categories: Categories,
    /// The positions of its keys, in the form that old clients read.
    pub legacy_range: LegacyRange,
    /// Whether it replies with what it removes from a key (LPOP, BLMOVE, GETDEL), or with what
    /// counts as delivered then (XREADGROUP), so that a lost reply is lost data.
    pub takes: bool,
    /// Subcommands, in the row's order.
    pub subcommands: Vec<Command>,
}

impl Catalog {
    /// A catalog of these rows.
    ///
    /// # Panics
    /// There are more than 65,535 commands.
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
            buckets[bucket(name.as_bytes())].push(Name {
                lower: name,
                upper: name.to_ascii_uppercase(),
                index,
            });
        }
        Catalog {
            commands,
            buckets,
            ids,
        }
    }

    /// The command with this name, in any letter case.
    pub(crate) fn find(&self, name: &[u8]) -> Option<&Command> {
        let bucket = self.buckets.get(bucket(name))?;
        let usual = |own: &&Name| own.upper.as_bytes() == name || own.lower.as_bytes() == name;
        let found = bucket.iter().find(usual);
        let found = found.or_else(|| bucket.iter().find(|own| is_same(own.lower, name)))?;
        Some(&self.commands[found.index])
    }

    /// The command or subcommand that a request names. For a container without a subcommand's name,
    /// the container; its arity then reports that something is missing.
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

    /// The command or subcommand of a request with these arguments, found as
    /// [`resolve`](Self::resolve) does.
    pub(crate) fn find_request(&self, args: &[&[u8]]) -> Option<&Command> {
        let command = self.find(args.first()?)?;
        match args.get(1) {
            Some(name) if !command.subcommands.is_empty() => command.subcommand(name),
            _ => Some(command),
        }
    }

    /// The command or subcommand with this full name (`client|kill`), in any letter case.
    pub(crate) fn find_full(&self, name: &[u8]) -> Option<&Command> {
        match name.iter().position(|&byte| byte == b'|') {
            None => self.find(name),
            Some(bar) => self.find(&name[..bar])?.subcommand(&name[bar + 1..]),
        }
    }

    /// The commands, without subcommands. COMMAND COUNT is their number.
    pub(crate) fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// Commands and subcommands by ascending id. A container comes before its subcommands.
    pub(crate) fn commands_and_subcommands(&self) -> impl Iterator<Item = &Command> {
        self.commands
            .iter()
            .flat_map(|command| std::iter::once(command).chain(&command.subcommands))
    }

    /// The command or subcommand with this id.
    pub(crate) fn by_id(&self, id: u16) -> Option<&Command> {
        // Ids ascend, and a container's subcommands have the ids after its own.
        let after = self.commands.partition_point(|command| command.id <= id);
        let command = &self.commands[after.checked_sub(1)?];
        match id - command.id {
            0 => Some(command),
            offset => command.subcommands.get(usize::from(offset) - 1),
        }
    }

    /// The number of commands and subcommands. Every id is below it.
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
            // A subcommand without keys (HELP, MEMORY STATS) works without queue mode, too.
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

    /// Whether it could change something on replicas: it writes, or it publishes.
    pub(crate) fn may_replicate(&self) -> bool {
        self.has(Flag::Write) || self.has(Flag::MayReplicate) || self.spec.publishes.is_some()
    }

    /// The subcommand with this name (`kill`), in any letter case.
    pub(crate) fn subcommand(&self, name: &[u8]) -> Option<&Command> {
        self.subcommands
            .iter()
            .find(|command| is_same(command.spec.name, name))
    }
}

/// Computes [`Command::takes`]. RENAME also reads and removes a key, but nothing is lost.
fn takes(spec: &Spec) -> bool {
    let takes = |keys: &KeySpec| {
        let has = |flag| keys.flags.contains(&flag);
        has("access") && has("delete")
    };
    let removes = spec.docs.group != "generic" && spec.key_specs.iter().any(takes);
    removes || spec.flags.has(Flag::Delivers)
}

/// The bucket of a name: its length and its first letter, in any letter case.
fn bucket(name: &[u8]) -> usize {
    const LETTERS: usize = 32;
    let first = name.first().copied().unwrap_or_default();
    name.len() * LETTERS + usize::from(first) % LETTERS
}

fn is_same(own: &str, given: &[u8]) -> bool {
    own.as_bytes().eq_ignore_ascii_case(given)
}

/// The most bytes of a request that an error text shows: of the name, and of all arguments.
const SHOWN: usize = 128;

/// The part of an argument that Redis's `%.*s` prints.
fn shown(arg: &[u8], limit: usize) -> &[u8] {
    let end = arg.iter().take(limit).position(|&byte| byte == 0);
    &arg[..end.unwrap_or(limit.min(arg.len()))]
}

fn unknown_command(args: &Args<'_>) -> CommandError {
    let name = args.get(0).unwrap_or_default();
    let mut quoted = Vec::new();
    for arg in args.iter().skip(1) {
        if quoted.len() >= SHOWN {
            break;
        }
        let arg = shown(arg, SHOWN - quoted.len());
        quoted.extend([b"'", arg, b"' "].concat());
    }
    CommandError::UnknownCommand {
        name: shown(name, SHOWN).to_vec(),
        args: quoted,
    }
}

#[cfg(test)]
mod tests;
