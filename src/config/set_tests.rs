//! CONFIG GET and CONFIG SET. The errors are those that Redis 7.0.15 sends for the same commands,
//! byte for byte.

use super::*;

type Pairs = &'static [(&'static [u8], &'static [u8])];

#[test]
fn config_get_gives_each_setting_once() {
    let config = Config::default();
    let equal: fn(&[u8], &[u8]) -> bool = |pattern, text| pattern.eq_ignore_ascii_case(text);
    let found = config.get_matching(&["PORT", "port", "nothing", "timeout"], equal);
    assert_eq!(
        found,
        [("port", b"6379".to_vec()), ("timeout", b"0".to_vec())]
    );
}

#[test]
fn config_set_changes_all_or_nothing() {
    let config = Config::default();
    let changed = config
        .set(&[(b"MaxClients", b"5"), (b"requirepass", b"\xff\0")])
        .unwrap();
    assert_eq!(
        (changed.maxclients, changed.requirepass.as_bytes()),
        (5, b"\xff\0" as &[u8])
    );
    assert_eq!(config.maxclients, 10000);
    assert!(
        config
            .set(&[(b"maxclients", b"5"), (b"timeout", b"x")])
            .is_err()
    );
}

#[test]
fn config_set_accepts_what_redis_accepts() {
    let cases: &[Pairs] = &[
        &[(b"maxclients", b"5")],
        &[(b"timeout", b"2147483647")],
        &[(b"proto-max-bulk-len", b"9223372036854775807")],
        &[(b"proto-max-bulk-len", b"2MB")],
        &[(b"loglevel", b"NOTICE")],
        &[(b"appendonly", b"NO")],
        &[(b"save", b"")],
        &[(b"client-output-buffer-limit", b"")],
        &[(b"client-output-buffer-limit", b"normal 0 0 ")],
        &[(b"client-output-buffer-limit", b"PUBSUB 1mb 1k 010")],
        &[(
            b"client-output-buffer-limit",
            b"normal 99999999999999999999 0 0",
        )],
    ];
    for pairs in cases {
        assert!(Config::default().set(pairs).is_ok(), "{pairs:?}");
    }
}

const CLIENTS: &str = "argument must be between 1 and 4294967295 inclusive";
const INT: &str = "argument must be between 0 and 2147483647 inclusive";
const NO_INTEGER: &str = "argument couldn't be parsed into an integer";
const MEMORY_RANGE: &str = "argument must be between 1048576 and 9223372036854775807 inclusive";
const NO_MEMORY: &str = "argument must be a memory value";
const LEVELS: &str = "argument(s) must be one of the following: debug, verbose, notice, warning";
const NO_CLASS: &str = "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
const LIST_SIZE: &str = "argument must be between -2147483648 and 2147483647 inclusive";
const NO_EVICTION: &str =
    "fanfare never evicts keys, so 'maxmemory-policy' can only be 'noeviction'";
const YES_NO: &str = "argument must be 'yes' or 'no'";
const LIMIT_WORDS: &str = "Wrong number of arguments in buffer limit configuration.";
const LIMIT_CLASS: &str = "Invalid client class specified in buffer limit configuration.";
const LIMIT_NUMBER: &str =
    "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
const IMMUTABLE: &str = "can't set immutable config";
const DUPLICATE: &str = "duplicate parameter";

/// A setting, wrong values of it, and the reason in the error.
const VALUES: &[(&str, &[&str], &str)] = &[
    ("maxclients", &["0", "-1", "4294967296"], CLIENTS),
    (
        "maxclients",
        &["", "abc", " 5", "+5", "05", "-0", "9999999999999999999999"],
        NO_INTEGER,
    ),
    ("timeout", &["-1", "2147483648"], INT),
    ("timeout", &[""], NO_INTEGER),
    ("tcp-keepalive", &["-1", "2147483648"], INT),
    ("shutdown-timeout", &["-1", "2147483648"], INT),
    (
        "proto-max-bulk-len",
        &["5", "1048575", "", "mb", "9223372036854775808"],
        MEMORY_RANGE,
    ),
    (
        "proto-max-bulk-len",
        &["99999999999999999999999"],
        MEMORY_RANGE,
    ),
    (
        "proto-max-bulk-len",
        &["abc", "-1", "10xb", " 2mb", "1.5mb"],
        NO_MEMORY,
    ),
    (
        "client-query-buffer-limit",
        &["5", "9223372036854775808"],
        MEMORY_RANGE,
    ),
    ("client-query-buffer-limit", &["x"], NO_MEMORY),
    (
        "client-output-buffer-limit",
        &["normal", "normal 0 0", "normal 0 0 0 x"],
        LIMIT_WORDS,
    ),
    (
        "client-output-buffer-limit",
        &["normal  5   6 7", " normal 3 3 3 "],
        LIMIT_WORDS,
    ),
    (
        "client-output-buffer-limit",
        &["foo 0 0 0", "master 1 1 1"],
        LIMIT_CLASS,
    ),
    (
        "client-output-buffer-limit",
        &["normal a 0 0", "normal 0 a 0"],
        LIMIT_NUMBER,
    ),
    (
        "client-output-buffer-limit",
        &["normal 0 0 a", "normal 0 0 -1"],
        LIMIT_NUMBER,
    ),
    (
        "client-output-buffer-limit",
        &["normal -1 0 0", "normal 0 0 1.5"],
        LIMIT_NUMBER,
    ),
    (
        "client-output-buffer-limit",
        &["normal 0 0 5x", "normal 0 0 99999999999999999999"],
        LIMIT_NUMBER,
    ),
    ("maxmemory", &["-1", "lots"], NO_MEMORY),
    ("notify-keyspace-events", &["Q", "K E", "kea"], NO_CLASS),
    (
        "list-max-listpack-size",
        &["-2147483649", "2147483648"],
        LIST_SIZE,
    ),
    ("list-max-listpack-size", &["8kb"], NO_INTEGER),
    ("maxmemory-policy", &["allkeys-lru"], NO_EVICTION),
    ("queue", &["no", "x"], IMMUTABLE),
    ("loglevel", &["", "foo", "notice verbose"], LEVELS),
    ("appendonly", &["", "foo"], YES_NO),
    ("daemonize", &["no", "yes", "foo"], IMMUTABLE),
    ("cluster-enabled", &["no"], IMMUTABLE),
    ("databases", &["5"], IMMUTABLE),
    ("unixsocket", &["x"], IMMUTABLE),
    ("unixsocketperm", &["700"], IMMUTABLE),
    ("tcp-backlog", &["5"], IMMUTABLE),
    ("Tcp-Backlog", &["x"], IMMUTABLE),
    ("enable-debug-command", &["yes"], IMMUTABLE),
];

