//! CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO; what the dispatcher does for client-side
//! caching.
//!
//! Layer `command`. Who is told of what is in [`tracking`](crate::store::tracking), under the keyspace's
//! lock. Here is what Redis does around a command: a read-only one has its keys remembered, and
//! after a command its news are told, its own client's behind its reply.

use std::sync::Arc;

use super::{Args, Context, Next};
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

/// `CLIENT TRACKING ON | OFF [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN]
/// [OPTOUT] [NOLOOP]`
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

/// The options of CLIENT TRACKING.
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

/// Redis's checks, in its order. Without keys there is nothing to track.
fn turn_on(context: &mut Context<'_>, mut request: Request) -> Result {
    if !context.config.queue {
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
    // The reply comes before the first message.
    context.owes_replies = true;
    Ok(Reply::OK)
}

/// Refuses prefixes that overlap with one of the client's, or with each other: the client would be
/// told of a key more than once. The first such prefix is named, with the first that it overlaps.
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

/// The first prefix that overlaps with a later one, and the first that it overlaps with.
///
/// Sorted, all that begin with a prefix stand right behind it, so that one look at each finds it
/// below those that it begins with, however many prefixes there are.
fn first_overlap(prefixes: &[Box<[u8]>]) -> Option<(usize, usize)> {
    let mut sorted: Vec<(&[u8], usize)> = prefixes
        .iter()
        .enumerate()
        .map(|(index, prefix)| (&**prefix, index))
        .collect();
    sorted.sort_unstable();
    // Those that the current one begins with, each with the smallest index down to it.
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
    // As C prints strings.
    let shown = |text: &[u8]| -> Vec<u8> {
        let end = text.iter().position(|&byte| byte == 0);
        text[..end.unwrap_or(text.len())].to_vec()
    };
    let between = format!("' overlaps with {which} prefix '");
    CommandError::Quoting {
        before: "ERR Prefix '",
        quoted: [shown(prefix), between.into_bytes(), shown(other)].concat(),
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
    Ok(Reply::Integer(context.client.tracking.shown_redirect()))
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
        ("redirect", integer(client.tracking.shown_redirect())),
        ("prefixes", array(prefixes)),
    ]))
}

/// Turns tracking off.
pub(super) fn end(context: &mut Context<'_>) {
    let client = context.client;
    // Who does not track waits for nobody who has the keyspace.
    if client.tracking.modes().has(Modes::ON) {
        context.keyspace().tracking.turn_off(client);
    }
}

/// Changes the protocol version. No message to a client that may be told of changes is encoded for
/// the one version and comes after the reply in the other.
pub(super) fn switch_protocol(context: &mut Context<'_>, protocol: Protocol) {
    let client = context.client;
    if client.protocol() != protocol && client.tracking.may_be_told() {
        context.keyspace();
        context.owes_replies = true;
    }
    client.set_protocol(protocol);
}

/// Remembers the keys that a command has read, if it is a read-only one and its client tracks so.
/// Whatever came of the command, as in Redis: that there is no key, or one of another type, may
/// change too.
pub(super) fn remember_reads(context: &mut Context<'_>, command: &Command, args: &Args<'_>) {
    let modes = context.client.tracking.modes();
    if !command.queue || !modes.has(Modes::ON) {
        return;
    }
    // Its reply comes before the message that makes it stale, also to a client with prefixes.
    context.owes_replies = true;
    if !command.has(Flag::ReadOnly) || !modes.remembers_reads() {
        return;
    }
    let words: Vec<&[u8]> = args.iter().collect();
    let keys = command.spec.keys_in(&words).unwrap_or_default();
    if keys.is_empty() {
        return;
    }
    let (client, limit) = (context.client, context.config.tracking_table_max_keys);
    let table = &mut context.keyspace().tracking;
    for key in keys {
        table.remember(client, words[key.position], limit);
    }
}

/// Ends what CLIENT CACHING has said, which holds for the next command, or for the next transaction.
/// No subcommand of CLIENT ends it, as in Redis.
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

/// Tells those who have read a key that has changed. Within an EXEC, whose own client's messages are
/// held.
pub(super) fn tell_readers(context: &mut Context<'_>) {
    if let Some(keyspace) = &mut context.keyspace
        && keyspace.tracking.has_news()
    {
        let by = Some(context.client.id);
        keyspace.tracking.tell_readers(by, context.fanout);
    }
}

/// Tells everybody who is to be told of what has changed. The command's own reply comes first.
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
mod tests {
    use super::*;
    use crate::command::dispatch;
    use crate::command::fixture::{Fixture, joined};
    use crate::config::Config;

    /// Whoever takes the keyspace's lock next may send the client what makes a reply stale.
    #[tokio::test]
    async fn a_reply_is_in_the_outbox_before_the_keyspace_is_let_go() {
        for how in [&[][..], &["BCAST"]] {
            let mut fixture = Fixture::new(Config::default());
            let client = Arc::clone(&fixture.client);
            let mut context = fixture.context();
            let mut pending = |args: &[&str]| {
                let (bytes, places) = joined(args);
                dispatch(&mut context, &Args::new(&bytes, &places, &[]));
                (client.outbox.pending(), context.keyspace.is_some())
            };
            assert_eq!(pending(&["GET", "key"]), (0, true));
            // Without tracking it waits for the end of the batch.
            assert_eq!(pending(&["PING"]), (0, false));
            let on = [&["CLIENT", "TRACKING", "ON"][..], how].concat();
            let (settled, _) = pending(&on);
            assert_eq!(settled, b"$-1\r\n+PONG\r\n+OK\r\n".len());
            assert_eq!(pending(&["GET", "key"]), (settled, true));
            let (all, is_held) = pending(&["PING"]);
            assert_eq!((all, is_held), (settled + b"$-1\r\n".len(), false));
        }
    }

    #[test]
    fn the_first_overlap_is_found() {
        let overlap = |words: &[&str]| {
            let prefixes = words.iter().map(|word| word.as_bytes().into());
            first_overlap(&prefixes.collect::<Vec<_>>())
        };
        assert_eq!(overlap(&[]), None);
        assert_eq!(overlap(&["a", "b", "ca", "cb"]), None);
        assert_eq!(overlap(&["a", "a"]), Some((0, 1)));
        assert_eq!(overlap(&["ab", "x", "a"]), Some((0, 2)));
        assert_eq!(overlap(&["x", "abc", "ad", "ab", "a"]), Some((1, 3)));
        assert_eq!(overlap(&["b", "a", "", "c"]), Some((0, 2)));
        assert_eq!(overlap(&["c", "ca", "a", "ab"]), Some((0, 1)));
    }

    /// Against every pair, for all lists of four out of some prefixes.
    #[test]
    fn the_first_overlap_is_that_of_every_pair() {
        let words = ["", "a", "b", "ab", "aba", "abb"];
        for number in 0..words.len().pow(4) {
            let pick = |place: u32| words[number / words.len().pow(place) % words.len()];
            let list: Vec<Box<[u8]>> = (0..4).map(|place| pick(place).as_bytes().into()).collect();
            let pairs = (0..4).flat_map(|one| (one + 1..4).map(move |two| (one, two)));
            let mut overlapping = pairs.filter(|&(one, two)| {
                let (one, two) = (&list[one], &list[two]);
                one.starts_with(two) || two.starts_with(one)
            });
            assert_eq!(first_overlap(&list), overlapping.next(), "{list:?}");
        }
    }
}
