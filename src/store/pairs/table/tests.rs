//! Tests of tables: what a scan shows while pairs are added and removed, and the memory of a table
//! that has shrunk.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn name(number: u32) -> Vec<u8> {
    format!("field:{number}").into_bytes()
}

fn table(numbers: impl IntoIterator<Item = u32>) -> Table {
    masked_table(numbers, u32::MAX)
}

fn masked_table(numbers: impl IntoIterator<Item = u32>, mask: u32) -> Table {
    let mut table = Table::with_room(0);
    table.mask = mask;
    for number in numbers {
        table.push(&name(number), b"value");
    }
    table
}

/// What is added and removed between two calls of a scan.
#[derive(Clone, Debug)]
enum Change {
    Add(u32),
    Remove(u32),
    AddMany(u32),
    RemoveAll,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (0..3000_u32).prop_map(Change::Add),
        4 => (0..3000_u32).prop_map(Change::Remove),
        1 => (0..2000_u32).prop_map(Change::AddMany),
        1 => Just(Change::RemoveAll),
    ]
}

/// Which bits of the hashes are used: all, or so few that many hashes are equal.
fn mask() -> impl Strategy<Value = u32> {
    prop_oneof![Just(u32::MAX), Just(0xff00_0000), Just(0x1f), Just(0)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_scan_shows_what_stays_exactly_once(
        stay in 0..300_u32,
        mask in mask(),
        calls in prop::collection::vec((0..30_usize, prop::collection::vec(change(), 0..8)), 1..100),
    ) {
        // Those that stay have numbers from 10,000 on. All others are lower.
        let mut table = masked_table((0..stay).map(|number| 10_000 + number), mask);
        let mut shown = BTreeMap::<Vec<u8>, u32>::new();
        let (mut cursor, mut calls) = (0, calls.into_iter().cycle());
        loop {
            let (count, changes) = calls.next().expect("a cycle");
            cursor = table.scan(cursor, count, |field, value| {
                assert_eq!(value, b"value");
                *shown.entry(field.to_vec()).or_default() += 1;
            });
            if cursor == 0 {
                break;
            }
            for change in changes {
                match change {
                    Change::Add(number) => _ = table.set(&name(number), b"value"),
                    Change::Remove(number) => _ = table.remove(&name(number)),
                    Change::AddMany(first) => {
                        for number in first..first + 500 {
                            table.set(&name(number), b"value");
                        }
                    }
                    Change::RemoveAll => {
                        for number in 0..3000 {
                            table.remove(&name(number));
                        }
                    }
                }
            }
            table.invariants();
        }
        for number in 10_000..10_000 + stay {
            prop_assert_eq!(shown.get(&name(number)), Some(&1));
        }
        // A hash does not change, so nothing is shown twice, even if it is removed and added again.
        prop_assert!(shown.values().all(|&times| times == 1));
    }

    #[test]
    fn it_holds_what_a_map_holds(
        mask in mask(),
        steps in prop::collection::vec((0..10_u8, 0..500_u32, 0..60_usize), 1..900),
    ) {
        let (mut table, mut model) = (masked_table([], mask), BTreeMap::new());
        let half = steps.len() / 2;
        for (step, (kind, number, length)) in steps.into_iter().enumerate() {
            let (field, value) = (name(number), vec![b'v'; length]);
            // The table grows in the first half and shrinks in the second.
            if kind < if step < half { 7 } else { 3 } {
                let is_new = model.insert(field.clone(), value.clone()).is_none();
                prop_assert_eq!(table.set(&field, &value), is_new);
            } else if kind < 9 || table.len() == 0 {
                prop_assert_eq!(table.remove(&field), model.remove(&field).is_some());
            } else {
                let pair = table.take(length % table.len());
                let value = model.remove(pair.field());
                prop_assert_eq!(Some(pair.parts().1), value.as_deref());
            }
            table.invariants();
            prop_assert_eq!(table.len(), model.len());
            prop_assert_eq!(table.get(&field), model.get(&field).map(Vec::as_slice));
        }
        let clone = table.clone();
        clone.invariants();
        let all: BTreeMap<_, _> = clone.iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect();
        prop_assert_eq!(all, model);
    }
}

#[test]
fn a_table_that_has_shrunk_is_small_and_scanned_in_few_steps() {
    let mut table = table(0..50_000);
    for number in 0..49_990 {
        assert!(table.remove(&name(number)));
    }
    table.invariants();
    assert!(table.memory() < 2048, "{} bytes", table.memory());
    let (mut cursor, mut calls, mut shown) = (0, 0, 0);
    loop {
        cursor = table.scan(cursor, 4, |_, _| shown += 1);
        calls += 1;
        if cursor == 0 {
            break;
        }
    }
    assert_eq!((calls, shown), (3, 10));
}

#[test]
fn short_pairs_are_in_place_and_long_ones_have_an_allocation_each() {
    let mut table = table(0..20_000);
    assert!(table.free_cost() < 20_000 / 20, "{}", table.free_cost());
    let memory = table.memory();
    assert!(memory < 20_000 * 40, "{memory}");
    for number in 0..10 {
        assert!(!table.set(&name(number), &[b'v'; 100]));
    }
    table.invariants();
    // The length, the field, and the value.
    assert_eq!(table.memory(), memory + 10 * 112);
    for number in 0..10 {
        assert!(!table.set(&name(number), b"short"));
    }
    table.invariants();
    assert_eq!(table.memory(), memory);
}

#[test]
fn a_scan_with_a_cursor_of_nobody_shows_no_nonsense() {
    let table = table(0..100);
    for cursor in [1, 77, u64::from(u32::MAX), 1 << 32, u64::MAX] {
        let (mut shown, next) = (0, table.scan(cursor, usize::MAX, |_, _| ()));
        assert_eq!(next, 0);
        table.scan(cursor, 0, |_, _| shown += 1);
        assert!(shown <= 1);
    }
}

#[test]
fn tables_do_not_share_their_order() {
    let order = |table: &Table| {
        let mut order = Vec::new();
        table.scan(0, usize::MAX, |field, _| order.push(field.to_vec()));
        order
    };
    let (one, other) = (table(0..100), table(0..100));
    assert_ne!(order(&one), order(&other));
    assert_eq!(order(&one), order(&one.clone()));
}
