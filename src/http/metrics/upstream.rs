//! Figures of an edge: its connection to the hub. A server without an upstream has none of them.
//!
//! Layer `http`. It may use `state` and what lies below.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

use super::page::Page;
use crate::client::Namespace;
use crate::state::ServerState;

/// Writes them.
pub(super) fn write(page: &mut Page<'_>, state: &ServerState) -> fmt::Result {
    let Some(upstream) = &state.upstream else {
        return Ok(());
    };
    let stats = &upstream.stats;
    page.gauge(
        "fanfare_upstream_up",
        "Whether the upstream is connected",
        u64::from(stats.is_up.load(Relaxed)),
    )?;
    let (names, unanswered, waiting) = upstream.with_desk(|desk| {
        let names = [
            ("channel", desk.names(Namespace::Channel)),
            ("pattern", desk.names(Namespace::Pattern)),
            ("shard", desk.names(Namespace::Shard)),
        ];
        (names, desk.unanswered(), desk.waiting())
    });
    page.gauges(
        "fanfare_upstream_subscriptions",
        "Names that the upstream was asked for",
        "kind",
        names.map(|(kind, count)| (kind, count as u64)),
    )?;
    page.gauge(
        "fanfare_upstream_unanswered_bytes",
        "Bytes of memory that wait for the upstream's answers",
        unanswered as u64,
    )?;
    page.gauge(
        "fanfare_upstream_waiting_clients",
        "Clients that wait for a subscription to be confirmed",
        waiting as u64,
    )?;
    page.gauge(
        "fanfare_upstream_round_trip_seconds",
        "Time from the last probe to its reply",
        stats.round_trip_micros.get() as f64 / 1e6,
    )?;
    for (name, help, figure) in [
        (
            "fanfare_upstream_connects",
            "Connections to the upstream that were established",
            &stats.connects,
        ),
        (
            "fanfare_upstream_refusals",
            "Connections to the upstream that could not be established",
            &stats.refusals,
        ),
        (
            "fanfare_upstream_received_messages",
            "Messages that came from the upstream",
            &stats.received,
        ),
        (
            "fanfare_upstream_unwanted_messages",
            "Messages from the upstream that had no subscriber any more",
            &stats.unwanted,
        ),
        (
            "fanfare_upstream_publish_failures",
            "Publishes that were answered NOUPSTREAM",
            &stats.publish_failures,
        ),
    ] {
        page.counter(name, help, figure.get())?;
    }
    page.counters(
        "fanfare_upstream_losses",
        "Connections to the upstream that were lost",
        "reason",
        stats.losses(),
    )?;
    page.counter(
        "fanfare_upstream_gap_seconds",
        "Time without a connection to the upstream after one was lost",
        stats.gap().as_secs_f64(),
    )
}
