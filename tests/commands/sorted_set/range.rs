//! The group sorted-set: ranges of members.

use fanfare::Server;

use super::{NO_INTEGER, NO_LEX_RANGE, NO_RANGE, SYNTAX, WRONG_TYPE, scored};
use crate::common::client::Client;

commands! {
    "zcount" => zcount,
    "zlexcount" => zlexcount,
    "zrange" => zrange,
    "zrangestore" => zrangestore,
    "zrevrange" => zrevrange,
    "zrangebyscore" => zrangebyscore,
    "zrevrangebyscore" => zrevrangebyscore,
    "zrangebylex" => zrangebylex,
    "zrevrangebylex" => zrevrangebylex,
    "zremrangebyrank" => zremrangebyrank,
    "zremrangebyscore" => zremrangebyscore,
    "zremrangebylex" => zremrangebylex,
}

/// `z` has scores 1 to 4, `l` has the names a to d, and `s` is a string.
async fn fill(client: &mut Client) {
    client
        .script(&[
            ("ZADD z 1 a 2 b 3 c 4 d", ":4"),
            ("ZADD l 0 a 0 b 0 c 0 d", ":4"),
            ("SET s x", "+OK"),
        ])
        .await;
}

async fn zcount(_: &Server, client: &mut Client) {
    fill(client).await;
    client
        .script(&[
            ("ZCOUNT z -inf +inf", ":4"),
            ("ZCOUNT z (1 3", ":2"),
            ("ZCOUNT z 3 1", ":0"),
            ("ZCOUNT none 1 2", ":0"),
            ("ZCOUNT z x 2", NO_RANGE),
            ("ZCOUNT z 1 nan", NO_RANGE),
            ("ZCOUNT s x 2", NO_RANGE),
            ("ZCOUNT s 1 2", WRONG_TYPE),
        ])
        .await;
    client
        .arity("zcount", &["ZCOUNT z 1", "ZCOUNT z 1 2 3"])
        .await;
}

async fn zlexcount(_: &Server, client: &mut Client) {
    fill(client).await;
    client
        .script(&[
            ("ZLEXCOUNT l - +", ":4"),
            ("ZLEXCOUNT l [b (d", ":2"),
            ("ZLEXCOUNT l + -", ":0"),
            ("ZLEXCOUNT none - +", ":0"),
            ("ZLEXCOUNT l b d", NO_LEX_RANGE),
            ("ZLEXCOUNT s b d", NO_LEX_RANGE),
            ("ZLEXCOUNT s - +", WRONG_TYPE),
        ])
        .await;
    client.arity("zlexcount", &["ZLEXCOUNT l -"]).await;
}

