//! Users from every source: ACL SETUSER, `user` lines of the settings, a file.
//!
//! Layer `fuzz`.
//!
//! A line of an input is one of these. Words are quoted as in an inline command:
//!
//! ```text
//!   +alice on >pw ~a* +get      ACL SETUSER
//!   -alice                      ACL DELUSER
//!   =alice on (+get ~a)         a `user` line of the settings
//!   ?SET a 1                    a request: each user's permission for it must survive describing the user
//!   *                           toggles acl-pubsub-default
//!   !                           ACL LOAD of the file below, which is empty afterwards
//!   user alice on +@all         anything else is a line of that file
//! ```

use std::path::PathBuf;
use std::sync::Arc;

use crate::acl::configured::configured;
use crate::acl::file::parse;
use crate::acl::request::Request;
use crate::acl::rules::{has_blanks, merge_selectors};
use crate::acl::user::{DEFAULT_USER, PasswordHash, User};
use crate::acl::{Acl, Changed};
use crate::catalog::{CATALOG, Command};
use crate::config::Config;
use crate::resp::inline::split_words;

/// The maximum number of lines, because describing every user is slow.
const MAX_LINES: usize = 24;

/// The requests that are tried with every user, besides those of the input.
const REQUESTS: &[&str] = &[
    "get a",
    "set a 1",
    "set b 1 get",
    "copy a b",
    "lmpop 2 a k left",
    "sort l by w_* get # store k",
    "select 0",
    "select 1",
    "publish c x",
    "subscribe c news.a",
    "psubscribe c* *",
    "ssubscribe s",
    "config get *",
];

type Words = Vec<Vec<u8>>;

/// The state of a run.
struct Run {
    acl: Acl,
    all_channels: bool,
    requests: Vec<Words>,
    file: Vec<u8>,
    path: PathBuf,
}

pub(super) fn run_input(data: &[u8]) {
    let lines = || data.split(|&byte| byte == b'\n').take(MAX_LINES);
    let asked = lines().filter_map(|line| line.strip_prefix(b"?"));
    let fixed = REQUESTS.iter().map(|request| request.as_bytes());
    let mut run = Run {
        acl: Acl::new(vec![User::unrestricted_default()]),
        all_channels: false,
        requests: asked.chain(fixed).map(words).collect(),
        file: Vec::new(),
        path: std::env::temp_dir().join(format!("fanfare-fuzz-users-{}", std::process::id())),
    };
    for line in lines() {
        match line {
            [b'+', text @ ..] => run.set_user(&words(text)),
            [b'-', name @ ..] => run.delete(name),
            [b'=', text @ ..] => run.configure(&words(text)),
            b"*" => run.all_channels = !run.all_channels,
            b"!" => run.load(),
            [b'?', ..] => {}
            line => {
                run.file.extend_from_slice(line);
                run.file.push(b'\n');
            }
        }
    }
    run.assert_all_read_back();
    if !run.file.is_empty() {
        run.load();
        run.assert_all_read_back();
    }
}

/// The words of a line. A line with unbalanced quotes is split at spaces.
fn words(line: &[u8]) -> Words {
    let plain = || line.split(|&byte| byte == b' ').map(<[u8]>::to_vec);
    split_words(line).unwrap_or_else(|_| plain().collect())
}

fn assert_equal(one: &User, other: &User) {
    assert_eq!(one.name, other.name);
    assert_eq!(one.flags(), other.flags());
    assert_eq!(one.passwords(), other.passwords());
    assert_eq!(one.root(), other.root());
    assert_eq!(one.selectors(), other.selectors());
}

