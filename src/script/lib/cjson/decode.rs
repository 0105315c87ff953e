//! JSON becomes values.
//!
//! Layer `script`. The text is read as the library of Redis reads it, which knows more than JSON:
//! hexadecimal numbers, infinities, control characters in strings. A NUL ends it.

use mlua::{Table, Value};

use super::super::{Arguments, Made, SLOTS};
use super::Options;
use super::number::{is_invalid_number, parse_number};
use crate::resp::hex::unhex;
use crate::script::memory::MemoryLimit;

/// Decodes the first argument.
pub(super) fn decode(
    args: &Arguments<'_>,
    options: &Options,
    memory: &MemoryLimit,
) -> mlua::Result<Value> {
    let text = args.string(1)?;
    let text = text.as_bytes();
    if text.get(..2).is_some_and(|begin| begin.contains(&0)) {
        return Err(args.failed("JSON parser does not support UTF-16 or UTF-32"));
    }
    let mut decoder = Decoder {
        args,
        options,
        made: Made::new(args.lua, memory),
        text: &text,
        at: 0,
        open: Vec::new(),
        slots: args.len(),
    };
    let value = decoder.document()?;
    match decoder.token()? {
        (Token::End, _) => Ok(value),
        found => Err(decoder.unexpected("the end", found)),
    }
}

enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    String(Value),
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    /// None, and why.
    Error(&'static str),
}

impl Token {
    /// What errors call it.
    fn name(&self) -> &'static str {
        match self {
            Token::ObjectBegin => "T_OBJ_BEGIN",
            Token::ObjectEnd => "T_OBJ_END",
            Token::ArrayBegin => "T_ARR_BEGIN",
            Token::ArrayEnd => "T_ARR_END",
            Token::String(_) => "T_STRING",
            Token::Number(_) => "T_NUMBER",
            Token::Boolean(_) => "T_BOOLEAN",
            Token::Null => "T_NULL",
            Token::Colon => "T_COLON",
            Token::Comma => "T_COMMA",
            Token::End => "T_END",
            Token::Error(why) => why,
        }
    }
}

/// A token, and where it begins; an error: where it is.
type Found = (Token, usize);

/// A table whose end has not been read.
struct Open {
    table: Table,
    /// The key of the next value, or the index.
    key: Key,
}

enum Key {
    Index(usize),
    Name(Value),
}

struct Decoder<'a> {
    args: &'a Arguments<'a>,
    options: &'a Options,
    made: Made<'a>,
    text: &'a [u8],
    at: usize,
    /// The tables that the next value is in.
    open: Vec<Open>,
    /// What Redis's function would have on its stack.
    slots: usize,
}

impl<'a> Decoder<'a> {
    /// A value with all that is in it.
    fn document(&mut self) -> mlua::Result<Value> {
        let mut found = self.token()?;
        loop {
            let mut value = match found {
                (Token::String(text), _) => text,
                (Token::Number(number), _) => Value::Number(number),
                (Token::Boolean(value), _) => Value::Boolean(value),
                (Token::Null, _) => Value::NULL,
                (Token::ArrayBegin, _) => {
                    let table = self.descend(2)?;
                    found = self.token()?;
                    if let (Token::ArrayEnd, _) = found {
                        Value::Table(table)
                    } else {
                        let key = Key::Index(1);
                        self.push(Open { table, key });
                        continue;
                    }
                }
                (Token::ObjectBegin, _) => {
                    let table = self.descend(3)?;
                    found = self.token()?;
                    if let (Token::ObjectEnd, _) = found {
                        Value::Table(table)
                    } else {
                        let key = Key::Name(self.name(found)?);
                        self.push(Open { table, key });
                        found = self.token()?;
                        continue;
                    }
                }
                found => return Err(self.unexpected("value", found)),
            };
            // Ends every table that ends after it.
            loop {
                let Some(mut open) = self.open.pop() else {
                    return Ok(value);
                };
                let after = self.put(&mut open, value)?;
                if let Some(next) = after {
                    self.open.push(open);
                    found = next;
                    break;
                }
                self.slots -= open.slots();
                value = Value::Table(open.table);
            }
        }
    }

    /// Puts a value into its table. Returns what the next value begins with; `None`: the table has ended.
    fn put(&mut self, open: &mut Open, value: Value) -> mlua::Result<Option<Found>> {
        let Open { table, key } = open;
        match key {
            Key::Index(index) => {
                table.raw_set(*index, value)?;
                *index += 1;
                match self.token()? {
                    (Token::ArrayEnd, _) => return Ok(None),
                    (Token::Comma, _) => {}
                    found => return Err(self.unexpected("comma or array end", found)),
                }
            }
            Key::Name(name) => {
                table.raw_set(&*name, value)?;
                match self.token()? {
                    (Token::ObjectEnd, _) => return Ok(None),
                    (Token::Comma, _) => {}
                    found => return Err(self.unexpected("comma or object end", found)),
                }
                let found = self.token()?;
                *name = self.name(found)?;
            }
        }
        self.token().map(Some)
    }

    fn push(&mut self, open: Open) {
        self.slots += open.slots();
        self.open.push(open);
    }

