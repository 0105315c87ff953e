//! Generated sessions of streams: producers, readers, and consumers of groups that wait, claim and die.
//!
//! The time in an id is the number of the step, so that ids rise, and those of a range or an XACK are mostly there.
//! What Redis 7.2 changed is left out: a consumer is created before it reads or claims; while somebody waits, nothing
//! makes several streams ready at once, or takes a stream or a group away, or trims what was just added. Idle times are
//! zero or so long that no entry has waited as long. The bytes of a block stay as they are: Redis 7.0.15 hangs or
//! crashes if they become fewer. MINID is approximate: if it deletes all that is left of a block whose last entry was
//! deleted before, Redis keeps the block, and later trims count it.

use super::lens::Lens;
use super::pair::Pair;
use super::script::{Payload, Step, Then, encode_command};
use super::seeded::{Random, close, send, session};

/// The first never waits, so that somebody can always add.
const CONNECTIONS: [&str; 5] = ["a", "b", "c", "d", "e"];
/// It looks at everything, and is never in a transaction.
const AUDITOR: &str = "auditor";
/// Everything is compared after as many steps.
const AUDIT: u64 = 40;

pub const KEYS: [&[u8]; 3] = [b"x1", b"x2", b"x\x00\r\n\xff"];
/// Of other types, or none.
const OTHERS: [&[u8]; 2] = [b"string", b"nosuch"];
const GROUPS: [&[u8]; 3] = [b"g", b"h", b"\x00\r\ngroup"];
const CONSUMERS: [&[u8]; 4] = [b"alice", b"bob", b"", b"c\x00\xff"];
const FIELDS: [&[u8]; 6] = [b"f", b"g", b"", b"-17", b"12345678901", b"\x00\r\n"];

/// Commands that may come at any time.
const COMMANDS: [&str; 37] = [
    "XADD x new field value",
    "XADD x new field value",
    "XADD x new field value field value",
    "XADD x new field large",
    "XADD x past field value",
    "XADD x NOMKSTREAM new field value",
    "XLEN x",
    "XRANGE x - +",
    "XRANGE x from to",
    "XRANGE x from + COUNT count",
    "XREVRANGE x to from",
    "XREVRANGE x + - COUNT count",
    "XREAD COUNT count STREAMS x x past past",
    "XREAD STREAMS x $",
    "XACK x group past past past",
    "XACK x group past",
    "XPENDING x group",
    "XPENDING x group - + count",
    "XPENDING x group from to 100 consumer",
    "XPENDING x group IDLE 0 - + count consumer",
    "XPENDING x group IDLE 100000000 - + 10",
    "XGROUP CREATE x group past",
    "XGROUP CREATE x group $ MKSTREAM",
    "XGROUP CREATE x group 0 MKSTREAM ENTRIESREAD count",
    "XGROUP CREATECONSUMER x group consumer",
    "XGROUP DELCONSUMER x group consumer",
    "XINFO STREAM x",
    "XINFO STREAM x FULL COUNT count",
    "XINFO GROUPS x",
    "XINFO CONSUMERS x group",
    "TYPE x",
    "OBJECT ENCODING x",
    "XREAD BLOCK 1 STREAMS x $",
    "XDEL x past",
    "XDEL x past past past past",
    "XTRIM x MAXLEN 200",
    "XTRIM x MAXLEN ~ 30",
];
/// Commands that come among those of other types, in the sessions of queue mode.
pub const MIXED: [&str; 22] = [
    "XADD x stream-id field value",
    "XADD x stream-id field value",
    "XADD x stream-id field value field value",
    "XADD x MAXLEN 3 stream-id field value",
    "XADD k stream-id field value",
    "XLEN x",
    "XLEN k",
    "XRANGE x - +",
    "XREVRANGE x + - COUNT count",
    "XREAD STREAMS x x 0 0",
    "XREAD BLOCK 1 STREAMS x k 0 0",
    "XDEL x 3-1",
    "XTRIM x MAXLEN count",
    "XGROUP CREATE x g 0 MKSTREAM",
    "XGROUP DESTROY x g",
    "XPENDING x g",
    "TYPE x",
    "OBJECT ENCODING x",
    "DEL x",
    "RENAME x x",
    "COPY x k REPLACE",
    "EXPIREAT x seconds",
];
/// Commands that come while nobody waits.
const DISRUPTIVE: [&str; 16] = [
    "XADD x MAXLEN count new field value",
    "XADD x MAXLEN ~ count new field value",
    "XADD x MAXLEN ~ count LIMIT count new field value",
    "XADD x MINID ~ past LIMIT 0 new field value",
    "XTRIM x MAXLEN count",
    "XTRIM x MAXLEN ~ count",
    "XTRIM x MINID ~ past LIMIT count",
    "XSETID x new",
    "XSETID x new ENTRIESADDED 1000",
    "XGROUP SETID x group past",
    "XGROUP SETID x group $ ENTRIESREAD count",
    "XGROUP DESTROY x group",
    "DEL x",
    "RENAME x x",
    "COPY x x REPLACE",
    "EXPIREAT x 99999999999",
];
/// Commands of a consumer. They come after its creation, with the same words.
const CONSUMING: [&str; 13] = [
    "XREADGROUP GROUP group consumer STREAMS x >",
    "XREADGROUP GROUP group consumer COUNT count STREAMS x >",
    "XREADGROUP GROUP group consumer COUNT 1 STREAMS x >",
    "XREADGROUP GROUP group consumer NOACK COUNT 1 STREAMS x >",
    "XREADGROUP GROUP group consumer COUNT count STREAMS x 0",
    "XREADGROUP GROUP group consumer STREAMS x past",
    "XCLAIM x group consumer 0 past past past",
    "XCLAIM x group consumer 0 past JUSTID",
    "XCLAIM x group consumer 0 past FORCE RETRYCOUNT count",
    "XCLAIM x group consumer 0 past past FORCE LASTID past",
    "XCLAIM x group consumer 100000000 past past",
    "XAUTOCLAIM x group consumer 0 from COUNT count",
    "XAUTOCLAIM x group consumer 100000000 - JUSTID",
];
const WAITING: [&str; 4] = [
    "XREAD BLOCK 0 STREAMS x $",
    "XREAD BLOCK 0 COUNT count STREAMS x new",
    "XREADGROUP GROUP group consumer BLOCK 0 STREAMS x >",
    "XREADGROUP GROUP group consumer COUNT count BLOCK 0 STREAMS x >",
];

