//! Compares the pattern index with the matcher, and the matcher with a plain one.
//!
//! Layer `fuzz`.

use std::collections::BTreeSet;

use crate::glob::{matches, matches_ignore_case, plain};
use crate::pubsub::patterns::PatternIndex;

pub(super) fn run_input(data: &[u8]) {
    let mut index: PatternIndex<Vec<u8>> = PatternIndex::new();
    let mut patterns: BTreeSet<Vec<u8>> = BTreeSet::new();
    for line in data.split(|&byte| byte == b'\n') {
        match line {
            [b'+', pattern @ ..] => {
                let value = index.get_or_insert_with(pattern, || pattern.to_vec());
                assert_eq!(value, pattern);
                patterns.insert(pattern.to_vec());
            }
            [b'-', pattern @ ..] => {
                let was_there = patterns.remove(pattern);
                assert_eq!(index.remove(pattern).is_some(), was_there);
            }
            b"!" => index.shrink_to_fit(),
            name => compare_matches(&index, &patterns, name),
        }
        assert_eq!(index.len(), patterns.len());
        index.assert_sound();
    }
    for pattern in &patterns {
        assert_eq!(index.get_mut(pattern), Some(&mut pattern.clone()));
        assert_eq!(index.remove(pattern).as_ref(), Some(pattern));
    }
    index.assert_empty();
}

fn compare_matches(index: &PatternIndex<Vec<u8>>, patterns: &BTreeSet<Vec<u8>>, name: &[u8]) {
    let mut found = Vec::new();
    index.for_each_match(name, |pattern| found.push(pattern.clone()));
    found.sort_unstable();
    let all = patterns.iter().map(Vec::as_slice);
    let expected: Vec<&[u8]> = all.filter(|pattern| matches(pattern, name)).collect();
    assert_eq!(found, expected, "for {}", name.escape_ascii());
    for pattern in patterns {
        for (ours, ignore_case) in [
            (matches(pattern, name), false),
            (matches_ignore_case(pattern, name), true),
        ] {
            assert_eq!(
                ours,
                plain::matches(pattern, name, ignore_case),
                "{} for {}, case ignored: {ignore_case}",
                pattern.escape_ascii(),
                name.escape_ascii()
            );
        }
    }
}
