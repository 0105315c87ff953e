//! Rows: lists, and the commands that wait for an element.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{Blocking, DenyOom, Fast, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// A command on lists.
const fn list(name: &'static str, arity: i16, since: &'static str) -> Spec {
    Spec::new(name, arity)
        .categories(&[Category::List])
        .origin("list", since)
}

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    list("lpush", -3, "1.0.0")
        .flags(&[Write, DenyOom, Fast])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .summary("Add elements at the head of a list")
        .complexity("O(N) for N elements added")
        .history(&[("2.4.0", "Takes several elements.")])
        .arguments(&[Arg::key("key", 0), Arg::string("element").multiple()]),
    list("rpush", -3, "1.0.0")
        .flags(&[Write, DenyOom, Fast])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .summary("Add elements at the tail of a list")
        .complexity("O(N) for N elements added")
        .history(&[("2.4.0", "Takes several elements.")])
        .arguments(&[Arg::key("key", 0), Arg::string("element").multiple()]),
    list("lpushx", -3, "2.2.0")
        .flags(&[Write, DenyOom, Fast])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .summary("Add elements at the head of a list that exists")
        .complexity("O(N) for N elements added")
        .history(&[("4.0.0", "Takes several elements.")])
        .arguments(&[Arg::key("key", 0), Arg::string("element").multiple()]),
    list("rpushx", -3, "2.2.0")
        .flags(&[Write, DenyOom, Fast])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .summary("Add elements at the tail of a list that exists")
        .complexity("O(N) for N elements added")
        .history(&[("4.0.0", "Takes several elements.")])
        .arguments(&[Arg::key("key", 0), Arg::string("element").multiple()]),
    list("lpop", -2, "1.0.0")
        .flags(&[Write, Fast])
        .keys(&[KeySpec::at(1, &["RW", "access", "delete"])])
        .summary("Take elements from the head of a list")
        .complexity("O(N) for N elements taken")
        .history(&[("6.2.0", "Takes a `count`.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("count").since("6.2.0").optional(),
        ]),
    list("rpop", -2, "1.0.0")
        .flags(&[Write, Fast])
        .keys(&[KeySpec::at(1, &["RW", "access", "delete"])])
        .summary("Take elements from the tail of a list")
        .complexity("O(N) for N elements taken")
        .history(&[("6.2.0", "Takes a `count`.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("count").since("6.2.0").optional(),
        ]),
    list("llen", 2, "1.0.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO"])])
        .summary("Show how many elements a list has")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    list("lrange", 4, "1.0.0")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Show a range of a list's elements")
        .complexity("O(S+N) for N elements shown, S elements from the nearer end")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("start"),
            Arg::integer("stop"),
        ]),
    list("lindex", 3, "1.0.0")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Show the element at an index of a list")
        .complexity("O(N) for N elements between the index and the nearer end")
        .arguments(&[Arg::key("key", 0), Arg::integer("index")]),
    list("lset", 4, "1.0.0")
        .flags(&[Write, DenyOom])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .summary("Replace the element at an index of a list")
        .complexity("O(N) for N elements between the index and the nearer end")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("index"),
            Arg::string("element"),
        ]),
    list("linsert", 5, "2.2.0")
        .flags(&[Write, DenyOom])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .summary("Insert an element before or after another one")
        .complexity("O(N) for N elements up to the one that is looked for")
        .arguments(&[
            Arg::key("key", 0),
            Arg::one_of(
                "where",
                &[
                    Arg::pure_token("before", "BEFORE"),
                    Arg::pure_token("after", "AFTER"),
                ],
            ),
            Arg::string("pivot"),
            Arg::string("element"),
        ]),
    list("lrem", 4, "1.0.0")
        .flags(&[Write])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .summary("Remove elements that equal a value from a list")
        .complexity("O(N+M) for a list of N elements, M of them removed")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("count"),
            Arg::string("element"),
        ]),
    list("ltrim", 4, "1.0.0")
        .flags(&[Write])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .summary("Keep a range of a list, and remove the rest")
        .complexity("O(N) for N elements removed")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("start"),
            Arg::integer("stop"),
        ]),
    list("lpos", -3, "6.0.6")
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Find where elements that equal a value are in a list")
        .complexity("O(N) for N elements looked at; `MAXLEN` bounds them")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("element"),
            Arg::integer("rank").token("RANK").optional(),
            Arg::integer("num-matches").token("COUNT").optional(),
            Arg::integer("len").token("MAXLEN").optional(),
        ]),
    list("lmove", 5, "6.2.0")
        .flags(&[Write, DenyOom])
        .keys(SOURCE_AND_DESTINATION)
        .summary("Move an element from an end of a list to an end of another, and show it")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("source", 0),
            Arg::key("destination", 1),
            Arg::one_of("wherefrom", LEFT_RIGHT),
            Arg::one_of("whereto", LEFT_RIGHT),
        ]),
    list("rpoplpush", 3, "1.2.0")
        .flags(&[Write, DenyOom])
        .keys(SOURCE_AND_DESTINATION)
        .summary("Move an element from the tail of a list to the head of another, and show it")
        .complexity("O(1)")
        .deprecated("6.2.0", "`LMOVE source destination RIGHT LEFT`")
        .arguments(&[Arg::key("source", 0), Arg::key("destination", 1)]),
    list("lmpop", -4, "7.0.0")
        .flags(&[Write])
        .keys(&[KeySpec::counted(1, &["RW", "access", "delete"])])
        .summary("Take elements from the first of several lists that has any")
        .complexity("O(N+M) for N keys and M elements taken")
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::one_of("where", LEFT_RIGHT),
            Arg::integer("count").token("COUNT").optional(),
        ]),
    list("blpop", -3, "2.0.0")
        .flags(&[Write, Blocking])
        .keys(&[KeySpec::range(1, -2, 1, &["RW", "access", "delete"])])
        .summary("Take the head of the first list that has any element, or wait for one")
        .complexity("O(N) for N keys")
        .history(&[("6.0.0", "`timeout` may have a fraction.")])
        .arguments(&[Arg::key("key", 0).multiple(), Arg::double("timeout")]),
    list("brpop", -3, "2.0.0")
        .flags(&[Write, Blocking])
        .keys(&[KeySpec::range(1, -2, 1, &["RW", "access", "delete"])])
        .summary("Take the tail of the first list that has any element, or wait for one")
        .complexity("O(N) for N keys")
        .history(&[("6.0.0", "`timeout` may have a fraction.")])
        .arguments(&[Arg::key("key", 0).multiple(), Arg::double("timeout")]),
    list("blmove", 6, "6.2.0")
        .flags(&[Write, DenyOom, Blocking])
        .keys(SOURCE_AND_DESTINATION)
        .summary("Move an element between the ends of two lists, or wait for one")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("source", 0),
            Arg::key("destination", 1),
            Arg::one_of("wherefrom", LEFT_RIGHT),
            Arg::one_of("whereto", LEFT_RIGHT),
            Arg::double("timeout"),
        ]),
    list("brpoplpush", 4, "2.2.0")
        .flags(&[Write, DenyOom, Blocking])
        .keys(SOURCE_AND_DESTINATION)
        .summary("Move an element from the tail of a list to the head of another, or wait for one")
        .complexity("O(1)")
        .deprecated("6.2.0", "`BLMOVE source destination RIGHT LEFT timeout`")
        .history(&[("6.0.0", "`timeout` may have a fraction.")])
        .arguments(&[
            Arg::key("source", 0),
            Arg::key("destination", 1),
            Arg::double("timeout"),
        ]),
    list("blmpop", -5, "7.0.0")
        .flags(&[Write, Blocking])
        .keys(&[KeySpec::counted(2, &["RW", "access", "delete"])])
        .summary("Take elements from the first of several lists that has any, or wait for some")
        .complexity("O(N+M) for N keys and M elements taken")
        .arguments(&[
            Arg::double("timeout"),
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::one_of("where", LEFT_RIGHT),
            Arg::integer("count").token("COUNT").optional(),
        ]),
];

/// The keys of a command that moves an element.
const SOURCE_AND_DESTINATION: &[KeySpec] = &[
    KeySpec::at(1, &["RW", "access", "delete"]),
    KeySpec::at(2, &["RW", "insert"]),
];

/// An end of a list.
const LEFT_RIGHT: &[Arg] = &[
    Arg::pure_token("left", "LEFT"),
    Arg::pure_token("right", "RIGHT"),
];
