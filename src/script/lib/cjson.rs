//! `cjson`: values as JSON.
//!
//! Layer `script`. This file has the options and the functions; [`encode`] and [`decode`] do the work.
//! A table is an array if its keys are positive integers, with gaps as far as `encode_sparse_array`
//! allows, and an object otherwise and if it is empty. `null` is a userdata of its own.
//!
//! As in Redis, options are kept from one script to the next. `new` makes a library with options of its
//! own.

mod decode;
mod encode;
mod number;

use std::sync::Arc;

use mlua::{Function, Lua, MultiValue, Table, Value};
use parking_lot::Mutex;

use super::{Arguments, Output, add};
use crate::script::memory::MemoryLimit;

/// Bytes of a buffer that is kept.
const KEPT: usize = 64 * 1024;

/// What can be set.
#[derive(Clone, Copy, Debug)]
struct Options {
    /// Whether a table with too many gaps is an object, or an error.
    encode_sparse_convert: bool,
    /// A table has too many gaps if its highest key is so many times its length; 0: it never has.
    encode_sparse_ratio: i32,
    /// Up to this key it has not.
    encode_sparse_safe: i32,
    encode_max_depth: i32,
    decode_max_depth: i32,
    /// Digits of a number.
    encode_number_precision: u8,
    encode_keep_buffer: bool,
    encode_invalid_numbers: Invalid,
    decode_invalid_numbers: bool,
}

/// What becomes of an infinity, and of what is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Invalid {
    Error,
    /// What JSON does not know.
    Text,
    Null,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            encode_sparse_convert: false,
            encode_sparse_ratio: 2,
            encode_sparse_safe: 10,
            encode_max_depth: 1000,
            decode_max_depth: 1000,
            encode_number_precision: 14,
            encode_keep_buffer: true,
            encode_invalid_numbers: Invalid::Error,
            decode_invalid_numbers: true,
        }
    }
}

/// What the functions of one library share.
#[derive(Debug, Default)]
struct Shared {
    options: Mutex<Options>,
    /// An empty buffer, if it is kept.
    buffer: Mutex<Vec<u8>>,
}

/// Makes the library. Lua's own globals are there.
pub(super) fn register(lua: &Lua, memory: &MemoryLimit) -> mlua::Result<Table> {
    let next = lua.globals().raw_get("next")?;
    make(lua, memory, &Arc::new(next))
}

/// Makes a library with options of its own. `next` is Lua's function of this name. All libraries have the
/// same reference to it, as there cannot be many references.
fn make(lua: &Lua, memory: &MemoryLimit, next: &Arc<Function>) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    library.raw_set("_NAME", "cjson")?;
    library.raw_set("_VERSION", "2.1.0")?;
    library.raw_set("null", Value::NULL)?;
    let shared = Arc::<Shared>::default();
    let (own, limit, next_member) = (Arc::clone(&shared), memory.clone(), Arc::clone(next));
    add(lua, &library, memory, "encode", move |args| {
        let value = only_argument(args)?;
        let options = *own.options.lock();
        let buffer = std::mem::take(&mut *own.buffer.lock());
        let mut out = Output::new(args.lua, &limit, buffer);
        encode::encode(args, value, &next_member, &options, &mut out)?;
        let mut bytes = out.into_bytes();
        let text = args.lua.create_string(&bytes)?;
        if options.encode_keep_buffer {
            bytes.clear();
            bytes.shrink_to(KEPT);
            *own.buffer.lock() = bytes;
        }
        Ok(text)
    })?;
    let (own, limit) = (Arc::clone(&shared), memory.clone());
    add(lua, &library, memory, "decode", move |args| {
        only_argument(args)?;
        let options = *own.options.lock();
        decode::decode(args, &options, &limit)
    })?;
    let (limit, next) = (memory.clone(), Arc::clone(next));
    add(lua, &library, memory, "new", move |args| {
        make(args.lua, &limit, &next)
    })?;
    for &(name, arguments, option) in OPTIONS {
        let shared = Arc::clone(&shared);
        add(lua, &library, memory, name, move |args| {
            if args.len() > arguments {
                return Err(args.error(arguments + 1, "found too many arguments"));
            }
            option(args, &mut shared.options.lock())
        })?;
    }
    Ok(library)
}

