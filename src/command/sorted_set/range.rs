//! ZRANGE and its older forms, and ZRANGESTORE: the members in a range of ranks, scores or names.
//!
//! Layer `command`. It may use `state` and what lies below. All arguments are parsed before the key
//! is looked up. Then a range of any type is converted into a range of ranks.

use std::ops::Range;

use super::bounds::{LexRange, ScoreRange};
use super::{Args, Result, Shown, limits, put_members, store};
use crate::command::keys::allow_copies;
use crate::command::list::span;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::Keys;
use crate::store::sorted_set::{Builder, SortedSet};

/// `ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`
pub(crate) fn zrange(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    reply(keys, out, args, Form::ANY)
}

/// `ZREVRANGE key start stop [WITHSCORES]`
pub(crate) fn zrevrange(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    reply(keys, out, args, Form::fixed(By::Rank, true))
}

/// `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`
pub(crate) fn zrangebyscore(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    reply(keys, out, args, Form::fixed(By::Score, false))
}

/// `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]`
pub(crate) fn zrevrangebyscore(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    reply(keys, out, args, Form::fixed(By::Score, true))
}

/// `ZRANGEBYLEX key min max [LIMIT offset count]`
pub(crate) fn zrangebylex(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    reply(keys, out, args, Form::fixed(By::Lex, false))
}

/// `ZREVRANGEBYLEX key max min [LIMIT offset count]`
pub(crate) fn zrevrangebylex(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
) -> Result {
    reply(keys, out, args, Form::fixed(By::Lex, true))
}

/// `ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]`
pub(crate) fn zrangestore(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let form = Form {
        key: 2,
        may_have_scores: false,
        ..Form::ANY
    };
    let query = Query::parse(args, form)?;
    let limits = limits(keys.config());
    let mut found = Builder::default();
    let source = keys.peek(&args[2]);
    allow_copies(keys, source)?;
    if let Some(set) = keys.read::<SortedSet>(&args[2])? {
        let members = set.by_rank(query.ranks(set), false);
        found = Builder::with_capacity(members.len());
        for (member, score) in members {
            found.add(member, score, |_, score| score);
        }
    }
    Ok(store(keys, &args[1], found.finish(limits), "zrangestore"))
}

/// The type of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// What a command's name fixes, and what is left to its options.
#[derive(Clone, Copy, Debug)]
struct Form {
    /// The index of the key. The range follows it.
    key: usize,
    /// The type of the range. `None`: BYSCORE and BYLEX set it.
    by: Option<By>,
    /// Whether the highest member comes first. `None`: REV sets it.
    is_reverse: Option<bool>,
    may_have_scores: bool,
}

impl Form {
    /// The form of ZRANGE.
    const ANY: Form = Form {
        key: 1,
        by: None,
        is_reverse: None,
        may_have_scores: true,
    };

    const fn fixed(by: By, is_reverse: bool) -> Form {
        Form {
            by: Some(by),
            is_reverse: Some(is_reverse),
            ..Form::ANY
        }
    }
}

/// A range as the request gives it.
#[derive(Clone, Copy, Debug)]
enum RequestedRange<'a> {
    Ranks(i64, i64),
    Scores(ScoreRange),
    Names(LexRange<'a>),
}

/// The arguments of a request.
#[derive(Clone, Copy, Debug)]
struct Query<'a> {
    range: RequestedRange<'a>,
    is_reverse: bool,
    offset: i64,
    /// Negative: no limit.
    count: i64,
    shown: Shown,
}

impl<'a> Query<'a> {
    fn parse(args: &Args<'a>, form: Form) -> Result<Query<'a>> {
        let Form {
            key,
            mut by,
            mut is_reverse,
            may_have_scores,
        } = form;
        let (mut offset, mut count) = (0, -1);
        let mut shown = Shown::Members;
        let mut rest = args.iter().skip(key + 3);
        while let Some(option) = rest.next() {
            match option.to_ascii_lowercase().as_slice() {
                b"withscores" if may_have_scores => shown = Shown::WithScores,
                b"limit" if rest.len() >= 2 => {
                    let mut number = || integer_argument(rest.next().unwrap_or_default());
                    (offset, count) = (number()?, number()?);
                }
                b"rev" if is_reverse.is_none() => is_reverse = Some(true),
                b"bylex" if by.is_none() => by = Some(By::Lex),
                b"byscore" if by.is_none() => by = Some(By::Score),
                _ => return Err(CommandError::SYNTAX),
            }
        }
        let (by, is_reverse) = (by.unwrap_or(By::Rank), is_reverse.unwrap_or(false));
        if count != -1 && by == By::Rank {
            return Err(CommandError::text(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or \
                 BYLEX",
            ));
        }
        if shown == Shown::WithScores && by == By::Lex {
            return Err(CommandError::text(
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ));
        }
        let (first, second) = (args.get(key + 1), args.get(key + 2));
        let (first, second) = first.zip(second).ok_or(CommandError::SYNTAX)?;
        // In reverse, a range of scores or names gives its upper bound first.
        let (min, max) = if is_reverse {
            (second, first)
        } else {
            (first, second)
        };
        let range = match by {
            By::Rank => RequestedRange::Ranks(integer_argument(first)?, integer_argument(second)?),
            By::Score => RequestedRange::Scores(ScoreRange::parse(min, max)?),
            By::Lex => RequestedRange::Names(LexRange::parse(min, max)?),
        };
        Ok(Query {
            range,
            is_reverse,
            offset,
            count,
            shown,
        })
    }

    /// The ranks of the requested members.
    fn ranks(&self, set: &SortedSet) -> Range<usize> {
        let ranks = match self.range {
            RequestedRange::Ranks(start, stop) => {
                // `parse` refuses LIMIT for ranks.
                return self.in_order(span(start, stop, set.len()), 0..set.len());
            }
            RequestedRange::Scores(range) => range.ranks(set),
            RequestedRange::Names(range) => range.ranks(set),
        };
        let Some(skipped) = usize::try_from(self.offset).ok() else {
            return 0..0;
        };
        let skipped = skipped.min(ranks.len());
        let left = ranks.len() - skipped;
        let count = usize::try_from(self.count).map_or(left, |count| count.min(left));
        self.in_order((skipped, count), ranks)
    }

    /// The part of `ranks` with `count` members after the first `skipped`, in the order of the
    /// reply.
    fn in_order(&self, (skipped, count): (usize, usize), ranks: Range<usize>) -> Range<usize> {
        if self.is_reverse {
            let end = ranks.end - skipped;
            end - count..end
        } else {
            let start = ranks.start + skipped;
            start..start + count
        }
    }
}

fn reply(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>, form: Form) -> Result {
    let query = Query::parse(args, form)?;
    match keys.read::<SortedSet>(&args[form.key])? {
        Some(set) => {
            let members = set.by_rank(query.ranks(set), query.is_reverse);
            put_members(out, members, query.shown);
        }
        None => out.array(0),
    }
    Ok(Reply::Sent)
}
