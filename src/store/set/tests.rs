//! Tests of sets: their forms as in Redis 7.2, and long random histories compared with a simple
//! model.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const LIMITS: SetLimits = SetLimits {
    intset_entries: 512,
    listpack_entries: 128,
    listpack_value: 64,
};

fn set(members: impl IntoIterator<Item = impl ToString>) -> Set {
    let mut set = Set::intset();
    for member in members {
        assert!(set.add(member.to_string().as_bytes(), LIMITS));
    }
    set
}

fn words(count: u32) -> Set {
    set((0..count).map(|number| format!("member:{number}")))
}

fn members(set: &Set) -> Vec<String> {
    let text = |member: Member<'_>| String::from_utf8(member.to_vec()).unwrap();
    set.iter().map(text).collect()
}

#[test]
fn a_set_takes_little_in_a_key() {
    assert_eq!(size_of::<Set>(), 24);
    for set in [Set::intset(), Set::listpack()] {
        assert_eq!((set.memory(), set.free_cost(), set.len()), (0, 0, 0));
    }
}

#[test]
fn integers_are_an_intset_until_there_are_too_many() {
    let mut integers = set((0..512).rev());
    assert_eq!((integers.encoding(), integers.free_cost()), ("intset", 1));
    assert!(
        members(&integers)
            .iter()
            .map(String::as_str)
            .eq((0..512).map(|n| n.to_string()))
    );
    assert!(!integers.add(b"0", LIMITS));
    assert!(integers.add(b"-1", LIMITS));
    assert_eq!((integers.encoding(), integers.len()), ("hashtable", 513));
    assert!(integers.remove(b"-1") && integers.contains(b"511") && !integers.contains(b"512"));
    assert_eq!(integers.encoding(), "hashtable");
}

#[test]
fn only_the_decimal_form_is_an_integer() {
    let mut integers = set([7]);
    for other in ["07", "+7", " 7", "7 ", "-0", "9223372036854775808"] {
        assert!(!integers.contains(other.as_bytes()) && !integers.remove(other.as_bytes()));
    }
    assert!(integers.add(b"07", LIMITS));
    assert_eq!(integers.encoding(), "listpack");
}

#[test]
fn an_intset_with_something_else_becomes_a_listpack_or_a_table() {
    let mut short = set([3, 1, 2]);
    assert!(short.add(b"word", LIMITS));
    assert_eq!(short.encoding(), "listpack");
    assert_eq!(members(&short), ["1", "2", "3", "word"]);
    assert!(!short.add(b"2", LIMITS) && short.add(b"0", LIMITS));
    assert_eq!(members(&short), ["1", "2", "3", "word", "0"]);

    for (integers, member, encoding) in [
        (127, 64, "listpack"),
        (128, 64, "hashtable"),
        (127, 65, "hashtable"),
    ] {
        let mut set = set(0..integers);
        assert!(set.add(&vec![b'x'; member], LIMITS));
        assert_eq!((set.encoding(), set.len()), (encoding, integers + 1));
    }
    let narrow = SetLimits {
        listpack_value: 3,
        ..LIMITS
    };
    for (integer, encoding) in [(-99, "listpack"), (-100, "hashtable"), (1000, "hashtable")] {
        let mut set = set([integer, 5]);
        assert!(set.add(b"x", narrow));
        assert_eq!(set.encoding(), encoding, "{integer}");
    }
}

#[test]
fn a_listpack_that_is_full_becomes_a_table() {
    let mut full = words(128);
    assert_eq!(full.encoding(), "listpack");
    assert!(!full.add(b"member:127", LIMITS));
    assert_eq!(full.encoding(), "listpack");
    assert!(full.add(b"one more", LIMITS));
    assert_eq!((full.encoding(), full.free_cost()), ("hashtable", 8));
    let mut long = words(1);
    assert!(long.add(&[b'x'; 65], LIMITS));
    assert_eq!(long.encoding(), "hashtable");
    assert!(long.remove(&[b'x'; 65]));
    assert_eq!((long.encoding(), long.len()), ("hashtable", 1));
}

#[test]
fn the_first_member_and_their_number_choose_the_form() {
    for (first, count, encoding) in [
        ("1", 512, "intset"),
        ("1", 513, "hashtable"),
        ("x", 128, "listpack"),
        ("x", 129, "hashtable"),
    ] {
        let set = Set::for_members(first.as_bytes(), count, LIMITS);
        assert_eq!(set.encoding(), encoding, "{first} {count}");
    }
    let few_integers = SetLimits {
        intset_entries: 5,
        ..LIMITS
    };
    let set = Set::for_members(b"1", 6, few_integers);
    assert_eq!(set.encoding(), "listpack");

    for (mut set, most) in [(words(1), 128), (super::tests::set([1]), 512)] {
        let encoding = set.encoding();
        set.expect(most, LIMITS);
        assert_eq!(set.encoding(), encoding);
        set.expect(most + 1, LIMITS);
        assert_eq!((set.encoding(), set.len()), ("hashtable", 1));
    }
}

