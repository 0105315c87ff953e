//! The binary as a process: arguments, exit codes, what it prints, its log, and its end.

#![cfg(feature = "cli")]

mod common;

use std::path::Path;

use tokio::io::{AsyncBufReadExt, BufReader};

use common::client::Client;
use common::process::{Ended, Process, command, run, run_command};
use common::{soon, start};
use nix::sys::signal::Signal;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Checks that it failed with this one line.
fn refused(ended: &Ended, line: &str) {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(ended.stderr, format!("fanfare: {line}\n"));
    assert_eq!(ended.stdout, "");
}

fn file(directory: &TempDir, name: &str, content: &str) -> String {
    let path = directory.path().join(name);
    std::fs::write(&path, content).expect("a file");
    path.to_str().expect("text").to_owned()
}

async fn setting(client: &mut Client, name: &str, value: &str) {
    let reply = format!("%1 ${} {name} ${} {value}", name.len(), value.len());
    client.ask(&format!("CONFIG GET {name}"), &reply).await;
}

#[tokio::test]
async fn help_and_version() {
    for (flag, meaning) in [
        ("--help", "Bytes in one argument"),
        ("-h", "--check-config"),
    ] {
        let ended = run(&[flag]).await;
        assert!(
            ended.status.success() && ended.stderr.is_empty(),
            "{ended:?}"
        );
        for part in [
            "Usage: fanfare [file] [--<setting> <value>...]...",
            "--maxclients",
            meaning,
        ] {
            assert!(
                ended.stdout.contains(part),
                "{part} is not in {}",
                ended.stdout
            );
        }
    }
    for flag in ["--version", "-v", "-V"] {
        let ended = run(&[flag]).await;
        assert!(
            ended.status.success() && ended.stderr.is_empty(),
            "{ended:?}"
        );
        assert_eq!(
            ended.stdout,
            concat!("fanfare ", env!("CARGO_PKG_VERSION"), "\n")
        );
    }
}

#[tokio::test]
async fn mistakes_are_named_in_one_line() {
    let integer = "argument couldn't be parsed into an integer";
    for (args, line) in [
        (
            &["--nosuch", "1"][..],
            "command line: unknown setting 'nosuch'".to_owned(),
        ),
        (
            &["--port", "x"],
            format!("command line: bad value for 'port': {integer}"),
        ),
        (
            &["--port", "0", "--daemonize", "yes"],
            "command line: bad value for 'daemonize': fanfare stays in the foreground, so \
             'daemonize' can only be 'no'"
                .to_owned(),
        ),
        (
            &["--port"],
            "command line: bad value for 'port': wrong number of arguments".to_owned(),
        ),
        (
            &["/nonexistent/fanfare.conf"],
            "command line: can't read '/nonexistent/fanfare.conf': No such file or directory \
             (os error 2)"
                .to_owned(),
        ),
        (
            &["--bind", ""],
            "settings: 'bind' is empty and 'unixsocket' is not set, so there is nothing to \
             listen on"
                .to_owned(),
        ),
    ] {
        refused(&run(args).await, &line);
    }
    let directory = tempfile::tempdir().expect("a directory");
    for (content, line) in [
        (
            "port 0\n\n# fine\nnosuch 1\n",
            "4: unknown setting 'nosuch'".to_owned(),
        ),
        ("port many\n", format!("1: bad value for 'port': {integer}")),
        ("requirepass \"half\n", "1: unbalanced quotes".to_owned()),
    ] {
        let path = file(&directory, "bad.conf", content);
        refused(&run(&[&path]).await, &format!("{path}:{line}"));
        refused(
            &run_command(command(&["-"]), content).await,
            &format!("standard input:{line}"),
        );
    }
    let mut environment = command(&[]);
    environment.env("FANFARE_MAXCLIENTS", "0");
    let range = "argument must be between 1 and 4294967295 inclusive";
    let line = format!("environment FANFARE_MAXCLIENTS: bad value for 'maxclients': {range}");
    refused(&run_command(environment, "").await, &line);
}

