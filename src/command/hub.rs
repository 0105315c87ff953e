//! What commands do behind an upstream: PUBLISH, SUBSCRIBE and PUBSUB, which then wait for the hub. No
//! script calls them: there are no keys, and so nothing runs scripts.
//!
//! Layer `command`. It may use `state` and what lies below. The other side is in
//! [`upstream`](crate::upstream).
//!
//! Consecutive publishes of a batch are gathered in a run, whatever their channels. Before any other
//! command, and at the end of the batch, the run is handed over, and the connection executes nothing
//! until it is answered. Replies that come about meanwhile become part of the run, so that they keep
//! their places. While a run is on the way, the client's own messages are held back: a client that
//! publishes to itself gets the reply first.

use bytes::Bytes;

use super::{Args, Context, Execution, Next};
use crate::catalog::CATALOG;
use crate::client::Namespace;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::upstream::{Answered, LOOP, PROBES, Query, Upstream};

type Result = std::result::Result<Reply, CommandError>;

/// The hub's answer would come too late for the reply that it is to be a part of.
const NOT_ALONE: CommandError =
    CommandError::text("ERR this command isn't allowed in a transaction behind an upstream");

/// A client wants to hear this server's probes.
const OWN_PROBE: CommandError =
    CommandError::text("ERR this channel is for the server's own probes of its upstream");

/// PUBLISH and SPUBLISH.
pub(super) fn publish(
    context: &mut Context<'_>,
    upstream: &Upstream,
    namespace: Namespace,
    args: &Args<'_>,
) -> Result {
    if args[1] == upstream.probe {
        return Err(CommandError::text(LOOP));
    }
    // What was answered so far comes before this reply.
    context.settle_replies();
    let wants_reply = context.session.replies.wants_reply();
    let run = context.session.hub_run.get_or_insert_default();
    run.publish(namespace, &args[1], &args[2], wants_reply);
    if matches!(context.execution, Execution::InExec { .. }) {
        run.make_transaction();
    }
    Ok(Reply::Sent)
}

/// Whether the next request has to wait until the run before it is answered. A publish that fits
/// joins the run instead.
pub(super) fn must_wait(context: &Context<'_>, args: &Args<'_>) -> bool {
    let Some(run) = &context.session.hub_run else {
        return false;
    };
    let publishes = CATALOG
        .resolve(args)
        .is_ok_and(|command| command.spec.publishes.is_some());
    !publishes || !run.takes_more()
}

/// Hands the run over, if there is one. Returns whether the client waits for the hub.
pub(crate) fn hand_over(context: &mut Context<'_>) -> bool {
    if let (Some(_), Some(upstream)) = (&context.session.hub_run, &context.server.upstream) {
        context.settle_replies();
        if let Some(run) = context.session.hub_run.take() {
            if context.client.is_subscriber() {
                context.client.outbox.hold_messages();
            }
            let limit = context.config.upstream_output_limit;
            context.session.hub_answer = Some(upstream.publish(*run, limit));
        }
    }
    context.session.hub_answer.is_some()
}

/// SUBSCRIBE, PSUBSCRIBE and SSUBSCRIBE, once they are permitted.
pub(super) fn subscribe(
    context: &mut Context<'_>,
    upstream: &Upstream,
    namespace: Namespace,
    args: &Args<'_>,
) -> Result {
    if !context.execution.is_alone() {
        return Err(NOT_ALONE);
    }
    // Unsubscribing from it would end the connection to the hub.
    if namespace == Namespace::Channel && args.iter().skip(1).any(|name| name == upstream.probe) {
        return Err(OWN_PROBE);
    }
    // Each edge subscribes to the channel of its probes first.
    if namespace == Namespace::Channel && args.iter().skip(1).any(|name| name.starts_with(PROBES)) {
        context.client.set_edge();
    }
    context.settle_replies();
    let names = args.iter().skip(1).map(Bytes::copy_from_slice).collect();
    let answer = upstream.subscribe(
        &context.server.registry,
        context.subscriber(),
        namespace,
        names,
        (
            context.config.upstream_timeout,
            context.config.upstream_output_limit,
        ),
    );
    Ok(wait_for(context, answer))
}

/// PUBSUB CHANNELS, NUMSUB and NUMPAT, and the forms for shard channels.
pub(super) fn ask(context: &mut Context<'_>, upstream: &Upstream, query: Query) -> Result {
    if !context.execution.is_alone() {
        return Err(NOT_ALONE);
    }
    context.settle_replies();
    let answer = upstream.ask(query, context.config.upstream_output_limit);
    Ok(wait_for(context, Some(answer)))
}

fn wait_for(context: &mut Context<'_>, answer: Option<Answered>) -> Reply {
    if answer.is_some() {
        context.session.hub_answer = answer;
        context.session.then(Next::AwaitHub);
    }
    Reply::Sent
}
