//! The group pubsub.

use fanfare::Server;

use crate::common::client::Client;

commands! {
    "publish" => publish,
    "spublish" => spublish,
    "subscribe" => subscribe,
    "psubscribe" => psubscribe,
    "ssubscribe" => ssubscribe,
    "unsubscribe" => unsubscribe,
    "punsubscribe" => punsubscribe,
    "sunsubscribe" => sunsubscribe,
    "pubsub" => container,
    "pubsub|channels" => channels,
    "pubsub|numsub" => numsub,
    "pubsub|numpat" => numpat,
    "pubsub|shardchannels" => shardchannels,
    "pubsub|shardnumsub" => shardnumsub,
    "pubsub|help" => help,
    "pubsub|receivers" => receivers,
    "pubsub|top" => top,
}

async fn publish(server: &Server, client: &mut Client) {
    client.ask("PUBLISH c hello", ":0").await;
    let mut subscriber = Client::connect(server, client.protocol).await;
    subscriber
        .ask("SUBSCRIBE c", ">3 $9 subscribe $1 c :1")
        .await;
    subscriber
        .ask("PSUBSCRIBE ?", ">3 $10 psubscribe $1 ? :2")
        .await;
    client.ask("PUBLISH c hello", ":2").await;
    subscriber
        .reads(
            b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\nhello\r\n\
              >4\r\n$8\r\npmessage\r\n$1\r\n?\r\n$1\r\nc\r\n$5\r\nhello\r\n",
        )
        .await;
    client.ask("publish other hello", ":0").await;
    client
        .command(&[b"PUBLISH", &b"c"[..], b"\0\r\n\xff"])
        .await;
    client.reads(b":2\r\n").await;
    subscriber
        .reads(
            b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$4\r\n\0\r\n\xff\r\n\
              >4\r\n$8\r\npmessage\r\n$1\r\n?\r\n$1\r\nc\r\n$4\r\n\0\r\n\xff\r\n",
        )
        .await;
    client.ask("PUBLISH  ", ":0").await;
    subscriber.barrier().await;
    client
        .arity("publish", &["PUBLISH", "PUBLISH c", "PUBLISH c m x"])
        .await;
    if client.protocol == 3 {
        // To itself: the reply comes first.
        client.ask("SUBSCRIBE c", ">3 $9 subscribe $1 c :1").await;
        client
            .ask("PUBLISH c me", ":3 >3 $7 message $1 c $2 me")
            .await;
    } else {
        subscriber
            .error(
                "PUBLISH c me",
                "ERR Can't execute 'publish': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / \
                 QUIT / RESET are allowed in this context",
            )
            .await;
    }
}

async fn spublish(server: &Server, client: &mut Client) {
    client.ask("SPUBLISH s hello", ":0").await;
    let mut subscriber = Client::connect(server, client.protocol).await;
    subscriber
        .ask("SSUBSCRIBE s", ">3 $10 ssubscribe $1 s :1")
        .await;
    subscriber
        .ask("PSUBSCRIBE *", ">3 $10 psubscribe $1 * :1")
        .await;
    subscriber
        .ask("SUBSCRIBE s", ">3 $9 subscribe $1 s :2")
        .await;
    client.ask("SPUBLISH s hello", ":1").await;
    subscriber
        .reads(b">3\r\n$8\r\nsmessage\r\n$1\r\ns\r\n$5\r\nhello\r\n")
        .await;
    subscriber.barrier().await;
    client
        .arity("spublish", &["SPUBLISH", "SPUBLISH s", "SPUBLISH s m x"])
        .await;
}

async fn subscribe(_: &Server, client: &mut Client) {
    client.arity("subscribe", &["SUBSCRIBE"]).await;
    client
        .ask(
            "SUBSCRIBE a b a",
            ">3 $9 subscribe $1 a :1 >3 $9 subscribe $1 b :2 >3 $9 subscribe $1 a :2",
        )
        .await;
    client.ask("subscribe ", ">3 $9 subscribe $0  :3").await;
    client.barrier().await;
}

async fn psubscribe(server: &Server, client: &mut Client) {
    client.arity("psubscribe", &["PSUBSCRIBE"]).await;
    client
        .ask(
            "PSUBSCRIBE a* [ab]? a*",
            ">3 $10 psubscribe $2 a* :1 >3 $10 psubscribe $5 [ab]? :2 >3 $10 psubscribe $2 a* :2",
        )
        .await;
    assert_eq!(server.publish("bx", "hi"), 1);
    client
        .reads(b">4\r\n$8\r\npmessage\r\n$5\r\n[ab]?\r\n$2\r\nbx\r\n$2\r\nhi\r\n")
        .await;
    client.barrier().await;
}

