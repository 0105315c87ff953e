//! Compares the index with the matcher under random histories, and tries hostile patterns.

use std::collections::BTreeMap;
use std::mem::size_of;

use proptest::prelude::*;

use super::*;
use crate::glob::matches;

type Index = PatternIndex<Vec<u8>>;

fn with(patterns: &[&[u8]]) -> Index {
    let mut index = Index::new();
    for pattern in patterns {
        index.get_or_insert_with(pattern, || pattern.to_vec());
    }
    index
}

fn matching(index: &Index, channel: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    index.for_each_match(channel, |pattern| found.push(pattern.clone()));
    found.sort();
    found
}

#[test]
fn the_lower_part_of_a_split_chain_is_merged() {
    // 300 bytes are a chain of two labels, 256 + 44. The split leaves 56 + 44 bytes below it.
    let long = [b'a'; 300];
    let mut index = with(&[&long]);
    index.get_or_insert_with(&[&[b'a'; 200][..], b"b"].concat(), Vec::new);
    index.assert_sound();
    assert_eq!(index.nodes.len(), 4);
    assert_eq!(matching(&index, &long), [long]);
}

#[test]
fn the_upper_part_of_a_split_chain_is_merged() {
    // A chain of 256 + 256 + 44. The first split divides the first label into 200 and 56. The
    // second splits the second label after 100.
    let long = [b'a'; 556];
    let mut index = with(&[&long]);
    for shared in [200, 356] {
        index.get_or_insert_with(&[&long[..shared], b"b"].concat(), Vec::new);
        index.assert_sound();
    }
    // The nodes: the root, 200, its "b", 56 + 100, its "b", and 156 + 44.
    assert_eq!(index.nodes.len(), 6);
    assert_eq!(matching(&index, &long), [long]);
}

#[test]
fn common_patterns() {
    let index = with(&[
        b"news.*",
        b"*.sport",
        b"n*t",
        b"news.?",
        b"news.[a-z]*",
        b"*s*",
        b"*",
        b"news.sport",
    ]);
    assert_eq!(
        matching(&index, b"news.sport"),
        [
            &b"*"[..],
            b"*.sport",
            b"*s*",
            b"n*t",
            b"news.*",
            b"news.[a-z]*",
            b"news.sport"
        ]
    );
    assert_eq!(matching(&index, b"news."), [&b"*"[..], b"*s*", b"news.*"]);
    assert_eq!(matching(&index, b"x"), [b"*"]);
}

#[test]
fn a_lookup_costs_the_same_with_ten_patterns_and_with_many() {
    const SHAPES: &[&str] = &[
        "user:{}:*",
        "*:user{}",
        "a{}*b{}*c{}",
        "a*{}*c",
        "u?er:{}",
        "[ab]x:{}",
        "x[0-9]:{}",
        "*{}*",
        "plain:{}",
    ];
    for shape in SHAPES {
        let steps = |patterns: u32| {
            let mut index = Index::new();
            for number in 0..patterns {
                let pattern = shape.replace("{}", &format!("{number:05}"));
                index.get_or_insert_with(pattern.as_bytes(), || pattern.clone().into_bytes());
            }
            let hit = shape.replace(['[', ']', '*'], "").replace("{}", "00007");
            let names = [
                hit.as_str(),
                "user:00005:x",
                "something:else",
                "ax:00003",
                "x5:00001",
            ];
            let before = walk::STEPS.get();
            for name in names {
                matching(&index, name.as_bytes());
            }
            walk::STEPS.get() - before
        };
        let (few, many) = (steps(10), steps(20_000));
        assert!(
            many <= 2 * few,
            "{shape}: {few} steps with 10, {many} with 20,000"
        );
    }
}

#[test]
fn each_spelling_is_a_pattern_of_its_own() {
    let mut index = with(&[b"a*", b"a**", b"\\a*", b"[a]*"]);
    assert_eq!(index.len(), 4);
    assert_eq!(matching(&index, b"ab").len(), 4);
    assert_eq!(index.remove(b"a***"), None);
    assert_eq!(index.remove(b"a**"), Some(b"a**".to_vec()));
    assert_eq!(matching(&index, b"a"), [&b"[a]*"[..], b"\\a*", b"a*"]);
    assert_eq!(index.get(b"a*"), Some(&b"a*".to_vec()));
    assert_eq!(index.get(b"a**"), None);
}

#[test]
fn an_empty_name_is_matched_by_the_empty_pattern_and_by_stars() {
    let index = with(&[b"", b"*", b"**", b"?", b"*z", b"*y*"]);
    let found: [&[u8]; 3] = [b"", b"*", b"**"];
    assert_eq!(matching(&index, b""), found);
    assert_eq!(matching(&index, b"a"), [&b"*"[..], b"**", b"?"]);
}

#[test]
fn a_star_that_is_reached_twice_reports_once() {
    let index = with(&[b"*aa*", b"*a*", b"*a", b"*a*a*", b"*aa*a", b"a*"]);
    assert_eq!(matching(&index, b"aaaaa").len(), 6);
}

#[test]
fn the_first_of_several_ways_decides_where_it_must() {
    let index = with(&[b"*a?c*d", b"*ab*", b"*?b*d", b"*a*bd", b"*[ab]c*"]);
    assert_eq!(
        matching(&index, b"abcabcd"),
        [&b"*?b*d"[..], b"*[ab]c*", b"*a?c*d", b"*ab*"]
    );
}

