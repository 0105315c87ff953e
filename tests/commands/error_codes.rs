//! Error replies are counted under the code that clients get (INFO errorstats).

use std::collections::BTreeMap;

use crate::common::client::{Client, Frame};
use crate::common::{both, until_info};

/// The counts of codes.
async fn counted(client: &mut Client) -> BTreeMap<String, u64> {
    client.line("INFO errorstats").await;
    let text = client.text().await;
    let lines = text.lines().filter_map(|line| {
        let (code, count) = line.strip_prefix("errorstat_")?.split_once(":count=")?;
        Some((code.to_owned(), count.parse().expect("a number")))
    });
    lines.collect()
}

/// Counts the errors in a reply.
fn count_errors(reply: &Frame, counts: &mut BTreeMap<String, u64>) {
    match reply {
        Frame::SimpleError { data, .. } => {
            let code = data.split_once(' ').map_or("ERR", |(code, _)| code);
            *counts.entry(code.to_owned()).or_default() += 1;
        }
        Frame::Array { data, .. } => data.iter().for_each(|part| count_errors(part, counts)),
        _ => {}
    }
}

#[tokio::test]
async fn every_error_counts_under_its_code() {
    both(async |server, client| {
        client.ask("ACL SETUSER u on >x -@all +ping", "+OK").await;
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for lines in [
            &["GET"][..],
            &["nosuch"],
            &["CLIENT nosuch"],
            &["RPUSH l a", "GET l"],
            &["AUTH u y"],
            &["HELLO 4"],
            &["DEBUG ERROR single"],
            &["CONFIG SET nosuch 1"],
            // Refused when it is queued, which spoils the transaction.
            &["MULTI", "nosuch"],
            &["EXEC"],
            // An EXEC that is itself refused.
            &["MULTI"],
            &["EXEC x"],
            &["MULTI", "GET l", "EXEC"],
        ] {
            for line in lines {
                client.line(line).await;
                count_errors(&client.frame().await, &mut expected);
            }
        }
        client.command(&["DEBUG", "ERROR", "MINE is this"]).await;
        count_errors(&client.frame().await, &mut expected);
        // Those who wait are answered by others.
        for (line, code) in [
            ("CLIENT UNBLOCK {id} ERROR", "UNBLOCKED"),
            ("RPUSH waited a", "WRONGTYPE"),
        ] {
            client.ask("SET string x", "+OK").await;
            let mut waiter = Client::connect(server, client.protocol).await;
            waiter.line("CLIENT ID").await;
            let id = waiter.integer().await;
            waiter.line("BLMOVE waited string LEFT LEFT 0").await;
            until_info(client, "blocked_clients", "1").await;
            client
                .ask(&line.replace("{id}", &id.to_string()), ":1")
                .await;
            let before = expected.get(code).copied().unwrap_or_default();
            count_errors(&waiter.frame().await, &mut expected);
            assert_eq!(expected[code], before + 1);
        }
        assert_eq!(expected["EXECABORT"], 2);
        assert_eq!(expected["MINE"], 1);
        assert_eq!(counted(client).await, expected);
    })
    .await;
}

#[tokio::test]
async fn codes_that_clients_make_up_are_counted_apart_up_to_a_number() {
    both(async |_, client| {
        for number in 0..200 {
            let error = format!("MINE{number} x");
            client.command(&["DEBUG", "ERROR", &error]).await;
            client.reads(format!("-{error}\r\n")).await;
        }
        let counts = counted(client).await;
        assert_eq!(counts.len(), 129);
        assert_eq!(counts["MINE127"], 1);
        assert_eq!(counts["ERR"], 72);
    })
    .await;
}
