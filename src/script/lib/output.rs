//! What a function makes, within the memory limit of scripts.
//!
//! Layer `script`. Lua's own limit is lifted meanwhile. How much it holds is looked at once in a while, and
//! whether the script must end.

use mlua::Lua;

use crate::script::errors::Raised;
use crate::script::host::CURRENT;
use crate::script::memory::MemoryLimit;

/// Bytes that are made before it is looked again.
const STEP: usize = 64 * 1024;

/// Bytes that become a string.
pub(super) struct Output<'a> {
    lua: &'a Lua,
    memory: &'a MemoryLimit,
    bytes: Vec<u8>,
    /// Bytes for which there is known to be room.
    room: usize,
}

impl<'a> Output<'a> {
    /// Output that begins in an empty buffer.
    pub(super) fn new(lua: &'a Lua, memory: &'a MemoryLimit, buffer: Vec<u8>) -> Output<'a> {
        Output {
            lua,
            memory,
            bytes: buffer,
            room: STEP,
        }
    }

    /// The bytes, to which `more` may be added.
    ///
    /// # Errors
    /// There is no room for them, or the script must end.
    pub(super) fn with_room(&mut self, more: usize) -> mlua::Result<&mut Vec<u8>> {
        let needed = self.bytes.len().saturating_add(more);
        if needed > self.room {
            look(self.lua, self.memory, needed)?;
            self.room = needed + STEP;
        }
        Ok(&mut self.bytes)
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// As those of [`with_room`](Output::with_room).
    pub(super) fn push(&mut self, bytes: &[u8]) -> mlua::Result<()> {
        self.with_room(bytes.len())?.extend_from_slice(bytes);
        Ok(())
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Takes back what came after so many.
    pub(super) fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// What was added.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Values of Lua that are made.
pub(super) struct Made<'a> {
    lua: &'a Lua,
    memory: &'a MemoryLimit,
    /// Bytes since it was looked.
    bytes: usize,
}

impl<'a> Made<'a> {
    pub(super) fn new(lua: &'a Lua, memory: &'a MemoryLimit) -> Made<'a> {
        Made {
            lua,
            memory,
            bytes: 0,
        }
    }

    /// A value is about to be made that has so many bytes of its own.
    ///
    /// # Errors
    /// There is no room for it, or the script must end.
    pub(super) fn count(&mut self, bytes: usize) -> mlua::Result<()> {
        /// What a value takes as a member of a table.
        const MEMBER: usize = 64;
        self.bytes += bytes + MEMBER;
        if self.bytes > STEP {
            look(self.lua, self.memory, bytes)?;
            self.bytes = 0;
        }
        Ok(())
    }
}

/// Whether there is room for `more` bytes, and the script may go on.
fn look(lua: &Lua, memory: &MemoryLimit, more: usize) -> mlua::Result<()> {
    let stop = CURRENT.is_set().then(|| CURRENT.with(|host| host.tick()));
    match stop.flatten() {
        Some(stop) => Err(Raised::Stop(stop).into()),
        None => memory.check(lua, more),
    }
}