/// A word for a placeholder of [`MIXED`]; `None`: it is none.
pub fn word(random: &mut Random, place: &str) -> Option<Vec<u8>> {
    Some(match place {
        "x" => random.pick(&KEYS).to_vec(),
        "stream-id" => random
            .pick(&["1-*", "2-*", "3-1", "3-*", "9-*", "x", "0-0"])
            .into(),
        _ => return None,
    })
}

type Command = Vec<Vec<u8>>;

/// The words of one step.
struct Words<'r> {
    random: &'r mut Random,
    index: u64,
    /// The stream, the group and the consumer of several commands.
    same: Option<[Vec<u8>; 3]>,
}

impl Words<'_> {
    fn id(&mut self, back: usize) -> Vec<u8> {
        let ms = self.index.saturating_sub(self.random.below(back) as u64);
        format!("{ms}-{}", self.random.below(4)).into_bytes()
    }

    fn word(&mut self, place: &str) -> Vec<u8> {
        let same = |index: usize| self.same.as_ref().map(|same| same[index].clone());
        match place {
            "x" if let Some(key) = same(0) => key,
            "x" if self.random.once_in(20) => self.random.pick(&OTHERS).to_vec(),
            "x" => self.random.pick(&KEYS).to_vec(),
            "group" if let Some(group) = same(1) => group,
            "group" => self.random.pick(&GROUPS).to_vec(),
            "consumer" if let Some(consumer) = same(2) => consumer,
            "consumer" => self.random.pick(&CONSUMERS).to_vec(),
            "field" | "value" => self.random.pick(&FIELDS).to_vec(),
            "large" => vec![b'v'; self.random.below(3000)],
            "new" if self.random.once_in(3) => format!("{}-*", self.index).into_bytes(),
            "new" => format!("{}-{}", self.index, self.random.below(9)).into_bytes(),
            "past" if self.random.once_in(10) => b"0-0".to_vec(),
            "past" => self.id(60),
            "from" if self.random.once_in(3) => [b"(".to_vec(), self.id(80)].concat(),
            "from" => self.id(80),
            "to" => self.id(40),
            "count" => self.random.below(12).to_string().into_bytes(),
            other => other.into(),
        }
    }

    fn command(&mut self, templates: &[&str]) -> Command {
        let template = self.random.pick(templates);
        template.split(' ').map(|place| self.word(place)).collect()
    }

    /// A command of a consumer, which is created first.
    fn consuming(&mut self, templates: &[&str]) -> Vec<Command> {
        self.same = Some(["x", "group", "consumer"].map(|place| self.word(place)));
        let create = self.command(&["XGROUP CREATECONSUMER x group consumer"]);
        let commands = vec![create, self.command(templates)];
        self.same = None;
        commands
    }

    fn any(&mut self, waits: bool) -> Vec<Command> {
        match self.random.below(10) {
            0..=3 => self.consuming(&CONSUMING),
            4 if !waits => vec![self.command(&DISRUPTIVE)],
            _ => vec![self.command(&COMMANDS)],
        }
    }
}

