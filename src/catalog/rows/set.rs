//! Rows: sets.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{DenyOom, Fast, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// A command on sets.
const fn set(name: &'static str, arity: i16, since: &'static str) -> Spec {
    Spec::new(name, arity)
        .categories(&[Category::Set])
        .origin("set", since)
}

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    set("sadd", -3, "1.0.0")
        .flags(&[Write, DenyOom, Fast])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .summary("Adds members to a set")
        .complexity("O(N) for N members to add")
        .history(&[("2.4.0", "Accepts multiple `member` arguments.")])
        .arguments(&[Arg::key("key", 0), Arg::string("member").multiple()]),
    set("srem", -3, "1.0.0")
        .flags(&[Write, Fast])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .summary("Removes members from a set")
        .complexity("O(N) for N members to remove")
        .history(&[("2.4.0", "Accepts multiple `member` arguments.")])
        .arguments(&[Arg::key("key", 0), Arg::string("member").multiple()]),
    set("sismember", 3, "1.0.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO"])])
        .summary("Tells whether something is a member of a set")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::string("member")]),
    set("smismember", -3, "6.2.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Tells of several things whether they are members of a set")
        .complexity("O(N) for N things to look for")
        .arguments(&[Arg::key("key", 0), Arg::string("member").multiple()]),
    set("scard", 2, "1.0.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO"])])
        .summary("Counts the members of a set")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    set("smembers", 2, "1.0.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Returns all members of a set")
        .complexity("O(N) for a set of N members")
        .arguments(&[Arg::key("key", 0)]),
    set("spop", -2, "1.0.0")
        .flags(&[Write, Fast])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RW", "access", "delete"])])
        .summary("Takes random members out of a set and returns them")
        .complexity("O(N) for N members taken")
        .history(&[("3.2.0", "Added the `count` argument.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("count").since("3.2.0").optional(),
        ]),
    set("srandmember", -2, "1.0.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Returns random members of a set")
        .complexity("O(N) for N members returned")
        .history(&[("2.6.0", "Added the optional `count` argument.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("count").since("2.6.0").optional(),
        ]),
    set("smove", 4, "1.0.0")
        .flags(&[Write, Fast])
        .keys(&[
            KeySpec::at(1, &["RW", "access", "delete"]),
            KeySpec::at(2, &["RW", "insert"]),
        ])
        .summary("Moves a member from one set to another")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("source", 0),
            Arg::key("destination", 1),
            Arg::string("member"),
        ]),
    set("sinter", -2, "1.0.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::from(1, &["RO", "access"])])
        .summary("Returns the members that all of the sets have")
        .complexity("O(N*M) at worst, for M sets of which the smallest has N members")
        .arguments(&[Arg::key("key", 0).multiple()]),
    set("sinterstore", -3, "1.0.0")
        .flags(&[Write, DenyOom])
        .keys(&[
            KeySpec::at(1, &["RW", "update"]),
            KeySpec::from(2, &["RO", "access"]),
        ])
        .summary("Stores the members that all of the sets have")
        .complexity("O(N*M) at worst, for M sets of which the smallest has N members")
        .arguments(&[Arg::key("destination", 0), Arg::key("key", 1).multiple()]),
    set("sintercard", -3, "7.0.0")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::counted(1, &["RO", "access"])])
        .summary("Counts the members that all of the sets have")
        .complexity("O(N*M) at worst, for M sets of which the smallest has N members")
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::integer("limit").token("LIMIT").optional(),
        ]),
    set("sunion", -2, "1.0.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::from(1, &["RO", "access"])])
        .summary("Returns the members that any of the sets has")
        .complexity("O(N) for sets of N members altogether")
        .arguments(&[Arg::key("key", 0).multiple()]),
    set("sunionstore", -3, "1.0.0")
        .flags(&[Write, DenyOom])
        .keys(&[
            KeySpec::at(1, &["OW", "update"]),
            KeySpec::from(2, &["RO", "access"]),
        ])
        .summary("Stores the members that any of the sets has")
        .complexity("O(N) for sets of N members altogether")
        .arguments(&[Arg::key("destination", 0), Arg::key("key", 1).multiple()]),
    set("sdiff", -2, "1.0.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::from(1, &["RO", "access"])])
        .summary("Returns the members of a set that no other set has")
        .complexity("O(N) for sets of N members altogether")
        .arguments(&[Arg::key("key", 0).multiple()]),
    set("sdiffstore", -3, "1.0.0")
        .flags(&[Write, DenyOom])
        .keys(&[
            KeySpec::at(1, &["OW", "update"]),
            KeySpec::from(2, &["RO", "access"]),
        ])
        .summary("Stores the members of a set that no other set has")
        .complexity("O(N) for sets of N members altogether")
        .arguments(&[Arg::key("destination", 0), Arg::key("key", 1).multiple()]),
    set("sscan", -3, "2.8.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Goes through the members of a set, some with each call")
        .complexity("O(1) a call; O(N) for all calls through a set of N members")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("cursor"),
            Arg::pattern("pattern").token("MATCH").optional(),
            Arg::integer("count").token("COUNT").optional(),
        ]),
];
