//! SUBSCRIBE and its kin, PUBLISH and SPUBLISH, PUBSUB.

use std::collections::HashSet;

use super::{Args, Context, access, deferred};
use crate::client::Namespace;
use crate::config::Config;
use crate::hash::HashState;
use crate::pubsub::message::Payload;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, integer, status};

type Result = std::result::Result<Reply, CommandError>;

/// `PUBLISH channel message`, where it is not gathered (see [`publish_run`](super::publish_run)).
pub(crate) fn publish(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    Ok(fan_out(context, Namespace::Channel, args))
}

/// `SPUBLISH shardchannel message`
pub(crate) fn spublish(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    Ok(fan_out(context, Namespace::Shard, args))
}

fn fan_out(context: &mut Context<'_>, kind: Namespace, args: &Args<'_>) -> Reply {
    let channel = &args[1];
    if context.execution.is_in_script() {
        return deferred::defer(context, kind, channel, &args[2]);
    }
    let payload = Payload::of(args, 2);
    // One that may be its own subscriber gets the reply first, and then the message, in the order
    // that everybody sees. EXEC does the same for all of its commands.
    let holds = context.client.is_subscriber() && context.execution.is_alone();
    if holds {
        context.client.outbox.hold_messages();
    }
    let held = context.execution.channel_order();
    let registry = &context.server.registry;
    let receivers = registry.publish(kind, channel, payload, held, context.fanout);
    context.batch_stats.published += 1;
    context.batch_stats.delivered += receivers as u64;
    let reply = Reply::Integer(receivers as i64);
    if !holds {
        return reply;
    }
    context.reply(reply);
    context.settle_replies();
    context.client.outbox.release_messages();
    Reply::Sent
}

/// `SUBSCRIBE channel [channel ...]`
pub(crate) fn subscribe(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    subscribe_to(context, Namespace::Channel, args)
}

/// `PSUBSCRIBE pattern [pattern ...]`
pub(crate) fn psubscribe(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    for pattern in args.iter().skip(1) {
        check_pattern(context.config, pattern)?;
    }
    subscribe_to(context, Namespace::Pattern, args)
}

/// `SSUBSCRIBE shardchannel [shardchannel ...]`
pub(crate) fn ssubscribe(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    if !context.execution.is_alone() {
        // Redis's rule, for shard channels only.
        return Err(CommandError::text(
            "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client",
        ));
    }
    subscribe_to(context, Namespace::Shard, args)
}

fn subscribe_to(context: &mut Context<'_>, kind: Namespace, args: &Args<'_>) -> Result {
    check_subscriptions(context, kind, args)?;
    context.settle_replies();
    let (registry, subscriber) = (&context.server.registry, context.subscriber());
    for name in args.iter().skip(1) {
        registry.subscribe(subscriber, kind, name);
    }
    access::recheck_subscriptions(context);
    Ok(Reply::Sent)
}

/// Whether the client may have all of these subscriptions, beside those that it has.
fn check_subscriptions(
    context: &Context<'_>,
    kind: Namespace,
    args: &Args<'_>,
) -> std::result::Result<(), CommandError> {
    let most = context.config.max_subscriptions_per_client as usize;
    if most == 0 {
        return Ok(());
    }
    let subscriptions = context.client.subscriptions.lock();
    let names = args.iter().skip(1);
    let new: HashSet<&[u8], HashState> = names
        .filter(|name| !subscriptions.contains(kind, name))
        .collect();
    if new.is_empty() || subscriptions.total() + new.len() <= most {
        return Ok(());
    }
    Err(CommandError::Text(
        format!("ERR max number of subscriptions reached: a client may have {most}").into(),
    ))
}

/// Whether a pattern is as short as it has to be.
pub(crate) fn check_pattern(
    config: &Config,
    pattern: &[u8],
) -> std::result::Result<(), CommandError> {
    let most = config.max_pattern_length as usize;
    if most == 0 || pattern.len() <= most {
        return Ok(());
    }
    Err(CommandError::Text(
        format!("ERR pattern is too long: it may have {most} bytes (max-pattern-length)").into(),
    ))
}

