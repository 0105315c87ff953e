//! Publishes consecutive PUBLISHes to one channel together.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! A pipelining publisher sends many messages to one channel in a row. To lock the channel and
//! every subscriber's outbox once per message would cost more than everything else. So a *run* of
//! such PUBLISHes is gathered first: each message is encoded behind the one before it. When the run
//! ends, it is appended to each outbox as a whole. Then every PUBLISH is answered, because only
//! then the numbers of receivers are known.
//!
//! **When a PUBLISH may be gathered.** No client may be able to tell it from one that runs at once.
//! [`may_gather`] ensures that; [`gather`], the only way into a run, asks it first:
//! - there is no upstream: with one, [`hub`](super::hub) gathers publishes;
//! - the command runs now: it is neither queued for EXEC nor held back by a pause;
//! - its reply and the next one are wanted, so that the replies of a run are simply the numbers of
//!   receivers;
//! - the client is no subscriber: it might get its own message, and the reply must come first;
//! - the client is no monitor: it gets the line about a command after the reply;
//! - SLOWLOG does not record every command: it records them in the order in which they were sent.
//!
//! **When a run ends.** Before any other command of the batch runs or is answered, and at the end
//! of the batch. [`finish`] publishes the run, writes the replies, counts the commands, and records
//! them if they were slow.
//!
//! A run that is dropped, because a later command has panicked, is neither published nor answered
//! nor counted.

use std::time::Duration;

use super::{Args, Context, ReplyMode, operators};
use crate::catalog::{CATALOG, Command};
use crate::client::Namespace;
use crate::observe::batch_stats::BatchStats;
use crate::pubsub::message::{Messages, Payload};
use crate::pubsub::registry::ChannelOrder;
use crate::resp::encode::put_integer;

/// The messages of a run. Between runs it is empty, and its buffers are reused.
#[derive(Debug, Default)]
pub(crate) struct PublishRun {
    messages: Messages,
    /// The id of the command of the run: PUBLISH or SPUBLISH.
    command: u16,
    /// The time spent on the run so far.
    time: Duration,
}

impl PublishRun {
    /// Adds a message. Returns `false` if it cannot be in one run with the others.
    fn try_add(
        &mut self,
        command: &Command,
        namespace: Namespace,
        args: &Args<'_>,
        stats: &mut BatchStats,
    ) -> bool {
        let (channel, payload) = (&args[1], &args[2]);
        if !self.messages.is_empty() && !self.messages.can_add(namespace, channel, payload) {
            return false;
        }
        self.messages.add(namespace, channel, Payload::of(args, 2));
        self.command = command.id;
        self.time += stats.lap();
        true
    }
}

/// Gathers a validated command if it is a PUBLISH that may be gathered. Returns whether it was:
/// then the dispatcher has nothing left to do for it.
pub(crate) fn gather(context: &mut Context<'_>, command: &Command, args: &Args<'_>) -> bool {
    let Some(namespace) = command.spec.publishes else {
        return false;
    };
    if !may_gather(context, command) {
        return false;
    }
    let stats = &mut *context.batch_stats;
    if !context.publish_run.try_add(command, namespace, args, stats) {
        finish(context);
        let stats = &mut *context.batch_stats;
        let added = context.publish_run.try_add(command, namespace, args, stats);
        debug_assert!(added, "an empty run takes any message");
    }
    true
}

/// Whether a PUBLISH of this client may be gathered. The module's head gives the reason for each
/// condition.
fn may_gather(context: &Context<'_>, command: &Command) -> bool {
    context.execution.is_alone()
        && context.server.upstream.is_none()
        && context.session.transaction.is_none()
        && context.session.replies == ReplyMode::On
        && context.config.slowlog_log_slower_than != 0
        && !context.client.is_subscriber()
        && !context.client.is_monitor()
        && operators::held_by_pause(context, command).is_none()
}

/// Ends the run, if there is one: publishes it, and answers and counts its commands.
#[inline]
pub(crate) fn finish(context: &mut Context<'_>) {
    if !context.publish_run.messages.is_empty() {
        publish(context);
    }
}

fn publish(context: &mut Context<'_>) {
    let PublishRun {
        messages,
        command,
        time,
    } = &mut *context.publish_run;
    let (replies, stats) = (context.replies.tail(), &mut *context.batch_stats);
    let pending = &mut context.fanout.pending;
    let registry = &context.server.registry;
    pending.set_time(stats.lap_began());
    let kind = messages.namespace().into();
    registry.publish_run(messages, ChannelOrder::NONE, pending, |receivers| {
        stats.messages.add(kind, receivers);
        put_integer(replies, b':', receivers as i64);
    });
    let time = std::mem::take(time) + stats.lap();
    let each = stats.command_runs(*command, messages.len(), time);
    if each >= stats.notable {
        note_slow(context, each);
    }
    context.publish_run.messages.clear();
}

