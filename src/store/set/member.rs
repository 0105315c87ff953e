//! A set's members as the set returns them: numbers from an intset, bytes from the other forms.
//!
//! Layer `store`. It uses nothing else.

use std::hash::{Hash, Hasher};

use super::super::pairs::PairsIter;
use super::intset::IntSet;

/// A member of a set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Member<'a> {
    /// The decimal digits of this number.
    Integer(i64),
    /// Any bytes.
    Bytes(&'a [u8]),
}

impl Member<'_> {
    /// Runs `look` on the bytes.
    pub(crate) fn with_bytes<R>(self, look: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Member::Integer(number) => look(itoa::Buffer::new().format(number).as_bytes()),
            Member::Bytes(bytes) => look(bytes),
        }
    }

    /// A copy of the bytes.
    pub(crate) fn to_vec(self) -> Vec<u8> {
        self.with_bytes(<[u8]>::to_vec)
    }
}

/// Members are equal if their bytes are, whatever the forms of their sets.
impl PartialEq for Member<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Member::Integer(one), Member::Integer(other)) => one == other,
            _ => self.with_bytes(|one| other.with_bytes(|other| one == other)),
        }
    }
}

impl Eq for Member<'_> {}

impl Hash for Member<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.with_bytes(|bytes| bytes.hash(state));
    }
}

/// All members of a set.
#[derive(Clone, Debug)]
pub(crate) struct Members<'a>(pub(super) Inner<'a>);

/// The form that the members come from.
#[derive(Clone, Debug)]
pub(super) enum Inner<'a> {
    /// An intset, and the number of its integers that were returned.
    Integers(&'a IntSet, usize),
    /// Members as fields.
    Members(PairsIter<'a>),
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Inner::Integers(integers, number) => {
                let integer = (*number < integers.len()).then(|| integers.nth(*number))?;
                *number += 1;
                Some(Member::Integer(integer))
            }
            Inner::Members(members) => members.next().map(|(member, _)| Member::Bytes(member)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Inner::Integers(integers, number) => {
                let left = integers.len() - number;
                (left, Some(left))
            }
            Inner::Members(members) => members.size_hint(),
        }
    }
}

impl ExactSizeIterator for Members<'_> {}
