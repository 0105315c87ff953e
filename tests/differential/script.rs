//! The script format: its steps, its words, and the parser.
//!
//! ```text
//! # A comment, on a line of its own.
//! @proto 2 3                     the protocols to run under (both, unless said); 3: connections begin with HELLO 3
//! @server requirepass=sesame     settings of both servers
//! a: SUBSCRIBE news              a command on connection a, which is opened when it is first named
//! b: PUBLISH news "x\r\n\x00"    words are quoted as in redis-cli
//! b! PING\r\nPING\r\n            bytes, with escapes
//! b: PUBLISH news ${x*65536}     repeated text; ${a.id} ${a.addr} ${a.laddr}: connection a as its server knows it
//! a.open  a.close                connect; close our half and read until the server has closed too
//! a.barrier KIND                 ping, unknown (before AUTH), unsubscribe (under CLIENT REPLY OFF), nothing
//! [nobarrier] a! *1\r\n$4         half a command: its output belongs to a later step
//! [eof] a! *1\r\n$x              read until the server closes, send no barrier
//! [blocks] a: BLPOP k 0          a command that blocks; a's output belongs to the step that unblocks it
//! [ids version] a: HELLO         compare through views, see [`Lens`](super::lens::Lens)
//! [same=flags,sub] a: CLIENT LIST
//! a: PUBLISH self x
//! => ":1\r\n" reason             an allowed difference: fanfare's own bytes for the step above, and why;
//!                                =>2 or =>3 under that protocol only
//! ```
//!
//! After each step a barrier command is sent on each open connection, the acting one first, and everything up to its
//! reply is compared, the reply too. A connection that one server closes is closed on both; naming it opens a new one.
//! Between MULTI and EXEC the barrier is one that isn't queued. A blocked connection gets none; after each step, both servers must have the same ones blocked.

use super::connection::Barrier;
use super::lens::Lens;
use super::server::Setting;

/// A parsed script file.
pub struct Script {
    pub protos: Vec<u8>,
    pub settings: Vec<Setting>,
    pub steps: Vec<Step>,
}

/// One line of a script, or one step of a generated session.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it stands, `file:line`.
    pub place: String,
    pub source: String,
    pub connection: String,
    pub action: Action,
    pub lens: Lens,
    /// fanfare's own reply, where it differs from Redis on purpose.
    pub differences: Vec<Difference>,
}

#[derive(Clone, Debug)]
pub enum Action {
    Send { payload: Payload, then: Then },
    Open,
    Close,
    SetBarrier(Barrier),
}

/// How long a step reads from the connection that it sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Up to the barrier.
    Barrier,
    /// `[nobarrier]`: not now. The connection can't answer yet.
    Nothing,
    /// `[eof]`: until the server closes, without sending anything more.
    Eof,
    /// `[blocks]`: not now, if the server blocks the connection; up to the barrier, if it answers.
    Blocks,
}

#[derive(Clone, Debug)]
pub enum Payload {
    /// Words of one command, quoted as in redis-cli, with `${…}` not yet replaced.
    Words(String),
    /// Bytes with escapes, with `${…}` not yet replaced.
    Raw(String),
    Bytes(Vec<u8>),
}

/// An allowed difference.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The only protocol that it holds for.
    pub proto: Option<u8>,
    pub expected: Vec<u8>,
    pub reason: String,
}

/// Parses the script `text`; `name` is its file's name.
pub fn parse(name: &str, text: &str) -> Result<Script, String> {
    let mut script = Script {
        protos: vec![2, 3],
        settings: Vec::new(),
        steps: Vec::new(),
    };
    for (index, line) in text.lines().enumerate() {
        let place = format!("{name}:{}", index + 1);
        let line = line.trim();
        let parsed = match line.as_bytes().first() {
            None | Some(b'#') => Ok(()),
            Some(b'@') => directive(&mut script, &line[1..]),
            Some(b'=') => difference(&mut script, line),
            Some(_) => step(&place, line).map(|step| script.steps.push(step)),
        };
        parsed.map_err(|error| format!("{place}: {error}: {line}"))?;
    }
    Ok(script)
}

fn directive(script: &mut Script, line: &str) -> Result<(), String> {
    let mut words = line.split_whitespace();
    match words.next() {
        Some("proto") => {
            script.protos = words
                .map(|word| word.parse().map_err(|_| "no protocol"))
                .collect::<Result<_, _>>()?;
        }
        Some("server") => {
            for word in words {
                let (name, value) = word.split_once('=').ok_or("a setting is name=value")?;
                script.settings.push((name.to_string(), value.to_string()));
            }
        }
        _ => return Err("unknown directive".into()),
    }
    Ok(())
}

/// `=> "fanfare's reply" reason`, below the step that it is about; `=>2` or `=>3` for one protocol.
fn difference(script: &mut Script, line: &str) -> Result<(), String> {
    let (arrow, quoted) = line
        .split_once(" \"")
        .ok_or("an allowed difference is => \"reply\" reason")?;
    let proto = match arrow {
        "=>" => None,
        "=>2" => Some(2),
        "=>3" => Some(3),
        _ => return Err("an allowed difference begins with =>, =>2 or =>3".into()),
    };
    let (reply, reason) = quoted.rsplit_once('"').ok_or("an unclosed quote")?;
    if reason.trim().is_empty() {
        return Err("an allowed difference needs its reason".into());
    }
    let step = script.steps.last_mut().ok_or("no step above")?;
    step.differences.push(Difference {
        proto,
        expected: unescape(reply)?,
        reason: reason.trim().to_string(),
    });
    Ok(())
}

