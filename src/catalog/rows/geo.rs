//! Rows: places on the earth, which are kept in sorted sets.
//!
//! Layer `catalog`. A table of constants.

use crate::catalog::categories::Category;
use crate::catalog::spec::Flag::{DenyOom, ReadOnly, Write};
use crate::catalog::spec::finder;
use crate::catalog::spec::key::Find;
use crate::catalog::spec::{Arg, KeySpec, Spec};

const SEARCH_COST: &str = "O(N+log(M)), N being the members in the cells around the area, M all";
const UPPERCASE_UNITS: (&str, &str) = ("7.0.0", "Units may be written in upper case.");
const ANY_ADDED: (&str, &str) = ("6.2.0", "`ANY` was added to `COUNT`.");

const LONGITUDE: Arg = Arg::double("longitude");
const LATITUDE: Arg = Arg::double("latitude");
const UNIT: Arg = Arg::one_of(
    "unit",
    &[
        Arg::pure_token("m", "M"),
        Arg::pure_token("km", "KM"),
        Arg::pure_token("ft", "FT"),
        Arg::pure_token("mi", "MI"),
    ],
);
const FROM: Arg = Arg::one_of(
    "from",
    &[
        Arg::string("member").token("FROMMEMBER"),
        Arg::block("longitude_latitude", &[LONGITUDE, LATITUDE]).token("FROMLONLAT"),
    ],
);
const BY: Arg = Arg::one_of(
    "by",
    &[
        Arg::block("circle", &[Arg::double("radius").token("BYRADIUS"), UNIT]),
        Arg::block(
            "box",
            &[
                Arg::double("width").token("BYBOX"),
                Arg::double("height"),
                UNIT,
            ],
        ),
    ],
);
const ORDER: Arg = Arg::one_of(
    "order",
    &[
        Arg::pure_token("asc", "ASC"),
        Arg::pure_token("desc", "DESC"),
    ],
)
.optional();
const COUNT: Arg = Arg::block(
    "count",
    &[
        Arg::integer("count").token("COUNT"),
        Arg::pure_token("any", "ANY").optional(),
    ],
)
.optional();
/// `COUNT` of commands that are older than `ANY`.
const COUNT_WITH_LATER_ANY: Arg = Arg::block(
    "count",
    &[
        Arg::integer("count").token("COUNT"),
        Arg::pure_token("any", "ANY").since("6.2.0").optional(),
    ],
)
.optional();
const WITHCOORD: Arg = Arg::pure_token("withcoord", "WITHCOORD").optional();
const WITHDIST: Arg = Arg::pure_token("withdist", "WITHDIST").optional();
const WITHHASH: Arg = Arg::pure_token("withhash", "WITHHASH").optional();
const STORE: Arg = Arg::one_of(
    "store",
    &[
        Arg::key("key", 1).token("STORE"),
        Arg::key("key", 2).token("STOREDIST"),
    ],
)
.optional();

/// The argument after a keyword.
const NEXT_ARG: Find = Find::Range {
    last: 0,
    step: 1,
    limit: 0,
};
const READ: KeySpec = KeySpec::at(1, &["RO", "access"]);
const GEORADIUS_KEYS: &[KeySpec] = &[
    READ,
    KeySpec::behind("STORE", 6, NEXT_ARG, &["OW", "update"]),
    KeySpec::behind("STOREDIST", 6, NEXT_ARG, &["OW", "update"]),
];
const GEORADIUSBYMEMBER_KEYS: &[KeySpec] = &[
    READ,
    KeySpec::behind("STORE", 5, NEXT_ARG, &["OW", "update"]),
    KeySpec::behind("STOREDIST", 5, NEXT_ARG, &["OW", "update"]),
];

const fn reads(name: &'static str, arity: i16) -> Spec {
    Spec::new(name, arity)
        .flags(&[ReadOnly])
        .categories(&[Category::Geo])
        .keys(&[READ])
}

