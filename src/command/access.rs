//! Who a connection is, and whether that user may do what it asks.
//!
//! Of a user that may do everything nothing is asked but whether it still may: one load a command.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::{Args, Context, Execution, Next};
use crate::acl::Acl;
use crate::acl::log::{LogContext, LogEntry};
use crate::acl::request::{Denial, Reason, Request};
use crate::acl::user::{DEFAULT_USER, User};
use crate::catalog::spec::Flag;
use crate::catalog::{CATALOG, Command};
use crate::client::Client;
use crate::command::client_line::client_line;
use crate::resp::error::CommandError;

const NO_AUTH: CommandError = CommandError::text("NOAUTH Authentication required.");

/// Who a connection is.
#[derive(Debug)]
pub(crate) struct Access {
    user: Arc<User>,
    /// The generation in which the user was as it is here.
    generation: u64,
    /// Whether the connection has said so, or needed not.
    authenticated: bool,
    /// Whether there is anything that the user may not do.
    restricted: bool,
}

impl Access {
    /// A connection that has not said who it is.
    pub(crate) fn new(acl: &Acl) -> Access {
        let (user, generation) = acl.default_user();
        Access {
            authenticated: user.is_open(),
            restricted: !user.is_unrestricted(),
            user,
            generation,
        }
    }

    /// Who it is.
    pub(crate) fn user(&self) -> &User {
        &self.user
    }

    /// Whether it must say who it is before it may do anything.
    pub(crate) fn owes_auth(&self, acl: &Acl) -> bool {
        !self.authenticated && acl.requires_auth()
    }

    fn become_user(&mut self, user: Arc<User>, generation: u64) {
        self.restricted = !user.is_unrestricted();
        self.user = user;
        self.generation = generation;
    }
}

/// Makes the connection what it was when it was new (RESET).
pub(crate) fn reset(context: &mut Context<'_>) {
    context.session.access = Access::new(&context.server.acl);
    context.client.set_user(DEFAULT_USER.into());
}

/// Lets the connection be a user, if the password is right (AUTH, HELLO).
pub(crate) fn authenticate(
    context: &mut Context<'_>,
    command: &[u8],
    name: &[u8],
    password: &[u8],
) -> Result<(), CommandError> {
    let acl = &context.server.acl;
    // If the user changes in between, it is looked up again before the next command.
    let generation = acl.generation();
    // An EXEC may ask many times before the connection can rest: then no password is compared.
    let owes_rest = matches!(context.session.next, Next::Rest(_));
    let user = (!owes_rest).then(|| acl.authenticate(context.client, name, password));
    if let Some(user) = user.flatten() {
        context.session.access.become_user(user, generation);
        context.session.access.authenticated = true;
        return Ok(());
    }
    note(context, Reason::Auth, command, Some(name));
    context.server.note_wrong_password(context.client, name);
    context.session.wrong_passwords = context.session.wrong_passwords.saturating_add(1);
    if let Some(rest) = rest_after(context.session.wrong_passwords) {
        context.session.then(Next::Rest(rest));
    }
    Err(CommandError::text(
        "WRONGPASS invalid username-password pair or user is disabled.",
    ))
}

/// How long a connection rests after so many wrong passwords: not after the first few, which people
/// and misconfigured clients send, and then twice as long each time, up to a second. A right one in
/// between changes nothing, or a user could guess another's password at full speed.
fn rest_after(wrong_passwords: u32) -> Option<Duration> {
    const FREE: u32 = 3;
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(1);
    let doublings = wrong_passwords.checked_sub(FREE + 1)?;
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    Some(FIRST.saturating_mul(factor).min(LONGEST))
}

/// Looks the user up again, if any user has changed. If it was deleted, nothing more is carried out
/// for the connection, which ends.
pub(crate) fn refresh_user(context: &mut Context<'_>) -> Result<(), CommandError> {
    let acl = &context.server.acl;
    let access = &mut context.session.access;
    if acl.generation() == access.generation {
        return Ok(());
    }
    if let Some((user, generation)) = acl.current(&access.user) {
        access.become_user(user, generation);
        return Ok(());
    }
    context.session.then(Next::Abort);
    Err(NO_AUTH)
}

/// Refuses all but a few commands to a connection that has not said who it is.
pub(crate) fn require_auth(context: &Context<'_>, command: &Command) -> Result<(), CommandError> {
    if context.session.access.owes_auth(&context.server.acl) && !command.has(Flag::NoAuth) {
        return Err(NO_AUTH);
    }
    Ok(())
}

/// Refuses what the user may not do.
pub(crate) fn require_permission(
    context: &mut Context<'_>,
    command: &'static Command,
    args: &Args<'_>,
) -> Result<(), CommandError> {
    match check(context, command, args) {
        Ok(()) => Ok(()),
        Err(Reason::Key) => Err(CommandError::text("NOPERM No permissions to access a key")),
        Err(Reason::Channel) => Err(CommandError::text(
            "NOPERM No permissions to access a channel",
        )),
        Err(Reason::Command | Reason::Auth) => Err(CommandError::Quoting {
            before: "NOPERM User ",
            quoted: context.session.access.user.name.to_vec(),
            after: format!(
                " has no permissions to run the '{}' command",
                command.full_name
            )
            .into(),
        }),
    }
}

