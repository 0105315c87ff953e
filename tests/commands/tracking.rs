//! CLIENT TRACKING and its kin: what they answer, and the bytes of what clients are told.

use fanfare::Server;

use crate::common::client::Client;
use crate::common::field;

commands! {
    "client|tracking" => tracking,
    "client|caching" => caching,
    "client|getredir" => getredir,
    "client|trackinginfo" => trackinginfo,
}

async fn tracking(server: &Server, client: &mut Client) {
    client.arity("client|tracking", &["CLIENT TRACKING"]).await;
    for (options, error) in [
        ("MAYBE", "ERR syntax error"),
        ("ON MAYBE", "ERR syntax error"),
        ("ON REDIRECT", "ERR syntax error"),
        ("ON PREFIX", "ERR syntax error"),
        (
            "ON REDIRECT x",
            "ERR value is not an integer or out of range",
        ),
        (
            "ON REDIRECT 99",
            "ERR The client ID you want redirect to does not exist",
        ),
        (
            "ON REDIRECT 1 REDIRECT 1",
            "ERR A client can only redirect to a single other client",
        ),
        (
            "ON PREFIX a",
            "ERR PREFIX option requires BCAST mode to be enabled",
        ),
        (
            "ON BCAST OPTIN",
            "ERR OPTIN and OPTOUT are not compatible with BCAST",
        ),
        (
            "ON OPTIN OPTOUT",
            "ERR You can't specify both OPTIN mode and OPTOUT mode",
        ),
        (
            "ON BCAST PREFIX a PREFIX ab",
            "ERR Prefix 'a' overlaps with another provided prefix 'ab'. Prefixes for a single \
             client must not overlap.",
        ),
    ] {
        let line = format!("CLIENT TRACKING {options}");
        client.error(&line, error).await;
    }
    let mut writer = Client::connect(server, client.protocol).await;
    client.ask("CLIENT TRACKING ON", "+OK").await;
    client
        .error(
            "CLIENT TRACKING ON BCAST",
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, \
             and then re-enabling it with a different mode.",
        )
        .await;
    client.ask("MGET k l", "*2 _ _").await;
    writer.ask("MSET k 1 l 2", "+OK").await;
    // RESP2 has no pushes: a client that does not redirect is told nothing.
    told(
        client,
        ">2 $10 invalidate *1 $1 k >2 $10 invalidate *1 $1 l",
    )
    .await;
    writer.ask("SET k 2", "+OK").await;
    client.barrier().await;
    client.ask("GET k", "$1 2").await;
    client.ask("SET k 3", "+OK").await;
    told(client, ">2 $10 invalidate *1 $1 k").await;
    for flush in ["FLUSHALL", "FLUSHDB", "SWAPDB 1 2"] {
        writer.ask(flush, "+OK").await;
        told(client, ">2 $10 invalidate _").await;
    }
    client.ask("CLIENT TRACKING OFF", "+OK").await;
    client.ask("CLIENT TRACKING OFF", "+OK").await;
    client
        .ask("CLIENT TRACKING ON BCAST PREFIX u: PREFIX o:", "+OK")
        .await;
    client
        .error(
            "CLIENT TRACKING ON BCAST PREFIX x PREFIX u:1",
            "ERR Prefix 'u:1' overlaps with an existing prefix 'u:'. Prefixes for a single client \
             must not overlap.",
        )
        .await;
    writer.ask("MSET u:2 a u:1 b o:1 c x d", "+OK").await;
    told(
        client,
        ">2 $10 invalidate *1 $3 o:1 >2 $10 invalidate *2 $3 u:1 $3 u:2",
    )
    .await;
}

/// What a client is told in RESP3, and that in RESP2 it is told nothing.
async fn told(client: &mut Client, frames: &str) {
    if client.protocol == 3 {
        client.sees(frames).await;
    }
    client.barrier().await;
}

