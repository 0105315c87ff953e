//! CLIENT: who is connected, and what a connection says of itself.

use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;

use super::client_filter::{self, Filter};
use super::pubsub::help as help_reply;
use super::{Args, Context, Next, ReplyMode};
use crate::client::outbox::OverflowChoice;
use crate::client::{ClientId, Closing, Names};
use crate::command::client_line::client_line;
use crate::config::{Config, OverflowPolicy};
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, verbatim};
use crate::resp::request::integer_argument;

type Result = std::result::Result<Reply, CommandError>;

/// `CLIENT ID`
pub(crate) fn id(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(Reply::Integer(context.client.id as i64))
}

/// `CLIENT INFO`
pub(crate) fn info(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(verbatim(client_line(context.client)))
}

/// `CLIENT LIST [TYPE normal|master|replica|pubsub] [ID client-id [client-id ...]]`
pub(crate) fn list(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let lines: String = client_filter::list(context, args)?
        .iter()
        .map(|client| client_line(client))
        .collect();
    Ok(verbatim(lines))
}

/// `CLIENT KILL addr:port` or `CLIENT KILL option value [option value ...]`
pub(crate) fn kill(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let filter = Filter::for_kill(args, context.client.id, &context.server.acl)?;
    let mut killed = 0;
    for client in context.server.clients.all() {
        if !filter.accepts(&client) {
            continue;
        }
        killed += 1;
        if client.id == context.client.id {
            // It still gets the reply.
            context.session.then(Next::Close);
        } else {
            context.disconnect(&client);
        }
    }
    let old_form = args.len() == 3;
    match (old_form, killed) {
        (true, 0) => Err(CommandError::text("ERR No such client")),
        (true, _) => Ok(Reply::OK),
        (false, killed) => Ok(Reply::Integer(killed)),
    }
}

/// `CLIENT SETNAME connection-name`; an empty name takes it away.
pub(crate) fn setname(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let name = valid_name(&args[2])?;
    context.client.set_names(|names| names.name = name);
    Ok(Reply::OK)
}

/// `CLIENT GETNAME`
pub(crate) fn getname(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let Names { name, .. } = context.client.names();
    Ok(if name.is_empty() {
        Reply::Null
    } else {
        Reply::Bulk(name)
    })
}

/// `CLIENT SETINFO LIB-NAME libname | LIB-VER libver` (Redis 7.2)
pub(crate) fn setinfo(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let (option, value) = (&args[2], &args[3]);
    let is_name = option.eq_ignore_ascii_case(b"lib-name");
    if !is_name && !option.eq_ignore_ascii_case(b"lib-ver") {
        return Err(CommandError::Quoting {
            before: "ERR Unrecognized option '",
            quoted: option.to_vec(),
            after: "'".into(),
        });
    }
    if !valid_attribute(value) {
        return Err(CommandError::Quoting {
            before: "ERR ",
            quoted: option.to_vec(),
            after: " cannot contain spaces, newlines or special characters.".into(),
        });
    }
    let value = Bytes::copy_from_slice(value);
    context.client.set_names(|names| {
        if is_name {
            names.library = value;
        } else {
            names.library_version = value;
        }
    });
    Ok(Reply::OK)
}

/// `CLIENT REPLY ON | OFF | SKIP`
pub(crate) fn reply(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let mode = &args[2];
    if mode.eq_ignore_ascii_case(b"on") {
        context.session.replies = ReplyMode::On;
        Ok(Reply::OK)
    } else if mode.eq_ignore_ascii_case(b"off") {
        context.session.replies = ReplyMode::Off;
        Ok(Reply::Sent)
    } else if mode.eq_ignore_ascii_case(b"skip") {
        if context.session.replies != ReplyMode::Off {
            context.session.replies = ReplyMode::SkipNext;
        }
        Ok(Reply::Sent)
    } else {
        Err(CommandError::SYNTAX)
    }
}

/// `CLIENT NO-EVICT ON | OFF`
pub(crate) fn no_evict(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    context.client.no_evict.store(on_or_off(&args[2])?, Relaxed);
    Ok(Reply::OK)
}

/// `CLIENT NO-TOUCH ON | OFF` (Redis 7.2)
pub(crate) fn no_touch(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    context.client.no_touch.store(on_or_off(&args[2])?, Relaxed);
    Ok(Reply::OK)
}

/// `CLIENT OVERFLOW DISCONNECT | DEFAULT [limit-bytes] | DROP-OLDEST [limit-bytes] | DROP-NEWEST
/// [limit-bytes]` (fanfare's own): what is done with messages that this client is too slow for.
/// DEFAULT does as the server's settings say; so does a limit that is not given.
pub(crate) fn overflow(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let word = &args[2];
    let policy = if word.eq_ignore_ascii_case(b"default") {
        None
    } else {
        Some(OverflowPolicy::parse(word).ok_or(CommandError::SYNTAX)?)
    };
    if args.len() > 4 || (args.len() == 4 && policy == Some(OverflowPolicy::Disconnect)) {
        return Err(CommandError::SYNTAX);
    }
    let limit = args.get(3).map(overflow_limit).transpose()?;
    let choice = OverflowChoice { policy, limit };
    let server = context.server;
    server.choose_overflow(context.client, Some(choice));
    Ok(Reply::OK)
}