fn only_argument<'a>(args: &Arguments<'a>) -> mlua::Result<&'a Value> {
    match (args.get(1), args.len()) {
        (Some(value), 1) => Ok(value),
        _ => Err(args.error(1, "expected 1 argument")),
    }
}

/// Sets an option if there are arguments, and says what it is.
type Set = fn(&Arguments<'_>, &mut Options) -> mlua::Result<MultiValue>;

/// The functions that set options, and how many arguments each may have.
const OPTIONS: &[(&str, usize, Set)] = &[
    ("encode_sparse_array", 3, |args, options| {
        options.encode_sparse_convert = flag(args, options.encode_sparse_convert)?;
        integer(args, 2, &mut options.encode_sparse_ratio, 0, i32::MAX)?;
        integer(args, 3, &mut options.encode_sparse_safe, 0, i32::MAX)?;
        Ok(MultiValue::from_vec(vec![
            Value::Boolean(options.encode_sparse_convert),
            Value::Integer(options.encode_sparse_ratio.into()),
            Value::Integer(options.encode_sparse_safe.into()),
        ]))
    }),
    ("encode_max_depth", 1, |args, options| {
        integer(args, 1, &mut options.encode_max_depth, 1, i32::MAX)?;
        one(Value::Integer(options.encode_max_depth.into()))
    }),
    ("decode_max_depth", 1, |args, options| {
        integer(args, 1, &mut options.decode_max_depth, 1, i32::MAX)?;
        one(Value::Integer(options.decode_max_depth.into()))
    }),
    ("encode_number_precision", 1, |args, options| {
        let mut digits = options.encode_number_precision.into();
        integer(args, 1, &mut digits, 1, 14)?;
        options.encode_number_precision = digits as u8;
        one(Value::Integer(digits.into()))
    }),
    ("encode_keep_buffer", 1, |args, options| {
        options.encode_keep_buffer = flag(args, options.encode_keep_buffer)?;
        one(Value::Boolean(options.encode_keep_buffer))
    }),
    ("encode_invalid_numbers", 1, |args, options| {
        let chosen = choice(args, &["off", "on", "null"])?;
        options.encode_invalid_numbers = match chosen {
            None => options.encode_invalid_numbers,
            Some(0) => Invalid::Error,
            Some(1) => Invalid::Text,
            Some(_) => Invalid::Null,
        };
        one(match options.encode_invalid_numbers {
            Invalid::Error => Value::Boolean(false),
            Invalid::Text => Value::Boolean(true),
            Invalid::Null => Value::String(args.lua.create_string("null")?),
        })
    }),
    ("decode_invalid_numbers", 1, |args, options| {
        options.decode_invalid_numbers = flag(args, options.decode_invalid_numbers)?;
        one(Value::Boolean(options.decode_invalid_numbers))
    }),
];

fn one(value: Value) -> mlua::Result<MultiValue> {
    Ok(MultiValue::from_iter([value]))
}

/// Sets an option that is an integer, if the argument is there.
fn integer(
    args: &Arguments<'_>,
    number: usize,
    option: &mut i32,
    least: i32,
    most: i32,
) -> mlua::Result<()> {
    if args.given(number).is_some() {
        let value = args.integer(number)? as i32;
        if !(least..=most).contains(&value) {
            // As in Redis, it is always the first that is blamed.
            let text = format!("expected integer between {least} and {most}");
            return Err(args.error(1, text));
        }
        *option = value;
    }
    Ok(())
}

/// What an option is that is off or on: what the first argument says, or else what it was.
fn flag(args: &Arguments<'_>, option: bool) -> mlua::Result<bool> {
    Ok(choice(args, &["off", "on"])?.map_or(option, |chosen| chosen == 1))
}

/// Which of these the first argument is, if it is there. The first two are `false` and `true` as well.
fn choice(args: &Arguments<'_>, names: &[&str]) -> mlua::Result<Option<usize>> {
    match args.given(1) {
        None => return Ok(None),
        Some(Value::Boolean(value)) => return Ok(Some(usize::from(*value))),
        Some(_) => {}
    }
    let text = args.string(1)?;
    let text = text.as_bytes();
    // As C reads it.
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    match names.iter().position(|name| name.as_bytes() == text) {
        Some(chosen) => Ok(Some(chosen)),
        None => Err(args.error(1, [b"invalid option '".as_slice(), text, b"'"].concat())),
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
