//! The group bitmap.

use fanfare::Server;

use crate::common::client::Client;

commands! {
    "setbit" => setbit,
    "getbit" => getbit,
    "bitcount" => bitcount,
    "bitpos" => bitpos,
    "bitop" => bitop,
    "bitfield" => bitfield,
    "bitfield_ro" => bitfield_ro,
}

const NO_BIT: &str = "-ERR bit is not an integer or out of range";
const NO_OFFSET: &str = "-ERR bit offset is not an integer or out of range";
const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const SYNTAX: &str = "-ERR syntax error";
const NO_INTEGER: &str = "-ERR value is not an integer or out of range";
const NO_TYPE: &str = "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";

async fn setbit(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l x", ":1"),
            ("SETBIT k 7 1", ":0"),
            ("SETBIT k 7 0", ":1"),
            ("BITCOUNT k", ":0"),
            ("SETBIT k 15 0", ":0"),
            ("STRLEN k", ":2"),
            ("OBJECT ENCODING k", "$3 raw"),
            ("EXPIREAT k 4000000000", ":1"),
            ("SETBIT k 15 1", ":0"),
            ("EXPIRETIME k", ":4000000000"),
            ("GETBIT k 15", ":1"),
            ("SET n 12", "+OK"),
            ("SETBIT n 6 1", ":0"),
            ("GET n", "$2 32"),
            ("OBJECT ENCODING n", "$3 raw"),
            ("SETBIT k 1 2", NO_BIT),
            ("SETBIT k 1 x", NO_BIT),
            ("SETBIT k -1 1", NO_OFFSET),
            ("SETBIT k -1 2", NO_OFFSET),
            ("SETBIT k 01 1", NO_OFFSET),
            ("SETBIT k 4294967296 1", NO_OFFSET),
            ("SETBIT l 1 1", WRONG_TYPE),
            ("SETBIT l 1 2", NO_BIT),
            ("CONFIG SET proto-max-bulk-len 1mb", "+OK"),
            ("SETBIT big 8388607 1", ":0"),
            ("STRLEN big", ":1048576"),
            ("SETBIT big 8388608 1", NO_OFFSET),
            ("CONFIG SET proto-max-bulk-len 512mb", "+OK"),
        ])
        .await;
    client
        .arity("setbit", &["SETBIT k 1", "SETBIT k 1 1 1"])
        .await;
}

async fn getbit(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l x", ":1"),
            ("SET k foobar", "+OK"),
            ("GETBIT k 0", ":0"),
            ("GETBIT k 1", ":1"),
            ("GETBIT k 47", ":0"),
            ("GETBIT k 48", ":0"),
            ("GETBIT k 4294967295", ":0"),
            ("GETBIT none 0", ":0"),
            ("EXISTS none", ":0"),
            ("SET n 12", "+OK"),
            ("GETBIT n 2", ":1"),
            ("OBJECT ENCODING n", "$3 int"),
            ("GETBIT k x", NO_OFFSET),
            ("GETBIT k -1", NO_OFFSET),
            ("GETBIT k 4294967296", NO_OFFSET),
            ("GETBIT l 1", WRONG_TYPE),
        ])
        .await;
    client.arity("getbit", &["GETBIT k", "GETBIT k 1 1"]).await;
}

async fn bitcount(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l x", ":1"),
            ("SET k foobar", "+OK"),
            ("BITCOUNT k", ":26"),
            ("BITCOUNT k 0 0", ":4"),
            ("BITCOUNT k 1 1 byte", ":6"),
            ("BITCOUNT k -2 -1", ":7"),
            ("BITCOUNT k -100 100", ":26"),
            ("BITCOUNT k 5 30 BIT", ":17"),
            ("BITCOUNT k 3 1", ":0"),
            ("BITCOUNT k -3 -5", ":0"),
            ("BITCOUNT none", ":0"),
            ("BITCOUNT none 0 -1", ":0"),
            ("SET n 1", "+OK"),
            ("BITCOUNT n", ":3"),
            ("BITCOUNT k 0", SYNTAX),
            ("BITCOUNT k 0 1 BITS", SYNTAX),
            ("BITCOUNT k 0 1 BIT x", SYNTAX),
            ("BITCOUNT k x 1", NO_INTEGER),
            ("BITCOUNT k 1 x", NO_INTEGER),
            ("BITCOUNT l", WRONG_TYPE),
            // Arguments are read first, as in Redis 7.2.
            ("BITCOUNT none 0", SYNTAX),
            ("BITCOUNT l x 1", NO_INTEGER),
        ])
        .await;
    client.arity("bitcount", &["BITCOUNT"]).await;
}

async fn bitpos(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l x", ":1"),
            ("SET k foobar", "+OK"),
            ("BITPOS k 1", ":1"),
            ("BITPOS k 0", ":0"),
            ("BITPOS k 1 1", ":9"),
            ("BITPOS k 1 -1 -1", ":41"),
            ("BITPOS k 1 4 8 BIT", ":5"),
            ("BITPOS k 1 3 4 BIT", ":-1"),
            ("BITPOS k 0 100", ":-1"),
            ("BITFIELD ones SET u8 0 255", "*1 :0"),
            ("BITPOS ones 0", ":8"),
            ("BITPOS ones 0 0", ":8"),
            ("BITPOS ones 0 0 -1", ":-1"),
            ("BITPOS none 0", ":0"),
            ("BITPOS none 1", ":-1"),
            ("BITPOS k 2", "-ERR The bit argument must be 1 or 0."),
            ("BITPOS k x", NO_INTEGER),
            ("BITPOS k 1 x", NO_INTEGER),
            ("BITPOS k 1 0 x", NO_INTEGER),
            ("BITPOS k 1 0 1 BITS", SYNTAX),
            ("BITPOS k 1 0 1 BIT x", SYNTAX),
            ("BITPOS l 1", WRONG_TYPE),
            ("BITPOS none 0 x", NO_INTEGER),
            ("BITPOS l 0 0 1 BITS", SYNTAX),
        ])
        .await;
    client.arity("bitpos", &["BITPOS k"]).await;
}

