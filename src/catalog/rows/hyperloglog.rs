//! Rows: HyperLogLogs.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{DenyOom, Fast, MayReplicate, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec};

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("pfadd", -2)
        .flags(&[Write, DenyOom, Fast])
        .categories(&[Category::HyperLogLog])
        .keys(&[KeySpec::at(1, &["RW", "insert"])])
        .origin("hyperloglog", "2.8.9")
        .summary("Add elements to a HyperLogLog, which is created if there is none")
        .complexity("O(1) for each element")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("element").optional().multiple(),
        ]),
    Spec::new("pfcount", -2)
        .flags(&[ReadOnly, MayReplicate])
        .categories(&[Category::HyperLogLog])
        .keys(&[KeySpec::from(1, &["RW", "access"])
            .notes("RW, as the count is kept in the string that it was taken of")])
        .origin("hyperloglog", "2.8.9")
        .summary("Estimate how many different elements one HyperLogLog has, or several together")
        .complexity("O(1) for one key, O(N) with a large constant for N keys")
        .arguments(&[Arg::key("key", 0).multiple()]),
    Spec::new("pfmerge", -2)
        .flags(&[Write, DenyOom])
        .categories(&[Category::HyperLogLog])
        .keys(&[
            KeySpec::at(1, &["RW", "access", "insert"]),
            KeySpec::from(2, &["RO", "access"]),
        ])
        .origin("hyperloglog", "2.8.9")
        .summary("Add all the elements of HyperLogLogs to another one")
        .complexity("O(N) with a large constant, N being the number of keys")
        .arguments(&[
            Arg::key("destkey", 0),
            Arg::key("sourcekey", 1).optional().multiple(),
        ]),
];
