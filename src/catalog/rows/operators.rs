//! Rows: what operators watch a server with: MONITOR, SLOWLOG, LATENCY.

use crate::catalog::spec::Flag::{Admin, Loading, NoScript, Stale};
use crate::catalog::spec::{Arg, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("monitor", 1)
        .flags(&[Admin, NoScript, Loading, Stale])
        .origin("server", "1.0.0")
        .summary("Listen for all requests received by the server in real time"),
    Spec::container("slowlog", SLOWLOG)
        .origin("server", "2.2.12")
        .summary("A container for slow log commands")
        .complexity("Depends on subcommand."),
    Spec::container("latency", LATENCY)
        .origin("server", "2.8.13")
        .summary("A container for latency diagnostics commands")
        .complexity("Depends on subcommand."),
];

/// SLOWLOG's subcommands.
const SLOWLOG: &[Spec] = &[
    Spec::new("get", -2)
        .flags(&[Admin, Loading, Stale])
        .tips(&["request_policy:all_nodes", "nondeterministic_output"])
        .origin("server", "2.2.12")
        .summary("Get the slow log's entries")
        .complexity("O(N) where N is the number of entries returned")
        .history(&[(
            "4.0.0",
            "Added client IP address, port and name to the reply.",
        )])
        .arguments(&[Arg::integer("count").optional()]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .origin("server", "6.2.0")
        .summary("Show helpful text about the different subcommands")
        .complexity("O(1)"),
    Spec::new("len", 2)
        .flags(&[Admin, Loading, Stale])
        .tips(&[
            "request_policy:all_nodes",
            "response_policy:agg_sum",
            "nondeterministic_output",
        ])
        .origin("server", "2.2.12")
        .summary("Get the slow log's length")
        .complexity("O(1)"),
    Spec::new("reset", 2)
        .flags(&[Admin, Loading, Stale])
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
const LATENCY: &[Spec] = &[
    Spec::new("doctor", 2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .tips(TIPS)
        .origin("server", "2.8.13")
        .summary("Return a human readable latency analysis report.")
        .complexity("O(1)"),
    Spec::new("graph", 3)
        .flags(&[Admin, NoScript, Loading, Stale])
        .tips(TIPS)
        .origin("server", "2.8.13")
        .summary("Return a latency graph for the event.")
        .complexity("O(1)")
        .arguments(&[Arg::string("event")]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .origin("server", "2.8.13")
        .summary("Show helpful text about the different subcommands.")
        .complexity("O(1)"),
    Spec::new("histogram", -2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .tips(TIPS)
        .origin("server", "7.0.0")
        .summary("Return the cumulative distribution of latencies of a subset of commands or all.")
        .complexity(
            "O(N) where N is the number of commands with latency information being retrieved.",
        )
        .arguments(&[Arg::string("command").optional().multiple()]),
    Spec::new("history", 3)
        .flags(&[Admin, NoScript, Loading, Stale])
        .tips(TIPS)
        .origin("server", "2.8.13")
        .summary("Return timestamp-latency samples for the event.")
        .complexity("O(1)")
        .arguments(&[Arg::string("event")]),
    Spec::new("latest", 2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .tips(TIPS)
        .origin("server", "2.8.13")
        .summary("Return the latest latency samples for all events.")
        .complexity("O(1)"),
    Spec::new("reset", -2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .origin("server", "2.8.13")
        .summary("Reset latency data for one or more events.")
        .complexity("O(1)")
        .arguments(&[Arg::string("event").optional().multiple()]),
];
