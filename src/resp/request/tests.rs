//! The request reader: requests cut at any place, protocol errors, and limits.

use super::*;

const LIMITS: Limits = Limits {
    max_bulk: 512 * 1024 * 1024,
    authenticated: true,
};
const BEFORE_AUTH: Limits = Limits {
    authenticated: false,
    ..LIMITS
};

type Requests = Vec<Vec<Vec<u8>>>;

/// Feeds `input` in pieces of at most `size` bytes, as a connection does: what is consumed is
/// dropped from the buffer before the next piece comes. Returns the requests up to the first error.
fn feed(input: &[u8], size: usize, limits: Limits) -> (Requests, Option<ProtocolError>) {
    let mut reader = RequestReader::default();
    let mut buffer = Vec::new();
    let mut requests = Vec::new();
    for piece in input.chunks(size.max(1)) {
        buffer.extend_from_slice(piece);
        loop {
            match reader.next(&buffer, limits) {
                Ok(true) => {
                    let args = reader.args(&buffer);
                    requests.push(args.iter().map(<[u8]>::to_vec).collect());
                }
                Ok(false) => break,
                Err(error) => return (requests, Some(error)),
            }
        }
        buffer.drain(..reader.consumed());
        reader.rebase();
    }
    (requests, None)
}

fn read(input: &[u8]) -> (Requests, Option<ProtocolError>) {
    feed(input, input.len(), LIMITS)
}

fn words(requests: &[&[&str]]) -> Requests {
    let bytes = |word: &&str| word.as_bytes().to_vec();
    requests
        .iter()
        .map(|words| words.iter().map(bytes).collect())
        .collect()
}

#[test]
fn arrays_inline_commands_and_empty_ones() {
    let input =
        b"*2\r\n$4\r\nECHO\r\n$2\r\n\r\n\r\nPING 'a b'\r\n*0\r\n*-1\r\n\r\n*1\r\n$0\r\n\r\nQUIT\n";
    let expected = words(&[
        &["ECHO", "\r\n"],
        &["PING", "a b"],
        &[],
        &[],
        &[],
        &[""],
        &["QUIT"],
    ]);
    assert_eq!(read(input), (expected, None));
}

#[test]
fn any_cut_gives_the_same_requests() {
    let input = b"*3\r\n$3\r\nfoo\r\n$0\r\n\r\n$5\r\n*1\r\n$\r\nPING \"x\\x41\"\r\n*1\r\n$4\r\nPING\r\n\n*2\r\n$1\r\na\r\n$1\r\nb\r\n";
    let whole = read(input);
    assert_eq!(whole.0.len(), 5);
    for size in 1..input.len() {
        assert_eq!(feed(input, size, LIMITS), whole, "pieces of {size} bytes");
    }
    for cut in 1..input.len() {
        let mut reader = RequestReader::default();
        let mut requests = Vec::new();
        for end in [cut, input.len()] {
            while reader.next(&input[..end], LIMITS).unwrap() {
                let args = reader.args(&input[..end]);
                requests.push(args.iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
            }
        }
        assert_eq!(requests, whole.0, "cut at {cut}");
    }
}

#[test]
fn many_small_arguments_in_small_pieces() {
    let mut input = b"*300001\r\n$3\r\nDEL\r\n".to_vec();
    for _ in 0..300_000 {
        input.extend_from_slice(b"$1\r\nx\r\n");
    }
    let (requests, error) = feed(&input, 16 * 1024, LIMITS);
    assert_eq!(error, None);
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].len(), 300_001);
}

/// As [`feed`], with a buffer that large arguments leave.
fn feed_apart(input: &[u8], size: usize) -> Requests {
    let mut reader = RequestReader::default();
    let mut buffer = BytesMut::new();
    let mut requests = Vec::new();
    for piece in input.chunks(size) {
        buffer.extend_from_slice(piece);
        reader.set_apart(&mut buffer);
        while reader.next(&buffer, LIMITS).unwrap() {
            let args: Vec<_> = reader.args(&buffer).iter().map(<[u8]>::to_vec).collect();
            // What is taken back is found again, also by another buffer.
            reader.unread();
            let rest = buffer.split_off(reader.consumed());
            reader.rebase();
            reader.release();
            buffer = rest;
            assert_eq!(reader.next(&buffer, LIMITS), Ok(true));
            assert!(reader.args(&buffer).iter().eq(args.iter()));
            requests.push(args);
        }
        let rest = buffer.split_off(reader.consumed());
        reader.rebase();
        reader.release();
        buffer = rest;
        reader.set_apart(&mut buffer);
        let largest = LARGE + 4 * size;
        assert!(buffer.len() < largest, "{} in the buffer", buffer.len());
    }
    requests
}

#[test]
fn large_arguments_are_received_apart() {
    let large = [LARGE - 1, LARGE, LARGE + 1, 3 * LARGE, 10 * LARGE].map(|length| {
        let bytes = (0..length).map(|index| (index % 251) as u8);
        bytes.collect::<Vec<_>>()
    });
    let mut input = Vec::new();
    let mut expected = Vec::new();
    for count in 1..=large.len() {
        let mut words: Vec<&[u8]> = vec![b"MSET"];
        for value in &large[..count] {
            words.extend([&b"key"[..], value]);
        }
        input.extend(format!("*{}\r\n", words.len()).bytes());
        for word in &words {
            input.extend(format!("${}\r\n", word.len()).bytes());
            input.extend_from_slice(word);
            input.extend_from_slice(b"\r\n");
        }
        expected.push(words.iter().map(|word| word.to_vec()).collect::<Vec<_>>());
        input.extend_from_slice(b"PING 'in line'\r\n");
        expected.push(vec![b"PING".to_vec(), b"in line".to_vec()]);
    }
    for size in [1001, 16 * 1024, LARGE - 1, LARGE, 2 * LARGE] {
        assert!(feed_apart(&input, size) == expected, "pieces of {size}");
    }
}

