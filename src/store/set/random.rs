//! Random members of a set: read, or removed. All members are equally likely. The random numbers
//! come from the caller.
//!
//! Layer `store`. It uses nothing else.

use super::{Form, Member, Set, SetLimits};
use crate::store::random;

/// If this many times fewer members stay than are removed, those that stay are moved to a new set
/// (Redis: `SPOP_MOVE_STRATEGY_MUL`).
const FEW_STAY: usize = 5;

impl Set {
    /// Removes and returns a random member. `None` if there is none.
    pub(crate) fn pop(&mut self, random: &mut impl FnMut() -> u64) -> Option<Vec<u8>> {
        match &mut self.0 {
            Form::Integers(integers) if integers.len() == 0 => None,
            Form::Integers(integers) => {
                let number = random::below(integers.len(), random);
                Some(Member::Integer(integers.take(number)).to_vec())
            }
            Form::Members(members) => members.pop(random),
        }
    }

    /// Removes `count` random members, or all if there are no more, and returns them as a set. All
    /// choices are equally likely.
    ///
    /// If far fewer members stay than are removed, those that stay are moved to a new set, as in
    /// Redis. It may have a smaller form.
    pub(crate) fn take_random(
        &mut self,
        count: usize,
        limits: SetLimits,
        random: &mut impl FnMut() -> u64,
    ) -> Set {
        let Some(rest) = self.len().checked_sub(count).filter(|&rest| rest > 0) else {
            return std::mem::replace(self, Set::listpack());
        };
        if rest.saturating_mul(FEW_STAY) > count {
            return self.split_off(count, random);
        }
        let mut kept = self.split_off(rest, random);
        if kept.is_table() && rest <= limits.listpack_entries {
            let table = std::mem::replace(&mut kept, Set::listpack());
            for member in table.iter() {
                member.with_bytes(|bytes| kept.add(bytes, limits));
            }
        }
        std::mem::replace(self, kept)
    }

    /// Does what [`take_random`](Self::take_random) does for fewer than all members. Both sets keep
    /// the form.
    fn split_off(&mut self, count: usize, random: &mut impl FnMut() -> u64) -> Set {
        Set(match &mut self.0 {
            Form::Integers(integers) => {
                let mut numbers = random::distinct(integers.len(), count, random);
                numbers.sort_unstable();
                Form::Integers(integers.split_off(&numbers))
            }
            Form::Members(members) => Form::Members(members.split_off(count, random)),
        })
    }

    /// A random member. All are equally likely. `None` if there is none.
    pub(crate) fn random(&self, random: &mut impl FnMut() -> u64) -> Option<Member<'_>> {
        match &self.0 {
            Form::Integers(integers) if integers.len() == 0 => None,
            Form::Integers(integers) => {
                let number = random::below(integers.len(), random);
                Some(Member::Integer(integers.nth(number)))
            }
            Form::Members(members) => {
                let (member, _) = members.random(random)?;
                Some(Member::Bytes(member))
            }
        }
    }

    /// `count` different random members, or all if there are no more. All choices are equally
    /// likely.
    pub(crate) fn random_distinct(
        &self,
        count: usize,
        random: &mut impl FnMut() -> u64,
    ) -> Vec<Member<'_>> {
        match &self.0 {
            Form::Integers(integers) => {
                let count = count.min(integers.len());
                let numbers = random::distinct(integers.len(), count, random);
                let chosen = numbers.into_iter().map(|number| integers.nth(number));
                chosen.map(Member::Integer).collect()
            }
            Form::Members(members) => {
                let chosen = members.random_distinct(count, random).into_iter();
                chosen.map(|(member, _)| Member::Bytes(member)).collect()
            }
        }
    }

    /// Calls `show` with `count` random members, each chosen from all of them.
    pub(crate) fn random_repeated<'a>(
        &'a self,
        count: usize,
        random: &mut impl FnMut() -> u64,
        mut show: impl FnMut(Member<'a>),
    ) {
        match &self.0 {
            Form::Integers(integers) if integers.len() == 0 => {}
            Form::Integers(integers) => (0..count).for_each(|_| {
                let number = random::below(integers.len(), random);
                show(Member::Integer(integers.nth(number)));
            }),
            Form::Members(members) => {
                members.random_repeated(count, random, |(member, _)| show(Member::Bytes(member)));
            }
        }
    }
}
