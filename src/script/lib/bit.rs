//! `bit`: operations on the bits of 32-bit integers.
//!
//! Layer `script`. A number is rounded to an integer, of which the lower 32 bits are taken. Results are
//! signed.

use mlua::{Lua, Table};

use super::{Arguments, add};
use crate::script::memory::MemoryLimit;

/// An operation on one integer.
type Unary = fn(u32) -> u32;
/// An operation on any number of integers, two at a time.
type Fold = fn(u32, u32) -> u32;
/// An operation on an integer, by so many bits.
type Shift = fn(u32, u32) -> u32;

const UNARY: &[(&str, Unary)] = &[
    ("tobit", |bits| bits),
    ("bnot", |bits| !bits),
    ("bswap", u32::swap_bytes),
];
const FOLDS: &[(&str, Fold)] = &[
    ("band", |one, other| one & other),
    ("bor", |one, other| one | other),
    ("bxor", |one, other| one ^ other),
];
/// Of the number of bits, Rust takes the lower five as well.
const SHIFTS: &[(&str, Shift)] = &[
    ("lshift", u32::wrapping_shl),
    ("rshift", u32::wrapping_shr),
    ("arshift", |bits, by| {
        bits.cast_signed().wrapping_shr(by).cast_unsigned()
    }),
    ("rol", |bits, by| bits.rotate_left(by % 32)),
    ("ror", |bits, by| bits.rotate_right(by % 32)),
];

/// Makes the library.
pub(super) fn register(lua: &Lua, memory: &MemoryLimit) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    for &(name, operation) in UNARY {
        add(lua, &library, memory, name, move |args| {
            Ok(operation(bits(args, 1)?).cast_signed())
        })?;
    }
    for &(name, operation) in FOLDS {
        add(lua, &library, memory, name, move |args| {
            // As in Redis, the first wrong argument from the end is the one that is told.
            let first = bits(args, 1)?;
            let folded = (2..=args.len()).rev().try_fold(first, |so_far, number| {
                Ok::<_, mlua::Error>(operation(so_far, bits(args, number)?))
            });
            Ok(folded?.cast_signed())
        })?;
    }
    for &(name, operation) in SHIFTS {
        add(lua, &library, memory, name, move |args| {
            Ok(operation(bits(args, 1)?, bits(args, 2)?).cast_signed())
        })?;
    }
    add(lua, &library, memory, "tohex", to_hex)?;
    Ok(library)
}

/// The lower 32 bits of an argument.
fn bits(args: &Arguments<'_>, number: usize) -> mlua::Result<u32> {
    /// 2^52 + 2^51. A sum with it has no room for a fraction, so the processor rounds it, to an even
    /// integer from halfway. The integer then is in its lower bits.
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    Ok((args.number(number)? + MAGIC).to_bits() as u32)
}

/// The last hexadecimal digits, as many as the second argument says; in capitals if it is negative.
fn to_hex(args: &Arguments<'_>) -> mlua::Result<String> {
    let value = bits(args, 1)?;
    let digits = match args.get(2) {
        Some(_) => bits(args, 2)?.cast_signed(),
        None => 8,
    };
    let text = match digits {
        ..0 => format!("{value:08X}"),
        _ => format!("{value:08x}"),
    };
    let shown = digits.unsigned_abs().min(8) as usize;
    Ok(text[text.len() - shown..].to_owned())
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use crate::script::lib::tests::check;

    #[test]
    fn numbers_are_rounded_and_cut_to_32_bits() {
        check(
            "bit.tobit(0.5), bit.tobit(1.5), bit.tobit(2^32 + 5), bit.tobit(2^31), bit.tobit('7')",
            "0 2 5 -2147483648 7",
        );
        check("bit.tobit(1/0), bit.tobit(0/0)", "0 0");
    }

    #[test]
    fn operations() {
        check(
            "bit.bnot(0), bit.band(7, 13, 5), bit.bor(1, 2, 4), bit.bxor(7, 2)",
            "-1 5 7 5",
        );
        check(
            "bit.lshift(1, 31), bit.lshift(1, 33), bit.rshift(-8, 1), bit.arshift(-8, 1)",
            "-2147483648 2 2147483644 -4",
        );
        check(
            "bit.rol(0x12345678, 12), bit.ror(1, 1), bit.bswap(0x12345678)",
            "1164411171 -2147483648 2018915346",
        );
    }

    #[test]
    fn hexadecimal_digits() {
        check(
            "bit.tohex(255), bit.tohex(-1, 4), bit.tohex(0xabcd, -3), bit.tohex(1, -2^31)",
            "000000ff ffff BCD 00000001",
        );
        check(
            "'[' .. bit.tohex(1, 0) .. ']', bit.tohex(1, 99)",
            "[] 00000001",
        );
    }

    #[test]
    fn what_is_no_number_is_refused() {
        check(
            "bit.band()",
            "bad argument #1 to 'band' (number expected, got no value)",
        );
        check(
            "bit.band(1, {}, 'x')",
            "bad argument #3 to 'band' (number expected, got string)",
        );
        check(
            "pcall(bit.tobit, nil)",
            "false bad argument #1 to '?' (number expected, got nil)",
        );
    }
}
