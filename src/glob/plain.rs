//! A second, plain matcher for the glob language. Tests compare the fast one with it.
//!
//! Layer `glob`, for tests and fuzzing only.
//!
//! It implements the rules in the head of `glob.rs` and shares no code with it. It parses a pattern
//! into elements, each with a table of the bytes that it matches, and then computes the set of
//! places in the text that the pattern can have reached. It is slow, and short enough to be
//! verified by reading. `tests/glob_oracle.rs` compares the fast matcher with the real server.

/// Whether `pattern` matches the whole of `text`, with or without regard to case.
pub fn matches(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
    // For each prefix of the text, whether the elements so far match it.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for element in elements(pattern, ignore_case) {
        let mut next = vec![false; text.len() + 1];
        match element {
            Element::Many => {
                let first = reached.iter().position(|&here| here).unwrap_or(next.len());
                next[first..].fill(true);
            }
            Element::One(table) => {
                for (at, &byte) in text.iter().enumerate() {
                    next[at + 1] = reached[at] && table[usize::from(byte)];
                }
            }
        }
        reached = next;
    }
    reached[text.len()]
}

enum Element {
    /// Any number of bytes.
    Many,
    /// One byte for which the table has true.
    One(Box<[bool; 256]>),
}

fn elements(pattern: &[u8], ignore_case: bool) -> Vec<Element> {
    let mut elements = Vec::new();
    let mut bytes = pattern.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let element = match byte {
            b'*' => Element::Many,
            b'?' => one(|_| true),
            b'[' => {
                let negated = bytes.next_if_eq(&b'^').is_some();
                // The members, up to the bracket that closes the class or the pattern's end.
                let mut takes: Vec<Box<dyn Fn(u8) -> bool>> = Vec::new();
                while let Some(member) = bytes.next().filter(|&member| member != b']') {
                    let mut ahead = bytes.clone();
                    let following = (ahead.next(), ahead.next());
                    takes.push(match (member, following) {
                        (b'\\', (Some(escaped), _)) => {
                            bytes.next();
                            Box::new(move |byte| byte == escaped)
                        }
                        (_, (Some(b'-'), Some(end))) => {
                            bytes.nth(1);
                            Box::new(move |byte| in_range(byte, member, end, ignore_case))
                        }
                        _ => Box::new(move |byte| same(byte, member, ignore_case)),
                    });
                }
                one(|byte| takes.iter().any(|takes| takes(byte)) != negated)
            }
            b'\\' => {
                let escaped = bytes.next().unwrap_or(b'\\');
                one(|byte| same(byte, escaped, ignore_case))
            }
            literal => one(|byte| same(byte, literal, ignore_case)),
        };
        elements.push(element);
    }
    elements
}

fn one(takes: impl Fn(u8) -> bool) -> Element {
    let table = std::array::from_fn(|byte| takes(byte as u8));
    Element::One(Box::new(table))
}

fn same(one: u8, other: u8, ignore_case: bool) -> bool {
    one == other || ignore_case && one.eq_ignore_ascii_case(&other)
}

/// Whether a byte is in a range. The ends are first ordered as signed bytes. With case ignored, all
/// bytes but 0xff are then converted to lower case and compared unsigned.
fn in_range(byte: u8, from: u8, to: u8, ignore_case: bool) -> bool {
    let signed = |byte: u8| i32::from(byte as i8);
    let rank = |byte: u8| match byte {
        0xff => -1,
        byte if ignore_case => i32::from(byte.to_ascii_lowercase()),
        byte => signed(byte),
    };
    let (low, high) = if signed(from) <= signed(to) {
        (from, to)
    } else {
        (to, from)
    };
    (rank(low)..=rank(high)).contains(&rank(byte))
}
