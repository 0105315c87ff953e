//! The sparse encoding: runs of equal registers, in the order of the registers.
//!
//! Layer `store`. It uses nothing else.
//!
//! | bytes | registers |
//! |---|---|
//! | `00llllll` | ZERO: `l + 1` registers of 0 |
//! | `01llllll llllllll` | XZERO: `l + 1` registers of 0 |
//! | `1vvvvvll` | VAL: `l + 1` registers of `v + 1` |
//!
//! The runs cover exactly 16384 registers; otherwise the string is corrupted. Several forms of a
//! string mean the same. [`raise`] splits and joins runs as Redis does, so that the same history
//! gives the same bytes.

use super::estimate::Histogram;
use super::{HEADER, HllError, REGISTERS};

/// The largest value that a VAL can hold.
const MAX_VALUE: u8 = 32;
/// The most registers of a VAL and of a ZERO.
const MAX_VAL_RUN: usize = 4;
const MAX_ZERO_RUN: usize = 64;
/// How many opcodes around a change are searched for equal neighbours.
const JOIN_STEPS: usize = 5;

/// The result of raising a register.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Raised {
    /// It was not lower.
    Unchanged,
    /// Nothing was changed. The string must become dense first.
    Changed,
    /// Nothing was changed: the string must become dense first.
    DoesNotFit,
}

/// Consecutive registers with one value.
#[derive(Clone, Copy)]
struct Run {
    /// 0 stands for ZERO or XZERO.
    value: u8,
    registers: usize,
    /// Bytes of the opcode.
    size: usize,
}

impl Run {
    /// The run that begins with these bytes. `None` if there are too few bytes.
    fn decode(bytes: &[u8]) -> Option<Run> {
        Some(match *bytes {
            [first @ 0x80..=0xff, ..] => Run {
                value: (first >> 2 & 0x1f) + 1,
                registers: usize::from(first & 3) + 1,
                size: 1,
            },
            [first @ 0x40..=0x7f, second, ..] => Run {
                value: 0,
                registers: usize::from(u16::from_be_bytes([first & 0x3f, second])) + 1,
                size: 2,
            },
            [first @ 0..=0x3f, ..] => Run {
                value: 0,
                registers: usize::from(first) + 1,
                size: 1,
            },
            _ => return None,
        })
    }
}

/// A few opcodes that replace one: at most two XZERO and a VAL.
#[derive(Default)]
struct Opcodes {
    bytes: [u8; 5],
    len: usize,
}

impl Opcodes {
    /// Appends a run, unless it is empty.
    fn push(&mut self, value: u8, registers: usize) {
        let Some(last) = registers.checked_sub(1) else {
            return;
        };
        if value > 0 {
            self.push_byte(val(value, registers));
        } else if registers <= MAX_ZERO_RUN {
            self.push_byte(last as u8);
        } else {
            self.push_byte(0x40 | (last >> 8) as u8);
            self.push_byte(last as u8);
        }
    }

    fn push_byte(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// A VAL with this many registers.
fn val(value: u8, registers: usize) -> u8 {
    0x80 | (value - 1) << 2 | (registers - 1) as u8
}

/// Appends the encoding of registers that are all 0.
pub(super) fn append_empty(value: &mut Vec<u8>) {
    let mut opcodes = Opcodes::default();
    opcodes.push(0, REGISTERS);
    value.extend_from_slice(opcodes.as_slice());
}

/// Raises a register to `run`. `value` is the whole string, which may grow to at most `max` bytes.
///
/// # Errors
/// The opcodes end before the register.
pub(super) fn raise(
    value: &mut Vec<u8>,
    index: usize,
    run: u8,
    max: usize,
) -> Result<Raised, HllError> {
    if run > MAX_VALUE {
        return Ok(Raised::DoesNotFit);
    }
    let mut previous = None;
    let mut place = HEADER;
    let mut first = 0;
    let old = loop {
        let old = Run::decode(&value[place..]).ok_or(HllError::Corrupted)?;
        if index < first + old.registers {
            break old;
        }
        first += old.registers;
        previous = Some(place);
        place += old.size;
    };
    if old.value >= run {
        return Ok(Raised::Unchanged);
    }
    let before = index - first;
    let mut new = Opcodes::default();
    new.push(old.value, before);
    new.push(run, 1);
    new.push(old.value, old.registers - before - 1);
    if new.len > old.size && value.len() + new.len - old.size > max {
        return Ok(Raised::DoesNotFit);
    }
    value.splice(place..place + old.size, new.as_slice().iter().copied());
    join(value, previous.unwrap_or(HEADER));
    Ok(Raised::Changed)
}

/// Joins consecutive VALs with one value, beginning with the opcode at `place`, as long as the
/// result fits in one VAL.
fn join(value: &mut Vec<u8>, mut place: usize) {
    for _ in 0..JOIN_STEPS {
        let Some(run) = Run::decode(&value[place..]) else {
            return;
        };
        let next = Run::decode(&value[place + run.size..]);
        let joined = next.filter(|next| run.value > 0 && next.value == run.value);
        let registers = joined.map(|next| run.registers + next.registers);
        match registers {
            Some(registers) if registers <= MAX_VAL_RUN => {
                // The joined run may be joined with the next one.
                value[place] = val(run.value, registers);
                value.remove(place + 1);
            }
            _ => place += run.size,
        }
    }
}

/// Calls `take` with the value and the length of each run.
///
/// # Errors
/// The runs cover too few or too many registers. `take` is never called with registers that do not
/// exist.
fn for_each_run(
    opcodes: &[u8],
    mut take: impl FnMut(u8, std::ops::Range<usize>),
) -> Result<(), HllError> {
    let mut rest = opcodes;
    let mut first = 0;
    while !rest.is_empty() {
        let run = Run::decode(rest).ok_or(HllError::Corrupted)?;
        let end = first + run.registers;
        if end > REGISTERS {
            return Err(HllError::Corrupted);
        }
        take(run.value, first..end);
        first = end;
        rest = &rest[run.size..];
    }
    if first == REGISTERS {
        Ok(())
    } else {
        Err(HllError::Corrupted)
    }
}

/// How many registers have each value.
pub(super) fn histogram(opcodes: &[u8]) -> Result<Histogram, HllError> {
    let mut histogram = [0; 64];
    for_each_run(opcodes, |value, registers| {
        histogram[usize::from(value)] += registers.len() as u32;
    })?;
    Ok(histogram)
}

/// Raises each register of `target` to the value here, if it is lower. After an error, some may be
/// raised.
pub(super) fn raise_all(opcodes: &[u8], target: &mut [u8; REGISTERS]) -> Result<(), HllError> {
    for_each_run(opcodes, |value, registers| {
        if value > 0 {
            for target in &mut target[registers] {
                *target = value.max(*target);
            }
        }
    })
}
