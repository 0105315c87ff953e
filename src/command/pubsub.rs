//! SUBSCRIBE, UNSUBSCRIBE, PUBLISH and their pattern and shard forms; PUBSUB.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::collections::HashSet;

use bytes::Bytes;

use super::{Args, Context, access, deferred, hub};
use crate::client::Namespace;
use crate::config::Config;
use crate::hash::HashState;
use crate::pubsub::message::Payload;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, integer, status};
use crate::upstream::Query;

type Result = std::result::Result<Reply, CommandError>;

/// `PUBLISH channel message`, if it was not gathered (see [`publish_run`](super::publish_run)).
pub(crate) fn publish(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    fan_out(context, Namespace::Channel, args)
}

/// `SPUBLISH shardchannel message`
pub(crate) fn spublish(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    fan_out(context, Namespace::Shard, args)
}

fn fan_out(context: &mut Context<'_>, namespace: Namespace, args: &Args<'_>) -> Result {
    let channel = &args[1];
    if let Some(upstream) = &context.server.upstream {
        return hub::publish(context, upstream, namespace, args);
    }
    if context.execution.is_in_script() {
        return Ok(deferred::defer(context, namespace, channel, &args[2]));
    }
    let payload = Payload::of(args, 2);
    // If the client is its own subscriber, it gets the reply before the message. EXEC does the same
    // for all of its commands.
    let holds = context.client.is_subscriber() && context.execution.is_alone();
    if holds {
        context.client.outbox.hold_messages();
    }
    let held = context.execution.channel_order();
    let registry = &context.server.registry;
    context.fanout.set_time(context.batch_stats.lap_began());
    let receivers = registry.publish(namespace, channel, payload, held, context.fanout);
    context
        .batch_stats
        .messages
        .add(namespace.into(), receivers);
    let reply = Reply::Integer(receivers as i64);
    if !holds {
        return Ok(reply);
    }
    context.reply(reply);
    context.settle_replies();
    context.client.outbox.release_messages();
    Ok(Reply::Sent)
}

/// `SUBSCRIBE channel [channel ...]`
pub(crate) fn subscribe(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    subscribe_to(context, Namespace::Channel, args)
}

/// `PSUBSCRIBE pattern [pattern ...]`
pub(crate) fn psubscribe(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    for pattern in args.iter().skip(1) {
        validate_pattern(context.config, pattern)?;
    }
    subscribe_to(context, Namespace::Pattern, args)
}

/// `SSUBSCRIBE shardchannel [shardchannel ...]`
pub(crate) fn ssubscribe(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    if !context.execution.is_alone() {
        // As in Redis, for shard channels only.
        return Err(CommandError::text(
            "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client",
        ));
    }
    subscribe_to(context, Namespace::Shard, args)
}

fn subscribe_to(context: &mut Context<'_>, namespace: Namespace, args: &Args<'_>) -> Result {
    permit_subscriptions(context, namespace, args)?;
    if let Some(upstream) = &context.server.upstream {
        return hub::subscribe(context, upstream, namespace, args);
    }
    context.settle_replies();
    let (registry, subscriber) = (&context.server.registry, context.subscriber());
    for name in args.iter().skip(1) {
        registry.subscribe(subscriber, namespace, name);
    }
    access::recheck_subscriptions(context);
    Ok(Reply::Sent)
}

/// Refuses subscriptions that would exceed `max-subscriptions-per-client`.
fn permit_subscriptions(
    context: &Context<'_>,
    namespace: Namespace,
    args: &Args<'_>,
) -> std::result::Result<(), CommandError> {
    let most = context.config.max_subscriptions_per_client as usize;
    if most == 0 {
        return Ok(());
    }
    let subscriptions = context.client.subscriptions.lock();
    let names = args.iter().skip(1);
    let new: HashSet<&[u8], HashState> = names
        .filter(|name| !subscriptions.contains(namespace, name))
        .collect();
    if new.is_empty() || subscriptions.total() + new.len() <= most {
        return Ok(());
    }
    Err(CommandError::Text(
        format!("ERR max number of subscriptions reached: a client may have {most}").into(),
    ))
}

