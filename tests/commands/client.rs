//! CLIENT.

use fanfare::Server;

use crate::common::client::Client;
use crate::common::field;

commands! {
    "client" => container,
    "client|id" => id,
    "client|info" => info,
    "client|list" => list,
    "client|kill" => kill,
    "client|setname" => setname,
    "client|getname" => getname,
    "client|setinfo" => setinfo,
    "client|overflow" => overflow,
    "client|reply" => reply,
    "client|no-evict" => no_evict,
    "client|no-touch" => no_touch,
    "client|unblock" => unblock,
    "client|help" => help,
    "client|closed" => closed,
    "client|slowest" => slowest,
}

const BAD_NAME: &str = "ERR Client names cannot contain spaces, newlines or special characters.";

async fn container(_: &Server, client: &mut Client) {
    client.arity("client", &["CLIENT"]).await;
    let unknown = "ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP.";
    client.error("CLIENT MAINT_NOTIFICATIONS ON", unknown).await;
}

async fn id(server: &Server, client: &mut Client) {
    client.ask("CLIENT ID", ":1").await;
    let mut second = Client::connect(server, client.protocol).await;
    second.ask("CLIENT ID", ":2").await;
    client.arity("client|id", &["CLIENT ID x"]).await;
}

async fn info(server: &Server, client: &mut Client) {
    client.ask("CLIENT SETNAME me", "+OK").await;
    client.ask("CLIENT SETINFO LIB-NAME lib", "+OK").await;
    client.ask("CLIENT SETINFO LIB-VER 1.2", "+OK").await;
    client.line("CLIENT INFO").await;
    let line = client.text().await;
    let protocol = client.protocol.to_string();
    let server = server.addr().expect("TCP").to_string();
    for (name, value) in [
        ("id", "1"),
        ("addr", &client.address),
        ("laddr", &server),
        ("name", "me"),
        ("flags", "N"),
        ("db", "0"),
        ("sub", "0"),
        ("multi", "-1"),
        ("cmd", "client|info"),
        ("user", "default"),
        ("resp", &protocol),
        ("lib-name", "lib"),
        ("lib-ver", "1.2"),
    ] {
        assert_eq!(field(&line, name), value, "{name}");
    }
    let end = "lib-ver=1.2 dropped=0 dropped-bytes=0\n";
    assert!(line.ends_with(end), "{line:?}");
    client.arity("client|info", &["CLIENT INFO x"]).await;
}

async fn list(server: &Server, client: &mut Client) {
    let mut subscriber = Client::connect(server, 2).await;
    subscriber.subscribe("SUBSCRIBE", &["a", "b"]).await;
    subscriber.subscribe("PSUBSCRIBE", &["*"]).await;
    subscriber.subscribe("SSUBSCRIBE", &["s"]).await;
    client.line("CLIENT LIST").await;
    let lines = client.text().await;
    let ids: Vec<_> = lines.lines().map(|line| field(line, "id")).collect();
    assert_eq!(ids, ["1", "2"]);
    client.line("CLIENT LIST TYPE pubsub").await;
    let line = client.text().await;
    assert_eq!(line.lines().count(), 1);
    for (name, value) in [
        ("id", "2"),
        ("flags", "P"),
        ("sub", "2"),
        ("psub", "1"),
        ("ssub", "1"),
        ("cmd", "ssubscribe"),
        ("omem", "0"),
        ("events", "r"),
    ] {
        assert_eq!(field(&line, name), value, "{name}");
    }
    client.line("CLIENT LIST TYPE normal").await;
    assert_eq!(field(&client.text().await, "id"), "1");
    client.line("CLIENT LIST ID 2 99 1").await;
    let lines = client.text().await;
    let ids: Vec<_> = lines.lines().map(|line| field(line, "id")).collect();
    assert_eq!(ids, ["2", "1"]);
    client.ask("CLIENT LIST TYPE replica", "=4 txt:").await;
    client
        .error(
            "CLIENT LIST TYPE nosuch",
            "ERR Unknown client type 'nosuch'",
        )
        .await;
    client
        .error("CLIENT LIST ID abc", "ERR Invalid client ID")
        .await;
    client.error("CLIENT LIST ID", "ERR syntax error").await;
    client.error("CLIENT LIST nosuch", "ERR syntax error").await;
}

