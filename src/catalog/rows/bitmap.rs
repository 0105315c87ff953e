//! Rows: strings as arrays of bits.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{DenyOom, Fast, ReadOnly, Write};
use crate::catalog::spec::{Arg, KeySpec, Spec, finder};

/// The unit of a range.
const UNIT: Arg = Arg::one_of(
    "index_unit",
    &[
        Arg::pure_token("byte", "BYTE"),
        Arg::pure_token("bit", "BIT"),
    ],
)
.since("7.0.0")
.optional();

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("setbit", 4)
        .flags(&[Write, DenyOom])
        .categories(&[Category::Bitmap])
        .keys(&[KeySpec::at(1, &["RW", "access", "update"])])
        .origin("bitmap", "2.2.0")
        .summary("Change one bit of a string, which grows as far as it must")
        .complexity("O(1)")
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("offset"),
            Arg::integer("value"),
        ]),
    Spec::new("getbit", 3)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Bitmap])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("bitmap", "2.2.0")
        .summary("Read one bit of a string")
        .complexity("O(1)")
        .arguments(&[Arg::key("key", 0), Arg::integer("offset")]),
    Spec::new("bitcount", -2)
        .flags(&[ReadOnly])
        .categories(&[Category::Bitmap])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("bitmap", "2.6.0")
        .summary("Count the bits that are 1 in a string or in a range of it")
        .complexity("O(N), N being the bytes in the range")
        .history(&[("7.0.0", "`BYTE` and `BIT` were added.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::block("index", &[Arg::integer("start"), Arg::integer("end"), UNIT]).optional(),
        ]),
    Spec::new("bitpos", -3)
        .flags(&[ReadOnly])
        .categories(&[Category::Bitmap])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("bitmap", "2.8.7")
        .summary("Find where the first 0 or the first 1 is in a string")
        .complexity("O(N), N being the bytes up to that bit")
        .history(&[("7.0.0", "`BYTE` and `BIT` were added.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::integer("bit"),
            Arg::block(
                "index",
                &[
                    Arg::integer("start"),
                    Arg::block("end_index", &[Arg::integer("end"), UNIT]).optional(),
                ],
            )
            .optional(),
        ]),
    Spec::new("bitop", -4)
        .flags(&[Write, DenyOom])
        .categories(&[Category::Bitmap])
        .keys(&[
            KeySpec::at(2, &["OW", "update"]),
            KeySpec::from(3, &["RO", "access"]),
        ])
        .origin("bitmap", "2.6.0")
        .summary("Store what AND, OR, XOR or NOT makes of the bits of strings")
        .complexity("O(N), N being the bytes of all sources")
        .arguments(&[
            Arg::string("operation"),
            Arg::key("destkey", 0),
            Arg::key("key", 1).multiple(),
        ]),
    Spec::new("bitfield", -2)
        .flags(&[Write, DenyOom])
        .categories(&[Category::Bitmap])
        .keys(&[
            KeySpec::at(1, &["RW", "access", "update", "variable_flags"])
                .notes("With `GET` alone, the key is only read"),
        ])
        .finder(finder::of_bitfield)
        .origin("bitmap", "3.2.0")
        .summary("Read, set and count up integers of any width within a string")
        .complexity("O(1) for each subcommand")
        .arguments(&[
            Arg::key("key", 0),
            Arg::one_of(
                "operation",
                &[
                    Arg::block(
                        "encoding_offset",
                        &[Arg::string("encoding"), Arg::integer("offset")],
                    )
                    .token("GET"),
                    Arg::block(
                        "write",
                        &[
                            Arg::one_of(
                                "wrap_sat_fail",
                                &[
                                    Arg::pure_token("wrap", "WRAP"),
                                    Arg::pure_token("sat", "SAT"),
                                    Arg::pure_token("fail", "FAIL"),
                                ],
                            )
                            .token("OVERFLOW")
                            .optional(),
                            Arg::one_of(
                                "write_operation",
                                &[
                                    Arg::block(
                                        "encoding_offset_value",
                                        &[
                                            Arg::string("encoding"),
                                            Arg::integer("offset"),
                                            Arg::integer("value"),
                                        ],
                                    )
                                    .token("SET"),
                                    Arg::block(
                                        "encoding_offset_increment",
                                        &[
                                            Arg::string("encoding"),
                                            Arg::integer("offset"),
                                            Arg::integer("increment"),
                                        ],
                                    )
                                    .token("INCRBY"),
                                ],
                            ),
                        ],
                    ),
                ],
            )
            .optional()
            .multiple(),
        ]),
    Spec::new("bitfield_ro", -2)
        .flags(&[ReadOnly, Fast])
        .categories(&[Category::Bitmap])
        .keys(&[KeySpec::at(1, &["RO", "access"])])
        .origin("bitmap", "6.0.0")
        .summary("Read integers of any width within a string")
        .complexity("O(1) for each subcommand")
        .arguments(&[
            Arg::key("key", 0),
            Arg::block(
                "encoding_offset",
                &[Arg::string("encoding"), Arg::integer("offset")],
            )
            .token("GET")
            .optional()
            .multiple_token(),
        ]),
];
