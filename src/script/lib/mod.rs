//! The libraries that scripts have beside Lua's own, one file each: `cjson`, `cmsgpack`, `struct`, `bit`.
//!
//! Layer `script`. A library is a function that makes its table, and a line in [`LIBRARIES`]. The
//! sandbox locks the table afterwards. Errors are raised with [`errors`](super::errors).
//!
//! Invariants:
//! - No function recurses as deep as what it is given is nested.
//! - What a function holds of Lua's values at a time is bounded ([`SLOTS`]), as mlua keeps them on a stack
//!   of Lua's. What it makes counts against the scripts' memory limit ([`Output`], [`Made`]).

mod arguments;
mod bit;
mod cjson;
mod cmsgpack;
mod output;
mod r#struct;

use mlua::{FromLua, IntoLuaMulti, Lua, MultiValue, Table, Value};

use super::memory::MemoryLimit;
use arguments::Arguments;
use output::{Made, Output};

/// Makes the table of a library.
type Register = fn(&Lua, &MemoryLimit) -> mlua::Result<Table>;

/// Each library under its global name.
const LIBRARIES: &[(&str, Register)] = &[
    ("bit", bit::register),
    ("cjson", cjson::register),
    ("cmsgpack", cmsgpack::register),
    ("struct", r#struct::register),
];

/// Slots of a stack that a function may use for nested tables and for results, as Redis's functions use
/// them. There, it is 8,000; here, the stack is mlua's and has other users.
const SLOTS: usize = 6000;

/// Puts all libraries into the table of globals.
pub(super) fn register(lua: &Lua, globals: &Table, memory: &MemoryLimit) -> mlua::Result<()> {
    for (name, library) in LIBRARIES {
        globals.raw_set(*name, library(lua, memory)?)?;
    }
    Ok(())
}

/// Adds a function to a library. It runs with the memory limit lifted, and has to keep it by itself.
fn add<R: IntoLuaMulti>(
    lua: &Lua,
    library: &Table,
    memory: &MemoryLimit,
    name: &str,
    function: impl Fn(&Arguments<'_>) -> mlua::Result<R> + Send + 'static,
) -> mlua::Result<()> {
    let memory = memory.clone();
    let function = lua.create_function(move |lua, values: MultiValue| {
        // A script that asks Lua itself for nothing would otherwise never notice.
        memory.check(lua, 0)?;
        memory.lift(lua, || function(&Arguments::new(lua, &values)))
    })?;
    library.raw_set(name, function)
}

/// The number that a value is, if it is one.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

/// A value that is not looked at, of which no reference is made.
struct Ignored;

impl FromLua for Ignored {
    fn from_lua(_: Value, _: &Lua) -> mlua::Result<Ignored> {
        Ok(Ignored)
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
