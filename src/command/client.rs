//! The subcommands of CLIENT, but for those of client-side caching and pauses.
//!
//! Layer `command`. It may use `state` and what lies below.

use bytes::Bytes;

use super::client_filter::{self, Filter};
use super::pubsub::help as help_reply;
use super::{Args, Context, Next, ReplyMode};
use crate::client::log::log_client;
use crate::client::outbox::OverflowChoice;
use crate::client::{Choice, ClientId, Closing, Ending, MAX_NAME, Names};
use crate::command::client_line::client_line;
use crate::config::{Config, OverflowPolicy};
use crate::observe::log_throttle::Told;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, verbatim};
use crate::resp::request::integer_argument;

type Result = std::result::Result<Reply, CommandError>;

/// The end of the error about a name with more than [`MAX_NAME`] bytes.
const TOO_LONG: &str = " cannot be longer than 1024 bytes.";

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
        client.ends_because(Ending::Killed);
        if let Some(times) = context.server.told.note(Told::Killed) {
            let (by, by_user) = (context.client.id, context.client.shown_user());
            log_client!(info, &client, by, by_user, times, "{}", Told::Killed);
        }
        if client.id == context.client.id {
            // The client closes after it has got the reply.
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

/// `CLIENT SETNAME connection-name`: an empty name removes the name.
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
    if value.len() > MAX_NAME {
        return Err(CommandError::Quoting {
            before: "ERR ",
            quoted: option.to_vec(),
            after: TOO_LONG.into(),
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
    let on = on_or_off(&args[2])?;
    context.client.choices.set(Choice::NoEvict, on);
    Ok(Reply::OK)
}

/// `CLIENT NO-TOUCH ON | OFF` (Redis 7.2)
pub(crate) fn no_touch(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let on = on_or_off(&args[2])?;
    context.client.choices.set(Choice::NoTouch, on);
    Ok(Reply::OK)
}

/// `CLIENT OVERFLOW DISCONNECT | DEFAULT [limit-bytes] | DROP-OLDEST [limit-bytes] | DROP-NEWEST
/// [limit-bytes]` (fanfare's own): the policy for messages that this client reads too slowly.
/// DEFAULT follows the server's settings. So does the limit if none is given.
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

/// Parses a limit with the rules of `pubsub-overflow-limit`.
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
    context.take_keyspace()?;
    let waiter = context.keyspace().blocked.remove(id as ClientId);
    // A closed client counts as not blocked.
    let waiter = waiter.filter(|waiter| waiter.client.closing() != Closing::Closed);
    let Some(waiter) = waiter else {
        return Ok(Reply::Integer(0));
    };
    let reply = if as_timeout {
        waiter.timed_out()
    } else {
        const UNBLOCKED: CommandError =
            CommandError::text("UNBLOCKED client unblocked via CLIENT UNBLOCK");
        context.batch_stats.error(UNBLOCKED.code());
        waiter.error(&UNBLOCKED)
    };
    context.fanout.reply(&waiter.client, reply);
    Ok(Reply::Integer(1))
}

/// `CLIENT HELP`
pub(crate) fn help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help_reply(
        "CLIENT",
        &[
            "CACHING YES|NO",
            "    Whether the keys of the next command are tracked (with OPTIN, OPTOUT).",
            "CLOSED [count]",
            "    A line for each connection that has ended, the latest first, and why: 10, or `count`.",
            "GETREDIR",
            "    The connection that is told of this one's tracked keys.",
            "GETNAME",
            "    The name of this connection.",
            "ID",
            "    The number of this connection.",
            "INFO",
            "    This connection's line of LIST.",
            "KILL addr:port",
            "    End the connection from this address.",
            "KILL filter value [filter value ...]",
            "    End all connections that every filter fits, and count them. The filters:",
            "    ADDR address:    the client's own end (ip:port, or path:0 of a Unix socket)",
            "    LADDR address:   the server's end",
            "    ID client-id:    the number of the connection",
            "    MAXAGE seconds:  it is at least so old",
            "    SKIPME yes|no:   whether this connection is spared (yes if not given)",
            "    TYPE type:       normal, pubsub, replica or master",
            "    USER username:   who has logged in",
            "LIST [TYPE type | ID client-id ...]",
            "    A line for each connection, or for those of a type or with these numbers.",
            "NO-EVICT ON|OFF",
            "    Whether maxmemory-clients spares this connection.",
            "NO-TOUCH ON|OFF",
            "    Whether what this connection reads leaves a key's idle time as it is.",
            "OVERFLOW DISCONNECT|DROP-OLDEST|DROP-NEWEST|DEFAULT [limit-bytes]",
            "    What happens to messages that this connection reads too slowly.",
            "PAUSE milliseconds [WRITE|ALL]",
            "    Hold back all commands, or those that write, for a while.",
            "REPLY ON|OFF|SKIP",
            "    Answer this connection, don't, or don't answer its next command.",
            "SETINFO LIB-NAME|LIB-VER value",
            "    Tell which client library this connection uses.",
            "SETNAME name",
            "    Name this connection.",
            "SLOWEST [count]",
            "    As LIST, for connections that have not read all: most bytes waiting first, 10, or `count`.",
            "TRACKING ON|OFF [REDIRECT client-id] [BCAST] [PREFIX prefix ...] [OPTIN] [OPTOUT] [NOLOOP]",
            "    Tell this connection when keys that it has read are changed.",
            "TRACKINGINFO",
            "    How this connection tracks keys.",
            "UNBLOCK client-id [TIMEOUT|ERROR]",
            "    End a connection's wait for a key, as if its time were over or with an error.",
            "UNPAUSE",
            "    End a pause.",
        ],
    ))
}

/// Validates a client's name, which CLIENT LIST must be able to show.
pub(crate) fn valid_name(name: &[u8]) -> std::result::Result<Bytes, CommandError> {
    if name.len() > MAX_NAME {
        Err(CommandError::Text(
            format!("ERR Client names{TOO_LONG}").into(),
        ))
    } else if valid_attribute(name) {
        Ok(Bytes::copy_from_slice(name))
    } else {
        Err(CommandError::text(
            "ERR Client names cannot contain spaces, newlines or special characters.",
        ))
    }
}

/// Redis's rule for attributes in CLIENT LIST: only visible ASCII characters.
fn valid_attribute(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_graphic)
}
