//! Configuration files, includes, and errors in files.

use super::*;

#[test]
fn a_file_reads_as_redis_conf_does() {
    let file = "# comment\r\n\r\n  PORT 7000\r\n\tport 7001\nrequirepass \"a\\x20\\\"b\"\nsave \"\"\n\
                client-output-buffer-limit normal 1kb 1k 1\n\
                client-output-buffer-limit pubsub 2 2 2\nbind 127.0.0.1 '-::1'";
    let config = config(&["-"], &[], file);
    assert_eq!(config.port, 7001);
    assert_eq!(config.requirepass.as_bytes(), b"a \"b");
    assert_eq!(config.bind, ["127.0.0.1", "-::1"]);
    let limits = config.client_output_buffer_limit;
    assert_eq!(
        (limits.normal.hard, limits.normal.soft, limits.pubsub.hard),
        (1024, 1000, 2)
    );
    assert_eq!(limits.replica.hard, 256 << 20);
}

#[test]
fn a_file_includes_others_but_not_without_end() {
    let dir = std::env::temp_dir().join(format!("fanfare-config-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let (outer, inner, circle) = (path("outer.conf"), path("inner.conf"), path("circle.conf"));
    std::fs::write(&outer, format!("port 1\ninclude \"{inner}\"\ntimeout 5\n")).unwrap();
    std::fs::write(&circle, format!("include {circle}")).unwrap();

    std::fs::write(&inner, "port 2\nrequirepass \"\\xff\"").unwrap();
    let config = config(&[&outer], &[], "");
    assert_eq!(
        (config.port, config.timeout),
        (2, Some(Duration::from_secs(5)))
    );
    assert_eq!(config.requirepass.as_bytes(), b"\xff");

    let circles = path("circles.conf");
    std::fs::write(&circles, format!("include {circles}\n").repeat(9)).unwrap();
    std::fs::write(&inner, "\nfoo 2").unwrap();
    let refused = |file: &str| start(&[file], &[], "").unwrap_err();
    assert_eq!(
        refused(&outer),
        format!("fanfare: {inner}:2: unknown setting 'foo'")
    );
    std::fs::remove_file(&inner).unwrap();
    let missing = refused(&outer);
    assert!(
        missing.starts_with(&format!("fanfare: {outer}:2: can't read '{inner}': ")),
        "{missing}"
    );
    assert_eq!(
        refused(&circle),
        format!("fanfare: {circle}:1: 'include' goes deeper than 16 files")
    );
    assert_eq!(refused(&circles).lines().count(), 1);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn an_include_with_a_pattern_reads_all_that_match_in_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let at = |name: &str| dir.path().join(name).to_str().expect("text").to_owned();
    for (name, content) in [
        ("20-b.conf", "port 20"),
        ("10-a.conf", "port 10\ntimeout 10"),
        ("30-c.txt", "port 30"),
        (".hidden.conf", "port 40"),
    ] {
        std::fs::write(at(name), content).expect("a file");
    }
    let read = |pattern: &str| config(&["-"], &[], &format!("port 1\ninclude {}", at(pattern)));
    let all = read("*.conf");
    assert_eq!((all.port, all.timeout), (20, Some(Duration::from_secs(10))));
    assert_eq!(read("?0-a.conf").port, 10);
    assert_eq!(read("[23]*").port, 30);
    assert_eq!(read("*.none").port, 1);
    assert_eq!(read("none/*.conf").port, 1);
    std::fs::create_dir(at("40-d.conf")).expect("a directory");
    let file = format!("include {}", at("*.conf"));
    let error = start(&["-"], &[], &file).unwrap_err();
    let start = format!(
        "fanfare: standard input:1: can't read '{}': ",
        at("40-d.conf")
    );
    assert!(error.starts_with(&start), "{error}");
}

#[test]
fn the_last_of_several_values_of_a_setting_applies() {
    let config = config(
        &["-", "--timeout", "1", "--databases", "2", "--timeout", "3"],
        &[],
        "port 1\nbind ::1 ::2\nport 2\nbind 127.0.0.1",
    );
    assert_eq!(
        (config.port, &config.bind[..]),
        (2, &["127.0.0.1".to_owned()][..])
    );
    assert_eq!(config.timeout, Some(Duration::from_secs(3)));
}

/// The file is made of extracts from Debian's /etc/redis/redis.conf.
#[test]
fn all_errors_are_reported_at_once() {
    let file = "bind 127.0.0.1 -::1\nport 6379\ndaemonize yes\npidfile /run/redis.pid\n\
                logfile /var/log/redis.log\ndatabases 16\nrename-command FLUSHALL \"\"\n\
                appendonly no\ndbfilename dump.rdb\nmaxcleints 5\nport many\nrepl-timeout 5000";
    let errors = start(&["-", "--timeuot", "1"], &[("FANFARE_PROT", "1")], file).unwrap_err();
    let expected = [
        "standard input:3: bad value for 'daemonize': fanfare stays in the foreground, so 'daemonize' can only be 'no'",
        "standard input:4: fanfare does not have Redis's setting 'pidfile'",
        "standard input:7: 'rename-command' is not supported; rules of users (-flushall) keep commands from clients",
        "standard input:9: fanfare does not have Redis's setting 'dbfilename'",
        "standard input:10: unknown setting 'maxcleints'; did you mean 'maxclients'?",
        "standard input:11: bad value for 'port': argument couldn't be parsed into an integer",
        "standard input:12: fanfare does not have Redis's setting 'repl-timeout'",
        "environment FANFARE_PROT: no setting has this variable; did you mean 'FANFARE_PORT'?",
        "command line: unknown setting 'timeuot'; did you mean 'timeout'?",
    ];
    let expected = expected.map(|line| format!("fanfare: {line}"));
    assert_eq!(errors.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_names_that_only_redis_has_are_none_of_ours() {
    for setting in SETTINGS {
        assert!(!redis_only::has(setting.name), "{}", setting.name);
    }
    assert!(redis_only::has("AppendFsync") && !redis_only::has("nosuch"));
}

#[test]
fn a_password_comes_from_a_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("secret");
    let path = path.to_str().expect("text");
    let read = |content: &str| {
        std::fs::write(path, content).expect("a file");
        start(
            &["--requirepass", "other"],
            &[("FANFARE_REQUIREPASS_FILE", path)],
            "",
        )
    };
    for content in ["sesame \"1\"", "sesame \"1\"\n", "sesame \"1\"\r\nmore"] {
        let Ok(Start::Serve(config)) = read(content) else {
            panic!()
        };
        assert_eq!(config.requirepass.as_bytes(), b"sesame \"1\"");
    }
    // An empty password would leave the server open.
    for content in ["", "\n", "\nsesame"] {
        assert_eq!(
            read(content).unwrap_err(),
            format!(
                "fanfare: settings: can't take the password from '{path}': its first line is empty"
            )
        );
    }
    std::fs::remove_file(path).expect("it is there");
    let error = start(&["--requirepass-file", path], &[], "").unwrap_err();
    assert!(error.starts_with(&format!(
        "fanfare: settings: can't take the password from '{path}': "
    )));
}
