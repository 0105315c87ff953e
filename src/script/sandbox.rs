//! What scripts can reach: a Lua state without files, processes and modules, whose globals and
//! libraries nobody can change.
//!
//! Layer `script`. `sandbox.lua` builds it, with the functions that are given to it here.
//!
//! Invariants:
//! - No chunk of bytecode is ever loaded: Lua does not verify it.
//! - A script reaches no table that another script can see. What they share are functions, strings and
//!   userdata, which cannot be changed.
//! - A script cannot keep itself alive: whatever it catches, it does not catch a [`Stop`](errors::Stop).

use std::sync::Arc;

use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, LuaOptions, LuaString, MultiValue, StdLib, Table, Value};
use parking_lot::Mutex;

use super::api::{self, Api};
use super::arguments::Entry;
use super::errors::{self, Place};
use super::memory::MemoryLimit;
use super::names::Names;
use super::{lib, library, random};

/// The chunk that builds the sandbox, as Lua names it in positions of errors.
const OWN_CHUNK: &str = "=sandbox";
/// What a position in it begins with.
const OWN_POSITION: &str = "sandbox:";

/// A Lua state for scripts.
#[derive(Debug)]
pub(super) struct Sandbox {
    pub lua: Lua,
    pub names: Arc<Names>,
    pub api: Arc<Api>,
    pub memory: MemoryLimit,
    /// Says whether a library is being loaded, which has globals of its own.
    pub set_loading: Function,
    /// Runs a script.
    pub run: Entry,
    /// Runs a function of a library.
    pub call: Entry,
    /// What a library that is being loaded registers.
    pub registered: Arc<Mutex<Vec<library::Registered>>>,
}

impl Sandbox {
    /// A new state.
    pub(super) fn new(memory: MemoryLimit) -> mlua::Result<Sandbox> {
        let libraries = StdLib::TABLE | StdLib::STRING | StdLib::MATH | StdLib::OS;
        let lua = Lua::new_with(libraries, LuaOptions::new())?;
        let names = Arc::new(Names::new(&lua)?);
        let api = Arc::new(Api::new(&names, &memory));
        let registered = Arc::default();
        random::register(&lua, &lua.globals().get("math")?)?;
        let redis = lua.create_table()?;
        api::register_common(&lua, &redis, &api)?;
        api::register(&lua, &redis, &api)?;
        let loading = lua.create_table()?;
        api::register_common(&lua, &loading, &api)?;
        library::register(&lua, &loading, &registered)?;
        let globals = lua.create_table()?;
        lib::register(&lua, &globals, &memory)?;
        let host = lua.create_table()?;
        host.raw_set("libraries", library_names(&lua, &globals)?)?;
        host.raw_set("loading", loading)?;
        host.raw_set("limit_memory", limit_memory(&lua, &memory)?)?;
        host.raw_set("shown", shown(&lua, &api)?)?;
        host.raw_set("handler", handler(&lua, &names, &memory)?)?;
        host.raw_set("loadstring", loadstring(&lua)?)?;
        let chunk = lua.load(include_str!("sandbox.lua"));
        let chunk = chunk.set_name(OWN_CHUNK).set_mode(ChunkMode::Text);
        let made: Table = chunk.call((host, &globals, redis))?;
        let environment: Table = made.raw_get("environment")?;
        lua.set_globals(environment)?;
        Ok(Sandbox {
            names,
            api,
            memory,
            set_loading: made.raw_get("set_loading")?,
            run: Entry::new(&made.raw_get("run")?)?,
            call: Entry::new(&made.raw_get("call")?)?,
            registered,
            lua,
        })
    }

    /// Compiles a script. `name`: what errors call it (`@user_script`).
    ///
    /// # Errors
    /// The text of a syntax error, or that memory is short.
    pub(super) fn compile(&self, text: &[u8], name: &str) -> mlua::Result<Function> {
        let chunk = self.lua.load(text).set_name(name);
        let chunk = chunk.set_mode(ChunkMode::Text);
        self.memory.hold(&self.lua, || chunk.into_function())
    }
}

/// The names of the libraries that are in `globals` by now.
fn library_names(lua: &Lua, globals: &Table) -> mlua::Result<Table> {
    let names = lua.create_table()?;
    globals.for_each(|name: LuaString, _: Value| names.raw_push(name))?;
    Ok(names)
}

/// `limit_memory()`: from now on, Lua's memory is bounded.
fn limit_memory(lua: &Lua, memory: &MemoryLimit) -> mlua::Result<Function> {
    let memory = memory.clone();
    lua.create_function(move |lua, ()| {
        memory.begin(lua);
        Ok(())
    })
}

/// `shown(error)`: what a script may see of an error that it has caught.
fn shown(lua: &Lua, api: &Arc<Api>) -> mlua::Result<Function> {
    let api = Arc::clone(api);
    lua.create_function(move |lua, value: Value| {
        // What ends a script may have been hidden by another error, such as one in a message handler.
        if let Some(stop) = api.stop() {
            return Err(errors::Raised::Stop(stop).into());
        }
        api.memory.lift(lua, || {
            let value = errors::shown(lua, &api.names, value)?;
            positioned(lua, value, None)
        })
    })
}

/// The handler of errors that end a script: it sees the stack as it was when the error was raised.
fn handler(lua: &Lua, names: &Arc<Names>, memory: &MemoryLimit) -> mlua::Result<Function> {
    let (names, memory) = (Arc::clone(names), memory.clone());
    lua.create_function(move |lua, value: Value| {
        let place = errors::place(lua, 1);
        memory.lift(lua, || {
            let value = positioned(lua, value, place.as_ref())?;
            let described = errors::describe(lua, &names, value, place);
            let place = described.place.as_ref();
            errors::error_table(lua, &names, &described.text, place, described.counted)
        })
    })
}

/// An error's text with the script's position in place of one in the sandbox's own chunk.
fn positioned(lua: &Lua, value: Value, place: Option<&Place>) -> mlua::Result<Value> {
    let Value::String(text) = &value else {
        return Ok(value);
    };
    let bytes = text.as_bytes();
    let rest = bytes
        .strip_prefix(OWN_POSITION.as_bytes())
        .and_then(|rest| {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            rest[digits..].strip_prefix(b": ")
        });
    let Some(rest) = rest else {
        return Ok(value.clone());
    };
    let position = place.map_or_else(String::new, |Place { source, line }| {
        format!("{}:{line}: ", source.trim_start_matches('@'))
    });
    let text = [position.as_bytes(), rest].concat();
    Ok(Value::String(lua.create_string(text)?))
}

/// `loadstring(text [, name])`, for text only.
fn loadstring(lua: &Lua) -> mlua::Result<Function> {
    lua.create_function(|lua, args: MultiValue| {
        let Some(text) = args.front().cloned().map(|text| lua.coerce_string(text)) else {
            let error = errors::argument_type(lua, 1, "string", None);
            return Err(error);
        };
        let Some(text) = text? else {
            let given = args.front();
            let error = errors::argument_type(lua, 1, "string", given);
            return Err(error);
        };
        let name = match args.get(1) {
            Some(Value::String(name)) => name.to_string_lossy(),
            _ => text.to_string_lossy(),
        };
        let text = text.as_bytes().to_vec();
        let chunk = lua.load(text).set_name(name).set_mode(ChunkMode::Text);
        Ok(match chunk.into_function() {
            Ok(function) => (Value::Function(function), Value::Nil),
            Err(error) => {
                let text = lua.create_string(errors::plain_text(&error))?;
                (Value::Nil, Value::String(text))
            }
        })
    })
}
