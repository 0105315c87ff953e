//! What goes wrong in scripts, in Redis's words.
//!
//! Layer `script`.
//!
//! Lua's own errors are strings or tables. What a function of this server raises passes through Lua as
//! a [`Raised`], since a Rust function cannot raise a value of Lua. Before a script sees it, the sandbox
//! turns it into what Redis would have raised ([`Raised::Table`] or a string). So does the message
//! handler, for an error that ends the script.

use std::fmt;

use mlua::{Error, Lua, Table, Value};

use super::memory::NO_MEMORY;
use super::names::Names;
use super::running::Kind;
use crate::resp::error::CommandError;

/// No script of this digest is known.
pub(crate) const NO_SCRIPT: CommandError =
    CommandError::text("NOSCRIPT No matching script. Please use EVAL.");
/// A slow script runs.
pub(crate) const BUSY_SCRIPT: CommandError = CommandError::text(
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
);
/// A slow function runs.
pub(crate) const BUSY_FUNCTION: CommandError = CommandError::text(
    "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
);
/// There is nothing to kill.
pub(crate) const NOT_BUSY: CommandError =
    CommandError::text("NOTBUSY No scripts in execution right now.");
/// What runs has changed keys.
pub(crate) const UNKILLABLE: CommandError = CommandError::text(
    "UNKILLABLE Sorry the script already executed write commands against the dataset. You can \
     either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE \
     command.",
);

/// Why a script must end before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// SCRIPT KILL or FUNCTION KILL.
    Killed(Kind),
    /// The server ends.
    Shutdown,
    /// A library's text has run too long.
    LoadTime,
    /// A command that the script has called has panicked.
    Panicked,
}

impl Stop {
    /// What a script's first write is refused with, if it was killed a moment before.
    pub(crate) fn error(self) -> CommandError {
        CommandError::text(self.text())
    }

    fn text(self) -> &'static str {
        match self {
            Stop::Killed(Kind::Script) => "ERR Script killed by user with SCRIPT KILL...",
            Stop::Killed(Kind::Function) => "ERR Script killed by user with FUNCTION KILL...",
            Stop::Shutdown => "ERR The server is shutting down",
            Stop::LoadTime => "ERR FUNCTION LOAD timeout",
            Stop::Panicked => "ERR A command has panicked",
        }
    }
}

/// Where in a script something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// `@user_script`, `@user_function`.
    pub source: String,
    /// The line; the first is 1.
    pub line: usize,
}

/// An error that a function of this server raises.
#[derive(Clone, Debug)]
pub(super) enum Raised {
    /// A string, as Lua's own functions raise it.
    Text(Vec<u8>),
    /// A table with the fields `err`, `source` and `line`, as `redis.call` raises it.
    Table {
        /// With its code (`ERR …`).
        text: Vec<u8>,
        /// Where `redis.call` was called.
        place: Option<Place>,
        /// It was counted already.
        counted: bool,
    },
    /// The end of the script, which no `pcall` may keep.
    Stop(Stop),
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Raised::Text(text) | Raised::Table { text, .. } => {
                f.write_str(&String::from_utf8_lossy(text))
            }
            Raised::Stop(stop) => f.write_str(stop.text()),
        }
    }
}

impl std::error::Error for Raised {}

impl From<Raised> for Error {
    fn from(raised: Raised) -> Error {
        Error::external(raised)
    }
}

/// Why a script did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScriptError {
    /// The text, with its code, and without the script's name.
    pub text: Vec<u8>,
    /// Where it happened.
    pub place: Option<Place>,
    /// Whether the command that failed has counted it.
    pub counted: bool,
}

impl ScriptError {
    /// An error without a place.
    pub(super) fn text(text: impl Into<Vec<u8>>) -> ScriptError {
        ScriptError {
            text: text.into(),
            place: None,
            counted: false,
        }
    }

