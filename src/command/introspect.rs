//! COMMAND and its subcommands: the catalog as clients see it.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! The replies have exactly the structure of Redis 7.2's, in RESP2 and RESP3: which aggregates are
//! arrays and which are sets, and the order of a map's keys. Only the order of the commands is
//! undefined, as in Redis, which keeps them in a hash table.

use super::pubsub::help as help_reply;
use super::{Args, Context};
use crate::catalog::categories::Category;
use crate::catalog::spec::key::{Begin, Find, KeyFlags, LegacyRange};
use crate::catalog::spec::{Arg, Flag, KeySpec, Spec};
use crate::catalog::{CATALOG, Command};
use crate::glob;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, integer, map, set, status};

/// The result of a handler.
type Answer = Result<Reply, CommandError>;

const NO_SUCH_COMMAND: CommandError = CommandError::text("ERR Invalid command specified");
const NO_KEYS: CommandError = CommandError::text("ERR The command has no key arguments");
const WRONG_ARITY: CommandError =
    CommandError::text("ERR Invalid number of arguments specified for command");
const WRONG_ARGUMENTS: CommandError =
    CommandError::text("ERR Invalid arguments specified for command");

/// The most names in one COMMAND INFO or COMMAND DOCS. Redis has no limit, but a reply is up to a
/// thousand times longer than its name: a request of 10 MB that repeats `client` would produce
/// gigabytes. No client asks for more names than there are commands.
const MAX_NAMES: usize = 1024;
const TOO_MANY_NAMES: CommandError = CommandError::text("ERR too many command names");

/// `COMMAND`
pub(crate) fn command(_: &mut Context<'_>, _: &Args<'_>) -> Answer {
    Ok(array(CATALOG.commands().iter().map(details)))
}

/// `COMMAND COUNT`
pub(crate) fn count(_: &mut Context<'_>, _: &Args<'_>) -> Answer {
    Ok(Reply::Integer(CATALOG.commands().len() as i64))
}

/// `COMMAND INFO [name ...]`: null for an unknown name.
pub(crate) fn info(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    if args.len() == 2 {
        return command(context, args);
    }
    let names = bounded(args_after(2, args))?;
    let replies = names
        .iter()
        .map(|name| CATALOG.find_full(name).map_or(Reply::Null, details));
    Ok(array(replies))
}

/// `COMMAND DOCS [name ...]`: omits unknown names.
pub(crate) fn docs(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    if args.len() == 2 {
        return Ok(map(CATALOG.commands().iter().map(documentation)));
    }
    let names = bounded(args_after(2, args))?;
    let entries = names.iter().filter_map(|name| CATALOG.find_full(name));
    Ok(map(entries.map(documentation)))
}

/// `COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]`: the names of commands
/// and subcommands.
pub(crate) fn list(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let entries = listed(&args_after(2, args))?;
    let names = entries.map(|command| bulk(command.full_name.clone()));
    Ok(array(names))
}

/// `COMMAND GETKEYS name [argument ...]`
pub(crate) fn getkeys(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let request = args_after(2, args);
    let keys = keys_of(command_of(&request)?.spec, &request)?;
    Ok(array(keys.into_iter().map(|(key, _)| copied(key))))
}

/// `COMMAND GETKEYSANDFLAGS name [argument ...]`
pub(crate) fn getkeysandflags(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let request = args_after(2, args);
    let keys = keys_of(command_of(&request)?.spec, &request)?;
    let pair = |(key, flags): (&[u8], KeyFlags)| {
        let flags = flags.iter().copied().map(status);
        array([copied(key), set(flags)])
    };
    Ok(array(keys.into_iter().map(pair)))
}

/// `COMMAND HELP`
pub(crate) fn help(_: &mut Context<'_>, _: &Args<'_>) -> Answer {
    Ok(help_reply(
        "COMMAND",
        &[
            "(none)",
            "    Describe all commands.",
            "COUNT",
            "    How many commands there are.",
            "DOCS [command ...]",
            "    What these commands, or all, do and which arguments they take.",
            "GETKEYS command [argument ...]",
            "    The keys among the arguments.",
            "GETKEYSANDFLAGS command [argument ...]",
            "    The keys among the arguments, and what the command does with each.",
            "INFO [command ...]",
            "    Describe these commands, or all.",
            "LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]",
            "    The names of all commands, or of those that the filter fits.",
        ],
    ))
}

