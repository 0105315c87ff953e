//! XLEN, XRANGE and XREVRANGE.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::id::parse_interval;
use super::reply::put_entries;
use super::{Args, Result};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use crate::store::stream::Stream;

/// `XLEN key`
pub(crate) fn xlen(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let stream = keys.read::<Stream>(&args[1])?;
    let length = stream.map_or(0, |stream| stream.log.len());
    Ok(Reply::Integer(length as i64))
}

/// The order of the entries in a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
}

/// `XRANGE key start end [COUNT count]`
pub(crate) fn xrange(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    range(keys, out, args, Order::Ascending)
}

/// `XREVRANGE key end start [COUNT count]`
pub(crate) fn xrevrange(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    range(keys, out, args, Order::Descending)
}

fn range(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>, order: Order) -> Result {
    let (start, end) = match order {
        Order::Ascending => (&args[2], &args[3]),
        Order::Descending => (&args[3], &args[2]),
    };
    let (start, end) = parse_interval(start, end)?.into_inner();
    let mut count = None;
    let mut options = args.iter().skip(4);
    while let Some(option) = options.next() {
        match options.next() {
            Some(value) if option.eq_ignore_ascii_case(b"count") => {
                count = Some(usize::try_from(integer_argument(value)?).unwrap_or(0));
            }
            _ => return Err(CommandError::SYNTAX),
        }
    }
    let Some(stream) = keys.read::<Stream>(&args[1])? else {
        out.array(0);
        return Ok(Reply::Sent);
    };
    if count == Some(0) {
        return Ok(Reply::NullArray);
    }
    match order {
        Order::Ascending => put_entries(out, stream.log.range(start, end), count),
        Order::Descending => put_entries(out, stream.log.range_reversed(start, end), count),
    }
    Ok(Reply::Sent)
}
