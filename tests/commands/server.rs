//! The group server, without CONFIG and COMMAND; and what is no command.

use fanfare::Server;

use crate::common::client::{Client, parts};
use crate::common::{soon, start};

commands! {
    "info" => info,
    "time" => time,
    "lolwut" => lolwut,
    "shutdown" => shutdown,
    "debug" => debug,
}

async fn info(_: &Server, client: &mut Client) {
    client.line("INFO cluster").await;
    client
        .reads(b"=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n")
        .await;
    client.ask("INFO nosuch", "=4 txt:").await;
    client.line("INFO").await;
    let text = client.text().await;
    for line in [
        "redis_version:7.2.4",
        "fanfare_version:0.1.0",
        "redis_mode:standalone",
        "role:master",
        "loading:0",
        "maxmemory_policy:noeviction",
        "connected_clients:1",
        "pubsub_clients:0",
        "pubsub_channels:0",
        "pubsub_patterns:0",
        "pubsubshard_channels:0",
    ] {
        assert!(
            text.split("\r\n").any(|own| own == line),
            "{line} is not in {text}"
        );
    }
    assert!(!text.contains("# Commandstats"), "{text}");
    client.line("INFO commandstats SERVER").await;
    let text = client.text().await;
    assert!(text.starts_with("# Server\r\n"), "{text}");
    assert!(
        text.contains("\r\n\r\n# Commandstats\r\ncmdstat_hello:calls=1,"),
        "{text}"
    );
    assert!(!text.contains("# Clients"), "{text}");
}

async fn time(_: &Server, client: &mut Client) {
    client.line("TIME").await;
    let parts = parts(client.frame().await).expect("an array");
    let numbers = parts.iter().map(|part| {
        let text = std::str::from_utf8(part).expect("digits");
        text.parse::<u64>().expect("a number")
    });
    let [seconds, microseconds] = numbers.collect::<Vec<_>>()[..] else {
        panic!("{parts:?} are not two");
    };
    assert!(seconds > 1_700_000_000 && microseconds < 1_000_000);
    client.arity("time", &["TIME x"]).await;
}

async fn lolwut(_: &Server, client: &mut Client) {
    let art = "      .--------.\n====<  ta-ta- )))  )))  )))\n      '--------'\n\n\
               A fanfare, heard by all who are listening. fanfare ver. 0.1.0\nRedis ver. 7.2.4\n";
    for line in ["LOLWUT", "LOLWUT VERSION 5", "lolwut x y z"] {
        client.line(line).await;
        client
            .reads(format!("={}\r\ntxt:{art}\r\n", art.len() + 4))
            .await;
    }
    let no_integer = "ERR value is not an integer or out of range";
    client.error("LOLWUT VERSION x", no_integer).await;
}

async fn shutdown(server: &Server, client: &mut Client) {
    client.error("SHUTDOWN nosuch", "ERR syntax error").await;
    client
        .error("SHUTDOWN SAVE NOSAVE", "ERR syntax error")
        .await;
    client.error("SHUTDOWN ABORT NOW", "ERR syntax error").await;
    client
        .error("SHUTDOWN ABORT", "ERR No shutdown in progress.")
        .await;
    let no_disk = "ERR fanfare keeps nothing on disk, so SHUTDOWN SAVE is not supported";
    client.error("SHUTDOWN SAVE", no_disk).await;

    for line in ["SHUTDOWN", "shutdown nosave now force"] {
        let doomed = start().await;
        let mut other = Client::connect(&doomed, client.protocol).await;
        let mut caller = Client::connect(&doomed, client.protocol).await;
        caller.line(line).await;
        soon("SHUTDOWN", doomed.shutdown_requested()).await;
        // No reply, only the end, and not only the caller's.
        caller.closed().await;
        doomed.stop().await;
        other.closed().await;
    }
    assert_eq!(server.client_count(), 1);
}

async fn debug(_: &Server, client: &mut Client) {
    client.ask("DEBUG SLEEP 0", "+OK").await;
    client.error("DEBUG ERROR OOPS", "OOPS").await;
    let unknown = "ERR unknown subcommand or wrong number of arguments for 'nosuch'. \
                   Try DEBUG HELP.";
    client.error("DEBUG nosuch", unknown).await;
    client.arity("debug", &["DEBUG"]).await;
    client.line("DEBUG HELP").await;
    client
        .reads(
            "*12\r\n\
             +DEBUG has these subcommands:\r\n\
             +ERROR text\r\n\
             +    Answer with this error.\r\n\
             +PANIC\r\n\
             +    Panic in the task of this connection, which ends it alone.\r\n\
             +PROTOCOL type\r\n\
             +    Answer with a sample of this type: string, integer, double, bignum, null, array,\r\n\
             +    set, map, attrib, push, verbatim, true or false.\r\n\
             +SLEEP seconds\r\n\
             +    Let this connection sleep; seconds may have a fraction. Others go on.\r\n\
             +HELP\r\n\
             +    Show this list.\r\n",
        )
        .await;
    let careful = start().await;
    let mut client = Client::connect(&careful, client.protocol).await;
    client
        .error(
            "DEBUG SLEEP 0",
            "ERR DEBUG command not allowed. If the enable-debug-command option is set to \
             \"local\", you can run it from a local connection, otherwise you need to set this \
             option in the configuration file, and then restart the server.",
        )
        .await;
}

#[tokio::test]
async fn what_is_no_command() {
    crate::common::both(async |_, client| {
        client
            .error(
                "nosuch",
                "ERR unknown command 'nosuch', with args beginning with: ",
            )
            .await;
        client
            .error(
                "nosuch a b",
                "ERR unknown command 'nosuch', with args beginning with: 'a' 'b' ",
            )
            .await;
        // One that Redis has.
        client
            .error(
                "dUmp a",
                "ERR unknown command 'dUmp': fanfare has no serialized values (DUMP, RESTORE)",
            )
            .await;
        client
            .error(
                "REPLICAOF no one",
                "ERR unknown command 'REPLICAOF': fanfare has no replicas",
            )
            .await;
        client
            .error("", "ERR unknown command '', with args beginning with: ")
            .await;
        client.command(&["no\r\nsuch", "a\r\nb"]).await;
        client
            .expect("-ERR unknown command 'no  such', with args beginning with: 'a  b' \r\n")
            .await;
        client.ask("PING", "+PONG").await;
    })
    .await;
}
