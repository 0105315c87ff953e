//! Scripts in Lua: what EVAL, EVALSHA and FCALL run.
//!
//! Layer `script`, beside `store`: below the commands, which a script calls, and above `resp`. It
//! knows no command and no key. `command::script` calls [`Engine::run`] and is called back through
//! [`Host`](host::Host).
//!
//! ```text
//!   command::script       EVAL text numkeys key … arg …
//!        │                takes the keyspace's lock, then the engine's
//!        ▼
//!   engine.run            finds or compiles the script (cache), sets KEYS and ARGV
//!        │                puts the host into a thread-local variable
//!        ▼
//!   Lua ── redis.call ──▶ api ──▶ Host::call ──▶ command::script ──▶ the command's handler
//!        ◀── a value ──── convert ◀── Reply ◀─── with a sink that builds a value
//!        │
//!        ▼
//!   convert               what the script returns, as a Reply; or errors, with the place
//!        │
//!        ▼
//!   command::script       answers; then the dispatcher serves waiters, tells changes, publishes
//! ```
//!
//! Invariants:
//! - A script runs while its connection holds the keyspace's lock, from before its first line until
//!   what it brought about is published. So it is one step for everybody else, one script runs at a
//!   time, and one Lua state is enough for the server. The engine's lock comes right after the keyspace's.
//! - A script is never moved to another thread, and never suspended.
//! - No table that a script can reach is seen by another one, but for the local variables of a library
//!   ([`sandbox`]).
//! - What Lua holds, and the scripts that are kept, have limits ([`engine`], [`cache`]).
//! - A panic in a command that a script has called drops the engine: what was compiled is gone.
//!
//! **A script that does not end.** Lua calls the host once in about a millisecond ([`Host::tick`](host::Host::tick));
//! short scripts never get so far. The host compares the time with `busy-reply-threshold`. Past it, the
//! script is *busy* ([`running`]):
//! - The thread that runs it gives its other connections to a new thread (`state::hand_over`), so
//!   that sockets are read and written, even if there is a single worker. The script goes on
//!   on its own thread. A worker is a tokio runtime for several threads that has one, because only
//!   that kind can be handed over; a runtime for the current thread cannot.
//! - Who waits for the keyspace's lock gives up and answers BUSY. Commands that need neither the lock
//!   nor the engine go on: publishing, subscribing, CLIENT, INFO.
//! - SCRIPT KILL sets a flag, which the next tick finds. The error that ends the script cannot be
//!   caught. A script that has called a command that writes is not killed. SHUTDOWN ends any script.
//!
//! ```text
//!   arguments  KEYS and ARGV
//!   engine     a state with its scripts and libraries, its memory and its hook
//!   sandbox    what scripts can reach; sandbox.lua builds it
//!   api        the functions of `redis`
//!   convert    replies to Lua and back
//!   cache      compiled scripts by digest
//!   library    FUNCTION LOAD, register_function
//!   shebang    the first line: flags
//!   errors     texts, places, what scripts see of errors
//!   random     math.random
//!   running    the script that runs, as other threads see it
//!   host       what a script needs of the server
//!   memory     the limit of what Lua may hold
//!   names      the names of fields
//!   lib        cjson and its kin
//! ```

mod api;
mod arguments;
mod cache;
mod convert;
pub(crate) mod engine;
pub(crate) mod errors;
pub(crate) mod host;
mod lib;
pub(crate) mod library;
mod memory;
mod names;
mod random;
pub(crate) mod running;
mod sandbox;
pub(crate) mod shebang;
#[cfg(all(test, not(shuttle)))]
mod tests;

use std::ops::{Deref, DerefMut};

use parking_lot::{Mutex, MutexGuard};

pub(crate) use arguments::ScriptArguments;
pub(crate) use cache::Digest;
pub(crate) use engine::Engine;
use engine::{EngineFigures, EngineLimits};
use errors::ScriptError;
use running::Running;

/// The scripts of a server.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    /// Made when it is first needed. Its lock is taken by who has the keyspace's.
    engine: Mutex<Option<Box<Engine>>>,
    /// What was last seen of it.
    figures: Mutex<EngineFigures>,
    /// What runs.
    pub running: Running,
}

impl Scripts {
    /// The engine. The caller has the keyspace's lock.
    ///
    /// # Errors
    /// There is too little memory for one.
    pub(crate) fn engine(&self, limits: EngineLimits) -> Result<EngineGuard<'_>, ScriptError> {
        let mut slot = self.engine.lock();
        match &mut *slot {
            Some(engine) => engine.limit(limits),
            None => {
                let engine = Engine::new(limits).map_err(|error| {
                    ScriptError::text(format!("ERR {}", errors::plain_text(&error)))
                })?;
                *slot = Some(Box::new(engine));
            }
        }
        Ok(EngineGuard {
            slot,
            panicking: std::thread::panicking(),
        })
    }

    /// What INFO tells; while a script runs, as it was before.
    pub(crate) fn figures(&self) -> EngineFigures {
        let mut figures = self.figures.lock();
        if let Some(engine) = self.engine.try_lock() {
            *figures = engine.as_deref().map(Engine::figures).unwrap_or_default();
        }
        *figures
    }
}

/// The engine, for who has its lock.
#[derive(Debug)]
pub(crate) struct EngineGuard<'a> {
    slot: MutexGuard<'a, Option<Box<Engine>>>,
    /// Whether the thread panicked before.
    panicking: bool,
}

impl Deref for EngineGuard<'_> {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        self.slot.as_ref().expect("it is there until it is dropped")
    }
}

impl DerefMut for EngineGuard<'_> {
    fn deref_mut(&mut self) -> &mut Engine {
        self.slot.as_mut().expect("it is there until it is dropped")
    }
}

impl Drop for EngineGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.panicking {
            // Nobody knows how far it has come.
            *self.slot = None;
        }
    }
}
