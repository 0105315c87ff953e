//! Where a request's keys stand.
//!
//! A command's key specifications say it: to clients, which read them in COMMAND INFO, and to
//! COMMAND GETKEYS, which follows them. What the arguments of SET, SORT, BITFIELD and GEORADIUS make
//! of their keys is more than specifications can say; those commands have a [`Finder`] of their own,
//! as in Redis.
//!
//! A specification finds keys only within the request, whatever numbers the request gives.

use crate::resp::request::parse_integer;

/// What a command does with a key: `RO`, `access`, …; `not_key`: it is none.
pub(crate) type KeyFlags = &'static [&'static str];

/// A command's own way to find its keys, in a request that satisfies the command's arity.
pub(crate) type Finder = fn(&[&[u8]]) -> Vec<FoundKey>;

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
    /// it does not fit, so a command that does not require the keyword needs a [`Finder`].
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
    /// [`Finder`].
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

/// SET's key, which is also read if GET is among the options.
pub(crate) fn of_set(request: &[&[u8]]) -> Vec<FoundKey> {
    let options = request.get(3..).unwrap_or_default();
    let gets = options.iter().any(|word| word.eq_ignore_ascii_case(b"get"));
    let flags: KeyFlags = if gets {
        &["RW", "access", "update"]
    } else {
        &["OW", "update"]
    };
    vec![FoundKey { position: 1, flags }]
}

/// SORT's key, and the last STORE's. BY and GET make keys of their patterns while the command runs;
/// those are left out.
pub(crate) fn of_sort(request: &[&[u8]]) -> Vec<FoundKey> {
    let mut keys = vec![FoundKey {
        position: 1,
        flags: &["RO", "access"],
    }];
    let mut position = 2;
    while let Some(word) = request.get(position) {
        let word = word.to_ascii_lowercase();
        position += match word.as_slice() {
            b"limit" => 3,
            b"get" | b"by" => 2,
            b"store" if position + 1 < request.len() => {
                keys.truncate(1);
                keys.push(FoundKey {
                    position: position + 1,
                    flags: &["OW", "update"],
                });
                1
            }
            _ => 1,
        };
    }
    keys
}

/// BITFIELD's key, which is only read if all the subcommands are GET. Where the syntax is wrong, Redis
/// takes it for written.
pub(crate) fn of_bitfield(request: &[&[u8]]) -> Vec<FoundKey> {
    const WRITTEN: KeyFlags = &["RW", "access", "update"];
    let mut flags: KeyFlags = &["RO", "access"];
    let mut rest = request.get(2..).unwrap_or_default();
    while let [name, operands @ ..] = rest {
        let taken = match name.to_ascii_lowercase().as_slice() {
            b"get" => 2,
            b"overflow" => 1,
            _ => operands.len() + 1,
        };
        let Some(after) = operands.get(taken..) else {
            flags = WRITTEN;
            break;
        };
        rest = after;
    }
    vec![FoundKey { position: 1, flags }]
}

/// GEORADIUS's key, and those behind STORE and STOREDIST.
pub(crate) fn of_georadius(request: &[&[u8]]) -> Vec<FoundKey> {
    of_radius_search(request, 6)
}

/// GEORADIUSBYMEMBER's key, and those behind STORE and STOREDIST.
pub(crate) fn of_georadiusbymember(request: &[&[u8]]) -> Vec<FoundKey> {
    of_radius_search(request, 5)
}

/// The places are stored in the last key of STORE and STOREDIST. All of them are told, as the commands
/// take them: a word that belongs to another option is no keyword.
fn of_radius_search(request: &[&[u8]], options: usize) -> Vec<FoundKey> {
    let mut keys = vec![FoundKey {
        position: 1,
        flags: &["RO", "access"],
    }];
    let mut position = options;
    while let Some(word) = request.get(position) {
        position += match word.to_ascii_lowercase().as_slice() {
            b"count" => 2,
            b"store" | b"storedist" if position + 1 < request.len() => {
                keys.push(FoundKey {
                    position: position + 1,
                    flags: &["OW", "update"],
                });
                2
            }
            _ => 1,
        };
    }
    keys
}

#[cfg(test)]
mod tests {
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
        // A destination, and a number of sources behind it.
        let store = [KeySpec::at(1, &[]), KeySpec::counted(2, &[])];
        assert_eq!(legacy(&store), (1, 1, 1, false));
    }

    /// The places of the keys that a specification finds.
    fn places(spec: &KeySpec, request: &str) -> Option<Vec<usize>> {
        let words: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
        let keys = spec.keys_in(&words)?;
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
        assert_eq!(places(&store, "g k 1 2 3 km STORE d"), Some(vec![7]));
        assert_eq!(places(&store, "g k 1 2 3 km asc store d x"), Some(vec![8]));
        // The first of them counts, from where one may stand.
        assert_eq!(places(&store, "g k 1 2 3 km STORE STORE d"), Some(vec![7]));
        assert_eq!(places(&store, "g k store 2 3 km"), None);
        assert_eq!(
            places(&store, "g k store 2 3 km asc store d"),
            Some(vec![8])
        );
        // Nothing behind it, no keyword, a request that ends before.
        assert_eq!(places(&store, "g k 1 2 3 km STORE"), None);
        assert_eq!(places(&store, "g k 1 2 3 km STORED d"), None);
        assert_eq!(places(&store, "g k"), None);
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
        assert_eq!(places(&streams, "xread streams a b 0 0"), Some(vec![2, 3]));
        assert_eq!(places(&streams, "xread COUNT 2 STREAMS a 0"), Some(vec![4]));
        assert_eq!(places(&streams, "xread streams"), None);
        // The command's name is no keyword.
        assert_eq!(places(&streams, "streams a 0"), None);
    }

    #[test]
    fn a_keyword_is_looked_for_backwards() {
        let rest = Find::Range {
            last: -1,
            step: 1,
            limit: 0,
        };
        let keys = KeySpec::behind("KEYS", -2, rest, &["RW"]);
        assert_eq!(places(&keys, "m h 1 KEYS a"), Some(vec![4]));
        assert_eq!(places(&keys, "m h 1 KEYS a b"), Some(vec![4, 5]));
        assert_eq!(places(&keys, "m keys a KEYS b"), Some(vec![4]));
        assert_eq!(places(&keys, "m a KEYS"), None);
        assert_eq!(places(&keys, "keys"), None);
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
        // 32 bits of 4,294,967,298 are 2.
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
}
