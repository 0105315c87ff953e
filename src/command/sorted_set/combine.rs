//! ZUNION, ZINTER, ZDIFF, their STORE forms, and ZINTERCARD. The sources may be sorted sets or
//! sets.
//!
//! Layer `command`. It may use `state` and what lies below. As in Redis, the keys are looked up
//! before the options are parsed. The result is built separately, so the destination may be one of
//! the sources.

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

/// `ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM |
/// MIN
/// | MAX]`
pub(crate) fn zunionstore(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    combine_and_store(keys, args, Operation::Union, "zunionstore")
}

/// `ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM |
/// MIN
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
    let inputs = Inputs::lookup(keys, args, 1, "zintercard")?;
    let takes = Takes {
        limit: true,
        ..Takes::default()
    };
    let options = CombineOptions::parse(args, &inputs, takes)?;
    let mut sources = inputs.sources(keys, &options);
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
    let inputs = Inputs::lookup(keys, args, 1, name)?;
    let takes = Takes {
        weights: operation != Operation::Difference,
        scores: true,
        limit: false,
    };
    let options = CombineOptions::parse(args, &inputs, takes)?;
    let found = operation.result(inputs.sources(keys, &options), options.aggregate);
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
    let inputs = Inputs::lookup(keys, args, 2, name)?;
    let takes = Takes {
        weights: operation != Operation::Difference,
        ..Takes::default()
    };
    let options = CombineOptions::parse(args, &inputs, takes)?;
    let found = operation.result(inputs.sources(keys, &options), options.aggregate);
    let set = found.finish(limits(keys.config()));
    Ok(store(keys, &args[1], set, name))
}

/// The input keys of a request.
struct Inputs {
    /// The slot of each key, which has a sorted set or a set. `None`: the key does not exist.
    slots: Vec<Option<SlotId>>,
    /// The index of the first argument after the keys.
    rest: usize,
}

impl Inputs {
    /// Parses `numkeys key [key ...]` from the argument `first` on, and looks up the keys.
    fn lookup(
        keys: &mut Keys<'_>,
        args: &Args<'_>,
        first: usize,
        command: &'static str,
    ) -> Result<Inputs> {
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
        Ok(Inputs { slots, rest })
    }

    /// The values with their weights, in the order of the keys.
    fn sources<'k>(&self, keys: &'k Keys<'_>, options: &CombineOptions) -> Vec<Source<'k>> {
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

/// The options after the keys.
struct CombineOptions {
    /// One for each key.
    weights: Vec<f64>,
    aggregate: Aggregate,
    shown: Shown,
    /// 0: no limit.
    limit: usize,
}

impl CombineOptions {
    fn parse(args: &Args<'_>, inputs: &Inputs, takes: Takes) -> Result<CombineOptions> {
        const WEIGHT: CommandError = CommandError::text("ERR weight value is not a float");
        const LIMIT: CommandError = CommandError::text("ERR LIMIT can't be negative");
        let sources = inputs.slots.len();
        let mut options = CombineOptions {
            weights: vec![1.0; sources],
            aggregate: Aggregate::Sum,
            shown: Shown::Members,
            limit: 0,
        };
        let mut rest = args.iter().skip(inputs.rest);
        while let Some(option) = rest.next() {
            match option.to_ascii_lowercase().as_slice() {
                b"weights" if takes.weights && rest.len() >= sources => {
                    for (weight, word) in options.weights.iter_mut().zip(rest.by_ref()) {
                        *weight = parse_score(word).ok_or(WEIGHT)?;
                    }
                }
                b"aggregate" if takes.weights => {
                    let aggregate = rest.next().and_then(Aggregate::parse);
                    options.aggregate = aggregate.ok_or(CommandError::SYNTAX)?;
                }
                b"withscores" if takes.scores => options.shown = Shown::WithScores,
                b"limit" if takes.limit => {
                    let limit = rest.next().ok_or(CommandError::SYNTAX)?;
                    options.limit = positive(limit, LIMIT)?;
                }
                _ => return Err(CommandError::SYNTAX),
            }
        }
        Ok(options)
    }
}

/// How the scores of a member that is in several sources are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn parse(word: &[u8]) -> Option<Aggregate> {
        match word.to_ascii_lowercase().as_slice() {
            b"sum" => Some(Aggregate::Sum),
            b"min" => Some(Aggregate::Min),
            b"max" => Some(Aggregate::Max),
            _ => None,
        }
    }

    /// Combines two scores. As in Redis, the sum of opposite infinities is 0. `score` may be NaN.
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

/// An input set with its weight.
struct Source<'a> {
    members: Members<'a>,
    weight: f64,
}

enum Members<'a> {
    None,
    Scored(&'a SortedSet),
    /// Each member has the score 1.
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

    /// The weighted score of a member; it may be NaN.
    fn score(&self, member: &[u8]) -> Option<f64> {
        let score = match self.members {
            Members::None => None,
            Members::Scored(set) => set.score(member),
            Members::Plain(set) => set.contains(member).then_some(1.0),
        }?;
        Some(score * self.weight)
    }

    /// Calls `show` for each member and its weighted score, until it breaks.
    fn visit(&self, mut show: impl FnMut(&[u8], f64) -> ControlFlow<()>) {
        let mut show = |member: &[u8], score| show(member, number_or_zero(score * self.weight));
        // The caller does not need to know whether `show` has stopped it.
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

/// Calls `show` for each member that is in all sources, with its combined score. It iterates over
/// the first source, which should be the smallest, and looks up each member in the others.
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

/// An operation on the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

impl Operation {
    /// Computes the result. As in Redis, union and intersection take the smallest source first,
    /// since the order of additions affects rounding.
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
