//! Rows: the expiry of keys.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{Fast, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("expire", -3)
        .flags(&[Write, Fast])
        .categories(&[Category::Keyspace])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .origin("generic", "1.0.0")
        .summary("Let a key expire after so many seconds")
        .complexity("O(1)")
        .history(&[("7.0.0", "Options `NX`, `XX`, `GT` and `LT`.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("seconds"),
            Arg::one_of("condition", CONDITION)
                .since("7.0.0")
                .optional(),
        ]),
    Spec::new("pexpire", -3)
        .flags(&[Write, Fast])
        .categories(&[Category::Keyspace])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .origin("generic", "2.6.0")
        .summary("Let a key expire after so many milliseconds")
        .complexity("O(1)")
        .history(&[("7.0.0", "Options `NX`, `XX`, `GT` and `LT`.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("milliseconds"),
            Arg::one_of("condition", CONDITION)
                .since("7.0.0")
                .optional(),
        ]),
    Spec::new("expireat", -3)
        .flags(&[Write, Fast])
        .categories(&[Category::Keyspace])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .origin("generic", "1.2.0")
        .summary("Let a key expire at a Unix time in seconds")
        .complexity("O(1)")
        .history(&[("7.0.0", "Options `NX`, `XX`, `GT` and `LT`.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::unix_time("unix-time-seconds"),
            Arg::one_of("condition", CONDITION)
                .since("7.0.0")
                .optional(),
        ]),
    Spec::new("pexpireat", -3)
        .flags(&[Write, Fast])
        .categories(&[Category::Keyspace])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .origin("generic", "2.6.0")
        .summary("Let a key expire at a Unix time in milliseconds")
        .complexity("O(1)")
        .history(&[("7.0.0", "Options `NX`, `XX`, `GT` and `LT`.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::unix_time("unix-time-milliseconds"),
            Arg::one_of("condition", CONDITION)
                .since("7.0.0")
                .optional(),
        ]),
    Spec::new("ttl", 2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Keyspace])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("generic", "1.0.0")
        .summary("Show how many seconds a key has left")
        .complexity("O(1)")
        .history(&[("2.8.0", "Answers -2 if there is no such key.")])
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("pttl", 2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Keyspace])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("generic", "2.6.0")
        .summary("Show how many milliseconds a key has left")
        .complexity("O(1)")
        .history(&[("2.8.0", "Answers -2 if there is no such key.")])
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("expiretime", 2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Keyspace])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("generic", "7.0.0")
        .summary("Show when a key expires, as a Unix time in seconds")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("pexpiretime", 2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Keyspace])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("generic", "7.0.0")
        .summary("Show when a key expires, as a Unix time in milliseconds")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("persist", 2)
        .flags(&[Write, Fast])
        .categories(&[Category::Keyspace])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .origin("generic", "2.2.0")
        .summary("Let a key never expire")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
];

/// The conditions for setting an expiry time.
const CONDITION: &[Arg] = &[
    Arg::pure_token("nx", "NX"),
    Arg::pure_token("xx", "XX"),
    Arg::pure_token("gt", "GT"),
    Arg::pure_token("lt", "LT"),
];
