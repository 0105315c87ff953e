//! Reads and prints floating-point numbers as Redis does.
//!
//! Layer `resp`, the lowest. It uses no other layer.
//!
//! Redis keeps the numbers of INCRBYFLOAT as `long double`. On x86 that is the 80-bit format of the
//! x87, with 64 bits of significand and 15 bits of exponent. A client can see every bit of it, so
//! [`LongDouble`] implements that format in software: parsing (`strtold`) and addition round
//! correctly, and printing is exact (`%.17Lf`). Timeouts are parsed in the same format. SORT's
//! weights and the scores of sorted sets are 64-bit doubles ([`parse_double`], [`parse_score`],
//! [`parse_bound`]).

use std::fmt::{self, Display, Formatter};
use std::str;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustc_apfloat::ieee::{Double, X87DoubleExtended};
use rustc_apfloat::{Float, Round, Status};

use super::error::CommandError;

/// Redis accepts texts shorter than this, in bytes (`MAX_LONG_DOUBLE_CHARS`).
const TEXT_LIMIT: usize = 5 * 1024;
/// Digits that are printed after the decimal point.
const FRACTION_DIGITS: usize = 17;
/// 10 to the power of [`FRACTION_DIGITS`].
const FRACTION: u128 = 100_000_000_000_000_000;
/// Below this, every whole number is exact in a `double` (2^53).
const EXACT: f64 = 9_007_199_254_740_992.0;
/// The last bit of a significand has the value 2 to the power of (biased exponent - `LAST_BIT`).
const LAST_BIT: i32 = 16383 + 63;

/// An 80-bit floating-point number; never a NaN.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LongDouble(X87DoubleExtended);

impl LongDouble {
    /// Zero.
    pub(crate) const ZERO: LongDouble = LongDouble(X87DoubleExtended::ZERO);

    /// Parses a number as Redis does (`string2ld`): decimal or hexadecimal, with or without a point
    /// and an exponent, or infinity; no blanks. `None`: `text` is not a number, or it is too large,
    /// or so small that it rounds to zero.
    pub(crate) fn parse(text: &[u8]) -> Option<LongDouble> {
        if text.len() >= TEXT_LIMIT {
            return None;
        }
        let (negative, unsigned) = split_sign(text);
        let magnitude = magnitude(unsigned)?;
        Some(LongDouble(if negative { -magnitude } else { magnitude }))
    }

    /// The sum. `None`: it is infinite or not a number.
    pub(crate) fn plus(self, other: LongDouble) -> Option<LongDouble> {
        let sum = (self.0 + other.0).value;
        sum.is_finite().then_some(LongDouble(sum))
    }

    /// Whether it is more, or less, than every number.
    pub(crate) fn is_infinite(self) -> bool {
        self.0.is_infinite()
    }

    /// Converts seconds to milliseconds, rounded up. `None`: the result does not fit in 63 bits.
    fn milliseconds(self) -> Option<i64> {
        let exact = |number| X87DoubleExtended::from_i128(number).value;
        let milliseconds = (self.0 * exact(1000)).value;
        let whole = milliseconds.to_i128_r(64, Round::TowardPositive, &mut true);
        // A number that is too far below zero has become `i64::MIN`.
        (milliseconds <= exact(i64::MAX.into())).then_some(whole.value as i64)
    }
}

/// Prints a finite number as `%.17Lf` does, without trailing zeros.
impl Display for LongDouble {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let bits = self.0.to_bits();
        let significand = bits as u64;
        let exponent = (bits >> 64) as i32 & 0x7fff;
        // A subnormal number has 0 in its exponent field, which means an exponent of 1.
        let shift = exponent.max(1) - LAST_BIT;
        let sign = if self.0.is_negative() { "-" } else { "" };
        if let Ok(shift) = u32::try_from(shift) {
            return write!(f, "{sign}{}", decimal(significand, shift));
        }
        let scaled = shift_right(u128::from(significand) * FRACTION, shift.unsigned_abs());
        let (whole, fraction) = (scaled / FRACTION, scaled % FRACTION);
        match (whole, fraction) {
            // Redis never prints minus zero.
            (0, 0) => f.write_str("0"),
            (whole, 0) => write!(f, "{sign}{whole}"),
            (whole, fraction) => {
                let digits = format!("{fraction:0FRACTION_DIGITS$}");
                write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
            }
        }
    }
}

/// Parses a `double` as Redis does with C's `strtod`, which must consume the whole text. Leading
/// blanks are allowed, and the empty text is 0. `None`: `text` is not a number, or it overflows or
/// underflows.
pub(crate) fn parse_double(text: &[u8]) -> Option<f64> {
    let (number, fits) = strtod(text)?;
    fits.then_some(number)
}

