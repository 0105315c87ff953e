//! Tests of the rules, their description, requests, the log and files, without a server.

use bytes::Bytes;

use super::file::{FileErrors, load, parse, save};
use super::log::{Log, LogContext, LogEntry};
use super::request::{Denial, Reason, Request};
use super::rules::{RuleError, Unmatched, merge_selectors, without_secret};
use super::user::{PasswordHash, User};
use super::{Acl, redis_only};
use crate::catalog::CATALOG;
use crate::catalog::categories::Categories;

fn user(rules: &str) -> User {
    let mut user = User::new(Bytes::from_static(b"u"), false);
    for rule in merge_selectors(&words(rules)).unwrap() {
        user.apply(&rule, false).unwrap();
    }
    user
}

fn words(text: &str) -> Vec<&[u8]> {
    let words = text.split(' ').filter(|word| !word.is_empty());
    words.map(str::as_bytes).collect()
}

fn described(rules: &str) -> String {
    String::from_utf8(user(rules).describe()).unwrap()
}

fn refused(rules: &str) -> RuleError {
    let mut user = User::new(Bytes::from_static(b"u"), false);
    let mut rules = words(rules).into_iter();
    rules
        .find_map(|rule| user.apply(rule, false).err())
        .expect("a rule that is refused")
}

/// What a user with these rules is denied in a request: the argument, or the command's full name.
fn lacks(rules: &str, request: &str) -> Option<(Reason, String)> {
    let words = words(request);
    let command = CATALOG.find_request(&words).unwrap();
    let denial = user(rules)
        .permit(&Request::new(command, words.clone()))
        .err()?;
    let Denial { reason, index } = denial;
    let name = match reason {
        Reason::Command => command.full_name.clone(),
        _ => String::from_utf8(words[index].to_vec()).unwrap(),
    };
    Some((reason, name))
}

#[test]
fn redis_only_commands_are_named_once_and_in_known_categories() {
    let mut names = Vec::new();
    for (categories, commands) in redis_only::REDIS_ONLY {
        Categories::named(categories.split(' '));
        names.extend(commands.split(' '));
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(names.iter().all(|name| !name.trim().is_empty()));
}

#[test]
fn rules_are_described_as_redis_describes_them() {
    let cases = [
        ("", "user u off sanitize-payload resetchannels -@all"),
        (
            "on nopass allkeys allchannels allcommands",
            "user u on nopass sanitize-payload ~* &* +@all",
        ),
        (
            "+@list +get",
            "user u off sanitize-payload resetchannels -@all +@list +get",
        ),
        (
            "+@all -@admin -get",
            "user u off sanitize-payload resetchannels +@all -@admin -get",
        ),
        (
            "+@all -@scripting",
            "user u off sanitize-payload resetchannels +@all -@scripting",
        ),
        (
            "+config -config|set",
            "user u off sanitize-payload resetchannels -@all +config -config|set",
        ),
        (
            "-@all +get -get",
            "user u off sanitize-payload resetchannels -@all -get",
        ),
        (
            "+@all -get +get",
            "user u off sanitize-payload resetchannels +@all +get",
        ),
        (
            "+GET +@List -@READ +get +@list",
            "user u off sanitize-payload resetchannels -@all -@read +get +@list",
        ),
        (
            "+config|get +config -config|set",
            "user u off sanitize-payload resetchannels -@all +config -config|set",
        ),
        (
            "+config|get +config|set +getdel +debug -config -get",
            "user u off sanitize-payload resetchannels -@all +getdel +debug -config -get",
        ),
        (
            "+get +get|X +@admin -@all +set",
            "user u off sanitize-payload resetchannels -@all +set",
        ),
        (
            "+get +get|X",
            "user u off sanitize-payload resetchannels -@all +get +get|x",
        ),
        (
            "+select|0 +select|0 +SELECT|x",
            "user u off sanitize-payload resetchannels -@all +select|0 +select|x",
        ),
        (
            "+select|0 -select",
            "user u off sanitize-payload resetchannels -@all -select",
        ),
        (
            "%R~a %W~a %R~b %rw~c %R",
            "user u off sanitize-payload ~a %R~b ~c %R~ resetchannels -@all",
        ),
        (
            "%R~* %W~* ~x",
            "user u off sanitize-payload %RW~* ~x resetchannels -@all",
        ),
        (
            "&a &a &b",
            "user u off sanitize-payload resetchannels &a &b -@all",
        ),
        (
            "(+get ~a) (&x )",
            "user u off sanitize-payload resetchannels -@all (~a resetchannels -@all +get) (resetchannels &x -@all)",
        ),
        (
            "(+get) clearselectors sanitize-payload",
            "user u off sanitize-payload resetchannels -@all",
        ),
        (
            "on nopass ~* +@all (+get) skip-sanitize-payload reset",
            "user u off sanitize-payload resetchannels -@all",
        ),
    ];
    for (rules, shown) in cases {
        assert_eq!(described(rules), shown, "{rules}");
    }
}

/// The commands that a user with these rules may use, apart from keys and channels.
fn allowed(rules: &str) -> Vec<&'static str> {
    let user = user(&format!("~* &* {rules}"));
    let entries = CATALOG.commands_and_subcommands();
    let allowed = entries.filter(|command| user.permit(&Request::new(command, Vec::new())).is_ok());
    allowed.map(|command| command.full_name.as_str()).collect()
}

