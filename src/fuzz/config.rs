//! Settings from every source, and what CONFIG GET prints of them.
//!
//! Layer `fuzz`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::inline::hexadecimal;
use crate::acl::configured::configured;
use crate::config::{
    Change, Config, Refusal, SETTINGS, SetError, Setting, Start, UsageErrors, UserLines, from_args,
};
use crate::glob::matches_ignore_case;
use crate::resp::inline::split_words;

const EVENTS: &str = "notify-keyspace-events";

/// A parsed input.
#[derive(Default)]
struct Input<'a> {
    args: Vec<&'a [u8]>,
    environment: Vec<(&'a [u8], &'a [u8])>,
    pairs: Vec<(&'a [u8], &'a [u8])>,
    globs: Vec<&'a [u8]>,
    file: Vec<&'a [u8]>,
}

pub(super) fn run_input(data: &[u8]) {
    let input = read(data);
    let config = match start(&input) {
        Ok(Start::Serve(config)) => *config,
        Ok(Start::Print(text)) => {
            assert!(!text.is_empty());
            return;
        }
        Ok(Start::Check(..)) => return,
        Err(errors) => {
            for error in errors.0 {
                let line = error.to_string();
                assert!(!line.contains('\n'), "more than a line: {line:?}");
                assert!(line.starts_with(&format!("fanfare: {}: ", error.origin)));
            }
            return;
        }
    };
    assert_reads_back(&config);
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
            assert_reads_back(&changed);
        }
        Err(error) => assert_names_setting(&error, &input.pairs),
    }
}

fn read(data: &[u8]) -> Input<'_> {
    let mut input = Input::default();
    for line in data.split(|&byte| byte == b'\n') {
        match line {
            // A first argument that is not a flag would name a file.
            [b'@', argument @ ..] if input.args.is_empty() && !argument.starts_with(b"--") => {}
            // So would an argument after `--check-config`.
            [b'@', argument @ ..] if argument.eq_ignore_ascii_case(b"--check-config") => {}
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

/// Splits a line at the first byte `at`, which is dropped.
fn cut(line: &[u8], at: u8) -> (&[u8], &[u8]) {
    let place = line.iter().position(|&byte| byte == at);
    place.map_or((line, b""), |end| (&line[..end], &line[end + 1..]))
}

/// Whether a line is an `include`, which could read any file.
fn includes(line: &[u8]) -> bool {
    let words = split_words(line.trim_ascii()).unwrap_or_default();
    let is_include = |word: &Vec<u8>| word.eq_ignore_ascii_case(b"include");
    words.first().is_some_and(is_include)
}

/// Reads the settings as the binary does.
fn start(input: &Input<'_>) -> Result<Start, UsageErrors> {
    let os = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    // Arguments and variables of a process cannot contain a NUL.
    let words = input.args.iter().filter(|word| !word.contains(&0));
    let args = ["fanfare".into(), "-".into()].into_iter();
    let all = input.environment.iter();
    let variables = all
        .filter(|(name, value)| !name.contains(&0) && !value.contains(&0))
        .map(|(name, value)| (os(name), os(value)));
    let file = input.file.join(&b'\n');
    from_args(
        args.chain(words.map(|word| os(word))),
        variables,
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

/// Asserts that what CONFIG GET prints of `config` gives the same settings from every source.
fn assert_reads_back(config: &Config) {
    let settings = printed(config);
    let mut expected = config.clone();
    for (setting, letters) in &settings {
        // The only exception: Redis prints no `n` beside `A`.
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
    // CONFIG GET does not print users, which are defined by lines of their own.
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

/// Asserts that CONFIG SET's error is one line that names one of the given settings.
fn assert_names_setting(error: &SetError, pairs: &[(&[u8], &[u8])]) {
    let line = error.wire();
    assert!(line.starts_with(b"ERR ") && !line.contains(&b'\n') && !line.contains(&b'\r'));
    let times = |setting: &[u8]| {
        let same = pairs
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(setting));
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