fn bounded(names: Vec<&[u8]>) -> Result<Vec<&[u8]>, CommandError> {
    if names.len() > MAX_NAMES {
        return Err(TOO_MANY_NAMES);
    }
    Ok(names)
}

/// The arguments after the first `count`.
fn args_after<'a>(count: usize, args: &'a Args<'_>) -> Vec<&'a [u8]> {
    args.iter().skip(count).collect()
}

/// The commands that the filter of COMMAND LIST accepts; without a filter, all. None comes from a
/// module.
fn listed(
    filter: &[&[u8]],
) -> Result<impl Iterator<Item = &'static Command> + use<>, CommandError> {
    let keep: Box<dyn Fn(&Command) -> bool> = match filter {
        [] => Box::new(|_| true),
        [by, kind, value] if by.eq_ignore_ascii_case(b"filterby") => {
            let value = value.to_ascii_lowercase();
            match kind.to_ascii_lowercase().as_slice() {
                b"module" => Box::new(|_| false),
                b"aclcat" => {
                    let category = Category::named(&value);
                    Box::new(move |command| {
                        category.is_some_and(|category| command.categories.contains(category))
                    })
                }
                b"pattern" => {
                    Box::new(move |command| glob::matches(&value, command.full_name.as_bytes()))
                }
                _ => return Err(CommandError::SYNTAX),
            }
        }
        _ => return Err(CommandError::SYNTAX),
    };
    Ok(CATALOG
        .commands_and_subcommands()
        .filter(move |command| keep(command)))
}

/// The command that the dispatcher would run for a request.
fn command_of(request: &[&[u8]]) -> Result<&'static Command, CommandError> {
    CATALOG.find_request(request).ok_or(NO_SUCH_COMMAND)
}

/// The keys of a request, with their flags.
fn keys_of<'a>(
    spec: &'static Spec,
    request: &[&'a [u8]],
) -> Result<Vec<(&'a [u8], KeyFlags)>, CommandError> {
    if !spec.has_keys() {
        return Err(NO_KEYS);
    }
    if !spec.accepts(request.len()) {
        return Err(WRONG_ARITY);
    }
    let keys = match spec.keys_in(request) {
        // A script may have none.
        None if spec.flags.has(Flag::NoMandatoryKeys) => Vec::new(),
        keys => keys.ok_or(WRONG_ARGUMENTS)?,
    };
    let pairs = keys.iter().map(|key| (request[key.position], key.flags));
    Ok(pairs.collect())
}

/// A key as a bulk string. It is copied, so that the reply does not keep the request's buffer
/// alive.
fn copied(key: &[u8]) -> Reply {
    bulk(key.to_vec())
}

/// A command's element in the reply of COMMAND and COMMAND INFO.
fn details(command: &Command) -> Reply {
    let spec = command.spec;
    let LegacyRange {
        first, last, step, ..
    } = command.legacy_range;
    // As in Redis: without subcommands an empty set, otherwise an array.
    let subcommands = match command.subcommands.as_slice() {
        [] => set([]),
        subcommands => array(subcommands.iter().map(details)),
    };
    array([
        name_of(command),
        integer(spec.arity.into()),
        set(command.flags.shown().map(status)),
        integer(first),
        integer(last),
        integer(step),
        set(command.categories.iter().map(at_sign)),
        set(spec.tips.iter().copied().map(bulk)),
        set(spec.key_specs.iter().map(key_spec)),
        subcommands,
    ])
}

fn name_of(command: &Command) -> Reply {
    bulk(command.full_name.clone())
}

fn at_sign(category: Category) -> Reply {
    status(format!("@{}", category.name()))
}

