//! The subcommands of ACL: users, rules, and the log of denials.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::pubsub::{help as help_reply, wrong_subcommand};
use super::{Args, Context, Next, access, c_string};
use crate::acl::log::{LogContext, LogEntry};
use crate::acl::request::{Reason, Request};
use crate::acl::rules::{Unmatched, has_blanks, merge_selectors};
use crate::acl::user::{DEFAULT_USER, User};
use crate::acl::{Changed, Selector, file};
use crate::catalog::CATALOG;
use crate::catalog::categories::Category;
use crate::client::log::{log_client, shown};
use crate::client::{Client, Ending};
use crate::observe::log_throttle::Told;
use crate::resp::error::CommandError;
use crate::resp::hex::hex;
use crate::resp::reply::{Reply, array, bulk, double, integer, map, set};
use crate::resp::request::integer_argument;

type Result = std::result::Result<Reply, CommandError>;

/// `ACL SETUSER username [rule [rule ...]]`
pub(crate) fn setuser(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let name = &args[2];
    if has_blanks(name) {
        return Err(CommandError::text(
            "ERR Usernames can't contain spaces or null characters",
        ));
    }
    let rules: Vec<&[u8]> = args.iter().skip(3).collect();
    let merged = merge_selectors(&rules).map_err(|Unmatched(index)| {
        quoting(
            "ERR Unmatched parenthesis in acl selector starting at '",
            rules[index],
            "'.",
        )
    })?;
    let all_channels = context.config.acl_pubsub_default.is_all();
    let changed = context.server.acl.set_user(name, &merged, all_channels);
    let changed = changed.map_err(|(index, error)| CommandError::Quoting {
        before: "ERR Error in ACL SETUSER modifier '",
        quoted: c_string(&merged[index]).to_vec(),
        after: format!("': {error}").into(),
    })?;
    if let Some(changed) = changed {
        end_lost_subscriptions(context, &changed);
    }
    log_change(context, "ACL SETUSER", name);
    Ok(Reply::OK)
}

/// `ACL DELUSER username [username ...]`
pub(crate) fn deluser(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let names = || args.iter().skip(2);
    if names().any(|name| name == DEFAULT_USER) {
        return Err(CommandError::text(
            "ERR The 'default' user cannot be removed",
        ));
    }
    let deleted = context.server.acl.delete(names());
    disconnect_users(context, &deleted);
    for name in &deleted {
        log_change(context, "ACL DELUSER", name);
    }
    Ok(Reply::Integer(deleted.len() as i64))
}

/// Ends the connections of deleted users.
fn disconnect_users(context: &mut Context<'_>, names: &[Bytes]) {
    if names.is_empty() {
        return;
    }
    for client in context.server.clients.all() {
        if names.contains(&client.user()) {
            end(context, &client);
        }
    }
}

/// Ends the connections with subscriptions that their user may no longer have.
fn end_lost_subscriptions(context: &mut Context<'_>, changed: &Changed) {
    let user = &changed.after;
    if !user.narrows_channels_of(&changed.before) {
        return;
    }
    for client in context.server.clients.all() {
        if client.user() == user.name && client.is_subscriber() && !access::may_stay(user, &client)
        {
            end(context, &client);
        }
    }
}

/// Logs who has changed a user, and by which command. The rules are left out, since they may
/// contain passwords.
fn log_change(context: &Context<'_>, by: &str, changed: &[u8]) {
    if let Some(times) = context.server.told.note(Told::Users) {
        let changed = shown(changed);
        log_client!(info, context.client, by, %changed, times, "{}", Told::Users);
    }
}

/// Ends a connection. The client's own connection ends after the reply.
fn end(context: &mut Context<'_>, client: &Arc<Client>) {
    client.ends_because(Ending::LostRights);
    context.server.tell(Told::LostRights, client);
    if client.id == context.client.id {
        context.session.then(Next::Close);
    } else {
        context.disconnect(client);
    }
}

