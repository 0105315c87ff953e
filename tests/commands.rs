//! Every command, over the wire: exact bytes, in RESP2 and in RESP3, errors included.
//!
//! Expected replies are written once, as RESP3 has them; a RESP2 connection must be sent what
//! `common::wire::in_protocol` makes of them. The files follow those of `src/command/table`.

mod common;

/// Declares the test of each command: `"client|kill" => kill,`. Every function runs under both
/// protocols, each time with a server of its own.
macro_rules! commands {
    ($($command:literal => $test:ident,)+) => {
        /// The commands that are tested in this file.
        pub const COVERED: &[&str] = &[$($command),+];
        $(
            mod $test {
                #[tokio::test]
                async fn in_both_protocols() {
                    crate::common::both(super::$test).await;
                }
            }
        )+
    };
}

mod commands {
    pub mod acl;
    pub mod bitmap;
    pub mod blocking;
    pub mod client;
    pub mod command;
    pub mod config;
    pub mod connection;
    pub mod counters;
    mod error_codes;
    pub mod expiry;
    #[cfg(feature = "scripts")]
    pub mod function;
    pub mod geo;
    pub mod hash;
    pub mod hyperloglog;
    pub mod keys;
    pub mod lcs;
    pub mod list;
    pub mod object;
    pub mod operators;
    pub mod pubsub;
    pub mod queue;
    pub mod scan;
    #[cfg(feature = "scripts")]
    pub mod script;
    pub mod server;
    pub mod set;
    pub mod sort;
    pub mod sorted_set;
    pub mod sorted_sets;
    pub mod standalone;
    pub mod stream;
    pub mod string;
    pub mod tracking;
    pub mod transaction;
}

use commands::{
    acl, blocking, client, command, config, connection, counters, expiry, keys, list, object,
    operators, pubsub, queue, scan, server, sort, sorted_set, sorted_sets, standalone, string,
    tracking, transaction,
};
use commands::{bitmap, geo, hyperloglog, lcs};
use commands::{hash, set, stream};

/// A command without a test above fails here.
#[tokio::test]
async fn every_command_has_a_test() {
    let mut covered = [
        acl::COVERED,
        bitmap::COVERED,
        blocking::COVERED,
        client::COVERED,
        command::COVERED,
        config::COVERED,
        connection::COVERED,
        counters::COVERED,
        expiry::COVERED,
        #[cfg(feature = "scripts")]
        commands::function::COVERED,
        geo::COVERED,
        hash::COVERED,
        hyperloglog::COVERED,
        keys::COVERED,
        lcs::COVERED,
        list::COVERED,
        standalone::COVERED,
        object::COVERED,
        operators::COVERED,
        pubsub::COVERED,
        queue::COVERED,
        scan::COVERED,
        #[cfg(feature = "scripts")]
        commands::script::COVERED,
        server::COVERED,
        set::COVERED,
        sort::COVERED,
        sorted_set::COVERED,
        sorted_set::range::COVERED,
        sorted_sets::COVERED,
        stream::COVERED,
        stream::groups::COVERED,
        string::COVERED,
        tracking::COVERED,
        transaction::COVERED,
    ]
    .concat();
    covered.sort_unstable();
    common::both(async |_, client| {
        client.line("COMMAND LIST").await;
        let mut listed = client.push().await;
        listed.sort_unstable();
        assert_eq!(listed, covered);
    })
    .await;
}

#[test]
fn replies_of_every_kind_are_downgraded() {
    assert_eq!(
        common::wire::downgrade(
            b"%1\r\n+k\r\n~2\r\n_\r\n:1\r\n>1\r\n=6\r\ntxt:\r\n\r\n,1.5\r\n-E _\r\n$2\r\n_\r\r\n"
        ),
        b"*2\r\n+k\r\n*2\r\n$-1\r\n:1\r\n*1\r\n$2\r\n\r\n\r\n$3\r\n1.5\r\n-E _\r\n$2\r\n_\r\r\n"
    );
}
