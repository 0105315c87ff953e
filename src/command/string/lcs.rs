//! LCS: the longest common subsequence of two strings.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::borrow::Cow;

use super::Result;
use crate::command::Args;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::{Keys, SlotId};
use crate::store::lcs::{self, LcsError, Matches};
use crate::store::string_value::StringValue;

const NO_STRINGS: CommandError =
    CommandError::text("ERR The specified keys must contain string values");
const LENGTH_AND_PLACES: CommandError =
    CommandError::text("ERR If you want both the length and indexes, please just use IDX.");

impl From<LcsError> for CommandError {
    fn from(error: LcsError) -> CommandError {
        CommandError::Text(error.to_string().into())
    }
}

/// The options of LCS.
#[derive(Default)]
struct LcsOptions {
    only_length: bool,
    places: bool,
    min_length: usize,
    with_lengths: bool,
}

/// `LCS key1 key2 [LEN | IDX] [MINMATCHLEN length] [WITHMATCHLEN]`
pub(crate) fn lcs(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let slots = [keys.lookup_read(&args[1]), keys.lookup_read(&args[2])];
    let a = string(keys, slots[0])?;
    let b = string(keys, slots[1])?;
    let options = LcsOptions::parse(args)?;
    let limit = keys.config().proto_max_bulk_len;
    if options.places {
        let found = lcs::matches(&a, &b, options.min_length, limit)?;
        write_places(out, &found, options.with_lengths);
    } else if options.only_length {
        let length = lcs::length(&a, &b, limit)?;
        return Ok(Reply::Integer(length as i64));
    } else {
        out.bulk(&lcs::subsequence(&a, &b, limit)?);
    }
    Ok(Reply::Sent)
}

/// The string in a slot. If the key does not exist, it is empty.
fn string<'a>(keys: &'a Keys<'_>, slot: Option<SlotId>) -> Result<Cow<'a, [u8]>> {
    let Some(slot) = slot else {
        return Ok(Cow::Borrowed(&[]));
    };
    let text = keys.get::<StringValue>(slot).map_err(|_| NO_STRINGS)?;
    Ok(text.bytes())
}

impl LcsOptions {
    fn parse(args: &Args<'_>) -> Result<LcsOptions> {
        let mut options = LcsOptions::default();
        let mut rest = args.iter().skip(3);
        while let Some(option) = rest.next() {
            match option.to_ascii_lowercase().as_slice() {
                b"idx" => options.places = true,
                b"len" => options.only_length = true,
                b"withmatchlen" => options.with_lengths = true,
                b"minmatchlen" => {
                    let length = integer_argument(rest.next().ok_or(CommandError::SYNTAX)?)?;
                    options.min_length = usize::try_from(length).unwrap_or(0);
                }
                _ => return Err(CommandError::SYNTAX),
            }
        }
        if options.places && options.only_length {
            return Err(LENGTH_AND_PLACES);
        }
        Ok(options)
    }
}

fn write_places(out: &mut ReplyWriter<'_>, found: &Matches, with_lengths: bool) {
    out.map(2);
    out.bulk(b"matches");
    out.array(found.matches.len());
    for piece in &found.matches {
        out.array(if with_lengths { 3 } else { 2 });
        for range in [&piece.a, &piece.b] {
            out.array(2);
            out.integer(*range.start() as i64);
            out.integer(*range.end() as i64);
        }
        if with_lengths {
            out.integer(piece.length() as i64);
        }
    }
    out.bulk(b"len");
    out.integer(found.length as i64);
}
