//! The functions of the table `redis`.
//!
//! Layer `script`.
//!
//! A command that panics ends the script, and then the panic goes on in the thread. It cannot go
//! through Lua, whose `pcall` would take it for an error: so it is kept, and the script gets a
//! [`Stop`], which no `pcall` keeps.

use std::any::Any;
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use mlua::{Function, Lua, MultiValue, Table, Value};
use parking_lot::Mutex;
use sha1::{Digest, Sha1};

use super::convert::ToLua;
use super::errors::{self, Raised, Stop};
use super::host::{CURRENT, Level};
use super::memory::MemoryLimit;
use super::names::Names;
use crate::resp::Protocol;
use crate::resp::hex::hex;
use crate::resp::number::format_double;
use crate::resp::reply::Reply;
use crate::resp::request::Args;

/// What the functions have in common.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) names: Arc<Names>,
    pub(super) memory: MemoryLimit,
    /// Whether the script has said `setresp(3)`.
    resp3: AtomicBool,
    /// What a command has panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// A request's words, one after the other.
#[derive(Debug, Default)]
struct Words {
    bytes: Vec<u8>,
    ranges: Vec<Range<usize>>,
}

/// Bytes of a request that are kept room for.
const KEPT: usize = 64 * 1024;

impl Words {
    fn push(&mut self, word: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(word);
        self.ranges.push(start..self.bytes.len());
    }

    fn args(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.ranges, &[])
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.ranges.clear();
        self.ranges.shrink_to(KEPT);
    }
}

/// What `redis.call` makes of an error: of its text, and of whether a command has counted it.
type OnError = fn(&Api, &Lua, Vec<u8>, bool) -> mlua::Result<Value>;

impl Api {
    pub(super) fn new(names: &Arc<Names>, memory: &MemoryLimit) -> Api {
        Api {
            names: Arc::clone(names),
            memory: memory.clone(),
            resp3: AtomicBool::new(false),
            panic: Mutex::default(),
        }
    }

    /// The protocol that the running script has chosen.
    pub(super) fn protocol(&self) -> Protocol {
        if self.resp3.load(Relaxed) {
            Protocol::Resp3
        } else {
            Protocol::Resp2
        }
    }

    /// A new script begins, in RESP2.
    pub(super) fn begin(&self) {
        self.resp3.store(false, Relaxed);
    }

    /// Why the script must end, if it must.
    pub(super) fn stop(&self) -> Option<Stop> {
        if self.panic.lock().is_some() {
            return Some(Stop::Panicked);
        }
        let tick = || CURRENT.with(|host| host.tick());
        CURRENT.is_set().then(tick).flatten()
    }

    /// A script has failed. Continues the panic of a command that it has called.
    pub(super) fn fail(&self) {
        if let Some(panic) = self.panic.lock().take() {
            resume_unwind(panic);
        }
    }

    fn to_lua<'a>(&'a self, lua: &'a Lua) -> ToLua<'a> {
        ToLua {
            lua,
            names: &self.names,
            protocol: self.protocol(),
        }
    }

    /// Calls a command. `room` is where its words go, for one call after the other.
    ///
    /// What is moved from one place to another costs more here than it seems: the processor waits
    /// until what was written in parts can be read as a whole. So a reply, and the value that is made
    /// of it, are written where they stay.
    fn call(
        &self,
        lua: &Lua,
        args: &MultiValue,
        room: &Cell<Words>,
        on_error: OnError,
    ) -> mlua::Result<Value> {
        // A script that asks Lua itself for nothing would otherwise never notice.
        self.memory.check(lua, 0)?;
        let mut words = room.take();
        let mut reply = Reply::Sent;
        let called = read(args, &mut words).and_then(|()| {
            if !CURRENT.is_set() {
                return Err("ERR redis.call can only be called inside a script invocation");
            }
            // Whoever shares state with the command sees the same as when the panic goes on.
            let call = || CURRENT.with(|host| reply = host.call(&words.args()));
            Ok(catch_unwind(AssertUnwindSafe(call)))
        });
        words.clear();
        room.set(words);
        match called {
            Err(text) => return on_error(self, lua, text.into(), false),
            Ok(Err(panic)) => {
                *self.panic.lock() = Some(panic);
                return Err(Raised::Stop(Stop::Panicked).into());
            }
            Ok(Ok(())) => {}
        }
        match reply {
            Reply::Integer(number) => Ok(Value::Number(number as f64)),
            Reply::Error(error) => on_error(self, lua, error.wire_text(), true),
            reply => self.memory.lift(lua, || self.to_lua(lua).value(reply)),
        }
    }

