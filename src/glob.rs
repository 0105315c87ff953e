//! Redis's glob language, decided as redis-server 7.0.15 decides it, but for the empty name.
//!
//! Layer `glob`, one of the lowest. It uses no other layer.
//!
//! `PUBSUB CHANNELS <pattern>` and `CONFIG GET <pattern>` use [`matches()`] and
//! [`matches_ignore_case`]. The pattern index of PUBLISH uses [`tokens`], which parses a pattern.
//!
//! # The language
//! - `*`: any bytes, or none; several in a row are equivalent to one.
//! - `?`: any one byte.
//! - `[abc]`: one of these bytes; `[^abc]`: any byte but these. `[]` is no byte, `[^]` any byte.
//! - `[a-z]`: a range; written backwards it is swapped. Its end is never an escape and may be `]`:
//!   `[a-]` is the range `]`..`a`, in a class that is still open.
//! - `[abc`: an unclosed class runs to the pattern's end.
//! - `\x`: the byte x, inside a class too; a backslash that ends the pattern is itself.
//!
//! A star matches the empty name too, alone or several in a row. Redis 7.0 lets nothing but the
//! empty pattern match it; later versions agree with us.
//!
//! Three rules surprise, and clients see them, so they are kept:
//! - C compares the ends of a range as *signed* chars, so bytes from 0x80 on sort below NUL:
//!   `[a-\xff]` is swapped and means 0xff and 0x00..=`a`, not `a`..=0xff.
//! - Without regard to case, a range is swapped *before* its ends are lowered, so `[Z-a]` becomes
//!   `z`..`a`, which is empty, and an escaped byte in a class still has to be exact.
//! - Without regard to case, bytes from 0x80 to 0xfe in a range sort above ASCII after all, because
//!   `tolower` makes them positive; the swap was decided before.
//!
//! # The algorithm
//! Every token but `*` takes exactly one byte. Walk pattern and text together; at a `*`, remember
//! where it stands and let it take nothing; at a mismatch, let the *last* `*` take one byte more
//! and start again behind it. An earlier `*` never needs to move, because whatever it could free
//! the later one can swallow as well. Hence no recursion and no allocation, and at most pattern
//! times text steps.

/// One element of a pattern. All but [`Token::Star`] take exactly one byte of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// This byte.
    Literal(u8),
    /// `?`: any byte.
    Any,
    /// A class: any byte of the set. The set may be empty. It never has exactly one byte or all
    /// bytes, which [`tokens`] returns as `Literal` and `Any`.
    Class(ByteSet),
    /// `*`: any number of bytes.
    Star,
}

/// A set of byte values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// Whether `byte` is in the set.
    #[inline]
    pub fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    /// Adds `byte`.
    pub fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Removes `byte`.
    pub fn remove(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] &= !(1 << (byte & 63));
    }

    /// The number of members smaller than `byte`, which is its index among the sorted members.
    #[inline]
    pub fn rank(&self, byte: u8) -> usize {
        let word = usize::from(byte >> 6);
        let below = self.0[word] & ((1 << (byte & 63)) - 1);
        let whole: u32 = self.0[..word].iter().map(|word| word.count_ones()).sum();
        (whole + below.count_ones()) as usize
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// The members, in rising order.
    pub fn iter(&self) -> impl Iterator<Item = u8> {
        let mut words = self.0;
        std::iter::from_fn(move || {
            let place = words.iter().position(|&word| word != 0)?;
            let bit = words[place].trailing_zeros();
            words[place] &= words[place] - 1;
            Some(place as u8 * 64 + bit as u8)
        })
    }

    /// The set as a bitmap of 32 bytes. Member 0 is the lowest bit of the first byte.
    pub(super) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (eight, word) in bytes.chunks_exact_mut(8).zip(self.0) {
            eight.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The inverse of [`Self::to_bytes`].
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let has = |byte: &u8| bytes[usize::from(byte >> 3)] >> (byte & 7) & 1 == 1;
        (0..=u8::MAX).filter(has).collect()
    }

    fn complement(self) -> Self {
        Self(self.0.map(|word| !word))
    }
}

impl FromIterator<u8> for ByteSet {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        let mut set = Self::default();
        bytes.into_iter().for_each(|byte| set.insert(byte));
        set
    }
}

/// Whether `pattern` matches the whole of `text`.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    matches_case(pattern, text, Case::Exact)
}

/// [`matches()`] without regard to ASCII case, as `CONFIG GET` compares names.
pub fn matches_ignore_case(pattern: &[u8], text: &[u8]) -> bool {
    matches_case(pattern, text, Case::Ignored)
}

/// Iterates over the pattern's tokens, without a list of them. Consecutive stars become one token.
/// A class of one byte becomes a literal, and a class of all bytes becomes `?`. So different
/// spellings of the same pattern have equal tokens where that is cheap to detect.
pub fn tokens(pattern: &[u8]) -> Tokens<'_> {
    Tokens { rest: pattern }
}

