//! Tests what the model (`model.rs`) cannot see or rarely reaches: the memory held, large elements,
//! and the boundaries of chunks.

mod model;

use super::*;

use End::{Head, Tail};

impl List {
    /// Panics if an invariant is broken.
    fn assert_invariants(&self) {
        let mut totals = Totals::default();
        for chunk in &self.chunks {
            assert!(!chunk.is_empty());
            chunk.assert_invariants();
            totals.add(chunk);
        }
        assert_eq!(self.totals, totals);
        assert_eq!(
            self.memory(),
            totals.capacity + self.chunks.capacity() * size_of::<Chunk>()
        );
        assert!(!self.is_empty() || self.memory() == 0);
    }

    fn of(elements: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut list = Self::new();
        for element in elements {
            list.push(Tail, element.as_ref());
        }
        list
    }

    fn to_vec(&self) -> Vec<Vec<u8>> {
        self.iter().map(<[u8]>::to_vec).collect()
    }
}

/// `element:0000000`, `element:0000001`, …
fn numbered(count: usize) -> impl DoubleEndedIterator<Item = String> + ExactSizeIterator {
    (0..count).map(|number| format!("element:{number:07}"))
}

// ── The ends ────────────────────────────────────────────────────────────────────────────────────

#[test]
fn every_way_in_and_every_way_out_keeps_the_order() {
    for (into, out_of) in [(Head, Head), (Head, Tail), (Tail, Head), (Tail, Tail)] {
        let mut list = List::new();
        for element in numbered(20_000) {
            list.push(into, element.as_bytes());
        }
        list.assert_invariants();
        let mut expected: Vec<_> = numbered(20_000).collect();
        if into == out_of {
            expected.reverse();
        }
        for element in expected {
            assert_eq!(list.peek(out_of), Some(element.as_bytes()));
            assert!(list.pop(out_of));
        }
        assert!(!list.pop(out_of));
        assert_eq!(list.peek(out_of), None);
        assert_eq!(list.memory(), 0);
        assert_eq!(list.size().bytes, 7);
    }
}

#[test]
fn a_queue_that_never_empties_stays_small() {
    for (into, depth) in [(Head, 1), (Tail, 1), (Head, 10), (Tail, 10), (Head, 100)] {
        let mut list = List::new();
        for (number, element) in numbered(20_000).enumerate() {
            list.push(into, element.as_bytes());
            if number >= depth {
                list.pop(into.other());
            }
            assert!(list.memory() < 400 + depth * 17 * 8, "{list:?}");
        }
        list.assert_invariants();
    }
}

#[test]
fn pushes_at_alternating_ends_fill_chunks() {
    let mut list = List::new();
    for (number, element) in numbered(20_000).enumerate() {
        let end = if number % 2 == 0 { Head } else { Tail };
        list.push(end, element.as_bytes());
    }
    list.assert_invariants();
    let live = 20_000 * 17;
    assert!(list.memory() < live * 105 / 100, "{list:?}");
}

#[test]
fn memory_is_given_back_while_the_list_shrinks() {
    let mut list = List::of(numbered(100_000));
    list.keep(50_000, 10);
    list.assert_invariants();
    assert!(list.memory() < 1000, "{list:?}");

    let mut list = List::of(numbered(100_000));
    while list.len() > 10 {
        list.pop(Head);
    }
    list.assert_invariants();
    assert!(list.memory() < 2000, "{list:?}");
}

/// Otherwise pushes at alternating ends could move the whole chunk each time.
#[test]
fn moving_within_a_chunk_leaves_room_at_both_ends() {
    for end in [Head, Tail] {
        let mut chunk = Chunk::with_room(end, CAPACITY);
        while chunk.room(end) >= 66 {
            chunk.push(end, &[b'x'; 64]);
        }
        while chunk.live() > CAPACITY / 2 {
            assert!(!chunk.make_room(end, 66));
            chunk.pop(end.other());
        }
        assert!(chunk.make_room(end, 66));
        assert!(chunk.room(end) >= CAPACITY / 4);
        assert!(chunk.room(end.other()) >= CAPACITY / 8);
        chunk.assert_invariants();
    }
}

// ── Memory ──────────────────────────────────────────────────────────────────────────────────────

#[test]
fn small_lists_are_small() {
    assert_eq!(size_of::<Chunk>(), 40);
    assert_eq!(List::new().memory(), 0);
    assert_eq!(List::of(["job:1"]).memory(), 40 + 32);
    assert_eq!(List::of([[b'x'; 64]]).memory(), 40 + 66);
    assert_eq!(List::of([[b'x'; 64]; 2]).memory(), 40 + 132);
}