const fn writes(name: &'static str, arity: i16) -> Spec {
    Spec::new(name, arity)
        .flags(&[Write, DenyOom])
        .categories(&[Category::Geo])
}

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    writes("geoadd", -5)
        .keys(&[KeySpec::at(1, &["RW", "update"])])
        .origin("geo", "3.2.0")
        .summary("Add places to a sorted set, or move those that it has")
        .complexity("O(log(N)) for each place, N being the members of the set")
        .history(&[("6.2.0", "`NX`, `XX` and `CH` were added.")])
        .arguments(&[
            Arg::key("key", 0),
            Arg::one_of(
                "condition",
                &[Arg::pure_token("nx", "NX"), Arg::pure_token("xx", "XX")],
            )
            .since("6.2.0")
            .optional(),
            Arg::pure_token("change", "CH").since("6.2.0").optional(),
            Arg::block(
                "longitude_latitude_member",
                &[LONGITUDE, LATITUDE, Arg::string("member")],
            )
            .multiple(),
        ]),
    reads("geodist", -4)
        .origin("geo", "3.2.0")
        .summary("Tell the distance of two places of a set")
        .complexity("O(log(N))")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("member1"),
            Arg::string("member2"),
            UNIT.optional(),
        ]),
    reads("geohash", -2)
        .origin("geo", "3.2.0")
        .summary("Tell the geohashes of places as the common standard writes them")
        .complexity("O(log(N)) for each place, N being the members of the set")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("member").optional().multiple(),
        ]),
    reads("geopos", -2)
        .origin("geo", "3.2.0")
        .summary("Tell the coordinates of places")
        .complexity("O(N), N being the places asked for")
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("member").optional().multiple(),
        ]),
    reads("geosearch", -7)
        .origin("geo", "6.2.0")
        .summary("Find the places in a circle or a box")
        .complexity(SEARCH_COST)
        .history(&[UPPERCASE_UNITS])
        .arguments(&[
            Arg::key("key", 0),
            FROM,
            BY,
            ORDER,
            COUNT,
            WITHCOORD,
            WITHDIST,
            WITHHASH,
        ]),
    writes("geosearchstore", -8)
        .keys(&[
            KeySpec::at(1, &["OW", "update"]),
            KeySpec::at(2, &["RO", "access"]),
        ])
        .origin("geo", "6.2.0")
        .summary("Find the places in a circle or a box, and store them in another key")
        .complexity(SEARCH_COST)
        .history(&[UPPERCASE_UNITS])
        .arguments(&[
            Arg::key("destination", 0),
            Arg::key("source", 1),
            FROM,
            BY,
            ORDER,
            COUNT,
            Arg::pure_token("storedist", "STOREDIST").optional(),
        ]),
    writes("georadius", -6)
        .keys(GEORADIUS_KEYS)
        .finder(finder::of_georadius)
        .origin("geo", "3.2.0")
        .summary("Find the places around coordinates, and maybe store them in another key")
        .complexity(SEARCH_COST)
        .history(&[ANY_ADDED, UPPERCASE_UNITS])
        .deprecated(
            "6.2.0",
            "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
        )
        .arguments(&[
            Arg::key("key", 0),
            LONGITUDE,
            LATITUDE,
            Arg::double("radius"),
            UNIT,
            WITHCOORD,
            WITHDIST,
            WITHHASH,
            COUNT_WITH_LATER_ANY,
            ORDER,
            STORE,
        ]),
    reads("georadius_ro", -6)
        .origin("geo", "3.2.10")
        .summary("Find the places around coordinates")
        .complexity(SEARCH_COST)
        .history(&[ANY_ADDED])
        .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")
        .arguments(&[
            Arg::key("key", 0),
            LONGITUDE,
            LATITUDE,
            Arg::double("radius"),
            UNIT,
            WITHCOORD,
            WITHDIST,
            WITHHASH,
            COUNT_WITH_LATER_ANY,
            ORDER,
        ]),
    writes("georadiusbymember", -5)
        .keys(GEORADIUSBYMEMBER_KEYS)
        .finder(finder::of_georadiusbymember)
        .origin("geo", "3.2.0")
        .summary("Find the places around one of them, and maybe store them in another key")
        .complexity(SEARCH_COST)
        .history(&[UPPERCASE_UNITS])
        .deprecated(
            "6.2.0",
            "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
        )
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("member"),
            Arg::double("radius"),
            UNIT,
            WITHCOORD,
            WITHDIST,
            WITHHASH,
            COUNT,
            ORDER,
            STORE,
        ]),
    reads("georadiusbymember_ro", -5)
        .origin("geo", "3.2.10")
        .summary("Find the places around one of them")
        .complexity(SEARCH_COST)
        .deprecated(
            "6.2.0",
            "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
        )
        .arguments(&[
            Arg::key("key", 0),
            Arg::string("member"),
            Arg::double("radius"),
            UNIT,
            WITHCOORD,
            WITHDIST,
            WITHHASH,
            COUNT,
            ORDER,
        ]),
];
