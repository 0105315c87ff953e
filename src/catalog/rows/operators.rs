//! Rows: MONITOR, SLOWLOG and LATENCY, with which operators watch a server.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::spec::Flag::{Admin, Loading, NoScript, Stale};
use crate::catalog::spec::{Arg, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("monitor", 1)
        .flags(&[Admin, NoScript, Loading, Stale])
        .origin("server", "1.0.0")
        .summary("Show every command as it is carried out"),
    Spec::container("slowlog", SLOWLOG)
        .origin("server", "2.2.12")
        .summary("Look at commands that took long")
        .complexity("Depends on the subcommand"),
    Spec::container("latency", LATENCY)
        .origin("server", "2.8.13")
        .summary("Look at what took long, and at how long commands take")
        .complexity("Depends on the subcommand"),
];

/// SLOWLOG's subcommands.
const SLOWLOG: &[Spec] = &[
    Spec::new("get", -2)
        .flags(&[Admin, Loading, Stale])
        .tips(&["request_policy:all_nodes", "nondeterministic_output"])
        .origin("server", "2.2.12")
        .summary("Show the latest entries of the slow log")
        .complexity("O(N) for N entries shown")
        .history(&[("4.0.0", "Shows the client's address and name.")])
        .arguments(&[Arg::integer("count").optional()]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .origin("server", "6.2.0")
        .summary("List the subcommands and what they do")
        .complexity("O(1)"),
    Spec::new("len", 2)
        .flags(&[Admin, Loading, Stale])
        .tips(&[
            "request_policy:all_nodes",
            "response_policy:agg_sum",
            "nondeterministic_output",
        ])
        .origin("server", "2.2.12")
        .summary("Count the entries of the slow log")
        .complexity("O(1)"),
    Spec::new("reset", 2)
        .flags(&[Admin, Loading, Stale])
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .origin("server", "2.2.12")
        .summary("Empty the slow log")
        .complexity("O(N) for N entries"),
];

/// The tips of LATENCY's subcommands.
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
        .summary("Explain the latency that was seen, and give advice")
        .complexity("O(1)"),
    Spec::new("graph", 3)
        .flags(&[Admin, NoScript, Loading, Stale])
        .tips(TIPS)
        .origin("server", "2.8.13")
        .summary("Draw an event's latency over time")
        .complexity("O(1)")
        .arguments(&[Arg::string("event")]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .origin("server", "2.8.13")
        .summary("List the subcommands and what they do")
        .complexity("O(1)"),
    Spec::new("histogram", -2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .tips(TIPS)
        .origin("server", "7.0.0")
        .summary("Show how many runs of each command took how long")
        .complexity("O(N) for N commands")
        .arguments(&[Arg::string("command").optional().multiple()]),
    Spec::new("history", 3)
        .flags(&[Admin, NoScript, Loading, Stale])
        .tips(TIPS)
        .origin("server", "2.8.13")
        .summary("Show an event's samples, each with its time")
        .complexity("O(1)")
        .arguments(&[Arg::string("event")]),
    Spec::new("latest", 2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .tips(TIPS)
        .origin("server", "2.8.13")
        .summary("Show the latest sample of each event")
        .complexity("O(1)"),
    Spec::new("reset", -2)
        .flags(&[Admin, NoScript, Loading, Stale])
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .origin("server", "2.8.13")
        .summary("Forget the samples of some or all events")
        .complexity("O(1)")
        .arguments(&[Arg::string("event").optional().multiple()]),
];