#[test]
fn rules_may_name_what_only_redis_has() {
    let cases = [
        ("+hget -eval", "-@all +hget -eval"),
        (
            "+client|tracking +XINFO -xinfo|stream",
            "-@all +client|tracking +xinfo -xinfo|stream",
        ),
        (
            "+@all -eval -cluster +cluster|info",
            "+@all -eval -cluster +cluster|info",
        ),
        ("+hget|Field -waitaof", "-@all +hget|field -waitaof"),
        (
            "+waitaof +cluster|myshardid",
            "-@all +waitaof +cluster|myshardid",
        ),
        ("+@all -@hash +hget", "+@all -@hash +hget"),
    ];
    for (rules, shown) in cases {
        let once = described(rules);
        assert!(once.ends_with(shown), "{rules}: {once}");
        let again = described(once.strip_prefix("user u ").unwrap_or(&once));
        assert_eq!(again, once);
    }
}

#[test]
fn what_is_described_allows_the_same() {
    for command in CATALOG.commands_and_subcommands() {
        for rules in [
            format!("+{}", command.full_name),
            format!("+@all -{}", command.full_name),
            format!("+@read -@slow +{}", command.full_name),
            format!("-@all +@write -@list -{}", command.full_name),
        ] {
            let shown = String::from_utf8(user(&rules).root().describe_commands()).unwrap();
            assert_eq!(allowed(&shown), allowed(&rules), "{rules} became {shown}");
        }
    }
}

#[test]
fn a_selector_with_quotes_or_parentheses_in_its_patterns_is_read_back() {
    for rules in [
        r#"("~a)" +get)"#,
        r#"('~a"b' +get)"#,
        r#"("~a'b'c" "&\"")"#,
        r"(+select|) ~(a\)",
    ] {
        let mut user = User::new(Bytes::from_static(b"u"), false);
        user.apply(rules.as_bytes(), false).unwrap();
        let line = user.describe();
        let read = parse("f", &line, false).unwrap().remove(0);
        assert_eq!(read.selectors(), user.selectors(), "{rules}");
        assert_eq!(read.describe(), line);
    }
}

#[test]
fn wrong_rules_are_refused_for_what_is_wrong() {
    use RuleError::*;
    let cases = [
        ("nosuch", Syntax),
        ("%", Syntax),
        ("%~a", Syntax),
        ("%RR~a", Syntax),
        (")", Syntax),
        ("(on)", Syntax),
        ("+", UnknownName),
        ("+nosuch", UnknownName),
        ("+hgets", UnknownName),
        ("+cluster|nosuch", UnknownName),
        ("+cluster|info|x", FirstArgOfSubcommand),
        ("-hget|x", UnknownName),
        ("-@nosuch", UnknownName),
        ("+config|nosuch", UnknownName),
        ("+get|", Syntax),
        ("+config|get|x", FirstArgOfSubcommand),
        ("-select|0", UnknownName),
        ("~* ~x", AfterAllKeys),
        ("&* &x", AfterAllChannels),
        ("<x", NoSuchPassword),
        ("#x", BadHash),
        ("!x", BadHash),
    ];
    for (rules, error) in cases {
        assert_eq!(refused(rules), error, "{rules}");
    }
    let mut user = User::new(Bytes::new(), false);
    for rule in [
        b"~a b".as_slice(),
        b"&a\tb",
        b"~\0",
        b"&\x0b",
        b"+select|0 ~*",
        b"+select|0\nuser x on",
    ] {
        assert_eq!(user.apply(rule, false), Err(Syntax), "{rule:?}");
    }
}