/// `ACL GETUSER username`
pub(crate) fn getuser(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let Some(user) = context.server.acl.get(&args[2]) else {
        return Ok(Reply::Null);
    };
    let flags = user.flags().into_iter().map(bulk);
    let passwords = user.passwords().iter().map(|hash| bulk(hash.hex()));
    let mut fields = vec![("flags", set(flags)), ("passwords", array(passwords))];
    fields.extend(described(user.root()));
    let selectors = user.selectors().iter();
    let selectors = selectors.map(|selector| map(described(selector)));
    fields.push(("selectors", array(selectors)));
    Ok(map(fields))
}

fn described(selector: &Selector) -> [(&'static str, Reply); 3] {
    [
        ("commands", bulk(selector.describe_commands())),
        ("keys", bulk(selector.describe_keys())),
        ("channels", bulk(selector.describe_channels())),
    ]
}

/// `ACL LIST`
pub(crate) fn list(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let users = context.server.acl.all();
    Ok(array(users.iter().map(|user| bulk(user.describe()))))
}

/// `ACL USERS`
pub(crate) fn users(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let users = context.server.acl.all();
    Ok(array(users.iter().map(|user| bulk(user.name.clone()))))
}

/// `ACL WHOAMI`
pub(crate) fn whoami(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let name = context.session.access.user().name.clone();
    Ok(Reply::Bulk(name))
}

/// `ACL CAT [category]`
pub(crate) fn cat(_context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let Some(name) = args.get(2) else {
        return Ok(array(Category::all().map(Category::name).map(bulk)));
    };
    if args.len() > 3 {
        return Err(wrong_subcommand("ACL", &args[1]));
    }
    let shown = c_string(name);
    let shown = &shown[..shown.len().min(128)];
    let category =
        Category::named(name).ok_or_else(|| quoting("ERR Unknown category '", shown, "'"))?;
    let members = CATALOG
        .commands_and_subcommands()
        .filter(|command| command.categories.contains(category));
    Ok(array(
        members.map(|command| bulk(command.full_name.clone())),
    ))
}

/// `ACL LOG [count | RESET]`
pub(crate) fn log(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    /// The default count, as in Redis.
    const SHOWN: i64 = 10;
    let log = &context.server.acl.log;
    let count = match args.get(2) {
        _ if args.len() > 3 => return Err(wrong_subcommand("ACL", &args[1])),
        None => SHOWN,
        Some(word) if word.eq_ignore_ascii_case(b"reset") => {
            log.lock().reset();
            return Ok(Reply::OK);
        }
        Some(word) => integer_argument(word)?,
    };
    let entries = log.lock().latest(usize::try_from(count).unwrap_or(0));
    Ok(array(entries.into_iter().map(log_entry)))
}

fn log_entry(command: LogEntry) -> Reply {
    let reason = match command.reason {
        Reason::Command => "command",
        Reason::Key => "key",
        Reason::Auth => "auth",
        Reason::Channel => "channel",
    };
    let context = match command.context {
        LogContext::TopLevel => "toplevel",
        LogContext::Multi => "multi",
        LogContext::Lua => "lua",
    };
    let age = Instant::now().saturating_duration_since(command.last);
    map([
        ("count", integer(command.count as i64)),
        ("reason", bulk(reason)),
        ("context", bulk(context)),
        ("object", bulk(command.object)),
        ("username", bulk(command.user)),
        // In seconds, to the millisecond.
        ("age-seconds", double(age.as_millis() as f64 / 1000.0)),
        ("client-info", bulk(command.client)),
        ("entry-id", integer(command.id as i64)),
        ("timestamp-created", unix_time(command.created)),
        ("timestamp-last-updated", unix_time(command.updated)),
    ])
}

/// The reply for a time: milliseconds since 1970.
fn unix_time(time: SystemTime) -> Reply {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Reply::Integer(since.as_millis() as i64)
}

/// `ACL LOAD`
pub(crate) fn load(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let config = context.config;
    let path = config.aclfile.as_deref().ok_or(NO_FILE)?;
    let loaded = context
        .server
        .acl
        .load(path, config.acl_pubsub_default.is_all());
    let (gone, changed) = loaded.map_err(|errors| quoting("ERR ", &errors.0, ""))?;
    disconnect_users(context, &gone);
    for changed in &changed {
        end_lost_subscriptions(context, changed);
    }
    log_change(context, "ACL LOAD", b"*");
    Ok(Reply::OK)
}

/// `ACL SAVE`
pub(crate) fn save(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let path = context.config.aclfile.as_deref().ok_or(NO_FILE)?;
    let users = context.server.acl.all();
    let saved = file::save(path, users.iter().map(|user| -> &User { user }));
    saved.map(|()| Reply::OK).map_err(|error| {
        if let Some(times) = context.server.told.note(Told::Users) {
            log_client!(warn, context.client, path = %path.display(), %error, times, "ACL SAVE failed");
        }
        CommandError::text(
            "ERR There was an error trying to save the ACLs. Please check the server logs for \
             more information",
        )
    })
}

const NO_FILE: CommandError = CommandError::text(
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users \
     via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis \
     configuration file set) in order to store users in the Redis configuration.",
);

