//! Libraries of functions: FUNCTION LOAD and its kin.
//!
//! Layer `script`. A library's text runs once, when it is loaded, with the globals of `loading` in
//! `sandbox.lua`: it cannot run commands, and `redis.register_function` tells its functions. All of
//! them are added, or none. Names of functions are unique among all libraries.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mlua::{Function, Lua, MultiValue, RegistryKey, Table, Value};
use parking_lot::Mutex;

use super::arguments::ScriptArguments;
use super::errors::{self, ScriptError, Stop};
use super::host::{CURRENT, Host, Level};
use super::memory::MemoryLimit;
use super::sandbox::Sandbox;
use super::shebang::{self, ScriptFlags};
use crate::resp::reply::Reply;
use crate::resp::request::Args;

/// How long the text of a library may run, as in Redis.
const LOAD_TIME: Duration = Duration::from_millis(500);
/// What the names of libraries and functions consist of.
const NAME_RULE: &str = "names can only contain letters, numbers, or underscores(_) and must be at least one character long";

/// A function that a library has registered.
#[derive(Debug)]
pub(super) struct Registered {
    name: Box<[u8]>,
    function: RegistryKey,
    about: FunctionAbout,
}

/// What FUNCTION LIST says of a function.
#[derive(Clone, Debug, Default)]
pub(crate) struct FunctionAbout {
    /// What it may do.
    pub flags: ScriptFlags,
    /// What it is for.
    pub description: Option<Box<[u8]>>,
}

/// A library.
#[derive(Debug)]
pub(crate) struct Library {
    /// Its text.
    pub code: Box<[u8]>,
    /// Its functions, by name.
    pub functions: BTreeMap<Box<[u8]>, FunctionAbout>,
}

/// A function that can be called.
#[derive(Debug)]
struct Callable {
    function: RegistryKey,
    flags: ScriptFlags,
}

/// All libraries.
#[derive(Debug, Default)]
pub(super) struct Libraries {
    by_name: BTreeMap<Box<[u8]>, Library>,
    /// By name in lower case: FCALL finds them in any letter case.
    functions: BTreeMap<Box<[u8]>, Callable>,
}

impl Libraries {
    /// The libraries, by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &Library)> {
        self.by_name
            .iter()
            .map(|(name, library)| (&**name, library))
    }

    /// How many libraries and functions there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.by_name.len(), self.functions.len())
    }

    /// Bytes of all texts.
    pub(super) fn code_size(&self) -> usize {
        self.by_name
            .values()
            .map(|library| library.code.len())
            .sum()
    }

    /// A function of this name.
    pub(super) fn find(&self, name: &[u8]) -> Option<(&RegistryKey, ScriptFlags)> {
        let callable = self.functions.get(&*name.to_ascii_lowercase())?;
        Some((&callable.function, callable.flags))
    }

    /// Loads a library. Returns its name.
    ///
    /// # Errors
    /// With it, nothing has changed.
    pub(super) fn load(
        &mut self,
        sandbox: &Sandbox,
        code: &[u8],
        replace: bool,
    ) -> Result<Box<[u8]>, ScriptError> {
        let (name, text) = header(code)?;
        if !replace && self.by_name.contains_key(name) {
            let text = [b"ERR Library '", name, b"' already exists"].concat();
            return Err(ScriptError::text(text));
        }
        let registered = run(sandbox, text)?;
        let taken = registered.iter().find(|function| {
            let own = self.by_name.get(name);
            let mut own = own.iter().flat_map(|own| own.functions.keys());
            let is_own = own.any(|name| name.eq_ignore_ascii_case(&function.name));
            self.functions
                .contains_key(&*function.name.to_ascii_lowercase())
                && !is_own
        });
        let refused = match taken {
            Some(taken) => Some([b"ERR Function ", &*taken.name, b" already exists"].concat()),
            None if registered.is_empty() => Some(b"ERR No functions registered".to_vec()),
            None => None,
        };
        if let Some(text) = refused {
            forget(&sandbox.lua, registered);
            return Err(ScriptError::text(text));
        }
        self.remove(&sandbox.lua, name);
        let mut functions = BTreeMap::new();
        for Registered {
            name,
            function,
            about,
        } in registered
        {
            let flags = about.flags;
            let lower = name.to_ascii_lowercase().into();
            self.functions.insert(lower, Callable { function, flags });
            functions.insert(name, about);
        }
        let library = Library {
            code: code.into(),
            functions,
        };
        self.by_name.insert(name.into(), library);
        Ok(name.into())
    }

    /// Removes a library; `false`: there is none of this name.
    pub(super) fn remove(&mut self, lua: &Lua, name: &[u8]) -> bool {
        let Some(library) = self.by_name.remove(name) else {
            return false;
        };
        for name in library.functions.keys() {
            if let Some(callable) = self.functions.remove(&*name.to_ascii_lowercase()) {
                // It fails for keys of another state only.
                let _ = lua.remove_registry_value(callable.function);
            }
        }
        true
    }

    /// Removes all libraries.
    pub(super) fn clear(&mut self, lua: &Lua) {
        let names: Vec<_> = self.by_name.keys().cloned().collect();
        for name in names {
            self.remove(lua, &name);
        }
    }
}

