//! Rows: keys of any type.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{DenyOom, Fast, Loading, NoScript, ReadOnly, Stale, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec, finder};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("del", -2)
        .flags(&[Write])
        .categories(&[Category::Keyspace])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .keys(&[KeySpec::from(1, &["RM", "delete"])])
        .origin("generic", "1.0.0")
        .summary("Delete a key")
        .complexity(
            "O(N) where N is the number of keys that will be removed. When a key to remove \
            holds a value other than a string, the individual complexity for this key is \
            O(M) where M is the number of elements in the list, set, sorted set or hash. \
            Removing a single key that holds a string value is O(1).",
        )
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("unlink", -2)
        .flags(&[Write, Fast])
        .categories(&[Category::Keyspace])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .keys(&[KeySpec::from(1, &["RM", "delete"])])
        .origin("generic", "4.0.0")
        .summary(
            "Delete a key asynchronously in another thread. Otherwise it is just as DEL, but \
            non blocking.",
        )
        .complexity(
            "O(1) for each key removed regardless of its size. Then the command does O(N) \
            work in a different thread in order to reclaim memory, where N is the number of \
            allocations the deleted objects where composed of.",
        )
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("exists", -2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Keyspace])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .keys(&[KeySpec::from(1, &["RO"])])
        .origin("generic", "1.0.0")
        .summary("Determine if a key exists")
        .complexity("O(N) where N is the number of keys to check.")
        .history(&[("3.0.3", "Accepts multiple `key` arguments.")])
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("type", 2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Keyspace])
        .keys(&[KeySpec::at(1, &["RO"])])
        .origin("generic", "1.0.0")
        .summary("Determine the type stored at key")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("touch", -2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Keyspace])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .keys(&[KeySpec::from(1, &["RO"])])
        .origin("generic", "3.2.1")
        .summary(
            "Alters the last access time of a key(s). Returns the number of existing keys \
            specified.",
        )
        .complexity("O(N) where N is the number of keys that will be touched.")
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("rename", 3)
        .flags(&[Write])
        .categories(&[Category::Keyspace])
        .keys(&[
            KeySpec::at(1, &["RW", "access", "delete"]),
            KeySpec::at(2, &["OW", "update"]),
        ])
        .origin("generic", "1.0.0")
        .summary("Rename a key")
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
        .summary("Rename a key, only if the new key does not exist")
        .complexity("O(1)")
        .history(&[(
            "3.2.0",
            "The command no longer returns an error when source and destination names \
            are the same.",
        )])
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
        .complexity(
            "O(N) worst case for collections, where N is the number of nested items. O(1) for \
            string values.",
        )
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
        .tips(&["request_policy:all_shards", "nondeterministic_output"])
        .origin("generic", "1.0.0")
        .summary("Return a random key from the keyspace")
        .complexity("O(1)"),
    Spec::new("keys", 2)
        .flags(&[ReadOnly])
        .categories(&[Category::Keyspace, Category::Dangerous])
        .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
        .origin("generic", "1.0.0")
        .summary("Find all keys matching the given pattern")
        .complexity(
            "O(N) with N being the number of keys in the database, under the assumption that \
            the key names in the database and the given pattern have limited length.",
        )
        .arguments(&[Arg::pattern("pattern")]),
    Spec::new("dbsize", 1)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Keyspace])
        .tips(&["request_policy:all_shards", "response_policy:agg_sum"])
        .origin("server", "1.0.0")
        .summary("Return the number of keys in the selected database")
        .complexity("O(1)"),
    Spec::new("flushdb", -1)
        .flags(&[Write])
        .categories(&[Category::Keyspace, Category::Dangerous])
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .origin("server", "1.0.0")
        .summary("Remove all keys from the current database")
        .complexity("O(N) where N is the number of keys in the selected database")
        .history(&[
            ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
            ("6.2.0", "Added the `SYNC` flushing mode modifier."),
        ])
        .arguments(&[Arg::one_of("async", ASYNC_SYNC).optional()]),
    Spec::new("flushall", -1)
        .flags(&[Write])
        .categories(&[Category::Keyspace, Category::Dangerous])
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .origin("server", "1.0.0")
        .summary("Remove all keys from all databases")
        .complexity("O(N) where N is the total number of keys in all databases")
        .history(&[
            ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
            ("6.2.0", "Added the `SYNC` flushing mode modifier."),
        ])
        .arguments(&[Arg::one_of("async", ASYNC_SYNC).optional()]),
    Spec::new("swapdb", 3)
        .flags(&[Write, Fast])
        .categories(&[Category::Keyspace, Category::Dangerous])
        .origin("server", "4.0.0")
        .summary("Swaps two Redis databases")
        .complexity(
            "O(N) where N is the count of clients watching or blocking on keys from both \
            databases.",
        )
        .arguments(&[Arg::integer("index1"), Arg::integer("index2")]),
    Spec::new("scan", -2)
        .flags(&[ReadOnly])
        .categories(&[Category::Keyspace])
        .tips(&["nondeterministic_output", "request_policy:special"])
        .origin("generic", "2.8.0")
        .summary("Incrementally iterate the keys space")
        .complexity(
            "O(1) for every call. O(N) for a complete iteration, including enough command \
            calls for the cursor to return back to 0. N is the number of elements inside the \
            collection.",
        )
        .history(&[("6.0.0", "Added the `TYPE` subcommand.")])
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
        .finder(finder::of_sort)
        .origin("generic", "1.0.0")
        .summary("Sort the elements in a list, set or sorted set")
        .complexity(
            "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and \
            M the number of returned elements. When the elements are not sorted, complexity \
            is O(N).",
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
        .summary("Sort the elements in a list, set or sorted set. Read-only variant of SORT.")
        .complexity(
            "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and \
            M the number of returned elements. When the elements are not sorted, complexity \
            is O(N).",
        )
        .arguments(&[Arg::key("key", 0), BY, LIMIT, GET, ORDER, ALPHA]),
    Spec::container("object", OBJECT)
        .origin("generic", "2.2.3")
        .summary("A container for object introspection commands")
        .complexity("Depends on subcommand."),
    Spec::container("memory", MEMORY)
        .origin("server", "4.0.0")
        .summary("A container for memory diagnostics commands")
        .complexity("Depends on subcommand."),
    Spec::new("wait", 3)
        .flags(&[NoScript])
        .categories(&[Category::Connection])
        .tips(&["request_policy:all_shards", "response_policy:agg_min"])
        .origin("generic", "3.0.0")
        .summary(
            "Wait for the synchronous replication of all the write commands sent in the \
            context of the current connection",
        )
        .complexity("O(1)")
        .arguments(&[Arg::integer("numreplicas"), Arg::integer("timeout")]),
];

