//! Rows: streams, the commands on entries. Those on groups are in `stream_groups`.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{Blocking, DenyOom, Fast, ReadOnly, Write};
use crate::catalog::spec::key::Find;
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// A command on streams.
pub(super) const fn stream(name: &'static str, arity: i16, since: &'static str) -> Spec {
    Spec::new(name, arity)
        .categories(&[Category::Stream])
        .origin("stream", since)
}

/// The first half of the arguments after STREAMS.
pub(super) const HALF: Find = Find::Range {
    last: -1,
    step: 1,
    limit: 2,
};

/// The keys of XREAD and XREADGROUP, and an id for each.
pub(super) const STREAMS: Arg = Arg::block(
    "streams",
    &[Arg::key("key", 0).multiple(), Arg::string("id").multiple()],
)
.token("STREAMS");

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    stream("xadd", -5, "5.0.0")
        .flags(&[Write, DenyOom, Fast])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RW", "update"])
            .notes("UPDATE instead of INSERT because of the optional trimming feature")])
        .summary("Add an entry at the end of a stream")
        .complexity("O(1) to add, and O(N) to trim N entries.")
        .history(&[
            ("6.2.0", "`NOMKSTREAM`, `MINID` and `LIMIT` came."),
            ("7.0.0", "An id may be `<ms>-*`."),
        ])
        .arguments(&[
            Arg::key("key", 0),
            Arg::pure_token("nomkstream", "NOMKSTREAM")
                .since("6.2.0")
                .optional(),
            Arg::block("trim", TRIM).optional(),
            Arg::one_of(
                "id_or_auto",
                &[Arg::pure_token("auto_id", "*"), Arg::string("id")],
            ),
            Arg::block("field_value", &[Arg::string("field"), Arg::string("value")]).multiple(),
        ]),
    stream("xlen", 2, "5.0.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO"])])
        .summary("Count the entries of a stream")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    stream("xrange", -4, "5.0.0")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Get the entries whose ids are in a range")
        .complexity("O(log(N)+M) for M entries of N.")
        .history(&[("6.2.0", "`start` and `end` may be exclusive.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("start"),
            Arg::string("end"),
            Arg::integer("count").token("COUNT").optional(),
        ]),
    stream("xrevrange", -4, "5.0.0")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Get the entries whose ids are in a range, the last one first")
        .complexity("O(log(N)+M) for M entries of N.")
        .history(&[("6.2.0", "`start` and `end` may be exclusive.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("end"),
            Arg::string("start"),
            Arg::integer("count").token("COUNT").optional(),
        ]),
    stream("xread", -4, "5.0.0")
        .flags(&[ReadOnly, Blocking])
        .keys(&[KeySpec::behind("STREAMS", 1, HALF, &["RO", "access"])])
        .summary("Get the entries of streams after given ids, or wait for some")
        .complexity("O(log(N)+M) for each stream: M entries of N.")
        .arguments(&[
            Arg::integer("count").token("COUNT").optional(),
            Arg::integer("milliseconds").token("BLOCK").optional(),
            STREAMS,
        ]),
    stream("xdel", -3, "5.0.0")
        .flags(&[Write, Fast])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .summary("Delete entries of a stream by their ids")
        .complexity("O(log(N)) for each id, in a stream of N entries.")
        .arguments(&[Arg::key("key", 0), Arg::string("id").multiple()]),
    stream("xtrim", -4, "5.0.0")
        .flags(&[Write])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .summary("Delete the oldest entries of a stream")
        .complexity("O(N) for N deleted entries.")
        .history(&[("6.2.0", "`MINID` and `LIMIT` came.")])
        .arguments(&[Arg::key("key", 0), Arg::block("trim", TRIM)]),
    stream("xsetid", -3, "5.0.0")
        .flags(&[Write, DenyOom, Fast])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .summary("Set the last id of a stream and its counters")
        .complexity("O(1)")
        .history(&[("7.0.0", "`ENTRIESADDED` and `MAXDELETEDID` came.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("last-id"),
            Arg::integer("entries_added")
                .token("ENTRIESADDED")
                .since("7.0.0")
                .optional(),
            Arg::string("max_deleted_entry_id")
                .token("MAXDELETEDID")
                .since("7.0.0")
                .optional(),
        ]),
    Spec::container("xinfo", XINFO)
        .origin("stream", "5.0.0")
        .summary("Look at streams, their groups and their consumers")
        .complexity("Depends on the subcommand."),
];

/// What is trimmed, and how exactly.
const TRIM: &[Arg] = &[
    Arg::one_of(
        "strategy",
        &[
            Arg::pure_token("maxlen", "MAXLEN"),
            Arg::pure_token("minid", "MINID").since("6.2.0"),
        ],
    ),
    Arg::one_of(
        "operator",
        &[
            Arg::pure_token("equal", "="),
            Arg::pure_token("approximately", "~"),
        ],
    )
    .optional(),
    Arg::string("threshold"),
    Arg::integer("count")
        .token("LIMIT")
        .since("6.2.0")
        .optional(),
];

/// XINFO's subcommands.
const XINFO: &[Spec] = &[
    stream("consumers", 4, "5.0.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(2, &["RO", "access"])])
        .summary("Show the consumers of a group")
        .complexity("O(N) for N consumers.")
        .history(&[("7.2.0", "Shows `inactive`.")])
        .arguments(&[Arg::key("key", 0), Arg::string("groupname")]),
    stream("groups", 3, "5.0.0")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(2, &["RO", "access"])])
        .summary("Show the groups of a stream")
        .complexity("O(N) for N groups.")
        .history(&[("7.0.0", "Shows `entries-read` and `lag`.")])
        .arguments(&[Arg::key("key", 0)]),
    super::stream_groups::HELP,
    stream("stream", -3, "5.0.0")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(2, &["RO", "access"])])
        .summary("Show the counters and ids of a stream, and with FULL also its content")
        .complexity("O(1), and O(N) with FULL for N entries, groups and consumers.")
        .history(&[
            ("6.0.0", "`FULL` came."),
            (
                "7.0.0",
                "Shows `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, \
                 `entries-read` and `lag`.",
            ),
            (
                "7.2.0",
                "Shows `active-time`, and `seen-time` is the last attempt.",
            ),
        ])
        .arguments(&[
            Arg::key("key", 0),
            Arg::block("full", &[Arg::integer("count").token("COUNT").optional()])
                .token("FULL")
                .optional(),
        ]),
];
