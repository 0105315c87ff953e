//! The table's consistency, each source of settings, and the errors.

use std::ffi::OsString;
use std::time::Duration;

use super::*;

mod files;

/// Reads the settings from these arguments, variables, and standard input.
fn start(args: &[&str], env: &[(&str, &str)], stdin: &str) -> Result<Start, String> {
    let args = ["fanfare"].iter().chain(args).map(OsString::from);
    let env = env.iter().map(|(name, value)| (name.into(), value.into()));
    from_args(args, env, &mut stdin.as_bytes()).map_err(|errors| errors.to_string())
}

fn config(args: &[&str], env: &[(&str, &str)], stdin: &str) -> Config {
    match start(args, env, stdin) {
        Ok(Start::Serve(config)) => *config,
        other => panic!("{other:?}"),
    }
}

/// All settings with their values, as CONFIG GET prints them.
fn all(config: &Config) -> Vec<(&'static str, String)> {
    let printed = config.get_matching(&["*"], |_, _| true);
    printed
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8(value).unwrap()))
        .collect()
}

fn get(config: &Config, name: &str) -> String {
    let found = all(config).into_iter().find(|(other, _)| *other == name);
    found.unwrap().1
}

#[test]
fn names_are_unique_lower_case_and_stand_with_their_group() {
    let mut names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    assert!(names.iter().all(|name| *name == name.to_ascii_lowercase()));
    assert!(SETTINGS.is_sorted_by_key(|setting| setting.group));
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn every_default_is_accepted_and_reads_back_as_printed() {
    let default = all(&Config::default());
    let mut again = Config::blank();
    for (name, value) in &default {
        again.apply(name, &[value]).unwrap();
    }
    assert_eq!(all(&again), default);
    assert_eq!(again, Config::default());
}

#[test]
fn defaults_are_redis_s() {
    let config = Config::default();
    assert_eq!(config.bind, ["127.0.0.1"]);
    assert_eq!(
        (config.port, config.tcp_backlog, config.maxclients),
        (6379, 511, 10000)
    );
    assert_eq!(
        (config.timeout, config.tcp_keepalive),
        (None, Some(Duration::from_secs(300)))
    );
    assert_eq!(
        (config.proto_max_bulk_len, config.client_query_buffer_limit),
        (512 << 20, 1 << 30)
    );
    let pubsub = OutputLimit {
        hard: 32 << 20,
        soft: 8 << 20,
        soft_seconds: 60,
    };
    assert_eq!(config.client_output_buffer_limit.pubsub, pubsub);
    assert_eq!(
        get(&config, "client-output-buffer-limit"),
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"
    );
    assert_eq!(
        (config.unixsocket.clone(), config.unixsocketperm),
        (None, 0)
    );
    assert_eq!((config.loglevel, config.databases), (LogLevel::Notice, 16));
    assert_eq!(get(&config, "save"), "");
}

#[test]
fn every_setting_is_in_the_help() {
    let Ok(Start::Print(help)) = start(&["--help"], &[], "") else {
        panic!()
    };
    for setting in SETTINGS {
        assert!(
            help.contains(&format!("--{} <", setting.name)),
            "{}",
            setting.name
        );
        assert!(
            help.contains(&format!("[env: {}]", setting.env_name())),
            "{}",
            setting.name
        );
        let longest = setting.help().lines().map(str::len).max();
        assert!(
            longest > Some(10) && longest <= Some(95),
            "{}",
            setting.name
        );
    }
    let Ok(Start::Print(short)) = start(&["-h"], &[], "") else {
        panic!()
    };
    assert!(short.lines().count() < help.lines().count() / 2);
    for setting in SETTINGS {
        let flag = format!("  --{} <{}>", setting.name, setting.syntax);
        let line = short.lines().find(|line| line.starts_with(&flag));
        assert!(
            line.is_some_and(|line| line.ends_with(setting.default)),
            "{flag}"
        );
    }
    for flag in ["-v", "-V", "--version"] {
        let Ok(Start::Print(version)) = start(&[flag], &[], "") else {
            panic!()
        };
        assert_eq!(
            version,
            concat!("fanfare ", env!("CARGO_PKG_VERSION"), "\n")
        );
    }
}

#[test]
fn flags_override_the_environment_which_overrides_the_file() {
    let env = [
        ("FANFARE_PORT", "2"),
        ("FANFARE_MAXCLIENTS", "2"),
        ("FANFARE_BIND", "::1 ::2"),
    ];
    let file = "port 1\nmaxclients 1\ntimeout 1\nbind 1.1.1.1";
    let config = config(&["-", "--port", "3"], &env, file);
    assert_eq!((config.port, config.maxclients), (3, 2));
    assert_eq!(config.timeout, Some(Duration::from_secs(1)));
    assert_eq!(config.bind, ["::1", "::2"]);
    assert_eq!(config.databases, 16);
}

#[test]
fn the_command_line_is_redis_server_s() {
    let ways: &[(&[&str], &str, &str)] = &[
        (&["--port", "7000"], "port", "7000"),
        (&["--port=7000"], "port", "7000"),
        (&["--PORT", "7000"], "port", "7000"),
        (&["--port", "1", "--port", "2"], "port", "2"),
        (&["--bind", "*", "-::*", "--port", "1"], "bind", "* -::*"),
        (&["--bind", "-::1"], "bind", "-::1"),
        (&["--bind=-::1", "127.0.0.1"], "bind", "-::1 127.0.0.1"),
        (&["--bind", "a b", "c"], "bind", "a b c"),
        (&["--save", ""], "save", ""),
        (&["--save="], "save", ""),
        (&["--requirepass", "a b=c,d"], "requirepass", "a b=c,d"),
        (&["--unixsocketperm", "770"], "unixsocketperm", "770"),
        (&["--loglevel", "VERBOSE"], "loglevel", "verbose"),
        (
            &["--proto-max-bulk-len", "2m"],
            "proto-max-bulk-len",
            "2000000",
        ),
        (&["--bind", "", "--unixsocket", "/s"], "bind", ""),
        // `--save` alone means an empty value. What follows it is another setting.
        (&["--save"], "save", ""),
        (&["--save", "--loglevel", "verbose"], "loglevel", "verbose"),
        (&["--port", "1", "--save"], "port", "1"),
        // A name and its value in one argument, like a line of the file.
        (&["--port 7000"], "port", "7000"),
        (&["--port 7000", "--timeout 3"], "port", "7000"),
        (&["--bind ::1", "127.0.0.1"], "bind", "::1 127.0.0.1"),
        (&["--requirepass 'a  \"b'"], "requirepass", "a  \"b"),
        // The argument after a name is its value, even if it looks like a flag.
        (&["--requirepass", "--secret"], "requirepass", "--secret"),
        (&["--requirepass", "--port 1"], "requirepass", "--port 1"),
        (
            &["--requirepass", "--help", "--port", "1"],
            "requirepass",
            "--help",
        ),
        (&["--requirepass=--secret=1"], "requirepass", "--secret=1"),
    ];
    for (args, name, value) in ways {
        assert_eq!(get(&config(args, &[], ""), name), *value, "{args:?}");
    }
    let limits = "normal 0 0 0 slave 1 2 3 pubsub 4 5 6";
    let name = "client-output-buffer-limit";
    let flag = "--client-output-buffer-limit";
    for args in [
        &[flag, "replica 1 2 3 pubsub 4 5 6"] as &[&str],
        &[flag, "replica", "1", "2", "3", "pubsub", "4", "5", "6"],
        &[flag, "replica", "1", "2", "3", flag, "pubsub 4 5 6"],
    ] {
        assert_eq!(get(&config(args, &[], ""), name), limits, "{args:?}");
    }
}

#[test]
fn standard_input_is_read_behind_a_file_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a.conf");
    std::fs::write(&path, "port 1\ntimeout 1").expect("a file");
    let path = path.to_str().expect("text");
    let config = config(&[path, "--databases", "3", "-"], &[], "port 2");
    assert_eq!((config.port, config.databases), (2, 3));
    assert_eq!(config.timeout, Some(Duration::from_secs(1)));
}

