//! Figures that Redis does not have.
//!
//! Layer `http`. It may use `state` and what lies below.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

use super::page::{Histogram, Page};
use crate::client::Namespace;
use crate::client::outbox::DropTotals;
use crate::observe::delivery_times;
use crate::pubsub::counts::{self, Kind, PublishTotals};
use crate::state::{ServerState, VERSION};

/// Writes them.
pub(super) fn write(page: &mut Page<'_>, state: &ServerState) -> fmt::Result {
    page.info(
        "fanfare_build_info",
        "fanfare's version",
        &[("version", VERSION)],
    )?;
    messages(page, state)?;
    deliveries(page, state)?;
    waiting(page, state)?;
    failures(page, state)
}

fn messages(page: &mut Page<'_>, state: &ServerState) -> fmt::Result {
    let totals = &state.stats.messages;
    let by_kind = |figure: fn(&PublishTotals, Kind) -> u64| {
        Kind::ALL.map(|kind| (kind.name(), figure(totals, kind)))
    };
    page.counters(
        "fanfare_messages_published",
        "Messages published",
        "kind",
        by_kind(PublishTotals::published),
    )?;
    page.counters(
        "fanfare_messages_delivered",
        "Messages appended to subscribers' outboxes, each as often as it had receivers",
        "kind",
        by_kind(PublishTotals::delivered),
    )?;
    page.counters(
        "fanfare_messages_unreceived",
        "Messages published to nobody",
        "kind",
        by_kind(PublishTotals::unreceived),
    )?;
    let dropped = DropTotals::POLICIES.map(|policy| (policy, state.stats.dropped.by(policy)));
    page.counters(
        "fanfare_messages_dropped",
        "Messages that pubsub-overflow-policy has dropped for slow subscribers",
        "policy",
        dropped.map(|(policy, dropped)| (policy.name(), dropped.messages)),
    )?;
    page.counters(
        "fanfare_messages_dropped_bytes",
        "Bytes of the messages that pubsub-overflow-policy has dropped",
        "policy",
        dropped.map(|(policy, dropped)| (policy.name(), dropped.bytes)),
    )
}

fn deliveries(page: &mut Page<'_>, state: &ServerState) -> fmt::Result {
    let totals = &state.stats.messages;
    page.histograms(
        "fanfare_fanout_receivers",
        "Receivers of a message",
        "kind",
        Kind::ALL.map(|kind| {
            let bounds = counts::bounds().map(|bound| bound as f64);
            let sum = totals.delivered(kind) as f64;
            let histogram = Histogram::new(bounds, &totals.by_receivers(kind), sum);
            (kind.name(), histogram)
        }),
    )?;
    let (times, sum) = state.stats.deliveries.figures();
    let bounds = delivery_times::bounds().map(|bound| bound.as_secs_f64());
    page.histogram(
        "fanfare_delivery_seconds",
        "Time from PUBLISH until the kernel had the message, of one message of each write to a \
         subscriber: the one that had waited longest",
        &Histogram::new(bounds, &times, sum.as_secs_f64()),
    )
}

fn waiting(page: &mut Page<'_>, state: &ServerState) -> fmt::Result {
    let figures = state.client_figures();
    page.gauge(
        "fanfare_outbox_bytes",
        "Bytes in all outboxes, which wait to be written to their clients",
        figures.outbox_bytes,
    )?;
    page.gauge(
        "fanfare_outbox_max_bytes",
        "Bytes in the largest outbox",
        figures.outbox_max_bytes,
    )?;
    page.gauge(
        "fanfare_lagging_clients",
        "Clients whose socket is full, so that bytes wait until they read",
        figures.lagging,
    )?;
    page.gauge(
        "fanfare_shared_backlog_bytes",
        "Bytes of messages that slow subscribers share one copy of",
        state.registry.backlog_bytes(),
    )?;
    page.gauge(
        "fanfare_pubsub_shard_channels",
        "Shard channels that have subscribers",
        state.registry.active_count(Namespace::Shard),
    )
}

fn failures(page: &mut Page<'_>, state: &ServerState) -> fmt::Result {
    let stats = &state.stats;
    page.counters(
        "fanfare_clients_over_limit",
        "Clients closed because of a limit",
        "limit",
        [
            (
                "client-output-buffer-limit",
                &stats.output_limit_disconnections,
            ),
            (
                "client-query-buffer-limit",
                &stats.query_limit_disconnections,
            ),
            ("maxmemory-clients", &stats.evicted_clients),
        ]
        .map(|(limit, counter)| (limit, counter.load(Relaxed))),
    )?;
    page.counters(
        "fanfare_panics",
        "Bugs that ended a client's connection, or a task of the server, which was started again",
        "task",
        [
            ("connection", &stats.connection_panics),
            ("server", &stats.task_panics),
        ]
        .map(|(task, counter)| (task, counter.load(Relaxed))),
    )?;
    page.counter(
        "fanfare_tls_handshake_failures",
        "Connections that ended before their TLS handshake was complete",
        stats.tls_handshake_failures.load(Relaxed),
    )?;
    page.counter(
        "fanfare_accept_failures",
        "Connections that could not be accepted at once, for want of open files",
        stats.accept_failures.load(Relaxed),
    )
}
