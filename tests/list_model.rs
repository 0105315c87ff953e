//! Lists against a plain model: random histories of every command that touches a list, sent in one
//! write, must give the replies that the model gives, byte for byte, and leave no memory behind.
//!
//! `PROPTEST_CASES` says how many histories there are. That the model is right is the real
//! redis-server's word, which `the_model_is_redis` asks; it is ignored, as it needs one.

mod list_model {
    pub mod model;
}
#[path = "differential/server.rs"]
#[allow(dead_code)]
mod server;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use list_model::model::{Model, Words};

/// What ends a history's replies, and is no element.
const END: &[u8] = b"$13\r\nthe end of it\r\n";
/// Names of keys; any may hold a list or a text.
const KEYS: [&str; 4] = ["a", "b", "c", "other:key"];

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![6 => Just("a"), 3 => Just("b"), 1 => Just("c"), 1 => Just("other:key")]
        .prop_map(Vec::from)
}

/// Few small ones, so that they are found again, numbers, which may be kept as such, and some that
/// fill a part of a list by themselves.
fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (0..4_u8).prop_map(|letter| vec![b'w' + letter]),
        2 => any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        2 => (-300..300_i64).prop_map(|number| number.to_string().into_bytes()),
        2 => vec(any::<u8>(), 0..80),
        1 => (any::<u8>(), 100..12_000_usize).prop_map(|(byte, length)| vec![byte; length]),
    ]
}

fn index() -> impl Strategy<Value = i64> {
    prop_oneof![
        10 => -8..8_i64,
        3 => -300..300_i64,
        1 => Just(i64::MAX),
        1 => Just(i64::MIN + 1),
    ]
}

fn count() -> impl Strategy<Value = i64> {
    prop_oneof![6 => 0..5_i64, 2 => 5..200_i64, 1 => Just(i64::MAX)]
}

fn side() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("LEFT"), Just("right")]
}

/// A command of a name and parts that are words already.
fn words<const N: usize>(name: &str, parts: [Vec<Vec<u8>>; N]) -> Words {
    let name = vec![name.as_bytes().to_vec()];
    [name, parts.concat()].concat()
}

fn text(word: impl ToString) -> Vec<Vec<u8>> {
    vec![word.to_string().into_bytes()]
}

/// How many to pop of several lists, if it is said.
fn counted() -> impl Strategy<Value = Vec<Vec<u8>>> {
    proptest::option::of(count()).prop_map(|count| match count {
        // At least one.
        Some(count) => [text("COUNT"), text(count.max(1))].concat(),
        None => Vec::new(),
    })
}

fn positions() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let rank = index().prop_map(|rank| if rank == 0 { 1 } else { rank });
    let option = |name: &'static str, number: BoxedStrategy<i64>| {
        let said = number.prop_map(move |number| [text(name), text(number)].concat());
        proptest::option::of(said).prop_map(Option::unwrap_or_default)
    };
    (
        option("RANK", rank.boxed()),
        option("COUNT", count().boxed()),
        option("maxlen", count().boxed()),
    )
        .prop_map(|(rank, count, most)| [rank, count, most].concat())
}

fn push() -> impl Strategy<Value = Words> {
    let names = prop_oneof![4 => Just("LPUSH"), 4 => Just("RPUSH"), 1 => Just("LPUSHX"), 1 => Just("RPUSHX")];
    let elements = prop_oneof![6 => vec(element(), 1..6), 1 => vec(element(), 60..200)];
    (names, key(), elements).prop_map(|(name, key, elements)| words(name, [vec![key], elements]))
}

fn pop() -> impl Strategy<Value = Words> {
    let names = prop_oneof![Just("LPOP"), Just("RPOP")];
    let count = prop_oneof![2 => Just(None), 2 => count().prop_map(Some), 1 => Just(Some(-1))];
    (names, key(), count).prop_map(|(name, key, count)| {
        let count = count.map_or_else(Vec::new, text);
        words(name, [vec![key], count])
    })
}

