//! COMMAND.

use fanfare::Server;

use crate::common::client::Client;

commands! {
    "command" => command,
    "command|count" => count,
    "command|list" => list,
    "command|info" => info,
    "command|docs" => docs,
    "command|getkeys" => getkeys,
    "command|getkeysandflags" => getkeysandflags,
    "command|help" => help,
}

/// PING's entry in COMMAND and COMMAND INFO.
const PING: &str = "*10 $4 ping :-1 ~1 +fast :0 :0 :0 ~2 +@fast +@connection \
                    ~2 $25 request_policy:all_shards $29 response_policy:all_succeeded ~0 ~0";

async fn command(_: &Server, client: &mut Client) {
    client.line("COMMAND LIST").await;
    let names = client.push().await;
    let names = names
        .iter()
        .map(|name| std::str::from_utf8(name).expect("text"));
    let commands: Vec<_> = names.filter(|name| !name.contains('|')).collect();
    let all = client.reply("COMMAND").await;
    let each = client
        .reply(&format!("COMMAND INFO {}", commands.join(" ")))
        .await;
    assert!(all == each && all.starts_with(format!("*{}\r\n", commands.len()).as_bytes()));
    client
        .error(
            "COMMAND nosuch",
            "ERR unknown subcommand 'nosuch'. Try COMMAND HELP.",
        )
        .await;
}

async fn count(_: &Server, client: &mut Client) {
    // Those that COMMAND LIST has without a container's name before them.
    client.line("COMMAND LIST").await;
    let names = client.push().await;
    let commands = names.iter().filter(|name| !name.contains(&b'|')).count();
    client.ask("COMMAND COUNT", &format!(":{commands}")).await;
    client.arity("command|count", &["COMMAND COUNT x"]).await;
}

async fn list(_: &Server, client: &mut Client) {
    client
        .ask("COMMAND LIST FILTERBY PATTERN PUB*h", "*1 $7 publish")
        .await;
    client
        .ask("COMMAND LIST filterby pattern pubsub", "*1 $6 pubsub")
        .await;
    client
        .ask("COMMAND LIST FILTERBY ACLCAT nosuch", "*0")
        .await;
    client
        .ask("COMMAND LIST FILTERBY MODULE nosuch", "*0")
        .await;
    client.line("COMMAND LIST FILTERBY ACLCAT pubsub").await;
    assert!(client.push().await.contains(&"pubsub|numsub".into()));
    client.error("COMMAND LIST x", "ERR syntax error").await;
    client
        .error("COMMAND LIST FILTERBY nosuch x", "ERR syntax error")
        .await;
}

async fn info(_: &Server, client: &mut Client) {
    client
        .ask(
            "COMMAND INFO ping nosuch PING",
            &format!("*3 {PING} _ {PING}"),
        )
        .await;
    client
        .ask(
            "COMMAND INFO pubsub|numpat",
            "*1 *10 $13 pubsub|numpat :2 ~3 +pubsub +loading +stale :0 :0 :0 \
             ~2 +@pubsub +@slow ~0 ~0 ~0",
        )
        .await;
    let many = [&["COMMAND", "INFO"][..], &["ping"; 1025]].concat();
    client.command(&many).await;
    client.reads("-ERR too many command names\r\n").await;
}

async fn docs(_: &Server, client: &mut Client) {
    client.line("COMMAND DOCS nosuch ping").await;
    client
        .reads(
            "%1\r\n$4\r\nping\r\n%5\r\n\
             $7\r\nsummary\r\n$30\r\nAsk whether the server answers\r\n\
             $5\r\nsince\r\n$5\r\n1.0.0\r\n\
             $5\r\ngroup\r\n$10\r\nconnection\r\n\
             $10\r\ncomplexity\r\n$4\r\nO(1)\r\n\
             $9\r\narguments\r\n*1\r\n%4\r\n\
             $4\r\nname\r\n$7\r\nmessage\r\n\
             $4\r\ntype\r\n$6\r\nstring\r\n\
             $12\r\ndisplay_text\r\n$7\r\nmessage\r\n\
             $5\r\nflags\r\n~1\r\n+optional\r\n",
        )
        .await;
    client.ask("COMMAND DOCS nosuch", "%0").await;
}

async fn getkeys(_: &Server, client: &mut Client) {
    no_keys(client, "GETKEYS", "command|getkeys").await;
}

async fn getkeysandflags(_: &Server, client: &mut Client) {
    no_keys(client, "GETKEYSANDFLAGS", "command|getkeysandflags").await;
}

async fn no_keys(client: &mut Client, word: &str, command: &str) {
    // A shard channel is found as keys are, and is none.
    let none = "ERR The command has no key arguments";
    client
        .error(&format!("COMMAND {word} SPUBLISH c m"), none)
        .await;
    client.error(&format!("COMMAND {word} PING x"), none).await;
    let unknown = "ERR Invalid command specified";
    client
        .error(&format!("COMMAND {word} nosuch x"), unknown)
        .await;
    let wrong = [format!("COMMAND {word}"), format!("COMMAND {word} PING")];
    client.arity(command, &[&wrong[0], &wrong[1]]).await;
}

async fn help(_: &Server, client: &mut Client) {
    client.arity("command|help", &["COMMAND HELP x"]).await;
    client.line("COMMAND HELP").await;
    client
        .reads(
            "*17\r\n\
             +COMMAND has these subcommands:\r\n\
             +(none)\r\n\
             +    Describe all commands.\r\n\
             +COUNT\r\n\
             +    How many commands there are.\r\n",
        )
        .await;
    for _ in 5..15 {
        client.text().await;
    }
    client.reads("+HELP\r\n+    Show this list.\r\n").await;
}
