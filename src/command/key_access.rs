//! For tests: compares what commands do to keys with the keys that the catalog finds in their
//! arguments. ACL and COMMAND GETKEYS rely on the catalog.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! Requests are generated at random from each command's own syntax, with keys whose names are
//! keywords, and with extra arguments. A user with random permissions for each key runs them. The
//! keyspace records which keys are touched. The values contain a mark of their key, so that a
//! copied value is recognized.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;

use fastrand::Rng;

use super::fixture::Fixture;
use crate::catalog::spec::Flag;
use crate::catalog::spec::arg::{Arg, ArgKind};
use crate::catalog::spec::key::FoundKey;
use crate::catalog::{CATALOG, Command};
use crate::config::Config;
use crate::store::hash_value::Hash;
use crate::store::keys::Keys;
use crate::store::keyspace::Keyspace;
use crate::store::list::List;
use crate::store::set::Set;
use crate::store::sorted_set::SortedSet;
use crate::store::stream::{Group, Limits, Stream, StreamId};
use crate::store::string_value::StringValue;

/// The number of requests for each command.
const REQUESTS: usize = 100;
/// The same for commands whose other arguments say where the keys are.
const REQUESTS_MOVABLE: usize = 2000;
/// The keys that requests name.
const NAMES: &[&str] = &[
    "a", "b", "by", "store", "get", "limit", "left", "count", "db", "ex", "1", "2",
];
/// Commands on keys that have no key arguments. Only permissions for commands restrict them.
const NAMELESS: &[&str] = &[
    "dbsize",
    "flushall",
    "flushdb",
    "keys",
    "memory",
    "object",
    "queue",
    "randomkey",
    "scan",
    "swapdb",
    "wait",
    "xgroup",
    "xinfo",
];

impl Fixture {
    /// Executes a request and returns the reply. A client that would block does not.
    fn run(&mut self, args: &[&[u8]]) -> Vec<u8> {
        self.request(args);
        self.end_batch();
        self.session.next = super::Next::Go;
        self.client.watched_changed.store(false, Relaxed);
        self.server.keyspace.lock().forget(&self.client);
        self.replies.take_all()
    }

    /// Gives the user `u` these permissions, and authenticates the connection as `u`.
    fn let_user(&mut self, rules: &[Vec<u8>]) {
        let mut all = ["reset", "on", "nopass", "+@all"]
            .map(|rule| rule.as_bytes().to_vec())
            .to_vec();
        all.extend_from_slice(rules);
        let changed = self.server.acl.set_user(b"u", &all, false).unwrap();
        if changed.is_none() {
            assert_eq!(self.run(&[b"AUTH", b"u", b"any"]), b"+OK\r\n");
        }
    }

    /// Fills a new keyspace. Key `n` has a value with [`mark_number`]`(n)` in it, or does not
    /// exist.
    fn fill(&self, random: &mut Rng) {
        let config = self.server.config();
        let mut keyspace = self.server.keyspace.lock();
        *keyspace = Keyspace::default();
        keyspace.refresh_clock();
        let mut keys = keyspace.keys(0, &config);
        for (number, name) in NAMES.iter().enumerate() {
            let value = |low: usize| (mark_number(number) * 1_000_000 + 500_000 + low).to_string();
            match random.u8(..4) {
                0 => {}
                1 => {
                    keys.add(name.as_bytes(), StringValue::new(value(0).as_bytes()));
                }
                2 => {
                    keys.add(name.as_bytes(), stream_of((0..3).map(value)));
                }
                _ => {
                    let mut list = List::new();
                    for low in 0..3 {
                        list.push(crate::store::list::End::Tail, value(low).as_bytes());
                    }
                    keys.add(name.as_bytes(), list);
                }
            }
        }
        keyspace.touched = crate::store::touched::Touched::default();
    }

    /// The marks in the value of a key, in all databases that a request may name.
    fn marks_in_key(&self, name: &str) -> BTreeSet<usize> {
        let config = self.server.config();
        let mut keyspace = self.server.keyspace.lock();
        let held = (0..4).map(|db| held(&mut keyspace.keys(db, &config), name.as_bytes()));
        marks_in(&held.collect::<Vec<_>>().join(&b' '))
    }
}

