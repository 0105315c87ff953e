//! A port of Redis's matcher to compare ours with: `stringmatchlen_impl` of Redis 7.0, line by line,
//! recursive on purpose.

/// Does `pattern` match the whole of `string`, with or without regard to case? Reading one byte past
/// the pattern gives NUL, as it does in C.
pub fn stringmatchlen(pattern: &[u8], string: &[u8], nocase: bool) -> bool {
    stringmatchlen_impl(pattern, string, nocase, &mut false)
}

fn stringmatchlen_impl(
    mut p: &[u8],
    mut s: &[u8],
    nocase: bool,
    skip_longer_matches: &mut bool,
) -> bool {
    // The first half of the table that glibc's tolower looks negative numbers up in has the same
    // numbers as the second half, from 0x80 on, but for EOF.
    let lower = |char: i8| match char {
        -1 => -1,
        _ if nocase => i32::from((char as u8).to_ascii_lowercase()),
        _ => i32::from(char),
    };
    let at = |p: &[u8], i: usize| p.get(i).map_or(0, |&byte| byte as i8);
    const BACKSLASH: i8 = b'\\' as i8;
    while !p.is_empty() && !s.is_empty() {
        match p[0] {
            b'*' => {
                while p.len() > 1 && p[1] == b'*' {
                    p = &p[1..];
                }
                if p.len() == 1 {
                    return true;
                }
                while !s.is_empty() {
                    if stringmatchlen_impl(&p[1..], s, nocase, skip_longer_matches) {
                        return true;
                    }
                    if *skip_longer_matches {
                        return false;
                    }
                    s = &s[1..];
                }
                // Nothing behind this star is found anywhere in the rest of the string: no star
                // before it can change that by taking more.
                *skip_longer_matches = true;
                return false;
            }
            b'?' => s = &s[1..],
            b'[' => {
                p = &p[1..];
                let not = at(p, 0) == b'^' as i8;
                if not {
                    p = &p[1..];
                }
                let mut found = false;
                let closed = loop {
                    if p.len() >= 2 && at(p, 0) == BACKSLASH {
                        p = &p[1..];
                        found |= p[0] == s[0];
                    } else if at(p, 0) == b']' as i8 {
                        break true;
                    } else if p.is_empty() {
                        break false;
                    } else if p.len() >= 3 && p[1] == b'-' {
                        let (mut start, mut end) = (at(p, 0), at(p, 2));
                        if start > end {
                            std::mem::swap(&mut start, &mut end);
                        }
                        let c = lower(at(s, 0));
                        p = &p[2..];
                        found |= c >= lower(start) && c <= lower(end);
                    } else {
                        found |= lower(at(p, 0)) == lower(at(s, 0));
                    }
                    p = &p[1..];
                };
                if found == not {
                    return false;
                }
                s = &s[1..];
                if !closed {
                    return s.is_empty();
                }
            }
            _ => {
                if p[0] == b'\\' && p.len() >= 2 {
                    p = &p[1..];
                }
                if lower(at(p, 0)) != lower(at(s, 0)) {
                    return false;
                }
                s = &s[1..];
            }
        }
        p = &p[1..];
        if s.is_empty() {
            while at(p, 0) == b'*' as i8 {
                p = &p[1..];
            }
            break;
        }
    }
    p.is_empty() && s.is_empty()
}
