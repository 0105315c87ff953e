//! The group hyperloglog.

use fanfare::Server;

use crate::common::client::Client;

commands! {
    "pfadd" => pfadd,
    "pfcount" => pfcount,
    "pfmerge" => pfmerge,
}

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const NO_HYPERLOGLOG: &str = "-WRONGTYPE Key is not a valid HyperLogLog string value.";

async fn pfadd(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l x", ":1"),
            ("SET s x", "+OK"),
            ("PFADD k", ":1"),
            ("PFADD k", ":0"),
            ("PFADD k a b c", ":1"),
            ("PFADD k a b c", ":0"),
            ("PFCOUNT k", ":3"),
            ("STRLEN k", ":27"),
            ("GETRANGE k 0 3", "$4 HYLL"),
            ("OBJECT ENCODING k", "$3 raw"),
            ("TYPE k", "+string"),
            ("EXPIREAT k 4000000000", ":1"),
            ("PFADD k d", ":1"),
            ("EXPIRETIME k", ":4000000000"),
            ("CONFIG SET hll-sparse-max-bytes 25", "+OK"),
            ("PFADD k 1 2 3 4 5", ":1"),
            ("STRLEN k", ":12304"),
            ("PFCOUNT k", ":9"),
            ("CONFIG SET hll-sparse-max-bytes 3000", "+OK"),
            ("PFADD l a", WRONG_TYPE),
            ("PFADD s a", NO_HYPERLOGLOG),
            ("OBJECT ENCODING s", "$6 embstr"),
        ])
        .await;
    client.arity("pfadd", &["PFADD"]).await;
}

async fn pfcount(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l x", ":1"),
            ("SET s x", "+OK"),
            ("PFADD k a b c", ":1"),
            ("PFADD other c d", ":1"),
            ("PFCOUNT k", ":3"),
            ("PFCOUNT k", ":3"),
            ("PFCOUNT none", ":0"),
            ("PFCOUNT none k", ":3"),
            ("PFCOUNT k other", ":4"),
            ("PFCOUNT none none", ":0"),
            ("EXISTS none", ":0"),
            ("PFCOUNT l", WRONG_TYPE),
            ("PFCOUNT s", NO_HYPERLOGLOG),
            ("PFCOUNT k l", WRONG_TYPE),
            ("PFCOUNT k s", NO_HYPERLOGLOG),
        ])
        .await;
    client.arity("pfcount", &["PFCOUNT"]).await;
}

async fn pfmerge(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l x", ":1"),
            ("SET s x", "+OK"),
            ("PFADD k a b c", ":1"),
            ("PFADD other c d", ":1"),
            ("PFMERGE m k other", "+OK"),
            ("PFCOUNT m", ":4"),
            ("PFMERGE new", "+OK"),
            ("PFCOUNT new", ":0"),
            ("PFMERGE m none", "+OK"),
            ("PFCOUNT m", ":4"),
            ("EXPIREAT m 4000000000", ":1"),
            ("PFMERGE m k", "+OK"),
            ("EXPIRETIME m", ":4000000000"),
            ("CONFIG SET hll-sparse-max-bytes 25", "+OK"),
            ("PFADD dense 1 2 3 4 5 6", ":1"),
            ("STRLEN dense", ":12304"),
            ("CONFIG SET hll-sparse-max-bytes 3000", "+OK"),
            ("PFMERGE m dense", "+OK"),
            ("STRLEN m", ":12304"),
            ("PFCOUNT m", ":10"),
            ("PFMERGE l k", WRONG_TYPE),
            ("PFMERGE m l", WRONG_TYPE),
            ("PFMERGE m s", NO_HYPERLOGLOG),
        ])
        .await;
    client.arity("pfmerge", &["PFMERGE"]).await;
}