fn held(keys: &mut Keys<'_>, name: &[u8]) -> Vec<u8> {
    let Some(slot) = keys.peek(name) else {
        return Vec::new();
    };
    let parts: Vec<Vec<u8>> = if let Ok(text) = keys.get::<StringValue>(slot) {
        vec![text.with_bytes(<[u8]>::to_vec)]
    } else if let Ok(list) = keys.get::<List>(slot) {
        list.iter().map(<[u8]>::to_vec).collect()
    } else if let Ok(hash) = keys.get::<Hash>(slot) {
        let fields = hash.iter();
        fields
            .map(|(field, value)| [field, b" ", value].concat())
            .collect()
    } else if let Ok(set) = keys.get::<Set>(slot) {
        set.iter().map(|member| member.to_vec()).collect()
    } else if let Ok(set) = keys.get::<SortedSet>(slot) {
        set.iter().map(|(member, _)| member.to_vec()).collect()
    } else {
        let stream = keys.get::<Stream>(slot).expect("the last of the types");
        let entries = stream.log.range(StreamId::MIN, StreamId::MAX);
        let fields = entries.flat_map(|entry| entry.fields());
        fields
            .map(|(field, value)| [&*field, b" ", &*value].concat())
            .collect()
    };
    parts.join(&b' ')
}

/// A stream of these values, with a group that requests name.
fn stream_of(values: impl Iterator<Item = String>) -> Stream {
    let mut stream = Stream::default();
    for (number, value) in (1..).zip(values) {
        let fields = [b"field".as_slice(), value.as_bytes()].into_iter();
        let id = StreamId::new(number, 0);
        stream.log.append(id, fields, Limits::default());
    }
    stream.groups.create(b"a", Group::new(StreamId::MIN, None));
    stream
}

fn mark_number(number: usize) -> usize {
    471_100 + number
}

/// The numbers of the keys whose marks are in a text.
fn marks_in(text: &[u8]) -> BTreeSet<usize> {
    let mark = |part: &[u8]| std::str::from_utf8(part).ok()?.parse().ok();
    let marks = text.windows(6).filter_map(mark);
    let number = |mark: usize| mark.checked_sub(mark_number(0));
    let numbers = marks.filter_map(number);
    numbers.filter(|number| *number < NAMES.len()).collect()
}

/// Generates arguments that follow a syntax, or almost follow it.
struct Generator<'a> {
    random: &'a mut Rng,
    args: Vec<Vec<u8>>,
}

impl Generator<'_> {
    fn one<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among[self.random.usize(..among.len())]
    }

    fn push(&mut self, arg: &str) {
        self.args.push(arg.into());
    }

    /// Generates the arguments of a syntax. Options come in any order, and may be repeated.
    fn arguments(&mut self, args: &[Arg]) {
        let (options, rest): (Vec<&Arg>, Vec<&Arg>) = args
            .iter()
            .partition(|arg| arg.optional && arg.token.is_some());
        for arg in rest {
            if !arg.optional || self.random.bool() {
                self.argument(arg);
            }
        }
        for _ in 0..self.random.usize(..=options.len().min(4)) {
            let option = options[self.random.usize(..options.len())];
            self.argument(option);
        }
    }

    fn argument(&mut self, arg: &Arg) {
        let times = if arg.multiple {
            self.random.usize(1..4)
        } else {
            1
        };
        for time in 0..times {
            if let Some(token) = arg.token
                && (time == 0 || arg.multiple_token)
            {
                self.push(token);
            }
            self.value(arg);
        }
    }

    fn value(&mut self, arg: &Arg) {
        match arg.kind {
            ArgKind::PureToken => {}
            ArgKind::OneOf => {
                let choice = &arg.arguments[self.random.usize(..arg.arguments.len())];
                self.argument(choice);
            }
            ArgKind::Block => self.arguments(arg.arguments),
            ArgKind::Integer | ArgKind::UnixTime | ArgKind::Double => {
                let number = self.one(&["0", "1", "2", "3", "-1", "4294967298", "2x"]);
                self.push(number);
            }
            ArgKind::Key | ArgKind::String | ArgKind::Pattern => {
                let name = self.one(NAMES);
                self.push(name);
            }
        }
    }
}

/// A request of `command`. In some, arguments are added, removed or replaced.
fn request(command: &Command, random: &mut Rng) -> Vec<Vec<u8>> {
    let mut generator = Generator {
        random,
        args: Vec::new(),
    };
    generator.arguments(command.spec.docs.arguments);
    let mut args = generator.args;
    for _ in 0..[0, 0, 0, 1, 2][random.usize(..5)] {
        let place = random.usize(..=args.len());
        let name = NAMES[random.usize(..NAMES.len())].as_bytes().to_vec();
        match random.u8(..3) {
            0 => args.insert(place, name),
            1 if place < args.len() => args[place] = name,
            _ if place < args.len() => {
                args.remove(place);
            }
            _ => {}
        }
    }
    let name = command.full_name.split('|');
    let mut all: Vec<Vec<u8>> = name.map(|part| part.as_bytes().to_vec()).collect();
    all.extend(args);
    all
}

