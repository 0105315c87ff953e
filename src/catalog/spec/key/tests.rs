use super::*;

#[test]
fn leading_integers_are_those_of_c() {
    let cases: [(&[u8], i64); 9] = [
        (b"", 0),
        (b"x", 0),
        (b"2x", 2),
        (b" \t\x0b+07", 7),
        (b"-12-3", -12),
        (b"+-1", 0),
        (b"9223372036854775807", i64::MAX),
        (b"99999999999999999999", i64::MAX),
        (b"-99999999999999999999", i64::MIN),
    ];
    for (text, number) in cases {
        assert_eq!(leading_integer(text), number, "{text:?}");
    }
}

/// First, last, step, and whether these are all keys.
fn legacy(specs: &[KeySpec]) -> (i64, i64, i64, bool) {
    let range = LegacyRange::of(specs);
    (range.first, range.last, range.step, range.is_all)
}

#[test]
fn a_single_range_is_the_legacy_range() {
    assert_eq!(legacy(&[]), (0, 0, 0, true));
    assert_eq!(legacy(&[KeySpec::at(2, &[])]), (2, 2, 1, true));
    assert_eq!(legacy(&[KeySpec::from(1, &[])]), (1, -1, 1, true));
    assert_eq!(legacy(&[KeySpec::range(1, -1, 2, &[])]), (1, -1, 2, true));
    assert_eq!(legacy(&[KeySpec::range(1, 1, 1, &[])]), (1, 2, 1, true));
    let incomplete = [KeySpec::at(1, &["RO", "incomplete"])];
    assert_eq!(legacy(&incomplete), (1, 1, 1, false));
}

#[test]
fn consecutive_ranges_are_one_legacy_range() {
    let two = [KeySpec::at(1, &[]), KeySpec::at(2, &[])];
    assert_eq!(legacy(&two), (1, 2, 1, true));
    let rest = [KeySpec::at(1, &[]), KeySpec::from(2, &[])];
    assert_eq!(legacy(&rest), (1, -1, 1, true));
    let gap = [KeySpec::at(1, &[]), KeySpec::at(3, &[])];
    assert_eq!(legacy(&gap), (1, 1, 1, false));
    let steps = [KeySpec::at(1, &[]), KeySpec::range(2, -1, 2, &[])];
    assert_eq!(legacy(&steps), (1, 1, 1, false));
}

#[test]
fn what_is_no_range_moves() {
    assert_eq!(legacy(&[KeySpec::counted(1, &[])]), (0, 0, 0, false));
    let sort = [KeySpec::at(1, &[]), KeySpec::unknown(&[])];
    assert_eq!(legacy(&sort), (1, 1, 1, false));
    // A destination, followed by a number of sources.
    let store = [KeySpec::at(1, &[]), KeySpec::counted(2, &[])];
    assert_eq!(legacy(&store), (1, 1, 1, false));
}

/// The positions of the keys that a specification finds.
fn positions(spec: &KeySpec, request: &str) -> Option<Vec<usize>> {
    let args: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
    let keys = spec.keys_in(&args)?;
    Some(keys.iter().map(|key| key.position).collect())
}

#[test]
fn keys_stand_behind_a_keyword() {
    let one = Find::Range {
        last: 0,
        step: 1,
        limit: 0,
    };
    let store = KeySpec::behind("STORE", 6, one, &["OW"]);
    assert_eq!(positions(&store, "g k 1 2 3 km STORE d"), Some(vec![7]));
    assert_eq!(
        positions(&store, "g k 1 2 3 km asc store d x"),
        Some(vec![8])
    );
    // The first keyword counts, from the first argument that may be one.
    assert_eq!(
        positions(&store, "g k 1 2 3 km STORE STORE d"),
        Some(vec![7])
    );
    assert_eq!(positions(&store, "g k store 2 3 km"), None);
    assert_eq!(
        positions(&store, "g k store 2 3 km asc store d"),
        Some(vec![8])
    );
    // Nothing after the keyword, no keyword, and a request that ends too early.
    assert_eq!(positions(&store, "g k 1 2 3 km STORE"), None);
    assert_eq!(positions(&store, "g k 1 2 3 km STORED d"), None);
    assert_eq!(positions(&store, "g k"), None);
    assert_eq!(legacy(&[KeySpec::at(1, &[]), store]), (1, 1, 1, false));
}

#[test]
fn half_of_what_stands_behind_a_keyword_are_keys() {
    let half = Find::Range {
        last: -1,
        step: 1,
        limit: 2,
    };
    let streams = KeySpec::behind("STREAMS", 1, half, &["RO"]);
    assert_eq!(
        positions(&streams, "xread streams a b 0 0"),
        Some(vec![2, 3])
    );
    assert_eq!(
        positions(&streams, "xread COUNT 2 STREAMS a 0"),
        Some(vec![4])
    );
    assert_eq!(positions(&streams, "xread streams"), None);
    // The command's name is not a keyword.
    assert_eq!(positions(&streams, "streams a 0"), None);
}

#[test]
fn a_keyword_is_looked_for_backwards() {
    let rest = Find::Range {
        last: -1,
        step: 1,
        limit: 0,
    };
    let keys = KeySpec::behind("KEYS", -2, rest, &["RW"]);
    assert_eq!(positions(&keys, "m h 1 KEYS a"), Some(vec![4]));
    assert_eq!(positions(&keys, "m h 1 KEYS a b"), Some(vec![4, 5]));
    assert_eq!(positions(&keys, "m keys a KEYS b"), Some(vec![4]));
    assert_eq!(positions(&keys, "m a KEYS"), None);
    assert_eq!(positions(&keys, "keys"), None);
}

#[test]
fn a_count_never_reaches_beyond_the_request() {
    let spec = KeySpec::counted(1, &["RW"]);
    let found = |count: &[u8]| {
        let keys = spec.keys_in(&[b"lmpop", count, b"a", b"b"])?;
        Some(keys.iter().map(|key| key.position).collect::<Vec<_>>())
    };
    assert_eq!(found(b"1"), Some(vec![2]));
    assert_eq!(found(b"2"), Some(vec![2, 3]));
    // The low 32 bits of 4,294,967,298 are 2.
    assert_eq!(found(b"4294967298"), Some(vec![2, 3]));
    let wrong: [&[u8]; 7] = [
        b"",
        b"0",
        b"-1",
        b"3",
        b"2147483647",
        b"9223372036854775807",
        b"-9223372036854775808",
    ];
    for count in wrong {
        assert_eq!(found(count), None, "{count:?}");
    }
    assert!(spec.keys_in(&[b"lmpop"]).is_none());
}