/// A distribution's redis.conf, wrong users, and a certificate that is not there: all of it at once.
#[tokio::test]
async fn check_config_tells_everything() {
    let directory = tempfile::tempdir().expect("a directory");
    let content = "port 0\nuser a on +nosuch\nappendfsync everysec\nuser b on ~*\nuser c +@nosuch\n\
                   tls-port auto\n";
    let path = file(&directory, "all.conf", content);
    for args in [["--check-config", &path], [&path, "--check-config"]] {
        let ended = run(&args).await;
        assert_eq!((ended.status.code(), &*ended.stdout), (Some(1), ""));
        let lines: Vec<&str> = ended.stderr.lines().collect();
        for (line, part) in lines.iter().zip([
            "all.conf:3: fanfare does not have Redis's setting 'appendfsync'",
            "all.conf:2: Error in user declaration '+nosuch'",
            "all.conf:5: Error in user declaration '+@nosuch'",
            "'tls-cert-file' is not set",
        ]) {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        assert_eq!(lines.len(), 4, "{lines:?}");
    }
    let users = file(&directory, "users.acl", "user a on +nosuch\n");
    let ended = run(&["--check-config", "--aclfile", &users]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.stderr.contains("can't load users: "),
        "{}",
        ended.stderr
    );

    let good = file(&directory, "good.conf", "port 0\nuser a on ~* +get\n");
    let ended = run(&["--check-config", &good]).await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(
        (&*ended.stdout, &*ended.stderr),
        ("the settings are good\n", "")
    );
}

#[tokio::test]
async fn a_user_and_a_password_from_the_environment() {
    let directory = tempfile::tempdir().expect("a directory");
    let secret = file(&directory, "secret", "sesame\n");
    let mut process = command(&["--port", "0"]);
    process
        .env("FANFARE_REQUIREPASS_FILE", &secret)
        .env("FANFARE_USER", "alice on >wonder ~* +get")
        .env("FANFARE_SERVICE_HOST", "10.0.0.1");
    let server = Process::spawn(process, 1).await;
    let mut client = Client::raw(server.tcp.expect("TCP")).await;
    client.line("GET k").await;
    client.reads("-NOAUTH Authentication required.\r\n").await;
    client.ask("AUTH sesame", "+OK").await;
    client.ask("AUTH alice wonder", "+OK").await;
    let mut process = command(&["--port", "0"]);
    process.env("FANFARE_REQUIRE_PASS", "sesame");
    refused(
        &run_command(process, "").await,
        "environment FANFARE_REQUIRE_PASS: no setting has this variable; did you mean \
         'FANFARE_REQUIREPASS'?",
    );
}

/// SIGHUP and its like would end a process that does not handle them, and the queues with it.
#[tokio::test]
async fn signals_that_do_not_end_it() {
    let server = Process::start(&[]).await;
    let mut client = server.client(2).await;
    client.ask("RPUSH queue element", ":1").await;
    let signals = [
        Signal::SIGHUP,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGPIPE,
    ];
    for signal in signals {
        server.signal(signal);
        client.ask("PING", "+PONG").await;
    }
    client.ask("LLEN queue", ":1").await;
    let ended = server.terminate().await;
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    for signal in &signals[..3] {
        let told = format!("signal=\"{signal}\"");
        assert!(ended.stderr.contains(&told), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_logfile_is_opened_again_at_sighup() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    let read = |name: &str| std::fs::read_to_string(at(name)).unwrap_or_default();
    std::fs::write(at("log"), "what was there\n").expect("a file");
    let path = at("log");
    let server = Process::start(&["--logfile", path.to_str().expect("text")]).await;
    soon("the log begins", async {
        while !read("log").contains("listening on") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(read("log").starts_with("what was there\n"));
    std::fs::rename(at("log"), at("log.1")).expect("it can be moved");
    server.signal(Signal::SIGHUP);
    soon("the new file", async {
        while !read("log").contains("opened the logfile again") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let ended = server.terminate().await;
    assert!(
        ended.status.success() && ended.stderr.is_empty(),
        "{ended:?}"
    );
    assert!(read("log").contains("stopped") && !read("log.1").contains("stopped"));
    let nowhere = at("nowhere/log");
    let ended = run(&["--port", "0", "--logfile", nowhere.to_str().expect("text")]).await;
    let system = "No such file or directory (os error 2)";
    refused(
        &ended,
        &format!("can't open the logfile '{}': {system}", nowhere.display()),
    );
}

/// `Type=notify` of systemd.
#[tokio::test]
async fn a_service_manager_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("notify");
    let socket = tokio::net::UnixDatagram::bind(&path).expect("a socket");
    let mut process = command(&["--port", "0"]);
    process.env("NOTIFY_SOCKET", &path);
    let server = Process::spawn(process, 1).await;
    let mut message = [0; 64];
    let mut next = async || {
        let length = soon("a message", socket.recv(&mut message))
            .await
            .expect("it comes");
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    assert_eq!(next().await.trim_end(), "READY=1");
    let ended = server.terminate().await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(next().await.trim_end(), "STOPPING=1");
}

#[tokio::test]
async fn an_address_that_is_taken() {
    let server = start().await;
    let address = server.addr().expect("TCP");
    let ended = run(&["--port", &address.port().to_string()]).await;
    refused(
        &ended,
        &format!("can't listen on {address}: Address already in use (os error 98)"),
    );

    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("socket");
    let path = socket.to_str().expect("text");
    let owner = unix_only(&socket).await;
    let ended = run(&["--bind", "", "--unixsocket", path]).await;
    refused(
        &ended,
        &format!("can't listen on {path}: Address already in use (os error 98)"),
    );
    Client::unix(&socket).await.ask("PING", "+PONG").await;
    owner.terminate().await;
}

async fn unix_only(path: &Path) -> Process {
    let path = path.to_str().expect("text");
    Process::spawn(command(&["--bind", "", "--unixsocket", path]), 1).await
}

#[tokio::test]
async fn an_optional_address_alone_that_is_missing() {
    let ended = run(&["--port", "0", "--bind", "-192.0.2.1"]).await;
    assert_eq!(ended.status.code(), Some(1), "it serves nobody: {ended:?}");
}

/// The minus in `bind` forgives an address that this machine does not have, and nothing else.
#[tokio::test]
async fn an_optional_address_that_is_taken_ends_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let port = address.port().to_string();
    let line =
        format!("fanfare: can't listen on {address}: Address already in use (os error 98)\n");
    for bind in [
        "-127.0.0.1",
        "127.0.0.2 -127.0.0.1",
        "-192.0.2.1 -127.0.0.1",
    ] {
        let ended = run(&["--port", &port, "--bind", bind]).await;
        assert_eq!(ended.status.code(), Some(1), "{bind}: {ended:?}");
        // The log, which another thread writes, may tell of the one that is missing as well.
        let told = ended.stderr.split_inclusive('\n').any(|told| told == line);
        assert!(told, "{bind}: {ended:?}");
    }
    let ended = run(&["--port", "0", "--bind", "-no-such-name.invalid"]).await;
    assert_eq!(ended.status.code(), Some(1), "it serves nobody: {ended:?}");
    let bind = "127.0.0.1 -192.0.2.1 -no-such-name.invalid";
    let server = Process::start(&["--bind", bind]).await;
    server.client(2).await.ask("PING", "+PONG").await;
    server.terminate().await;
}

#[tokio::test]
async fn flags_override_the_environment_which_overrides_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let included = file(&directory, "included.conf", "timeout 11\n");
    let content = format!(
        "# settings\nport 1\nmaxclients 11\nrequirepass \"a b\"\ntcp-backlog 11\ninclude {included}\n"
    );
    let path = file(&directory, "fanfare.conf", &content);
    let mut process = command(&[&path, "--port", "0", "--MaxClients=33"]);
    process
        .env("FANFARE_MAXCLIENTS", "22")
        .env("FANFARE_TCP_BACKLOG", "22");
    let server = Process::spawn(process, 1).await;
    let mut client = Client::raw(server.tcp.expect("TCP")).await;
    client.command(&["AUTH", "a b"]).await;
    client.reads("+OK\r\n").await;
    client.hello(3).await;
    setting(&mut client, "maxclients", "33").await;
    setting(&mut client, "tcp-backlog", "22").await;
    setting(&mut client, "timeout", "11").await;
    assert!(server.terminate().await.status.success());
}

#[tokio::test]
async fn settings_from_standard_input() {
    let mut process = command(&["-", "--port", "0"]);
    let mut child = process
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("stdin is a pipe");
    let write = input.write_all(b"maxclients 44\nport 1\n");
    write.await.expect("it reads");
    drop(input);
    let server = Process::ready(child, 1).await;
    setting(&mut server.client(3).await, "maxclients", "44").await;
    assert!(server.terminate().await.status.success());
}

#[tokio::test]
async fn a_unix_socket_is_served_and_removed() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    // One that a process which was killed has left behind is no hindrance.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    let args = [
        "--port",
        "0",
        "--unixsocket",
        path.to_str().expect("text"),
        "--unixsocketperm",
        "700",
    ];
    let server = Process::spawn(command(&args), 2).await;
    assert_eq!(server.unix.as_deref(), Some(&*path));
    let mode = std::fs::metadata(&path)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    let mut subscriber = Client::unix(&path).await;
    subscriber.hello(3).await;
    subscriber.subscribe("SUBSCRIBE", &["c"]).await;
    let mut publisher = server.client(2).await;
    publisher.ask("PUBLISH c hi", ":1").await;
    assert_eq!(subscriber.push().await[2], "hi");
    publisher.line("CLIENT LIST TYPE pubsub").await;
    let line = publisher.text().await;
    assert!(
        line.contains(&format!(" addr={}:0 ", path.display())) && line.contains(" flags=PU "),
        "{line}"
    );
    let ended = server.terminate().await;
    assert!(ended.status.success(), "{ended:?}");
    subscriber.closed().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn its_end_delivers_what_is_pending() {
    const MESSAGES: usize = 200;
    let payload = "x".repeat(64 * 1024);
    for (how, reason) in [
        (Some(Signal::SIGTERM), "SIGTERM"),
        (Some(Signal::SIGINT), "SIGINT"),
        (None, "SHUTDOWN"),
    ] {
        let server =
            Process::start(&["--client-output-buffer-limit", "pubsub", "0", "0", "0"]).await;
        let mut subscriber = server.client(3).await;
        subscriber.subscribe("SUBSCRIBE", &["c"]).await;
        let mut publisher = server.client(2).await;
        for _ in 0..MESSAGES {
            publisher.command(&["PUBLISH", "c", &payload]).await;
            assert_eq!(publisher.integer().await, 1);
        }
        match how {
            Some(signal) => server.signal(signal),
            None => publisher.line("SHUTDOWN NOSAVE").await,
        }
        publisher.closed().await;
        for _ in 0..MESSAGES {
            assert!(subscriber.push().await[2] == payload);
        }
        subscriber.closed().await;
        let ended = server.end().await;
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        assert!(ended.stderr.contains(reason), "{}", ended.stderr);
        assert!(ended.stderr.contains("stopped"), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}

/// Whoever has read `ready` may end it.
#[tokio::test]
async fn a_signal_right_after_ready() {
    for signal in [Signal::SIGTERM, Signal::SIGINT].repeat(15) {
        let server = Process::start(&[]).await;
        server.signal(signal);
        let ended = server.end().await;
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    }
}

/// A server that waits very long at its end, a subscriber that does not read, and who published to
/// it more than the kernel takes.
async fn patient_with_backlog() -> (Process, Client, Client) {
    let server = Process::start(&["--shutdown-timeout", "1000000"]).await;
    let mut stuck = server.client(2).await;
    stuck.subscribe("SUBSCRIBE", &["c"]).await;
    let mut publisher = server.client(3).await;
    for _ in 0..200 {
        publisher
            .command(&["PUBLISH", "c", &"x".repeat(100_000)])
            .await;
        assert_eq!(publisher.integer().await, 1);
    }
    (server, stuck, publisher)
}

#[tokio::test]
async fn shutdown_now_waits_for_nobody() {
    let (server, _stuck, mut publisher) = patient_with_backlog().await;
    publisher.line("SHUTDOWN NOW").await;
    assert_eq!(server.end().await.status.code(), Some(0));
}

/// Whoever insists need not wait for those who do not read.
#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let (server, _stuck, _publisher) = patient_with_backlog().await;
    let address = server.tcp.expect("TCP");
    server.signal(Signal::SIGTERM);
    soon("the end of accepting", async {
        while TcpStream::connect(address).await.is_ok() {}
    })
    .await;
    server.signal(Signal::SIGTERM);
    assert_eq!(server.end().await.status.code(), Some(0));
}

#[tokio::test]
async fn json_logs_are_lines_of_json() {
    let server = Process::start(&["--log-format", "json", "--loglevel", "debug"]).await;
    let address = server.tcp.expect("TCP");
    let mut client = server.client(2).await;
    client.line("nosuch \"\r\n").await;
    client.frame().await;
    client.ask("CONFIG SET timeout 100", "+OK").await;
    let ended = server.terminate().await;
    let lines: Vec<serde_json::Value> = ended
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let told = |message: &str| lines.iter().find(|line| line["message"] == message);
    let begin = told(&format!("listening on tcp {address}")).expect("the beginning");
    assert_eq!(
        (&begin["level"], &begin["version"]),
        (&"INFO".into(), &env!("CARGO_PKG_VERSION").into())
    );
    assert_eq!(told("stopping").expect("the end")["reason"], "SIGTERM");
    assert_eq!(
        told("connected").expect("the client")["addr"],
        client.address
    );
    assert_eq!(
        told("changed by CONFIG SET").expect("the change")["setting"],
        "timeout"
    );
    assert!(lines.iter().all(|line| line["timestamp"].is_string()));
}

#[tokio::test]
async fn the_log_level_can_be_changed() {
    let server = Process::start(&[]).await;
    let mut quiet = server.client(2).await;
    quiet.ask("CONFIG SET loglevel verbose", "+OK").await;
    let told = server.client(2).await;
    quiet.ask("CONFIG SET loglevel warning", "+OK").await;
    let silent = server.client(2).await;
    let ended = server.terminate().await;
    let tells = |client: &Client| {
        let is_it = |line: &str| line.contains("connected") && line.contains(&client.address);
        ended.stderr.lines().any(is_it)
    };
    assert_eq!(
        (tells(&quiet), tells(&told), tells(&silent)),
        (false, true, false),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("stopping"), "{}", ended.stderr);
    assert!(
        !ended.stderr.contains('\x1b'),
        "colours in a pipe: {}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nobody() {
    let mut child = command(&["--port", "0", "--loglevel", "debug"])
        .spawn()
        .expect("it starts");
    let log = child.stderr.take().expect("stderr is a pipe");
    let server = Process::ready(child, 1).await;
    let mut client = server.client(2).await;
    // Two lines each, of which a pipe holds some hundred, and then there are more than may wait.
    for _ in 0..10_000 {
        Client::raw(server.tcp.expect("TCP")).await;
    }
    client.ask("PING", "+PONG").await;
    // Who comes to read it later learns that there was more.
    let mut lines = BufReader::new(log).lines();
    let told = soon("the log tells what was lost", async {
        loop {
            let line = lines.next_line().await.expect("text").expect("a line");
            if line.contains("lines of the log were lost") {
                break line;
            }
        }
    });
    assert!(told.await.contains("lines="));
}

#[tokio::test]
async fn passwords_are_not_logged() {
    let server = Process::start(&["--requirepass", "sesame-1", "--loglevel", "debug"]).await;
    let mut client = Client::raw(server.tcp.expect("TCP")).await;
    client.ask("AUTH sesame-1", "+OK").await;
    client.ask("CONFIG SET requirepass sesame-2", "+OK").await;
    client.line("AUTH sesame-3").await;
    client.frame().await;
    let ended = server.terminate().await;
    assert!(!ended.stderr.contains("sesame"), "{}", ended.stderr);
}
