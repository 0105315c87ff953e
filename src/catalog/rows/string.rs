//! Rows: strings and counters.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{DenyOom, Fast, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec, finder};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("set", -3)
        .flags(&[Write, DenyOom])
        .categories(&[Category::String])
        .keys(&[
            KeySpec::at(1, &["RW", "access", "update", "variable_flags"])
                .notes("RW and ACCESS due to the optional `GET` argument"),
        ])
        .finder(finder::of_set)
        .origin("string", "1.0.0")
        .summary("Set the string value of a key")
        .complexity("O(1)")
        .history(&[
            ("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."),
            ("6.0.0", "Added the `KEEPTTL` option."),
            ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."),
            (
                "7.0.0",
                "Allowed the `NX` and `GET` options to be used together.",
            ),
        ])
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("value"),
            Arg::one_of(
                "condition",
                &[Arg::pure_token("nx", "NX"), Arg::pure_token("xx", "XX")],
            )
            .since("2.6.12")
            .optional(),
            Arg::pure_token("get", "GET").since("6.2.0").optional(),
            Arg::one_of(
                "expiration",
                &[
                    Arg::integer("seconds").token("EX").since("2.6.12"),
                    Arg::integer("milliseconds").token("PX").since("2.6.12"),
                    Arg::unix_time("unix-time-seconds")
                        .token("EXAT")
                        .since("6.2.0"),
                    Arg::unix_time("unix-time-milliseconds")
                        .token("PXAT")
                        .since("6.2.0"),
                    Arg::pure_token("keepttl", "KEEPTTL").since("6.0.0"),
                ],
            )
            .optional(),
        ]),
    Spec::new("get", 2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("string", "1.0.0")
        .summary("Get the value of a key")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("getdel", 2)
        .flags(&[Write, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "access", "delete"])])
        .origin("string", "6.2.0")
        .summary("Get the value of a key and delete the key")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("getex", -2)
        .flags(&[Write, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])
            .notes("RW and UPDATE because it changes the TTL")])
        .origin("string", "6.2.0")
        .summary("Get the value of a key and optionally set its expiration")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("key", 0),
            Arg::one_of(
                "expiration",
                &[
                    Arg::integer("seconds").token("EX"),
                    Arg::integer("milliseconds").token("PX"),
                    Arg::unix_time("unix-time-seconds").token("EXAT"),
                    Arg::unix_time("unix-time-milliseconds").token("PXAT"),
                    Arg::pure_token("persist", "PERSIST"),
                ],
            )
            .optional(),
        ]),
    Spec::new("getset", 3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("string", "1.0.0")
        .summary("Set the string value of a key and return its old value")
        .complexity("O(1)")
        .deprecated("6.2.0", "`SET` with the `!GET` argument")
        .arguments(&[Arg::key("key", 0), Arg::string("value")]),
    Spec::new("setex", 4)
        .flags(&[Write, DenyOom])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["OW", "update"])])
        .origin("string", "2.0.0")
        .summary("Set the value and expiration of a key")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("seconds"),
            Arg::string("value"),
        ]),
    Spec::new("psetex", 4)
        .flags(&[Write, DenyOom])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["OW", "update"])])
        .origin("string", "2.6.0")
        .summary("Set the value and expiration in milliseconds of a key")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("milliseconds"),
            Arg::string("value"),
        ]),
    Spec::new("setnx", 3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["OW", "insert"])])
        .origin("string", "1.0.0")
        .summary("Set the value of a key, only if the key does not exist")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::string("value")]),
    Spec::new("mget", -2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::String])
        .tips(&["request_policy:multi_shard"])
        .keys(&[KeySpec::from(1, &["RO", "access"])])
        .origin("string", "1.0.0")
        .summary("Get the values of all the given keys")
        .complexity("O(N) where N is the number of keys to retrieve.")
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("mset", -3)
        .flags(&[Write, DenyOom])
        .categories(&[Category::String])
        .tips(&[
            "request_policy:multi_shard",
            "response_policy:all_succeeded",
        ])
        .keys(&[KeySpec::range(1, -1, 2, &["OW", "update"])])
        .origin("string", "1.0.1")
        .summary("Set multiple keys to multiple values")
        .complexity("O(N) where N is the number of keys to set.")
        .arguments(&[
            Arg::block("key_value", &[Arg::key("key", 0), Arg::string("value")]).multiple(),
        ]),
    Spec::new("msetnx", -3)
        .flags(&[Write, DenyOom])
        .categories(&[Category::String])
        .tips(&["request_policy:multi_shard", "response_policy:agg_min"])
        .keys(&[KeySpec::range(1, -1, 2, &["OW", "insert"])])
        .origin("string", "1.0.1")
        .summary("Set multiple keys to multiple values, only if none of the keys exist")
        .complexity("O(N) where N is the number of keys to set.")
        .arguments(&[
            Arg::block("key_value", &[Arg::key("key", 0), Arg::string("value")]).multiple(),
        ]),
    Spec::new("append", 3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .origin("string", "2.0.0")
        .summary("Append a value to a key")
        .complexity(
            "O(1). The amortized time complexity is O(1) assuming the appended value is small \
            and the already present value is of any size, since the dynamic string library \
            used by Redis will double the free space available on every reallocation.",
        )
        .arguments(&[Arg::key("key", 0), Arg::string("value")]),
    Spec::new("strlen", 2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RO"])])
        .origin("string", "2.2.0")
        .summary("Get the length of the value stored in a key")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("getrange", 4)
        .flags(&[ReadOnly])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("string", "2.4.0")
        .summary("Get a substring of the string stored at a key")
        .complexity(
            "O(N) where N is the length of the returned string. The complexity is ultimately \
            determined by the returned length, but because creating a substring from an \
            existing string is very cheap, it can be considered O(1) for small strings.",
        )
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("start"),
            Arg::integer("end"),
        ]),
    Spec::new("substr", 4)
        .flags(&[ReadOnly])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("string", "1.0.0")
        .summary("Get a substring of the string stored at a key")
        .complexity(
            "O(N) where N is the length of the returned string. The complexity is ultimately \
            determined by the returned length, but because creating a substring from an \
            existing string is very cheap, it can be considered O(1) for small strings.",
        )
        .deprecated("2.0.0", "`GETRANGE`")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("start"),
            Arg::integer("end"),
        ]),
    Spec::new("setrange", 4)
        .flags(&[Write, DenyOom])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .origin("string", "2.2.0")
        .summary("Overwrite part of a string at key starting at the specified offset")
        .complexity(
            "O(1), not counting the time taken to copy the new string in place. Usually, this \
            string is very small so the amortized complexity is O(1). Otherwise, complexity \
            is O(M) with M being the length of the value argument.",
        )
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("offset"),
            Arg::string("value"),
        ]),
    Spec::new("incr", 2)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("string", "1.0.0")
        .summary("Increment the integer value of a key by one")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("incrby", 3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("string", "1.0.0")
        .summary("Increment the integer value of a key by the given amount")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::integer("increment")]),
    Spec::new("incrbyfloat", 3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("string", "2.6.0")
        .summary("Increment the float value of a key by the given amount")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::double("increment")]),
    Spec::new("decr", 2)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("string", "1.0.0")
        .summary("Decrement the integer value of a key by one")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("decrby", 3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("string", "1.0.0")
        .summary("Decrement the integer value of a key by the given number")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::integer("decrement")]),
    Spec::new("lcs", -3)
        .flags(&[ReadOnly])
        .categories(&[Category::String])
        .keys(&[KeySpec::range(1, 1, 1, &["RO", "access"])])
        .origin("string", "7.0.0")
        .summary("Find the longest sequence of bytes that two strings have in common")
        .complexity("O(N*M), N and M being the lengths of the strings")
        .arguments(&[
            Arg::key("key1", 0),
            Arg::key("key2", 0),
            Arg::pure_token("len", "LEN").optional(),
            Arg::pure_token("idx", "IDX").optional(),
            Arg::integer("len").token("MINMATCHLEN").optional(),
            Arg::pure_token("withmatchlen", "WITHMATCHLEN").optional(),
        ]),
];
