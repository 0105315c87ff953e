//! Client-side caching: CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO, and what the
//! dispatcher does for them around each command.
//!
//! Layer `command`. It may use `state` and what lies below. The table of keys and clients is in
//! [`tracking`](crate::store::tracking), under the keyspace's lock. As in Redis, the keys of a
//! read-only command are remembered, and after a command the invalidations are sent. The command's
//! own client gets its reply first.

use std::sync::Arc;

use super::{Args, Context, Next, c_string};
use crate::catalog::Command;
use crate::catalog::spec::Flag;
use crate::client::Client;
use crate::client::tracking::Modes;
use crate::resp::Protocol;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, integer, map, set};
use crate::resp::request::integer_argument;
use crate::store::tracking::{Request, prefix_memory};

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// `CLIENT TRACKING ON | OFF [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST]
/// [OPTIN] [OPTOUT] [NOLOOP]`
pub(crate) fn tracking(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let request = parse(context, args)?;
    context.take_keyspace()?;
    if args[2].eq_ignore_ascii_case(b"on") {
        turn_on(context, request)
    } else if args[2].eq_ignore_ascii_case(b"off") {
        end(context);
        Ok(Reply::OK)
    } else {
        Err(CommandError::SYNTAX)
    }
}

/// Parses the options of CLIENT TRACKING.
fn parse(context: &Context<'_>, args: &Args<'_>) -> Result<Request> {
    let mut request = Request::default();
    let mut index = 3;
    while let Some(option) = args.get(index) {
        let is = |name: &[u8]| option.eq_ignore_ascii_case(name);
        let value = args.get(index + 1);
        let mode = match value {
            Some(id) if is(b"redirect") => {
                if request.redirect.is_some() {
                    return Err(CommandError::text(
                        "ERR A client can only redirect to a single other client",
                    ));
                }
                request.redirect = Some(redirect_to(context, id)?);
                index += 2;
                continue;
            }
            Some(prefix) if is(b"prefix") => {
                request.prefixes.push(prefix.into());
                index += 2;
                continue;
            }
            _ if is(b"bcast") => Modes::BCAST,
            _ if is(b"optin") => Modes::OPTIN,
            _ if is(b"optout") => Modes::OPTOUT,
            _ if is(b"noloop") => Modes::NOLOOP,
            _ => return Err(CommandError::SYNTAX),
        };
        request.modes = request.modes.with(mode);
        index += 1;
    }
    Ok(request)
}

fn redirect_to(context: &Context<'_>, id: &[u8]) -> Result<Arc<Client>> {
    let id = integer_argument(id)?;
    let found = u64::try_from(id)
        .ok()
        .and_then(|id| context.server.clients.get(id));
    found.ok_or(CommandError::text(
        "ERR The client ID you want redirect to does not exist",
    ))
}

/// Turns tracking on. The checks are Redis's, in its order. Without queue mode there are no keys to
/// track.
fn turn_on(context: &mut Context<'_>, mut request: Request) -> Result {
    if !context.config.queue.is_on() {
        return Err(CommandError::QUEUE_IS_OFF);
    }
    let (now, wanted) = (context.client.tracking.modes(), request.modes);
    let bcast = wanted.has(Modes::BCAST);
    if !bcast && !request.prefixes.is_empty() {
        return Err(CommandError::text(
            "ERR PREFIX option requires BCAST mode to be enabled",
        ));
    }
    if now.has(Modes::ON) && now.has(Modes::BCAST) != bcast {
        return Err(CommandError::text(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and \
             then re-enabling it with a different mode.",
        ));
    }
    if bcast && (wanted.has(Modes::OPTIN) || wanted.has(Modes::OPTOUT)) {
        return Err(CommandError::text(
            "ERR OPTIN and OPTOUT are not compatible with BCAST",
        ));
    }
    if wanted.has(Modes::OPTIN) && wanted.has(Modes::OPTOUT) {
        return Err(CommandError::text(
            "ERR You can't specify both OPTIN mode and OPTOUT mode",
        ));
    }
    if wanted.has(Modes::OPTIN) && now.has(Modes::OPTOUT)
        || wanted.has(Modes::OPTOUT) && now.has(Modes::OPTIN)
    {
        return Err(CommandError::text(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and \
             then re-enabling it with a different mode.",
        ));
    }
    if bcast {
        refuse_overlaps(context, &request.prefixes)?;
        if request.prefixes.is_empty() {
            request.prefixes.push(Box::default());
        }
    }
    let prefixes = request.prefixes.iter();
    if !context.may_keep(prefixes.map(|prefix| prefix_memory(prefix)).sum()) {
        return Ok(Reply::Sent);
    }
    let client = context.client;
    context.keyspace().tracking.turn_on(client, request);
    // The reply comes before the first invalidation.
    context.owes_replies = true;
    Ok(Reply::OK)
}

