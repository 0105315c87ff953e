//! LATENCY: the samples of the latency monitor, and the histograms of commands.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::pubsub::help as help_reply;
use super::{Args, Context};
use crate::catalog::{CATALOG, Command};
use crate::observe::latency::now;
use crate::observe::latency_report;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, integer, map, verbatim};

type Result = std::result::Result<Reply, CommandError>;

/// `LATENCY DOCTOR`
pub(crate) fn doctor(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let all = context.server.latency.all();
    Ok(verbatim(latency_report::doctor(
        &all,
        context.config,
        now(),
    )))
}

/// `LATENCY GRAPH event`
pub(crate) fn graph(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let Some((event, series)) = context.server.latency.get(&args[2]) else {
        return Err(CommandError::Quoting {
            before: "ERR No samples available for event '",
            quoted: args[2].to_vec(),
            after: "'".into(),
        });
    };
    Ok(verbatim(latency_report::graph(event, &series, now())))
}

/// `LATENCY HISTORY event`
pub(crate) fn history(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let found = context.server.latency.get(&args[2]);
    let samples = found.map(|(_, series)| series.samples).unwrap_or_default();
    let pairs = samples
        .into_iter()
        .map(|sample| array([integer(sample.time as i64), integer(sample.latency as i64)]));
    Ok(array(pairs))
}

/// `LATENCY LATEST`
pub(crate) fn latest(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let all = context.server.latency.all().into_iter();
    let events = all.filter_map(|(event, series)| {
        let last = series.samples.back()?;
        Some(array([
            bulk(event),
            integer(last.time as i64),
            integer(last.latency as i64),
            integer(series.max as i64),
        ]))
    });
    Ok(array(events))
}

/// `LATENCY RESET [event ...]`: answers how many events were reset.
pub(crate) fn reset(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let names: Vec<&[u8]> = args.iter().skip(2).collect();
    let forgotten = context.server.latency.reset(names.into_iter());
    Ok(Reply::Integer(forgotten as i64))
}

/// `LATENCY HISTOGRAM [command ...]`: omits commands that were never run. A container stands for
/// all of its subcommands.
pub(crate) fn histogram(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    // So that the counts include the commands of this batch.
    context.batch_stats.commit(&context.server.stats);
    let entries: Vec<&Command> = if args.len() == 2 {
        CATALOG.commands_and_subcommands().collect()
    } else {
        let named = args
            .iter()
            .skip(2)
            .filter_map(|name| CATALOG.find_full(name));
        named
            .flat_map(|command| std::iter::once(command).chain(&command.subcommands))
            .collect()
    };
    let by_command = &context.server.stats.by_command;
    let pairs = entries.into_iter().filter_map(|command| {
        let (calls, steps) = by_command[usize::from(command.id)]
            .latencies
            .distribution()?;
        let steps = steps
            .into_iter()
            .map(|(time, count)| (integer(time as i64), integer(count as i64)));
        let about = map([
            ("calls", integer(calls as i64)),
            ("histogram_usec", map(steps)),
        ]);
        Some((bulk(command.full_name.clone()), about))
    });
    Ok(map(pairs))
}

/// `LATENCY HELP`
pub(crate) fn help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help_reply(
        "LATENCY",
        &[
            "DOCTOR",
            "    What the samples say, in words, and what can be done about it.",
            "GRAPH event",
            "    The samples of an event, drawn with letters.",
            "HISTOGRAM [command ...]",
            "    How many runs took how long, of these commands or of all.",
            "HISTORY event",
            "    The samples of an event, each with its time.",
            "LATEST",
            "    The latest sample of each event, and the longest.",
            "RESET [event ...]",
            "    Forget the samples of these events, or of all.",
        ],
    ))
}