    /// The text as the client sees it: `… script: name, on @user_script:1.`
    pub(crate) fn shown(&self, name: &[u8]) -> Vec<u8> {
        let mut shown = [&self.text, b" script: ".as_slice(), name].concat();
        if let Some(Place { source, line }) = &self.place {
            shown.extend(format!(", on {source}:{line}.").into_bytes());
        }
        shown
    }
}

/// The first function from the top of the stack that is a script's own, and the line that it is at.
/// `level` 1 is the caller of the function that asks.
pub(super) fn place(lua: &Lua, level: usize) -> Option<Place> {
    /// Functions between a script's own and the top of the stack: those of the sandbox.
    const DEEPEST: usize = 16;
    (level..level + DEEPEST).find_map(|level| {
        let found = lua.inspect_stack(level, |debug| {
            let source = debug.source().source?.into_owned();
            let line = debug.current_line()?;
            source
                .starts_with("@user_")
                .then_some(Place { source, line })
        });
        found.flatten()
    })
}

/// What Lua writes before the text of an error: `user_script:1: `, if Lua code has called the function.
fn position(lua: &Lua) -> String {
    let position = lua.inspect_stack(1, |debug| {
        let (source, line) = (debug.source().short_src?, debug.current_line()?);
        Some(format!("{source}:{line}: "))
    });
    position.flatten().unwrap_or_default()
}

/// A string, as Lua's `error` raises it, with its position.
pub(super) fn text(lua: &Lua, text: impl AsRef<[u8]>) -> Error {
    Raised::Text([position(lua).as_bytes(), text.as_ref()].concat()).into()
}

/// An error that [`bare`] has made, with its position.
pub(super) fn with_position(lua: &Lua, error: Error) -> Error {
    match raised(&error) {
        Some(Raised::Text(bytes)) => text(lua, bytes),
        _ => error,
    }
}

/// A string without a position: as Lua itself raises it in a function that is none of Lua's, or where the
/// stack is not that of the function that was called.
pub(super) fn bare(text: impl Into<Vec<u8>>) -> Error {
    Raised::Text(text.into()).into()
}

/// As Lua says that an argument is wrong: `bad argument #1 to 'random' (interval is empty)`. The function
/// has the name that its caller uses, and its arguments are counted as the caller writes them.
pub(super) fn argument(lua: &Lua, number: usize, what: impl AsRef<[u8]>) -> Error {
    let called = lua.inspect_stack(0, |debug| {
        let names = debug.names();
        let is_method = names.name_what == Some("method");
        (names.name.map(|name| name.into_owned()), is_method)
    });
    let (name, is_method) = called.unwrap_or_default();
    let name = name.as_deref().unwrap_or("?");
    let begin = match number {
        1 if is_method => format!("calling '{name}' on bad self ("),
        _ => {
            let number = number.saturating_sub(usize::from(is_method));
            format!("bad argument #{number} to '{name}' (")
        }
    };
    text(lua, [begin.as_bytes(), what.as_ref(), b")"].concat())
}

/// As Lua says that an argument is of the wrong type.
pub(super) fn argument_type(
    lua: &Lua,
    number: usize,
    expected: &str,
    given: Option<&Value>,
) -> Error {
    let given = given.map_or("no value", type_name);
    argument(lua, number, format!("{expected} expected, got {given}"))
}

/// The name that Lua's `type` gives.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) | Value::Number(_) => "number",
        Value::LightUserData(_) | Value::UserData(_) | Value::Error(_) => "userdata",
        value => value.type_name(),
    }
}

/// An error as the functions of `redis` raise it, with its code.
pub(super) fn table(lua: &Lua, text: impl Into<Vec<u8>>) -> Error {
    Raised::Table {
        text: text.into(),
        place: place(lua, 1),
        counted: false,
    }
    .into()
}

/// What has been raised by a function of this server, if it has.
fn raised(error: &Error) -> Option<&Raised> {
    match error {
        Error::CallbackError { cause, .. } => raised(cause),
        Error::ExternalError(error) => error.downcast_ref(),
        _ => None,
    }
}

