//! Rows: sorted sets, the commands on a single one.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{DenyOom, Fast, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// A command on sorted sets.
pub(super) const fn sorted_set(name: &'static str, arity: i16, since: &'static str) -> Spec {
    Spec::new(name, arity)
        .categories(&[Category::SortedSet])
        .origin("sorted-set", since)
}

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    sorted_set("zadd", -4, "1.2.0")
        .flags(&[Write, DenyOom, Fast])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .summary("Add members to a sorted set, or change the scores of those it has")
        .complexity("O(log(N)) for each member, of N.")
        .history(&[
            ("2.4.0", "Takes several members."),
            ("3.0.2", "`XX`, `NX`, `CH` and `INCR` came."),
            ("6.2.0", "`GT` and `LT` came."),
        ])
        .arguments(&[
            Arg::key("key", 0),
            Arg::one_of(
                "condition",
                &[Arg::pure_token("nx", "NX"), Arg::pure_token("xx", "XX")],
            )
            .since("3.0.2")
            .optional(),
            Arg::one_of(
                "comparison",
                &[Arg::pure_token("gt", "GT"), Arg::pure_token("lt", "LT")],
            )
            .since("6.2.0")
            .optional(),
            Arg::pure_token("change", "CH").since("3.0.2").optional(),
            Arg::pure_token("increment", "INCR")
                .since("3.0.2")
                .optional(),
            Arg::block(
                "score_member",
                &[Arg::double("score"), Arg::string("member")],
            )
            .multiple(),
        ]),
    sorted_set("zincrby", 4, "1.2.0")
        .flags(&[Write, DenyOom, Fast])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .summary("Add a number to the score of a member")
        .complexity("O(log(N)) in a set of N members.")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("increment"),
            Arg::string("member"),
        ]),
    sorted_set("zrem", -3, "1.2.0")
        .flags(&[Write, Fast])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .summary("Remove members from a sorted set")
        .complexity("O(M*log(N)) for M members of N.")
        .history(&[("2.4.0", "Takes several members.")])
        .arguments(&[Arg::key("key", 0), Arg::string("member").multiple()]),
    sorted_set("zscore", 3, "1.2.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Get the score of a member")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::string("member")]),
    sorted_set("zmscore", -3, "6.2.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Get the scores of members")
        .complexity("O(N) for N members.")
        .arguments(&[Arg::key("key", 0), Arg::string("member").multiple()]),
    sorted_set("zcard", 2, "1.2.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO"])])
        .summary("Count the members of a sorted set")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    sorted_set("zcount", 4, "2.0.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Count the members whose scores are in a range")
        .complexity("O(log(N)) in a set of N members.")
        .arguments(&[Arg::key("key", 0), Arg::double("min"), Arg::double("max")]),
    sorted_set("zlexcount", 4, "2.8.9")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Count the members in a range of names, among members of one score")
        .complexity("O(log(N)) in a set of N members.")
        .arguments(&[Arg::key("key", 0), Arg::string("min"), Arg::string("max")]),
    sorted_set("zrank", -3, "2.0.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Get the place of a member, counted from the lowest score")
        .complexity("O(log(N)) in a set of N members.")
        .history(&[("7.2.0", "`WITHSCORE` came.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("member"),
            Arg::pure_token("withscore", "WITHSCORE")
                .since("7.2.0")
                .optional(),
        ]),
    sorted_set("zrevrank", -3, "2.0.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Get the place of a member, counted from the highest score")
        .complexity("O(log(N)) in a set of N members.")
        .history(&[("7.2.0", "`WITHSCORE` came.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("member"),
            Arg::pure_token("withscore", "WITHSCORE")
                .since("7.2.0")
                .optional(),
        ]),
    sorted_set("zrange", -4, "1.2.0")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Get the members in a range of places, scores or names")
        .complexity("O(log(N)+M) for M members of N.")
        .history(&[("6.2.0", "`REV`, `BYSCORE`, `BYLEX` and `LIMIT` came.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("start"),
            Arg::string("stop"),
            Arg::one_of("sortby", SORT_BY).since("6.2.0").optional(),
            Arg::pure_token("rev", "REV").since("6.2.0").optional(),
            LIMIT.since("6.2.0").optional(),
            Arg::pure_token("withscores", "WITHSCORES").optional(),
        ]),
    sorted_set("zrangestore", -5, "6.2.0")
        .flags(&[Write, DenyOom])
        .keys(&[
            KeySpec::at(1, &["OW", "update"]),
            KeySpec::at(2, &["RO", "access"]),
        ])
        .summary("Store the members in a range of places, scores or names under another key")
        .complexity("O(log(N)+M) for M members of N.")
        .arguments(&[
            Arg::key("dst", 0),
            Arg::key("src", 1),
            Arg::string("min"),
            Arg::string("max"),
            Arg::one_of("sortby", SORT_BY).optional(),
            Arg::pure_token("rev", "REV").optional(),
            LIMIT.optional(),
        ]),
    sorted_set("zrevrange", -4, "1.2.0")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Get the members in a range of places, the highest score first")
        .complexity("O(log(N)+M) for M members of N.")
        .deprecated("6.2.0", "`ZRANGE` with the `REV` argument")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("start"),
            Arg::integer("stop"),
            Arg::pure_token("withscores", "WITHSCORES").optional(),
        ]),
    sorted_set("zrangebyscore", -4, "1.0.5")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Get the members in a range of scores")
        .complexity("O(log(N)+M) for M members of N.")
        .deprecated("6.2.0", "`ZRANGE` with the `BYSCORE` argument")
        .history(&[("2.0.0", "`WITHSCORES` came.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::double("min"),
            Arg::double("max"),
            Arg::pure_token("withscores", "WITHSCORES")
                .since("2.0.0")
                .optional(),
            LIMIT.optional(),
        ]),
    sorted_set("zrevrangebyscore", -4, "2.2.0")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Get the members in a range of scores, the highest score first")
        .complexity("O(log(N)+M) for M members of N.")
        .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")
        .history(&[("2.1.6", "`min` and `max` may be exclusive.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::double("max"),
            Arg::double("min"),
            Arg::pure_token("withscores", "WITHSCORES").optional(),
            LIMIT.optional(),
        ]),
    sorted_set("zrangebylex", -4, "2.8.9")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Get the members in a range of names, among members of one score")
        .complexity("O(log(N)+M) for M members of N.")
        .deprecated("6.2.0", "`ZRANGE` with the `BYLEX` argument")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("min"),
            Arg::string("max"),
            LIMIT.optional(),
        ]),
    sorted_set("zrevrangebylex", -4, "2.8.9")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Get the members in a range of names, the last name first")
        .complexity("O(log(N)+M) for M members of N.")
        .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("max"),
            Arg::string("min"),
            LIMIT.optional(),
        ]),
    sorted_set("zremrangebyrank", 4, "2.0.0")
        .flags(&[Write])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .summary("Remove the members in a range of places")
        .complexity("O(log(N)+M) for M members of N.")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("start"),
            Arg::integer("stop"),
        ]),
    sorted_set("zremrangebyscore", 4, "1.2.0")
        .flags(&[Write])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .summary("Remove the members in a range of scores")
        .complexity("O(log(N)+M) for M members of N.")
        .arguments(&[Arg::key("key", 0), Arg::double("min"), Arg::double("max")]),
    sorted_set("zremrangebylex", 4, "2.8.9")
        .flags(&[Write])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .summary("Remove the members in a range of names, among members of one score")
        .complexity("O(log(N)+M) for M members of N.")
        .arguments(&[Arg::key("key", 0), Arg::string("min"), Arg::string("max")]),
    sorted_set("zrandmember", -2, "6.2.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Get members at random")
        .complexity("O(M) for M members.")
        .arguments(&[
            Arg::key("key", 0),
            Arg::block(
                "options",
                &[
                    Arg::integer("count"),
                    Arg::pure_token("withscores", "WITHSCORES").optional(),
                ],
            )
            .optional(),
        ]),
    sorted_set("zscan", -3, "2.8.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Go through the members and their scores, some at a time")
        .complexity("O(1) for each call, O(N) for all N members.")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("cursor"),
            Arg::pattern("pattern").token("MATCH").optional(),
            Arg::integer("count").token("COUNT").optional(),
        ]),
];

/// The kinds of ranges other than by rank.
const SORT_BY: &[Arg] = &[
    Arg::pure_token("byscore", "BYSCORE"),
    Arg::pure_token("bylex", "BYLEX"),
];

/// The part of a range that is returned.
const LIMIT: Arg = Arg::block(
    "offset_count",
    &[Arg::integer("offset"), Arg::integer("count")],
)
.token("LIMIT");