/// A `double` as Redis takes a score (`string2d`): no blanks, and not nothing. It may have lost digits
/// by being small. `None`: it is none, or too large, or too small to be told from zero.
pub(crate) fn parse_score(text: &[u8]) -> Option<f64> {
    if text.first().is_none_or(is_blank) {
        return None;
    }
    let (number, fits) = strtod(text)?;
    (fits || (number.is_finite() && number != 0.0)).then_some(number)
}

/// A `double` as Redis takes an end of a range of scores (`zslParseRange`): what `strtod` makes of the
/// text up to its first NUL, infinity if it is too large, and zero if it is too small.
pub(crate) fn parse_bound(text: &[u8]) -> Option<f64> {
    let end = text.iter().position(|&byte| byte == 0);
    let (number, _) = strtod(&text[..end.unwrap_or(text.len())])?;
    Some(number)
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The `double` that C's `strtod` makes of all of a text, and whether it fits: it is neither too large,
/// which makes it infinite, nor too small for all of its digits. `None`: it is no number.
fn strtod(text: &[u8]) -> Option<(f64, bool)> {
    if text.is_empty() {
        return Some((0.0, true));
    }
    let blanks = text.iter().take_while(|byte| is_blank(byte)).count();
    let (negative, unsigned) = split_sign(&text[blanks..]);
    let (magnitude, fits) = match unsigned {
        digits if let Some(whole) = short_whole(digits) => (whole, true),
        infinity if is_infinity(infinity) => (f64::INFINITY, true),
        [b'0', b'x' | b'X', ..] => {
            let rounded = Double::from_str_r(&hexadecimal(unsigned)?, Round::NearestTiesToEven);
            let rounded = rounded.ok()?;
            let out_of_range = Status::OVERFLOW | Status::UNDERFLOW;
            let number = f64::from_bits(rounded.value.to_bits() as u64);
            (number, !rounded.status.intersects(out_of_range))
        }
        _ => {
            validate_digits(unsigned, u8::is_ascii_digit, b'e')?;
            let number: f64 = str::from_utf8(unsigned).ok()?.parse().ok()?;
            let mut digits = unsigned
                .iter()
                .take_while(|byte| !byte.eq_ignore_ascii_case(&b'e'));
            let fits = if number < f64::MIN_POSITIVE {
                digits.all(|byte| matches!(byte, b'0' | b'.'))
            } else {
                number.is_finite()
            };
            (number, fits)
        }
    };
    Some((if negative { -magnitude } else { magnitude }, fits))
}

/// A number of so few digits, and nothing else, that it is exact. Most scores are.
fn short_whole(text: &[u8]) -> Option<f64> {
    const DIGITS: usize = 15;
    if text.is_empty() || text.len() > DIGITS || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let append = |whole: u64, digit: &u8| whole * 10 + u64::from(digit - b'0');
    Some(text.iter().fold(0, append) as f64)
}

/// Formats a `double` as Redis 7.0 does (C's `%.17g`): 17 significant digits without trailing
/// zeros. So many digits distinguish every number from its neighbours.
pub(crate) fn format_double(number: f64) -> String {
    format_significant(number, 17)
}

/// Formats a `double` with so many significant digits, at least one, and without trailing zeros, as C
/// does (`%.{digits}g`).
pub(crate) fn format_significant(number: f64, digits: u8) -> String {
    let digits = i32::from(digits);
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    // Minus zero has a sign.
    // A whole number of so many digits has them all.
    let most = EXACT.min(10_f64.powi(digits));
    if number.fract() == 0.0 && number.abs() < most && (number != 0.0 || number.is_sign_positive())
    {
        return itoa::Buffer::new().format(number as i64).to_owned();
    }
    let without_zeros = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    // One digit stands before the point, the others after it.
    let text = format!("{number:.*e}", digits as usize - 1);
    let (significand, exponent) = text.split_once('e').expect("`e` has an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is an integer");
    if (-4..digits).contains(&exponent) {
        without_zeros(&format!("{number:.*}", (digits - 1 - exponent) as usize))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        let magnitude = exponent.unsigned_abs();
        format!("{}e{sign}{magnitude:02}", without_zeros(significand))
    }
}

/// Whether `text` begins with a minus, and the text after the sign.
fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    }
}

fn is_infinity(text: &[u8]) -> bool {
    text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity")
}

/// Validates a hexadecimal number that begins with `0x`, and adds an exponent if it has none.
fn hexadecimal(text: &[u8]) -> Option<String> {
    let has_exponent = validate_digits(&text[2..], u8::is_ascii_hexdigit, b'p')?;
    let exponent = if has_exponent { "" } else { "p0" };
    Some(format!("{}{exponent}", str::from_utf8(text).ok()?))
}

