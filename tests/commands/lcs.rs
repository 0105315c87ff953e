//! LCS, of the group string.

use fanfare::Server;

use crate::common::client::Client;

commands! {
    "lcs" => lcs,
}

const SYNTAX: &str = "-ERR syntax error";
const NO_INTEGER: &str = "-ERR value is not an integer or out of range";
const NO_STRINGS: &str = "-ERR The specified keys must contain string values";

async fn lcs(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l x", ":1"),
            ("SET a ohmytext", "+OK"),
            ("SET b mynewtext", "+OK"),
            ("LCS a b", "$6 mytext"),
            ("LCS a b LEN", ":6"),
            (
                "LCS a b IDX",
                "%2 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6",
            ),
            (
                "LCS a b IDX MINMATCHLEN 4",
                "%2 $7 matches *1 *2 *2 :4 :7 *2 :5 :8 $3 len :6",
            ),
            (
                "LCS a b idx WITHMATCHLEN minmatchlen 3",
                "%2 $7 matches *1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6",
            ),
            ("LCS a b IDX MINMATCHLEN 9", "%2 $7 matches *0 $3 len :6"),
            (
                "LCS a b IDX MINMATCHLEN -1",
                "%2 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6",
            ),
            ("LCS a none", "$0 "),
            ("LCS none other LEN", ":0"),
            ("LCS none other IDX", "%2 $7 matches *0 $3 len :0"),
            ("SET n 12345", "+OK"),
            ("LCS n n", "$5 12345"),
            (
                "LCS a b LEN IDX",
                "-ERR If you want both the length and indexes, please just use IDX.",
            ),
            ("LCS a b NOSUCH", SYNTAX),
            ("LCS a b IDX MINMATCHLEN", SYNTAX),
            ("LCS a b IDX MINMATCHLEN x", NO_INTEGER),
            ("LCS a l", NO_STRINGS),
            ("LCS l a NOSUCH", NO_STRINGS),
        ])
        .await;
    client.arity("lcs", &["LCS", "LCS a"]).await;
}
