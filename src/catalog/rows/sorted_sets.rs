//! Rows: sorted sets, the pops and the commands on several of them.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{Blocking, DenyOom, Fast, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("zpopmin", -2)
        .flags(&[Write, Fast])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RW", "access", "delete"])])
        .origin("sorted-set", "5.0.0")
        .summary("Take out the members with the lowest scores")
        .complexity("O(log(N)*M) for M members of N.")
        .arguments(&[Arg::key("key", 0), Arg::integer("count").optional()]),
    Spec::new("zpopmax", -2)
        .flags(&[Write, Fast])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RW", "access", "delete"])])
        .origin("sorted-set", "5.0.0")
        .summary("Take out the members with the highest scores")
        .complexity("O(log(N)*M) for M members of N.")
        .arguments(&[Arg::key("key", 0), Arg::integer("count").optional()]),
    Spec::new("zmpop", -4)
        .flags(&[Write])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::counted(1, &["RW", "access", "delete"])])
        .origin("sorted-set", "7.0.0")
        .summary("Take members out of the first sorted set that has any")
        .complexity("O(K)+O(M*log(N)) for K keys and M members of N.")
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::one_of("where", MIN_MAX),
            Arg::integer("count").token("COUNT").optional(),
        ]),
    Spec::new("bzpopmin", -3)
        .flags(&[Write, Blocking, Fast])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::range(1, -2, 1, &["RW", "access", "delete"])])
        .origin("sorted-set", "5.0.0")
        .summary("Take out the member with the lowest score, or wait for one")
        .complexity("O(log(N)) in a set of N members.")
        .history(&[("6.0.0", "`timeout` may have a fraction.")])
        .arguments(&[Arg::key("key", 0).multiple(), Arg::double("timeout")]),
    Spec::new("bzpopmax", -3)
        .flags(&[Write, Blocking, Fast])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::range(1, -2, 1, &["RW", "access", "delete"])])
        .origin("sorted-set", "5.0.0")
        .summary("Take out the member with the highest score, or wait for one")
        .complexity("O(log(N)) in a set of N members.")
        .history(&[("6.0.0", "`timeout` may have a fraction.")])
        .arguments(&[Arg::key("key", 0).multiple(), Arg::double("timeout")]),
    Spec::new("bzmpop", -5)
        .flags(&[Write, Blocking])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::counted(2, &["RW", "access", "delete"])])
        .origin("sorted-set", "7.0.0")
        .summary("Take members out of the first sorted set that has any, or wait for one")
        .complexity("O(K)+O(M*log(N)) for K keys and M members of N.")
        .arguments(&[
            Arg::double("timeout"),
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::one_of("where", MIN_MAX),
            Arg::integer("count").token("COUNT").optional(),
        ]),
    Spec::new("zunion", -3)
        .flags(&[ReadOnly])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::counted(1, &["RO", "access"])])
        .origin("sorted-set", "6.2.0")
        .summary("Get the members that are in any of several sets")
        .complexity("O(N)+O(M*log(M)) for N members in all, and M of the result.")
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::integer("weight")
                .token("WEIGHTS")
                .optional()
                .multiple(),
            Arg::one_of("aggregate", AGGREGATE)
                .token("AGGREGATE")
                .optional(),
            Arg::pure_token("withscores", "WITHSCORES").optional(),
        ]),
    Spec::new("zinter", -3)
        .flags(&[ReadOnly])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::counted(1, &["RO", "access"])])
        .origin("sorted-set", "6.2.0")
        .summary("Get the members that are in all of several sets")
        .complexity("O(N*K+M*log(M)) for K sets, the smallest of N members, and M found.")
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::integer("weight")
                .token("WEIGHTS")
                .optional()
                .multiple(),
            Arg::one_of("aggregate", AGGREGATE)
                .token("AGGREGATE")
                .optional(),
            Arg::pure_token("withscores", "WITHSCORES").optional(),
        ]),
    Spec::new("zdiff", -3)
        .flags(&[ReadOnly])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::counted(1, &["RO", "access"])])
        .origin("sorted-set", "6.2.0")
        .summary("Get the members of a sorted set that are in none of the others")
        .complexity("O(N+M*log(M)) for N members in all, and M of the result.")
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::pure_token("withscores", "WITHSCORES").optional(),
        ]),
    Spec::new("zunionstore", -4)
        .flags(&[Write, DenyOom])
        .categories(&[Category::SortedSet])
        .keys(DESTINATION_AND_SOURCES)
        .origin("sorted-set", "2.0.0")
        .summary("Store the members that are in any of several sets")
        .complexity("O(N)+O(M*log(M)) for N members in all, and M of the result.")
        .arguments(&[
            Arg::key("destination", 0),
            Arg::integer("numkeys"),
            Arg::key("key", 1).multiple(),
            Arg::integer("weight")
                .token("WEIGHTS")
                .optional()
                .multiple(),
            Arg::one_of("aggregate", AGGREGATE)
                .token("AGGREGATE")
                .optional(),
        ]),
    Spec::new("zinterstore", -4)
        .flags(&[Write, DenyOom])
        .categories(&[Category::SortedSet])
        .keys(DESTINATION_AND_SOURCES)
        .origin("sorted-set", "2.0.0")
        .summary("Store the members that are in all of several sets")
        .complexity("O(N*K+M*log(M)) for K sets, the smallest of N members, and M found.")
        .arguments(&[
            Arg::key("destination", 0),
            Arg::integer("numkeys"),
            Arg::key("key", 1).multiple(),
            Arg::integer("weight")
                .token("WEIGHTS")
                .optional()
                .multiple(),
            Arg::one_of("aggregate", AGGREGATE)
                .token("AGGREGATE")
                .optional(),
        ]),
    Spec::new("zdiffstore", -4)
        .flags(&[Write, DenyOom])
        .categories(&[Category::SortedSet])
        .keys(DESTINATION_AND_SOURCES)
        .origin("sorted-set", "6.2.0")
        .summary("Store the members of a sorted set that are in none of the others")
        .complexity("O(N+M*log(M)) for N members in all, and M of the result.")
        .arguments(&[
            Arg::key("destination", 0),
            Arg::integer("numkeys"),
            Arg::key("key", 1).multiple(),
        ]),
    Spec::new("zintercard", -3)
        .flags(&[ReadOnly])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::counted(1, &["RO", "access"])])
        .origin("sorted-set", "7.0.0")
        .summary("Count the members that are in all of several sets")
        .complexity("O(N*K) for K sets, of which the smallest has N members.")
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::integer("limit").token("LIMIT").optional(),
        ]),
];

/// The keys of a command that stores what it makes of several sets.
const DESTINATION_AND_SOURCES: &[KeySpec] = &[
    KeySpec::at(1, &["OW", "update"]),
    KeySpec::counted(2, &["RO", "access"]),
];

/// Which end of a sorted set.
const MIN_MAX: &[Arg] = &[Arg::pure_token("min", "MIN"), Arg::pure_token("max", "MAX")];

/// What becomes of the scores of a member that several sets have.
const AGGREGATE: &[Arg] = &[
    Arg::pure_token("sum", "SUM"),
    Arg::pure_token("min", "MIN"),
    Arg::pure_token("max", "MAX"),
];
