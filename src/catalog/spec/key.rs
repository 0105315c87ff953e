//! Where a request's keys stand.
//!
//! A command's key specifications say it: to clients, which read them in COMMAND INFO, and to
//! COMMAND GETKEYS, which follows them. What the arguments of SET, SORT, BITFIELD and GEORADIUS make
//! of their keys is more than specifications can say; those commands have a [`Finder`](super::finder::Finder) of their own,
//! as in Redis.
//!
//! A specification finds keys only within the request, whatever numbers the request gives.

use crate::resp::request::parse_integer;

/// What a command does with a key: `RO`, `access`, …; `not_key`: it is none.
pub(crate) type KeyFlags = &'static [&'static str];

/// A key in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundKey {
    /// Its index among the request's words.
    pub position: usize,
    /// What the command does with it.
    pub flags: KeyFlags,
}

/// A key specification: where to begin, and which keys stand from there.
#[derive(Debug)]
pub(crate) struct KeySpec {
    /// What the command does with the keys.
    pub flags: KeyFlags,
    /// Where to begin.
    pub begin: Begin,
    /// Which keys stand from there.
    pub find: Find,
    /// A remark for readers.
    pub notes: Option<&'static str>,
}

/// Where a key specification begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Begin {
    /// At this word.
    Index(i64),
    /// Behind the first of these keywords, in any letter case (`STREAMS`, `STORE`). A request without
    /// it does not fit, so a command that does not require the keyword needs a [`Finder`](super::finder::Finder).
    Keyword {
        /// In upper case, as COMMAND INFO shows it.
        keyword: &'static str,
        /// The first word that may be it; negative counts from the end, and means to look backwards.
        start_from: i64,
    },
    /// Specifications cannot say it.
    Unknown,
}

/// Which keys stand where a key specification begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Find {
    /// A range of words.
    Range {
        /// Last key relative to the first; negative counts from the end, -1 is the last argument.
        last: i64,
        /// Distance between keys.
        step: i64,
        /// With a negative `last`: which part of the rest is keys (2 is half of it, 0 and 1 all).
        limit: i64,
    },
    /// As many keys as an argument says. Positions are relative to the beginning.
    KeyNum {
        /// Of the argument that gives the number.
        count: i64,
        /// Of the first key.
        first: i64,
        /// Distance between keys.
        step: i64,
    },
    /// Specifications cannot say it.
    Unknown,
}

/// Where keys stand, as clients older than key specifications read it in COMMAND INFO. All 0: nowhere,
/// or nowhere that a range can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LegacyRange {
    /// The first key's place.
    pub first: i64,
    /// The last one's; negative counts from the end, -1 is the last argument.
    pub last: i64,
    /// Distance between keys.
    pub step: i64,
    /// Whether these are all keys. If not, a command has the flag `movablekeys`.
    pub is_all: bool,
}

impl LegacyRange {
    /// What specifications come to. A single range is taken as it is. Of several specifications, the
    /// range takes in those that continue it: each a range of step 1 that begins right behind the
    /// one before.
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

    /// Every argument from `index` to the end.
    pub(crate) const fn from(index: i64, flags: KeyFlags) -> KeySpec {
        KeySpec::range(index, -1, 1, flags)
    }

    /// Keys from `index`; see [`Find::Range`].
    pub(crate) const fn range(index: i64, last: i64, step: i64, flags: KeyFlags) -> KeySpec {
        let limit = 0;
        let find = Find::Range { last, step, limit };
        KeySpec::new(Begin::Index(index), find, flags)
    }

    /// The number of keys at `index`, and the keys behind it.
    pub(crate) const fn counted(index: i64, flags: KeyFlags) -> KeySpec {
        let find = Find::KeyNum {
            count: 0,
            first: 1,
            step: 1,
        };
        KeySpec::new(Begin::Index(index), find, flags)
    }

    /// Keys behind a keyword; see [`Begin::Keyword`] and [`Find`].
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

    /// Keys that no specification finds. COMMAND GETKEYS leaves them out, or its command has a
    /// [`Finder`](super::finder::Finder).
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

    /// First, last and step, if it is a range from a fixed place.
    fn range_from_index(&self) -> Option<(i64, i64, i64)> {
        match (self.begin, self.find) {
            (Begin::Index(first), Find::Range { last, step, .. }) => {
                Some((first, if last < 0 { last } else { first + last }, step))
            }
            _ => None,
        }
    }

    /// Whether what it finds are keys.
    pub(crate) fn is_key(&self) -> bool {
        !self.flags.contains(&"not_key")
    }

    /// The keys of a request; `None` if the request does not fit the specification.
    pub(crate) fn keys_in(&self, request: &[&[u8]]) -> Option<Vec<FoundKey>> {
        let words = i64::try_from(request.len()).ok()?;
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
                    from_end if limit == 0 => words + from_end,
                    from_end => begin + (words - begin) / limit + from_end,
                };
                (begin, last, step, self.flags)
            }
            Find::KeyNum { count, first, step } => {
                let word = request.get(usize::try_from(begin + count).ok()?)?;
                let (count, flags) = self.count(word);
                let first = begin + first;
                (first, first + i64::from(count) - 1, step, flags)
            }
            Find::Unknown => return Some(Vec::new()),
        };
        if last < first || last >= words {
            return None;
        }
        let range = usize::try_from(first).ok()?..=usize::try_from(last).ok()?;
        let step = usize::try_from(step).ok().filter(|&step| step > 0)?;
        let found = |position| FoundKey { position, flags };
        Some(range.step_by(step).map(found).collect())
    }

    /// The number of keys that an argument gives, and their flags. Where it is none in the strict
    /// sense (`2x`, `+2`), Redis falls back to the older code of the command, which takes what
    /// `atoi` makes of it and knows no flags. Either way it counts in 32 bits.
    fn count(&self, word: &[u8]) -> (i32, KeyFlags) {
        match parse_integer(word) {
            Some(count @ 0..) => (count as i32, self.flags),
            _ => (leading_integer(word) as i32, &[]),
        }
    }
}

/// The place behind a keyword; see [`Begin::Keyword`]. The command's own name is never it.
fn behind(keyword: &str, start_from: i64, request: &[&[u8]]) -> Option<i64> {
    let is_keyword = |&place: &usize| request[place].eq_ignore_ascii_case(keyword.as_bytes());
    let place = match usize::try_from(start_from) {
        Ok(start) => (start.max(1)..request.len()).find(is_keyword),
        Err(_) => {
            let from_end = usize::try_from(start_from.unsigned_abs()).ok()?;
            let start = request.len().checked_sub(from_end)?;
            (1..=start).rev().find(is_keyword)
        }
    };
    i64::try_from(place? + 1).ok()
}

/// C's `strtol`: blanks, a sign and as many digits as there are; what does not fit is the nearest
/// that does.
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
