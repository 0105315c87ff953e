//! Tests of hashes: their forms, and long random histories compared with a plain list.

use proptest::prelude::*;

use super::*;

const LIMITS: HashLimits = HashLimits {
    entries: 128,
    value: 64,
};

fn set(hash: &mut Hash, field: &[u8], value: &[u8]) -> bool {
    hash.set(field, value, LIMITS)
}

fn filled(fields: u32) -> Hash {
    let mut hash = Hash::default();
    for number in 0..fields {
        assert!(set(
            &mut hash,
            format!("field:{number}").as_bytes(),
            b"value"
        ));
    }
    hash
}

#[test]
fn a_hash_takes_little_in_a_key() {
    assert_eq!(size_of::<Hash>(), 16);
    assert_eq!(Hash::default().memory(), 0);
    assert_eq!(Hash::default().free_cost(), 0);
}

#[test]
fn it_becomes_a_table_above_either_limit_and_stays_one() {
    let mut hash = filled(128);
    assert_eq!(hash.encoding(), "listpack");
    assert!(!set(&mut hash, b"field:0", &[b'x'; 64]));
    assert_eq!((hash.encoding(), hash.free_cost()), ("listpack", 1));
    assert!(set(&mut hash, b"one more", b""));
    assert_eq!((hash.encoding(), hash.free_cost()), ("hashtable", 9));
    for number in 0..128 {
        assert!(hash.remove(format!("field:{number}").as_bytes()));
    }
    assert_eq!((hash.encoding(), hash.len()), ("hashtable", 1));

    for (field, value) in [(65, 1), (1, 65)] {
        let mut hash = filled(3);
        assert!(set(&mut hash, &vec![b'f'; field], &vec![b'v'; value]));
        assert_eq!(hash.encoding(), "hashtable");
        assert_eq!(hash.strlen(&vec![b'f'; field]), value);
    }
    let mut hash = filled(3);
    assert!(!set(&mut hash, b"field:1", &[b'v'; 65]));
    assert_eq!((hash.encoding(), hash.len()), ("hashtable", 3));
}

#[test]
fn a_command_with_many_fields_makes_a_table_at_once() {
    let mut hash = filled(1);
    hash.expect(128, LIMITS);
    assert_eq!(hash.encoding(), "listpack");
    hash.expect(129, LIMITS);
    assert_eq!((hash.encoding(), hash.len()), ("hashtable", 1));
    assert_eq!(hash.get(b"field:0"), Some(&b"value"[..]));
}

#[test]
fn a_packed_hash_is_scanned_as_a_whole() {
    let hash = filled(100);
    for cursor in [0, 5, u64::MAX] {
        let mut shown = 0;
        assert_eq!(hash.scan(cursor, 10, |_| shown += 1), 0);
        assert_eq!(shown, 100);
    }
}

/// The chi-squared statistic of a uniform distribution, in standard deviations above its mean.
fn excess(counts: &[u32]) -> f64 {
    let expected = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
    let sum: f64 = counts
        .iter()
        .map(|&count| (f64::from(count) - expected).powi(2) / expected)
        .sum();
    let freedom = (counts.len() - 1) as f64;
    (sum - freedom) / (2.0 * freedom).sqrt()
}

#[test]
fn random_fields_are_uniform_in_either_form() {
    let mut source = fastrand::Rng::with_seed(11);
    let mut random = || source.u64(..);
    let packed = filled(100);
    // A table of which little is left.
    let mut table = filled(20_000);
    for number in 100..20_000 {
        assert!(table.remove(format!("field:{number}").as_bytes()));
    }
    for hash in [packed, table] {
        let mut counts = [[0_u32; 100]; 3];
        let number = |field: &[u8]| {
            let digits = str::from_utf8(&field[6..]).unwrap();
            digits.parse::<usize>().unwrap()
        };
        for _ in 0..20_000 {
            let (field, _) = hash.random(&mut random).unwrap();
            counts[0][number(field)] += 1;
            for (field, _) in hash.random_distinct(3, &mut random) {
                counts[1][number(field)] += 1;
            }
            hash.random_repeated(3, &mut random, |(field, _)| counts[2][number(field)] += 1);
        }
        for counts in counts {
            let excess = excess(&counts);
            assert!(excess < 5.0, "{}: {excess}", hash.encoding());
        }
    }
}

#[test]
fn distinct_fields_are_distinct_and_a_packed_hash_keeps_their_order() {
    let mut source = fastrand::Rng::with_seed(12);
    let mut random = || source.u64(..);
    for hash in [filled(50), filled(500)] {
        for count in [0, 1, 10, hash.len() - 1, hash.len(), hash.len() + 1] {
            let mut chosen = hash.random_distinct(count, &mut random);
            assert_eq!(chosen.len(), count.min(hash.len()));
            if hash.encoding() == "listpack" {
                let mut all = hash.iter();
                assert!(chosen.iter().all(|pair| all.any(|other| other == *pair)));
            }
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen.len(), count.min(hash.len()));
        }
    }
    let mut shown = 0;
    Hash::default().random_repeated(5, &mut random, |_| shown += 1);
    assert_eq!(shown, 0);
    assert!(Hash::default().random(&mut random).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn it_holds_what_a_list_of_fields_holds(
        entries in 0..60_usize,
        value in 4..40_usize,
        steps in prop::collection::vec((0..10_u8, 0..80_u32, 0..24_usize), 1..1000),
    ) {
        let limits = HashLimits { entries, value };
        let (mut hash, mut model) = (Hash::default(), Vec::<(Vec<u8>, Vec<u8>)>::new());
        let mut was_table = false;
        for (kind, number, length) in steps {
            let field = number.to_string().repeat(1 + number as usize % 3).into_bytes();
            let at = model.iter().position(|(other, _)| *other == field);
            prop_assert_eq!(hash.get(&field), at.map(|at| &model[at].1[..]));
            if kind < 6 {
                let text = vec![b'v'; length];
                prop_assert_eq!(hash.set(&field, &text, limits), at.is_none());
                was_table |= field.len().max(length) > value;
                match at {
                    Some(at) => model[at].1 = text,
                    None => model.push((field, text)),
                }
                was_table |= model.len() > entries;
            } else {
                prop_assert_eq!(hash.remove(&field), at.is_some());
                at.map(|at| model.remove(at));
            }
            hash.invariants();
            prop_assert_eq!(hash.len(), model.len());
            prop_assert_eq!(hash.encoding(), if was_table { "hashtable" } else { "listpack" });
        }
        let mut all: Vec<_> = hash.clone().iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect();
        if was_table {
            all.sort_unstable();
            model.sort_unstable();
        }
        prop_assert_eq!(all, model);
    }
}
