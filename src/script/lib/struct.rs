//! `struct`: values as the bytes of a C structure.
//!
//! Layer `script`. A format is a sequence of options:
//!
//! ```text
//!   b B h H l L T     an integer as wide as C's char, short, long, size_t; in capitals without a sign
//!   iN IN             an integer of N bytes, 4 if N is left out, 32 at most
//!   f d               a float, a double
//!   s                 a string and a NUL after it
//!   cN                N bytes of a string, 1 if N is left out. With 0: all of it when packed, and when
//!                     unpacked as many as the value before says, which is left out then
//!   x                 a NUL
//!   < > !N            from here on: the lower byte first, the higher one first, and aligned to at most N
//!                     bytes, 8 if N is left out. At the beginning: < and !1
//! ```
//!
//! Only 64 bits of an integer are looked at. A number is turned into one as the processor does it.

use mlua::{Lua, LuaString, Table, Value};

use super::{Arguments, Made, Output, SLOTS, add};
use crate::script::convert::truncated;
use crate::script::memory::MemoryLimit;

/// Bytes of an integer, at most.
const WIDEST: usize = 32;
/// Bytes of an integer whose width is not told.
const INT: usize = 4;
/// What `!` aligns to by itself.
const ALIGNED: usize = 8;

/// Makes the library.
pub(super) fn register(lua: &Lua, memory: &MemoryLimit) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    let own = memory.clone();
    add(lua, &library, memory, "pack", move |args| pack(args, &own))?;
    let own = memory.clone();
    add(lua, &library, memory, "unpack", move |args| {
        unpack(args, &own)
    })?;
    add(lua, &library, memory, "size", size)?;
    Ok(library)
}

/// A format that is being read.
struct Format<'a> {
    args: &'a Arguments<'a>,
    rest: &'a [u8],
    is_little: bool,
    align: usize,
}

/// An option, and the number of its bytes; 0 if it has none, or if the value decides.
#[derive(Clone, Copy)]
struct Item {
    option: u8,
    size: usize,
}

