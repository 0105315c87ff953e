//! ZSCAN.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::{Args, Result};
use crate::command::scan::{self, ScanOptions};
use crate::resp::number::format_double;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use crate::store::sorted_set::SortedSet;
use crate::store::value::ValueType;

/// `ZSCAN key cursor [MATCH pattern] [COUNT count]`: scores are bulk strings, in RESP3 too.
pub(crate) fn zscan(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let cursor = scan::cursor(&args[2])?;
    let config = keys.config();
    let Some(set) = keys.read::<SortedSet>(&args[1])? else {
        scan::put_head(out, 0, 0);
        return Ok(Reply::Sent);
    };
    let options = ScanOptions::of_elements(args, config)?;
    let is_packed = set.encoding() == "listpack";
    let mut shown = Vec::new();
    let next = set.scan(cursor, options.count, |member, score| {
        if options.matches(member) {
            shown.push((member, score));
        }
    });
    scan::put_head(out, next, shown.len() * 2);
    for (member, score) in shown {
        out.bulk(member);
        out.bulk(score_text(score, is_packed).as_bytes());
    }
    Ok(Reply::Sent)
}

/// The text of a score in ZSCAN. In a listpack, Redis stores whole numbers of up to 62 bits as
/// integers, and shows them without an exponent.
fn score_text(score: f64, is_packed: bool) -> String {
    const MOST: f64 = (i64::MAX / 2) as f64;
    if is_packed && score.fract() == 0.0 && score.abs() <= MOST {
        (score as i64).to_string()
    } else {
        format_double(score)
    }
}
