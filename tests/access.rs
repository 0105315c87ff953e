//! Users while connections are theirs: what is taken away is gone at the next command, files are read and written as a
//! whole, and nobody comes in from elsewhere without a password.

mod common;

use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;

use common::client::Client;
use common::process::{Process, command, run};
use common::{both, field, info, start_with};
use fanfare::Server;

const NO_SUCH_PASSWORD: &str = "WRONGPASS invalid username-password pair or user is disabled.";
const REVOKED: &str = "NOPERM ACLs rules changed between the moment the transaction was accumulated \
                       and the EXEC call. This command is no longer allowed for the following reason: ";

/// A client that is the user `name`, whose password does not matter.
async fn client_of(server: &Server, protocol: u8, name: &str) -> Client {
    let mut client = Client::connect(server, protocol).await;
    client.ask(&format!("AUTH {name} any"), "+OK").await;
    client
}

#[tokio::test]
async fn what_a_user_loses_is_gone_at_its_next_command() {
    both(async |server, admin| {
        admin
            .ask("ACL SETUSER u on nopass +@all ~* &*", "+OK")
            .await;
        let mut client = client_of(server, admin.protocol, "u").await;
        client.ask("SET a 1", "+OK").await;
        admin.ask("ACL SETUSER u resetkeys ~b", "+OK").await;
        client
            .error(
                "SET a 1",
                "NOPERM this user has no permissions to access one of the keys used as arguments",
            )
            .await;
        client.ask("SET b 1", "+OK").await;
        admin.ask("ACL SETUSER u -set -client|id", "+OK").await;
        client
            .error(
                "SET b 1",
                "NOPERM this user has no permissions to run the 'set' command",
            )
            .await;
        client
            .error(
                "CLIENT ID",
                "NOPERM this user has no permissions to run the 'client|id' command",
            )
            .await;
        admin.ask("ACL SETUSER u resetchannels &c", "+OK").await;
        client
            .error(
                "PUBLISH d x",
                "NOPERM this user has no permissions to access one of the channels used as arguments",
            )
            .await;
        client.ask("PUBLISH c x", ":0").await;
        // Who is let in already stays.
        admin.ask("ACL SETUSER u off", "+OK").await;
        client.ask("PUBLISH c x", ":0").await;
        client.error("AUTH u any", NO_SUCH_PASSWORD).await;
        client.ask("ACL WHOAMI", "$1 u").await;
    })
    .await;
}

#[tokio::test]
async fn a_pipeline_is_checked_command_by_command() {
    both(async |server, admin| {
        admin
            .ask("ACL SETUSER u on nopass +@all ~* &*", "+OK")
            .await;
        let mut client = client_of(server, admin.protocol, "u").await;
        client
            .send(
                "PUBLISH c x\r\nACL SETUSER u -publish\r\nPUBLISH c x\r\nPUBLISH c x\r\nECHO x\r\n",
            )
            .await;
        client.expect(":0\r\n+OK\r\n").await;
        let denied = "-NOPERM this user has no permissions to run the 'publish' command\r\n";
        client.expect(denied.repeat(2)).await;
        client.expect("$1\r\nx\r\n").await;
    })
    .await;
}

#[tokio::test]
async fn a_deleted_user_is_disconnected_wherever_it_waits() {
    both(async |server, admin| {
        admin
            .ask("ACL SETUSER u on nopass +@all ~* &*", "+OK")
            .await;
        let mut idle = client_of(server, admin.protocol, "u").await;
        let mut blocked = client_of(server, admin.protocol, "u").await;
        blocked.line("BLPOP list 0").await;
        let mut subscribed = client_of(server, admin.protocol, "u").await;
        subscribed.subscribe("SUBSCRIBE", &["c"]).await;
        let mut other = Client::connect(server, admin.protocol).await;
        common::until_info(admin, "blocked_clients", "1").await;
        admin.ask("ACL DELUSER u nosuch", ":1").await;
        for client in [&mut idle, &mut blocked, &mut subscribed] {
            client.closed().await;
        }
        assert_eq!(server.client_count(), 2);
        assert_eq!(server.subscriber_count("c"), 0);
        // What is pushed now is nobody's.
        admin.ask("RPUSH list x", ":1").await;
        admin.ask("LLEN list", ":1").await;
        other.ask("PING", "+PONG").await;
    })
    .await;
}