/// Kubernetes sets these variables in every container for services of these names.
#[test]
fn variables_of_a_kubernetes_service_named_fanfare_are_ignored() {
    for service in ["FANFARE", "FANFARE_TLS", "FANFARE_0"] {
        let url = "tcp://10.0.0.1:6379";
        let named = |suffix: &str| format!("{service}_{suffix}");
        let variables = [
            (named("SERVICE_HOST"), "10.0.0.1"),
            (named("SERVICE_PORT"), "6379"),
            (named("SERVICE_PORT_REDIS"), "6379"),
            (named("PORT"), url),
            (named("PORT_6379_TCP"), url),
            (named("PORT_6379_TCP_PROTO"), "tcp"),
            (named("PORT_6379_TCP_PORT"), "6379"),
            (named("PORT_6379_TCP_ADDR"), "10.0.0.1"),
        ];
        let env: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (&**name, *value))
            .collect();
        assert_eq!(config(&[], &env, ""), config(&[], &[], ""), "{service}");
    }
}

#[test]
fn a_variable_that_is_no_setting_is_refused() {
    for (name, hint) in [
        (
            "FANFARE_REQUIRE_PASS",
            "; did you mean 'FANFARE_REQUIREPASS'?",
        ),
        ("FANFARE_USERS", "; did you mean 'FANFARE_USER'?"),
        ("FANFARE_", ""),
        ("FANFARE_QQQQQQQQ", ""),
        ("FANFARE_PORTS", "; did you mean 'FANFARE_PORT'?"),
        ("FANFARE_PORT_6379_TCP_NAME", ""),
    ] {
        let error = start(&[], &[(name, "x")], "").unwrap_err();
        assert_eq!(
            error,
            format!("fanfare: environment {name}: no setting has this variable{hint}")
        );
    }
    assert_eq!(
        config(&[], &[("FANFAREX", "1"), ("PORT", "1")], "").port,
        6379
    );
}

