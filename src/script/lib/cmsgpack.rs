//! `cmsgpack`: values as MessagePack.
//!
//! Layer `script`. Numbers without a fraction are packed as the shortest integer, others as a float if it
//! has the same value, or else as a double. A table is an array if its keys are 1, 2, … without a gap, or
//! else a map. A table in the 16th table of a nest, and what MessagePack has nothing for, is nil.
//! Binaries and extensions are not known.

use mlua::{Lua, LuaString, MultiValue, Table, Value};
use rmp::Marker;
use rmp::encode;

use super::{Arguments, Ignored, Made, Output, SLOTS, add, number};
use crate::script::convert::truncated;
use crate::script::errors;
use crate::script::memory::MemoryLimit;

/// Tables in tables that are packed.
const DEEPEST: usize = 16;
/// Values that are packed in one call.
const MOST_VALUES: usize = 4000;
/// Bytes of a value's marker and length, or of a number.
const LONGEST_HEAD: usize = 9;

/// Makes the library.
pub(super) fn register(lua: &Lua, memory: &MemoryLimit) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    for (name, text) in [
        ("_NAME", "cmsgpack"),
        ("_VERSION", "lua-cmsgpack 0.4.0"),
        ("_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo"),
        ("_DESCRIPTION", "MessagePack C implementation for Lua"),
    ] {
        library.raw_set(name, text)?;
    }
    let own = memory.clone();
    add(lua, &library, memory, "pack", move |args| pack(args, &own))?;
    let own = memory.clone();
    add(lua, &library, memory, "unpack", move |args| {
        unpack(args, &own, args.len(), 0, 0)
    })?;
    let own = memory.clone();
    add(lua, &library, memory, "unpack_one", move |args| {
        let offset = args.integer_or(2, 0)?;
        unpack(args, &own, 1, 1, offset)
    })?;
    let own = memory.clone();
    add(lua, &library, memory, "unpack_limit", move |args| {
        let limit = args.integer(2)?;
        let offset = args.integer_or(3, 0)?;
        unpack(args, &own, 1, limit, offset)
    })?;
    Ok(library)
}

fn pack(args: &Arguments<'_>, memory: &MemoryLimit) -> mlua::Result<LuaString> {
    match args.len() {
        0 => return Err(args.error(0, "MessagePack pack needs input.")),
        1..=MOST_VALUES => {}
        _ => return Err(args.error(0, "Too many arguments for MessagePack pack.")),
    }
    let mut out = Output::new(args.lua, memory, Vec::new());
    for value in args.iter() {
        pack_value(&mut out, value, 0)?;
    }
    args.lua.create_string(out.into_bytes())
}

/// Packs a value that is in so many tables.
fn pack_value(out: &mut Output<'_>, value: &Value, depth: usize) -> mlua::Result<()> {
    let head = out.with_room(LONGEST_HEAD)?;
    // A vector takes whatever is written.
    match value {
        Value::String(text) => {
            let text = text.as_bytes();
            let _ = encode::write_str_len(head, text.len() as u32);
            out.push(&text)?;
        }
        Value::Boolean(value) => {
            let _ = encode::write_bool(head, *value);
        }
        Value::Integer(value) => {
            let _ = encode::write_sint(head, *value);
        }
        Value::Number(value) => pack_number(head, *value),
        Value::Table(table) if depth < DEEPEST => return pack_table(out, table, depth + 1),
        _ => {
            let _ = encode::write_nil(head);
        }
    }
    Ok(())
}

fn pack_number(out: &mut Vec<u8>, number: f64) {
    let whole = truncated(number);
    let short = number as f32;
    let _ = if whole as f64 == number {
        encode::write_sint(out, whole).map(|_| ())
    } else if f64::from(short) == number {
        encode::write_f32(out, short)
    } else {
        encode::write_f64(out, number)
    };
}

