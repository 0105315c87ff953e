//! Rows: what operators watch a server with: MONITOR, SLOWLOG, LATENCY.

use crate::command::spec::Flag::{Admin, Loading, NoScript, Stale};
use crate::command::spec::{Arg, Command};
use crate::command::{latency, operators, slowlog};

/// The rows of this group.
pub(super) const ROWS: &[Command] = &[
    Command::new("monitor", 1, operators::monitor)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&["admin", "slow", "dangerous"])
        .origin("server", "1.0.0")
        .summary("Listen for all requests received by the server in real time"),
    Command::container("slowlog", SLOWLOG)
        .origin("server", "2.2.12")
        .summary("A container for slow log commands")
        .complexity("Depends on subcommand."),
    Command::container("latency", LATENCY)
        .origin("server", "2.8.13")
        .summary("A container for latency diagnostics commands")
        .complexity("Depends on subcommand."),
];

/// SLOWLOG's subcommands.
const SLOWLOG: &[Command] = &[
    Command::new("get", -2, slowlog::get)
        .flags(&[Admin, Loading, Stale])
        .categories(&["admin", "slow", "dangerous"])
        .tips(&["request_policy:all_nodes", "nondeterministic_output"])
        .origin("server", "2.2.12")
        .summary("Get the slow log's entries")
        .complexity("O(N) where N is the number of entries returned")
        .history(&[(
            "4.0.0",
            "Added client IP address, port and name to the reply.",
        )])
        .arguments(&[Arg::integer("count").optional()]),
    Command::new("help", 2, slowlog::help)
        .flags(&[Loading, Stale])
        .categories(&["slow"])
        .origin("server", "6.2.0")
        .summary("Show helpful text about the different subcommands")
        .complexity("O(1)"),
    Command::new("len", 2, slowlog::len)
        .flags(&[Admin, Loading, Stale])
        .categories(&["admin", "slow", "dangerous"])
        .tips(&[
            "request_policy:all_nodes",
            "response_policy:agg_sum",
            "nondeterministic_output",
        ])
        .origin("server", "2.2.12")
        .summary("Get the slow log's length")
        .complexity("O(1)"),
    Command::new("reset", 2, slowlog::reset)
        .flags(&[Admin, Loading, Stale])
        .categories(&["admin", "slow", "dangerous"])
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .origin("server", "2.2.12")
        .summary("Clear all entries from the slow log")
        .complexity("O(N) where N is the number of entries in the slowlog"),
];

/// Of what LATENCY tells.
const TIPS: &[&str] = &[
    "nondeterministic_output",
    "request_policy:all_nodes",
    "response_policy:special",
];

/// LATENCY's subcommands.
const LATENCY: &[Command] = &[
    Command::new("doctor", 2, latency::doctor)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&["admin", "slow", "dangerous"])
        .tips(TIPS)
        .origin("server", "2.8.13")
        .summary("Return a human readable latency analysis report.")
        .complexity("O(1)"),
    Command::new("graph", 3, latency::graph)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&["admin", "slow", "dangerous"])
        .tips(TIPS)
        .origin("server", "2.8.13")
        .summary("Return a latency graph for the event.")
        .complexity("O(1)")
        .arguments(&[Arg::string("event")]),
    Command::new("help", 2, latency::help)
        .flags(&[Loading, Stale])
        .categories(&["slow"])
        .origin("server", "2.8.13")
        .summary("Show helpful text about the different subcommands.")
        .complexity("O(1)"),
    Command::new("histogram", -2, latency::histogram)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&["admin", "slow", "dangerous"])
        .tips(TIPS)
        .origin("server", "7.0.0")
        .summary("Return the cumulative distribution of latencies of a subset of commands or all.")
        .complexity(
            "O(N) where N is the number of commands with latency information being retrieved.",
        )
        .arguments(&[Arg::string("command").optional().multiple()]),
    Command::new("history", 3, latency::history)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&["admin", "slow", "dangerous"])
        .tips(TIPS)
        .origin("server", "2.8.13")
        .summary("Return timestamp-latency samples for the event.")
        .complexity("O(1)")
        .arguments(&[Arg::string("event")]),
    Command::new("latest", 2, latency::latest)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&["admin", "slow", "dangerous"])
        .tips(TIPS)
        .origin("server", "2.8.13")
        .summary("Return the latest latency samples for all events.")
        .complexity("O(1)"),
    Command::new("reset", -2, latency::reset)
        .flags(&[Admin, NoScript, Loading, Stale])
        .categories(&["admin", "slow", "dangerous"])
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .origin("server", "2.8.13")
        .summary("Reset latency data for one or more events.")
        .complexity("O(1)")
        .arguments(&[Arg::string("event").optional().multiple()]),
];
