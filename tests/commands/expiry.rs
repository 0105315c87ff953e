//! When keys expire. That they do, and what is told of it, is in `tests/notifications.rs`.

use fanfare::Server;

use crate::common::client::Client;

commands! {
    "expire" => expire,
    "pexpire" => pexpire,
    "expireat" => expireat,
    "pexpireat" => pexpireat,
    "ttl" => ttl,
    "pttl" => pttl,
    "expiretime" => expiretime,
    "pexpiretime" => pexpiretime,
    "persist" => persist,
}

const NO_INTEGER: &str = "ERR value is not an integer or out of range";
const NX_AND_OTHERS: &str = "ERR NX and XX, GT or LT options at the same time are not compatible";
const GT_AND_LT: &str = "ERR GT and LT options at the same time are not compatible";

/// Asks for a number that depends on the clock.
async fn number(client: &mut Client, line: &str) -> i64 {
    client.line(line).await;
    client.integer().await
}

/// What holds for all that set a time. `sooner` and `later` are times to come.
async fn set_time(client: &mut Client, command: &str, sooner: &str, later: &str) {
    client.line(&format!("{command} k {sooner}")).await;
    client.expect(":0\r\n").await;
    client.ask("SET k v", "+OK").await;
    client.ask("SET forever v", "+OK").await;
    for (rest, reply) in [
        (format!("k {later}"), ":1"),
        (format!("k {sooner} nx"), ":0"),
        (format!("k {sooner} GT"), ":0"),
        (format!("k {sooner} lt XX lt"), ":1"),
        (format!("k {later} LT"), ":0"),
        (format!("k {later} GT XX"), ":1"),
        (format!("k {sooner} XX"), ":1"),
        // One that has no time lives longer than any.
        (format!("forever {later} XX"), ":0"),
        (format!("forever {later} GT"), ":0"),
        (format!("forever {later} LT XX"), ":0"),
        (format!("forever {later} LT"), ":1"),
        ("none -1".to_owned(), ":0"),
        ("k -1 GT".to_owned(), ":0"),
        ("k -1 LT".to_owned(), ":1"),
        ("k -1".to_owned(), ":0"),
    ] {
        client.ask(&format!("{command} {rest}"), reply).await;
    }
    client
        .script(&[("EXISTS k forever", ":1"), ("PERSIST forever", ":1")])
        .await;
    client
        .ask(&format!("{command} forever {later} NX"), ":1")
        .await;
    client.ask(&format!("{command} forever 0"), ":1").await;
    client
        .script(&[("EXISTS forever", ":0"), ("RPUSH l a", ":1")])
        .await;
    client.ask(&format!("{command} l -5"), ":1").await;
    client.ask("EXISTS l", ":0").await;
    refusals(client, command).await;
}

async fn refusals(client: &mut Client, command: &str) {
    // The options are read first, then the time, then the key.
    for (rest, text) in [
        ("k x nosuch", "ERR Unsupported option nosuch"),
        ("k 1 NX nosuch XX", "ERR Unsupported option nosuch"),
        ("k 1 ", "ERR Unsupported option "),
        ("k x NX XX", NX_AND_OTHERS),
        ("k 1 GT NX", NX_AND_OTHERS),
        ("k 1 NX LT", NX_AND_OTHERS),
        ("k 1 LT XX GT", GT_AND_LT),
        ("k x", NO_INTEGER),
        ("k 1.5", NO_INTEGER),
        ("k ", NO_INTEGER),
        ("k 9223372036854775808", NO_INTEGER),
    ] {
        client.error(&format!("{command} {rest}"), text).await;
    }
    let lower = command.to_ascii_lowercase();
    client
        .arity(&lower, &[command, &format!("{command} k")])
        .await;
}

/// Checks that these numbers are too large or too small for a command.
async fn invalid(client: &mut Client, command: &str, numbers: &[&str]) {
    let lower = command.to_ascii_lowercase();
    for number in numbers {
        let text = format!("ERR invalid expire time in '{lower}' command");
        client
            .error(&format!("{command} none {number}"), &text)
            .await;
    }
}

/// More seconds than there are milliseconds for.
const TOO_MANY_SECONDS: [&str; 3] = [
    "9223372036854776",
    "-9223372036854776",
    "9223372036854775807",
];

