//! Random operations on a list and on a simple model of it.

use crate::store::value::ValueType;
use std::collections::VecDeque;

use proptest::prelude::*;

use super::super::listpack;
use super::{End, Head, List, Tail};

#[derive(Clone, Debug)]
enum Op {
    Push(End, Vec<u8>),
    /// Many pushes of one element, so that a few operations span several chunks.
    PushMany(End, Vec<u8>, usize),
    Pop(End),
    PopMany(End, usize),
    Set(usize, Vec<u8>),
    Insert(usize, Vec<u8>),
    /// Removes what equals the element at an index.
    Remove(usize, usize, End),
    Keep(usize, usize),
    Range(usize, usize),
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..40),
        4 => any::<i64>().prop_map(|integer| integer.to_string().into_bytes()),
        4 => (-300..300).prop_map(|integer: i32| integer.to_string().into_bytes()),
        2 => (any::<u8>(), 100..2000_usize).prop_map(|(byte, length)| vec![byte; length]),
        1 => (any::<u8>(), 2000..20_000_usize).prop_map(|(byte, length)| vec![byte; length]),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(Head), Just(Tail)]
}

fn op() -> impl Strategy<Value = Op> {
    let index = || any::<prop::sample::Index>().prop_map(|index| index.index(10_000));
    prop_oneof![
        6 => (end(), element()).prop_map(|(end, element)| Op::Push(end, element)),
        3 => (end(), element(), 0..150_usize)
            .prop_map(|(end, element, count)| Op::PushMany(end, element, count)),
        4 => end().prop_map(Op::Pop),
        1 => (end(), 0..300_usize).prop_map(|(end, count)| Op::PopMany(end, count)),
        4 => (index(), element()).prop_map(|(index, element)| Op::Set(index, element)),
        6 => (index(), element()).prop_map(|(index, element)| Op::Insert(index, element)),
        2 => (index(), prop_oneof![1..4_usize, Just(usize::MAX)], end())
            .prop_map(|(index, limit, from)| Op::Remove(index, limit, from)),
        1 => (index(), index()).prop_map(|(start, len)| Op::Keep(start, len)),
        2 => (index(), index()).prop_map(|(start, len)| Op::Range(start, len)),
    ]
}

/// Does the operation on the list and on the model, and compares the results. Indexes are scaled to
/// the length, and sometimes just beyond it.
fn apply(op: Op, list: &mut List, model: &mut VecDeque<Vec<u8>>) {
    let scaled = |index: usize, len: usize| (len + 1) * index / 9_999;
    match op {
        Op::Push(end, element) => push_both(list, model, end, element),
        Op::PushMany(end, element, count) => {
            // Large elements need fewer.
            for _ in 0..count.min(60_000 / (element.len() + 1)) {
                push_both(list, model, end, element.clone());
            }
        }
        Op::Pop(end) => pop_both(list, model, end),
        Op::PopMany(end, count) => {
            for _ in 0..count {
                pop_both(list, model, end);
            }
        }
        Op::Set(index, element) => {
            let index = scaled(index, model.len());
            let is_there = index < model.len();
            assert_eq!(list.set(index, &element), is_there);
            if is_there {
                model[index] = element;
            }
        }
        Op::Insert(index, element) => {
            let index = scaled(index, model.len()).min(model.len());
            list.insert(index, &element);
            model.insert(index, element);
        }
        Op::Remove(index, limit, from) => {
            let index = scaled(index, model.len());
            let element = model.get(index).cloned().unwrap_or_default();
            let matching = (0..model.len()).filter(|&index| model[index] == element);
            let mut chosen: Vec<_> = match from {
                Head => matching.take(limit).collect(),
                Tail => matching.rev().take(limit).collect(),
            };
            chosen.sort_unstable();
            for &index in chosen.iter().rev() {
                model.remove(index);
            }
            assert_eq!(list.remove_matching(&element, limit, from), chosen.len());
        }
        Op::Keep(start, len) => {
            // Both ends are near those of the list, so that not all lists become short.
            let start = scaled(start, model.len()) / 8;
            let len = model.len() - scaled(len, model.len()).min(model.len()) / 8;
            list.keep(start, len);
            model.drain(..start.min(model.len()));
            model.truncate(len);
        }
        Op::Range(start, len) => {
            let (start, len) = (scaled(start, model.len()), scaled(len, model.len()));
            let expected: Vec<_> = model.iter().skip(start).take(len).collect();
            let range = list.range(start, len);
            assert_eq!(range.len(), expected.len());
            assert!(range.clone().eq(expected.iter().copied()));
            assert!(range.rev().eq(expected.iter().rev().copied()));
        }
    }
}

fn push_both(list: &mut List, model: &mut VecDeque<Vec<u8>>, end: End, element: Vec<u8>) {
    list.push(end, &element);
    match end {
        Head => model.push_front(element),
        Tail => model.push_back(element),
    }
}

fn pop_both(list: &mut List, model: &mut VecDeque<Vec<u8>>, end: End) {
    let expected = match end {
        Head => model.pop_front(),
        Tail => model.pop_back(),
    };
    assert_eq!(list.peek(end), expected.as_deref());
    assert_eq!(list.pop(end), expected.is_some());
}

fn compare(list: &List, model: &VecDeque<Vec<u8>>) {
    list.assert_invariants();
    assert_eq!(list.len(), model.len());
    assert_eq!(list.iter().len(), model.len());
    assert!(list.iter().eq(model.iter()));
    assert!(list.iter().rev().eq(model.iter().rev()));
    assert_eq!(list.peek(Head), model.front().map(Vec::as_slice));
    assert_eq!(list.peek(Tail), model.back().map(Vec::as_slice));
    let entries: usize = model.iter().map(|item| listpack::entry_size(item)).sum();
    assert_eq!(list.size().bytes, entries + listpack::OVERHEAD);
    for index in [0, model.len() / 3, model.len() / 2, model.len()] {
        assert_eq!(list.get(index), model.get(index).map(Vec::as_slice));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn does_what_a_deque_of_vectors_does(ops in prop::collection::vec(op(), 1..60)) {
        let mut list = List::new();
        let mut model = VecDeque::new();
        for op in ops {
            apply(op, &mut list, &mut model);
            compare(&list, &model);
        }
        compare(&list.clone(), &model);
    }
}
