//! Rows: hashes.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{DenyOom, Fast, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// A command on hashes.
const fn hash(name: &'static str, arity: i16, since: &'static str) -> Spec {
    Spec::new(name, arity)
        .categories(&[Category::Hash])
        .origin("hash", since)
}

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    hash("hset", -4, "2.0.0")
        .flags(&[Write, DenyOom, Fast])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .summary("Sets fields of a hash to values")
        .complexity("O(N) for N fields")
        .history(&[("4.0.0", "Accepts multiple `field` and `value` arguments.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::block("field_value", &[Arg::string("field"), Arg::string("value")]).multiple(),
        ]),
    hash("hsetnx", 4, "2.0.0")
        .flags(&[Write, DenyOom, Fast])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .summary("Sets a field of a hash that has no such field")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("field"),
            Arg::string("value"),
        ]),
    hash("hmset", -4, "2.0.0")
        .flags(&[Write, DenyOom, Fast])
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .summary("Sets fields of a hash to values, and answers OK")
        .complexity("O(N) for N fields")
        .deprecated("4.0.0", "`HSET` with multiple field-value pairs")
        .arguments(&[
            Arg::key("key", 0),
            Arg::block("field_value", &[Arg::string("field"), Arg::string("value")]).multiple(),
        ]),
    hash("hget", 3, "2.0.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Returns the value of a field of a hash")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::string("field")]),
    hash("hmget", -3, "2.0.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Returns the values of several fields of a hash")
        .complexity("O(N) for N fields")
        .arguments(&[Arg::key("key", 0), Arg::string("field").multiple()]),
    hash("hgetall", 2, "2.0.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Returns all fields of a hash with their values")
        .complexity("O(N) for a hash of N fields")
        .arguments(&[Arg::key("key", 0)]),
    hash("hkeys", 2, "2.0.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Returns all fields of a hash")
        .complexity("O(N) for a hash of N fields")
        .arguments(&[Arg::key("key", 0)]),
    hash("hvals", 2, "2.0.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Returns all values of a hash")
        .complexity("O(N) for a hash of N fields")
        .arguments(&[Arg::key("key", 0)]),
    hash("hlen", 2, "2.0.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO"])])
        .summary("Counts the fields of a hash")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0)]),
    hash("hdel", -3, "2.0.0")
        .flags(&[Write, Fast])
        .keys(&[KeySpec::at(1, &["RW", "delete"])])
        .summary("Removes fields from a hash")
        .complexity("O(N) for N fields to remove")
        .history(&[("2.4.0", "Accepts multiple `field` arguments.")])
        .arguments(&[Arg::key("key", 0), Arg::string("field").multiple()]),
    hash("hexists", 3, "2.0.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO"])])
        .summary("Tells whether a hash has a field")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::string("field")]),
    hash("hstrlen", 3, "3.2.0")
        .flags(&[ReadOnly, Fast])
        .keys(&[KeySpec::at(1, &["RO"])])
        .summary("Returns the length of a field's value")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::string("field")]),
    hash("hincrby", 4, "2.0.0")
        .flags(&[Write, DenyOom, Fast])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .summary("Adds a whole number to a field of a hash")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("field"),
            Arg::integer("increment"),
        ]),
    hash("hincrbyfloat", 4, "2.6.0")
        .flags(&[Write, DenyOom, Fast])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .summary("Adds a floating-point number to a field of a hash")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("field"),
            Arg::double("increment"),
        ]),
    hash("hrandfield", -2, "6.2.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
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
    hash("hscan", -3, "2.8.0")
        .flags(&[ReadOnly])
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .summary("Goes through the fields of a hash, some with each call")
        .complexity("O(1) a call; O(N) for all calls through a hash of N fields")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("cursor"),
            Arg::pattern("pattern").token("MATCH").optional(),
            Arg::integer("count").token("COUNT").optional(),
        ]),
];