async fn zrange(_: &Server, client: &mut Client) {
    let protocol = client.protocol;
    fill(client).await;
    client
        .script(&[
            ("ZRANGE z 0 -1", "*4 $1 a $1 b $1 c $1 d"),
            ("ZRANGE z 1 2 WITHSCORES", &scored(protocol, "b 2 c 3")),
            ("ZRANGE z -2 100", "*2 $1 c $1 d"),
            ("ZRANGE z 2 1", "*0"),
            ("ZRANGE z 0 1 REV WITHSCORES", &scored(protocol, "d 4 c 3")),
            ("ZRANGE z (1 3 BYSCORE", "*2 $1 b $1 c"),
            (
                "ZRANGE z +inf 2 BYSCORE REV WITHSCORES LIMIT 1 5",
                &scored(protocol, "c 3 b 2"),
            ),
            ("ZRANGE z -inf +inf LIMIT -1 5 BYSCORE", "*0"),
            ("ZRANGE l [b + BYLEX LIMIT 1 -1", "*2 $1 c $1 d"),
            ("ZRANGE l (d - REV BYLEX LIMIT 0 2", "*2 $1 c $1 b"),
            ("ZRANGE none 0 -1 WITHSCORES", "*0"),
            (
                "ZRANGE z 0 -1 LIMIT 0 1",
                "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE \
                 or BYLEX",
            ),
            (
                "ZRANGE l - + BYLEX WITHSCORES",
                "-ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ),
            ("ZRANGE z 0 -1 BYSCORE BYLEX", SYNTAX),
            ("ZRANGE z 0 -1 LIMIT 0", SYNTAX),
            ("ZRANGE z 0 -1 NOSUCH", SYNTAX),
            ("ZRANGE z x -1", NO_INTEGER),
            ("ZRANGE z x 1 BYSCORE", NO_RANGE),
            ("ZRANGE z a b BYLEX", NO_LEX_RANGE),
            ("ZRANGE s x -1", NO_INTEGER),
            ("ZRANGE s 0 -1", WRONG_TYPE),
        ])
        .await;
    client.arity("zrange", &["ZRANGE", "ZRANGE z 0"]).await;
}

async fn zrangestore(_: &Server, client: &mut Client) {
    let protocol = client.protocol;
    fill(client).await;
    client
        .script(&[
            ("ZRANGESTORE d z 1 2", ":2"),
            ("ZRANGE d 0 -1 WITHSCORES", &scored(protocol, "b 2 c 3")),
            ("ZRANGESTORE d z (1 +inf BYSCORE LIMIT 1 1", ":1"),
            ("ZRANGE d 0 -1", "*1 $1 c"),
            ("ZRANGESTORE d z 0 0 REV", ":1"),
            ("ZRANGE d 0 -1", "*1 $1 d"),
            ("ZRANGESTORE d l [b (d BYLEX", ":2"),
            ("ZRANGESTORE d z 9 10", ":0"),
            ("EXISTS d", ":0"),
            // Whatever the destination was.
            ("ZRANGESTORE s z 0 -1", ":4"),
            ("ZRANGESTORE z z 0 0", ":1"),
            ("ZRANGESTORE d z 0 -1 WITHSCORES", SYNTAX),
            ("SET s x", "+OK"),
            ("ZRANGESTORE d s 0 -1", WRONG_TYPE),
        ])
        .await;
    let wrong = ["ZRANGESTORE", "ZRANGESTORE d z 0"];
    client.arity("zrangestore", &wrong).await;
}

async fn zrevrange(_: &Server, client: &mut Client) {
    let protocol = client.protocol;
    fill(client).await;
    client
        .script(&[
            ("ZREVRANGE z 0 1", "*2 $1 d $1 c"),
            ("ZREVRANGE z -1 -1 WITHSCORES", &scored(protocol, "a 1")),
            ("ZREVRANGE none 0 -1", "*0"),
            ("ZREVRANGE z 0 1 REV", SYNTAX),
            ("ZREVRANGE z 0 x", NO_INTEGER),
            ("ZREVRANGE s 0 1", WRONG_TYPE),
        ])
        .await;
    client.arity("zrevrange", &["ZREVRANGE z 0"]).await;
}

async fn zrangebyscore(_: &Server, client: &mut Client) {
    let protocol = client.protocol;
    fill(client).await;
    client
        .script(&[
            ("ZRANGEBYSCORE z (1 (4", "*2 $1 b $1 c"),
            (
                "ZRANGEBYSCORE z -inf inf WITHSCORES LIMIT 1 2",
                &scored(protocol, "b 2 c 3"),
            ),
            ("ZRANGEBYSCORE z -inf inf LIMIT 0 0", "*0"),
            ("ZRANGEBYSCORE none 1 2", "*0"),
            ("ZRANGEBYSCORE z 1 2 REV", SYNTAX),
            ("ZRANGEBYSCORE z 1 2 LIMIT 0", SYNTAX),
            ("ZRANGEBYSCORE z 1 2 LIMIT 0 x", NO_INTEGER),
            ("ZRANGEBYSCORE z 1 x", NO_RANGE),
            ("ZRANGEBYSCORE s 1 2", WRONG_TYPE),
        ])
        .await;
    client.arity("zrangebyscore", &["ZRANGEBYSCORE z 0"]).await;
}

async fn zrevrangebyscore(_: &Server, client: &mut Client) {
    let protocol = client.protocol;
    fill(client).await;
    client
        .script(&[
            ("ZREVRANGEBYSCORE z 3 (1", "*2 $1 c $1 b"),
            ("ZREVRANGEBYSCORE z 1 3", "*0"),
            (
                "ZREVRANGEBYSCORE z +inf -inf LIMIT 1 2 WITHSCORES",
                &scored(protocol, "c 3 b 2"),
            ),
            ("ZREVRANGEBYSCORE z 1 x", NO_RANGE),
            ("ZREVRANGEBYSCORE s 2 1", WRONG_TYPE),
        ])
        .await;
    let wrong = ["ZREVRANGEBYSCORE z 0"];
    client.arity("zrevrangebyscore", &wrong).await;
}

async fn zrangebylex(_: &Server, client: &mut Client) {
    fill(client).await;
    client
        .script(&[
            ("ZRANGEBYLEX l - [c", "*3 $1 a $1 b $1 c"),
            ("ZRANGEBYLEX l (a + LIMIT 1 1", "*1 $1 c"),
            ("ZRANGEBYLEX none - +", "*0"),
            ("ZRANGEBYLEX l a +", NO_LEX_RANGE),
            (
                "ZRANGEBYLEX l - + WITHSCORES",
                "-ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ),
            ("ZRANGEBYLEX s - +", WRONG_TYPE),
        ])
        .await;
    client.arity("zrangebylex", &["ZRANGEBYLEX l -"]).await;
}

async fn zrevrangebylex(_: &Server, client: &mut Client) {
    fill(client).await;
    client
        .script(&[
            ("ZREVRANGEBYLEX l [c -", "*3 $1 c $1 b $1 a"),
            ("ZREVRANGEBYLEX l - [c", "*0"),
            ("ZREVRANGEBYLEX l + - LIMIT 1 2", "*2 $1 c $1 b"),
            ("ZREVRANGEBYLEX l a -", NO_LEX_RANGE),
            ("ZREVRANGEBYLEX s + -", WRONG_TYPE),
        ])
        .await;
    client
        .arity("zrevrangebylex", &["ZREVRANGEBYLEX l -"])
        .await;
}

async fn zremrangebyrank(_: &Server, client: &mut Client) {
    fill(client).await;
    client
        .script(&[
            ("ZREMRANGEBYRANK z 1 2", ":2"),
            ("ZRANGE z 0 -1", "*2 $1 a $1 d"),
            ("ZREMRANGEBYRANK z 5 6", ":0"),
            ("ZREMRANGEBYRANK z x 1", NO_INTEGER),
            ("ZREMRANGEBYRANK none 0 -1", ":0"),
            ("ZREMRANGEBYRANK s 0 -1", WRONG_TYPE),
            ("ZREMRANGEBYRANK z -2 -1", ":2"),
            ("EXISTS z", ":0"),
        ])
        .await;
    let wrong = ["ZREMRANGEBYRANK z 0", "ZREMRANGEBYRANK z 0 1 2"];
    client.arity("zremrangebyrank", &wrong).await;
}

async fn zremrangebyscore(_: &Server, client: &mut Client) {
    fill(client).await;
    client
        .script(&[
            ("ZREMRANGEBYSCORE z (1 3", ":2"),
            ("ZRANGE z 0 -1", "*2 $1 a $1 d"),
            ("ZREMRANGEBYSCORE z 2 3", ":0"),
            ("ZREMRANGEBYSCORE z x 1", NO_RANGE),
            ("ZREMRANGEBYSCORE none 0 1", ":0"),
            ("ZREMRANGEBYSCORE s 0 1", WRONG_TYPE),
            ("ZREMRANGEBYSCORE z -inf inf", ":2"),
            ("EXISTS z", ":0"),
        ])
        .await;
    let wrong = ["ZREMRANGEBYSCORE z 0"];
    client.arity("zremrangebyscore", &wrong).await;
}

async fn zremrangebylex(_: &Server, client: &mut Client) {
    fill(client).await;
    client
        .script(&[
            ("ZREMRANGEBYLEX l (a [c", ":2"),
            ("ZRANGE l 0 -1", "*2 $1 a $1 d"),
            ("ZREMRANGEBYLEX l a c", NO_LEX_RANGE),
            ("ZREMRANGEBYLEX none - +", ":0"),
            ("ZREMRANGEBYLEX s - +", WRONG_TYPE),
            ("ZREMRANGEBYLEX l - +", ":2"),
            ("EXISTS l", ":0"),
        ])
        .await;
    client
        .arity("zremrangebylex", &["ZREMRANGEBYLEX l -"])
        .await;
}
