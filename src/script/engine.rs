//! One Lua state with what is compiled in it: scripts and libraries.
//!
//! Layer `script`. Whoever uses an engine has its lock, and before it the keyspace's
//! ([`Scripts`](super::Scripts)).
//!
//! The memory of the state is bounded. A script that needs more fails with `not enough memory`, and
//! the scripts that came by EVAL are dropped to make room.

use std::sync::Arc;

use mlua::{HookTriggers, Value, VmState};
use sha1::{Digest as _, Sha1};

use super::arguments::ScriptArguments;
use super::cache::{Cache, Digest, Script};
use super::convert;
use super::errors::{self, Raised, ScriptError};
use super::host::{CURRENT, Host};
use super::library::{Libraries, Library};
use super::memory::{MemoryLimit, NO_MEMORY};
use super::sandbox::Sandbox;
use super::shebang::{self, ScriptFlags};
use crate::resp::hex::{hex, unhex};
use crate::resp::reply::Reply;

/// After so many instructions of Lua the host is asked whether the script must end: about once in a
/// millisecond, so that short scripts are never asked about.
const INSTRUCTIONS: u32 = 100_000;

/// The limits of an engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EngineLimits {
    /// Bytes of all that Lua holds.
    pub memory: usize,
    /// How many scripts that came by EVAL are kept.
    pub scripts: usize,
}

/// What INFO and MEMORY STATS say of an engine.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EngineFigures {
    /// Bytes that Lua holds.
    pub memory: usize,
    /// Compiled scripts.
    pub scripts: usize,
    /// Libraries.
    pub libraries: usize,
    /// Their functions.
    pub functions: usize,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Engine {
    sandbox: Sandbox,
    cache: Cache,
    libraries: Libraries,
    limits: EngineLimits,
}

impl Engine {
    /// An engine without scripts.
    ///
    /// # Errors
    /// The memory that it may have is too small.
    pub(super) fn new(limits: EngineLimits) -> mlua::Result<Engine> {
        let sandbox = Sandbox::new(MemoryLimit::new(limits.memory))?;
        let triggers = HookTriggers::new().every_nth_instruction(INSTRUCTIONS);
        let api = Arc::clone(&sandbox.api);
        sandbox
            .lua
            .set_global_hook(triggers, move |_, _| match api.stop() {
                None => Ok(VmState::Continue),
                Some(stop) => Err(Raised::Stop(stop).into()),
            })?;
        Ok(Engine {
            sandbox,
            cache: Cache::default(),
            libraries: Libraries::default(),
            limits,
        })
    }

    /// Sets what it may use.
    pub(super) fn limit(&mut self, limits: EngineLimits) {
        self.sandbox.memory.set(limits.memory);
        self.limits = limits;
    }

    /// What there is to tell.
    pub(super) fn figures(&self) -> EngineFigures {
        let (libraries, functions) = self.libraries.counts();
        EngineFigures {
            memory: self.sandbox.lua.used_memory(),
            scripts: self.cache.len(),
            libraries,
            functions,
        }
    }

    /// A script that is kept.
    pub(crate) fn find(&mut self, digest: &Digest) -> Option<Arc<Script>> {
        self.cache.find(digest)
    }

    /// Whether a script is kept.
    pub(crate) fn contains(&self, digest: &Digest) -> bool {
        self.cache.contains(digest)
    }

    /// Compiles a script, unless it is kept by now. `is_loaded`: SCRIPT LOAD brought it.
    ///
    /// # Errors
    /// It is no script.
    pub(crate) fn load(&mut self, text: &[u8], is_loaded: bool) -> Result<Digest, ScriptError> {
        let digest = digest(text);
        let is_kept = if is_loaded {
            self.cache.keep(&digest)
        } else {
            self.cache.contains(&digest)
        };
        if is_kept {
            return Ok(digest);
        }
        let (flags, body) = shebang::split(text)?;
        let mut compiled = self.compile(body);
        if matches!(compiled, Err(mlua::Error::MemoryError(_))) {
            self.make_room();
            compiled = self.compile(body);
        }
        let function = compiled.map_err(|error| {
            let text = errors::plain_text(&error);
            ScriptError::text(format!("ERR Error compiling script (new function): {text}"))
        })?;
        let (lua, most) = (&self.sandbox.lua, self.limits.scripts);
        self.cache
            .add(lua, digest, function, flags, is_loaded, most);
        Ok(digest)
    }

