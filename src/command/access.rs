//! The user of a connection, and the permission checks.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! For a user without restrictions, a command costs one atomic load, which finds whether any user
//! has changed.

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
use crate::client::{Client, Ending};
use crate::command::client_line::client_line;
use crate::resp::error::CommandError;
use crate::state::ServerState;

const NO_AUTH: CommandError = CommandError::text("NOAUTH Authentication required.");

/// The user of a connection.
#[derive(Debug)]
pub(crate) struct Access {
    user: Arc<User>,
    /// The ACL's generation when `user` was looked up.
    generation: u64,
    /// Whether the connection has authenticated, or did not need to.
    authenticated: bool,
    /// Whether the user lacks any permission.
    restricted: bool,
}

impl Access {
    /// A new connection, which is the default user.
    pub(crate) fn new(acl: &Acl) -> Access {
        let (user, generation) = acl.default_user();
        Access {
            authenticated: user.is_open(),
            restricted: !user.is_unrestricted(),
            user,
            generation,
        }
    }

    /// The user.
    pub(crate) fn user(&self) -> &User {
        &self.user
    }

    /// Whether it must authenticate before it may run commands.
    pub(crate) fn owes_auth(&self, acl: &Acl) -> bool {
        !self.authenticated && acl.requires_auth()
    }

    fn become_user(&mut self, user: Arc<User>, generation: u64) {
        self.restricted = !user.is_unrestricted();
        self.user = user;
        self.generation = generation;
    }
}

/// Sets the user of a new connection again (RESET).
pub(crate) fn reset(context: &mut Context<'_>) {
    context.session.access = Access::new(&context.server.acl);
    context.client.set_user(DEFAULT_USER.into());
}

/// Authenticates the connection as a user (AUTH, HELLO).
///
/// # Errors
/// The password is wrong, or the user does not exist or is off.
pub(crate) fn authenticate(
    context: &mut Context<'_>,
    command: &[u8],
    name: &[u8],
    password: &[u8],
) -> Result<(), CommandError> {
    let acl = &context.server.acl;
    // Read before the look-up: if the user changes in between, the next command looks it up again.
    let generation = acl.generation();
    // An EXEC may try many passwords before the connection rests. After the first wrong one that
    // requires a rest, none is compared.
    let owes_rest = matches!(context.session.next, Next::Rest(_));
    let user = (!owes_rest).then(|| acl.authenticate(context.client, name, password));
    if let Some(user) = user.flatten() {
        context.session.access.become_user(user, generation);
        context.session.access.authenticated = true;
        return Ok(());
    }
    note_denied(context, Reason::Auth, command, Some(name));
    context.server.note_wrong_password(context.client, name);
    context.session.wrong_passwords = context.session.wrong_passwords.saturating_add(1);
    if let Some(rest) = rest_after(context.session.wrong_passwords) {
        context.session.then(Next::Rest(rest));
    }
    Err(CommandError::text(
        "WRONGPASS invalid username-password pair or user is disabled.",
    ))
}

/// How long a connection rests after this many wrong passwords. The first few, which people and
/// misconfigured clients send, cost nothing. Each further one doubles the time, up to a second. A
/// right password in between does not reset the count: otherwise a user could guess another user's
/// password at full speed.
fn rest_after(wrong_passwords: u32) -> Option<Duration> {
    const FREE: u32 = 3;
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(1);
    let doublings = wrong_passwords.checked_sub(FREE + 1)?;
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    Some(FIRST.saturating_mul(factor).min(LONGEST))
}

/// Looks up the user again if any user has changed.
///
/// # Errors
/// The user was deleted. The connection ends.
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
    context.client.ends_because(Ending::LostRights);
    context.session.then(Next::Abort);
    Err(NO_AUTH)
}

/// Refuses all commands but those for logging in, if the connection must authenticate first.
pub(crate) fn require_auth(context: &Context<'_>, command: &Command) -> Result<(), CommandError> {
    if context.session.access.owes_auth(&context.server.acl) && !command.has(Flag::NoAuth) {
        return Err(NO_AUTH);
    }
    Ok(())
}

/// Refuses a request that the user may not send.
pub(crate) fn require_permission(
    context: &mut Context<'_>,
    command: &'static Command,
    args: &Args<'_>,
) -> Result<(), CommandError> {
    permit(context, command, args)
        .map_err(|reason| no_permission(reason, &context.session.access.user, command))
}

fn no_permission(reason: Reason, user: &User, command: &Command) -> CommandError {
    match reason {
        Reason::Key => CommandError::text("NOPERM No permissions to access a key"),
        Reason::Channel => CommandError::text("NOPERM No permissions to access a channel"),
        Reason::Command | Reason::Auth => CommandError::Quoting {
            before: "NOPERM User ",
            quoted: user.name.to_vec(),
            after: format!(
                " has no permissions to run the '{}' command",
                command.full_name
            )
            .into(),
        },
    }
}