    /// As `redis.call` does: the script ends, or whoever has called `pcall` goes on.
    fn raise(&self, lua: &Lua, text: Vec<u8>, counted: bool) -> mlua::Result<Value> {
        Err(Raised::Table {
            text,
            place: errors::place(lua, 1),
            counted,
        }
        .into())
    }

    /// As `redis.pcall` does: the script goes on, with a table.
    fn give(&self, lua: &Lua, text: Vec<u8>, counted: bool) -> mlua::Result<Value> {
        let error = || self.to_lua(lua).error(&text, counted);
        Ok(Value::Table(self.memory.lift(lua, error)?))
    }

    fn permits(&self, lua: &Lua, args: &MultiValue) -> mlua::Result<bool> {
        let mut words = Words::default();
        read(args, &mut words).map_err(|text| errors::table(lua, text))?;
        let permits = CURRENT
            .is_set()
            .then(|| CURRENT.with(|host| host.permits(&words.args())));
        permits.flatten().ok_or_else(|| {
            errors::table(lua, "ERR Invalid command passed to redis.acl_check_cmd()")
        })
    }
}

/// Copies the arguments of `redis.call`.
fn read(args: &MultiValue, words: &mut Words) -> Result<(), &'static str> {
    if args.is_empty() {
        return Err("ERR Please specify at least one argument for this redis lib call");
    }
    for arg in args {
        match arg {
            Value::String(text) => words.push(&text.as_bytes()),
            Value::Integer(number) => words.push(itoa::Buffer::new().format(*number).as_bytes()),
            Value::Number(number) => words.push(format_double(*number).as_bytes()),
            _ => return Err("ERR Lua redis lib command arguments must be strings or integers"),
        }
    }
    Ok(())
}

/// The bytes of an argument that is a string or a number.
fn string(lua: &Lua, value: &Value) -> mlua::Result<Option<mlua::LuaString>> {
    lua.coerce_string(value.clone())
}

/// The number that an argument is, or can be read as.
fn number(lua: &Lua, value: Option<&Value>) -> mlua::Result<Option<f64>> {
    match value {
        Some(value) => lua.coerce_number(value.clone()),
        None => Ok(None),
    }
}

/// What may be called anywhere, also while a library is loaded.
pub(super) fn register_common(lua: &Lua, redis: &Table, api: &Arc<Api>) -> mlua::Result<()> {
    for (name, value) in [
        ("LOG_DEBUG", 0),
        ("LOG_VERBOSE", 1),
        ("LOG_NOTICE", 2),
        ("LOG_WARNING", 3),
        ("REDIS_VERSION_NUM", 0x07_02_04),
    ] {
        redis.raw_set(name, value)?;
    }
    redis.raw_set("REDIS_VERSION", "7.2.4")?;
    redis.raw_set("log", lua.create_function(|lua, args| log(lua, &args))?)?;
    let own = Arc::clone(api);
    let set = lua.create_function(move |lua, args: MultiValue| {
        if args.len() != 1 {
            return Err(errors::table(
                lua,
                "ERR redis.setresp() requires one argument.",
            ));
        }
        let is_resp3 = match number(lua, args.front())? {
            Some(2.0) => false,
            Some(3.0) => true,
            _ => return Err(errors::table(lua, "ERR RESP version must be 2 or 3.")),
        };
        own.resp3.store(is_resp3, Relaxed);
        Ok(())
    })?;
    redis.raw_set("setresp", set)?;
    for (name, is_error) in [("error_reply", true), ("status_reply", false)] {
        let own = Arc::clone(api);
        let function = lua.create_function(move |lua, args: MultiValue| {
            let to_lua = own.to_lua(lua);
            let (1, Some(Value::String(text))) = (args.len(), args.front()) else {
                return to_lua.error(b"ERR wrong number or type of arguments", false);
            };
            if is_error {
                return to_lua.error(&with_code(&text.as_bytes()), false);
            }
            let table = lua.create_table_with_capacity(0, 1)?;
            table.raw_set(&own.names.ok, text)?;
            Ok(table)
        })?;
        redis.raw_set(name, function)?;
    }
    redis.raw_set("sha1hex", sha1hex(lua)?)
}