#[test]
fn a_result_of_integers_becomes_an_intset() {
    for (integers, encoding) in [(3, "intset"), (512, "intset"), (513, "hashtable")] {
        let mut set = Set::listpack();
        for integer in (0..integers).rev() {
            assert!(set.add(integer.to_string().as_bytes(), LIMITS));
        }
        set.make_intset(LIMITS);
        set.invariants();
        assert_eq!((set.encoding(), set.len()), (encoding, integers));
    }
    let mut mixed = set(["1", "x"]);
    mixed.make_intset(LIMITS);
    assert_eq!(members(&mixed), ["1", "x"]);
    assert_eq!(mixed.encoding(), "listpack");
}

#[test]
fn random_members_are_uniform_in_every_form() {
    let mut source = fastrand::Rng::with_seed(13);
    let mut random = || source.u64(..);
    let mut table = set((0..20_000).map(|number| format!("{number}")));
    for number in 100..20_000 {
        assert!(table.remove(number.to_string().as_bytes()));
    }
    let mut packed = set(0..100);
    assert!(packed.add(b"x", LIMITS) && packed.remove(b"x"));
    for set in [set(0..100), packed, table] {
        let mut counts = [[0_u32; 100]; 4];
        let number = |member: &[u8]| str::from_utf8(member).unwrap().parse::<usize>().unwrap();
        for _ in 0..10_000 {
            let one = set.random(&mut random).unwrap();
            counts[0][one.with_bytes(number)] += 1;
            for member in set.random_distinct(3, &mut random) {
                counts[1][member.with_bytes(number)] += 1;
            }
            set.random_repeated(3, &mut random, |member| {
                counts[2][member.with_bytes(number)] += 1;
            });
            let popped = set.clone().pop(&mut random).unwrap();
            counts[3][number(&popped)] += 1;
        }
        for counts in counts {
            // The statistic's mean is 99, and its standard deviation is 14.
            let expected = f64::from(counts.iter().sum::<u32>()) / 100.0;
            let squares = counts.iter().map(|&n| (f64::from(n) - expected).powi(2));
            let statistic = squares.sum::<f64>() / expected;
            assert!(
                statistic < 99.0 + 5.0 * 14.0,
                "{}: {statistic}",
                set.encoding()
            );
        }
    }
}

#[test]
fn pops_empty_a_set_in_every_form() {
    let mut source = fastrand::Rng::with_seed(14);
    let mut random = || source.u64(..);
    for mut set in [set(0..300), words(100), words(1000)] {
        let mut left: BTreeSet<_> = members(&set).into_iter().map(String::into_bytes).collect();
        let encoding = set.encoding();
        while let Some(member) = set.pop(&mut random) {
            assert!(left.remove(&member) && !set.contains(&member));
            set.invariants();
            assert_eq!((set.len(), set.encoding()), (left.len(), encoding));
        }
        assert!(left.is_empty() && set.is_empty());
        assert!(set.random(&mut random).is_none());
        assert!(set.random_distinct(3, &mut random).is_empty());
    }
}

