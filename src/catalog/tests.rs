use super::categories::Category;
use super::spec::arg::ArgKind;
use super::spec::{Arg, InMulti};
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

/// The result of resolving a request with these arguments: a full name, or the error's text.
fn resolved(args: &[&[u8]]) -> String {
    let mut end = 0;
    let ranges: Vec<_> = args
        .iter()
        .map(|arg| {
            let start = end;
            end += arg.len();
            start..end
        })
        .collect();
    match CATALOG.resolve(&Args::new(&args.concat(), &ranges, &[])) {
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
        let mut request = vec![b"f".as_slice()];
        request.extend(args.iter().map(String::as_bytes));
        assert_eq!(resolved(&request), text(&shown));
    }
    let shown = format!(
        "ERR unknown command '{}', with args beginning with: ",
        word(128)
    );
    assert_eq!(resolved(&[word(200).as_bytes()]), shown);
}

#[test]
fn rows_say_what_a_command_may_do() {
    let kill = CATALOG.find_full(b"client|kill").unwrap();
    assert_eq!(kill.full_name, "client|kill");
    assert_eq!(kill.spec.name, "kill");

    let chosen = |property: &dyn Fn(&Command) -> bool| -> Vec<&str> {
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
    let with = |flag: Flag| chosen(&|command| command.has(flag));
    assert_eq!(with(Flag::NoAuth), ["auth", "hello", "quit", "reset"]);
    assert_eq!(with(Flag::Protected), ["debug"]);
    assert_eq!(
        with(Flag::WhileSubscribed),
        [
            "ping",
            "psubscribe",
            "punsubscribe",
            "quit",
            "reset",
            "ssubscribe",
            "subscribe",
            "sunsubscribe",
            "unsubscribe"
        ]
    );
    let in_multi = |kind| chosen(&|command| command.spec.in_multi == kind);
    assert_eq!(in_multi(InMulti::Runs), ["multi", "watch"]);
    assert_eq!(in_multi(InMulti::GivesUp), ["discard", "quit", "reset"]);
    assert_eq!(in_multi(InMulti::Executes), ["exec"]);
    let publish = chosen(&|command| command.spec.publishes.is_some());
    assert_eq!(publish, ["publish", "spublish"]);
    let subscribe = chosen(&|command| command.spec.subscribes.is_some());
    assert_eq!(subscribe, ["psubscribe", "ssubscribe", "subscribe"]);
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
    // Every command that changes the keyspace. FUNCTION's subcommands change libraries.
    let is_about_libraries = |command: &&Command| command.full_name.starts_with("function|");
    for command in CATALOG
        .commands_and_subcommands()
        .filter(|command| command.has(Flag::Write) && !is_about_libraries(command))
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

#[test]
fn rows_state_no_category_that_follows() {
    for (command, row) in rows() {
        let name = &command.full_name;
        let implied = Categories::default().with_implied(row.flags);
        for category in row.categories.iter() {
            assert!(!implied.contains(category), "{name} states {category:?}");
        }
        assert!(!row.flags.has(Flag::MovableKeys), "{name}");
        assert!(
            !(row.flags.has(Flag::ReadOnly) && row.flags.has(Flag::Write)),
            "{name}"
        );
    }
    let categories = |name: &str| -> Vec<&str> {
        let command = CATALOG.find_full(name.as_bytes()).unwrap();
        command.categories.iter().map(Category::name).collect()
    };
    assert_eq!(categories("pubsub"), ["slow"]);
    assert_eq!(categories("publish"), ["pubsub", "fast"]);
    assert_eq!(categories("blpop"), ["write", "list", "slow", "blocking"]);
    assert_eq!(
        categories("keys"),
        ["keyspace", "read", "slow", "dangerous"]
    );
    assert_eq!(
        categories("client|kill"),
        ["admin", "slow", "dangerous", "connection"]
    );
}

/// The smallest and the largest number of arguments that a syntax takes; `None` without a limit.
fn count_of(args: &[Arg]) -> (i16, Option<i16>) {
    args.iter().fold((0, Some(0)), |sum, arg| {
        let (least, most) = count_of_one(arg);
        let least = if arg.optional { 0 } else { least };
        (sum.0 + least, sum.1.zip(most).map(|(sum, most)| sum + most))
    })
}

/// The same for one element of a syntax that is present, optional or not.
fn count_of_one(arg: &Arg) -> (i16, Option<i16>) {
    let (least, most) = match arg.kind {
        ArgKind::PureToken => (0, Some(0)),
        ArgKind::Block => count_of(arg.arguments),
        ArgKind::OneOf => {
            arg.arguments
                .iter()
                .map(count_of_one)
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
        let (least, most) = count_of(row.docs.arguments);
        assert_eq!(row.arity.abs(), own + least, "{}", command.full_name);
        let is_fixed = most == Some(least);
        assert_eq!(row.arity > 0, is_fixed, "{}", command.full_name);
    }
}

#[test]
fn keys_and_syntax_agree_with_key_specifications() {
    fn validate(args: &[Arg], row: &Spec) {
        for arg in args {
            let is_key = arg.kind == ArgKind::Key;
            // SORT makes keys from its patterns.
            let may_be_key = is_key || arg.kind == ArgKind::Pattern;
            let has_spec = arg.key_spec.is_some();
            assert!(has_spec || !is_key, "{}", row.name);
            assert!(may_be_key || !has_spec, "{}", row.name);
            let index = usize::from(arg.key_spec.unwrap_or(0));
            assert!(!has_spec || index < row.key_specs.len(), "{}", row.name);
            let has_parts = matches!(arg.kind, ArgKind::OneOf | ArgKind::Block);
            assert_eq!(has_parts, !arg.arguments.is_empty(), "{}", arg.name);
            validate(arg.arguments, row);
        }
    }
    for (command, row) in rows() {
        let name = &command.full_name;
        validate(row.docs.arguments, row);
        assert!(row.finder.is_none() || row.has_keys(), "{name}");
    }
}

#[test]
fn old_clients_are_told_where_keys_stand() {
    let cases = [
        ("get", (1, 1, 1), false),
        ("mset", (1, -1, 2), false),
        ("blpop", (1, -2, 1), false),
        ("lmove", (1, 2, 1), false),
        ("object|encoding", (2, 2, 1), false),
        ("spublish", (1, 1, 1), false),
        ("sort", (1, 1, 1), true),
        ("lmpop", (0, 0, 0), true),
        ("ping", (0, 0, 0), false),
    ];
    for (name, (first, last, step), moves) in cases {
        let command = CATALOG.find_full(name.as_bytes()).unwrap();
        let range = command.legacy_range;
        assert_eq!(
            (range.first, range.last, range.step),
            (first, last, step),
            "{name}"
        );
        assert_eq!(command.has(Flag::MovableKeys), moves, "{name}");
    }
}
