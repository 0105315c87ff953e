//! ZUNION, ZINTER, ZDIFF and their kin: a sorted set made of several, which may be plain sets, too.
//!
//! Layer `command`. Keys are looked up before the options are read, as in Redis. The result is built
//! apart, so that its destination may be one of the sources.

use std::ops::ControlFlow::{self, Break, Continue};

use super::{Args, Result, Shown, limits, put_members, store};
use crate::command::count::positive;
use crate::command::keys::allow_copies;
use crate::resp::error::CommandError;
use crate::resp::number::parse_score;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::keys::{Keys, SlotId};
use crate::store::set::Set;
use crate::store::sorted_set::{Builder, SortedSet};

/// `ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]
/// [WITHSCORES]`
pub(crate) fn zunion(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    reply(keys, out, args, Operation::Union, "zunion")
}

/// `ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]
/// [WITHSCORES]`
pub(crate) fn zinter(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    reply(keys, out, args, Operation::Intersection, "zinter")
}

/// `ZDIFF numkeys key [key ...] [WITHSCORES]`
pub(crate) fn zdiff(keys: &mut Keys<'_>, out: &mut ReplyWriter<'_>, args: &Args<'_>) -> Result {
    reply(keys, out, args, Operation::Difference, "zdiff")
}

/// `ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN
/// | MAX]`
pub(crate) fn zunionstore(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    combine_and_store(keys, args, Operation::Union, "zunionstore")
}

/// `ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN
/// | MAX]`
pub(crate) fn zinterstore(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    combine_and_store(keys, args, Operation::Intersection, "zinterstore")
}

/// `ZDIFFSTORE destination numkeys key [key ...]`
pub(crate) fn zdiffstore(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    combine_and_store(keys, args, Operation::Difference, "zdiffstore")
}

/// `ZINTERCARD numkeys key [key ...] [LIMIT limit]`
pub(crate) fn zintercard(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let named = Named::look_up(keys, args, 1, "zintercard")?;
    let takes = Takes {
        limit: true,
        ..Takes::default()
    };
    let options = Options::parse(args, &named, takes)?;
    let mut sources = named.sources(keys, &options);
    sources.sort_by_key(Source::len);
    let most = if options.limit == 0 {
        usize::MAX
    } else {
        options.limit
    };
    let mut count = 0;
    visit_common(&sources, Aggregate::Sum, |_, _| {
        count += 1;
        if count == most {
            Break(())
        } else {
            Continue(())
        }
    });
    Ok(Reply::Integer(count as i64))
}

fn reply(
    keys: &mut Keys<'_>,
    out: &mut ReplyWriter<'_>,
    args: &Args<'_>,
    operation: Operation,
    name: &'static str,
) -> Result {
    let named = Named::look_up(keys, args, 1, name)?;
    let takes = Takes {
        weights: operation != Operation::Difference,
        scores: true,
        limit: false,
    };
    let options = Options::parse(args, &named, takes)?;
    let found = operation.result(named.sources(keys, &options), options.aggregate);
    put_members(out, found.sorted(), options.shown);
    let cost = found.free_cost();
    keys.discard_part(found, cost);
    Ok(Reply::Sent)
}

fn combine_and_store(
    keys: &mut Keys<'_>,
    args: &Args<'_>,
    operation: Operation,
    name: &'static str,
) -> Result {
    let named = Named::look_up(keys, args, 2, name)?;
    let takes = Takes {
        weights: operation != Operation::Difference,
        ..Takes::default()
    };
    let options = Options::parse(args, &named, takes)?;
    let found = operation.result(named.sources(keys, &options), options.aggregate);
    let set = found.finish(limits(keys.config()));
    Ok(store(keys, &args[1], set, name))
}

/// The keys that a request names.
struct Named {
    /// Where each is, if it is there: a sorted set or a set.
    slots: Vec<Option<SlotId>>,
    /// The first word behind them.
    rest: usize,
}

impl Named {
    /// Reads `numkeys key [key ...]` from the word `first` on, and looks the keys up.
    fn look_up(
        keys: &mut Keys<'_>,
        args: &Args<'_>,
        first: usize,
        command: &'static str,
    ) -> Result<Named> {
        let count = integer_argument(&args[first])?;
        if count < 1 {
            let text = format!("ERR at least 1 input key is needed for '{command}' command");
            return Err(CommandError::Text(text.into()));
        }
        let begin = first + 1;
        let count = usize::try_from(count).ok();
        let count = count.filter(|&count| count <= args.len() - begin);
        let count = count.ok_or(CommandError::SYNTAX)?;
        let mut slots = Vec::with_capacity(count);
        for key in args.iter().skip(begin).take(count) {
            let slot = keys.lookup_read(key);
            if let Some(slot) = slot
                && keys.get::<Set>(slot).is_err()
            {
                keys.get::<SortedSet>(slot)?;
            }
            slots.push(slot);
        }
        allow_copies(keys, slots.iter().copied().flatten())?;
        let rest = begin + count;
        Ok(Named { slots, rest })
    }

    /// What is there, in the order of the keys.
    fn sources<'k>(&self, keys: &'k Keys<'_>, options: &Options) -> Vec<Source<'k>> {
        let members = |slot: SlotId| match keys.get(slot) {
            Ok(set) => Members::Scored(set),
            Err(_) => keys.get(slot).map_or(Members::None, Members::Plain),
        };
        let source = |(&slot, &weight): (&Option<SlotId>, &f64)| Source {
            members: slot.map_or(Members::None, members),
            weight,
        };
        self.slots
            .iter()
            .zip(&options.weights)
            .map(source)
            .collect()
    }
}