/// Refuses a pattern that is longer than `max-pattern-length`.
pub(crate) fn validate_pattern(
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

fn unsubscribe_from(context: &mut Context<'_>, namespace: Namespace, args: &Args<'_>) -> Reply {
    context.settle_replies();
    let (registry, subscriber) = (&context.server.registry, context.subscriber());
    if args.len() == 1 {
        registry.unsubscribe_all(subscriber, namespace);
    }
    for name in args.iter().skip(1) {
        registry.unsubscribe(subscriber, namespace, name);
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

fn active(context: &mut Context<'_>, namespace: Namespace, args: &Args<'_>) -> Result {
    if args.len() > 3 {
        return Err(wrong_subcommand("PUBSUB", &args[1]));
    }
    if let Some(pattern) = args.get(2) {
        validate_pattern(context.config, pattern)?;
    }
    if let Some(upstream) = &context.server.upstream {
        let pattern = args.get(2).map(Bytes::copy_from_slice);
        return hub::ask(context, upstream, Query::Channels(namespace, pattern));
    }
    let names = context.server.registry.active(namespace, args.get(2));
    Ok(array(
        names.iter().map(|name| bulk(Bytes::copy_from_slice(name))),
    ))
}

/// `PUBSUB NUMSUB [channel [channel ...]]`: a flat array, in RESP3 too.
pub(crate) fn pubsub_numsub(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    subscriber_counts(context, Namespace::Channel, args)
}

/// `PUBSUB SHARDNUMSUB [shardchannel [shardchannel ...]]`
pub(crate) fn pubsub_shardnumsub(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    subscriber_counts(context, Namespace::Shard, args)
}

fn subscriber_counts(context: &mut Context<'_>, namespace: Namespace, args: &Args<'_>) -> Result {
    if let Some(upstream) = &context.server.upstream {
        let names = args.iter().skip(2).map(Bytes::copy_from_slice).collect();
        return hub::ask(context, upstream, Query::Counts(namespace, names));
    }
    let registry = &context.server.registry;
    let counts = args.iter().skip(2).flat_map(|name| {
        let count = registry.subscribers(namespace, name);
        [bulk(name.to_vec()), integer(count as i64)]
    });
    Ok(array(counts))
}

/// `PUBSUB NUMPAT`: the number of distinct patterns, not of subscriptions.
pub(crate) fn pubsub_numpat(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    if let Some(upstream) = &context.server.upstream {
        return hub::ask(context, upstream, Query::Patterns);
    }
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
            "RECEIVERS channel [LIMIT count]",
            "    Who would get a message to this channel, and by which pattern: 100 of them, or `count`.",
            "SHARDCHANNELS [pattern]",
            "    As CHANNELS, for shard channels.",
            "SHARDNUMSUB [shardchannel ...]",
            "    As NUMSUB, for shard channels.",
            "TOP [BY MESSAGES|BYTES|RECEIVERS] [WINDOW 10|60|600] [COUNT count]",
            "    The busiest channels of the last 10, 60 or 600 seconds: 10 of them, or `count`.",
        ],
    ))
}

/// The reply of a HELP subcommand: a heading, the lines, and HELP itself. As in Redis, lines that
/// explain a subcommand are indented.
pub(crate) fn help(container: &'static str, lines: &[&'static str]) -> Reply {
    let closing = ["HELP", "    Show this list."];
    let opening = status(format!("{container} has these subcommands:"));
    let lines = lines.iter().copied().chain(closing).map(status);
    array(std::iter::once(opening).chain(lines))
}

/// Redis's error for a known subcommand with wrong arguments.
pub(crate) fn wrong_subcommand(container: &'static str, given: &[u8]) -> CommandError {
    CommandError::Quoting {
        before: "ERR unknown subcommand or wrong number of arguments for '",
        quoted: given[..given.len().min(128)].to_vec(),
        after: format!("'. Try {container} HELP.").into(),
    }
}
