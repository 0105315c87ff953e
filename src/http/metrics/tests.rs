use std::collections::BTreeMap;

use super::*;
use crate::acl::Acl;
use crate::config::{Config, OverflowPolicy};
use crate::pubsub::counts::{Kind, PublishCounts};
use crate::state::placement::Placement;
use crate::state::tls::Tls;

fn server() -> Arc<ServerState> {
    let config = Config::default();
    let acl = Acl::at_start(&config).expect("an ACL without a file");
    let placement = Placement::default();
    let state = ServerState::new(config, acl, Tls::default(), None, None, placement);
    Arc::new(state)
}

/// The series with their values.
fn series(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.map(|line| {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        (series, value.parse().expect("a number"))
    });
    pairs.collect()
}

#[test]
fn every_series_belongs_to_a_family_that_is_described_once() {
    let state = server();
    let text = text(&state, None);
    let mut families = BTreeMap::new();
    let mut family = "";
    for line in text.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            let (name, help) = described.split_once(' ').expect("a help text");
            assert!(!help.trim().is_empty(), "{name}");
            family = name;
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, kind) = typed.split_once(' ').expect("a type");
            assert_eq!(name, family);
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
            assert!(families.insert(name, kind).is_none(), "{name} twice");
        } else {
            let suffix = line.strip_prefix(family).expect("a series of the family");
            let histogram = families[family] == "histogram";
            assert_eq!(histogram, suffix.starts_with('_'), "{line}");
        }
    }
    assert!(families.len() > 60, "{}", families.len());
}

#[test]
fn histograms_are_cumulative_and_their_sums_agree_with_the_counters() {
    let state = server();
    let mut counts = PublishCounts::default();
    for receivers in [0, 1, 1, 3, 70_000] {
        counts.add(Kind::Channel, receivers);
    }
    counts.add(Kind::Shard, 2);
    state.stats.messages.take(&mut counts);
    let text = text(&state, None);
    let series = series(&text);
    let bucket =
        |le| series[&*format!("fanfare_fanout_receivers_bucket{{kind=\"channel\",le=\"{le}\"}}")];
    assert_eq!(
        ["0", "1", "2", "4", "65536", "+Inf"].map(bucket),
        [1.0, 3.0, 3.0, 4.0, 4.0, 5.0]
    );
    for (name, value) in [
        ("fanfare_fanout_receivers_sum{kind=\"channel\"}", 70_005.0),
        ("fanfare_fanout_receivers_count{kind=\"channel\"}", 5.0),
        ("fanfare_messages_published_total{kind=\"channel\"}", 5.0),
        ("fanfare_messages_published_total{kind=\"shard\"}", 1.0),
        (
            "fanfare_messages_published_total{kind=\"notification\"}",
            0.0,
        ),
        (
            "fanfare_messages_delivered_total{kind=\"channel\"}",
            70_005.0,
        ),
        ("fanfare_messages_unreceived_total{kind=\"channel\"}", 1.0),
        (
            "fanfare_messages_dropped_total{policy=\"drop-oldest\"}",
            0.0,
        ),
        (
            "fanfare_messages_dropped_bytes_total{policy=\"drop-newest\"}",
            0.0,
        ),
        ("fanfare_delivery_seconds_bucket{le=\"1e-06\"}", 0.0),
        ("fanfare_delivery_seconds_count", 0.0),
        ("redis_up", 1.0),
        ("redis_db_keys{db=\"db0\"}", 0.0),
        ("redis_db_keys{db=\"db15\"}", 0.0),
        ("redis_memory_max_bytes", 0.0),
    ] {
        assert_eq!(series.get(name), Some(&value), "{name}");
    }
    assert_eq!(OverflowPolicy::DropOldest.name(), "drop-oldest");
}

#[test]
fn only_commands_that_were_called_have_series_and_labels_are_escaped() {
    let state = server();
    let calls = |text: &str| text.matches("\nredis_commands_total{").count();
    assert_eq!(calls(&text(&state, None)), 0);
    let ping = crate::catalog::CATALOG.find(b"ping").expect("a command");
    let stats = &state.stats.by_command[usize::from(ping.id)];
    stats.calls.store(3, std::sync::atomic::Ordering::Relaxed);
    state.stats.count_errors("A\"B\\C\nD", 7);
    let text = text(&state, None);
    assert_eq!(calls(&text), 1);
    assert!(text.contains("\nredis_commands_total{cmd=\"ping\"} 3\n"));
    assert!(text.contains("\nredis_errors_total{err=\"A\\\"B\\\\C\\nD\"} 7\n"));
}
