//! `math.random` and `math.randomseed`.
//!
//! Layer `script`. The generator is POSIX's `lrand48`, as in Redis: the same seed gives the same
//! numbers. As in Redis 7, it goes on from one script to the next; a script that wants the same numbers
//! in every run begins with `math.randomseed`.

use std::sync::Arc;

use mlua::{Lua, MultiValue, Table, Value};
use parking_lot::Mutex;

use super::errors;

/// Numbers are below this.
const RANGE: u64 = 0x7fff_ffff;

/// The generator, 48 bits.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Default for Random {
    fn default() -> Random {
        // Where C's generator begins that is given no seed.
        Random(0x1234_abcd_330e)
    }
}

impl Random {
    /// A generator that begins with this seed.
    fn seeded(seed: i32) -> Random {
        Random(u64::from(seed as u32) << 16 | 0x330e)
    }

    /// The next number, from 0 to 1.
    fn next(&mut self) -> f64 {
        const BITS: u64 = (1 << 48) - 1;
        self.0 = self.0.wrapping_mul(0x5_deec_e66d).wrapping_add(0xb) & BITS;
        ((self.0 >> 17) % RANGE) as f64 / RANGE as f64
    }
}

/// Puts the functions into the table `math`.
pub(super) fn register(lua: &Lua, math: &Table) -> mlua::Result<()> {
    let random = Arc::new(Mutex::new(Random::default()));
    let generator = Arc::clone(&random);
    let function = lua.create_function(move |lua, args: MultiValue| {
        let number = generator.lock().next();
        let (low, high, last) = match args.len() {
            0 => return Ok(number),
            1 => (1, integer(lua, &args, 0)?, 1),
            2 => (integer(lua, &args, 0)?, integer(lua, &args, 1)?, 2),
            _ => return Err(errors::text(lua, "wrong number of arguments")),
        };
        if low > high {
            return Err(errors::argument(lua, last, "interval is empty"));
        }
        let width = f64::from(high) - f64::from(low) + 1.0;
        Ok((number * width).floor() + f64::from(low))
    })?;
    math.raw_set("random", function)?;
    let function = lua.create_function(move |lua, args: MultiValue| {
        *random.lock() = Random::seeded(integer(lua, &args, 0)?);
        Ok(())
    })?;
    math.raw_set("randomseed", function)
}

/// An argument as Lua 5.1's `luaL_checkint` reads it.
fn integer(lua: &Lua, args: &MultiValue, index: usize) -> mlua::Result<i32> {
    let value = args.get(index);
    let number = match value {
        Some(Value::Integer(number)) => Some(*number as f64),
        Some(Value::Number(number)) => Some(*number),
        Some(text @ Value::String(_)) => lua.coerce_number(text.clone())?,
        _ => None,
    };
    let Some(number) = number else {
        let error = errors::argument_type(lua, index + 1, "number", value);
        return Err(error);
    };
    // In C: to a 64-bit integer, of which the lower half is taken.
    Ok(number as i64 as i32)
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_lrand48() {
        let mut random = Random::seeded(0);
        // What `srand48(0)` and `lrand48()` give in C.
        let expected = [366_850_414, 1_610_402_240, 206_956_554];
        for number in expected {
            assert_eq!(random.next(), f64::from(number) / RANGE as f64);
        }
        let first = Random::default().next();
        assert_eq!(first, 851_401_618.0 / RANGE as f64);
    }
}
