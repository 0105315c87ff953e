//! ZADD and ZINCRBY.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::{Args, Result, limits, score_argument};
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::store::keys::Keys;
use crate::store::sorted_set::{Limits, Outcome, SortedSet};

const NOT_A_NUMBER: CommandError = CommandError::text("ERR resulting score is not a number (NaN)");

/// `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]`
pub(crate) fn zadd(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    add(keys, args, AddOptions::default())
}

/// `ZINCRBY key increment member`: as ZADD with INCR. As in Redis, it parses ZADD's options, but
/// then the request is too short for a member and its increment.
pub(crate) fn zincrby(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let options = AddOptions {
        increments: true,
        ..AddOptions::default()
    };
    add(keys, args, options)
}

/// The options of ZADD.
#[derive(Clone, Copy, Default)]
struct AddOptions {
    /// NX: the scores of existing members do not change.
    only_new: bool,
    /// XX: no member is added.
    only_old: bool,
    /// GT: no score gets lower.
    only_greater: bool,
    /// LT: no score gets higher.
    only_lower: bool,
    /// CH: the reply counts changed scores too.
    counts_changes: bool,
    /// INCR: the score is an increment, and the reply is the new score.
    increments: bool,
}

impl AddOptions {
    /// Parses the options, and returns the index of the first argument that is not one.
    fn parse(mut self, args: &Args<'_>) -> (AddOptions, usize) {
        let mut first = 2;
        while let Some(word) = args.get(first) {
            match word.to_ascii_lowercase().as_slice() {
                b"nx" => self.only_new = true,
                b"xx" => self.only_old = true,
                b"gt" => self.only_greater = true,
                b"lt" => self.only_lower = true,
                b"ch" => self.counts_changes = true,
                b"incr" => self.increments = true,
                _ => break,
            }
            first += 1;
        }
        (self, first)
    }

    /// Refuses options that contradict each other, or the number of members.
    fn validate(self, members: usize) -> Result<()> {
        let AddOptions {
            only_new,
            only_old,
            only_greater,
            only_lower,
            ..
        } = self;
        if only_new && only_old {
            return Err(CommandError::text(
                "ERR XX and NX options at the same time are not compatible",
            ));
        }
        if (only_new && (only_greater || only_lower)) || (only_greater && only_lower) {
            return Err(CommandError::text(
                "ERR GT, LT, and/or NX options at the same time are not compatible",
            ));
        }
        if self.increments && members > 1 {
            return Err(CommandError::text(
                "ERR INCR option supports a single increment-element pair",
            ));
        }
        Ok(())
    }

    /// Whether the new score does not depend on the old one, which then need not be looked up.
    fn are_plain(self) -> bool {
        !(self.only_new || self.only_old || self.only_greater || self.only_lower || self.increments)
    }

    /// The new score of a member with the score `old`. `None`: the member stays as it is.
    fn score(self, old: Option<f64>, given: f64) -> Result<Option<f64>> {
        let Some(old) = old else {
            return Ok((!self.only_old).then_some(given));
        };
        if self.only_new {
            return Ok(None);
        }
        let new = if self.increments { old + given } else { given };
        if new.is_nan() {
            return Err(NOT_A_NUMBER);
        }
        let stays = (self.only_lower && new >= old) || (self.only_greater && new <= old);
        Ok((!stays).then_some(new))
    }
}

/// The result of the members so far.
#[derive(Default)]
struct Done {
    added: usize,
    changed: usize,
    /// The score of the last member. `None`: it stayed as it was.
    score: Option<f64>,
}

impl Done {
    fn add(
        &mut self,
        set: &mut SortedSet,
        member: &[u8],
        given: f64,
        options: AddOptions,
        limits: Limits,
    ) -> Result<()> {
        self.score = if options.are_plain() {
            Some(given)
        } else {
            options.score(set.score(member), given)?
        };
        if let Some(score) = self.score {
            match set.insert(member, score, limits) {
                Outcome::Added => self.added += 1,
                Outcome::Updated => self.changed += 1,
                Outcome::Same => {}
            }
        }
        Ok(())
    }
}

fn add(keys: &mut Keys<'_>, args: &Args<'_>, options: AddOptions) -> Result {
    let (options, first) = options.parse(args);
    let rest = args.len() - first;
    if rest == 0 || rest % 2 == 1 {
        return Err(CommandError::SYNTAX);
    }
    let members = rest / 2;
    options.validate(members)?;
    let given = args.iter().skip(first).step_by(2).map(score_argument);
    let given = given.collect::<Result<smallvec::SmallVec<[f64; 4]>>>()?;
    let key = &args[1];
    let limits = limits(keys.config());
    let slot = match keys.write::<SortedSet>(key)? {
        Some(slot) => slot,
        None if options.only_old => {
            return Ok(if options.increments {
                Reply::Null
            } else {
                Reply::Integer(0)
            });
        }
        None => {
            let set = SortedSet::new(members, args[first + 1].len(), limits);
            keys.add(key, set)
        }
    };
    let (done, result) = keys.change(slot, |set: &mut SortedSet| {
        set.expect(members, limits);
        let mut done = Done::default();
        let names = args.iter().skip(first + 1).step_by(2);
        let result = names
            .zip(&given)
            .try_for_each(|(member, &given)| done.add(set, member, given, options, limits));
        (done, result)
    });
    if done.added + done.changed > 0 {
        let event = if options.increments { "zincr" } else { "zadd" };
        keys.changed(key);
        keys.notify(EventClass::SortedSet, event, key);
    }
    result?;
    Ok(if options.increments {
        done.score.map_or(Reply::Null, Reply::Double)
    } else if options.counts_changes {
        Reply::Integer((done.added + done.changed) as i64)
    } else {
        Reply::Integer(done.added as i64)
    })
}
