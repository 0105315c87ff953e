//! Reading, adding and printing numbers, against figures of Redis and C.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Option<String> {
    LongDouble::parse(text.as_bytes()).map(|number| number.to_string())
}

#[test]
fn numbers_are_read_and_printed() {
    for (text, printed) in [
        ("0", "0"),
        ("-0", "0"),
        ("-1e-30", "0"),
        ("+5", "5"),
        ("5.", "5"),
        (".5", "0.5"),
        ("10.50", "10.5"),
        ("0.1", "0.1"),
        ("5.0e3", "5000"),
        ("1E-2", "0.01"),
        ("0x1.8p3", "12"),
        ("0xA", "10"),
        ("0X.8", "0.5"),
        ("-0x1P-1", "-0.5"),
        // Rounding at the 17th digit: a tie goes to the even digit.
        ("5e-18", "0"),
        ("1.5e-17", "0.00000000000000002"),
        ("0x1p-60", "0"),
        // The largest odd number of 64 bits, and its neighbours.
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551617", "18446744073709551616"),
        ("36893488147419103233", "36893488147419103232"),
        ("1e30", "1000000000000000000024696061952"),
        ("3e-4951", "0"),
    ] {
        assert_eq!(read(text).as_deref(), Some(printed), "{text}");
    }
}

#[test]
fn the_largest_number_is_printed_in_full() {
    let largest = LongDouble::parse(b"1.18973149535723176502e4932").unwrap();
    let printed = largest.to_string();
    assert_eq!(printed.len(), 4933);
    assert!(printed.starts_with("1189731495357231765021263853030970205169"));
    assert!(printed.ends_with("8849149662444156604419552086811989770240"));
}