    /// A table, one deeper. `needed`: slots that Redis's function asks for.
    fn descend(&mut self, needed: usize) -> mlua::Result<Table> {
        let depth = self.open.len() + 1;
        if depth > self.options.decode_max_depth as usize || self.slots + needed > SLOTS {
            return Err(self.args.failed(format!(
                "Found too many nested data structures ({depth}) at character {}",
                self.at
            )));
        }
        self.made.count(0)?;
        self.args.lua.create_table()
    }

    /// The key that a member of an object begins with, and the colon after it.
    fn name(&mut self, found: Found) -> mlua::Result<Value> {
        let (Token::String(name), _) = found else {
            return Err(self.unexpected("object key string", found));
        };
        match self.token()? {
            (Token::Colon, _) => Ok(name),
            found => Err(self.unexpected("colon", found)),
        }
    }

    /// The next token.
    fn token(&mut self) -> mlua::Result<Found> {
        let blanks = self.rest().iter();
        self.at += blanks
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
            .count();
        let begin = self.at;
        let rest = self.rest();
        let (token, length) = match rest.first() {
            None | Some(0) => (Token::End, 0),
            Some(b'{') => (Token::ObjectBegin, 1),
            Some(b'}') => (Token::ObjectEnd, 1),
            Some(b'[') => (Token::ArrayBegin, 1),
            Some(b']') => (Token::ArrayEnd, 1),
            Some(b':') => (Token::Colon, 1),
            Some(b',') => (Token::Comma, 1),
            Some(b'"') => return self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') if rest.starts_with(b"true") => (Token::Boolean(true), 4),
            Some(b'f') if rest.starts_with(b"false") => (Token::Boolean(false), 5),
            Some(b'n') if rest.starts_with(b"null") => (Token::Null, 4),
            Some(b'+' | b'i' | b'I' | b'n' | b'N')
                if self.options.decode_invalid_numbers && is_invalid_number(rest) =>
            {
                self.number()
            }
            Some(_) => (Token::Error("invalid token"), 0),
        };
        if let Token::Number(_) = token {
            self.made.count(0)?;
        }
        self.at += length;
        Ok((token, begin))
    }

    /// A number, and its length.
    fn number(&self) -> (Token, usize) {
        let rest = self.rest();
        if !self.options.decode_invalid_numbers && is_invalid_number(rest) {
            return (Token::Error("invalid number"), 0);
        }
        match parse_number(rest) {
            Some((number, length)) => (Token::Number(number), length),
            None => (Token::Error("invalid number"), 0),
        }
    }

    /// A string, from its quote on.
    fn string(&mut self) -> mlua::Result<Found> {
        let begin = self.at;
        self.at += 1;
        // What has been read, if it is not what stands there.
        let mut unescaped: Option<Vec<u8>> = None;
        loop {
            let rest = self.rest();
            let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0);
            let plain = rest.iter().position(special).unwrap_or(rest.len());
            match rest.get(plain) {
                Some(b'"') => {
                    let bytes = match &mut unescaped {
                        None => &rest[..plain],
                        Some(bytes) => {
                            bytes.extend_from_slice(&rest[..plain]);
                            bytes
                        }
                    };
                    self.made.count(bytes.len())?;
                    let text = Value::String(self.args.lua.create_string(bytes)?);
                    self.at += plain + 1;
                    return Ok((Token::String(text), begin));
                }
                Some(b'\\') => {
                    self.at += plain;
                    let bytes = unescaped.get_or_insert_default();
                    bytes.extend_from_slice(&rest[..plain]);
                    match read_escape(&rest[plain..], bytes) {
                        Ok(length) => self.at += length,
                        Err(why) => return Ok((Token::Error(why), self.at)),
                    }
                }
                _ => {
                    self.at += plain;
                    return Ok((Token::Error("unexpected end of string"), self.at));
                }
            }
        }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    fn unexpected(&self, expected: &str, (found, at): Found) -> mlua::Error {
        let (found, at) = (found.name(), at + 1);
        self.args.failed(format!(
            "Expected {expected} but found {found} at character {at}"
        ))
    }
}

impl Open {
    /// The slots that it takes with a key.
    fn slots(&self) -> usize {
        match self.key {
            Key::Index(_) => 1,
            Key::Name(_) => 2,
        }
    }
}

/// Reads an escape, which begins with a backslash. Returns its length.
fn read_escape(text: &[u8], out: &mut Vec<u8>) -> Result<usize, &'static str> {
    let byte = match text.get(1) {
        Some(&byte @ (b'"' | b'\\' | b'/')) => byte,
        Some(b'b') => 8,
        Some(b't') => b'\t',
        Some(b'n') => b'\n',
        Some(b'f') => 12,
        Some(b'r') => b'\r',
        Some(b'u') => {
            let (letter, length) = read_unicode(text).ok_or("invalid unicode escape code")?;
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(length);
        }
        _ => return Err("invalid escape code"),
    };
    out.push(byte);
    Ok(2)
}

/// Reads `\uXXXX`, or two of them that make one letter. Returns the letter, and the length.
fn read_unicode(text: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| -> Option<u16> {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        unhex(digits).map(u16::from_be_bytes)
    };
    let first = unit(0)?;
    if let Some(letter) = char::from_u32(first.into()) {
        return Some((letter, 6));
    }
    let letter = char::decode_utf16([first, unit(6)?]).next()?.ok()?;
    Some((letter, 12))
}
