//! Values become JSON.
//!
//! Layer `script`. Tables that are open are on a stack of this file's ([`Open`]): Lua allows 200 calls
//! from functions in functions, and a nest may be deeper.

use mlua::{Function, Table, Value};

use super::super::{Arguments, Ignored, Output, SLOTS, number};
use super::{Invalid, Options};
use crate::resp::number::format_significant;
use crate::script::errors::{self, type_name};

/// Slots of the stack that Redis's function needs for a table.
const NEEDED: usize = 3;

/// Encodes a value. `next` is Lua's function of this name.
pub(super) fn encode(
    args: &Arguments<'_>,
    value: &Value,
    next: &Function,
    options: &Options,
    out: &mut Output<'_>,
) -> mlua::Result<()> {
    let encoder = Encoder {
        next,
        options,
        out,
        open: Vec::new(),
        slots: args.len(),
    };
    let encoded = encoder.encode(value);
    // Not earlier: Lua's stack has more on it while a table is gone through.
    encoded.map_err(|error| errors::with_position(args.lua, error))
}

struct Encoder<'a, 'b> {
    next: &'a Function,
    options: &'a Options,
    out: &'a mut Output<'b>,
    /// The tables that the next value is in.
    open: Vec<Open>,
    /// What Redis's function would have on its stack.
    slots: usize,
}

/// A table whose members are not all written.
struct Open {
    table: Table,
    members: Members,
}

enum Members {
    Array {
        /// The last index that is written; 0: none.
        at: i32,
        last: i32,
    },
    Object {
        /// The last key that is written; nil: none.
        at: Value,
    },
}

impl Open {
    /// The slots that a member takes.
    fn slots(&self) -> usize {
        match self.members {
            Members::Array { .. } => 1,
            Members::Object { .. } => 2,
        }
    }
}

impl Encoder<'_, '_> {
    fn encode(mut self, value: &Value) -> mlua::Result<()> {
        self.value(value)?;
        while let Some(mut open) = self.open.pop() {
            if let Some(member) = self.next_member(&mut open)? {
                // What a member opens comes on top of its table.
                self.open.push(open);
                self.value(&member)?;
            } else {
                self.slots -= open.slots();
            }
        }
        Ok(())
    }

