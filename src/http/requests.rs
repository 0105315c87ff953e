//! Reads a body of commands: `["SET","k","v"]`, or several of them in an array.
//!
//! Layer `http`.
//!
//! The commands are turned into RESP while they are read, so that a body takes a few times its length
//! at most. An argument is a string, a number, or a boolean.

use std::fmt;

use bytes::BytesMut;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use crate::catalog::CATALOG;
use crate::catalog::spec::Flag;
use crate::resp::encode::{put_bulk, put_integer};

/// Commands about the connection, which ends with the request, or that routes stand for.
const REFUSED: &[&str] = &[
    "auth",
    "client|reply",
    "discard",
    "exec",
    "hello",
    "monitor",
    "multi",
    "psubscribe",
    "punsubscribe",
    "quit",
    "reset",
    "ssubscribe",
    "subscribe",
    "sunsubscribe",
    "unsubscribe",
    "unwatch",
    "watch",
];
/// The most bytes of an argument that may be the name of a command or of an option.
const MAX_WORD: usize = 32;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandRequest {
    /// It in RESP.
    pub encoded: BytesMut,
    /// Why it is not carried out.
    pub refusal: Option<String>,
}

/// Reads a body that is one command.
pub(crate) fn read_one(body: &[u8]) -> Result<CommandRequest, String> {
    read(body, OneCommand)
}

/// Reads a body that is an array of commands.
pub(crate) fn read_many(body: &[u8]) -> Result<Vec<CommandRequest>, String> {
    read(body, ManyCommands)
}

fn read<'a, T: DeserializeSeed<'a>>(body: &'a [u8], seed: T) -> Result<T::Value, String> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = seed.deserialize(&mut json);
    let value = value.and_then(|value| json.end().map(|()| value));
    value.map_err(|error| format!("ERR the body can't be read: {error}"))
}

/// `[command, …]`
struct ManyCommands;

impl<'a> DeserializeSeed<'a> for ManyCommands {
    type Value = Vec<CommandRequest>;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for ManyCommands {
    type Value = Vec<CommandRequest>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of commands")
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut json: S) -> Result<Self::Value, S::Error> {
        let mut commands = Vec::new();
        while let Some(command) = json.next_element_seed(OneCommand)? {
            commands.push(command);
        }
        Ok(commands)
    }
}

/// `["GET", "key"]`
struct OneCommand;

impl<'a> DeserializeSeed<'a> for OneCommand {
    type Value = CommandRequest;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for OneCommand {
    type Value = CommandRequest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a command: an array of strings and numbers")
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut json: S) -> Result<Self::Value, S::Error> {
        let mut args = Arguments::default();
        while json.next_element_seed(&mut args)?.is_some() {}
        if args.count == 0 {
            return Err(S::Error::custom("a command has no name"));
        }
        let refusal = args.refusal();
        let mut header = BytesMut::new();
        put_integer(&mut header, b'*', args.count);
        // Before the arguments, which are many bytes or few.
        header.unsplit(args.encoded);
        Ok(CommandRequest {
            encoded: header,
            refusal,
        })
    }
}

/// The arguments so far.
#[derive(Debug, Default)]
struct Arguments {
    encoded: BytesMut,
    count: i64,
    /// The first two, if they are short.
    names: Vec<Vec<u8>>,
    /// The option BLOCK of XREAD and XREADGROUP, if it stands before STREAMS.
    has_block: bool,
    has_streams: bool,
}

impl Arguments {
    fn push(&mut self, arg: &[u8]) {
        put_bulk(&mut self.encoded, arg);
        self.count += 1;
        if self.count <= 2 {
            self.names.push(arg[..arg.len().min(MAX_WORD)].to_vec());
        }
        self.has_streams |= arg.eq_ignore_ascii_case(b"streams");
        self.has_block |= !self.has_streams && arg.eq_ignore_ascii_case(b"block");
    }

