//! The value of a key of type set: different members, in one of three forms.
//!
//! ```text
//!   intset      integers only, in ascending order
//!   listpack    few and short members, in the order in which they were added
//!   hashtable   any members, in no particular order
//! ```
//!
//! When a set goes from one form to another follows Redis 7.2 (`t_set.c`):
//!
//! - A new set is an intset if its first member is an integer, else a listpack, unless the command
//!   that makes it has more members than that form may have: then it is a table.
//! - An intset with too many integers becomes a table. An intset that gets something else becomes a
//!   listpack, if one may have so many members and they are short enough, else a table.
//! - A listpack that may not take one more member becomes a table.
//! - Removals change no form. SINTERSTORE alone turns a result of integers into an intset.
//!
//! Beyond the tables, a member is a field whose value is empty.

mod intset;
mod member;
#[cfg(test)]
mod tests;

use self::intset::IntSet;
use self::member::Inner;
pub(crate) use self::member::{Member, Members};
use super::pairs::Pairs;
use super::random;
use super::value::ValueType;
use crate::config::Config;
use crate::resp::request::parse_integer;

/// Integers of an intset at most, whatever the setting (Redis: `intsetMaxEntries`).
const MAX_INTEGERS: usize = 1 << 30;

/// So many times fewer members stay than go if those that stay get a new set (Redis:
/// `SPOP_MOVE_STRATEGY_MUL`).
const FEW_STAY: usize = 5;

/// How large a set may be in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetLimits {
    /// Members of an intset (`set-max-intset-entries`).
    pub intset_entries: usize,
    /// Members of a listpack (`set-max-listpack-entries`).
    pub listpack_entries: usize,
    /// Bytes of a listpack's member (`set-max-listpack-value`).
    pub listpack_value: usize,
}

impl SetLimits {
    /// Those that the settings say.
    pub(crate) fn of(config: &Config) -> SetLimits {
        let size = |setting| usize::try_from(setting).unwrap_or(usize::MAX);
        SetLimits {
            intset_entries: size(config.set_max_intset_entries),
            listpack_entries: size(config.set_max_listpack_entries),
            listpack_value: size(config.set_max_listpack_value),
        }
    }

    /// Whether a listpack of `len` members may get one more, if the longest has so many bytes.
    fn allow(self, len: usize, longest: usize) -> bool {
        len < self.listpack_entries && longest <= self.listpack_value
    }
}

/// A set. A random number comes from `random`, which answers any `u64` as likely as any other.
#[derive(Clone, Debug)]
pub(crate) struct Set(Form);

#[derive(Clone, Debug)]
enum Form {
    Integers(IntSet),
    Members(Pairs),
}

impl ValueType for Set {
    fn encoding(&self) -> &'static str {
        match &self.0 {
            Form::Integers(_) => "intset",
            Form::Members(members) => members.encoding(),
        }
    }

    fn memory(&self) -> usize {
        match &self.0 {
            Form::Integers(integers) => integers.memory(),
            Form::Members(members) => members.memory(),
        }
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn free_cost(&self) -> usize {
        match &self.0 {
            Form::Integers(integers) => usize::from(integers.len() > 0),
            Form::Members(members) => members.allocations(),
        }
    }
}

impl AsRef<Set> for Set {
    fn as_ref(&self) -> &Set {
        self
    }
}

impl AsMut<Set> for Set {
    fn as_mut(&mut self) -> &mut Set {
        self
    }
}

impl Set {
    /// An intset without members, to which integers may be added as to any set.
    pub(crate) fn intset() -> Set {
        Set(Form::Integers(IntSet::default()))
    }

    /// A listpack without members.
    pub(crate) fn listpack() -> Set {
        Set(Form::Members(Pairs::default()))
    }

    /// A set without members for a command that is about to add so many, this one first (Redis:
    /// `setTypeCreate`).
    pub(crate) fn for_members(first: &[u8], members: usize, limits: SetLimits) -> Set {
        if members <= limits.intset_entries && parse_integer(first).is_some() {
            return Set::intset();
        }
        let mut set = Set::listpack();
        set.expect(members, limits);
        set
    }

    /// Notes that one command is about to add so many members: more than the set may have in its
    /// form make it a table at once, even if some are there (Redis: `setTypeMaybeConvert`).
    pub(crate) fn expect(&mut self, members: usize, limits: SetLimits) {
        let most = match &self.0 {
            Form::Integers(_) => limits.intset_entries,
            Form::Members(_) => limits.listpack_entries,
        };
        if members > most {
            self.make_table();
        }
    }

