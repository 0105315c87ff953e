//! Commands on the bits of strings: SETBIT, BITCOUNT, BITOP, BITFIELD and so on. The rules are
//! those of Redis's `bitops.c`.
//!
//! Layer `command`. It may use `state` and what lies below. As in Redis 7.2, all arguments are
//! parsed before the key is looked up.

use super::Args;
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::large::has_memory_for;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::bits::{self, BitOp, BitRange, BitsError, FieldOp, Unit};
use crate::store::keys::{Keys, SlotId};
use crate::store::string_value::StringValue;

type Result<T = Reply> = std::result::Result<T, CommandError>;

impl From<BitsError> for CommandError {
    fn from(error: BitsError) -> CommandError {
        CommandError::Text(error.to_string().into())
    }
}

/// `SETBIT key offset value`
pub(crate) fn setbit(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let key = &args[1];
    let offset = bits::parse_offset(&args[2], None, keys.config().proto_max_bulk_len)?;
    let bit = bits::parse_bit(&args[3])?;
    let slot = slot_to_write(keys, key, bits::length_for(offset))?;
    let changed = keys.change(slot, |text: &mut StringValue| {
        text.bytes_mut(0).map(|bytes| {
            let length = bytes.len();
            let old = bits::set(bytes, offset, bit);
            (old, bytes.len() > length)
        })
    });
    let (old, grown) = changed.map_err(|_| CommandError::NO_MEMORY)?;
    if grown || old != bit {
        notify_change(keys, key);
    }
    Ok(Reply::Integer(old.into()))
}

/// `GETBIT key offset`
pub(crate) fn getbit(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let offset = bits::parse_offset(&args[2], None, keys.config().proto_max_bulk_len)?;
    let text = keys.read::<StringValue>(&args[1])?;
    let bit = text.is_some_and(|text| text.with_bytes(|bytes| bits::get(bytes, offset)));
    Ok(Reply::Integer(bit.into()))
}

/// `BITCOUNT key [start end [BYTE | BIT]]`
pub(crate) fn bitcount(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let range = match args.len() {
        2 => BitRange::default(),
        4 | 5 => BitRange {
            start: integer_argument(&args[2])?,
            end: Some(integer_argument(&args[3])?),
            unit: unit(args.get(4))?,
        },
        _ => return Err(CommandError::SYNTAX),
    };
    let text = keys.read::<StringValue>(&args[1])?;
    let count = text.map_or(0, |text| text.with_bytes(|bytes| bits::count(bytes, range)));
    Ok(Reply::Integer(count as i64))
}

/// `BITPOS key bit [start [end [BYTE | BIT]]]`
pub(crate) fn bitpos(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let bit = bits::parse_searched_bit(&args[2])?;
    let range = match args.len() {
        3 => BitRange::default(),
        4..=6 => {
            let start = integer_argument(&args[3])?;
            let unit = unit(args.get(5))?;
            let end = args.get(4).map(integer_argument).transpose()?;
            BitRange { start, end, unit }
        }
        _ => return Err(CommandError::SYNTAX),
    };
    let position = match keys.read::<StringValue>(&args[1])? {
        None => bits::position(None, bit, range),
        Some(text) => text.with_bytes(|bytes| bits::position(Some(bytes), bit, range)),
    };
    Ok(Reply::Integer(position.map_or(-1, |place| place as i64)))
}

/// Parses the unit of a range's ends. Without one they are bytes.
fn unit(word: Option<&[u8]>) -> Result<Unit> {
    word.map_or(Ok(Unit::default()), |word| {
        Unit::parse(word).ok_or(CommandError::SYNTAX)
    })
}