    /// Why a request of its own cannot carry it out.
    fn refusal(&self) -> Option<String> {
        let names: Vec<&[u8]> = self.names.iter().map(Vec::as_slice).collect();
        // An unknown one is refused by the session.
        let command = CATALOG.find_request(&names)?;
        let name = command.full_name.as_str();
        if REFUSED.contains(&name) {
            return Some(format!(
                "ERR '{name}' can't be used over HTTP, where each request has a session of its own"
            ));
        }
        let can_omit = matches!(name, "xread" | "xreadgroup");
        let blocks = command.has(Flag::Blocking) && (self.has_block || !can_omit);
        blocks.then(|| format!("ERR '{name}' may block, which it can't over HTTP"))
    }
}

impl<'a> DeserializeSeed<'a> for &mut Arguments {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl Visitor<'_> for &mut Arguments {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number or a boolean")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.push(text.as_bytes());
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        // As JavaScript prints it: 2.0 is 2.
        self.visit_str(&number.to_string())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.visit_str(if value { "true" } else { "false" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_becomes_resp() {
        let body = br#" ["SET", "k\u0000\u00e9", 1, -2, 1.5, 2.0, 1e3, true, ""] "#;
        let read = read_one(body).unwrap();
        let args = [
            "SET",
            "k\0\u{e9}",
            "1",
            "-2",
            "1.5",
            "2",
            "1000",
            "true",
            "",
        ];
        let mut expected = format!("*{}\r\n", args.len());
        for arg in args {
            expected += &format!("${}\r\n{arg}\r\n", arg.len());
        }
        assert_eq!(
            (&read.encoded[..], read.refusal),
            (expected.as_bytes(), None)
        );
        let many = read_many(br#"[["GET","a"],["DEL","b","c"]]"#).unwrap();
        assert_eq!(
            &many[1].encoded[..],
            b"*3\r\n$3\r\nDEL\r\n$1\r\nb\r\n$1\r\nc\r\n"
        );
        assert_eq!(read_many(b"[]").unwrap(), []);
    }

    #[test]
    fn what_is_no_command_is_refused_with_its_place() {
        for body in [
            "",
            "{}",
            "[]",
            "\"GET\"",
            "[[\"GET\"]]",
            "[null]",
            "[{}]",
            "[\"GET\"",
            "[\"GET\"] x",
            "[1e999]",
        ] {
            let error = read_one(body.as_bytes()).unwrap_err();
            assert!(error.starts_with("ERR the body can't be read: "), "{error}");
        }
        assert!(read_many(b"[[]]").is_err() && read_many(b"[\"GET\"]").is_err());
        let deep = "[".repeat(100_000);
        assert!(read_one(deep.as_bytes()).is_err() && read_many(deep.as_bytes()).is_err());
    }

    #[test]
    fn commands_that_need_a_connection_are_refused() {
        let refusal = |body: &str| read_one(body.as_bytes()).unwrap().refusal;
        for name in REFUSED {
            assert!(CATALOG.find_full(name.as_bytes()).is_some(), "{name}");
            let words: Vec<String> = name.split('|').map(str::to_ascii_uppercase).collect();
            let body = serde_json::to_string(&words).unwrap();
            assert!(
                refusal(&body).is_some_and(|text| text.contains(name)),
                "{name}"
            );
        }
        for blocking in [
            r#"["blpop","k",0]"#,
            r#"["XREAD","BLOCK",0,"STREAMS","s","$"]"#,
            r#"["XREADGROUP","GROUP","g","c","block",1,"STREAMS","s",">"]"#,
        ] {
            assert!(
                refusal(blocking).is_some_and(|text| text.contains("block")),
                "{blocking}"
            );
        }
        for fine in [
            r#"["XREAD","STREAMS","BLOCK","0"]"#,
            r#"["CLIENT","LIST"]"#,
            r#"["GET","multi"]"#,
            r#"["NOSUCH"]"#,
            r#"["LPOP","k"]"#,
        ] {
            assert_eq!(refusal(fine), None, "{fine}");
        }
    }
}
