//! INFO's fields about what was published, and what became of it.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::Report;
use crate::client::outbox::{DropTotals, Dropped};
use crate::observe::stats::Stats;
use crate::pubsub::counts::{Kind, PublishTotals};

/// Writes them.
pub(super) fn write(report: &mut Report, stats: &Stats) {
    let (messages, dropped) = (&stats.messages, &stats.dropped);
    let all = |figure: fn(&PublishTotals, Kind) -> u64| -> u64 {
        Kind::ALL.iter().map(|kind| figure(messages, *kind)).sum()
    };
    report.field("pubsub_messages_published", all(PublishTotals::published));
    report.field("pubsub_messages_delivered", all(PublishTotals::delivered));
    report.field("pubsub_messages_unreceived", all(PublishTotals::unreceived));
    for kind in Kind::ALL {
        report.field(
            format_args!("pubsub_messages_{}", kind.name()),
            format_args!(
                "published={},delivered={},unreceived={}",
                messages.published(kind),
                messages.delivered(kind),
                messages.unreceived(kind)
            ),
        );
    }
    let by_policy = DropTotals::POLICIES.map(|policy| (policy, dropped.by(policy)));
    let sum = |figure: fn(&Dropped) -> u64| -> u64 {
        by_policy.iter().map(|(_, dropped)| figure(dropped)).sum()
    };
    report.field("pubsub_dropped_messages", sum(|dropped| dropped.messages));
    report.field("pubsub_dropped_bytes", sum(|dropped| dropped.bytes));
    for (policy, dropped) in by_policy {
        report.field(
            format_args!("pubsub_dropped_{}", policy.name()),
            format_args!("messages={},bytes={}", dropped.messages, dropped.bytes),
        );
    }
    deliveries(report, stats);
}

/// How long messages took until the kernel had them, as the ends of the buckets that the
/// percentiles fall into. There is no field before the first message.
fn deliveries(report: &mut Report, stats: &Stats) {
    let Some(times) = stats.deliveries.percentiles([50.0, 99.0, 99.9]) else {
        return;
    };
    let [p50, p99, p999] = times.map(|time| match time {
        Some(most) => most.as_micros().to_string(),
        None => "inf".to_owned(),
    });
    report.field(
        "pubsub_delivery_usec",
        format_args!("p50={p50},p99={p99},p99.9={p999}"),
    );
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use crate::command::fixture::Fixture;
    use crate::command::info::report;
    use crate::config::Config;
    use crate::observe::delivery_times::Sent;

    fn shown(fixture: &Fixture) -> Vec<String> {
        let text = report(&fixture.server, &[b"stats"]);
        let lines = text.lines().filter(|line| {
            line.starts_with("pubsub_messages") || line.starts_with("pubsub_delivery")
        });
        lines.map(|line| line.replace("pubsub_", "")).collect()
    }

    #[tokio::test]
    async fn messages_are_shown_by_what_has_published_them() {
        let mut fixture = Fixture::new(Config::default());
        fixture.request(&["CONFIG", "SET", "notify-keyspace-events", "KA"]);
        fixture.config = Config::clone(&fixture.server.config());
        fixture.request(&["SUBSCRIBE", "c"]);
        for request in [
            ["PUBLISH", "c", "x"],
            ["PUBLISH", "d", "x"],
            ["SPUBLISH", "c", "x"],
            ["SET", "key", "x"],
        ] {
            fixture.client.set_protocol(crate::resp::Protocol::Resp3);
            fixture.request(&request);
        }
        fixture.end_batch();
        fixture.batch_stats.commit(&fixture.server.stats);
        let expected = [
            "messages_published:4",
            "messages_delivered:1",
            "messages_unreceived:3",
            "messages_channel:published=2,delivered=1,unreceived=1",
            "messages_shard:published=1,delivered=0,unreceived=1",
            "messages_notification:published=1,delivered=0,unreceived=1",
        ];
        assert_eq!(shown(&fixture), expected);

        let mut sent = Sent::default();
        sent.add(Instant::now() + std::time::Duration::from_secs(60));
        fixture.server.stats.deliveries.add(&sent);
        let last = "delivery_usec:p50=1,p99=1,p99.9=1";
        assert_eq!(shown(&fixture).last().map(String::as_str), Some(last));
        fixture.server.stats.reset();
        assert_eq!(
            shown(&fixture)[..3],
            [
                "messages_published:0",
                "messages_delivered:0",
                "messages_unreceived:0"
            ]
        );
        assert_eq!(shown(&fixture).len(), 6);
    }
}
