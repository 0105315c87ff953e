//! The positions of a request's keys.
//!
//! Layer `catalog`. It may use `resp`.
//!
//! A command's key specifications describe them: to clients, which read them in COMMAND INFO, and
//! to COMMAND GETKEYS. They cannot describe how the options of SET, SORT, BITFIELD and GEORADIUS
//! affect keys. As in Redis, those commands have a [`Finder`](super::finder::Finder).
//!
//! Invariant: a specification finds only keys within the request, whatever numbers the request
//! contains.

use crate::resp::request::parse_integer;

/// What a command does with a key: `RO`, `access`, …; `not_key` if it is not a key.
pub(crate) type KeyFlags = &'static [&'static str];

/// A key in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundKey {
    /// The index of the argument.
    pub position: usize,
    /// What the command does with it.
    pub flags: KeyFlags,
}

/// A key specification: where it begins, and which keys follow from there.
#[derive(Debug)]
pub(crate) struct KeySpec {
    /// What the command does with the keys.
    pub flags: KeyFlags,
    /// Where it begins.
    pub begin: Begin,
    /// Which keys follow from there.
    pub find: Find,
    /// A note for readers.
    pub notes: Option<&'static str>,
}

/// Where a key specification begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Begin {
    /// At the argument with this index.
    Index(i64),
    /// After the first of these keywords, in any letter case (`STREAMS`, `STORE`). A request
    /// without it does not match, so a command for which the keyword is optional needs a
    /// [`Finder`](super::finder::Finder).
    Keyword {
        /// The keyword in upper case, as COMMAND INFO shows it.
        keyword: &'static str,
        /// The index of the first argument that may be the keyword. A negative index counts from
        /// the end, and the search then goes backwards.
        start_from: i64,
    },
    /// Cannot be described.
    Unknown,
}

/// Which keys follow from the beginning of a key specification.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Find {
    /// A range of arguments.
    Range {
        /// The last key, relative to the first. A negative number counts from the end; -1 is the
        /// last argument.
        last: i64,
        /// The distance between keys.
        step: i64,
        /// If `last` is negative: which part of the rest is keys (2 is the first half, 0 and 1 are
        /// all).
        limit: i64,
    },
    /// As many keys as an argument says. Positions are relative to the beginning.
    KeyNum {
        /// The position of the argument with the number.
        count: i64,
        /// The position of the first key.
        first: i64,
        /// The distance between keys.
        step: i64,
    },
    /// Cannot be described.
    Unknown,
}

/// The positions of keys, in the form that clients older than key specifications read in COMMAND
/// INFO. All 0 if there are no keys, or if a range cannot describe them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LegacyRange {
    /// The index of the first key.
    pub first: i64,
    /// The index of the last key. A negative number counts from the end; -1 is the last argument.
    pub last: i64,
    /// The distance between keys.
    pub step: i64,
    /// Whether these are all keys. If not, the command has the flag `movablekeys`.
    pub is_all: bool,
}

impl LegacyRange {
    /// The range of key specifications. A single range is used as it is. Of several specifications,
    /// the range includes those that continue it: each must be a range of step 1 that begins
    /// directly after the one before.
    pub(crate) fn of(specs: &[KeySpec]) -> LegacyRange {
        let mut range = LegacyRange {
            first: 0,
            last: 0,
            step: 0,
            is_all: true,
        };
        for spec in specs {
            let place = spec.range_from_index().filter(|&(first, _, step)| {
                let continues = range.step == 0 || range.last == first - 1;
                specs.len() == 1 || (step == 1 && continues)
            });
            let Some((first, last, step)) = place else {
                range.is_all = false;
                continue;
            };
            if range.step == 0 {
                (range.first, range.step) = (first, step);
            }
            range.last = last;
            range.is_all &= !spec.flags.contains(&"incomplete");
        }
        range
    }
}

impl KeySpec {
    /// The key at `index`.
    pub(crate) const fn at(index: i64, flags: KeyFlags) -> KeySpec {
        KeySpec::range(index, 0, 1, flags)
    }

    /// All arguments from `index` to the end.
    pub(crate) const fn from(index: i64, flags: KeyFlags) -> KeySpec {
        KeySpec::range(index, -1, 1, flags)
    }

    /// Keys from `index` on; see [`Find::Range`].
    pub(crate) const fn range(index: i64, last: i64, step: i64, flags: KeyFlags) -> KeySpec {
        let limit = 0;
        let find = Find::Range { last, step, limit };
        KeySpec::new(Begin::Index(index), find, flags)
    }

    /// The number of keys at `index`, and the keys after it.
    pub(crate) const fn counted(index: i64, flags: KeyFlags) -> KeySpec {
        let find = Find::KeyNum {
            count: 0,
            first: 1,
            step: 1,
        };
        KeySpec::new(Begin::Index(index), find, flags)
    }

