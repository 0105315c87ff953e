//! Expected bytes and counts are redis-server's.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SPARSE_MAX: usize = 3000;

/// The value after PFADD with these elements, on a missing key.
fn added<E: AsRef<[u8]>>(elements: &[E]) -> Vec<u8> {
    let mut value = create();
    add(&mut value, elements, SPARSE_MAX).expect("a valid value");
    mark_changed(&mut value);
    value
}

fn numbers(count: u32) -> Vec<u8> {
    let numbers: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    added(&numbers)
}

/// Replaces the bytes of a long value in an assertion.
fn checksum(value: &[u8]) -> u64 {
    value.iter().fold(0, |sum: u64, &byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte))
    })
}

fn registers(value: &[u8]) -> [u8; REGISTERS] {
    let mut registers = [0; REGISTERS];
    match encoding(value).expect("a valid value") {
        Encoding::Dense => dense::raise_all(&value[HEADER..], &mut registers),
        Encoding::Sparse => sparse::raise_all(&value[HEADER..], &mut registers).expect("valid"),
    }
    registers
}

#[test]
fn sparse_values_are_those_of_redis() {
    let nothing: [&str; 0] = [];
    assert_eq!(added(&nothing), b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x7f\xff");
    assert_eq!(
        added(&["a", "b", "c"]),
        b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80`\xf3\x80P\xb1\x84K\xfb\x80BZ"
    );
    assert_eq!(
        added(&[
            "c",
            "d",
            "",
            "hello",
            "a longer element, of 34 bytes in all"
        ]),
        b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80W1\x84EH\x80Dv\x80C\n\x80U~\x80F~"
    );
    let value = numbers(1000);
    assert_eq!((value.len(), value[4]), (1923, 1));
}

#[test]
fn a_count_is_cached_until_a_register_changes() {
    let mut value = added(&["a", "b", "c"]);
    let counted = count(&mut value).expect("a valid value");
    assert_eq!((counted.count, counted.header_changed), (3, true));
    let cached = b"HYLL\x01\0\0\0\x03\0\0\0\0\0\0\0`\xf3\x80P\xb1\x84K\xfb\x80BZ";
    assert_eq!(value, cached);
    assert_eq!(add(&mut value, &["a"], SPARSE_MAX), Ok(false));
    let counted = count(&mut value).expect("a valid value");
    assert_eq!((counted.count, counted.header_changed), (3, false));
    assert_eq!(value, cached);
    assert_eq!(add(&mut value, &["d"], SPARSE_MAX), Ok(true));
    assert_eq!(value[HEADER - 1], 0x80);
}

#[test]
fn counts_and_bytes_of_many_elements_are_those_of_redis() {
    let mut value = numbers(1000);
    assert_eq!(count(&mut value).expect("a valid value").count, 1001);
    assert_eq!(checksum(&value), 0x58c3_3063_aa02_e353);
    let mut value = numbers(100_000);
    assert_eq!(count(&mut value).expect("a valid value").count, 99565);
    assert_eq!(encoding(&value), Ok(Encoding::Dense));
    assert_eq!(checksum(&value), 0xd666_cda6_4200_49f1);
}

#[test]
fn runs_are_joined_as_in_redis() {
    let elements: Vec<String> = (0..2500).map(|number| number.to_string()).collect();
    let mut value = create();
    assert_eq!(add(&mut value, &elements, 16_000), Ok(true));
    assert_eq!(
        (value.len(), encoding(&value)),
        (4272, Ok(Encoding::Sparse))
    );
    assert_eq!(checksum(&value), 0xaf8e_71df_2fdd_1e1e);
}

#[test]
fn counts_registers_with_the_longest_run() {
    let with_registers = |registers: Vec<u8>| {
        let mut value = [b"HYLL\0\0\0\0".as_slice(), &[0; 8], &registers].concat();
        mark_changed(&mut value);
        count(&mut value).expect("a valid value").count
    };
    // Four registers of 51.
    let longest = [0xf3, 0x3c, 0xcf];
    let forty = [0x28, 0x8a, 0xa2];
    let half = [longest.repeat(REGISTERS / 8), forty.repeat(REGISTERS / 8)].concat();
    assert_eq!(with_registers(half), 25_981_675_153_099_444);
    let mut almost_all = longest.repeat(REGISTERS / 4);
    almost_all[..3].fill(0);
    assert_eq!(with_registers(almost_all), 48_396_997);
}

#[test]
fn a_value_above_the_limit_stays_sparse_until_it_grows() {
    let mut value = added(&["a"]);
    // Raises the register of `a`.
    assert_eq!(add(&mut value, &["312230"], 0), Ok(true));
    assert_eq!(value, b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80q\xa6\x88NW");
    assert_eq!(add(&mut value, &["b"], 0), Ok(true));
    assert_eq!(encoding(&value), Ok(Encoding::Dense));
}

#[test]
fn becomes_dense_where_redis_does() {
    let value = numbers(1648);
    assert_eq!(
        (value.len(), encoding(&value)),
        (3000, Ok(Encoding::Sparse))
    );
    let value = numbers(1649);
    assert_eq!(
        (value.len(), encoding(&value)),
        (12304, Ok(Encoding::Dense))
    );
}

#[test]
fn merges_as_redis_does() {
    let first = added(&["a", "b", "c"]);
    let second = added(&[
        "c",
        "d",
        "",
        "hello",
        "a longer element, of 34 bytes in all",
    ]);
    let mut union = Union::new();
    union.include(&first).expect("a valid value");
    union.include(&second).expect("a valid value");
    assert_eq!(union.count(), 7);
    let mut merged = create();
    union.store(&mut merged, SPARSE_MAX).expect("a valid value");
    assert_eq!(
        merged,
        b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80W1\x84EH\x80Dv\x80C\n\x80M\xa5\x84G\xd7\x80D\"\x80BZ"
    );
    assert_eq!(count(&mut merged).expect("a valid value").count, 7);
}

#[test]
fn a_dense_source_makes_the_destination_dense() {
    let mut dense = added(&["a"]);
    make_dense(&mut dense).expect("a valid value");
    let mut destination = added(&["b"]);
    let mut union = Union::new();
    union.include(&destination).expect("a valid value");
    union.include(&dense).expect("a valid value");
    union
        .store(&mut destination, SPARSE_MAX)
        .expect("a valid value");
    let mut expected = added(&["a", "b"]);
    make_dense(&mut expected).expect("a valid value");
    assert_eq!(destination, expected);
}

#[test]
fn other_strings_are_refused() {
    let wrong_magic = [b"HYLX".as_slice(), &create()[4..]].concat();
    let mut wrong_encoding = create();
    wrong_encoding[4] = 2;
    let mut short_dense = create();
    short_dense[4] = 0;
    for mut value in [
        b"".to_vec(),
        b"HYLL".to_vec(),
        wrong_magic,
        wrong_encoding,
        short_dense,
    ] {
        let before = value.clone();
        assert_eq!(
            add(&mut value, &["a"], SPARSE_MAX),
            Err(HllError::NotHyperLogLog)
        );
        assert_eq!(count(&mut value), Err(HllError::NotHyperLogLog));
        assert_eq!(Union::new().include(&value), Err(HllError::NotHyperLogLog));
        assert_eq!(value, before);
    }
    assert_eq!(
        HllError::NotHyperLogLog.to_string(),
        "WRONGTYPE Key is not a valid HyperLogLog string value."
    );
}

#[test]
fn registers_that_do_not_add_up_are_corrupted() {
    let mut too_few = create();
    too_few.truncate(HEADER);
    too_few.push(0x3f);
    mark_changed(&mut too_few);
    let mut too_many = create();
    too_many.push(0);
    mark_changed(&mut too_many);
    for mut value in [too_few.clone(), too_many] {
        assert_eq!(count(&mut value), Err(HllError::Corrupted));
        assert_eq!(make_dense(&mut value), Err(HllError::Corrupted));
        assert_eq!(Union::new().include(&value), Err(HllError::Corrupted));
    }
    // Its register is not among the first 64.
    assert_eq!(
        add(&mut too_few, &["a"], SPARSE_MAX),
        Err(HllError::Corrupted)
    );
    assert_eq!(
        HllError::Corrupted.to_string(),
        "INVALIDOBJ Corrupted HLL object detected"
    );
}

fn history() -> impl Strategy<Value = Vec<u32>> {
    prop_oneof![
        prop::collection::vec(0..50_u32, 0..60),
        prop::collection::vec(any::<u32>(), 0..400),
        prop::collection::vec(any::<u32>(), 1500..3000),
    ]
}

fn elements(history: &[u32]) -> Vec<String> {
    history.iter().map(u32::to_string).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn registers_keep_the_longest_runs(history in history(), max in 0..4000_usize) {
        let mut value = create();
        let mut longest = BTreeMap::new();
        for element in elements(&history) {
            let (index, run) = hash::register_of(element.as_bytes());
            let kept = longest.insert(index, run);
            let is_longer = kept.is_none_or(|kept| run > kept);
            if !is_longer {
                longest.extend(kept.map(|kept| (index, kept)));
            }
            prop_assert_eq!(add(&mut value, &[element], max), Ok(is_longer));
        }
        let mut expected = [0; REGISTERS];
        for (index, run) in longest {
            expected[index] = run;
        }
        prop_assert!(registers(&value) == expected);
        let mut dense = value.clone();
        make_dense(&mut dense).expect("a valid value");
        prop_assert!(registers(&dense) == expected);
        prop_assert_eq!(
            count(&mut dense).expect("a valid value").count,
            count(&mut value).expect("a valid value").count
        );
    }

    #[test]
    fn a_union_has_the_elements_of_all(first in history(), second in history()) {
        let (first, second) = (elements(&first), elements(&second));
        let mut union = Union::new();
        let mut merged = added(&first);
        for value in [&merged, &added(&second)] {
            union.include(value).expect("a valid value");
        }
        union.store(&mut merged, SPARSE_MAX).expect("a valid value");
        let mut all = added(&[first, second].concat());
        prop_assert!(registers(&merged) == registers(&all));
        prop_assert_eq!(union.count(), count(&mut all).expect("a valid value").count);
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(
        history in history(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut value = added(&elements(&history));
        for (place, byte) in edits {
            let place = place.index(value.len());
            value[place] = byte;
        }
        for mut value in [value.clone(), value[..cut.index(value.len())].to_vec()] {
            let is_valid = encoding(&value).is_ok();
            prop_assert_eq!(is_valid, count(&mut value.clone()) != Err(HllError::NotHyperLogLog));
            prop_assert_eq!(is_valid, make_dense(&mut value.clone()) != Err(HllError::NotHyperLogLog));
            let mut union = Union::new();
            if union.include(&value).is_ok() {
                prop_assert!(union.store(&mut value.clone(), SPARSE_MAX).is_ok());
                prop_assert!(add(&mut value, &["a", "b"], SPARSE_MAX).is_ok());
            } else {
                let _ = add(&mut value, &["a", "b"], SPARSE_MAX);
            }
        }
    }
}
