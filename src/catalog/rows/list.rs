//! Rows: lists, and the commands that wait for an element.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{Blocking, DenyOom, Fast, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("lpush", -3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .origin("list", "1.0.0")
        .summary("Add elements at the head of a list")
        .complexity("O(N) for N elements added")
        .history(&[("2.4.0", "Takes several elements.")])
        .arguments(&[Arg::key("key", 0), Arg::string("element").multiple()]),
    Spec::new("rpush", -3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .origin("list", "1.0.0")
        .summary("Add elements at the tail of a list")
        .complexity("O(N) for N elements added")
        .history(&[("2.4.0", "Takes several elements.")])
        .arguments(&[Arg::key("key", 0), Arg::string("element").multiple()]),
    Spec::new("lpushx", -3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .origin("list", "2.2.0")
        .summary("Add elements at the head of a list that exists")
        .complexity("O(N) for N elements added")
        .history(&[("4.0.0", "Takes several elements.")])
        .arguments(&[Arg::key("key", 0), Arg::string("element").multiple()]),
    Spec::new("rpushx", -3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .origin("list", "2.2.0")
        .summary("Add elements at the tail of a list that exists")
        .complexity("O(N) for N elements added")
        .history(&[("4.0.0", "Takes several elements.")])
        .arguments(&[Arg::key("key", 0), Arg::string("element").multiple()]),
    Spec::new("lpop", -2)
        .flags(&[Write, Fast])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "access", "delete"])])
        .origin("list", "1.0.0")
        .summary("Take elements from the head of a list")
        .complexity("O(N) for N elements taken")
        .history(&[("6.2.0", "Takes a `count`.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("count").since("6.2.0").optional(),
        ]),
    Spec::new("rpop", -2)
        .flags(&[Write, Fast])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "access", "delete"])])
        .origin("list", "1.0.0")
        .summary("Take elements from the tail of a list")
        .complexity("O(N) for N elements taken")
        .history(&[("6.2.0", "Takes a `count`.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("count").since("6.2.0").optional(),
        ]),
    Spec::new("llen", 2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RO"])])
        .origin("list", "1.0.0")
        .summary("Show how many elements a list has")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("lrange", 4)
        .flags(&[ReadOnly])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("list", "1.0.0")
        .summary("Show a range of a list's elements")
        .complexity("O(S+N) for N elements shown, S elements from the nearer end")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("start"),
            Arg::integer("stop"),
        ]),
    Spec::new("lindex", 3)
        .flags(&[ReadOnly])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("list", "1.0.0")
        .summary("Show the element at an index of a list")
        .complexity("O(N) for N elements between the index and the nearer end")
        .arguments(&[Arg::key("key", 0), Arg::integer("index")]),
    Spec::new("lset", 4)
        .flags(&[Write, DenyOom])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .origin("list", "1.0.0")
        .summary("Replace the element at an index of a list")
        .complexity("O(N) for N elements between the index and the nearer end")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("index"),
            Arg::string("element"),
        ]),
    Spec::new("linsert", 5)
        .flags(&[Write, DenyOom])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .origin("list", "2.2.0")
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
    Spec::new("lrem", 4)
        .flags(&[Write])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .origin("list", "1.0.0")
        .summary("Remove elements that equal a value from a list")
        .complexity("O(N+M) for a list of N elements, M of them removed")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("count"),
            Arg::string("element"),
        ]),
    Spec::new("ltrim", 4)
        .flags(&[Write])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .origin("list", "1.0.0")
        .summary("Keep a range of a list, and remove the rest")
        .complexity("O(N) for N elements removed")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("start"),
            Arg::integer("stop"),
        ]),
    Spec::new("lpos", -3)
        .flags(&[ReadOnly])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("list", "6.0.6")
        .summary("Find where elements that equal a value are in a list")
        .complexity("O(N) for N elements looked at; `MAXLEN` bounds them")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("element"),
            Arg::integer("rank").token("RANK").optional(),
            Arg::integer("num-matches").token("COUNT").optional(),
            Arg::integer("len").token("MAXLEN").optional(),
        ]),
    Spec::new("lmove", 5)
        .flags(&[Write, DenyOom])
        .categories(&[Category::List])
        .keys(SOURCE_AND_DESTINATION)
        .origin("list", "6.2.0")
        .summary("Move an element from an end of a list to an end of another, and show it")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("source", 0),
            Arg::key("destination", 1),
            Arg::one_of("wherefrom", LEFT_RIGHT),
            Arg::one_of("whereto", LEFT_RIGHT),
        ]),
    Spec::new("rpoplpush", 3)
        .flags(&[Write, DenyOom])
        .categories(&[Category::List])
        .keys(SOURCE_AND_DESTINATION)
        .origin("list", "1.2.0")
        .summary("Move an element from the tail of a list to the head of another, and show it")
        .complexity("O(1)")
        .deprecated("6.2.0", "`LMOVE source destination RIGHT LEFT`")
        .arguments(&[Arg::key("source", 0), Arg::key("destination", 1)]),
    Spec::new("lmpop", -4)
        .flags(&[Write])
        .categories(&[Category::List])
        .keys(&[KeySpec::counted(1, &["RW", "access", "delete"])])
        .origin("list", "7.0.0")
        .summary("Take elements from the first of several lists that has any")
        .complexity("O(N+M) for N keys and M elements taken")
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::one_of("where", LEFT_RIGHT),
            Arg::integer("count").token("COUNT").optional(),
        ]),
    Spec::new("blpop", -3)
        .flags(&[Write, Blocking])
        .categories(&[Category::List])
        .keys(&[KeySpec::range(1, -2, 1, &["RW", "access", "delete"])])
        .origin("list", "2.0.0")
        .summary("Take the head of the first list that has any element, or wait for one")
        .complexity("O(N) for N keys")
        .history(&[("6.0.0", "`timeout` may have a fraction.")])
        .arguments(&[Arg::key("key", 0).multiple(), Arg::double("timeout")]),
    Spec::new("brpop", -3)
        .flags(&[Write, Blocking])
        .categories(&[Category::List])
        .keys(&[KeySpec::range(1, -2, 1, &["RW", "access", "delete"])])
        .origin("list", "2.0.0")
        .summary("Take the tail of the first list that has any element, or wait for one")
        .complexity("O(N) for N keys")
        .history(&[("6.0.0", "`timeout` may have a fraction.")])
        .arguments(&[Arg::key("key", 0).multiple(), Arg::double("timeout")]),
    Spec::new("blmove", 6)
        .flags(&[Write, DenyOom, Blocking])
        .categories(&[Category::List])
        .keys(SOURCE_AND_DESTINATION)
        .origin("list", "6.2.0")
        .summary("Move an element between the ends of two lists, or wait for one")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("source", 0),
            Arg::key("destination", 1),
            Arg::one_of("wherefrom", LEFT_RIGHT),
            Arg::one_of("whereto", LEFT_RIGHT),
            Arg::double("timeout"),
        ]),
    Spec::new("brpoplpush", 4)
        .flags(&[Write, DenyOom, Blocking])
        .categories(&[Category::List])
        .keys(SOURCE_AND_DESTINATION)
        .origin("list", "2.2.0")
        .summary("Move an element from the tail of a list to the head of another, or wait for one")
        .complexity("O(1)")
        .deprecated("6.2.0", "`BLMOVE source destination RIGHT LEFT timeout`")
        .history(&[("6.0.0", "`timeout` may have a fraction.")])
        .arguments(&[
            Arg::key("source", 0),
            Arg::key("destination", 1),
            Arg::double("timeout"),
        ]),
    Spec::new("blmpop", -5)
        .flags(&[Write, Blocking])
        .categories(&[Category::List])
        .keys(&[KeySpec::counted(2, &["RW", "access", "delete"])])
        .origin("list", "7.0.0")
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
