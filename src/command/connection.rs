//! PING, ECHO, AUTH, HELLO, SELECT, QUIT, RESET.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::sync::atomic::Ordering::Relaxed;

use super::client::valid_name;
use super::{Args, Context, Next, ReplyMode, access, tracking, transaction};
use crate::client::outbox::OverflowChoice;
use crate::client::tracking::Modes;
use crate::client::{Choice, DEFAULT_USER, Ending};
use crate::config::Config;
use crate::resp::Protocol;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, integer, map};
use crate::resp::request::{integer_argument, parse_integer};
use crate::state::REDIS_VERSION;
use bytes::Bytes;

type Result = std::result::Result<Reply, CommandError>;

/// `PING [message]`
pub(crate) fn ping(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    if args.len() > 2 {
        return Err(CommandError::Arity("ping".to_owned()));
    }
    let message = args.get(1);
    if context.client.is_subscriber() && context.client.protocol() == Protocol::Resp2 {
        let message = message.map_or_else(Bytes::new, |_| args.shared(1));
        return Ok(array([bulk("pong"), bulk(message)]));
    }
    Ok(match message {
        None => Reply::PONG,
        Some(_) => Reply::Bulk(args.shared(1)),
    })
}

/// `ECHO message`
pub(crate) fn echo(_context: &mut Context<'_>, args: &Args<'_>) -> Result {
    Ok(Reply::Bulk(args.shared(1)))
}

/// `AUTH [username] password`
pub(crate) fn auth(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    match args.len() {
        2 if context.server.acl.is_default_without_password() => Err(CommandError::text(
            "ERR AUTH <password> called without any password configured for the default user. \
             Are you sure your configuration is correct?",
        )),
        2 => access::authenticate(context, &args[0], DEFAULT_USER, &args[1]),
        3 => access::authenticate(context, &args[0], &args[1], &args[2]),
        _ => Err(CommandError::SYNTAX),
    }
    .map(|()| Reply::OK)
}

/// `HELLO [protover [AUTH username password] [SETNAME clientname]]`
pub(crate) fn hello(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let wanted = args.get(1).map(protocol_version).transpose()?;
    let mut index = 2;
    // As in Redis, each option takes effect at once: an error does not undo those before it.
    while let Some(option) = args.get(index) {
        let more = args.len() - 1 - index;
        if option.eq_ignore_ascii_case(b"auth") && more >= 2 {
            access::authenticate(context, &args[0], &args[index + 1], &args[index + 2])?;
            index += 3;
        } else if option.eq_ignore_ascii_case(b"setname") && more >= 1 {
            let name = valid_name(&args[index + 1])?;
            context.client.set_names(|names| names.name = name);
            index += 2;
        } else {
            return Err(CommandError::Quoting {
                before: "ERR Syntax error in HELLO option '",
                quoted: option.to_vec(),
                after: "'".into(),
            });
        }
    }
    if context.session.access.owes_auth(&context.server.acl) {
        return Err(CommandError::text(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO AUTH <user> <pass> option can be used to authenticate the client and \
             select the RESP protocol version at the same time",
        ));
    }
    if let Some(protocol) = wanted {
        tracking::switch_protocol(context, protocol);
    }
    Ok(map([
        ("server", bulk("redis")),
        ("version", bulk(REDIS_VERSION)),
        ("proto", integer(context.client.protocol().number().into())),
        ("id", integer(context.client.id as i64)),
        ("mode", bulk("standalone")),
        ("role", bulk("master")),
        ("modules", array([])),
    ]))
}

fn protocol_version(word: &[u8]) -> std::result::Result<Protocol, CommandError> {
    match parse_integer(word) {
        Some(2) => Ok(Protocol::Resp2),
        Some(3) => Ok(Protocol::Resp3),
        Some(_) => Err(CommandError::text("NOPROTO unsupported protocol version")),
        None => Err(CommandError::text(
            "ERR Protocol version is not an integer or out of range",
        )),
    }
}

/// `SELECT index`
pub(crate) fn select(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let index = database_index(context.config, int(&args[1])?)?;
    context.client.database.store(index, Relaxed);
    Ok(Reply::OK)
}

/// Parses an argument with the range of a C `int`.
pub(crate) fn int(word: &[u8]) -> std::result::Result<i32, CommandError> {
    let number = integer_argument(word)?;
    i32::try_from(number).map_err(|_| {
        CommandError::text(
            "ERR value is out of range, value must between -2147483648 and 2147483647",
        )
    })
}

/// Validates the number of a database.
pub(crate) fn database_index(
    config: &Config,
    index: i32,
) -> std::result::Result<u32, CommandError> {
    let index = u32::try_from(index).ok();
    index
        .filter(|&index| index < config.databases)
        .ok_or(CommandError::text("ERR DB index is out of range"))
}

/// `QUIT`
pub(crate) fn quit(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    context.client.ends_because(Ending::Quit);
    context.session.then(Next::Close);
    Ok(Reply::OK)
}

/// `RESET`: restores the state of a new connection, except the id and the library's name and
/// version.
pub(crate) fn reset(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    if context.client.tracking.modes().has(Modes::ON) {
        // A slow script may have it: then nothing is reset.
        context.take_keyspace()?;
    }
    transaction::end(context);
    let client = context.client;
    context.server.registry.drop_all(client);
    context.server.monitors.remove(client);
    tracking::end(context);
    tracking::switch_protocol(context, Protocol::Resp2);
    client.database.store(0, Relaxed);
    client.choices.set(Choice::NoEvict, false);
    client.choices.set(Choice::NoTouch, false);
    client.set_names(|names| names.name = Bytes::new());
    context
        .server
        .choose_overflow(client, Some(OverflowChoice::default()));
    access::reset(context);
    context.session.replies = ReplyMode::On;
    Ok(Reply::Static(b"+RESET\r\n"))
}
