//! What the generated sessions of queue mode say about bits, LCS, HyperLogLogs and places: templates as those of
//! `random_queue`, with placeholders of their own.
//!
//! The ends of a range are whole numbers: where they are not, Redis 7.0 looks the key up first, and 7.2 does not.
//! Places may have one distance, and which of them Redis then leaves out is its sort's affair: COUNT comes only with ANY.

use super::seeded::Random;

/// Keys of strings that these commands write; the others' commands find them as well.
pub const STRINGS: [&[u8]; 4] = [b"b1", b"b2", b"p1", b"p2"];
/// Keys of places. The others' commands leave them alone.
pub const PLACES: [&[u8]; 2] = [b"g1", b"g2"];
const MEMBERS: [&str; 8] = ["m0", "m1", "m2", "m3", "m4", "m5", "m6", ""];
const LONGITUDES: [&str; 9] = [
    "0",
    "13.361389",
    "13.5",
    "-0.1",
    "179.9999",
    "-180",
    "180",
    "90.5",
    "181",
];
const LATITUDES: [&str; 9] = [
    "0",
    "38.115556",
    "38",
    "-0.1",
    "85.05",
    "-85.05112878",
    "66.7",
    "-81",
    "86",
];
const RADII: [&str; 9] = ["0", "1", "250", "5000", "0.5", "1e6", "20015", "-1", "x"];
const OFFSETS: [&str; 9] = ["0", "1", "7", "8", "63", "100", "#1", "#9", "4294967296"];
const TYPES: [&str; 9] = ["u1", "u4", "u8", "u63", "i1", "i5", "i16", "i64", "u64"];

pub const TEMPLATES: [&str; 53] = [
    "SETBIT b bit-offset bit",
    "SETBIT b bit-offset bit",
    "SETBIT b bit-offset bit",
    "GETBIT b bit-offset",
    "BITCOUNT b",
    "BITCOUNT b bit-end bit-end",
    "BITCOUNT b bit-end bit-end bit-unit",
    "BITPOS b bit",
    "BITPOS b bit bit-end",
    "BITPOS b bit bit-end bit-end bit-unit",
    "BITOP bit-op b b b",
    "BITOP bit-op b b",
    "BITOP NOT b b",
    "BITFIELD b SET bits offset integer GET bits offset",
    "BITFIELD b OVERFLOW overflow INCRBY bits offset integer INCRBY bits offset index",
    "BITFIELD b OVERFLOW overflow SET bits offset integer",
    "BITFIELD b GET bits offset GET bits offset",
    "BITFIELD_RO b GET bits offset",
    "LCS b s",
    "LCS s s LEN",
    "LCS s b IDX MINMATCHLEN small WITHMATCHLEN",
    "PFADD hll",
    "PFADD hll value value",
    "PFADD hll elements",
    "PFADD hll elements",
    "PFCOUNT hll",
    "PFCOUNT hll hll",
    "PFMERGE hll hll",
    "PFMERGE hll hll hll",
    "STRLEN hll",
    "GEOADD g longitude latitude place",
    "GEOADD g longitude latitude place longitude latitude place",
    "GEOADD g CH longitude latitude place longitude latitude place",
    "GEOADD g exists CH longitude latitude place",
    "GEODIST g place place unit",
    "GEOHASH g place place",
    "GEOPOS g place place",
    "GEOSEARCH g FROMMEMBER place BYRADIUS radius unit WITHDIST WITHHASH WITHCOORD",
    "GEOSEARCH g FROMLONLAT longitude latitude BYRADIUS radius unit COUNT count ANY",
    "GEOSEARCH g FROMLONLAT longitude latitude BYBOX radius radius unit order WITHDIST",
    "GEOSEARCHSTORE g g FROMMEMBER place BYBOX radius radius unit",
    "GEOSEARCHSTORE g g FROMLONLAT longitude latitude BYRADIUS radius unit STOREDIST",
    "GEORADIUS g longitude latitude radius unit STORE g",
    "GEORADIUSBYMEMBER g place radius unit STOREDIST g order",
    "GEORADIUSBYMEMBER_RO g place radius unit order WITHHASH",
    "DEL g",
    "TYPE g",
    "RENAME g g",
    "COPY g g REPLACE",
    "EXPIREAT g seconds",
    "PERSIST g",
    "OBJECT ENCODING g",
    "SCAN 0 COUNT 1000 MATCH g1 TYPE zset",
];

/// What stands in a placeholder's place, if it is one of these.
pub fn words(random: &mut Random, place: &str) -> Option<Vec<Vec<u8>>> {
    let from: &[&str] = match place {
        "g" => return Some(vec![random.pick(&PLACES).to_vec()]),
        // One key in eight holds something else.
        "b" | "hll" if random.once_in(8) => {
            let keys = [STRINGS.as_slice(), &PLACES].concat();
            return Some(vec![random.pick(&keys).to_vec()]);
        }
        "b" => &["b1", "b2"],
        "hll" => &["p1", "p2"],
        "elements" => {
            let count = 1 + random.below(200);
            let element = |_| random.below(3000).to_string().into();
            return Some((0..count).map(element).collect());
        }
        "place" => &MEMBERS,
        "longitude" => &LONGITUDES,
        "latitude" => &LATITUDES,
        "radius" => &RADII,
        "unit" => &["m", "km", "ft", "MI", "yd"],
        "order" => &["ASC", "DESC"],
        "bit" => &["0", "1", "0", "1", "2"],
        "bit-offset" => &["0", "1", "7", "8", "63", "100", "70000", "-1", "4294967296"],
        "bit-end" => &[
            "0",
            "1",
            "-1",
            "2",
            "-3",
            "9",
            "40",
            "-40",
            "-9223372036854775808",
            "9223372036854775807",
        ],
        "bit-op" => &["AND", "OR", "XOR"],
        "bit-unit" => &["BYTE", "BIT"],
        "offset" => &OFFSETS,
        "bits" => &TYPES,
        "overflow" => &["WRAP", "SAT", "FAIL"],
        "sparse" => &["0", "30", "300", "3000"],
        _ => return None,
    };
    Some(vec![random.pick(from).into()])
}

/// What tells all of a key that these commands write, beside GET.
pub fn audit() -> Vec<Vec<&'static [u8]>> {
    let mut all = Vec::new();
    for key in PLACES {
        let mut places: Vec<&[u8]> = vec![b"GEOPOS", key];
        places.extend(MEMBERS.map(str::as_bytes));
        all.push(places);
    }
    all
}