impl<'a> Format<'a> {
    fn new(args: &'a Arguments<'a>, text: &'a [u8]) -> Format<'a> {
        Format {
            args,
            // As C reads it.
            rest: text.split(|&byte| byte == 0).next().unwrap_or_default(),
            is_little: true,
            align: 1,
        }
    }

    /// The next option.
    fn next(&mut self) -> mlua::Result<Option<Item>> {
        let Some((&option, rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        self.rest = rest;
        let size = match option {
            b'b' | b'B' | b'x' => 1,
            b'h' | b'H' => 2,
            b'f' => 4,
            b'l' | b'L' | b'T' | b'd' => 8,
            b'c' => self.number(1)?,
            b'i' | b'I' => {
                let size = self.number(INT)?;
                if size > WIDEST {
                    let text = format!("integral size {size} is larger than limit of {WIDEST}");
                    return Err(self.args.failed(text));
                }
                size
            }
            _ => 0,
        };
        Ok(Some(Item { option, size }))
    }

    /// The number that comes next, or else `otherwise`.
    fn number(&mut self, otherwise: usize) -> mlua::Result<usize> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit());
        let (digits, rest) = self.rest.split_at(digits.count());
        self.rest = rest;
        if digits.is_empty() {
            return Ok(otherwise);
        }
        let number = digits.iter().try_fold(0_i32, |number, digit| {
            number.checked_mul(10)?.checked_add(i32::from(digit - b'0'))
        });
        match number {
            Some(number) => Ok(number as usize),
            None => Err(self.args.failed("integral size overflow")),
        }
    }

    /// Bytes that are left out before an item that begins at `at`.
    fn padding(&self, at: usize, Item { option, size }: Item) -> usize {
        if size == 0 || option == b'c' {
            return 0;
        }
        // For sizes that are no power of two, this is what Redis does.
        let size = size.min(self.align);
        (size - (at & (size - 1))) & (size - 1)
    }

    /// An option that says how others are read.
    fn control(&mut self, option: u8) -> mlua::Result<()> {
        match option {
            b' ' => {}
            b'<' => self.is_little = true,
            b'>' => self.is_little = false,
            b'!' => {
                let align = self.number(ALIGNED)?;
                if !align.is_power_of_two() {
                    let text = format!("alignment {align} is not a power of 2");
                    return Err(self.args.failed(text));
                }
                self.align = align;
            }
            _ => {
                let text = [b"invalid format option '".as_slice(), &[option], b"'"].concat();
                return Err(self.args.error(1, text));
            }
        }
        Ok(())
    }

    /// Bytes of a number, the lower first, in the order that is asked for, and back.
    fn ordered<const SIZE: usize>(&self, mut bytes: [u8; SIZE]) -> [u8; SIZE] {
        if !self.is_little {
            bytes.reverse();
        }
        bytes
    }
}

fn pack(args: &Arguments<'_>, memory: &MemoryLimit) -> mlua::Result<LuaString> {
    let text = args.string(1)?;
    let text = text.as_bytes();
    let mut format = Format::new(args, &text);
    let mut out = Output::new(args.lua, memory, Vec::new());
    let mut number = 2;
    while let Some(item) = format.next()? {
        let Item { option, size } = item;
        let bytes = out.with_room(2 * WIDEST)?;
        bytes.resize(bytes.len() + format.padding(bytes.len(), item), 0);
        match option {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                let value = integer(packed_number(args, number)?);
                let mut wide = [0; WIDEST];
                wide[..8].copy_from_slice(&value.to_le_bytes());
                let begin = bytes.len();
                bytes.extend_from_slice(&wide[..size]);
                if !format.is_little {
                    bytes[begin..].reverse();
                }
                number += 1;
            }
            b'x' => bytes.push(0),
            b'f' => {
                let value = packed_number(args, number)? as f32;
                bytes.extend_from_slice(&format.ordered(value.to_le_bytes()));
                number += 1;
            }
            b'd' => {
                let value = packed_number(args, number)?;
                bytes.extend_from_slice(&format.ordered(value.to_le_bytes()));
                number += 1;
            }
            b'c' | b's' => {
                if args.get(number).is_none() {
                    return Err(args.error(number, "string expected, got nil"));
                }
                let value = args.string(number)?;
                let value = value.as_bytes();
                number += 1;
                let length = if size == 0 { value.len() } else { size };
                let Some(value) = value.get(..length) else {
                    // Redis counts on before it says so.
                    return Err(args.error(number, "string too short"));
                };
                out.push(value)?;
                if option == b's' {
                    out.push(&[0])?;
                }
            }
            _ => format.control(option)?,
        }
    }
    args.lua.create_string(out.into_bytes())
}

/// A number to pack. Behind the last argument, Redis's function finds a nil of its own.
fn packed_number(args: &Arguments<'_>, number: usize) -> mlua::Result<f64> {
    match args.get(number) {
        None => Err(args.error(number, "number expected, got nil")),
        Some(_) => args.number(number),
    }
}

