//! The byte encoding of tokens, which labels of trie nodes consist of.
//!
//! Layer `pubsub`. It uses `glob`.
//!
//! Most tokens are literals, and most literals are printable. So a literal is encoded as its own
//! byte, and four control bytes introduce everything else:
//!
//! ```text
//! 0                     *
//! 1                     ?
//! 2 n low high low …    a class of n <= MAX_RANGES ranges, ascending, with gaps between them
//! 2 255 (32 bytes)      a class of more than MAX_RANGES ranges, as a bit set
//! 3 b                   a literal b, where b is 0 to 3
//! ```
//!
//! Equal tokens have equal encodings, and no encoding is a prefix of another, so tokens can be
//! compared as bytes. The encoding is at most twice as long as the pattern.

use crate::glob::{ByteSet, Token, tokens};

pub(super) const STAR: u8 = 0;
pub(super) const ANY: u8 = 1;
pub(super) const CLASS: u8 = 2;
pub(super) const ESCAPE: u8 = 3;

/// The maximum length of a label in bytes. More tokens are a chain of nodes, so that no split or
/// merge copies more than this, however short the pattern is that causes it.
pub(super) const MAX: usize = 256;

/// With more ranges than this, the bit set is shorter and a lookup in it is faster.
const MAX_RANGES: usize = 15;
const BIT_SET: u8 = 255;

/// Whether this byte of a label is a literal that stands for itself.
#[inline]
pub(super) fn is_plain(byte: u8) -> bool {
    byte > ESCAPE
}

/// Encodes a pattern's tokens.
pub(super) fn encode(pattern: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(pattern.len());
    for token in tokens(pattern) {
        match token {
            Token::Literal(byte) if is_plain(byte) => path.push(byte),
            Token::Literal(byte) => path.extend([ESCAPE, byte]),
            Token::Any => path.push(ANY),
            Token::Star => path.push(STAR),
            Token::Class(set) => encode_class(set, &mut path),
        }
    }
    path
}

fn encode_class(set: ByteSet, path: &mut Vec<u8>) {
    let head = path.len();
    path.extend([CLASS, 0]);
    let mut ranges = 0;
    for byte in set.iter() {
        match path.last_mut() {
            Some(high) if ranges > 0 && *high == byte - 1 => *high = byte,
            _ => {
                path.extend([byte, byte]);
                ranges += 1;
            }
        }
    }
    if ranges <= MAX_RANGES {
        path[head + 1] = ranges as u8;
    } else {
        path.truncate(head);
        path.extend([CLASS, BIT_SET]);
        path.extend(set.to_bytes());
    }
}

/// The first of these tokens and the length of its encoding. `path` must not be empty.
pub(super) fn first_token(path: &[u8]) -> (Token, usize) {
    let token = match path[0] {
        STAR => Token::Star,
        ANY => Token::Any,
        CLASS => Token::Class(decode_class(path)),
        ESCAPE => Token::Literal(path[1]),
        byte => Token::Literal(byte),
    };
    (token, token_length(path))
}

fn decode_class(path: &[u8]) -> ByteSet {
    let body = &path[2..token_length(path)];
    if path[1] == BIT_SET {
        return ByteSet::from_bytes(body);
    }
    body.chunks_exact(2)
        .flat_map(|range| range[0]..=range[1])
        .collect()
}

/// The length in bytes of the first of these tokens.
#[inline]
pub(super) fn token_length(path: &[u8]) -> usize {
    match path[0] {
        CLASS if path[1] == BIT_SET => 2 + 32,
        CLASS => 2 + 2 * usize::from(path[1]),
        ESCAPE => 2,
        _ => 1,
    }
}

/// Whether the class at the start of `path` contains `byte`.
#[inline]
pub(super) fn class_has(path: &[u8], byte: u8) -> bool {
    if path[1] == BIT_SET {
        return path[2 + usize::from(byte >> 3)] >> (byte & 7) & 1 == 1;
    }
    path[2..token_length(path)]
        .chunks_exact(2)
        .any(|range| range[0] <= byte && byte <= range[1])
}

/// The length in bytes of the longest common prefix of whole tokens.
pub(super) fn shared_tokens(a: &[u8], b: &[u8]) -> usize {
    let mut shared = 0;
    while shared < a.len() {
        let next = shared + token_length(&a[shared..]);
        if b.get(shared..next) != Some(&a[shared..next]) {
            break;
        }
        shared = next;
    }
    shared
}

/// A sequence of encoded tokens, at most [`MAX`] bytes long. The value takes 24 bytes, and a
/// short sequence is stored inline in them.
#[derive(Debug)]
pub(super) enum Label {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Box<[u8]>),
}

const SHORT: usize = 22;

impl Default for Label {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl Label {
    pub(super) fn new(tokens: &[u8]) -> Self {
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..tokens.len()) {
            Some(place) => {
                place.copy_from_slice(tokens);
                Self::Short {
                    length: tokens.len() as u8,
                    bytes,
                }
            }
            None => Self::Long(tokens.into()),
        }
    }

    /// A label of as many of these tokens as fit, and their length in bytes.
    pub(super) fn prefix_of(tokens: &[u8]) -> (Self, usize) {
        let mut length = 0;
        while length < tokens.len() {
            let next = length + token_length(&tokens[length..]);
            if next > MAX {
                break;
            }
            length = next;
        }
        (Self::new(&tokens[..length]), length)
    }

    /// Joins two labels. `None`: the result would be too long.
    pub(super) fn joined(&self, behind: &Self) -> Option<Self> {
        let joined = [self.tokens(), behind.tokens()].concat();
        (joined.len() <= MAX).then(|| Self::new(&joined))
    }

    #[inline]
    pub(super) fn tokens(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => &bytes[..usize::from(*length)],
            Self::Long(bytes) => bytes,
        }
    }

    /// The token by which the parent finds the node. The root's empty label has none.
    pub(super) fn first_token(&self) -> Token {
        first_token(self.tokens()).0
    }
}
