//! MONITOR, SLOWLOG, LATENCY, CLIENT PAUSE and CLIENT UNPAUSE, as far as one connection shows them;
//! tests/operators.rs has the rest.

use fanfare::Server;

use crate::common::client::Client;

commands! {
    "client|pause" => pause,
    "client|unpause" => unpause,
    "monitor" => monitor,
    "slowlog" => slowlog,
    "slowlog|get" => slowlog_get,
    "slowlog|len" => slowlog_len,
    "slowlog|reset" => slowlog_reset,
    "slowlog|help" => slowlog_help,
    "latency" => latency,
    "latency|doctor" => doctor,
    "latency|graph" => graph,
    "latency|histogram" => histogram,
    "latency|history" => history,
    "latency|latest" => latest,
    "latency|reset" => latency_reset,
    "latency|help" => latency_help,
}

async fn pause(_: &Server, client: &mut Client) {
    client.arity("client|pause", &["CLIENT PAUSE"]).await;
    client
        .script(&[
            (
                "CLIENT PAUSE x",
                "-ERR timeout is not an integer or out of range",
            ),
            ("CLIENT PAUSE -1", "-ERR timeout is negative"),
            (
                "CLIENT PAUSE x x",
                "-ERR CLIENT PAUSE mode must be WRITE or ALL",
            ),
            ("CLIENT PAUSE 0", "+OK"),
            ("CLIENT PAUSE 0 all", "+OK"),
            ("CLIENT PAUSE 1000000 Write", "+OK"),
            ("PING", "+PONG"),
        ])
        .await;
    let extra = "ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.";
    client.error("CLIENT PAUSE 1 WRITE x", extra).await;
}

async fn unpause(_: &Server, client: &mut Client) {
    client.arity("client|unpause", &["CLIENT UNPAUSE x"]).await;
    client
        .script(&[
            ("CLIENT UNPAUSE", "+OK"),
            ("CLIENT PAUSE 9223372036854775807 WRITE", "+OK"),
            ("CLIENT UNPAUSE", "+OK"),
            ("SET k v", "+OK"),
        ])
        .await;
}

async fn monitor(_: &Server, client: &mut Client) {
    client.arity("monitor", &["MONITOR x"]).await;
    client.ask("MONITOR", "+OK").await;
    // One that is a monitor already is answered too.
    client.ask("MONITOR", "+OK").await;
    client
        .error("GET k", "ERR Replica can't interact with the keyspace")
        .await;
    client.ask("ECHO hi", "$2 hi").await;
    let line = client.text().await;
    assert!(line.ends_with("\"ECHO\" \"hi\""), "{line}");
    client.line("RESET").await;
    client.protocol = 2;
    client.ask("PING", "+RESET +PONG").await;
}

async fn slowlog(_: &Server, client: &mut Client) {
    client.arity("slowlog", &["SLOWLOG"]).await;
    let unknown = "ERR unknown subcommand 'x'. Try SLOWLOG HELP.";
    client.error("SLOWLOG x", unknown).await;
}

async fn slowlog_get(_: &Server, client: &mut Client) {
    let range = "ERR count should be greater than or equal to -1";
    let extra = "ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.";
    client.ask("SLOWLOG GET", "*0").await;
    client.ask("SLOWLOG GET -1", "*0").await;
    client.error("SLOWLOG GET -2", range).await;
    client.error("SLOWLOG GET x", range).await;
    client.error("SLOWLOG GET 1 2", extra).await;
}

async fn slowlog_len(_: &Server, client: &mut Client) {
    client.arity("slowlog|len", &["SLOWLOG LEN x"]).await;
    client
        .ask("CONFIG SET slowlog-log-slower-than 0", "+OK")
        .await;
    client.ask("SLOWLOG LEN", ":1").await;
    client.ask("CONFIG RESETSTAT", "+OK").await;
    client.ask("SLOWLOG LEN", ":3").await;
}

async fn slowlog_reset(_: &Server, client: &mut Client) {
    client.arity("slowlog|reset", &["SLOWLOG RESET x"]).await;
    client.ask("DEBUG SLEEP 0.01", "+OK").await;
    client.ask("SLOWLOG LEN", ":1").await;
    client.ask("SLOWLOG RESET", "+OK").await;
    client.ask("SLOWLOG LEN", ":0").await;
}

async fn slowlog_help(_: &Server, client: &mut Client) {
    client.arity("slowlog|help", &["SLOWLOG HELP x"]).await;
    client.line("SLOWLOG HELP").await;
    client.sees("*10").await;
    for _ in 0..8 {
        client.text().await;
    }
    client.reads("+HELP\r\n+    Show this list.\r\n").await;
}

async fn latency(_: &Server, client: &mut Client) {
    client.arity("latency", &["LATENCY"]).await;
    let unknown = "ERR unknown subcommand 'x'. Try LATENCY HELP.";
    client.error("LATENCY x", unknown).await;
}

async fn doctor(_: &Server, client: &mut Client) {
    client.arity("latency|doctor", &["LATENCY DOCTOR x"]).await;
    client.line("LATENCY DOCTOR").await;
    assert!(client.text().await.starts_with("Latency is not watched."));
    client
        .ask("CONFIG SET latency-monitor-threshold 5", "+OK")
        .await;
    client.line("LATENCY DOCTOR").await;
    assert!(client.text().await.starts_with("Nothing has taken as long"));
}

async fn graph(_: &Server, client: &mut Client) {
    client.arity("latency|graph", &["LATENCY GRAPH"]).await;
    let none = "ERR No samples available for event 'command'";
    client.error("LATENCY GRAPH command", none).await;
}

async fn histogram(_: &Server, client: &mut Client) {
    client.ask("LATENCY HISTOGRAM nosuch echo", "%0").await;
    client.ask("ECHO x", "$1 x").await;
    client.line("LATENCY HISTOGRAM echo nosuch").await;
    let reply = format!("{:?}", client.frame().await);
    assert!(reply.contains("histogram_usec"), "{reply}");
    client.ask("CONFIG RESETSTAT", "+OK").await;
    client.ask("LATENCY HISTOGRAM echo", "%0").await;
}

async fn history(_: &Server, client: &mut Client) {
    client.arity("latency|history", &["LATENCY HISTORY"]).await;
    client.ask("LATENCY HISTORY command", "*0").await;
    client
        .ask("CONFIG SET latency-monitor-threshold 1", "+OK")
        .await;
    client.ask("DEBUG SLEEP 0.002", "+OK").await;
    client.line("LATENCY HISTORY command").await;
    let reply = format!("{:?}", client.frame().await);
    assert!(reply.contains("data: 2,"), "{reply}");
}

async fn latest(_: &Server, client: &mut Client) {
    client.arity("latency|latest", &["LATENCY LATEST x"]).await;
    client.ask("LATENCY LATEST", "*0").await;
}

async fn latency_reset(_: &Server, client: &mut Client) {
    client
        .ask("CONFIG SET latency-monitor-threshold 1", "+OK")
        .await;
    client.ask("DEBUG SLEEP 0.002", "+OK").await;
    client.ask("LATENCY RESET nosuch", ":0").await;
    client
        .ask("LATENCY RESET nosuch command command", ":1")
        .await;
}

async fn latency_help(_: &Server, client: &mut Client) {
    client.arity("latency|help", &["LATENCY HELP x"]).await;
    client.line("LATENCY HELP").await;
    client.sees("*15").await;
    for _ in 0..13 {
        client.text().await;
    }
    client.reads("+HELP\r\n+    Show this list.\r\n").await;
}
