//! ACL. What users may do while they are connected is in `tests/access.rs`.

use fanfare::Server;
use redis_protocol::resp3::types::Resp3Frame;

use crate::common::client::{Client, Frame};

commands! {
    "acl" => container,
    "acl|cat" => cat,
    "acl|deluser" => deluser,
    "acl|dryrun" => dryrun,
    "acl|genpass" => genpass,
    "acl|getuser" => getuser,
    "acl|help" => help,
    "acl|list" => list,
    "acl|load" => load,
    "acl|log" => log,
    "acl|save" => save,
    "acl|setuser" => setuser,
    "acl|users" => users,
    "acl|whoami" => whoami,
}

const NO_FILE: &str = "ERR This Redis instance is not configured to use an ACL file. You may want \
    to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have \
    a Redis configuration file set) in order to store users in the Redis configuration.";

async fn container(_: &Server, client: &mut Client) {
    client.arity("acl", &["ACL"]).await;
    let unknown = "ERR unknown subcommand 'nosuch'. Try ACL HELP.";
    client.error("ACL nosuch", unknown).await;
}

async fn cat(_: &Server, client: &mut Client) {
    client.line("ACL CAT").await;
    let categories = client.push().await;
    assert_eq!(categories.len(), 21);
    assert_eq!(
        (&categories[0][..], &categories[20][..]),
        (&b"keyspace"[..], &b"scripting"[..])
    );
    client
        .ask(
            "ACL CAT transaction",
            "*5 $5 multi $4 exec $7 discard $5 watch $7 unwatch",
        )
        .await;
    client
        .ask("ACL CAT hyperloglog", "*3 $5 pfadd $7 pfcount $7 pfmerge")
        .await;
    client
        .error("ACL CAT nosuch", "ERR Unknown category 'nosuch'")
        .await;
    let many = "ERR unknown subcommand or wrong number of arguments for 'cat'. Try ACL HELP.";
    client.error("ACL cat list x", many).await;
}

async fn setuser(_: &Server, client: &mut Client) {
    client.ask("ACL SETUSER u on (+get ~a) +set", "+OK").await;
    client
        .script(&[
            (
                "ACL SETUSER u off nosuch",
                "-ERR Error in ACL SETUSER modifier 'nosuch': Syntax error",
            ),
            (
                "ACL SETUSER u +hgets",
                "-ERR Error in ACL SETUSER modifier '+hgets': Unknown command or category name in ACL",
            ),
            (
                "ACL SETUSER u on (+get ~x",
                "-ERR Unmatched parenthesis in acl selector starting at '(+get'.",
            ),
        ])
        .await;
    client.command(&["ACL", "SETUSER", "a b", "on"]).await;
    let blank = "-ERR Usernames can't contain spaces or null characters\r\n";
    client.expect(blank).await;
    client.line("ACL LIST").await;
    let lines = client.push().await;
    assert_eq!(
        lines[1],
        "user u on sanitize-payload resetchannels -@all +set (~a resetchannels -@all +get)"
    );
    client.arity("acl|setuser", &["ACL SETUSER"]).await;
}

async fn getuser(_: &Server, client: &mut Client) {
    client.ask("ACL GETUSER nosuch", "_").await;
    client
        .ask("ACL SETUSER u nopass %R~a &b +get (-@all)", "+OK")
        .await;
    client.line("ACL GETUSER u").await;
    client
        .reads(
            "%6\r\n$5\r\nflags\r\n~3\r\n$3\r\noff\r\n$6\r\nnopass\r\n\
             $16\r\nsanitize-payload\r\n$9\r\npasswords\r\n*0\r\n\
             $8\r\ncommands\r\n$10\r\n-@all +get\r\n$4\r\nkeys\r\n$4\r\n%R~a\r\n$8\r\nchannels\r\n\
             $2\r\n&b\r\n$9\r\nselectors\r\n*1\r\n%3\r\n$8\r\ncommands\r\n$5\r\n-@all\r\n$4\r\n\
             keys\r\n$0\r\n\r\n$8\r\nchannels\r\n$0\r\n\r\n",
        )
        .await;
    client
        .arity("acl|getuser", &["ACL GETUSER", "ACL GETUSER u x"])
        .await;
}

async fn deluser(_: &Server, client: &mut Client) {
    client.ask("ACL SETUSER u", "+OK").await;
    client
        .error(
            "ACL DELUSER u default",
            "ERR The 'default' user cannot be removed",
        )
        .await;
    client.ask("ACL DELUSER u u nosuch", ":1").await;
    client.ask("ACL USERS", "*1 $7 default").await;
    client.arity("acl|deluser", &["ACL DELUSER"]).await;
}

async fn list(_: &Server, client: &mut Client) {
    client.line("ACL LIST").await;
    let lines = client.push().await;
    assert_eq!(
        lines,
        ["user default on nopass sanitize-payload ~* &* +@all"]
    );
    client.arity("acl|list", &["ACL LIST x"]).await;
}

async fn users(_: &Server, client: &mut Client) {
    client.ask("ACL SETUSER zoe", "+OK").await;
    client.ask("ACL SETUSER Ann", "+OK").await;
    client.ask("ACL USERS", "*3 $3 Ann $7 default $3 zoe").await;
    client.arity("acl|users", &["ACL USERS x"]).await;
}