/// Records every command of a run as one that took `each`.
#[cold]
fn note_slow(context: &Context<'_>, each: Duration) {
    let PublishRun {
        messages, command, ..
    } = &*context.publish_run;
    let Some(command) = CATALOG.by_id(*command) else {
        return;
    };
    let name = command.spec.name.to_ascii_uppercase();
    for payload in messages.payloads() {
        let shown = || vec![name.as_bytes(), messages.channel(), payload];
        operators::note_slow_args(context, command, shown, each);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::command::Next;
    use crate::command::fixture::Fixture;
    use crate::config::Config;
    use crate::observe::stats::Stats;
    use crate::pubsub::counts::Kind;
    use crate::resp::Protocol;

    fn fixture() -> Fixture {
        Fixture::new(Config::default())
    }

    /// Whether a PUBLISH is gathered. If so, it is answered when the batch ends.
    fn gathers(fixture: &mut Fixture) -> bool {
        fixture.request(&["PUBLISH", "c", "x"]);
        let gathered = !fixture.context().publish_run.messages.is_empty();
        if gathered {
            fixture.take_replies();
            fixture.end_batch();
            assert_eq!(fixture.take_replies(), ":0 ");
            assert!(fixture.context().publish_run.messages.is_empty());
        }
        gathered
    }

    #[tokio::test]
    async fn a_run_is_answered_when_it_ends() {
        let mut fixture = fixture();
        for payload in ["a", "b", "c"] {
            fixture.request(&["publish", "c", payload]);
        }
        assert_eq!(fixture.take_replies(), "");
        fixture.request(&["ECHO", "x"]);
        assert_eq!(fixture.take_replies(), ":0 :0 :0 $1 x ");
    }

    #[tokio::test]
    async fn another_channel_namespace_or_error_ends_a_run() {
        let mut fixture = fixture();
        fixture.request(&["PUBLISH", "one", "x"]);
        fixture.request(&["PUBLISH", "two", "x"]);
        assert_eq!(fixture.take_replies(), ":0 ");
        fixture.request(&["SPUBLISH", "two", "x"]);
        assert_eq!(fixture.take_replies(), ":0 ");
        fixture.request(&["SPUBLISH", "two"]);
        assert!(fixture.take_replies().starts_with(":0 -ERR wrong number"));
        fixture.request(&["PUBLISH", "two", "x"]);
        fixture.request(&["NONE"]);
        assert!(
            fixture
                .take_replies()
                .starts_with(":0 -ERR unknown command")
        );
    }

    #[tokio::test]
    async fn a_long_message_is_a_run_of_its_own() {
        let mut fixture = fixture();
        let long = "x".repeat(100_000);
        for payload in ["a", &long, &long, "b"] {
            fixture.request(&["PUBLISH", "c", payload]);
        }
        assert_eq!(fixture.take_replies(), ":0 :0 :0 ");
        fixture.end_batch();
        assert_eq!(fixture.take_replies(), ":0 ");
    }

    #[tokio::test]
    async fn only_a_plain_client_s_messages_are_gathered() {
        assert!(gathers(&mut fixture()));

        let mut subscriber = fixture();
        subscriber.client.set_protocol(Protocol::Resp3);
        subscriber.request(&["SUBSCRIBE", "other"]);
        assert!(!gathers(&mut subscriber));
        subscriber.request(&["UNSUBSCRIBE"]);
        assert!(gathers(&mut subscriber));

        let mut monitor = fixture();
        monitor.server.monitors.add(&monitor.client);
        let context = monitor.context();
        let publish = CATALOG.find(b"publish").unwrap();
        assert!(!may_gather(&context, publish));
    }

    #[tokio::test]
    async fn a_postponed_or_queued_message_is_not_gathered() {
        let mut transaction = fixture();
        transaction.request(&["MULTI"]);
        transaction.take_replies();
        transaction.request(&["PUBLISH", "c", "x"]);
        assert_eq!(transaction.take_replies(), "+QUEUED ");
        transaction.request(&["EXEC"]);
        assert!(gathers(&mut transaction));

        let mut paused = fixture();
        paused.request(&["CLIENT", "PAUSE", "60000", "WRITE"]);
        assert!(!gathers(&mut paused));
        assert!(matches!(paused.session.next, Next::Postpone(_)));
        paused.session.next = Next::Go;
        paused.request(&["CLIENT", "UNPAUSE"]);
        assert!(gathers(&mut paused));
    }

    #[tokio::test]
    async fn unanswered_messages_are_not_gathered() {
        for mode in ["OFF", "SKIP"] {
            let mut silent = fixture();
            silent.request(&["CLIENT", "REPLY", mode]);
            assert!(!gathers(&mut silent), "{mode}");
        }
    }

    #[tokio::test]
    async fn nothing_is_gathered_if_the_slow_log_records_every_command() {
        let config = Config {
            slowlog_log_slower_than: 0,
            ..Config::default()
        };
        assert!(!gathers(&mut Fixture::new(config)));
    }

    #[tokio::test]
    async fn a_run_is_counted_when_it_ends() {
        let mut fixture = fixture();
        fixture
            .batch_stats
            .begin(Instant::now(), true, Duration::MAX);
        let publish = CATALOG.find(b"publish").unwrap();
        let counted = |fixture: &mut Fixture| {
            let stats = Stats::new(CATALOG.ids());
            fixture.batch_stats.commit(&stats);
            let calls = &stats.by_command[usize::from(publish.id)].calls;
            let [calls, commands] = [calls, &stats.commands]
                .map(|counter| counter.load(std::sync::atomic::Ordering::Relaxed));
            [calls, commands, stats.messages.published(Kind::Channel)]
        };
        fixture.request(&["PUBLISH", "c", "a"]);
        fixture.request(&["PUBLISH", "c", "b"]);
        assert_eq!(counted(&mut fixture), [0, 0, 0]);
        fixture.end_batch();
        assert_eq!(counted(&mut fixture), [2, 2, 2]);
    }
}