/// Random permissions to read and to write, for each key.
fn permissions(random: &mut Rng) -> Vec<(bool, bool)> {
    let all = random.bool();
    let mut may = || all || random.u8(..4) > 0;
    NAMES.iter().map(|_| (may(), may())).collect()
}

fn rules(permissions: &[(bool, bool)]) -> Vec<Vec<u8>> {
    let rule = |(name, may): (&&str, &(bool, bool))| match may {
        (true, true) => Some(format!("~{name}").into_bytes()),
        (true, false) => Some(format!("%R~{name}").into_bytes()),
        (false, true) => Some(format!("%W~{name}").into_bytes()),
        (false, false) => None,
    };
    NAMES.iter().zip(permissions).filter_map(rule).collect()
}

/// Runs a random request. Asserts that it touches only keys that the catalog finds, and reads and
/// changes only what the catalog's flags and the user's rules allow.
fn run_and_compare(command: &Command, fixture: &mut Fixture, random: &mut Rng) {
    let request = request(command, random);
    let args: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
    let may = permissions(random);
    fixture.let_user(&rules(&may));
    fixture.fill(random);
    let reply = fixture.run(&args);

    let accepted = Some(command.spec).filter(|spec| spec.accepts(args.len()));
    let found: Vec<FoundKey> = accepted
        .map(|spec| spec.keys_touched(&args))
        .unwrap_or_default();
    let shown = String::from_utf8_lossy(&args.join(&b' ')).into_owned();
    let flags_of = |name: &[u8]| -> Option<Vec<&'static str>> {
        let same: Vec<_> = found
            .iter()
            .filter(|key| args[key.position] == name)
            .collect();
        let flags = || same.iter().flat_map(|key| key.flags.iter().copied());
        (!same.is_empty()).then(|| flags().collect())
    };
    let touched = std::mem::take(&mut fixture.server.keyspace.lock().touched);
    // The common part of two values may look like the mark of a third.
    let mixes_values = command.full_name == "lcs";
    let answered = if mixes_values {
        BTreeSet::new()
    } else {
        marks_in(&reply)
    };
    let held: Vec<_> = NAMES
        .iter()
        .map(|name| fixture.marks_in_key(name))
        .collect();
    for name in touched.seen.iter().chain(&touched.changed) {
        let shown_name = String::from_utf8_lossy(name);
        assert!(
            flags_of(name).is_some(),
            "'{shown}' touches '{shown_name}', which the catalog does not find"
        );
    }
    for (number, name) in NAMES.iter().enumerate() {
        let flags = flags_of(name.as_bytes()).unwrap_or_default();
        // PFCOUNT stores the count in the value, and XREADGROUP what it has delivered. As in Redis,
        // ACL does not treat that as a write.
        let is_read = matches!(command.full_name.as_str(), "pfcount" | "xreadgroup");
        if !is_read && touched.changed.contains(name.as_bytes()) {
            let says = ["insert", "delete", "update"].map(|flag| flags.contains(&flag));
            assert!(
                says.contains(&true),
                "'{shown}' changes '{name}' without a flag"
            );
            assert!(
                may[number].1,
                "'{shown}' changes '{name}' against the rules"
            );
        }
        let mut others = held
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != number);
        let leaks = answered.contains(&number) || others.any(|(_, held)| held.contains(&number));
        if leaks {
            assert!(
                flags.contains(&"access"),
                "'{shown}' reads '{name}' without a flag"
            );
            assert!(may[number].0, "'{shown}' reads '{name}' against the rules");
        }
    }
}

#[tokio::test]
async fn commands_touch_only_the_keys_that_the_catalog_finds() {
    let mut fixture = Fixture::new(Config::default());
    let mut random = Rng::with_seed(14);
    let mut nameless = Vec::new();
    for command in CATALOG.commands_and_subcommands() {
        if command.spec.has_keys() {
            let is_movable = command.has(Flag::MovableKeys) || command.spec.finder.is_some();
            let requests = if is_movable {
                REQUESTS_MOVABLE
            } else {
                REQUESTS
            };
            for _ in 0..requests {
                run_and_compare(command, &mut fixture, &mut random);
            }
        } else if command.queue {
            nameless.push(command.full_name.as_str());
        }
    }
    nameless.sort_unstable();
    assert_eq!(nameless, NAMELESS);
}
