//! Which connections a server keeps blocked. A blocked connection can't answer a barrier, so another one asks.
//!
//! Redis blocks a client, and serves it, before it answers the next command of anybody else: what CLIENT LIST says after
//! the acting connection's barrier is final.

use std::net::SocketAddr;

use super::connection::{Connection, End, Observed};
use super::script::encode_command;

/// A connection that only asks.
pub struct Asker(Connection);

impl Asker {
    pub fn open(address: SocketAddr) -> Self {
        Self(Connection::open(address, 2))
    }

    /// Those of the client `ids` that the server has blocked. A client that is gone is none of them.
    pub fn blocked(&mut self, ids: &[&str]) -> Vec<String> {
        let words = ["CLIENT", "LIST", "ID"].iter().chain(ids);
        let words = words.map(|word| word.as_bytes().to_vec());
        self.0.send(&encode_command(&words.collect::<Vec<_>>()));
        let Observed { output, end } = self.0.meet("barrier-blocked");
        assert!(
            matches!(end, End::Barrier(_)),
            "CLIENT LIST is answered: {}",
            output.escape_ascii()
        );
        String::from_utf8_lossy(&output)
            .lines()
            .filter_map(blocked_id)
            .collect()
    }
}

/// The `id=` of a line of CLIENT LIST whose `flags=` have a b.
fn blocked_id(line: &str) -> Option<String> {
    let value = |name: &str| {
        line.split(' ')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    };
    value("flags")
        .filter(|flags| flags.contains('b'))
        .and(value("id"))
        .map(String::from)
}

#[test]
fn a_blocked_client_has_the_flag_b() {
    let blocked = "id=7 addr=127.0.0.1:1 name=b flags=b db=0 cmd=blpop";
    assert_eq!(blocked_id(blocked).as_deref(), Some("7"));
    assert_eq!(blocked_id(&blocked.replace("flags=b", "flags=N")), None);
    assert_eq!(blocked_id("$12"), None);
}