/// `BITOP AND | OR | XOR | NOT destkey key [key ...]`
pub(crate) fn bitop(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let (destination, names) = (&args[2], args.iter().skip(3));
    let operation = BitOp::parse(&args[1], names.len())?;
    let mut sources = Vec::with_capacity(names.len());
    for name in names {
        let slot = keys.lookup_read(name);
        if let Some(slot) = slot {
            keys.get::<StringValue>(slot)?;
        }
        sources.push(slot);
    }
    let mut strings = Vec::with_capacity(sources.len());
    for slot in sources {
        strings.push(match slot {
            Some(slot) => keys.get::<StringValue>(slot)?.bytes(),
            None => Default::default(),
        });
    }
    let longest = strings.iter().map(|bytes| bytes.len()).max();
    if !has_memory_for(longest.unwrap_or(0)) {
        return Err(CommandError::NO_MEMORY);
    }
    let result = bits::combine(operation, &strings);
    let length = result.len();
    if length > 0 {
        keys.put(destination, StringValue::Long(result), false);
        keys.notify(EventClass::String, "set", destination);
    } else if let Some(slot) = keys.peek(destination) {
        keys.delete(slot, EventClass::Generic, "del");
    }
    Ok(Reply::Integer(length as i64))
}

/// `BITFIELD key [GET type offset | [OVERFLOW WRAP | SAT | FAIL] SET type offset value | INCRBY
/// type offset increment ...]`
pub(crate) fn bitfield(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let ops = field_ops(keys, args)?;
    if !bits::has_writes(&ops) {
        return read_fields(keys, out, &args[1], &ops);
    }
    let key = &args[1];
    let slot = slot_to_write(keys, key, bits::written_length(&ops))?;
    let outcome = keys.change(slot, |text: &mut StringValue| {
        text.bytes_mut(0).map(|bytes| bits::apply(bytes, &ops))
    });
    let outcome = outcome.map_err(|_| CommandError::NO_MEMORY)?;
    if outcome.changed {
        notify_change(keys, key);
    }
    out.array(outcome.replies.len());
    for reply in outcome.replies {
        match reply {
            Some(number) => out.integer(number),
            None => out.null(),
        }
    }
    Ok(Reply::Sent)
}

/// `BITFIELD_RO key [GET type offset ...]`
pub(crate) fn bitfield_ro(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let ops = field_ops(keys, args)?;
    if bits::has_writes(&ops) {
        return Err(BitsError::ReadOnly.into());
    }
    read_fields(keys, out, &args[1], &ops)
}

fn field_ops(keys: &Keys<'_>, args: &Args<'_>) -> Result<Vec<FieldOp>> {
    let ops: Vec<&[u8]> = args.iter().skip(2).collect();
    Ok(bits::parse_ops(&ops, keys.config().proto_max_bulk_len)?)
}

fn read_fields(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    key: &[u8],
    ops: &[FieldOp],
) -> Result {
    let mut show = |bytes: &[u8]| {
        out.array(ops.len());
        for op in ops {
            out.integer(bits::read(bytes, op));
        }
    };
    match keys.read::<StringValue>(key)? {
        Some(text) => text.with_bytes(show),
        None => show(&[]),
    }
    Ok(Reply::Sent)
}

/// The slot of the string whose bits are to be changed. An empty string is added if there is none.
///
/// # Errors
/// There is no memory for a string of `length` bytes.
fn slot_to_write(keys: &mut Keys<'_>, key: &[u8], length: usize) -> Result<SlotId> {
    let found = keys.write::<StringValue>(key)?;
    let before = match found {
        Some(slot) => keys.get::<StringValue>(slot)?.len(),
        None => 0,
    };
    // A growing string at least doubles its buffer.
    if length > before && !has_memory_for(length.max(2 * before)) {
        return Err(CommandError::NO_MEMORY);
    }
    Ok(found.unwrap_or_else(|| keys.add(key, StringValue::Long(Vec::new()))))
}

/// Marks a key as changed and notifies of a SETBIT, as Redis does after BITFIELD too.
fn notify_change(keys: &mut Keys<'_>, key: &[u8]) {
    keys.changed(key);
    keys.notify(EventClass::String, "setbit", key);
}