async fn kill(server: &Server, client: &mut Client) {
    let mut victim = Client::connect(server, client.protocol).await;
    client
        .ask(&format!("CLIENT KILL {}", victim.address), "+OK")
        .await;
    victim.closed().await;
    let mut victim = Client::connect(server, client.protocol).await;
    client
        .ask(&format!("CLIENT KILL ID {}", victim.id), ":1")
        .await;
    victim.closed().await;
    client
        .ask(&format!("CLIENT KILL ID {}", victim.id), ":0")
        .await;
    client
        .error("CLIENT KILL 127.0.0.1:1", "ERR No such client")
        .await;
    client.error("CLIENT KILL ID 1 x", "ERR syntax error").await;
    client
        .error("CLIENT KILL nosuch x", "ERR syntax error")
        .await;
    client
        .error("CLIENT KILL ID 0", "ERR client-id should be greater than 0")
        .await;
    client
        .error(
            "CLIENT KILL TYPE nosuch",
            "ERR Unknown client type 'nosuch'",
        )
        .await;
    client
        .error("CLIENT KILL USER nobody", "ERR No such user 'nobody'")
        .await;
    let no_age = "ERR maxage is not an integer or out of range";
    client.error("CLIENT KILL MAXAGE x", no_age).await;
    client
        .error(
            "CLIENT KILL MAXAGE 0",
            "ERR maxage should be greater than 0",
        )
        .await;
    // Within an EXEC it is sent nothing more at once, and gone afterwards.
    let mut victim = Client::connect(server, client.protocol).await;
    victim.subscribe("SUBSCRIBE", &["c"]).await;
    client.ask("MULTI", "+OK").await;
    for line in [
        "SET k v",
        &format!("CLIENT KILL ID {}", victim.id),
        "PUBLISH c never",
    ] {
        client.ask(line, "+QUEUED").await;
    }
    client.ask("EXEC", "*3 +OK :1 :0").await;
    victim.closed().await;
    client.ask("PUBSUB NUMSUB c", "*2 $1 c :0").await;
    client.arity("client|kill", &["CLIENT KILL"]).await;
    client
        .ask(&format!("CLIENT KILL ID {}", client.id), ":0")
        .await;
    client
        .ask(&format!("CLIENT KILL ID {} SKIPME no", client.id), ":1")
        .await;
    client.closed().await;
}

async fn setname(_: &Server, client: &mut Client) {
    client.ask("CLIENT SETNAME me", "+OK").await;
    client.ask("CLIENT GETNAME", "$2 me").await;
    client.command(&["CLIENT", "SETNAME", "two words"]).await;
    client.reads(format!("-{BAD_NAME}\r\n")).await;
    client.error("CLIENT SETNAME é", BAD_NAME).await;
    client.ask("CLIENT GETNAME", "$2 me").await;
    client.ask("CLIENT SETNAME ", "+OK").await;
    client.ask("CLIENT GETNAME", "_").await;
    client
        .arity("client|setname", &["CLIENT SETNAME", "CLIENT SETNAME a b"])
        .await;
}

async fn getname(_: &Server, client: &mut Client) {
    client.ask("CLIENT GETNAME", "_").await;
    client.ask("CLIENT SETNAME me", "+OK").await;
    client.ask("client getname", "$2 me").await;
    client.arity("client|getname", &["CLIENT GETNAME x"]).await;
}

async fn setinfo(_: &Server, client: &mut Client) {
    client.ask("CLIENT SETINFO lib-name lib(v)", "+OK").await;
    client.ask("CLIENT SETINFO LIB-VER ", "+OK").await;
    let unknown = "ERR Unrecognized option 'LIB-X'";
    client.error("CLIENT SETINFO LIB-X 1", unknown).await;
    client
        .command(&["CLIENT", "SETINFO", "LIB-NAME", "a b"])
        .await;
    client
        .reads("-ERR LIB-NAME cannot contain spaces, newlines or special characters.\r\n")
        .await;
    client
        .arity(
            "client|setinfo",
            &["CLIENT SETINFO", "CLIENT SETINFO LIB-NAME"],
        )
        .await;
}