async fn ssubscribe(_: &Server, client: &mut Client) {
    client.arity("ssubscribe", &["SSUBSCRIBE"]).await;
    client.ask("SUBSCRIBE a", ">3 $9 subscribe $1 a :1").await;
    client
        .ask(
            "SSUBSCRIBE a b a",
            ">3 $10 ssubscribe $1 a :1 >3 $10 ssubscribe $1 b :2 >3 $10 ssubscribe $1 a :2",
        )
        .await;
    client.barrier().await;
}

async fn unsubscribe(server: &Server, client: &mut Client) {
    client.ask("UNSUBSCRIBE", ">3 $11 unsubscribe _ :0").await;
    client
        .ask("UNSUBSCRIBE a", ">3 $11 unsubscribe $1 a :0")
        .await;
    client.subscribe("SUBSCRIBE", &["a", "b", "c"]).await;
    client
        .ask(
            "UNSUBSCRIBE a nosuch a",
            ">3 $11 unsubscribe $1 a :2 >3 $11 unsubscribe $6 nosuch :2 >3 $11 unsubscribe $1 a :2",
        )
        .await;
    assert_eq!(server.publish("a", "gone"), 0);
    client.line("UNSUBSCRIBE").await;
    let (first, second) = (client.push().await, client.push().await);
    let mut names = [&first[1], &second[1]];
    names.sort_unstable();
    assert_eq!(names, [&"b", &"c"]);
    assert_eq!([&first[2], &second[2]], [&"1", &"0"]);
    client.barrier().await;
}

async fn punsubscribe(server: &Server, client: &mut Client) {
    client.ask("PUNSUBSCRIBE", ">3 $12 punsubscribe _ :0").await;
    client.subscribe("SUBSCRIBE", &["a"]).await;
    client.subscribe("PSUBSCRIBE", &["a*", "b*"]).await;
    client
        .ask(
            "PUNSUBSCRIBE a* a*",
            ">3 $12 punsubscribe $2 a* :2 >3 $12 punsubscribe $2 a* :2",
        )
        .await;
    assert_eq!(server.publish("ab", "gone"), 0);
    client
        .ask("PUNSUBSCRIBE", ">3 $12 punsubscribe $2 b* :1")
        .await;
    client.ask("PUNSUBSCRIBE", ">3 $12 punsubscribe _ :1").await;
    client.barrier().await;
}

async fn sunsubscribe(_: &Server, client: &mut Client) {
    client.ask("SUNSUBSCRIBE", ">3 $12 sunsubscribe _ :0").await;
    client.subscribe("SUBSCRIBE", &["a"]).await;
    client.subscribe("SSUBSCRIBE", &["a", "b"]).await;
    client
        .ask("SUNSUBSCRIBE a", ">3 $12 sunsubscribe $1 a :1")
        .await;
    client
        .ask("SUNSUBSCRIBE", ">3 $12 sunsubscribe $1 b :0")
        .await;
    client.ask("SUNSUBSCRIBE", ">3 $12 sunsubscribe _ :0").await;
    client.barrier().await;
}

async fn container(_: &Server, client: &mut Client) {
    client.arity("pubsub", &["PUBSUB"]).await;
    let unknown = "ERR unknown subcommand 'nosuch'. Try PUBSUB HELP.";
    client.error("PUBSUB nosuch", unknown).await;
}

async fn channels(server: &Server, client: &mut Client) {
    client.ask("PUBSUB CHANNELS", "*0").await;
    let mut subscriber = Client::connect(server, 2).await;
    subscriber.subscribe("SUBSCRIBE", &["one", "two"]).await;
    subscriber.subscribe("SSUBSCRIBE", &["shard"]).await;
    subscriber.subscribe("PSUBSCRIBE", &["o*"]).await;
    client.ask("PUBSUB CHANNELS o*", "*1 $3 one").await;
    client.ask("pubsub channels x*", "*0").await;
    client.line("PUBSUB CHANNELS").await;
    let mut all = client.push().await;
    all.sort_unstable();
    assert_eq!(all, ["one", "two"]);
    let wrong = "ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. \
                 Try PUBSUB HELP.";
    client.error("PUBSUB CHANNELS a b", wrong).await;
}