    fn compile(&self, body: &[u8]) -> mlua::Result<mlua::RegistryKey> {
        let function = self.sandbox.compile(body, "@user_script")?;
        self.sandbox.lua.create_registry_value(function)
    }

    /// Runs a script.
    pub(crate) fn run(
        &mut self,
        script: &Script,
        arguments: ScriptArguments<'_>,
        host: &mut dyn Host,
    ) -> Result<Reply, ScriptError> {
        let Sandbox { lua, run, .. } = &self.sandbox;
        self.sandbox.api.begin();
        let run = || run.call(lua, &script.function, arguments);
        let result = CURRENT.set(host, || MemoryLimit::lift_after(lua, run));
        self.conclude(result)
    }

    /// Runs a function of a library; `None`: there is none of this name.
    pub(crate) fn call(
        &mut self,
        name: &[u8],
        arguments: ScriptArguments<'_>,
        host: &mut dyn Host,
    ) -> Option<Result<Reply, ScriptError>> {
        let (function, _) = self.libraries.find(name)?;
        let Sandbox { lua, call, .. } = &self.sandbox;
        self.sandbox.api.begin();
        let call = || call.call(lua, function, arguments);
        let result = CURRENT.set(host, || MemoryLimit::lift_after(lua, call));
        Some(self.conclude(result))
    }

    /// What a script that has ended answers with.
    fn conclude(&mut self, result: mlua::Result<(bool, Value)>) -> Result<Reply, ScriptError> {
        let Sandbox {
            lua, names, api, ..
        } = &self.sandbox;
        if !matches!(result, Ok((true, _))) {
            api.fail();
        }
        let error = match result {
            Ok((true, value)) => match convert::reply(names, api.protocol(), &value) {
                Ok(reply) => return Ok(reply),
                Err(error) => ScriptError::text(format!("ERR {}", errors::plain_text(&error))),
            },
            Ok((false, value)) => errors::describe(lua, names, value, None),
            Err(error) => errors::describe(lua, names, Value::Error(Box::new(error)), None),
        };
        if error.text.ends_with(NO_MEMORY.as_bytes()) {
            self.make_room();
        }
        Err(error)
    }

    /// Frees what can be freed: garbage, and if that is not enough, scripts that came by EVAL.
    fn make_room(&mut self) {
        let lua = &self.sandbox.lua;
        let collect = || {
            // Twice, as in the first round some is only found to be garbage.
            let _ = lua.gc_collect();
            let _ = lua.gc_collect();
        };
        collect();
        while lua.used_memory() > self.limits.memory / 2 && self.cache.drop_oldest(lua) {
            collect();
        }
    }

    /// The libraries, by name.
    pub(crate) fn libraries(&self) -> impl Iterator<Item = (&[u8], &Library)> {
        self.libraries.iter()
    }

    /// The flags of a library's function.
    pub(crate) fn find_function(&self, name: &[u8]) -> Option<ScriptFlags> {
        self.libraries.find(name).map(|(_, flags)| flags)
    }

    /// Loads a library. Returns its name.
    ///
    /// # Errors
    /// With it, nothing has changed.
    pub(crate) fn load_library(
        &mut self,
        code: &[u8],
        replace: bool,
    ) -> Result<Box<[u8]>, ScriptError> {
        if self.libraries.code_size() + code.len() > self.limits.memory {
            return Err(ScriptError::text(format!("ERR {NO_MEMORY}")));
        }
        self.sandbox.api.begin();
        self.libraries.load(&self.sandbox, code, replace)
    }

    /// Removes a library; `false`: there is none of this name.
    pub(crate) fn remove_library(&mut self, name: &[u8]) -> bool {
        self.libraries.remove(&self.sandbox.lua, name)
    }

    /// Removes all libraries.
    pub(crate) fn clear_libraries(&mut self) {
        self.libraries.clear(&self.sandbox.lua);
    }

    /// Removes all scripts.
    pub(crate) fn clear_scripts(&mut self) {
        self.cache.clear(&self.sandbox.lua);
    }
}

/// The digest that a script is known by.
pub(crate) fn digest(text: &[u8]) -> Digest {
    Sha1::digest(text).into()
}

/// A digest that a client has written in hexadecimal digits, in any letter case.
pub(crate) fn parse_digest(text: &[u8]) -> Option<Digest> {
    unhex(text)
}

/// A digest as clients write it.
pub(crate) fn shown_digest(digest: &Digest) -> String {
    hex(digest)
}
