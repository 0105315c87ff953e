//! Generated calls of the libraries that scripts have: values of Lua to encode, texts and bytes to decode, formats.
//!
//! What a call gives is shown with its types and all digits of its numbers. Tables are shown in the order of `pairs`,
//! which depends on how they were made; or sorted, if a key is a table.

use super::lens::Lens;
use super::script::{Payload, Step, Then, encode_command};
use super::seeded::{Random, send, session};

const PREFIX: &str = "local show
show = function(v)
  local t = type(v)
  if t == 'number' then return string.format('%.17g', v) end
  if t == 'string' then return #v .. ':' .. v end
  if t ~= 'table' then return tostring(v) end
  local r, sort = {}, false
  for k, x in pairs(v) do
    r[#r + 1] = show(k) .. '=' .. show(x)
    sort = sort or type(k) == 'table'
  end
  if sort then table.sort(r) end
  return '{' .. table.concat(r, ',') .. '}'
end
local function all(...)
  local r = {}
  for i = 1, select('#', ...) do r[i] = show((select(i, ...))) end
  return table.concat(r, ' ')
end
local j = cjson.new()
";

const NUMBERS: [&str; 30] = [
    "0",
    "1",
    "2",
    "3",
    "-1",
    "0.5",
    "1.5",
    "2.5",
    "-0.1",
    "0.1",
    "127",
    "-128",
    "-129",
    "255",
    "256",
    "65535",
    "-32769",
    "2^31",
    "-2^31",
    "2^32",
    "2^53",
    "2^63",
    "-2^63",
    "2^64",
    "1e15",
    "123456789012345",
    "1e-7",
    "1e300",
    "1/0",
    "0/0",
];
const STRINGS: [&str; 10] = [
    "''",
    "'a'",
    "'b'",
    "'key'",
    "'12'",
    "'\\0\\1\\31\\127\\255'",
    "'\\\"\\\\/\\b\\f\\n\\r\\t'",
    "'é€𝄞'",
    "('x'):rep(40)",
    "('y'):rep(300)",
];
const OTHERS: [&str; 5] = ["true", "false", "nil", "cjson.null", "tostring"];
const OPTIONS: [&str; 12] = [
    "j.encode_sparse_array(true)",
    "j.encode_sparse_array(true, 1, 2)",
    "j.encode_sparse_array(false, 0)",
    "j.encode_sparse_array(false, 3, 1)",
    "j.encode_number_precision(3)",
    "j.encode_number_precision(1)",
    "j.encode_invalid_numbers(true)",
    "j.encode_invalid_numbers('null')",
    "j.decode_invalid_numbers(false)",
    "j.encode_max_depth(2)",
    "j.decode_max_depth(2)",
    "j.encode_keep_buffer(false)",
];
const TEXTS: [&str; 48] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"a\"",
    "\"b\"",
    "\"\"",
    "\"\\u0041\"",
    "\"\\ud834\\udd1e\"",
    "\"\\ud834\"",
    "\"\\n\\/\\\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "true",
    "false",
    "null",
    "nul",
    "0",
    "-0",
    "1",
    "12",
    "-1.5",
    "1e5",
    "1E+5",
    "1e",
    "1.",
    "-.5",
    ".5",
    "+1",
    "007",
    "0x1F",
    "0x.8p2",
    "0x",
    "1e400",
    "1e-400",
    "4.9e-324",
    "inf",
    "-Infinity",
    "nan",
    "nan(1)",
    "-",
    " ",
    "\n",
    "\0",
    "\x01",
    "0.1000000000000000055511151231257827",
];
/// Options of formats.
const FORMATS: [&str; 34] = [
    "b", "B", "h", "H", "l", "L", "T", "i", "I", "i1", "I3", "i7", "i8", "I8", "i9", "i16", "I32",
    "i33", "f", "d", "s", "c", "c0", "c3", "Bc0", "x", " ", "<", ">", "!", "!2", "!4", "!3", "z",
];
const BITS: [&str; 12] = [
    "tobit", "bnot", "bswap", "band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror",
    "tohex",
];