#[test]
fn long_lists_are_packed() {
    for end in [Head, Tail] {
        let mut list = List::new();
        for _ in 0..20_000 {
            list.push(end, &[b'x'; 64]);
        }
        assert!(list.memory() <= 20_000 * 68, "{list:?}");
    }
}

#[test]
fn elements_of_every_size_are_packed() {
    for length in [
        0, 1, 10, 100, 500, 1000, 1100, 1500, 2100, 2800, 4200, 8190, 8200, 30_000,
    ] {
        let element = vec![b'x'; length];
        let count = 300_000 / (length + 2);
        let mut list = List::new();
        for _ in 0..count {
            list.push(Tail, &element);
        }
        list.assert_invariants();
        let live = count * entry::size(length);
        assert!(
            list.memory() < live * 125 / 100 + CAPACITY,
            "{length}: {list:?}"
        );
    }
    // Large and small elements alternate: neither uses the other's room.
    let mut list = List::new();
    let mut live = 0;
    for number in 0..2000 {
        let length = [5000, 10, 4000, 100, 9000][number % 5];
        list.push(Tail, &vec![b'x'; length]);
        live += entry::size(length);
    }
    list.assert_invariants();
    assert!(list.memory() < live * 125 / 100, "{live}: {list:?}");
}

#[test]
fn an_element_larger_than_a_chunk_is_like_any_other() {
    let large = vec![b'L'; 3_000_000];
    let mut list = List::of(numbered(1000));
    list.insert(500, &large);
    list.assert_invariants();
    assert_eq!(list.get(500), Some(&large[..]));
    assert_eq!(list.get(501), Some(&b"element:0000500"[..]));
    list.insert(500, b"before");
    list.insert(502, b"after");
    list.set(0, &large);
    list.set(list.len() - 1, &large);
    list.assert_invariants();
    assert!(list.iter().nth(501) == Some(&large[..]));
    assert_eq!(list.get(502), Some(&b"after"[..]));

    assert!(list.set(501, b"small"));
    assert_eq!(list.remove_matching(&large, usize::MAX, Tail), 2);
    list.assert_invariants();
    assert_eq!(list.len(), 1001);
    assert!(list.memory() < 40_000, "{list:?}");

    for end in [Head, Tail] {
        list.push(end, &large);
        list.push(end, b"x");
        assert!(list.pop(end));
        assert_eq!(list.peek(end).map(<[u8]>::len), Some(large.len()));
        assert!(list.pop(end));
        list.assert_invariants();
    }
}

// ── The middle ──────────────────────────────────────────────────────────────────────────────────

#[test]
fn every_index_is_found() {
    let list = List::of(numbered(5000));
    assert!(list.chunks.len() > 8);
    for (index, element) in numbered(5000).enumerate() {
        assert_eq!(list.get(index), Some(element.as_bytes()));
    }
    assert_eq!(list.get(5000), None);
    assert_eq!(list.get(usize::MAX), None);
}

#[test]
fn inserts_at_one_place_and_everywhere_split_chunks() {
    for place in [1, 2, 1000, 1999] {
        let mut list = List::of(numbered(2000));
        let mut model: Vec<Vec<u8>> = numbered(2000).map(String::into_bytes).collect();
        for number in 0..3000 {
            let element = format!("new:{number}").into_bytes();
            list.insert(place, &element);
            model.insert(place, element);
        }
        list.assert_invariants();
        assert_eq!(list.to_vec(), model);
        assert!(list.memory() < 3 * list.size().bytes, "{list:?}");
    }
    let mut list = List::of(numbered(2000));
    for number in 0..2000 {
        list.insert(2 * number + 1, b"between");
    }
    list.assert_invariants();
    assert!(
        list.iter()
            .skip(1)
            .step_by(2)
            .all(|element| element == b"between")
    );
    assert!(
        list.iter().step_by(2).eq(numbered(2000)
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_bytes))
    );
}

#[test]
fn removes_from_either_end_up_to_a_limit() {
    let letters = || List::of(["a", "b", "a", "c", "a", "b"]);
    let left = |list: &List| String::from_utf8(list.to_vec().concat()).unwrap();
    for (limit, from, removed, expected) in [
        (1, Head, 1, "bacab"),
        (2, Head, 2, "bcab"),
        (1, Tail, 1, "abacb"),
        (2, Tail, 2, "abcb"),
        (3, Tail, 3, "bcb"),
        (usize::MAX, Head, 3, "bcb"),
        (0, Head, 0, "abacab"),
    ] {
        let mut list = letters();
        assert_eq!(list.remove_matching(b"a", limit, from), removed);
        assert_eq!(left(&list), expected);
        list.assert_invariants();
    }
    assert_eq!(letters().remove_matching(b"d", usize::MAX, Head), 0);
}

