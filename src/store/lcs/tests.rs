//! Expected values are redis-server's replies.

use proptest::prelude::*;

use super::*;

const LIMIT: u64 = 512 << 20;

fn piece(a: (usize, usize), b: (usize, usize)) -> Match {
    Match {
        a: a.0..=a.1,
        b: b.0..=b.1,
    }
}

#[test]
fn finds_the_subsequence_of_redis() {
    let (a, b) = (b"ohmytext", b"mynewtext");
    assert_eq!(subsequence(a, b, LIMIT), Ok(b"mytext".to_vec()));
    assert_eq!(length(a, b, LIMIT), Ok(6));
    // There are others of this length.
    let (a, b) = (b"abcabba", b"cbabac");
    assert_eq!(subsequence(a, b, LIMIT), Ok(b"cbba".to_vec()));
}

#[test]
fn tells_pieces_from_the_last_to_the_first() {
    let (a, b) = (b"ohmytext", b"mynewtext");
    let all = [piece((4, 7), (5, 8)), piece((2, 3), (0, 1))];
    let found = matches(a, b, 0, LIMIT).expect("small");
    assert_eq!(found.matches, all);
    assert_eq!(found.length, 6);
    assert_eq!(found.matches[0].length(), 4);
    let found = matches(a, b, 4, LIMIT).expect("small");
    assert_eq!(found.matches, all[..1]);
    assert_eq!(found.length, 6);
    let found = matches(b"abcabba", b"cbabac", 0, LIMIT).expect("small");
    let expected = [
        piece((5, 6), (3, 4)),
        piece((4, 4), (1, 1)),
        piece((2, 2), (0, 0)),
    ];
    assert_eq!(found.matches, expected);
    assert_eq!(found.length, 4);
}

#[test]
fn an_empty_string_has_nothing_in_common() {
    assert_eq!(subsequence(b"", b"abc", LIMIT), Ok(Vec::new()));
    assert_eq!(length(b"abc", b"", LIMIT), Ok(0));
    assert_eq!(matches(b"", b"", 0, LIMIT), Ok(Matches::default()));
}

#[test]
fn the_limit_is_that_of_a_table_with_four_bytes_for_each_pair() {
    let (a, b) = (vec![b'x'; 511], vec![b'x'; 511]);
    assert_eq!(length(&a, &b, 1 << 20), Ok(511));
    let b = vec![b'x'; 512];
    assert_eq!(length(&a, &b, 1 << 20), Err(LcsError::OutOfMemory));
    assert_eq!(subsequence(&a, &b, 1 << 20), Err(LcsError::OutOfMemory));
    assert_eq!(matches(&a, &b, 0, 1 << 20), Err(LcsError::OutOfMemory));
    assert_eq!(
        LcsError::OutOfMemory.to_string(),
        "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
    );
}

/// The pairs of positions that the table of lengths gives, the last one first.
fn by_lengths(a: &[u8], b: &[u8]) -> Vec<(usize, usize)> {
    let mut lengths = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            lengths[i][j] = if a[i - 1] == b[j - 1] {
                lengths[i - 1][j - 1] + 1
            } else {
                lengths[i - 1][j].max(lengths[i][j - 1])
            };
        }
    }
    let (mut i, mut j) = (a.len(), b.len());
    let mut pairs = Vec::new();
    while i > 0 && j > 0 {
        if a[i - 1] == b[j - 1] {
            (i, j) = (i - 1, j - 1);
            pairs.push((i, j));
        } else if lengths[i - 1][j] > lengths[i][j - 1] {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    pairs
}

fn string() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0..4_u8, 0..200)
}

proptest! {
    #[test]
    fn agrees_with_the_table_of_lengths(a in string(), b in string(), min in 0..4_usize) {
        let pairs = by_lengths(&a, &b);
        let text: Vec<u8> = pairs.iter().rev().map(|&(i, _)| a[i]).collect();
        prop_assert_eq!(length(&a, &b, LIMIT), Ok(pairs.len()));
        prop_assert_eq!(subsequence(&a, &b, LIMIT), Ok(text));
        let mut all: Vec<Match> = Vec::new();
        for (i, j) in pairs {
            match all.last_mut() {
                Some(last) if *last.a.start() == i + 1 && *last.b.start() == j + 1 => {
                    *last = piece((i, *last.a.end()), (j, *last.b.end()));
                }
                _ => all.push(piece((i, i), (j, j))),
            }
        }
        all.retain(|piece| piece.length() >= min);
        prop_assert_eq!(matches(&a, &b, min, LIMIT).expect("small").matches, all);
    }
}
