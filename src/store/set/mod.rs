//! The value of a key of type set: different members, in one of three forms.
//!
//! Layer `store`. It may use `config` and `resp`.
//!
//! ```text
//!   intset      integers only, in ascending order
//!   listpack    a few short members, in the order in which they were added
//!   hashtable   any members, in no particular order
//! ```
//!
//! A set changes its form by the rules of Redis 7.2 (`t_set.c`):
//!
//! - A new set is an intset if its first member is an integer, and otherwise a listpack. If the
//!   command that creates it has more members than that form may have, it is a table.
//! - An intset with too many integers becomes a table. An intset that gets another member becomes a
//!   listpack, if the limits of a listpack allow it, and otherwise a table.
//! - A listpack that may not get one more member becomes a table.
//! - Removals do not change the form. Only SINTERSTORE makes a result of integers an intset.
//!
//! In `pairs`, a member is a field with an empty value.

mod intset;
mod member;
mod random;
#[cfg(test)]
mod tests;

use self::intset::IntSet;
use self::member::Inner;
pub(crate) use self::member::{Member, Members};
use super::pairs::Pairs;
use super::value::ValueType;
use crate::config::Config;
use crate::resp::request::parse_integer;

/// The most integers of an intset, whatever the setting (Redis: `intsetMaxEntries`).
const MAX_INTEGERS: usize = 1 << 30;

/// The limits of the forms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetLimits {
    /// The most members of an intset (`set-max-intset-entries`).
    pub intset_entries: usize,
    /// The most members of a listpack (`set-max-listpack-entries`).
    pub listpack_entries: usize,
    /// The most bytes of a member of a listpack (`set-max-listpack-value`).
    pub listpack_value: usize,
}

impl SetLimits {
    /// The limits of the settings.
    pub(crate) fn of(config: &Config) -> SetLimits {
        let size = |setting| usize::try_from(setting).unwrap_or(usize::MAX);
        SetLimits {
            intset_entries: size(config.set_max_intset_entries),
            listpack_entries: size(config.set_max_listpack_entries),
            listpack_value: size(config.set_max_listpack_value),
        }
    }

    /// Whether a listpack with `len` members may get one more, if the longest has this many bytes.
    fn allow(self, len: usize, longest: usize) -> bool {
        len < self.listpack_entries && longest <= self.listpack_value
    }
}

/// A set. Functions that need randomness get `random`, which returns uniformly distributed `u64`s.
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
            Form::Members(members) => members.free_cost(),
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
    /// An empty intset. Any members may be added.
    pub(crate) fn intset() -> Set {
        Set(Form::Integers(IntSet::default()))
    }

    /// An empty listpack.
    pub(crate) fn listpack() -> Set {
        Set(Form::Members(Pairs::default()))
    }

    /// An empty set for a command that will add this many members, beginning with `first` (Redis:
    /// `setTypeCreate`).
    pub(crate) fn for_members(first: &[u8], members: usize, limits: SetLimits) -> Set {
        if members <= limits.intset_entries && parse_integer(first).is_some() {
            return Set::intset();
        }
        let mut set = Set::listpack();
        set.expect(members, limits);
        set
    }

    /// Announces that one command will add this many members. More than the form may have make it a
    /// table at once, even if some are already there (Redis: `setTypeMaybeConvert`).
    pub(crate) fn expect(&mut self, members: usize, limits: SetLimits) {
        let most = match &self.0 {
            Form::Integers(_) => limits.intset_entries,
            Form::Members(_) => limits.listpack_entries,
        };
        if members > most {
            self.make_table();
        }
    }

    /// The number of members.
    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Form::Integers(integers) => integers.len(),
            Form::Members(members) => members.len(),
        }
    }

    /// Whether this is a member.
    pub(crate) fn contains(&self, member: &[u8]) -> bool {
        match &self.0 {
            Form::Integers(integers) => {
                parse_integer(member).is_some_and(|integer| integers.contains(integer))
            }
            Form::Members(members) => members.get(member).is_some(),
        }
    }

    /// Whether this member of another set is a member.
    pub(crate) fn has(&self, member: Member<'_>) -> bool {
        match (&self.0, member) {
            (Form::Integers(integers), Member::Integer(integer)) => integers.contains(integer),
            _ => member.with_bytes(|bytes| self.contains(bytes)),
        }
    }

    /// Whether it is an intset.
    pub(crate) fn is_intset(&self) -> bool {
        matches!(self.0, Form::Integers(_))
    }

    fn is_table(&self) -> bool {
        matches!(&self.0, Form::Members(members) if members.as_packed().is_none())
    }

    /// Adds a member. Returns `false` if it is already there.
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

    /// Removes a member. Returns `false` if it is not there.
    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.0 {
            Form::Integers(integers) => {
                parse_integer(member).is_some_and(|integer| integers.remove(integer))
            }
            Form::Members(members) => members.remove(member),
        }
    }

    /// All members, in the order of the form.
    pub(crate) fn iter(&self) -> Members<'_> {
        Members(match &self.0 {
            Form::Integers(integers) => Inner::Integers(integers, 0),
            Form::Members(members) => Inner::Members(members.iter()),
        })
    }

    /// Calls `show` with about `count` members, beginning at a cursor, and returns the next cursor.
    /// The first cursor is 0, and so is the one after the last member. A member that exists during
    /// the whole scan is shown exactly once. Only a table is shown in several calls.
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

    /// Makes it an intset, if all members are integers and an intset may have that many. Redis does
    /// this to the result of SINTERSTORE (`maybeConvertToIntset`).
    pub(crate) fn make_intset(&mut self, limits: SetLimits) {
        let Form::Members(members) = &self.0 else {
            return;
        };
        if members.len() > limits.intset_entries.min(MAX_INTEGERS) {
            return;
        }
        let integers = members.iter().map(|(member, _)| parse_integer(member));
        if let Some(mut integers) = integers.collect::<Option<Vec<_>>>() {
            // In ascending order, each integer is appended.
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

    /// Changes an intset to the form with bytes, packed or as a table. Changes the packed form to a
    /// table if `packed` is `false`.
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

/// The length of the longest integer as text; 0 if there is none.
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