#[test]
fn limits_hold_across_chunks() {
    let mixed = || List::of((0..10_000).map(|number| if number % 2 == 0 { "even" } else { "odd" }));
    let mut list = mixed();
    assert_eq!(list.remove_matching(b"even", 3000, Head), 3000);
    list.assert_invariants();
    assert_eq!(list.len(), 7000);
    assert!(list.range(0, 3000).all(|element| element == b"odd"));
    assert_eq!(list.get(3000), Some(&b"even"[..]));

    let mut list = mixed();
    assert_eq!(list.remove_matching(b"odd", 3000, Tail), 3000);
    list.assert_invariants();
    assert!(list.range(4000, 3000).all(|element| element == b"even"));
    assert_eq!(list.get(3999), Some(&b"odd"[..]));
}

#[test]
fn many_removals_leave_no_small_chunks() {
    let mut list =
        List::of((0..100_000).map(|number| if number % 10 == 0 { "stays" } else { "goes" }));
    let chunks = list.chunks.len();
    assert_eq!(list.remove_matching(b"goes", usize::MAX, Tail), 90_000);
    list.assert_invariants();
    assert_eq!(list.len(), 10_000);
    assert!(list.chunks.len() < chunks / 5, "{list:?}");
    assert!(list.memory() < 3 * list.size().bytes, "{list:?}");
    assert_eq!(list.remove_matching(b"stays", usize::MAX, Head), 10_000);
    assert_eq!(list.memory(), 0);
}

#[test]
fn removals_give_memory_back() {
    let mut list = List::of((0..2000).map(|number| if number == 700 { "stays" } else { "goes" }));
    assert_eq!(list.remove_matching(b"goes", usize::MAX, Head), 1999);
    list.assert_invariants();
    assert_eq!(list.to_vec(), [b"stays"]);
    assert!(list.memory() < 1000, "{list:?}");
}

#[test]
fn keeps_a_range() {
    for (start, len) in [
        (0, 10_000),
        (0, usize::MAX),
        (1, 9998),
        (4000, 1),
        (0, 1),
        (9999, 1),
        (9999, 7),
        (3000, 4000),
    ] {
        let mut list = List::of(numbered(10_000));
        list.keep(start, len);
        list.assert_invariants();
        let expected: Vec<_> = numbered(10_000).skip(start).take(len).collect();
        assert!(
            list.iter().eq(expected.iter().map(String::as_bytes)),
            "{start} {len}"
        );
    }
    for (start, len) in [(0, 0), (5000, 0), (10_000, 5), (usize::MAX, usize::MAX)] {
        let mut list = List::of(numbered(10_000));
        list.keep(start, len);
        assert!(list.is_empty());
        assert_eq!(list.memory(), 0);
    }
}

// ── Iterators ───────────────────────────────────────────────────────────────────────────────────

#[test]
fn the_two_ends_of_an_iterator_meet() {
    for count in [0, 1, 2, 3, 1000, 5001] {
        let list = List::of(numbered(count));
        let mut expected = numbered(count);
        let mut elements = list.iter();
        loop {
            assert_eq!(elements.len(), expected.len());
            let next = expected.next();
            assert_eq!(elements.next(), next.as_ref().map(String::as_bytes));
            let next_back = expected.next_back();
            assert_eq!(
                elements.next_back(),
                next_back.as_ref().map(String::as_bytes)
            );
            if next_back.is_none() {
                break;
            }
        }
        assert_eq!(elements.next(), None);
        assert_eq!(elements.next_back(), None);
    }
}

#[test]
fn ranges_are_clamped() {
    let list = List::of(numbered(3000));
    for (start, len, expected) in [
        (0, 0, 0),
        (0, 3000, 3000),
        (0, usize::MAX, 3000),
        (2999, 5, 1),
        (3000, 5, 0),
        (usize::MAX, usize::MAX, 0),
        (1000, 1000, 1000),
    ] {
        let range = list.range(start, len);
        assert_eq!(range.len(), expected);
        let elements: Vec<_> = numbered(3000).skip(start).take(expected).collect();
        assert!(range.clone().eq(elements.iter().map(String::as_bytes)));
        assert!(range.rev().eq(elements.iter().rev().map(String::as_bytes)));
    }
}