/// `ACL DRYRUN username command [arg [arg ...]]`
pub(crate) fn dryrun(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let Some(user) = context.server.acl.get(&args[2]) else {
        return Err(quoting("ERR User '", c_string(&args[2]), "' not found"));
    };
    let request: Vec<&[u8]> = args.iter().skip(3).collect();
    let command = CATALOG
        .find_request(&request)
        .ok_or_else(|| quoting("ERR Command '", c_string(request[0]), "' not found"))?;
    if !command.spec.accepts(request.len()) {
        return Err(CommandError::Arity(command.full_name.clone()));
    }
    let Err(denial) = user.permit(&Request::new(command, request.clone())) else {
        return Ok(Reply::OK);
    };
    let (what, name, kind): (_, &[u8], _) = match denial.reason {
        Reason::Command | Reason::Auth => ("run", command.full_name.as_bytes(), "command"),
        Reason::Key => ("access", request[denial.index], "key"),
        Reason::Channel => ("access", request[denial.index], "channel"),
    };
    let what = format!(" has no permissions to {what} the '");
    let kind = format!("' {kind}");
    let text = [
        b"User ",
        &*user.name,
        what.as_bytes(),
        name,
        kind.as_bytes(),
    ];
    Ok(bulk(text.concat()))
}

/// `ACL GENPASS [bits]`
pub(crate) fn genpass(_context: &mut Context<'_>, args: &Args<'_>) -> Result {
    const MAX_BITS: i64 = 4096;
    if args.len() > 3 {
        return Err(wrong_subcommand("ACL", &args[1]));
    }
    let bits = args.get(2).map_or(Ok(256), integer_argument)?;
    if !(1..=MAX_BITS).contains(&bits) {
        return Err(CommandError::text(
            "ERR ACL GENPASS argument must be the number of bits for the output password, a \
             positive number up to 4096",
        ));
    }
    let digits = (bits as usize).div_ceil(4);
    let mut random = vec![0; digits.div_ceil(2)];
    getrandom::fill(&mut random).expect("the system has random bytes");
    let mut password = hex(&random);
    password.truncate(digits);
    Ok(bulk(password))
}

/// `ACL HELP`
pub(crate) fn help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help_reply(
        "ACL",
        &[
            "CAT [category]",
            "    The commands of a category, or all categories.",
            "DELUSER username [username ...]",
            "    Delete users, and end their connections.",
            "DRYRUN username command [argument ...]",
            "    Whether the user may run this, without running it.",
            "GENPASS [bits]",
            "    A random password of so many bits: 256 if not given.",
            "GETUSER username",
            "    What a user may do.",
            "LIST",
            "    All users, each as a line of a file.",
            "LOAD",
            "    Read the users from the file again.",
            "LOG [count | RESET]",
            "    What was denied lately; or forget it.",
            "SAVE",
            "    Write the users to the file.",
            "SETUSER username [rule ...]",
            "    Create a user, or change one by rules.",
            "USERS",
            "    The names of all users.",
            "WHOAMI",
            "    The user that this connection is.",
        ],
    ))
}

fn quoting(before: &'static str, quoted: &[u8], after: &'static str) -> CommandError {
    CommandError::Quoting {
        before,
        quoted: quoted.to_vec(),
        after: after.into(),
    }
}
