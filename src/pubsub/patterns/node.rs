//! A trie node and its children.
//!
//! Layer `pubsub`. It uses `glob` and `hash`.
//!
//! Most nodes are leaves, so the children are behind one pointer. Children that begin with a
//! literal are looked up by that byte: up to ten by linear search, more by a bit set in which the
//! byte's rank is the index into a dense list. At most one child begins with `?` and one with `*`.
//! Children that begin with a class are tried one by one in a match, since several may contain the
//! same byte. When a pattern is added, they are looked up by their set.

use std::collections::HashMap;

use super::label::Label;
use super::slab::NONE;
use crate::glob::{ByteSet, Token};
use crate::hash::HashState;

/// A node of the trie that `patterns.rs` describes. It takes 40 bytes.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) label: Label,
    pub(super) parent: u32,
    /// The first entry in the list of patterns that end here.
    pub(super) first_entry: u32,
    pub(super) children: Option<Box<Children>>,
}

#[derive(Debug)]
pub(super) struct Children {
    literals: Literals,
    /// The child that begins with `?`.
    pub(super) any: u32,
    /// The child that begins with `*`.
    pub(super) star: u32,
    classes: Option<Box<Classes>>,
}

#[derive(Debug)]
enum Literals {
    /// The first `length` of each are in use.
    Few {
        length: u8,
        bytes: [u8; FEW],
        ids: [u32; FEW],
    },
    Many(ManyLiterals),
}

#[derive(Debug, Default)]
struct ManyLiterals {
    bytes: ByteSet,
    /// The children's ids, ordered by their bytes.
    ids: Vec<u32>,
}

#[derive(Debug)]
enum Classes {
    Few(Vec<(ByteSet, u32)>),
    Many(HashMap<ByteSet, u32, HashState>),
}

const FEW: usize = 10;
const FEW_CLASSES: usize = 8;

impl Node {
    pub(super) fn new(label: Label, parent: u32) -> Self {
        Self {
            label,
            parent,
            first_entry: NONE,
            children: None,
        }
    }

    /// Whether the node has neither an entry nor a child.
    pub(super) fn is_dead_end(&self) -> bool {
        self.first_entry == NONE && self.children.is_none()
    }

    /// The child whose label begins with `token`, or [`NONE`].
    pub(super) fn child(&self, token: &Token) -> u32 {
        let Some(children) = &self.children else {
            return NONE;
        };
        match token {
            Token::Literal(byte) => children.literal(*byte),
            Token::Any => children.any,
            Token::Star => children.star,
            Token::Class(set) => match children.classes.as_deref() {
                None => None,
                Some(Classes::Few(few)) => few.iter().find(|(of, _)| of == set).map(|&(_, id)| id),
                Some(Classes::Many(many)) => many.get(set).copied(),
            }
            .unwrap_or(NONE),
        }
    }

    /// Adds or replaces the child whose label begins with `token`.
    pub(super) fn set_child(&mut self, token: Token, id: u32) {
        let children = self.children.get_or_insert_default();
        match token {
            Token::Literal(byte) => children.literals.set(byte, id),
            Token::Any => children.any = id,
            Token::Star => children.star = id,
            Token::Class(set) => children.classes.get_or_insert_default().set(set, id),
        }
    }

    pub(super) fn remove_child(&mut self, token: &Token) {
        let Some(children) = &mut self.children else {
            return;
        };
        match token {
            Token::Literal(byte) => children.literals.remove(*byte),
            Token::Any => children.any = NONE,
            Token::Star => children.star = NONE,
            Token::Class(set) => {
                if let Some(classes) = &mut children.classes {
                    classes.remove(set);
                    if classes.len() == 0 {
                        children.classes = None;
                    }
                }
            }
        }
        if children.len() == 0 {
            self.children = None;
        }
    }

    /// The only child, or [`NONE`] if there is none or more than one.
    pub(super) fn only_child(&mut self) -> u32 {
        let mut only = NONE;
        if self
            .children
            .as_ref()
            .is_some_and(|children| children.len() == 1)
        {
            self.for_each_child_mut(|child| only = *child);
        }
        only
    }

    /// Visits the id of every child.
    pub(super) fn for_each_child_mut(&mut self, mut visit: impl FnMut(&mut u32)) {
        let Some(children) = self.children.as_deref_mut() else {
            return;
        };
        match &mut children.literals {
            Literals::Few { length, ids, .. } => {
                ids[..usize::from(*length)].iter_mut().for_each(&mut visit);
            }
            Literals::Many(many) => many.ids.iter_mut().for_each(&mut visit),
        }
        [&mut children.any, &mut children.star]
            .into_iter()
            .filter(|id| **id != NONE)
            .for_each(&mut visit);
        match children.classes.as_deref_mut() {
            None => {}
            Some(Classes::Few(few)) => few.iter_mut().for_each(|(_, id)| visit(id)),
            Some(Classes::Many(many)) => many.values_mut().for_each(visit),
        }
    }
}