/// `UNSUBSCRIBE [channel [channel ...]]`
pub(crate) fn unsubscribe(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    Ok(unsubscribe_from(context, Namespace::Channel, args))
}

/// `PUNSUBSCRIBE [pattern [pattern ...]]`
pub(crate) fn punsubscribe(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    Ok(unsubscribe_from(context, Namespace::Pattern, args))
}

/// `SUNSUBSCRIBE [shardchannel [shardchannel ...]]`
pub(crate) fn sunsubscribe(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    Ok(unsubscribe_from(context, Namespace::Shard, args))
}

fn unsubscribe_from(context: &mut Context<'_>, kind: Namespace, args: &Args<'_>) -> Reply {
    context.settle_replies();
    let (registry, subscriber) = (&context.server.registry, context.subscriber());
    if args.len() == 1 {
        registry.unsubscribe_all(subscriber, kind);
    }
    for name in args.iter().skip(1) {
        registry.unsubscribe(subscriber, kind, name);
    }
    Reply::Sent
}

/// `PUBSUB CHANNELS [pattern]`
pub(crate) fn pubsub_channels(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    active(context, Namespace::Channel, args)
}

/// `PUBSUB SHARDCHANNELS [pattern]`
pub(crate) fn pubsub_shardchannels(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    active(context, Namespace::Shard, args)
}

fn active(context: &Context<'_>, kind: Namespace, args: &Args<'_>) -> Result {
    if args.len() > 3 {
        return Err(wrong_subcommand("PUBSUB", &args[1]));
    }
    if let Some(pattern) = args.get(2) {
        check_pattern(context.config, pattern)?;
    }
    let names = context.server.registry.active(kind, args.get(2));
    Ok(array(names.into_iter().map(bulk)))
}

/// `PUBSUB NUMSUB [channel [channel ...]]`: flat, in RESP3 too.
pub(crate) fn pubsub_numsub(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    Ok(subscriber_counts(context, Namespace::Channel, args))
}

/// `PUBSUB SHARDNUMSUB [shardchannel [shardchannel ...]]`
pub(crate) fn pubsub_shardnumsub(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    Ok(subscriber_counts(context, Namespace::Shard, args))
}

fn subscriber_counts(context: &Context<'_>, kind: Namespace, args: &Args<'_>) -> Reply {
    let registry = &context.server.registry;
    let counts = args.iter().skip(2).flat_map(|name| {
        let count = registry.subscribers(kind, name);
        [bulk(name.to_vec()), integer(count as i64)]
    });
    array(counts)
}

/// `PUBSUB NUMPAT`: distinct patterns, whatever the number of clients.
pub(crate) fn pubsub_numpat(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(Reply::Integer(
        context.server.registry.pattern_count() as i64
    ))
}

/// `PUBSUB HELP`
pub(crate) fn pubsub_help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help(
        "PUBSUB",
        &[
            "CHANNELS [pattern]",
            "    Channels that have subscribers: those that match the pattern, or all.",
            "NUMPAT",
            "    How many different patterns have subscribers.",
            "NUMSUB [channel ...]",
            "    How many subscribers each of these channels has. Patterns don't count.",
            "SHARDCHANNELS [pattern]",
            "    As CHANNELS, for shard channels.",
            "SHARDNUMSUB [shardchannel ...]",
            "    As NUMSUB, for shard channels.",
        ],
    ))
}

/// The reply of a HELP subcommand: what it lists, its lines, and HELP itself. Lines that explain are
/// indented, as in Redis; the words are fanfare's.
pub(crate) fn help(container: &'static str, lines: &[&'static str]) -> Reply {
    let closing = ["HELP", "    Show this list."];
    let opening = status(format!("{container} has these subcommands:"));
    let lines = lines.iter().copied().chain(closing).map(status);
    array(std::iter::once(opening).chain(lines))
}

/// What Redis answers to a subcommand that it knows with arguments that it does not.
pub(crate) fn wrong_subcommand(container: &'static str, given: &[u8]) -> CommandError {
    CommandError::Quoting {
        before: "ERR unknown subcommand or wrong number of arguments for '",
        quoted: given[..given.len().min(128)].to_vec(),
        after: format!("'. Try {container} HELP.").into(),
    }
}