async fn numsub(server: &Server, client: &mut Client) {
    client.ask("PUBSUB NUMSUB", "*0").await;
    let mut subscriber = Client::connect(server, 3).await;
    subscriber.subscribe("SUBSCRIBE", &["one"]).await;
    subscriber.subscribe("PSUBSCRIBE", &["o*"]).await;
    client
        .ask(
            "PUBSUB NUMSUB one none one",
            "*6 $3 one :1 $4 none :0 $3 one :1",
        )
        .await;
}

async fn numpat(server: &Server, client: &mut Client) {
    client.ask("PUBSUB NUMPAT", ":0").await;
    let mut one = Client::connect(server, 3).await;
    let mut two = Client::connect(server, 2).await;
    one.subscribe("PSUBSCRIBE", &["a*", "b*"]).await;
    two.subscribe("PSUBSCRIBE", &["a*"]).await;
    client.ask("PUBSUB NUMPAT", ":2").await;
    client.arity("pubsub|numpat", &["PUBSUB NUMPAT x"]).await;
}

async fn shardchannels(server: &Server, client: &mut Client) {
    client.ask("PUBSUB SHARDCHANNELS", "*0").await;
    let mut subscriber = Client::connect(server, 2).await;
    subscriber.subscribe("SUBSCRIBE", &["channel"]).await;
    subscriber.subscribe("SSUBSCRIBE", &["shard"]).await;
    client.ask("PUBSUB SHARDCHANNELS", "*1 $5 shard").await;
    client.ask("PUBSUB SHARDCHANNELS c*", "*0").await;
    let wrong = "ERR unknown subcommand or wrong number of arguments for 'SHARDCHANNELS'. \
                 Try PUBSUB HELP.";
    client.error("PUBSUB SHARDCHANNELS a b", wrong).await;
}

async fn shardnumsub(server: &Server, client: &mut Client) {
    client.ask("PUBSUB SHARDNUMSUB", "*0").await;
    let mut subscriber = Client::connect(server, 2).await;
    subscriber.subscribe("SSUBSCRIBE", &["shard"]).await;
    client
        .ask("PUBSUB SHARDNUMSUB shard none", "*4 $5 shard :1 $4 none :0")
        .await;
}

async fn help(_: &Server, client: &mut Client) {
    client.arity("pubsub|help", &["PUBSUB HELP x"]).await;
    client.line("PUBSUB HELP").await;
    client
        .reads(
            "*17\r\n\
             +PUBSUB has these subcommands:\r\n\
             +CHANNELS [pattern]\r\n\
             +    Channels that have subscribers: those that match the pattern, or all.\r\n\
             +NUMPAT\r\n\
             +    How many different patterns have subscribers.\r\n\
             +NUMSUB [channel ...]\r\n\
             +    How many subscribers each of these channels has. Patterns don't count.\r\n\
             +RECEIVERS channel [LIMIT count]\r\n\
             +    Who would get a message to this channel, and by which pattern: 100 of them, or `count`.\r\n\
             +SHARDCHANNELS [pattern]\r\n\
             +    As CHANNELS, for shard channels.\r\n\
             +SHARDNUMSUB [shardchannel ...]\r\n\
             +    As NUMSUB, for shard channels.\r\n\
             +TOP [BY MESSAGES|BYTES|RECEIVERS] [WINDOW 10|60|600] [COUNT count]\r\n\
             +    The busiest channels of the last 10, 60 or 600 seconds: 10 of them, or `count`.\r\n\
             +HELP\r\n\
             +    Show this list.\r\n",
        )
        .await;
}