fn key_spec(spec: &KeySpec) -> Reply {
    let begin = match spec.begin {
        Begin::Index(index) => kind("index", integers([("index", index)])),
        Begin::Keyword {
            keyword,
            start_from,
        } => {
            let pairs = [
                ("keyword", bulk(keyword)),
                ("startfrom", integer(start_from)),
            ];
            kind("keyword", map(pairs))
        }
        Begin::Unknown => kind("unknown", integers([])),
    };
    let find = match spec.find {
        Find::Range { last, step, limit } => {
            let range = [("lastkey", last), ("keystep", step), ("limit", limit)];
            kind("range", integers(range))
        }
        Find::KeyNum { count, first, step } => {
            let keys = [("keynumidx", count), ("firstkey", first), ("keystep", step)];
            kind("keynum", integers(keys))
        }
        Find::Unknown => kind("unknown", integers([])),
    };
    let flags = spec.flags.iter().copied().map(status);
    let notes = spec.notes.map(|notes| ("notes", bulk(notes)));
    let rest = [
        ("flags", set(flags)),
        ("begin_search", begin),
        ("find_keys", find),
    ];
    map(notes.into_iter().chain(rest))
}

/// One half of a key specification: its type and its parameters.
fn kind(name: &'static str, spec: Reply) -> Reply {
    map([("type", bulk(name)), ("spec", spec)])
}

fn integers<const N: usize>(pairs: [(&'static str, i64); N]) -> Reply {
    map(pairs.map(|(key, value)| (key, integer(value))))
}

/// A command's key and value in the reply of COMMAND DOCS.
fn documentation(command: &Command) -> (Reply, Reply) {
    let docs = &command.spec.docs;
    let mut fields = vec![
        ("summary", bulk(docs.summary)),
        ("since", bulk(docs.since)),
        ("group", bulk(docs.group)),
    ];
    if !docs.complexity.is_empty() {
        fields.push(("complexity", bulk(docs.complexity)));
    }
    let mut flags = Vec::new();
    flags.extend(docs.deprecated.is_some().then(|| status("deprecated")));
    flags.extend(docs.system.then(|| status("syscmd")));
    if !flags.is_empty() {
        fields.push(("doc_flags", set(flags)));
    }
    if let Some(deprecation) = &docs.deprecated {
        fields.push(("deprecated_since", bulk(deprecation.since)));
        fields.push(("replaced_by", bulk(deprecation.replaced_by)));
    }
    if !docs.history.is_empty() {
        let history = docs.history.iter();
        let changes = history.map(|&(version, change)| array([bulk(version), bulk(change)]));
        fields.push(("history", set(changes)));
    }
    if !docs.arguments.is_empty() {
        fields.push(("arguments", array(docs.arguments.iter().map(argument))));
    }
    if !command.subcommands.is_empty() {
        let subcommands = command.subcommands.iter().map(documentation);
        fields.push(("subcommands", map(subcommands)));
    }
    (name_of(command), map(fields))
}

/// An argument of a command's syntax in COMMAND DOCS.
fn argument(arg: &Arg) -> Reply {
    let mut fields = vec![("name", bulk(arg.name)), ("type", bulk(arg.kind.name()))];
    if arg.arguments.is_empty() {
        // What a hint shows for it. Names are those of Redis 7.0, which hints show in 7.2.
        fields.push(("display_text", bulk(arg.name)));
    }
    let spec_index = arg.key_spec.map(|index| integer(index.into()));
    fields.extend(spec_index.map(|index| ("key_spec_index", index)));
    let texts = [
        ("token", arg.token),
        ("since", arg.since),
        ("deprecated_since", arg.deprecated_since),
    ];
    fields.extend(
        texts
            .iter()
            .filter_map(|&(key, text)| Some((key, bulk(text?)))),
    );
    let flags = [
        ("optional", arg.optional),
        ("multiple", arg.multiple),
        ("multiple_token", arg.multiple_token),
    ];
    if flags.iter().any(|&(_, is_set)| is_set) {
        let names = flags.iter().filter(|(_, is_set)| *is_set);
        fields.push(("flags", set(names.map(|(name, _)| status(*name)))));
    }
    if !arg.arguments.is_empty() {
        fields.push(("arguments", array(arg.arguments.iter().map(argument))));
    }
    map(fields)
}

#[cfg(test)]
mod tests;
