//! The names of the fields that replies have as tables of Lua, as strings that are made once.
//!
//! Layer `script`.

use mlua::{Lua, LuaString};

macro_rules! names {
    ($($(#[doc = $doc:literal])+ $field:ident = $name:literal,)+) => {
        /// See the module.
        #[derive(Debug)]
        pub(super) struct Names {
            $($(#[doc = $doc])+ pub(super) $field: LuaString,)+
        }

        impl Names {
            /// The names, in this state.
            pub(super) fn new(lua: &Lua) -> mlua::Result<Names> {
                Ok(Names {$($field: lua.create_string($name)?,)+})
            }
        }
    };
}

names! {
    /// Of an error.
    err = "err",
    /// Of a status.
    ok = "ok",
    /// Of a floating-point number.
    double = "double",
    /// Of a map.
    map = "map",
    /// Of a set.
    set = "set",
    /// Of an integer of any size.
    big_number = "big_number",
    /// Of a text for people, which is a table of two.
    verbatim_string = "verbatim_string",
    /// Its text.
    string = "string",
    /// Its format.
    format = "format",
    /// Where an error happened.
    source = "source",
    /// At which line.
    line = "line",
    /// Whether an error was counted.
    counted = "ignore_error_stats_update",
}
