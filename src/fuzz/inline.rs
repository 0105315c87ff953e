//! Splitting into words against a port of Redis's function, and against quoting.

use crate::resp::inline::{UnbalancedQuotes, split_words};

pub(super) fn check(data: &[u8]) {
    // Neither a line of a request nor one of a file holds its own end.
    for line in data.split(|&byte| byte == b'\n') {
        assert_eq!(split_words(line), redis(line));
        if let Ok(words) = split_words(line) {
            come_back(&words);
        }
    }
    // As words, whatever is in them.
    let words: Vec<_> = data
        .split(|&byte| byte == b' ')
        .map(<[u8]>::to_vec)
        .collect();
    come_back(&words);
}

/// Quoted in each way, the words are what they were.
fn come_back(words: &[Vec<u8>]) {
    for quote in [hexadecimal, double, single] {
        let quoted: Vec<_> = words.iter().map(|word| quote(word)).collect();
        let split = split_words(&quoted.join(&b"  "[..]));
        assert_eq!(split.as_deref(), Ok(words));
    }
}

/// As Redis prints a string (`sdscatrepr`), with every byte as a number.
pub(super) fn hexadecimal(word: &[u8]) -> Vec<u8> {
    let bytes: String = word.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    format!("\"{bytes}\"").into()
}

fn double(word: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for &byte in word {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', byte]),
            b'\n' => quoted.extend(b"\\n"),
            b'\r' => quoted.extend(b"\\r"),
            b'\t' => quoted.extend(b"\\t"),
            0x07 => quoted.extend(b"\\a"),
            0x08 => quoted.extend(b"\\b"),
            _ => quoted.push(byte),
        }
    }
    quoted.push(b'"');
    quoted
}

/// Single quotes know no escape but `\'`: a backslash before a quote, or at the end, cannot be
/// written in them.
fn single(word: &[u8]) -> Vec<u8> {
    let has = |pair: &[u8]| pair == b"\\'";
    if word.windows(2).any(has) || word.ends_with(b"\\") {
        return double(word);
    }
    let mut quoted = vec![b'\''];
    for &byte in word {
        if byte == b'\'' {
            quoted.push(b'\\');
        }
        quoted.push(byte);
    }
    quoted.push(b'\'');
    quoted
}

/// `sdssplitargs` of Redis 7.0, line by line, for lines of known length: C reads NUL behind the end,
/// and a NUL in the line, which ends it there, is a byte as any other here.
fn redis(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let at = |p: usize| line.get(p).copied();
    let is_space = |p: usize| at(p).is_some_and(|byte| b" \t\n\x0b\x0c\r".contains(&byte));
    let is_hex = |p: usize| at(p).is_some_and(|byte| byte.is_ascii_hexdigit());
    let mut words = Vec::new();
    let mut p = 0;
    loop {
        while is_space(p) {
            p += 1;
        }
        if at(p).is_none() {
            return Ok(words);
        }
        let (mut in_double, mut in_single, mut done) = (false, false, false);
        let mut current = Vec::new();
        while !done {
            match at(p) {
                None if in_double || in_single => return Err(UnbalancedQuotes),
                None => done = true,
                Some(b'\\')
                    if in_double && at(p + 1) == Some(b'x') && is_hex(p + 2) && is_hex(p + 3) =>
                {
                    let digits = str::from_utf8(&line[p + 2..p + 4]).expect("digits");
                    current.push(u8::from_str_radix(digits, 16).expect("a byte"));
                    p += 3;
                }
                Some(b'\\') if in_double && at(p + 1).is_some() => {
                    p += 1;
                    current.push(match line[p] {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'b' => 0x08,
                        b'a' => 0x07,
                        other => other,
                    });
                }
                Some(b'\\') if in_single && at(p + 1) == Some(b'\'') => {
                    p += 1;
                    current.push(b'\'');
                }
                Some(quote) if in_double && quote == b'"' || in_single && quote == b'\'' => {
                    if at(p + 1).is_some() && !is_space(p + 1) {
                        return Err(UnbalancedQuotes);
                    }
                    done = true;
                }
                Some(byte) if in_double || in_single => current.push(byte),
                Some(b' ' | b'\n' | b'\r' | b'\t') => done = true,
                Some(b'"') => in_double = true,
                Some(b'\'') => in_single = true,
                Some(byte) => current.push(byte),
            }
            p += 1;
        }
        words.push(current);
    }
}
