//! The group geo.

use fanfare::Server;

use crate::common::client::Client;

commands! {
    "geoadd" => geoadd,
    "geopos" => geopos,
    "geohash" => geohash,
    "geodist" => geodist,
    "geosearch" => geosearch,
    "geosearchstore" => geosearchstore,
    "georadius" => georadius,
    "georadius_ro" => georadius_ro,
    "georadiusbymember" => georadiusbymember,
    "georadiusbymember_ro" => georadiusbymember_ro,
}

const SYNTAX: &str = "-ERR syntax error";
const NO_FLOAT: &str = "-ERR value is not a valid float";
const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const NO_UNIT: &str = "-ERR unsupported unit provided. please use M, KM, FT, MI";
const NO_MEMBER: &str = "-ERR could not decode requested zset member";
const NEGATIVE_RADIUS: &str = "-ERR radius cannot be negative";
const NO_INTEGER: &str = "-ERR value is not an integer or out of range";

/// A list, and some places.
async fn add_places(client: &mut Client) {
    client
        .script(&[
            ("RPUSH l x", ":1"),
            ("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 2.349014 48.864716 Paris", ":3"),
        ])
        .await;
}

async fn geoadd(_: &Server, client: &mut Client) {
    add_places(client).await;
    client
        .script(&[
            ("TYPE g", "+zset"),
            ("OBJECT ENCODING g", "$8 listpack"),
            ("GEOADD new 13.361389 38.115556 Palermo", ":1"),
            ("GEOADD new NX 1 1 Palermo 2.349014 48.864716 Paris", ":1"),
            ("GEOADD new XX CH 13.3 38 Palermo 1 1 none", ":1"),
            ("GEOADD new ch XX 13.361389 38.115556 Palermo", ":1"),
            ("GEOADD new 13.361389 38.115556 Palermo", ":0"),
            ("GEOADD none XX 1 1 m", ":0"),
            ("EXISTS none", ":0"),
            ("GEOADD g NX XX 1 1 m", SYNTAX),
            ("GEOADD g NX CH NX", SYNTAX),
            ("GEOADD g 1 1 a 2", SYNTAX),
            ("GEOADD g INCR 1 1 a", SYNTAX),
            ("GEOADD g x 1 a", NO_FLOAT),
            ("GEOADD g nan 1 a", NO_FLOAT),
            (
                "GEOADD g 181 1 a",
                "-ERR invalid longitude,latitude pair 181.000000,1.000000",
            ),
            (
                "GEOADD g 1 86 a",
                "-ERR invalid longitude,latitude pair 1.000000,86.000000",
            ),
            (
                "GEOADD g 1 1 ok 1 86 a",
                "-ERR invalid longitude,latitude pair 1.000000,86.000000",
            ),
            ("GEOPOS g ok", "*1 *-1"),
            ("GEOADD l 1 1 a", WRONG_TYPE),
            ("GEOADD l x 1 a", NO_FLOAT),
            ("CONFIG SET zset-max-listpack-entries 2", "+OK"),
            ("GEOADD big 1 1 a 2 2 b", ":2"),
            ("OBJECT ENCODING big", "$8 listpack"),
            ("GEOADD big 3 3 c", ":1"),
            ("OBJECT ENCODING big", "$8 skiplist"),
        ])
        .await;
    client.arity("geoadd", &["GEOADD g 1 1"]).await;
}

async fn geopos(_: &Server, client: &mut Client) {
    add_places(client).await;
    client
        .script(&[
            ("GEOPOS g Palermo none Paris", "*3 *2 ,13.36138933897018433 ,38.11555639549629859 *-1 *2 ,2.34901160001754761 ,48.86471570750150306"),
            ("GEOPOS none a", "*1 *-1"),
            ("GEOPOS g", "*0"),
            ("GEOPOS l a", WRONG_TYPE),
        ])
        .await;
    client.arity("geopos", &["GEOPOS"]).await;
}

async fn geohash(_: &Server, client: &mut Client) {
    add_places(client).await;
    client
        .script(&[
            (
                "GEOHASH g Palermo none Paris",
                "*3 $11 sqc8b49rny0 _ $11 u09tvrw3xg0",
            ),
            ("GEOHASH none a", "*1 _"),
            ("GEOHASH l a", WRONG_TYPE),
        ])
        .await;
    client.arity("geohash", &["GEOHASH"]).await;
}

