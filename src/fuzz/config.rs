//! Settings by every way they arrive, and back.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::inline::hexadecimal;
use crate::acl::configured::configured;
use crate::config::{
    Change, Config, Refusal, SETTINGS, SetError, Setting, Start, UsageError, UserLines, from_args,
};
use crate::glob::matches_ignore_case;
use crate::resp::inline::split_words;

const EVENTS: &str = "notify-keyspace-events";

/// What an input says.
#[derive(Default)]
struct Input<'a> {
    args: Vec<&'a [u8]>,
    environment: Vec<(&'a [u8], &'a [u8])>,
    pairs: Vec<(&'a [u8], &'a [u8])>,
    globs: Vec<&'a [u8]>,
    file: Vec<&'a [u8]>,
}

pub(super) fn check(data: &[u8]) {
    let input = read(data);
    let config = match start(&input) {
        Ok(Start::Serve(config)) => *config,
        Ok(Start::Print(text)) => {
            assert!(!text.is_empty());
            return;
        }
        Err(error) => {
            let line = error.to_string();
            assert!(!line.contains('\n'), "more than a line: {line:?}");
            assert!(line.starts_with(&format!("fanfare: {}: ", error.origin)));
            return;
        }
    };
    prints_what_it_reads(&config);
    if let Ok(users) = configured(&config) {
        let names = config.users.lines().len();
        assert!(users.len() == names || users.len() == names + 1);
    }
    let found = config.get_matching(&input.globs, matches_ignore_case);
    assert!(found.is_sorted_by_key(|(name, _)| {
        SETTINGS
            .iter()
            .position(|row| row.names().any(|own| own == *name))
    }));
    match config.set(&input.pairs) {
        Ok(changed) => {
            for ((setting, before), (_, after)) in printed(&config).iter().zip(printed(&changed)) {
                let is_it = |(name, _): &(&[u8], _)| {
                    Setting::find(name).is_some_and(|row| row.name == setting.name)
                };
                assert!(after == *before || input.pairs.iter().any(is_it));
                assert!(after == *before || setting.change == Change::AnyTime);
            }
            prints_what_it_reads(&changed);
        }
        Err(error) => names_the_culprit(&error, &input.pairs),
    }
}

fn read(data: &[u8]) -> Input<'_> {
    let mut input = Input::default();
    for line in data.split(|&byte| byte == b'\n') {
        match line {
            // A first argument that is no flag would name a file.
            [b'@', argument @ ..] if input.args.is_empty() && !argument.starts_with(b"--") => {}
            [b'@', argument @ ..] => input.args.push(argument),
            [b'$', variable @ ..] => input.environment.push(cut(variable, b'=')),
            [b'=', pair @ ..] => input.pairs.push(cut(pair, b' ')),
            [b'?', pattern @ ..] => input.globs.push(pattern),
            line if includes(line) => {}
            line => input.file.push(line),
        }
    }
    input
}

/// What is before and behind the first such byte.
fn cut(line: &[u8], at: u8) -> (&[u8], &[u8]) {
    let place = line.iter().position(|&byte| byte == at);
    place.map_or((line, b""), |end| (&line[..end], &line[end + 1..]))
}

/// Whether a line names a file to read, which might be any.
fn includes(line: &[u8]) -> bool {
    let words = split_words(line.trim_ascii()).unwrap_or_default();
    let is_include = |word: &Vec<u8>| word.eq_ignore_ascii_case(b"include");
    words.first().is_some_and(is_include)
}

/// What the binary makes of it.
fn start(input: &Input<'_>) -> Result<Start, UsageError> {
    let os = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    // Neither an argument nor a variable of a process holds a NUL.
    let words = input.args.iter().filter(|word| !word.contains(&0));
    let args = ["fanfare".into(), "-".into()].into_iter();
    let variable = |name: &str| {
        let mut all = input.environment.iter();
        let found = all.find(|(own, value)| *own == name.as_bytes() && !value.contains(&0));
        found.map(|(_, value)| os(value))
    };
    let file = input.file.join(&b'\n');
    from_args(
        args.chain(words.map(|word| os(word))),
        variable,
        &mut &file[..],
    )
}

/// Every setting with its value, as CONFIG GET prints it, under its name and its alias.
fn printed(config: &Config) -> Vec<(&'static Setting, Vec<u8>)> {
    let mut all = config.get_matching(&["*"], |_, _| true).into_iter();
    let printed = |setting: &'static Setting| {
        let mut values = Vec::new();
        for name in setting.names() {
            let (found, value) = all.next().expect("every name");
            assert_eq!(found, name);
            values.push(value);
        }
        values.dedup();
        let [value] = values.try_into().expect("one value under both names");
        (setting, value)
    };
    let settings = SETTINGS.iter().map(printed).collect();
    assert_eq!(all.next(), None);
    settings
}

/// What CONFIG GET prints of `config` gives the same settings, whichever way it is given.
fn prints_what_it_reads(config: &Config) {
    let settings = printed(config);
    let mut expected = config.clone();
    for (setting, letters) in &settings {
        // The one exception: beside `A`, Redis prints no `n`.
        if setting.name == EVENTS && letters.starts_with(b"A") {
            expected.apply(EVENTS, &[letters]).expect("letters");
            let again = printed(&expected).into_iter();
            assert!(
                again
                    .map(|(_, value)| value)
                    .eq(settings.iter().map(|(_, value)| value.clone()))
            );
        }
    }

    let mut applied = Config::default();
    for (setting, value) in &settings {
        let taken = applied.apply(setting.name, &[value]);
        assert_eq!(taken, Ok(()), "{} {}", setting.name, value.escape_ascii());
    }
    // Users are made by lines of their own, which CONFIG GET does not know.
    let without_users = Config {
        users: UserLines::default(),
        ..expected.clone()
    };
    assert_eq!(applied, without_users, "one by one");

    let line = |(setting, value): &(&Setting, Vec<u8>)| {
        [setting.name.as_bytes(), b" ", &hexadecimal(value)].concat()
    };
    let lines: Vec<Vec<u8>> = settings.iter().map(line).collect();
    let file = Input {
        file: lines.iter().map(Vec::as_slice).collect(),
        ..Input::default()
    };
    match start(&file) {
        Ok(Start::Serve(read)) => assert_eq!(*read, without_users, "by file"),
        other => panic!("{other:?}"),
    }

    let any_time = settings
        .iter()
        .filter(|(setting, _)| setting.change == Change::AnyTime);
    let pairs: Vec<(&[u8], &[u8])> = any_time
        .map(|(setting, value)| (setting.name.as_bytes(), &value[..]))
        .collect();
    assert_eq!(config.set(&pairs), Ok(expected), "by CONFIG SET");
}

/// CONFIG SET's error is a line that names one of the settings it was given.
fn names_the_culprit(error: &SetError, pairs: &[(&[u8], &[u8])]) {
    let line = error.wire();
    assert!(line.starts_with(b"ERR ") && !line.contains(&b'\n') && !line.contains(&b'\r'));
    let times = |culprit: &[u8]| {
        let same = pairs
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(culprit));
        same.count()
    };
    match error {
        SetError::Unknown(name) => {
            assert!(times(name) > 0 && Setting::find(name).is_none());
        }
        SetError::Failed { name, refusal } => {
            assert!(String::from_utf8_lossy(&line).contains(&format!("'{name}'")));
            assert!(times(name.as_bytes()) > usize::from(*refusal == Refusal::Duplicate));
        }
    }
}
