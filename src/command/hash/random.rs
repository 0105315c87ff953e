//! HRANDFIELD.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::Result;
use crate::command::Args;
use crate::command::count::{Choice, OUT_OF_RANGE};
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::hash_value::Hash;
use crate::store::keys::Keys;
use crate::store::pairs::FieldValue;
use crate::store::random;
use crate::store::value::ValueType;

/// `HRANDFIELD key [count [WITHVALUES]]`
pub(crate) fn hrandfield(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    let Some(word) = args.get(2) else {
        let hash = keys.read::<Hash>(&args[1])?;
        match hash.and_then(|hash| hash.random(&mut random::number)) {
            Some((field, _)) => out.bulk(field),
            None => out.null(),
        }
        return Ok(Reply::Sent);
    };
    let choice = Choice::parse(word)?;
    let with_values = match args.get(3) {
        None => false,
        Some(option) if args.len() == 4 && option.eq_ignore_ascii_case(b"withvalues") => true,
        Some(_) => return Err(CommandError::SYNTAX),
    };
    // In RESP2 the length of the array is twice the count.
    if with_values && choice.count() > i64::MAX as usize / 2 {
        return Err(OUT_OF_RANGE);
    }
    let Some(hash) = keys.read::<Hash>(&args[1])? else {
        out.array(0);
        return Ok(Reply::Sent);
    };
    choice.validate_reply(hash.len(), hash.memory(), || {
        let shown = |(field, value): FieldValue<'_>| {
            field.len() + if with_values { value.len() } else { 0 }
        };
        hash.iter().map(shown).sum()
    })?;
    let begin = |out: &mut ReplyWriter<'_>, count| {
        if with_values {
            out.pairs(count);
        } else {
            out.array(count);
        }
    };
    let put = |out: &mut ReplyWriter<'_>, (field, value): FieldValue<'_>| {
        if with_values {
            out.pair();
            out.bulk(field);
            out.bulk(value);
        } else {
            out.bulk(field);
        }
    };
    match choice {
        Choice::Distinct(count) => {
            let chosen = hash.random_distinct(count, &mut random::number);
            begin(out, chosen.len());
            chosen.into_iter().for_each(|pair| put(out, pair));
        }
        Choice::Repeated(count) => {
            begin(out, count);
            hash.random_repeated(count, &mut random::number, |pair| put(out, pair));
        }
    }
    Ok(Reply::Sent)
}