#[test]
fn what_is_no_number_is_refused() {
    for text in [
        "",
        "-",
        "+",
        ".",
        "-.",
        "e5",
        "1e",
        "1e+",
        "1e5.",
        "1.2.3",
        " 1",
        "1 ",
        "1\0",
        "+-1",
        "--1",
        "0x",
        "0x.",
        "0x1p",
        "0xg",
        "1x",
        "1p3",
        "nan",
        "-nan",
        "nan(1)",
        "infin",
        "1e5000",
        "-1e5000",
        "1e-5000",
        "0x1p99999999999",
        "1_000",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    let long = "1".repeat(TEXT_LIMIT - 1);
    assert_eq!(read(&format!("0{long}")), None);
    assert_eq!(read(&"0".repeat(TEXT_LIMIT - 1)).as_deref(), Some("0"));
}

#[test]
fn a_sum_is_finite() {
    let sum = |one: &str, other: &str| {
        let [one, other] = [one, other].map(|text| LongDouble::parse(text.as_bytes()).unwrap());
        one.plus(other).map(|sum| sum.to_string())
    };
    assert_eq!(sum("3.0e3", "200").as_deref(), Some("3200"));
    assert_eq!(sum("0.1", "0.2").as_deref(), Some("0.3"));
    assert_eq!(sum("1", "-1.0000000000000000001").as_deref(), Some("0"));
    for (one, other) in [
        ("inf", "1"),
        ("1", "-Infinity"),
        ("inf", "-INF"),
        ("1.1e4932", "1.1e4932"),
    ] {
        assert_eq!(sum(one, other), None);
    }
}

#[test]
fn a_timeout_is_in_seconds() {
    for (word, milliseconds) in [
        ("1", 1000),
        ("0.1", 100),
        ("0.0001", 1),
        ("1.0001", 1001),
        ("0x1p-1", 500),
        ("1e3", 1_000_000),
        ("9000000000000000", 9_000_000_000_000_000_000),
    ] {
        let timeout = Duration::from_millis(milliseconds);
        assert_eq!(parse_timeout(word.as_bytes()), Ok(Some(timeout)), "{word}");
    }
    // Zero means no timeout, and so does a negative timeout that rounds up to it.
    for forever in ["0", "-0", "0.0", "-0.0001"] {
        assert_eq!(parse_timeout(forever.as_bytes()), Ok(None), "{forever}");
    }
    for (word, text) in [
        ("", "ERR timeout is not a float or out of range"),
        ("1s", "ERR timeout is not a float or out of range"),
        ("nan", "ERR timeout is not a float or out of range"),
        ("-1", "ERR timeout is negative"),
        ("-1e4000", "ERR timeout is negative"),
        ("-inf", "ERR timeout is negative"),
        ("inf", "ERR timeout is out of range"),
        ("9223372036854775.807", "ERR timeout is out of range"),
        ("9223372036854776", "ERR timeout is out of range"),
        ("1e4932", "ERR timeout is out of range"),
    ] {
        let error = parse_timeout(word.as_bytes()).unwrap_err();
        assert_eq!(error, CommandError::text(text), "{word}");
    }
}

#[test]
fn doubles_are_read_as_strtod_reads_them() {
    for (text, number) in [
        ("", 0.0),
        ("0", 0.0),
        ("-0.0e-400", 0.0),
        (" \t\n\x0b\x0c\r1", 1.0),
        ("+1.5e3", 1500.0),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("0x10", 16.0),
        ("-0X1.8p1", -3.0),
        ("inf", f64::INFINITY),
        ("-Infinity", f64::NEG_INFINITY),
        ("9007199254740993", 9_007_199_254_740_992.0),
        ("2.2250738585072014e-308", f64::MIN_POSITIVE),
    ] {
        assert_eq!(parse_double(text.as_bytes()), Some(number), "{text}");
    }
    for text in [
        " ",
        "-",
        "+",
        ".",
        "1 ",
        "1x",
        "0x",
        "0x.",
        "e5",
        "1e",
        "nan",
        "1e400",
        "1e-310",
        "1e-400",
        "0x1p1024",
        "0x1p-1080",
        "--1",
        "+ 1",
        "1,5",
        "\u{a0}1",
    ] {
        assert_eq!(parse_double(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn a_strict_double_has_no_blanks_and_may_be_subnormal() {
    for (text, number) in [
        ("5.", 5.0),
        ("+.5", 0.5),
        ("-0", -0.0),
        ("0x10", 16.0),
        ("1e-320", 1e-320),
        ("0x1p-1074", 5e-324),
        ("0e-999", 0.0),
        ("INF", f64::INFINITY),
        ("-infinity", f64::NEG_INFINITY),
    ] {
        assert_eq!(parse_score(text.as_bytes()), Some(number), "{text}");
    }
    for text in ["", " 5", "5 ", "nan", "1e400", "1e-400", "0x1p-1080", "x"] {
        assert_eq!(parse_score(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn doubles_are_printed_as_redis_prints_them() {
    for (number, text) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (0.1, "0.10000000000000001"),
        (3.25, "3.25"),
        (0.0001, "0.0001"),
        (0.00001, "1.0000000000000001e-05"),
        (1e16, "10000000000000000"),
        (1e17, "1e+17"),
        (1.5e300, "1.5000000000000001e+300"),
        (2.5e20, "2.5e+20"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        (5e-324, "4.9406564584124654e-324"),
        // Halfway between two numbers of 17 digits: a tie goes to the even digit.
        (4_938_271_560_493_825.0 / 4.0, "1234567890123456.2"),
        (4_938_271_560_493_827.0 / 4.0, "1234567890123456.8"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
        (-f64::NAN, "nan"),
    ] {
        assert_eq!(format_double(number), text, "{number:e}");
    }
}

#[test]
fn a_score_is_a_number_that_can_be_told_from_zero() {
    for (text, number) in [
        ("0", 0.0),
        ("-0.0", 0.0),
        ("1.5", 1.5),
        ("+5", 5.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("0x10", 16.0),
        ("-0x.8p1", -1.0),
        ("1e308", 1e308),
        ("1e-310", 1e-310),
        ("0x1p-1074", 5e-324),
        ("0e-999", 0.0),
        ("inf", f64::INFINITY),
        ("-Infinity", f64::NEG_INFINITY),
    ] {
        assert_eq!(parse_score(text.as_bytes()), Some(number), "{text}");
    }
    for text in [
        "",
        " 1",
        "\t1",
        "1 ",
        "x",
        "nan",
        "1e400",
        "-1e400",
        "1e-400",
        "0x1p-1076",
        "0x1p1024",
        "1\0",
    ] {
        assert_eq!(parse_score(text.as_bytes()), None, "{text:?}");
    }
}

#[test]
fn a_bound_is_what_strtod_makes_of_it() {
    for (text, number) in [
        ("", 0.0),
        (" 1", 1.0),
        ("1e400", f64::INFINITY),
        ("-1e400", f64::NEG_INFINITY),
        ("1e-400", 0.0),
        ("0x1p1024", f64::INFINITY),
        ("7\0x", 7.0),
        ("\0", 0.0),
    ] {
        assert_eq!(parse_bound(text.as_bytes()), Some(number), "{text:?}");
    }
    for text in ["x", "1 ", " ", "nan", "1x\0"] {
        assert_eq!(parse_bound(text.as_bytes()), None, "{text:?}");
    }
}

proptest! {
    #[test]
    fn a_printed_double_reads_back_as_itself(number in proptest::num::f64::NORMAL) {
        prop_assert_eq!(parse_double(format_double(number).as_bytes()), Some(number));
    }
    #[test]
    fn whole_numbers_are_all_digits(number in -(1_i64 << 54)..1 << 54, digits in 0..18_u32) {
        let number = number / 10_i64.pow(digits);
        // What a double does not have between two of its numbers is rounded.
        let text = (number as f64 as i64).to_string();
        prop_assert_eq!(format_double(number as f64), &*text);
        prop_assert_eq!(parse_double(number.to_string().as_bytes()), Some(number as f64));
        prop_assert_eq!(parse_score(format!("{number:+020}").as_bytes()), Some(number as f64));
    }
}

#[test]
fn minus_zero_keeps_its_sign() {
    for text in ["-0", "-00", "-0.0"] {
        let number = parse_score(text.as_bytes()).expect("a number");
        assert!(number == 0.0 && number.is_sign_negative(), "{text}");
    }
}