async fn expire(_: &Server, client: &mut Client) {
    set_time(client, "EXPIRE", "1000", "2000").await;
    invalid(client, "EXPIRE", &TOO_MANY_SECONDS).await;
    invalid(client, "EXPIRE", &["9223372036854775"]).await;
    client.ask("SET k v", "+OK").await;
    client.ask("expire k 1000", ":1").await;
    let left = number(client, "PTTL k").await;
    assert!((900_000..=1_000_000).contains(&left), "{left}");
    client.ask("EXPIRE k -9223372036854775", ":1").await;
}

async fn pexpire(_: &Server, client: &mut Client) {
    set_time(client, "PEXPIRE", "1000000", "2000000").await;
    invalid(client, "PEXPIRE", &["9223372036854775807"]).await;
    client.ask("SET k v", "+OK").await;
    client.ask("pexpire k 1000000", ":1").await;
    let left = number(client, "PTTL k").await;
    assert!((900_000..=1_000_000).contains(&left), "{left}");
    client.ask("PEXPIRE k -9223372036854775808", ":1").await;
}

async fn expireat(_: &Server, client: &mut Client) {
    set_time(client, "EXPIREAT", "4000000000", "4000000001").await;
    invalid(client, "EXPIREAT", &TOO_MANY_SECONDS).await;
    client
        .script(&[
            ("SET k v", "+OK"),
            ("expireat k 9223372036854775", ":1"),
            ("PEXPIRETIME k", ":9223372036854775000"),
            ("EXPIREAT k 1", ":1"),
            ("EXISTS k", ":0"),
        ])
        .await;
}

async fn pexpireat(_: &Server, client: &mut Client) {
    set_time(client, "PEXPIREAT", "4000000000000", "4000000000001").await;
    client
        .script(&[
            ("SET k v", "+OK"),
            ("pexpireat k 9223372036854775807", ":1"),
            ("PEXPIRETIME k", ":9223372036854775807"),
            ("PEXPIREAT k 9223372036854775807 GT", ":0"),
            ("PEXPIREAT k 1", ":1"),
            ("EXISTS k", ":0"),
        ])
        .await;
}

/// What holds for all that show a time.
async fn show_time(client: &mut Client, command: &str) {
    let line = format!("{command} k");
    client.ask(&line, ":-2").await;
    client.ask("RPUSH k v", ":1").await;
    client.ask(&line, ":-1").await;
    client.ask("SET k v PXAT 1", "+OK").await;
    client.ask(&line, ":-2").await;
    let lower = command.to_ascii_lowercase();
    client
        .arity(&lower, &[command, &format!("{command} k x")])
        .await;
}

async fn ttl(_: &Server, client: &mut Client) {
    show_time(client, "TTL").await;
    client.ask("SET k v EX 1000", "+OK").await;
    let left = number(client, "ttl k").await;
    assert!((900..=1000).contains(&left), "{left}");
    // To the nearest second.
    client.ask("SET k v PX 1000999", "+OK").await;
    let left = number(client, "TTL k").await;
    assert!((900..=1001).contains(&left), "{left}");
}

async fn pttl(_: &Server, client: &mut Client) {
    show_time(client, "PTTL").await;
    client.ask("SET k v PX 1000000", "+OK").await;
    let left = number(client, "pttl k").await;
    assert!((900_000..=1_000_000).contains(&left), "{left}");
}

async fn expiretime(_: &Server, client: &mut Client) {
    show_time(client, "EXPIRETIME").await;
    client
        .script(&[
            ("SET k v PXAT 4000000000499", "+OK"),
            ("expiretime k", ":4000000000"),
            ("SET k v PXAT 4000000000500", "+OK"),
            ("EXPIRETIME k", ":4000000001"),
            ("SET k v PXAT 9223372036854775807", "+OK"),
            ("EXPIRETIME k", ":9223372036854776"),
        ])
        .await;
}

async fn pexpiretime(_: &Server, client: &mut Client) {
    show_time(client, "PEXPIRETIME").await;
    client
        .script(&[
            ("SET k v EXAT 4000000000", "+OK"),
            ("pexpiretime k", ":4000000000000"),
        ])
        .await;
}

async fn persist(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("PERSIST k", ":0"),
            ("SET k v", "+OK"),
            ("PERSIST k", ":0"),
            ("EXPIRE k 1000", ":1"),
            ("persist k", ":1"),
            ("TTL k", ":-1"),
            ("GET k", "$1 v"),
            ("SET k v PXAT 1", "+OK"),
            ("PERSIST k", ":0"),
            ("EXISTS k", ":0"),
        ])
        .await;
    client.arity("persist", &["PERSIST", "PERSIST k x"]).await;
}