fn forget(lua: &Lua, registered: Vec<Registered>) {
    for function in registered {
        // It fails for keys of another state only.
        let _ = lua.remove_registry_value(function.function);
    }
}

/// The name of a library, from its first line, and the text behind that line.
fn header(code: &[u8]) -> Result<(&[u8], &[u8]), ScriptError> {
    if !code.starts_with(b"#!") {
        return Err(ScriptError::text("ERR Missing library metadata"));
    }
    let Some(end) = code.iter().position(|&byte| byte == b'\n') else {
        return Err(ScriptError::text("ERR Invalid library metadata"));
    };
    let (line, text) = code.split_at(end);
    let mut words = shebang::words(&line[2..]);
    let engine = words.next().unwrap_or_default();
    let mut name: Option<&[u8]> = None;
    for word in words {
        match word.strip_prefix(b"name=") {
            Some(_) if name.is_some() => {
                let text = "ERR Invalid metadata value, name argument was given multiple times";
                return Err(ScriptError::text(text));
            }
            Some(given) => name = Some(given),
            None => {
                let text = [b"ERR Invalid metadata value given: ", word].concat();
                return Err(ScriptError::text(text));
            }
        }
    }
    let Some(name) = name else {
        return Err(ScriptError::text("ERR Library name was not given"));
    };
    if !is_name(name) {
        return Err(ScriptError::text(format!("ERR Library {NAME_RULE}")));
    }
    if !engine.eq_ignore_ascii_case(b"lua") {
        let text = [b"ERR Engine '", engine, b"' not found"].concat();
        return Err(ScriptError::text(text));
    }
    Ok((name, text))
}

fn is_name(name: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    !name.is_empty() && name.iter().all(is_letter)
}

/// Runs a library's text. Returns what it has registered.
fn run(sandbox: &Sandbox, text: &[u8]) -> Result<Vec<Registered>, ScriptError> {
    let failed = |before: &str, text: &[u8]| ScriptError::text([before.as_bytes(), text].concat());
    let compiled = sandbox.compile(text, "@user_function");
    let function = compiled.map_err(|error| {
        let text = errors::plain_text(&error);
        failed("ERR Error compiling function: ", text.as_bytes())
    })?;
    let mut host = LoadHost {
        until: Instant::now() + LOAD_TIME,
    };
    let ran = sandbox.set_loading.call::<()>(true).and_then(|()| {
        let lua = &sandbox.lua;
        let run = || sandbox.run.call(lua, &function, ScriptArguments::default());
        CURRENT.set(&mut host, || MemoryLimit::lift_after(lua, run))
    });
    let ran = sandbox.set_loading.call::<()>(false).and(ran);
    let registered = std::mem::take(&mut *sandbox.registered.lock());
    let error = match ran {
        Ok((true, _)) => return Ok(registered),
        Ok((false, error)) => errors::describe(&sandbox.lua, &sandbox.names, error, None),
        Err(error) => ScriptError::text(errors::plain_text(&error)),
    };
    forget(&sandbox.lua, registered);
    Err(failed("ERR Error registering functions: ", &error.text))
}

/// The host of a library that is being loaded: no commands, and little time.
struct LoadHost {
    until: Instant,
}