impl Default for Children {
    fn default() -> Self {
        Self {
            literals: Literals::NONE,
            any: NONE,
            star: NONE,
            classes: None,
        }
    }
}

impl Children {
    /// The child whose label begins with this literal, or [`NONE`].
    #[inline]
    pub(super) fn literal(&self, byte: u8) -> u32 {
        match &self.literals {
            Literals::Few { length, bytes, ids } => {
                let place = bytes[..usize::from(*length)]
                    .iter()
                    .position(|&of| of == byte);
                place.map_or(NONE, |place| ids[place])
            }
            Literals::Many(many) if many.bytes.contains(byte) => many.ids[many.bytes.rank(byte)],
            Literals::Many(_) => NONE,
        }
    }

    /// Visits every child whose label begins with a class that contains `byte`.
    #[inline]
    pub(super) fn for_each_class(&self, byte: u8, mut visit: impl FnMut(u32)) {
        let taking = |(set, id): (&ByteSet, &u32)| set.contains(byte).then_some(*id);
        match self.classes.as_deref() {
            None => {}
            Some(Classes::Few(few)) => {
                few.iter()
                    .filter_map(|(set, id)| taking((set, id)))
                    .for_each(visit);
            }
            Some(Classes::Many(many)) => many.iter().filter_map(taking).for_each(&mut visit),
        }
    }

    /// Whether a child may begin with `byte`. A fast test, with false positives but no false
    /// negatives.
    #[inline]
    pub(super) fn may_take(&self, byte: u8) -> bool {
        self.any != NONE || self.classes.is_some() || self.literal(byte) != NONE
    }

    fn len(&self) -> usize {
        self.literals.len()
            + usize::from(self.any != NONE)
            + usize::from(self.star != NONE)
            + self.classes.as_ref().map_or(0, |classes| classes.len())
    }
}

impl Literals {
    const NONE: Self = Self::Few {
        length: 0,
        bytes: [0; FEW],
        ids: [NONE; FEW],
    };

    fn len(&self) -> usize {
        match self {
            Self::Few { length, .. } => usize::from(*length),
            Self::Many(many) => many.ids.len(),
        }
    }

    fn set(&mut self, byte: u8, id: u32) {
        match self {
            Self::Few { length, bytes, ids } => {
                let used = usize::from(*length);
                let place = bytes[..used]
                    .iter()
                    .position(|&of| of == byte)
                    .unwrap_or(used);
                if place < FEW {
                    bytes[place] = byte;
                    ids[place] = id;
                    *length = used.max(place + 1) as u8;
                } else {
                    let mut many = ManyLiterals::default();
                    bytes
                        .iter()
                        .zip(*ids)
                        .for_each(|(&byte, id)| many.set(byte, id));
                    many.set(byte, id);
                    *self = Self::Many(many);
                }
            }
            Self::Many(many) => many.set(byte, id),
        }
    }

    fn remove(&mut self, byte: u8) {
        match self {
            Self::Few { length, bytes, ids } => {
                let used = usize::from(*length);
                if let Some(place) = bytes[..used].iter().position(|&of| of == byte) {
                    bytes[place] = bytes[used - 1];
                    ids[place] = ids[used - 1];
                    *length -= 1;
                }
            }
            Self::Many(many) => {
                if many.bytes.contains(byte) {
                    many.ids.remove(many.bytes.rank(byte));
                    many.bytes.remove(byte);
                }
                // Well below FEW, so that adding and removing one child does not convert each time.
                if many.ids.len() <= FEW / 2 {
                    let mut few = Self::NONE;
                    many.bytes
                        .iter()
                        .zip(&many.ids)
                        .for_each(|(byte, &id)| few.set(byte, id));
                    *self = few;
                }
            }
        }
    }
}

impl ManyLiterals {
    fn set(&mut self, byte: u8, id: u32) {
        let place = self.bytes.rank(byte);
        if self.bytes.contains(byte) {
            self.ids[place] = id;
        } else {
            self.bytes.insert(byte);
            self.ids.insert(place, id);
        }
    }
}

impl Default for Classes {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Classes {
    fn len(&self) -> usize {
        match self {
            Self::Few(few) => few.len(),
            Self::Many(many) => many.len(),
        }
    }

    fn set(&mut self, set: ByteSet, id: u32) {
        match self {
            Self::Few(few) => match few.iter_mut().find(|(of, _)| *of == set) {
                Some((_, old)) => *old = id,
                None => {
                    few.push((set, id));
                    if few.len() > FEW_CLASSES {
                        *self = Self::Many(few.drain(..).collect());
                    }
                }
            },
            Self::Many(many) => {
                many.insert(set, id);
            }
        }
    }

    fn remove(&mut self, set: &ByteSet) {
        match self {
            Self::Few(few) => few.retain(|(of, _)| of != set),
            Self::Many(many) => {
                many.remove(set);
                if many.len() <= FEW_CLASSES / 2 {
                    *self = Self::Few(many.drain().collect());
                }
            }
        }
    }
}
