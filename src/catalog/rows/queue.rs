//! Rows: QUEUE, with which operators look at lists as queues and at groups of streams. They are
//! fanfare's own.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{Loading, NoScript, ReadOnly, Stale};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[Spec::container("queue", QUEUE)
    .origin("generic", "7.2.0")
    .summary("Look at queues: their length, what flows through them, and who waits")
    .complexity("Depends on the subcommand")];

/// QUEUE's subcommands.
const QUEUE: &[Spec] = &[
    Spec::new("groups", -2)
        .flags(&[ReadOnly, NoScript])
        .categories(&[Category::Keyspace, Category::Stream, Category::Dangerous])
        .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
        .origin("generic", "7.2.0")
        .summary("Show the groups of streams with the most pending and unread entries")
        .complexity("O(N) for N keys and groups")
        .arguments(&[Arg::integer("limit").token("LIMIT").optional()]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .origin("generic", "7.2.0")
        .summary("List the subcommands and what they do")
        .complexity("O(1)"),
    Spec::new("info", 3)
        .flags(&[ReadOnly])
        .categories(&[Category::Keyspace, Category::List])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(2, &["RO"])])
        .origin("generic", "7.2.0")
        .summary("Show a list's length, what was pushed and popped, who waits, and its oldest element's age")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("list", -2)
        .flags(&[ReadOnly, NoScript])
        .categories(&[Category::Keyspace, Category::List, Category::Dangerous])
        .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
        .origin("generic", "7.2.0")
        .summary("Show the longest lists of all databases as queues")
        .complexity("O(N) for N keys")
        .arguments(&[Arg::integer("limit").token("LIMIT").optional()]),
];