async fn reply(server: &Server, client: &mut Client) {
    client.ask("CLIENT REPLY ON", "+OK").await;
    client
        .send(b"CLIENT REPLY SKIP\r\nPING one\r\nPING two\r\n")
        .await;
    client.reads(b"$3\r\ntwo\r\n").await;
    client
        .send(b"CLIENT REPLY OFF\r\nPING\r\nNOSUCH\r\nCLIENT REPLY ON\r\nPING three\r\n")
        .await;
    client.reads(b"+OK\r\n$5\r\nthree\r\n").await;
    client
        .error("CLIENT REPLY nosuch", "ERR syntax error")
        .await;
    client
        .arity("client|reply", &["CLIENT REPLY", "CLIENT REPLY ON x"])
        .await;
    // What is pushed comes in any mode.
    client.send(b"CLIENT REPLY OFF\r\nSUBSCRIBE c\r\n").await;
    client
        .reads(b">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")
        .await;
    assert_eq!(server.publish("c", "hi"), 1);
    client
        .reads(b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n")
        .await;
}

async fn no_evict(_: &Server, client: &mut Client) {
    flag(client, "NO-EVICT", "client|no-evict", "e").await;
}

async fn no_touch(_: &Server, client: &mut Client) {
    flag(client, "NO-TOUCH", "client|no-touch", "T").await;
}

async fn flag(client: &mut Client, word: &str, command: &str, letter: &str) {
    client.ask(&format!("CLIENT {word} on"), "+OK").await;
    client.line("CLIENT INFO").await;
    assert_eq!(field(&client.text().await, "flags"), letter);
    client.ask(&format!("CLIENT {word} OFF"), "+OK").await;
    client.line("CLIENT INFO").await;
    assert_eq!(field(&client.text().await, "flags"), "N");
    client
        .error(&format!("CLIENT {word} maybe"), "ERR syntax error")
        .await;
    let wrong = [format!("CLIENT {word}"), format!("CLIENT {word} on x")];
    client.arity(command, &[&wrong[0], &wrong[1]]).await;
}

async fn unblock(_: &Server, client: &mut Client) {
    client.ask("CLIENT UNBLOCK 99", ":0").await;
    client.ask("CLIENT UNBLOCK 1 timeout", ":0").await;
    client.ask("CLIENT UNBLOCK 1 ERROR", ":0").await;
    let reason = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
    client.error("CLIENT UNBLOCK 1 nosuch", reason).await;
    let no_integer = "ERR value is not an integer or out of range";
    client.error("CLIENT UNBLOCK abc", no_integer).await;
    client.arity("client|unblock", &["CLIENT UNBLOCK"]).await;
}

async fn help(_: &Server, client: &mut Client) {
    client.arity("client|help", &["CLIENT HELP x"]).await;
    client.line("CLIENT HELP").await;
    client
        .reads(concat!(
            "*52\r\n",
            "+CLIENT has these subcommands:\r\n",
            "+CACHING YES|NO\r\n",
            "+    Whether the keys of the next command are tracked (with OPTIN, OPTOUT).\r\n",
            "+CLOSED [count]\r\n",
            "+    A line for each connection that has ended, the latest first, and why: 10, or `count`.\r\n",
            "+GETREDIR\r\n",
            "+    The connection that is told of this one's tracked keys.\r\n",
            "+GETNAME\r\n",
            "+    The name of this connection.\r\n",
            "+ID\r\n",
        ))
        .await;
    for _ in 10..50 {
        client.text().await;
    }
    client.reads("+HELP\r\n+    Show this list.\r\n").await;
}

async fn overflow(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("CLIENT OVERFLOW disconnect", "+OK"),
            ("CLIENT OVERFLOW DROP-OLDEST", "+OK"),
            ("CLIENT OVERFLOW drop-newest 1mb", "+OK"),
            ("CLIENT OVERFLOW default 1024", "+OK"),
            ("CLIENT OVERFLOW default", "+OK"),
            ("CLIENT OVERFLOW drop", "-ERR syntax error"),
            ("CLIENT OVERFLOW disconnect 1mb", "-ERR syntax error"),
            ("CLIENT OVERFLOW drop-oldest 1mb 2mb", "-ERR syntax error"),
            (
                "CLIENT OVERFLOW drop-oldest many",
                "-ERR limit-bytes: argument must be a memory value",
            ),
            (
                "CLIENT OVERFLOW drop-oldest 1023",
                "-ERR limit-bytes: argument must be between 1024 and 9223372036854775807 inclusive",
            ),
        ])
        .await;
    client.arity("client|overflow", &["CLIENT OVERFLOW"]).await;
}

