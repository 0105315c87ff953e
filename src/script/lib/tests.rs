//! What the tests of the libraries have in common.

use mlua::Value;

use crate::script::memory::{MemoryLimit, NO_MEMORY};
use crate::script::sandbox::Sandbox;

/// Bytes that scripts may use here.
pub(super) const MEMORY: usize = 4 * 1024 * 1024;

/// A state for scripts.
pub(super) fn sandbox() -> Sandbox {
    Sandbox::new(MemoryLimit::new(MEMORY)).expect("a state")
}

/// What expressions give in a state of their own, with spaces in between; or the text of the error.
pub(super) fn run(expressions: &str) -> String {
    run_in(&sandbox(), expressions)
}

/// The same in this state.
pub(super) fn run_in(sandbox: &Sandbox, expressions: &str) -> String {
    let script = format!(
        "local function hex(byte) return ('%02x'):format(byte:byte()) end
        local function shown(...)
          local texts = {{}}
          for index = 1, select('#', ...) do texts[index] = tostring((select(index, ...))) end
          return table.concat(texts, ' ')
        end
        local ok, shown = pcall(function() return shown({expressions}) end)
        return shown"
    );
    let script = sandbox.compile(script.as_bytes(), "@user_script");
    let script = script.unwrap_or_else(|error| panic!("{expressions}: {error}"));
    let shown = sandbox
        .memory
        .hold(&sandbox.lua, || script.call::<Value>(()));
    match shown {
        Ok(Value::String(shown)) => shown.to_string_lossy(),
        // There is not even enough to say so.
        Err(mlua::Error::MemoryError(_)) => NO_MEMORY.to_owned(),
        other => panic!("{expressions}: {other:?}"),
    }
}

/// Asserts what expressions give. An error's position is left out.
#[track_caller]
pub(super) fn check(expressions: &str, expected: &str) {
    let shown = run(expressions);
    let shown = shown.strip_prefix("user_script:7: ").unwrap_or(&shown);
    assert_eq!(shown, expected, "{expressions}");
}