    /// Goes to the next member of a table: writes what stands before it, or the end.
    fn next_member(&mut self, open: &mut Open) -> mlua::Result<Option<Value>> {
        match &mut open.members {
            Members::Array { at, last } if at == last => self.out.push(b"]")?,
            Members::Array { at, .. } => {
                if *at > 0 {
                    self.out.push(b",")?;
                }
                *at += 1;
                return open.table.raw_get(*at).map(Some);
            }
            Members::Object { at } => {
                let is_first = at.is_nil();
                let (key, value): (Value, Value) = self.next.call((&open.table, &*at))?;
                if key.is_nil() {
                    self.out.push(b"}")?;
                    return Ok(None);
                }
                self.key(&key, is_first)?;
                *at = key;
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Writes a value. A table that is not written in one go is opened only.
    fn value(&mut self, value: &Value) -> mlua::Result<()> {
        match value {
            Value::String(text) => self.string(&text.as_bytes()),
            Value::Integer(_) | Value::Number(_) => self.number(value),
            Value::Boolean(true) => self.out.push(b"true"),
            Value::Boolean(false) => self.out.push(b"false"),
            Value::Nil => self.out.push(b"null"),
            value if value.is_null() => self.out.push(b"null"),
            Value::Table(table) => self.table(table),
            value => Err(refused(value, "type not supported")),
        }
    }

    fn table(&mut self, table: &Table) -> mlua::Result<()> {
        let depth = self.open.len() + 1;
        if depth > self.options.encode_max_depth as usize || self.slots + NEEDED > SLOTS {
            let text = format!("Cannot serialise, excessive nesting ({depth})");
            return Err(errors::bare(text));
        }
        if self.flat(table) {
            return Ok(());
        }
        let members = match self.array(table)? {
            Some(last) => {
                self.out.push(b"[")?;
                Members::Array { at: 0, last }
            }
            None => {
                self.out.push(b"{")?;
                Members::Object { at: Value::Nil }
            }
        };
        let table = table.clone();
        let open = Open { table, members };
        self.slots += open.slots();
        self.open.push(open);
        Ok(())
    }

    /// Writes a table in one go, as most can be: an object whose keys are strings, or an array without a
    /// gap, with no table in it. `false`: nothing is written, as it is another one, or an error has to be
    /// told in the order of the long way.
    fn flat(&mut self, table: &Table) -> bool {
        let begin = self.out.len();
        let (mut count, mut is_array) = (0_i32, false);
        let written = table.for_each(|key: Value, value: Value| {
            match &key {
                _ if value.is_table() => return Err(other_way()),
                Value::Integer(index)
                    if (is_array || count == 0) && *index == i64::from(count) + 1 =>
                {
                    is_array = true;
                    self.out.push(if count == 0 { b"[" } else { b"," })?;
                }
                Value::String(_) if !is_array => {
                    if count == 0 {
                        self.out.push(b"{")?;
                    }
                    self.key(&key, count == 0)?;
                }
                _ => return Err(other_way()),
            }
            count = count.wrapping_add(1);
            self.value(&value)
        });
        let end: &[u8] = match count {
            0 => b"{}",
            _ if is_array => b"]",
            _ => b"}",
        };
        let is_sparse = is_array && self.is_sparse(count, count);
        let is_done = written.is_ok() && !is_sparse && self.out.push(end).is_ok();
        if !is_done {
            self.out.truncate(begin);
        }
        is_done
    }

    /// The last index of an array; `None`: the table is an object.
    fn array(&self, table: &Table) -> mlua::Result<Option<i32>> {
        let (mut items, mut last, mut is_array) = (0_i32, 0_i32, true);
        table.for_each(|key: Value, _: Ignored| {
            match number(&key) {
                Some(key) if key >= 1.0 && key.floor() == key => {
                    if key > f64::from(last) {
                        last = int(key);
                    }
                    items = items.wrapping_add(1);
                }
                _ => is_array = false,
            }
            Ok(())
        })?;
        if is_array && self.is_sparse(last, items) {
            if !self.options.encode_sparse_convert {
                let value = Value::Table(table.clone());
                return Err(refused(&value, "excessively sparse array"));
            }
            is_array = false;
        }
        Ok((is_array && last > 0).then_some(last))
    }

    /// Whether an array of so many items, and with this last index, has too many gaps.
    fn is_sparse(&self, last: i32, items: i32) -> bool {
        let Options {
            encode_sparse_ratio: ratio,
            encode_sparse_safe: safe,
            ..
        } = *self.options;
        ratio > 0 && last > items.wrapping_mul(ratio) && last > safe
    }

    fn key(&mut self, key: &Value, is_first: bool) -> mlua::Result<()> {
        if !is_first {
            self.out.push(b",")?;
        }
        match key {
            Value::String(text) => {
                self.string(&text.as_bytes())?;
                self.out.push(b":")
            }
            Value::Integer(_) | Value::Number(_) => {
                self.out.push(b"\"")?;
                self.number(key)?;
                self.out.push(b"\":")
            }
            key => Err(refused(key, "table key must be a number or string")),
        }
    }

    fn number(&mut self, value: &Value) -> mlua::Result<()> {
        let digits = self.options.encode_number_precision;
        let number = match value {
            Value::Integer(number) => {
                if number.unsigned_abs() < 10_u64.pow(digits.into()) {
                    return self
                        .out
                        .push(itoa::Buffer::new().format(*number).as_bytes());
                }
                *number as f64
            }
            Value::Number(number) => *number,
            _ => f64::NAN,
        };
        if !number.is_finite() {
            match self.options.encode_invalid_numbers {
                Invalid::Error => return Err(refused(value, "must not be NaN or Inf")),
                Invalid::Null => return self.out.push(b"null"),
                Invalid::Text => {}
            }
        }
        self.out.push(format_significant(number, digits).as_bytes())
    }

    fn string(&mut self, text: &[u8]) -> mlua::Result<()> {
        self.out.push(b"\"")?;
        let mut rest = text;
        while let Some(plain) = rest.iter().position(|&byte| escape(byte) != 0) {
            self.out.push(&rest[..plain])?;
            let byte = rest[plain];
            match escape(byte) {
                b'u' => self.out.push(format!("\\u{byte:04x}").as_bytes())?,
                letter => self.out.push(&[b'\\', letter])?,
            }
            rest = &rest[plain + 1..];
        }
        self.out.push(rest)?;
        self.out.push(b"\"")
    }
}

/// Ends an attempt. Nobody sees it.
fn other_way() -> mlua::Error {
    errors::bare("")
}

fn refused(value: &Value, why: &str) -> mlua::Error {
    let kind = type_name(value);
    errors::bare(format!("Cannot serialise {kind}: {why}"))
}

/// What stands after the backslash in a byte's place; `u`: its number; 0: the byte needs none.
const fn escape(byte: u8) -> u8 {
    match byte {
        b'"' | b'\\' | b'/' => byte,
        8 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        12 => b'f',
        b'\r' => b'r',
        0..32 | 127 => b'u',
        _ => 0,
    }
}

/// A number as C's `int`; what none can hold becomes the smallest, as the processor does it.
fn int(number: f64) -> i32 {
    if number <= f64::from(i32::MAX) {
        number as i32
    } else {
        i32::MIN
    }
}