/// Refuses prefixes that overlap with one of the client's own or with each other: the client would
/// get more than one invalidation for a key. The error names the first such prefix and the first
/// one that it overlaps with.
fn refuse_overlaps(context: &mut Context<'_>, prefixes: &[Box<[u8]>]) -> Result<()> {
    let id = context.client.id;
    let among_themselves = first_overlap(prefixes);
    let table = &context.keyspace().tracking;
    for (index, prefix) in prefixes.iter().enumerate() {
        if let Some(existing) = table.overlapping_prefix(id, prefix) {
            return Err(overlap(prefix, "an existing", existing));
        }
        if let Some((first, second)) = among_themselves
            && first == index
        {
            return Err(overlap(prefix, "another provided", &prefixes[second]));
        }
    }
    Ok(())
}

/// The index of the first prefix that overlaps with a later one, and of the first one that it
/// overlaps with.
///
/// In sorted order, all prefixes that begin with a given one directly follow it. So one pass with a
/// stack finds all overlaps, however many prefixes there are.
fn first_overlap(prefixes: &[Box<[u8]>]) -> Option<(usize, usize)> {
    let mut sorted: Vec<(&[u8], usize)> = prefixes
        .iter()
        .enumerate()
        .map(|(index, prefix)| (&**prefix, index))
        .collect();
    sorted.sort_unstable();
    // The prefixes that the current one begins with. Each has the smallest index from the bottom of
    // the stack up to it.
    let mut above: Vec<(&[u8], usize)> = Vec::new();
    let mut first: Option<usize> = None;
    for (prefix, index) in sorted {
        while above
            .pop_if(|(other, _)| !prefix.starts_with(other))
            .is_some()
        {}
        let mut smallest = index;
        if let Some(&(_, least)) = above.last() {
            smallest = smallest.min(least);
            first = Some(first.map_or(smallest, |first| first.min(smallest)));
        }
        above.push((prefix, smallest));
    }
    let first = first?;
    let one = &prefixes[first];
    let overlaps = |other: &[u8]| one.starts_with(other) || other.starts_with(one);
    let second = (first + 1..prefixes.len()).find(|&second| overlaps(&prefixes[second]))?;
    Some((first, second))
}

fn overlap(prefix: &[u8], which: &str, other: &[u8]) -> CommandError {
    let between = format!("' overlaps with {which} prefix '");
    CommandError::Quoting {
        before: "ERR Prefix '",
        quoted: [c_string(prefix), between.as_bytes(), c_string(other)].concat(),
        after: "'. Prefixes for a single client must not overlap.".into(),
    }
}

/// `CLIENT CACHING YES | NO`
pub(crate) fn caching(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let tracking = &context.client.tracking;
    let modes = tracking.modes();
    if !modes.has(Modes::ON) {
        return Err(CommandError::text(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN \
             or OPTOUT mode enabled",
        ));
    }
    if args[2].eq_ignore_ascii_case(b"yes") {
        if !modes.has(Modes::OPTIN) {
            return Err(CommandError::text(
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
            ));
        }
    } else if args[2].eq_ignore_ascii_case(b"no") {
        if !modes.has(Modes::OPTOUT) {
            return Err(CommandError::text(
                "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
            ));
        }
    } else {
        return Err(CommandError::SYNTAX);
    }
    tracking.set_modes(modes.with(Modes::CACHING));
    Ok(Reply::OK)
}

/// `CLIENT GETREDIR`
pub(crate) fn getredir(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(Reply::Integer(context.client.shown_redirect()))
}

