//! COMMAND and its subcommands: the table as clients see it.
//!
//! Replies are those of Redis 7.0, byte for byte, in RESP2 and RESP3: which aggregate is an array
//! and which a set, and the order of a map's keys. Only the order of commands is free, as it is in
//! Redis, whose table is a hash table.

use super::{Args, Context};
use crate::catalog::categories::Category;
use crate::catalog::spec::key::{Begin, Find, KeyFlags, LegacyRange};
use crate::catalog::spec::{Arg, KeySpec, Spec};
use crate::catalog::{CATALOG, Command};
use crate::glob;
use crate::resp::error::CommandError;
use crate::resp::frame::{self, Frame};
use crate::resp::reply::Reply;

/// What a command of this module answers.
type Answer = Result<Reply, CommandError>;

const NO_SUCH_COMMAND: CommandError = CommandError::text("ERR Invalid command specified");
const NO_KEYS: CommandError = CommandError::text("ERR The command has no key arguments");
const WRONG_ARITY: CommandError =
    CommandError::text("ERR Invalid number of arguments specified for command");
const WRONG_ARGUMENTS: CommandError =
    CommandError::text("ERR Invalid arguments specified for command");

/// How many names one COMMAND INFO or COMMAND DOCS may give. Redis has no bound, but a reply is up
/// to a thousand times longer than the name that asks for it: a 10 MB request for `client` over and
/// over would build gigabytes. No client asks for more names than there are commands.
const MAX_NAMES: usize = 1024;
const TOO_MANY_NAMES: CommandError = CommandError::text("ERR too many command names");

const HELP: &[&str] = &[
    "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "(no subcommand)",
    "    Return details about all Redis commands.",
    "COUNT",
    "    Return the total number of commands in this Redis server.",
    "LIST",
    "    Return a list of all commands in this Redis server.",
    "INFO [<command-name> ...]",
    "    Return details about multiple Redis commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "DOCS [<command-name> ...]",
    "    Return documentation details about multiple Redis commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "GETKEYS <full-command>",
    "    Return the keys from a full Redis command.",
    "GETKEYSANDFLAGS <full-command>",
    "    Return the keys and the access flags from a full Redis command.",
    "HELP",
    "    Prints this help.",
];

/// `COMMAND`
pub(crate) fn command(_: &mut Context<'_>, _: &Args<'_>) -> Answer {
    Ok(Reply::Array(
        CATALOG.commands().iter().map(details).collect(),
    ))
}

/// `COMMAND COUNT`
pub(crate) fn count(_: &mut Context<'_>, _: &Args<'_>) -> Answer {
    Ok(Reply::Integer(CATALOG.commands().len() as i64))
}

/// `COMMAND INFO [name ...]`: a null for a name that is none.
pub(crate) fn info(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    if args.len() == 2 {
        return command(context, args);
    }
    let names = bounded(words_after(2, args))?;
    let replies = names
        .iter()
        .map(|name| CATALOG.find_full(name).map_or(Reply::Null, details));
    Ok(Reply::Array(replies.collect()))
}

/// `COMMAND DOCS [name ...]`: leaves out a name that is none.
pub(crate) fn docs(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let pairs = if args.len() == 2 {
        CATALOG.commands().iter().map(documentation).collect()
    } else {
        let names = bounded(words_after(2, args))?;
        let entries = names.iter().filter_map(|name| CATALOG.find_full(name));
        entries.map(documentation).collect()
    };
    Ok(Reply::Map(pairs))
}

/// `COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]`: names, also of
/// subcommands.
pub(crate) fn list(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let entries = listed(&words_after(2, args))?;
    let names = entries.map(|command| frame::bulk(command.full_name.clone()));
    Ok(frame::array(names).into())
}

/// `COMMAND GETKEYS name [argument ...]`
pub(crate) fn getkeys(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let request = words_after(2, args);
    let keys = keys_of(command_of(&request)?.spec, &request)?;
    Ok(frame::array(keys.into_iter().map(|(key, _)| copied(key))).into())
}

