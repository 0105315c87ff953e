//! Compares the matcher with recorded results of redis-server 7.0.15 and with a second, plain
//! matcher. `tests/glob_oracle.rs` compares it with the real server.

use proptest::prelude::*;

use super::*;

#[test]
fn verdicts_of_the_real_server() {
    let yes: &[(&[u8], &[u8])] = &[
        (b"", b""),
        (b"*", b"a"),
        (b"a**b*", b"aXb"),
        (b"h?llo", b"hello"),
        (b"h[^e]llo", b"hallo"),
        (b"h[b-a]llo", b"hallo"),
        (b"[^]", b"x"),
        (b"[^", b"x"),
        (b"[ab", b"b"),
        (b"[a-", b"-"),
        (b"[a-]", b"^"),
        (b"[a-]", b"]"),
        (b"[\\a-z]", b"-"),
        (b"[a-\\]]", b"_]"),
        (b"[a\\]b]", b"]"),
        (b"[\\", b"\\"),
        (b"a\\", b"a\\"),
        (b"\\*", b"*"),
        (b"[a-\xff]", b"\0"),
        (b"[a-\xff]", b"A"),
        (b"[\x80-\xff]", b"\x90"),
        (b"?", b"\xff"),
    ];
    let no: &[(&[u8], &[u8])] = &[
        (b"?", b""),
        (b"[^]", b""),
        (b"*?", b""),
        (b"", b"a"),
        (b"[]", b"]"),
        (b"[]a]", b"a"),
        (b"[", b"["),
        (b"[a-]", b"-"),
        (b"[a-\xff]", b"b"),
        (b"[a-\xff]", b"\xfe"),
        (b"a", b"A"),
        (b"a*b", b"ab\0"),
    ];
    for (pattern, text) in yes {
        assert!(
            matches(pattern, text),
            "{:?} {:?}",
            pattern.escape_ascii(),
            text.escape_ascii()
        );
    }
    for (pattern, text) in no {
        assert!(
            !matches(pattern, text),
            "{:?} {:?}",
            pattern.escape_ascii(),
            text.escape_ascii()
        );
    }
}

/// In Redis 7.0 `*` matches the empty name in KEYS only, by a shortcut.
#[test]
fn stars_match_the_empty_name() {
    for pattern in [&b""[..], b"*", b"**", b"***"] {
        assert!(matches(pattern, b"") && matches_ignore_case(pattern, b""));
    }
    for pattern in [&b"?"[..], b"*?", b"?*", b"*a*", b"[^]", b"[]", b"\\*"] {
        assert!(!matches(pattern, b""), "{:?}", pattern.escape_ascii());
    }
}

#[test]
fn config_get_ignores_case_except_where_redis_does_not() {
    assert!(matches_ignore_case(b"MAX*", b"maxmemory"));
    assert!(matches_ignore_case(b"[M]ax[A-N]emory", b"maxmemory"));
    assert!(!matches_ignore_case(b"[\\M]axmemory", b"maxmemory"));
    assert!(!matches_ignore_case(b"[Z-a]ppendonly", b"appendonly"));
    assert!(matches_ignore_case(b"[\xff-z]ppendonly", b"appendonly"));
    assert!(!matches_ignore_case(b"[\x81-z]ppendonly", b"appendonly"));
}

#[test]
fn hostile_patterns_end() {
    let text = vec![b'a'; 20_000];
    assert!(!matches(&b"*a".repeat(10_001), &text[..10_000]));
    assert!(matches(&b"*a".repeat(10_000), &text));
    assert!(matches(&vec![b'*'; 1 << 20], &text));
    assert_eq!(tokens(&vec![b'*'; 1 << 20]).count(), 1);
    assert!(!matches(&vec![b'['; 1 << 20], &text));
}

#[test]
fn tokens_are_the_same_for_spellings_of_one_thing() {
    let all = |pattern: &[u8]| tokens(pattern).collect::<Vec<_>>();
    assert_eq!(
        all(b"a**b"),
        [Token::Literal(b'a'), Token::Star, Token::Literal(b'b')]
    );
    assert_eq!(all(b"\\a[b][^]?"), all(b"ab??"));
    assert_eq!(all(b"[a-c]"), [Token::Class(ByteSet::from_iter(*b"abc"))]);
    assert_eq!(all(b"[]"), [Token::Class(ByteSet::default())]);
}

/// Matches tokens by their definition, recursively.
fn walk(mut tokens: Tokens<'_>, text: &[u8]) -> bool {
    let token = tokens.next();
    if token == Some(Token::Star) {
        return (0..=text.len()).any(|skip| walk(tokens.clone(), &text[skip..]));
    }
    let (Some(token), [byte, rest @ ..]) = (token, text) else {
        return token.is_none() && text.is_empty();
    };
    let takes = match token {
        Token::Literal(wanted) => wanted == *byte,
        Token::Class(set) => set.contains(*byte),
        Token::Any | Token::Star => true,
    };
    takes && walk(tokens, rest)
}

fn glob() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop::sample::select(b"aabbcAB***??[[]]^^--\\\\\x00\x80\x81\xff".to_vec());
    prop::collection::vec(byte, 0..10)
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        prop::sample::select(b"aaabbbcAB*[]^-\\\x00\x80\x81\xff".to_vec()),
        0..7,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn agrees_with_the_plain_matcher(pattern in glob(), text in text()) {
        prop_assert_eq!(matches(&pattern, &text), plain::matches(&pattern, &text, false));
        prop_assert_eq!(matches_ignore_case(&pattern, &text), plain::matches(&pattern, &text, true));
    }

    #[test]
    fn agrees_with_its_own_tokens(pattern in glob(), text in text()) {
        prop_assert_eq!(matches(&pattern, &text), walk(tokens(&pattern), &text));
    }
}
