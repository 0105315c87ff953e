//! Where users come from: settings, and files, which are read and written as a whole; and who comes in without being one.

use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;

use crate::client_of;
use crate::common::client::Client;
use crate::common::process::{Process, command, run};
use crate::common::{info, start_with};

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

        write("# users\nuser u on nopass +@all ~* &*\n #x\nuser v on nopass +@all &d\n");
        admin.ask("ACL LOAD", "+OK").await;
        admin.ask("ACL USERS", "*3 $7 default $1 u $1 v").await;
        gone.closed().await;
        narrowed.closed().await;
        same.barrier().await;
        narrowed_but_quiet
            .error("SUBSCRIBE c", "NOPERM No permissions to access a channel")
            .await;

        admin.ask("ACL SETUSER x on >secret +get ~x", "+OK").await;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("a mode");
        admin.ask("ACL SAVE", "+OK").await;
        let saved = std::fs::read_to_string(&file).expect("a file");
        assert_eq!(
            saved,
            "user default on nopass sanitize-payload ~* &* +@all\n\
             user u on nopass sanitize-payload ~* &* +@all\n\
             user v on nopass sanitize-payload resetchannels &d +@all\n\
             user x on sanitize-payload #2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b ~x \
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
            told.starts_with("-DENIED fanfare is running in protected mode: the default user has no password, so connections are only accepted from this machine."),
            "{told}"
        );
        assert!(told.ends_with("from its own machine.\r\n"), "{told}");
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