async fn receivers(server: &Server, client: &mut Client) {
    let none = "%3 $7 channel $1 c $5 total :0 $9 receivers *0";
    client.ask("PUBSUB RECEIVERS c", none).await;
    let mut direct = Client::connect(server, 2).await;
    direct.ask("CLIENT SETNAME direct", "+OK").await;
    direct.subscribe("SUBSCRIBE", &["c", "other"]).await;
    let mut both = Client::connect(server, 2).await;
    both.subscribe("SUBSCRIBE", &["c"]).await;
    both.subscribe("PSUBSCRIBE", &["?", "x*"]).await;
    let name_of = |client: &Client| if client.id == direct.id { "direct" } else { "" };
    let row = |client: &Client, by: &str, pattern: &str| {
        let (id, addr, name) = (client.id, &client.address, name_of(client));
        let name = if name.is_empty() {
            "$0 ".to_owned()
        } else {
            format!("${} {name}", name.len())
        };
        format!(
            "%5 $2 id :{id} $4 name {name} $4 addr ${} {addr} $2 by ${} {by} $7 pattern {pattern}",
            addr.len(),
            by.len()
        )
    };
    let rows = [
        row(&direct, "channel", "_"),
        row(&both, "channel", "_"),
        row(&both, "pattern", "$1 ?"),
    ];
    let head = "%3 $7 channel $1 c $5 total :3 $9 receivers";
    let all = format!("{head} *3 {}", rows.join(" "));
    client.ask("PUBSUB RECEIVERS c", &all).await;
    client.ask("pubsub receivers c limit 3", &all).await;
    // The total is exact, however few are shown.
    let one = format!("{head} *1 {}", rows[0]);
    client.ask("PUBSUB RECEIVERS c LIMIT 1", &one).await;
    client
        .ask("PUBSUB RECEIVERS c LIMIT 0", &format!("{head} *0"))
        .await;
    client.ask("PUBLISH c x", ":3").await;
    for word in ["-1", "10001", "x"] {
        client
            .error(
                &format!("PUBSUB RECEIVERS c LIMIT {word}"),
                "ERR LIMIT should be between 0 and 10000",
            )
            .await;
    }
    for line in [
        "PUBSUB RECEIVERS c x",
        "PUBSUB RECEIVERS c LIMIT",
        "PUBSUB RECEIVERS c LIMIT 1 x",
    ] {
        client.error(line, "ERR syntax error").await;
    }
    client
        .arity("pubsub|receivers", &["PUBSUB RECEIVERS"])
        .await;
}

async fn top(server: &Server, client: &mut Client) {
    client.ask("PUBSUB TOP", "*0").await;
    let mut subscriber = Client::connect(server, 2).await;
    subscriber.subscribe("SUBSCRIBE", &["wide"]).await;
    subscriber.subscribe("PSUBSCRIBE", &["w*"]).await;
    for (channel, payload, times, reply) in [
        ("many", "x", 5, ":0"),
        ("long", "0123456789", 2, ":0"),
        ("wide", "x", 3, ":2"),
    ] {
        for _ in 0..times {
            client
                .ask(&format!("PUBLISH {channel} {payload}"), reply)
                .await;
        }
    }
    client.ask("SPUBLISH shard x", ":0").await;
    let row = |name: &str, messages, bytes, receivers| {
        let length = name.len();
        format!(
            "%4 $7 channel ${length} {name} $8 messages :{messages} $5 bytes :{bytes} $9 receivers :{receivers}"
        )
    };
    let (many, long, wide, shard) = (
        row("many", 5, 5, 0),
        row("long", 2, 20, 0),
        row("wide", 3, 3, 6),
        row("shard", 1, 1, 0),
    );
    let rows = |rows: &[&String]| {
        let rows: Vec<_> = rows.iter().map(|row| row.as_str()).collect();
        format!("*{} {}", rows.len(), rows.join(" "))
    };
    let by_messages = rows(&[&many, &wide, &long, &shard]);
    for window in ["", " WINDOW 10", " WINDOW 60", " window 600"] {
        client
            .ask(&format!("PUBSUB TOP{window}"), &by_messages)
            .await;
    }
    client
        .ask("PUBSUB TOP COUNT 1 BY messages", &rows(&[&many]))
        .await;
    client
        .ask("PUBSUB TOP BY BYTES COUNT 2", &rows(&[&long, &many]))
        .await;
    client
        .ask("PUBSUB TOP BY RECEIVERS WINDOW 60 COUNT 1", &rows(&[&wide]))
        .await;
    client.ask("PUBSUB TOP COUNT 0", "*0").await;
    client
        .error("PUBSUB TOP WINDOW 20", "ERR WINDOW should be 10, 60 or 600")
        .await;
    client
        .error(
            "PUBSUB TOP COUNT -1",
            "ERR COUNT should be between 0 and 10000",
        )
        .await;
    for line in ["PUBSUB TOP BY size", "PUBSUB TOP COUNT", "PUBSUB TOP x 1"] {
        client.error(line, "ERR syntax error").await;
    }
    client.ask("CONFIG SET pubsub-top no", "+OK").await;
    client
        .error(
            "PUBSUB TOP",
            "ERR the busiest channels are not counted (pubsub-top no)",
        )
        .await;
    // What was counted before is forgotten.
    client.ask("CONFIG SET pubsub-top yes", "+OK").await;
    client.ask("PUBSUB TOP", "*0").await;
}
