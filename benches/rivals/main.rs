//! fanfare against its rivals, in one command: `cargo bench --bench rivals`.
//!
//! ```text
//!  arguments → rivals ─┐
//!  loads ──────────────┴▶ for each round, for each load: each rival in turn ─▶ report
//! ```
//!
//! Invariants: a server is started for one measurement and runs alone; the rivals take turns within
//! a load, in an order that rotates with the rounds, so that what else happens on the machine meets
//! all of them; a delivery that is wrong is a failure of its server, which is reported and ends only
//! that measurement.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use arguments::Arguments;
use load::Load;
use report::{Earlier, FANFARE, FLOOR, Run};
use results::Figure;
use rival::Rival;

mod arguments;
mod audience;
mod channels;
mod collections;
mod contents;
mod edges;
mod expected;
mod fanout;
mod floor;
mod idle;
mod info;
mod isolation;
mod latency;
mod link;
mod load;
mod meter;
mod net;
mod nobody;
mod noise;
mod open_loop;
mod patterns;
mod picture;
mod pipeline;
mod queue;
mod relay;
mod report;
mod results;
mod rival;
mod scripts;
mod sink;
mod sizes;
mod slower;
mod sorted_sets;
mod startup;
mod storm;
mod stream;
mod streams;
mod strings;
mod stuck;
mod subscribe;
mod transport;
mod values;
mod ways;
mod wire;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse()?;
    let loads = arguments.choose(loads(&arguments.rivals))?;
    if arguments.list {
        for load in &loads {
            println!("{:40} {}: {}", load.id, load.group, load.title);
        }
        return Ok(ExitCode::SUCCESS);
    }
    arguments.check_installed()?;
    raise_descriptor_limit()?;
    // Before they are replaced. What is small is not compared with what is large.
    let earlier = match arguments.options.quick {
        true => None,
        false => Earlier::committed()?,
    };
    let mut run = Run::new(
        &arguments.rivals,
        loads,
        arguments.rounds,
        arguments.options,
        earlier,
    );
    measure(&arguments, &mut run)?;
    println!("{}", run.table());
    if let Some(directory) = &arguments.out {
        run.write(directory)?;
        println!("Written to {}", directory.display());
    }
    let fanfare = run
        .results
        .cells
        .values()
        .filter_map(|cells| cells.get(FANFARE));
    let failures: usize = fanfare.map(|cell| cell.failures.len()).sum();
    Ok(ExitCode::from(u8::from(failures > 0)))
}

/// Every load, in the order of the tables.
fn loads(rivals: &[Rival]) -> Vec<Load> {
    [
        fanout::loads(),
        latency::loads(),
        patterns::loads(),
        channels::loads(),
        nobody::loads(),
        stuck::loads(),
        strings::loads(),
        queue::loads(),
        collections::loads(),
        sorted_sets::loads(),
        scripts::loads(),
        streams::loads(),
        sizes::loads(),
        ways::loads(),
        storm::loads(),
        edges::loads(rivals),
        isolation::loads(),
        info::loads(),
        startup::loads(),
        idle::loads(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn measure(arguments: &Arguments, run: &mut Run) -> Result<()> {
    let Run { loads, results, .. } = run;
    let cells = loads.iter().flat_map(|load| {
        let names = arguments.rivals.iter().map(|rival| rival.name.as_str());
        let floor = load.floor.as_ref().map(|_| FLOOR);
        let names = names.chain(floor);
        names.map(|name| load.rounds(arguments.rounds, name))
    });
    let cells: usize = cells.sum();
    let bar = ProgressBar::new(cells as u64).with_style(ProgressStyle::with_template(
        "{elapsed_precise} {wide_bar} {pos}/{len}, {eta} left, {msg}",
    )?);
    let mut rivals = arguments.rivals.clone();
    for round in 0..arguments.rounds {
        for load in loads.iter() {
            let is_due = |server: &str| round < load.rounds(arguments.rounds, server);
            let mut add = |server: &str, measure: &dyn Fn() -> Result<Vec<Figure>>| {
                bar.set_message(format!("{} {server}", load.id));
                // The whole chain of causes, on one line.
                let outcome = measure().map_err(|error| format!("{error:#}"));
                if let Err(reason) = &outcome {
                    bar.suspend(|| eprintln!("{} {server}: {reason}", load.id));
                }
                results.add(&load.id, server, outcome);
                bar.inc(1);
            };
            for rival in rivals.iter().filter(|rival| is_due(&rival.name)) {
                add(&rival.name, &|| (load.measure)(rival, arguments.options));
            }
            if let Some(floor) = load.floor.as_ref().filter(|_| is_due(FLOOR)) {
                add(FLOOR, &|| floor(arguments.options));
            }
        }
        rivals.rotate_left(1);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Ten thousand subscribers are as many descriptors, here and in the servers, which inherit it.
fn raise_descriptor_limit() -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("the limit of descriptors")
}
