//! Views of what ACL answers: rules of commands, which Redis 7.2 and fanfare show as they were given and Redis 7.0 as it
//! finds them, the commands that fanfare does not have, the one pattern that Redis writes as another rule, and the parts
//! of ACL LOG that differ by right.

use super::frame::Frame;
use super::meaning::meaning;

/// fanfare's own list of what it does not have.
const REDIS_ONLY: &str = include_str!("../../src/acl/redis_only.rs");

/// What Redis has from 7.2 on, or fanfare alone.
const NEWER: [&str; 14] = [
    "client|closed",
    "client|no-touch",
    "client|overflow",
    "client|setinfo",
    "client|slowest",
    "cluster|myshardid",
    "pubsub|receivers",
    "pubsub|top",
    "queue",
    "queue|groups",
    "queue|help",
    "queue|info",
    "queue|list",
    "waitaof",
];

/// What Redis 7.0 says of a user that was given this rule, and 7.2 of all but those who were given its opposite.
const SANITIZE: &str = "sanitize-payload";

/// Whether only one of the two servers has the command.
fn is_foreign(name: &str) -> bool {
    let (_, rows) = REDIS_ONLY
        .split_once("(&str, &str)] = &[")
        .expect("the list");
    // Between the quotes stand categories and names by turns.
    let names = rows.split('"').skip(3).step_by(4);
    let mut names = names
        .flat_map(|names| names.split([' ', '\\', '\n']))
        .filter(|known| !known.is_empty())
        .chain(NEWER);
    names.any(|known| known == name)
}

/// Replaces the rules of commands in each selector by what Redis 7.0 makes of them. Leaves out the commands that only
/// one of the servers knows in rules, and has in arrays of names.
pub fn rules(frame: &mut Frame) {
    match frame {
        Frame::Aggregate { items, .. } => {
            items.retain(|item| {
                let name = item.string().map(String::from_utf8_lossy);
                !name.is_some_and(|name| is_foreign(&name) || name == SANITIZE)
            });
            items.iter_mut().for_each(rules);
        }
        Frame::Blob { bytes, .. } => {
            let text = String::from_utf8_lossy(bytes);
            if text.contains("-@all") || text.contains("+@all") {
                *bytes = compared(&text, meaning).into_bytes();
            }
        }
        _ => {}
    }
}

/// The text with what `meaning` makes of each run of rules of commands.
fn compared(text: &str, meaning: impl Fn(&[&str]) -> String) -> String {
    let text = text.replace(')', " )").replace("%RW~*", "~*");
    let mut words = text.split(' ').collect::<Vec<_>>();
    words.retain(|word| *word != SANITIZE && !is_newer(word));
    let runs = words.chunk_by(|one, other| is_of_commands(one) && is_of_commands(other));
    let runs = runs.map(|run| match run {
        [first, ..] if is_of_commands(first) => meaning(run),
        run => run.join(" "),
    });
    runs.collect::<Vec<_>>().join(" ")
}

fn is_of_commands(word: &str) -> bool {
    word.starts_with(['+', '-'])
}

/// Whether a rule names a command that Redis 7.0 does not have.
fn is_newer(word: &str) -> bool {
    let name = word.strip_prefix(['+', '-']);
    name.is_some_and(|name| NEWER.contains(&name))
}

/// What was denied, in the words of Redis 7.2, without the user's name, which 7.0 does not tell.
pub fn denial(frame: &mut Frame) {
    let text = match frame {
        Frame::Aggregate { items, .. } => return items.iter_mut().for_each(denial),
        Frame::Line { text, .. } => text,
        Frame::Blob { bytes, .. } => bytes,
        Frame::Null { .. } => return,
    };
    let shown = String::from_utf8_lossy(text);
    // EXEC tells why it was refused behind its own code.
    let (code, rest) = match shown.find("NOPERM ") {
        Some(place) => shown.split_at(place + "NOPERM ".len()),
        None => ("", &*shown),
    };
    let is_denial = ["User ", "This user ", "this user "]
        .iter()
        .any(|begin| rest.starts_with(begin));
    if let (true, Some((_, what))) = (is_denial, rest.split_once(" has no permissions to ")) {
        let what = match what {
            "access one of the keys used as arguments" => "No permissions to access a key".into(),
            "access one of the channels used as arguments" => {
                "No permissions to access a channel".into()
            }
            what => format!("User has no permissions to {what}"),
        };
        *text = format!("{code}{what}").into_bytes();
    }
}

/// Hides ages, and what a client looked like. Redis 7.0 has no numbers and times of entries.
pub fn log(frame: &mut Frame) {
    let Frame::Aggregate { items, .. } = frame else {
        return;
    };
    let newer = items
        .iter()
        .position(|item| item.string() == Some(b"entry-id"));
    items.truncate(newer.unwrap_or(items.len()));
    let mut hide = false;
    for item in items {
        if hide {
            *item = Frame::Line {
                tag: b'+',
                text: b"hidden".to_vec(),
            };
        } else {
            log(item);
        }
        hide = !hide && matches!(item.string(), Some(b"age-seconds" | b"client-info"));
    }
}

#[test]
fn runs_of_rules_are_compared_by_what_they_mean() {
    assert_eq!(
        compared(
            "user a ~-x -@all +@list +set +waitaof -get (~b -@all +get)",
            |run| format!("<{}>", run.join(","))
        ),
        "user a ~-x <-@all,+@list,+set,-get> (~b <-@all,+get> )"
    );
}