impl Host for LoadHost {
    fn call(&mut self, _args: &Args<'_>) -> Reply {
        // `redis.call` is no global of a library that is being loaded.
        Reply::Null
    }

    fn permits(&mut self, _args: &Args<'_>) -> Option<bool> {
        None
    }

    fn log(&mut self, level: Level, line: &[u8]) {
        super::host::write_log(level, line);
    }

    fn tick(&mut self) -> Option<Stop> {
        (Instant::now() > self.until).then_some(Stop::LoadTime)
    }
}

/// Puts `register_function` into the table `redis` of libraries that are being loaded.
pub(super) fn register(
    lua: &Lua,
    redis: &Table,
    registered: &Arc<Mutex<Vec<Registered>>>,
) -> mlua::Result<()> {
    let registered = Arc::clone(registered);
    let function = lua.create_function(move |lua, args: MultiValue| {
        let found = match args.len() {
            1 => named(args.front()),
            2 => positional(&args),
            _ => Err("wrong number of arguments to redis.register_function"),
        };
        let checked = found.and_then(|found| {
            if !is_name(&found.0) {
                return Err(
                    "Library names can only contain letters, numbers, or underscores(_) and must \
                     be at least one character long",
                );
            }
            let taken = registered
                .lock()
                .iter()
                .any(|other| other.name.eq_ignore_ascii_case(&found.0));
            if taken {
                return Err("Function already exists in the library");
            }
            Ok(found)
        });
        let (name, function, about) =
            checked.map_err(|text| errors::table(lua, format!("ERR {text}")))?;
        let function = lua.create_registry_value(function)?;
        registered.lock().push(Registered {
            name,
            function,
            about,
        });
        Ok(())
    })?;
    redis.raw_set("register_function", function)
}

type Found = Result<(Box<[u8]>, Function, FunctionAbout), &'static str>;

/// `redis.register_function(name, callback)`
fn positional(args: &MultiValue) -> Found {
    let Some(Value::String(name)) = args.front() else {
        return Err("first argument to redis.register_function must be a string");
    };
    let Some(Value::Function(function)) = args.get(1) else {
        return Err("second argument to redis.register_function must be a function");
    };
    let name = (&*name.as_bytes()).into();
    Ok((name, function.clone(), FunctionAbout::default()))
}

/// `redis.register_function{function_name = …, callback = …, description = …, flags = {…}}`
fn named(arg: Option<&Value>) -> Found {
    let Some(Value::Table(table)) = arg else {
        return Err(
            "calling redis.register_function with a single argument is only applicable to Lua \
             table (representing named arguments).",
        );
    };
    let (mut name, mut function, mut about) = (None, None, FunctionAbout::default());
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = match pair {
            Ok((Value::String(key), value)) => (key, value),
            Ok((Value::Integer(_) | Value::Number(_), _)) => {
                return Err("unknown argument given to redis.register_function");
            }
            _ => {
                return Err("named argument key given to redis.register_function is not a string");
            }
        };
        match (&*key.as_bytes(), value) {
            (b"function_name", Value::String(text)) => name = Some((&*text.as_bytes()).into()),
            (b"function_name", _) => {
                return Err(
                    "function_name argument given to redis.register_function must be a string",
                );
            }
            (b"description", Value::String(text)) => {
                about.description = Some((&*text.as_bytes()).into());
            }
            (b"description", _) => {
                return Err(
                    "description argument given to redis.register_function must be a string",
                );
            }
            (b"callback", Value::Function(value)) => function = Some(value),
            (b"callback", _) => {
                return Err(
                    "callback argument given to redis.register_function must be a function",
                );
            }
            (b"flags", Value::Table(flags)) => {
                for flag in flags.sequence_values::<Value>() {
                    let is_known = match flag {
                        Ok(Value::String(flag)) => about.flags.set(&flag.as_bytes()),
                        _ => false,
                    };
                    if !is_known {
                        return Err("unknown flag given");
                    }
                }
            }
            (b"flags", _) => {
                return Err(
                    "flags argument to redis.register_function must be a table representing \
                     function flags",
                );
            }
            _ => return Err("unknown argument given to redis.register_function"),
        }
    }
    let name = name.ok_or("redis.register_function must get a function name argument")?;
    let function = function.ok_or("redis.register_function must get a callback argument")?;
    Ok((name, function, about))
}
