//! BITFIELD: integers of up to 64 bits at any bit of a string.
//!
//! Layer `store`. It uses `resp` to parse integers.
//!
//! A field's most significant bit comes first. All arguments are parsed before anything is changed.
//! [`apply`] then grows the string once, up to the last field that is written.

use super::offset::parse_offset;
use super::{BitsError, grow};
use crate::resp::request::parse_integer;

/// The type of a field: `i1` to `i64`, `u1` to `u63`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FieldType {
    signed: bool,
    bits: u32,
}

impl FieldType {
    /// Parses a type as Redis writes it, in lower case.
    ///
    /// # Errors
    /// [`BitsError::FieldType`].
    pub(crate) fn parse(text: &[u8]) -> Result<FieldType, BitsError> {
        let (signed, max_bits, digits) = match text {
            [b'i', digits @ ..] => (true, 64, digits),
            [b'u', digits @ ..] => (false, 63, digits),
            _ => return Err(BitsError::FieldType),
        };
        let bits = parse_integer(digits).and_then(|bits| u32::try_from(bits).ok());
        match bits {
            Some(bits) if (1..=max_bits).contains(&bits) => Ok(FieldType { signed, bits }),
            _ => Err(BitsError::FieldType),
        }
    }

    /// The smallest and the largest value.
    fn limits(self) -> (i128, i128) {
        if self.signed {
            let half = 1 << (self.bits - 1);
            (-half, half - 1)
        } else {
            (0, (1 << self.bits) - 1)
        }
    }

    /// The value whose lowest bits are those of `bits`.
    fn value_of(self, bits: u64) -> i64 {
        let unused = 64 - self.bits;
        let at_top = bits << unused;
        if self.signed {
            (at_top as i64) >> unused
        } else {
            // At most 63 bits.
            (at_top >> unused) as i64
        }
    }

    /// The value that SET stores in a signed field; see [`fit`](Self::fit). Redis compares the
    /// distance to the largest value, in 64 bits. For numbers near -2^63 this distance overflows,
    /// and so SAT stores the largest value for them.
    fn fit_set(self, new: i64, overflow: Overflow) -> Option<i64> {
        let max = self.limits().1 as i64;
        if overflow == Overflow::Sat && max.checked_sub(new).is_none() && self.bits < 64 {
            return Some(max);
        }
        self.fit(i128::from(new), overflow)
    }

    /// Fits a result into this type, which may be too large or too small. `None` if nothing is to
    /// be written.
    fn fit(self, result: i128, overflow: Overflow) -> Option<i64> {
        let (min, max) = self.limits();
        if (min..=max).contains(&result) {
            return Some(result as i64);
        }
        match overflow {
            Overflow::Wrap => Some(self.value_of(result as u64)),
            Overflow::Sat => Some(result.clamp(min, max) as i64),
            Overflow::Fail => None,
        }
    }
}

/// What happens to a value that its field cannot hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// Its lowest bits are stored.
    #[default]
    Wrap,
    /// The nearest value that fits is stored.
    Sat,
    /// Nothing is stored, and the reply is null.
    Fail,
}

impl Overflow {
    fn parse(text: &[u8]) -> Result<Overflow, BitsError> {
        let is = |other: &[u8]| text.eq_ignore_ascii_case(other);
        match () {
            () if is(b"wrap") => Ok(Overflow::Wrap),
            () if is(b"sat") => Ok(Overflow::Sat),
            () if is(b"fail") => Ok(Overflow::Fail),
            () => Err(BitsError::Overflow),
        }
    }
}

/// The action of a subcommand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Replies with the value.
    Get,
    /// Stores this value and replies with the old one.
    Set(i64, Overflow),
    /// Adds this number and replies with the sum.
    IncrBy(i64, Overflow),
}

/// One subcommand of BITFIELD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FieldOp {
    /// The field's type.
    pub field: FieldType,
    /// Its first bit.
    pub offset: u64,
    /// Its action.
    pub action: Action,
}

impl FieldOp {
    /// The index of the byte after the field.
    fn end(&self) -> usize {
        let end = (self.offset + u64::from(self.field.bits)).div_ceil(8);
        usize::try_from(end).expect("offsets are bounded")
    }
}

