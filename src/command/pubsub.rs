//! SUBSCRIBE and its kin, PUBLISH and SPUBLISH, PUBSUB.

use std::collections::HashSet;
use std::time::Duration;

use bytes::BytesMut;

use super::{Args, Context, ReplyMode, access};
use crate::catalog::Command;
use crate::client::Namespace;
use crate::config::Config;
use crate::hash::HashState;
use crate::observe::batch_stats::BatchStats;
use crate::pubsub::fanout::Fanout;
use crate::pubsub::message::{Messages, Payload};
use crate::pubsub::registry::{ChannelOrder, Registry};
use crate::resp::error::CommandError;
use crate::resp::frame::{array, bulk, integer, status};
use crate::resp::reply::{Reply, put_integer};

type Result = std::result::Result<Reply, CommandError>;

/// `PUBLISH channel message`
pub(crate) fn publish(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    Ok(fan_out(context, Namespace::Channel, args))
}

/// `SPUBLISH shardchannel message`
pub(crate) fn spublish(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    Ok(fan_out(context, Namespace::Shard, args))
}

fn fan_out(context: &mut Context<'_>, kind: Namespace, args: &Args<'_>) -> Reply {
    let channel = &args[1];
    let payload = args
        .large(2)
        .map_or(Payload::Bytes(&args[2]), Payload::Large);
    // One that may be its own subscriber gets the reply first, and then the message, in the order
    // that everybody sees. EXEC does the same for all of its commands.
    let holds = context.client.is_subscriber() && !context.in_exec;
    // SLOWLOG is to show each as it came, and a monitor what it sent itself after the reply.
    let one_by_one = context.config.slowlog_log_slower_than == 0 || context.client.is_monitor();
    if !holds && !one_by_one && !context.in_exec && context.session.replies == ReplyMode::On {
        context.fanout.messages.add(kind, channel, payload);
        return Reply::Sent;
    }
    if holds {
        context.client.outbox.hold_messages();
    }
    let (registry, order) = (&context.server.registry, &context.order);
    let receivers = registry.publish(kind, channel, payload, order, context.fanout);
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

/// Whether a command that was admitted adds to the run of messages that is being gathered.
pub(crate) fn continues_run(messages: &Messages, command: &Command, args: &Args<'_>) -> bool {
    command
        .publishes
        .is_some_and(|kind| messages.take_in(kind, &args[1], &args[2]))
}

/// Publishes the messages that were gathered, and answers for each. The caller forgets them. Returns
/// how long each took.
pub(crate) fn finish_run(
    registry: &Registry,
    fanout: &mut Fanout,
    replies: &mut BytesMut,
    batch_stats: &mut BatchStats,
) -> Duration {
    batch_stats.published += fanout.messages.len() as u64;
    registry.publish_run(&ChannelOrder::default(), fanout, |receivers| {
        batch_stats.delivered += receivers as u64;
        put_integer(replies, b':', receivers as i64);
    });
    batch_stats.lap()
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
    if context.in_exec {
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
    Ok(array(names.into_iter().map(bulk)).into())
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
    array(counts).into()
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
        "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        &[
            "CHANNELS [<pattern>]",
            "    Return the currently active channels matching a <pattern> (default: '*').",
            "NUMPAT",
            "    Return number of subscriptions to patterns.",
            "NUMSUB [<channel> ...]",
            "    Return the number of subscribers for the specified channels, excluding",
            "    pattern subscriptions(default: no channels).",
            "SHARDCHANNELS [<pattern>]",
            "    Return the currently active shard level channels matching a <pattern> (default: '*').",
            "SHARDNUMSUB [<shardchannel> ...]",
            "    Return the number of subscribers for the specified shard level channel(s)",
        ],
    ))
}

/// The reply of a HELP subcommand: what it is called by, its lines, and HELP itself.
pub(crate) fn help(usage: &'static str, lines: &[&'static str]) -> Reply {
    let closing = ["HELP", "    Prints this help."];
    let all = std::iter::once(usage)
        .chain(lines.iter().copied())
        .chain(closing);
    array(all.map(status)).into()
}

/// What Redis answers to a subcommand that it knows with arguments that it does not.
pub(crate) fn wrong_subcommand(container: &'static str, given: &[u8]) -> CommandError {
    CommandError::Quoting {
        before: "ERR unknown subcommand or wrong number of arguments for '",
        quoted: given[..given.len().min(128)].to_vec(),
        after: format!("'. Try {container} HELP.").into(),
    }
}