/// The forms that wait, with the shortest time to wait if there is nothing.
fn wait() -> impl Strategy<Value = Words> {
    let time = || text("0.001");
    let names = prop_oneof![Just("BLPOP"), Just("BRPOP")];
    prop_oneof![
        (names, vec(key(), 1..4)).prop_map(move |(name, keys)| words(name, [keys, time()])),
        (key(), key(), side(), side()).prop_map(move |(from, to, take, put)| {
            words("BLMOVE", [vec![from, to], text(take), text(put), time()])
        }),
        (key(), key()).prop_map(move |(from, to)| words("BRPOPLPUSH", [vec![from, to], time()])),
        (vec(key(), 1..4), side(), counted()).prop_map(move |(keys, side, count)| {
            words(
                "BLMPOP",
                [time(), text(keys.len()), keys, text(side), count],
            )
        }),
    ]
}

fn look() -> impl Strategy<Value = Words> {
    prop_oneof![
        key().prop_map(|key| words("LLEN", [vec![key]])),
        (key(), index(), index())
            .prop_map(|(key, from, to)| words("LRANGE", [vec![key], text(from), text(to)])),
        (key(), index()).prop_map(|(key, index)| words("LINDEX", [vec![key], text(index)])),
        (key(), element(), positions())
            .prop_map(|(key, element, options)| words("LPOS", [vec![key, element], options])),
        key().prop_map(|key| words("GET", [vec![key]])),
    ]
}

fn change() -> impl Strategy<Value = Words> {
    let place = prop_oneof![Just("BEFORE"), Just("after")];
    prop_oneof![
        (key(), index(), element())
            .prop_map(|(key, index, new)| words("LSET", [vec![key], text(index), vec![new]])),
        (key(), place, element(), element()).prop_map(|(key, place, pivot, new)| {
            words("LINSERT", [vec![key], text(place), vec![pivot, new]])
        }),
        (key(), index(), element())
            .prop_map(|(key, count, gone)| words("LREM", [vec![key], text(count), vec![gone]])),
        (key(), index(), index())
            .prop_map(|(key, from, to)| words("LTRIM", [vec![key], text(from), text(to)])),
    ]
}

fn shift() -> impl Strategy<Value = Words> {
    prop_oneof![
        (key(), key(), side(), side()).prop_map(|(from, to, take, put)| {
            words("LMOVE", [vec![from, to], text(take), text(put)])
        }),
        (key(), key()).prop_map(|(from, to)| words("RPOPLPUSH", [vec![from, to]])),
        (vec(key(), 1..4), side(), counted()).prop_map(|(keys, side, count)| {
            words("LMPOP", [text(keys.len()), keys, text(side), count])
        }),
    ]
}

fn whole_key() -> impl Strategy<Value = Words> {
    let replace = prop_oneof![Just(Vec::new()), Just(text("REPLACE"))];
    prop_oneof![
        2 => vec(key(), 1..3).prop_map(|keys| words("DEL", [keys])),
        1 => vec(key(), 1..3).prop_map(|keys| words("EXISTS", [keys])),
        2 => (key(), key()).prop_map(|(from, to)| words("RENAME", [vec![from, to]])),
        2 => (key(), key(), replace)
            .prop_map(|(from, to, replace)| words("COPY", [vec![from, to], replace])),
        1 => (key(), element()).prop_map(|(key, value)| words("SET", [vec![key, value]])),
    ]
}

fn command() -> impl Strategy<Value = Words> {
    prop_oneof![
        10 => push(),
        4 => pop(),
        1 => wait(),
        6 => look(),
        7 => change(),
        3 => shift(),
        2 => whole_key(),
    ]
}

fn history() -> impl Strategy<Value = Vec<Words>> {
    vec(command(), 1..60)
}

fn request(words: &[Vec<u8>]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        request.extend(format!("${}\r\n", word.len()).into_bytes());
        request.extend_from_slice(word);
        request.extend_from_slice(b"\r\n");
    }
    request
}

