//! The libraries that scripts have beside Lua's own, one file each: `cjson`, `cmsgpack`, `struct`, `bit`.
//!
//! Layer `script`. A library is a function that makes its table, and a line in [`LIBRARIES`]. The
//! sandbox locks the table afterwards. Errors are raised with [`errors`](super::errors).

use mlua::{Lua, Table};

/// Makes the table of a library.
type Register = fn(&Lua) -> mlua::Result<Table>;

/// Each library under its global name.
const LIBRARIES: &[(&str, Register)] = &[];

/// Puts all libraries into the table of globals.
pub(super) fn register(lua: &Lua, globals: &Table) -> mlua::Result<()> {
    for (name, library) in LIBRARIES {
        globals.raw_set(*name, library(lua)?)?;
    }
    Ok(())
}
