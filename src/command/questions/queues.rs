//! QUEUE: lists as queues, and groups of streams.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! The commands about all keys walk over them in steps ([`survey`](crate::store::survey)). Between
//! two steps other threads get the keyspace's lock. If the walk takes longer, this thread's other
//! connections go on on another one. Within an EXEC everything is one step, as it must be.

use std::time::{Duration, Instant};

use super::rows;
use crate::command::pubsub::help;
use crate::command::{Args, Context};
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, integer, map};
use crate::state::hand_over::hand_over;
use crate::store::keys::Keys;
use crate::store::keyspace::{FullKey, Keyspace};
use crate::store::list::List;
use crate::store::survey::{GroupRow, GroupSurvey, QueueRow, QueueSurvey};

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// The default of LIMIT.
const USUAL_ROWS: usize = 50;
/// After this time, the other connections of the thread wait no longer.
const PATIENCE: Duration = Duration::from_millis(5);

/// `QUEUE LIST [LIMIT count]`
pub(crate) fn queue_list(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let mut survey = QueueSurvey::new(limit(args)?);
    walk(context, |keyspace| survey.step(keyspace))?;
    Ok(array(survey.into_rows().into_iter().map(queue_row)))
}

/// `QUEUE GROUPS [LIMIT count]`
pub(crate) fn queue_groups(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let mut survey = GroupSurvey::new(limit(args)?);
    walk(context, |keyspace| survey.step(keyspace))?;
    Ok(array(survey.into_rows().into_iter().map(group_row)))
}

/// `QUEUE INFO key`
pub(crate) fn queue_info(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let key = &args[2];
    let list = match keys.inspect(key) {
        Some(slot) => Some(keys.get::<List>(slot)?),
        None => None,
    };
    let row = keys.keyspace().queue_row(keys.db(), key, list);
    Ok(queue_row(row))
}

/// `QUEUE HELP`
pub(crate) fn queue_help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help(
        "QUEUE",
        &[
            "GROUPS [LIMIT count]",
            "    The groups of streams with the most pending and unread entries: 50, or `count`.",
            "INFO key",
            "    A list as a queue: its length, elements pushed and popped so far, clients that wait,",
            "    and for how many seconds its oldest element has been there.",
            "LIST [LIMIT count]",
            "    The same for the longest lists of all databases: 50, or `count`.",
        ],
    ))
}

fn limit(args: &Args<'_>) -> Result<usize> {
    match args.len() {
        2 => Ok(USUAL_ROWS),
        4 if args[2].eq_ignore_ascii_case(b"limit") => rows("LIMIT", &args[3]),
        _ => Err(CommandError::SYNTAX),
    }
}

/// Calls `step` until it returns `false`, and lets others have the keyspace in between.
///
/// # Errors
/// There are no keys, or a slow script has them.
fn walk(context: &mut Context<'_>, mut step: impl FnMut(&Keyspace) -> bool) -> Result<()> {
    if !context.config.queue.is_on() {
        return Err(CommandError::QUEUE_IS_OFF);
    }
    context.take_keyspace()?;
    let began = Instant::now();
    let mut handed_over = false;
    while step(context.keyspace()) {
        if context.execution.is_alone() {
            context.yield_keyspace();
            if !handed_over && began.elapsed() > PATIENCE {
                handed_over = hand_over();
            }
        }
    }
    Ok(())
}

/// The fields of a key.
fn key_fields(key: FullKey) -> [(&'static str, Reply); 2] {
    [
        ("db", integer(key.db.into())),
        ("key", bulk(Vec::from(key.key))),
    ]
}

fn queue_row(row: QueueRow) -> Reply {
    let oldest = row.oldest.map_or(Reply::Null, |age| integer(age.into()));
    let fields = [
        ("length", integer(row.length as i64)),
        ("pushed", integer(row.pushed as i64)),
        ("popped", integer(row.popped as i64)),
        ("waiting-clients", integer(row.waiting as i64)),
        ("oldest-seconds", oldest),
    ];
    map(key_fields(row.key).into_iter().chain(fields))
}

fn group_row(row: GroupRow) -> Reply {
    let fields = [
        ("group", bulk(Vec::from(row.group))),
        ("consumers", integer(row.consumers as i64)),
        ("pending", integer(row.pending as i64)),
        ("lag", row.lag.map_or(Reply::Null, integer)),
    ];
    map(key_fields(row.key).into_iter().chain(fields))
}