#[test]
fn selectors_are_put_together_from_words() {
    let merged = |text: &str| merge_selectors(&text.split(' ').collect::<Vec<_>>());
    let words = |words: &[&str]| Ok(words.iter().map(|word| word.as_bytes().to_vec()).collect());
    assert_eq!(
        merged("on (+get ~a) off"),
        words(&["on", "(+get ~a)", "off"])
    );
    assert_eq!(merged("(a  b) ()"), words(&["(a  b)", "()"]));
    assert_eq!(merged("a (b"), Err(Unmatched(1)));
    assert_eq!(merged("("), Err(Unmatched(0)));
}

#[test]
fn no_error_shows_a_password() {
    assert_eq!(without_secret(b"<hunter2"), "<(hidden)");
    assert_eq!(without_secret(b"+nosuch\n"), "+nosuch\\n");
    let hash = PasswordHash::of(b"hunter2");
    assert_eq!(format!("{hash:?}"), "(hidden)");
}

#[test]
fn passwords_open_only_what_is_enabled() {
    let admits = |rules: &str, password: &[u8]| user(rules).admits(&PasswordHash::of(password));
    assert!(admits("on >a >b", b"a") && admits("on >a >b", b"b"));
    assert!(!admits("on >a >b", b"c") && !admits("on >a", b""));
    assert!(!admits("off >a", b"a") && !admits("on", b""));
    assert!(admits("on nopass", b"any") && !admits("off nopass", b"any"));
    assert!(!admits("on >a <a", b"a") && !admits("on nopass >a", b"b"));
    let sha = "on #2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    assert!(admits(sha, b"secret"));
    assert!(user("on nopass").is_open() && !user("nopass").is_open() && !user("on >a").is_open());
}

#[test]
fn a_request_needs_its_command_its_keys_and_its_channels() {
    let key = |name: &str| Some((Reason::Key, name.to_owned()));
    let channel = |name: &str| Some((Reason::Channel, name.to_owned()));
    let command = |name: &str| Some((Reason::Command, name.to_owned()));
    let rules = "+@all -get ~a* %R~r* %W~w* &c* &p?";
    let cases = [
        ("get a", command("get")),
        ("set a 1", None),
        ("set b 1", key("b")),
        ("set r 1", key("r")),
        ("set w 1", None),
        ("set w 1 get", key("w")),
        ("strlen r", None),
        ("strlen w", None),
        ("get w", command("get")),
        ("getrange w 0 1", key("w")),
        ("mset a 1 b 2", key("b")),
        ("copy r w", None),
        ("copy w r", key("w")),
        ("lmpop 2 a b left", key("b")),
        ("exists z", key("z")),
        ("exists w", None),
        ("sort r store w", None),
        ("keys *", None),
        ("publish c1 x", None),
        ("publish d x", channel("d")),
        ("spublish d x", channel("d")),
        ("subscribe c d", channel("d")),
        ("ssubscribe c1 c2", None),
        ("psubscribe c*", None),
        ("psubscribe c1", channel("c1")),
        ("psubscribe p?", None),
        ("unsubscribe z", None),
        ("auth x", None),
    ];
    for (request, denied) in cases {
        assert_eq!(lacks(rules, request), denied, "{request}");
    }
    assert_eq!(lacks("", "auth x"), None);
    assert_eq!(lacks("", "client id"), command("client|id"));
    assert_eq!(lacks("+select|1", "select 1"), None);
    assert_eq!(lacks("+select|1", "select 2"), command("select"));
}

#[test]
fn one_selector_must_allow_all_of_a_request() {
    let rules = "+get ~a (+set ~b) (+publish &c)";
    assert_eq!(lacks(rules, "get a"), None);
    assert_eq!(lacks(rules, "set b 1"), None);
    assert_eq!(lacks(rules, "get b"), Some((Reason::Key, "b".to_owned())));
    assert_eq!(
        lacks(rules, "publish d x"),
        Some((Reason::Channel, "d".to_owned()))
    );
    assert_eq!(
        lacks(rules, "del a"),
        Some((Reason::Command, "del".to_owned()))
    );
    assert!(!user("+@all ~* (&*)").is_unrestricted());
    assert!(user("(+@all ~* &*)").is_unrestricted());
    assert!(!user("+@all ~* &* -get").is_unrestricted());
}

