//! MEMORY: the memory of keys and of the server.
//!
//! Layer `command`. It may use `state` and what lies below.

use std::fmt::Write;

use super::info::human;
use super::pubsub::help as help_reply;
use super::{Args, Context};
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, double, integer, map, verbatim};
use crate::resp::request::integer_argument;
use crate::store::keys::Keys;

type Result = std::result::Result<Reply, CommandError>;

/// `MEMORY USAGE key [SAMPLES count]`: the number is exact, so SAMPLES has no effect.
pub(crate) fn usage(keys: &mut Keys<'_>, args: &Args<'_>) -> Result {
    let mut options = args.iter().skip(3);
    while let Some(option) = options.next() {
        let count = options.next().ok_or(CommandError::SYNTAX)?;
        if !option.eq_ignore_ascii_case(b"samples") {
            return Err(CommandError::SYNTAX);
        }
        if integer_argument(count)? < 0 {
            return Err(CommandError::SYNTAX);
        }
    }
    let Some(database) = keys.database() else {
        return Ok(Reply::Null);
    };
    Ok(match database.find(&args[2]) {
        Some(slot) => Reply::Integer(database.entry(slot).memory() as i64),
        None => Reply::Null,
    })
}

/// The memory in use, in bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    /// The resident memory of the process.
    resident: usize,
    /// Keys and values, with their tables.
    data: usize,
    /// All clients.
    clients: usize,
    /// The number of keys.
    keys: usize,
    /// `maxmemory`; 0: no limit.
    limit: u64,
}

impl Use {
    fn of(context: &Context<'_>) -> Use {
        if let Some(keyspace) = &context.keyspace {
            // So that the figures include the commands of this batch.
            keyspace.publish();
        }
        let figures = context.server.keyspace.figures();
        let memory = context.server.memory(figures.used);
        Use {
            resident: memory.resident,
            data: memory.dataset,
            clients: memory.clients,
            keys: figures.databases.iter().map(|(_, keys, _)| keys).sum(),
            limit: context.server.config().maxmemory,
        }
    }

    /// Resident memory beyond keys and clients: the program, and free memory.
    fn rest(&self) -> usize {
        self.resident.saturating_sub(self.data + self.clients)
    }
}

/// `MEMORY STATS`: Redis's figures as far as fanfare has them. Those without meaning for fanfare
/// are 0.
pub(crate) fn stats(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let used = Use::of(context);
    let percentage = 100.0 * used.data as f64 / used.resident.max(1) as f64;
    let bytes = |bytes: usize| integer(bytes as i64);
    Ok(map([
        ("total.allocated", bytes(used.resident)),
        ("replication.backlog", integer(0)),
        ("clients.slaves", integer(0)),
        ("clients.normal", bytes(used.clients)),
        ("cluster.links", integer(0)),
        ("aof.buffer", integer(0)),
        (
            "overhead.total",
            bytes(used.resident.saturating_sub(used.data)),
        ),
        ("keys.count", bytes(used.keys)),
        ("keys.bytes-per-key", bytes(used.data / used.keys.max(1))),
        ("dataset.bytes", bytes(used.data)),
        ("dataset.percentage", double(percentage)),
        ("allocator.resident", bytes(used.resident)),
    ]))
}

/// `MEMORY DOCTOR`
pub(crate) fn doctor(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(verbatim(diagnosis(&Use::of(context))))
}

/// The text of MEMORY DOCTOR: what is unusual, and what can be done about it.
fn diagnosis(used: &Use) -> String {
    /// Less than this is never mentioned.
    const MUCH: usize = 64 * 1024 * 1024;
    let mut text = format!(
        "The process takes {}: keys and values {}, connections {}, the rest {}.\n",
        human(used.resident),
        human(used.data),
        human(used.clients),
        human(used.rest())
    );
    let begin = text.len();
    if used.limit > 0 && used.data as u64 > used.limit / 10 * 9 {
        let _ = writeln!(
            text,
            "- Keys and values take more than nine tenths of maxmemory ({}). Past it, writes are \
             refused. Raise it, or let keys expire.",
            human(used.limit as usize)
        );
    }
    if used.limit == 0 && used.data > MUCH {
        text.push_str("- maxmemory is not set: keys may take all of the machine's memory.\n");
    }
    if used.clients > MUCH && used.clients > used.data {
        text.push_str(
            "- Connections hold more than keys do. CLIENT LIST shows whose (tot-mem), and \
             maxmemory-clients bounds it.\n",
        );
    }
    if used.rest() > MUCH && used.rest() > used.resident / 2 {
        text.push_str(
            "- Most of the memory is free inside the process, after much was deleted. It is used \
             again before the process takes more.\n",
        );
    }
    if text.len() == begin {
        text.push_str("Nothing stands out.\n");
    }
    text
}

/// `MEMORY HELP`
pub(crate) fn help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help_reply(
        "MEMORY",
        &[
            "DOCTOR",
            "    What memory is used for, in words, and what stands out.",
            "STATS",
            "    What memory is used for, in figures.",
            "USAGE key [SAMPLES count]",
            "    The bytes that a key and its value take. All of a value is counted, so that SAMPLES",
            "    changes nothing.",
        ],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: usize = 1024 * 1024;

    #[test]
    fn what_stands_out_is_named() {
        let fine = Use {
            resident: 20 * MB,
            data: MB,
            ..Use::default()
        };
        let full = Use {
            limit: 100,
            data: 95,
            ..Use::default()
        };
        let unbounded = Use {
            resident: 200 * MB,
            data: 150 * MB,
            ..Use::default()
        };
        let clients = Use {
            resident: 200 * MB,
            clients: 150 * MB,
            ..Use::default()
        };
        let free = Use {
            resident: 200 * MB,
            ..Use::default()
        };
        for (used, said) in [
            (fine, "Nothing stands out."),
            (full, "nine tenths of maxmemory (100B)"),
            (unbounded, "maxmemory is not set"),
            (clients, "Connections hold more"),
            (free, "free inside the process"),
        ] {
            let text = diagnosis(&used);
            assert!(text.contains(said), "{text}");
            assert_eq!(text.lines().count(), 2, "{text}");
        }
        assert!(diagnosis(&clients).starts_with(
            "The process takes 200.00M: keys and values 0B, connections 150.00M, the rest 50.00M.\n"
        ));
    }
}
