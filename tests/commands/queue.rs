//! QUEUE.

use fanfare::Server;

use crate::common::client::Client;

commands! {
    "queue" => container,
    "queue|groups" => groups,
    "queue|help" => help,
    "queue|info" => info,
    "queue|list" => list,
}

async fn container(_: &Server, client: &mut Client) {
    client.arity("queue", &["QUEUE"]).await;
    client
        .error(
            "QUEUE NOSUCH",
            "ERR unknown subcommand 'NOSUCH'. Try QUEUE HELP.",
        )
        .await;
}

async fn help(_: &Server, client: &mut Client) {
    client.line("QUEUE HELP").await;
    client
        .reads(
            "*10\r\n\
             +QUEUE has these subcommands:\r\n\
             +GROUPS [LIMIT count]\r\n\
             +    The groups of streams with the most pending and unread entries: 50, or `count`.\r\n\
             +INFO key\r\n\
             +    A list as a queue: its length, elements pushed and popped so far, clients that wait,\r\n\
             +    and for how many seconds its oldest element has been there.\r\n\
             +LIST [LIMIT count]\r\n\
             +    The same for the longest lists of all databases: 50, or `count`.\r\n\
             +HELP\r\n\
             +    Show this list.\r\n",
        )
        .await;
    client.arity("queue|help", &["QUEUE HELP x"]).await;
}

fn row(db: u32, key: &str, figures: [u64; 4], oldest: &str) -> String {
    let [length, pushed, popped, waiting] = figures;
    format!(
        "%7 $2 db :{db} $3 key ${} {key} $6 length :{length} $6 pushed :{pushed} $6 popped :{popped} \
         $15 waiting-clients :{waiting} $14 oldest-seconds {oldest}",
        key.len()
    )
}

async fn info(server: &Server, client: &mut Client) {
    client
        .ask("QUEUE INFO q", &row(0, "q", [0, 0, 0, 0], "_"))
        .await;
    client.ask("RPUSH q a b c", ":3").await;
    client.ask("LPOP q", "$1 a").await;
    client.ask("LREM q 0 c", ":1").await;
    client.ask("LINSERT q BEFORE b x", ":2").await;
    client.ask("LSET q 0 y", "+OK").await;
    client.line("QUEUE INFO q").await;
    // The clock may have gone on by a second or more.
    let seen = client.frame().await;
    assert!(format!("{seen:?}").contains("oldest-seconds"));
    client.ask("LTRIM q 1 0", "+OK").await;
    client
        .ask("QUEUE INFO q", &row(0, "q", [0, 4, 4, 0], "_"))
        .await;
    // The counts go on when the key comes back, in its own database.
    client.ask("RPUSH q d", ":1").await;
    client.ask("DEL q", ":1").await;
    client
        .ask("QUEUE INFO q", &row(0, "q", [0, 5, 5, 0], "_"))
        .await;
    client.ask("SELECT 1", "+OK").await;
    client
        .ask("QUEUE INFO q", &row(1, "q", [0, 0, 0, 0], "_"))
        .await;
    client.ask("SELECT 0", "+OK").await;
    let mut waiter = Client::connect(server, 2).await;
    waiter.line("BLPOP q 0").await;
    crate::common::until_info(client, "blocked_clients", "1").await;
    client
        .ask("QUEUE INFO q", &row(0, "q", [0, 5, 5, 1], "_"))
        .await;
    client.ask("RPUSH q e", ":1").await;
    waiter.expect(b"*2\r\n$1\r\nq\r\n$1\r\ne\r\n").await;
    client
        .ask("QUEUE INFO q", &row(0, "q", [0, 6, 6, 0], "_"))
        .await;
    client.ask("SET s x", "+OK").await;
    client
        .error(
            "QUEUE INFO s",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
        )
        .await;
    client
        .arity("queue|info", &["QUEUE INFO", "QUEUE INFO q x"])
        .await;
}

async fn list(server: &Server, client: &mut Client) {
    client.ask("QUEUE LIST", "*0").await;
    client.ask("RPUSH short a", ":1").await;
    client.ask("SELECT 3", "+OK").await;
    client.ask("RPUSH long a b c", ":3").await;
    client.ask("SET text x", "+OK").await;
    client.ask("SELECT 0", "+OK").await;
    client.ask("RPUSH gone a b", ":2").await;
    client.ask("DEL gone", ":1").await;
    let mut waiter = Client::connect(server, 2).await;
    waiter.line("BLPOP awaited short2 0").await;
    crate::common::until_info(client, "blocked_clients", "1").await;
    client.line("QUEUE LIST LIMIT 2").await;
    let frame = format!("{:?}", client.frame().await);
    let (long, short) = (frame.find("b\"long\""), frame.find("b\"short\""));
    assert!(long < short && long.is_some(), "{frame}");
    assert!(!frame.contains("gone"), "{frame}");
    client.ask("DEL short", ":1").await;
    client.ask("SELECT 3", "+OK").await;
    client.ask("DEL long", ":1").await;
    client.line("QUEUE LIST").await;
    let frame = format!("{:?}", client.frame().await);
    for key in ["long", "short", "gone", "awaited", "short2"] {
        assert_eq!(
            frame.matches(&format!("b\"{key}\"")).count(),
            1,
            "{key}: {frame}"
        );
    }
    client.ask("QUEUE LIST LIMIT 0", "*0").await;
    client
        .error(
            "QUEUE LIST LIMIT -1",
            "ERR LIMIT should be between 0 and 10000",
        )
        .await;
    for line in ["QUEUE LIST x", "QUEUE LIST COUNT 1", "QUEUE LIST LIMIT 1 x"] {
        client.error(line, "ERR syntax error").await;
    }
    // Within a transaction it is one step.
    client.ask("MULTI", "+OK").await;
    client.ask("RPUSH q a", "+QUEUED").await;
    client.ask("QUEUE LIST LIMIT 1", "+QUEUED").await;
    client.line("EXEC").await;
    let frame = format!("{:?}", client.frame().await);
    assert!(frame.contains("b\"q\""), "{frame}");
}

async fn groups(_: &Server, client: &mut Client) {
    client.ask("QUEUE GROUPS", "*0").await;
    for (line, reply) in [
        ("XADD s 1-1 f v", "$3 1-1"),
        ("XADD s 2-1 f v", "$3 2-1"),
        ("XGROUP CREATE s slow 0", "+OK"),
        ("XGROUP CREATE s done $", "+OK"),
        ("XGROUP CREATECONSUMER s slow c", ":1"),
    ] {
        client.ask(line, reply).await;
    }
    client
        .line("XREADGROUP GROUP slow d COUNT 1 STREAMS s >")
        .await;
    client.frame().await;
    let row = |group: &str, consumers, pending, lag: &str| {
        format!(
            "%6 $2 db :0 $3 key $1 s $5 group $4 {group} $9 consumers :{consumers} $7 pending :{pending} \
             $3 lag {lag}"
        )
    };
    let slow = row("slow", 2, 1, ":1");
    // Redis does not know what a group has read that begins in the middle.
    let both = format!("*2 {slow} {}", row("done", 0, 0, ":0"));
    client.ask("QUEUE GROUPS", &both).await;
    client
        .ask("QUEUE GROUPS LIMIT 1", &format!("*1 {slow}"))
        .await;
    client
        .error(
            "QUEUE GROUPS LIMIT x",
            "ERR LIMIT should be between 0 and 10000",
        )
        .await;
    client.error("QUEUE GROUPS 1", "ERR syntax error").await;
}