#[tokio::test]
async fn who_deletes_itself_is_told_and_does_no_more() {
    both(async |server, admin| {
        admin
            .ask("ACL SETUSER u on nopass +@all ~* &*", "+OK")
            .await;
        let mut client = client_of(server, admin.protocol, "u").await;
        client.send("ACL DELUSER u\r\nSET after 1\r\n").await;
        client.expect(":1\r\n").await;
        client.closed().await;
        admin.ask("EXISTS after", ":0").await;

        // In a transaction, too, and not as the default user either.
        admin
            .ask("ACL SETUSER u on nopass +@all ~* &*", "+OK")
            .await;
        let mut client = client_of(server, admin.protocol, "u").await;
        client
            .send("MULTI\r\nACL DELUSER u\r\nSET after 1\r\nEXEC\r\n")
            .await;
        client.expect("+OK\r\n+QUEUED\r\n+QUEUED\r\n").await;
        client
            .expect("*2\r\n:1\r\n-NOAUTH Authentication required.\r\n")
            .await;
        client.closed().await;
        admin.ask("EXISTS after", ":0").await;
    })
    .await;
}

#[tokio::test]
async fn a_user_that_is_made_again_is_not_the_one_that_was_deleted() {
    both(async |server, admin| {
        admin.ask("ACL SETUSER u on nopass +@all ~*", "+OK").await;
        let mut client = client_of(server, admin.protocol, "u").await;
        admin
            .send("ACL DELUSER u\r\nACL SETUSER u on nopass +@all ~*\r\n")
            .await;
        admin.expect(":1\r\n+OK\r\n").await;
        client.closed().await;
    })
    .await;
}

#[tokio::test]
async fn subscribers_of_channels_that_are_taken_away_are_disconnected() {
    both(async |server, admin| {
        admin
            .ask("ACL SETUSER u on nopass +@all &one &two* &three", "+OK")
            .await;
        let mut one = client_of(server, admin.protocol, "u").await;
        one.subscribe("SUBSCRIBE", &["one"]).await;
        let mut two = client_of(server, admin.protocol, "u").await;
        two.subscribe("PSUBSCRIBE", &["two*"]).await;
        let mut three = client_of(server, admin.protocol, "u").await;
        three.subscribe("SSUBSCRIBE", &["three"]).await;
        let mut none = client_of(server, admin.protocol, "u").await;

        admin.ask("ACL SETUSER u &four", "+OK").await;
        for client in [&mut one, &mut two, &mut three] {
            client.barrier().await;
        }
        admin
            .ask("ACL SETUSER u resetchannels &three &two?", "+OK")
            .await;
        one.closed().await;
        two.closed().await;
        three.barrier().await;
        admin.ask("ACL SETUSER u resetchannels (&*)", "+OK").await;
        admin.ask("ACL SETUSER u clearselectors", "+OK").await;
        three.closed().await;
        none.barrier().await;
        assert_eq!(server.subscriber_count("one"), 0);
    })
    .await;
}