async fn geodist(_: &Server, client: &mut Client) {
    add_places(client).await;
    client
        .script(&[
            ("GEODIST g Palermo Catania", "$11 166274.1516"),
            ("GEODIST g Palermo Catania km", "$8 166.2742"),
            ("GEODIST g Palermo Catania FT", "$11 545518.8700"),
            ("GEODIST g Palermo Catania mi", "$8 103.3182"),
            ("GEODIST g Palermo none", "_"),
            ("GEODIST none a b", "_"),
            ("GEODIST g a b yd", NO_UNIT),
            ("GEODIST g a b m x", SYNTAX),
            ("GEODIST l a b", WRONG_TYPE),
        ])
        .await;
    client.arity("geodist", &["GEODIST g a"]).await;
}

async fn geosearch(_: &Server, client: &mut Client) {
    add_places(client).await;
    client
        .script(&[
            ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC", "*2 $7 Catania $7 Palermo"),
            ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km DESC", "*2 $7 Palermo $7 Catania"),
            ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC WITHDIST WITHHASH WITHCOORD", "*2 *4 $7 Catania $7 56.4413 :3479447370796909 *2 ,15.08726745843887329 ,37.50266842333162032 *4 $7 Palermo $8 190.4424 :3479099956230698 *2 ,13.36138933897018433 ,38.11555639549629859"),
            ("GEOSEARCH g BYBOX 400 400 km FROMMEMBER Palermo asc withdist", "*2 *2 $7 Palermo $6 0.0000 *2 $7 Catania $8 166.2742"),
            ("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 2000 km COUNT 1", "*1 $7 Palermo"),
            ("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 2000 km COUNT 2 ANY DESC", "*2 $7 Catania $7 Palermo"),
            ("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 0 m WITHHASH", "*1 *2 $7 Palermo :3479099956230698"),
            ("GEOSEARCH g FROMLONLAT 0 0 BYRADIUS 1 km", "*0"),
            ("GEOSEARCH none FROMLONLAT 0 0 BYRADIUS 1 km", "*0"),
            ("GEOSEARCH none FROMMEMBER a BYRADIUS 1 km", "*0"),
            ("GEOSEARCH g FROMMEMBER none BYRADIUS 1 km", NO_MEMBER),
            ("GEOSEARCH g FROMMEMBER Palermo FROMLONLAT 1 1 BYRADIUS 1 m", SYNTAX),
            ("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m BYBOX 1 1 m", SYNTAX),
            ("GeoSearch g BYRADIUS 1 m ASC ASC DESC", "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GeoSearch"),
            ("GEOSEARCH g FROMLONLAT 1 1 ASC ASC", "-ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH"),
            ("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS x m", "-ERR need numeric radius"),
            ("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS -1 m", NEGATIVE_RADIUS),
            ("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 yd", NO_UNIT),
            ("GEOSEARCH g FROMLONLAT 1 1 BYBOX x 1 m", "-ERR need numeric width"),
            ("GEOSEARCH g FROMLONLAT 1 1 BYBOX 1 x m", "-ERR need numeric height"),
            ("GEOSEARCH g FROMLONLAT 1 1 BYBOX -1 1 m", "-ERR height or width cannot be negative"),
            ("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m COUNT 0", "-ERR COUNT must be > 0"),
            ("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m COUNT x", NO_INTEGER),
            ("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m ANY", "-ERR the ANY argument requires COUNT argument"),
            ("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m STORE d", SYNTAX),
            ("GEOSEARCH l FROMLONLAT 1 1 BYRADIUS 1 m", WRONG_TYPE),
        ])
        .await;
    client
        .arity("geosearch", &["GEOSEARCH g FROMMEMBER m BYRADIUS 1"])
        .await;
}

async fn geosearchstore(_: &Server, client: &mut Client) {
    add_places(client).await;
    client
        .script(&[
            ("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km", ":2"),
            ("GEOHASH d Palermo Catania Paris", "*3 $11 sqc8b49rny0 $11 sqdtr74hyu0 _"),
            ("GEOSEARCHSTORE d g FROMMEMBER Palermo BYBOX 4000 4000 km STOREDIST COUNT 2", ":2"),
            ("GEOHASH d Palermo Catania Paris", "*3 $11 00bh0hbj200 $11 00bh0hbj390 _"),
            ("EXPIREAT d 4000000000", ":1"),
            ("GEOSEARCHSTORE d g FROMMEMBER Palermo BYRADIUS 1 km", ":1"),
            ("TTL d", ":-1"),
            ("GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 1 km", ":0"),
            ("EXISTS d", ":0"),
            ("GEOSEARCHSTORE d none FROMMEMBER a BYRADIUS 1 km", ":0"),
            ("GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 1 km WITHDIST", "-ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"),
            ("geosearchstore d g BYRADIUS 1 km ASC DESC", "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for geosearchstore"),
            ("GEOSEARCHSTORE d l FROMLONLAT 0 0 BYRADIUS 1 km", WRONG_TYPE),
            ("GEOSEARCHSTORE l g FROMMEMBER Palermo BYRADIUS 1 km", ":1"),
            ("TYPE l", "+zset"),
        ])
        .await;
    client
        .arity(
            "geosearchstore",
            &["GEOSEARCHSTORE d g FROMMEMBER m BYRADIUS 1"],
        )
        .await;
}

