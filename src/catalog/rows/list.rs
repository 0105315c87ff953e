//! Rows: lists, and the commands that wait for an element.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{Blocking, DenyOom, Fast, NoScript, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("lpush", -3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .origin("list", "1.0.0")
        .summary("Prepend one or multiple elements to a list")
        .complexity(
            "O(1) for each element added, so O(N) to add N elements when the command is \
            called with multiple arguments.",
        )
        .history(&[("2.4.0", "Accepts multiple `element` arguments.")])
        .arguments(&[Arg::key("key", 0), Arg::string("element").multiple()]),
    Spec::new("rpush", -3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .origin("list", "1.0.0")
        .summary("Append one or multiple elements to a list")
        .complexity(
            "O(1) for each element added, so O(N) to add N elements when the command is \
            called with multiple arguments.",
        )
        .history(&[("2.4.0", "Accepts multiple `element` arguments.")])
        .arguments(&[Arg::key("key", 0), Arg::string("element").multiple()]),
    Spec::new("lpushx", -3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .origin("list", "2.2.0")
        .summary("Prepend an element to a list, only if the list exists")
        .complexity(
            "O(1) for each element added, so O(N) to add N elements when the command is \
            called with multiple arguments.",
        )
        .history(&[("4.0.0", "Accepts multiple `element` arguments.")])
        .arguments(&[Arg::key("key", 0), Arg::string("element").multiple()]),
    Spec::new("rpushx", -3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .origin("list", "2.2.0")
        .summary("Append an element to a list, only if the list exists")
        .complexity(
            "O(1) for each element added, so O(N) to add N elements when the command is \
            called with multiple arguments.",
        )
        .history(&[("4.0.0", "Accepts multiple `element` arguments.")])
        .arguments(&[Arg::key("key", 0), Arg::string("element").multiple()]),
    Spec::new("lpop", -2)
        .flags(&[Write, Fast])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "access", "delete"])])
        .origin("list", "1.0.0")
        .summary("Remove and get the first elements in a list")
        .complexity("O(N) where N is the number of elements returned")
        .history(&[("6.2.0", "Added the `count` argument.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("count").since("6.2.0").optional(),
        ]),
    Spec::new("rpop", -2)
        .flags(&[Write, Fast])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "access", "delete"])])
        .origin("list", "1.0.0")
        .summary("Remove and get the last elements in a list")
        .complexity("O(N) where N is the number of elements returned")
        .history(&[("6.2.0", "Added the `count` argument.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("count").since("6.2.0").optional(),
        ]),
    Spec::new("llen", 2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RO"])])
        .origin("list", "1.0.0")
        .summary("Get the length of a list")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("lrange", 4)
        .flags(&[ReadOnly])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("list", "1.0.0")
        .summary("Get a range of elements from a list")
        .complexity(
            "O(S+N) where S is the distance of start offset from HEAD for small lists, from \
            nearest end (HEAD or TAIL) for large lists; and N is the number of elements in \
            the specified range.",
        )
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
        .summary("Get an element from a list by its index")
        .complexity(
            "O(N) where N is the number of elements to traverse to get to the element at \
            index. This makes asking for the first or the last element of the list O(1).",
        )
        .arguments(&[Arg::key("key", 0), Arg::integer("index")]),
    Spec::new("lset", 4)
        .flags(&[Write, DenyOom])
        .categories(&[Category::List])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .origin("list", "1.0.0")
        .summary("Set the value of an element in a list by its index")
        .complexity(
            "O(N) where N is the length of the list. Setting either the first or the last \
            element of the list is O(1).",
        )
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
        .summary("Insert an element before or after another element in a list")
        .complexity(
            "O(N) where N is the number of elements to traverse before seeing the value \
            pivot. This means that inserting somewhere on the left end on the list (head) \
            can be considered O(1) and inserting somewhere on the right end (tail) is O(N).",
        )
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
        .summary("Remove elements from a list")
        .complexity(
            "O(N+M) where N is the length of the list and M is the number of elements removed.",
        )
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
        .summary("Trim a list to the specified range")
        .complexity("O(N) where N is the number of elements to be removed by the operation.")
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
        .summary("Return the index of matching elements on a list")
        .complexity(
            "O(N) where N is the number of elements in the list, for the average case. When \
            searching for elements near the head or the tail of the list, or when the MAXLEN \
            option is provided, the command may run in constant time.",
        )
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
        .summary("Pop an element from a list, push it to another list and return it")
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
        .summary("Remove the last element in a list, prepend it to another list and return it")
        .complexity("O(1)")
        .deprecated("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")
        .arguments(&[Arg::key("source", 0), Arg::key("destination", 1)]),
    Spec::new("lmpop", -4)
        .flags(&[Write])
        .categories(&[Category::List])
        .keys(&[KeySpec::counted(1, &["RW", "access", "delete"])])
        .origin("list", "7.0.0")
        .summary("Pop elements from a list")
        .complexity(
            "O(N+M) where N is the number of provided keys and M is the number of elements \
            returned.",
        )
        .arguments(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::one_of("where", LEFT_RIGHT),
            Arg::integer("count").token("COUNT").optional(),
        ]),
    Spec::new("blpop", -3)
        .flags(&[Write, NoScript, Blocking])
        .categories(&[Category::List])
        .keys(&[KeySpec::range(1, -2, 1, &["RW", "access", "delete"])])
        .origin("list", "2.0.0")
        .summary("Remove and get the first element in a list, or block until one is available")
        .complexity("O(N) where N is the number of provided keys.")
        .history(&[(
            "6.0.0",
            "`timeout` is interpreted as a double instead of an integer.",
        )])
        .arguments(&[Arg::key("key", 0).multiple(), Arg::double("timeout")]),
    Spec::new("brpop", -3)
        .flags(&[Write, NoScript, Blocking])
        .categories(&[Category::List])
        .keys(&[KeySpec::range(1, -2, 1, &["RW", "access", "delete"])])
        .origin("list", "2.0.0")
        .summary("Remove and get the last element in a list, or block until one is available")
        .complexity("O(N) where N is the number of provided keys.")
        .history(&[(
            "6.0.0",
            "`timeout` is interpreted as a double instead of an integer.",
        )])
        .arguments(&[Arg::key("key", 0).multiple(), Arg::double("timeout")]),
    Spec::new("blmove", 6)
        .flags(&[Write, DenyOom, NoScript, Blocking])
        .categories(&[Category::List])
        .keys(SOURCE_AND_DESTINATION)
        .origin("list", "6.2.0")
        .summary(
            "Pop an element from a list, push it to another list and return it; or block \
            until one is available",
        )
        .complexity("O(1)")
        .arguments(&[
            Arg::key("source", 0),
            Arg::key("destination", 1),
            Arg::one_of("wherefrom", LEFT_RIGHT),
            Arg::one_of("whereto", LEFT_RIGHT),
            Arg::double("timeout"),
        ]),
    Spec::new("brpoplpush", 4)
        .flags(&[Write, DenyOom, NoScript, Blocking])
        .categories(&[Category::List])
        .keys(SOURCE_AND_DESTINATION)
        .origin("list", "2.2.0")
        .summary(
            "Pop an element from a list, push it to another list and return it; or block \
            until one is available",
        )
        .complexity("O(1)")
        .deprecated("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")
        .history(&[(
            "6.0.0",
            "`timeout` is interpreted as a double instead of an integer.",
        )])
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
        .summary("Pop elements from a list, or block until one is available")
        .complexity(
            "O(N+M) where N is the number of provided keys and M is the number of elements \
            returned.",
        )
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