fn unpack(args: &Arguments<'_>, memory: &MemoryLimit) -> mlua::Result<mlua::MultiValue> {
    let text = args.string(1)?;
    let text = text.as_bytes();
    let data = args.string(2)?;
    let data = data.as_bytes();
    let mut at = match args.integer_or(3, 1)? {
        0 => return Err(args.error(3, "offset must be 1 or greater")),
        // Redis takes a negative one for a large one.
        position => (position as usize) - 1,
    };
    let mut format = Format::new(args, &text);
    let mut made = Made::new(args.lua, memory);
    let mut values: Vec<Value> = Vec::new();
    let slice = |at: usize, size: usize| {
        let end = at.checked_add(size);
        let found = end.and_then(|end| data.get(at..end));
        found.ok_or_else(|| args.error(2, "data string too short"))
    };
    while let Some(item) = format.next()? {
        let Item { option, mut size } = item;
        at = at.wrapping_add(format.padding(at, item));
        let bytes = slice(at, size)?;
        if args.len() + values.len() + 2 > SLOTS {
            return Err(args.failed("stack overflow (too many results)"));
        }
        match option {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                let value = unpacked(bytes, format.is_little, option.is_ascii_lowercase());
                values.push(Value::Number(value));
            }
            b'f' => {
                let bytes = bytes.try_into().expect("as many as a float has");
                let value = f32::from_le_bytes(format.ordered(bytes));
                values.push(Value::Number(value.into()));
            }
            b'd' => {
                let bytes = bytes.try_into().expect("as many as a double has");
                let value = f64::from_le_bytes(format.ordered(bytes));
                values.push(Value::Number(value));
            }
            b'c' => {
                let mut bytes = bytes;
                if size == 0 {
                    let last = values.pop();
                    let last = last.map(|last| args.lua.coerce_number(last));
                    let Some(length) = last.transpose()?.flatten() else {
                        return Err(args.failed("format 'c0' needs a previous size"));
                    };
                    size = unsigned(length) as usize;
                    bytes = slice(at, size)?;
                }
                made.count(size)?;
                values.push(Value::String(args.lua.create_string(bytes)?));
            }
            b's' => {
                let rest = &data[at..];
                let Some(length) = rest.iter().position(|&byte| byte == 0) else {
                    return Err(args.failed("unfinished string in data"));
                };
                made.count(length)?;
                values.push(Value::String(args.lua.create_string(&rest[..length])?));
                size = length + 1;
            }
            b'x' => {}
            _ => format.control(option)?,
        }
        at += size;
    }
    values.push(Value::Number(at.wrapping_add(1).cast_signed() as f64));
    Ok(mlua::MultiValue::from_vec(values))
}

fn size(args: &Arguments<'_>) -> mlua::Result<f64> {
    let text = args.string(1)?;
    let text = text.as_bytes();
    let mut format = Format::new(args, &text);
    let mut total = 0;
    while let Some(item) = format.next()? {
        total += format.padding(total, item);
        match item {
            Item { option: b's', .. } => {
                return Err(args.error(1, "option 's' has no fixed size"));
            }
            Item {
                option: b'c',
                size: 0,
            } => return Err(args.error(1, "option 'c0' has no fixed size")),
            // Letters that are no options are passed over.
            Item { option, .. } if !option.is_ascii_alphanumeric() => format.control(option)?,
            _ => {}
        }
        total += item.size;
    }
    Ok(total as f64)
}

/// The 64 bits that a number is packed as.
fn integer(number: f64) -> u64 {
    if number < 0.0 {
        truncated(number).cast_unsigned()
    } else {
        unsigned(number)
    }
}

/// A number as an integer without a sign, as the processor makes it: from 2^63 on it does so by way of the
/// difference.
fn unsigned(number: f64) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    if number >= HALF {
        truncated(number - HALF).cast_unsigned() ^ (1 << 63)
    } else {
        truncated(number).cast_unsigned()
    }
}

/// The number that stands in these bytes, of which the lower 64 bits count.
fn unpacked(bytes: &[u8], is_little: bool, is_signed: bool) -> f64 {
    let add = |so_far: u64, byte: &u8| so_far << 8 | u64::from(*byte);
    let value = if is_little {
        bytes.iter().rev().fold(0, add)
    } else {
        bytes.iter().fold(0, add)
    };
    if !is_signed {
        return value as f64;
    }
    // A number of bits beyond 64 is cut by the processor.
    let bits = (bytes.len() * 8).wrapping_sub(1) as u32;
    let mask = u64::MAX.wrapping_shl(bits);
    let extended = if value & mask == 0 {
        value
    } else {
        value | mask
    };
    extended.cast_signed() as f64
}

#[cfg(all(test, not(shuttle)))]
mod tests;