/// As `pubsub-overflow-limit` takes it.
fn overflow_limit(word: &[u8]) -> std::result::Result<u64, CommandError> {
    Config::parse_overflow_limit(word)
        .map_err(|refusal| CommandError::Text(format!("ERR limit-bytes: {refusal}").into()))
}

fn on_or_off(word: &[u8]) -> std::result::Result<bool, CommandError> {
    match word {
        word if word.eq_ignore_ascii_case(b"on") => Ok(true),
        word if word.eq_ignore_ascii_case(b"off") => Ok(false),
        _ => Err(CommandError::SYNTAX),
    }
}

/// `CLIENT UNBLOCK client-id [TIMEOUT | ERROR]`
pub(crate) fn unblock(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let as_timeout = match args.get(3) {
        None => true,
        Some(reason) if reason.eq_ignore_ascii_case(b"timeout") => true,
        Some(reason) if reason.eq_ignore_ascii_case(b"error") => false,
        Some(_) => {
            return Err(CommandError::text(
                "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
            ));
        }
    };
    if args.len() > 4 {
        return Err(super::pubsub::wrong_subcommand("CLIENT", &args[1]));
    }
    let id = integer_argument(&args[2])?;
    let waiter = context.keyspace().blocked.remove(id as ClientId);
    // One that is closed is nobody's business any more.
    let waiter = waiter.filter(|waiter| waiter.client.closing() != Closing::Closed);
    let Some(waiter) = waiter else {
        return Ok(Reply::Integer(0));
    };
    let reply = if as_timeout {
        waiter.timed_out()
    } else {
        waiter.error(&CommandError::text(
            "UNBLOCKED client unblocked via CLIENT UNBLOCK",
        ))
    };
    context.fanout.reply(&waiter.client, reply);
    Ok(Reply::Integer(1))
}

/// `CLIENT HELP`
pub(crate) fn help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help_reply(
        "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        &[
            "CACHING (YES|NO)",
            "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
            "GETREDIR",
            "    Return the client ID we are redirecting to when tracking is enabled.",
            "GETNAME",
            "    Return the name of the current connection.",
            "ID",
            "    Return the ID of the current connection.",
            "INFO",
            "    Return information about the current client connection.",
            "KILL <ip:port>",
            "    Kill connection made from <ip:port>.",
            "KILL <option> <value> [<option> <value> [...]]",
            "    Kill connections. Options are:",
            "    * ADDR (<ip:port>|<unixsocket>:0)",
            "      Kill connections made from the specified address",
            "    * LADDR (<ip:port>|<unixsocket>:0)",
            "      Kill connections made to specified local address",
            "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
            "      Kill connections by type.",
            "    * USER <username>",
            "      Kill connections authenticated by <username>.",
            "    * SKIPME (YES|NO)",
            "      Skip killing current connection (default: yes).",
            "    * ID <client-id>",
            "      Kill the connection of this ID.",
            "    * MAXAGE <maxage>",
            "      Kill connections older than the specified age, in seconds.",
            "LIST [options ...]",
            "    Return information about client connections. Options:",
            "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
            "      Return clients of specified type.",
            "    * ID <client-id> [<client-id> ...]",
            "      Return clients of specified IDs.",
            "OVERFLOW (DISCONNECT|DROP-OLDEST|DROP-NEWEST|DEFAULT) [<limit-bytes>]",
            "    Control what happens to messages that this connection reads too slowly.",
            "UNPAUSE",
            "    Stop the current client pause, resuming traffic.",
            "PAUSE <timeout> [WRITE|ALL]",
            "    Suspend all, or just write, clients for <timeout> milliseconds.",
            "REPLY (ON|OFF|SKIP)",
            "    Control the replies sent to the current connection.",
            "SETINFO <option> <value>",
            "    Set client meta attr. Options are:",
            "    * LIB-NAME: the client lib name.",
            "    * LIB-VER: the client lib version.",
            "SETNAME <name>",
            "    Assign the name <name> to the current connection.",
            "UNBLOCK <clientid> [TIMEOUT|ERROR]",
            "    Unblock the specified blocked client.",
            "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
            "         [OPTIN] [OPTOUT] [NOLOOP]",
            "    Control server assisted client side caching.",
            "TRACKINGINFO",
            "    Report tracking status for the current connection.",
            "NO-EVICT (ON|OFF)",
            "    Protect current client connection from eviction.",
            "NO-TOUCH (ON|OFF)",
            "    Will not touch LRU/LFU stats when this mode is on.",
        ],
    ))
}

/// A name that CLIENT LIST can show.
pub(crate) fn valid_name(name: &[u8]) -> std::result::Result<Bytes, CommandError> {
    if valid_attribute(name) {
        Ok(Bytes::copy_from_slice(name))
    } else {
        Err(CommandError::text(
            "ERR Client names cannot contain spaces, newlines or special characters.",
        ))
    }
}

/// Redis's rule for what stands in a line of CLIENT LIST: visible ASCII, or nothing.
fn valid_attribute(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_graphic)
}