#[test]
fn small_forms_are_scanned_as_a_whole_and_tables_in_parts() {
    for (set, parts) in [(set(0..100), 1), (words(100), 1), (words(1000), 100)] {
        let (mut cursor, mut calls, mut shown) = (0, 0, Vec::new());
        loop {
            cursor = set.scan(cursor, 10, |member| shown.push(member.to_vec()));
            calls += 1;
            if cursor == 0 {
                break;
            }
        }
        assert!(calls <= parts && calls * 2 > parts, "{calls} calls");
        shown.sort_unstable();
        let mut all: Vec<_> = set.iter().map(|member| member.to_vec()).collect();
        all.sort_unstable();
        assert_eq!(shown, all);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn it_holds_what_a_plain_set_holds(
        limits in (0..60_usize, 0..60_usize, 1..12_usize),
        words in 0..10_u8,
        steps in prop::collection::vec((0..10_u8, 0..10_u8, -60..60_i64, 0..8_u32), 1..1000),
    ) {
        let (intset_entries, listpack_entries, listpack_value) = limits;
        let limits = SetLimits { intset_entries, listpack_entries, listpack_value };
        let (mut set, mut model) = (Set::intset(), Vec::<Vec<u8>>::new());
        let mut encoding = "intset";
        for (kind, word, number, power) in steps {
            // At first all are integers, of all widths.
            let is_integer = word >= words || model.len() < 4;
            let member = if is_integer {
                number.wrapping_mul(300_i64.wrapping_pow(power)).to_string()
            } else {
                format!("w{number}")
            }.into_bytes();
            let at = model.iter().position(|other| *other == member);
            prop_assert_eq!(set.contains(&member), at.is_some());
            if kind < 6 {
                prop_assert_eq!(set.add(&member, limits), at.is_none());
                if at.is_none() {
                    let longest = model.iter().map(Vec::len).max().unwrap_or(0);
                    let packs = model.len() < listpack_entries && member.len() <= listpack_value;
                    if encoding == "intset" && !is_integer {
                        // The integers were in ascending order, and all may have been long.
                        model.sort_by_key(|member| parse_integer(member));
                        encoding = if packs && longest <= listpack_value { "listpack" } else { "hashtable" };
                    } else if encoding == "listpack" && !packs {
                        encoding = "hashtable";
                    }
                    model.push(member);
                    if encoding == "intset" && model.len() > intset_entries {
                        encoding = "hashtable";
                    }
                }
            } else {
                prop_assert_eq!(set.remove(&member), at.is_some());
                at.map(|at| model.remove(at));
            }
            set.invariants();
            prop_assert_eq!(set.len(), model.len());
            prop_assert_eq!(set.encoding(), encoding);
        }
        let mut all: Vec<_> = set.clone().iter().map(|member| member.to_vec()).collect();
        match encoding {
            "intset" => model.sort_by_key(|member| parse_integer(member)),
            "hashtable" => {
                all.sort_unstable();
                model.sort_unstable();
            }
            _ => {}
        }
        prop_assert_eq!(all, model);
    }
}

#[test]
fn members_are_taken_out_in_every_form() {
    let mut source = fastrand::Rng::with_seed(15);
    let mut random = || source.u64(..);
    for (all, count, stays) in [
        (set(0..300), 1, "intset"),
        (set(0..300), 250, "intset"),
        (set(0..300), 299, "intset"),
        (words(100), 1, "listpack"),
        (words(100), 99, "listpack"),
        (words(1000), 1, "hashtable"),
        (words(1000), 500, "hashtable"),
        // Far fewer stay, but too many for a listpack.
        (words(1000), 860, "hashtable"),
        (words(1000), 872, "listpack"),
        (set(0..1000), 999, "listpack"),
    ] {
        let mut rest = all.clone();
        let taken = rest.take_random(count, LIMITS, &mut random);
        assert_eq!((taken.len(), rest.len()), (count, all.len() - count));
        assert_eq!(rest.encoding(), stays, "{count} of {}", all.len());
        rest.invariants();
        taken.invariants();
        let mut both = [members(&taken), members(&rest)].concat();
        both.sort_unstable();
        let mut whole = members(&all);
        whole.sort_unstable();
        assert_eq!(both, whole);
        for count in [all.len(), all.len() + 1, usize::MAX] {
            let mut none = all.clone();
            let taken = none.take_random(count, LIMITS, &mut random);
            assert!(none.is_empty() && taken.len() == all.len());
        }
    }
}

#[test]
fn members_are_taken_out_uniformly() {
    let mut source = fastrand::Rng::with_seed(16);
    let mut random = || source.u64(..);
    let limits = SetLimits {
        listpack_entries: 2,
        ..LIMITS
    };
    let table = {
        let mut table = Set::listpack();
        (0..10).for_each(|number| {
            table.add(format!("{number}").as_bytes(), limits);
        });
        table
    };
    assert_eq!(table.encoding(), "hashtable");
    let mut packed = Set::listpack();
    (0..10).for_each(|number| {
        packed.add(format!("{number}").as_bytes(), LIMITS);
    });
    for set in [set(0..10), packed, table] {
        for count in [3, 7, 9] {
            let mut counts = [0_u32; 10];
            for _ in 0..10_000 {
                let taken = set.clone().take_random(count, limits, &mut random);
                for member in members(&taken) {
                    counts[member.parse::<usize>().unwrap()] += 1;
                }
            }
            let expected = 1_000 * count as u32;
            for times in counts {
                // The standard deviation is at most 50.
                assert!(times.abs_diff(expected) < 250, "{times} of {expected}");
            }
        }
    }
}

#[test]
fn members_of_different_forms_are_the_same_if_their_bytes_are() {
    let (integers, mut bytes) = (set([5, -5]), Set::listpack());
    assert!(bytes.add(b"5", LIMITS) && bytes.add(b"05", LIMITS));
    let five = bytes.iter().next().unwrap();
    assert!(integers.has(five) && bytes.has(Member::Integer(5)));
    assert!(!integers.has(Member::Bytes(b"05")) && !bytes.has(Member::Integer(-5)));
    let hash = |member: Member<'_>| crate::hash::HashState::hash(member);
    assert_eq!(five, Member::Integer(5));
    assert_eq!(hash(five), hash(Member::Integer(5)));
    assert_ne!(Member::Bytes(b"05"), Member::Integer(5));
}