#[test]
fn channels_are_narrowed_when_a_pattern_goes() {
    let narrows = |after: &str, before: &str| user(after).narrows_channels_of(&user(before));
    assert!(narrows("", "&a") && narrows("&a", "&*") && narrows("&a", "&b"));
    assert!(!narrows("&*", "&a") && !narrows("&a &b", "&a") && !narrows("(&a)", "&a"));
    assert!(!narrows("(&*)", "&*"));
}

#[test]
fn what_is_alike_within_a_minute_is_one_entry_of_the_log() {
    let mut log = Log::default();
    let command = |object: &str| {
        let client = "é".repeat(object.len());
        LogEntry::new(
            Reason::Key,
            LogContext::TopLevel,
            object.as_bytes(),
            b"u",
            &client,
        )
    };
    let counts = |log: &Log| {
        let entries = log.latest(100).into_iter();
        let counts =
            entries.map(|command| (String::from_utf8(command.object).unwrap(), command.count));
        counts.collect::<Vec<_>>()
    };
    for object in ["a", "b", "a"] {
        log.add(command(object), 128);
    }
    assert_eq!(counts(&log), [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    let mut later = command("b");
    later.last += std::time::Duration::from_secs(61);
    log.add(later, 128);
    assert_eq!(counts(&log).len(), 3);
    log.add(command("c"), 2);
    assert_eq!(counts(&log).len(), 2);
    assert_eq!(log.latest(1).len(), 1);
    let long = command(&"x".repeat(1 << 20));
    for capacity in [
        long.object.capacity(),
        long.user.capacity(),
        long.client.capacity(),
    ] {
        assert!(capacity <= 16 * 1024, "{capacity} bytes are kept");
    }
    log.add(long, 2);
    let latest = log.latest(1).remove(0);
    assert_eq!(
        (latest.object.len(), latest.client.len()),
        (16 * 1024, 16 * 1024)
    );
    log.reset();
    assert!(log.latest(10).is_empty());
}

#[test]
fn a_file_is_right_as_a_whole_or_tells_all_that_is_wrong() {
    let good = b"# who may do what\nuser alice on +@all\n\n  user bob off\r\n  #user carol on\n#";
    let names =
        |users: Vec<User>| -> Vec<Bytes> { users.into_iter().map(|user| user.name).collect() };
    assert_eq!(
        names(parse("f", good, false).unwrap()),
        ["alice", "bob", "default"]
    );
    let bad =
        b"user a on +nosuch ~* ~x -nope &* &x\ncomment\nuser\nuser b \"x on\nuser a on\nuser  d\n\
                user e (+get\nuser \tf on\n";
    let FileErrors(errors) = parse("f", bad, false).unwrap_err();
    let expected = "f:1: Error in applying operation '+nosuch': Unknown command or category name in ACL. \
        f:1: Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have \
        any effect. Try 'resetkeys' to start with an empty list of patterns. \
        f:1: Error in applying operation '-nope': Unknown command or category name in ACL. \
        f:2 should start with user keyword followed by the username. \
        f:3 should start with user keyword followed by the username. \
        f:4: Syntax error. \
        WARNING: Duplicate user 'a' found on line 5. \
        f:6: Syntax error. \
        f:7: Unmatched parenthesis in selector definition.\
        'f:8: username '\tf' contains invalid characters. \
        WARNING: ACL errors detected, no change to the previously active ACL rules was performed";
    assert_eq!(String::from_utf8(errors).unwrap(), expected);
}

#[test]
fn a_file_is_replaced_as_a_whole_and_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("users");
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    let users = [
        user("on >a ~x +get (+set ~y)"),
        User::unrestricted_default(),
    ];
    save(&path, users.iter()).unwrap();
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    save(&path, users.iter()).unwrap();
    assert_eq!(mode(), 0o640);
    let lines = |users: &[User]| users.iter().map(User::describe).collect::<Vec<_>>();
    assert_eq!(lines(&load(&path, false).unwrap()), lines(&users));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);

    // A directory has the file's name, so the temporary file is removed again.
    let taken = directory.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    assert!(save(&taken, users.iter()).is_err());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);

    let missing = directory.path().join("missing");
    let error = load(&missing, false).unwrap_err().to_string();
    let shown = missing.display();
    assert_eq!(
        error,
        format!("Error loading ACLs, opening file '{shown}': No such file or directory")
    );
}

