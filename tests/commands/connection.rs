//! The group connection, without CLIENT.

use fanfare::Server;

use crate::common::client::Client;
use crate::common::wire::lines;
use crate::common::{field, start_with};

commands! {
    "ping" => ping,
    "echo" => echo,
    "select" => select,
    "quit" => quit,
    "reset" => reset,
    "auth" => auth,
    "hello" => hello,
}

async fn ping(_: &Server, client: &mut Client) {
    client.ask("PING", "+PONG").await;
    client.ask("ping hello", "$5 hello").await;
    client.ask("PING ", "$0 ").await;
    client.arity("ping", &["PING a b"]).await;
    client.subscribe("SUBSCRIBE", &["c"]).await;
    if client.protocol == 2 {
        client.ask("PING", "*2 $4 pong $0 ").await;
        client.ask("PING hello", "*2 $4 pong $5 hello").await;
    } else {
        client.ask("PING", "+PONG").await;
        client.ask("PING hello", "$5 hello").await;
    }
}

async fn echo(_: &Server, client: &mut Client) {
    client.ask("ECHO hello", "$5 hello").await;
    client.command(&[b"ECHO", &b"\0\r\n\xff"[..]]).await;
    client.reads(b"$4\r\n\0\r\n\xff\r\n").await;
    client.arity("echo", &["ECHO", "ECHO a b"]).await;
}

async fn select(_: &Server, client: &mut Client) {
    client.ask("SELECT 15", "+OK").await;
    client.line("CLIENT INFO").await;
    assert_eq!(field(&client.text().await, "db"), "15");
    client
        .error("SELECT 16", "ERR DB index is out of range")
        .await;
    client
        .error("SELECT -1", "ERR DB index is out of range")
        .await;
    let no_integer = "ERR value is not an integer or out of range";
    client.error("SELECT abc", no_integer).await;
    client.arity("select", &["SELECT", "SELECT 0 1"]).await;
}

async fn quit(server: &Server, client: &mut Client) {
    client.send(b"PING\r\nQUIT now\r\nPING after\r\n").await;
    client.expect(b"+PONG\r\n+OK\r\n").await;
    client.closed().await;
    let mut subscriber = Client::connect(server, client.protocol).await;
    subscriber.subscribe("SUBSCRIBE", &["c"]).await;
    subscriber.ask("QUIT", "+OK").await;
    subscriber.closed().await;
}

async fn reset(server: &Server, client: &mut Client) {
    client.arity("reset", &["RESET x"]).await;
    client.ask("CLIENT SETNAME me", "+OK").await;
    client.ask("SELECT 3", "+OK").await;
    client.subscribe("SUBSCRIBE", &["c"]).await;
    client.subscribe("PSUBSCRIBE", &["*"]).await;
    client.subscribe("SSUBSCRIBE", &["s"]).await;
    client.ask("RESET", "+RESET").await;
    // Whatever it spoke before, it speaks RESP2 now.
    client.protocol = 2;
    assert_eq!(server.publish("c", "gone"), 0);
    client.ask("CLIENT GETNAME", "_").await;
    client.line("CLIENT INFO").await;
    let line = client.text().await;
    for (name, value) in [
        ("db", "0"),
        ("resp", "2"),
        ("sub", "0"),
        ("psub", "0"),
        ("ssub", "0"),
    ] {
        assert_eq!(field(&line, name), value, "{name}");
    }
    // It makes the connection new, whatever replies it wanted: nobody waits for this one in vain.
    for mode in ["OFF", "SKIP"] {
        client
            .send(format!("CLIENT REPLY {mode}\r\nRESET\r\nPING\r\n"))
            .await;
        client.sees("+RESET +PONG").await;
    }
}

async fn auth(_: &Server, client: &mut Client) {
    client
        .error(
            "AUTH x",
            "ERR AUTH <password> called without any password configured for the default user. \
             Are you sure your configuration is correct?",
        )
        .await;
    client.ask("AUTH default anything", "+OK").await;
    let wrong = "WRONGPASS invalid username-password pair or user is disabled.";
    client.error("AUTH nobody x", wrong).await;
    client.error("AUTH a b c", "ERR syntax error").await;
    client.arity("auth", &["AUTH"]).await;

    let guarded = start_with(&[("requirepass", "sesame")]).await;
    let mut stranger = Client::raw(guarded.addr().expect("TCP")).await;
    for line in [
        "PING",
        "SUBSCRIBE c",
        "PUBLISH c m",
        "CLIENT ID",
        "SHUTDOWN",
    ] {
        stranger
            .error(line, "NOAUTH Authentication required.")
            .await;
    }
    stranger.error("AUTH wrong", wrong).await;
    stranger.error("AUTH default wrong", wrong).await;
    stranger.error("AUTH nobody sesame", wrong).await;
    stranger
        .error("PING", "NOAUTH Authentication required.")
        .await;
    stranger.ask("AUTH sesame", "+OK").await;
    stranger.hello(client.protocol).await;
    stranger.ask("PING", "+PONG").await;
    // A failed AUTH takes nothing away; RESET does.
    stranger.error("AUTH wrong", wrong).await;
    stranger.ask("PING", "+PONG").await;
    stranger.ask("RESET", "+RESET").await;
    stranger
        .error("PING", "NOAUTH Authentication required.")
        .await;
    stranger.ask("AUTH default sesame", "+OK").await;
    stranger.ask("PING", "+PONG").await;
}

async fn hello(_: &Server, client: &mut Client) {
    let (id, protocol) = (client.id, client.protocol);
    let greeting = |protocol| {
        format!(
            "%7 $6 server $5 redis $7 version $5 7.2.4 $5 proto :{protocol} $2 id :{id} \
             $4 mode $10 standalone $4 role $6 master $7 modules *0"
        )
    };
    client.ask("HELLO", &greeting(protocol)).await;
    client
        .error("HELLO 1", "NOPROTO unsupported protocol version")
        .await;
    client
        .error("HELLO 4", "NOPROTO unsupported protocol version")
        .await;
    let no_integer = "ERR Protocol version is not an integer or out of range";
    client.error("HELLO abc", no_integer).await;
    client
        .error(
            "HELLO 3 nosuch",
            "ERR Syntax error in HELLO option 'nosuch'",
        )
        .await;
    client
        .error(
            "HELLO 2 SETNAME",
            "ERR Syntax error in HELLO option 'SETNAME'",
        )
        .await;
    let wrong = "WRONGPASS invalid username-password pair or user is disabled.";
    client.error("HELLO 2 AUTH nobody x", wrong).await;
    // Refused, they have changed nothing.
    client.ask("HELLO", &greeting(protocol)).await;

    client.line("hello 3 auth default x setname me").await;
    client.protocol = 3;
    client.reads(lines(&greeting(3))).await;
    client.ask("CLIENT GETNAME", "$2 me").await;
    client.line("HELLO 2").await;
    client.protocol = 2;
    client.reads(lines(&greeting(2))).await;

    let guarded = start_with(&[("requirepass", "sesame")]).await;
    let mut stranger = Client::raw(guarded.addr().expect("TCP")).await;
    stranger
        .error(
            &format!("HELLO {protocol}"),
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO AUTH <user> <pass> option can be used to authenticate the client and select \
             the RESP protocol version at the same time",
        )
        .await;
    stranger
        .line(&format!("HELLO {protocol} AUTH default sesame"))
        .await;
    stranger.protocol = protocol;
    stranger
        .reads(lines(
            &greeting(protocol).replace(&format!("id :{id}"), "id :1"),
        ))
        .await;
    stranger.ask("PING", "+PONG").await;
}
