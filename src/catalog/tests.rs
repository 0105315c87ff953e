use super::spec::arg::ArgKind;
use super::spec::key::{Begin, Find};
use super::spec::{Arg, KeySpec};
use super::*;

fn rows() -> impl Iterator<Item = (&'static Command, &'static Spec)> {
    CATALOG
        .commands_and_subcommands()
        .map(|command| (command, command.spec))
}

#[test]
fn names_are_found_in_any_letter_case() {
    for command in CATALOG.commands() {
        let upper = command.full_name.to_ascii_uppercase();
        let mut mixed = upper.clone().into_bytes();
        mixed[0].make_ascii_lowercase();
        for name in [command.full_name.as_bytes(), upper.as_bytes(), &mixed] {
            assert_eq!(CATALOG.find(name).unwrap().id, command.id);
        }
        for sub in &command.subcommands {
            let upper = sub.spec.name.to_ascii_uppercase();
            assert_eq!(command.subcommand(upper.as_bytes()).unwrap().id, sub.id);
            let full = sub.full_name.to_ascii_uppercase();
            assert_eq!(CATALOG.find_full(full.as_bytes()).unwrap().id, sub.id);
        }
    }
}

#[test]
fn other_names_are_not_found() {
    let long = [b'a'; 1000];
    let names = [
        b"".as_slice(),
        b"p",
        b"pin",
        b"pings",
        b"ping\0",
        b"p\x09ng",
        b"client|kill",
        &long,
    ];
    for name in names {
        assert!(CATALOG.find(name).is_none(), "{name:?}");
    }
    let full_names = [
        b"|".as_slice(),
        b"client|",
        b"|kill",
        b"client||kill",
        b"client|kill|x",
        b"ping|x",
        b"kill",
    ];
    for name in full_names {
        assert!(CATALOG.find_full(name).is_none(), "{name:?}");
    }
}

#[test]
fn ids_are_dense_and_full_names_unique() {
    let ids: Vec<_> = CATALOG
        .commands_and_subcommands()
        .map(|command| usize::from(command.id))
        .collect();
    assert_eq!(ids, (0..CATALOG.ids()).collect::<Vec<_>>());

    for command in CATALOG.commands_and_subcommands() {
        assert_eq!(
            CATALOG.by_id(command.id).unwrap().full_name,
            command.full_name
        );
    }
    assert!(
        CATALOG
            .by_id(u16::try_from(CATALOG.ids()).unwrap())
            .is_none()
    );
    assert!(CATALOG.by_id(u16::MAX).is_none());
    assert!(Catalog::new(&[]).by_id(0).is_none());

    let names: std::collections::HashSet<_> = CATALOG
        .commands_and_subcommands()
        .map(|command| &command.full_name)
        .collect();
    assert_eq!(names.len(), CATALOG.ids());
    let row_count: usize = GROUPS.iter().map(|group| group.rows.len()).sum();
    assert_eq!(CATALOG.commands().len(), row_count);
}

/// What a request of these words finds: a full name, or the error's text.
fn resolved(words: &[&[u8]]) -> String {
    let mut end = 0;
    let ranges: Vec<_> = words
        .iter()
        .map(|word| {
            let start = end;
            end += word.len();
            start..end
        })
        .collect();
    match CATALOG.resolve(&Args::new(&words.concat(), &ranges, &[])) {
        Ok(command) => command.full_name.clone(),
        Err(error) => String::from_utf8(error.wire_text()).unwrap(),
    }
}

#[test]
fn requests_are_resolved_as_in_redis() {
    assert_eq!(resolved(&[b"Publish", b"a", b"b"]), "publish");
    assert_eq!(resolved(&[b"CLIENT", b"Kill", b"x"]), "client|kill");
    assert_eq!(resolved(&[b"client"]), "client");
    assert_eq!(resolved(&[b"command"]), "command");
    assert_eq!(resolved(&[b"debug", b"x"]), "debug");
    assert_eq!(
        resolved(&[b"ClIeNt", b"KI\0LL"]),
        "ERR unknown subcommand 'KI'. Try CLIENT HELP."
    );
    assert_eq!(
        resolved(&[b"client|kill", b"x"]),
        "ERR unknown command 'client|kill', with args beginning with: 'x' "
    );
    assert_eq!(
        resolved(&[b"FOO\0x", b"a\0b", b"", b"c"]),
        "ERR unknown command 'FOO', with args beginning with: 'a' '' 'c' "
    );
    assert_eq!(
        resolved(&[b""]),
        "ERR unknown command '', with args beginning with: "
    );
}