/// The keys that SORT makes of its patterns.
const BY_OR_GET: KeySpec = KeySpec::unknown(&["RO", "access"]).notes(
    "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from \
    the content of the key we sort",
);

// SORT's options, which SORT_RO shares.
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
        .summary("Inspect the internal encoding of a Redis object")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("freq", 3)
        .flags(&[ReadOnly])
        .categories(&[Category::Keyspace])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(2, &["RO"])])
        .origin("generic", "4.0.0")
        .summary("Get the logarithmic access frequency counter of a Redis object")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .categories(&[Category::Keyspace])
        .origin("generic", "6.2.0")
        .summary("Show helpful text about the different subcommands")
        .complexity("O(1)"),
    Spec::new("idletime", 3)
        .flags(&[ReadOnly])
        .categories(&[Category::Keyspace])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(2, &["RO"])])
        .origin("generic", "2.2.3")
        .summary("Get the time since a Redis object was last accessed")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("refcount", 3)
        .flags(&[ReadOnly])
        .categories(&[Category::Keyspace])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(2, &["RO"])])
        .origin("generic", "2.2.3")
        .summary("Get the number of references to the value of the key")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
];

/// MEMORY's subcommands.
const MEMORY: &[Spec] = &[
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .origin("server", "4.0.0")
        .summary("Show helpful text about the different subcommands")
        .complexity("O(1)"),
    Spec::new("usage", -3)
        .flags(&[ReadOnly])
        .keys(&[KeySpec::at(2, &["RO"])])
        .origin("server", "4.0.0")
        .summary("Estimate the memory usage of a key")
        .complexity("O(N) where N is the number of samples.")
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
