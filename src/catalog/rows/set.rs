//! Rows: sets.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{DenyOom, Fast, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("sadd", -3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::Set])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .origin("set", "1.0.0")
        .summary("Adds members to a set")
        .complexity("O(N) for N members to add")
        .history(&[("2.4.0", "Accepts multiple `member` arguments.")])
        .arguments(&[Arg::key("key", 0), Arg::string("member").multiple()]),
    Spec::new("srem", -3)
        .flags(&[Write, Fast])
        .categories(&[Category::Set])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .origin("set", "1.0.0")
        .summary("Removes members from a set")
        .complexity("O(N) for N members to remove")
        .history(&[("2.4.0", "Accepts multiple `member` arguments.")])
        .arguments(&[Arg::key("key", 0), Arg::string("member").multiple()]),
    Spec::new("sismember", 3)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Set])
        .keys(&[KeySpec::at(1, &["RO"])])
        .origin("set", "1.0.0")
        .summary("Tells whether something is a member of a set")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::string("member")]),
    Spec::new("smismember", -3)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Set])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("set", "6.2.0")
        .summary("Tells of several things whether they are members of a set")
        .complexity("O(N) for N things to look for")
        .arguments(&[Arg::key("key", 0), Arg::string("member").multiple()]),
    Spec::new("scard", 2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Set])
        .keys(&[KeySpec::at(1, &["RO"])])
        .origin("set", "1.0.0")
        .summary("Counts the members of a set")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("smembers", 2)
        .flags(&[ReadOnly])
        .categories(&[Category::Set])
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("set", "1.0.0")
        .summary("Returns all members of a set")
        .complexity("O(N) for a set of N members")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("spop", -2)
        .flags(&[Write, Fast])
        .categories(&[Category::Set])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RW", "access", "delete"])])
        .origin("set", "1.0.0")
        .summary("Takes random members out of a set and returns them")
        .complexity("O(N) for N members taken")
        .history(&[("3.2.0", "Added the `count` argument.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("count").since("3.2.0").optional(),
        ]),
    Spec::new("srandmember", -2)
        .flags(&[ReadOnly])
        .categories(&[Category::Set])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("set", "1.0.0")
        .summary("Returns random members of a set")
        .complexity("O(N) for N members returned")
        .history(&[("2.6.0", "Added the optional `count` argument.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("count").since("2.6.0").optional(),
        ]),
    Spec::new("smove", 4)
        .flags(&[Write, Fast])
        .categories(&[Category::Set])
        .keys(&[
            KeySpec::at(1, &["RW", "access", "delete"]),
            KeySpec::at(2, &["RW", "insert"]),
        ])
        .origin("set", "1.0.0")
        .summary("Moves a member from one set to another")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("source", 0),
            Arg::key("destination", 1),
            Arg::string("member"),
        ]),
    Spec::new("sinter", -2)
        .flags(&[ReadOnly])
        .categories(&[Category::Set])
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::from(1, &["RO", "access"])])
        .origin("set", "1.0.0")
        .summary("Returns the members that all of the sets have")
        .complexity("O(N*M) at worst, for M sets of which the smallest has N members")
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("sinterstore", -3)
        .flags(&[Write, DenyOom])
        .categories(&[Category::Set])
        .keys(&[
            KeySpec::at(1, &["RW", "update"]),
            KeySpec::from(2, &["RO", "access"]),
        ])
        .origin("set", "1.0.0")
        .summary("Stores the members that all of the sets have")
        .complexity("O(N*M) at worst, for M sets of which the smallest has N members")
        .arguments(&[Arg::key("destination", 0), Arg::key("key", 1).multiple()]),
    Spec::new("sintercard", -3)
        .flags(&[ReadOnly])
        .categories(&[Category::Set])
        .keys(&[KeySpec::counted(1, &["RO", "access"])])
        .origin("set", "7.0.0")
        .summary("Counts the members that all of the sets have")
        .complexity("O(N*M) at worst, for M sets of which the smallest has N members")
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::integer("limit").token("LIMIT").optional(),
        ]),
    Spec::new("sunion", -2)
        .flags(&[ReadOnly])
        .categories(&[Category::Set])
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::from(1, &["RO", "access"])])
        .origin("set", "1.0.0")
        .summary("Returns the members that any of the sets has")
        .complexity("O(N) for sets of N members altogether")
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("sunionstore", -3)
        .flags(&[Write, DenyOom])
        .categories(&[Category::Set])
        .keys(&[
            KeySpec::at(1, &["OW", "update"]),
            KeySpec::from(2, &["RO", "access"]),
        ])
        .origin("set", "1.0.0")
        .summary("Stores the members that any of the sets has")
        .complexity("O(N) for sets of N members altogether")
        .arguments(&[Arg::key("destination", 0), Arg::key("key", 1).multiple()]),
    Spec::new("sdiff", -2)
        .flags(&[ReadOnly])
        .categories(&[Category::Set])
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::from(1, &["RO", "access"])])
        .origin("set", "1.0.0")
        .summary("Returns the members of a set that no other set has")
        .complexity("O(N) for sets of N members altogether")
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("sdiffstore", -3)
        .flags(&[Write, DenyOom])
        .categories(&[Category::Set])
        .keys(&[
            KeySpec::at(1, &["OW", "update"]),
            KeySpec::from(2, &["RO", "access"]),
        ])
        .origin("set", "1.0.0")
        .summary("Stores the members of a set that no other set has")
        .complexity("O(N) for sets of N members altogether")
        .arguments(&[Arg::key("destination", 0), Arg::key("key", 1).multiple()]),
    Spec::new("sscan", -3)
        .flags(&[ReadOnly])
        .categories(&[Category::Set])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("set", "2.8.0")
        .summary("Goes through the members of a set, some with each call")
        .complexity("O(1) a call; O(N) for all calls through a set of N members")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("cursor"),
            Arg::pattern("pattern").token("MATCH").optional(),
            Arg::integer("count").token("COUNT").optional(),
        ]),
];
