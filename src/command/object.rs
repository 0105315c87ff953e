//! OBJECT and MEMORY: what lies behind a key.

use super::Args;
use super::pubsub::help;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use crate::store::string_value::StringValue;

type Result = std::result::Result<Reply, CommandError>;

/// Whole numbers below this are objects that Redis has once for all keys.
const SHARED_INTEGERS: i64 = 10_000;

/// `OBJECT ENCODING key`
pub(crate) fn object_encoding(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let Some(slot) = keys.inspect(&args[2]) else {
        return Ok(Reply::Null);
    };
    out.bulk(keys.entry(slot).value.encoding().as_bytes());
    Ok(Reply::Sent)
}

/// `OBJECT REFCOUNT key`: as many as Redis's largest `int` for what it shares, and 1 for all else.
pub(crate) fn object_refcount(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let Some(slot) = keys.inspect(&args[2]) else {
        return Ok(Reply::Null);
    };
    Ok(Reply::Integer(match keys.get::<StringValue>(slot) {
        Ok(StringValue::Integer(0..SHARED_INTEGERS)) => i32::MAX.into(),
        _ => 1,
    }))
}

/// `OBJECT IDLETIME key`: seconds since it was last used.
pub(crate) fn object_idletime(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let Some(slot) = keys.inspect(&args[2]) else {
        return Ok(Reply::Null);
    };
    let idle = keys.seconds().saturating_sub(keys.entry(slot).accessed);
    Ok(Reply::Integer(idle.into()))
}

/// `OBJECT FREQ key`: fanfare evicts nothing, and so counts no uses.
pub(crate) fn object_freq(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    if keys.inspect(&args[2]).is_none() {
        return Ok(Reply::Null);
    }
    Err(CommandError::text(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note \
         that when switching between policies at runtime LRU and LFU data will take some time to \
         adjust.",
    ))
}

/// `OBJECT HELP`
pub(crate) fn object_help(_keys: &mut Keys<'_>, _args: &Args<'_>) -> Result {
    Ok(help(
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        &[
            "ENCODING <key>",
            "    Return the kind of internal representation used in order to store the value",
            "    associated with a <key>.",
            "FREQ <key>",
            "    Return the access frequency index of the <key>. The returned integer is",
            "    proportional to the logarithm of the recent access frequency of the key.",
            "IDLETIME <key>",
            "    Return the idle time of the <key>, that is the approximated number of",
            "    seconds elapsed since the last access to the key.",
            "REFCOUNT <key>",
            "    Return the number of references of the value associated with the specified",
            "    <key>.",
        ],
    ))
}

/// `MEMORY USAGE key [SAMPLES count]`: exact, so that there is nothing to sample.
pub(crate) fn memory_usage(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let mut options = args.iter().skip(3);
    while let Some(option) = options.next() {
        let count = options.next().ok_or(CommandError::SYNTAX)?;
        if !option.eq_ignore_ascii_case(b"samples") {
            return Err(CommandError::SYNTAX);
        }
        if integer_argument(count)? < 0 {
            return Err(CommandError::SYNTAX);
        }
    }
    let Some(database) = keys.database() else {
        return Ok(Reply::Null);
    };
    Ok(match database.find(&args[2]) {
        Some(slot) => Reply::Integer(database.entry(slot).memory() as i64),
        None => Reply::Null,
    })
}

/// `MEMORY HELP`
pub(crate) fn memory_help(_keys: &mut Keys<'_>, _args: &Args<'_>) -> Result {
    Ok(help(
        "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        &[
            "USAGE <key> [SAMPLES <count>]",
            "    Return memory in bytes used by <key> and its value. Nested values are",
            "    sampled up to <count> times (default: 5, 0 means sample all).",
        ],
    ))
}
