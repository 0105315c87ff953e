//! Rules that a random history would rarely reach, and random members.

use std::collections::{HashMap, HashSet};
use std::ops::Bound;

use super::super::*;

/// A source of random numbers that is the same every time (SplitMix64).
fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn set_of(members: usize, limits: Limits) -> SortedSet {
    let mut set = SortedSet::new(1, 0, limits);
    for number in 0..members {
        let member = format!("member:{number:06}");
        set.insert(member.as_bytes(), (number * 7919 % 10_007) as f64, limits);
    }
    set.invariants();
    set
}

const LARGE: Limits = Limits {
    entries: 0,
    value: 64,
};

#[test]
fn a_set_is_small_in_its_place() {
    assert_eq!(size_of::<SortedSet>(), 16);
    assert_eq!(size_of::<Option<SortedSet>>(), 24);
}

#[test]
fn the_form_follows_the_rules() {
    let limits = Limits::default();
    assert_eq!(SortedSet::new(128, 64, limits).encoding(), "listpack");
    assert_eq!(SortedSet::new(129, 64, limits).encoding(), "skiplist");
    assert_eq!(SortedSet::new(1, 65, limits).encoding(), "skiplist");
    assert_eq!(SortedSet::new(1, 0, LARGE).encoding(), "skiplist");

    let mut set = set_of(128, limits);
    assert_eq!(set.encoding(), "listpack");
    set.insert(b"member:000000", 3.5, limits);
    assert_eq!(set.encoding(), "listpack", "an update does not count");
    set.expect(128, limits);
    assert_eq!(set.encoding(), "listpack");
    set.insert(b"one more", 3.5, limits);
    assert_eq!((set.encoding(), set.len()), ("skiplist", 129));
    set.invariants();
    set.remove_ranks(1..129);
    assert_eq!(set.encoding(), "skiplist", "a removal does not go back");

    let mut set = set_of(2, limits);
    set.insert(&[b'x'; 64], 0.0, limits);
    assert_eq!(set.encoding(), "listpack");
    set.insert(&[b'x'; 65], 0.0, limits);
    assert_eq!((set.encoding(), set.len()), ("skiplist", 4));

    let mut set = set_of(2, limits);
    set.expect(129, limits);
    assert_eq!((set.encoding(), set.len()), ("skiplist", 2));
    set.invariants();
}

#[test]
fn zero_and_negative_zero_are_equal() {
    for limits in [Limits::default(), LARGE] {
        let mut set = SortedSet::new(1, 0, limits);
        set.insert(b"b", 0.0, limits);
        set.insert(b"a", -0.0, limits);
        set.insert(b"c", -0.0, limits);
        let members: Vec<_> = set.iter().map(|(member, _)| member[0]).collect();
        assert_eq!(members, b"abc");
        let exact = Bound::Included(-0.0);
        assert_eq!(set.score_ranks(exact, exact), 0..3);
        assert_eq!(set.insert(b"a", 0.0, limits), Outcome::Same);
        // As in Redis, the skiplist keeps the sign and the listpack does not.
        let is_negative = set.score(b"a").unwrap().is_sign_negative();
        assert_eq!(is_negative, set.encoding() == "skiplist");
    }
}

#[test]
#[should_panic(expected = "a score is a number")]
fn what_is_no_number_is_refused() {
    set_of(1, LARGE).insert(b"a", f64::NAN, LARGE);
}

#[test]
fn a_large_set_that_is_emptied_gives_its_memory_back() {
    let mut set = set_of(20_000, Limits::default());
    let before = set.memory();
    while set.len() > 10 {
        let middle = set.len() / 2;
        set.remove_ranks(middle..middle + 5);
    }
    set.invariants();
    assert!(set.memory() < before / 5, "{} of {before}", set.memory());
    while !set.is_empty() {
        set.remove_ranks(0..1);
    }
    set.invariants();
    assert!(set.memory() < 1000, "{}", set.memory());
}