#[test]
fn error_texts_show_128_bytes_of_a_request() {
    let text = |args: &str| format!("ERR unknown command 'f', with args beginning with: {args}");
    let word = |length| "x".repeat(length);
    let cases = [
        (vec![word(200), word(1)], format!("'{}' ", word(128))),
        (
            vec![word(120), "abcdefgh".to_owned(), word(1)],
            format!("'{}' 'abcde' ", word(120)),
        ),
        (
            vec![word(124), word(1), word(1)],
            format!("'{}' 'x' ", word(124)),
        ),
        (vec![word(125), word(1)], format!("'{}' ", word(125))),
    ];
    for (args, shown) in cases {
        let mut words = vec![b"f".as_slice()];
        words.extend(args.iter().map(String::as_bytes));
        assert_eq!(resolved(&words), text(&shown));
    }
    let shown = format!(
        "ERR unknown command '{}', with args beginning with: ",
        word(128)
    );
    assert_eq!(resolved(&[word(200).as_bytes()]), shown);
}

#[test]
fn what_is_worked_out_once() {
    let kill = CATALOG.find_full(b"client|kill").unwrap();
    assert_eq!(kill.full_name, "client|kill");
    assert_eq!(kill.spec.name, "kill");

    let chosen = |property: fn(&Command) -> bool| {
        let mut names: Vec<_> = CATALOG
            .commands_and_subcommands()
            .filter(|command| property(command))
            .collect();
        names.sort_by_key(|command| &command.full_name);
        names
            .iter()
            .map(|command| command.full_name.as_str())
            .collect()
    };
    let no_auth: Vec<&str> = chosen(|command| command.no_auth);
    assert_eq!(no_auth, ["auth", "hello", "quit", "reset"]);
    let allowed_while_subscribed: Vec<&str> = chosen(|command| command.allowed_while_subscribed);
    assert_eq!(allowed_while_subscribed, ALLOWED_WHILE_SUBSCRIBED);
    let debug: Vec<&str> = chosen(|command| command.is_debug);
    assert_eq!(debug, ["debug"]);
    let runs_in_multi: Vec<&str> = chosen(|command| command.runs_in_multi);
    assert_eq!(runs_in_multi, RUNS_IN_MULTI);
    for (command, row) in rows() {
        let flags = [
            (command.deny_oom, Flag::DenyOom),
            (command.no_multi, Flag::NoMulti),
        ];
        for (is_set, flag) in flags {
            assert_eq!(is_set, row.has(flag), "{} and {flag:?}", command.full_name);
        }
    }
}

#[test]
fn what_belongs_to_the_queue_mode() {
    let belongs = |name: &str| CATALOG.find_full(name.as_bytes()).unwrap().queue;
    for name in ["lpush", "blmpop", "set", "del", "ttl", "object|encoding"] {
        assert!(belongs(name), "{name}");
    }
    for name in ["publish", "ping", "client|kill", "command", "exec", "watch"] {
        assert!(!belongs(name), "{name}");
    }
    // Whatever changes the keyspace does.
    for command in CATALOG
        .commands_and_subcommands()
        .filter(|command| command.spec.has(Flag::Write))
    {
        assert!(command.queue, "{}", command.full_name);
    }
}

#[test]
fn every_row_can_be_run_and_is_documented() {
    for (command, row) in rows() {
        let name = &command.full_name;
        let is_lower = |byte: u8| byte.is_ascii_lowercase() || b"-_".contains(&byte);
        assert!(row.name.bytes().all(is_lower), "{name}");
        if row.needs_subcommand {
            assert_eq!(row.arity, -2, "{name} needs a subcommand");
            assert!(!row.subcommands.is_empty(), "{name} does nothing");
        }
        for text in [row.docs.summary, row.docs.since, row.docs.group] {
            assert!(!text.is_empty(), "{name} lacks documentation");
        }
    }
}

