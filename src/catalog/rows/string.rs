//! Rows: strings and counters.
//!
//! Layer `catalog`. A table of constants.

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
        .summary("Set a key to a string")
        .complexity("O(1)")
        .history(&[
            ("2.6.12", "Options `EX`, `PX`, `NX` and `XX`."),
            ("6.0.0", "Option `KEEPTTL`."),
            ("6.2.0", "Options `GET`, `EXAT` and `PXAT`."),
            ("7.0.0", "`NX` and `GET` go together."),
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
        .summary("Show a key's string")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("getdel", 2)
        .flags(&[Write, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "access", "delete"])])
        .origin("string", "6.2.0")
        .summary("Show a key's string and delete the key")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("getex", -2)
        .flags(&[Write, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])
            .notes("RW and UPDATE because it changes the TTL")])
        .origin("string", "6.2.0")
        .summary("Show a key's string, and change when the key expires")
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
        .summary("Set a key to a string and show what it was")
        .complexity("O(1)")
        .deprecated("6.2.0", "`SET key value GET`")
        .arguments(&[Arg::key("key", 0), Arg::string("value")]),
    Spec::new("setex", 4)
        .flags(&[Write, DenyOom])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["OW", "update"])])
        .origin("string", "2.0.0")
        .summary("Set a key to a string that expires after so many seconds")
        .complexity("O(1)")
        .deprecated("2.6.12", "`SET` with `EX`")
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
        .summary("Set a key to a string that expires after so many milliseconds")
        .complexity("O(1)")
        .deprecated("2.6.12", "`SET` with `PX`")
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
        .summary("Set a key to a string unless the key exists")
        .complexity("O(1)")
        .deprecated("2.6.12", "`SET` with `NX`")
        .arguments(&[Arg::key("key", 0), Arg::string("value")]),
    Spec::new("mget", -2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::String])
        .tips(&["request_policy:multi_shard"])
        .keys(&[KeySpec::from(1, &["RO", "access"])])
        .origin("string", "1.0.0")
        .summary("Show the strings of several keys")
        .complexity("O(N) for N keys")
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
        .summary("Set several keys to strings")
        .complexity("O(N) for N keys")
        .arguments(&[
            Arg::block("key_value", &[Arg::key("key", 0), Arg::string("value")]).multiple(),
        ]),
    Spec::new("msetnx", -3)
        .flags(&[Write, DenyOom])
        .categories(&[Category::String])
        .keys(&[KeySpec::range(1, -1, 2, &["OW", "insert"])])
        .origin("string", "1.0.1")
        .summary("Set several keys to strings unless one of them exists")
        .complexity("O(N) for N keys")
        .arguments(&[
            Arg::block("key_value", &[Arg::key("key", 0), Arg::string("value")]).multiple(),
        ]),
    Spec::new("append", 3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .origin("string", "2.0.0")
        .summary("Add to the end of a key's string")
        .complexity("O(N) for N bytes added, on average")
        .arguments(&[Arg::key("key", 0), Arg::string("value")]),
    Spec::new("strlen", 2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RO"])])
        .origin("string", "2.2.0")
        .summary("Show the length of a key's string")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("getrange", 4)
        .flags(&[ReadOnly])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("string", "2.4.0")
        .summary("Show a part of a key's string")
        .complexity("O(N) for N bytes shown")
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
        .summary("Show a part of a key's string")
        .complexity("O(N) for N bytes shown")
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
        .summary("Overwrite a part of a key's string")
        .complexity("O(N) for N bytes written, and for those that it grows by")
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
        .summary("Add one to a key's integer")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("incrby", 3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("string", "1.0.0")
        .summary("Add an integer to a key's integer")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::integer("increment")]),
    Spec::new("incrbyfloat", 3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("string", "2.6.0")
        .summary("Add a number to a key's number, with fractions")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::double("increment")]),
    Spec::new("decr", 2)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("string", "1.0.0")
        .summary("Take one from a key's integer")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("decrby", 3)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::String])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("string", "1.0.0")
        .summary("Take an integer from a key's integer")
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
