//! The longest lists and the groups of streams with the most to do, for who asks for them:
//! `/metrics?queues=20`.
//!
//! Layer `http`. It may use `state` and what lies below.
//!
//! They are not shown unasked: to find them, all keys are visited, and the labels are names of keys.
//! So whoever asks needs the right to run QUEUE. The walk is one in steps
//! ([`walk`]).
//!
//! Invariants:
//! - There are at most as many series of a family as were asked for, and no two have the same
//!   labels, although the walk may see a key twice. One such pair, and Prometheus would refuse the
//!   whole scrape.
//! - A key or a group's name that is not UTF-8 has a label of its own, so that it cannot be taken for
//!   another one.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::page::{Label, Page};
use crate::http::answer::Refusal;
use crate::http::walk::walk;
use crate::resp::request::parse_integer;
use crate::state::ServerState;
use crate::store::keyspace::FullKey;
use crate::store::survey::{GroupRow, GroupSurvey, QueueRow, QueueSurvey};

/// The most lists, and the most groups, that can be asked for.
const MOST: usize = 1000;
/// Lists and groups with longer names are left out: each series repeats them.
const MAX_NAME: usize = 512;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Queues {
    lists: Vec<([Label; 2], QueueRow)>,
    groups: Vec<([Label; 3], GroupRow)>,
}

/// How many are asked for.
///
/// # Errors
/// It is no number from 1 to [`MOST`].
pub(super) fn parse(asked: &[u8]) -> Result<usize, Refusal> {
    let number = parse_integer(asked).and_then(|number| usize::try_from(number).ok());
    number
        .filter(|number| (1..=MOST).contains(number))
        .ok_or_else(|| {
            let text = format!("ERR 'queues' should be between 1 and {MOST}");
            Refusal::new(hyper::StatusCode::BAD_REQUEST, text)
        })
}

/// Finds up to `most` lists and groups. There are none while a script has the keyspace for long: the
/// other figures are shown nevertheless.
pub(super) async fn find(state: &Arc<ServerState>, most: usize) -> Queues {
    let lists = walk(state, QueueSurvey::new(most), QueueSurvey::step).await;
    let groups = walk(state, GroupSurvey::new(most), GroupSurvey::step).await;
    match (lists, groups) {
        (Ok(lists), Ok(groups)) => label(lists.into_rows(), groups.into_rows()),
        _ => Queues::default(),
    }
}

fn label(lists: Vec<QueueRow>, groups: Vec<GroupRow>) -> Queues {
    let mut queues = Queues::default();
    let mut known = HashSet::new();
    for row in lists {
        if let Some(key) = name(["key", "key_base64"], &row.key.key) {
            let labels = [db(&row.key), key];
            if known.insert(labels.to_vec()) {
                queues.lists.push((labels, row));
            }
        }
    }
    for row in groups {
        let key = name(["key", "key_base64"], &row.key.key);
        let group = name(["group", "group_base64"], &row.group);
        if let Some((key, group)) = key.zip(group) {
            let labels = [db(&row.key), key, group];
            if known.insert(labels.to_vec()) {
                queues.groups.push((labels, row));
            }
        }
    }
    queues
}

fn db(key: &FullKey) -> Label {
    ("db", format!("db{}", key.db))
}

/// The label of a name: the second one if it is not UTF-8.
fn name([text, base64]: [&'static str; 2], name: &[u8]) -> Option<Label> {
    if name.len() > MAX_NAME {
        return None;
    }
    Some(match std::str::from_utf8(name) {
        Ok(name) => (text, name.to_owned()),
        Err(_) => (base64, STANDARD.encode(name)),
    })
}

/// Writes them.
pub(super) fn write(page: &mut Page<'_>, queues: &Queues) -> fmt::Result {
    let lists = |figure: fn(&QueueRow) -> u64| {
        let lists = queues.lists.iter();
        lists.map(move |(labels, row)| (labels.as_slice(), figure(row)))
    };
    page.labelled_gauges(
        "fanfare_list_length",
        "Elements of one of the longest lists",
        lists(|row| row.length as u64),
    )?;
    page.labelled_counters(
        "fanfare_list_pushed",
        "Elements that were pushed to the list",
        lists(|row| row.pushed),
    )?;
    page.labelled_counters(
        "fanfare_list_popped",
        "Elements that have left the list",
        lists(|row| row.popped),
    )?;
    page.labelled_gauges(
        "fanfare_list_waiting_clients",
        "Clients that wait for an element of the list",
        lists(|row| row.waiting as u64),
    )?;
    page.labelled_gauges(
        "fanfare_list_oldest_seconds",
        "How long the list's oldest element has been in it; 0 if it is empty",
        lists(|row| row.oldest.unwrap_or(0).into()),
    )?;
    let groups = |figure: fn(&GroupRow) -> u64| {
        let groups = queues.groups.iter();
        groups.map(move |(labels, row)| (labels.as_slice(), figure(row)))
    };
    page.labelled_gauges(
        "fanfare_group_pending",
        "Entries that a group has delivered and that are not acknowledged",
        groups(|row| row.pending as u64),
    )?;
    page.labelled_gauges(
        "fanfare_group_consumers",
        "Consumers of a group",
        groups(|row| row.consumers as u64),
    )?;
    let known = queues
        .groups
        .iter()
        .filter_map(|(labels, row)| row.lag.map(|lag| (labels.as_slice(), lag)));
    page.labelled_gauges(
        "fanfare_group_lag",
        "Entries that a group has not read yet, where that is known",
        known,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &[u8], length: usize) -> QueueRow {
        QueueRow {
            key: FullKey {
                db: 3,
                key: key.into(),
            },
            length,
            pushed: 0,
            popped: 0,
            waiting: 0,
            oldest: None,
        }
    }

    #[test]
    fn no_two_series_have_the_same_labels() {
        let long = [b'x'; MAX_NAME + 1];
        let rows = [&b"a"[..], b"\xff", b"/w==", b"a", &long, &long[1..]];
        let rows = rows.iter().zip(0..).map(|(key, length)| row(key, length));
        let found = label(rows.collect(), Vec::new());
        let shown = found.lists.iter().map(|([db, key], row)| {
            assert_eq!(*db, ("db", "db3".to_owned()));
            (key.0, key.1.as_str(), row.length)
        });
        let last = "x".repeat(MAX_NAME);
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                ("key", "a", 0),
                ("key_base64", "/w==", 1),
                ("key", "/w==", 2),
                ("key", last.as_str(), 5)
            ]
        );
    }

    #[test]
    fn only_so_many_can_be_asked_for() {
        assert_eq!(parse(b"1"), Ok(1));
        assert_eq!(parse(b"1000"), Ok(1000));
        for bad in [&b"0"[..], b"1001", b"-1", b"", b"many"] {
            let refusal = parse(bad).expect_err("a bad number");
            assert_eq!(refusal.text, "ERR 'queues' should be between 1 and 1000");
        }
    }
}