    /// Keys after a keyword; see [`Begin::Keyword`] and [`Find`].
    pub(crate) const fn behind(
        keyword: &'static str,
        start_from: i64,
        find: Find,
        flags: KeyFlags,
    ) -> KeySpec {
        let begin = Begin::Keyword {
            keyword,
            start_from,
        };
        KeySpec::new(begin, find, flags)
    }

    /// Keys that no specification describes. COMMAND GETKEYS leaves them out, unless the command
    /// has a [`Finder`](super::finder::Finder).
    pub(crate) const fn unknown(flags: KeyFlags) -> KeySpec {
        KeySpec::new(Begin::Unknown, Find::Unknown, flags)
    }

    const fn new(begin: Begin, find: Find, flags: KeyFlags) -> KeySpec {
        KeySpec {
            flags,
            begin,
            find,
            notes: None,
        }
    }

    /// Sets [`notes`](Self::notes).
    pub(crate) const fn notes(mut self, notes: &'static str) -> KeySpec {
        self.notes = Some(notes);
        self
    }

    /// First, last and step, if it is a range from a fixed index.
    fn range_from_index(&self) -> Option<(i64, i64, i64)> {
        match (self.begin, self.find) {
            (Begin::Index(first), Find::Range { last, step, .. }) => {
                Some((first, if last < 0 { last } else { first + last }, step))
            }
            _ => None,
        }
    }

    /// Whether it finds keys, and not channels.
    pub(crate) fn is_key(&self) -> bool {
        !self.flags.contains(&"not_key")
    }

    /// The keys of a request; `None` if the request does not match the specification.
    pub(crate) fn keys_in(&self, request: &[&[u8]]) -> Option<Vec<FoundKey>> {
        let args = i64::try_from(request.len()).ok()?;
        let begin = match self.begin {
            Begin::Index(begin) => begin,
            Begin::Keyword {
                keyword,
                start_from,
            } => behind(keyword, start_from, request)?,
            Begin::Unknown => return Some(Vec::new()),
        };
        let (first, last, step, flags) = match self.find {
            Find::Range { last, step, limit } => {
                let last = match last {
                    from_first @ 0.. => begin + from_first,
                    from_end if limit == 0 => args + from_end,
                    from_end => begin + (args - begin) / limit + from_end,
                };
                (begin, last, step, self.flags)
            }
            Find::KeyNum { count, first, step } => {
                let arg = request.get(usize::try_from(begin + count).ok()?)?;
                let (count, flags) = self.count(arg);
                let first = begin + first;
                (first, first + i64::from(count) - 1, step, flags)
            }
            Find::Unknown => return Some(Vec::new()),
        };
        if last < first || last >= args {
            return None;
        }
        let range = usize::try_from(first).ok()?..=usize::try_from(last).ok()?;
        let step = usize::try_from(step).ok().filter(|&step| step > 0)?;
        let found = |position| FoundKey { position, flags };
        Some(range.step_by(step).map(found).collect())
    }

    /// The number of keys that an argument gives, and their flags. If it is not a strict integer
    /// (`2x`, `+2`), Redis falls back to older code of the command, which uses `atoi` and knows no
    /// flags. Both count in 32 bits.
    fn count(&self, arg: &[u8]) -> (i32, KeyFlags) {
        match parse_integer(arg) {
            Some(count @ 0..) => (count as i32, self.flags),
            _ => (leading_integer(arg) as i32, &[]),
        }
    }
}

/// The index after a keyword; see [`Begin::Keyword`]. The command's name is never the keyword.
fn behind(keyword: &str, start_from: i64, request: &[&[u8]]) -> Option<i64> {
    let is_keyword = |&index: &usize| request[index].eq_ignore_ascii_case(keyword.as_bytes());
    let index = match usize::try_from(start_from) {
        Ok(start) => (start.max(1)..request.len()).find(is_keyword),
        Err(_) => {
            let from_end = usize::try_from(start_from.unsigned_abs()).ok()?;
            let start = request.len().checked_sub(from_end)?;
            (1..=start).rev().find(is_keyword)
        }
    };
    i64::try_from(index? + 1).ok()
}

/// C's `strtol`: blanks, a sign and any number of digits. A number that does not fit becomes the
/// nearest one that does.
fn leading_integer(text: &[u8]) -> i64 {
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'\x0b';
    let start = text.iter().take_while(|byte| is_blank(byte)).count();
    let (sign, digits) = match &text[start..] {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0_i64, |number, digit| {
        let digit = sign * i64::from(digit - b'0');
        number.saturating_mul(10).saturating_add(digit)
    })
}

#[cfg(test)]
mod tests;