#[test]
fn a_bad_value_is_one_line_that_names_the_setting_and_its_source() {
    const COUNT: &str = "wrong number of arguments";
    const PORTS: &str = "argument must be between 0 and 65535 inclusive";
    const PERMS: &str = "argument must be between 0 and 777 inclusive";
    const DEBUG: &str = "argument(s) must be one of the following: no, yes, local";
    const TOO_MANY: &str = "Too many bind addresses specified.";
    const SAVE: &str = "fanfare keeps nothing on disk, so 'save' can only be ''";
    const DAEMON: &str = "fanfare stays in the foreground, so 'daemonize' can only be 'no'";
    let cases: &[(&str, &[&str], &str)] = &[
        ("port", &["1", "2"], COUNT),
        (
            "port",
            &["x"],
            "argument couldn't be parsed into an integer",
        ),
        ("port", &["-1"], PORTS),
        ("port", &["65536"], PORTS),
        ("unixsocketperm", &["1000"], PERMS),
        ("unixsocketperm", &["-1"], PERMS),
        (
            "unixsocketperm",
            &["8"],
            "argument couldn't be parsed as an octal number",
        ),
        ("enable-debug-command", &["x"], DEBUG),
        (
            "bind",
            &["1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"],
            TOO_MANY,
        ),
        ("save", &["900", "1"], SAVE),
        ("daemonize", &["yes"], DAEMON),
        ("daemonize", &["x"], "argument must be 'yes' or 'no'"),
        ("requirepass", &["a", "b"], COUNT),
        ("protected-mode", &["x"], "argument must be 'yes' or 'no'"),
    ];
    for (name, words, reason) in cases {
        let refused = |source: &str| format!("fanfare: {source}: bad value for '{name}': {reason}");

        let mut args = vec![format!("--{name}")];
        args.extend(words.iter().map(|word| word.to_string()));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        assert_eq!(start(&args, &[], "").unwrap_err(), refused("command line"));

        let file = format!("\n{name} '{}'", words.join("' '"));
        assert_eq!(
            start(&["-"], &[], &file).unwrap_err(),
            refused("standard input:2")
        );

        if let [word] = words {
            let variable = Setting::find(name.as_bytes()).unwrap().env_name();
            let error = start(&[], &[(&variable, word)], "").unwrap_err();
            assert_eq!(error, refused(&format!("environment {variable}")));
        }
    }
}

#[test]
fn what_cannot_be_read_is_one_line_too() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&["-"], "\nfoo 1", "standard input:2: unknown setting 'foo'"),
        (&["-"], "port \"1", "standard input:1: unbalanced quotes"),
        (
            &["-"],
            "include",
            "standard input:1: 'include' takes one path, in UTF-8",
        ),
        (
            &["-"],
            "port",
            "standard input:1: bad value for 'port': wrong number of arguments",
        ),
        (
            &["-"],
            "bind",
            "standard input:1: bad value for 'bind': wrong number of arguments",
        ),
        (
            &["-"],
            r#"bind "\xff""#,
            "standard input:1: bad value for 'bind': argument must be UTF-8 text",
        ),
        (&["--foo", "1"], "", "command line: unknown setting 'foo'"),
        (&["--fo\no=1"], "", "command line: unknown setting 'fo\\no'"),
        (
            &["--port", "--bind", "::1"],
            "",
            "command line: bad value for 'port': wrong number of arguments",
        ),
        (
            &["-", "b"],
            "",
            "command line: unexpected argument 'b' (see fanfare --help)",
        ),
        (
            &["-x"],
            "",
            "command line: unexpected argument '-x' (see fanfare --help)",
        ),
        (
            &["--", "1"],
            "",
            "command line: unexpected argument '--' (see fanfare --help)\nfanfare: command line: \
             unexpected argument '1' (see fanfare --help)",
        ),
        (&["--requirepass 'a"], "", "command line: unbalanced quotes"),
        (
            &["--bind", ""],
            "",
            "settings: 'bind' is empty and 'unixsocket' is not set, so there is nothing to listen on",
        ),
    ];
    for (args, stdin, message) in cases {
        let error = start(args, &[], stdin).unwrap_err();
        assert_eq!(error, format!("fanfare: {message}"), "{args:?} {stdin:?}");
    }
}

#[test]
fn users_add_up_and_are_no_setting() {
    let file = "user a on +get\nuser \"b\" on >x (+get ~a)";
    let config = config(
        &["-", "--user", "c", "nopass", "--user", "d off"],
        &[("FANFARE_USER", "e on\n\n  f off >x\n")],
        file,
    );
    assert_eq!(config.users.lines().len(), 6);
    assert!(Setting::find(b"user").is_none());
    assert!(config.set(&[(b"user", b"x on")]).is_err());
}

#[test]
fn a_password_is_in_no_debug_print_and_no_error() {
    let config = Config::default()
        .set(&[(b"requirepass", b"hunter2")])
        .unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    let error = start(&["--requirepass", "hunter2", "hunter3"], &[], "").unwrap_err();
    assert!(!error.contains("hunter"), "{error}");
    let users = start(&["--user", "u", "on", ">hunter2"], &[], "").unwrap();
    assert!(!format!("{users:?}").contains("hunter2"));
}