/// What has arrived of a large argument counts, and nothing of it stays after the request.
#[test]
fn large_arguments_count_as_held() {
    let mut reader = RequestReader::default();
    let mut buffer = BytesMut::from("*2\r\n$4\r\nECHO\r\n$1000000\r\n");
    assert_eq!(reader.next(&buffer, LIMITS), Ok(false));
    buffer.resize(buffer.len() + 500_000, b'x');
    reader.set_apart(&mut buffer);
    assert_eq!(reader.next(&buffer, LIMITS), Ok(false));
    assert!((500_000..501_000).contains(&reader.held()));
    buffer.resize(buffer.len() + 500_002, b'x');
    reader.set_apart(&mut buffer);
    assert_eq!(reader.next(&buffer, LIMITS), Ok(true));
    let kept = reader.args(&buffer).large(1).expect("it is large").clone();
    assert!(kept.bytes().iter().all(|&byte| byte == b'x'));
    buffer.clear();
    reader.rebase();
    reader.release();
    assert_eq!(reader.held(), 0);
}

#[test]
fn nothing_is_allocated_on_the_word_of_a_header() {
    let mut reader = RequestReader::default();
    let input = b"*2147483647\r\n$536870912\r\nx";
    assert_eq!(reader.next(input, LIMITS), Ok(false));
    assert_eq!(reader.held(), 0);
}

#[test]
fn protocol_errors() {
    use ProtocolError as E;
    let cases: &[(&[u8], E)] = &[
        (b"*2147483648\r\n", E::ArrayLength),
        (b"*abc\r\n", E::ArrayLength),
        (b"*01\r\n", E::ArrayLength),
        (b"*\r\n", E::ArrayLength),
        (b"*1\r\n$-1\r\n", E::BulkLength),
        (b"*1\r\n$536870913\r\n", E::BulkLength),
        (b"*1\r\n$99999999999999999999\r\n", E::BulkLength),
        (b"*1\r\n$1 \r\n", E::BulkLength),
        (b"*1\r\nPING\r\n", E::ExpectedBulk(b'P')),
        (b"*1\r\n*1\r\n*1\r\n*1\r\n", E::ExpectedBulk(b'*')),
        (b"*1\r\n\r\n", E::ExpectedBulk(b'\r')),
        (b"PING \"x\r\n", E::UnbalancedQuotes),
    ];
    for (input, expected) in cases {
        for size in [1, 3, input.len()] {
            let (_, error) = feed(input, size, LIMITS);
            assert_eq!(error.as_ref(), Some(expected), "{}", input.escape_ascii());
        }
    }
}

#[test]
fn headers_and_lines_without_end() {
    let endless = |start: &[u8], fill: u8, length: usize| {
        let mut input = start.to_vec();
        input.resize(length, fill);
        [1000, length].map(|size| feed(&input, size, LIMITS).1)
    };
    let over = MAX_LINE + 1;
    assert_eq!(endless(b"*", b'1', MAX_LINE), [None, None]);
    let too_long = |error: &ProtocolError| [Some(error.clone()), Some(error.clone())];
    assert_eq!(
        endless(b"*", b'1', over),
        too_long(&ProtocolError::ArrayHeaderTooLong)
    );
    assert_eq!(
        endless(b"P", b'1', over),
        too_long(&ProtocolError::InlineTooLong)
    );
    // A NUL hides the end of the line, as it does in Redis.
    assert_eq!(
        endless(b"PING\0\r\n", b'1', over),
        too_long(&ProtocolError::InlineTooLong)
    );
    let bulk = endless(b"*1\r\n$", b'1', over + 4);
    assert_eq!(bulk, too_long(&ProtocolError::BulkHeaderTooLong));
}

#[test]
fn stricter_limits_before_auth() {
    let error = |input: &[u8]| feed(input, 7, BEFORE_AUTH).1;
    assert_eq!(error(b"*10\r\n$16384\r\n"), None);
    assert_eq!(
        error(b"*11\r\n"),
        Some(ProtocolError::ArrayLengthBeforeAuth)
    );
    let too_long = Some(ProtocolError::BulkLengthBeforeAuth);
    assert_eq!(error(b"*1\r\n$16385\r\n"), too_long);
}

#[test]
fn an_unfinished_request_survives_the_drop_of_what_was_before_it() {
    let mut reader = RequestReader::default();
    let mut buffer = b"*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$3\r\na".to_vec();
    assert_eq!(reader.next(&buffer, LIMITS), Ok(true));
    assert_eq!(reader.next(&buffer, LIMITS), Ok(false));
    assert_eq!(reader.consumed(), 14);
    buffer.drain(..14);
    reader.rebase();
    reader.release();
    buffer.extend_from_slice(b"bc\r\n");
    assert_eq!(reader.next(&buffer, LIMITS), Ok(true));
    let args: Vec<_> = reader.args(&buffer).iter().map(<[u8]>::to_vec).collect();
    assert_eq!(args, [b"ECHO".to_vec(), b"abc".to_vec()]);
    assert_eq!(reader.consumed(), buffer.len());
}

#[test]
fn integers_as_redis_takes_them() {
    let parse = |text: &str| parse_integer(text.as_bytes());
    for (text, value) in [
        ("0", 0),
        ("-1", -1),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808", i64::MIN),
    ] {
        assert_eq!(parse(text), Some(value));
    }
    for text in [
        "",
        "-",
        "+1",
        "01",
        "-0",
        "1 ",
        " 1",
        "1.0",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999",
    ] {
        assert_eq!(parse(text), None, "{text:?}");
    }
}