/// The iterator of [`tokens`].
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    rest: &'a [u8],
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let (token, length) = match *self.rest.first()? {
            b'*' => (Token::Star, stars(self.rest)),
            b'?' => (Token::Any, 1),
            b'[' => {
                let mut set = ByteSet::default();
                let (negated, length) = class(self.rest, |member| member.add_to(&mut set));
                let set = if negated { set.complement() } else { set };
                let token = match set.len() {
                    1 => set.iter().next().map_or(Token::Class(set), Token::Literal),
                    256 => Token::Any,
                    _ => Token::Class(set),
                };
                (token, length)
            }
            _ => {
                let (byte, length) = literal(self.rest);
                (Token::Literal(byte), length)
            }
        };
        self.rest = &self.rest[length..];
        Some(token)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Exact,
    Ignored,
}

impl Case {
    fn fold(self, byte: u8) -> u8 {
        match self {
            Case::Exact => byte,
            Case::Ignored => byte.to_ascii_lowercase(),
        }
    }

    /// The value by which C compares a char in a range. glibc's `tolower` makes negative chars
    /// positive, except -1, which is EOF.
    fn order(self, char: i8) -> i16 {
        match self {
            Case::Ignored if char != -1 => (char as u8).to_ascii_lowercase().into(),
            _ => char.into(),
        }
    }
}

fn matches_case(pattern: &[u8], text: &[u8], case: Case) -> bool {
    let (mut p, mut t) = (0, 0);
    // The place after the last star in the pattern, and where in the text its next attempt starts.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let skipped = stars(&pattern[p..]);
        if skipped > 0 {
            p += skipped;
            if p == pattern.len() {
                return true;
            }
            retry = Some((p, t + 1));
        }
        // At the end of the text there is no need to retry: a star that took more bytes would leave
        // even fewer for the rest of the pattern.
        let Some(&byte) = text.get(t) else {
            return p == pattern.len();
        };
        if let Some(length) = match_token(&pattern[p..], byte, case) {
            p += length;
            t += 1;
        } else if let Some((behind_star, start)) = retry {
            retry = Some((behind_star, start + 1));
            (p, t) = (behind_star, start);
        } else {
            return false;
        }
    }
}

/// The length of the pattern's first token, which is not a star, if it matches `byte`.
fn match_token(pattern: &[u8], byte: u8, case: Case) -> Option<usize> {
    let (taken, length) = match *pattern.first()? {
        b'?' => (true, 1),
        b'[' => {
            let mut found = false;
            let (negated, length) = class(pattern, |member| found |= member.has(byte, case));
            (found != negated, length)
        }
        _ => {
            let (wanted, length) = literal(pattern);
            (case.fold(wanted) == case.fold(byte), length)
        }
    };
    taken.then_some(length)
}

/// The number of stars at the start of the pattern.
fn stars(pattern: &[u8]) -> usize {
    pattern.iter().take_while(|&&byte| byte == b'*').count()
}

/// The literal at the start of a non-empty pattern, and its length in the pattern.
fn literal(pattern: &[u8]) -> (u8, usize) {
    match *pattern {
        [b'\\', escaped, ..] => (escaped, 2),
        _ => (pattern[0], 1),
    }
}

/// A member of a class.
enum Member {
    Byte(u8),
    Escaped(u8),
    /// The ends as signed chars, as C compares them, the lower one first.
    Range(i8, i8),
}

impl Member {
    fn has(&self, byte: u8, case: Case) -> bool {
        match *self {
            Member::Byte(wanted) => case.fold(wanted) == case.fold(byte),
            Member::Escaped(wanted) => wanted == byte,
            Member::Range(low, high) => {
                let byte = case.order(byte as i8);
                case.order(low) <= byte && byte <= case.order(high)
            }
        }
    }

    fn add_to(&self, set: &mut ByteSet) {
        match *self {
            Member::Byte(byte) | Member::Escaped(byte) => set.insert(byte),
            Member::Range(low, high) => (low..=high).for_each(|byte| set.insert(byte as u8)),
        }
    }
}

/// Parses the class at the start of `pattern`, and calls `member` with each of its members. Returns
/// whether it is negated, and its length in the pattern, the closing bracket included.
fn class(pattern: &[u8], mut member: impl FnMut(Member)) -> (bool, usize) {
    let negated = pattern.get(1) == Some(&b'^');
    let mut at = if negated { 2 } else { 1 };
    loop {
        match pattern[at..] {
            [] => return (negated, at),
            [b']', ..] => return (negated, at + 1),
            [b'\\', escaped, ..] => {
                member(Member::Escaped(escaped));
                at += 2;
            }
            [from, b'-', to, ..] => {
                let (from, to) = (from as i8, to as i8);
                member(Member::Range(from.min(to), from.max(to)));
                at += 3;
            }
            [byte, ..] => {
                member(Member::Byte(byte));
                at += 1;
            }
        }
    }
}

#[cfg(any(test, fuzzing))]
pub mod plain;
#[cfg(test)]
mod tests;
