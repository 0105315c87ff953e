//! Rows: keys of any type.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{Blocking, DenyOom, Fast, Loading, ReadOnly, Stale, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec, sort};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("del", -2)
        .flags(&[Write])
        .categories(&[Category::Keyspace])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .keys(&[KeySpec::from(1, &["RM", "delete"])])
        .origin("generic", "1.0.0")
        .summary("Delete keys")
        .complexity("O(N) for N keys, and O(M) for each list of M elements")
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("unlink", -2)
        .flags(&[Write, Fast])
        .categories(&[Category::Keyspace])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .keys(&[KeySpec::from(1, &["RM", "delete"])])
        .origin("generic", "4.0.0")
        .summary("Delete keys, and free large values later")
        .complexity("O(N) for N keys; what they held is freed in the background")
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("exists", -2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Keyspace])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .keys(&[KeySpec::from(1, &["RO"])])
        .origin("generic", "1.0.0")
        .summary("Count which of the keys exist")
        .complexity("O(N) for N keys")
        .history(&[("3.0.3", "Takes several keys.")])
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("type", 2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Keyspace])
        .keys(&[KeySpec::at(1, &["RO"])])
        .origin("generic", "1.0.0")
        .summary("Show the type of a key's value")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("touch", -2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Keyspace])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .keys(&[KeySpec::from(1, &["RO"])])
        .origin("generic", "3.2.1")
        .summary("Mark keys as just used, and count those that exist")
        .complexity("O(N) for N keys")
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("rename", 3)
        .flags(&[Write])
        .categories(&[Category::Keyspace])
        .keys(&[
            KeySpec::at(1, &["RW", "access", "delete"]),
            KeySpec::at(2, &["OW", "update"]),
        ])
        .origin("generic", "1.0.0")
        .summary("Rename a key, over another one if need be")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::key("newkey", 1)]),
    Spec::new("renamenx", 3)
        .flags(&[Write, Fast])
        .categories(&[Category::Keyspace])
        .keys(&[
            KeySpec::at(1, &["RW", "access", "delete"]),
            KeySpec::at(2, &["OW", "insert"]),
        ])
        .origin("generic", "1.0.0")
        .summary("Rename a key unless the new name is taken")
        .complexity("O(1)")
        .history(&[("3.2.0", "Renaming a key to itself is no error.")])
        .arguments(&[Arg::key("key", 0), Arg::key("newkey", 1)]),
    Spec::new("copy", -3)
        .flags(&[Write, DenyOom])
        .categories(&[Category::Keyspace])
        .keys(&[
            KeySpec::at(1, &["RO", "access"]),
            KeySpec::at(2, &["OW", "update"]),
        ])
        .origin("generic", "6.2.0")
        .summary("Copy a key")
        .complexity("O(N) for a list of N elements, O(1) for a string")
        .arguments(&[
            Arg::key("source", 0),
            Arg::key("destination", 1),
            Arg::integer("destination-db").token("DB").optional(),
            Arg::pure_token("replace", "REPLACE").optional(),
        ]),
    Spec::new("move", 3)
        .flags(&[Write, Fast])
        .categories(&[Category::Keyspace])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("generic", "1.0.0")
        .summary("Move a key to another database")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::integer("db")]),
    Spec::new("randomkey", 1)
        .flags(&[ReadOnly])
        .categories(&[Category::Keyspace])
        .tips(&[
            "request_policy:all_shards",
            "response_policy:special",
            "nondeterministic_output",
        ])
        .origin("generic", "1.0.0")
        .summary("Show the name of some key")
        .complexity("O(1)"),
    Spec::new("keys", 2)
        .flags(&[ReadOnly])
        .categories(&[Category::Keyspace, Category::Dangerous])
        .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
        .origin("generic", "1.0.0")
        .summary("List the keys whose names match a pattern")
        .complexity("O(N) for N keys, if names and pattern are short")
        .arguments(&[Arg::pattern("pattern")]),
    Spec::new("dbsize", 1)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Keyspace])
        .tips(&["request_policy:all_shards", "response_policy:agg_sum"])
        .origin("server", "1.0.0")
        .summary("Count the keys of the database")
        .complexity("O(1)"),
    Spec::new("flushdb", -1)
        .flags(&[Write])
        .categories(&[Category::Keyspace, Category::Dangerous])
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .origin("server", "1.0.0")
        .summary("Delete all keys of the database")
        .complexity("O(N) for N keys of the database")
        .history(&[
            ("4.0.0", "`ASYNC` frees memory later."),
            ("6.2.0", "`SYNC` frees memory at once."),
        ])
        .arguments(&[Arg::one_of("async", ASYNC_SYNC).optional()]),
    Spec::new("flushall", -1)
        .flags(&[Write])
        .categories(&[Category::Keyspace, Category::Dangerous])
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .origin("server", "1.0.0")
        .summary("Delete all keys of all databases")
        .complexity("O(N) for N keys of all databases")
        .history(&[
            ("4.0.0", "`ASYNC` frees memory later."),
            ("6.2.0", "`SYNC` frees memory at once."),
        ])
        .arguments(&[Arg::one_of("async", ASYNC_SYNC).optional()]),
    Spec::new("swapdb", 3)
        .flags(&[Write, Fast])
        .categories(&[Category::Keyspace, Category::Dangerous])
        .origin("server", "4.0.0")
        .summary("Exchange two databases")
        .complexity("O(N) for N connections that wait for or watch keys of the two")
        .arguments(&[Arg::integer("index1"), Arg::integer("index2")]),
    Spec::new("scan", -2)
        .flags(&[ReadOnly])
        .categories(&[Category::Keyspace])
        .tips(&[
            "nondeterministic_output",
            "request_policy:special",
            "response_policy:special",
        ])
        .origin("generic", "2.8.0")
        .summary("Walk through the keys, some with each call")
        .complexity("O(1) a call, O(N) for a walk through N keys")
        .history(&[("6.0.0", "Filter by `TYPE`.")])
        .arguments(&[
            Arg::integer("cursor"),
            Arg::pattern("pattern").token("MATCH").optional(),
            Arg::integer("count").token("COUNT").optional(),
            Arg::string("type").token("TYPE").since("6.0.0").optional(),
        ]),
    Spec::new("sort", -2)
        .flags(&[Write, DenyOom])
        .categories(&[
            Category::Set,
            Category::SortedSet,
            Category::List,
            Category::Dangerous,
        ])
        .keys(&[
            KeySpec::at(1, &["RO", "access"]),
            BY_OR_GET,
            KeySpec::unknown(&["OW", "update"]).notes(
                "For the optional STORE keyword. It is marked 'unknown' because the \
                    keyword can appear anywhere in the argument array",
            ),
        ])
        .finder(sort::keys)
        .origin("generic", "1.0.0")
        .summary("Sort the elements of a list, and show or store them")
        .complexity(
            "O(N+M*log(M)) for N elements and M of them in the reply; O(N) if nothing is sorted",
        )
        .arguments(&[
            Arg::key("key", 0),
            BY,
            LIMIT,
            GET,
            ORDER,
            ALPHA,
            Arg::key("destination", 2).token("STORE").optional(),
        ]),
    Spec::new("sort_ro", -2)
        .flags(&[ReadOnly])
        .categories(&[
            Category::Set,
            Category::SortedSet,
            Category::List,
            Category::Dangerous,
        ])
        .keys(&[KeySpec::at(1, &["RO", "access"]), BY_OR_GET])
        .origin("generic", "7.0.0")
        .summary("Sort the elements of a list, and show them")
        .complexity(
            "O(N+M*log(M)) for N elements and M of them in the reply; O(N) if nothing is sorted",
        )
        .arguments(&[Arg::key("key", 0), BY, LIMIT, GET, ORDER, ALPHA]),
    Spec::container("object", OBJECT)
        .origin("generic", "2.2.3")
        .summary("Look inside the values of keys")
        .complexity("Depends on the subcommand"),
    Spec::container("memory", MEMORY)
        .origin("server", "4.0.0")
        .summary("Look at how memory is used")
        .complexity("Depends on the subcommand"),
    Spec::new("wait", 3)
        .flags(&[Blocking])
        .categories(&[Category::Connection])
        .tips(&["request_policy:all_shards", "response_policy:agg_min"])
        .origin("generic", "3.0.0")
        .summary("Wait until replicas have what was written")
        .complexity("O(1)")
        .arguments(&[Arg::integer("numreplicas"), Arg::integer("timeout")]),
];