#[tokio::test]
async fn exec_checks_what_was_queued_again() {
    both(async |server, admin| {
        admin
            .ask("ACL SETUSER u on nopass +@all ~* &*", "+OK")
            .await;
        let mut client = client_of(server, admin.protocol, "u").await;
        client.ask("MULTI", "+OK").await;
        for line in ["SET a 1", "SET b 1", "PUBLISH c x", "STRLEN a", "PING"] {
            client.ask(line, "+QUEUED").await;
        }
        admin
            .ask("ACL SETUSER u -strlen resetkeys ~a resetchannels", "+OK")
            .await;
        client.line("EXEC").await;
        let key = "no permission to touch the specified keys";
        let channel = "no permission to access one of the channels used as arguments";
        let command = "no permission to execute the command or subcommand";
        client
            .expect(format!(
                "*5\r\n+OK\r\n-{REVOKED}{key}\r\n-{REVOKED}{channel}\r\n-{REVOKED}{command}\r\n+PONG\r\n"
            ))
            .await;
        admin.ask("EXISTS a b", ":1").await;
        for (kind, count) in [("cmd", "1"), ("key", "1"), ("channel", "1"), ("auth", "0")] {
            let name = format!("acl_access_denied_{kind}");
            assert_eq!(info(admin, &name).await, count, "{kind}");
        }
        client.error("AUTH u2 any", NO_SUCH_PASSWORD).await;
        assert_eq!(info(admin, "acl_access_denied_auth").await, "1");
        admin.ask("CONFIG RESETSTAT", "+OK").await;
        assert_eq!(info(admin, "acl_access_denied_auth").await, "0");
    })
    .await;
}

#[tokio::test]
async fn lists_of_clients_tell_users_apart() {
    both(async |server, admin| {
        admin.ask("ACL SETUSER u on nopass +@all", "+OK").await;
        let mut client = client_of(server, admin.protocol, "u").await;
        client.line("CLIENT INFO").await;
        assert_eq!(field(&client.text().await, "user"), "u");
        admin.line("CLIENT INFO").await;
        assert_eq!(field(&admin.text().await, "user"), "default");
        admin
            .error("CLIENT KILL USER nosuch", "ERR No such user 'nosuch'")
            .await;
        admin.ask("CLIENT KILL USER default", ":0").await;
        admin.ask("CLIENT KILL USER u", ":1").await;
        client.closed().await;

        let mut client = client_of(server, admin.protocol, "u").await;
        client.ask("RESET", "+RESET").await;
        client.protocol = 2;
        client.ask("ACL WHOAMI", "$7 default").await;
    })
    .await;
}

#[tokio::test]
async fn the_default_user_decides_who_must_say_who_it_is() {
    let server = start_with(&[("requirepass", "sesame")]).await;
    let address = server.addr().expect("an address");
    let mut client = Client::raw(address).await;
    let no_auth = "NOAUTH Authentication required.";
    client.error("PING", no_auth).await;
    client.ask("AUTH sesame", "+OK").await;
    let mut stranger = Client::raw(address).await;
    let too_many = "*11\r\n";

    // Before AUTH a request is bounded, and after it not, however the password goes and comes.
    client.ask("ACL SETUSER default nopass", "+OK").await;
    stranger.ask("PING", "+PONG").await;
    stranger.send(too_many).await;
    stranger.send("$4\r\nPING\r\n".repeat(11)).await;
    let arity = "-ERR wrong number of arguments for 'ping' command\r\n";
    stranger.expect(arity).await;
    client.ask("ACL SETUSER default >other", "+OK").await;
    stranger.error("PING", no_auth).await;
    stranger.send(too_many).await;
    stranger
        .expect("-ERR Protocol error: unauthenticated multibulk length\r\n")
        .await;
    stranger.closed().await;

    client.ask("CONFIG SET requirepass sesame", "+OK").await;
    client.error("AUTH other", NO_SUCH_PASSWORD).await;
    client.ask("CONFIG SET requirepass ", "+OK").await;
    client.ask("ACL SETUSER default off", "+OK").await;
    let mut stranger = Client::raw(address).await;
    stranger.error("PING", no_auth).await;
    server.stop().await;
}