/// Parses a number without a sign.
fn magnitude(text: &[u8]) -> Option<X87DoubleExtended> {
    match text {
        infinity if is_infinity(infinity) => Some(X87DoubleExtended::INFINITY),
        [b'0', b'x' | b'X', ..] => round(&hexadecimal(text)?),
        digits => {
            validate_digits(digits, u8::is_ascii_digit, b'e')?;
            round(str::from_utf8(text).ok()?)
        }
    }
}

/// Rounds a well-formed number to the nearest [`X87DoubleExtended`]. `None`: it overflows, or a
/// number other than zero rounds to zero.
fn round(text: &str) -> Option<X87DoubleExtended> {
    let rounded = X87DoubleExtended::from_str_r(text, Round::NearestTiesToEven).ok()?;
    let vanished = rounded.value.is_zero() && rounded.status.contains(Status::INEXACT);
    (rounded.value.is_finite() && !vanished).then_some(rounded.value)
}

/// Validates the digits of a number: at most one point, and an optional decimal exponent after the
/// letter `exponent_mark`. Returns whether there is an exponent. `None`: the text is malformed.
fn validate_digits(text: &[u8], is_digit: fn(&u8) -> bool, exponent_mark: u8) -> Option<bool> {
    let is_mark = |byte: &u8| byte.eq_ignore_ascii_case(&exponent_mark);
    let (digits, exponent) = match text.iter().position(is_mark) {
        Some(place) => (&text[..place], Some(&text[place + 1..])),
        None => (text, None),
    };
    let points = digits.iter().filter(|&&byte| byte == b'.').count();
    let all_digits = digits.iter().all(|byte| *byte == b'.' || is_digit(byte));
    let exponent_is_good = exponent.is_none_or(|exponent| {
        let digits = match exponent {
            [b'-' | b'+', digits @ ..] => digits,
            digits => digits,
        };
        !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
    });
    let good = points <= 1 && digits.len() > points && all_digits && exponent_is_good;
    good.then_some(exponent.is_some())
}

/// Divides `number` by 2 to the power of `bits` and rounds to the nearest integer, ties to even.
fn shift_right(number: u128, bits: u32) -> u128 {
    let Some(whole) = number.checked_shr(bits) else {
        // The product of a 64-bit significand and 10^17 has fewer than 128 bits.
        return 0;
    };
    let rest = number - (whole << bits);
    let half = 1 << (bits - 1);
    let up = rest > half || (rest == half && whole % 2 == 1);
    whole + u128::from(up)
}

/// The decimal digits of `number` times 2 to the power of `shift`.
fn decimal(number: u64, mut shift: u32) -> String {
    const BASE: u128 = 1_000_000_000_000_000_000;
    const STEP: u32 = 60;
    // Groups of 18 decimal digits, the least significant group first.
    let mut groups = vec![u128::from(number) % BASE, u128::from(number) / BASE];
    while shift > 0 {
        let step = shift.min(STEP);
        let mut carry = 0;
        for group in &mut groups {
            let product = (*group << step) + carry;
            (*group, carry) = (product % BASE, product / BASE);
        }
        if carry > 0 {
            groups.push(carry);
        }
        shift -= step;
    }
    let digits: String = groups
        .iter()
        .rev()
        .map(|group| format!("{group:018}"))
        .collect();
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    }
}

/// Parses a command's timeout in seconds (Redis: `getTimeoutFromObjectOrReply`), rounded up to a
/// millisecond. Zero is `None`: the command waits forever. The timeout may be longer than what can
/// be added to an `Instant`.
///
/// # Errors
/// The argument is not a number, or it is negative, or the end does not fit in 63 bits of
/// milliseconds since 1970. (Redis 7.0 calls the last one negative; the text is that of 7.2.)
pub(crate) fn parse_timeout(arg: &[u8]) -> Result<Option<Duration>, CommandError> {
    const OUT_OF_RANGE: CommandError = CommandError::text("ERR timeout is out of range");
    let seconds = LongDouble::parse(arg).ok_or(CommandError::text(
        "ERR timeout is not a float or out of range",
    ))?;
    let milliseconds = seconds.milliseconds().ok_or(OUT_OF_RANGE)?;
    let milliseconds =
        u64::try_from(milliseconds).map_err(|_| CommandError::text("ERR timeout is negative"))?;
    if milliseconds == 0 {
        return Ok(None);
    }
    let timeout = Duration::from_millis(milliseconds);
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let end = since_1970.unwrap_or_default().saturating_add(timeout);
    if end.as_millis() > i64::MAX as u128 {
        return Err(OUT_OF_RANGE);
    }
    Ok(Some(timeout))
}

#[cfg(test)]
mod tests;