/// The keys that SORT makes from its patterns.
const BY_OR_GET: KeySpec = KeySpec::unknown(&["RO", "access"]).notes(
    "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from \
    the content of the key we sort",
);

// Options that SORT and SORT_RO share.
const BY: Arg = Arg::pattern("pattern").key_spec(1).token("BY").optional();
const LIMIT: Arg = Arg::block(
    "offset_count",
    &[Arg::integer("offset"), Arg::integer("count")],
)
.token("LIMIT")
.optional();
const GET: Arg = Arg::pattern("pattern")
    .key_spec(1)
    .token("GET")
    .optional()
    .multiple_token();
const ORDER: Arg = Arg::one_of(
    "order",
    &[
        Arg::pure_token("asc", "ASC"),
        Arg::pure_token("desc", "DESC"),
    ],
)
.optional();
const ALPHA: Arg = Arg::pure_token("sorting", "ALPHA").optional();

/// OBJECT's subcommands.
const OBJECT: &[Spec] = &[
    Spec::new("encoding", 3)
        .flags(&[ReadOnly])
        .categories(&[Category::Keyspace])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(2, &["RO"])])
        .origin("generic", "2.2.3")
        .summary("Show how a value is stored")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("freq", 3)
        .flags(&[ReadOnly])
        .categories(&[Category::Keyspace])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(2, &["RO"])])
        .origin("generic", "4.0.0")
        .summary("Show how often a key is used, under an LFU policy")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .categories(&[Category::Keyspace])
        .origin("generic", "6.2.0")
        .summary("List the subcommands and what they do")
        .complexity("O(1)"),
    Spec::new("idletime", 3)
        .flags(&[ReadOnly])
        .categories(&[Category::Keyspace])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(2, &["RO"])])
        .origin("generic", "2.2.3")
        .summary("Show for how many seconds a key was not used")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("refcount", 3)
        .flags(&[ReadOnly])
        .categories(&[Category::Keyspace])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(2, &["RO"])])
        .origin("generic", "2.2.3")
        .summary("Show how many references a value has")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
];

/// Tips of the subcommands of MEMORY about the whole server.
const TIPS: &[&str] = &[
    "nondeterministic_output",
    "request_policy:all_shards",
    "response_policy:special",
];

/// MEMORY's subcommands.
const MEMORY: &[Spec] = &[
    Spec::new("doctor", 2)
        .tips(TIPS)
        .origin("server", "4.0.0")
        .summary("Explain what memory is used for, and what stands out")
        .complexity("O(N) for N connections"),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .origin("server", "4.0.0")
        .summary("List the subcommands and what they do")
        .complexity("O(1)"),
    Spec::new("stats", 2)
        .tips(TIPS)
        .origin("server", "4.0.0")
        .summary("Show what memory is used for")
        .complexity("O(N) for N connections"),
    Spec::new("usage", -3)
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(2, &["RO"])])
        .origin("server", "4.0.0")
        .summary("Show the bytes that a key and its value take")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("count").token("SAMPLES").optional(),
        ]),
];

/// Whether a flush frees the memory in the background.
const ASYNC_SYNC: &[Arg] = &[
    Arg::pure_token("async", "ASYNC").since("4.0.0"),
    Arg::pure_token("sync", "SYNC").since("6.2.0"),
];