    /// How many members there are.
    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Form::Integers(integers) => integers.len(),
            Form::Members(members) => members.len(),
        }
    }

    /// Is it a member?
    pub(crate) fn contains(&self, member: &[u8]) -> bool {
        match &self.0 {
            Form::Integers(integers) => {
                parse_integer(member).is_some_and(|integer| integers.contains(integer))
            }
            Form::Members(members) => members.get(member).is_some(),
        }
    }

    /// Is it a member, as another set shows it?
    pub(crate) fn has(&self, member: Member<'_>) -> bool {
        match (&self.0, member) {
            (Form::Integers(integers), Member::Integer(integer)) => integers.contains(integer),
            _ => member.with_bytes(|bytes| self.contains(bytes)),
        }
    }

    /// Whether it has the form of integers.
    pub(crate) fn is_intset(&self) -> bool {
        matches!(self.0, Form::Integers(_))
    }

    fn is_table(&self) -> bool {
        matches!(&self.0, Form::Members(members) if members.as_packed().is_none())
    }

    /// Adds a member. `false`: it is there.
    pub(crate) fn add(&mut self, member: &[u8], limits: SetLimits) -> bool {
        match &mut self.0 {
            Form::Integers(integers) => match parse_integer(member) {
                Some(integer) => {
                    let added = integers.insert(integer);
                    if added && integers.len() > limits.intset_entries.min(MAX_INTEGERS) {
                        self.make_table();
                    }
                    added
                }
                None => {
                    let longest = widest(integers).max(member.len());
                    let packed = limits.allow(integers.len(), longest);
                    self.make_members(packed).set(member, b"")
                }
            },
            Form::Members(members) => {
                if let Some(packed) = members.as_packed()
                    && !(limits.allow(packed.len(), member.len()) && packed.has_room(member.len()))
                    && packed.get(member).is_none()
                {
                    members.make_table();
                }
                members.set(member, b"")
            }
        }
    }

    /// Removes a member. `false`: it is none.
    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.0 {
            Form::Integers(integers) => {
                parse_integer(member).is_some_and(|integer| integers.remove(integer))
            }
            Form::Members(members) => members.remove(member),
        }
    }

    /// Takes a random member out. `None`: there is none.
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

    /// Takes `count` random members out, or all if there are no more, and returns them as a set:
    /// every choice is as likely as any other.
    ///
    /// If far fewer stay than go, those that stay are put into a new set, as Redis does: it may have
    /// a smaller form.
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

    /// As [`take_random`](Self::take_random), of fewer than all; both sets keep the form.
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

    /// All members, in the order of the set's form.
    pub(crate) fn iter(&self) -> Members<'_> {
        Members(match &self.0 {
            Form::Integers(integers) => Inner::Integers(integers, 0),
            Form::Members(members) => Inner::Members(members.iter()),
        })
    }

    /// A random member: each is as likely as any other. `None`: there is none.
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

    /// `count` random members, none of them twice, or all if there are no more: every choice is as
    /// likely as any other.
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

    /// Shows `count` random members, each chosen from all of them.
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

    /// Shows about `count` members from a cursor on, and returns the next cursor. The first cursor
    /// is 0, and so is the one after the last member. A member that stays from the first call to
    /// the last is shown exactly once. Only a table is shown in parts.
    pub(crate) fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        mut show: impl FnMut(Member<'a>),
    ) -> u64 {
        match &self.0 {
            Form::Integers(_) => {
                self.iter().for_each(show);
                0
            }
            Form::Members(members) => {
                members.scan(cursor, count, |(member, _)| show(Member::Bytes(member)))
            }
        }
    }

    /// Makes it an intset if its members are integers and an intset may have so many, as Redis does
    /// with what SINTERSTORE stores (`maybeConvertToIntset`).
    pub(crate) fn make_intset(&mut self, limits: SetLimits) {
        let Form::Members(members) = &self.0 else {
            return;
        };
        if members.len() > limits.intset_entries.min(MAX_INTEGERS) {
            return;
        }
        let integers = members.iter().map(|(member, _)| parse_integer(member));
        if let Some(mut integers) = integers.collect::<Option<Vec<_>>>() {
            // In ascending order, each goes to the end.
            integers.sort_unstable();
            let mut intset = IntSet::default();
            for integer in integers {
                intset.insert(integer);
            }
            self.0 = Form::Integers(intset);
        }
    }

    fn make_table(&mut self) {
        self.make_members(false);
    }

    /// Turns integers into bytes, packed or not; and packed bytes into a table if they are not to
    /// be packed.
    fn make_members(&mut self, packed: bool) -> &mut Pairs {
        if let Form::Integers(integers) = &self.0 {
            let mut members = Pairs::default();
            if !packed {
                members.make_table();
            }
            for integer in integers.iter() {
                Member::Integer(integer).with_bytes(|member| members.push(member, b""));
            }
            self.0 = Form::Members(members);
        }
        match &mut self.0 {
            Form::Members(members) => {
                if !packed {
                    members.make_table();
                }
                members
            }
            Form::Integers(_) => unreachable!("they were just turned into bytes"),
        }
    }
}

/// The bytes of the longest integer; 0 if there is none.
fn widest(integers: &IntSet) -> usize {
    let ends = [0, integers.len().wrapping_sub(1)].into_iter();
    let ends = ends.take(integers.len()).map(|end| integers.nth(end));
    let digits = ends.map(|integer| Member::Integer(integer).with_bytes(<[u8]>::len));
    digits.max().unwrap_or(0)
}

#[cfg(test)]
impl Set {
    /// Panics if an invariant is broken.
    pub(crate) fn invariants(&self) {
        match &self.0 {
            Form::Integers(integers) => integers.invariants(),
            Form::Members(members) => members.invariants(),
        }
    }
}