async fn georadius(_: &Server, client: &mut Client) {
    add_places(client).await;
    client
        .script(&[
            ("GEORADIUS g 15 37 200 km", "*2 $7 Palermo $7 Catania"),
            ("GEORADIUS g 15 37 200 km DESC WITHDIST", "*2 *2 $7 Palermo $8 190.4424 *2 $7 Catania $7 56.4413"),
            ("GEORADIUS g 15 37 200 km ASC COUNT 1 WITHCOORD", "*1 *2 $7 Catania *2 ,15.08726745843887329 ,37.50266842333162032"),
            ("GEORADIUS g 15 37 200 km STORE d", ":2"),
            ("GEOHASH d Palermo Catania", "*2 $11 sqc8b49rny0 $11 sqdtr74hyu0"),
            ("GEORADIUS g 15 37 200 km STORE e STOREDIST d", ":2"),
            ("EXISTS e", ":0"),
            ("GEOHASH d Palermo Catania", "*2 $11 00bh0hbj3g0 $11 00bh0hbj2f0"),
            ("GEORADIUS none 0 0 1 km STORE d", ":0"),
            ("EXISTS d", ":0"),
            ("GEORADIUS g 15 37 200 km STORE d WITHDIST", "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options"),
            ("GEORADIUS g 15 37 200 km STORE", SYNTAX),
            ("GEORADIUS g 15 37 200 yd", NO_UNIT),
            ("GEORADIUS g 15 37 -1 km", NEGATIVE_RADIUS),
            ("GEORADIUS g 15 97 1 km", "-ERR invalid longitude,latitude pair 15.000000,97.000000"),
            ("GEORADIUS l 15 37 1 km", WRONG_TYPE),
        ])
        .await;
    client.arity("georadius", &["GEORADIUS g 1 1 1"]).await;
}

async fn georadius_ro(_: &Server, client: &mut Client) {
    add_places(client).await;
    client
        .script(&[
            (
                "GEORADIUS_RO g 15 37 200 km ASC",
                "*2 $7 Catania $7 Palermo",
            ),
            ("GEORADIUS_RO g 15 37 200 km STORE d", SYNTAX),
            ("GEORADIUS_RO g 15 37 200 km STOREDIST d", SYNTAX),
            ("GEORADIUS_RO none 15 37 200 km", "*0"),
            ("GEORADIUS_RO l 15 37 200 km", WRONG_TYPE),
        ])
        .await;
    client
        .arity("georadius_ro", &["GEORADIUS_RO g 1 1 1"])
        .await;
}

async fn georadiusbymember(_: &Server, client: &mut Client) {
    add_places(client).await;
    client
        .script(&[
            (
                "GEORADIUSBYMEMBER g Palermo 200 km DESC",
                "*2 $7 Catania $7 Palermo",
            ),
            ("GEORADIUSBYMEMBER g Palermo 200 km STORE d", ":2"),
            ("GEORADIUSBYMEMBER g Palermo 200 km STOREDIST e", ":2"),
            (
                "GEOPOS e Palermo",
                "*1 *2 ,-179.99999731779098511 ,-85.05112751263942528",
            ),
            ("GEORADIUSBYMEMBER g none 200 km", NO_MEMBER),
            ("GEORADIUSBYMEMBER none m 200 km", "*0"),
            ("GEORADIUSBYMEMBER none m 200 km STORE d", ":0"),
            ("EXISTS d", ":0"),
            ("GEORADIUSBYMEMBER l m 200 km", WRONG_TYPE),
        ])
        .await;
    client
        .arity("georadiusbymember", &["GEORADIUSBYMEMBER g m 1"])
        .await;
}

async fn georadiusbymember_ro(_: &Server, client: &mut Client) {
    add_places(client).await;
    client
        .script(&[
            (
                "GEORADIUSBYMEMBER_RO g Palermo 200 km ASC WITHHASH",
                "*2 *2 $7 Palermo :3479099956230698 *2 $7 Catania :3479447370796909",
            ),
            ("GEORADIUSBYMEMBER_RO g Palermo 200 km STORE d", SYNTAX),
            ("GEORADIUSBYMEMBER_RO l m 200 km", WRONG_TYPE),
            ("GEORADIUSBYMEMBER_RO none m 200 km", "*0"),
            ("GEORADIUSBYMEMBER_RO g none 200 km", NO_MEMBER),
        ])
        .await;
    client
        .arity("georadiusbymember_ro", &["GEORADIUSBYMEMBER_RO g m 1"])
        .await;
}
