//! Expected values are redis-server's replies.

use proptest::prelude::*;

use super::*;

const MAX_BYTES: u64 = 512 << 20;

fn bytes(start: i64, end: i64) -> BitRange {
    BitRange {
        start,
        end: Some(end),
        unit: Unit::Byte,
    }
}

fn bits(start: i64, end: i64) -> BitRange {
    BitRange {
        unit: Unit::Bit,
        ..bytes(start, end)
    }
}

fn from(start: i64) -> BitRange {
    BitRange {
        start,
        ..BitRange::default()
    }
}

#[test]
fn counts_set_bits_of_a_range() {
    assert_eq!(count(b"foobar", BitRange::default()), 26);
    assert_eq!(count(b"foobar", bytes(0, 0)), 4);
    assert_eq!(count(b"foobar", bytes(1, 1)), 6);
    assert_eq!(count(b"foobar", bytes(1, -2)), 18);
    assert_eq!(count(b"foobar", bits(5, 30)), 17);
    assert_eq!(count(b"", BitRange::default()), 0);
}

#[test]
fn a_range_of_negative_ends_is_empty_if_they_are_swapped() {
    assert_eq!(count(b"ab", bytes(-3, -5)), 0);
    // If they are in the right order, both ends become the first byte.
    assert_eq!(count(b"ab", bytes(-5, -3)), 3);
}

#[test]
fn finds_the_first_bit() {
    let ones_first = Some([0xff, 0xf0, 0].as_slice());
    let ones_last = Some([0, 0xff, 0xf0].as_slice());
    assert_eq!(position(ones_first, false, BitRange::default()), Some(12));
    assert_eq!(position(ones_last, true, from(0)), Some(8));
    assert_eq!(position(ones_last, true, from(2)), Some(16));
    assert_eq!(position(ones_last, true, bytes(2, -1)), Some(16));
    assert_eq!(position(ones_last, true, bits(7, 15)), Some(8));
    assert_eq!(position(ones_last, false, bits(8, -1)), Some(20));
    assert_eq!(position(ones_last, false, bits(8, 19)), None);
}

#[test]
fn a_zero_behind_the_string_counts_if_no_end_is_given() {
    let ones = Some([0xff; 3].as_slice());
    assert_eq!(position(ones, false, from(0)), Some(24));
    assert_eq!(position(ones, false, from(1)), Some(24));
    assert_eq!(position(ones, false, from(3)), None);
    assert_eq!(position(ones, false, bytes(0, -1)), None);
    assert_eq!(position(ones, false, bits(0, -1)), None);
    assert_eq!(position(ones, true, from(0)), Some(0));
}

#[test]
fn a_missing_key_is_not_an_empty_string() {
    assert_eq!(position(Some(b""), false, from(0)), None);
    assert_eq!(position(Some(b""), true, from(0)), None);
    assert_eq!(position(None, false, bytes(3, 2)), Some(0));
    assert_eq!(position(None, true, from(0)), None);
}

#[test]
fn combines_strings_of_different_length() {
    let sources: [&[u8]; 2] = [b"foobar", b"abc"];
    let combined = |op| combine(op, &sources);
    assert_eq!(combined(BitOp::And), b"`bc\0\0\0");
    assert_eq!(combined(BitOp::Or), b"goobar");
    assert_eq!(combined(BitOp::Xor), b"\x07\r\x0cbar");
    assert_eq!(combine(BitOp::Not, &["abc"]), [0x9e, 0x9d, 0x9c]);
    assert_eq!(combine(BitOp::And, &["", ""]), Vec::<u8>::new());
    assert_eq!(BitOp::parse(b"xOr", 2), Ok(BitOp::Xor));
    assert_eq!(BitOp::parse(b"nand", 1), Err(BitsError::Syntax));
    assert_eq!(BitOp::parse(b"Not", 1), Ok(BitOp::Not));
    assert_eq!(BitOp::parse(b"not", 2), Err(BitsError::NotSources));
}

#[test]
fn setting_a_bit_grows_the_string() {
    let mut value = Vec::new();
    assert!(!set(&mut value, 7, true));
    assert_eq!(value, [1]);
    assert!(!set(&mut value, 23, false));
    assert_eq!(value, [1, 0, 0]);
    assert!(set(&mut value, 7, false));
    assert_eq!(value, [0, 0, 0]);
    assert!(!get(&value, u64::MAX));
}