#[tokio::test]
async fn users_come_from_settings() {
    let path = tempfile::tempdir().expect("a directory");
    let file = path.path().join("fanfare.conf");
    let lines = "user alice on >secret ~a:* +@read (+set ~b)\n";
    std::fs::write(
        &file,
        format!("{lines}user default on nopass +@all ~* &*\n"),
    )
    .expect("a file");
    let file = file.to_str().expect("a name");
    let args = [
        file, "--port", "0", "--user", "bob", "on", "nopass", "+ping",
    ];
    let process = Process::spawn(command(&args), 1).await;
    let mut client = process.client(2).await;
    client
        .ask("ACL USERS", "*3 $5 alice $3 bob $7 default")
        .await;
    client.ask("ACL DRYRUN alice get a:1", "+OK").await;
    client.ask("ACL DRYRUN alice set b 1", "+OK").await;
    client.ask("AUTH alice secret", "+OK").await;
    client.ask("GET a:1", "_").await;
    let ended = process.terminate().await;
    assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
}

#[tokio::test]
async fn wrong_users_are_refused_at_the_start_with_the_line_and_the_rule() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("users");
    let shown = file.to_str().expect("a name").to_owned();
    std::fs::write(&file, "user alice on\nuser bob +nosuch\n").expect("a file");
    let conf = directory.path().join("fanfare.conf");
    std::fs::write(&conf, "port 0\nuser bob on +nosuch\n").expect("a file");
    let conf = conf.to_str().expect("a name").to_owned();
    let unknown = "Unknown command or category name in ACL";
    let cases: &[(&[&str], String)] = &[
        (
            &[&conf],
            format!("{conf}:2: Error in user declaration '+nosuch': {unknown}"),
        ),
        (
            &["--user", "a b"],
            "command line: Error in user declaration 'b': Syntax error".to_owned(),
        ),
        (
            &["--user", "a", "on", "--user", "a", "off"],
            "command line: Error in user declaration 'a': Duplicate user found. A user can only be \
             defined once in config files"
                .to_owned(),
        ),
        (
            &["--user", "a", "(+get"],
            "command line: Error in user declaration '(+get': Unmatched parenthesis in selector \
             definition"
                .to_owned(),
        ),
        (
            &["--user", "a", "<hunter2"],
            "command line: Error in user declaration '<(hidden)': The password you are trying to \
             remove from the user does not exist"
                .to_owned(),
        ),
        (
            &["--aclfile", &shown, "--user", "a", "on"],
            "settings: Configuring users with 'user' and at the same time setting an ACL file path \
             with 'aclfile' is invalid. This setup is very likely to lead to configuration errors \
             and security holes, please define either an ACL file or declare users directly, but \
             not both."
                .to_owned(),
        ),
        (
            &["--port", "0", "--aclfile", &shown],
            format!(
                "can't load users: {shown}:2: Error in applying operation '+nosuch': {unknown}. \
                 WARNING: ACL errors detected, no change to the previously active ACL rules was \
                 performed"
            ),
        ),
        (
            &["--port", "0", "--aclfile", "/nosuch/users"],
            "can't load users: Error loading ACLs, opening file '/nosuch/users': No such file or \
             directory"
                .to_owned(),
        ),
    ];
    for (args, message) in cases {
        let ended = run(args).await;
        assert!(!ended.status.success(), "{args:?}");
        let last = ended.stderr.lines().last().unwrap_or_default();
        assert_eq!(last, format!("fanfare: {message}"), "{args:?}");
    }
}