async fn closed(server: &Server, client: &mut Client) {
    client.ask("CLIENT CLOSED", "=4 txt:").await;
    let mut quits = Client::connect(server, 2).await;
    quits.ask("CLIENT SETNAME leaver", "+OK").await;
    quits.ask("QUIT", "+OK").await;
    quits.closed().await;
    let mut killed = Client::connect(server, 2).await;
    client
        .ask(&format!("CLIENT KILL ID {}", killed.id), ":1")
        .await;
    killed.closed().await;
    let mut wrong = Client::connect(server, 2).await;
    wrong.send(b"*1\r\nx\r\n").await;
    wrong
        .expect(b"-ERR Protocol error: expected '$', got 'x'\r\n")
        .await;
    wrong.closed().await;
    client.line("CLIENT CLOSED").await;
    let lines = client.text().await;
    let ends: Vec<_> = lines
        .lines()
        .map(|line| (field(line, "id"), field(line, "reason")))
        .collect();
    assert_eq!(
        ends,
        [("4", "protocol-error"), ("3", "killed"), ("2", "quit")]
    );
    let first = lines.lines().last().expect("a line");
    assert_eq!(field(first, "name"), "leaver");
    assert_eq!(field(first, "user"), "default");
    assert_eq!(field(first, "addr"), quits.address);
    for seconds in ["age", "closed"] {
        let _: u64 = field(first, seconds).parse().expect("seconds");
    }
    client.line("CLIENT CLOSED 1").await;
    assert_eq!(client.text().await.lines().count(), 1);
    client
        .error("CLIENT CLOSED x", "ERR count should be between 0 and 10000")
        .await;
    client.error("CLIENT CLOSED 1 2", "ERR syntax error").await;
}

async fn slowest(server: &Server, client: &mut Client) {
    client.ask("CLIENT SLOWEST", "=4 txt:").await;
    // Two subscribers that read nothing: one gets three times as much as the other.
    let mut readers = Vec::new();
    for names in [&["a"][..], &["a", "b"]] {
        let mut reader = Client::connect(server, 2).await;
        reader.subscribe("SUBSCRIBE", names).await;
        readers.push(reader);
    }
    // The kernel may keep some megabytes for each.
    let payload = vec![b'x'; 8 << 20];
    for channel in ["a", "b", "b"] {
        client
            .command(&[b"PUBLISH", channel.as_bytes(), &payload])
            .await;
        client.integer().await;
    }
    client.line("CLIENT SLOWEST").await;
    let lines = client.text().await;
    let ids: Vec<_> = lines.lines().map(|line| field(line, "id")).collect();
    assert_eq!(ids, ["3", "2"]);
    client.line("CLIENT SLOWEST 1").await;
    let line = client.text().await;
    assert_eq!(line.lines().count(), 1);
    let waiting: usize = field(&line, "omem").parse().expect("bytes");
    assert!(waiting > 8 << 20, "{waiting}");
    client
        .error(
            "CLIENT SLOWEST -1",
            "ERR count should be between 0 and 10000",
        )
        .await;
    client.error("CLIENT SLOWEST 1 2", "ERR syntax error").await;
}