/// Which options a command takes.
#[derive(Clone, Copy, Default)]
struct Takes {
    /// WEIGHTS and AGGREGATE.
    weights: bool,
    /// WITHSCORES.
    scores: bool,
    /// LIMIT.
    limit: bool,
}

/// What the words behind the keys say.
struct Options {
    /// One for each key.
    weights: Vec<f64>,
    aggregate: Aggregate,
    shown: Shown,
    /// 0 is none.
    limit: usize,
}

impl Options {
    fn parse(args: &Args<'_>, named: &Named, takes: Takes) -> Result<Options> {
        const WEIGHT: CommandError = CommandError::text("ERR weight value is not a float");
        const LIMIT: CommandError = CommandError::text("ERR LIMIT can't be negative");
        let sources = named.slots.len();
        let mut options = Options {
            weights: vec![1.0; sources],
            aggregate: Aggregate::Sum,
            shown: Shown::Members,
            limit: 0,
        };
        let mut words = args.iter().skip(named.rest);
        while let Some(word) = words.next() {
            match word.to_ascii_lowercase().as_slice() {
                b"weights" if takes.weights && words.len() >= sources => {
                    for (weight, word) in options.weights.iter_mut().zip(words.by_ref()) {
                        *weight = parse_score(word).ok_or(WEIGHT)?;
                    }
                }
                b"aggregate" if takes.weights => {
                    let aggregate = words.next().and_then(Aggregate::of);
                    options.aggregate = aggregate.ok_or(CommandError::SYNTAX)?;
                }
                b"withscores" if takes.scores => options.shown = Shown::WithScores,
                b"limit" if takes.limit => {
                    let limit = words.next().ok_or(CommandError::SYNTAX)?;
                    options.limit = positive(limit, LIMIT)?;
                }
                _ => return Err(CommandError::SYNTAX),
            }
        }
        Ok(options)
    }
}

/// What becomes of the scores of a member that several sources have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn of(word: &[u8]) -> Option<Aggregate> {
        match word.to_ascii_lowercase().as_slice() {
            b"sum" => Some(Aggregate::Sum),
            b"min" => Some(Aggregate::Min),
            b"max" => Some(Aggregate::Max),
            _ => None,
        }
    }

    /// Of infinities that cancel each other out, the sum is 0, as in Redis. `score` may be NaN.
    fn combine(self, so_far: f64, score: f64) -> f64 {
        match self {
            Aggregate::Sum => number_or_zero(so_far + score),
            Aggregate::Min if score < so_far => score,
            Aggregate::Max if score > so_far => score,
            Aggregate::Min | Aggregate::Max => so_far,
        }
    }
}

fn number_or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// One of the sets that a result is made of.
struct Source<'a> {
    members: Members<'a>,
    weight: f64,
}

enum Members<'a> {
    None,
    Scored(&'a SortedSet),
    /// Each has the score 1.
    Plain(&'a Set),
}

impl Source<'_> {
    fn len(&self) -> usize {
        match self.members {
            Members::None => 0,
            Members::Scored(set) => set.len(),
            Members::Plain(set) => set.len(),
        }
    }

    /// The score of a member here, weighted; it may be NaN.
    fn score(&self, member: &[u8]) -> Option<f64> {
        let score = match self.members {
            Members::None => None,
            Members::Scored(set) => set.score(member),
            Members::Plain(set) => set.contains(member).then_some(1.0),
        }?;
        Some(score * self.weight)
    }

    /// Shows all members with their weighted scores, until it is told to stop.
    fn visit(&self, mut show: impl FnMut(&[u8], f64) -> ControlFlow<()>) {
        let mut show = |member: &[u8], score| show(member, number_or_zero(score * self.weight));
        // Whether it was stopped makes no difference to who is called.
        let _: ControlFlow<()> = match self.members {
            Members::None => Continue(()),
            Members::Scored(set) => set
                .iter()
                .try_for_each(|(member, score)| show(member, score)),
            Members::Plain(set) => set
                .iter()
                .try_for_each(|member| member.with_bytes(|member| show(member, 1.0))),
        };
    }
}

/// Shows the members that all sources have, with their combined scores. The first source is gone
/// through, and the others are searched: it should be the smallest.
fn visit_common(
    sources: &[Source<'_>],
    aggregate: Aggregate,
    mut show: impl FnMut(&[u8], f64) -> ControlFlow<()>,
) {
    let Some((first, others)) = sources.split_first() else {
        return;
    };
    first.visit(|member, score| {
        let mut others = others.iter();
        let combined = others.try_fold(score, |score, other| {
            Some(aggregate.combine(score, other.score(member)?))
        });
        combined.map_or(Continue(()), |score| show(member, score))
    });
}

/// What is made of the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

impl Operation {
    /// As in Redis, all but a difference take the smallest source first, which shows in sums.
    fn result(self, mut sources: Vec<Source<'_>>, aggregate: Aggregate) -> Builder {
        if self != Operation::Difference {
            sources.sort_by_key(Source::len);
        }
        let mut found = Builder::default();
        let mut add = |member: &[u8], score| {
            found.add(member, score, |so_far, score| {
                aggregate.combine(so_far, score)
            });
            Continue(())
        };
        match self {
            Operation::Union => sources.iter().for_each(|source| source.visit(&mut add)),
            Operation::Intersection => visit_common(&sources, aggregate, add),
            Operation::Difference => {
                if let Some((first, others)) = sources.split_first() {
                    first.visit(|member, score| {
                        if others.iter().all(|other| other.score(member).is_none()) {
                            return add(member, score);
                        }
                        Continue(())
                    });
                }
            }
        }
        found
    }
}