#[tokio::test]
async fn a_file_is_loaded_and_saved_as_a_whole() {
    for protocol in [2, 3] {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("users");
        let write = |text: &str| std::fs::write(&file, text).expect("a file");
        write("user u on nopass +@all ~* &*\nuser v on nopass +@all &*\nuser w on nopass +@all\n");
        let server = start_with(&[("aclfile", file.to_str().expect("a name"))]).await;
        let mut admin = Client::connect(&server, protocol).await;
        admin.ask("ACL USERS", "*4 $7 default $1 u $1 v $1 w").await;
        let mut same = client_of(&server, protocol, "u").await;
        same.subscribe("SUBSCRIBE", &["c"]).await;
        let mut narrowed = client_of(&server, protocol, "v").await;
        narrowed.subscribe("SUBSCRIBE", &["c"]).await;
        let mut narrowed_but_quiet = client_of(&server, protocol, "v").await;
        let mut gone = client_of(&server, protocol, "w").await;

        write("user u on nopass +@all ~* &*\nuser v on nopass +nosuch\n");
        admin.line("ACL LOAD").await;
        let refused = admin.text().await;
        assert!(
            refused.contains(":2: Error in applying operation '+nosuch'"),
            "{refused}"
        );
        admin.ask("ACL USERS", "*4 $7 default $1 u $1 v $1 w").await;
        gone.barrier().await;

        write("user u on nopass +@all ~* &*\nuser v on nopass +@all &d\n");
        admin.ask("ACL LOAD", "+OK").await;
        admin.ask("ACL USERS", "*3 $7 default $1 u $1 v").await;
        gone.closed().await;
        narrowed.closed().await;
        same.barrier().await;
        narrowed_but_quiet
            .error(
                "SUBSCRIBE c",
                "NOPERM this user has no permissions to access one of the channels used as arguments",
            )
            .await;

        admin.ask("ACL SETUSER x on >secret +get ~x", "+OK").await;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("a mode");
        admin.ask("ACL SAVE", "+OK").await;
        let saved = std::fs::read_to_string(&file).expect("a file");
        assert_eq!(
            saved,
            "user default on nopass ~* &* +@all\n\
             user u on nopass ~* &* +@all\n\
             user v on nopass resetchannels &d +@all\n\
             user x on #2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b ~x \
             resetchannels -@all +get\n"
        );
        admin.ask("ACL DELUSER x", ":1").await;
        admin.ask("ACL LOAD", "+OK").await;
        admin.ask("AUTH x secret", "+OK").await;

        // Nothing is left of a file that cannot be written.
        std::fs::remove_file(&file).expect("no file");
        std::fs::create_dir(&file).expect("a directory in its place");
        let mut admin = Client::connect(&server, protocol).await;
        admin
            .error(
                "ACL SAVE",
                "ERR There was an error trying to save the ACLs. Please check the server logs for \
                 more information",
            )
            .await;
        assert_eq!(std::fs::read_dir(directory.path()).expect("it").count(), 1);
        server.stop().await;
    }
}

/// An address of this machine that others could reach, if it has one. Nothing is sent.
fn outer_address() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.254:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[tokio::test]
async fn without_a_password_nobody_comes_in_from_elsewhere() {
    let Some(outer) = outer_address() else {
        // The decision itself is tested beside it.
        return;
    };
    let server = start_with(&[("bind", "0.0.0.0")]).await;
    let port = server.addr().expect("an address").port();
    let inner: SocketAddr = ([127, 0, 0, 1], port).into();
    let outer: SocketAddr = (outer, port).into();
    let mut admin = Client::to(inner, 2).await;
    let refused = async || {
        let told = Client::raw(outer).await.rest().await;
        let told = String::from_utf8(told).expect("text");
        assert!(
            told.starts_with("-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user."),
            "{told}"
        );
        assert!(told.ends_with("from the outside.\r\n"), "{told}");
    };
    refused().await;
    assert_eq!(info(&mut admin, "rejected_connections").await, "1");
    // Whether it is let in at all is not asked: only whether it needs a password.
    admin.ask("ACL SETUSER default off", "+OK").await;
    refused().await;
    admin.ask("ACL SETUSER default on", "+OK").await;

    admin.ask("CONFIG SET requirepass sesame", "+OK").await;
    let mut client = Client::raw(outer).await;
    client.ask("AUTH sesame", "+OK").await;
    admin.ask("ACL SETUSER default nopass", "+OK").await;
    client.ask("PING", "+PONG").await;
    refused().await;
    admin.ask("CONFIG SET protected-mode no", "+OK").await;
    Client::to(outer, 2).await.ask("PING", "+PONG").await;
    server.stop().await;
}
