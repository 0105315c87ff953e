//! The kinds of values: one small type for each, which parses a value into a field of [`Config`]
//! and prints the field. Rules, ranges and error texts are Redis's.
//!
//! Layer `config`. It uses no other layer.
//!
//! A value arrives as a list of words. The file and the command line have already split it into
//! words. An environment variable and CONFIG SET give it as one word, which kinds that accept
//! several words split at spaces, as Redis does. A refused value leaves the field unchanged.
//!
//! [`Config`]: super::Config

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::values::{
    ClientMemory, EventClasses, OptionalPort, OutputLimits, Password, Percentiles, TlsProtocol,
    TlsProtocols,
};

/// Why a value was refused. The texts are Redis's where Redis has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The value has no word, or more words than the setting accepts.
    #[error("wrong number of arguments")]
    WordCount,
    /// The value is not a decimal integer.
    #[error("argument couldn't be parsed into an integer")]
    Integer,
    /// The value is not an octal number.
    #[error("argument couldn't be parsed as an octal number")]
    Octal,
    /// The value is not a number with an optional unit: b, k, kb, m, mb, g, gb.
    #[error("argument must be a memory value")]
    Memory,
    /// The number is out of range.
    #[error("argument must be between {0} and {1} inclusive")]
    Range(i64, i64),
    /// The octal number is out of range.
    #[error("argument must be between {0:o} and {1:o} inclusive")]
    OctalRange(u32, u32),
    /// The value is neither a number of bytes nor a percentage.
    #[error("argument must be a memory or percent value")]
    MemoryOrPercent,
    /// The percentage is too large.
    #[error("percentage argument must be less or equal to {0}")]
    Percent(i64),
    /// The system does not allow enough open files for so many clients.
    #[error(
        "The operating system is not able to handle the specified number of clients, try with {0}"
    )]
    TooManyClients(u32),
    /// The value is neither yes nor no.
    #[error("argument must be 'yes' or 'no'")]
    YesNo,
    /// The value is not one of the setting's choices.
    #[error("argument(s) must be one of the following: {0}")]
    Choice(String),
    /// The text is not UTF-8.
    #[error("argument must be UTF-8 text")]
    Utf8,
    /// There are more addresses than Redis allows.
    #[error("Too many bind addresses specified.")]
    TooManyAddresses,
    /// The words of the output limits do not come in groups of four.
    #[error("Wrong number of arguments in buffer limit configuration.")]
    LimitWords,
    /// There is no such class of clients.
    #[error("Invalid client class specified in buffer limit configuration.")]
    LimitClass,
    /// An output limit is not a number.
    #[error("Error in hard, soft or soft_seconds setting in buffer limit configuration.")]
    LimitNumber,
    /// A percentile is not a number.
    #[error("Invalid latency-tracking-info-percentiles parameters")]
    Percentile,
    /// A percentile is out of range.
    #[error("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")]
    PercentileRange,
    /// A letter is not a class of keyspace notifications.
    #[error("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")]
    EventClass,
    /// A version of TLS is not supported.
    #[error("Invalid tls-protocols specified. Use a combination of 'TLSv1.2' and 'TLSv1.3'.")]
    TlsProtocol,
    /// TLS cannot use the files. As in Redis, only the log says why.
    #[error("Unable to update TLS configuration. Check server logs.")]
    Tls,
    /// The value is not the URL of an upstream. It is not quoted, as it may contain a password.
    #[error(
        "argument must be redis://[user:password@]host[:port], rediss:// for TLS, or \
         redis+unix://[user:password@]/path: {0}"
    )]
    UpstreamUrl(&'static str),
    /// The setting has only one possible value in fanfare. The text says why.
    #[error("{0}")]
    Fixed(&'static str),
    /// The setting cannot be changed by CONFIG SET.
    #[error("can't set immutable config")]
    Immutable,
    /// CONFIG SET was given the setting twice.
    #[error("duplicate parameter")]
    Duplicate,
}

/// A kind of value that is stored in a field of type `T`.
pub(super) trait ValueKind<T> {
    /// Parses the words, validates the value and stores it.
    fn set(&self, field: &mut T, words: &[&[u8]]) -> Result<(), Refusal>;
    /// The value as CONFIG GET prints it. [`set`](ValueKind::set) accepts it again.
    fn get(&self, field: &T) -> Vec<u8>;
}

/// A decimal integer: no `+`, no spaces, no leading zeros.
pub(super) struct Number(pub RangeInclusive<i64>);

impl<T: Whole> ValueKind<T> for Number {
    fn set(&self, field: &mut T, words: &[&[u8]]) -> Result<(), Refusal> {
        let text = str::from_utf8(single_word(words)?).map_err(|_| Refusal::Integer)?;
        let number: i64 = text.parse().map_err(|_| Refusal::Integer)?;
        if number.to_string() != text {
            return Err(Refusal::Integer);
        }
        store(field, number, &self.0)
    }

    fn get(&self, field: &T) -> Vec<u8> {
        field.to_i64().to_string().into()
    }
}

/// A number of bytes with an optional unit: `1k` is 1000 and `1kb` is 1024; m, mb, g, gb likewise.
pub(super) struct Memory(pub RangeInclusive<i64>);

impl<T: Whole> ValueKind<T> for Memory {
    fn set(&self, field: &mut T, words: &[&[u8]]) -> Result<(), Refusal> {
        let bytes = memory(single_word(words)?).ok_or(Refusal::Memory)?;
        store(field, i64::try_from(bytes).unwrap_or(-1), &self.0)
    }

    fn get(&self, field: &T) -> Vec<u8> {
        field.to_i64().to_string().into()
    }
}

/// A number of bytes, or a percentage of `maxmemory` (`5%`).
pub(super) struct MemoryOrPercent;

impl ValueKind<ClientMemory> for MemoryOrPercent {
    fn set(&self, field: &mut ClientMemory, words: &[&[u8]]) -> Result<(), Refusal> {
        let word = single_word(words)?;
        let Some(percent) = word.strip_suffix(b"%") else {
            let bytes = memory(word).ok_or(Refusal::MemoryOrPercent)?;
            let mut number = 0_u64;
            store(
                &mut number,
                i64::try_from(bytes).unwrap_or(-1),
                &(0..=i64::MAX),
            )?;
            *field = ClientMemory::Bytes(number);
            return Ok(());
        };
        let mut number = 0_u32;
        Number(0..=i64::MAX)
            .set(&mut number, &[percent])
            .map_err(|_| Refusal::MemoryOrPercent)?;
        *field = match number {
            0 => ClientMemory::Bytes(0),
            1..=100 => ClientMemory::Percent(number),
            _ => return Err(Refusal::Percent(100)),
        };
        Ok(())
    }

    fn get(&self, field: &ClientMemory) -> Vec<u8> {
        match field {
            ClientMemory::Bytes(bytes) => bytes.to_string(),
            ClientMemory::Percent(percent) => format!("{percent}%"),
        }
        .into()
    }
}

/// File permissions in octal.
pub(super) struct Octal(pub RangeInclusive<u32>);

impl ValueKind<u32> for Octal {
    fn set(&self, field: &mut u32, words: &[&[u8]]) -> Result<(), Refusal> {
        let text = str::from_utf8(single_word(words)?).map_err(|_| Refusal::Octal)?;
        let number = i64::from_str_radix(text, 8).map_err(|_| Refusal::Octal)?;
        match u32::try_from(number) {
            Ok(number) if self.0.contains(&number) => *field = number,
            _ => return Err(Refusal::OctalRange(*self.0.start(), *self.0.end())),
        }
        Ok(())
    }

    fn get(&self, field: &u32) -> Vec<u8> {
        format!("{field:o}").into()
    }
}

/// One of several names, in any letter case.
pub(super) struct Choice<T: 'static>(pub &'static [(&'static str, T)]);

impl<T: Copy + PartialEq> ValueKind<T> for Choice<T> {
    fn set(&self, field: &mut T, words: &[&[u8]]) -> Result<(), Refusal> {
        let word = single_word(words)?;
        let found = self
            .0
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        let (_, value) = found.ok_or_else(|| {
            let names: Vec<&str> = self.0.iter().map(|(name, _)| *name).collect();
            Refusal::Choice(names.join(", "))
        })?;
        *field = *value;
        Ok(())
    }

    fn get(&self, field: &T) -> Vec<u8> {
        let name = self.0.iter().find(|(_, value)| value == field);
        name.map_or_else(Vec::new, |(name, _)| (*name).into())
    }
}

/// `yes` or `no`, in any letter case.
pub(super) struct YesNo;

impl ValueKind<bool> for YesNo {
    fn set(&self, field: &mut bool, words: &[&[u8]]) -> Result<(), Refusal> {
        let names = Choice(&[("yes", true), ("no", false)]);
        names.set(field, words).map_err(|refusal| match refusal {
            Refusal::Choice(_) => Refusal::YesNo,
            other => other,
        })
    }

    fn get(&self, field: &bool) -> Vec<u8> {
        if *field { "yes" } else { "no" }.into()
    }
}

/// A password: any bytes.
pub(super) struct Secret;

impl ValueKind<Password> for Secret {
    fn set(&self, field: &mut Password, words: &[&[u8]]) -> Result<(), Refusal> {
        field.0 = single_word(words)?.to_vec();
        Ok(())
    }

    fn get(&self, field: &Password) -> Vec<u8> {
        field.0.clone()
    }
}

/// A path; empty means none.
pub(super) struct Path;

impl ValueKind<Option<PathBuf>> for Path {
    fn set(&self, field: &mut Option<PathBuf>, words: &[&[u8]]) -> Result<(), Refusal> {
        let text = text(words)?;
        *field = (!text.is_empty()).then(|| PathBuf::from(text));
        Ok(())
    }

    fn get(&self, field: &Option<PathBuf>) -> Vec<u8> {
        field
            .as_ref()
            .map_or_else(Vec::new, |path| path.to_string_lossy().as_bytes().to_vec())
    }
}

/// A port that is off by default: `0` (none), `auto`, or a number.
pub(super) struct ExtraPort;

impl ValueKind<OptionalPort> for ExtraPort {
    fn set(&self, field: &mut OptionalPort, words: &[&[u8]]) -> Result<(), Refusal> {
        if single_word(words)?.eq_ignore_ascii_case(b"auto") {
            *field = OptionalPort::Auto;
            return Ok(());
        }
        let mut port = 0_u16;
        Number(0..=65535).set(&mut port, words)?;
        *field = match port {
            0 => OptionalPort::Off,
            port => OptionalPort::Number(port),
        };
        Ok(())
    }

    fn get(&self, field: &OptionalPort) -> Vec<u8> {
        match field {
            OptionalPort::Off => "0".into(),
            OptionalPort::Auto => "auto".into(),
            OptionalPort::Number(port) => port.to_string().into(),
        }
    }
}

/// Versions of TLS, in any letter case. An empty list means all.
pub(super) struct Protocols;

impl ValueKind<TlsProtocols> for Protocols {
    fn set(&self, field: &mut TlsProtocols, words: &[&[u8]]) -> Result<(), Refusal> {
        let find = |word: &[u8]| {
            let names = TlsProtocol::NAMES.iter();
            let is = |known: &&(&str, _)| word.eq_ignore_ascii_case(known.0.as_bytes());
            names.clone().find(is).map(|(_, protocol)| *protocol)
        };
        let named: Option<Vec<TlsProtocol>> = word_list(words)?.into_iter().map(find).collect();
        *field = TlsProtocols(named.ok_or(Refusal::TlsProtocol)?);
        Ok(())
    }

    fn get(&self, field: &TlsProtocols) -> Vec<u8> {
        let name = |protocol: &TlsProtocol| protocol.name();
        let names: Vec<&str> = field.0.iter().map(name).collect();
        names.join(" ").into()
    }
}

/// Names, without a space in any.
pub(super) struct Names;

impl ValueKind<Vec<String>> for Names {
    fn set(&self, field: &mut Vec<String>, words: &[&[u8]]) -> Result<(), Refusal> {
        let words = word_list(words)?;
        // CONFIG GET could not show one with a space.
        let words = words
            .iter()
            .flat_map(|word| word.split(|byte| *byte == b' '));
        *field = words
            .map(|word| Ok(text(&[word])?.to_owned()))
            .collect::<Result<_, _>>()?;
        Ok(())
    }

    fn get(&self, field: &Vec<String>) -> Vec<u8> {
        field.join(" ").into()
    }
}

/// Addresses to listen on, at most 16. The listener interprets them.
pub(super) struct Addresses;

impl ValueKind<Vec<String>> for Addresses {
    fn set(&self, field: &mut Vec<String>, words: &[&[u8]]) -> Result<(), Refusal> {
        let mut addresses = Vec::new();
        Names.set(&mut addresses, words)?;
        if addresses.len() > 16 {
            return Err(Refusal::TooManyAddresses);
        }
        *field = addresses;
        Ok(())
    }

    fn get(&self, field: &Vec<String>) -> Vec<u8> {
        Names.get(field)
    }
}

/// Output limits: `<class> <hard> <soft> <seconds>`, repeated. A class that is not named keeps its
/// limit.
pub(super) struct Limits;

impl ValueKind<OutputLimits> for Limits {
    fn set(&self, field: &mut OutputLimits, words: &[&[u8]]) -> Result<(), Refusal> {
        let words = word_list(words)?;
        let mut limits = *field;
        if words.len() % 4 != 0 {
            return Err(Refusal::LimitWords);
        }
        for four in words.chunks_exact(4) {
            let limit = match four[0].to_ascii_lowercase().as_slice() {
                b"normal" => &mut limits.normal,
                b"replica" | b"slave" => &mut limits.replica,
                b"pubsub" => &mut limits.pubsub,
                _ => return Err(Refusal::LimitClass),
            };
            limit.hard = memory(four[1]).ok_or(Refusal::LimitNumber)?;
            limit.soft = memory(four[2]).ok_or(Refusal::LimitNumber)?;
            // Redis stores an `int`. It accepts larger numbers and truncates them.
            limit.soft_seconds = match digits(four[3]) {
                (seconds, []) if seconds <= i32::MAX as u64 => seconds,
                _ => return Err(Refusal::LimitNumber),
            };
        }
        *field = limits;
        Ok(())
    }

    fn get(&self, field: &OutputLimits) -> Vec<u8> {
        // Redis accepts both names of this class and prints the older one, `slave`.
        let classes = [
            ("normal", field.normal),
            ("slave", field.replica),
            ("pubsub", field.pubsub),
        ];
        let print = classes.map(|(class, limit)| {
            format!(
                "{class} {} {} {}",
                limit.hard, limit.soft, limit.soft_seconds
            )
        });
        print.join(" ").into()
    }
}

/// Classes of keyspace notifications, one letter each.
pub(super) struct Events;

impl ValueKind<EventClasses> for Events {
    fn set(&self, field: &mut EventClasses, words: &[&[u8]]) -> Result<(), Refusal> {
        *field = EventClasses::parse(single_word(words)?).ok_or(Refusal::EventClass)?;
        Ok(())
    }

    fn get(&self, field: &EventClasses) -> Vec<u8> {
        field.letters()
    }
}

/// Percentiles, in the order given. An empty list means none.
pub(super) struct PercentileList;

impl ValueKind<Percentiles> for PercentileList {
    fn set(&self, field: &mut Percentiles, words: &[&[u8]]) -> Result<(), Refusal> {
        let percentile = |word: &&[u8]| {
            let text = str::from_utf8(word).map_err(|_| Refusal::Percentile)?;
            let number: f64 = text.parse().map_err(|_| Refusal::Percentile)?;
            match number {
                number if number.is_nan() => Err(Refusal::Percentile),
                0.0..=100.0 => Ok(number),
                _ => Err(Refusal::PercentileRange),
            }
        };
        let words = word_list(words)?;
        field.0 = words.iter().map(percentile).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn get(&self, field: &Percentiles) -> Vec<u8> {
        let words: Vec<String> = field.0.iter().map(f64::to_string).collect();
        words.join(" ").into()
    }
}

/// Accepts the only `value` that a setting can have, and refuses any other with `reason`.
pub(super) fn fixed(words: &[&[u8]], value: &str, reason: &'static str) -> Result<(), Refusal> {
    let mut enabled = false;
    let same = if value == "no" {
        YesNo.set(&mut enabled, words)?;
        !enabled
    } else {
        word_list(words)?.join(&b' ') == value.as_bytes()
    };
    if same {
        Ok(())
    } else {
        Err(Refusal::Fixed(reason))
    }
}

/// A field that stores an integer. Only numbers within the setting's range are stored.
pub(super) trait Whole {
    fn from_i64(number: i64) -> Self;
    fn to_i64(&self) -> i64;
}

macro_rules! whole {
    ($($type:ty),+) => {$(
        impl Whole for $type {
            fn from_i64(number: i64) -> Self {
                Self::try_from(number).unwrap_or(Self::MAX)
            }
            fn to_i64(&self) -> i64 {
                i64::try_from(*self).unwrap_or(i64::MAX)
            }
        }
    )+};
}
whole!(u16, u32, u64, usize, i32, i64);

/// A number of seconds.
impl Whole for Duration {
    fn from_i64(number: i64) -> Self {
        Duration::from_secs(u64::from_i64(number))
    }
    fn to_i64(&self) -> i64 {
        self.as_secs().to_i64()
    }
}

/// A number of seconds; 0 is `None`.
impl Whole for Option<Duration> {
    fn from_i64(number: i64) -> Self {
        (number != 0).then(|| Duration::from_i64(number))
    }
    fn to_i64(&self) -> i64 {
        self.as_ref().map_or(0, Whole::to_i64)
    }
}

fn store<T: Whole>(field: &mut T, number: i64, range: &RangeInclusive<i64>) -> Result<(), Refusal> {
    if !range.contains(&number) {
        return Err(Refusal::Range(*range.start(), *range.end()));
    }
    *field = T::from_i64(number);
    Ok(())
}

pub(super) fn single_word<'a>(words: &[&'a [u8]]) -> Result<&'a [u8], Refusal> {
    match words {
        [word] => Ok(word),
        _ => Err(Refusal::WordCount),
    }
}

/// The only word, as text.
fn text<'a>(words: &[&'a [u8]]) -> Result<&'a str, Refusal> {
    str::from_utf8(single_word(words)?).map_err(|_| Refusal::Utf8)
}

/// The words of a list. A single word is split at every space, so that two spaces in a row make an
/// empty word, as in Redis.
fn word_list<'a>(words: &[&'a [u8]]) -> Result<Vec<&'a [u8]>, Refusal> {
    match words {
        [] => Err(Refusal::WordCount),
        [b""] => Ok(Vec::new()),
        [word] => Ok(word.split(|byte| *byte == b' ').collect()),
        _ => Ok(words.to_vec()),
    }
}

/// Parses a number of bytes like Redis's `memtoull`: digits (there may be none) and a unit. A
/// number that does not fit becomes the largest one.
fn memory(word: &[u8]) -> Option<u64> {
    let (number, unit) = digits(word);
    let factor = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1000 * 1000,
        b"mb" => 1 << 20,
        b"g" => 1000 * 1000 * 1000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    Some(number.saturating_mul(factor))
}

/// The digits at the start of a word as a saturating number, and the rest of the word.
fn digits(word: &[u8]) -> (u64, &[u8]) {
    let length = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = word.split_at(length);
    let number = digits.iter().fold(0u64, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    });
    (number, rest)
}