async fn bitop(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l x", ":1"),
            ("SET a abc", "+OK"),
            ("SET b ab", "+OK"),
            ("BITOP AND d a b", ":3"),
            ("GETRANGE d 0 1", "$2 ab"),
            ("STRLEN d", ":3"),
            ("OBJECT ENCODING d", "$3 raw"),
            ("BITOP or d b a none", ":3"),
            ("GET d", "$3 abc"),
            ("BITOP XOR d a a", ":3"),
            ("BITCOUNT d", ":0"),
            ("BITOP NOT d a", ":3"),
            ("BITOP NOT d d", ":3"),
            ("GET d", "$3 abc"),
            ("EXPIREAT d 4000000000", ":1"),
            ("BITOP OR d a", ":3"),
            ("TTL d", ":-1"),
            ("SET n 12", "+OK"),
            ("BITOP OR d n", ":2"),
            ("GET d", "$2 12"),
            ("BITOP AND d none", ":0"),
            ("EXISTS d", ":0"),
            ("BITOP AND none other", ":0"),
            ("BITOP AND l a", ":3"),
            ("TYPE l", "+string"),
            ("RPUSH m x", ":1"),
            ("BITOP AND d a m", WRONG_TYPE),
            (
                "BITOP NOT d a b",
                "-ERR BITOP NOT must be called with a single source key.",
            ),
            (
                "BITOP NOT d m b",
                "-ERR BITOP NOT must be called with a single source key.",
            ),
            ("BITOP NAND d m", SYNTAX),
            ("BITOP NOT d m", WRONG_TYPE),
        ])
        .await;
    client.arity("bitop", &["BITOP AND d"]).await;
}

async fn bitfield(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l x", ":1"),
            (
                "BITFIELD k SET u8 0 255 GET u8 0 GET i8 0",
                "*3 :0 :255 :-1",
            ),
            ("BITFIELD k INCRBY u4 #1 1 GET u4 4", "*2 :0 :0"),
            (
                "BITFIELD k OVERFLOW SAT INCRBY i8 8 100 INCRBY i8 8 100",
                "*2 :100 :127",
            ),
            (
                "BITFIELD k OVERFLOW FAIL INCRBY i8 8 1 SET u8 0 1",
                "*2 _ :240",
            ),
            ("BITFIELD k overflow wrap incrby i8 8 1", "*1 :-128"),
            ("BITFIELD k SET i5 100 -3", "*1 :0"),
            ("STRLEN k", ":14"),
            ("BITFIELD none GET u8 0 GET i64 #7", "*2 :0 :0"),
            ("EXISTS none", ":0"),
            ("BITFIELD k", "*0"),
            ("SET n 1", "+OK"),
            ("BITFIELD n GET u8 0", "*1 :49"),
            ("OBJECT ENCODING n", "$3 int"),
            ("BITFIELD n INCRBY u8 0 1", "*1 :50"),
            ("GET n", "$1 2"),
            ("OBJECT ENCODING n", "$3 raw"),
            ("BITFIELD k GET u64 0", NO_TYPE),
            ("BITFIELD k GET u8", SYNTAX),
            ("BITFIELD k GET u8 x", NO_OFFSET),
            ("BITFIELD k SET u8 0 x", NO_INTEGER),
            ("BITFIELD k SET u8 4294967296 1", NO_OFFSET),
            (
                "BITFIELD k OVERFLOW NONE",
                "-ERR Invalid OVERFLOW type specified",
            ),
            ("BITFIELD k NOSUCH", SYNTAX),
            ("BITFIELD l GET u8 0", WRONG_TYPE),
            ("BITFIELD l SET u8 0 1", WRONG_TYPE),
            ("BITFIELD l SET u8 0 x", NO_INTEGER),
        ])
        .await;
    client.arity("bitfield", &["BITFIELD"]).await;
}

async fn bitfield_ro(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l x", ":1"),
            ("SET k abc", "+OK"),
            ("BITFIELD_RO k GET u8 0 get i8 #1", "*2 :97 :98"),
            ("BITFIELD_RO none GET u8 0", "*1 :0"),
            ("EXISTS none", ":0"),
            ("BITFIELD_RO k", "*0"),
            ("BITFIELD_RO k OVERFLOW SAT GET u8 0", "*1 :97"),
            (
                "BITFIELD_RO k SET u8 0 1",
                "-ERR BITFIELD_RO only supports the GET subcommand",
            ),
            (
                "BITFIELD_RO l INCRBY u8 0 1",
                "-ERR BITFIELD_RO only supports the GET subcommand",
            ),
            ("BITFIELD_RO k GET u0 0", NO_TYPE),
            ("BITFIELD_RO l GET u8 0", WRONG_TYPE),
            ("GET k", "$3 abc"),
        ])
        .await;
    client.arity("bitfield_ro", &["BITFIELD_RO"]).await;
}