#[test]
fn offsets_are_plain_integers_within_the_longest_string() {
    let parse = |text: &str| parse_offset(text.as_bytes(), None, MAX_BYTES);
    assert_eq!(parse("0"), Ok(0));
    assert_eq!(parse("4294967295"), Ok(u64::from(u32::MAX)));
    let wrong = [
        "4294967296",
        "-1",
        "-0",
        "+1",
        "01",
        "#1",
        "",
        "1 ",
        "9223372036854775808",
    ];
    for text in wrong {
        assert_eq!(parse(text), Err(BitsError::Offset), "{text}");
    }
    assert_eq!(
        BitsError::Offset.to_string(),
        "ERR bit offset is not an integer or out of range"
    );
    assert_eq!(parse_bit(b"1"), Ok(true));
    assert_eq!(parse_bit(b"2"), Err(BitsError::Bit));
    assert_eq!(parse_bit(b"x"), Err(BitsError::Bit));
    assert_eq!(parse_searched_bit(b"1"), Ok(true));
    assert_eq!(parse_searched_bit(b"-1"), Err(BitsError::SearchedBit));
    assert_eq!(parse_searched_bit(b"01"), Err(BitsError::Integer));
}

#[test]
fn a_hash_multiplies_the_offset_by_the_field_width() {
    let parse = |text: &str| parse_offset(text.as_bytes(), Some(16), MAX_BYTES);
    assert_eq!(parse("#3"), Ok(48));
    assert_eq!(parse("3"), Ok(3));
    for text in ["#-1", "##1", "#", "#268435456", "#9223372036854775807"] {
        assert_eq!(parse(text), Err(BitsError::Offset), "{text}");
    }
}

fn run(value: &mut Vec<u8>, line: &str) -> Vec<Option<i64>> {
    let args: Vec<&str> = line.split(' ').collect();
    apply(value, &parse_ops(&args, MAX_BYTES).expect("valid")).replies
}

#[test]
fn fields_are_read_and_written_at_any_bit() {
    let mut value = Vec::new();
    let replies = run(
        &mut value,
        "set u8 #0 255 get u4 4 incrby u2 100 1 overflow sat incrby u2 102 4 overflow fail incrby u2 102 1",
    );
    assert_eq!(replies, [Some(0), Some(15), Some(1), Some(3), None]);
    assert_eq!(value, b"\xff\0\0\0\0\0\0\0\0\0\0\0\x07");
}

#[test]
fn values_wrap_saturate_or_fail() {
    let mut value = Vec::new();
    let replies = run(
        &mut value,
        "set i5 3 -7 incrby i5 3 -20 overflow sat incrby i5 3 -20 set u63 #1 -1 get i64 63 overflow wrap \
         incrby i64 64 9223372036854775807 incrby i64 64 9223372036854775807",
    );
    let expected = [0, 5, -15, 0, -2, 9_223_372_036_854_775_803, -6];
    assert_eq!(replies, expected.map(Some));
    assert_eq!(
        value,
        b"\x11\0\0\0\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xfa"
    );
}

#[test]
fn a_failed_write_grows_the_string_all_the_same() {
    let mut value = Vec::new();
    let ops = parse_ops(&["overflow", "fail", "set", "u4", "20", "16"], MAX_BYTES);
    let outcome = apply(&mut value, &ops.expect("valid"));
    assert_eq!(outcome.replies, [None]);
    // As in Redis, this is not a change.
    assert!(!outcome.changed);
    assert_eq!(value, [0, 0, 0]);
}

#[test]
fn setting_a_number_near_the_least_one_saturates_at_the_greatest_value() {
    let mut value = vec![0; 3];
    let line = "overflow sat set i8 0 -9223372036854775808 set i8 0 -9223372036854775681 get i8 0";
    assert_eq!(run(&mut value, line), [Some(0), Some(127), Some(127)]);
    let line = "overflow sat set i8 0 -9223372036854775680 set i8 0 1";
    assert_eq!(run(&mut value, line), [Some(127), Some(-128)]);
}

#[test]
fn writing_the_same_value_is_no_change() {
    let mut value = b"ab".to_vec();
    let ops = parse_ops(&["set", "u8", "#1", "98", "get", "u8", "900"], MAX_BYTES).expect("valid");
    let outcome = apply(&mut value, &ops);
    assert_eq!(outcome.replies, [Some(98), Some(0)]);
    assert!(!outcome.changed);
    assert!(has_writes(&ops));
    assert!(!has_writes(&ops[1..]));
}

#[test]
fn refuses_wrong_fields() {
    let refused = |line: &str| {
        let args: Vec<&str> = line.split(' ').collect();
        parse_ops(&args, MAX_BYTES).expect_err(line)
    };
    for text in ["u64", "i65", "i0", "I8", "u", "x8", "i08", "i-1", "u+1"] {
        assert_eq!(refused(&format!("get {text} 0")), BitsError::FieldType);
    }
    assert_eq!(refused("get u8 -1"), BitsError::Offset);
    assert_eq!(refused("set u8 0 x"), BitsError::Integer);
    assert_eq!(refused("overflow up"), BitsError::Overflow);
    assert_eq!(refused("set u8 0"), BitsError::Syntax);
    assert_eq!(refused("take u8 0"), BitsError::Syntax);
    assert_eq!(
        BitsError::FieldType.to_string(),
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
    );
}

