//! Rows: streams, the commands on groups and their consumers.
//!
//! Layer `catalog`. A table of constants.

use super::stream::{HALF, STREAMS, stream};
use crate::catalog::spec::Flag::{
    Blocking, Delivers, DenyOom, Fast, Loading, ReadOnly, Stale, Write,
};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::container("xgroup", XGROUP)
        .origin("stream", "5.0.0")
        .summary("Manage the groups of a stream and their consumers")
        .complexity("Depends on the subcommand."),
    stream("xreadgroup", -7, "5.0.0")
        .flags(&[Write, Blocking, Delivers])
        .keys(&[KeySpec::behind("STREAMS", 4, HALF, &["RO", "access"])])
        .summary("Get new entries for a consumer of a group, or wait for some, or get pending ones")
        .complexity("O(log(N)+M) for each stream: M entries of N.")
        .arguments(&[
            Arg::block(
                "group_consumer",
                &[Arg::string("group"), Arg::string("consumer")],
            )
            .token("GROUP"),
            Arg::integer("count").token("COUNT").optional(),
            Arg::integer("milliseconds").token("BLOCK").optional(),
            Arg::pure_token("noack", "NOACK").optional(),
            STREAMS,
        ]),
    stream("xack", -4, "5.0.0")
        .flags(&[Write, Fast])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .summary("Tell a group that entries are done with, so that they are no longer pending")
        .complexity("O(log(N)) for each id, of N pending entries.")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("group"),
            Arg::string("id").multiple(),
        ]),
    stream("xpending", -3, "5.0.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Show the pending entries of a group")
        .complexity("O(N) for N consumers, and for a range O(log(N)+M) for M entries of N.")
        .history(&[(
            "6.2.0",
            "`IDLE` came, and `start` and `end` may be exclusive.",
        )])
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("group"),
            Arg::block(
                "filters",
                &[
                    Arg::integer("min-idle-time")
                        .token("IDLE")
                        .since("6.2.0")
                        .optional(),
                    Arg::string("start"),
                    Arg::string("end"),
                    Arg::integer("count"),
                    Arg::string("consumer").optional(),
                ],
            )
            .optional(),
        ]),
    stream("xclaim", -6, "5.0.0")
        .flags(&[Write, Fast])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .summary("Give pending entries to a consumer by their ids")
        .complexity("O(log(N)) for each id, of N pending entries.")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("group"),
            Arg::string("consumer"),
            Arg::string("min-idle-time"),
            Arg::string("id").multiple(),
            Arg::integer("ms").token("IDLE").optional(),
            Arg::unix_time("unix-time-milliseconds")
                .token("TIME")
                .optional(),
            Arg::integer("count").token("RETRYCOUNT").optional(),
            Arg::pure_token("force", "FORCE").optional(),
            Arg::pure_token("justid", "JUSTID").optional(),
            Arg::string("id").token("LASTID").optional(),
        ]),
    stream("xautoclaim", -6, "6.2.0")
        .flags(&[Write, Fast])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .summary("Give entries to a consumer that have been pending for long")
        .complexity("O(log(N)+M) for M entries looked at, of N pending ones.")
        .history(&[(
            "7.0.0",
            "Shows the ids of entries that were deleted from the stream.",
        )])
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("group"),
            Arg::string("consumer"),
            Arg::string("min-idle-time"),
            Arg::string("start"),
            Arg::integer("count").token("COUNT").optional(),
            Arg::pure_token("justid", "JUSTID").optional(),
        ]),
];

/// The help of a container.
pub(super) const HELP: Spec = stream("help", 2, "5.0.0")
    .flags(&[Loading, Stale])
    .summary("List the subcommands")
    .complexity("O(1)");

/// The id after which a group begins.
const START: Arg = Arg::one_of("id", &[Arg::string("id"), Arg::pure_token("new_id", "$")]);

/// The counter of entries that a group has read.
const ENTRIES_READ: Arg = Arg::integer("entries_read").token("ENTRIESREAD").optional();

/// XGROUP's subcommands.
const XGROUP: &[Spec] = &[
    stream("create", -5, "5.0.0")
        .flags(&[Write, DenyOom])
        .keys(&[KeySpec::at(2, &["RW", "insert"])])
        .summary("Create a group")
        .complexity("O(1)")
        .history(&[("7.0.0", "`ENTRIESREAD` came.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("groupname"),
            START,
            Arg::pure_token("mkstream", "MKSTREAM").optional(),
            ENTRIES_READ,
        ]),
    stream("createconsumer", 5, "6.2.0")
        .flags(&[Write, DenyOom])
        .keys(&[KeySpec::at(2, &["RW", "insert"])])
        .summary("Create a consumer of a group")
        .complexity("O(log(N)) in a group of N consumers.")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("groupname"),
            Arg::string("consumername"),
        ]),
    stream("delconsumer", 5, "5.0.0")
        .flags(&[Write])
        .keys(&[KeySpec::at(2, &["RW", "delete"])])
        .summary("Delete a consumer, with the entries that are pending for it")
        .complexity("O(N) for N pending entries of the consumer.")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("groupname"),
            Arg::string("consumername"),
        ]),
    stream("destroy", 4, "5.0.0")
        .flags(&[Write])
        .keys(&[KeySpec::at(2, &["RW", "delete"])])
        .summary("Delete a group, with its consumers and pending entries")
        .complexity("O(N) for N pending entries of the group.")
        .arguments(&[Arg::key("key", 0), Arg::string("groupname")]),
    HELP,
    stream("setid", -5, "5.0.0")
        .flags(&[Write])
        .keys(&[KeySpec::at(2, &["RW", "update"])])
        .summary("Set the id after which a group goes on")
        .complexity("O(1)")
        .history(&[("7.0.0", "`ENTRIESREAD` came.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("groupname"),
            START,
            ENTRIES_READ,
        ]),
];