/// A value as Lua writes it.
fn value(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 8 } else { 14 }) {
        0..=2 => number(random),
        3..=6 => random.pick(&STRINGS).into(),
        7 => random.pick(&OTHERS).into(),
        8..=10 => {
            let length = random.below(6);
            let members = (0..length).map(|_| value(random, depth - 1));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        kind => {
            let length = random.below(6);
            let members = (0..length).map(|_| {
                let key = match kind {
                    11 => (1 + random.below(12)).to_string(),
                    12 => random.pick(&STRINGS[1..8]).into(),
                    _ => key(random),
                };
                format!("[{key}]={}", value(random, depth - 1))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
    }
}

fn number(random: &mut Random) -> String {
    if random.once_in(3) {
        return (random.below(1 << 20) as f64 / 64.0 - 5000.0).to_string();
    }
    random.pick(&NUMBERS).into()
}

/// Anything but what cannot be a key. Strings are short: longer ones have other places in tables of Redis's Lua.
fn key(random: &mut Random) -> String {
    match random.below(8) {
        0..=3 => random.pick(&STRINGS[..8]).into(),
        4 => "true".into(),
        5 => random.pick(&NUMBERS[..29]).into(),
        _ => (random.below(40) as i64 - 4).to_string(),
    }
}

fn values(random: &mut Random, most: usize) -> String {
    let length = random.below(most + 1);
    let values = (0..length).map(|_| value(random, 3));
    values.collect::<Vec<_>>().join(",")
}

/// JSON that is right, apart from a byte of some.
fn json(random: &mut Random) -> Vec<u8> {
    let mut text = match random.below(3) {
        0 => (0..random.below(8))
            .map(|_| random.pick(&TEXTS))
            .collect::<String>(),
        _ => json_value(random, 4),
    }
    .into_bytes();
    if random.once_in(4) {
        spoil(random, &mut text, b"{}[]:,\"\\0e+-.nN xt");
    }
    text
}

fn json_value(random: &mut Random, depth: usize) -> String {
    let members = random.below(5);
    match random.below(if depth == 0 { 4 } else { 10 }) {
        // Those from here on are values.
        0..=2 => random.pick(&TEXTS[15..44]).into(),
        3 => random.pick(&TEXTS[6..13]).into(),
        4..=6 => {
            let members = (0..members).map(|_| json_value(random, depth - 1));
            format!("[{}]", members.collect::<Vec<_>>().join(","))
        }
        _ => {
            let members = (0..members).map(|index| {
                let key = random.below(12) * (index + 1);
                format!("\"k{key}\" : {}", json_value(random, depth - 1))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Changes, removes or adds a byte.
fn spoil(random: &mut Random, bytes: &mut Vec<u8>, with: &[u8]) {
    let at = random.below(bytes.len() + 1);
    let byte = random.pick(with);
    match random.below(3) {
        0 => bytes.insert(at, byte),
        1 => bytes.truncate(at),
        _ => {
            if let Some(old) = bytes.get_mut(at) {
                *old = byte;
            }
        }
    }
}

/// Bytes that MessagePack may have.
fn packed(random: &mut Random, depth: usize) -> Vec<u8> {
    let kind = random.below(if depth == 0 { 5 } else { 8 });
    let mut bytes = Vec::new();
    match kind {
        0 => bytes.push(random.below(256) as u8),
        1 => {
            bytes.push(0xca + random.below(10) as u8);
            bytes.extend((0..8).map(|_| random.below(256) as u8));
        }
        2 => {
            let length = random.below(5) as u8;
            bytes.push(0xa0 + length);
            bytes.extend((0..length).map(|_| random.below(256) as u8));
        }
        3 => bytes.extend(random.pick(&[
            &[0xd9, 2, b'a', b'b'][..],
            &[0xda, 0, 1, b'c'],
            &[0xdb, 0, 0, 0, 0],
        ])),
        4 => bytes.push(random.pick(&[0xc0, 0xc2, 0xc3, 0, 1, 2, 0x7f, 0xe0, 0xff])),
        5 | 6 => {
            let length = random.below(4) as u8;
            match random.below(3) {
                0 => bytes.extend([0xdc, 0, length]),
                1 => bytes.extend([0xdd, 0, 0, 0, length]),
                _ => bytes.push(0x90 + length),
            }
            (0..length).for_each(|_| bytes.extend(packed(random, depth - 1)));
        }
        _ => {
            let length = random.below(4) as u8;
            match random.below(3) {
                0 => bytes.extend([0xde, 0, length]),
                1 => bytes.extend([0xdf, 0, 0, 0, length]),
                _ => bytes.push(0x80 + length),
            }
            (0..2 * length).for_each(|_| bytes.extend(packed(random, depth - 1)));
        }
    }
    bytes
}

fn format(random: &mut Random) -> String {
    (0..random.below(7))
        .map(|_| random.pick(&FORMATS))
        .collect()
}

/// A call, and the argument that it reads.
fn call(random: &mut Random) -> (String, Vec<u8>) {
    let none = Vec::new();
    match random.below(11) {
        0 | 1 => (format!("j.encode,{}", value(random, 4)), none),
        2 | 3 => ("j.decode,ARGV[1]".into(), json(random)),
        4 => (format!("cmsgpack.pack,{}", value(random, 4)), none),
        5 => {
            let bytes = (0..1 + random.below(3)).flat_map(|_| packed(random, 3));
            ("cmsgpack.unpack,ARGV[1]".into(), bytes.collect())
        }
        6 => {
            let mut bytes = packed(random, 3);
            bytes.extend(packed(random, 2));
            spoil(random, &mut bytes, b"\x00\x01\x81\x91\xa1\xc1\xd0\xdf\xff");
            let (limit, offset) = (random.below(4), random.below(5) as i64 - 1);
            let one = format!("cmsgpack.unpack_one,ARGV[1],{offset}");
            let some = format!("cmsgpack.unpack_limit,ARGV[1],{limit},{offset}");
            (if random.once_in(2) { one } else { some }, bytes)
        }
        7 => {
            let (format, values) = (format(random), values(random, 5));
            let comma = if values.is_empty() { "" } else { "," };
            (format!("struct.pack,'{format}'{comma}{values}"), none)
        }
        8 => {
            let length = random.below(40);
            let bytes = (0..length).map(|_| match random.below(3) {
                0 => random.below(4) as u8,
                _ => random.below(256) as u8,
            });
            let bytes = bytes.collect();
            let format = format(random);
            let position = random.below(6) as i64 - 1;
            let position = if random.once_in(3) { position } else { 1 };
            (
                format!("struct.unpack,'{format}',ARGV[1],{position}"),
                bytes,
            )
        }
        9 => (format!("struct.size,'{}'", format(random)), none),
        _ => {
            let (name, first) = (random.pick(&BITS), number(random));
            let second = match random.below(3) {
                0 => String::new(),
                1 => format!(",{}", random.below(80) as i64 - 20),
                _ => format!(",{}", number(random)),
            };
            (format!("bit.{name},{first}{second}"), none)
        }
    }
}

fn step(random: &mut Random) -> Step {
    let (call, arg) = call(random);
    let options = if random.once_in(3) {
        random.pick(&OPTIONS)
    } else {
        ""
    };
    // Errors that are caught have no place and no name, so some are not.
    let (name, rest) = call.split_once(',').expect("a call with arguments");
    let call = match random.once_in(4) {
        true => format!("{name}({rest})"),
        // `pcall` may not return many values where Lua checks what is done with its stack.
        false if name.starts_with("cmsgpack.unpack") => {
            format!("pcall(function() return all({name}({rest})) end)")
        }
        false => format!("pcall({call})"),
    };
    let script = format!("{PREFIX}{options}\nreturn all({call})");
    let words = [
        b"EVAL".to_vec(),
        script.into_bytes(),
        b"0".to_vec(),
        arg.clone(),
    ];
    let source = format!("{options} {call} with {}", arg.escape_ascii());
    send(
        "a",
        Payload::Bytes(encode_command(&words)),
        Then::Barrier,
        source,
        Lens::default(),
    )
}

#[test]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
fn random_libraries() {
    session(2, 6000, |random, _, _| step(random));
}