fn unit() -> impl Strategy<Value = Unit> {
    prop_oneof![Just(Unit::Byte), Just(Unit::Bit)]
}

/// Random strings, and strings with long runs of one byte, which are read 64 bits at a time.
fn string() -> impl Strategy<Value = Vec<u8>> {
    let stretch = (prop_oneof![Just(0), Just(0xff), any::<u8>()], 0..30_usize);
    let stretches = prop::collection::vec(stretch, 0..5).prop_map(|stretches| {
        let stretches = stretches.into_iter();
        stretches.flat_map(|(byte, len)| vec![byte; len]).collect()
    });
    prop_oneof![stretches, prop::collection::vec(any::<u8>(), 0..12)]
}

/// Ends of ranges, within strings and far outside.
fn end() -> impl Strategy<Value = i64> {
    prop_oneof![
        -100..100_i64,
        -1100..1100_i64,
        Just(i64::MIN),
        Just(i64::MAX)
    ]
}

/// The bits of a range, by number.
fn selected(value: &[u8], range: BitRange) -> Vec<u64> {
    let scale = if range.unit == Unit::Byte { 8 } else { 1 };
    let len = value.len() as i64 * 8 / scale;
    let from_front = |index: i64| {
        if index < 0 {
            (index + len).max(0)
        } else {
            index
        }
    };
    let (start, end) = (from_front(range.start), from_front(range.end.unwrap_or(-1)));
    let all = 0..value.len() as u64 * 8;
    all.filter(|&bit| (start..=end).contains(&(bit as i64 / scale)))
        .collect()
}

proptest! {
    #[test]
    fn count_and_position_look_at_every_bit(
        value in string(),
        start in end(),
        end in prop::option::of(end()),
        unit in unit(),
        bit: bool,
    ) {
        let range = BitRange { start, end, unit };
        let selected = selected(&value, range);
        let swapped = start < 0 && end.is_some_and(|end| end < 0 && start > end);
        let set = selected.iter().filter(|&&bit| get(&value, bit)).count() as u64;
        prop_assert_eq!(count(&value, range), if swapped { 0 } else { set });
        let found = selected.iter().copied().find(|&place| get(&value, place) == bit);
        let behind = !bit && end.is_none() && !selected.is_empty();
        let expected = found.or(behind.then_some(value.len() as u64 * 8));
        prop_assert_eq!(position(Some(&value), bit, range), expected);
    }

    #[test]
    fn combining_works_bit_by_bit(sources in prop::collection::vec(string(), 1..5)) {
        for (op, rule) in [
            (BitOp::And, (|set, all| set == all) as fn(usize, usize) -> bool),
            (BitOp::Or, |set, _| set > 0),
            (BitOp::Xor, |set, _| set % 2 == 1),
        ] {
            let result = combine(op, &sources);
            prop_assert_eq!(result.len(), sources.iter().map(Vec::len).max().unwrap_or(0));
            for bit in 0..result.len() as u64 * 8 {
                let set = sources.iter().filter(|source| get(source, bit)).count();
                prop_assert_eq!(get(&result, bit), rule(set, sources.len()));
            }
        }
    }

    #[test]
    fn a_field_is_its_bits(
        mut value in string(),
        signed: bool,
        width in 1..=63_u64,
        offset in 0..900_u64,
        new: i64,
    ) {
        let before = value.clone();
        let ty = format!("{}{width}", if signed { 'i' } else { 'u' });
        let (place, number) = (offset.to_string(), new.to_string());
        let args = ["get", &ty, &place, "set", &ty, &place, &number, "get", &ty, &place];
        let ops = parse_ops(&args, MAX_BYTES).expect("valid");
        let replies = apply(&mut value, &ops).replies;
        let unsigned = |value: &[u8]| {
            (offset..offset + width).fold(0, |number, bit| number << 1 | i64::from(get(value, bit)))
        };
        let unused = 64 - width;
        let as_type = |number: i64| {
            if signed {
                number << unused >> unused
            } else {
                number
            }
        };
        let mask = i64::MAX >> (63 - width);
        let old = Some(as_type(unsigned(&before)));
        prop_assert_eq!(replies, [old, old, Some(as_type(new & mask))]);
        prop_assert_eq!(unsigned(&value), new & mask);
        let outside = (0..value.len() as u64 * 8).filter(|bit| !(offset..offset + width).contains(bit));
        for bit in outside {
            prop_assert_eq!(get(&value, bit), get(&before, bit));
        }
    }
}