#[test]
fn memory_tells_what_members_take() {
    let mut set = set_of(20_000, Limits::default());
    let per_member = set.memory() / set.len();
    assert!((55..85).contains(&per_member), "{per_member}");
    assert!(set.free_cost() < 20_000 / 20, "members are in place");
    let before = set.memory();
    set.insert(&[b'x'; 100_000], 1.0, LARGE);
    assert!(set.memory() >= before + 100_000);
    set.remove(&[b'x'; 100_000]);
    // The memory is larger only by a leaf that was split.
    assert!(set.memory() < before + 2000);
    assert_eq!(SortedSet::new(1, 0, Limits::default()).memory(), 0);
}

#[test]
fn cursors_from_elsewhere_do_no_harm() {
    let set = set_of(1000, Limits::default());
    for cursor in [1000, 1024, 5000, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(set.scan(cursor, 10, |_, _| panic!("nothing is there")), 0);
    }
    let mut shown = 0;
    assert_eq!(set.scan(990, 0, |_, _| shown += 1), 991);
    assert_eq!(set.scan(0, usize::MAX, |_, _| shown += 1), 0);
    assert_eq!(shown, 1001);
}

#[test]
fn a_scan_of_a_thinned_out_set_ends_its_calls_early() {
    let mut set = set_of(10_000, Limits::default());
    set.remove_ranks(1..9999);
    let (mut cursor, mut calls) = (0, 0);
    let mut shown = 0;
    loop {
        cursor = set.scan(cursor, 1, |_, _| shown += 1);
        calls += 1;
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(shown, 2);
    assert!(calls > 1 && calls < 100, "{calls}");
}

/// The sum of (found - expected)² / expected, which is about the number of members.
fn chi_squared(found: &HashMap<Vec<u8>, usize>, members: usize) -> f64 {
    let total: usize = found.values().sum();
    let expected = total as f64 / members as f64;
    let missing = (members - found.len()) as f64 * expected;
    let squares = found
        .values()
        .map(|&times| (times as f64 - expected).powi(2) / expected);
    squares.sum::<f64>() + missing
}

#[test]
fn random_members_are_equally_likely() {
    for (members, seed) in [(50, 1), (500, 2)] {
        let set = set_of(members, Limits::default());
        let mut random = random(seed);
        let mut found = HashMap::new();
        for _ in 0..members * 200 {
            let (member, score) = set.random(&mut random).unwrap();
            assert_eq!(set.score(member), Some(score));
            *found.entry(member.to_vec()).or_default() += 1;
        }
        let chi = chi_squared(&found, members);
        // Five standard deviations.
        let bound = members as f64 + 5.0 * (2.0 * members as f64).sqrt();
        assert!(chi < bound, "{chi} of {bound}");
    }
    assert_eq!(SortedSet::new(1, 0, LARGE).random(&mut random(1)), None);
}

#[test]
fn samples_are_different_members_and_equally_likely() {
    for (members, count) in [(50, 3), (50, 20), (50, 49), (300, 30), (300, 200)] {
        let set = set_of(members, Limits::default());
        let mut random = random(count as u64);
        let mut found = HashMap::new();
        for _ in 0..members * 100 / count {
            let sample: HashSet<_> = set
                .sample(count, &mut random)
                .collect::<Vec<_>>()
                .into_iter()
                .map(|(member, _)| member.to_vec())
                .collect();
            assert_eq!(sample.len(), count);
            for member in sample {
                *found.entry(member).or_default() += 1;
            }
        }
        let chi = chi_squared(&found, members);
        let bound = members as f64 + 5.0 * (2.0 * members as f64).sqrt();
        assert!(chi < bound, "{chi} of {bound} for {count} of {members}");
    }
    let set = set_of(20, LARGE);
    for count in [0, 20, 21, usize::MAX] {
        assert_eq!(set.sample(count, &mut random(1)).len(), count.min(20));
    }
    assert_eq!(
        SortedSet::new(1, 0, LARGE).sample(5, &mut random(1)).len(),
        0
    );
}