/// Which of several settings the error names, in which letter case, and why. Names are validated
/// before values.
const BLAME: &[(Pairs, &str, &str)] = &[
    (&[(b"MAXCLIENTS", b"-1")], "maxclients", CLIENTS),
    (
        &[(b"timeout", b"-1"), (b"maxclients", b"0")],
        "timeout",
        INT,
    ),
    (
        &[(b"maxclients", b"10"), (b"MAXCLIENTS", b"20")],
        "MAXCLIENTS",
        DUPLICATE,
    ),
    (
        &[(b"maxclients", b"0"), (b"maxclients", b"0")],
        "maxclients",
        DUPLICATE,
    ),
    (
        &[(b"timeout", b"1"), (b"timeout", b"2"), (b"bogus", b"x")],
        "timeout",
        DUPLICATE,
    ),
    (
        &[(b"maxclients", b"0"), (b"daemonize", b"no")],
        "daemonize",
        IMMUTABLE,
    ),
    (
        &[(b"daemonize", b"no"), (b"daemonize", b"no")],
        "daemonize",
        IMMUTABLE,
    ),
];

/// How the error quotes an unknown name.
const UNKNOWN: &[(Pairs, &[u8])] = &[
    (&[(b"foo", b"1")], b"foo"),
    (&[(b"FOO", b"1")], b"FOO"),
    (&[(b"", b"1")], b""),
    (&[(b"maxclients ", b"5")], b"maxclients "),
    (&[(b"a\r\nb\xff", b"1")], b"a  b\xff"),
    (&[(b"a\0b", b"1")], b"a"),
    (&[(b"foo", b"1"), (b"bar", b"2")], b"foo"),
    (&[(b"maxclients", b"0"), (b"foo", b"1")], b"foo"),
    (
        &[(b"timeout", b"1"), (b"bogus", b"x"), (b"timeout", b"2")],
        b"bogus",
    ),
];

fn refused(pairs: &[(&[u8], &[u8])], name: &str, reason: &str) {
    let error = Config::default().set(pairs).unwrap_err();
    let text = format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}");
    assert_eq!(error.to_string(), text, "{pairs:?}");
    assert_eq!(error.wire(), text.as_bytes());
}

#[test]
fn config_set_refuses_in_redis_s_words() {
    for (name, values, reason) in VALUES {
        for value in *values {
            refused(&[(name.as_bytes(), value.as_bytes())], name, reason);
        }
    }
    for (pairs, name, reason) in BLAME {
        refused(pairs, name, reason);
    }
    for (pairs, name) in UNKNOWN {
        let text = b"ERR Unknown option or number of arguments for CONFIG SET - '";
        let wire = Config::default().set(pairs).unwrap_err().wire();
        assert_eq!(wire, [text, *name, b"'"].concat(), "{pairs:?}");
    }
}

/// fanfare refuses these where Redis would accept them.
#[test]
fn config_set_says_why_a_setting_stays() {
    let no_disk = "fanfare keeps nothing on disk, so";
    refused(
        &[(b"save", b"900 1")],
        "save",
        &format!("{no_disk} 'save' can only be ''"),
    );
    refused(
        &[(b"appendonly", b"yes")],
        "appendonly",
        &format!("{no_disk} 'appendonly' can only be 'no'"),
    );
    refused(&[(b"port", b"0")], "port", IMMUTABLE);
    refused(&[(b"bind", b"*")], "bind", IMMUTABLE);
}