/// Creates a file with this content that nobody can write while it runs, not even root.
fn running(path: &std::path::Path) -> std::process::Child {
    std::fs::copy("/bin/sleep", path).unwrap();
    loop {
        // A child process of another thread may hold the copy's descriptor until its exec.
        match std::process::Command::new(path).arg("1000").spawn() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {}
            spawned => return spawned.unwrap(),
        }
    }
}

#[test]
fn a_file_that_may_not_be_written_stays_as_it_is() {
    use std::os::unix::fs::{MetadataExt, symlink};
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("users");
    let link = directory.path().join("link");
    symlink("users", &link).unwrap();
    let mut program = running(&path);
    let before = std::fs::metadata(&path).unwrap();
    for path in [&path, &link] {
        assert!(save(path, std::iter::once(&user("on"))).is_err());
    }
    let after = std::fs::metadata(&path).unwrap();
    assert_eq!((after.ino(), after.len()), (before.ino(), before.len()));
    program.kill().unwrap();
    program.wait().unwrap();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
    // A device is not a file of users either, and is not replaced.
    let null = std::path::Path::new("/dev/null");
    assert!(save(null, std::iter::once(&user("on"))).is_err());
}

#[test]
fn a_symbolic_link_is_written_through() {
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir().unwrap();
    let inner = directory.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let (link, second) = (directory.path().join("link"), inner.join("second"));
    symlink("inner/second", &link).unwrap();
    symlink(inner.join("users"), &second).unwrap();
    // The first time, the file does not exist.
    for rules in ["on >a", "on >b"] {
        let users = [user(rules), User::unrestricted_default()];
        save(&link, users.iter()).unwrap();
        for link in [&link, &second] {
            assert!(link.is_symlink());
        }
        let lines = |users: &[User]| users.iter().map(User::describe).collect::<Vec<_>>();
        assert_eq!(
            lines(&load(&inner.join("users"), false).unwrap()),
            lines(&users)
        );
    }
    assert_eq!(std::fs::read_dir(&inner).unwrap().count(), 2);
    let round = directory.path().join("round");
    symlink("round", &round).unwrap();
    assert!(save(&round, std::iter::once(&user("on"))).is_err());
}

#[test]
fn a_user_that_is_made_again_is_another_one() {
    let acl = Acl::new(vec![User::unrestricted_default()]);
    acl.set_user(b"u", &[], false).unwrap();
    let first = acl.get(b"u").unwrap();
    let generation = acl.generation();
    let changed = acl
        .set_user(b"u", &[b"on".to_vec()], false)
        .unwrap()
        .unwrap();
    assert_eq!(changed.before.identity, changed.after.identity);
    assert!(acl.generation() > generation);
    assert!(acl.current(&first).unwrap().0.is_enabled());

    assert_eq!(
        acl.delete([b"u".as_slice(), b"nosuch", b"default"].into_iter()),
        ["u"]
    );
    assert!(acl.current(&first).is_none());
    acl.set_user(b"u", &[], false).unwrap();
    assert!(acl.current(&first).is_none() && acl.get(b"default").is_some());
}

#[test]
fn a_wrong_rule_changes_nothing() {
    let acl = Acl::new(vec![User::unrestricted_default()]);
    let rules = [b"on".to_vec(), b"nosuch".to_vec()];
    let error = acl.set_user(b"u", &rules, false).unwrap_err();
    assert_eq!(error, (1, RuleError::Syntax));
    assert!(acl.get(b"u").is_none());
    let error = acl.set_user(b"default", &[b"off".to_vec(), b"+nosuch".to_vec()], false);
    assert_eq!(error.unwrap_err(), (1, RuleError::UnknownName));
    assert!(!acl.requires_auth());
    acl.set_user(b"default", &[b"off".to_vec()], false).unwrap();
    assert!(acl.requires_auth());
}
