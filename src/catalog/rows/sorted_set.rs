//! Rows: sorted sets, the commands on a single one.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{DenyOom, Fast, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("zadd", -4)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .origin("sorted-set", "1.2.0")
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
    Spec::new("zincrby", 4)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("sorted-set", "1.2.0")
        .summary("Add a number to the score of a member")
        .complexity("O(log(N)) in a set of N members.")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("increment"),
            Arg::string("member"),
        ]),
    Spec::new("zrem", -3)
        .flags(&[Write, Fast])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .origin("sorted-set", "1.2.0")
        .summary("Remove members from a sorted set")
        .complexity("O(M*log(N)) for M members of N.")
        .history(&[("2.4.0", "Takes several members.")])
        .arguments(&[Arg::key("key", 0), Arg::string("member").multiple()]),
    Spec::new("zscore", 3)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("sorted-set", "1.2.0")
        .summary("Get the score of a member")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::string("member")]),
    Spec::new("zmscore", -3)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("sorted-set", "6.2.0")
        .summary("Get the scores of members")
        .complexity("O(N) for N members.")
        .arguments(&[Arg::key("key", 0), Arg::string("member").multiple()]),
    Spec::new("zcard", 2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RO"])])
        .origin("sorted-set", "1.2.0")
        .summary("Count the members of a sorted set")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("zcount", 4)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("sorted-set", "2.0.0")
        .summary("Count the members whose scores are in a range")
        .complexity("O(log(N)) in a set of N members.")
        .arguments(&[Arg::key("key", 0), Arg::double("min"), Arg::double("max")]),
    Spec::new("zlexcount", 4)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("sorted-set", "2.8.9")
        .summary("Count the members in a range of names, among members of one score")
        .complexity("O(log(N)) in a set of N members.")
        .arguments(&[Arg::key("key", 0), Arg::string("min"), Arg::string("max")]),
    Spec::new("zrank", -3)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("sorted-set", "2.0.0")
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
    Spec::new("zrevrank", -3)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("sorted-set", "2.0.0")
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
    Spec::new("zrange", -4)
        .flags(&[ReadOnly])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("sorted-set", "1.2.0")
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
    Spec::new("zrangestore", -5)
        .flags(&[Write, DenyOom])
        .categories(&[Category::SortedSet])
        .keys(&[
            KeySpec::at(1, &["OW", "update"]),
            KeySpec::at(2, &["RO", "access"]),
        ])
        .origin("sorted-set", "6.2.0")
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
    Spec::new("zrevrange", -4)
        .flags(&[ReadOnly])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("sorted-set", "1.2.0")
        .summary("Get the members in a range of places, the highest score first")
        .complexity("O(log(N)+M) for M members of N.")
        .deprecated("6.2.0", "`ZRANGE` with the `REV` argument")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("start"),
            Arg::integer("stop"),
            Arg::pure_token("withscores", "WITHSCORES").optional(),
        ]),
    Spec::new("zrangebyscore", -4)
        .flags(&[ReadOnly])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("sorted-set", "1.0.5")
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
    Spec::new("zrevrangebyscore", -4)
        .flags(&[ReadOnly])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("sorted-set", "2.2.0")
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
    Spec::new("zrangebylex", -4)
        .flags(&[ReadOnly])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("sorted-set", "2.8.9")
        .summary("Get the members in a range of names, among members of one score")
        .complexity("O(log(N)+M) for M members of N.")
        .deprecated("6.2.0", "`ZRANGE` with the `BYLEX` argument")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("min"),
            Arg::string("max"),
            LIMIT.optional(),
        ]),
    Spec::new("zrevrangebylex", -4)
        .flags(&[ReadOnly])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("sorted-set", "2.8.9")
        .summary("Get the members in a range of names, the last name first")
        .complexity("O(log(N)+M) for M members of N.")
        .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("max"),
            Arg::string("min"),
            LIMIT.optional(),
        ]),
    Spec::new("zremrangebyrank", 4)
        .flags(&[Write])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .origin("sorted-set", "2.0.0")
        .summary("Remove the members in a range of places")
        .complexity("O(log(N)+M) for M members of N.")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("start"),
            Arg::integer("stop"),
        ]),
    Spec::new("zremrangebyscore", 4)
        .flags(&[Write])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .origin("sorted-set", "1.2.0")
        .summary("Remove the members in a range of scores")
        .complexity("O(log(N)+M) for M members of N.")
        .arguments(&[Arg::key("key", 0), Arg::double("min"), Arg::double("max")]),
    Spec::new("zremrangebylex", 4)
        .flags(&[Write])
        .categories(&[Category::SortedSet])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .origin("sorted-set", "2.8.9")
        .summary("Remove the members in a range of names, among members of one score")
        .complexity("O(log(N)+M) for M members of N.")
        .arguments(&[Arg::key("key", 0), Arg::string("min"), Arg::string("max")]),
    Spec::new("zrandmember", -2)
        .flags(&[ReadOnly])
        .categories(&[Category::SortedSet])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("sorted-set", "6.2.0")
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
    Spec::new("zscan", -3)
        .flags(&[ReadOnly])
        .categories(&[Category::SortedSet])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("sorted-set", "2.8.0")
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