/// Refuses what a client may not send, for a caller that answers it without sending it. `args` must
/// be a command with enough arguments.
#[cfg(feature = "http")]
pub(crate) fn permit_unsent(
    server: &ServerState,
    client: &Client,
    authenticated: bool,
    args: &[&[u8]],
) -> Result<(), CommandError> {
    let command = CATALOG
        .find_request(args)
        .expect("the caller names a command");
    if !authenticated && server.acl.requires_auth() {
        return Err(NO_AUTH);
    }
    let user = server.acl.get(&client.user()).ok_or(NO_AUTH)?;
    let permitted = user.permit(&Request::new(command, args.to_vec()));
    permitted.map_err(|Denial { reason, index }| {
        let object = match reason {
            Reason::Key | Reason::Channel => args[index],
            Reason::Command | Reason::Auth => command.full_name.as_bytes(),
        };
        log_denied(
            server,
            client,
            LogContext::TopLevel,
            reason,
            object,
            &user.name,
        );
        no_permission(reason, &user, command)
    })
}

/// As [`require_permission`], for a queued command: the user may have changed since MULTI.
pub(crate) fn require_permission_in_exec(
    context: &mut Context<'_>,
    command: &'static Command,
    args: &Args<'_>,
) -> Result<(), CommandError> {
    refresh_user(context)?;
    let lacks = match permit(context, command, args) {
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

/// Whether the user may run this command. A denial is neither counted nor logged.
#[cfg(feature = "scripts")]
pub(crate) fn permits(context: &Context<'_>, command: &'static Command, args: &Args<'_>) -> bool {
    let access = &context.session.access;
    let request = || Request::new(command, args.iter().collect());
    !access.restricted || access.user.permit(&request()).is_ok()
}

/// Whether the user may send the request. A denial is counted and logged.
fn permit(
    context: &mut Context<'_>,
    command: &'static Command,
    args: &Args<'_>,
) -> Result<(), Reason> {
    let access = &context.session.access;
    if !access.restricted {
        return Ok(());
    }
    let permitted = access
        .user
        .permit(&Request::new(command, args.iter().collect()));
    permitted.map_err(|Denial { reason, index }| {
        let object = match reason {
            Reason::Key | Reason::Channel => &args[index],
            Reason::Command | Reason::Auth => command.full_name.as_bytes(),
        };
        note_denied(context, reason, object, None);
        reason
    })
}

/// Whether SORT may read keys that the request does not name.
pub(crate) fn reads_all_keys(context: &Context<'_>, args: &Args<'_>) -> bool {
    let access = &context.session.access;
    let may = |command| {
        let request = Request::new(command, args.iter().collect());
        access.user.reads_all_keys(&request)
    };
    !access.restricted || CATALOG.resolve(args).is_ok_and(may)
}

/// Counts a denial and adds it to ACL LOG.
fn note_denied(context: &Context<'_>, reason: Reason, object: &[u8], user: Option<&[u8]>) {
    let log_context = match context.execution {
        Execution::Alone if context.session.transaction.is_none() => LogContext::TopLevel,
        Execution::Alone | Execution::InExec { .. } => LogContext::Multi,
        Execution::InScript { .. } => LogContext::Lua,
    };
    let user = user.unwrap_or(&context.session.access.user.name);
    log_denied(
        context.server,
        context.client,
        log_context,
        reason,
        object,
        user,
    );
}

fn log_denied(
    server: &ServerState,
    client: &Client,
    log_context: LogContext,
    reason: Reason,
    object: &[u8],
    user: &[u8],
) {
    let client = client_line(client);
    let denied = LogEntry::new(reason, log_context, object, user, client.trim_end());
    let limit = server.config().acllog_max_len;
    server.acl.log.lock().add(denied, limit);
    server.acl.denied.of(reason).fetch_add(1, Relaxed);
}

/// Must be called after a client has subscribed. A command that takes channels away from a user
/// disconnects their subscribers, and may have missed a subscription that was added meanwhile.
pub(crate) fn recheck_subscriptions(context: &mut Context<'_>) {
    if context.server.acl.generation() == context.session.access.generation
        || refresh_user(context).is_err()
    {
        return;
    }
    if !may_stay(context.session.access.user(), context.client) {
        context.client.ends_because(Ending::LostRights);
        context.session.then(Next::Abort);
    }
}

/// As [`recheck_subscriptions`], for a client that was subscribed while it waited. Returns whether it
/// may stay connected.
pub(crate) fn may_keep_subscriptions(acl: &Acl, access: &mut Access, client: &Client) -> bool {
    if acl.generation() == access.generation {
        return true;
    }
    acl.current(&access.user).is_some_and(|(user, generation)| {
        access.become_user(user, generation);
        may_stay(access.user(), client)
    })
}

/// Whether a user may have all subscriptions of this client.
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
