//! Replies become values of Lua, and values of Lua become replies.
//!
//! Layer `script`.
//!
//! ```text
//!   reply            to Lua, setresp(2)       to Lua, setresp(3)
//!   integer          number                   number
//!   bulk string      string                   string
//!   status           {ok = text}              {ok = text}
//!   error            {err = text}             {err = text}
//!   array            array                    array
//!   null             false                    nil
//!   boolean          1 or 0                   boolean
//!   double           string                   {double = number}
//!   big number       string                   {big_number = digits}
//!   verbatim         string                   {verbatim_string = {string = text, format = "txt"}}
//!   map              array, keys and values   {map = {key = value}}
//!   nested map       array of arrays of two   {map = {key = value}}
//!   set              array                    {set = {member = true}}
//!   pairs            array, both in turn      array of arrays of two
//!
//!   Lua              reply
//!   string           bulk string
//!   number           integer, its fraction cut off
//!   true, false      1 and null after setresp(2), booleans after setresp(3)
//!   {err}, {ok}      error, status
//!   {double}, {map}, {set}, {big_number}, {verbatim_string}: what they say
//!   other table      array of what stands at 1, 2, … before the first nil
//!   anything else    null
//! ```
//!
//! The first column is what the command answers with; which of the others applies is what the script
//! has said to `redis.setresp`. A reply to the client is then encoded in the protocol of its connection.
//!
//! An array is filled member by member, so that few values of Lua have a Rust handle at a time: mlua
//! keeps those on a stack of limited size.

use bytes::Bytes;
use mlua::{IntoLua, Lua, LuaString, Table, Value};

use super::errors;
use super::names::Names;
use crate::resp::Protocol;
use crate::resp::error::CommandError;
use crate::resp::number::format_double;
use crate::resp::reply::Reply;

/// Tables may be nested so deep in a reply. Redis's limit follows from the size of Lua's stack.
const DEEPEST: usize = 200;
/// What stands in place of what is nested deeper.
const TOO_DEEP: &str = "ERR reached lua stack limit";

/// What conversions to Lua need.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToLua<'a> {
    /// The state.
    pub lua: &'a Lua,
    /// The names of fields.
    pub names: &'a Names,
    /// What the script has said to `setresp`.
    pub protocol: Protocol,
}

/// A reply on its way into a table.
struct Member<'a>(ToLua<'a>, Reply);

impl IntoLua for Member<'_> {
    fn into_lua(self, _: &Lua) -> mlua::Result<Value> {
        self.0.value(self.1)
    }
}

impl ToLua<'_> {
    /// A reply as a value of Lua.
    pub(super) fn value(self, reply: Reply) -> mlua::Result<Value> {
        let is_resp3 = self.protocol == Protocol::Resp3;
        Ok(match reply {
            Reply::Integer(number) => Value::Number(number as f64),
            Reply::Bulk(data) => self.string(&data)?,
            Reply::Null | Reply::NullArray | Reply::Sent if is_resp3 => Value::Nil,
            Reply::Null | Reply::NullArray | Reply::Sent => Value::Boolean(false),
            Reply::Status(text) => self.field(&self.names.ok, self.string(&text)?)?,
            Reply::Static(bytes) => self.encoded(bytes)?,
            Reply::Error(error) => Value::Table(self.error(&error.wire_text(), false)?),
            Reply::Boolean(value) if is_resp3 => Value::Boolean(value),
            Reply::Boolean(value) => Value::Number(f64::from(u8::from(value))),
            Reply::Double(number) if is_resp3 => {
                self.field(&self.names.double, Value::Number(number))?
            }
            Reply::Double(number) => self.string(format_double(number).as_bytes())?,
            Reply::Decimal(digits) if is_resp3 => {
                let number = std::str::from_utf8(&digits).ok();
                let number = number.and_then(|digits| digits.parse().ok());
                self.field(
                    &self.names.double,
                    Value::Number(number.unwrap_or(f64::NAN)),
                )?
            }
            Reply::BigNumber(digits) if is_resp3 => {
                self.field(&self.names.big_number, self.string(&digits)?)?
            }
            Reply::Verbatim(text) if is_resp3 => {
                let inner = self.lua.create_table()?;
                inner.raw_set(&self.names.string, self.string(&text)?)?;
                inner.raw_set(&self.names.format, "txt")?;
                self.field(&self.names.verbatim_string, Value::Table(inner))?
            }
            Reply::Decimal(text) | Reply::BigNumber(text) | Reply::Verbatim(text) => {
                self.string(&text)?
            }
            Reply::Array(items) => self.array(items)?,
            Reply::Set(members) if is_resp3 => {
                let set = self.lua.create_table_with_capacity(0, members.len())?;
                for member in members {
                    set.raw_set(Member(self, member), true)?;
                }
                self.field(&self.names.set, Value::Table(set))?
            }
            Reply::Set(members) => self.array(members)?,
            Reply::Map(pairs) | Reply::NestedMap(pairs) if is_resp3 => {
                let map = self.lua.create_table_with_capacity(0, pairs.len())?;
                for (key, value) in pairs {
                    map.raw_set(Member(self, key), Member(self, value))?;
                }
                self.field(&self.names.map, Value::Table(map))?
            }
            Reply::NestedMap(pairs) => self.nested(pairs)?,
            Reply::Pairs(pairs) if is_resp3 => self.nested(pairs)?,
            Reply::Map(pairs) | Reply::Pairs(pairs) => {
                let flat = pairs
                    .into_iter()
                    .flat_map(|(first, second)| [first, second]);
                self.array(flat)?
            }
        })
    }

    /// An array of arrays of two.
    fn nested(self, pairs: Vec<(Reply, Reply)>) -> mlua::Result<Value> {
        let pairs = pairs.into_iter();
        self.array(pairs.map(|(first, second)| Reply::Array(vec![first, second])))
    }

    /// A table that stands for an error which was counted by the command that failed.
    pub(super) fn error(self, text: &[u8], counted: bool) -> mlua::Result<Table> {
        errors::error_table(self.lua, self.names, text, None, counted)
    }

    fn string(self, bytes: &[u8]) -> mlua::Result<Value> {
        Ok(Value::String(self.lua.create_string(bytes)?))
    }

    fn field(self, name: &LuaString, value: Value) -> mlua::Result<Value> {
        let table = self.lua.create_table_with_capacity(0, 1)?;
        table.raw_set(name, value)?;
        Ok(Value::Table(table))
    }

    fn array(self, items: impl IntoIterator<Item = Reply>) -> mlua::Result<Value> {
        let items = items.into_iter().map(|item| Member(self, item));
        Ok(Value::Table(self.lua.create_sequence_from(items)?))
    }

    /// What a command has encoded by itself: a status, or an empty string.
    fn encoded(self, bytes: &[u8]) -> mlua::Result<Value> {
        let text = bytes
            .strip_prefix(b"+")
            .and_then(|rest| rest.strip_suffix(b"\r\n"));
        match text {
            Some(text) => self.field(&self.names.ok, self.string(text)?),
            None => self.string(b""),
        }
    }
}

