//! CONFIG.

use fanfare::Server;

use crate::common::client::Client;
use crate::common::info;

commands! {
    "config" => container,
    "config|get" => get,
    "config|set" => set,
    "config|resetstat" => resetstat,
    "config|rewrite" => rewrite,
    "config|help" => help,
}

async fn container(_: &Server, client: &mut Client) {
    client.arity("config", &["CONFIG"]).await;
    let unknown = "ERR unknown subcommand 'nosuch'. Try CONFIG HELP.";
    client.error("CONFIG nosuch", unknown).await;
}

async fn get(_: &Server, client: &mut Client) {
    client
        .ask("CONFIG GET maxclients", "%1 $10 maxclients $5 10000")
        .await;
    client
        .ask("CONFIG GET MaxClients", "%1 $10 MaxClients $5 10000")
        .await;
    client
        .ask("CONFIG GET maxcl*", "%1 $10 maxclients $5 10000")
        .await;
    client
        .ask(
            "CONFIG GET save appendonly",
            "%2 $4 save $0  $10 appendonly $2 no",
        )
        .await;
    client.ask("CONFIG GET nosuch", "%0").await;
    // A name of older Redis stands beside the new one.
    client
        .script(&[
            (
                "CONFIG GET Hash-Max-Ziplist-Value",
                "%1 $22 Hash-Max-Ziplist-Value $2 64",
            ),
            (
                "CONFIG GET list-max-*",
                "%2 $22 list-max-listpack-size $2 -2 $21 list-max-ziplist-size $2 -2",
            ),
        ])
        .await;
    client.line("CONFIG GET client-output-buffer-limit").await;
    client
        .reads(
            "%1\r\n$26\r\nclient-output-buffer-limit\r\n$67\r\n\
             normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60\r\n",
        )
        .await;
    client.arity("config|get", &["CONFIG GET"]).await;
}

async fn set(_: &Server, client: &mut Client) {
    client
        .ask("CONFIG SET timeout 7 maxclients 99", "+OK")
        .await;
    client
        .ask(
            "CONFIG GET timeout maxclients",
            "%2 $10 maxclients $2 99 $7 timeout $1 7",
        )
        .await;
    for (line, text) in [
        (
            "CONFIG SET nosuch 1",
            "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
        ),
        (
            "CONFIG SET timeout x",
            "ERR CONFIG SET failed (possibly related to argument 'timeout') - argument couldn't \
             be parsed into an integer",
        ),
        (
            "CONFIG SET timeout 8 maxclients 0",
            "ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument must \
             be between 1 and 4294967295 inclusive",
        ),
        (
            "CONFIG SET timeout 8 timeout 9",
            "ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter",
        ),
        (
            "CONFIG SET port 1",
            "ERR CONFIG SET failed (possibly related to argument 'port') - can't set immutable \
             config",
        ),
        ("CONFIG SET timeout 8 maxclients", "ERR syntax error"),
    ] {
        client.error(line, text).await;
    }
    client
        .script(&[
            ("CONFIG SET zset-max-ziplist-entries 5", "+OK"),
            (
                "CONFIG GET zset-max-listpack-entries",
                "%1 $25 zset-max-listpack-entries $1 5",
            ),
            // The later one counts.
            (
                "CONFIG SET hash-max-ziplist-entries 6 hash-max-listpack-entries 7",
                "+OK",
            ),
            (
                "CONFIG GET hash-max-ziplist-entries",
                "%1 $24 hash-max-ziplist-entries $1 7",
            ),
            (
                "CONFIG SET list-max-ziplist-size x",
                "-ERR CONFIG SET failed (possibly related to argument 'list-max-ziplist-size') - \
                 argument couldn't be parsed into an integer",
            ),
            (
                "CONFIG SET list-max-ziplist-size 1 list-max-ziplist-size 2",
                "-ERR CONFIG SET failed (possibly related to argument 'list-max-ziplist-size') - \
                 duplicate parameter",
            ),
        ])
        .await;
    // All or nothing.
    client.ask("CONFIG GET timeout", "%1 $7 timeout $1 7").await;
    client
        .arity("config|set", &["CONFIG SET", "CONFIG SET timeout"])
        .await;
}

async fn resetstat(server: &Server, client: &mut Client) {
    assert_eq!(server.publish("c", "m"), 0);
    assert_eq!(info(client, "pubsub_messages_published").await, "1");
    client.ask("CONFIG RESETSTAT", "+OK").await;
    assert_eq!(info(client, "pubsub_messages_published").await, "0");
    client
        .arity("config|resetstat", &["CONFIG RESETSTAT x"])
        .await;
}

async fn rewrite(_: &Server, client: &mut Client) {
    client
        .error(
            "CONFIG REWRITE",
            "ERR CONFIG REWRITE is not supported: fanfare does not write to its configuration file",
        )
        .await;
    client.arity("config|rewrite", &["CONFIG REWRITE x"]).await;
}

async fn help(_: &Server, client: &mut Client) {
    client.arity("config|help", &["CONFIG HELP x"]).await;
    client.line("CONFIG HELP").await;
    client
        .reads(
            "*11\r\n\
             +CONFIG has these subcommands:\r\n\
             +GET pattern [pattern ...]\r\n\
             +    The settings that match, with their values.\r\n\
             +RESETSTAT\r\n\
             +    Set the counters of INFO to zero.\r\n\
             +REWRITE\r\n\
             +    Refused: fanfare does not write to its configuration file.\r\n\
             +SET setting value [setting value ...]\r\n\
             +    Change settings: all of these, or none.\r\n\
             +HELP\r\n\
             +    Show this list.\r\n",
        )
        .await;
}