/// The text of an error of Lua's, without the stack.
pub(super) fn plain_text(error: &Error) -> String {
    match error {
        Error::CallbackError { cause, .. } => plain_text(cause),
        Error::SyntaxError { message, .. } => message.clone(),
        Error::RuntimeError(text) => text.clone(),
        Error::MemoryError(_) => NO_MEMORY.to_owned(),
        error => error.to_string(),
    }
}

/// An error value as a script may see it.
///
/// # Errors
/// A [`Stop`], which is raised again.
pub(super) fn shown(lua: &Lua, names: &Names, value: Value) -> mlua::Result<Value> {
    let Value::Error(error) = value else {
        return Ok(value);
    };
    let shown = match raised(&error) {
        None => Value::String(lua.create_string(plain_text(&error))?),
        Some(Raised::Text(text)) => Value::String(lua.create_string(text)?),
        Some(Raised::Table {
            text,
            place,
            counted,
        }) => Value::Table(error_table(lua, names, text, place.as_ref(), *counted)?),
        Some(Raised::Stop(_)) => return Err(*error),
    };
    Ok(shown)
}

/// A table that stands for an error.
pub(super) fn error_table(
    lua: &Lua,
    names: &Names,
    text: &[u8],
    place: Option<&Place>,
    counted: bool,
) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set(&names.err, lua.create_string(text)?)?;
    if let Some(Place { source, line }) = place {
        table.raw_set(&names.source, source.as_str())?;
        table.raw_set(&names.line, *line)?;
    }
    if counted {
        table.raw_set(&names.counted, true)?;
    }
    Ok(table)
}

/// What a script came to that ended with this value as its error.
pub(super) fn describe(
    lua: &Lua,
    names: &Names,
    value: Value,
    place: Option<Place>,
) -> ScriptError {
    let described = match &value {
        Value::Table(table) => {
            let field = table.raw_get::<Value>(&names.err);
            let counted = table.raw_get::<Option<bool>>(&names.counted);
            let text = match field {
                Ok(Value::String(text)) => text.as_bytes().to_vec(),
                _ => b"ERR unknown error".to_vec(),
            };
            ScriptError {
                text,
                place: place.or_else(|| placed(table, names)),
                counted: matches!(counted, Ok(Some(true))),
            }
        }
        Value::Error(error) => match raised(error) {
            Some(Raised::Table {
                text,
                place: own,
                counted,
            }) => ScriptError {
                text: text.clone(),
                place: place.or_else(|| own.clone()),
                counted: *counted,
            },
            Some(Raised::Text(text)) => ScriptError {
                place,
                ..ScriptError::text([b"ERR ".as_slice(), text].concat())
            },
            Some(Raised::Stop(stop)) => ScriptError {
                text: stop.text().into(),
                place,
                counted: false,
            },
            None => {
                let text = format!("ERR {}", plain_text(error));
                ScriptError {
                    place,
                    ..ScriptError::text(text)
                }
            }
        },
        value => {
            let text = lua.coerce_string(value.clone()).ok().flatten();
            let text = match (text, value) {
                (Some(text), _) => text.as_bytes().to_vec(),
                (None, Value::Boolean(value)) => value.to_string().into(),
                (None, value) => type_name(value).into(),
            };
            ScriptError {
                place,
                ..ScriptError::text([b"ERR ".as_slice(), &text].concat())
            }
        }
    };
    ScriptError {
        text: one_line(described.text),
        ..described
    }
}

/// The place that an error's table tells.
fn placed(table: &Table, names: &Names) -> Option<Place> {
    let source = table.raw_get::<mlua::LuaString>(&names.source).ok()?;
    let line = table.raw_get(&names.line).ok()?;
    Some(Place {
        source: source.to_string_lossy(),
        line,
    })
}

/// Without the line breaks at the end, which the script's name follows.
fn one_line(mut text: Vec<u8>) -> Vec<u8> {
    while matches!(text.last(), Some(b'\r' | b'\n')) {
        text.pop();
    }
    text
}