fn pack_table(out: &mut Output<'_>, table: &Table, depth: usize) -> mlua::Result<()> {
    let (mut count, mut highest, mut is_array) = (0_u32, 0.0_f64, true);
    table.for_each(|key: Value, _: Ignored| {
        count += 1;
        match number(&key) {
            Some(key) if key > 0.0 && f64::from(key as i32) == key => {
                highest = highest.max(key);
            }
            _ => is_array = false,
        }
        Ok(())
    })?;
    let head = out.with_room(LONGEST_HEAD)?;
    if is_array && f64::from(count) == highest {
        let _ = encode::write_array_len(head, count);
        for index in 1..=count {
            pack_value(out, &table.raw_get(index)?, depth)?;
        }
        return Ok(());
    }
    let _ = encode::write_map_len(head, count);
    table.for_each(|key: Value, value: Value| {
        pack_value(out, &key, depth)?;
        pack_value(out, &value, depth)
    })
}

/// Unpacks at most `limit` values, and says before them where the next one begins; -1: nowhere. With neither
/// a limit nor an offset it unpacks all and does not say. `slots`: what the stack holds by then.
fn unpack(
    args: &Arguments<'_>,
    memory: &MemoryLimit,
    slots: usize,
    limit: i64,
    offset: i64,
) -> mlua::Result<MultiValue> {
    let text = args.string(1)?;
    let text = text.as_bytes();
    let length = text.len();
    // As in Redis, of the offset only 32 bits are told, and for the limit it is the length.
    let told = offset as i32;
    let (Ok(limit), Ok(offset)) = (usize::try_from(limit), usize::try_from(offset)) else {
        return Err(args.failed(format!(
            "Invalid request to unpack with offset of {told} and limit of {length}."
        )));
    };
    let Some(rest) = text.get(offset..) else {
        return Err(args.failed(format!(
            "Start offset {told} greater than input length {length}."
        )));
    };
    let takes_all = limit == 0 && offset == 0;
    let limit = if takes_all { usize::MAX } else { limit };
    let mut input = Input {
        args,
        made: Made::new(args.lua, memory),
        rest,
    };
    let mut values = Vec::new();
    while !input.rest.is_empty() && values.len() < limit {
        values.push(input.value(slots + values.len())?);
    }
    if !takes_all {
        let next = match input.rest.len() {
            0 => -1,
            left => (length - left) as i64,
        };
        values.insert(0, Value::Integer(next));
    }
    Ok(MultiValue::from_vec(values))
}

/// Bytes that are unpacked.
struct Input<'a> {
    args: &'a Arguments<'a>,
    made: Made<'a>,
    rest: &'a [u8],
}

/// What comes first in a value.
enum Head {
    /// All of it.
    Value(Value),
    Array(u32),
    Map(u32),
}

/// A table whose members are not all read.
struct Open {
    table: Table,
    members: Members,
}

enum Members {
    /// The index of the next member, and of the last.
    Array(u32, u32),
    /// How many are left, and the key of the next, if it is read.
    Map(u32, Option<Value>),
}

impl Open {
    /// The slots that it takes while its next value is read.
    fn slots(&self) -> usize {
        match self.members {
            Members::Map(_, None) => 1,
            _ => 2,
        }
    }

    fn is_complete(&self) -> bool {
        match self.members {
            Members::Array(next, last) => next > last,
            Members::Map(left, _) => left == 0,
        }
    }

    /// Takes the next value.
    fn take(&mut self, value: Value) -> mlua::Result<()> {
        match &mut self.members {
            Members::Array(next, _) => {
                self.table.raw_set(*next, value)?;
                *next += 1;
            }
            Members::Map(left, key) => match key.take() {
                None => *key = Some(value),
                Some(Value::Nil) => return Err(errors::bare("table index is nil")),
                Some(Value::Number(number)) if number.is_nan() => {
                    return Err(errors::bare("table index is NaN"));
                }
                Some(key) => {
                    self.table.raw_set(key, value)?;
                    *left -= 1;
                }
            },
        }
        Ok(())
    }
}