/// `COMMAND GETKEYSANDFLAGS name [argument ...]`
pub(crate) fn getkeysandflags(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let request = words_after(2, args);
    let keys = keys_of(command_of(&request)?.spec, &request)?;
    let pair = |(key, flags): (&[u8], KeyFlags)| {
        let flags = flags.iter().copied().map(frame::status);
        frame::array([copied(key), frame::set(flags)])
    };
    Ok(frame::array(keys.into_iter().map(pair)).into())
}

/// `COMMAND HELP`
pub(crate) fn help(_: &mut Context<'_>, _: &Args<'_>) -> Answer {
    Ok(frame::array(HELP.iter().copied().map(frame::status)).into())
}

fn bounded(names: Vec<&[u8]>) -> Result<Vec<&[u8]>, CommandError> {
    if names.len() > MAX_NAMES {
        return Err(TOO_MANY_NAMES);
    }
    Ok(names)
}

fn words_after<'a>(count: usize, args: &'a Args<'_>) -> Vec<&'a [u8]> {
    args.iter().skip(count).collect()
}

/// What a filter, or none, leaves of the table. No command comes from a module.
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

/// The command that a request would run, as the dispatcher finds it.
fn command_of(request: &[&[u8]]) -> Result<&'static Command, CommandError> {
    CATALOG.find_request(request).ok_or(NO_SUCH_COMMAND)
}

/// A request's keys, each with what the command does with it.
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
    let keys = spec.keys_in(request).ok_or(WRONG_ARGUMENTS)?;
    let pairs = keys.iter().map(|key| (request[key.position], key.flags));
    Ok(pairs.collect())
}

/// A bulk string of its own, rather than a slice that keeps the request's buffer alive.
fn copied(key: &[u8]) -> Frame {
    frame::bulk(key.to_vec())
}

/// A command's element of COMMAND and COMMAND INFO.
fn details(command: &Command) -> Reply {
    let spec = command.spec;
    let LegacyRange {
        first, last, step, ..
    } = command.legacy_range;
    // A command without subcommands has an empty set of them, one with subcommands an array.
    let subcommands = match command.subcommands.as_slice() {
        [] => Reply::Set(Vec::new()),
        subcommands => Reply::Array(subcommands.iter().map(details).collect()),
    };
    Reply::Array(vec![
        name_of(command),
        Reply::Integer(spec.arity.into()),
        frame::set(command.flags.shown().map(frame::status)).into(),
        Reply::Integer(first),
        Reply::Integer(last),
        Reply::Integer(step),
        frame::set(command.categories.iter().map(at_sign)).into(),
        frame::set(spec.tips.iter().copied().map(frame::bulk)).into(),
        Reply::Set(spec.key_specs.iter().map(key_spec).collect()),
        subcommands,
    ])
}

fn name_of(command: &Command) -> Reply {
    Reply::Bulk(command.full_name.clone().into())
}

fn at_sign(category: Category) -> Frame {
    Frame::SimpleString {
        data: format!("@{}", category.name()).into(),
        attributes: None,
    }
}

fn key_spec(spec: &KeySpec) -> Reply {
    let begin = match spec.begin {
        Begin::Index(index) => kind("index", integers([("index", index)])),
        Begin::Keyword {
            keyword,
            start_from,
        } => {
            let pairs = [
                ("keyword", frame::bulk(keyword)),
                ("startfrom", frame::integer(start_from)),
            ];
            kind("keyword", fields(pairs))
        }
        Begin::Unknown => kind("unknown", fields([])),
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
        Find::Unknown => kind("unknown", fields([])),
    };
    let flags = spec.flags.iter().copied().map(frame::status);
    let notes = spec.notes.map(|notes| ("notes", frame::bulk(notes)));
    let rest = [
        ("flags", frame::set(flags)),
        ("begin_search", begin),
        ("find_keys", find),
    ];
    fields(notes.into_iter().chain(rest)).into()
}