/// Redis derives most categories from flags; rows state both.
#[test]
fn flags_and_categories_agree() {
    for (command, row) in rows() {
        let name = &command.full_name;
        let implied = [
            (Flag::Fast, "fast"),
            (Flag::Admin, "admin"),
            (Flag::PubSub, "pubsub"),
            (Flag::ReadOnly, "read"),
            (Flag::Write, "write"),
            (Flag::Blocking, "blocking"),
        ];
        for (flag, category) in implied {
            let is_in = row.is_in(category.as_bytes());
            assert_eq!(row.has(flag), is_in, "{name} and {category}");
        }
        assert_ne!(row.is_in(b"fast"), row.is_in(b"slow"), "{name}");
        assert!(!row.has(Flag::Admin) || row.is_in(b"DANGEROUS"), "{name}");
        assert!(!(row.has(Flag::ReadOnly) && row.has(Flag::Write)), "{name}");
        for (index, flag) in row.flags.iter().enumerate() {
            assert!(
                !row.flags[..index].contains(flag),
                "{name} repeats {flag:?}"
            );
        }
    }
}

/// The smallest and the largest number of words that a syntax takes; `None`: no limit.
fn words_of(args: &[Arg]) -> (i16, Option<i16>) {
    args.iter().fold((0, Some(0)), |sum, arg| {
        let (least, most) = words_of_one(arg);
        let least = if arg.optional { 0 } else { least };
        (sum.0 + least, sum.1.zip(most).map(|(sum, most)| sum + most))
    })
}

/// The same of an argument that is present, optional or not.
fn words_of_one(arg: &Arg) -> (i16, Option<i16>) {
    let (least, most) = match arg.kind {
        ArgKind::PureToken => (0, Some(0)),
        ArgKind::Block => words_of(arg.arguments),
        ArgKind::OneOf => {
            arg.arguments
                .iter()
                .map(words_of_one)
                .fold((i16::MAX, Some(0)), |sum, choice| {
                    let most = sum.1.zip(choice.1).map(|(sum, most)| sum.max(most));
                    (sum.0.min(choice.0), most)
                })
        }
        _ => (1, Some(1)),
    };
    let token = i16::from(arg.token.is_some());
    let most = most.filter(|_| !arg.multiple).map(|most| most + token);
    (least + token, most)
}

#[test]
fn arity_and_syntax_agree() {
    for (command, row) in rows() {
        if row.docs.arguments.is_empty() {
            continue;
        }
        let own = if command.full_name.contains('|') {
            2
        } else {
            1
        };
        let (least, most) = words_of(row.docs.arguments);
        assert_eq!(row.arity.abs(), own + least, "{}", command.full_name);
        let is_fixed = most == Some(least);
        assert_eq!(row.arity > 0, is_fixed, "{}", command.full_name);
    }
}

#[test]
fn keys_and_syntax_agree_with_key_specifications() {
    fn check(args: &[Arg], row: &Spec) {
        for arg in args {
            let is_key = arg.kind == ArgKind::Key;
            // SORT's patterns make keys.
            let may_be_key = is_key || arg.kind == ArgKind::Pattern;
            let has_spec = arg.key_spec.is_some();
            assert!(has_spec || !is_key, "{}", row.name);
            assert!(may_be_key || !has_spec, "{}", row.name);
            let index = usize::from(arg.key_spec.unwrap_or(0));
            assert!(!has_spec || index < row.key_specs.len(), "{}", row.name);
            let has_parts = matches!(arg.kind, ArgKind::OneOf | ArgKind::Block);
            assert_eq!(has_parts, !arg.arguments.is_empty(), "{}", arg.name);
            check(arg.arguments, row);
        }
    }
    for (command, row) in rows() {
        let name = &command.full_name;
        check(row.docs.arguments, row);
        // What specifications say as ranges is what `keys` says; `movablekeys` means that there
        // is more.
        let ranges: Vec<_> = row.key_specs.iter().filter_map(range).collect();
        let all: Option<(i64, i64, i64)> = ranges
            .iter()
            .copied()
            .reduce(|(first, _, step), (_, last, _)| (first, last, step));
        let (first, last, step) = row.keys;
        let own = (first.into(), last.into(), step.into());
        assert_eq!(own, all.unwrap_or_default(), "{name}");
        let has_more = ranges.len() < row.key_specs.len();
        assert_eq!(row.has(Flag::MovableKeys), has_more, "{name}");
        assert!(row.finder.is_none() || row.has_keys(), "{name}");
    }
}

/// A specification of a range as positions: first, last, step.
fn range(spec: &KeySpec) -> Option<(i64, i64, i64)> {
    match (spec.begin, spec.find) {
        (Begin::Index(first), Find::Range { last, step, .. }) => {
            let last = if last < 0 { last } else { first + last };
            Some((first, last, step))
        }
        _ => None,
    }
}