/// Bytes for people, the beginning of many.
fn shown(bytes: &[u8]) -> String {
    let begin = &bytes[..bytes.len().min(200)];
    format!("{} bytes \"{}\"", bytes.len(), begin.escape_ascii())
}

/// A connection whose keys are its own.
struct Peer(TcpStream);

impl Peer {
    fn connect(address: SocketAddr) -> Peer {
        let stream = TcpStream::connect(address).expect("a connection");
        let patience = Duration::from_secs(120);
        stream.set_read_timeout(Some(patience)).expect("it can");
        Peer(stream)
    }

    /// Sends requests and reads all of their replies.
    fn ask(&mut self, mut requests: Vec<u8>) -> Vec<u8> {
        requests.extend(b"*2\r\n$4\r\nPING\r\n$13\r\nthe end of it\r\n");
        let mut writer = self.0.try_clone().expect("a second handle");
        let writing = std::thread::spawn(move || writer.write_all(&requests));
        let mut replies = Vec::new();
        let mut buffer = vec![0; 256 * 1024];
        while !replies.ends_with(END) {
            let read = self.0.read(&mut buffer).expect("a reply");
            assert!(read > 0, "the end after {} bytes", replies.len());
            replies.extend_from_slice(&buffer[..read]);
        }
        writing.join().expect("no panic").expect("it is written");
        replies.truncate(replies.len() - END.len());
        replies
    }

    /// Carries out a history in empty databases, looks at all that it has left, and deletes it.
    fn follow(&mut self, history: &[Words]) -> Result<(), TestCaseError> {
        let whole = |key: &str| words("LRANGE", [text(key), text(0), text(-1)]);
        let typed = |key: &str| words("TYPE", [text(key)]);
        let gone = words("DEL", [KEYS.map(Vec::from).to_vec()]);
        let mut commands = history.to_vec();
        commands.extend(KEYS.iter().flat_map(|key| [typed(key), whole(key)]));
        commands.push(gone);
        let requests = commands.iter().flat_map(|words| request(words)).collect();
        let replies = self.ask(requests);
        let mut model = Model::default();
        let mut rest = &replies[..];
        for words in &commands {
            let expected = model.run(words);
            let Some(after) = rest.strip_prefix(&expected[..]) else {
                let words: Vec<String> = words.iter().map(|word| shown(word)).collect();
                return Err(TestCaseError::fail(format!(
                    "{}\n expected {}\n      got {}",
                    words.join(" "),
                    shown(&expected),
                    shown(rest)
                )));
            };
            rest = after;
        }
        prop_assert!(rest.is_empty(), "more: {}", rest.escape_ascii());
        Ok(())
    }

    /// Bytes that keys take.
    fn dataset(&mut self) -> String {
        let info = self.ask(request(&words("INFO", [text("memory")])));
        let info = String::from_utf8(info).expect("text");
        let line = info
            .lines()
            .find(|line| line.starts_with("used_memory_dataset:"));
        line.expect("the field").to_owned()
    }
}

fn check(test: impl Fn(Vec<Words>) -> Result<(), TestCaseError>) {
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    let checked = TestRunner::new(config).run(&history(), test);
    if let Err(error) = checked {
        panic!("{error}");
    }
}

#[test]
fn lists_are_the_models() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = runtime.block_on(fanfare::Server::builder().start());
    let server = server.expect("the server starts");
    let address = server.addr().expect("an address");
    let empty = Peer::connect(address).dataset();
    check(|history| {
        let mut peer = Peer::connect(address);
        peer.follow(&history)?;
        prop_assert_eq!(peer.dataset(), &empty[..], "memory is left behind");
        Ok(())
    });
    runtime.block_on(server.stop());
}

#[test]
#[ignore = "needs redis-server"]
fn the_model_is_redis() {
    let redis = server::Server::redis(&[]);
    check(|history| Peer::connect(redis.address).follow(&history));
}
