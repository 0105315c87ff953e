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
            "*13\r\n\
             +PUBSUB has these subcommands:\r\n\
             +CHANNELS [pattern]\r\n\
             +    Channels that have subscribers: those that match the pattern, or all.\r\n\
             +NUMPAT\r\n\
             +    How many different patterns have subscribers.\r\n\
             +NUMSUB [channel ...]\r\n\
             +    How many subscribers each of these channels has. Patterns don't count.\r\n\
             +SHARDCHANNELS [pattern]\r\n\
             +    As CHANNELS, for shard channels.\r\n\
             +SHARDNUMSUB [shardchannel ...]\r\n\
             +    As NUMSUB, for shard channels.\r\n\
             +HELP\r\n\
             +    Show this list.\r\n",
        )
        .await;
}