fn step(place: &str, line: &str) -> Result<Step, String> {
    let mut lens = Lens::default();
    let mut then = Then::Barrier;
    let mut rest = line;
    if let Some(bracketed) = line.strip_prefix('[') {
        let (words, after) = bracketed.split_once(']').ok_or("an unclosed bracket")?;
        for word in words.split_whitespace() {
            match word {
                "nobarrier" => then = Then::Nothing,
                "eof" => then = Then::Eof,
                "blocks" => then = Then::Blocks,
                _ => lens.add(word)?,
            }
        }
        rest = after.trim_start();
    }
    let end = rest
        .find([':', '!', '.'])
        .ok_or("a step is name: words, name! bytes or name.verb")?;
    let (connection, body) = (&rest[..end], rest[end + 1..].trim());
    if connection.is_empty() || !connection.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("a connection's name is letters and digits".into());
    }
    let action = match rest.as_bytes()[end] {
        b':' => {
            split_words(body)?;
            Action::Send {
                payload: Payload::Words(body.to_string()),
                then,
            }
        }
        b'!' => {
            unescape(body)?;
            Action::Send {
                payload: Payload::Raw(body.to_string()),
                then,
            }
        }
        _ => verb(body)?,
    };
    let (place, source, connection) = (place.to_string(), line.to_string(), connection.to_string());
    Ok(Step {
        place,
        source,
        connection,
        action,
        lens,
        differences: Vec::new(),
    })
}

fn verb(body: &str) -> Result<Action, String> {
    Ok(match body {
        "open" => Action::Open,
        "close" => Action::Close,
        "barrier ping" => Action::SetBarrier(Barrier::Ping),
        "barrier unknown" => Action::SetBarrier(Barrier::Unknown),
        "barrier unsubscribe" => Action::SetBarrier(Barrier::Unsubscribe),
        "barrier nothing" => Action::SetBarrier(Barrier::Nothing),
        _ => return Err("unknown verb".into()),
    })
}

/// One command as an array of bulk strings.
pub fn encode_command(words: &[Vec<u8>]) -> Vec<u8> {
    let mut wire = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        wire.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        wire.extend_from_slice(word);
        wire.extend_from_slice(b"\r\n");
    }
    wire
}

/// Splits a line as redis-cli does: words, "escaped words" and 'plain words'.
pub fn split_words(line: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => closing_quote(rest).ok_or("an unclosed quote")? + 1,
            '\'' => rest[1..].find('\'').ok_or("an unclosed quote")? + 2,
            _ => rest.find(char::is_whitespace).unwrap_or(rest.len()),
        };
        let word = &rest[..end];
        rest = &rest[end..];
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            return Err("a quoted word must end at a space".into());
        }
        rest = rest.trim_start();
        words.push(match first {
            '"' => unescape(&word[1..end - 1])?,
            '\'' => word.as_bytes()[1..end - 1].to_vec(),
            _ => word.as_bytes().to_vec(),
        });
    }
    Ok(words)
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return Some(at),
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    None
}

/// Replaces `\r \n \t \\ \" \xHH`.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'\\' {
            bytes.push(first);
            continue;
        }
        let (&escape, after) = rest.split_first().ok_or("a backslash at the end")?;
        rest = after;
        bytes.push(match escape {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'\\' | b'"' => escape,
            b'x' => {
                let digits = rest
                    .get(..2)
                    .and_then(|digits| std::str::from_utf8(digits).ok());
                rest = rest.get(2..).unwrap_or_default();
                digits
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                    .ok_or("\\x needs two digits")?
            }
            _ => return Err(format!("unknown escape \\{}", char::from(escape))),
        });
    }
    Ok(bytes)
}

/// Replaces each `${…}` of `text` by what `value` makes of the part between the braces.
pub fn substitute(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (variable, after) = after.split_once('}').ok_or("an unclosed ${")?;
        out.push_str(before);
        out.push_str(&value(variable).ok_or_else(|| format!("no value for ${{{variable}}}"))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[test]
fn words_are_quoted_as_in_redis_cli() {
    let words = split_words(r#"a "b\x00\"c" 'd e' """#).expect("words");
    assert_eq!(
        words,
        [
            b"a".to_vec(),
            b"b\0\"c".to_vec(),
            b"d e".to_vec(),
            Vec::new()
        ]
    );
    assert!(split_words("\"a").is_err() && split_words("\"a\"b").is_err());
}

#[test]
fn a_difference_without_a_reason_is_refused() {
    assert!(parse("x", "a: PING\n=> \"+PONG\\r\\n\"").is_err());
    let script = parse("x", "a: PING\n=> \"+PONG\\r\\n\" because").expect("a script");
    assert_eq!(script.steps[0].differences[0].expected, b"+PONG\r\n");
}

#[test]
fn what_is_no_step_is_refused() {
    for line in [
        "PING",
        "a.nap",
        "[nosuch] a: PING",
        "@nosuch",
        "a: \"x",
        "=> \"x\" no step above",
    ] {
        assert!(parse("x", line).is_err(), "{line}");
    }
}
