//! The arguments of a function, read as Lua's own functions read theirs.
//!
//! Layer `script`. Numbers are taken for strings and the other way round. The first argument is number 1.

use mlua::{Lua, LuaString, MultiValue, Value};

use crate::script::convert::truncated;
use crate::script::errors;

/// See the module.
pub(super) struct Arguments<'a> {
    pub lua: &'a Lua,
    values: &'a MultiValue,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(lua: &'a Lua, values: &'a MultiValue) -> Arguments<'a> {
        Arguments { lua, values }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a Value> {
        self.values.iter()
    }

    /// One of them; `None`: there are fewer.
    pub(super) fn get(&self, number: usize) -> Option<&'a Value> {
        self.values.get(number - 1)
    }

    /// One of them, which may be left out.
    pub(super) fn given(&self, number: usize) -> Option<&'a Value> {
        self.get(number).filter(|value| !value.is_nil())
    }

    /// A number.
    pub(super) fn number(&self, number: usize) -> mlua::Result<f64> {
        let value = self.get(number);
        match value {
            Some(Value::Number(found)) => Ok(*found),
            Some(Value::Integer(found)) => Ok(*found as f64),
            Some(text @ Value::String(_)) => match self.lua.coerce_number(text.clone())? {
                Some(found) => Ok(found),
                None => Err(self.of_type(number, "number")),
            },
            _ => Err(self.of_type(number, "number")),
        }
    }

    /// A number without its fraction.
    pub(super) fn integer(&self, number: usize) -> mlua::Result<i64> {
        self.number(number).map(truncated)
    }

    /// The same, or `otherwise` if it is left out.
    pub(super) fn integer_or(&self, number: usize, otherwise: i64) -> mlua::Result<i64> {
        match self.given(number) {
            Some(_) => self.integer(number),
            None => Ok(otherwise),
        }
    }

    /// A string.
    pub(super) fn string(&self, number: usize) -> mlua::Result<LuaString> {
        let found = match self.get(number) {
            Some(Value::String(text)) => return Ok(text.clone()),
            Some(value @ (Value::Integer(_) | Value::Number(_))) => {
                self.lua.coerce_string(value.clone())?
            }
            _ => None,
        };
        found.ok_or_else(|| self.of_type(number, "string"))
    }

    /// An argument is wrong.
    pub(super) fn error(&self, number: usize, what: impl AsRef<[u8]>) -> mlua::Error {
        errors::argument(self.lua, number, what)
    }

    /// Something is wrong.
    pub(super) fn failed(&self, what: impl AsRef<[u8]>) -> mlua::Error {
        errors::text(self.lua, what)
    }

    /// An argument is of the wrong type.
    fn of_type(&self, number: usize, expected: &str) -> mlua::Error {
        errors::argument_type(self.lua, number, expected, self.get(number))
    }
}