/// As [`require_permission`], for a command that was checked already when it was queued.
pub(crate) fn require_permission_in_exec(
    context: &mut Context<'_>,
    command: &'static Command,
    args: &Args<'_>,
) -> Result<(), CommandError> {
    refresh_user(context)?;
    let lacks = match check(context, command, args) {
        Ok(()) => return Ok(()),
        Err(Reason::Key) => "no permission to touch the specified keys",
        Err(Reason::Channel) => "no permission to access one of the channels used as arguments",
        Err(Reason::Command | Reason::Auth) => "no permission to execute the command or subcommand",
    };
    Err(CommandError::Text(
        format!(
            "NOPERM ACLs rules changed between the moment the transaction was accumulated and the \
             EXEC call. This command is no longer allowed for the following reason: {lacks}"
        )
        .into(),
    ))
}

/// As [`require_permission`], for a command that a script calls.
#[cfg(feature = "scripts")]
pub(crate) fn require_permission_in_script(
    context: &mut Context<'_>,
    command: &'static Command,
    args: &Args<'_>,
) -> Result<(), CommandError> {
    require_permission(context, command, args).map_err(|error| {
        let text = error.wire_text();
        CommandError::Quoting {
            before: "NOPERM ACL failure in script: ",
            quoted: text.strip_prefix(b"NOPERM ").unwrap_or(&text).to_vec(),
            after: "".into(),
        }
    })
}

/// Whether the user may run this command. Nothing is noted.
#[cfg(feature = "scripts")]
pub(crate) fn permits(context: &Context<'_>, command: &'static Command, args: &Args<'_>) -> bool {
    let access = &context.session.access;
    let request = || Request::new(command, args.iter().collect());
    !access.restricted || access.user.check(&request()).is_ok()
}

/// Checks a request, and takes note of it if it is denied.
fn check(
    context: &mut Context<'_>,
    command: &'static Command,
    args: &Args<'_>,
) -> Result<(), Reason> {
    let access = &context.session.access;
    if !access.restricted {
        return Ok(());
    }
    let checked = access
        .user
        .check(&Request::new(command, args.iter().collect()));
    checked.map_err(|Denial { reason, place }| {
        let object = match reason {
            Reason::Key | Reason::Channel => &args[place],
            Reason::Command | Reason::Auth => command.full_name.as_bytes(),
        };
        note(context, reason, object, None);
        reason
    })
}

/// Whether SORT may look at keys that the request does not name.
pub(crate) fn reads_all_keys(context: &Context<'_>, args: &Args<'_>) -> bool {
    let access = &context.session.access;
    let may = |command| {
        let request = Request::new(command, args.iter().collect());
        access.user.reads_all_keys(&request)
    };
    !access.restricted || CATALOG.resolve(args).is_ok_and(may)
}

/// Counts what was denied, and writes it into the log.
fn note(context: &Context<'_>, reason: Reason, object: &[u8], user: Option<&[u8]>) {
    let situation = match context.execution {
        Execution::Alone if context.session.transaction.is_none() => LogContext::TopLevel,
        Execution::Alone | Execution::InExec { .. } => LogContext::Multi,
        Execution::InScript { .. } => LogContext::Lua,
    };
    let user = user.unwrap_or(&context.session.access.user.name);
    let client = client_line(context.client);
    let denied = LogEntry::new(reason, situation, object, user, client.trim_end());
    let limit = context.config.acllog_max_len;
    context.server.acl.log.lock().add(denied, limit);
    context.server.acl.denied.of(reason).fetch_add(1, Relaxed);
}

/// To be called once a client has subscribed: who takes channels away from a user looks for clients
/// that have them, and may just have missed this one.
pub(crate) fn recheck_subscriptions(context: &mut Context<'_>) {
    if context.server.acl.generation() == context.session.access.generation
        || refresh_user(context).is_err()
    {
        return;
    }
    if !may_stay(context.session.access.user(), context.client) {
        context.session.then(Next::Abort);
    }
}

/// Whether a user may have what this client is subscribed to.
pub(crate) fn may_stay(user: &User, client: &Client) -> bool {
    user.may_have(&client.subscriptions.lock())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_up_to_a_second() {
        let rests = (0..=20).map(|wrong| rest_after(wrong).unwrap_or_default().as_millis());
        let rests: Vec<_> = rests.collect();
        assert_eq!(rests[..9], [0, 0, 0, 0, 10, 20, 40, 80, 160]);
        assert_eq!(rests[11..], [1000; 10]);
        assert_eq!(rest_after(u32::MAX), Some(Duration::from_secs(1)));
    }
}
