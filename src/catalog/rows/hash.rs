//! Rows: hashes.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{DenyOom, Fast, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("hset", -4)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::Hash])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .origin("hash", "2.0.0")
        .summary("Sets fields of a hash to values")
        .complexity("O(N) for N fields")
        .history(&[("4.0.0", "Accepts multiple `field` and `value` arguments.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::block("field_value", &[Arg::string("field"), Arg::string("value")]).multiple(),
        ]),
    Spec::new("hsetnx", 4)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::Hash])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .origin("hash", "2.0.0")
        .summary("Sets a field of a hash that has no such field")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("field"),
            Arg::string("value"),
        ]),
    Spec::new("hmset", -4)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::Hash])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .origin("hash", "2.0.0")
        .summary("Sets fields of a hash to values, and answers OK")
        .complexity("O(N) for N fields")
        .deprecated("4.0.0", "`HSET` with multiple field-value pairs")
        .arguments(&[
            Arg::key("key", 0),
            Arg::block("field_value", &[Arg::string("field"), Arg::string("value")]).multiple(),
        ]),
    Spec::new("hget", 3)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Hash])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("hash", "2.0.0")
        .summary("Returns the value of a field of a hash")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::string("field")]),
    Spec::new("hmget", -3)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Hash])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("hash", "2.0.0")
        .summary("Returns the values of several fields of a hash")
        .complexity("O(N) for N fields")
        .arguments(&[Arg::key("key", 0), Arg::string("field").multiple()]),
    Spec::new("hgetall", 2)
        .flags(&[ReadOnly])
        .categories(&[Category::Hash])
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("hash", "2.0.0")
        .summary("Returns all fields of a hash with their values")
        .complexity("O(N) for a hash of N fields")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("hkeys", 2)
        .flags(&[ReadOnly])
        .categories(&[Category::Hash])
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("hash", "2.0.0")
        .summary("Returns all fields of a hash")
        .complexity("O(N) for a hash of N fields")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("hvals", 2)
        .flags(&[ReadOnly])
        .categories(&[Category::Hash])
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("hash", "2.0.0")
        .summary("Returns all values of a hash")
        .complexity("O(N) for a hash of N fields")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("hlen", 2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Hash])
        .keys(&[KeySpec::at(1, &["RO"])])
        .origin("hash", "2.0.0")
        .summary("Counts the fields of a hash")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    Spec::new("hdel", -3)
        .flags(&[Write, Fast])
        .categories(&[Category::Hash])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .origin("hash", "2.0.0")
        .summary("Removes fields from a hash")
        .complexity("O(N) for N fields to remove")
        .history(&[("2.4.0", "Accepts multiple `field` arguments.")])
        .arguments(&[Arg::key("key", 0), Arg::string("field").multiple()]),
    Spec::new("hexists", 3)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Hash])
        .keys(&[KeySpec::at(1, &["RO"])])
        .origin("hash", "2.0.0")
        .summary("Tells whether a hash has a field")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::string("field")]),
    Spec::new("hstrlen", 3)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Hash])
        .keys(&[KeySpec::at(1, &["RO"])])
        .origin("hash", "3.2.0")
        .summary("Returns the length of a field's value")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::string("field")]),
    Spec::new("hincrby", 4)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::Hash])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("hash", "2.0.0")
        .summary("Adds a whole number to a field of a hash")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("field"),
            Arg::integer("increment"),
        ]),
    Spec::new("hincrbyfloat", 4)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::Hash])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("hash", "2.6.0")
        .summary("Adds a floating-point number to a field of a hash")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("field"),
            Arg::double("increment"),
        ]),
    Spec::new("hrandfield", -2)
        .flags(&[ReadOnly])
        .categories(&[Category::Hash])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("hash", "6.2.0")
        .summary("Returns random fields of a hash")
        .complexity("O(N) for N fields returned")
        .arguments(&[
            Arg::key("key", 0),
            Arg::block(
                "options",
                &[
                    Arg::integer("count"),
                    Arg::pure_token("withvalues", "WITHVALUES").optional(),
                ],
            )
            .optional(),
        ]),
    Spec::new("hscan", -3)
        .flags(&[ReadOnly])
        .categories(&[Category::Hash])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("hash", "2.8.0")
        .summary("Goes through the fields of a hash, some with each call")
        .complexity("O(1) a call; O(N) for all calls through a hash of N fields")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("cursor"),
            Arg::pattern("pattern").token("MATCH").optional(),
            Arg::integer("count").token("COUNT").optional(),
        ]),
];
