//! For tests: runs commands on a keyspace, without a server and a connection.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::table::{Handler, handler};
use crate::catalog::CATALOG;
use crate::config::Config;
use crate::resp::Protocol;
use crate::resp::replies::Replies;
use crate::resp::reply::Reply;
use crate::resp::request::Args;
use crate::resp::writer::{ReplyBuilder, ReplyWriter};
use crate::store::keyspace::Keyspace;

/// A keyspace with its settings and the protocol of the replies.
pub(crate) struct Bench {
    keyspace: Keyspace,
    config: Config,
    protocol: Protocol,
}

impl Bench {
    /// An empty keyspace with default settings, in RESP3.
    pub(crate) fn new() -> Bench {
        let mut keyspace = Keyspace::default();
        keyspace.refresh_clock();
        Bench {
            keyspace,
            config: Config::default(),
            protocol: Protocol::Resp3,
        }
    }

    /// Changes a setting.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.config.apply(name, &[value]).expect("a setting");
    }

    /// Runs a request, whose arguments are separated by blanks. Returns the encoded reply with its
    /// line breaks replaced by blanks.
    pub(crate) fn run(&mut self, request: &str) -> String {
        let mut bytes = Vec::new();
        let mut ranges = Vec::new();
        for arg in request.split(' ') {
            ranges.push(bytes.len()..bytes.len() + arg.len());
            bytes.extend_from_slice(arg.as_bytes());
        }
        let args = Args::new(&bytes, &ranges, &[]);
        let command = CATALOG.resolve(&args).expect("a command");
        let mut keys = self.keyspace.keys(0, &self.config);
        let mut value = ReplyBuilder::with_room(usize::MAX);
        let mut out = ReplyWriter::value(&mut value);
        let result = match handler(command).expect("a handler") {
            Handler::OnKeys(function) => function(&mut keys, &args),
            Handler::Streams(function) => function(&mut keys, &mut out, &args),
            Handler::Full(_) => panic!("'{request}' needs a connection"),
        };
        let mut reply = Replies::default();
        match result {
            Ok(Reply::Sent) => value.finish().encode(&mut reply, self.protocol),
            Ok(answer) => answer.encode(&mut reply, self.protocol),
            Err(error) => Reply::Error(Box::new(error)).encode(&mut reply, self.protocol),
        }
        self.keyspace.assert_sound();
        let text = String::from_utf8_lossy(&reply.take_all()).into_owned();
        text.trim_end().replace("\r\n", " ")
    }

    /// The keyspace.
    pub(crate) fn keyspace(&mut self) -> &mut Keyspace {
        &mut self.keyspace
    }
}

#[test]
fn lists_strings_and_keys_work_without_a_connection() {
    let mut bench = Bench::new();
    assert_eq!(bench.run("RPUSH list a b c"), ":3");
    assert_eq!(bench.run("LMOVE list other LEFT RIGHT"), "$1 a");
    assert_eq!(bench.run("LRANGE list 0 -1"), "*2 $1 b $1 c");
    assert_eq!(bench.run("LPOP other"), "$1 a");
    assert_eq!(bench.run("EXISTS list other"), ":1");
    assert_eq!(bench.run("INCR list").split(' ').next(), Some("-WRONGTYPE"));
    assert_eq!(bench.run("SET n 41"), "+OK");
    assert_eq!(bench.run("INCR n"), ":42");
    assert_eq!(bench.run("OBJECT ENCODING n"), "$3 int");
    assert_eq!(bench.run("EXPIRE n -1"), ":1");
    assert_eq!(bench.run("GET n"), "_");
}

#[test]
fn rename_and_copy_keep_the_encoding() {
    let mut bench = Bench::new();
    bench.set("list-max-listpack-size", "2");
    bench.run("RPUSH short a b");
    bench.run("RPUSH long a b c");
    assert_eq!(bench.run("OBJECT ENCODING short"), "$8 listpack");
    assert_eq!(bench.run("OBJECT ENCODING long"), "$9 quicklist");
    bench.run("RENAME long renamed");
    bench.run("COPY renamed copied");
    for key in ["renamed", "copied"] {
        let encoding = bench.run(&format!("OBJECT ENCODING {key}"));
        assert_eq!(encoding, "$9 quicklist");
    }
    bench.run("LTRIM copied 0 0");
    assert_eq!(bench.run("OBJECT ENCODING copied"), "$8 listpack");
}

#[test]
fn large_values_are_freed_after_the_lock_is_released() {
    let mut bench = Bench::new();
    let elements = vec!["x".repeat(4000); 500].join(" ");
    for removal in [
        "DEL k",
        "SET k v",
        "LTRIM k 0 0",
        "EXPIRE k -1",
        "RENAME small k",
        "COPY small k REPLACE",
    ] {
        bench.run("SET small v");
        bench.run("DEL k");
        bench.run(&format!("RPUSH k {elements}"));
        bench.keyspace().forget_garbage();
        bench.run(removal);
        assert!(bench.keyspace().has_garbage(), "{removal}");
    }
}

#[test]
fn parts_of_large_hashes_and_sets_are_freed_after_the_lock_is_released() {
    let mut bench = Bench::new();
    // So long that each has an allocation of its own.
    let members: Vec<_> = (0..1000).map(|number| format!("m:{number:030}")).collect();
    let pairs = members.join(" v ");
    for removal in [
        "DEL k",
        "SPOP k 300",
        "SPOP k 950",
        "SPOP k 1000",
        "SINTERSTORE k small",
        "SDIFFSTORE k none",
        "HSET other a 1",
    ] {
        let is_hash = removal.starts_with("HSET");
        bench.run("DEL k");
        bench.run("SADD small x y");
        if is_hash {
            bench.run(&format!("HSET k {pairs} v"));
        } else {
            bench.run(&format!("SADD k {}", members.join(" ")));
        }
        bench.keyspace().forget_garbage();
        bench.run(removal);
        if is_hash {
            bench.run("RENAME other k");
        }
        assert!(bench.keyspace().has_garbage(), "{removal}");
    }
}