async fn whoami(_: &Server, client: &mut Client) {
    client.ask("ACL WHOAMI", "$7 default").await;
    client.ask("ACL SETUSER u on >pw +acl|whoami", "+OK").await;
    client.ask("AUTH u pw", "+OK").await;
    client.ask("ACL WHOAMI", "$1 u").await;
    client.arity("acl|whoami", &["ACL WHOAMI x"]).await;
}

async fn dryrun(_: &Server, client: &mut Client) {
    client.ask("ACL SETUSER u +@all -get ~a", "+OK").await;
    client.ask("ACL DRYRUN u set a 1", "+OK").await;
    for (request, denied) in [
        ("get a", "run the 'get' command"),
        ("set b 1", "access the 'b' key"),
        ("publish c x", "access the 'c' channel"),
    ] {
        client.line(&format!("ACL DRYRUN u {request}")).await;
        let text = client.text().await;
        assert_eq!(text, format!("User u has no permissions to {denied}"));
    }
    client
        .script(&[
            ("ACL DRYRUN v get a", "-ERR User 'v' not found"),
            ("ACL DRYRUN u nosuch", "-ERR Command 'nosuch' not found"),
        ])
        .await;
    client.arity("get", &["ACL DRYRUN u get"]).await;
    client.arity("acl|dryrun", &["ACL DRYRUN u"]).await;
}

async fn genpass(_: &Server, client: &mut Client) {
    let mut passwords = Vec::new();
    for (line, digits) in [
        ("ACL GENPASS", 64),
        ("ACL GENPASS", 64),
        ("ACL GENPASS 5", 2),
        ("ACL GENPASS 1", 1),
        ("ACL GENPASS 4096", 1024),
    ] {
        client.line(line).await;
        let password = client.text().await;
        assert_eq!(password.len(), digits, "{line}");
        assert!(password.bytes().all(|byte| byte.is_ascii_hexdigit()));
        passwords.push(password);
    }
    assert_ne!(passwords[0], passwords[1]);
    let range = "-ERR ACL GENPASS argument must be the number of bits for the output password, a \
                 positive number up to 4096";
    client
        .script(&[
            ("ACL GENPASS 0", range),
            ("ACL GENPASS 4097", range),
            (
                "ACL GENPASS x",
                "-ERR value is not an integer or out of range",
            ),
        ])
        .await;
}

async fn log(_: &Server, client: &mut Client) {
    client.ask("ACL LOG", "*0").await;
    let wrong = "WRONGPASS invalid username-password pair or user is disabled.";
    client.error("AUTH nosuch pw", wrong).await;
    client.error("AUTH nosuch other", wrong).await;
    client.error("AUTH other pw", wrong).await;
    client.line("ACL LOG 2").await;
    let Frame::Array { data, .. } = client.frame().await else {
        panic!("no array");
    };
    let text = |field: &Frame| match field {
        Frame::Number { data, .. } => data.to_string(),
        Frame::Double { data, .. } => data.to_string(),
        other => other.to_string().unwrap_or_default(),
    };
    let value = |entry: &Frame, name: &str| {
        let pairs: Vec<(String, String)> = match entry {
            Frame::Array { data, .. } => data
                .chunks_exact(2)
                .map(|pair| (text(&pair[0]), text(&pair[1])))
                .collect(),
            Frame::Map { data, .. } => data
                .iter()
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
            other => panic!("{other:?}"),
        };
        assert_eq!(pairs.len(), 10);
        let found = pairs.into_iter().find(|(known, _)| known == name);
        found.expect("a field").1
    };
    assert_eq!(data.len(), 2);
    for (entry, id, count, user) in [
        (&data[0], "1", "1", "other"),
        (&data[1], "0", "2", "nosuch"),
    ] {
        for (name, expected) in [
            ("count", count),
            ("entry-id", id),
            ("reason", "auth"),
            ("context", "toplevel"),
            ("object", "AUTH"),
            ("username", user),
        ] {
            assert_eq!(value(entry, name), expected, "{name}");
        }
        let time = |name: &str| -> u64 { value(entry, name).parse().expect("milliseconds") };
        let (created, updated) = (time("timestamp-created"), time("timestamp-last-updated"));
        assert!(1_700_000_000_000 < created && created <= updated);
        let age: f64 = value(entry, "age-seconds").parse().expect("seconds");
        assert!(age >= 0.0);
        let client = value(entry, "client-info");
        assert!(client.starts_with("id=") && client.contains(" user=default "));
    }
    client.ask("ACL LOG 0", "*0").await;
    client.ask("ACL LOG RESET", "+OK").await;
    client.ask("ACL LOG", "*0").await;
    client
        .error("ACL LOG x", "ERR value is not an integer or out of range")
        .await;
}

async fn load(_: &Server, client: &mut Client) {
    client.error("ACL LOAD", NO_FILE).await;
    client.arity("acl|load", &["ACL LOAD x"]).await;
}

async fn save(_: &Server, client: &mut Client) {
    client.error("ACL SAVE", NO_FILE).await;
    client.arity("acl|save", &["ACL SAVE x"]).await;
}

async fn help(_: &Server, client: &mut Client) {
    client.line("ACL HELP").await;
    let Frame::Array { data, .. } = client.frame().await else {
        panic!("no array");
    };
    let line = |index: usize| data[index].as_str().unwrap_or_default().to_owned();
    assert_eq!(line(0), "ACL has these subcommands:");
    assert_eq!(line(data.len() - 2), "HELP");
    client.arity("acl|help", &["ACL HELP x"]).await;
}