#[test]
fn a_callback_may_look_up_too() {
    let index = with(&[b"*a*", b"*b*", b"[ab]*"]);
    let mut found = 0;
    index.for_each_match(b"ab", |_| index.for_each_match(b"ba", |_| found += 1));
    assert_eq!(found, 9);
}

#[test]
fn a_panicking_constructor_or_callback_leaves_the_index_whole() {
    let mut index = with(&[b"*a*", b"*b"]);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        index.get_or_insert_with(b"x", || panic!("no value"));
    }));
    assert!(caught.is_err() && index.get(b"x").is_none());
    let caught = std::panic::catch_unwind(|| index.for_each_match(b"ab", |_| panic!("no")));
    assert!(caught.is_err());
    assert_eq!(matching(&index, b"ab").len(), 2);
}

#[test]
fn hostile_patterns_come_and_go() {
    let mut stars = b"*a".repeat(10_000);
    stars.push(b'*');
    let long = vec![b'x'; 1 << 20];
    let classes = b"[ab]".repeat(1 << 18);
    let mut index = with(&[&stars, &long, &classes, b"x", b"xx", b"*a*"]);
    // A deep trie: every prefix of a long name is a pattern.
    for length in 0..3_000 {
        index.get_or_insert_with(&long[..length], Vec::new);
    }
    // A wide trie: a node with a class for every pair of bytes.
    for pair in 0..=u16::MAX {
        let [a, b] = pair.to_be_bytes();
        index.get_or_insert_with(&[b'z', b'[', b'\\', a, b'\\', b, b']'], Vec::new);
    }
    // Many spellings of the same pattern.
    for count in 2..3_000 {
        index.get_or_insert_with(&vec![b'*'; count], Vec::new);
    }
    index.assert_sound();
    assert_eq!(matching(&index, &vec![b'a'; 10_000]).len(), 2 + 2_998);
    assert_eq!(matching(&index, &vec![b'a'; 9_999]).len(), 1 + 2_998);
    assert_eq!(matching(&index, &vec![b'b'; 1 << 18]).len(), 1 + 2_998);
    assert_eq!(matching(&index, &long).len(), 1 + 2_998);
    assert_eq!(matching(&index, b"z!").len(), 511 + 2_998);
    let mut patterns: Vec<Vec<u8>> = index.iter().map(|(pattern, _)| pattern.to_vec()).collect();
    patterns.sort();
    for pattern in &patterns {
        assert!(index.remove(pattern).is_some());
    }
    index.assert_empty();
}

#[test]
fn memory_is_given_back() {
    let mut index = PatternIndex::new();
    for n in 0..100_000 {
        index.get_or_insert_with(format!("user:{n}:*").as_bytes(), || n);
    }
    for n in 0..99_990 {
        assert_eq!(index.remove(format!("user:{n}:*").as_bytes()), Some(n));
    }
    index.assert_sound();
    assert!(index.nodes.end() < 100 && index.entries.end() < 100);
    assert!(index.by_pattern.capacity() < 1_000);
    let mut found = Vec::new();
    index.for_each_match(b"user:99995:x", |&n| found.push(n));
    assert_eq!(found, [99_995]);
    assert!(size_of::<Node>() <= 40);
}

fn pattern() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"a"[..],
        b"a",
        b"b",
        b"c",
        b"ab",
        b"*",
        b"*",
        b"*",
        b"?",
        b"?",
        b"[",
        b"]",
        b"^",
        b"-",
        b"\\",
        b"\x80",
        b"\xff",
        b"\x00",
        b"\x03",
        b"[ab]",
        b"[^a]",
        b"[a-\xff]",
        b"[]",
        b"abcabcabcabcabcabcabcabc",
        b"[acegikmoqsuwy02468ACEGIKMOQ]",
    ]);
    prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"a"[..],
        b"a",
        b"a",
        b"b",
        b"b",
        b"c",
        b"*",
        b"]",
        b"^",
        b"-",
        b"\x80",
        b"\xff",
        b"\x00",
        b"\x03",
        b"abcabcabcabcabcabcabcabc",
    ]);
    prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn finds_what_the_matcher_accepts(
        history in prop::collection::vec((pattern(), prop::bool::weighted(0.7)), 1..60),
        names in prop::collection::vec(name(), 1..12),
        shrink in any::<bool>(),
    ) {
        let mut index = Index::new();
        let mut model = BTreeMap::new();
        for (pattern, insert) in history {
            if insert {
                index.get_or_insert_with(&pattern, || pattern.clone());
                model.insert(pattern.clone(), ());
            } else {
                // If the pattern is not in the index, removes another one that is.
                let at_hand = model.range(pattern.clone()..).next();
                let pattern = at_hand.map_or(pattern, |(pattern, ())| pattern.clone());
                let value = model.remove(&pattern).map(|()| pattern.clone());
                prop_assert_eq!(index.remove(&pattern), value);
            }
            prop_assert_eq!(index.len(), model.len());
        }
        if shrink {
            index.shrink_to_fit();
        }
        index.assert_sound();
        for name in &names {
            let mut expected: Vec<_> = model.keys().cloned().collect();
            expected.retain(|pattern| matches(pattern, name));
            prop_assert_eq!(matching(&index, name), expected);
        }
        for pattern in model.keys() {
            prop_assert_eq!(index.get(pattern), Some(pattern));
            prop_assert_eq!(index.remove(pattern), Some(pattern.clone()));
            index.assert_sound();
        }
        index.assert_empty();
    }
}
