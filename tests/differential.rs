//! Sends the same bytes to redis-server and to fanfare and compares what comes back.
//!
//! `cargo test --test differential -- --include-ignored`; every reply that is allowed to differ is listed in its script,
//! with fanfare's own bytes. `FANFARE_DIFF_OTHER=redis-server` compares Redis with itself, which checks the scripts.

#![cfg(feature = "cli")]

mod differential {
    pub mod blocked;
    pub mod compare;
    pub mod connection;
    pub mod frame;
    pub mod lens;
    pub mod meaning;
    pub mod pair;
    pub mod random;
    pub mod random_acl;
    pub mod random_bits;
    pub mod random_collections;
    pub mod random_libraries;
    pub mod random_lists;
    pub mod random_queue;
    pub mod random_scripts;
    pub mod random_sorted_sets;
    pub mod random_streams;
    pub mod rules;
    pub mod script;
    pub mod seeded;
    pub mod server;
    pub mod splits;
    pub mod stream_view;
    pub mod transaction;
}

use differential::pair::Pair;
use differential::script;
use differential::server::{Server, Setting};

/// A script stops after as many differences; the first ones explain the rest.
const ENOUGH: usize = 25;

/// Runs `tests/differential/NAME.script` under each of its protocols, with two new servers each.
fn run(name: &str) {
    run_against(Server::other, name, &[]);
}

/// As [`run`], with this server under test, whose replies to the commands `lists` may differ.
fn run_against(other: fn(&[Setting]) -> Server, name: &str, lists: &[&str]) {
    let path = format!(
        "{}/tests/differential/{name}.script",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let script = script::parse(name, &text).unwrap_or_else(|error| panic!("{error}"));
    let mut differences = Vec::new();
    for proto in &script.protos {
        let mut pair = Pair::with(other, &script.settings, *proto);
        let found = script.steps.iter().filter_map(|step| pair.take(step).err());
        let is_list = |difference: &String| {
            let step = difference.lines().next().unwrap_or_default();
            lists.iter().any(|list| step.contains(list))
        };
        let found = found.filter(|difference| !is_list(difference));
        differences.extend(
            found
                .take(ENOUGH)
                .map(|difference| format!("RESP{proto} {difference}")),
        );
    }
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// One test a script.
macro_rules! scripts {
    ($($name:ident)*) => {$(
        #[test]
        #[ignore = "needs redis-server on PATH; .ci/run runs it"]
        fn $name() {
            run(stringify!($name));
        }
    )*};
}

scripts! {
    subscribe patterns shards pubsub mode resp2 resp3 reply
    basics hello password client kill
    command config
    protocol limits
    monitor slowlog latency pause replies
    lists blocking strings keys transactions notifications oom
    sorted_sets sorted_sets_many sorted_sets_blocking
    hashes sets
    streams streams_groups streams_blocking streams_many
    tracking tracking_prefixes tracking_redirect
    acl
    bits lcs hyperloglog geo
    scripts functions libraries
}

/// Pub/sub through an edge is as on one server. But the hub lists a name for some seconds after its
/// last subscriber has left the edge.
mod through_an_edge {
    const LISTS: &[&str] = &["PUBSUB CHANNELS", "PUBSUB SHARDCHANNELS", "PUBSUB NUMPAT"];

    macro_rules! scripts {
        ($($name:ident)*) => {$(
            #[test]
            #[ignore = "needs redis-server on PATH; .ci/run runs it"]
            fn $name() {
                super::run_against(super::Server::edge, stringify!($name), LISTS);
            }
        )*};
    }

    scripts! { subscribe patterns shards pubsub mode resp2 resp3 reply }
}

/// A script that no test runs would pass unseen.
#[test]
fn every_script_has_a_test() {
    let listed = include_str!("differential.rs");
    let listed = listed
        .split_once("scripts! {")
        .expect("the list")
        .1
        .split_once('}')
        .expect("its end")
        .0;
    let listed = listed.split_whitespace().collect::<Vec<_>>();
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential");
    for entry in std::fs::read_dir(directory).expect("the scripts") {
        let file = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a plain name");
        if let Some(name) = file.strip_suffix(".script") {
            assert!(listed.contains(&name), "{file} has no test in scripts!");
        }
    }
}