impl Input<'_> {
    /// The next value, with all that is in it. `slots`: what the stack holds by then.
    fn value(&mut self, slots: usize) -> mlua::Result<Value> {
        let mut open: Vec<Open> = Vec::new();
        // What is below the innermost table.
        let mut below = slots;
        loop {
            let slots = below + open.last().map_or(0, Open::slots);
            if slots + 1 > SLOTS {
                return Err(self.args.failed(
                    "stack overflow (too many return values at once; use unpack_one or \
                     unpack_limit instead.)",
                ));
            }
            let members = match self.head()? {
                Head::Value(value) => {
                    match open.last_mut() {
                        None => return Ok(value),
                        Some(table) => table.take(value)?,
                    }
                    None
                }
                Head::Array(_) if slots + 2 > SLOTS => {
                    let text = "stack overflow (in function mp_decode_to_lua_array)";
                    return Err(self.args.failed(text));
                }
                // The index of one more is no u32.
                Head::Array(u32::MAX) => return Err(self.ended()),
                Head::Array(last) => Some(Members::Array(1, last)),
                Head::Map(left) => Some(Members::Map(left, None)),
            };
            if let Some(members) = members {
                self.made.count(0)?;
                let table = self.args.lua.create_table()?;
                below = slots;
                open.push(Open { table, members });
            }
            while let Some(complete) = open.pop_if(|table| table.is_complete()) {
                let value = Value::Table(complete.table);
                match open.last_mut() {
                    None => return Ok(value),
                    Some(table) => {
                        below -= table.slots();
                        table.take(value)?;
                    }
                }
            }
        }
    }

    fn head(&mut self) -> mlua::Result<Head> {
        let [marker] = self.bytes()?;
        let number = match Marker::from_u8(marker) {
            Marker::Null => return Ok(Head::Value(Value::Nil)),
            Marker::False => return Ok(Head::Value(Value::Boolean(false))),
            Marker::True => return Ok(Head::Value(Value::Boolean(true))),
            Marker::FixStr(length) => return self.string(length.into()),
            Marker::Str8 => {
                return self
                    .bytes()
                    .map(u8::from_be_bytes)
                    .and_then(|length| self.string(length.into()));
            }
            Marker::Str16 => {
                return self
                    .bytes()
                    .map(u16::from_be_bytes)
                    .and_then(|length| self.string(length.into()));
            }
            Marker::Str32 => {
                return self
                    .bytes()
                    .map(u32::from_be_bytes)
                    .and_then(|length| self.string(length as usize));
            }
            Marker::FixArray(length) => return Ok(Head::Array(length.into())),
            Marker::Array16 => return Ok(Head::Array(u16::from_be_bytes(self.bytes()?).into())),
            Marker::Array32 => return Ok(Head::Array(u32::from_be_bytes(self.bytes()?))),
            Marker::FixMap(length) => return Ok(Head::Map(length.into())),
            Marker::Map16 => return Ok(Head::Map(u16::from_be_bytes(self.bytes()?).into())),
            Marker::Map32 => return Ok(Head::Map(u32::from_be_bytes(self.bytes()?))),
            Marker::FixPos(number) => number.into(),
            Marker::FixNeg(number) => number.into(),
            Marker::U8 => u8::from_be_bytes(self.bytes()?).into(),
            Marker::U16 => u16::from_be_bytes(self.bytes()?).into(),
            Marker::U32 => u32::from_be_bytes(self.bytes()?).into(),
            Marker::I8 => i8::from_be_bytes(self.bytes()?).into(),
            Marker::I16 => i16::from_be_bytes(self.bytes()?).into(),
            Marker::I32 => i32::from_be_bytes(self.bytes()?).into(),
            // As in Redis, one without a sign has one if it is large.
            Marker::U64 | Marker::I64 => i64::from_be_bytes(self.bytes()?) as f64,
            Marker::F32 => f32::from_be_bytes(self.bytes()?).into(),
            Marker::F64 => f64::from_be_bytes(self.bytes()?),
            _ => return Err(self.args.failed("Bad data format in input.")),
        };
        self.made.count(0)?;
        Ok(Head::Value(Value::Number(number)))
    }

    /// A string of so many bytes.
    fn string(&mut self, length: usize) -> mlua::Result<Head> {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.ended());
        };
        self.rest = rest;
        self.made.count(length)?;
        Ok(Head::Value(Value::String(
            self.args.lua.create_string(bytes)?,
        )))
    }

    fn bytes<const COUNT: usize>(&mut self) -> mlua::Result<[u8; COUNT]> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(self.ended());
        };
        self.rest = rest;
        Ok(*bytes)
    }

    fn ended(&self) -> mlua::Error {
        self.args.failed("Missing bytes in input.")
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