/// The shortest valid request of a command. All its arguments are `a`.
fn shortest_request(command: &'static Command) -> Request<'static> {
    let mut words: Vec<&[u8]> = command.full_name.split('|').map(str::as_bytes).collect();
    while !command.spec.accepts(words.len()) {
        words.push(b"a");
    }
    Request::new(command, words)
}

impl Run {
    /// All users, and the generation of the set of users.
    fn users(&self) -> (Vec<Arc<User>>, u64) {
        let default = self.acl.get(DEFAULT_USER).expect("the default user");
        assert_eq!(self.acl.requires_auth(), !default.is_open());
        (self.acl.all(), self.acl.generation())
    }

    fn assert_unchanged(&self, (before, generation): &(Vec<Arc<User>>, u64)) {
        let (after, now) = self.users();
        assert_eq!((after.len(), now), (before.len(), *generation));
        assert!(after.iter().zip(before).all(|(a, b)| Arc::ptr_eq(a, b)));
    }

    fn set_user(&self, words: &[Vec<u8>]) {
        let Some((name, rules)) = words.split_first() else {
            return;
        };
        // ACL SETUSER validates them in the same way.
        let (false, Ok(rules)) = (has_blanks(name), merge_selectors(rules)) else {
            return;
        };
        let before = self.users();
        match self.acl.set_user(name, &rules, self.all_channels) {
            Err((index, error)) => {
                assert!(index < rules.len() && !error.to_string().contains('\n'));
                self.assert_unchanged(&before);
            }
            Ok(changed) => {
                let (after, generation) = self.users();
                assert!(generation > before.1);
                assert!(after.iter().any(|user| user.name == *name));
                let was_there = before.0.iter().any(|user| user.name == *name);
                assert_eq!(changed.is_some(), was_there);
                assert_eq!(after.len(), before.0.len() + usize::from(!was_there));
                let others = before.0.iter().filter(|user| user.name != *name);
                assert!(
                    others
                        .into_iter()
                        .all(|old| after.iter().any(|new| Arc::ptr_eq(old, new)))
                );
                if let Some(Changed { before, after }) = changed {
                    assert_eq!(before.identity, after.identity);
                }
            }
        }
    }

    fn delete(&self, name: &[u8]) {
        let before = self.users().0;
        let deleted = self.acl.delete([name].into_iter());
        let was_there = name != DEFAULT_USER && before.iter().any(|user| user.name == *name);
        assert_eq!(deleted.len(), usize::from(was_there));
        assert_eq!(
            self.users().0.len(),
            before.len() - usize::from(was_there),
            "{}",
            name.escape_ascii()
        );
    }

    /// Asserts that a line of the settings defines the same user as ACL SETUSER.
    fn configure(&self, words: &[Vec<u8>]) {
        let mut config = Config::default();
        if self.all_channels {
            let taken = config.apply("acl-pubsub-default", &["allchannels"]);
            assert_eq!(taken, Ok(()));
        }
        assert_eq!(config.apply("user", words), Ok(()));
        let users = match configured(&config) {
            Ok(users) => users,
            Err(error) => {
                let line = error.to_string();
                assert!(!line.contains('\n'), "more than a line: {line:?}");
                return;
            }
        };
        let user = users.last().expect("a user");
        if let [name, rules @ ..] = words
            && !rules.is_empty()
        {
            let acl = Acl::new(vec![User::unrestricted_default()]);
            let _ = acl.delete([name.as_slice()].into_iter());
            let rules = merge_selectors(rules).expect("rules that were taken");
            if name != DEFAULT_USER {
                let set = acl.set_user(name, &rules, self.all_channels);
                assert!(set.is_ok());
                assert_equal(&acl.get(name).expect("a user that was made"), user);
            }
        }
        self.assert_reads_back(user);
    }

    /// Asserts that the file is accepted as a whole or not at all.
    fn load(&mut self) {
        let content = std::mem::take(&mut self.file);
        std::fs::write(&self.path, &content).expect("a file of users");
        let before = self.users();
        let shown = self.path.to_string_lossy();
        let parsed = parse(&shown, &content, self.all_channels);
        match self.acl.load(&self.path, self.all_channels) {
            Err(errors) => {
                assert_eq!(parsed.err(), Some(errors.clone()));
                assert!(!errors.0.contains(&b'\n'));
                assert!(errors.0.ends_with(b" was performed"));
                self.assert_unchanged(&before);
            }
            Ok((gone, changed)) => {
                let mut expected = parsed.expect("a file that was loaded");
                expected.sort_by(|a, b| a.name.cmp(&b.name));
                let (after, generation) = self.users();
                assert!(generation > before.1);
                assert_eq!(after.len(), expected.len());
                for (user, expected) in after.iter().zip(&expected) {
                    assert_equal(user, expected);
                }
                for old in before.0 {
                    let new = after.iter().find(|new| new.name == old.name);
                    let is_gone = gone.contains(&old.name);
                    assert_eq!(new.is_none(), is_gone);
                    assert!(new.is_none_or(|new| new.identity == old.identity));
                    let mut changed = changed.iter();
                    let is_changed = changed.any(|changed| Arc::ptr_eq(&changed.before, &old));
                    assert_ne!(is_changed, is_gone);
                }
            }
        }
    }

    fn assert_all_read_back(&self) {
        for user in self.acl.all() {
            self.assert_reads_back(&user);
        }
    }

    /// Asserts that what ACL LIST prints of a user defines the same user, in a file and in the
    /// settings.
    fn assert_reads_back(&self, user: &User) {
        let line = user.describe();
        assert!(!line.contains(&b'\n'), "{}", line.escape_ascii());
        let read = |all_channels| {
            let read = parse("file", &line, all_channels);
            let read = read.unwrap_or_else(|error| panic!("{error}: {}", line.escape_ascii()));
            read.into_iter().next().expect("a user")
        };
        let again = read(false);
        self.assert_same(user, &line, &again);
        assert_equal(&read(true), &again);
        for all_channels in [false, true] {
            let mut config = Config::default();
            if all_channels {
                let taken = config.apply("acl-pubsub-default", &["allchannels"]);
                assert_eq!(taken, Ok(()));
            }
            // A user in the settings must have a name.
            if !user.name.is_empty() {
                let text = line.strip_prefix(b"user ").expect("a line of a user");
                assert_eq!(config.apply("user", &[text]), Ok(()));
                let users = configured(&config).expect("a line that was taken");
                assert_equal(users.last().expect("a user"), &again);
            }
        }
        if user.is_unrestricted() {
            for command in CATALOG.commands_and_subcommands() {
                assert_eq!(user.permit(&shortest_request(command)), Ok(()));
            }
        }
    }

    /// Asserts that a user equals the one that its description defines.
    fn assert_same(&self, one: &User, line: &[u8], other: &User) {
        let shown = line.escape_ascii();
        assert_eq!(line, other.describe(), "{shown}");
        let selectors = |user: &User| -> Vec<_> {
            let all = std::iter::once(user.root()).chain(user.selectors());
            all.map(|own| (own.describe_keys(), own.describe_channels()))
                .collect()
        };
        assert_eq!(selectors(one), selectors(other), "{shown}");
        assert_eq!(one.name, other.name, "{shown}");
        assert_eq!(one.flags(), other.flags(), "{shown}");
        assert_eq!(one.passwords(), other.passwords(), "{shown}");
        let password = PasswordHash::of(b"pw");
        assert_eq!(one.admits(&password), other.admits(&password), "{shown}");
        let narrows = one.narrows_channels_of(other) || other.narrows_channels_of(one);
        assert!(!narrows, "{shown}");
        for command in CATALOG.commands_and_subcommands() {
            let request = shortest_request(command);
            assert_eq!(
                one.permit(&request),
                other.permit(&request),
                "{} by {shown}",
                command.full_name
            );
        }
        for words in &self.requests {
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            let Some(command) = CATALOG.find_request(&words) else {
                continue;
            };
            if !command.spec.accepts(words.len()) {
                continue;
            }
            let request = Request::new(command, words);
            assert_eq!(
                one.permit(&request),
                other.permit(&request),
                "{request:?} by {shown}"
            );
            assert_eq!(
                one.reads_all_keys(&request),
                other.reads_all_keys(&request),
                "{request:?} by {shown}"
            );
        }
    }
}
