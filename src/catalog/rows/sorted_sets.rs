//! Rows: sorted sets, the pops and the commands on several of them.
//!
//! Layer `catalog`. A table of constants.

use super::sorted_set::sorted_set;
use crate::catalog::spec::Flag::{Blocking, DenyOom, Fast, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    sorted_set("zpopmin", -2, "5.0.0")
        .flags(&[Write, Fast])
        .keys(&[KeySpec::at(1, &["RW", "access", "delete"])])
        .summary("Take out the members with the lowest scores")
        .complexity("O(log(N)*M) for M members of N.")
        .arguments(&[Arg::key("key", 0), Arg::integer("count").optional()]),
    sorted_set("zpopmax", -2, "5.0.0")
        .flags(&[Write, Fast])
        .keys(&[KeySpec::at(1, &["RW", "access", "delete"])])
        .summary("Take out the members with the highest scores")
        .complexity("O(log(N)*M) for M members of N.")
        .arguments(&[Arg::key("key", 0), Arg::integer("count").optional()]),
    sorted_set("zmpop", -4, "7.0.0")
        .flags(&[Write])
        .keys(&[KeySpec::counted(1, &["RW", "access", "delete"])])
        .summary("Take members out of the first sorted set that has any")
        .complexity("O(K)+O(M*log(N)) for K keys and M members of N.")
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::one_of("where", MIN_MAX),
            Arg::integer("count").token("COUNT").optional(),
        ]),
    sorted_set("bzpopmin", -3, "5.0.0")
        .flags(&[Write, Blocking, Fast])
        .keys(&[KeySpec::range(1, -2, 1, &["RW", "access", "delete"])])
        .summary("Take out the member with the lowest score, or wait for one")
        .complexity("O(log(N)) in a set of N members.")
        .history(&[("6.0.0", "`timeout` may have a fraction.")])
        .arguments(&[Arg::key("key", 0).multiple(), Arg::double("timeout")]),
    sorted_set("bzpopmax", -3, "5.0.0")
        .flags(&[Write, Blocking, Fast])
        .keys(&[KeySpec::range(1, -2, 1, &["RW", "access", "delete"])])
        .summary("Take out the member with the highest score, or wait for one")
        .complexity("O(log(N)) in a set of N members.")
        .history(&[("6.0.0", "`timeout` may have a fraction.")])
        .arguments(&[Arg::key("key", 0).multiple(), Arg::double("timeout")]),
    sorted_set("bzmpop", -5, "7.0.0")
        .flags(&[Write, Blocking])
        .keys(&[KeySpec::counted(2, &["RW", "access", "delete"])])
        .summary("Take members out of the first sorted set that has any, or wait for one")
        .complexity("O(K)+O(M*log(N)) for K keys and M members of N.")
        .arguments(&[
            Arg::double("timeout"),
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::one_of("where", MIN_MAX),
            Arg::integer("count").token("COUNT").optional(),
        ]),
    sorted_set("zunion", -3, "6.2.0")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::counted(1, &["RO", "access"])])
        .summary("Get the members that are in any of several sets")
        .complexity("O(N)+O(M*log(M)) for N members in all, and M of the result.")
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            WEIGHTS,
            AGGREGATE,
            WITHSCORES,
        ]),
    sorted_set("zinter", -3, "6.2.0")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::counted(1, &["RO", "access"])])
        .summary("Get the members that are in all of several sets")
        .complexity("O(N*K+M*log(M)) for K sets, the smallest of N members, and M found.")
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            WEIGHTS,
            AGGREGATE,
            WITHSCORES,
        ]),
    sorted_set("zdiff", -3, "6.2.0")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::counted(1, &["RO", "access"])])
        .summary("Get the members of a sorted set that are in none of the others")
        .complexity("O(N+M*log(M)) for N members in all, and M of the result.")
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            WITHSCORES,
        ]),
    sorted_set("zunionstore", -4, "2.0.0")
        .flags(&[Write, DenyOom])
        .keys(DESTINATION_AND_SOURCES)
        .summary("Store the members that are in any of several sets")
        .complexity("O(N)+O(M*log(M)) for N members in all, and M of the result.")
        .arguments(&[
            Arg::key("destination", 0),
            Arg::integer("numkeys"),
            Arg::key("key", 1).multiple(),
            WEIGHTS,
            AGGREGATE,
        ]),
    sorted_set("zinterstore", -4, "2.0.0")
        .flags(&[Write, DenyOom])
        .keys(DESTINATION_AND_SOURCES)
        .summary("Store the members that are in all of several sets")
        .complexity("O(N*K+M*log(M)) for K sets, the smallest of N members, and M found.")
        .arguments(&[
            Arg::key("destination", 0),
            Arg::integer("numkeys"),
            Arg::key("key", 1).multiple(),
            WEIGHTS,
            AGGREGATE,
        ]),
    sorted_set("zdiffstore", -4, "6.2.0")
        .flags(&[Write, DenyOom])
        .keys(DESTINATION_AND_SOURCES)
        .summary("Store the members of a sorted set that are in none of the others")
        .complexity("O(N+M*log(M)) for N members in all, and M of the result.")
        .arguments(&[
            Arg::key("destination", 0),
            Arg::integer("numkeys"),
            Arg::key("key", 1).multiple(),
        ]),
    sorted_set("zintercard", -3, "7.0.0")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::counted(1, &["RO", "access"])])
        .summary("Count the members that are in all of several sets")
        .complexity("O(N*K) for K sets, of which the smallest has N members.")
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::integer("limit").token("LIMIT").optional(),
        ]),
];

/// The keys of a command that stores a combination of several sets.
const DESTINATION_AND_SOURCES: &[KeySpec] = &[
    KeySpec::at(1, &["OW", "update"]),
    KeySpec::counted(2, &["RO", "access"]),
];

/// An end of a sorted set.
const MIN_MAX: &[Arg] = &[Arg::pure_token("min", "MIN"), Arg::pure_token("max", "MAX")];

/// A factor for the scores of each set.
const WEIGHTS: Arg = Arg::integer("weight")
    .token("WEIGHTS")
    .optional()
    .multiple();

/// How the scores of a member that several sets have are combined.
const AGGREGATE: Arg = Arg::one_of(
    "aggregate",
    &[
        Arg::pure_token("sum", "SUM"),
        Arg::pure_token("min", "MIN"),
        Arg::pure_token("max", "MAX"),
    ],
)
.token("AGGREGATE")
.optional();

const WITHSCORES: Arg = Arg::pure_token("withscores", "WITHSCORES").optional();