fn run(proto: u8) {
    // The step of a consumer that waits, after its creation.
    let mut next = None;
    session(proto, 8_000, |random, pair, index| {
        next.take()
            .unwrap_or_else(|| step(random, pair, index, &mut next))
    });
}

fn step(random: &mut Random, pair: &Pair, index: u64, next: &mut Option<Step>) -> Step {
    if index == 1 {
        return write(
            "a",
            &[vec![b"SET".into(), b"string".into(), b"text".into()]],
            Then::Barrier,
        );
    }
    if index.is_multiple_of(AUDIT) {
        return audit();
    }
    let connection = random.pick(&CONNECTIONS);
    let waits = CONNECTIONS.iter().any(|name| pair.is_blocked(name));
    let is_blocked = pair.is_blocked(connection);
    if is_blocked && random.once_in(3) || random.once_in(40) {
        return close(connection);
    }
    let may_wait = connection != CONNECTIONS[0] && !is_blocked;
    let waits_now = may_wait && random.once_in(5);
    let is_transaction = !waits && random.once_in(8);
    let length = if random.once_in(4) {
        1 + random.below(20)
    } else {
        1
    };
    let mut words = Words {
        random,
        index,
        same: None,
    };
    // By itself, since it holds from the next write on.
    if !waits && words.random.once_in(50) {
        let setting = words.command(&["CONFIG SET stream-node-max-entries count"]);
        return write(AUDITOR, &[setting], Then::Barrier);
    }
    if waits_now {
        let commands = words.consuming(&WAITING);
        *next = Some(write(connection, &commands[1..], Then::Blocks));
        return write(CONNECTIONS[0], &commands[..1], Then::Barrier);
    }
    let mut all: Vec<_> = (0..length).flat_map(|_| words.any(waits)).collect();
    if is_transaction {
        all.insert(0, vec![b"MULTI".into()]);
        all.push(vec![b"EXEC".into()]);
    }
    write(
        if is_blocked {
            CONNECTIONS[0]
        } else {
            connection
        },
        &all,
        Then::Barrier,
    )
}

/// Everything that the streams have.
fn audit() -> Step {
    let mut all: Vec<Command> = Vec::new();
    for key in KEYS {
        all.push(vec![b"XRANGE".into(), key.into(), b"-".into(), b"+".into()]);
        let full: [&[u8]; 6] = [b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"];
        all.push(full.map(Vec::from).into());
    }
    write(AUDITOR, &all, Then::Barrier)
}

/// One write. A failure prints its commands with the numbers of their replies.
fn write(connection: &str, commands: &[Command], then: Then) -> Step {
    let mut lens = Lens::default();
    lens.add("streams").expect("a modifier");
    let shown = |words: &Command| {
        let words = words.iter().map(|word| match word.len() {
            0 => String::from("\"\""),
            1..60 => word.escape_ascii().to_string(),
            length => format!("…({length})"),
        });
        words.collect::<Vec<_>>().join(" ")
    };
    let numbered = (1..).zip(commands);
    let source = numbered.map(|(number, words)| format!("\n    {number}: {}", shown(words)));
    let source = source.collect();
    let bytes = commands.iter().flat_map(|words| encode_command(words));
    send(
        connection,
        Payload::Bytes(bytes.collect()),
        then,
        source,
        lens,
    )
}

#[test]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
fn random_streams_resp2() {
    run(2);
}

#[test]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
fn random_streams_resp3() {
    run(3);
}
