//! The sorted set commands. The checks are in Redis's order, which decides what error a client
//! sees.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! ```text
//!   mod        ZCARD, ZSCORE, ZCOUNT, ZRANK
//!   add        ZADD, ZINCRBY
//!   bounds     parsing of ranges of scores and names
//!   range      ZRANGE, ZRANGEBYSCORE, ZRANGEBYLEX, ZRANGESTORE
//!   remove     ZREM, ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX
//!   pop        ZPOPMIN, ZMPOP and their blocking forms
//!   combine    ZUNION, ZINTER, ZDIFF and their STORE forms
//!   random     ZRANDMEMBER
//!   scan       ZSCAN
//! ```

mod add;
mod bounds;
mod combine;
mod pop;
mod random;
mod range;
mod remove;
mod scan;
#[cfg(test)]
mod tests;

pub(crate) use add::{zadd, zincrby};
pub(crate) use combine::{zdiff, zdiffstore, zinter, zintercard, zinterstore, zunion, zunionstore};
pub(crate) use pop::{bzmpop, bzpopmax, bzpopmin, zmpop, zpopmax, zpopmin};
pub(crate) use random::zrandmember;
pub(crate) use range::{
    zrange, zrangebylex, zrangebyscore, zrangestore, zrevrange, zrevrangebylex, zrevrangebyscore,
};
pub(crate) use remove::{zrem, zremrangebylex, zremrangebyrank, zremrangebyscore};
pub(crate) use scan::zscan;

use super::Args;
use crate::config::{Config, EventClass};
use crate::resp::error::CommandError;
use crate::resp::number::parse_score;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use crate::store::sorted_set::{Limits, SortedSet};
use bounds::{LexRange, ScoreRange};

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// The limits up to which a sorted set stays a listpack.
fn limits(config: &Config) -> Limits {
    let size = |setting| usize::try_from(setting).unwrap_or(usize::MAX);
    Limits {
        entries: size(config.zset_max_listpack_entries),
        value: size(config.zset_max_listpack_value),
    }
}

/// Parses a score or an increment.
fn score_argument(word: &[u8]) -> Result<f64> {
    parse_score(word).ok_or(CommandError::text("ERR value is not a valid float"))
}

/// Whether a reply has the scores of its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Members,
    WithScores,
}

/// Writes an array of members, or of pairs of member and score.
fn put_members<'a>(
    out: &mut ReplyWriter<'_>,
    members: impl ExactSizeIterator<Item = (&'a [u8], f64)>,
    shown: Shown,
) {
    match shown {
        Shown::Members => {
            out.array(members.len());
            members.for_each(|(member, _)| out.bulk(member));
        }
        Shown::WithScores => {
            out.pairs(members.len());
            for (member, score) in members {
                out.pair();
                out.bulk(member);
                out.double(score);
            }
        }
    }
}

/// Stores a result at `destination`, which is replaced; an empty result deletes it. Answers the
/// number of members.
fn store(keys: &mut Keys<'_>, destination: &[u8], set: SortedSet, event: &'static str) -> Reply {
    let length = set.len();
    if length > 0 {
        keys.put(destination, set, false);
        keys.notify(EventClass::SortedSet, event, destination);
    } else if let Some(slot) = keys.peek(destination) {
        keys.delete(slot, EventClass::Generic, "del");
    }
    Reply::Integer(length as i64)
}

/// `ZCARD key`
pub(crate) fn zcard(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let set = keys.read::<SortedSet>(&args[1])?;
    Ok(Reply::Integer(set.map_or(0, SortedSet::len) as i64))
}

/// `ZSCORE key member`
pub(crate) fn zscore(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let set = keys.read::<SortedSet>(&args[1])?;
    let score = set.and_then(|set| set.score(&args[2]));
    Ok(score.map_or(Reply::Null, Reply::Double))
}

/// `ZMSCORE key member [member ...]`
pub(crate) fn zmscore(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    let set = keys.read::<SortedSet>(&args[1])?;
    let members = args.iter().skip(2);
    out.array(members.len());
    for member in members {
        match set.and_then(|set| set.score(member)) {
            Some(score) => out.double(score),
            None => out.null(),
        }
    }
    Ok(Reply::Sent)
}

/// `ZCOUNT key min max`
pub(crate) fn zcount(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let range = ScoreRange::parse(&args[2], &args[3])?;
    let set = keys.read::<SortedSet>(&args[1])?;
    let count = set.map_or(0, |set| range.ranks(set).len());
    Ok(Reply::Integer(count as i64))
}

/// `ZLEXCOUNT key min max`
pub(crate) fn zlexcount(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let range = LexRange::parse(&args[2], &args[3])?;
    let set = keys.read::<SortedSet>(&args[1])?;
    let count = set.map_or(0, |set| range.ranks(set).len());
    Ok(Reply::Integer(count as i64))
}

/// `ZRANK key member [WITHSCORE]`
pub(crate) fn zrank(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    rank(keys, args, "zrank", |_, rank| rank)
}

/// `ZREVRANK key member [WITHSCORE]`
pub(crate) fn zrevrank(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    rank(keys, args, "zrevrank", |length, rank| length - 1 - rank)
}

/// ZRANK and ZREVRANK. `place` computes the reply from the length of the set and the member's rank.
fn rank(
    keys: &mut Keys<'_>,
    args: &Args<'_>,
    name: &str,
    place: impl Fn(usize, usize) -> usize,
) -> Result {
    let with_score = match args.get(3) {
        _ if args.len() > 4 => return Err(CommandError::Arity(name.to_owned())),
        Some(word) if word.eq_ignore_ascii_case(b"withscore") => true,
        Some(_) => return Err(CommandError::SYNTAX),
        None => false,
    };
    let set = keys.read::<SortedSet>(&args[1])?;
    let found = set.and_then(|set| {
        let (rank, score) = set.rank(&args[2])?;
        Some((place(set.len(), rank), score))
    });
    Ok(match (found, with_score) {
        (Some((place, _)), false) => Reply::Integer(place as i64),
        (Some((place, score)), true) => {
            Reply::Array(vec![Reply::Integer(place as i64), Reply::Double(score)])
        }
        (None, false) => Reply::Null,
        (None, true) => Reply::NullArray,
    })
}