/// A value of Lua as a reply. `protocol`: what the script has said to `setresp`.
pub(super) fn reply(names: &Names, protocol: Protocol, value: &Value) -> mlua::Result<Reply> {
    nested(names, protocol, value, DEEPEST)
}

fn nested(names: &Names, protocol: Protocol, value: &Value, depth: usize) -> mlua::Result<Reply> {
    if depth == 0 {
        return Ok(error(TOO_DEEP.into()));
    }
    Ok(match value {
        Value::String(text) => Reply::Bulk(copied(text)),
        Value::Integer(number) => Reply::Integer(*number),
        Value::Number(number) => Reply::Integer(truncated(*number)),
        Value::Boolean(value) if protocol == Protocol::Resp3 => Reply::Boolean(*value),
        Value::Boolean(true) => Reply::Integer(1),
        Value::Table(table) => table_reply(names, protocol, table, depth - 1)?,
        _ => Reply::Null,
    })
}

fn table_reply(
    names: &Names,
    protocol: Protocol,
    table: &Table,
    depth: usize,
) -> mlua::Result<Reply> {
    if let Value::String(text) = table.raw_get(&names.err)? {
        return Ok(error(text.as_bytes().to_vec()));
    }
    if let Value::String(text) = table.raw_get(&names.ok)? {
        return Ok(Reply::Status(copied(&text)));
    }
    match table.raw_get(&names.double)? {
        Value::Number(number) => return Ok(Reply::Double(number)),
        Value::Integer(number) => return Ok(Reply::Double(number as f64)),
        _ => {}
    }
    if let Value::Table(map) = table.raw_get(&names.map)? {
        let mut pairs = Vec::new();
        map.for_each(|key: Value, value: Value| {
            pairs.push((
                nested(names, protocol, &key, depth)?,
                nested(names, protocol, &value, depth)?,
            ));
            Ok(())
        })?;
        return Ok(Reply::Map(pairs));
    }
    if let Value::Table(set) = table.raw_get(&names.set)? {
        let mut members = Vec::new();
        set.for_each(|member: Value, _: Value| {
            members.push(nested(names, protocol, &member, depth)?);
            Ok(())
        })?;
        return Ok(Reply::Set(members));
    }
    if let Value::String(digits) = table.raw_get(&names.big_number)? {
        return Ok(Reply::BigNumber(copied(&digits)));
    }
    if let Value::Table(inner) = table.raw_get(&names.verbatim_string)?
        && let Value::String(text) = inner.raw_get(&names.string)?
        && let Value::String(_) = inner.raw_get(&names.format)?
    {
        return Ok(Reply::Verbatim(copied(&text)));
    }
    let mut items = Vec::new();
    for index in 1_i64.. {
        let item: Value = table.raw_get(index)?;
        if item.is_nil() {
            break;
        }
        items.push(nested(names, protocol, &item, depth)?);
    }
    Ok(Reply::Array(items))
}

/// An error that a script answers with.
pub(super) fn error(text: Vec<u8>) -> Reply {
    Reply::Error(Box::new(CommandError::Quoting {
        before: "",
        quoted: text,
        after: "".into(),
    }))
}

fn copied(text: &LuaString) -> Bytes {
    Bytes::copy_from_slice(&text.as_bytes())
}

/// As the processor does it in Redis: what no 64-bit integer can hold becomes the smallest.
pub(super) fn truncated(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) {
        number as i64
    } else {
        i64::MIN
    }
}
