//! Generated scripts: values of all kinds, nested, and commands that answer in all ways or fail.

use super::lens::Lens;
use super::pair::Pair;
use super::script::{Payload, Step, Then};
use super::seeded::{self, Random};

/// Scripts in a session, unless `FANFARE_DIFF_STEPS` asks for more.
const STEPS: u64 = 1500;

const LEAVES: [&str; 26] = [
    "1",
    "0",
    "-3.7",
    "2^53",
    "1e15",
    "0.1",
    "1/3",
    "-1/0",
    "'x'",
    "''",
    "'a\\r\\nb'",
    "'\\0\\255'",
    "'10'",
    "true",
    "false",
    "nil",
    "{}",
    "{ok='fine'}",
    "{ok='two\\r\\nlines'}",
    "{err='MY error'}",
    "{double=1.5}",
    "{double=-3e300}",
    "{big_number='123456789012345678901234567890'}",
    "{verbatim_string={string='text',format='txt'}}",
    "redis.status_reply('OK')",
    "redis.error_reply('word')",
];

/// `V` stands for a value.
const CALLS: [&str; 34] = [
    "'SET','k',V",
    "'SET','n',1",
    "'GET','k'",
    "'GET','none'",
    "'INCR','n'",
    "'INCR','k'",
    "'INCRBYFLOAT','n',0.5",
    "'INCRBY','n',V",
    "'APPEND','k',V",
    "'STRLEN','k'",
    "'LPUSH','l',V",
    "'LRANGE','l',0,-1",
    "'LPOP','l'",
    "'LPOP','l',2",
    "'LINDEX','l',V",
    "'DEL','l'",
    "'HSET','h','f',V",
    "'HGETALL','h'",
    "'HGET','h','f'",
    "'SADD','s','m'",
    "'SMEMBERS','s'",
    "'SISMEMBER','s',V",
    "'ZADD','z',1.5,'m'",
    "'ZADD','z','INCR',0.1,'m'",
    "'ZSCORE','z','m'",
    "'ZRANGE','z',0,-1,'WITHSCORES'",
    "'TYPE','k'",
    "'EXISTS','k','n'",
    "'PING',V",
    "'ECHO',V",
    "'PUBLISH','c','m'",
    "'NOSUCH',V",
    "'GET'",
    "'MULTI'",
];

fn value(random: &mut Random, depth: usize) -> String {
    match random.below(8) {
        0..3 if depth > 0 => {
            let items: Vec<_> = (0..random.below(4))
                .map(|_| value(random, depth - 1))
                .collect();
            format!("{{{}}}", items.join(","))
        }
        3 if depth > 0 => format!("{{map={{key={}}}}}", value(random, depth - 1)),
        4 if depth > 0 => call(random, depth - 1),
        5 => "{set={member=true}}".to_owned(),
        _ => random.pick(&LEAVES).to_owned(),
    }
}

fn call(random: &mut Random, depth: usize) -> String {
    let how = random.pick(&["call", "pcall", "pcall"]);
    let words = random.pick(&CALLS);
    let value = value(random, depth);
    format!("redis.{how}({})", words.replace('V', &value))
}

fn statement(random: &mut Random) -> String {
    match random.below(8) {
        0 => "redis.setresp(3)".to_owned(),
        1 => "redis.setresp(2)".to_owned(),
        2 => format!(
            "local r = {} if type(r) == 'table' then r = #r end",
            call(random, 1)
        ),
        3 => format!(
            "local ok, e = pcall(function() return {} end) out[#out+1] = ok",
            call(random, 1)
        ),
        4 => format!("out[#out+1] = type({})", call(random, 0)),
        5 => format!("out[#out+1] = tostring({}):sub(1, 5)", random.pick(&LEAVES)),
        _ => format!("out[#out+1] = {}", call(random, 1)),
    }
}

#[test]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
fn random_scripts_resp2() {
    seeded::session(2, STEPS, |random, _: &Pair, _| step(random));
}

#[test]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
fn random_scripts_resp3() {
    seeded::session(3, STEPS, |random, _: &Pair, _| step(random));
}

fn step(random: &mut Random) -> Step {
    let mut lines = vec!["local out = {}".to_owned()];
    lines.extend((0..random.below(4)).map(|_| statement(random)));
    let end = random.pick(&["return out", "return out", "error(tostring(#out))"]);
    lines.push(if random.once_in(2) {
        format!("return {}", value(random, 3))
    } else {
        end.to_owned()
    });
    let script = lines.join("\n");
    let mut request = format!("*3\r\n$4\r\nEVAL\r\n${}\r\n", script.len()).into_bytes();
    request.extend_from_slice(script.as_bytes());
    request.extend_from_slice(b"\r\n$1\r\n0\r\n");
    let payload = Payload::Bytes(request);
    seeded::send("a", payload, Then::Barrier, script, Lens::default())
}