/// What a running script may call.
pub(super) fn register(lua: &Lua, redis: &Table, api: &Arc<Api>) -> mlua::Result<()> {
    for (name, on_error) in [("call", Api::raise as OnError), ("pcall", Api::give)] {
        let (own, room) = (Arc::clone(api), Cell::default());
        let function = lua
            .create_function(move |lua, args: MultiValue| own.call(lua, &args, &room, on_error))?;
        redis.raw_set(name, function)?;
    }
    let own = Arc::clone(api);
    let permits = lua.create_function(move |lua, args: MultiValue| own.permits(lua, &args))?;
    redis.raw_set("acl_check_cmd", permits)?;
    for (name, value) in [
        ("REPL_NONE", 0),
        ("REPL_AOF", 1),
        ("REPL_SLAVE", 2),
        ("REPL_REPLICA", 2),
        ("REPL_ALL", 3),
    ] {
        redis.raw_set(name, value)?;
    }
    // There are no replicas, and no log that is read back: whatever is chosen is done.
    let set_repl = lua.create_function(|lua, args: MultiValue| {
        if args.len() != 1 {
            return Err(errors::table(
                lua,
                "ERR redis.set_repl() requires two arguments.",
            ));
        }
        let flags = number(lua, args.front())?.unwrap_or_default() as i64;
        if flags & !3 != 0 {
            return Err(errors::table(
                lua,
                "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
            ));
        }
        Ok(())
    })?;
    redis.raw_set("set_repl", set_repl)?;
    redis.raw_set("replicate_commands", lua.create_function(|_, ()| Ok(true))?)?;
    // There is no debugger, so there is never one that would stop.
    redis.raw_set("breakpoint", lua.create_function(|_, ()| Ok(false))?)?;
    redis.raw_set("debug", lua.create_function(|_, ()| Ok(()))?)
}

fn sha1hex(lua: &Lua) -> mlua::Result<Function> {
    lua.create_function(|lua, args: MultiValue| {
        let (1, Some(value)) = (args.len(), args.front()) else {
            return Err(errors::table(lua, "ERR wrong number of arguments"));
        };
        let text = string(lua, value)?;
        let text = text.as_ref().map(|text| text.as_bytes());
        let digest = Sha1::digest(text.as_deref().unwrap_or_default());
        Ok(hex(&digest))
    })
}

fn log(lua: &Lua, args: &MultiValue) -> mlua::Result<()> {
    if args.len() < 2 {
        let text = "ERR redis.log() requires two arguments or more.";
        return Err(errors::table(lua, text));
    }
    let level = match args.front() {
        Some(Value::Integer(number)) => *number as f64,
        Some(Value::Number(number)) => *number,
        _ => {
            let text = "ERR First argument must be a number (log level).";
            return Err(errors::table(lua, text));
        }
    };
    let level = Level::of(level).ok_or_else(|| errors::table(lua, "ERR Invalid debug level."))?;
    let mut line = Vec::new();
    for (index, arg) in args.iter().skip(1).enumerate() {
        if let Some(text) = string(lua, arg)? {
            if index > 0 {
                line.push(b' ');
            }
            line.extend_from_slice(&text.as_bytes());
        }
    }
    if CURRENT.is_set() {
        CURRENT.with(|host| host.log(level, &line));
    }
    Ok(())
}

/// The text of an error that a script makes: without the dash, and with a code. As in Redis, a text of
/// one word has none.
fn with_code(text: &[u8]) -> Vec<u8> {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    if text.contains(&b' ') {
        text.to_vec()
    } else {
        [b"ERR ".as_slice(), text].concat()
    }
}