/// Parses the subcommands after BITFIELD's key. An OVERFLOW applies to all subcommands after it.
/// `max_bytes` is the longest string (`proto-max-bulk-len`).
///
/// # Errors
/// The first wrong argument, in Redis's order.
pub(crate) fn parse_ops<A: AsRef<[u8]>>(
    args: &[A],
    max_bytes: u64,
) -> Result<Vec<FieldOp>, BitsError> {
    let mut ops = Vec::new();
    let mut overflow = Overflow::default();
    let mut rest = args;
    while let [name, after @ ..] = rest {
        let is = |other: &[u8]| name.as_ref().eq_ignore_ascii_case(other);
        let (make, operands): (fn(i64, Overflow) -> Action, usize) = match after.len() {
            2.. if is(b"get") => (|_, _| Action::Get, 2),
            3.. if is(b"set") => (Action::Set, 3),
            3.. if is(b"incrby") => (Action::IncrBy, 3),
            1.. if is(b"overflow") => {
                overflow = Overflow::parse(after[0].as_ref())?;
                rest = &after[1..];
                continue;
            }
            _ => return Err(BitsError::Syntax),
        };
        let (operands, after) = after.split_at(operands);
        let field = FieldType::parse(operands[0].as_ref())?;
        let offset = parse_offset(operands[1].as_ref(), Some(field.bits), max_bytes)?;
        let number = match operands.get(2) {
            Some(number) => parse_integer(number.as_ref()).ok_or(BitsError::Integer)?,
            None => 0,
        };
        ops.push(FieldOp {
            field,
            offset,
            action: make(number, overflow),
        });
        rest = after;
    }
    Ok(ops)
}

/// Whether any subcommand writes. BITFIELD_RO refuses that ([`BitsError::ReadOnly`]), and BITFIELD
/// creates a missing key only in this case.
pub(crate) fn has_writes(ops: &[FieldOp]) -> bool {
    ops.iter().any(|op| op.action != Action::Get)
}

/// The length in bytes of a string that holds every written field.
pub(crate) fn written_length(ops: &[FieldOp]) -> usize {
    let writes = ops.iter().filter(|op| op.action != Action::Get);
    writes.map(FieldOp::end).max().unwrap_or(0)
}

/// The result of BITFIELD.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// One reply for each subcommand. `None` is a null: the value did not fit, under OVERFLOW FAIL.
    pub replies: Vec<Option<i64>>,
    /// Whether the string has changed or grown. As in Redis, growing does not count if nothing was
    /// stored.
    pub changed: bool,
}

/// Carries out the subcommands in order. If any of them writes, the string first grows to hold
/// every written field, even if OVERFLOW FAIL then stores nothing.
pub(crate) fn apply(value: &mut Vec<u8>, ops: &[FieldOp]) -> Outcome {
    let needed = written_length(ops);
    let grows = needed > value.len();
    let mut changed = false;
    grow(value, needed);
    let mut replies = Vec::with_capacity(ops.len());
    for op in ops {
        let old = read(value, op);
        let (stored, replies_old) = match op.action {
            Action::Get => (Some(old), true),
            Action::Set(new, overflow) => {
                // Redis treats a value that is set into an unsigned field as unsigned, so -1 is too
                // large.
                let stored = if op.field.signed {
                    op.field.fit_set(new, overflow)
                } else {
                    op.field.fit(i128::from(new as u64), overflow)
                };
                (stored, true)
            }
            Action::IncrBy(increment, overflow) => {
                let sum = i128::from(old) + i128::from(increment);
                (op.field.fit(sum, overflow), false)
            }
        };
        if let Some(new) = stored
            && op.action != Action::Get
        {
            write(value, op, new);
            changed |= grows || new != old;
        }
        replies.push(stored.map(|new| if replies_old { old } else { new }));
    }
    Outcome { replies, changed }
}

/// The value of the subcommand's field, whatever its action is.
pub(crate) fn read(value: &[u8], op: &FieldOp) -> i64 {
    let (window, shift) = window(value, op);
    op.field.value_of((window >> shift) as u64)
}

/// Stores the lowest bits of `new` in the field, which must be within the string.
fn write(value: &mut [u8], op: &FieldOp, new: i64) {
    let (window, shift) = window(value, op);
    let mask = ((1u128 << op.field.bits) - 1) << shift;
    let window = (window & !mask) | (((new as u128) << shift) & mask);
    let first = (op.offset / 8) as usize;
    let bytes = &mut value[first..op.end()];
    bytes.copy_from_slice(&window.to_be_bytes()[..bytes.len()]);
}

/// The 16 bytes from the byte with the field's first bit on, and the number of bits to shift them
/// right so that the field's last bit becomes the lowest. A field spans at most 9 bytes.
fn window(value: &[u8], op: &FieldOp) -> (u128, u32) {
    let mut bytes = [0; 16];
    let first = usize::try_from(op.offset / 8).unwrap_or(usize::MAX);
    if let Some(rest) = value.get(first..) {
        let len = rest.len().min(bytes.len());
        bytes[..len].copy_from_slice(&rest[..len]);
    }
    let shift = 128 - (op.offset % 8) as u32 - op.field.bits;
    (u128::from_be_bytes(bytes), shift)
}