/// One half of a key specification.
fn kind(name: &'static str, spec: Frame) -> Frame {
    fields([("type", frame::bulk(name)), ("spec", spec)])
}

fn integers<const N: usize>(pairs: [(&'static str, i64); N]) -> Frame {
    fields(pairs.map(|(key, value)| (key, frame::integer(value))))
}

/// A map whose keys are words.
fn fields(pairs: impl IntoIterator<Item = (&'static str, Frame)>) -> Frame {
    frame::map(
        pairs
            .into_iter()
            .map(|(key, value)| (frame::bulk(key), value)),
    )
}

/// A command's pair of COMMAND DOCS.
fn documentation(command: &Command) -> (Reply, Reply) {
    let docs = &command.spec.docs;
    let mut map = vec![
        field("summary", frame::bulk(docs.summary)),
        field("since", frame::bulk(docs.since)),
        field("group", frame::bulk(docs.group)),
    ];
    if !docs.complexity.is_empty() {
        map.push(field("complexity", frame::bulk(docs.complexity)));
    }
    let mut flags = Vec::new();
    flags.extend(
        docs.deprecated
            .is_some()
            .then(|| frame::status("deprecated")),
    );
    flags.extend(docs.system.then(|| frame::status("syscmd")));
    if !flags.is_empty() {
        map.push(field("doc_flags", frame::set(flags)));
    }
    if let Some(deprecation) = &docs.deprecated {
        map.push(field("deprecated_since", frame::bulk(deprecation.since)));
        map.push(field("replaced_by", frame::bulk(deprecation.replaced_by)));
    }
    if !docs.history.is_empty() {
        let change = |&(version, change): &(&'static str, &'static str)| {
            frame::array([frame::bulk(version), frame::bulk(change)]).into()
        };
        let history = docs.history.iter().map(change).collect();
        map.push((word("history"), Reply::Set(history)));
    }
    if !docs.arguments.is_empty() {
        let arguments = docs.arguments.iter().map(argument);
        map.push(field("arguments", frame::array(arguments)));
    }
    if !command.subcommands.is_empty() {
        let subcommands = command.subcommands.iter().map(documentation).collect();
        map.push((word("subcommands"), Reply::Map(subcommands)));
    }
    (name_of(command), Reply::Map(map))
}

fn word(word: &'static str) -> Reply {
    Reply::Bulk(word.into())
}

fn field(key: &'static str, value: Frame) -> (Reply, Reply) {
    (word(key), value.into())
}

/// One element of a command's syntax.
fn argument(arg: &Arg) -> Frame {
    let mut map = vec![
        ("name", frame::bulk(arg.name)),
        ("type", frame::bulk(arg.kind.name())),
    ];
    let spec_index = arg.key_spec.map(|index| frame::integer(index.into()));
    map.extend(spec_index.map(|index| ("key_spec_index", index)));
    let texts = [
        ("token", arg.token),
        ("since", arg.since),
        ("deprecated_since", arg.deprecated_since),
    ];
    map.extend(
        texts
            .iter()
            .filter_map(|&(key, text)| Some((key, frame::bulk(text?)))),
    );
    let flags = [
        ("optional", arg.optional),
        ("multiple", arg.multiple),
        ("multiple_token", arg.multiple_token),
    ];
    if flags.iter().any(|&(_, is_set)| is_set) {
        let words = flags.iter().filter(|(_, is_set)| *is_set);
        map.push((
            "flags",
            frame::set(words.map(|(word, _)| frame::status(word))),
        ));
    }
    if !arg.arguments.is_empty() {
        map.push((
            "arguments",
            frame::array(arg.arguments.iter().map(argument)),
        ));
    }
    fields(map)
}

#[cfg(test)]
mod tests;
