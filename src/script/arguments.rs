//! The keys and the other arguments of a script, on their way to Lua.
//!
//! Layer `script`. It uses nothing else.
//!
//! Lua gets them all in one call, and the sandbox puts them into the tables that the script sees. A
//! few are passed as arguments of that call: a Rust handle for a string of Lua, and one for a table,
//! cost more than the string. Many are passed in a table, since Lua's stack is limited.

use mlua::{Either, Function, IntoLua, Lua, LuaString, Table, Value, Variadic};

/// At most this many are passed as arguments.
const FEW: usize = 250;

/// A string. mlua copies text straight to Lua's stack; other bytes become a handle first.
type Word<'a> = Either<&'a str, OtherBytes<'a>>;

#[derive(Clone, Copy, Debug)]
struct OtherBytes<'a>(&'a [u8]);

impl IntoLua for OtherBytes<'_> {
    fn into_lua(self, lua: &Lua) -> mlua::Result<Value> {
        LuaString::wrap(self.0).into_lua(lua)
    }
}

/// What a script is given: its keys, and then its other arguments.
#[derive(Debug, Default)]
pub(crate) struct ScriptArguments<'a> {
    words: Vec<Word<'a>>,
    keys: usize,
}

impl<'a> ScriptArguments<'a> {
    /// The first `keys` words are the keys.
    pub(crate) fn new(words: impl Iterator<Item = &'a [u8]>, keys: usize) -> ScriptArguments<'a> {
        let words = words.map(|word| match str::from_utf8(word) {
            Ok(text) => Either::Left(text),
            Err(_) => Either::Right(OtherBytes(word)),
        });
        ScriptArguments {
            words: words.collect(),
            keys,
        }
    }
}

/// A function of the sandbox that takes a script's arguments, in its forms.
#[derive(Debug)]
pub(super) struct Entry {
    /// `(what, word, …)`, for no key, for one and for two.
    few: [Function; 3],
    /// `(what, number of keys, table of words)`
    many: Function,
}

impl Entry {
    /// The one that the sandbox has made in this form.
    pub(super) fn new(made: &Table) -> mlua::Result<Entry> {
        Ok(Entry {
            few: made.raw_get("few")?,
            many: made.raw_get("many")?,
        })
    }

    /// Calls it. Returns whether `what` came to its end, and its result or its error.
    pub(super) fn call(
        &self,
        lua: &Lua,
        what: impl IntoLua,
        arguments: ScriptArguments<'_>,
    ) -> mlua::Result<(bool, Value)> {
        let ScriptArguments { words, keys } = arguments;
        match self.few.get(keys) {
            Some(few) if words.len() <= FEW => few.call((what, Variadic::from(words))),
            _ => {
                let words = lua.create_sequence_from(words)?;
                self.many.call((what, keys, words))
            }
        }
    }
}