/// `CLIENT TRACKINGINFO`
pub(crate) fn trackinginfo(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let client = context.client;
    let modes = client.tracking.modes();
    let mut flags = vec![if modes.has(Modes::ON) { "on" } else { "off" }];
    for (mode, name, with_caching) in [
        (Modes::BCAST, "bcast", None),
        (Modes::OPTIN, "optin", Some("caching-yes")),
        (Modes::OPTOUT, "optout", Some("caching-no")),
        (Modes::NOLOOP, "noloop", None),
        (Modes::BROKEN_REDIRECT, "broken_redirect", None),
    ] {
        if modes.has(mode) {
            flags.push(name);
            flags.extend(with_caching.filter(|_| modes.has(Modes::CACHING)));
        }
    }
    let prefixes = if modes.has(Modes::BCAST) {
        context.take_keyspace()?;
        let own = context.keyspace().tracking.prefixes_of(client.id);
        own.map(|prefix| bulk(prefix.to_vec())).collect()
    } else {
        Vec::new()
    };
    Ok(map([
        ("flags", set(flags.into_iter().map(bulk))),
        ("redirect", integer(client.shown_redirect())),
        ("prefixes", array(prefixes)),
    ]))
}

/// Turns tracking off.
pub(super) fn end(context: &mut Context<'_>) {
    let client = context.client;
    // Without tracking, the keyspace's lock is not needed.
    if client.tracking.modes().has(Modes::ON) {
        context.keyspace().tracking.turn_off(client);
    }
}

/// Changes the protocol version. For a client that may get invalidations, it takes the keyspace's
/// lock first: no invalidation in the old version may follow the reply in the new one.
pub(super) fn switch_protocol(context: &mut Context<'_>, protocol: Protocol) {
    let client = context.client;
    if client.protocol() != protocol && client.tracking.may_be_told() {
        context.keyspace();
        context.owes_replies = true;
    }
    client.set_protocol(protocol);
}

/// Remembers the keys of a read-only command, if its client's mode wants that. As in Redis, the
/// outcome of the command does not matter: a missing key, or one of the wrong type, may change too.
pub(super) fn remember_reads(context: &mut Context<'_>, command: &Command, args: &Args<'_>) {
    let modes = context.client.tracking.modes();
    if !command.queue || !modes.has(Modes::ON) {
        return;
    }
    // The reply comes before the invalidation that makes it stale, also in BCAST mode.
    context.owes_replies = true;
    if !command.has(Flag::ReadOnly) || !modes.remembers_reads() {
        return;
    }
    let request: Vec<&[u8]> = args.iter().collect();
    let keys = command.spec.keys_in(&request).unwrap_or_default();
    if keys.is_empty() {
        return;
    }
    let (client, limit) = (context.client, context.config.tracking_table_max_keys);
    let table = &mut context.keyspace().tracking;
    for key in keys {
        table.remember(client, request[key.position], limit);
    }
}

/// Ends the effect of CLIENT CACHING, which lasts for one command or one transaction. As in Redis,
/// a subcommand of CLIENT does not end it.
pub(super) fn end_caching(context: &Context<'_>, command: Option<&Command>) {
    let tracking = &context.client.tracking;
    let modes = tracking.modes();
    if !modes.has(Modes::CACHING) {
        return;
    }
    let is_client = command.is_some_and(|command| command.full_name.starts_with("client|"));
    let goes_on =
        context.session.transaction.is_some() || matches!(context.session.next, Next::Postpone(_));
    if !is_client && !goes_on {
        tracking.set_modes(modes.without(Modes::CACHING));
    }
}

/// Within an EXEC, after each of its commands: sends invalidations to the clients that have read
/// the changed keys. Messages to EXEC's own client are held until its reply is complete.
pub(super) fn tell_readers(context: &mut Context<'_>) {
    if let Some(keyspace) = &mut context.keyspace
        && keyspace.tracking.has_news()
    {
        let by = Some(context.client.id);
        keyspace.tracking.tell_readers(by, context.fanout);
    }
}

/// Sends all pending invalidations, including those in BCAST mode. The command's own reply comes
/// first.
pub(super) fn tell_all(context: &mut Context<'_>) {
    let has_news = |context: &Context<'_>| {
        let keyspace = context.keyspace.as_ref();
        keyspace.is_some_and(|keyspace| keyspace.tracking.has_news())
    };
    if !has_news(context) {
        return;
    }
    context.settle_replies();
    if let Some(keyspace) = &mut context.keyspace {
        let by = Some(context.client.id);
        keyspace.tracking.tell_all(by, context.fanout);
    }
}

#[cfg(test)]
mod tests;