async fn caching(server: &Server, client: &mut Client) {
    let lines = ["CLIENT CACHING", "CLIENT CACHING YES NO"];
    client.arity("client|caching", &lines).await;
    client
        .error(
            "CLIENT CACHING YES",
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN \
             or OPTOUT mode enabled",
        )
        .await;
    client.ask("CLIENT TRACKING ON OPTIN", "+OK").await;
    client
        .error(
            "CLIENT CACHING NO",
            "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
        )
        .await;
    client
        .error("CLIENT CACHING MAYBE", "ERR syntax error")
        .await;
    let mut writer = Client::connect(server, client.protocol).await;
    client.ask("GET k", "_").await;
    client.ask("CLIENT CACHING YES", "+OK").await;
    client.ask("GET l", "_").await;
    client.ask("GET m", "_").await;
    writer.ask("MSET k 1 l 2 m 3", "+OK").await;
    told(client, ">2 $10 invalidate *1 $1 l").await;
    client.ask("CLIENT TRACKING OFF", "+OK").await;
    client.ask("CLIENT TRACKING ON OPTOUT", "+OK").await;
    client
        .error(
            "CLIENT CACHING YES",
            "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
        )
        .await;
    client.ask("CLIENT CACHING NO", "+OK").await;
    client.ask("GET l", "$1 2").await;
    client.ask("GET m", "$1 3").await;
    writer.ask("MSET k 1 l 2 m 3", "+OK").await;
    told(client, ">2 $10 invalidate *1 $1 m").await;
}

async fn getredir(server: &Server, client: &mut Client) {
    client
        .arity("client|getredir", &["CLIENT GETREDIR x"])
        .await;
    client.ask("CLIENT GETREDIR", ":-1").await;
    client.ask("CLIENT TRACKING ON", "+OK").await;
    client.ask("CLIENT GETREDIR", ":0").await;
    let mut target = Client::connect(server, 2).await;
    target
        .subscribe("SUBSCRIBE", &["__redis__:invalidate"])
        .await;
    client.ask("CLIENT TRACKING ON REDIRECT 2", "+OK").await;
    client.ask("CLIENT GETREDIR", ":2").await;
    client.ask("GET k", "_").await;
    client.ask("SET k 1", "+OK").await;
    let message = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n";
    target.expect(format!("{message}*1\r\n$1\r\nk\r\n")).await;
    client.ask("FLUSHALL", "+OK").await;
    target.expect(format!("{message}$-1\r\n")).await;
    client.ask("CLIENT KILL ID 2", ":1").await;
    client.ask("GET k", "_").await;
    client.ask("SET k 2", "+OK").await;
    told(client, ">2 $21 tracking-redir-broken :2").await;
    client.line("CLIENT INFO").await;
    let line = client.text().await;
    assert_eq!([field(&line, "flags"), field(&line, "redir")], ["tR", "2"]);
    client.ask("CLIENT TRACKING OFF", "+OK").await;
    client.ask("CLIENT GETREDIR", ":-1").await;
}

async fn trackinginfo(_: &Server, client: &mut Client) {
    client
        .arity("client|trackinginfo", &["CLIENT TRACKINGINFO x"])
        .await;
    for (line, flags, prefixes, shown) in [
        ("OFF", "~1 $3 off", "*0", "N"),
        ("ON", "~1 $2 on", "*0", "t"),
        ("ON NOLOOP", "~2 $2 on $6 noloop", "*0", "t"),
        ("ON OPTIN", "~2 $2 on $5 optin", "*0", "t"),
        ("OFF", "~1 $3 off", "*0", "N"),
        ("ON OPTOUT", "~2 $2 on $6 optout", "*0", "t"),
        ("OFF", "~1 $3 off", "*0", "N"),
        (
            "ON BCAST PREFIX b PREFIX a NOLOOP",
            "~3 $2 on $5 bcast $6 noloop",
            "*2 $1 a $1 b",
            "tB",
        ),
        (
            "ON BCAST PREFIX c",
            "~2 $2 on $5 bcast",
            "*3 $1 a $1 b $1 c",
            "tB",
        ),
    ] {
        client.ask(&format!("CLIENT TRACKING {line}"), "+OK").await;
        let redirect = if line == "OFF" { -1 } else { 0 };
        let info = format!("%3 $5 flags {flags} $8 redirect :{redirect} $8 prefixes {prefixes}");
        client.ask("CLIENT TRACKINGINFO", &info).await;
        client.line("CLIENT INFO").await;
        assert_eq!(field(&client.text().await, "flags"), shown);
    }
    client.ask("CLIENT TRACKING OFF", "+OK").await;
    client.ask("CLIENT TRACKING ON OPTIN", "+OK").await;
    client.ask("CLIENT CACHING YES", "+OK").await;
    client
        .ask(
            "CLIENT TRACKINGINFO",
            "%3 $5 flags ~3 $2 on $5 optin $11 caching-yes $8 redirect :0 $8 prefixes *0",
        )
        .await;
}
